/* Masks: boxes, polygons and distances, against definitions worked out pixel by pixel. */
#include "image/mask.h"

#include <math.h>

#include "random.h"
#include "shared_data.h"

static kin_mask make(int width, int height)
{
    kin_mask mask;
    assert_int_equal(kin_mask_init(&mask, width, height, NULL), KIN_OK);
    return mask;
}

static int at(const kin_mask *mask, int x, int y)
{
    return mask->in[y * mask->width + x];
}

static void assert_box(kin_box box, int x, int y, int width, int height)
{
    assert_int_equal(box.x, x);
    assert_int_equal(box.y, y);
    assert_int_equal(box.width, width);
    assert_int_equal(box.height, height);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    kin_mask mask;
    assert_int_equal(kin_mask_init(&mask, 0, 4, NULL), KIN_E_LIMIT);
    assert_int_equal(kin_mask_init(&mask, 4, -1, NULL), KIN_E_LIMIT);
    assert_null(mask.in);
    kin_mask_release(&mask);
    mask = make(3, 2);
    kin_box box;
    assert_int_equal(kin_mask_area(&mask), 0);
    assert_false(kin_mask_box(&mask, &box));
    kin_mask_release(&mask);
    kin_mask_release(&mask);
}

static void boxes_are_clipped(void **state)
{
    (void)state;
    kin_mask mask = make(10, 8);
    kin_box box;
    kin_mask_add_box(&mask, (kin_box){20, 2, 3, 3});
    kin_mask_add_box(&mask, (kin_box){2, -9, 3, 3});
    kin_mask_add_box(&mask, (kin_box){2, 2, 0, 3});
    kin_mask_add_box(&mask, (kin_box){2, 2, 3, -3});
    kin_mask_add_box(&mask, (kin_box){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX});
    assert_false(kin_mask_box(&mask, &box));
    kin_mask_add_box(&mask, (kin_box){8, 6, INT32_MAX, 100});
    assert_true(kin_mask_box(&mask, &box));
    assert_box(box, 8, 6, 2, 2);
    kin_mask_add_box(&mask, (kin_box){-5, 3, 7, 1});
    assert_true(kin_mask_box(&mask, &box));
    assert_box(box, 0, 3, 10, 5);
    assert_int_equal(kin_mask_area(&mask), 4 + 2);
    kin_mask_add_box(&mask, (kin_box){0, 0, 10, 8});
    assert_int_equal(kin_mask_area(&mask), 80);
    kin_mask_release(&mask);
}

/* Even-odd by a ray that goes down (the implementation's go across). */
static int is_within(const double *xy, size_t count, double x, double y)
{
    int crossings = 0;
    for (size_t i = 0; i < count; i++) {
        const double *a = xy + 2 * i, *b = xy + 2 * ((i + 1) % count);
        if ((a[0] > x) != (b[0] > x) && y < a[1] + (x - a[0]) * (b[1] - a[1]) / (b[0] - a[0]))
            crossings++;
    }
    return crossings % 2;
}

static void polygons_hold_what_lies_within_them(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (int round = 0; round < 300; round++) {
        enum { MOST = 12 };
        double xy[2 * MOST];
        size_t count = 3 + random_bits(&random) % (MOST - 2);
        /* Some corners outside, edges that cross each other, none through a centre. */
        for (size_t i = 0; i < 2 * count; i++)
            xy[i] = random_unit(&random) * 50.0 - 10;
        kin_mask mask = make(30, 25);
        kin_mask_add_polygon(&mask, xy, count);
        for (int y = 0; y < mask.height; y++)
            for (int x = 0; x < mask.width; x++)
                assert_int_equal(at(&mask, x, y), is_within(xy, count, x + 0.5, y + 0.5));
        kin_mask_release(&mask);
    }
}

/* A picture cut into triangles that meet in centres of pixels: each pixel once. */
static void neighbours_share_no_pixel(void **state)
{
    (void)state;
    kin_mask all = make(20, 20);
    const double corners[4][2] = {{0, 0}, {20, 0}, {20, 20}, {0, 20}};
    size_t area = 0;
    for (int i = 0; i < 4; i++) {
        const double *a = corners[i], *b = corners[(i + 1) % 4];
        const double triangle[] = {10.5, 7.5, a[0], a[1], b[0], b[1]};
        kin_mask one = make(20, 20);
        kin_mask_add_polygon(&one, triangle, 3);
        area += kin_mask_area(&one);
        for (int k = 0; k < 400; k++)
            all.in[k] += one.in[k];
        kin_mask_release(&one);
    }
    assert_int_equal(area, 400);
    for (int k = 0; k < 400; k++)
        assert_int_equal(all.in[k], 1);
    kin_mask_release(&all);
}

static void outlines_within_outlines_make_holes(void **state)
{
    (void)state;
    const double outer[] = {1, 1, 9, 1, 9, 9, 1, 9}, inner[] = {3, 3, 7, 3, 7, 7, 3, 7};
    /* The same in one stroke: a keyhole along y = 5. */
    const double keyhole[] = {1, 5, 1, 1, 9, 1, 9, 9, 1, 9, 1, 5,
                              3, 5, 3, 7, 7, 7, 7, 3, 3, 3, 3, 5};
    kin_mask two = make(10, 10), one = make(10, 10);
    kin_mask_add_polygon(&two, outer, 4);
    assert_int_equal(kin_mask_area(&two), 64);
    kin_mask_add_polygon(&two, inner, 4);
    kin_mask_add_polygon(&one, keyhole, sizeof keyhole / sizeof keyhole[0] / 2);
    assert_int_equal(kin_mask_area(&two), 64 - 16);
    assert_memory_equal(one.in, two.in, 100);
    kin_mask_add_polygon(&two, inner, 4);
    kin_mask_add_polygon(&two, outer, 4);
    assert_int_equal(kin_mask_area(&two), 0);
    kin_mask_release(&one);
    kin_mask_release(&two);
}

static void senseless_polygons_mark_nothing(void **state)
{
    (void)state;
    kin_mask mask = make(10, 10);
    const double nan_in[] = {0, 0, 10, 0, NAN, 10}, far[] = {0, 0, 1e300, 0, 5, 10};
    const double line[] = {0, 0, 10, 10}, flat[] = {0, 3.5, 10, 3.5, 4, 3.5};
    const double infinite[] = {0, 0, 10, -INFINITY, 5, 10};
    kin_mask_add_polygon(&mask, nan_in, 3);
    kin_mask_add_polygon(&mask, far, 3);
    kin_mask_add_polygon(&mask, infinite, 3);
    kin_mask_add_polygon(&mask, line, 2);
    kin_mask_add_polygon(&mask, flat, 3);
    kin_mask_add_polygon(&mask, NULL, 0);
    assert_int_equal(kin_mask_area(&mask), 0);
    const double around[] = {-1e9, -1e9, 1e9, -1e9, 1e9, 1e9, -1e9, 1e9};
    kin_mask_add_polygon(&mask, around, 4);
    assert_int_equal(kin_mask_area(&mask), 100);
    kin_mask_release(&mask);
}

static double nearest(const kin_mask *mask, int x, int y, double step_x, double step_y)
{
    double best = INFINITY;
    for (int v = 0; v < mask->height; v++)
        for (int u = 0; u < mask->width; u++) {
            double dx = (u - x) * step_x, dy = (v - y) * step_y;
            if (at(mask, u, v) && dx * dx + dy * dy < best)
                best = dx * dx + dy * dy;
        }
    return best;
}

static void distances_are_exact(void **state)
{
    (void)state;
    static const double spacings[][2] = {{0, 0}, {0.3, 0.3}, {1.7, 0.4}, {0.25, 3}, {0.5, 0}};
    uint64_t random = 5;
    for (int round = 0; round < 60; round++) {
        int w = 1 + (int)(random_bits(&random) % 24), h = 1 + (int)(random_bits(&random) % 24);
        const double *spacing = spacings[round % 5];
        bool in_mm = spacing[0] > 0 && spacing[1] > 0;
        kin_mask mask = make(w, h);
        float *found = calloc((size_t)(w * h), sizeof *found);
        assert_non_null(found);
        int share = 1 + (int)(random_bits(&random) % 40); /* in the sparsest: none at times */
        for (int i = 0; i < w * h; i++)
            mask.in[i] = random_bits(&random) % (uint64_t)share == 0 && round % 7 != 6;
        assert_int_equal(kin_mask_distance(&mask, spacing[0], spacing[1], found, NULL), KIN_OK);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double wanted = in_mm ? nearest(&mask, x, y, spacing[0], spacing[1])
                                      : nearest(&mask, x, y, 1, 1);
                if (in_mm && !isinf(wanted))
                    assert_true(fabs(found[y * w + x] - wanted) <= 1e-6 * wanted);
                else
                    assert_true((double)found[y * w + x] == wanted);
            }
        free(found);
        kin_mask_release(&mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(boxes_are_clipped),
        cmocka_unit_test(polygons_hold_what_lies_within_them),
        cmocka_unit_test(neighbours_share_no_pixel),
        cmocka_unit_test(outlines_within_outlines_make_holes),
        cmocka_unit_test(senseless_polygons_mark_nothing),
        cmocka_unit_test(distances_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
