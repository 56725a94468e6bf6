#include "rods.h"

#include <stdlib.h>
#include <string.h>

/* The grid: cells of CELL mm over a cube of +-REACH mm; what lies outside counts to the border. */
enum { CELL = 16, REACH = 224, SIDE = 2 * REACH / CELL, CELLS = SIDE * SIDE * SIDE };
static const double MARGIN = 2.0; /* mm beyond a rod's surface where its blur still counts */

kin_status rods_add(rods *set, vec3 a, vec3 b, double ra, double rb, kin_error *err)
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 64 : set->room * 2;
        capsule *items = realloc(set->items, room * sizeof *items);
        if (items == NULL) {
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for vessels");
        }
        set->items = items;
        set->room = room;
    }
    set->items[set->count++] = (capsule){a, b, ra, rb};
    return KIN_OK;
}

kin_status rods_grow(rods *set, rng *r, vec3 root, vec3 direction, const branching *how,
                     kin_error *err)
{
    if (how->levels == 0) {
        return KIN_OK;
    }
    double length = how->length * rng_range(r, 0.75, 1.25);
    vec3 end = add3(root, scale3(direction, length));
    kin_status status = rods_add(set, root, end, how->radius, how->radius * how->taper, err);
    branching next = *how;
    next.levels--;
    next.length *= how->shorten;
    next.radius *= how->taper;
    for (int child = 0; child < 2 && status == KIN_OK; child++) {
        vec3 way = add3(add3(direction, scale3(rng_direction(r), how->spread)), how->pull);
        way = scale3(way, 1.0 / (length3(way) + 1e-9));
        status = rods_grow(set, r, end, way, &next, err);
    }
    return status;
}

static int cell_of(double x)
{
    return (int)clamp(floor((x + REACH) / CELL), 0, SIDE - 1);
}

/* The cells that a rod touches, as ranges per axis. */
static void cells_of(const capsule *c, int low[3], int high[3])
{
    double a[3] = {c->a.x, c->a.y, c->a.z}, b[3] = {c->b.x, c->b.y, c->b.z};
    double r = (c->ra > c->rb ? c->ra : c->rb) + MARGIN;
    for (int axis = 0; axis < 3; axis++) {
        low[axis] = cell_of((a[axis] < b[axis] ? a[axis] : b[axis]) - r);
        high[axis] = cell_of((a[axis] > b[axis] ? a[axis] : b[axis]) + r);
    }
}

/* Counts members per cell into starts (members NULL), or puts them in place, advancing starts. */
static void visit_cells(const rods *set, int *starts, int *members)
{
    for (size_t i = 0; i < set->count; i++) {
        int low[3], high[3];
        cells_of(&set->items[i], low, high);
        for (int z = low[2]; z <= high[2]; z++) {
            for (int y = low[1]; y <= high[1]; y++) {
                for (int x = low[0]; x <= high[0]; x++) {
                    int *at = &starts[(z * SIDE + y) * SIDE + x];
                    if (members != NULL) {
                        members[*at] = (int)i;
                    }
                    ++*at;
                }
            }
        }
    }
}

kin_status rods_index(rods *set, kin_error *err)
{
    int *starts = calloc(CELLS + 1, sizeof *starts);
    if (starts == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for vessels");
    }
    visit_cells(set, starts, NULL);
    int sum = 0;
    for (int i = 0; i <= CELLS; i++) {
        int here = starts[i];
        starts[i] = sum;
        sum += here;
    }
    int *members = malloc(((size_t)sum + 1) * sizeof *members);
    if (members == NULL) {
        free(starts);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for vessels");
    }
    visit_cells(set, starts, members); /* now each starts[i] is where cell i ends */
    memmove(starts + 1, starts, CELLS * sizeof *starts);
    starts[0] = 0;
    free(set->starts);
    free(set->members);
    set->starts = starts;
    set->members = members;
    return KIN_OK;
}

double rods_cover(const rods *set, vec3 p, double edge)
{
    int cell = (cell_of(p.z) * SIDE + cell_of(p.y)) * SIDE + cell_of(p.x);
    double most = 0.0;
    for (int i = set->starts[cell]; i < set->starts[cell + 1]; i++) {
        const capsule *c = &set->items[set->members[i]];
        double d = shape_capsule(p, c);
        if (d < edge) {
            double thickest = c->ra > c->rb ? c->ra : c->rb;
            double full =
                clamp(2.0 * thickest / edge, 0.0, 1.0); /* thinner than the blur: fainter */
            double covered = full * cover(d, edge);
            most = covered > most ? covered : most;
        }
    }
    return most;
}

void rods_release(rods *set)
{
    free(set->items);
    free(set->starts);
    free(set->members);
    *set = (rods){0};
}
