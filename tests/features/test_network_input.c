/* What a network is fed with: geometry, channels, levels and windows, by sums done by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "features/network_input.h"

enum { SIDE = 4 };

static kin_network_manifest plain(int channels)
{
    kin_network_manifest m = {.width = SIDE, .height = SIDE, .channels = channels, .length = 1};
    m.colour = channels == 3;
    for (int c = 0; c < channels; c++)
        m.std[c] = 1;
    return m;
}

/* A level that tells column, row and channel apart. */
static float level(int x, int y, int c)
{
    return (float)(x + 5 * y + 25 * c) / 128;
}

static kin_raster drawn(int width, int height, int channels)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < channels; c++)
                raster.px[(y * width + x) * channels + c] = level(x, y, c);
    return raster;
}

static void fed(const kin_network_manifest *m, const kin_raster *raster, float *out)
{
    kin_error err;
    if (kin_network_input(m, &(kin_picture){.display = raster}, out, &err) != KIN_OK)
        fail_msg("%s", err.message);
}

static float at(const float *out, int c, int x, int y)
{
    return out[(c * SIDE + y) * SIDE + x];
}

static void assert_near(float a, float b)
{
    if (!(fabsf(a - b) < 1e-6f))
        fail_msg("%g is not %g", (double)a, (double)b);
}

static void channels_lie_as_the_model_has_them(void **state)
{
    (void)state;
    float out[3 * SIDE * SIDE];
    kin_raster raster = drawn(SIDE, SIDE, 3);
    kin_network_manifest m = plain(3);
    m.resize = KIN_RESIZE_STRETCH;
    fed(&m, &raster, out);
    assert_near(at(out, 2, 1, 3), level(1, 3, 2));
    m.bgr = true;
    fed(&m, &raster, out);
    assert_near(at(out, 2, 1, 3), level(1, 3, 0));
    assert_near(at(out, 1, 1, 3), level(1, 3, 1));
    m.bgr = false;
    m.channels_last = true;
    fed(&m, &raster, out);
    assert_near(out[(3 * SIDE + 1) * 3 + 2], level(1, 3, 2));
    kin_raster_release(&raster);
}

static void grey_and_colour_become_each_other(void **state)
{
    (void)state;
    float out[3 * SIDE * SIDE];
    kin_raster colour = drawn(SIDE, SIDE, 3), grey = drawn(SIDE, SIDE, 1);
    kin_network_manifest m = plain(3), one = plain(1);
    const float luminance =
        0.299f * level(2, 1, 0) + 0.587f * level(2, 1, 1) + 0.114f * level(2, 1, 2);
    fed(&m, &grey, out); /* three equal channels */
    for (int c = 0; c < 3; c++)
        assert_near(at(out, c, 2, 1), level(2, 1, 0));
    m.colour = false; /* BT.601 */
    fed(&m, &colour, out);
    for (int c = 0; c < 3; c++)
        assert_near(at(out, c, 2, 1), luminance);
    fed(&one, &colour, out);
    assert_near(at(out, 0, 2, 1), luminance);
    kin_raster_release(&colour);
    kin_raster_release(&grey);
}

static void levels_are_normalised_and_clamped(void **state)
{
    (void)state;
    float out[SIDE * SIDE];
    kin_raster raster = drawn(SIDE, SIDE, 1);
    kin_network_manifest m = plain(1);
    m.mean[0] = 0.5f;
    m.std[0] = 0.25f;
    raster.px[0] = NAN;
    raster.px[1] = 7;
    raster.px[2] = -7;
    fed(&m, &raster, out);
    assert_near(out[0], -2);
    assert_near(out[1], 2);
    assert_near(out[2], -2);
    assert_near(out[3], (level(3, 0, 0) - 0.5f) / 0.25f);
    kin_raster_release(&raster);
}

/* A picture twice as wide as it is high. */
static void a_wide_picture_is_placed(void **state)
{
    (void)state;
    float out[SIDE * SIDE];
    kin_raster raster = drawn(2 * SIDE, SIDE, 1);
    kin_network_manifest m = plain(1);
    m.pad = 0.75f;
    fed(&m, &raster, out); /* fit: two rows of picture between two of padding */
    for (int x = 0; x < SIDE; x++) {
        assert_near(at(out, 0, x, 0), 0.75f);
        assert_near(at(out, 0, x, 3), 0.75f);
        for (int y = 0; y < 2; y++) {
            float mean = (level(2 * x, 2 * y, 0) + level(2 * x + 1, 2 * y, 0) +
                          level(2 * x, 2 * y + 1, 0) + level(2 * x + 1, 2 * y + 1, 0)) /
                         4;
            assert_near(at(out, 0, x, y + 1), mean);
        }
    }
    m.resize = KIN_RESIZE_CROP; /* the middle */
    fed(&m, &raster, out);
    assert_near(at(out, 0, 0, 0), level(2, 0, 0));
    assert_near(at(out, 0, 3, 3), level(5, 3, 0));
    m.resize = KIN_RESIZE_STRETCH;
    fed(&m, &raster, out);
    assert_near(at(out, 0, 1, 2), (level(2, 2, 0) + level(3, 2, 0)) / 2);
    kin_raster_release(&raster);
}

/* Pixels twice as high as wide: what is twice as wide in pixels is a square in space. */
static void proportions_are_those_in_space(void **state)
{
    (void)state;
    float out[SIDE * SIDE];
    kin_raster raster = drawn(2 * SIDE, SIDE, 1);
    raster.spacing_x_mm = 1;
    raster.spacing_y_mm = 2;
    kin_network_manifest m = plain(1);
    m.pad = 1;
    for (int resize = 0; resize < 3; resize++) {
        m.resize = (kin_network_resize)resize;
        fed(&m, &raster, out);
        assert_near(at(out, 0, 1, 2), (level(2, 2, 0) + level(3, 2, 0)) / 2);
        assert_near(at(out, 0, 3, 0), (level(6, 0, 0) + level(7, 0, 0)) / 2);
    }
    kin_raster_release(&raster);
}

static void extreme_shapes_are_placed(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 3000}, {3000, 1}, {2, 1}, {999, 1000}};
    float out[SIDE * SIDE];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int resize = 0; resize < 3; resize++)
            for (int foreground = 0; foreground < 2; foreground++) {
                kin_raster raster = drawn(sizes[i][0], sizes[i][1], 1);
                kin_network_manifest m = plain(1);
                m.resize = (kin_network_resize)resize;
                m.foreground = foreground != 0;
                fed(&m, &raster, out);
                for (int p = 0; p < SIDE * SIDE; p++)
                    assert_true(out[p] >= 0 && out[p] <= 1);
                kin_raster_release(&raster);
            }
}

/* A bright square on black, in a corner. */
static void the_foreground_fills_the_input(void **state)
{
    (void)state;
    enum { BIG = 100 };
    float out[SIDE * SIDE], sum = 0;
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, BIG, BIG, 1, NULL), KIN_OK);
    for (int y = 60; y < 90; y++)
        for (int x = 10; x < 40; x++)
            raster.px[y * BIG + x] = 0.5f;
    kin_network_manifest m = plain(1);
    m.foreground = true;
    fed(&m, &raster, out);
    for (int p = 0; p < SIDE * SIDE; p++)
        sum += out[p];
    assert_true(sum > 0.5f * SIDE * SIDE * 0.7f); /* there is a margin */
    m.foreground = false;
    fed(&m, &raster, out);
    assert_near(at(out, 0, 3, 0), 0);
    kin_raster_release(&raster);
}

static void a_focus_is_all_that_is_fed(void **state)
{
    (void)state;
    float out[SIDE * SIDE];
    kin_raster raster = drawn(3 * SIDE, 2 * SIDE, 1);
    kin_network_manifest m = plain(1);
    kin_view_focus focus = {.box = {5, 2, SIDE, SIDE}, .low = 0, .high = 0.5f};
    const kin_picture picture = {.display = &raster, .focus = &focus};
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_OK);
    assert_near(at(out, 0, 1, 3), level(6, 5, 0));
    m.robust = true; /* by the levels that it brings */
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_OK);
    assert_near(at(out, 0, 1, 3), level(6, 5, 0) / 0.5f);
    focus.box.x = 2 * SIDE + 1;
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_E_ARG);
    focus.box = (kin_box){0, 0, 0, SIDE};
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_E_ARG);
    kin_raster_release(&raster);
}

static void a_ct_is_seen_through_the_windows(void **state)
{
    (void)state;
    float out[2 * SIDE * SIDE];
    kin_raster display = drawn(SIDE, SIDE, 1), values = drawn(SIDE, SIDE, 1);
    kin_network_manifest m = plain(2);
    m.windows = 2;
    m.centre[0] = 40, m.range[0] = 400;
    m.centre[1] = -600, m.range[1] = 1500;
    for (int i = 0; i < SIDE * SIDE; i++)
        values.px[i] = (float)(i * 100 - 1000);
    kin_picture picture = {.display = &display, .hounsfield = &values};
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_OK);
    for (int i = 0; i < SIDE * SIDE; i++) { /* -160 to 240, -1350 to 150 */
        float hu = values.px[i];
        assert_near(out[i], fminf(fmaxf((hu + 160) / 400, 0), 1));
        assert_near(out[SIDE * SIDE + i], fminf(fmaxf((hu + 1350) / 1500, 0), 1));
    }
    picture.hounsfield = NULL; /* no CT: as it is displayed, in both */
    assert_int_equal(kin_network_input(&m, &picture, out, NULL), KIN_OK);
    assert_near(at(out, 1, 2, 1), level(2, 1, 0));
    kin_raster_release(&display);
    kin_raster_release(&values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_lie_as_the_model_has_them),
        cmocka_unit_test(grey_and_colour_become_each_other),
        cmocka_unit_test(levels_are_normalised_and_clamped),
        cmocka_unit_test(a_wide_picture_is_placed),
        cmocka_unit_test(proportions_are_those_in_space),
        cmocka_unit_test(extreme_shapes_are_placed),
        cmocka_unit_test(the_foreground_fills_the_input),
        cmocka_unit_test(a_focus_is_all_that_is_fed),
        cmocka_unit_test(a_ct_is_seen_through_the_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
