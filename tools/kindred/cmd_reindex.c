/* kindred reindex: learns the embedding from the archive and builds the search index. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "interrupt.h"
#include "reindexing.h"

enum { CHECK_MAX = 1000000, THREADS_MAX = 256 };

struct options {
    kin_reindex_options reindex;
    bool json;
};

static const char *parse_kind(const char *text, struct argp_state *state)
{
    if (!kin_reindex_is_kind(text))
        argp_error(state, "--index is one of auto, flat, hnsw, ivfpq");
    return text;
}

enum { KEY_KEEP_MODEL = 256, KEY_LEARN, KEY_REBUILD, KEY_MEMORY, KEY_RECALL_BOUND, KEY_CHECK };

static void set_model(kin_reindex_options *reindex, kin_reindex_model model,
                      const struct argp_state *state)
{
    if (reindex->model != KIN_REINDEX_JUDGE && reindex->model != model)
        argp_error(state, "--learn or --keep-model, not both");
    reindex->model = model;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    kin_reindex_options *reindex = &options->reindex;
    switch (key) {
    case 'i':
        reindex->index_kind = parse_kind(arg, state);
        return 0;
    case 'j':
        reindex->threads = (int)kin_cli_long(state, "--jobs", arg, 1, THREADS_MAX);
        return 0;
    case KEY_KEEP_MODEL:
        set_model(reindex, KIN_REINDEX_KEEP, state);
        return 0;
    case KEY_LEARN:
        set_model(reindex, KIN_REINDEX_LEARN, state);
        return 0;
    case KEY_REBUILD:
        reindex->rebuild = true;
        return 0;
    case KEY_MEMORY:
        reindex->memory_max = kin_cli_size(state, "--memory", arg);
        return 0;
    case KEY_RECALL_BOUND:
        reindex->recall_bound = kin_cli_double(state, "--recall-bound", arg, 0, 1);
        return 0;
    case KEY_CHECK:
        reindex->check_queries = (size_t)kin_cli_long(state, "--check", arg, 1, CHECK_MAX);
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
    {"index", 'i', "KIND", 0, "Kind of index: auto (the default: by size), flat, hnsw or ivfpq", 0},
    {"learn", KEY_LEARN, NULL, 0,
     "Learn the embedding anew (default: where the archive has doubled or moved away from it)", 0},
    {"keep-model", KEY_KEEP_MODEL, NULL, 0, "Keep the embedding, whatever the archive has become",
     0},
    {"rebuild", KEY_REBUILD, NULL, 0,
     "Build the index anew (default: extend the last one by what is new, where it fits)", 0},
    {"memory", KEY_MEMORY, "SIZE", 0,
     "Memory that building may take, such as 4G (default: half of the machine's)", 0},
    {"recall-bound", KEY_RECALL_BOUND, "X", 0,
     "Recall@10 that some setting of the index must reach, from 0 to 1 (default 0.95); else "
     "searches scan",
     0},
    {"check", KEY_CHECK, "N", 0, "Queries of the tuning (default 400)", 0},
    {"jobs", 'j', "N", 0, "Threads (default: one per processor)", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print the report as JSON", 0},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Learns the embedding from the archive's images where it no longer fits them, builds "
           "the search index or extends the last one, finds the cheapest settings for each recall "
           "against the exact answer, and swaps it all in.  Searches go on with the old ones until "
           "then; stopped at any moment, nothing is lost."
           "\vExamples:\n"
           "  kindred reindex\n"
           "  kindred reindex --index hnsw --recall-bound 0.98\n"
           "  kindred reindex --learn --rebuild --memory 4G\n"
           "\n"
           "Exit status 1 when the index misses the bound.",
};

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_error err = {0};
    kin_target *target;
    kin_reindexed reindexed = {0};
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code = kin_target_open(cli, false, &target);
    if (exit_code != KIN_EXIT_DONE)
        return exit_code;
    kin_interrupt_watch();
    kin_status status = kin_reindexing_run(target, options.reindex, options.json, &reindexed, &err);
    if (status != KIN_OK)
        kin_error_name(&err, target->name);
    kin_target_close(target);
    if (status != KIN_OK) {
        kin_cli_error(&err);
        /* another reindex at work says nothing against the archive, nor does a bound on memory */
        bool unharmed = status == KIN_E_BUSY || status == KIN_E_LIMIT;
        return unharmed ? KIN_EXIT_FAILED : kin_cli_exit_code(status);
    }
    exit_code = reindexed.report.below_bound ? KIN_EXIT_FAILED : KIN_EXIT_DONE;
    if (options.json) {
        kin_reindexing_warn(&reindexed.report);
        return kin_cli_print_json(kin_reindex_report_json(&reindexed.report), exit_code);
    }
    return kin_reindexing_print(&reindexed.report, &options.reindex) ? exit_code
                                                                     : kin_cli_no_memory();
}

const kin_command kin_command_reindex = {"reindex",
                                         "learn the embedding and build the search index", run};
