/* Codes alone: the caller scans them, and ranks the best exactly. */
#include <string.h>

#include "base/ascending.h"
#include "index/kinds.h"

enum {
    CANDIDATES_MAX = 64, /* for each hit, k */
    STEPS = 4            /* from one doubling of the candidates to the next */
};

static struct index_needs needs(size_t count, size_t dim, int threads)
{
    (void)count;
    (void)dim;
    (void)threads;
    return (struct index_needs){0};
}

/* Codes of vectors that an earlier generation has are taken from there. */
static kin_status build(kin_index *index, const struct index_build *build, kin_error *err)
{
    const kin_index *previous = build->previous;
    int8_t *codes = index->sections[SECTION_CODES].bytes;
    for (size_t i = 0; i < build->kept; i++)
        memcpy(codes + i * index->stride,
               previous->codes +
                   kin_ascending_find(previous->ids, 0, previous->count, index->ids[i]) *
                       index->stride,
               index->stride);
    return kin_build_encode(index, build, build->kept, build->source->count, build->kept, 0, 1,
                            err);
}

static kin_status attach(kin_index *index, kin_error *err)
{
    (void)index;
    (void)err;
    return KIN_OK;
}

static bool sizes_are_right(const kin_index *index)
{
    return index->sections[SECTION_GONE].size == 0;
}

static kin_status search(const kin_index *index, const struct index_query *query, kin_hit *hits,
                         size_t *found, kin_index_work *work, kin_error *err)
{
    (void)index;
    (void)query;
    (void)hits;
    (void)work;
    (void)err;
    *found = 0;
    return KIN_OK;
}

/* k, and from there by quarters of a doubling. */
static bool setting_at(const kin_index *index, size_t k, size_t i, kin_index_setting *out)
{
    size_t doublings = i / STEPS;
    (void)index;
    if (k == 0 || k > KIN_INDEX_COUNT_MAX / CANDIDATES_MAX || i > 6 * STEPS)
        return false;
    size_t candidates = k << doublings;
    candidates += candidates * (i % STEPS) / STEPS;
    *out = (kin_index_setting){.width = 0, .candidates = (uint32_t)candidates};
    return true;
}

const struct index_kind kin_index_flat = {
    .name = "flat",
    .needs = needs,
    .build = build,
    .attach = attach,
    .sizes_are_right = sizes_are_right,
    .search = search,
    .setting_at = setting_at,
    .errors = kin_code_errors,
};
