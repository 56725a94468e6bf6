/* kindred eval: how good retrieval is on images whose class is known. */
#include <stdbool.h>
#include <stdio.h>

#include "archive/eval.h"
#include "commands.h"
#include "eval_report.h"

enum { BOOTSTRAP_MAX = 1000000, JOBS_MAX = 256 };

struct options {
    const char *manifest, *queries;
    kin_eval_options eval;
    bool json;
};

enum { KEY_QUERIES = 256, KEY_LEAVE_OUT, KEY_BOOTSTRAP, KEY_SEED };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'm':
        options->manifest = arg;
        return 0;
    case KEY_QUERIES:
        options->queries = arg;
        return 0;
    case 'l':
        options->eval.label = arg;
        return 0;
    case KEY_LEAVE_OUT:
        options->eval.leave_out = arg;
        return 0;
    case KEY_BOOTSTRAP:
        options->eval.bootstrap = (size_t)kin_cli_long(state, "--bootstrap", arg, 1, BOOTSTRAP_MAX);
        return 0;
    case KEY_SEED:
        options->eval.seed = (uint64_t)kin_cli_long(state, "--seed", arg, 1, 0x7fffffffffffffffL);
        return 0;
    case 'j':
        options->eval.threads = (int)kin_cli_long(state, "--jobs", arg, 1, JOBS_MAX);
        return 0;
    case KIN_KEY_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        return kin_cli_no_argument(state, arg);
    case ARGP_KEY_END:
        if (options->manifest == NULL)
            argp_error(state, "which images? Name their manifest (--manifest CSV)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"manifest", 'm', "CSV", 0, "The images and their classes; those that are stored are ranked",
     0},
    {"queries", KEY_QUERIES, "CSV", 0, "Images to ask for (default: every one of the manifest)", 0},
    {"label", 'l', "COLUMN", 0, "Column that says what is relevant (default diagnosis)", 0},
    {"leave-out", KEY_LEAVE_OUT, "COLUMN", 0,
     "Leave out of a query's ranking all images that share its value of this column, as patient_id",
     0},
    {"bootstrap", KEY_BOOTSTRAP, "N", 0, "Resamples for the intervals (default 1000)", 0},
    {"seed", KEY_SEED, "N", 0, "Seed of the resampling (default fixed)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: one per processor)", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print as JSON", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "--manifest CSV",
    .doc = "Asks for each image of the manifest in turn and measures how many of the most similar "
           "others have its "
           "class.  The image itself and its duplicates are left out."
           "\vP@n: share of relevant images among the first n.  mMV@5: share of queries whose "
           "first 5 have their "
           "class by majority.  mAP: mean average precision.  nDCG@10: normalised discounted "
           "cumulative "
           "gain.  Intervals: 95%, by bootstrap.\n"
           "\n"
           "Examples:\n"
           "  kindred eval --manifest scans/manifest.csv\n"
           "  kindred eval --manifest tiles.csv --leave-out patient_id --json",
};

/* Reads a manifest; prints why it cannot and returns the exit code. */
static int read_manifest(const char *path, kin_manifest **out)
{
    kin_error err = {0};
    *out = NULL;
    if (path == NULL || kin_manifest_read(path, out, &err) == KIN_OK)
        return KIN_EXIT_DONE;
    kin_error_name(&err, path);
    kin_cli_error(&err);
    return KIN_EXIT_FAILED;
}

static int evaluate(kin_archive *archive, const kin_manifest *manifest,
                    const struct options *options)
{
    kin_error err = {0};
    kin_eval_report report = {0};
    int exit_code = KIN_EXIT_DONE;
    if (kin_eval(archive, manifest, &options->eval, &report, &err) != KIN_OK) {
        kin_error_name(&err, options->manifest);
        exit_code = kin_cli_fail(&err);
    } else if (options->json) {
        exit_code =
            kin_cli_print_json(kin_eval_report_json(&report, &options->eval), KIN_EXIT_DONE);
    } else if (!kin_eval_report_print(&report)) {
        exit_code = kin_cli_no_memory();
    }
    kin_eval_report_release(&report);
    return exit_code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_archive *archive = NULL;
    kin_manifest *manifest = NULL, *queries = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = read_manifest(options.manifest, &manifest);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = read_manifest(options.queries, &queries);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = kin_cli_open(cli, &archive);
    if (exit_code == KIN_EXIT_DONE) {
        options.eval.queries = queries;
        exit_code = evaluate(archive, manifest, &options);
    }
    kin_archive_close(archive);
    kin_manifest_free(queries);
    kin_manifest_free(manifest);
    return exit_code;
}

const kin_command kin_command_eval = {"eval", "measure the quality of retrieval on known images",
                                      run};
