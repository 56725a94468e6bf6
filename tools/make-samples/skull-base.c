/* skull-base.c - the head at the level of orbits, sella, brain stem and cerebellum. */
#include "brain.h"

/* The three hollows of the base, as distances. */
static double middle_fossa(const brain *b, vec3 half)
{
    double lobe = shape_ellipsoid(half, v3(39, -8, -14), v3(27, 40, 30));
    double behind = shape_ellipsoid(half, v3(36, 26, -6), v3(30, 46, 22));
    return brain_at_least(shape_join(lobe, behind, 8), -(brain_depth(b, half)) + 1.0);
}

static double posterior_fossa(const brain *b, vec3 p)
{
    double d = shape_ellipsoid(p, v3(0, 45, -34), v3(50, 38, 34));
    return brain_at_least(d, -brain_depth(b, p) + 1.0);
}

/* Leaves: fine dark and light bands that follow the surface. */
static double cerebellum_value(const brain *b, vec3 p, double d)
{
    double sweep = -d + 2.2 * noise3(b->seed + 20, scale3(p, 1 / 9.0));
    double leaf = exact_sin(sweep * 2.0 * EXACT_PI / 4.4);
    double white = shape_ellipsoid(v3(fabs(p.x), p.y, p.z), v3(18, 40, -30), v3(15, 13, 14));
    double v = SIGNAL_GREY + 45 + 55 * leaf * smooth_step(-18, -2, d);
    v = mix(v, SIGNAL_WHITE - 10, smooth_step(3, -5, white + 3 * leaf));
    double vermis = shape_ellipsoid(p, v3(0, 46, -28), v3(6, 20, 20));
    v = mix(v, SIGNAL_GREY + 10 + 30 * leaf, cover(vermis, 3.0));
    return mix(SIGNAL_WATER, v, cover(d + 1.0, BRAIN_EDGE)); /* fluid about it */
}

static double orbits(const brain *b, vec3 p, vec3 half, double v)
{
    double y = -b->length * 0.755;
    double x = b->width * 0.42;
    double cone =
        shape_join(shape_ellipsoid(half, v3(x, y + 2, -24), v3(18, 17, 19)),
                   shape_rod(half, v3(x - 2, y + 8, -24), v3(x - 17, y + 40, -23), 5.5), 10);
    v = brain_layer(v, SIGNAL_FAT, cone);
    v = brain_layer(v, 520, shape_rod(half, v3(x, y + 6, -24), v3(9, y + 46, -20), 2.0));
    v = brain_layer(v, 640, shape_rod(half, v3(x + 14, y - 2, -24), v3(x - 9, y + 32, -23), 2.1));
    v = brain_layer(v, 640, shape_rod(half, v3(x - 12, y - 2, -24), v3(x - 19, y + 32, -23), 2.1));
    double globe = length3(sub3(half, v3(x, y - 4, -24))) - 12.3;
    v = brain_layer(v, 470, globe);
    v = brain_layer(v, SIGNAL_WATER + 15, globe + 1.5);
    v = brain_layer(v, 360, shape_ellipsoid(half, v3(x, y - 13, -24), v3(5, 2.2, 5)));
    /* The nose's sinuses: air, thin walls that take up contrast medium. */
    double cells = shape_ellipsoid(p, v3(0, y + 8, -28), v3(11, 24, 20));
    double wall = fabs(noise3(b->seed + 21, scale3(p, 1 / 6.0)));
    v = brain_layer(v, 560, cells);
    v = mix(v, SIGNAL_AIR, cover(cells + 1.4, BRAIN_EDGE) * smooth_step(0.03, 0.12, wall));
    double sphenoid = shape_ellipsoid(p, v3(1.5, BRAIN_SELLA_Y - 21, -30), v3(14, 12, 13));
    v = brain_layer(v, 520, sphenoid);
    v = brain_layer(v, SIGNAL_AIR, sphenoid + 1.3);
    return mix(v, 420, cover(brain_at_least(fabs(p.x - 2.0) - 0.5, sphenoid), BRAIN_EDGE));
}

static double sella(const brain *b, vec3 p, vec3 half, double v)
{
    double y = BRAIN_SELLA_Y;
    double cistern = shape_ellipsoid(p, v3(0, y + 12, -14), v3(17, 15, 13));
    double around = shape_ellipsoid(p, v3(0, 10, -20), v3(23, 22, 30)); /* about the brain stem */
    v = brain_layer(v, SIGNAL_WATER, brain_at_most(cistern, around));
    v = brain_layer(v, 790, shape_ellipsoid(half, v3(12, y, -25), v3(6, 10, 8)));
    v = brain_layer(v, SIGNAL_BONE + 20,
                    shape_rod(half, v3(11.5, y - 6, -26), v3(11, y + 5, -24), 2.3));
    if (b->finding != FINDING_PITUITARY) {
        v = brain_layer(v, 760, shape_ellipsoid(p, v3(0, y, -25), v3(6.5, 4.2, 4)));
        v = brain_layer(v, 700, shape_rod(p, v3(0, y + 1, -22), v3(0, y + 5, -12), 1.1));
    }
    v = brain_layer(v, SIGNAL_WHITE - 30,
                    shape_rod(half, v3(0, y + 5, -13), v3(9, y - 4, -14), 1.9));
    /* Clivus: marrow between sella and brain stem. */
    double clivus = shape_ellipsoid(p, v3(0, y + 10, -38), v3(13, 6, 13));
    return brain_layer(v, 520, clivus);
}

static double stem(const brain *b, vec3 p, vec3 half, double v)
{
    double pons = shape_ellipsoid(p, v3(0, 8, -28), v3(16, 13, 15));
    double midbrain = shape_join(shape_ellipsoid(p, v3(0, 12, -14), v3(15, 12, 16)),
                                 shape_rod(half, v3(9, 4, -13), v3(14, -4, -11), 4.5), 5);
    double arm = shape_rod(half, v3(10, 14, -30), v3(19, 30, -30), 6.5);
    double d = shape_join(shape_join(pons, midbrain, 6), arm, 6);
    double grain = noise3(b->seed + 22, scale3(p, 1 / 5.0));
    v = brain_layer(v, SIGNAL_WHITE - 40 + 22 * grain, d);
    v = mix(v, SIGNAL_WATER,
            cover(shape_ellipsoid(p, v3(0, 26, -28), v3(7.5 * b->ventricles, 4.5, 9)), 1.6));
    v = brain_layer(v, SIGNAL_WATER, shape_rod(p, v3(0, 18, -18), v3(0, 17, -6), 1.2));
    return brain_layer(v, SIGNAL_BLOOD, shape_rod(p, v3(1, -7, -40), v3(-1, -6, -16), 1.7));
}

/* What lies in front of and beside the cranial cavity: bone with marrow, muscle, fat. */
static double face(const brain *b, vec3 p, vec3 half, double v)
{
    double inner = brain_depth(b, p);
    double wave = noise3(b->seed + 23, scale3(p, 1 / 9.0));
    double bone = mix(SIGNAL_BONE + 30, SIGNAL_MARROW, smooth_step(0.05, 0.4, wave));
    v = mix(v, bone, cover(-inner - 1.0, BRAIN_EDGE));
    /* Temporal muscle in its hollow beside the orbits. */
    double muscle =
        shape_ellipsoid(half, v3(b->width * 0.80, -b->length * 0.36, -26), v3(11, 30, 30));
    muscle = brain_at_least(muscle, -inner - b->skull - b->scalp + 4.0);
    v = brain_layer(v, SIGNAL_MUSCLE + 40 * wave, muscle);
    double cells =
        shape_ellipsoid(half, v3(b->width * 0.70, 30, -34), v3(12, 15, 14)); /* mastoid */
    double air = smooth_step(0.0, 0.25, noise3(b->seed + 24, scale3(p, 1 / 4.0)));
    return mix(v, SIGNAL_AIR, air * cover(cells, 2.0));
}

double skull_base_value(const brain *b, vec3 p)
{
    double depth = brain_depth(b, p);
    double v = brain_shell(b, p);
    vec3 half = warp3(b->seed + 25, p, 30.0, 2.0);
    vec3 whole = half;
    half.x = fabs(half.x);
    if (depth > -b->skull - b->scalp) {
        v = face(b, p, half, v);
        v = orbits(b, whole, half, v);
    }
    double behind = posterior_fossa(b, whole), middle = middle_fossa(b, half);
    double tent = whole.z + 8.0 - 0.5 * (whole.y - 40.0); /* above it: cerebrum */
    middle = brain_at_least(middle, whole.y > 12.0 ? -tent - 14.0 : -1e3);
    v = behind < BRAIN_EDGE ? mix(v, cerebellum_value(b, whole, behind), cover(behind, BRAIN_EDGE))
                            : v;
    v = sella(b, whole, half, v);
    if (middle < BRAIN_EDGE) {
        v = brain_layer(v, SIGNAL_DURA + 60, middle - 0.8);
        v = mix(v, brain_cortex(b, p, -middle, 1e3), cover(middle, BRAIN_EDGE));
    }
    double frontal =
        brain_at_least(shape_ellipsoid(half, v3(16, -52, 2), v3(22, 32, 20)), 1.5 - depth);
    if (frontal < BRAIN_EDGE) {
        v = mix(v, brain_cortex(b, p, -frontal, fabs(whole.x)), cover(frontal, BRAIN_EDGE));
    }
    v = stem(b, whole, half, v);
    /* The sinuses beside the cerebellum. */
    double sinus = shape_rod(half, v3(b->width * 0.66, 44, -24), v3(b->width * 0.60, 22, -36), 4.2);
    v = brain_layer(v, SIGNAL_BLOOD, sinus);
    double torcula = brain_at_least(fabs(whole.x) * 1.2 + 0.6 * (depth - 2.0), -depth) - 4.0;
    return mix(v, SIGNAL_BLOOD, whole.y > 0.0 ? cover(torcula, 1.8) : 0.0);
}
