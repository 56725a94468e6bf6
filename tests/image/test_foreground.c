/* Finding the foreground and normalising grey levels. */
#include "image/foreground.h"

#include <math.h>

#include "image/normalise.h"
#include "random.h"
#include "shared_data.h"

/* A width x height raster of one level. */
static kin_raster flat(int width, int height, float level)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, 1, NULL), KIN_OK);
    for (int i = 0; i < width * height; i++)
        raster.px[i] = level;
    return raster;
}

static void paint(kin_raster *raster, kin_box box, float level)
{
    for (int y = box.y; y < box.y + box.height; y++) {
        for (int x = box.x; x < box.x + box.width; x++)
            raster->px[y * raster->width + x] = level;
    }
}

/* The found box holds `body` and reaches at most `slack` pixels beyond it. */
static void assert_around(kin_box found, kin_box body, int slack)
{
    assert_in_range(body.x - found.x, 0, slack);
    assert_in_range(body.y - found.y, 0, slack);
    assert_in_range(found.x + found.width - body.x - body.width, 0, slack);
    assert_in_range(found.y + found.height - body.y - body.height, 0, slack);
}

static void assert_whole(const kin_raster *raster)
{
    kin_box box;
    assert_int_equal(kin_foreground_box(raster, &box, NULL), KIN_OK);
    assert_int_equal(box.x, 0);
    assert_int_equal(box.y, 0);
    assert_int_equal(box.width, raster->width);
    assert_int_equal(box.height, raster->height);
}

static void finds_a_body_on_black_and_on_white(void **state)
{
    static const float backgrounds[] = {0, 1, 0.4f};
    const kin_box body = {60, 40, 180, 120};
    (void)state;
    for (int i = 0; i < 3; i++) {
        kin_raster raster = flat(400, 300, backgrounds[i]);
        kin_box box;
        paint(&raster, body, backgrounds[i] > 0.5f ? 0.3f : 0.7f);
        assert_int_equal(kin_foreground_box(&raster, &box, NULL), KIN_OK);
        assert_around(box, body, 10);
        kin_raster_release(&raster);
    }
}

static void leaves_letters_out(void **state)
{
    const kin_box body = {100, 100, 200, 200};
    kin_raster raster = flat(400, 400, 0.02f);
    kin_box box;
    (void)state;
    paint(&raster, body, 0.6f);
    paint(&raster, (kin_box){10, 10, 24, 16}, 1); /* a side marker */
    assert_int_equal(kin_foreground_box(&raster, &box, NULL), KIN_OK);
    assert_around(box, body, 10);
    /* A second lung is no letter. */
    paint(&raster, (kin_box){320, 100, 60, 200}, 0.6f);
    assert_int_equal(kin_foreground_box(&raster, &box, NULL), KIN_OK);
    assert_around(box, (kin_box){100, 100, 280, 200}, 12);
    kin_raster_release(&raster);
}

static void keeps_a_body_that_touches_the_edge(void **state)
{
    const kin_box body = {0, 50, 120, 200}; /* a breast at the film's edge */
    kin_raster raster = flat(300, 300, 0);
    kin_box box;
    (void)state;
    paint(&raster, body, 0.5f);
    assert_int_equal(kin_foreground_box(&raster, &box, NULL), KIN_OK);
    assert_around(box, body, 10);
    kin_raster_release(&raster);
}

static void keeps_what_has_no_background_whole(void **state)
{
    kin_raster raster = flat(90, 70, 0);
    uint64_t random = 3;
    (void)state;
    assert_whole(&raster); /* nothing but background */
    for (int i = 0; i < 90 * 70; i++)
        raster.px[i] = (float)(random_bits(&random) & 255) / 255;
    assert_whole(&raster); /* tissue everywhere */
    kin_raster_release(&raster);
    raster = flat(200, 200, 0);
    paint(&raster, (kin_box){100, 100, 3, 3}, 1);
    assert_whole(&raster); /* a speck is not believed */
    kin_raster_release(&raster);
    for (int w = 1; w <= 3; w++) {
        raster = flat(w, 1, 0.5f);
        assert_whole(&raster);
        kin_raster_release(&raster);
    }
}

static void widens_towards_a_square(void **state)
{
    (void)state;
    kin_box box = kin_box_towards_square((kin_box){40, 10, 20, 60}, 100, 100, 1);
    assert_memory_equal(&box, (&(kin_box){20, 10, 60, 60}), sizeof box);
    /* At the image's edge it is pushed inside; where there is no room it stays oblong. */
    box = kin_box_towards_square((kin_box){0, 10, 20, 60}, 100, 100, 1);
    assert_memory_equal(&box, (&(kin_box){0, 10, 60, 60}), sizeof box);
    box = kin_box_towards_square((kin_box){5, 0, 20, 90}, 50, 100, 1);
    assert_memory_equal(&box, (&(kin_box){0, 0, 50, 90}), sizeof box);
    box = kin_box_towards_square((kin_box){10, 70, 60, 20}, 100, 100, 1);
    assert_memory_equal(&box, (&(kin_box){10, 40, 60, 60}), sizeof box);
    /* Pixels twice as wide as high: 30 of them are a square over 60 rows. */
    box = kin_box_towards_square((kin_box){40, 10, 20, 60}, 100, 100, 2);
    assert_memory_equal(&box, (&(kin_box){35, 10, 30, 60}), sizeof box);
}

static void percentiles_of_known_values(void **state)
{
    kin_raster raster = flat(101, 1, 0);
    float low, high;
    (void)state;
    for (int i = 0; i <= 100; i++)
        raster.px[i] = (float)(100 - i) / 100;
    kin_percentiles(&raster, 0.05, 0.75, &low, &high);
    assert_float_equal(low, 0.05, 1.0 / KIN_PERCENTILE_BINS);
    assert_float_equal(high, 0.75, 1.0 / KIN_PERCENTILE_BINS);
    kin_raster_release(&raster);
}

static void normalising_undoes_gain_and_offset(void **state)
{
    kin_raster raster, other;
    uint64_t random = 11;
    (void)state;
    raster = flat(64, 64, 0);
    other = flat(64, 64, 0);
    for (int i = 0; i < 64 * 64; i++) {
        raster.px[i] = random_unit(&random);
        other.px[i] = 0.3f + 0.5f * raster.px[i];
    }
    kin_normalise(&raster);
    kin_normalise(&other);
    for (int i = 0; i < 64 * 64; i++) {
        assert_float_equal(raster.px[i], other.px[i], 0.005);
        assert_true(raster.px[i] >= 0 && raster.px[i] <= 1);
    }
    kin_raster_release(&raster);
    kin_raster_release(&other);
}

static void normalising_leaves_flat_images_flat(void **state)
{
    kin_raster raster = flat(20, 20, 0.8f);
    (void)state;
    raster.px[0] = 0.8005f; /* a trace of noise */
    kin_normalise(&raster);
    for (int i = 0; i < 400; i++)
        assert_true(raster.px[i] == 0.5f);
    raster.px[7] = NAN;
    raster.px[8] = INFINITY;
    raster.px[9] = -INFINITY;
    kin_normalise(&raster);
    for (int i = 0; i < 400; i++)
        assert_true(raster.px[i] >= 0 && raster.px[i] <= 1);
    kin_raster_release(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_body_on_black_and_on_white),
        cmocka_unit_test(leaves_letters_out),
        cmocka_unit_test(keeps_a_body_that_touches_the_edge),
        cmocka_unit_test(keeps_what_has_no_background_whole),
        cmocka_unit_test(widens_towards_a_square),
        cmocka_unit_test(percentiles_of_known_values),
        cmocka_unit_test(normalising_undoes_gain_and_offset),
        cmocka_unit_test(normalising_leaves_flat_images_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
