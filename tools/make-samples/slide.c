#include "slide.h"

#include <stdlib.h>

#include "field.h"

enum { MAX_GLANDS = 64 };

static const nucleus LYMPHOCYTE = {.a = 2.9, .b = 2.8, .dark = 1.35};
static const nucleus FIBROBLAST = {.a = 6.5, .b = 1.5, .dark = 0.95};

/* Where a gland is; lengths in pixels. */
typedef struct gland {
    double x, y, radius, wave, phase;
    double layer; /* thickness of its epithelium */
} gland;

/* ---- Benign glands ---- */

typedef struct glands {
    gland items[MAX_GLANDS];
    int count;
} glands;

static double gland_distance(const field *f, const gland *g, double x, double y)
{
    double dx = x - g->x, dy = y - g->y, angle = exact_atan2(dy, dx), rho = sqrt(dx * dx + dy * dy);
    double bump = exact_sin(2 * angle + g->phase) + 0.6 * exact_sin(3 * angle + 2 * g->phase);
    bump += 0.8 * noise3(f->seed + 6, v3(dx / 22 + g->phase, dy / 22, 0.5));
    return rho - g->radius * (1.0 + g->wave * bump);
}

static double nearest_gland(const field *f, const void *in, double x, double y)
{
    const glands *all = in;
    double least = 1e6;
    for (int i = 0; i < all->count; i++) {
        const gland *g = &all->items[i];
        double dx = x - g->x, dy = y - g->y, far = 2.0 * g->radius + 20.0;
        if (dx * dx + dy * dy < far * far) {
            double d = gland_distance(f, g, x, y);
            least = d < least ? d : least;
        }
    }
    return least;
}

static void place_glands(field *f, glands *all, double room)
{
    double largest = rng_range(&f->r, 26, 50);
    for (int attempt = 0; attempt < 4000 && all->count < MAX_GLANDS; attempt++) {
        gland g = {.wave = rng_range(&f->r, 0.04, 0.13)};
        g.phase = rng_range(&f->r, 0, 6);
        g.radius = rng_range(&f->r, 18, largest) * f->scale;
        g.x = rng_range(&f->r, -30, FIELD_WIDTH + 30);
        g.y = rng_range(&f->r, -30, FIELD_HEIGHT + 30);
        g.layer = rng_range(&f->r, 11, 15) * f->scale;
        bool free = true;
        for (int i = 0; i < all->count && free; i++) {
            double dx = g.x - all->items[i].x, dy = g.y - all->items[i].y;
            double apart = 1.12 * (g.radius + all->items[i].radius) + room * f->scale;
            free = dx * dx + dy * dy > apart * apart;
        }
        if (free) {
            all->items[all->count++] = g;
        }
    }
}

static void paint_gland_bodies(field *f, const gland *g)
{
    int reach = (int)(1.5 * g->radius) + 4;
    for (int y = (int)g->y - reach; y <= (int)g->y + reach; y++) {
        for (int x = (int)g->x - reach; x <= (int)g->x + reach; x++) {
            if (x < 0 || y < 0 || x >= FIELD_WIDTH || y >= FIELD_HEIGHT) {
                continue;
            }
            double d = gland_distance(f, g, x, y);
            double grain = fractal3(f->seed + 7, scale3(field_um(f, x, y), 1 / 4.0), 2);
            field_stain(f, x, y, 0.06, 0.95,
                        0.7 * cover(fabs(d - 1.0) - 1.0, 1.6)); /* basement membrane */
            field_stain(f, x, y, 0.17 + 0.1 * grain, 0.42 + 0.22 * grain, cover(d, 1.6));
            double lumen = d + g->layer + 2.0 * grain;
            double secretion =
                0.20 * smooth_step(0.0, 0.35,
                                   fractal3(f->seed + 8, scale3(field_um(f, x, y), 1 / 15.0), 2));
            field_stain(f, x, y, 0.02, 0.03 + secretion, cover(lumen, 1.8));
        }
    }
}

/* One even row of nuclei near the base of the cells. */
static void paint_gland_nuclei(field *f, const gland *g)
{
    double step = 6.6 * f->scale / g->radius;
    for (double turn = 0.0; turn < 2 * EXACT_PI - 0.5 * step; turn += step) {
        double angle = turn + 0.12 * step * rng_normal(&f->r);
        double c = exact_cos(angle), s = exact_sin(angle);
        double rho = g->radius; /* find the wall in this direction */
        for (int i = 0; i < 6; i++) {
            rho -= gland_distance(f, g, g->x + rho * c, g->y + rho * s);
        }
        rho -= (4.6 + 0.6 * rng_normal(&f->r)) * f->scale;
        nucleus n = {
            .x = g->x + rho * c, .y = g->y + rho * s, .angle = angle, .dark = 0.92, .open = 0.35};
        n.a = 3.7 + 0.25 * rng_normal(&f->r);
        n.b = 2.6 + 0.2 * rng_normal(&f->r);
        n.dark *= rng_range(&f->r, 0.88, 1.12);
        field_nucleus(f, &n);
    }
}

static void paint_benign(field *f)
{
    glands all = {.count = 0};
    field_stroma(f, rng_range(&f->r, 0.35, 0.75));
    place_glands(f, &all, rng_range(&f->r, 0, 24));
    double lie = rng_range(&f->r, 0, EXACT_PI);
    nucleus fibroblast = FIBROBLAST;
    fibroblast.angle = lie;
    field_scatter(f, field_count(f, 14), fibroblast, 0.25, nearest_gland, &all, 3.0);
    field_scatter(f, field_count(f, rng_range(&f->r, 0.5, 6)), LYMPHOCYTE, 0.12, nearest_gland,
                  &all, 3.0);
    for (int i = 0; i < all.count; i++) {
        paint_gland_bodies(f, &all.items[i]);
    }
    for (int i = 0; i < all.count; i++) {
        paint_gland_nuclei(f, &all.items[i]);
    }
}

/* ---- Carcinoma ---- */

typedef struct nests {
    double bias; /* more: more tumour */
    double size; /* micrometres */
    bool lumina; /* some try to form glands */
} nests;

/* Positive inside of nests, about in pixels. */
static double nest_depth(const field *f, const void *in, double x, double y)
{
    const nests *n = in;
    vec3 p = warp3(f->seed + 10, field_um(f, x, y), 25.0, 7.0);
    return (fractal3(f->seed + 11, scale3(p, 1 / n->size), 2) + n->bias) * n->size * 0.7 * f->scale;
}

static double between_nests(const field *f, const void *in, double x, double y)
{
    return -nest_depth(f, in, x, y);
}

static double lumen(const field *f, const nests *n, double x, double y)
{
    double hole = fractal3(f->seed + 12, scale3(field_um(f, x, y), 1 / 17.0), 2);
    return n->lumina ? smooth_step(0.36, 0.44, hole) : 0.0;
}

static void paint_nest_bodies(field *f, const nests *n)
{
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            double depth = nest_depth(f, n, x, y);
            double grain = fractal3(f->seed + 13, scale3(field_um(f, x, y), 1 / 5.0), 2);
            field_stain(f, x, y, 0.02, 0.05,
                        0.6 * cover(fabs(depth + 1.5) - 0.8, 2.0)); /* shrinkage cleft */
            field_stain(f, x, y, 0.26 + 0.14 * grain, 0.40 + 0.2 * grain, cover(-depth, 1.8));
            field_stain(f, x, y, 0.02, 0.06, lumen(f, n, x, y) * cover(3.0 - depth, 2.0));
        }
    }
}

static nucleus pleomorphic(field *f, double x, double y, double size)
{
    nucleus n = {.x = x, .y = y, .angle = rng_range(&f->r, 0, EXACT_PI)};
    double u = rng_unit(&f->r);
    n.a = size * (0.72 + 0.75 * u * u); /* most are middling, a few are huge */
    n.b = n.a * rng_range(&f->r, 0.58, 0.98);
    n.dark = rng_range(&f->r, 0.72, 1.35);
    n.open = n.dark < 1.0 ? rng_range(&f->r, 0.3, 0.95) : 0.1;
    n.nucleolus = n.open > 0.5 && rng_unit(&f->r) < 0.65;
    return n;
}

/* Nuclei on a disturbed grid: crowded, here and there overlapping. */
static void paint_nest_nuclei(field *f, const nests *n, double size, double pitch)
{
    double step = pitch * f->scale;
    for (double y = -step; y < FIELD_HEIGHT + step; y += step * 0.88) {
        for (double x = -step; x < FIELD_WIDTH + step; x += step) {
            double px = x + step * rng_range(&f->r, -0.38, 0.38),
                   py = y + step * rng_range(&f->r, -0.38, 0.38);
            nucleus one = pleomorphic(f, px, py, size);
            bool mitosis = rng_unit(&f->r) < 0.012;
            if (nest_depth(f, n, px, py) < 0.7 * size * f->scale || lumen(f, n, px, py) > 0.1) {
                continue;
            }
            if (mitosis) {
                one = (nucleus){
                    .x = px, .y = py, .a = 5.0, .b = 1.7, .angle = one.angle, .dark = 1.8};
            }
            field_nucleus(f, &one);
        }
    }
}

static void paint_carcinoma(field *f)
{
    nests n = {.bias = rng_range(&f->r, -0.16, 0.12)};
    n.size = rng_range(&f->r, 55, 85);
    n.lumina = rng_unit(&f->r) < 0.6;
    field_stroma(f, rng_range(&f->r, 0.55, 0.95));
    nucleus fibroblast = FIBROBLAST;
    fibroblast.angle = rng_range(&f->r, 0, EXACT_PI);
    field_scatter(f, field_count(f, 18), fibroblast, 0.35, between_nests, &n, 2.0);
    field_scatter(f, field_count(f, rng_range(&f->r, 3, 26)), LYMPHOCYTE, 0.12, between_nests, &n,
                  3.0);
    paint_nest_bodies(f, &n);
    double size = rng_range(&f->r, 4.1, 5.2);
    paint_nest_nuclei(f, &n, size, rng_range(&f->r, 9.0, 11.5));
}

/* ---- Glioma ---- */

static double everywhere(const field *f, const void *in, double x, double y)
{
    const nests *n = in;
    return fractal3(f->seed + 14, scale3(field_um(f, x, y), 1 / n->size), 2) + n->bias;
}

static void paint_vessels(field *f)
{
    int count = 2 + rng_below(&f->r, 3);
    for (int i = 0; i < count; i++) {
        gland g = {.wave = 0.16, .phase = rng_range(&f->r, 0, 6)};
        g.radius = rng_range(&f->r, 9, 17) * f->scale;
        g.x = rng_range(&f->r, 0, FIELD_WIDTH);
        g.y = rng_range(&f->r, 0, FIELD_HEIGHT);
        g.layer = 4.0 * f->scale;
        paint_gland_bodies(f, &g);
        for (int k = 0; k < 22; k++) { /* heaped endothelium, red cells within */
            double angle = rng_range(&f->r, 0, 2 * EXACT_PI),
                   rho = g.radius * rng_range(&f->r, 0.85, 1.25);
            nucleus cell = {.x = g.x + rho * exact_cos(angle),
                            .y = g.y + rho * exact_sin(angle),
                            .a = 4.2,
                            .b = 1.9,
                            .angle = angle + EXACT_PI / 2,
                            .dark = 1.1};
            field_nucleus(f, &cell);
        }
        for (int k = 0; k < 14; k++) {
            double angle = rng_range(&f->r, 0, 2 * EXACT_PI),
                   rho = 0.5 * g.radius * sqrt(rng_unit(&f->r));
            int x = (int)(g.x + rho * exact_cos(angle)), y = (int)(g.y + rho * exact_sin(angle));
            int size = (int)(2.6 * f->scale) + 1;
            for (int dy = -size; dy <= size; dy++) {
                for (int dx = -size; dx <= size; dx++) {
                    if (x + dx >= 0 && y + dy >= 0 && x + dx < FIELD_WIDTH &&
                        y + dy < FIELD_HEIGHT) {
                        field_stain(f, x + dx, y + dy, 0.0, 1.25,
                                    cover(sqrt(dx * dx + dy * dy) - 2.6 * f->scale, 1.5));
                    }
                }
            }
        }
    }
}

static void paint_glioma(field *f)
{
    nests n = {.bias = 0.25, .size = 40};
    field_neuropil(f);
    paint_vessels(f);
    double step = rng_range(&f->r, 11.0, 14.0) * f->scale, size = rng_range(&f->r, 3.9, 4.8);
    for (double y = -step; y < FIELD_HEIGHT + step; y += step) {
        for (double x = -step; x < FIELD_WIDTH + step; x += step) {
            double px = x + step * rng_range(&f->r, -0.5, 0.5),
                   py = y + step * rng_range(&f->r, -0.5, 0.5);
            nucleus one = pleomorphic(f, px, py, size);
            one.b *= rng_range(&f->r, 0.6, 1.0);
            if (everywhere(f, &n, px, py) > rng_range(&f->r, -0.3, 0.25)) {
                field_nucleus(f, &one);
            }
        }
    }
}

/* ---- Light ---- */

static uint8_t transmitted(double density)
{
    return (uint8_t)floor(clamp(244.0 * exact_exp(-density), 0.0, 255.0) + 0.5);
}

/* A faint blur of one stain: the scanner's optics. */
static void soften(float *amount, float *spare, double weight)
{
    float w = (float)weight, centre = 1.0f - 2.0f * w;
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            int i = y * FIELD_WIDTH + x, l = x > 0 ? i - 1 : i, r = x + 1 < FIELD_WIDTH ? i + 1 : i;
            spare[i] = centre * amount[i] + w * amount[l] + w * amount[r];
        }
    }
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            int i = y * FIELD_WIDTH + x;
            int u = y > 0 ? i - FIELD_WIDTH : i, d = y + 1 < FIELD_HEIGHT ? i + FIELD_WIDTH : i;
            amount[i] = centre * spare[i] + w * spare[u] + w * spare[d];
        }
    }
}

static void develop(field *f, const section *what, uint8_t *tiles)
{
    rng r = rng_make(what->stain_seed, "stain", 0);
    double blue = rng_range(&r, 0.85, 1.3), pink = rng_range(&r, 0.75, 1.25),
           hue = rng_range(&r, -0.07, 0.07);
    const double h[3] = {0.65 + hue, 0.70, 0.29 - hue},
                 e[3] = {0.07 + 0.5 * hue, 0.99, 0.11 - 0.5 * hue};
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            int i = y * FIELD_WIDTH + x, tile = y / TILE_SIDE * TILES_ACROSS + x / TILE_SIDE;
            size_t at = (size_t)tile * TILE_BYTES +
                        (size_t)((y % TILE_SIDE) * TILE_SIDE + x % TILE_SIDE) * 3;
            double thick = 1.0 + 0.10 * noise3(f->seed + 30, v3(x / 150.0, y / 150.0, 0.5));
            for (int c = 0; c < 3; c++) {
                double density = thick * (blue * f->h[i] * h[c] + pink * 0.72 * f->e[i] * e[c]);
                tiles[at + (size_t)c] = transmitted(density + 0.005 * rng_normal(&r));
            }
        }
    }
}

kin_status slide_paint(const section *what, uint8_t tiles[FIELD_BYTES], kin_error *err)
{
    field f = {
        .scale = 1.0 / what->pixel_um, .seed = what->seed, .r = rng_make(what->seed, "slide", 0)};
    f.h = calloc(3 * FIELD_PIXELS, sizeof *f.h);
    if (f.h == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide");
    }
    f.e = f.h + FIELD_PIXELS;
    float *spare = f.e + FIELD_PIXELS;
    if (what->tissue == TISSUE_BENIGN_GLANDS) {
        paint_benign(&f);
    } else if (what->tissue == TISSUE_CARCINOMA) {
        paint_carcinoma(&f);
    } else {
        paint_glioma(&f);
    }
    soften(f.h, spare, 0.10);
    soften(f.e, spare, 0.10);
    develop(&f, what, tiles);
    free(f.h);
    return KIN_OK;
}
