/* kindred show: all that is known of an image, or of those of a series, study or patient. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "attributes.h"
#include "commands.h"
#include "json_record.h"
#include "table.h"
#include "target.h"
#include "text.h"

enum { SHOWN_BY_DEFAULT = 1000, SHOWN_MAX = 1000000 };

struct options {
    const char *uid;
    size_t max;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KIN_KEY_JSON:
        options->json = true;
        return 0;
    case 'n':
        options->max = (size_t)kin_cli_long(state, "--max", arg, 1, SHOWN_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (options->uid != NULL)
            argp_error(state, "one UID, please");
        options->uid = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which UID?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"json", KIN_KEY_JSON, NULL, 0, "Print as JSON", 0},
    {"max", 'n', "N", 0, "Show at most N images (default 1000)", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "UID",
    .doc = "Shows all that is known of the images of a SOP instance, series or study UID, or of a "
           "patient id, and of their regions; or of the regions that the object of a UID (SEG, "
           "RTSTRUCT, SR) marks."
           "\vExamples:\n"
           "  kindred show 2.25.151517181\n"
           "  kindred show --json PATIENT-7 | jq '.images[].path'",
};

static const char *const level_names[] = {[KIN_LEVEL_IMAGE] = "instance",
                                          [KIN_LEVEL_SERIES] = "series",
                                          [KIN_LEVEL_STUDY] = "study",
                                          [KIN_LEVEL_PATIENT] = "patient",
                                          [KIN_LEVEL_REGION] = "region"};

/* Prints a record as "name  value" lines: attributes that are known, then labels. */
static bool print_record(const kin_record *record)
{
    static const kin_column columns[] = {{.kind = KIN_COLUMN_NAME}, {.kind = KIN_COLUMN_NAME}};
    kin_table *table = kin_table_new(columns, 2);
    size_t count;
    const kin_attribute *attributes = kin_attributes(&count);
    for (size_t i = 0; i < count; i++) {
        char scratch[KIN_ATTRIBUTE_SCRATCH];
        const char *value = kin_attribute_text(&attributes[i], record, scratch);
        if (value[0] == '\0')
            continue;
        kin_table_cell(table, attributes[i].name);
        kin_table_cell(table, value);
    }
    for (size_t i = 0; i < record->label_count; i++) {
        kin_table_cell(table, record->labels[i].name);
        kin_table_cell(table, record->labels[i].value);
    }
    bool ok = kin_table_print(table, stdout, 0);
    kin_table_free(table);
    return ok;
}

/* ": 3 images, 2 regions" */
static void print_counts(const kin_record *records, size_t count)
{
    size_t regions = 0;
    for (size_t i = 0; i < count; i++)
        regions += records[i].region > 0;
    size_t images = count - regions;
    fputs(": ", stdout);
    if (images > 0 || regions == 0)
        printf("%zu image%s%s", images, images == 1 ? "" : "s", regions > 0 ? ", " : "");
    if (regions > 0)
        printf("%zu region%s", regions, regions == 1 ? "" : "s");
}

static int print_text(const struct options *options, kin_level level, const kin_record *records,
                      size_t count, bool more)
{
    fputs(level_names[level], stdout);
    fputc(' ', stdout);
    kin_text_put(stdout, options->uid);
    print_counts(records, count);
    puts(more ? ", and more" : "");
    for (size_t i = 0; i < count; i++) {
        fputc('\n', stdout);
        if (!print_record(&records[i]))
            return kin_cli_no_memory();
    }
    if (more)
        kin_cli_message(options->uid, "only the first %zu images are shown (--max)", count);
    return KIN_EXIT_DONE;
}

static int print_json(const struct options *options, kin_level level, const kin_record *records,
                      size_t count, bool more)
{
    json_t *images = json_array();
    for (size_t i = 0; images != NULL && i < count; i++)
        if (json_array_append_new(images, kin_json_record(&records[i])) != 0) {
            json_decref(images);
            images = NULL;
        }
    return kin_cli_print_json(json_pack("{s:o, s:s, s:b, s:o}", "uid", kin_json_text(options->uid),
                                        "level", level_names[level], "complete", !more, "images",
                                        images),
                              KIN_EXIT_DONE);
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {.max = SHOWN_BY_DEFAULT};
    kin_error err = {0};
    kin_target *target;
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level;
    bool more = false;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_target_open(cli, false, &target);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    if (target->ops->find(target, options.uid, options.max, &records, &count, &level, &more,
                          &err) != KIN_OK) {
        kin_error_name(&err, options.uid);
        exit_code = kin_cli_fail(&err);
    } else {
        exit_code = options.json ? print_json(&options, level, records, count, more)
                                 : print_text(&options, level, records, count, more);
    }
    kin_records_free(records, count);
    kin_target_close(target);
    return exit_code;
}

const kin_command kin_command_show = {
    "show", "show all that is known of an image, series, study or patient", run};
