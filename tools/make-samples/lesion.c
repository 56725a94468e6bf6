#include "lesion.h"

lesion lesion_make(rng *r, double low, double high, double growth, double ragged)
{
    lesion l = {.seed = rng_next(r), .ragged = ragged};
    l.radius = rng_range(r, low, high) * growth;
    l.stretch = rng_box(r, v3(0.82, 0.82, 1.0), v3(1.18, 1.18, 1.0));
    return l;
}

double lesion_distance(const lesion *l, vec3 p)
{
    if (l->radius <= 0.0) {
        return 1e6;
    }
    vec3 q = sub3(p, l->centre);
    double d = shape_ellipsoid(q, v3(0, 0, 0), scale3(l->stretch, l->radius));
    if (d > 2.0 * l->radius) {
        return d;
    }
    /* By direction as much as by place, so that the border strays alike at every size. */
    double n = length3(q) + 1e-9;
    vec3 u = scale3(q, 1.0 / n);
    double wave = fractal3(l->seed, scale3(u, 1.7), 3);
    return d - l->radius * l->ragged * 1.6 * wave;
}

kin_status lesion_spicules(const lesion *l, rng *r, int count, double reach, rods *out,
                           kin_error *err)
{
    kin_status status = KIN_OK;
    for (int i = 0; i < count && status == KIN_OK; i++) {
        vec3 way = rng_direction(r);
        way.z *= 0.45; /* mostly near the plane of the slices, as far as these show them */
        way = scale3(way, 1.0 / length3(way));
        double far = l->radius * reach * rng_range(r, 0.75, 1.15);
        vec3 from = add3(l->centre, scale3(way, 0.6 * l->radius));
        vec3 bend = add3(l->centre, add3(scale3(way, far), scale3(rng_direction(r), 0.12 * far)));
        status = rods_add(out, from, bend, rng_range(r, 1.2, 2.2), 0.35, err);
    }
    return status;
}
