/* kindred export: every record, as CSV or NDJSON. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "condition_option.h"
#include "csv_export.h"
#include "json_record.h"
#include "table.h"

struct options {
    const char *where, *output;
    bool ndjson;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'f':
        options->ndjson = strcmp(arg, "ndjson") == 0;
        if (!options->ndjson && strcmp(arg, "csv") != 0)
            argp_error(state, "--format is csv or ndjson");
        return 0;
    case KIN_KEY_JSON:
        options->ndjson = true;
        return 0;
    case 'w':
        options->where = arg;
        return 0;
    case 'o':
        options->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        return kin_cli_no_argument(state, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"format", 'f', "FORMAT", 0, "csv (the default) or ndjson, a JSON object a line", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "The same as --format ndjson", 0},
    {"where", 'w', "CONDITION", 0, "Only images that meet it", 0},
    {"output", 'o', "FILE", 0, "Write to FILE instead of standard output", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Writes what is known of every image: CSV (RFC 4180) with a column for each attribute "
           "and label, or NDJSON. "
           "Values are written as they are: take care when a spreadsheet opens them, one that "
           "starts with `=' "
           "is a formula to it."
           "\vExamples:\n"
           "  kindred export -o archive.csv\n"
           "  kindred export --format ndjson --where 'modality = CT' | jq .path",
};

struct writing {
    FILE *out;
    size_t flags; /* of jansson */
    bool no_memory;
};

static int write_object(void *ctx, const kin_record *record)
{
    struct writing *writing = ctx;
    json_t *object = kin_json_record(record);
    writing->no_memory = object == NULL;
    if (writing->no_memory)
        return -1;
    json_dumpf(object, writing->out, writing->flags);
    json_decref(object);
    fputc('\n', writing->out);
    return ferror(writing->out);
}

static kin_status export_ndjson(kin_archive *archive, const kin_condition *where, FILE *out,
                                kin_error *err)
{
    /* on a terminal nothing may steer it: escapes are the same JSON */
    size_t ascii = kin_terminal_width(out) > 0 ? JSON_ENSURE_ASCII : 0;
    struct writing writing = {.out = out, .flags = JSON_COMPACT | ascii};
    kin_status status = kin_archive_each_record(archive, where, write_object, &writing, err);
    return writing.no_memory ? kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a record") : status;
}

/* Where the export goes: the file, or standard output. */
static FILE *open_output(const struct options *options)
{
    if (options->output == NULL)
        return stdout;
    FILE *out = fopen(options->output, "we");
    if (out == NULL)
        kin_cli_message(options->output, "cannot write: %s", strerror(errno));
    return out;
}

/* Closes what open_output() opened; false, and a message, when not all could be written. */
static bool close_output(const struct options *options, FILE *out)
{
    errno = 0;
    bool failed = fflush(out) != 0 || ferror(out);
    int number = errno != 0 ? errno : EIO;
    if (out != stdout && fclose(out) != 0 && !failed) {
        failed = true;
        number = errno;
    }
    if (failed)
        kin_cli_message(options->output, "cannot write the export: %s", strerror(number));
    return !failed;
}

static int export(const kin_cli *cli, kin_archive *archive, const kin_condition *where,
                  const struct options *options)
{
    kin_error err = {0};
    FILE *out = open_output(options);
    if (out == NULL)
        return KIN_EXIT_FAILED;
    kin_status status = options->ndjson ? export_ndjson(archive, where, out, &err)
                                        : kin_csv_export(archive, where, out, &err);
    int exit_code = KIN_EXIT_DONE;
    if (status != KIN_OK) {
        kin_error_name(&err, cli->archive);
        kin_cli_error(&err);
        exit_code = status == KIN_E_BUSY || status == KIN_E_NOMEM ? KIN_EXIT_FAILED
                                                                  : kin_cli_exit_code(status);
    }
    if (!close_output(options, out) && exit_code == KIN_EXIT_DONE)
        exit_code = KIN_EXIT_FAILED;
    return exit_code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_archive *archive = NULL;
    kin_condition *where = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_condition_option(options.where, &where);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = kin_cli_open(cli, &archive);
    if (exit_code == KIN_EXIT_DONE) {
        kin_condition_warn(archive, where);
        exit_code = export(cli, archive, where, &options);
    }
    kin_archive_close(archive);
    kin_condition_free(where);
    return exit_code;
}

const kin_command kin_command_export = {"export",
                                        "write what is known of every image as CSV or NDJSON", run};
