/* kindred verify: is the archive sound? */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "json_record.h"
#include "text.h"

struct options {
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    (void)arg;
    if (key != KIN_KEY_JSON)
        return ARGP_ERR_UNKNOWN;
    options->json = true;
    return 0;
}

static const struct argp_option option_list[] = {
    {"json", KIN_KEY_JSON, NULL, 0, "Print the result as JSON", 0}, {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Checks every checksum and every cross-reference of the archive and names each fault."
           "\vExamples:\n"
           "  kindred verify\n"
           "  kindred verify --json | jq .faults\n"
           "\n"
           "Exit status 1 when there are faults.  Search indexes are derived: `kindred reindex' "
           "makes them anew.",
};

static void print_fault(void *ctx, const char *text)
{
    json_t *list = ctx;
    if (list != NULL) {
        json_array_append_new(list, kin_json_text(text));
        return;
    }
    fputs("fault: ", stdout);
    kin_text_put(stdout, text);
    fputc('\n', stdout);
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_error err = {0};
    kin_archive *archive;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_cli_open(cli, &archive);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    json_t *list = options.json ? json_array() : NULL;
    uint64_t faults = 0, images = 0;
    kin_status status = kin_archive_verify(archive, print_fault, list, &faults, &images, &err);
    kin_archive_close(archive);
    if (status != KIN_OK) {
        json_decref(list);
        kin_error_name(&err, cli->archive);
        return kin_cli_fail(&err);
    }
    exit_code = faults == 0 ? KIN_EXIT_DONE : KIN_EXIT_FAILED;
    if (options.json)
        return kin_cli_print_json(json_pack("{s:b, s:I, s:o}", "sound", faults == 0, "images",
                                            (json_int_t)images, "faults", list),
                                  exit_code);
    if (faults == 0)
        printf("sound: %" PRIu64 " image%s\n", images, images == 1 ? "" : "s");
    else
        printf("unsound: %" PRIu64 " fault%s, %" PRIu64 " image%s\n", faults,
               faults == 1 ? "" : "s", images, images == 1 ? "" : "s");
    return exit_code;
}

const kin_command kin_command_verify = {"verify", "check every checksum and cross-reference", run};
