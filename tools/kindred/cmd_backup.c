/* kindred backup: a consistent copy while others write. */
#include <stdio.h>

#include "commands.h"
#include "text.h"

struct options {
    const char *dest;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        if (options->dest != NULL)
            argp_error(state, "one folder, please");
        options->dest = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which folder should hold the copy?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "DIR",
    .doc = "Copies a consistent archive into DIR, which must be absent or empty.  Others may "
           "ingest and search "
           "meanwhile.  The copy is an archive of its own."
           "\vExamples:\n"
           "  kindred backup /mnt/backup/archive-$(date +%F)\n"
           "  kindred -a /mnt/backup/archive-2026-05-04 verify",
};

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_error err = {0};
    kin_archive *archive;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_cli_open(cli, &archive);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    kin_status status = kin_archive_backup(archive, options.dest, &err);
    kin_archive_close(archive);
    if (status != KIN_OK) {
        kin_error_name(&err, options.dest);
        kin_cli_error(&err);
        /* a destination that cannot be written says nothing against the archive */
        return status == KIN_E_CORRUPT ? KIN_EXIT_ARCHIVE : KIN_EXIT_FAILED;
    }
    fputs("copied the archive into ", stdout);
    kin_text_put(stdout, options.dest);
    fputc('\n', stdout);
    return KIN_EXIT_DONE;
}

const kin_command kin_command_backup = {"backup", "copy a consistent archive while others write",
                                        run};
