/* kindred learn: a metric from the archive's labels, taken when it proves better. */
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "condition_option.h"
#include "interrupt.h"
#include "learn_report.h"
#include "progress.h"
#include "table.h"

enum { THREADS_MAX = 256, FOLDS_MAX = 100 };

struct options {
    kin_archive_learn_options learn;
    bool json;
};

enum { KEY_DRY_RUN = 256, KEY_FORCE, KEY_FOLDS, KEY_SEED };

static const char *parse_method(const char *text, struct argp_state *state)
{
    if (!kin_learn_is_method(text))
        argp_error(state, "--method is one of lda, mlp, none");
    return text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    kin_archive_learn_options *learn = &options->learn;
    switch (key) {
    case 'l':
        learn->label = arg;
        return 0;
    case 'm':
        learn->method = parse_method(arg, state);
        return 0;
    case 'w':
        learn->where = arg;
        return 0;
    case 'j':
        learn->reindex.threads = (int)kin_cli_long(state, "--jobs", arg, 1, THREADS_MAX);
        return 0;
    case KEY_DRY_RUN:
        learn->dry_run = true;
        return 0;
    case KEY_FORCE:
        learn->force = true;
        return 0;
    case KEY_FOLDS:
        learn->folds = (int)kin_cli_long(state, "--folds", arg, 2, FOLDS_MAX);
        return 0;
    case KEY_SEED:
        learn->seed = (uint64_t)kin_cli_long(state, "--seed", arg, 1, 0x7fffffffffffffffL);
        return 0;
    case KIN_KEY_JSON:
        options->json = true;
        return 0;
    case ARGP_KEY_ARG:
        return kin_cli_no_argument(state, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"label", 'l', "NAME", 0,
     "Field or label whose values are to be told apart (default diagnosis)", 0},
    {"method", 'm', "METHOD", 0,
     "lda, mlp, or none: back to the embedding that knows no labels (default: the better of lda "
     "and "
     "mlp)",
     0},
    {"where", 'w', "COND", 0, "Learn only from images that meet the condition", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "Validate and tell, but change nothing", 0},
    {"force", KEY_FORCE, NULL, 0, "Take the best method even when it is not proven better", 0},
    {"folds", KEY_FOLDS, "N", 0, "Parts of the validation (default 5)", 0},
    {"seed", KEY_SEED, "N", 0, "Seed of folds, network and resampling (default fixed)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: one per processor)", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print the report as JSON", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc =
        "Learns from the labels of stored images what makes two of them alike, so that images of "
        "one class are found before others, and puts that metric in the place of the embedding "
        "when it proves better on images that it has not seen: patients, or where they are not "
        "known near-duplicates, never stand on both sides of that test.  Searches go on "
        "meanwhile; stopped at any moment, nothing is lost.  Later reindexes keep the metric."
        "\vmAP: mean average precision of the whole ranking.  By chance: what mAP the same "
        "rankings would have if labels meant nothing; a metric must gain beyond that, too.\n"
        "\n"
        "Examples:\n"
        "  kindred learn --dry-run\n"
        "  kindred learn --label outcome --where 'modality = MR'\n"
        "  kindred learn --method none\n"
        "\n"
        "Exit status 1 when no method is better, or labels do not suffice.",
};

static int step(void *ctx, const char *stage, double done)
{
    kin_progress_stage(ctx, stage, done);
    return kin_interrupted();
}

static int tell(const kin_archive_learn_report *report, const struct options *options)
{
    int exit_code = report->changed ? KIN_EXIT_DONE : KIN_EXIT_FAILED;
    if (options->json)
        exit_code = kin_cli_print_json(kin_learn_report_json(report, &options->learn), exit_code);
    else if (!kin_learn_report_print(report, &options->learn, stdout, kin_terminal_width(stdout)))
        exit_code = kin_cli_no_memory();
    if (!report->changed)
        kin_cli_message(NULL,
                        "no method is better than none beyond its intervals: nothing was changed");
    return exit_code;
}

static int learn(kin_archive *archive, struct options *options)
{
    kin_archive_learn_report report;
    kin_progress progress;
    kin_error err = {0};
    options->learn.reindex.progress = step;
    options->learn.reindex.progress_ctx = &progress;
    kin_interrupt_watch();
    kin_progress_start(&progress);
    kin_status status = kin_archive_learn(archive, &options->learn, &report, &err);
    kin_progress_clear(&progress);
    int exit_code;
    if (status == KIN_OK) {
        exit_code = tell(&report, options);
    } else {
        if (status == KIN_E_CANCELLED && kin_interrupted())
            kin_fail(&err, status, NULL, "learning was cancelled");
        kin_cli_error(&err);
        /* labels that do not suffice say nothing against the archive, nor does another reindex */
        bool unharmed = status == KIN_E_ARG || status == KIN_E_BUSY || status == KIN_E_LIMIT;
        exit_code = unharmed ? KIN_EXIT_FAILED : kin_cli_exit_code(status);
    }
    kin_archive_learn_release(&report);
    return exit_code;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_archive *archive = NULL;
    kin_condition *where = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_condition_option(options.learn.where, &where);
    if (exit_code == KIN_EXIT_DONE)
        exit_code = kin_cli_open(cli, &archive);
    if (exit_code == KIN_EXIT_DONE) {
        if (where != NULL)
            kin_condition_warn(archive, where);
        exit_code = learn(archive, &options);
    }
    kin_archive_close(archive);
    kin_condition_free(where);
    return exit_code;
}

const kin_command kin_command_learn = {"learn", "learn from labels what makes images alike", run};
