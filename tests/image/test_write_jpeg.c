/* Rasters written as JPEG and read back by the reader: no further off than the quality allows. */
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "image/write.h"
#include "random.h"
#include "read_back.h"

static kin_raster make(int width, int height, int channels)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    return raster;
}

/* A lit disc on black, with texture, in colours that differ. */
static kin_raster make_scene(int width, int height, int channels)
{
    kin_raster raster = make(width, height, channels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++) {
                double dx = x - width * 0.5, dy = y - height * 0.5;
                bool inside = dx * dx + dy * dy < width * height * 0.1;
                double light = 0.5 + 0.2 * sin(x * 0.3 + c) + 0.2 * cos(y * 0.2 - c);
                raster.px[((size_t)y * (size_t)width + (size_t)x) * (size_t)channels + (size_t)c] =
                    inside ? (float)light : 0.02f;
            }
    return raster;
}

static kin_raster make_noise(int width, int height, int channels)
{
    kin_raster raster = make(width, height, channels);
    uint64_t random = 7;
    size_t n = (size_t)width * (size_t)height * (size_t)channels;
    for (size_t i = 0; i < n; i++)
        raster.px[i] = (float)(random_bits(&random) % 256) / 255.0f;
    return raster;
}

static struct encoded write_jpeg(const kin_raster *raster, int quality)
{
    void *bytes = NULL;
    struct encoded file = {0};
    kin_error err;
    if (kin_image_encode_jpeg(raster, quality, &bytes, &file.size, &err) != KIN_OK)
        fail_msg("%s", err.message);
    file.bytes = bytes;
    return file;
}

/* Peak signal to noise in decibels, of the raster written and read; *size of the file. */
static double loss(const kin_raster *raster, int quality, size_t *size)
{
    struct encoded file = write_jpeg(raster, quality);
    *size = file.size;
    kin_raster back = read_only_page(file, "jpeg", 1);
    assert_int_equal(back.width, raster->width);
    assert_int_equal(back.height, raster->height);
    assert_int_equal(back.channels, raster->channels);
    assert_true(back.spacing_x_mm == 0 && back.spacing_y_mm == 0);
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += pow(back.px[i] - raster->px[i], 2);
    kin_raster_release(&back);
    return -10 * log10(sum / (double)n + 1e-12);
}

static void keeps_what_its_quality_says(void **state)
{
    (void)state;
    /* Decibels that any sound encoder reaches on this scene. */
    static const struct {
        int quality;
        double grey, colour;
    } cases[] = {{50, 32, 28}, {85, 38, 34}, {100, 50, 44}};
    static const int sizes[][2] = {{256, 256}, {97, 61}};
    for (size_t s = 0; s < 2; s++)
        for (int channels = 1; channels <= 3; channels += 2) {
            kin_raster raster = make_scene(sizes[s][0], sizes[s][1], channels);
            size_t size = 0, before = 0;
            for (size_t i = 0; i < 3; i++) {
                double db = loss(&raster, cases[i].quality, &size);
                print_message("%d x %d x %d, quality %d: %.1f dB, %zu bytes\n", raster.width,
                              raster.height, channels, cases[i].quality, db, size);
                assert_true(db > (channels == 1 ? cases[i].grey : cases[i].colour));
                assert_true(size > before); /* better costs more */
                before = size;
            }
            kin_raster_release(&raster);
        }
}

/* Far more output than the first buffer holds. */
static void output_grows(void **state)
{
    (void)state;
    kin_raster raster = make_noise(700, 500, 3);
    size_t size = 0;
    assert_true(loss(&raster, 100, &size) > 40);
    assert_true(size > 500000);
    kin_raster_release(&raster);
}

/* Even the worst of a preview fits what the archive keeps of one. */
static void noise_of_a_previews_size(void **state)
{
    (void)state;
    kin_raster raster = make_noise(256, 256, 3);
    size_t size = 0;
    loss(&raster, 85, &size);
    print_message("256 x 256 pixels of coloured noise, quality 85: %zu bytes\n", size);
    assert_true(size < 256 * 1024);
    kin_raster_release(&raster);
}

static void smallest_and_longest(void **state)
{
    (void)state;
    static const int sizes[][2] = {
        {1, 1}, {1, 9}, {KIN_IMAGE_JPEG_SIDE_MAX, 1}, {1, KIN_IMAGE_JPEG_SIDE_MAX}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        kin_raster raster = make(sizes[i][0], sizes[i][1], 1);
        raster.px[0] = 1.0f;
        size_t size = 0;
        assert_true(loss(&raster, 95, &size) > 30);
        kin_raster_release(&raster);
    }
}

static void values_out_of_range_are_clamped(void **state)
{
    (void)state;
    static const float values[] = {-INFINITY, -3.0f, NAN, 1.5f, INFINITY, 3e38f};
    static const float shown[] = {0, 0, 0, 1, 1, 1};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        kin_raster raster = make(8, 8, 1);
        for (int p = 0; p < 64; p++)
            raster.px[p] = values[i];
        kin_raster back = read_only_page(write_jpeg(&raster, 90), "jpeg", 1);
        for (int p = 0; p < 64; p++)
            assert_float_equal(back.px[p], shown[i], 1.5 / 255);
        kin_raster_release(&back);
        kin_raster_release(&raster);
    }
}

static void expect_refusal(kin_raster raster, int quality, kin_status wanted)
{
    void *bytes = &raster;
    size_t size = 1;
    kin_error err;
    kin_status status = kin_image_encode_jpeg(&raster, quality, &bytes, &size, &err);
    if (status != wanted || err.code != wanted)
        fail_msg("%d x %d x %d at %d: status %d, \"%s\"", raster.width, raster.height,
                 raster.channels, quality, status, err.message);
    assert_null(bytes);
    assert_int_equal(size, 0);
    assert_int_equal(kin_image_encode_jpeg(&raster, quality, &bytes, &size, NULL), wanted);
}

/* The pixels of these are never looked at: there are not nearly as many. */
static void hostile_sizes_are_refused(void **state)
{
    (void)state;
    float px[3] = {0};
    static const int wrong[][3] = {{0, 1, 1}, {1, 0, 1}, {-1, 1, 1}, {1, INT_MIN, 1}, {1, 1, 0},
                                   {1, 1, 2}, {1, 1, 4}, {1, 1, -3}, {0, 0, 0}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect_refusal((kin_raster){wrong[i][0], wrong[i][1], wrong[i][2], px, 0, 0}, 90,
                       KIN_E_ARG);
    static const int large[][2] = {
        {KIN_IMAGE_JPEG_SIDE_MAX + 1, 1}, {1, KIN_IMAGE_JPEG_SIDE_MAX + 1}, {INT_MAX, INT_MAX}};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        expect_refusal((kin_raster){large[i][0], large[i][1], 3, px, 0, 0}, 90, KIN_E_LIMIT);
    static const int qualities[] = {0, -1, 101, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof qualities / sizeof qualities[0]; i++)
        expect_refusal((kin_raster){1, 1, 1, px, 0, 0}, qualities[i], KIN_E_ARG);
    expect_refusal((kin_raster){0}, 90, KIN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_its_quality_says),
        cmocka_unit_test(output_grows),
        cmocka_unit_test(noise_of_a_previews_size),
        cmocka_unit_test(smallest_and_longest),
        cmocka_unit_test(values_out_of_range_are_clamped),
        cmocka_unit_test(hostile_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
