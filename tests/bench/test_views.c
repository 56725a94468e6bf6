/* Views of images: the same every time, within their bounds, and of the image that they are of. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seeded.h"
#include "views.h"

static kin_raster make_image(int width, int height, int channels)
{
    kin_raster image = {0};
    uint64_t random = 1;
    assert_int_equal(kin_raster_init(&image, width, height, channels, NULL), KIN_OK);
    for (size_t i = 0; i < (size_t)width * (size_t)height * (size_t)channels; i++)
        image.px[i] = (float)bench_random_unit(&random);
    return image;
}

static void test_drawn(void **unused)
{
    (void)unused;
    size_t mirrored = 0, blurred = 0, turned = 0;
    for (uint64_t n = 1; n <= 1000; n++) {
        bench_view view = bench_view_draw(1, 42, n, false), slide = bench_view_draw(1, 42, n, true);
        bench_view again = bench_view_draw(1, 42, n, false),
                   other = bench_view_draw(1, 43, n, false);
        assert_true(view.scale == again.scale && view.angle == again.angle &&
                    view.blur == again.blur);
        assert_true(view.scale != other.scale);
        assert_true(view.scale >= 0.5 && view.scale <= 1);
        assert_true(view.x >= 0 && view.x <= 1 && view.y >= 0 && view.y <= 1);
        assert_true(fabs(view.angle) <= 20 * M_PI / 180);
        assert_true(view.gamma >= 0.8 && view.gamma <= 1.25);
        assert_true(view.contrast >= 0.8 && view.contrast <= 1.25);
        assert_true(fabs(view.brightness) <= 0.1 && view.blur >= 0 && view.blur <= 0.25);
        mirrored += view.mirrored;
        blurred += view.blur > 0;
        turned += slide.angle > M_PI_4;
    }
    assert_in_range(mirrored, 400, 600);
    assert_in_range(blurred, 400, 600);
    assert_in_range(turned, 650, 850);
}

/* Nothing done is the image; mirrored it is the mirror image; a quarter turn is one. */
static void test_exact_ones(void **unused)
{
    (void)unused;
    kin_raster image = make_image(40, 40, 3), out = {0};
    bench_view view = {.scale = 1, .gamma = 1, .contrast = 1};
    assert_int_equal(bench_view_make(&image, &view, &out, NULL), KIN_OK);
    assert_int_equal(out.width, 40);
    for (size_t i = 0; i < 40 * 40 * 3; i++)
        assert_true(fabsf(out.px[i] - image.px[i]) < 1e-5f);
    kin_raster_release(&out);
    view.mirrored = true;
    assert_int_equal(bench_view_make(&image, &view, &out, NULL), KIN_OK);
    for (size_t y = 0; y < 40; y++)
        for (size_t x = 0; x < 40; x++)
            assert_true(fabsf(out.px[(y * 40 + x) * 3] - image.px[(y * 40 + 39 - x) * 3]) < 1e-5f);
    kin_raster_release(&out);
    view.mirrored = false;
    view.angle = M_PI_2;
    assert_int_equal(bench_view_make(&image, &view, &out, NULL), KIN_OK);
    for (size_t y = 0; y < 40; y++)
        for (size_t x = 0; x < 40; x++)
            assert_true(fabsf(out.px[(y * 40 + x) * 3] - image.px[(x * 40 + 39 - y) * 3]) < 1e-4f);
    kin_raster_release(&out);
    kin_raster_release(&image);
}

static void test_any_size(void **unused)
{
    (void)unused;
    const int sizes[][2] = {{1, 1}, {1, 50}, {50, 1}, {2, 3}, {200, 31}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (uint64_t n = 0; n < 20; n++) {
            kin_raster image = make_image(sizes[s][0], sizes[s][1], n % 2 ? 3 : 1), out = {0};
            bench_view view = bench_view_draw(9, s, n, n % 3 == 0);
            assert_int_equal(bench_view_make(&image, &view, &out, NULL), KIN_OK);
            assert_true(out.width >= 1 && out.width <= image.width);
            assert_true(out.height >= 1 && out.height <= image.height);
            assert_int_equal(out.channels, image.channels);
            for (size_t i = 0; i < (size_t)out.width * (size_t)out.height; i++)
                assert_true(out.px[i] >= 0 && out.px[i] <= 1);
            kin_raster_release(&out);
            kin_raster_release(&image);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawn),
        cmocka_unit_test(test_exact_ones),
        cmocka_unit_test(test_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
