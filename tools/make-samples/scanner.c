#include "scanner.h"

#include <string.h>

#include "random.h"

vec3 scan_origin(const scan *s, int index, int count)
{
    double half = 0.5 * (SLICE_SIDE - 1) * s->pixel_mm,
           along = (index - 0.5 * (count - 1)) * s->spacing_mm;
    double cosine = exact_cos(s->tilt), sine = exact_sin(s->tilt);
    /* Rows run along x, columns along (0, cos, sin), the stack along (0, -sin, cos). */
    return v3(s->centre.x - half, s->centre.y - half * cosine - along * sine,
              s->centre.z - half * sine + along * cosine);
}

static vec3 to_anatomy(const scan *s, vec3 p)
{
    vec3 q = sub3(p, s->shift);
    double cosine = exact_cos(s->roll), sine = exact_sin(s->roll);
    return v3(q.x * cosine + q.y * sine, -q.x * sine + q.y * cosine, q.z);
}

/* The couch under the patient, a thin shell with foam inside. */
static double couch(const scan *s, const phantom *body, vec3 p, double v)
{
    double top = body->half_depth + 9.0 + s->shift.y + 0.0009 * p.x * p.x * -1.0;
    double d = fabs(p.y - top - 9.0) - 9.0;
    d = fabs(p.x) > 210.0 ? 1e3 : d;
    if (v > -900.0) {
        return v;
    }
    v = mix(v, -930.0, cover(d, 2.0));
    return mix(v, -420.0, cover(fabs(d) - 0.6, 2.0));
}

static void paint(const scan *s, const phantom *body, vec3 origin, float *image)
{
    double cosine = exact_cos(s->tilt), sine = exact_sin(s->tilt);
    for (int y = 0; y < SLICE_SIDE; y++) {
        for (int x = 0; x < SLICE_SIDE; x++) {
            double down = y * s->pixel_mm;
            vec3 p =
                v3(origin.x + x * s->pixel_mm, origin.y + down * cosine, origin.z + down * sine);
            double v = body->value(body, to_anatomy(s, p));
            if (s->couch) {
                v = couch(s, body, p, v);
            }
            image[y * SLICE_SIDE + x] = (float)v;
        }
    }
}

/* A separable Gaussian of at most 4 pixels' reach; the borders repeat. */
static void blur(float *image, double deviation)
{
    enum { REACH = 4 };
    if (deviation < 0.05) {
        return;
    }
    double weights[REACH + 1], sum = 0.0;
    for (int i = 0; i <= REACH; i++) {
        weights[i] = exact_exp(-0.5 * i * i / (deviation * deviation));
        sum += i == 0 ? weights[i] : 2.0 * weights[i];
    }
    for (int pass = 0; pass < 2; pass++) {
        int step = pass == 0 ? 1 : SLICE_SIDE, across = pass == 0 ? SLICE_SIDE : 1;
        for (int line = 0; line < SLICE_SIDE; line++) {
            float in[SLICE_SIDE];
            float *base = image + line * across;
            for (int i = 0; i < SLICE_SIDE; i++) {
                in[i] = base[i * step];
            }
            for (int i = 0; i < SLICE_SIDE; i++) {
                double v = 0.0;
                for (int k = -REACH; k <= REACH; k++) {
                    int at = i + k < 0 ? 0 : i + k >= SLICE_SIDE ? SLICE_SIDE - 1 : i + k;
                    v += weights[k < 0 ? -k : k] * in[at];
                }
                base[i * step] = (float)(v / sum);
            }
        }
    }
}

/* Noise of the given grain, its deviation 1. */
static void make_noise(rng *r, double grain, float *out)
{
    for (int i = 0; i < SLICE_PIXELS; i++) {
        out[i] = (float)rng_normal(r);
    }
    blur(out, grain);
    double squares = 0.0;
    for (int i = 0; i < SLICE_PIXELS; i++) {
        squares += (double)out[i] * out[i];
    }
    float scale = (float)(1.0 / sqrt(squares / SLICE_PIXELS + 1e-12));
    for (int i = 0; i < SLICE_PIXELS; i++) {
        out[i] *= scale;
    }
}

static uint16_t store_ct(const scan *s, double hu, int x, int y)
{
    double dx = x - 0.5 * (SLICE_SIDE - 1), dy = y - 0.5 * (SLICE_SIDE - 1);
    if (s->padded && dx * dx + dy * dy > 0.25 * SLICE_SIDE * SLICE_SIDE) {
        int padding = s->is_signed ? CT_PADDING : 0;
        return (uint16_t)(int16_t)padding;
    }
    int value = (int)floor(clamp(hu, -1023.0, 3071.0) + 0.5);
    return (uint16_t)(int16_t)(s->is_signed ? value : value + CT_OFFSET);
}

/* Receive coils see near tissue brighter: a smooth factor over the slice. */
static double shading(const scan *s, int x, int y)
{
    vec3 p = v3(x * 1.7 / SLICE_SIDE, y * 1.7 / SLICE_SIDE, 0.37);
    return exact_exp(s->bias * 1.5 * noise3(s->seed + 5, p));
}

static uint16_t store_mr(const scan *s, double signal)
{
    double most = (double)((1 << MR_BITS) - 1);
    return (uint16_t)floor(clamp(signal * s->gain, 0.0, most) + 0.5);
}

void scan_slice(const scan *s, const phantom *body, int index, int count, uint16_t *out)
{
    float image[SLICE_PIXELS], noise[SLICE_PIXELS], other[SLICE_PIXELS];
    paint(s, body, scan_origin(s, index, count), image);
    blur(image, s->blur_px);
    rng r = rng_make(s->seed, "noise", (uint64_t)index);
    make_noise(&r, 0.25 + 0.6 * s->coarse, noise);
    if (s->mr) {
        make_noise(&r, 0.25 + 0.6 * s->coarse, other);
    }
    for (int y = 0; y < SLICE_SIDE; y++) {
        for (int x = 0; x < SLICE_SIDE; x++) {
            int i = y * SLICE_SIDE + x;
            if (s->mr) { /* the magnitude of a complex signal: Rician noise */
                double real = image[i] * shading(s, x, y) + s->noise * noise[i],
                       imaginary = s->noise * other[i];
                out[i] = store_mr(s, sqrt(real * real + imaginary * imaginary));
            } else {
                out[i] = store_ct(s, image[i] + s->noise * noise[i], x, y);
            }
        }
    }
}
