#include "filter_conditions.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "seeded.h"

/* What the cohorts' bits may take all together. */
#define BITS_MAX ((size_t)8 << 30)

static kin_status make_room(const bench_set *set, size_t cohorts, bench_conditions *out,
                            kin_error *err)
{
    size_t bits;
    memset(out, 0, sizeof *out);
    if (!kin_mul_size(set->count / 8 + 1, cohorts, &bits) || bits > BITS_MAX)
        return kin_fail(err, KIN_E_LIMIT, set->title,
                        "%zu conditions take too much memory: ask "
                        "fewer queries",
                        cohorts);
    out->of_query = calloc(set->query_count, sizeof *out->of_query);
    out->cohorts = calloc(cohorts + 1, sizeof *out->cohorts);
    out->count = cohorts;
    if (out->of_query != NULL && out->cohorts != NULL)
        return KIN_OK;
    bench_conditions_release(out);
    return kin_fail(err, KIN_E_NOMEM, set->title, "no memory for conditions");
}

static void count_members(const bench_set *set, bench_conditions *out)
{
    for (size_t q = 0; q < set->query_count; q++)
        out->members += (double)(out->of_query[q] != NULL ? out->of_query[q]->count : set->count);
    out->members /= (double)set->query_count;
}

kin_status bench_conditions_none(const bench_set *set, bench_conditions *out, kin_error *err)
{
    kin_status status = make_room(set, 0, out, err);
    if (status == KIN_OK)
        count_members(set, out);
    return status;
}

kin_status bench_conditions_draw(const bench_set *set, const bench_classes *classes,
                                 bench_relation relation, double share, uint64_t seed,
                                 bench_conditions *out, kin_error *err)
{
    kin_status status = make_room(set, classes->count, out, err);
    for (size_t q = 0; status == KIN_OK && q < set->query_count; q++) {
        uint32_t own = classes->queries[q];
        if (out->cohorts[own].members == NULL)
            status = bench_cohort_draw(classes->rows, set->count, own, relation, share,
                                       bench_random_stream(seed, own), &out->cohorts[own], err);
        out->of_query[q] = &out->cohorts[own];
    }
    if (status == KIN_OK)
        count_members(set, out);
    else
        bench_conditions_release(out);
    return status;
}

kin_status bench_conditions_by_tags(const bench_set *set, const bench_tags *tags,
                                    const bench_tags *query_tags, bench_conditions *out,
                                    kin_error *err)
{
    bench_tag_rows rows = {0};
    kin_status status = make_room(set, set->query_count, out, err);
    if (status == KIN_OK && query_tags->rows < set->query_count)
        status = kin_fail(err, KIN_E_FORMAT, set->title, "%zu queries, but tags of %zu",
                          set->query_count, query_tags->rows);
    if (status == KIN_OK)
        status = bench_tag_rows_make(tags, set->count, &rows, err);
    for (size_t q = 0; status == KIN_OK && q < set->query_count; q++) {
        status = bench_cohort_of(bench_tag_rows_with_all(&rows, set->count, query_tags, q),
                                 set->count, &out->cohorts[q], err);
        out->of_query[q] = &out->cohorts[q];
    }
    bench_tag_rows_release(&rows);
    if (status == KIN_OK)
        count_members(set, out);
    else
        bench_conditions_release(out);
    return status;
}

void bench_conditions_release(bench_conditions *conditions)
{
    for (size_t i = 0; conditions->cohorts != NULL && i < conditions->count; i++)
        bench_cohort_release(&conditions->cohorts[i]);
    free(conditions->cohorts);
    free(conditions->of_query);
    memset(conditions, 0, sizeof *conditions);
}
