/*
 * brain.c - a head as T1-weighted MR with contrast medium sees it, in two levels: above
 * (ventricles, basal ganglia, convexity) and at the skull base (orbits, sella, brain stem,
 * cerebellum).
 */
#include "phantom.h"

#include <stdlib.h>

#include "brain.h"

double brain_at_least(double a, double b)
{
    return a > b ? a : b;
}

double brain_at_most(double a, double b)
{
    return a < b ? a : b;
}

double brain_layer(double v, double signal, double distance)
{
    return mix(v, signal, cover(distance, BRAIN_EDGE));
}

/* ---- Lesions ---- */

/* Pushes tissue away from the lesion: where the displaced tissue at p came from. */
static vec3 before_growth(const brain *b, vec3 p)
{
    if (b->mass_effect <= 0.0) {
        return p;
    }
    vec3 q = sub3(p, b->tumour.centre);
    double reach = 2.3 * b->tumour.radius, n = length3(q) / reach;
    double inside = smooth_step(0.0, 14.0, brain_depth(b, p)); /* the skull does not give way */
    return add3(b->tumour.centre, scale3(q, 1.0 - b->mass_effect * inside * exact_exp(-n * n)));
}

static double glioma_value(const brain *b, vec3 p, double v)
{
    double d = lesion_distance(&b->tumour, p), r = b->tumour.radius;
    double white =
        smooth_step(0.45, 0.85, v / SIGNAL_WHITE) * smooth_step(1.4, 1.1, v / SIGNAL_WHITE);
    double finger = fractal3(b->seed + 40, scale3(p, 1 / 16.0), 2);
    double oedema = smooth_step(b->oedema * (1.0 + 1.1 * finger), 0.2 * b->oedema, d);
    v = mix(v, 0.66 * SIGNAL_WHITE, 0.85 * oedema * white);
    double grain = fractal3(b->seed + 41, scale3(p, 1 / 7.0), 3);
    if (b->rim <= 0.0) { /* low grade: swollen, dark, no enhancement */
        return mix(v, 340 + 45 * grain, smooth_step(3.0, -4.0, d));
    }
    double wall = b->rim * (1.0 + 1.3 * fractal3(b->seed + 42, scale3(p, 1 / 13.0), 2));
    v = brain_layer(v, 830 + 170 * grain, d);
    double core =
        d + brain_at_least(wall, 0.8) + 0.16 * r * fractal3(b->seed + 43, scale3(p, 1 / 8.0), 2);
    return mix(v, 215 + 90 * grain, cover(core, 2.6));
}

static double meningioma_value(const brain *b, vec3 p, double v)
{
    double d = lesion_distance(&b->tumour, p), depth = brain_depth(b, p), r = b->tumour.radius;
    d = brain_at_least(d, -depth - 2.0); /* flat where the dura holds it */
    double white = smooth_step(0.6, 0.9, v / SIGNAL_WHITE);
    v = mix(v, 0.7 * SIGNAL_WHITE, 0.8 * white * smooth_step(b->oedema, 0.3 * b->oedema, d));
    v = mix(v, SIGNAL_WATER + 60, 0.7 * cover(fabs(d - 1.0) - 0.7, 1.4)); /* the cleft about it */
    double way = length3(sub3(p, b->tumour.centre));
    double tail = smooth_step(1.75 * r, 1.1 * r, way) * cover(fabs(depth + 0.6) - 1.0, 1.6);
    v = mix(v, 760, b->falcine ? 0.0 : tail);
    double grain = fractal3(b->seed + 44, scale3(p, 1 / 5.0), 2);
    return brain_layer(v, b->uptake + 45 * grain, d);
}

static double pituitary_value(const brain *b, vec3 p, double v)
{
    double d = lesion_distance(&b->tumour, p), r = b->tumour.radius;
    vec3 up = add3(b->tumour.centre, v3(0, 2, 0.85 * r)); /* the upper part of the snowman */
    d = shape_join(d, shape_ellipsoid(p, up, v3(0.85 * r, 0.75 * r, 0.8 * r)), 4.0);
    double grain = fractal3(b->seed + 45, scale3(p, 1 / 5.0), 2);
    v = mix(v, SIGNAL_WATER, 0.6 * cover(fabs(d - 1.2) - 0.8, 1.4));
    v = brain_layer(v, b->uptake - 60 + 60 * grain, d);
    double cyst = fractal3(b->seed + 46, scale3(p, 1 / 11.0), 2);
    return mix(v, 300, b->rim > 0.0 ? smooth_step(0.12, 0.28, cyst) * cover(d + 3.0, 2.5) : 0.0);
}

static double brain_value(const phantom *self, vec3 p)
{
    const brain *b = (const brain *)self;
    vec3 q = before_growth(b, p);
    double v = b->low ? skull_base_value(b, q) : hemispheres_value(b, q);
    if (b->tumour.radius <= 0.0 ||
        length3(sub3(p, b->tumour.centre)) > 4.0 * b->tumour.radius + 30.0) {
        return v;
    }
    double outside = brain_depth(b, p);
    double lesioned = v;
    switch (b->finding) {
    case FINDING_GLIOMA:
        lesioned = glioma_value(b, p, v);
        break;
    case FINDING_MENINGIOMA:
        return meningioma_value(b, p, v);
    case FINDING_PITUITARY:
        return pituitary_value(b, p, v);
    default:
        break;
    }
    return mix(v, lesioned, smooth_step(0.0, 2.5, outside));
}

/* ---- Making one ---- */

static void brain_free(phantom *self)
{
    free(self);
}

/* A place `depth` mm within the brain, off the midline. */
static vec3 place_in_brain(const brain *b, rng *r, double z, double from, double to)
{
    for (;;) {
        vec3 p = rng_box(r, v3(-70, -90, z), v3(70, 90, z));
        double depth = brain_depth(b, p);
        bool inside =
            !b->low || (p.y > -32.0 && (p.y < 16.0 || from < 15.0)); /* behind the orbits */
        if (depth > from && depth < to && fabs(p.x) > 16.0 && inside) {
            return p;
        }
    }
}

static void place_glioma(brain *b, rng *r, const subject *who, double z)
{
    b->tumour = lesion_make(r, 12, 21, who->growth, 0.26);
    b->tumour.centre = place_in_brain(b, r, z, 21, 40);
    b->rim = rng_unit(r) < 0.2 ? 0.0 : rng_range(r, 2.6, 5.5);
    b->oedema = rng_range(r, 9, 24);
    b->mass_effect = rng_range(r, 0.25, 0.5);
}

static void place_meningioma(brain *b, rng *r, const subject *who, double z)
{
    b->tumour = lesion_make(r, 10, 19, who->growth, 0.07);
    double radius = b->tumour.radius;
    b->falcine = !b->low && z > 32.0;
    if (b->falcine) {
        double side = rng_unit(r) < 0.5 ? -0.75 : 0.75;
        b->tumour.centre = v3(side * radius, rng_range(r, -40, 40), z);
    } else {
        b->tumour.centre = place_in_brain(b, r, z, 0.30 * radius, 0.6 * radius);
    }
    b->uptake = rng_range(r, 740, 900);
    b->oedema = rng_unit(r) < 0.5 ? rng_range(r, 8, 18) : 0.1;
    b->mass_effect = 0.5;
}

static void place_pituitary(brain *b, rng *r, const subject *who)
{
    b->tumour = lesion_make(r, 7.5, 12.0, who->growth, 0.09);
    b->tumour.centre = v3(rng_range(r, -2, 2), BRAIN_SELLA_Y + 1.0, -23.0);
    b->uptake = rng_range(r, 680, 860);
    b->rim = rng_unit(r) < 0.4 ? 1.0 : 0.0; /* cystic parts */
    b->mass_effect = 0.0;
}

static void place_tumour(brain *b, const subject *who)
{
    rng r = rng_make(b->seed, "tumour", 0);
    double z = b->low ? rng_range(&r, -26, -19) : rng_range(&r, 0, 44);
    b->base.focus = v3(0, 0, z);
    if (who->finding == FINDING_GLIOMA) {
        z = b->low ? z : rng_range(&r, 4, 32);
        place_glioma(b, &r, who, z);
    } else if (who->finding == FINDING_MENINGIOMA) {
        place_meningioma(b, &r, who, z);
    } else if (who->finding == FINDING_PITUITARY) {
        place_pituitary(b, &r, who);
    } else {
        return;
    }
    b->base.focus = b->tumour.centre;
    b->base.lesion_mm = 2.0 * b->tumour.radius;
}

kin_status brain_new(const subject *who, phantom **out, kin_error *err)
{
    brain *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a phantom");
    }
    rng r = rng_make(who->seed, "brain", 0);
    b->base.value = brain_value;
    b->base.free = brain_free;
    b->seed = who->seed;
    b->finding = who->finding;
    b->low = who->low;
    double size = rng_range(&r, 0.95, 1.06) * (who->sex == 'F' ? 0.97 : 1.0);
    b->width = 76.0 * size * rng_range(&r, 0.96, 1.05);
    b->length = 95.0 * size * rng_range(&r, 0.96, 1.04);
    b->square = rng_range(&r, 0.05, 0.35);
    b->scalp = rng_range(&r, 3.2, 6.5);
    b->skull = rng_range(&r, 6.0, 8.5);
    double wear = clamp((who->age - 35) / 45.0, 0.0, 1.0) * rng_range(&r, 0.6, 1.3);
    b->ventricles = rng_range(&r, 0.75, 1.05) + 0.75 * wear;
    b->sulci = rng_range(&r, 0.1, 0.5) + 0.9 * wear;
    b->falx_bend = rng_range(&r, -1.5, 1.5);
    b->base.half_width = b->width;
    b->base.half_depth = b->length;
    place_tumour(b, who);
    *out = &b->base;
    return KIN_OK;
}
