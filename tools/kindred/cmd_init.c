/* kindred init: an empty archive. */
#include <stdio.h>

#include "commands.h"
#include "text.h"

enum { DIM_MAX = 4096 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    kin_archive_settings *settings = state->input;
    switch (key) {
    case 'd':
        settings->dim = (size_t)kin_cli_long(state, "--dim", arg, 1, DIM_MAX);
        return 0;
    case 'v':
        settings->codec = arg;
        return 0;
    case 'f':
        settings->features = arg;
        return 0;
    case ARGP_KEY_ARG:
        return kin_cli_no_argument(state, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"dim", 'd', "N", 0, "Dimensions of the embedding (default 256)", 0},
    {"vectors", 'v', "CODEC", 0,
     "How embeddings are kept: fp32 (the default), fp16 (half the size) or int8 (about a quarter; "
     "ranks are those of the rounded vectors)",
     0},
    {"features", 'f', "SPEC", 0,
     "What describes images: names of families, `classic' for all of the usual ones (the default), "
     "`net:FOLDER' for a network, separated by spaces",
     0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Makes an empty archive.  `kindred ingest' does so too when there is none."
           "\vExamples:\n"
           "  kindred init\n"
           "  kindred -a /srv/archive init --dim 128 --vectors fp16\n"
           "  kindred init --features 'classic net:/srv/networks/brain'",
};

static int run(kin_cli *cli, int argc, char **argv)
{
    kin_archive_settings settings = {0};
    kin_error err = {0};
    kin_cli_parse(cli, &argp, argc, argv, &settings);
    kin_cli_need_folder(cli);
    if (kin_archive_init(kin_fs_posix(), cli->archive, &settings, &err) != KIN_OK) {
        kin_error_name(&err, cli->archive);
        kin_cli_error(&err);
        return err.code == KIN_E_ARG ? KIN_EXIT_USAGE : KIN_EXIT_ARCHIVE;
    }
    fputs("made an empty archive in ", stdout);
    kin_text_put(stdout, cli->archive);
    fputc('\n', stdout);
    return KIN_EXIT_DONE;
}

const kin_command kin_command_init = {"init", "make an empty archive", run};
