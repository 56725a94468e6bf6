#include "filter_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command_line.h"

enum { DECADES = 5 /* of selectivity: below 0.01 %, 0.1, 1, 10, 100 % */ };

/* A forced way counts as right when its recall comes as near to what was asked. */
#define RECALL_SLACK 0.002

static const char *const decade_names[DECADES] = {"tags, below 0.01%", "tags, 0.01 to 0.1%",
                                                  "tags, 0.1 to 1%", "tags, 1 to 10%",
                                                  "tags, 10 to 100%"};

kin_status bench_filter_truth(bench_cell *cell, bench_truth *out, kin_error *err)
{
    kin_status status = bench_truth_find(cell->set, cell->k, bench_cell_may, cell, 0, out, err);
    cell->truth = out;
    return status;
}

/* --- one cell --- */

static json_t *answers_row(const char *relation, double share, const char *by,
                           const bench_answers *answers)
{
    json_t *row =
        json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:f}", "relation", relation, "by",
                  by, "recall", answers->recall, "per_second", answers->timing.per_second,
                  "mean_us", answers->timing.mean, "p50_us", answers->timing.p50, "p99_us",
                  answers->timing.p99, "queries", (json_int_t)answers->asked, "short_answers",
                  (json_int_t)answers->short_answers, "returned", answers->returned);
    if (share > 0)
        json_object_set_new(row, "percent", json_real(100 * share));
    return row;
}

/* Each way forced; *best: of those that keep the recall, the one with the least median. */
static kin_status force_ways(bench_filter *filter, const bench_cell *cell, const char *relation,
                             double share, const char **best, double *best_us, kin_error *err)
{
    kin_corpus corpus = bench_corpus(&filter->store, &filter->generation, filter->threads);
    bench_answers answers;
    kin_status status = KIN_OK;
    *best = NULL;
    for (size_t w = 0; status == KIN_OK && kin_way_name(w) != NULL; w++) {
        status = bench_cell_ask_kindred(cell, &corpus, kin_way_name(w), filter->recall, false,
                                        filter->seconds, &answers, err);
        if (status != KIN_OK || answers.timing.calls == 0)
            continue;
        json_t *row = answers_row(relation, share, kin_way_name(w), &answers);
        json_object_set_new(row, "fell_back", json_real(answers.fell_back));
        json_array_append_new(filter->ways, row);
        if (answers.recall >= filter->recall - RECALL_SLACK &&
            (*best == NULL || answers.timing.p50 < *best_us)) {
            *best = kin_way_name(w);
            *best_us = answers.timing.p50;
        }
    }
    return status;
}

static kin_status ask_others(bench_filter *filter, const bench_cell *cell, const char *relation,
                             double share, kin_error *err)
{
    bench_answers answers;
    kin_status status = KIN_OK;
    for (size_t p = 0; status == KIN_OK && filter->with_peers && p < BENCH_FILTER_PEERS; p++) {
        status = bench_filter_peer_ask(&filter->peers, p, cell, filter->seconds, &answers, err);
        if (status == KIN_OK && answers.timing.calls > 0)
            json_array_append_new(
                filter->others, answers_row(relation, share, bench_filter_peer_name(p), &answers));
    }
    return status;
}

kin_status bench_filter_measure(bench_filter *filter, const bench_conditions *conditions,
                                const bench_truth *truth, const size_t *queries, size_t count,
                                const char *relation, double share, kin_error *err)
{
    const bench_cell cell = {
        .set = &filter->set,
        .truth = truth,
        .k = filter->k,
        .queries = queries,
        .count = count,
        .cohorts = conditions->of_query,
    };
    kin_corpus corpus = bench_corpus(&filter->store, &filter->generation, filter->threads);
    bench_answers planned;
    const char *best;
    double best_us = 0, members = 0;
    for (size_t i = 0; i < count; i++)
        members += (double)bench_cell_members(&cell, queries[i]);
    kin_status status = bench_cell_ask_kindred(&cell, &corpus, NULL, filter->recall, true,
                                               filter->seconds, &planned, err);
    if (status == KIN_OK)
        status = force_ways(filter, &cell, relation, share, &best, &best_us, err);
    if (status != KIN_OK)
        return status;
    json_t *row = answers_row(relation, share, planned.way, &planned);
    json_object_set_new(row, "members", json_real(members / (double)count));
    json_object_set_new(row, "way_share", json_real(planned.way_share));
    json_object_set_new(row, "fell_back", json_real(planned.fell_back));
    json_object_set_new(row, "estimate_of_truth", json_real(planned.estimate_of_truth));
    if (best != NULL) {
        json_object_set_new(row, "best_way", json_string(best));
        json_object_set_new(row, "times_best", json_real(planned.timing.p50 / best_us));
    }
    json_array_append_new(filter->cells, row);
    return ask_others(filter, &cell, relation, share, err);
}

/* --- all cells --- */

/* 0, 1, … count - 1: all queries. */
static kin_status number_all(size_t count, size_t **out, kin_error *err)
{
    *out = calloc(count, sizeof **out);
    if (*out == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for queries");
    for (size_t i = 0; i < count; i++)
        (*out)[i] = i;
    return KIN_OK;
}

static kin_status measure_share(bench_filter *filter, bench_relation relation, double share,
                                const size_t *queries, kin_error *err)
{
    bench_conditions conditions = {0};
    bench_truth truth = {0};
    bench_say("%g %%, %s", 100 * share, bench_relation_name(relation));
    kin_status status = bench_conditions_draw(&filter->set, &filter->classes, relation, share,
                                              filter->seed, &conditions, err);
    bench_cell cell = {.set = &filter->set, .k = filter->k, .cohorts = conditions.of_query};
    if (status == KIN_OK)
        status = bench_filter_truth(&cell, &truth, err);
    if (status == KIN_OK)
        status = bench_filter_measure(filter, &conditions, &truth, queries, filter->set.query_count,
                                      bench_relation_name(relation), share, err);
    bench_truth_release(&truth);
    bench_conditions_release(&conditions);
    return status;
}

kin_status bench_filter_shares(bench_filter *filter, const double *shares, size_t count,
                               kin_error *err)
{
    size_t *queries = NULL;
    kin_status status = number_all(filter->set.query_count, &queries, err);
    for (bench_relation r = BENCH_AT_RANDOM; r <= BENCH_OTHER_CLASSES; r++)
        for (size_t i = 0; status == KIN_OK && i < count; i++)
            status = measure_share(filter, r, shares[i], queries, err);
    free(queries);
    return status;
}

static size_t decade_of(const bench_cell *cell, size_t query)
{
    double share = (double)bench_cell_members(cell, query) / (double)cell->set->count;
    size_t decade = 0;
    for (double end = 1e-4; decade + 1 < DECADES && share >= end; end *= 10)
        decade++;
    return decade;
}

kin_status bench_filter_tags(bench_filter *filter, const bench_tags *tags,
                             const bench_tags *query_tags, kin_error *err)
{
    bench_conditions conditions = {0};
    bench_truth truth = {0};
    size_t *queries = NULL;
    kin_status status = number_all(filter->set.query_count, &queries, err);
    if (status == KIN_OK)
        status = bench_conditions_by_tags(&filter->set, tags, query_tags, &conditions, err);
    bench_cell cell = {.set = &filter->set, .k = filter->k, .cohorts = conditions.of_query};
    if (status == KIN_OK)
        status = bench_filter_truth(&cell, &truth, err);
    for (size_t decade = 0; status == KIN_OK && decade < DECADES; decade++) {
        size_t count = 0;
        for (size_t q = 0; q < filter->set.query_count; q++)
            if (decade_of(&cell, q) == decade)
                queries[count++] = q;
        if (count > 0)
            status = bench_filter_measure(filter, &conditions, &truth, queries, count,
                                          decade_names[decade], 0, err);
    }
    bench_truth_release(&truth);
    bench_conditions_release(&conditions);
    free(queries);
    return status;
}
