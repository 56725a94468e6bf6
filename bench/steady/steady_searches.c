#include "steady_searches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { CALLS_MAX = 1 << 22 };

/* Single precision's share of two ways to add up the same products. */
#define SCORE_TOLERANCE 1e-5f

/* --- questions and right answers --- */

struct sampling {
    uint64_t *ids;
    size_t count, wanted, seen, every;
};

static int take_id(void *ctx, const kin_record *record)
{
    struct sampling *sampling = ctx;
    if (sampling->seen++ % sampling->every == 0 && sampling->count < sampling->wanted)
        sampling->ids[sampling->count++] = record->id;
    return 0;
}

static kin_status answer_exactly(kin_archive *archive, bench_questions *questions, size_t i,
                                 kin_error *err)
{
    const kin_search_options options = {.k = BENCH_STEADY_K, .exact = true};
    kin_query query = {0};
    kin_results results;
    kin_status status = kin_query_from_vector(archive, questions->vectors + i * questions->dim,
                                              questions->dim, "", &query, err);
    if (status != KIN_OK)
        return status;
    status = kin_archive_search(archive, &query, &options, &results, err);
    kin_query_release(&query);
    if (status != KIN_OK)
        return status;
    questions->right_counts[i] = results.count;
    for (size_t r = 0; r < results.count; r++) {
        questions->right[i * BENCH_STEADY_K + r] = results.items[r].record.id;
        questions->scores[i * BENCH_STEADY_K + r] = results.items[r].score;
    }
    kin_results_release(&results);
    return KIN_OK;
}

static kin_status make_room(kin_archive *archive, size_t wanted, bench_questions *out,
                            kin_error *err)
{
    out->dim = kin_archive_dim(archive);
    out->vectors = calloc(wanted, out->dim * sizeof *out->vectors);
    out->right = calloc(wanted, BENCH_STEADY_K * sizeof *out->right);
    out->scores = calloc(wanted, BENCH_STEADY_K * sizeof *out->scores);
    out->right_counts = calloc(wanted, sizeof *out->right_counts);
    return out->vectors != NULL && out->right != NULL && out->scores != NULL &&
                   out->right_counts != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for questions");
}

kin_status bench_questions_make(kin_archive *archive, size_t wanted, bench_questions *out,
                                kin_error *err)
{
    kin_archive_stats stats;
    char model[17];
    struct sampling sampling = {.wanted = wanted};
    memset(out, 0, sizeof *out);
    kin_status status = kin_archive_stats_read(archive, &stats, err);
    if (status != KIN_OK)
        return status;
    sampling.every = 1 + stats.images / (wanted > 0 ? wanted : 1);
    sampling.ids = calloc(wanted, sizeof *sampling.ids);
    status = sampling.ids != NULL ? make_room(archive, wanted, out, err)
                                  : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for questions");
    if (status == KIN_OK)
        status = kin_archive_each_record(archive, NULL, take_id, &sampling, err);
    if (status == KIN_OK && sampling.count == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "the archive has no images");
    out->count = sampling.count;
    out->first_new = stats.rows;
    if (status == KIN_OK)
        status =
            kin_archive_embeddings(archive, sampling.ids, sampling.count, out->vectors, model, err);
    for (size_t i = 0; status == KIN_OK && i < out->count; i++)
        status = answer_exactly(archive, out, i, err);
    free(sampling.ids);
    return status;
}

void bench_questions_release(bench_questions *questions)
{
    free(questions->vectors);
    free(questions->right);
    free(questions->scores);
    free(questions->right_counts);
    memset(questions, 0, sizeof *questions);
}

/* --- searching --- */

struct searching {
    kin_archive *archive;
    const bench_questions *questions;
    bench_searches *out;
    double recall_sum;
    size_t judged;
};

/* New images may stand among the answers; the old ones among them must then be the first of the right
 * ones: as many of those as there are old ones.  Of images as similar as the last any will do. */
static void judge(struct searching *searching, size_t i, const kin_results *results)
{
    const bench_questions *questions = searching->questions;
    const float *scores = questions->scores + i * BENCH_STEADY_K;
    size_t old = 0, good = 0;
    for (size_t r = 0; r < results->count; r++)
        old += results->items[r].record.id < questions->first_new;
    if (old > questions->right_counts[i])
        old = questions->right_counts[i];
    for (size_t r = 0; old > 0 && r < results->count; r++)
        good += results->items[r].record.id < questions->first_new &&
                results->items[r].score >= scores[old - 1] - SCORE_TOLERANCE;
    if (old == 0)
        return;
    searching->recall_sum += (double)(good < old ? good : old) / (double)old;
    searching->judged++;
}

/* One search; only the search itself is timed. */
static double search_one(struct searching *searching, size_t call)
{
    static const kin_search_options options = {.k = BENCH_STEADY_K};
    const bench_questions *questions = searching->questions;
    size_t i = call % questions->count;
    kin_query query = {0};
    kin_results results;
    kin_error err;
    kin_error_clear(&err);
    double began = kin_clock_monotonic();
    kin_status status =
        kin_query_from_vector(searching->archive, questions->vectors + i * questions->dim,
                              questions->dim, "", &query, &err);
    if (status == KIN_OK)
        status = kin_archive_search(searching->archive, &query, &options, &results, &err);
    double took = kin_clock_monotonic() - began;
    kin_query_release(&query);
    if (status == KIN_OK) {
        searching->out->short_answers += results.count < questions->right_counts[i];
        judge(searching, i, &results);
        kin_results_release(&results);
    } else if (searching->out->failed++ == 0) {
        snprintf(searching->out->first_failure, sizeof searching->out->first_failure, "%s",
                 err.message);
    }
    return took;
}

kin_status bench_searches_run(kin_archive *archive, const bench_questions *questions,
                              double seconds, const _Atomic bool *until, bench_searches *out,
                              kin_error *err)
{
    struct searching searching = {.archive = archive, .questions = questions, .out = out};
    size_t calls = 0;
    double *durations = malloc(CALLS_MAX * sizeof *durations);
    memset(out, 0, sizeof *out);
    if (durations == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for timings");
    double end = kin_clock_monotonic() + seconds;
    while (calls < CALLS_MAX &&
           (calls == 0 || kin_clock_monotonic() < end || (until != NULL && !atomic_load(until)))) {
        durations[calls] = search_one(&searching, calls);
        calls++;
    }
    out->timing = bench_timing_of(durations, calls);
    out->recall = searching.judged > 0 ? searching.recall_sum / (double)searching.judged : 0;
    free(durations);
    return KIN_OK;
}
