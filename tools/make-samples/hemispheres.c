/* hemispheres.c - the head above its base: scalp, skull, cortex, deep nuclei and ventricles. */
#include "brain.h"

/* Distance to the scalp's surface. */
static double head(const brain *b, vec3 p)
{
    double up = (p.z + 6.0) / 104.0;
    double s = sqrt(brain_at_least(1.0 - up * up, 0.05));
    vec3 q = warp3(b->seed + 1, p, 60.0, 1.6);
    /* Narrower in front than behind. */
    double narrow = 1.0 - 0.07 * smooth_step(40.0, -80.0, q.y);
    return shape_trunk(q.x / narrow, q.y, b->width * s, b->length * s, b->square);
}

double brain_depth(const brain *b, vec3 p)
{
    double thick = b->scalp + b->skull + 1.0 * noise3(b->seed + 2, scale3(p, 1 / 35.0));
    return -(head(b, p) + thick);
}

double brain_shell(const brain *b, vec3 p)
{
    double d = head(b, p), depth = brain_depth(b, p), table = 1.9;
    double wave = noise3(b->seed + 3, scale3(p, 1 / 12.0));
    double v = brain_layer(SIGNAL_AIR, SIGNAL_SKIN, d);
    v = brain_layer(v, SIGNAL_FAT + 60 * wave, d + 1.8);
    v = brain_layer(v, SIGNAL_BONE, -depth - b->skull);
    double marrow = brain_at_least(-depth - b->skull + table, depth + table);
    v = brain_layer(v, SIGNAL_MARROW + 120 * wave, marrow + 0.4 * wave);
    v = brain_layer(v, SIGNAL_DURA, -depth);
    v = brain_layer(v, SIGNAL_WATER, 0.9 - depth);
    /* Veins on the surface. */
    double vein = noise3(b->seed + 4, scale3(p, 1 / 6.0));
    return mix(v, SIGNAL_BLOOD,
               0.8 * smooth_step(0.42, 0.6, vein) * cover(fabs(depth - 1.2) - 1.4, 1.5));
}

double brain_cortex(const brain *b, vec3 p, double pia, double split)
{
    enum { GYRUS = 14 }; /* mm from sulcus to sulcus, roughly */
    vec3 q = warp3(b->seed + 5, p, 24.0, 4.5);
    double wave = noise3(b->seed + 6, v3(q.x / GYRUS, q.y / GYRUS, q.z / (1.7 * GYRUS)));
    wave += 0.35 * noise3(b->seed + 7, v3(q.x / 7.0, q.y / 7.0, q.z / 14.0));
    double sulcus = fabs(wave) * GYRUS / 1.7;
    double deep = brain_at_least(0.0, brain_at_most(pia, split + 5.0) - 15.0);
    sulcus += 0.035 * deep * deep; /* sulci end below the cortex */
    double fluid =
        brain_at_most(brain_at_most(sulcus - b->sulci, split - 0.7), pia - 1.0 - 1.5 * b->sulci);
    double ribbon = 3.0 + 0.5 * wave;
    double grain = fractal3(b->seed + 8, scale3(p, 1 / 4.0), 2);
    double v = mix(SIGNAL_WHITE, SIGNAL_GREY, smooth_step(ribbon + 1.2, ribbon - 0.9, fluid));
    v += 14.0 * grain + 14.0 * noise3(b->seed + 9, scale3(p, 1 / 22.0));
    v = mix(v, SIGNAL_WATER, smooth_step(0.7, -0.7, fluid));
    double vein = noise3(b->seed + 10, scale3(p, 1 / 5.0));
    return mix(v, SIGNAL_BLOOD,
               smooth_step(0.45, 0.6, vein) * smooth_step(1.6, 0.2, fabs(fluid)) * 0.8);
}

/* Distance to the ventricles' fluid, for the half with x > 0. */
static double ventricles(const brain *b, vec3 p)
{
    double s = b->ventricles;
    vec3 horn = v3(8, -30, 10), body = v3(8.5 + s, -8, 20), turn = v3(15, 18, 20),
         atrium = v3(23, 33, 10);
    capsule front = {horn, body, 3.0 * s, 3.6 * s};
    capsule middle = {body, turn, 3.6 * s, 3.8 * s};
    capsule back = {turn, atrium, 3.8 * s, 5.2 * s};
    capsule occipital = {atrium, v3(24, 52, 6), 4.0 * s, 1.2 * s};
    double d = brain_at_most(shape_capsule(p, &front), shape_capsule(p, &middle));
    d = brain_at_most(d, brain_at_most(shape_capsule(p, &back), shape_capsule(p, &occipital)));
    double third = shape_ellipsoid(p, v3(0, 4, 2), v3(1.6 * s, 13, 11));
    return brain_at_most(d, third) + 0.5 * noise3(b->seed + 11, scale3(p, 1 / 9.0));
}

/* Nuclei, in the half with x > 0. */
static double deep_grey(vec3 p, double v)
{
    v = mix(v, SIGNAL_GREY + 25,
            cover(shape_ellipsoid(p, v3(14.5, -24, 10), v3(5.5, 10, 13)), 2.0));
    v = mix(v, SIGNAL_GREY + 40, cover(shape_rod(p, v3(15, -14, 20), v3(17, 10, 24), 3.0), 2.0));
    v = mix(v, SIGNAL_GREY + 35, cover(shape_ellipsoid(p, v3(27, -4, 5), v3(5.0, 17, 13)), 2.0));
    v = mix(v, SIGNAL_GREY + 70, cover(shape_ellipsoid(p, v3(20, 0, 4), v3(4.0, 11, 10)), 2.0));
    return mix(v, SIGNAL_GREY + 55,
               cover(shape_ellipsoid(p, v3(11.5, 14, 9), v3(8.5, 14, 11)), 2.4));
}

/* The cleft between the hemispheres, which the corpus callosum closes in the middle: distance. */
static double midline_cleft(vec3 p, double x)
{
    double front = mix(-34, 4, smooth_step(14, 36, p.z)),
           back = mix(46, 0, smooth_step(14, 36, p.z));
    double past = p.y < front || p.y > back ? 0.0 : brain_at_most(p.y - front, back - p.y);
    return sqrt(x * x + past * past);
}

/* The Sylvian fissure and the insula behind it, in the half with x > 0. */
static double sylvian(const brain *b, vec3 p)
{
    double side = b->width * 0.80, open = smooth_step(27, 12, p.z);
    vec3 q = warp3(b->seed + 13, p, 17.0, 3.0);
    q.z = 0.0;
    double cleft = shape_rod(q, v3(side, -6, 0), v3(42, -15, 0), 0.4);
    double front = shape_rod(q, v3(42, -15, 0), v3(37, -24, 0), 0.3);
    double insula = shape_rod(q, v3(42, -15, 0), v3(39, 8, 0), 0.3);
    return brain_at_most(cleft, brain_at_most(front, insula)) + 12.0 * (1.0 - open);
}

double hemispheres_value(const brain *b, vec3 p)
{
    double depth = brain_depth(b, p);
    double v = brain_shell(b, p);
    if (depth < -BRAIN_EDGE) {
        return v;
    }
    double bend = b->falx_bend * exact_sin((p.y + 90.0) / 60.0);
    double x = p.x - bend;
    vec3 half = warp3(b->seed + 12, v3(x, p.y, p.z), 30.0, 1.8);
    half.x = fabs(half.x);
    double cleft = midline_cleft(p, x);
    double split = brain_at_most(cleft, sylvian(b, half));
    double tissue = brain_cortex(b, p, depth, split);
    tissue = deep_grey(half, tissue);
    tissue = brain_layer(tissue, SIGNAL_WATER, ventricles(b, half));
    double plexus = shape_ellipsoid(half, v3(21, 31, 12), v3(3.0, 4.5, 4.5));
    tissue = mix(tissue, 760, 0.9 * cover(plexus, 2.0));
    tissue = brain_layer(tissue, 700, shape_ellipsoid(p, v3(0, 27, 4), v3(2.6, 3.2, 3)));
    /* The falx, and the sinus where it meets the skull. */
    double falx = brain_at_least(fabs(x) - 0.35, cleft - 0.8);
    tissue = mix(tissue, 480, 0.8 * cover(falx, 1.3));
    v = mix(v, tissue, smooth_step(0.3, 1.6, depth));
    double edge = brain_at_least(fabs(x) * 1.5 + 0.6 * (depth - 2.0), -depth) - 3.0;
    return mix(v, SIGNAL_BLOOD, p.y > 0.0 || p.z > 35.0 ? cover(edge, 1.8) : 0.0);
}
