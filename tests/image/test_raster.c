/* Rasters and their resampling, against values worked by hand. */
#include "image/raster.h"

#include <math.h>
#include <string.h>

#include "image/read.h"
#include "image/write.h"
#include "random.h"
#include "shared_data.h"

static kin_raster raster_of(int width, int height, int channels, const float *values)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    memcpy(raster.px, values, (size_t)width * (size_t)height * (size_t)channels * sizeof *values);
    return raster;
}

static void assert_values(const kin_raster *raster, const float *expected, double tolerance)
{
    size_t n = (size_t)raster->width * (size_t)raster->height * (size_t)raster->channels;
    for (size_t i = 0; i < n; i++)
        assert_float_equal(raster->px[i], expected[i], tolerance);
}

static void makes_zeros_and_refuses_absurd_sizes(void **state)
{
    kin_raster raster;
    kin_error err = {0};
    (void)state;
    assert_int_equal(kin_raster_init(&raster, 3, 2, 3, &err), KIN_OK);
    for (int i = 0; i < 18; i++)
        assert_true(raster.px[i] == 0);
    kin_raster_release(&raster);
    assert_null(raster.px);
    kin_raster_release(&raster);
    assert_int_equal(kin_raster_init(&raster, 0, 2, 1, &err), KIN_E_LIMIT);
    assert_int_equal(kin_raster_init(&raster, 2, -1, 1, &err), KIN_E_LIMIT);
    assert_int_equal(kin_raster_init(&raster, 2, 2, 2, &err), KIN_E_ARG);
    assert_null(raster.px);
}

static void checks_frames_against_limits(void **state)
{
    kin_image_limits limits = {.max_frame_bytes = 400};
    kin_error err = {0};
    (void)state;
    limits = kin_image_limits_effective(&limits);
    assert_int_equal(limits.max_frame_bytes, 400);
    assert_int_equal(limits.max_frames, 65536);
    assert_int_equal(kin_image_check_frame(10, 10, 1, &limits, &err), KIN_OK);
    assert_int_equal(kin_image_check_frame(101, 1, 1, &limits, &err), KIN_E_LIMIT);
    assert_int_equal(kin_image_check_frame(0, 10, 1, &limits, &err), KIN_E_FORMAT);
    assert_int_equal(kin_image_check_frame(UINT64_MAX, UINT64_MAX, 4, &limits, &err), KIN_E_LIMIT);
    limits = kin_image_limits_effective(NULL);
    assert_int_equal(limits.max_frame_bytes, (size_t)1 << 30);
    assert_int_equal(limits.max_total_bytes, (size_t)1 << 34);
}

static void luminance_follows_bt601(void **state)
{
    static const float rgb[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
    static const float expected[] = {0.299f, 0.587f, 0.114f, 1};
    kin_raster source = raster_of(4, 1, 3, rgb), grey;
    (void)state;
    source.spacing_x_mm = 2;
    assert_int_equal(kin_raster_grey(&source, &grey, NULL), KIN_OK);
    assert_int_equal(grey.channels, 1);
    assert_true(grey.spacing_x_mm == 2);
    assert_values(&grey, expected, 1e-6);
    kin_raster_release(&grey);
    kin_raster_release(&source);
}

static void crops_inside_only(void **state)
{
    static const float values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const float expected[] = {6, 7, 10, 11};
    kin_raster source = raster_of(4, 3, 1, values), part;
    (void)state;
    assert_int_equal(kin_raster_crop(&source, (kin_box){1, 1, 2, 2}, &part, NULL), KIN_OK);
    assert_values(&part, expected, 0);
    kin_raster_release(&part);
    static const kin_box outside[] = {{-1, 0, 2, 2}, {3, 0, 2, 2}, {0, 2, 1, 2},
                                      {0, 0, 0, 1},  {0, 0, 5, 1}, {INT32_MAX, 0, INT32_MAX, 1}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        assert_int_equal(kin_raster_crop(&source, outside[i], &part, NULL), KIN_E_ARG);
        assert_null(part.px);
    }
    kin_raster_release(&source);
}

static void shrinks_by_areas(void **state)
{
    /* 3 -> 2: each output covers one and a half inputs. */
    static const float three[] = {0.3f, 0.6f, 0.9f};
    static const float two[] = {(0.3f + 0.6f / 2) / 1.5f, (0.6f / 2 + 0.9f) / 1.5f};
    /* 4 x 4 -> 2 x 2: means of quarters. */
    static const float sixteen[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const float four[] = {3.5f, 5.5f, 11.5f, 13.5f};
    kin_raster source = raster_of(3, 1, 1, three), out;
    (void)state;
    source.spacing_x_mm = 2;
    source.spacing_y_mm = 1;
    assert_int_equal(kin_raster_resample(&source, 2, 1, &out, NULL), KIN_OK);
    assert_values(&out, two, 1e-6);
    assert_float_equal(out.spacing_x_mm, 3, 1e-12);
    assert_float_equal(out.spacing_y_mm, 1, 1e-12);
    kin_raster_release(&out);
    kin_raster_release(&source);
    source = raster_of(4, 4, 1, sixteen);
    assert_int_equal(kin_raster_resample(&source, 2, 2, &out, NULL), KIN_OK);
    assert_values(&out, four, 1e-5);
    kin_raster_release(&out);
    kin_raster_release(&source);
}

static void grows_by_lines(void **state)
{
    /* 2 -> 4: centres at 1/8, 3/8, 5/8, 7/8 between source centres at 1/4 and 3/4. */
    static const float two[] = {0, 1};
    static const float four[] = {0, 0.25f, 0.75f, 1};
    static const float rgb[] = {0, 10, 20, 1, 11, 21};
    static const float rgb_expected[] = {0,     10,     20,     0.25f, 10.25f, 20.25f,
                                         0.75f, 10.75f, 20.75f, 1,     11,     21};
    kin_raster source = raster_of(1, 2, 1, two), out;
    (void)state;
    assert_int_equal(kin_raster_resample(&source, 1, 4, &out, NULL), KIN_OK);
    assert_values(&out, four, 1e-6);
    kin_raster_release(&out);
    kin_raster_release(&source);
    source = raster_of(2, 1, 3, rgb);
    assert_int_equal(kin_raster_resample(&source, 4, 1, &out, NULL), KIN_OK);
    assert_values(&out, rgb_expected, 1e-5);
    kin_raster_release(&out);
    kin_raster_release(&source);
}

static void resampling_keeps_the_mean(void **state)
{
    static const int sizes[][2] = {{1, 1}, {7, 3}, {13, 11}, {1, 29}, {128, 5}};
    kin_raster source, out;
    uint64_t random = 7;
    double mean = 0;
    (void)state;
    assert_int_equal(kin_raster_init(&source, 29, 13, 1, NULL), KIN_OK);
    for (int i = 0; i < 29 * 13; i++) {
        source.px[i] = random_unit(&random);
        mean += source.px[i];
    }
    mean /= 29 * 13;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int w = sizes[s][0], h = sizes[s][1];
        double sum = 0;
        float low = 1, high = 0;
        assert_int_equal(kin_raster_resample(&source, w, h, &out, NULL), KIN_OK);
        for (int i = 0; i < w * h; i++) {
            sum += out.px[i];
            low = fminf(low, out.px[i]);
            high = fmaxf(high, out.px[i]);
        }
        if (w <= 29 && h <= 13) /* areas partition the source: exact */
            assert_float_equal(sum / (w * h), mean, 1e-5);
        assert_true(low >= 0 && high <= 1);
        kin_raster_release(&out);
    }
    assert_int_equal(kin_raster_resample(&source, 0, 5, &out, NULL), KIN_E_ARG);
    assert_null(out.px);
    kin_raster_release(&source);
}

static void squares_pixels_by_their_spacing(void **state)
{
    static const float values[] = {0, 1, 0, 1};
    kin_raster source = raster_of(2, 2, 1, values), out;
    (void)state;
    source.spacing_x_mm = 0.5;
    source.spacing_y_mm = 1.5;
    assert_float_equal(kin_raster_aspect(&source), 1.0 / 3, 1e-12);
    assert_int_equal(kin_raster_square_pixels(&source, &out, NULL), KIN_OK);
    assert_int_equal(out.width, 2);
    assert_int_equal(out.height, 6);
    assert_float_equal(out.spacing_y_mm, 0.5, 1e-12);
    kin_raster_release(&out);
    /* Unknown, nearly square and absurd spacings are left alone. */
    static const double spacings[][2] = {{0, 0},  {1, 1.005},    {1, 1000}, {NAN, 1},
                                         {1, -1}, {1, INFINITY}, {0, 1}};
    for (size_t i = 0; i < sizeof spacings / sizeof spacings[0]; i++) {
        source.spacing_x_mm = spacings[i][0];
        source.spacing_y_mm = spacings[i][1];
        assert_true(kin_raster_aspect(&source) == 1);
        assert_int_equal(kin_raster_square_pixels(&source, &out, NULL), KIN_OK);
        assert_int_equal(out.width, 2);
        assert_int_equal(out.height, 2);
        kin_raster_release(&out);
    }
    kin_raster_release(&source);
}

static void collapses_equal_channels(void **state)
{
    static const float grey[] = {0.1f, 0.1f, 0.1f, 0.7f, 0.7f, 0.7f};
    static const float colour[] = {0.1f, 0.1f, 0.1f, 0.7f, 0.7f, 0.8f};
    kin_raster raster = raster_of(2, 1, 3, grey);
    (void)state;
    kin_raster_collapse_grey(&raster);
    assert_int_equal(raster.channels, 1);
    assert_true(raster.px[0] == 0.1f && raster.px[1] == 0.7f);
    kin_raster_release(&raster);
    raster = raster_of(2, 1, 3, colour);
    kin_raster_collapse_grey(&raster);
    assert_int_equal(raster.channels, 3);
    assert_true(raster.px[5] == 0.8f);
    kin_raster_release(&raster);
}

static void writes_png_that_reads_back(void **state)
{
    static const float values[] = {0, 1, 0.5f, 0.25f, -3, NAN, 7, 0.2f, 0.4f, 0.6f, 0.8f, 0.1f};
    static const float stored[] = {0, 255, 128, 64, 0, 0, 255, 51, 102, 153, 204, 26};
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        kin_raster raster = raster_of(12 / channels / 2, 2, channels, values), back;
        void *bytes;
        size_t size;
        assert_int_equal(kin_image_encode_png(&raster, &bytes, &size, NULL), KIN_OK);
        const kin_image_format *format = kin_image_format_of(bytes, size);
        assert_non_null(format);
        assert_string_equal(format->name, "png");
        assert_int_equal(format->read(bytes, size, 0, NULL, &back, NULL), KIN_OK);
        assert_int_equal(back.width, raster.width);
        assert_int_equal(back.channels, channels);
        for (int i = 0; i < 12; i++)
            assert_float_equal(back.px[i], stored[i] / 255, 1e-6);
        free(bytes);
        kin_raster_release(&back);
        kin_raster_release(&raster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_zeros_and_refuses_absurd_sizes),
        cmocka_unit_test(checks_frames_against_limits),
        cmocka_unit_test(luminance_follows_bt601),
        cmocka_unit_test(crops_inside_only),
        cmocka_unit_test(shrinks_by_areas),
        cmocka_unit_test(grows_by_lines),
        cmocka_unit_test(resampling_keeps_the_mean),
        cmocka_unit_test(squares_pixels_by_their_spacing),
        cmocka_unit_test(collapses_equal_channels),
        cmocka_unit_test(writes_png_that_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
