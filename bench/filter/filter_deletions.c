#include <stdlib.h>
#include <string.h>

#include "command_line.h"
#include "filter_run.h"

#define CONDITION_SHARE 0.1
#define DELETION_SEED   UINT64_C(0x9D2C5680)

struct deletions {
    bench_filter *filter;
    const roaring_bitmap_t *gone;
    size_t *queries;
    bench_generation after;
};

static kin_status measure(struct deletions *deletions, const char *state,
                          const bench_generation *generation, const char *condition,
                          bench_cell *cell, kin_error *err)
{
    bench_filter *filter = deletions->filter;
    kin_corpus corpus = bench_corpus(&filter->store, generation, filter->threads);
    bench_answers answers;
    kin_status status = bench_cell_ask_kindred(cell, &corpus, NULL, filter->recall, true,
                                               filter->seconds, &answers, err);
    if (status == KIN_OK)
        json_array_append_new(
            filter->deletions,
            json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:s, s:I}", "state", state, "condition",
                      condition, "recall", answers.recall, "per_second", answers.timing.per_second,
                      "p50_us", answers.timing.p50, "p99_us", answers.timing.p99, "by", answers.way,
                      "short_answers", (json_int_t)answers.short_answers));
    return status;
}

/* One condition in all three states. */
static kin_status measure_condition(struct deletions *deletions, const bench_conditions *conditions,
                                    const char *condition, kin_error *err)
{
    bench_filter *filter = deletions->filter;
    bench_truth before = {0}, after = {0};
    bench_cell cell = {
        .set = &filter->set,
        .k = filter->k,
        .queries = deletions->queries,
        .count = filter->set.query_count,
        .cohorts = conditions->of_query,
    };
    kin_status status = bench_filter_truth(&cell, &before, err);
    if (status == KIN_OK)
        status = measure(deletions, "all there", &filter->generation, condition, &cell, err);
    cell.gone = deletions->gone;
    if (status == KIN_OK)
        status = bench_filter_truth(&cell, &after, err);
    if (status == KIN_OK)
        status = measure(deletions, "deleted", &filter->generation, condition, &cell, err);
    if (status == KIN_OK)
        status = measure(deletions, deletions->after.extended ? "extended" : "built anew",
                         &deletions->after, condition, &cell, err);
    bench_truth_release(&before);
    bench_truth_release(&after);
    return status;
}

static kin_status reindex(struct deletions *deletions, kin_error *err)
{
    bench_filter *filter = deletions->filter;
    const bench_generation_wish wish = {
        .kind = kin_index_kind_borrow(filter->generation.index),
        .gone = deletions->gone,
        .previous = filter->generation.index,
        .tune = true,
    };
    return bench_generation_make(&filter->store, &wish, &deletions->after, err);
}

kin_status bench_filter_deletions(bench_filter *filter, double share, kin_error *err)
{
    struct deletions deletions = {.filter = filter};
    bench_conditions none = {0}, some = {0};
    bench_cohort gone = {0};
    bench_say("deleting %g %%", 100 * share);
    kin_status status = bench_cohort_draw(NULL, filter->set.count, 0, BENCH_AT_RANDOM, share,
                                          filter->seed ^ DELETION_SEED, &gone, err);
    deletions.gone = gone.members;
    deletions.queries = calloc(filter->set.query_count, sizeof *deletions.queries);
    if (status == KIN_OK && deletions.queries == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for queries");
    for (size_t q = 0; status == KIN_OK && q < filter->set.query_count; q++)
        deletions.queries[q] = q;
    if (status == KIN_OK)
        status = reindex(&deletions, err);
    if (status == KIN_OK)
        status = bench_conditions_none(&filter->set, &none, err);
    if (status == KIN_OK)
        status = measure_condition(&deletions, &none, "none", err);
    if (status == KIN_OK)
        status = bench_conditions_draw(&filter->set, &filter->classes, BENCH_AT_RANDOM,
                                       CONDITION_SHARE, filter->seed, &some, err);
    if (status == KIN_OK)
        status = measure_condition(&deletions, &some, "10% at random", err);
    bench_conditions_release(&none);
    bench_conditions_release(&some);
    bench_generation_release(&deletions.after);
    bench_cohort_release(&gone);
    free(deletions.queries);
    return status;
}
