/* Heat over pictures: where it glows, and where it does not. */
#include "image/heat.h"

#include <math.h>

#include "shared_data.h"

static kin_raster grey_picture(int width, int height, int channels)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    for (int i = 0; i < width * height * channels; i++)
        raster.px[i] = 0.4f;
    return raster;
}

/* How much redder than blue a pixel is: 0 without heat. */
static float redness(const kin_raster *raster, int x, int y)
{
    const float *px = raster->px + 3 * (y * raster->width + x);
    return px[0] - px[2];
}

static void glows_where_values_are_high(void **state)
{
    kin_raster picture = grey_picture(40, 30, 1), out;
    /* Over columns 10 to 29 and rows 5 to 24: cells of 10 x 10 pixels. */
    static const float values[] = {0, 0.5f, -1, 2};
    const kin_heat heat = {
        .x = 10, .y = 5, .width = 20, .height = 20, .side = 2, .values = values, .hottest = 1};
    (void)state;
    assert_int_equal(kin_heat_draw(&picture, &heat, &out, NULL), KIN_OK);
    assert_int_equal(out.channels, 3);
    assert_int_equal(out.width, 40);
    assert_int_equal(out.height, 30);
    assert_float_equal(redness(&out, 5, 5), 0, 1e-6f); /* outside the box */
    assert_float_equal(redness(&out, 31, 20), 0, 1e-6f);
    assert_float_equal(redness(&out, 11, 6), 0, 1e-6f);  /* a value of 0 */
    assert_float_equal(redness(&out, 11, 23), 0, 1e-6f); /* below 0 */
    assert_true(redness(&out, 28, 6) > 0.15f);
    assert_true(out.px[3 * (23 * 40 + 28) + 1] > out.px[3 * (6 * 40 + 28) + 1]); /* to yellow */
    /* Rising from cell to cell. */
    for (int x = 15; x < 25; x++)
        assert_true(redness(&out, x + 1, 6) >= redness(&out, x, 6));
    for (int i = 0; i < 40 * 30 * 3; i++)
        assert_true(out.px[i] >= 0 && out.px[i] <= 1);
    kin_raster_release(&out);
    kin_raster_release(&picture);
}

static void takes_any_numbers(void **state)
{
    kin_raster picture = grey_picture(7, 9, 3), out;
    static const float values[] = {NAN, INFINITY, -INFINITY, 1e30f, 0, 0, 0, 0, 1e-30f};
    const kin_heat heat = {
        .x = -3, .y = 2.5, .width = 20, .height = 0.5, .side = 3, .values = values, .hottest = 1};
    (void)state;
    assert_int_equal(kin_heat_draw(&picture, &heat, &out, NULL), KIN_OK);
    for (int i = 0; i < 7 * 9 * 3; i++)
        assert_true(out.px[i] >= 0 && out.px[i] <= 1);
    kin_raster_release(&out);
    kin_raster_release(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glows_where_values_are_high),
        cmocka_unit_test(takes_any_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
