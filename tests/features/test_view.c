/* Views: what is cropped, in which proportions, and what gain and offset do. */
#include "features/view.h"

#include <math.h>

#include "shared_data.h"

/* A bright, textured box on black. */
static kin_raster boxed(int width, int height, kin_box box, int channels)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    for (int y = box.y; y < box.y + box.height; y++) {
        for (int x = box.x; x < box.x + box.width; x++) {
            for (int c = 0; c < channels; c++)
                raster.px[(y * width + x) * channels + c] =
                    0.4f + 0.05f * (float)((x * 7 + y * 13) % 8) + 0.05f * (float)c;
        }
    }
    return raster;
}

static kin_view *view_new(const kin_raster *raster)
{
    kin_view *view;
    kin_error err = {0};
    if (kin_view_new(raster, &view, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_int_equal(view->square.width, KIN_VIEW_SIDE);
    assert_int_equal(view->square.height, KIN_VIEW_SIDE);
    return view;
}

static void crops_to_the_foreground(void **state)
{
    kin_raster raster = boxed(300, 200, (kin_box){100, 60, 100, 80}, 1);
    (void)state;
    kin_view *view = view_new(&raster);
    /* The box and its margin, widened to a square of the longer side. */
    assert_in_range(view->texture.width, 100, 110);
    assert_in_range(view->texture.height, 100, 110);
    assert_null(view->colour.px);
    kin_view_free(view);
    kin_raster_release(&raster);
}

/* A smooth hill of 100 x 100 pixels with its corner at left, top, on black. */
static kin_raster hill(int width, int height, int left, int top)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, 1, NULL), KIN_OK);
    for (int y = 0; y < 100; y++) {
        for (int x = 0; x < 100; x++)
            raster.px[(top + y) * width + left + x] =
                0.3f + 0.6f * (float)(sin(x * 0.03) * sin(y * 0.02));
    }
    return raster;
}

static void the_same_body_in_another_frame_looks_the_same(void **state)
{
    kin_raster one = hill(300, 300, 100, 100), two = hill(400, 260, 240, 90);
    kin_view *a = view_new(&one), *b = view_new(&two);
    double difference = 0;
    (void)state;
    for (int i = 0; i < KIN_VIEW_SIDE * KIN_VIEW_SIDE; i++)
        difference += fabs(a->square.px[i] - b->square.px[i]);
    assert_true(difference / (KIN_VIEW_SIDE * KIN_VIEW_SIDE) < 0.03);
    kin_view_free(a);
    kin_view_free(b);
    kin_raster_release(&one);
    kin_raster_release(&two);
}

static void large_images_are_reduced_small_ones_kept(void **state)
{
    kin_raster raster = boxed(1000, 500, (kin_box){0, 0, 1000, 500}, 3);
    (void)state;
    kin_view *view = view_new(&raster);
    assert_int_equal(view->texture.width, KIN_VIEW_TEXTURE_SIDE);
    assert_int_equal(view->texture.height, KIN_VIEW_TEXTURE_SIDE / 2);
    assert_int_equal(view->colour.width, KIN_VIEW_COLOUR_SIDE);
    assert_int_equal(view->stains.height, KIN_VIEW_COLOUR_SIDE / 2);
    kin_view_free(view);
    kin_raster_release(&raster);
    raster = boxed(50, 50, (kin_box){0, 0, 50, 50}, 3);
    view = view_new(&raster);
    assert_int_equal(view->texture.width, 50);
    assert_int_equal(view->colour.width, 50);
    kin_view_free(view);
    kin_raster_release(&raster);
}

static void oblong_pixels_are_squared(void **state)
{
    /* 100 x 50 pixels of 1 x 2 mm: a square in space. */
    kin_raster raster = boxed(100, 50, (kin_box){0, 0, 100, 50}, 1);
    (void)state;
    raster.spacing_x_mm = 1;
    raster.spacing_y_mm = 2;
    kin_view *view = view_new(&raster);
    assert_int_equal(view->texture.width, 100);
    assert_int_equal(view->texture.height, 100);
    kin_view_free(view);
    kin_raster_release(&raster);
}

static void stain_levels_cover_their_range(void **state)
{
    (void)state;
    assert_int_equal(kin_stain_level(KIN_STAIN_LOW - 1, 16), 0);
    assert_int_equal(kin_stain_level(KIN_STAIN_LOW + 0.01f, 16), 0);
    assert_int_equal(kin_stain_level(0, 16), 2); /* a quarter of 2 over 16 levels */
    assert_int_equal(kin_stain_level(KIN_STAIN_HIGH - 0.01f, 16), 15);
    assert_int_equal(kin_stain_level(100, 16), 15);
    assert_int_equal(kin_stain_level(NAN, 16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_to_the_foreground),
        cmocka_unit_test(the_same_body_in_another_frame_looks_the_same),
        cmocka_unit_test(large_images_are_reduced_small_ones_kept),
        cmocka_unit_test(oblong_pixels_are_squared),
        cmocka_unit_test(stain_levels_cover_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
