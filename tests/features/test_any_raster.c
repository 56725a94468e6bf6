/* A property of all rasters: a descriptor is finite, the same each time, and bounded. */
#include <math.h>
#include <string.h>

#include "random.h"
#include "shared_data.h"
#include "standard.h"

enum filling { ZERO, ONE, RANDOM, SPOT, RAMP, INSANE, FILLINGS };

static void fill(kin_raster *raster, enum filling filling)
{
    static const float insane[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 0.5f, 1e-40f};
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    uint64_t random = 77;
    for (size_t i = 0; i < n; i++) {
        switch (filling) {
        case ONE:
            raster->px[i] = 1;
            break;
        case RANDOM:
            raster->px[i] = random_unit(&random);
            break;
        case SPOT:
            raster->px[i] = i == n / 2 ? 1 : 0;
            break;
        case RAMP:
            raster->px[i] = (float)i / (float)n;
            break;
        case INSANE:
            raster->px[i] = insane[random_bits(&random) % 7];
            break;
        default:
            raster->px[i] = 0;
        }
    }
}

/* Entries are unit histograms, statistics in their own units: nothing lies far from 0. */
static const float LARGEST = 10;

static void check(int width, int height, int channels, enum filling filling, double aspect)
{
    size_t n = standard_length();
    float *one = malloc(n * sizeof *one), *two = malloc(n * sizeof *two);
    kin_raster raster;
    kin_error err = {0};
    assert_true(one != NULL && two != NULL);
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    raster.spacing_x_mm = aspect;
    raster.spacing_y_mm = 1;
    fill(&raster, filling);
    memset(one, 0xFF, n * sizeof *one); /* NaN */
    memset(two, 0xFF, n * sizeof *two);
    if (standard_describe(&raster, one, &err) != KIN_OK)
        fail_msg("%d x %d x %d, filling %d: %s", width, height, channels, filling, err.message);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(one[i]) || fabsf(one[i]) > LARGEST)
            fail_msg("%d x %d x %d, filling %d: entry %zu is %g", width, height, channels, filling,
                     i, (double)one[i]);
    }
    assert_int_equal(standard_describe(&raster, two, &err), KIN_OK);
    assert_memory_equal(one, two, n * sizeof *one);
    kin_raster_release(&raster);
    free(one);
    free(two);
}

static void every_size_and_filling(void **state)
{
    static const int sizes[][2] = {{1, 1},     {1, 2},   {2, 1},   {1, 300},   {300, 1},
                                   {3, 3},     {7, 5},   {8, 9},   {17, 130},  {50, 50},
                                   {129, 127}, {640, 3}, {3, 999}, {400, 300}, {5000, 2}};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (int filling = 0; filling < FILLINGS; filling++) {
            check(sizes[s][0], sizes[s][1], 1, (enum filling)filling, 0);
            check(sizes[s][0], sizes[s][1], 3, (enum filling)filling, 0);
        }
    }
}

static void every_spacing(void **state)
{
    static const double aspects[] = {0.07, 0.5, 3, 15.9, 1e9, 1e-9, NAN, INFINITY};
    (void)state;
    for (size_t i = 0; i < sizeof aspects / sizeof aspects[0]; i++) {
        check(40, 30, 1, RANDOM, aspects[i]);
        check(1, 500, 3, RAMP, aspects[i]);
    }
}

/* The cosine of two descriptors' grey families. */
static double similarity(const float *a, const float *b, size_t n)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}

/* A blurred disc with texture, under gain and offset. */
static void draw(kin_raster *raster, float gain, float offset, int seed)
{
    uint64_t random = (unsigned)seed;
    for (int y = 0; y < raster->height; y++) {
        for (int x = 0; x < raster->width; x++) {
            double r = hypot(x - 90.0, y - 110.0);
            double v = r < 70 ? 0.5 + 0.3 * sin(x / 6.0) * cos(y / 9.0) : 0;
            v += 0.1 * (random_bits(&random) & 255) / 255;
            raster->px[y * raster->width + x] = offset + gain * (float)v;
        }
    }
}

static void gain_and_offset_change_little(void **state)
{
    size_t n = standard_length();
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    kin_raster raster;
    (void)state;
    assert_true(a != NULL && b != NULL && c != NULL);
    assert_int_equal(kin_raster_init(&raster, 200, 220, 1, NULL), KIN_OK);
    draw(&raster, 1, 0, 1);
    assert_int_equal(standard_describe(&raster, a, NULL), KIN_OK);
    draw(&raster, 0.8f, 0.1f, 1);
    assert_int_equal(standard_describe(&raster, b, NULL), KIN_OK);
    fill(&raster, RANDOM);
    assert_int_equal(standard_describe(&raster, c, NULL), KIN_OK);
    assert_true(similarity(a, b, n) > 0.99);
    assert_true(similarity(a, c, n) < 0.9);
    kin_raster_release(&raster);
    free(a);
    free(b);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_and_filling),
        cmocka_unit_test(every_spacing),
        cmocka_unit_test(gain_and_offset_change_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
