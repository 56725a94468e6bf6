/* kindred ingest: folders of images into the archive. */
#include <stdbool.h>
#include <stdio.h>

#include "archive/ingest.h"
#include "commands.h"
#include "embed/embed.h"
#include "ingest_report.h"
#include "interrupt.h"
#include "progress.h"
#include "reindexing.h"
#include "target.h"

enum { JOBS_MAX = 256, SECONDS_MAX = 86400, LEARNABLE_IMAGES = 32 };

struct options {
    char **paths; /* into argv */
    size_t path_count;
    const char *manifest;
    kin_ingest_options ingest;
    kin_ingest_report report;
    bool no_reindex;
};

enum { KEY_TIMEOUT = 256, KEY_FILE_BYTES, KEY_FRAME_BYTES, KEY_MEMORY, KEY_NO_REINDEX, KEY_WORKER };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *options = state->input;
    kin_decode_limits *limits = &options->ingest.limits;
    switch (key) {
    case 'm':
        options->manifest = arg;
        return 0;
    case 'j':
        options->ingest.jobs = (int)kin_cli_long(state, "--jobs", arg, 1, JOBS_MAX);
        return 0;
    case 'v':
        options->report.verbose = true;
        return 0;
    case KIN_KEY_JSON:
        options->report.json = true;
        return 0;
    case KEY_TIMEOUT:
        limits->seconds = kin_cli_double(state, "--timeout", arg, 0.001, SECONDS_MAX);
        return 0;
    case KEY_FILE_BYTES:
        limits->max_file_bytes = kin_cli_size(state, "--max-file-bytes", arg);
        return 0;
    case KEY_FRAME_BYTES:
        limits->max_frame_bytes = kin_cli_size(state, "--max-frame-bytes", arg);
        return 0;
    case KEY_MEMORY:
        limits->memory_bytes = kin_cli_size(state, "--max-memory", arg);
        return 0;
    case KEY_NO_REINDEX:
        options->no_reindex = true;
        return 0;
    case KEY_WORKER:
        options->ingest.worker = arg;
        return 0;
    case ARGP_KEY_ARGS:
        options->paths = state->argv + state->next;
        options->path_count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which files or folders?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"manifest", 'm', "CSV", 0,
     "What is known of the images: a CSV file with a column `path' (relative to the CSV) and any "
     "others",
     0},
    {"verbose", 'v', NULL, 0, "A line for each file, once it is durable", 0},
    {"json", KIN_KEY_JSON, NULL, 0, "Print the summary as JSON; with -v a JSON object a line", 0},
    {"no-reindex", KEY_NO_REINDEX, NULL, 0,
     "Do not reindex at the end, as is done when no model has been learnt yet or the archive has "
     "doubled since",
     0},
    {"jobs", 'j', "N", 0, "Files decoded at once (default: one per processor)", 0},
    {NULL, 0, NULL, 0, "Limits for one file (K, M, G: powers of 1024):", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "Longest time for a frame (default 60)", 1},
    {"max-file-bytes", KEY_FILE_BYTES, "SIZE", 0, "Size of the file (default 2G)", 1},
    {"max-frame-bytes", KEY_FRAME_BYTES, "SIZE", 0, "Size of a decoded frame (default 512M)", 1},
    {"max-memory", KEY_MEMORY, "SIZE", 0, "Memory of a decoding process (default 3G)", 1},
    {"worker", KEY_WORKER, "PROGRAM", OPTION_HIDDEN, NULL, 2},
    {0}};
static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "PATH...",
    .doc = "Reads files and folders (DICOM, PNG, JPEG, TIFF), describes every image and stores it "
           "in the archive, which "
           "is made when there is none.  What is stored already is recognised; files without "
           "images are skipped; "
           "broken ones are named on standard error and the rest goes on."
           "\vExamples:\n"
           "  kindred ingest /data/studies\n"
           "  kindred ingest scans --manifest scans/manifest.csv -v\n"
           "\n"
           "Exit status 1 when any file failed.  SIGINT and SIGTERM stop it after the running "
           "batch; what is stored "
           "stays.",
};

static void on_event(void *ctx, kin_ingest_event event, const char *path, uint64_t images,
                     const char *reason)
{
    struct options *options = ctx;
    kin_ingest_report_event(&options->report, event, path, images, reason);
}

static int on_progress(void *ctx, const kin_ingest_progress *state)
{
    struct options *options = ctx;
    kin_progress_ingest(&options->report.progress, state);
    return kin_interrupted();
}

/* Is there enough to learn an embedding from, and none learnt yet or from at most half of it?  Or is
 * most of it newer than the index?  (A model is never learnt from more than a sample.) */
static bool is_reindex_due(const kin_archive_stats *stats)
{
    /* one learnt from labels stays, whatever has come (archive.h) */
    bool stays = strcmp(stats->model_kind, "lda") == 0 || strcmp(stats->model_kind, "mlp") == 0;
    bool outgrown = !stays && stats->model_trained_on < KIN_EMBED_DEFAULT_SAMPLE &&
                    stats->images / 2 >= stats->model_trained_on;
    return stats->images >= LEARNABLE_IMAGES && (outgrown || stats->images / 2 <= stats->tail);
}

/* Reindexes when it is due; *done says whether it was. */
static int reindex_if_due(kin_target *target, bool quiet, kin_reindexed *reindexed, bool *done)
{
    kin_archive_stats stats;
    kin_error err = {0};
    if (target->ops->stats(target, &stats, &err) != KIN_OK) {
        kin_error_name(&err, target->name);
        return kin_cli_fail(&err);
    }
    if (!is_reindex_due(&stats))
        return KIN_EXIT_DONE;
    if (!quiet) {
        puts(stats.model_trained_on == 0
                 ? "learning the embedding from the images, as none has been learnt yet (kindred "
                   "reindex)"
                 : "reindexing, as the archive has doubled since (kindred reindex)");
        fflush(stdout);
    }
    kin_status status =
        kin_reindexing_run(target, (kin_reindex_options){0}, quiet, reindexed, &err);
    *done = status == KIN_OK;
    if (status == KIN_OK || status == KIN_E_BUSY) /* whoever holds the lock reindexes */
        return KIN_EXIT_DONE;
    kin_error_name(&err, target->name);
    return kin_cli_fail(&err);
}

static int ingest(kin_target *target, struct options *options)
{
    kin_ingest_summary summary = {0};
    kin_reindexed reindexed = {0};
    kin_error err = {0};
    bool reindex_done = false;
    options->ingest.event = on_event;
    options->ingest.progress = on_progress;
    options->ingest.ctx = options;
    kin_progress_start(&options->report.progress);
    kin_status status = target->ops->ingest(target, (const char *const *)options->paths,
                                            options->path_count, &options->ingest, &summary, &err);
    kin_progress_clear(&options->report.progress);
    int exit_code = summary.failed > 0 ? KIN_EXIT_FAILED : KIN_EXIT_DONE;
    if (status != KIN_OK)
        exit_code = kin_cli_fail(&err);
    if (!options->report.json && !kin_ingest_report_print(&summary))
        exit_code = kin_cli_no_memory();
    /* When a server learns anew is for whoever runs it to say: its nightly job, most likely. */
    if (status == KIN_OK && !options->no_reindex && !target->is_remote) {
        int code = reindex_if_due(target, options->report.json, &reindexed, &reindex_done);
        exit_code = code > exit_code ? code : exit_code;
    }
    if (options->report.json)
        return kin_ingest_report_json(&options->report, &summary, status == KIN_E_CANCELLED,
                                      reindex_done ? &reindexed.report : NULL, exit_code);
    if (reindex_done && !kin_reindexing_print(&reindexed.report, &(kin_reindex_options){0}))
        exit_code = kin_cli_no_memory();
    return exit_code;
}

/* The limits are those of this machine's decoders. */
static bool has_limits(const kin_decode_limits *limits)
{
    return limits->seconds > 0 || limits->max_file_bytes > 0 || limits->max_frame_bytes > 0 ||
           limits->memory_bytes > 0;
}

static int run(kin_cli *cli, int argc, char **argv)
{
    struct options options = {0};
    kin_error err = {0};
    kin_manifest *manifest = NULL;
    kin_target *target = NULL;
    kin_cli_parse(cli, &argp, argc, argv, &options);
    int exit_code;
    if (cli->remote != NULL && has_limits(&options.ingest.limits)) {
        kin_cli_message(NULL, "a server has limits of its own: none can be given with --remote");
        return KIN_EXIT_USAGE;
    }
    if (options.manifest != NULL &&
        kin_manifest_read(options.manifest, &manifest, &err) != KIN_OK) {
        kin_error_name(&err, options.manifest);
        kin_cli_error(&err);
        return KIN_EXIT_FAILED;
    }
    options.ingest.manifest = manifest;
    exit_code = kin_target_open(cli, true, &target);
    if (exit_code == KIN_EXIT_DONE) {
        kin_interrupt_watch();
        exit_code = ingest(target, &options);
    }
    kin_target_close(target);
    kin_manifest_free(manifest);
    return exit_code;
}

const kin_command kin_command_ingest = {"ingest", "store the images of files and folders", run};
