/* kindred eval: how good retrieval is on images whose class is known. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/eval.h"
#include "commands.h"
#include "eval_report.h"
#include "interrupt.h"
#include "progress.h"

enum { BOOTSTRAP_MAX = 1000000, JOBS_MAX = 256, SHEET_ROWS_MAX = 200 };

struct options {
    const char *manifest, *queries;
    kin_eval_options eval;
    kin_eval_model models[KIN_EVAL_MODELS_MAX];
    char *names; /* of models, cut into pieces */
    bool json;
};

enum {
    KEY_QUERIES = 256,
    KEY_LEAVE_OUT,
    KEY_BOOTSTRAP,
    KEY_SEED,
    KEY_FOLDS,
    KEY_GRADE,
    KEY_KEEP_NEAR,
    KEY_SHEET,
    KEY_SHEET_ROWS
};

static void add_model(struct options *options, const char *name, const struct argp_state *state)
{
    if (!kin_eval_is_model(name))
        argp_error(state, "--model is one or more of serving, bootstrap, pca, learnt, or all");
    for (size_t i = 0; i < options->eval.model_count; i++)
        if (strcmp(options->models[i].model, name) == 0)
            return;
    options->models[options->eval.model_count++] = (kin_eval_model){.model = name};
    options->eval.models = options->models;
}

static void parse_models(struct options *options, const char *list, const struct argp_state *state)
{
    char *rest = NULL;
    free(options->names);
    options->eval.model_count = 0;
    options->names = strdup(strcmp(list, "all") == 0 ? "learnt,pca,serving,bootstrap" : list);
    if (options->names == NULL)
        argp_failure(state, KIN_EXIT_FAILED, 0, "out of memory");
    for (char *name = strtok_r(options->names, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest))
        add_model(options, name, state);
    if (options->eval.model_count == 0)
        argp_error(state, "--model names none");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    kin_eval_options *eval = &options->eval;
    switch (key) {
    case 'm':
        options->manifest = arg;
        return 0;
    case KEY_QUERIES:
        options->queries = arg;
        return 0;
    case 'M':
        parse_models(options, arg, state);
        return 0;
    case 'l':
        eval->label = arg;
        return 0;
    case 'f':
        eval->features = arg;
        return 0;
    case KEY_FOLDS:
        eval->folds = (int)kin_cli_long(state, "--folds", arg, 1, KIN_EVAL_FOLDS_MAX);
        return 0;
    case KEY_GRADE:
        eval->grade = arg;
        return 0;
    case KEY_LEAVE_OUT:
        eval->leave_out = arg;
        return 0;
    case KEY_KEEP_NEAR:
        eval->keep_near = true;
        return 0;
    case KEY_BOOTSTRAP:
        eval->bootstrap = (size_t)kin_cli_long(state, "--bootstrap", arg, 1, BOOTSTRAP_MAX);
        return 0;
    case KEY_SEED:
        eval->seed = (uint64_t)kin_cli_long(state, "--seed", arg, 1, 0x7fffffffffffffffL);
        return 0;
    case KEY_SHEET:
        eval->sheet = arg;
        return 0;
    case KEY_SHEET_ROWS:
        eval->sheet_rows = (int)kin_cli_long(state, "--sheet-rows", arg, 1, SHEET_ROWS_MAX);
        return 0;
    case 'j':
        eval->threads = (int)kin_cli_long(state, "--jobs", arg, 1, JOBS_MAX);
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
    {"manifest", 'm', "CSV", 0, "The images and their classes", 0},
    {"queries", KEY_QUERIES, "CSV", 0,
     "Images to ask for; the manifest's others are ranked (default: every image of the manifest, "
     "in folds)",
     0},
    {"folds", KEY_FOLDS, "N", 0,
     "Without --queries: parts, each of which asks the others (default 5); 1: every image asks all "
     "others, and nothing is learnt",
     0},
    {"model", 'M', "NAMES", 0,
     "One or more, separated by commas, of learnt, pca, serving, bootstrap; or all (default "
     "learnt,pca)",
     0},
    {"label", 'l', "COLUMN", 0, "Column that says what is relevant (default diagnosis)", 0},
    {"grade", KEY_GRADE, "COLUMN", 0,
     "Column whose equal values are half relevant, for nDCG (default grade, where there is one)",
     0},
    {"leave-out", KEY_LEAVE_OUT, "COLUMN", 0,
     "Images that share its value never answer each other: patient_id (the default, where known), "
     "site, scanner; none: only near-duplicates do not",
     0},
    {"keep-near-duplicates", KEY_KEEP_NEAR, NULL, 0,
     "Near-duplicates answer each other, too (flatters)", 0},
    {"features", 'f', "SPEC", 0,
     "Without an archive: what describes the images, as in kindred init", 0},
    {"sheet", KEY_SHEET, "PNG", 0,
     "Write a contact sheet: queries and their ten nearest, right ones green, wrong ones red", 0},
    {"sheet-rows", KEY_SHEET_ROWS, "N", 0, "Queries on it (default 12)", 0},
    {"bootstrap", KEY_BOOTSTRAP, "N", 0, "Resamples for the intervals (default 1000)", 0},
    {"seed", KEY_SEED, "N", 0, "Seed of folds and resampling (default fixed)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: one per processor)", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print as JSON", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "--manifest CSV",
    .doc =
        "Measures how many of the most similar images have a query's class.  Images that the "
        "archive lacks are described on the fly; without an archive all of them are.  A patient's "
        "images never answer each other, nor, where patients are not known, do near-duplicates; "
        "and no model is learnt from them."
        "\vModels: learnt is what kindred learn would make of the database's labels (pca, where it "
        "refuses), pca what kindred reindex makes without labels, serving the archive's own, which "
        "may have seen the queries, bootstrap a new archive's.  The first one's figures are the "
        "main ones.\n"
        "\n"
        "P@n: share of relevant images among the first n.  mMV@5: share of queries whose first 5 "
        "have their class by majority.  mAP: mean average precision; mAP@10: of the first 10, over "
        "min(10, relevant).  nDCG@10: normalised discounted cumulative gain.  F1@n: "
        "macro-averaged, "
        "of votes among the first n.  Intervals: 95%, by bootstrap over groups.\n"
        "\n"
        "Examples:\n"
        "  kindred eval --manifest scans/manifest.csv\n"
        "  kindred eval --manifest scans.csv --queries held-out.csv --model all --json\n"
        "  kindred eval --manifest tiles.csv --leave-out site --sheet tiles.png",
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

static int report_progress(void *ctx, const char *stage, double done)
{
    kin_progress_stage(ctx, stage, done);
    return kin_interrupted();
}

static int evaluate(kin_archive *archive, const kin_manifest *manifest, struct options *options)
{
    kin_error err = {0};
    kin_eval_report report = {0};
    kin_progress progress;
    int exit_code = KIN_EXIT_DONE;
    kin_progress_start(&progress);
    kin_interrupt_watch();
    options->eval.progress = report_progress;
    options->eval.progress_ctx = &progress;
    kin_status status = kin_eval(archive, manifest, &options->eval, &report, &err);
    kin_progress_clear(&progress);
    if (status != KIN_OK) {
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

/* The archive; none at all, where nobody named one and none lies at the usual place. */
static int open_archive(const kin_cli *cli, const struct options *options, kin_archive **out)
{
    kin_error err = {0};
    *out = NULL;
    kin_cli_need_folder(cli);
    kin_status status = kin_archive_open(kin_fs_posix(), cli->archive, out, &err);
    if (status == KIN_E_NOT_FOUND && !cli->archive_given && getenv("KINDRED_ARCHIVE") == NULL)
        return KIN_EXIT_DONE;
    if (status == KIN_OK && options->eval.features != NULL) {
        kin_archive_close(*out);
        *out = NULL;
        kin_cli_message("--features", "the archive %s describes its images as it was made to",
                        cli->archive);
        return KIN_EXIT_USAGE;
    }
    if (status == KIN_OK)
        return KIN_EXIT_DONE;
    kin_error_name(&err, cli->archive);
    kin_cli_error(&err);
    return KIN_EXIT_ARCHIVE;
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
        exit_code = open_archive(cli, &options, &archive);
    if (exit_code == KIN_EXIT_DONE) {
        options.eval.queries = queries;
        exit_code = evaluate(archive, manifest, &options);
    }
    kin_archive_close(archive);
    kin_manifest_free(queries);
    kin_manifest_free(manifest);
    free(options.names);
    return exit_code;
}

const kin_command kin_command_eval = {"eval", "measure the quality of retrieval on known images",
                                      run};
