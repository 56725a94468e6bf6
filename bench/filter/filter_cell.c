#include "filter_cell.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "report.h"

enum { WARM_CALLS = 2, WAYS_MAX = KIN_PLAN_WAYS };

bool bench_cell_may(void *ctx, size_t query, size_t row)
{
    const bench_cell *cell = ctx;
    const bench_cohort *cohort = cell->cohorts[query];
    return (cohort == NULL || bench_cohort_has(cohort, row)) &&
           (cell->gone == NULL || !roaring_bitmap_contains(cell->gone, (uint32_t)row));
}

uint64_t bench_cell_members(const bench_cell *cell, size_t query)
{
    const bench_cohort *cohort = cell->cohorts[query];
    if (cohort != NULL)
        return cell->gone == NULL ? cohort->count
                                  : roaring_bitmap_andnot_cardinality(cohort->members, cell->gone);
    return cell->set->count - (cell->gone != NULL ? roaring_bitmap_get_cardinality(cell->gone) : 0);
}

/* --- asking, and judging afterwards --- */

struct asking {
    const bench_cell *cell;
    bench_answer_fn answer;
    void *ctx;
    uint64_t *ids; /* k a query of the cell */
    size_t *found;
};

static kin_status ask_one(void *ctx, size_t i, kin_error *err)
{
    struct asking *asking = ctx;
    const bench_cell *cell = asking->cell;
    size_t at = i % cell->count;
    return asking->answer(asking->ctx, cell, cell->queries[at], asking->ids + at * cell->k,
                          &asking->found[at], err);
}

static void judge(const struct asking *asking, bench_answers *out)
{
    const bench_cell *cell = asking->cell;
    out->asked = out->timing.calls < cell->count ? out->timing.calls : cell->count;
    double recall = 0, returned = 0;
    for (size_t i = 0; i < out->asked; i++) {
        size_t query = cell->queries[i], found = asking->found[i];
        uint64_t members = bench_cell_members(cell, query);
        recall += bench_recall(cell->set, cell->truth, query, asking->ids + i * cell->k, found,
                               bench_cell_may, (void *)cell);
        returned += (double)found;
        out->short_answers += found < (members < cell->k ? members : cell->k);
    }
    out->recall = out->asked > 0 ? recall / (double)out->asked : 0;
    out->returned = out->asked > 0 ? returned / (double)out->asked : 0;
}

kin_status bench_cell_ask(const bench_cell *cell, bench_answer_fn answer, void *ctx, bool all,
                          double seconds, bench_answers *out, kin_error *err)
{
    struct asking asking = {.cell = cell, .answer = answer, .ctx = ctx};
    size_t room;
    memset(out, 0, sizeof *out);
    if (cell->count == 0 || !kin_mul_size(cell->count, cell->k, &room))
        return kin_fail(err, KIN_E_ARG, NULL, "no queries to ask");
    asking.ids = calloc(room, sizeof *asking.ids);
    asking.found = calloc(cell->count, sizeof *asking.found);
    kin_status status = asking.ids != NULL && asking.found != NULL
                            ? bench_timing_run(WARM_CALLS, all ? cell->count : 0, seconds, ask_one,
                                               &asking, &out->timing, err)
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for answers");
    if (status == KIN_OK)
        judge(&asking, out);
    free(asking.ids);
    free(asking.found);
    return status;
}

/* --- Kindred --- */

struct kindred {
    const kin_corpus *corpus;
    const char *way;
    double recall;
    kin_hit *hits;
    uint64_t *members; /* of each query of the set, counted beforehand as an archive counts them */
    double *ratios;    /* of the first `count` calls */
    size_t calls, fell_back, taken[WAYS_MAX];
};

static void note_plan(struct kindred *kindred, const bench_cell *cell, const kin_search_plan *plan)
{
    if (kindred->calls >= WARM_CALLS && kindred->calls - WARM_CALLS < cell->count)
        kindred->ratios[kindred->calls - WARM_CALLS] =
            plan->microseconds > 0 ? plan->estimated_microseconds / plan->microseconds : 1;
    kindred->calls++;
    kindred->fell_back += plan->fell_back;
    for (size_t w = 0; w < WAYS_MAX; w++)
        kindred->taken[w] += strcmp(plan->way, kin_way_name(w)) == 0;
}

static kin_status answer_kindred(void *ctx, const bench_cell *cell, size_t query, uint64_t *ids,
                                 size_t *found, kin_error *err)
{
    struct kindred *kindred = ctx;
    const bench_cohort *cohort = cell->cohorts[query];
    const kin_ask ask = {
        .vector = cell->set->queries + query * cell->set->dim,
        .k = cell->k,
        .recall = kindred->recall,
        .members = {cohort != NULL ? cohort->members : NULL, cell->gone},
        .member_count = kindred->members[query],
        .way = kindred->way,
    };
    kin_search_plan plan;
    kin_status status = kin_search_nearest(kindred->corpus, &ask, kindred->hits, found, &plan, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < *found; i++)
        ids[i] = kindred->hits[i].id;
    note_plan(kindred, cell, &plan);
    return KIN_OK;
}

static void sum_up(struct kindred *kindred, const bench_cell *cell, bench_answers *out)
{
    size_t best = 0, counted = kindred->calls - WARM_CALLS;
    for (size_t w = 1; w < WAYS_MAX; w++)
        if (kindred->taken[w] > kindred->taken[best])
            best = w;
    out->way = kin_way_name(best);
    out->way_share = (double)kindred->taken[best] / (double)kindred->calls;
    out->fell_back = (double)kindred->fell_back / (double)kindred->calls;
    out->estimate_of_truth =
        bench_percentile(kindred->ratios, counted < cell->count ? counted : cell->count, 0.5);
}

kin_status bench_cell_ask_kindred(const bench_cell *cell, const kin_corpus *corpus, const char *way,
                                  double recall, bool all, double seconds, bench_answers *out,
                                  kin_error *err)
{
    struct kindred kindred = {
        .corpus = corpus,
        .way = way,
        .recall = recall,
        .hits = calloc(cell->k, sizeof *kindred.hits),
        .members = calloc(cell->set->query_count, sizeof *kindred.members),
        .ratios = calloc(cell->count, sizeof *kindred.ratios),
    };
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    if (kindred.hits == NULL || kindred.members == NULL || kindred.ratios == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for hits");
    for (size_t i = 0; status == KIN_OK && i < cell->count; i++)
        kindred.members[cell->queries[i]] = bench_cell_members(cell, cell->queries[i]);
    if (status == KIN_OK)
        status = bench_cell_ask(cell, answer_kindred, &kindred, all, seconds, out, err);
    if (status == KIN_OK)
        sum_up(&kindred, cell, out);
    else if (status == KIN_E_ARG && way != NULL) {
        memset(out, 0, sizeof *out); /* not to each of these queries */
        status = KIN_OK;
    }
    free(kindred.hits);
    free(kindred.members);
    free(kindred.ratios);
    return status;
}
