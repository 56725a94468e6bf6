#include "steady_run.h"

#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "command_line.h"
#include "report.h"

extern char **environ;

enum { PUT_AT_ONCE = 500, OPENS = 5, WAIT_SECONDS = 60 };
/* Numbers of new images, beyond those of any archive made here. */
#define FIRST_BY_THREAD  UINT64_C(1000000000)
#define FIRST_BY_PROCESS UINT64_C(2000000000)

/* --- the archive --- */

static kin_status make_up(bench_steady *steady, kin_error *err)
{
    const kin_archive_settings settings = {.codec = steady->codec};
    kin_status status = kin_archive_init(kin_fs_posix(), steady->dir, &settings, err);
    if (status == KIN_OK)
        status = kin_archive_open(kin_fs_posix(), steady->dir, &steady->archive, err);
    for (size_t first = 0; status == KIN_OK && first < steady->images; first += PUT_AT_ONCE) {
        size_t left = steady->images - first;
        status = bench_images_put(steady->maker, steady->archive, first,
                                  left < PUT_AT_ONCE ? left : PUT_AT_ONCE, err);
    }
    return status;
}

static kin_status copy(bench_steady *steady, kin_error *err)
{
    kin_archive *source = NULL;
    kin_status status = kin_archive_open(kin_fs_posix(), steady->source, &source, err);
    if (status == KIN_OK)
        status = kin_archive_backup(source, steady->dir, err);
    kin_archive_close(source);
    return status == KIN_OK ? kin_archive_open(kin_fs_posix(), steady->dir, &steady->archive, err)
                            : status;
}

static kin_status reindex(bench_steady *steady, const char *kind, kin_reindex_model model,
                          kin_reindex_report *report, kin_error *err)
{
    const kin_reindex_options options = {.index_kind = kind, .model = model};
    return kin_archive_reindex(steady->archive, &options, report, err);
}

static kin_status prepare(bench_steady *steady, kin_error *err)
{
    kin_reindex_report report;
    kin_status status = bench_scratch_make(steady->folder, err);
    snprintf(steady->dir, sizeof steady->dir, "%s/archive", steady->folder);
    if (status == KIN_OK)
        status = bench_image_maker_new(steady->seed, &steady->maker, err);
    bench_say("making the archive");
    if (status == KIN_OK)
        status = steady->source != NULL ? copy(steady, err) : make_up(steady, err);
    bench_say("reindexing");
    if (status == KIN_OK)
        status = reindex(steady, steady->index_kind, KIN_REINDEX_JUDGE, &report, err);
    if (status == KIN_OK)
        status = bench_questions_make(steady->archive, steady->questions_wanted, &steady->questions,
                                      err);
    return status == KIN_OK ? kin_archive_stats_read(steady->archive, &steady->stats, err) : status;
}

/* --- opening --- */

static kin_status open_once(bench_steady *steady, double *open_seconds, double *first_seconds,
                            kin_error *err)
{
    kin_archive *archive = NULL;
    bench_searches searches;
    double began = kin_clock_monotonic();
    kin_status status = kin_archive_open(kin_fs_posix(), steady->dir, &archive, err);
    *open_seconds = kin_clock_monotonic() - began;
    if (status != KIN_OK)
        return status;
    bench_questions one = steady->questions;
    one.count = 1;
    began = kin_clock_monotonic();
    status = bench_searches_run(archive, &one, 1e-9, NULL, &searches, err);
    *first_seconds = kin_clock_monotonic() - began;
    if (status == KIN_OK && searches.failed > 0)
        status = kin_fail(err, KIN_E_INTERNAL, NULL, "%s", searches.first_failure);
    kin_archive_close(archive);
    return status;
}

/* The library keeps no two environments of one folder: ours is closed meanwhile. */
static kin_status measure_opens(bench_steady *steady, kin_error *err)
{
    double opens[OPENS], firsts[OPENS];
    kin_status status = KIN_OK;
    kin_archive_close(steady->archive);
    steady->archive = NULL;
    for (int i = 0; status == KIN_OK && i < OPENS; i++)
        status = open_once(steady, &opens[i], &firsts[i], err);
    if (status == KIN_OK)
        status = kin_archive_open(kin_fs_posix(), steady->dir, &steady->archive, err);
    if (status == KIN_OK)
        json_array_append_new(
            steady->opens,
            json_pack("{s:s, s:I, s:f, s:f}", "index_kind", steady->stats.index_kind, "index_bytes",
                      (json_int_t)steady->stats.index_bytes, "open_ms",
                      1e3 * bench_percentile(opens, OPENS, 0.5), "first_search_ms",
                      1e3 * bench_percentile(firsts, OPENS, 0.5)));
    return status;
}

/* --- phases --- */

static void add_phase(bench_steady *steady, const char *name, const bench_searches *searches,
                      double inserts_a_second, uint64_t tail)
{
    const bench_timing *timing = &searches->timing;
    if (steady->idle_p99 == 0)
        steady->idle_p99 = timing->p99;
    json_t *row =
        json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I}", "phase", name,
                  "searches", (json_int_t)timing->calls, "per_second", timing->per_second, "p50_us",
                  timing->p50, "p99_us", timing->p99, "worst_us", timing->worst, "p99_of_idle",
                  timing->p99 / steady->idle_p99, "recall", searches->recall, "failed",
                  (json_int_t)searches->failed, "short_answers",
                  (json_int_t)searches->short_answers, "tail", (json_int_t)tail);
    if (inserts_a_second > 0)
        json_object_set_new(row, "inserts_per_second", json_real(inserts_a_second));
    if (searches->failed > 0)
        json_object_set_new(row, "first_failure", json_string(searches->first_failure));
    json_array_append_new(steady->phases, row);
}

static kin_status run_alone(bench_steady *steady, const char *name, kin_error *err)
{
    bench_searches searches;
    kin_archive_stats stats;
    bench_say("%s", name);
    kin_status status = bench_searches_run(steady->archive, &steady->questions, steady->seconds,
                                           NULL, &searches, err);
    if (status == KIN_OK)
        status = kin_archive_stats_read(steady->archive, &stats, err);
    if (status == KIN_OK)
        add_phase(steady, name, &searches, 0, stats.tail);
    return status;
}

/* Something on a thread of its own, beside the searches. */
struct beside {
    bench_steady *steady;
    bench_inserting inserting;
    atomic_bool over;
    kin_status status;
    kin_error err;
};

static void *insert_by_thread(void *ctx)
{
    struct beside *beside = ctx;
    beside->status = bench_insert_steadily(&beside->inserting, &beside->err);
    atomic_store(&beside->over, true);
    return NULL;
}

/* This program again, which puts images into the same archive (see bench_steady_insert_into()). */
static kin_status spawn_inserter(const bench_steady *steady, pid_t *pid, kin_error *err)
{
    char rate[32], seconds[32], batch[32], seed[32];
    snprintf(rate, sizeof rate, "%.6g", steady->rate);
    snprintf(seconds, sizeof seconds, "%.6g", steady->seconds);
    snprintf(batch, sizeof batch, "%zu", steady->batch);
    snprintf(seed, sizeof seed, "%zu", steady->seed);
    char *argv[] = {"kindred-bench",
                    "steady",
                    "--insert-into",
                    (char *)steady->dir,
                    "--rate",
                    rate,
                    "--seconds",
                    seconds,
                    "--batch",
                    batch,
                    "--seed",
                    seed,
                    NULL};
    if (steady->seed == 0)
        argv[10] = NULL;
    errno = posix_spawn(pid, "/proc/self/exe", NULL, NULL, argv, environ);
    return errno == 0 ? KIN_OK : kin_fail_errno(err, NULL, "cannot start this program again");
}

static kin_status await_inserter(pid_t pid, kin_error *err)
{
    int state;
    while (waitpid(pid, &state, 0) < 0)
        if (errno != EINTR)
            return kin_fail_errno(err, NULL, "cannot wait for the process that inserts");
    return WIFEXITED(state) && WEXITSTATUS(state) == 0
               ? KIN_OK
               : kin_fail(err, KIN_E_CRASHED, NULL, "the process that inserts failed");
}

/* Waits until the archive has more rows than before. */
static kin_status await_rows(bench_steady *steady, uint64_t before, kin_error *err)
{
    kin_archive_stats stats;
    double end = kin_clock_monotonic() + WAIT_SECONDS;
    do {
        kin_status status = kin_archive_stats_read(steady->archive, &stats, err);
        if (status != KIN_OK || stats.rows > before)
            return status;
        usleep(10000);
    } while (kin_clock_monotonic() < end);
    return kin_fail(err, KIN_E_TIMEOUT, NULL, "nothing is inserted");
}

/* The end of a phase beside a thread of ours, which has been joined. */
static kin_status end_beside(const struct beside *beside, kin_status status, const char *phase,
                             const bench_searches *searches, double inserts_per_second,
                             kin_error *err)
{
    kin_archive_stats stats;
    if (status == KIN_OK && beside->status != KIN_OK) {
        *err = beside->err;
        status = beside->status;
    }
    if (status == KIN_OK)
        status = kin_archive_stats_read(beside->steady->archive, &stats, err);
    if (status == KIN_OK)
        add_phase(beside->steady, phase, searches, inserts_per_second, stats.tail);
    return status;
}

static kin_status run_beside_thread(bench_steady *steady, kin_error *err)
{
    struct beside beside = {.steady = steady,
                            .inserting = {.archive = steady->archive,
                                          .maker = steady->maker,
                                          .rate = steady->rate,
                                          .seconds = steady->seconds + WAIT_SECONDS,
                                          .batch = steady->batch,
                                          .first = FIRST_BY_THREAD}};
    atomic_bool stop = false;
    bench_searches searches;
    pthread_t thread;
    bench_say("searches beside inserts by another thread");
    beside.inserting.stop = &stop;
    if (pthread_create(&thread, NULL, insert_by_thread, &beside) != 0)
        return kin_fail_errno(err, NULL, "cannot start a thread");
    kin_status status = bench_searches_run(steady->archive, &steady->questions, steady->seconds,
                                           NULL, &searches, err);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    return end_beside(&beside, status, "beside inserts by a thread", &searches,
                      (double)beside.inserting.inserted / beside.inserting.took, err);
}

static kin_status run_beside_process(bench_steady *steady, kin_error *err)
{
    bench_searches searches;
    kin_archive_stats before, began, ended;
    pid_t pid;
    double seconds = 0;
    bench_say("searches beside inserts by another process");
    kin_status status = kin_archive_stats_read(steady->archive, &before, err);
    if (status == KIN_OK)
        status = spawn_inserter(steady, &pid, err);
    if (status != KIN_OK)
        return status;
    status = await_rows(steady, before.rows, err);
    if (status == KIN_OK)
        status = kin_archive_stats_read(steady->archive, &began, err);
    if (status == KIN_OK) {
        double at = kin_clock_monotonic();
        /* A little less than the other process inserts for, so that it does all the while. */
        status = bench_searches_run(steady->archive, &steady->questions, 0.9 * steady->seconds,
                                    NULL, &searches, err);
        seconds = kin_clock_monotonic() - at;
    }
    if (status == KIN_OK)
        status = kin_archive_stats_read(steady->archive, &ended, err);
    kin_status other = await_inserter(pid, status == KIN_OK ? err : NULL);
    if (status == KIN_OK)
        status = other;
    if (status == KIN_OK)
        add_phase(steady, "beside inserts by a process", &searches,
                  (double)(ended.rows - began.rows) / seconds, ended.tail);
    return status;
}

/* --- swaps --- */

static void *swap_generations(void *ctx)
{
    static const char *const kinds[] = {"flat", "hnsw"};
    struct beside *beside = ctx;
    bench_steady *steady = beside->steady;
    kin_reindex_report report;
    for (size_t i = 0; beside->status == KIN_OK && i < steady->swaps; i++) {
        beside->status = reindex(steady, kinds[i % 2], KIN_REINDEX_KEEP, &report, &beside->err);
        if (beside->status == KIN_OK)
            json_array_append_new(steady->swap_rows,
                                  json_pack("{s:s, s:I, s:b, s:f, s:f, s:f, s:f}", "index_kind",
                                            report.index_kind, "images", (json_int_t)report.images,
                                            "extended", report.extended, "build_seconds",
                                            report.build_seconds, "tune_seconds",
                                            report.tune_seconds, "swap_ms",
                                            1e3 * report.swap_seconds, "seconds", report.seconds));
    }
    atomic_store(&beside->over, true);
    return NULL;
}

static kin_status run_across_swaps(bench_steady *steady, kin_error *err)
{
    struct beside beside = {.steady = steady};
    bench_searches searches;
    char name[64];
    pthread_t thread;
    snprintf(name, sizeof name, "across %zu swaps", steady->swaps);
    bench_say("searches %s", name);
    atomic_init(&beside.over, false);
    if (pthread_create(&thread, NULL, swap_generations, &beside) != 0)
        return kin_fail_errno(err, NULL, "cannot start a thread");
    kin_status status =
        bench_searches_run(steady->archive, &steady->questions, 0, &beside.over, &searches, err);
    pthread_join(thread, NULL);
    return end_beside(&beside, status, name, &searches, 0, err);
}

kin_status bench_steady_run(bench_steady *steady, kin_error *err)
{
    kin_status status = prepare(steady, err);
    if (status == KIN_OK)
        status = measure_opens(steady, err);
    if (status == KIN_OK)
        status = run_alone(steady, "idle", err);
    if (status == KIN_OK)
        status = run_beside_thread(steady, err);
    if (status == KIN_OK)
        status = run_beside_process(steady, err);
    if (status == KIN_OK)
        status = run_alone(steady, "idle again, the new ones a tail", err);
    if (status == KIN_OK && steady->swaps > 0)
        status = run_across_swaps(steady, err);
    return status == KIN_OK ? run_alone(steady, "idle, after all", err) : status;
}

/* --- the other process --- */

kin_status bench_steady_insert_into(bench_steady *steady, const char *dir, kin_error *err)
{
    kin_archive *archive = NULL;
    kin_status status = kin_archive_open(kin_fs_posix(), dir, &archive, err);
    if (status == KIN_OK)
        status = bench_image_maker_new(steady->seed, &steady->maker, err);
    bench_inserting inserting = {
        .archive = archive,
        .maker = steady->maker,
        .rate = steady->rate,
        .seconds = steady->seconds,
        .batch = steady->batch,
        .first = FIRST_BY_PROCESS,
    };
    if (status == KIN_OK)
        status = bench_insert_steadily(&inserting, err);
    kin_archive_close(archive);
    return status;
}

void bench_steady_release(bench_steady *steady)
{
    bench_questions_release(&steady->questions);
    kin_archive_close(steady->archive);
    bench_image_maker_free(steady->maker);
    bench_scratch_remove(steady->folder);
    json_decref(steady->phases);
    json_decref(steady->opens);
    json_decref(steady->swap_rows);
}
