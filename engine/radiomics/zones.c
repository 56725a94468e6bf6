#include "radiomics/zones.h"

#include <stdlib.h>

/* What one search needs, over the voxels of its slices. */
typedef struct kin_search {
    const kin_roi *roi;
    const kin_part *part;
    size_t first, count; /* the part's voxels in the box */
    uint8_t *seen;
    uint32_t *distance; /* NULL: not asked for */
    size_t *stack, depth;
} kin_search;

static uint32_t nearer(uint32_t distance, uint32_t neighbour)
{
    return neighbour + 1 < distance ? neighbour + 1 : distance;
}

/* The distance of a voxel's neighbour one step back (or forth) along an axis, 0 beyond the box. */
static uint32_t beside(const kin_search *search, const int at[3], int axis, int step)
{
    const int *size = search->roi->size;
    const int low = axis == 2 ? search->part->from_k : 0;
    const int high = axis == 2 ? search->part->to_k : size[axis];
    int to[3] = {at[0], at[1], at[2]};
    to[axis] += step;
    if (to[axis] < low || to[axis] >= high)
        return 0;
    return search->distance[kin_roi_at(search->roi, to[0], to[1], to[2]) - search->first];
}

/* One pass of the city-block distance transform (exact with a pass in either direction). */
static void sweep(kin_search *search, int step)
{
    const kin_roi *roi = search->roi;
    int axes = search->part->by_slice ? 2 : 3;
    for (size_t n = 0; n < search->count; n++) {
        size_t v = search->first + (step < 0 ? n : search->count - 1 - n);
        size_t row = v / (size_t)roi->size[0];
        const int at[3] = {(int)(v % (size_t)roi->size[0]), (int)(row % (size_t)roi->size[1]),
                           (int)(row / (size_t)roi->size[1])};
        uint32_t *distance = &search->distance[v - search->first];
        for (int a = 0; *distance > 0 && a < axes; a++)
            *distance = nearer(*distance, beside(search, at, a, step));
    }
}

static void measure_distances(kin_search *search)
{
    for (size_t n = 0; n < search->count; n++)
        search->distance[n] = search->roi->shape[search->first + n] ? UINT32_MAX - 1 : 0;
    sweep(search, -1);
    sweep(search, 1);
}

/* Puts a voxel's unseen neighbours of the same level on the stack. */
static void push_neighbours(kin_search *search, size_t v, uint16_t level)
{
    const kin_roi *roi = search->roi;
    size_t row = v / (size_t)roi->size[0];
    int i = (int)(v % (size_t)roi->size[0]), j = (int)(row % (size_t)roi->size[1]);
    int k = (int)(row / (size_t)roi->size[1]), reach = search->part->by_slice ? 0 : 1;
    for (int dk = -reach; dk <= reach; dk++)
        for (int dj = -1; dj <= 1; dj++)
            for (int di = -1; di <= 1; di++) {
                if (kin_roi_level(roi, i + di, j + dj, k + dk) != level)
                    continue;
                size_t to = kin_roi_at(roi, i + di, j + dj, k + dk);
                if (search->seen[to - search->first])
                    continue;
                search->seen[to - search->first] = 1;
                search->stack[search->depth++] = to;
            }
}

/* Goes through the zone of voxel v. */
static void follow(kin_search *search, size_t v, uint32_t *voxels, uint32_t *distance)
{
    uint16_t level = search->roi->level[v];
    search->seen[v - search->first] = 1;
    search->stack[search->depth++] = v;
    *voxels = 0;
    *distance = search->distance != NULL ? UINT32_MAX : 0;
    while (search->depth > 0) {
        size_t at = search->stack[--search->depth];
        (*voxels)++;
        if (search->distance != NULL && search->distance[at - search->first] < *distance)
            *distance = search->distance[at - search->first];
        push_neighbours(search, at, level);
    }
}

static kin_status search_zones(kin_search *search, kin_zone_sink *sink, void *ctx, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t n = 0; status == KIN_OK && n < search->count; n++) {
        size_t v = search->first + n;
        uint32_t voxels, distance;
        if (search->roi->level[v] == 0 || search->seen[n])
            continue;
        follow(search, v, &voxels, &distance);
        status = sink(ctx, search->roi->level[v], voxels, distance, err);
    }
    return status;
}

kin_status kin_zones_find(const kin_roi *roi, const kin_part *part, bool with_distances,
                          kin_zone_sink *sink, void *ctx, kin_error *err)
{
    size_t slice = (size_t)roi->size[0] * (size_t)roi->size[1];
    kin_search search = {.roi = roi,
                         .part = part,
                         .first = (size_t)part->from_k * slice,
                         .count = (size_t)(part->to_k - part->from_k) * slice};
    kin_status status;
    search.seen = calloc(search.count, sizeof *search.seen);
    search.stack = malloc(search.count * sizeof *search.stack);
    if (with_distances)
        search.distance = malloc(search.count * sizeof *search.distance);
    if (search.seen == NULL || search.stack == NULL ||
        (with_distances && search.distance == NULL)) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to find zones");
    } else {
        if (with_distances)
            measure_distances(&search);
        status = search_zones(&search, sink, ctx, err);
    }
    free(search.seen);
    free(search.stack);
    free(search.distance);
    return status;
}
