/* chest.c - the chest between the aortic arch and the diaphragm, with a nodule in a lung or
 * none. */
#include "phantom.h"

#include <stdlib.h>

#include "lesion.h"
#include "torso.h"

enum { HU_AIR = -1000, HU_LUNG = -868, HU_FAT = -95, HU_SOFT = 42 };

typedef struct chest {
    phantom base;
    torso body;
    uint64_t seed;
    finding finding;
    double blood;     /* HU of enhanced blood */
    double heart;     /* size */
    double emphysema; /* 0: none … 1 */
    double aeration;  /* HU added to the lungs: depth of breath */
    lesion nodule;
    bool calcified;
    rods vessels, airways, spicules;
} chest;

static const double EDGE = 1.7; /* mm over which borders blur, before the scanner's own blur */

static double at_least(double a, double b)
{
    return a > b ? a : b;
}

static double at_most(double a, double b)
{
    return a < b ? a : b;
}

/* ---- Mediastinum ---- */

static double heart_distance(const chest *c, vec3 p)
{
    double s = c->heart;
    double left = shape_ellipsoid(p, v3(30 * s, -20, -50), v3(50 * s, 44 * s, 46));
    double right = shape_ellipsoid(p, v3(-14 * s, -26, -46), v3(36 * s, 34 * s, 44));
    return shape_join(left, right, 14.0);
}

/* Distance to all that lies between the lungs. */
static double mediastinum(const chest *c, vec3 p)
{
    const torso *t = &c->body;
    double spine = shape_ellipsoid(p, v3(0, t->cage_depth - 6, p.z), v3(25, 34, 90));
    double middle = shape_ellipsoid(p, v3(3, -4, p.z), v3(31, 46, 90));
    double front = shape_ellipsoid(p, v3(3, -t->cage_depth + 16, p.z), v3(11, 34, 90));
    double aorta = shape_ellipsoid(p, v3(24, t->cage_depth - 42, p.z), v3(15, 16, 90));
    double d = shape_join(shape_join(spine, aorta, 8), shape_join(middle, front, 16), 12);
    d = shape_join(d, heart_distance(c, p) - 3.0, 10);
    return d + 2.2 * noise3(c->seed + 1, scale3(p, 1 / 22.0));
}

static double layer(double v, double hu, double distance)
{
    return mix(v, hu, cover(distance, EDGE));
}

/* The heart's chambers within its muscle. */
static double heart_value(const chest *c, vec3 p, double v)
{
    double s = c->heart, muscle = 50 + 0.35 * (c->blood - 40);
    v = layer(v, muscle, heart_distance(c, p));
    v = layer(v, c->blood, shape_ellipsoid(p, v3(46 * s, -12, -54), v3(25 * s, 24 * s, 34)));
    v = layer(v, c->blood * 0.95,
              shape_ellipsoid(p, v3(14 * s, -44 * s, -52), v3(32 * s, 15 * s, 32)));
    v = layer(v, c->blood * 0.9, shape_ellipsoid(p, v3(-26 * s, -22, -46), v3(18 * s, 22 * s, 32)));
    v = layer(v, c->blood, shape_ellipsoid(p, v3(2, 8, -30), v3(32, 17, 20)));
    return v;
}

static double great_vessels(const chest *c, vec3 p, double v)
{
    double blood = c->blood, back = c->body.cage_depth - 44;
    v = layer(v, blood, shape_rod(p, v3(-10, -30, -26), v3(-12, -26, 40), 14.5));
    v = layer(v, blood, shape_rod(p, v3(-12, -26, 46), v3(20, back - 8, 46), 12.5));
    v = layer(v, blood, shape_rod(p, v3(22, back, -140), v3(22, back, 46), 11.5));
    v = layer(v, blood * 1.1, shape_rod(p, v3(-29, -20, -24), v3(-27, -22, 90), 8.0));
    v = layer(v, blood * 1.05, shape_rod(p, v3(16, -40, -18), v3(18, -22, 8), 13.0));
    v = layer(v, blood * 1.05, shape_rod(p, v3(14, -16, 6), v3(-38, 2, -2), 9.5));
    v = layer(v, blood * 1.05, shape_rod(p, v3(18, -20, 10), v3(42, 10, 8), 10.0));
    v = layer(v, blood * 1.05, shape_rod(p, v3(-38, 2, -2), v3(-44, 22, -40), 7.0));
    v = layer(v, blood * 1.05, shape_rod(p, v3(42, 10, 8), v3(46, 28, -38), 7.0));
    return v;
}

/* Trachea, main bronchi and their first branches: a wall of 1.6 mm about air. */
static double airway(vec3 p)
{
    double d = shape_rod(p, v3(-1, 8, 100), v3(0, 10, 20), 9.0);
    d = at_most(d, shape_rod(p, v3(-2, 10, 20), v3(-34, 16, -8), 6.8));
    d = at_most(d, shape_rod(p, v3(2, 10, 20), v3(38, 18, -12), 6.0));
    d = at_most(d, shape_rod(p, v3(-34, 16, -8), v3(-52, 36, -60), 4.2));
    return at_most(d, shape_rod(p, v3(38, 18, -12), v3(56, 38, -60), 4.2));
}

static double between_lungs(const chest *c, vec3 p)
{
    double v = HU_FAT + 26.0 * noise3(c->seed + 2, scale3(p, 1 / 7.0));
    v = layer(v, HU_SOFT, shape_ellipsoid(p, v3(9, c->body.cage_depth - 56, p.z), v3(8, 5.5, 90)));
    if (p.z < 10.0) {
        v = heart_value(c, p, v);
    }
    v = great_vessels(c, p, v);
    double node = fractal3(c->seed + 3, scale3(p, 1 / 9.0), 2); /* small lymph nodes in the fat */
    return mix(v, at_least(v, HU_SOFT - 5), smooth_step(0.42, 0.55, node));
}

/* ---- Lungs ---- */

static double nodule_value(const chest *c, vec3 p, double v)
{
    double d = lesion_distance(&c->nodule, p), r = c->nodule.radius;
    double grain = fractal3(c->seed + 9, scale3(p, 1 / 4.0), 2);
    switch (c->finding) {
    case FINDING_SOLID_NODULE:
        v = layer(v, 38 + 14 * grain, d);
        return c->calcified ? mix(v, 320, cover(d + 0.55 * r + 2.0 * grain, EDGE)) : v;
    case FINDING_SPICULATED_NODULE: {
        double haze = smooth_step(0.5 * r, 0.0, d) * 0.16;
        v = mix(v, HU_SOFT, haze);
        v = mix(v, 15, 0.8 * rods_cover(&c->spicules, p, EDGE));
        return layer(v, 30 + 30 * grain, d);
    }
    case FINDING_GROUND_GLASS_NODULE: {
        double dense = clamp(0.30 + 0.16 * grain, 0.1, 0.6);
        return mix(v, HU_SOFT, dense * smooth_step(2.5, -3.0, d));
    }
    default:
        return v;
    }
}

static double lung_value(const chest *c, vec3 p)
{
    double grain = fractal3(c->seed + 4, scale3(p, 1 / 5.0), 3);
    double v = HU_LUNG + c->aeration + 42.0 * p.y / c->body.cage_depth + 30.0 * grain;
    double hole = fractal3(c->seed + 5, scale3(p, 1 / 11.0), 2);
    v = mix(v, -965, c->emphysema * smooth_step(0.05, 0.25, hole));
    /* The oblique fissure: a faint line from behind and above to the front and below. */
    double fissure = p.y + 0.7 * (p.z + 20) + 8 * noise3(c->seed + 6, scale3(p, 1 / 40.0));
    v += 85.0 * cover(fabs(fissure + 10) - 0.3, 2.0);
    double dense = c->finding == FINDING_GROUND_GLASS_NODULE ? 1.0 : 0.0;
    v = dense > 0.0 ? nodule_value(c, p, v) : v; /* vessels show through ground glass */
    double twig = fractal3(c->seed + 8, scale3(p, 1 / 6.5), 2); /* vessels too small to be grown */
    v += 330.0 * smooth_step(0.34, 0.52, twig);
    double wall = rods_cover(&c->airways, p, EDGE);
    v = mix(v, -250, wall);
    v = mix(v, at_least(30, c->blood * 0.85), rods_cover(&c->vessels, p, EDGE));
    return dense > 0.0 ? v : nodule_value(c, p, v);
}

static double chest_value(const phantom *self, vec3 p)
{
    const chest *c = (const chest *)self;
    vec3 q = warp3(c->seed + 7, p, 70.0, 4.0);
    double cavity = torso_cavity(&c->body, q);
    double v = cavity > -4.0 ? torso_shell(&c->body, q, EDGE) : 0.0;
    double between = mediastinum(c, q);
    if (cavity < EDGE) {
        double inside = HU_FAT;
        if (between < EDGE) {
            inside = between_lungs(c, q);
        }
        /* The nodule and the vessels are placed without the warp: they keep their shapes. */
        double lung = at_least(cavity + 2.0, -between);
        inside = mix(inside, lung < EDGE ? lung_value(c, p) : 0.0, cover(lung, EDGE));
        v = mix(v, inside, cover(cavity, EDGE));
    }
    v = torso_spine(&c->body, q, EDGE, v);
    double tube = airway(q);
    v = mix(v, 20, cover(tube - 1.6, EDGE));
    return mix(v, HU_AIR + 15, cover(tube, EDGE));
}

/* ---- Making one ---- */

static void chest_free(phantom *self)
{
    chest *c = (chest *)self;
    rods_release(&c->vessels);
    rods_release(&c->airways);
    rods_release(&c->spicules);
    free(c);
}

/* Arteries and veins fan out from the hila; the thick ones have a bronchus beside them. */
static kin_status grow_lung(chest *c, int side, kin_error *err)
{
    rng r = rng_make(c->seed, "lung", side < 0 ? 0 : 2);
    const branching artery = {.levels = 7,
                              .length = 25,
                              .radius = 3.6,
                              .shorten = 0.84,
                              .taper = 0.77,
                              .spread = 0.62,
                              .pull = {0.10 * side, 0, 0}};
    kin_status status = KIN_OK;
    for (int i = 0; i < 20 && status == KIN_OK; i++) {
        vec3 way = rng_direction(&r);
        way.x = side * (fabs(way.x) * 0.9 + 0.15);
        way = scale3(way, 1.0 / length3(way));
        vec3 root = rng_box(&r, v3(side * 36.0, -6, -34), v3(side * 36.0, 22, 14));
        status = rods_grow(&c->vessels, &r, root, way, &artery, err);
        for (int k = 0; k < 2 && status == KIN_OK; k++) {
            vec3 beside = add3(root, scale3(rng_direction(&r), 5.0));
            vec3 end = add3(beside, scale3(way, 26.0));
            status = rods_add(&c->airways, beside, end, 2.6, 1.6, err);
        }
    }
    return status;
}

/* A place in a lung with some room about it: where the nodule goes, or where the slices are. */
static vec3 place_in_lung(const chest *c, rng *r, double room)
{
    for (;;) {
        vec3 p = rng_box(r, v3(-c->body.cage_width, -c->body.cage_depth, -42),
                         v3(c->body.cage_width, c->body.cage_depth, 34));
        vec3 q = warp3(c->seed + 7, p, 70.0, 4.0);
        double d = at_least(torso_cavity(&c->body, q) + 2.0, -mediastinum(c, q));
        if (d < -room) {
            return p;
        }
    }
}

static kin_status place_nodule(chest *c, const subject *who, kin_error *err)
{
    static const struct {
        finding finding;
        double low, high, ragged;
    } kinds[] = {{FINDING_SOLID_NODULE, 5.5, 10.5, 0.10},
                 {FINDING_SPICULATED_NODULE, 7.0, 12.5, 0.24},
                 {FINDING_GROUND_GLASS_NODULE, 8.0, 14.0, 0.16}};
    rng r = rng_make(c->seed, "nodule", 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].finding == who->finding) {
            c->nodule = lesion_make(&r, kinds[i].low, kinds[i].high, who->growth, kinds[i].ragged);
        }
    }
    rng spot = rng_make(c->seed, "nodule's place", 0);
    c->nodule.centre = place_in_lung(c, &spot, who->finding == FINDING_NONE ? 8.0 : 13.0);
    c->base.focus = c->nodule.centre;
    c->base.lesion_mm = 2.0 * c->nodule.radius;
    c->calcified = rng_unit(&r) < 0.4;
    if (who->finding != FINDING_SPICULATED_NODULE) {
        return KIN_OK;
    }
    return lesion_spicules(&c->nodule, &r, 26, 2.0, &c->spicules, err);
}

kin_status chest_new(const subject *who, phantom **out, kin_error *err)
{
    chest *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a phantom");
    }
    rng r = rng_make(who->seed, "chest", 0);
    c->base.value = chest_value;
    c->base.free = chest_free;
    c->seed = who->seed;
    c->finding = who->finding;
    c->body = torso_of(who->seed, who->sex, who->age);
    c->body.cartilage = true;
    c->blood = 42.0 + 190.0 * who->contrast;
    c->heart = rng_range(&r, 0.86, 1.12) * (who->age > 70 ? 1.08 : 1.0);
    c->emphysema = who->age > 55 && rng_unit(&r) < 0.4 ? rng_range(&r, 0.3, 0.9) : 0.0;
    c->aeration = rng_range(&r, -20, 40);
    c->base.half_width = c->body.width;
    c->base.half_depth = c->body.depth;

    kin_status status = grow_lung(c, -1, err);
    status = status != KIN_OK ? status : grow_lung(c, 1, err);
    status = status != KIN_OK ? status : place_nodule(c, who, err);
    status = status != KIN_OK ? status : rods_index(&c->vessels, err);
    status = status != KIN_OK ? status : rods_index(&c->airways, err);
    status = status != KIN_OK ? status : rods_index(&c->spicules, err);
    if (status != KIN_OK) {
        chest_free(&c->base);
        return status;
    }
    *out = &c->base;
    return KIN_OK;
}

void phantom_free(phantom *self)
{
    if (self != NULL) {
        self->free(self);
    }
}
