#include "field.h"

void field_stain(field *f, int x, int y, double h, double e, double amount)
{
    int i = y * FIELD_WIDTH + x;
    f->h[i] = (float)mix(f->h[i], h, amount);
    f->e[i] = (float)mix(f->e[i], e, amount);
}

vec3 field_um(const field *f, double x, double y)
{
    return v3(x / f->scale, y / f->scale, 0.5);
}

void field_nucleus(field *f, const nucleus *n)
{
    double a = n->a * f->scale, b = n->b * f->scale, c = exact_cos(n->angle),
           s = exact_sin(n->angle);
    uint64_t own =
        f->seed + (uint64_t)(int64_t)(n->x * 7919.0) * 31u + (uint64_t)(int64_t)(n->y * 104729.0);
    int reach = (int)(a > b ? a : b) + 3;
    for (int y = (int)n->y - reach; y <= (int)n->y + reach; y++) {
        for (int x = (int)n->x - reach; x <= (int)n->x + reach; x++) {
            if (x < 0 || y < 0 || x >= FIELD_WIDTH || y >= FIELD_HEIGHT) {
                continue;
            }
            double dx = x - n->x, dy = y - n->y, u = (dx * c + dy * s) / a,
                   v = (-dx * s + dy * c) / b;
            double k = sqrt(u * u + v * v);
            double uneven = noise3(own, v3(u * 1.1 + 9.3, v * 1.1 + 4.1, 0.3));
            double d = (k - 1.0 - 0.20 * uneven) * (a < b ? a : b);
            double inside = cover(d, 1.4);
            if (inside <= 0.0) {
                continue;
            }
            double rim = smooth_step(-2.4, -0.4, d);
            double chromatin = 0.30 * noise3(own + 1, field_um(f, x * 0.8, y * 0.8));
            double dark = n->dark * (1.0 - n->open * (0.5 - 0.5 * rim) + chromatin);
            if (n->nucleolus) {
                double spot =
                    sqrt((u - 0.2) * (u - 0.2) + (v + 0.1) * (v + 0.1)) * b - 1.1 * f->scale;
                dark = mix(dark, 1.5 * n->dark, cover(spot, 1.4));
            }
            field_stain(f, x, y, dark, 0.22, 0.95 * inside);
        }
    }
}

void field_stroma(field *f, double dense)
{
    double lie = rng_range(&f->r, 0, EXACT_PI);
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            vec3 p = warp3(f->seed + 1, field_um(f, x, y), 60.0, 22.0);
            double c = exact_cos(lie), s = exact_sin(lie);
            vec3 strand = v3((p.x * c + p.y * s) / 42.0, (-p.x * s + p.y * c) / 4.5, 0.5);
            double fibre = fractal3(f->seed + 2, strand, 3);
            double gap = smooth_step(mix(-0.02, -0.32, dense), mix(0.22, -0.05, dense), fibre);
            double e = mix(0.06, 0.50 + 0.45 * fibre + 0.12 * dense, gap);
            field_stain(f, x, y, 0.05 * gap, clamp(e, 0.02, 1.1), 1.0);
        }
    }
}

void field_neuropil(field *f)
{
    for (int y = 0; y < FIELD_HEIGHT; y++) {
        for (int x = 0; x < FIELD_WIDTH; x++) {
            vec3 p = field_um(f, x, y);
            double fine =
                fractal3(f->seed + 3, warp3(f->seed + 4, scale3(p, 1 / 3.5), 4.0, 2.0), 3);
            double patch = fractal3(f->seed + 5, scale3(p, 1 / 45.0), 2);
            double hole = smooth_step(0.30, 0.48, fine);
            field_stain(f, x, y, 0.06,
                        clamp(0.40 + 0.34 * fine + 0.22 * patch, 0.05, 1.0) * (1 - 0.7 * hole),
                        1.0);
        }
    }
}

void field_scatter(field *f, int count, nucleus like, double vary, distance_fn *where,
                   const void *in, double margin)
{
    for (int i = 0; i < count; i++) {
        nucleus n = like;
        n.x = rng_range(&f->r, -4, FIELD_WIDTH + 4);
        n.y = rng_range(&f->r, -4, FIELD_HEIGHT + 4);
        n.a *= 1.0 + vary * rng_range(&f->r, -1, 1);
        n.b *= 1.0 + vary * rng_range(&f->r, -1, 1);
        n.dark *= 1.0 + 0.2 * rng_range(&f->r, -1, 1);
        n.angle += like.a > 2.0 * like.b ? 0.5 * rng_normal(&f->r) : rng_range(&f->r, 0, EXACT_PI);
        if (where(f, in, n.x, n.y) > margin) {
            field_nucleus(f, &n);
        }
    }
}

int field_count(const field *f, double density)
{
    return (int)(density * FIELD_PIXELS / (f->scale * f->scale) / 1e4);
}
