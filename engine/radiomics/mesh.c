#include "radiomics/mesh.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CORNERS = 8, EDGES = 12, CASES = 256, TRIANGLES_MAX = 10, NO_EDGE = -1 };

/* Corner c of a cube lies at (c & 1, c >> 1 & 1, c >> 2 & 1). */
static const int edge_corners[EDGES][2] = {{0, 1}, {2, 3}, {4, 5}, {6, 7}, {0, 2}, {1, 3},
                                           {4, 6}, {5, 7}, {0, 4}, {1, 5}, {2, 6}, {3, 7}};

/* The corners of each face, counter-clockwise as seen from outside. */
static const int faces[6][4] = {{0, 4, 6, 2}, {1, 3, 7, 5}, {0, 1, 5, 4},
                                {2, 6, 7, 3}, {0, 2, 3, 1}, {4, 5, 7, 6}};

typedef struct kin_mesh_case {
    int triangles;
    int8_t edges[TRIANGLES_MAX][3];
} kin_mesh_case;

static int edge_between(int a, int b)
{
    for (int e = 0; e < EDGES; e++)
        if ((edge_corners[e][0] == a && edge_corners[e][1] == b) ||
            (edge_corners[e][0] == b && edge_corners[e][1] == a))
            return e;
    return NO_EDGE;
}

/* Joins, on one face, the edge where the outline leaves the inside to the one where it comes in
 * again: next[leaving] = coming. */
static void join_face(int inside, const int face[4], int next[EDGES])
{
    for (int n = 0; n < 4; n++) {
        int here = face[n], after = face[(n + 1) % 4], in = n + 1;
        if ((inside >> here & 1) == 0 || (inside >> after & 1) != 0)
            continue;
        while ((inside >> face[in % 4] & 1) == 0)
            in++;
        next[edge_between(here, after)] = edge_between(face[(in + 3) % 4], face[in % 4]);
    }
}

/* Half-way along an edge of the unit cube. */
static void middle_of(int edge, double out[3])
{
    for (int x = 0; x < 3; x++)
        out[x] = 0.5 * ((edge_corners[edge][0] >> x & 1) + (edge_corners[edge][1] >> x & 1));
}

static void cross(const double u[3], const double v[3], double out[3])
{
    for (int x = 0; x < 3; x++)
        out[x] = u[(x + 1) % 3] * v[(x + 2) % 3] - u[(x + 2) % 3] * v[(x + 1) % 3];
}

static double area_of(const double a[3], const double b[3], const double c[3])
{
    double ab[3], ac[3], normal[3];
    for (int x = 0; x < 3; x++) {
        ab[x] = b[x] - a[x];
        ac[x] = c[x] - a[x];
    }
    cross(ab, ac, normal);
    return 0.5 * sqrt(normal[0] * normal[0] + normal[1] * normal[1] + normal[2] * normal[2]);
}

static double cube_area(int a, int b, int c)
{
    double p[3], q[3], r[3];
    middle_of(a, p);
    middle_of(b, q);
    middle_of(c, r);
    return area_of(p, q, r);
}

/* Adds the triangles over the stretch of a loop from `from` to `to`, by where each was cut best. */
static void take_cut(const int *loop, int from, int to, int8_t cut[EDGES][EDGES],
                     kin_mesh_case *out)
{
    if (to - from < 2 || out->triangles == TRIANGLES_MAX)
        return;
    int8_t *triangle = out->edges[out->triangles++];
    int middle = cut[from][to];
    triangle[0] = (int8_t)loop[from];
    triangle[1] = (int8_t)loop[middle];
    triangle[2] = (int8_t)loop[to];
    take_cut(loop, from, middle, cut, out);
    take_cut(loop, middle, to, cut, out);
}

/* Cuts a loop into triangles: of all ways that of the largest area in the unit cube, stretch by
 * longer stretch. */
static void cut_loop(const int *loop, int length, kin_mesh_case *out)
{
    double best[EDGES][EDGES] = {{0}};
    int8_t cut[EDGES][EDGES] = {{0}};
    for (int span = 2; span < length; span++)
        for (int from = 0, to = span; to < length; from++, to++) {
            best[from][to] = -1.0;
            for (int m = from + 1; m < to; m++) {
                double area =
                    best[from][m] + best[m][to] + cube_area(loop[from], loop[m], loop[to]);
                if (area > best[from][to] + 1e-12) {
                    best[from][to] = area;
                    cut[from][to] = (int8_t)m;
                }
            }
        }
    take_cut(loop, 0, length - 1, cut, out);
}

static void make_case(int inside, kin_mesh_case *out)
{
    int next[EDGES], loop[EDGES];
    out->triangles = 0;
    for (int e = 0; e < EDGES; e++)
        next[e] = NO_EDGE;
    for (int f = 0; f < 6; f++)
        join_face(inside, faces[f], next);
    for (int e = 0; e < EDGES; e++) {
        int length = 0;
        for (int at = e; next[at] != NO_EDGE;) {
            int following = next[at];
            loop[length++] = at;
            next[at] = NO_EDGE;
            at = following;
        }
        cut_loop(loop, length, out);
    }
}

static bool is_inside(const kin_roi *roi, int i, int j, int k)
{
    return i >= 0 && j >= 0 && k >= 0 && i < roi->size[0] && j < roi->size[1] && k < roi->size[2] &&
           roi->shape[kin_roi_at(roi, i, j, k)] != 0;
}

/* Half-way along an edge of the cube whose lowest corner is voxel (i, j, k), mm. */
static void vertex_of(const kin_roi *roi, const int cube[3], int edge, double out[3])
{
    int a = edge_corners[edge][0], b = edge_corners[edge][1];
    for (int x = 0; x < 3; x++)
        out[x] = (cube[x] + 0.5 * ((a >> x & 1) + (b >> x & 1))) * roi->spacing[x];
}

static void add_triangle(const kin_roi *roi, const int cube[3], const int8_t edges[3],
                         kin_mesh_measures *out)
{
    double a[3], b[3], c[3], across[3];
    vertex_of(roi, cube, edges[0], a);
    vertex_of(roi, cube, edges[1], b);
    vertex_of(roi, cube, edges[2], c);
    cross(b, c, across);
    out->area += area_of(a, b, c);
    out->volume += (a[0] * across[0] + a[1] * across[1] + a[2] * across[2]) / 6.0;
}

static void measure_extent(const kin_roi *roi, kin_mesh_measures *out)
{
    int low[3] = {INT_MAX, INT_MAX, INT_MAX}, high[3] = {INT_MIN, INT_MIN, INT_MIN};
    for (int k = 0; k < roi->size[2]; k++)
        for (int j = 0; j < roi->size[1]; j++)
            for (int i = 0; i < roi->size[0]; i++) {
                const int at[3] = {i, j, k};
                for (int a = 0; a < 3 && roi->shape[kin_roi_at(roi, i, j, k)]; a++) {
                    low[a] = at[a] < low[a] ? at[a] : low[a];
                    high[a] = at[a] > high[a] ? at[a] : high[a];
                }
            }
    for (int a = 0; a < 3; a++) /* half a voxel beyond the centres at either end */
        out->extent[a] = (high[a] - low[a] + 1) * roi->spacing[a];
}

void kin_mesh_measure(const kin_roi *roi, kin_mesh_measures *out)
{
    kin_mesh_case cases[CASES];
    int cube[3];
    *out = (kin_mesh_measures){0};
    for (int c = 0; c < CASES; c++)
        make_case(c, &cases[c]);
    for (cube[2] = -1; cube[2] < roi->size[2]; cube[2]++)
        for (cube[1] = -1; cube[1] < roi->size[1]; cube[1]++)
            for (cube[0] = -1; cube[0] < roi->size[0]; cube[0]++) {
                int inside = 0;
                for (int c = 0; c < CORNERS; c++)
                    inside |= is_inside(roi, cube[0] + (c & 1), cube[1] + (c >> 1 & 1),
                                        cube[2] + (c >> 2 & 1))
                              << c;
                for (int t = 0; t < cases[inside].triangles; t++)
                    add_triangle(roi, cube, cases[inside].edges[t], out);
            }
    out->volume = fabs(out->volume);
    measure_extent(roi, out);
}

/* The outermost vertices of the lines along one axis. */
typedef struct kin_lines {
    int32_t *low, *high;
    size_t width, count; /* lines: half voxels of the two other axes, from -1 on */
    int other[2];
} kin_lines;

static size_t line_of(const kin_lines *lines, const int32_t at[3])
{
    return (size_t)(at[lines->other[1]] + 1) * lines->width + (size_t)(at[lines->other[0]] + 1);
}

/* Calls back for every vertex: between voxels of which one is inside. */
static void each_vertex(const kin_roi *roi, void (*visit)(void *ctx, const int32_t at[3]),
                        void *ctx)
{
    for (int k = -1; k < roi->size[2]; k++)
        for (int j = -1; j < roi->size[1]; j++)
            for (int i = -1; i < roi->size[0]; i++)
                for (int a = 0; a < 3; a++) {
                    int32_t at[3] = {2 * i, 2 * j, 2 * k};
                    if (is_inside(roi, i, j, k) ==
                        is_inside(roi, i + (a == 0), j + (a == 1), k + (a == 2)))
                        continue;
                    at[a]++;
                    visit(ctx, at);
                }
}

static void note_vertex(void *ctx, const int32_t at[3])
{
    kin_lines *lines = ctx;
    for (int a = 0; a < 3; a++) {
        size_t line = line_of(&lines[a], at);
        if (at[a] < lines[a].low[line])
            lines[a].low[line] = at[a];
        if (at[a] > lines[a].high[line])
            lines[a].high[line] = at[a];
    }
}

typedef struct kin_gathering {
    const kin_lines *lines;
    kin_vertex *to; /* NULL: only count */
    size_t count;
} kin_gathering;

/* A corner of the hull is at an end of its line along every axis. */
static void gather_vertex(void *ctx, const int32_t at[3])
{
    kin_gathering *gathering = ctx;
    for (int a = 0; a < 3; a++) {
        const kin_lines *lines = &gathering->lines[a];
        size_t line = line_of(lines, at);
        if (at[a] != lines->low[line] && at[a] != lines->high[line])
            return;
    }
    if (gathering->to != NULL)
        memcpy(gathering->to[gathering->count].at, at, sizeof gathering->to->at);
    gathering->count++;
}

static kin_status make_lines(const kin_roi *roi, kin_lines lines[3], kin_error *err)
{
    for (int a = 0; a < 3; a++) {
        lines[a].other[0] = a == 0 ? 1 : 0;
        lines[a].other[1] = a == 2 ? 1 : 2;
        lines[a].width = 2 * (size_t)roi->size[lines[a].other[0]] + 2;
        lines[a].count = lines[a].width * (2 * (size_t)roi->size[lines[a].other[1]] + 2);
        lines[a].low = malloc(lines[a].count * sizeof *lines[a].low);
        lines[a].high = malloc(lines[a].count * sizeof *lines[a].high);
        if (lines[a].low == NULL || lines[a].high == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the region's surface");
        for (size_t n = 0; n < lines[a].count; n++) {
            lines[a].low[n] = INT32_MAX;
            lines[a].high[n] = INT32_MIN;
        }
    }
    return KIN_OK;
}

kin_status kin_mesh_outer_vertices(const kin_roi *roi, kin_vertex **out, size_t *count,
                                   kin_error *err)
{
    kin_lines lines[3] = {0};
    kin_gathering gathering = {.lines = lines};
    *out = NULL;
    *count = 0;
    kin_status status = make_lines(roi, lines, err);
    if (status == KIN_OK) {
        each_vertex(roi, note_vertex, lines);
        each_vertex(roi, gather_vertex, &gathering);
        *out = malloc((gathering.count + 1) * sizeof **out);
        if (*out == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the region's surface");
    }
    if (status == KIN_OK) {
        gathering.to = *out;
        gathering.count = 0;
        each_vertex(roi, gather_vertex, &gathering);
        *count = gathering.count;
    }
    for (int a = 0; a < 3; a++) {
        free(lines[a].low);
        free(lines[a].high);
    }
    return status;
}
