/* abdomen.c - the upper abdomen, with metastases or cysts in the liver or nothing. */
#include "phantom.h"

#include <stdlib.h>

#include "lesion.h"
#include "torso.h"

enum { HU_GAS = -960, HU_FAT = -102, HU_WATER = 4, MAX_LESIONS = 4, LOOPS = 9 };

/* A piece of bowel. */
typedef struct loop {
    vec3 centre, radii;
    double content; /* HU */
    double gas;     /* y above which it holds gas */
} loop;

typedef struct abdomen {
    phantom base;
    torso body;
    uint64_t seed;
    finding finding;
    double portal; /* enhancement of veins and organs, 0 … 1 */
    double liver_hu, spleen_hu, cortex_hu, blood_hu;
    double liver_size, left_lobe, spleen_size;
    double fissure, fissure_mm; /* the falciform ligament's: its x, and half its width */
    double stomach_gas;         /* the level of its fluid, as y */
    double stomach_hu;
    bool gallbladder;
    lesion lesions[MAX_LESIONS];
    double lesion_hu[MAX_LESIONS];
    int lesion_count;
    loop loops[LOOPS];
    rods veins;
} abdomen;

static const double EDGE = 1.7;

static double at_least(double a, double b)
{
    return a > b ? a : b;
}

static double layer(double v, double hu, double distance)
{
    return mix(v, hu, cover(distance, EDGE));
}

/* ---- Where the organs are ---- */

static double liver(const abdomen *a, vec3 p)
{
    double w = a->body.cage_width, d = a->body.cage_depth, s = a->liver_size;
    double right =
        shape_ellipsoid(p, v3(-0.50 * w, 0.02 * d, 10), v3(0.52 * w * s, 0.86 * d * s, 82 * s));
    double left =
        shape_ellipsoid(p, v3(0.02 * w, -0.50 * d, 18), v3(0.52 * w * a->left_lobe, 0.36 * d, 46));
    double organ = shape_join(right, left, 22.0);
    double spine = shape_ellipsoid(p, v3(4, 0.74 * d, p.z), v3(40, 0.66 * d, 90));
    organ = at_least(organ, -spine);
    double kidney = shape_ellipsoid(p, v3(-56, 0.62 * d, -42), v3(33, 36, 56));
    organ = at_least(organ, -kidney);
    /* The falciform ligament's fissure, and the hilum. */
    double depth = mix(0.30, 0.75, smooth_step(-10, 24, p.z)); /* it ends higher up */
    double fissure = shape_rod(p, v3(a->fissure - 6, -0.95 * d, p.z),
                               v3(a->fissure, -depth * d, p.z), a->fissure_mm);
    double hilum = shape_rod(p, v3(-4, -0.02 * d, -8), v3(-26, 0.02 * d, -4), 8.0);
    organ = at_least(at_least(organ, -fissure), -hilum);
    organ += 2.0 * noise3(a->seed + 1, scale3(p, 1 / 24.0));
    return at_least(organ, torso_cavity(&a->body, p) + 4.0);
}

static double stomach(const abdomen *a, vec3 p)
{
    double w = a->body.cage_width, d = a->body.cage_depth;
    double body = shape_ellipsoid(p, v3(0.50 * w, -0.28 * d, 16), v3(0.32 * w, 0.40 * d, 50));
    double antrum = shape_ellipsoid(p, v3(0.20 * w, -0.44 * d, -18), v3(0.32 * w, 0.24 * d, 26));
    double organ = shape_join(body, antrum, 16.0) + 3.0 * noise3(a->seed + 2, scale3(p, 1 / 20.0));
    organ = at_least(organ, -(liver(a, p) - 3.0));
    return at_least(organ, torso_cavity(&a->body, p) + 7.0);
}

static double spleen(const abdomen *a, vec3 p)
{
    double w = a->body.cage_width, d = a->body.cage_depth, s = a->spleen_size;
    double organ =
        shape_ellipsoid(p, v3(0.74 * w, 0.34 * d, 16), v3(0.30 * w * s, 0.56 * d * s, 52 * s));
    double hollow = shape_ellipsoid(p, v3(0.45 * w, 0.18 * d, 12), v3(0.27 * w, 0.44 * d, 54));
    organ = at_least(organ, -hollow) + 1.6 * noise3(a->seed + 3, scale3(p, 1 / 18.0));
    return at_least(organ, torso_cavity(&a->body, p) + 4.0);
}

/* ---- What they look like ---- */

static double lesions(const abdomen *a, vec3 p, double v)
{
    double grain = fractal3(a->seed + 4, scale3(p, 1 / 6.0), 2);
    for (int i = 0; i < a->lesion_count; i++) {
        double d = lesion_distance(&a->lesions[i], p), r = a->lesions[i].radius;
        if (a->finding == FINDING_LIVER_CYST) {
            v = layer(v, a->lesion_hu[i], d);
        } else { /* an ill-defined border, darker and necrotic inside, in the larger ones */
            double necrosis =
                smooth_step(-0.35 * r, -0.85 * r, d + 1.5 * grain) * clamp(r / 14.0 - 0.5, 0, 1);
            double tissue = mix(a->lesion_hu[i] + 12.0 * grain, 28, necrosis);
            v = mix(v, tissue, smooth_step(2.2, -3.4, d));
        }
    }
    return v;
}

static double liver_value(const abdomen *a, vec3 p)
{
    double v = a->liver_hu + 5.0 * fractal3(a->seed + 5, scale3(p, 1 / 8.0), 3);
    double vessel = mix(38.0, a->blood_hu, a->portal);
    v = mix(v, vessel, rods_cover(&a->veins, p, EDGE));
    return lesions(a, p, v);
}

static double kidney_value(const abdomen *a, vec3 p, double v)
{
    double d = a->body.cage_depth;
    vec3 q = v3(fabs(p.x), p.y, p.z + (p.x < 0 ? 8.0 : 0.0));
    vec3 centre = v3(57, 0.60 * d, -44);
    double organ =
        shape_ellipsoid(q, centre, v3(25, 27, 56)) + 1.2 * noise3(a->seed + 6, scale3(p, 1 / 14.0));
    double pelvis = shape_ellipsoid(q, v3(44, 0.54 * d, -48), v3(14, 11, 26));
    v = layer(v, a->cortex_hu, organ);
    double pyramid = noise3(a->seed + 7, scale3(p, 1 / 9.0));
    v = mix(v, mix(a->cortex_hu, 42, 0.45),
            cover(organ + 7.0, 2.5) * smooth_step(-0.2, 0.2, pyramid));
    v = layer(v, HU_FAT + 25, pelvis);
    return layer(v, 15, shape_ellipsoid(q, v3(42, 0.54 * d, -48), v3(8, 4, 14)));
}

static double stomach_value(const abdomen *a, vec3 p, double d)
{
    double folds = 2.2 * fabs(noise3(a->seed + 8, scale3(p, 1 / 8.0)));
    double inside = p.y < a->stomach_gas
                        ? HU_GAS
                        : a->stomach_hu + 22.0 * fractal3(a->seed + 9, scale3(p, 1 / 5.0), 2);
    return layer(70 + 25 * a->portal, inside, d + 4.0 + folds);
}

static double bowel(const abdomen *a, vec3 p, double v)
{
    for (int i = 0; i < LOOPS; i++) {
        const loop *l = &a->loops[i];
        double d = shape_ellipsoid(p, l->centre, l->radii);
        if (d < EDGE) {
            d += 1.5 * noise3(a->seed + 20 + (uint64_t)i, scale3(p, 1 / 7.0));
            double grain = fractal3(a->seed + 10, scale3(p, 1 / 4.0), 2);
            double inside =
                p.y < l->gas ? HU_GAS : l->content + (l->content < 0 ? 130 : 25) * grain;
            v = layer(v, 60 + 30 * a->portal, d);
            v = layer(v, inside, d + 2.8);
        }
    }
    return v;
}

/* Aorta, vena cava, portal vein, pancreas, adrenals, diaphragm's crura, psoas: about the spine. */
static double retroperitoneum(const abdomen *a, vec3 p, double v)
{
    double y = torso_spine_y(&a->body), w = a->body.cage_width * 0.135;
    double front = y - w * 0.76;
    double crus =
        shape_rod(v3(fabs(p.x), p.y, 0), v3(15, front + 16, 0), v3(7, front - 14, 0), 3.6);
    v = layer(v, 58, crus + 1.0 * noise3(a->seed + 11, scale3(p, 1 / 10.0)));
    v = layer(v, 60,
              shape_ellipsoid(v3(fabs(p.x), p.y, 0), v3(w + 9, y + 6, 0), v3(10, 13, 90)) +
                  clamp((p.z + 12) * 0.4, 0, 40));
    double lobules = 1.8 * noise3(a->seed + 12, scale3(p, 1 / 6.0));
    double pancreas = shape_rod(p, v3(-24, front - 36, -22), v3(14, front - 42, -8), 9.5);
    pancreas =
        shape_join(pancreas, shape_rod(p, v3(14, front - 42, -8), v3(64, front - 12, 8), 7.5), 5);
    v = layer(v, 46 + 55 * a->portal, pancreas + lobules);
    for (int side = -1; side <= 1; side += 2) {
        v = layer(v, 50 + 20 * a->portal,
                  shape_rod(p, v3(side * 30, front + 4, 2), v3(side * 40, front + 22, -4), 1.9));
        v = layer(v, 50 + 20 * a->portal,
                  shape_rod(p, v3(side * 30, front + 4, 2), v3(side * 30, front + 22, -4), 1.9));
    }
    v = layer(v, a->blood_hu * 1.05,
              shape_rod(p, v3(7, front - 13, -90), v3(7, front - 13, 90), 10.5));
    v = layer(v, a->blood_hu * 0.95, shape_ellipsoid(p, v3(-21, front - 11, p.z), v3(12, 9, 90)));
    v = layer(v, a->blood_hu, shape_rod(p, v3(8, front - 31, -24), v3(-22, front - 44, 0), 6.0));
    return layer(v, a->blood_hu, shape_rod(p, v3(8, front - 30, -10), v3(66, front - 6, 10), 3.6));
}

static double inside_cavity(const abdomen *a, vec3 p, vec3 plain)
{
    double strand = fractal3(a->seed + 13, scale3(p, 1 / 6.0), 3);
    double v = HU_FAT + 14.0 * strand;
    v = mix(v, 60 + 90 * a->portal,
            0.55 * smooth_step(0.36, 0.46, strand)); /* small vessels in the fat */
    v = kidney_value(a, p, v);
    v = retroperitoneum(a, p, v);
    v = bowel(a, p, v);
    double d = spleen(a, p);
    v = mix(v, a->spleen_hu + 4.0 * strand, cover(d, EDGE));
    d = stomach(a, p);
    v = d < EDGE ? mix(v, stomach_value(a, p, d), cover(d, EDGE)) : v;
    d = liver(a, p);
    v = d < EDGE ? mix(v, liver_value(a, plain), cover(d, EDGE)) : v;
    if (a->gallbladder) {
        double bile = shape_ellipsoid(p, v3(-34, -0.38 * a->body.cage_depth, -26), v3(14, 19, 24));
        v = layer(layer(v, 55, bile - 1.2), 9, bile);
    }
    return v;
}

static double abdomen_value(const phantom *self, vec3 p)
{
    const abdomen *a = (const abdomen *)self;
    vec3 q = warp3(a->seed + 14, p, 60.0, 4.5);
    double cavity = torso_cavity(&a->body, q);
    double v = cavity > -4.0 ? torso_shell(&a->body, q, EDGE) : 0.0;
    if (cavity < EDGE) {
        v = mix(v, inside_cavity(a, q, p), cover(cavity, EDGE));
    }
    return torso_spine(&a->body, q, EDGE, v);
}

/* ---- Making one ---- */

static void abdomen_free(phantom *self)
{
    abdomen *a = (abdomen *)self;
    rods_release(&a->veins);
    free(a);
}

static void place_loops(abdomen *a)
{
    rng r = rng_make(a->seed, "bowel", 0);
    double w = a->body.cage_width, d = a->body.cage_depth;
    for (int i = 0; i < LOOPS; i++) {
        loop *l = &a->loops[i];
        l->centre = rng_box(&r, v3(-0.1 * w, -0.62 * d, -55), v3(0.8 * w, 0.12 * d, -4));
        double size = rng_range(&r, 11, 19);
        l->radii = scale3(rng_box(&r, v3(1, 1, 1), v3(1.6, 1, 1.6)), size);
        l->content = rng_unit(&r) < 0.35 ? rng_range(&r, -220, -40) : rng_range(&r, 10, 60);
        l->gas = rng_unit(&r) < 0.5 ? l->centre.y + rng_range(&r, -0.7, 0.5) * size : -1e3;
    }
}

static kin_status grow_veins(abdomen *a, kin_error *err)
{
    rng r = rng_make(a->seed, "veins", 0);
    const branching portal = {.levels = 6,
                              .length = 26,
                              .radius = 4.6,
                              .shorten = 0.80,
                              .taper = 0.72,
                              .spread = 0.65,
                              .pull = {-0.12, 0, 0}};
    const branching hepatic = {.levels = 5,
                               .length = 32,
                               .radius = 4.4,
                               .shorten = 0.78,
                               .taper = 0.72,
                               .spread = 0.5,
                               .pull = {0, 0, -0.10}};
    const vec3 ways[] = {{-0.9, 0.1, 0.2}, {-0.7, -0.6, 0.1}, {-0.6, 0.6, -0.3}, {0.3, -0.9, 0.3}};
    kin_status status = KIN_OK;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0] && status == KIN_OK; i++) {
        status = rods_grow(&a->veins, &r, v3(-22, -4, -4), ways[i], &portal, err);
        if (status == KIN_OK) {
            vec3 way = add3(ways[(i + 1) % 4], v3(0, 0, -0.35));
            status = rods_grow(&a->veins, &r, v3(-16, 10, 44), scale3(way, 1 / length3(way)),
                               &hepatic, err);
        }
    }
    return status != KIN_OK ? status : rods_index(&a->veins, err);
}

/* A place within the liver, `room` mm from its surface. */
static vec3 place_in_liver(const abdomen *a, rng *r, double z, double room)
{
    double w = a->body.cage_width, d = a->body.cage_depth;
    for (int attempt = 0;; attempt++) {
        vec3 p = rng_box(r, v3(-0.95 * w, -0.9 * d, z - 7), v3(0.4 * w, 0.8 * d, z + 7));
        vec3 q = warp3(a->seed + 14, p, 60.0, 4.5);
        if (liver(a, q) < -room + 0.02 * attempt) {
            return p;
        }
    }
}

static void place_lesions(abdomen *a, const subject *who)
{
    rng r = rng_make(a->seed, "liver lesions", 0);
    bool cyst = who->finding == FINDING_LIVER_CYST;
    double z = rng_range(&r, -18, 26);
    a->base.focus = v3(0, 0, z);
    if (who->finding != FINDING_LIVER_CYST && who->finding != FINDING_LIVER_METASTASIS) {
        return;
    }
    a->lesion_count = cyst ? 1 + rng_below(&r, 2) : 1 + rng_below(&r, MAX_LESIONS);
    for (int i = 0; i < a->lesion_count; i++) {
        lesion *l = &a->lesions[i];
        double low = i == 0 ? 11 : 5, high = i == 0 ? 21 : 13;
        *l = lesion_make(&r, low, high, who->growth, cyst ? 0.04 : 0.17);
        l->centre = place_in_liver(a, &r, z, l->radius / who->growth * 0.8);
        l->centre.z = i == 0 ? z : l->centre.z;
        double meta = mix(34, 72, a->portal) + rng_range(&r, -9, 9);
        a->lesion_hu[i] = cyst ? HU_WATER + rng_range(&r, -4, 10) : meta;
    }
    a->base.focus = a->lesions[0].centre;
    a->base.lesion_mm = 2.0 * a->lesions[0].radius;
}

static void set_enhancement(abdomen *a, rng *r, double contrast)
{
    a->portal = contrast;
    double fatty = rng_unit(r) < 0.25 ? rng_range(r, 10, 28) : 0.0; /* steatosis */
    a->liver_hu = 58 + 50 * contrast + rng_range(r, -5, 5) - fatty;
    a->spleen_hu = 48 + 66 * contrast + rng_range(r, -4, 4);
    a->cortex_hu = 34 + 135 * contrast;
    a->blood_hu = 42 + 112 * contrast;
}

kin_status abdomen_new(const subject *who, phantom **out, kin_error *err)
{
    abdomen *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a phantom");
    }
    rng r = rng_make(who->seed, "abdomen", 0);
    a->base.value = abdomen_value;
    a->base.free = abdomen_free;
    a->seed = who->seed;
    a->finding = who->finding;
    a->body = torso_of(who->seed, who->sex, who->age);
    a->body.breast = 0.0; /* these slices are below */
    set_enhancement(a, &r, who->contrast);
    a->liver_size = rng_range(&r, 0.90, 1.08);
    a->left_lobe = rng_range(&r, 0.75, 1.15);
    a->spleen_size = rng_range(&r, 0.85, 1.15);
    a->stomach_hu =
        rng_unit(&r) < 0.25 ? 180 : rng_range(&r, 5, 45); /* some drink contrast medium */
    a->stomach_gas = (rng_unit(&r) < 0.8 ? rng_range(&r, -0.62, -0.35) : -2.0) * a->body.cage_depth;
    a->fissure = rng_range(&r, -24, 12);
    a->fissure_mm = rng_range(&r, 0.8, 3.0);
    a->gallbladder = rng_unit(&r) < 0.7;
    a->base.half_width = a->body.width;
    a->base.half_depth = a->body.depth;
    place_loops(a);
    place_lesions(a, who);
    kin_status status = grow_veins(a, err);
    if (status != KIN_OK) {
        abdomen_free(&a->base);
        return status;
    }
    *out = &a->base;
    return KIN_OK;
}
