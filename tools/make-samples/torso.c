#include "torso.h"

enum { HU_AIR = -1000, HU_FAT = -105, HU_MUSCLE = 55, HU_SKIN = 25 };

torso torso_of(uint64_t seed, char sex, int age)
{
    rng r = rng_make(seed, "torso", 0);
    torso t = {.seed = seed};
    double build = rng_normal(&r) * 0.5; /* slim … stout */
    bool woman = sex == 'F';
    t.fat = clamp(16.0 + 7.0 * build + (woman ? 4.0 : 0.0), 6.0, 34.0);
    t.cage_width = rng_range(&r, 120.0, 134.0) - (woman ? 9.0 : 0.0);
    t.cage_depth = t.cage_width * rng_range(&r, 0.66, 0.76);
    double muscle =
        clamp(rng_range(&r, 13.0, 20.0) - (woman ? 3.0 : 0.0) - 0.06 * (age - 40), 9.0, 21.0);
    t.width = t.cage_width + muscle + t.fat;
    t.depth = t.cage_depth + muscle + t.fat * 0.8;
    t.square = rng_range(&r, 0.25, 0.6);
    t.rib_phase = rng_unit(&r);
    t.rib_slope = rng_range(&r, 20.0, 27.0);
    t.bone = clamp(1.15 - 0.008 * (age - 30) + 0.1 * rng_normal(&r), 0.55, 1.3);
    t.breast = woman ? rng_range(&r, 12.0, 34.0) : 0.0;
    return t;
}

double torso_cavity(const torso *t, vec3 p)
{
    return shape_trunk(p.x, p.y, t->cage_width, t->cage_depth, t->square * 0.8);
}

double torso_spine_y(const torso *t)
{
    return t->cage_depth - 20.0;
}

/* Distance to the skin: the trunk, and in women the breasts, hanging to the sides. */
static double skin(const torso *t, vec3 p)
{
    double d = shape_trunk(p.x, p.y, t->width, t->depth, t->square);
    if (t->breast > 0.0) {
        vec3 radii = v3(t->width * 0.42, t->breast + 16.0, 62.0);
        for (int side = -1; side <= 1; side += 2) {
            vec3 centre = v3(side * t->width * 0.5, -t->depth * 0.84, -18.0);
            d = shape_join(d, shape_ellipsoid(p, centre, radii), 22.0);
        }
    }
    return d;
}

/* Lays ribs, cut obliquely as a slice cuts them, over `under`; `depth` is the distance to the
 * cage. */
static double ribs(const torso *t, vec3 p, double depth, double edge, double under)
{
    double angle = fabs(exact_atan2(p.x / t->cage_width, -p.y / t->cage_depth)); /* 0 in front */
    double turn = angle * 1.75 + p.z / t->rib_slope + t->rib_phase + (p.x > 0.0 ? 0.13 : 0.0);
    double along = ((turn - floor(turn)) - 0.26) / 0.25; /* -1 … 1 along the cut */
    double across = (depth - 5.0) / 4.6;
    double d = (sqrt(along * along + across * across) - 1.0) * 4.6;
    if (angle > 2.85) {
        return under; /* behind, the transverse processes belong to the spine */
    }
    double hard = smooth_step(0.42, 0.62, angle); /* cartilage in front of that */
    if (!t->cartilage) {
        hard = 1.0;
        if (angle < 0.75) {
            return under;
        }
    }
    double shell = mix(115.0, 620.0 * t->bone, hard), marrow = mix(95.0, 170.0 * t->bone, hard);
    under = mix(under, shell, cover(d, edge));
    return mix(under, marrow, cover(d + 2.0, edge));
}

double torso_shell(const torso *t, vec3 p, double edge)
{
    double d = skin(t, p);
    double v = mix(HU_AIR, HU_FAT + 7.0 * noise3(t->seed + 1, scale3(p, 1 / 9.0)), cover(d, edge));
    if (d > edge) {
        return v;
    }
    v = mix(v, HU_SKIN, 0.8 * cover(fabs(d + 1.2) - 1.0, edge));
    if (t->breast > 0.0 && p.y < -t->cage_depth - 8.0 && d < -4.0) { /* glandular tissue */
        double gland = fractal3(t->seed + 2, scale3(p, 1 / 14.0), 3);
        v = mix(v, 20.0, 0.8 * smooth_step(0.02, 0.22, gland) * smooth_step(-4.0, -12.0, d));
    }

    double depth = torso_cavity(t, p);
    double outer =
        shape_trunk(p.x, p.y, t->width - t->fat, t->depth - 0.8 * t->fat, t->square * 0.9);
    outer += 3.0 * noise3(t->seed + 3, scale3(p, 1 / 26.0));
    double fibre =
        fabs(noise3(t->seed + 4, v3(depth / 7.0, exact_atan2(p.x, -p.y) * 2.0, p.z / 40.0)));
    double muscle = mix(HU_FAT + 20.0, HU_MUSCLE, smooth_step(0.02, 0.12, fibre));
    v = mix(v, muscle, cover(outer, edge));
    v = ribs(t, p, depth, edge, v);
    if (t->cartilage) {
        vec3 sternum = v3(0.0, -t->cage_depth - 5.0, p.z);
        double s = shape_ellipsoid(p, sternum, v3(20.0, 6.5, 90.0));
        v = mix(v, 430.0 * t->bone, cover(s, edge));
        v = mix(v, 130.0 * t->bone, cover(s + 2.2, edge));
    }
    return v;
}

/* The vertebra at y0, under the fascia at distance `outer`; discs lie every 30 mm. */
static double vertebra(const torso *t, vec3 p, double y0, double edge, double under, double outer)
{
    double w = t->cage_width * 0.135;
    vec3 q = v3(fabs(p.x), p.y - y0, p.z);
    double body = shape_ellipsoid(v3(q.x, q.y, 0), v3(0, 0, 0), v3(w, w * 0.76, 100));
    double back = w * 0.76;
    double lamina =
        shape_rod(v3(q.x, q.y, 0), v3(w * 0.78, back - 1.0, 0), v3(1.0, back + 19.0, 0), 3.4);
    double spinous = shape_rod(v3(q.x, q.y, 0), v3(0, back + 19.0, 0), v3(0, back + 29.0, 0), 2.7);
    double transverse =
        shape_rod(v3(q.x, q.y, 0), v3(w * 0.8, back + 5.0, 0), v3(w * 2.1, back + 15.0, 0), 3.6);
    double stripe = noise3(t->seed + 5, v3(p.x / 3.0, p.y / 3.0, p.z / 3.0));
    double spongy = (185.0 + 45.0 * stripe) * t->bone;
    double turn = p.z / 30.0 + t->rib_phase,
           disc = smooth_step(0.40, 0.46, fabs(turn - floor(turn) - 0.5));

    double v =
        mix(under, 12.0,
            cover(shape_ellipsoid(v3(q.x, q.y, 0), v3(0, back + 8.0, 0), v3(10, 9, 100)), edge));
    double arch = lamina < transverse ? lamina : transverse;
    arch = arch < spinous ? arch : spinous;
    arch = arch > outer - 3.0 ? arch : outer - 3.0; /* thin patients: not through the skin */
    v = mix(v, 480.0 * t->bone, cover(arch, edge) * (1.0 - 0.6 * disc));
    v = mix(v, 230.0 * t->bone, cover(arch + 2.0, edge));
    v = mix(v, 470.0 * t->bone, cover(body, edge) * (1.0 - disc));
    v = mix(v, spongy, cover(body + 2.0, edge) * (1.0 - disc));
    v = mix(v, 85.0, cover(body, edge) * disc);
    return mix(
        v, 32.0,
        cover(shape_ellipsoid(v3(q.x, q.y, 0), v3(0, back + 8.0, 0), v3(6.5, 6, 100)), edge));
}

double torso_spine(const torso *t, vec3 p, double edge, double under)
{
    double y0 = torso_spine_y(t);
    vec3 q = v3(fabs(p.x), p.y, 0);
    double beside = shape_ellipsoid(q, v3(27.0, y0 + 34.0, 0), v3(25.0, 17.0, 100.0));
    beside += 2.0 * noise3(t->seed + 6, scale3(p, 1 / 15.0));
    double outer =
        shape_trunk(p.x, p.y, t->width - t->fat, t->depth - 0.8 * t->fat, t->square * 0.9);
    beside = beside > outer ? beside : outer;
    double streak = noise3(t->seed + 7, v3(p.x / 5.0, p.y / 9.0, p.z / 40.0));
    double muscle = HU_MUSCLE - 60.0 * smooth_step(0.25, 0.5, streak);
    double v = mix(under, muscle, cover(beside, edge));
    return vertebra(t, p, y0, edge, v, outer);
}
