#include "radiomics/hull.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fixed-point half voxels, and how far points are moved from where they are. */
enum { SCALE = 1 << 18, JITTER = 1 << 5 };

typedef __int128 kin_wide; /* products of three differences of up to 2^34 each */

typedef struct kin_moved {
    int64_t at[3];
} kin_moved;

typedef struct kin_face {
    uint32_t corner[3]; /* counter-clockwise from outside */
    bool seen;          /* by the point that is added now */
} kin_face;

/* An edge of the horizon: between a face that sees the point and one that does not. */
typedef struct kin_horizon_edge {
    uint32_t from, to;
} kin_horizon_edge;

typedef struct kin_builder {
    const kin_vertex *points;
    kin_moved *moved;
    kin_face *faces;
    kin_horizon_edge *horizon;
    size_t face_count, face_capacity, horizon_count, horizon_capacity;
} kin_builder;

/* The same for the same point every time: splitmix64. */
static int64_t jitter(uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15u;
    seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
    return (int64_t)((seed ^ seed >> 31) % (2 * JITTER + 1)) - JITTER;
}

/* Six times the volume of the tetrahedron: above 0 where d sees the face (a, b, c) from outside. */
static kin_wide orient(const kin_moved *a, const kin_moved *b, const kin_moved *c,
                       const kin_moved *d)
{
    kin_wide u[3], v[3], w[3];
    for (int x = 0; x < 3; x++) {
        u[x] = b->at[x] - a->at[x];
        v[x] = c->at[x] - a->at[x];
        w[x] = d->at[x] - a->at[x];
    }
    return w[0] * (u[1] * v[2] - u[2] * v[1]) + w[1] * (u[2] * v[0] - u[0] * v[2]) +
           w[2] * (u[0] * v[1] - u[1] * v[0]);
}

static kin_wide sees(const kin_builder *b, const kin_face *face, size_t point)
{
    return orient(&b->moved[face->corner[0]], &b->moved[face->corner[1]],
                  &b->moved[face->corner[2]], &b->moved[point]);
}

static kin_status grow(void **items, size_t *capacity, size_t needed, size_t size, kin_error *err)
{
    if (needed <= *capacity)
        return KIN_OK;
    size_t wanted = 2 * needed + 64;
    void *grown = reallocarray(*items, wanted, size);
    if (grown == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a convex hull");
    *items = grown;
    *capacity = wanted;
    return KIN_OK;
}

static kin_status add_face(kin_builder *b, uint32_t i, uint32_t j, uint32_t k, kin_error *err)
{
    kin_status status =
        grow((void **)&b->faces, &b->face_capacity, b->face_count + 1, sizeof *b->faces, err);
    if (status == KIN_OK)
        b->faces[b->face_count++] = (kin_face){.corner = {i, j, k}};
    return status;
}

/* An edge that two seen faces share came the other way round before: both go. */
static kin_status cross_edge(kin_builder *b, uint32_t from, uint32_t to, kin_error *err)
{
    for (size_t e = 0; e < b->horizon_count; e++)
        if (b->horizon[e].from == to && b->horizon[e].to == from) {
            b->horizon[e] = b->horizon[--b->horizon_count];
            return KIN_OK;
        }
    kin_status status = grow((void **)&b->horizon, &b->horizon_capacity, b->horizon_count + 1,
                             sizeof *b->horizon, err);
    if (status == KIN_OK)
        b->horizon[b->horizon_count++] = (kin_horizon_edge){from, to};
    return status;
}

static kin_status add_point(kin_builder *b, size_t point, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t kept = 0;
    b->horizon_count = 0;
    for (size_t f = 0; f < b->face_count; f++)
        b->faces[f].seen = sees(b, &b->faces[f], point) > 0;
    for (size_t f = 0; status == KIN_OK && f < b->face_count; f++) {
        const kin_face face = b->faces[f];
        if (!face.seen) {
            b->faces[kept++] = face;
            continue;
        }
        for (int n = 0; status == KIN_OK && n < 3; n++)
            status = cross_edge(b, face.corner[n], face.corner[(n + 1) % 3], err);
    }
    if (status != KIN_OK || b->horizon_count == 0)
        return status;
    b->face_count = kept;
    for (size_t e = 0; status == KIN_OK && e < b->horizon_count; e++)
        status = add_face(b, b->horizon[e].from, b->horizon[e].to, (uint32_t)point, err);
    return status;
}

/* The first four points must not lie in one plane, as they are; false when all do. */
static bool find_tetrahedron(kin_vertex *points, size_t count)
{
    size_t have = 1;
    for (size_t p = 1; p < count && have < 4; p++) {
        const int32_t *a = points[0].at;
        int64_t u[3], v[3], w[3], n[3];
        for (int x = 0; x < 3; x++) {
            u[x] = (have > 1 ? points[1].at[x] : points[p].at[x]) - a[x];
            v[x] = (have > 2 ? points[2].at[x] : points[p].at[x]) - a[x];
            w[x] = points[p].at[x] - a[x];
        }
        for (int x = 0; x < 3; x++)
            n[x] = u[(x + 1) % 3] * v[(x + 2) % 3] - u[(x + 2) % 3] * v[(x + 1) % 3];
        bool apart = have == 1   ? u[0] != 0 || u[1] != 0 || u[2] != 0
                     : have == 2 ? n[0] != 0 || n[1] != 0 || n[2] != 0
                                 : n[0] * w[0] + n[1] * w[1] + n[2] * w[2] != 0;
        if (!apart)
            continue;
        kin_vertex swap = points[have];
        points[have++] = points[p];
        points[p] = swap;
    }
    return have == 4;
}

static kin_status build(kin_builder *b, size_t count, kin_error *err)
{
    bool turned = orient(&b->moved[0], &b->moved[1], &b->moved[2], &b->moved[3]) > 0;
    uint32_t i = turned ? 1 : 0, j = turned ? 0 : 1;
    kin_status status = add_face(b, i, j, 2, err);
    if (status == KIN_OK)
        status = add_face(b, j, i, 3, err);
    if (status == KIN_OK)
        status = add_face(b, i, 2, 3, err);
    if (status == KIN_OK)
        status = add_face(b, 2, j, 3, err);
    for (size_t p = 4; status == KIN_OK && p < count; p++)
        status = add_point(b, p, err);
    return status;
}

static void measure(const kin_builder *b, const double spacing[3], kin_hull *out)
{
    out->volume = out->area = 0.0;
    for (size_t f = 0; f < b->face_count; f++) {
        double p[3][3], n[3], area = 0.0;
        for (int c = 0; c < 3; c++)
            for (int x = 0; x < 3; x++)
                p[c][x] = 0.5 * spacing[x] *
                          (b->points[b->faces[f].corner[c]].at[x] - b->points[0].at[x]);
        for (int x = 0; x < 3; x++) {
            int y = (x + 1) % 3, z = (x + 2) % 3;
            n[x] = (p[1][y] - p[0][y]) * (p[2][z] - p[0][z]) -
                   (p[1][z] - p[0][z]) * (p[2][y] - p[0][y]);
            area += n[x] * n[x];
            out->volume += p[0][x] * n[x] / 6.0;
        }
        out->area += 0.5 * sqrt(area);
    }
    out->volume = fabs(out->volume);
}

static double distance2(const kin_vertex *a, const kin_vertex *b, const double spacing[3])
{
    double sum = 0.0;
    for (int x = 0; x < 3; x++) {
        double d = 0.5 * spacing[x] * (a->at[x] - b->at[x]);
        sum += d * d;
    }
    return sum;
}

/* Over the corners of the hull, each of which some face names. */
static kin_status measure_diameter(const kin_builder *b, size_t count, const double spacing[3],
                                   kin_hull *out, kin_error *err)
{
    uint8_t *named = calloc(count, sizeof *named);
    double most = 0.0;
    if (named == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a convex hull");
    for (size_t f = 0; f < b->face_count; f++)
        for (int c = 0; c < 3; c++)
            named[b->faces[f].corner[c]] = 1;
    for (size_t p = 0; p < count; p++)
        for (size_t q = p + 1; named[p] && q < count; q++)
            if (named[q])
                most = fmax(most, distance2(&b->points[p], &b->points[q], spacing));
    out->diameter = sqrt(most);
    free(named);
    return KIN_OK;
}

/* Points in one plane or on a line: too few to be slow. */
static void measure_flat(const kin_vertex *points, size_t count, const double spacing[3],
                         kin_hull *out)
{
    double most = 0.0;
    for (size_t p = 0; p < count; p++)
        for (size_t q = p + 1; q < count; q++)
            most = fmax(most, distance2(&points[p], &points[q], spacing));
    out->diameter = sqrt(most);
}

kin_status kin_hull_of(const kin_vertex *points, size_t count, const double spacing[3],
                       kin_hull *out, kin_error *err)
{
    kin_builder b = {0};
    kin_status status = KIN_OK;
    *out = (kin_hull){.volume = NAN, .area = NAN};
    kin_vertex *ordered = malloc((count + 1) * sizeof *ordered);
    b.moved = calloc(count + 1, sizeof *b.moved);
    if (ordered == NULL || b.moved == NULL || count >= UINT32_MAX) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a convex hull");
        goto out;
    }
    memcpy(ordered, points, count * sizeof *ordered);
    if (!find_tetrahedron(ordered, count)) {
        measure_flat(ordered, count, spacing, out);
        goto out;
    }
    b.points = ordered;
    for (size_t p = 0; p < count; p++)
        for (int x = 0; x < 3; x++)
            b.moved[p].at[x] = (int64_t)ordered[p].at[x] * SCALE + jitter(3 * p + (uint64_t)x);
    status = build(&b, count, err);
    if (status == KIN_OK)
        measure(&b, spacing, out);
    if (status == KIN_OK)
        status = measure_diameter(&b, count, spacing, out, err);
out:
    free(ordered);
    free(b.moved);
    free(b.faces);
    free(b.horizon);
    return status;
}
