/* kindred delete: takes images out, by instance, series, study or patient. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "json_record.h"
#include "target.h"
#include "text.h"

struct options {
    char **uids; /* into argv */
    size_t count;
    bool json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    (void)arg;
    switch (key) {
    case KIN_KEY_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARGS:
        options->uids = state->argv + state->next;
        options->count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which images? Name UIDs or patients");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"json", KIN_KEY_JSON, NULL, 0, "Print what was deleted as JSON", 0}, {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "UID...",
    .doc = "Takes out all images of each SOP instance, series or study UID, or patient id.  They "
           "never appear again, nor do regions of theirs; nothing is asked first.  The UID of an "
           "object that marks regions (SEG, RTSTRUCT, SR) stands for those regions."
           "\vExamples:\n"
           "  kindred delete 2.25.151517181\n"
           "  kindred delete --json PATIENT-7 PATIENT-8\n"
           "\n"
           "Exit status 1 when a UID was not found.",
};

/* What was deleted. */
struct total {
    uint64_t images, regions;
};

/* "3 images and 2 regions of " */
static void print_total(const struct total *total)
{
    if (total->images > 0 || total->regions == 0)
        printf("%" PRIu64 " image%s", total->images, total->images == 1 ? "" : "s");
    if (total->regions > 0)
        printf("%s%" PRIu64 " region%s", total->images > 0 ? " and " : "", total->regions,
               total->regions == 1 ? "" : "s");
    fputs(" of ", stdout);
}

/* Deletes one UID's images and says so, on standard output or in `list`. */
static kin_status delete_one(kin_target *target, const char *uid, json_t *list, struct total *total)
{
    kin_error err = {0};
    struct total removed = {0};
    if (target->ops->remove(target, uid, &removed.images, &removed.regions, &err) != KIN_OK) {
        kin_error_name(&err, uid);
        kin_cli_error(&err);
        if (err.code != KIN_E_NOT_FOUND)
            return err.code;
    } else if (list == NULL) {
        print_total(&removed);
        kin_text_put(stdout, uid);
        puts(" deleted");
    }
    if (list != NULL)
        json_array_append_new(list, json_pack("{s:o, s:I, s:I}", "uid", kin_json_text(uid),
                                              "images", (json_int_t)removed.images, "regions",
                                              (json_int_t)removed.regions));
    total->images += removed.images;
    total->regions += removed.regions;
    return err.code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_target *target;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_target_open(cli, false, &target);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    json_t *list = options.json ? json_array() : NULL;
    struct total total = {0};
    for (size_t i = 0; i < options.count && exit_code != KIN_EXIT_ARCHIVE; i++) {
        kin_status status = delete_one(target, options.uids[i], list, &total);
        if (status != KIN_OK)
            exit_code = kin_cli_exit_code(status);
    }
    kin_target_close(target);
    if (options.json)
        exit_code =
            kin_cli_print_json(json_pack("{s:I, s:I, s:o}", "images", (json_int_t)total.images,
                                         "regions", (json_int_t)total.regions, "deleted", list),
                               exit_code);
    return exit_code;
}

const kin_command kin_command_delete = {
    "delete", "take out images of an instance, series, study or patient", run};
