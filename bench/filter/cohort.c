#include "cohort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "seeded.h"

const char *bench_relation_name(bench_relation relation)
{
    static const char *const names[] = {"at random", "the query's class", "not its class"};
    return names[relation];
}

/* Rows to draw from: those of the class, those of all others, or all. */
struct pool {
    const uint32_t *classes;
    uint32_t query_class;
    bench_relation relation;
};

static bool in_pool(const struct pool *pool, size_t row)
{
    return pool->relation == BENCH_AT_RANDOM ||
           (pool->classes[row] == pool->query_class) == (pool->relation == BENCH_SAME_CLASS);
}

static size_t pool_size(const struct pool *pool, size_t rows)
{
    size_t count = 0;
    for (size_t row = 0; row < rows; row++)
        count += in_pool(pool, row);
    return count;
}

/* Draws `wanted` rows of the pool, each set of them as likely as any other: selection sampling
 * (Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 S). */
static void draw(const struct pool *pool, size_t rows, size_t wanted, uint64_t *state,
                 roaring_bitmap_t *members)
{
    size_t left = pool_size(pool, rows);
    for (size_t row = 0; row < rows && wanted > 0; row++) {
        if (!in_pool(pool, row))
            continue;
        if ((double)left * bench_random_unit(state) < (double)wanted) {
            roaring_bitmap_add(members, (uint32_t)row);
            wanted--;
        }
        left--;
    }
}

kin_status bench_cohort_of(roaring_bitmap_t *members, size_t rows, bench_cohort *out,
                           kin_error *err)
{
    *out = (bench_cohort){.members = members, .rows = rows};
    out->bits = members != NULL ? calloc(rows / 8 + 1, 1) : NULL;
    if (out->bits == NULL) {
        bench_cohort_release(out);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a cohort");
    }
    roaring_bitmap_run_optimize(members);
    roaring_uint32_iterator_t at;
    for (roaring_init_iterator(members, &at); at.has_value; roaring_advance_uint32_iterator(&at))
        out->bits[at.current_value / 8] |= (uint8_t)(1U << (at.current_value % 8));
    out->count = (size_t)roaring_bitmap_get_cardinality(members);
    return KIN_OK;
}

kin_status bench_cohort_draw(const uint32_t *classes, size_t rows, uint32_t query_class,
                             bench_relation relation, double share, uint64_t seed,
                             bench_cohort *out, kin_error *err)
{
    const struct pool first = {classes, query_class, relation};
    const struct pool others = {classes, query_class, BENCH_OTHER_CLASSES};
    size_t wanted = (size_t)llround(share * (double)rows), drawn;
    roaring_bitmap_t *members = roaring_bitmap_create();
    memset(out, 0, sizeof *out);
    if (members == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a cohort");
    wanted = wanted > 0 ? wanted : 1;
    drawn = pool_size(&first, rows);
    drawn = drawn < wanted ? drawn : wanted;
    draw(&first, rows, drawn, &seed, members);
    if (relation == BENCH_SAME_CLASS)
        draw(&others, rows, wanted - drawn, &seed, members);
    return bench_cohort_of(members, rows, out, err);
}

void bench_cohort_release(bench_cohort *cohort)
{
    if (cohort->members != NULL)
        roaring_bitmap_free(cohort->members);
    free(cohort->bits);
    memset(cohort, 0, sizeof *cohort);
}
