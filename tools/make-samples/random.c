#include "random.h"

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

rng rng_make(uint64_t seed, const char *purpose, uint64_t number)
{
    uint64_t h = 0xcbf29ce484222325u ^ scramble(seed + 0x9e3779b97f4a7c15u);
    for (const char *c = purpose; *c != '\0'; c++) { /* FNV-1a */
        h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    }
    return (rng){scramble(h ^ scramble(number + 0x632be59bd9b4e019u))};
}

uint64_t rng_next(rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    return scramble(r->state);
}

double rng_unit(rng *r)
{
    return (double)(rng_next(r) >> 11) * (1.0 / 9007199254740992.0);
}

double rng_range(rng *r, double low, double high)
{
    return low + (high - low) * rng_unit(r);
}

int rng_below(rng *r, int n)
{
    return (int)(rng_unit(r) * n);
}

double rng_normal(rng *r)
{
    /* Marsaglia's polar method; its second number is dropped, so that a stream has no hidden
     * state. */
    for (;;) {
        double u = rng_range(r, -1.0, 1.0), v = rng_range(r, -1.0, 1.0), s = u * u + v * v;
        if (s > 1e-12 && s < 1.0) {
            return u * sqrt(-2.0 * exact_log(s) / s);
        }
    }
}

vec3 rng_box(rng *r, vec3 low, vec3 high)
{
    vec3 v;
    v.x = rng_range(r, low.x, high.x);
    v.y = rng_range(r, low.y, high.y);
    v.z = rng_range(r, low.z, high.z);
    return v;
}

vec3 rng_direction(rng *r)
{
    for (;;) {
        vec3 v = rng_box(r, v3(-1, -1, -1), v3(1, 1, 1));
        double n = length3(v);
        if (n > 0.05 && n <= 1.0) {
            return scale3(v, 1.0 / n);
        }
    }
}

/* The gradient at a lattice point, one of twelve edges of a cube, times the way from it. */
static double lattice(uint64_t seed, int64_t x, int64_t y, int64_t z, double dx, double dy,
                      double dz)
{
    uint64_t h = seed + (uint64_t)x * 0x9e3779b97f4a7c15u + (uint64_t)y * 0xc2b2ae3d27d4eb4fu +
                 (uint64_t)z * 0x165667b19e3779f9u;
    h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
    unsigned edge = (unsigned)((h >> 32) % 12u);
    double u = edge < 8 ? dx : dy;
    double v = edge < 4 ? dy : dz;
    return ((edge & 1u) != 0 ? -u : u) + ((edge & 2u) != 0 ? -v : v);
}

double noise3(uint64_t seed, vec3 p)
{
    double fx = floor(p.x), fy = floor(p.y), fz = floor(p.z);
    int64_t x = (int64_t)fx, y = (int64_t)fy, z = (int64_t)fz;
    double u = p.x - fx, v = p.y - fy, w = p.z - fz;
    double su = u * u * u * (u * (u * 6 - 15) + 10);
    double sv = v * v * v * (v * (v * 6 - 15) + 10);
    double sw = w * w * w * (w * (w * 6 - 15) + 10);
    double planes[2];
    for (int k = 0; k < 2; k++) {
        double rows[2];
        for (int j = 0; j < 2; j++) {
            double left = lattice(seed, x, y + j, z + k, u, v - j, w - k);
            double right = lattice(seed, x + 1, y + j, z + k, u - 1, v - j, w - k);
            rows[j] = mix(left, right, su);
        }
        planes[k] = mix(rows[0], rows[1], sv);
    }
    return mix(planes[0], planes[1], sw);
}

double fractal3(uint64_t seed, vec3 p, int octaves)
{
    double sum = 0.0, strength = 1.0, total = 0.0;
    for (int i = 0; i < octaves; i++) {
        sum += strength * noise3(seed + (uint64_t)i * 0x51ed270b, p);
        total += strength;
        strength *= 0.5;
        p = scale3(p, 2.03);
    }
    return sum / total;
}

vec3 warp3(uint64_t seed, vec3 p, double size, double strength)
{
    vec3 q = scale3(p, 1.0 / size);
    return add3(p, scale3(v3(noise3(seed + 11, q), noise3(seed + 23, q), noise3(seed + 37, q)),
                          strength * 1.6));
}
