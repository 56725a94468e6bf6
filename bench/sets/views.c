#include "views.h"

#include <math.h>

#include "seeded.h"

#define TURN_MAX       (20 * M_PI / 180)
#define TONE_LOW       0.8
#define TONE_HIGH      1.25
#define BRIGHTNESS_MAX 0.1
#define BLUR_MAX       0.25 /* twice this is the neighbours' share: they count as the pixel itself */

bench_view bench_view_draw(uint64_t seed, uint64_t source, uint64_t number, bool slide)
{
    uint64_t state = bench_random_stream(bench_random_stream(seed, source), number);
    bench_view view = {.scale = bench_random_between(&state, 0.5, 1)};
    view.x = bench_random_unit(&state);
    view.y = bench_random_unit(&state);
    view.angle = bench_random_between(&state, -TURN_MAX, TURN_MAX);
    if (slide)
        view.angle += M_PI_2 * (double)(bench_random_bits(&state) % 4);
    view.mirrored = bench_random_bits(&state) & 1;
    /* As likely by a factor as by its inverse. */
    view.gamma = exp(bench_random_between(&state, log(TONE_LOW), log(TONE_HIGH)));
    view.contrast = exp(bench_random_between(&state, log(TONE_LOW), log(TONE_HIGH)));
    view.brightness = bench_random_between(&state, -BRIGHTNESS_MAX, BRIGHTNESS_MAX);
    double blur = bench_random_between(&state, -BLUR_MAX, BLUR_MAX);
    view.blur = blur > 0 ? blur : 0;
    return view;
}

/* A coordinate brought back into [0, n - 1] by mirrors at both ends. */
static double reflect(double at, int n)
{
    double period = 2.0 * (n - 1);
    if (n == 1)
        return 0;
    at = fmod(fabs(at), period);
    return at > n - 1 ? period - at : at;
}

/* Bilinear, with pixel centres at whole numbers. */
static void sample(const kin_raster *source, double x, double y, float *out)
{
    x = reflect(x, source->width);
    y = reflect(y, source->height);
    int x0 = (int)x, y0 = (int)y;
    int x1 = x0 + 1 < source->width ? x0 + 1 : x0, y1 = y0 + 1 < source->height ? y0 + 1 : y0;
    float fx = (float)(x - x0), fy = (float)(y - y0);
    int channels = source->channels;
    const float *top = source->px + (size_t)y0 * (size_t)source->width * (size_t)channels;
    const float *bottom = source->px + (size_t)y1 * (size_t)source->width * (size_t)channels;
    for (int c = 0; c < channels; c++) {
        float above = top[x0 * channels + c] * (1 - fx) + top[x1 * channels + c] * fx;
        float below = bottom[x0 * channels + c] * (1 - fx) + bottom[x1 * channels + c] * fx;
        out[c] = above * (1 - fy) + below * fy;
    }
}

/* Crop, turn and mirror in one step. */
static void fill(const kin_raster *source, const bench_view *view, kin_raster *out)
{
    double centre_x = out->width / 2.0 + view->x * (source->width - out->width) - 0.5;
    double centre_y = out->height / 2.0 + view->y * (source->height - out->height) - 0.5;
    double cosine = cos(view->angle), sine = sin(view->angle);
    float *px = out->px;
    for (int y = 0; y < out->height; y++) {
        double dy = y + 0.5 - out->height / 2.0;
        for (int x = 0; x < out->width; x++, px += out->channels) {
            double dx = x + 0.5 - out->width / 2.0;
            if (view->mirrored)
                dx = -dx;
            sample(source, centre_x + cosine * dx - sine * dy, centre_y + sine * dx + cosine * dy,
                   px);
        }
    }
}

static void change_tone(kin_raster *raster, const bench_view *view)
{
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    float gamma = (float)view->gamma, contrast = (float)view->contrast;
    float shift = (float)(view->brightness + 0.5);
    for (size_t i = 0; i < n; i++) {
        float v = (powf(fmaxf(raster->px[i], 0), gamma) - 0.5f) * contrast + shift;
        raster->px[i] = fminf(fmaxf(v, 0), 1);
    }
}

/* Each of n values `step` apart becomes (1 - 2 share) of itself and a share of both neighbours. */
static void blur_line(float *line, size_t n, size_t step, float share)
{
    float before = line[0];
    for (size_t i = 0; i < n; i++) {
        float here = line[i * step], after = i + 1 < n ? line[(i + 1) * step] : here;
        line[i * step] = (1 - 2 * share) * here + share * (before + after);
        before = here;
    }
}

static void blur(kin_raster *raster, float share)
{
    size_t channels = (size_t)raster->channels, width = (size_t)raster->width;
    size_t height = (size_t)raster->height, row = width * channels;
    for (size_t y = 0; y < height; y++)
        for (size_t c = 0; c < channels; c++)
            blur_line(raster->px + y * row + c, width, channels, share);
    for (size_t i = 0; i < row; i++)
        blur_line(raster->px + i, height, row, share);
}

/* Pixels of a part of n, at least one. */
static int part(int n, double scale)
{
    int pixels = (int)round(n * scale);
    return pixels < 1 ? 1 : pixels > n ? n : pixels;
}

kin_status bench_view_make(const kin_raster *source, const bench_view *view, kin_raster *out,
                           kin_error *err)
{
    kin_status status = kin_raster_init(out, part(source->width, view->scale),
                                        part(source->height, view->scale), source->channels, err);
    if (status != KIN_OK)
        return status;
    out->spacing_x_mm = source->spacing_x_mm;
    out->spacing_y_mm = source->spacing_y_mm;
    fill(source, view, out);
    change_tone(out, view);
    if (view->blur > 0)
        blur(out, (float)view->blur);
    return KIN_OK;
}
