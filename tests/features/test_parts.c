/* Regions in parts: what each part sees and does not see, and how they add up. */
#include "features/parts.h"

#include <math.h>
#include <string.h>

#include "features/view.h"
#include "shared_data.h"

enum { SIDE = 160 };
static const kin_part_weights lesion_only = {1, 0, 0}, ring_only = {0, 1, 0},
                              whole_only = {0, 0, 1};

static kin_extractor *extractor;

static int set_up(void **state)
{
    (void)state;
    return kin_extractor_new(NULL, &extractor, NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    kin_extractor_free(extractor);
    return 0;
}

/* A textured body on black, at the left; nothing at the right. */
static kin_raster body(int width, int height, int channels)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, channels, NULL), KIN_OK);
    for (int y = height / 8; y < height * 7 / 8; y++) {
        for (int x = width / 8; x < width * 5 / 8; x++) {
            float v = 0.3f + 0.04f * (float)((x * 7 + y * 13 + (x * y) % 11) % 9);
            for (int c = 0; c < channels; c++)
                raster.px[(y * width + x) * channels + c] = v + 0.05f * (float)c;
        }
    }
    return raster;
}

static kin_mask marked(const kin_raster *raster, kin_box box)
{
    kin_mask mask;
    assert_int_equal(kin_mask_init(&mask, raster->width, raster->height, NULL), KIN_OK);
    kin_mask_add_box(&mask, box);
    return mask;
}

/* Paints a chequered pattern into the box: a lesion's texture. */
static void paint(kin_raster *raster, kin_box box, float dark, float bright)
{
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++)
            for (int c = 0; c < raster->channels; c++)
                raster->px[(y * raster->width + x) * raster->channels + c] =
                    (x / 3 + y / 3) % 2 ? dark : bright;
}

static float *described(const kin_raster *raster, const kin_mask *mask, kin_part_weights weights)
{
    size_t n = kin_extractor_length(extractor);
    float *out = malloc(n * sizeof *out);
    kin_error err = {0};
    assert_non_null(out);
    for (size_t i = 0; i < n; i++)
        out[i] = NAN;
    if (kin_describe_region(extractor, raster, mask, weights, NULL, out, &err) != KIN_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(out[i]));
    return out;
}

static double distance(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0, n = kin_extractor_length(extractor); i < n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

static void a_part_is_looked_at_where_it_is(void **state)
{
    /* On the black side, which a search for the foreground would cut off. */
    kin_raster raster = body(SIDE, SIDE, 1);
    kin_view *view;
    kin_view_focus focus = {.box = {120, 40, 30, 20}, .low = 0, .high = 1};
    (void)state;
    paint(&raster, focus.box, 0.2f, 0.6f);
    assert_int_equal(kin_view_new_focused(&raster, &focus, &view, NULL), KIN_OK);
    assert_int_equal(view->texture.width, 30);
    assert_int_equal(view->texture.height, 30); /* towards a square */
    /* In the levels that the focus names: 0 to 1 are as they were. */
    for (int y = 5; y < 25; y++)
        for (int x = 0; x < 30; x++)
            assert_float_equal(view->texture.px[y * 30 + x], raster.px[(35 + y) * SIDE + 120 + x],
                               1e-6f);
    kin_view_free(view);
    focus.low = 0.2f;
    focus.high = 0.6f;
    assert_int_equal(kin_view_new_focused(&raster, &focus, &view, NULL), KIN_OK);
    assert_float_equal(view->texture.px[5 * 30], raster.px[40 * SIDE + 120] > 0.4f ? 1 : 0, 1e-5f);
    kin_view_free(view);
    static const kin_box outside[] = {
        {-1, 0, 10, 10}, {0, 0, SIDE + 1, 10}, {155, 0, 10, 10}, {0, 0, 0, 10}, {0, 155, 10, 10}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        focus.box = outside[i];
        assert_int_equal(kin_view_new_focused(&raster, &focus, &view, NULL), KIN_E_ARG);
        assert_null(view);
    }
    kin_raster_release(&raster);
}

static void parts_add_up_by_their_weights(void **state)
{
    const kin_box box = {40, 50, 24, 18};
    kin_raster raster = body(SIDE, SIDE, 1);
    (void)state;
    paint(&raster, box, 0.4f, 0.9f);
    kin_mask mask = marked(&raster, box);
    float *lesion = described(&raster, &mask, lesion_only);
    float *ring = described(&raster, &mask, ring_only);
    float *whole = described(&raster, &mask, whole_only);
    float *sum = described(&raster, &mask, (kin_part_weights){3, 1, 4});
    size_t n = kin_extractor_length(extractor);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(sum[i], (3 * lesion[i] + ring[i] + 4 * whole[i]) / 8, 1e-5f);
    /* The whole's part is the picture's own descriptor, and is taken where the caller has it. */
    float *own = malloc(n * sizeof *own), *given = malloc(n * sizeof *given);
    assert_non_null(own);
    assert_non_null(given);
    assert_int_equal(kin_extractor_describe(extractor, &raster, own, NULL), KIN_OK);
    assert_memory_equal(own, whole, n * sizeof *own);
    for (size_t i = 0; i < n; i++)
        given[i] = (float)i;
    assert_int_equal(kin_describe_region(extractor, &raster, &mask, (kin_part_weights){1, 0, 1},
                                         given, own, NULL),
                     KIN_OK);
    for (size_t i = 0; i < n; i++)
        assert_float_equal(own[i], (lesion[i] + (float)i) / 2, 1e-3f);
    free(given);
    free(own);
    free(sum);
    free(whole);
    free(ring);
    free(lesion);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
}

/* How far the descriptor under `weights` moves when `change` is painted over. */
static double moved(kin_part_weights weights, kin_box lesion, kin_box change)
{
    kin_raster raster = body(SIDE, SIDE, 1);
    kin_mask mask = marked(&raster, lesion);
    float *before = described(&raster, &mask, weights);
    /* Levels between those of the body: the whole's percentiles stay where they are. */
    paint(&raster, change, 0.4f, 0.5f);
    float *after = described(&raster, &mask, weights);
    double by = distance(before, after);
    free(after);
    free(before);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
    return by;
}

static void each_part_sees_its_own(void **state)
{
    /* 20 x 20 pixels: a diameter of 22.6, so a margin of 5 and a ring of 11 pixels. */
    const kin_box lesion = {40, 60, 20, 20}, inside = {44, 64, 12, 12}, margin = {36, 60, 3, 20},
                  ring = {31, 60, 3, 20}, far = {80, 30, 15, 15};
    (void)state;
    assert_true(moved(lesion_only, lesion, inside) > 0.1);
    assert_true(moved(lesion_only, lesion, margin) > 0.01);
    assert_true(moved(lesion_only, lesion, ring) < 1e-5);
    assert_true(moved(lesion_only, lesion, far) < 1e-5);
    assert_true(moved(ring_only, lesion, inside) < 1e-5);
    assert_true(moved(ring_only, lesion, margin) > 0.01);
    assert_true(moved(ring_only, lesion, ring) > 0.01);
    assert_true(moved(ring_only, lesion, far) < 1e-5);
    assert_true(moved(whole_only, lesion, far) > 0.01);
}

/* A lesion's brightness beside the rest of the picture is a finding: stretching it by itself would
 * make a bright and a dark one with the same pattern alike. */
static void a_bright_lesion_is_not_a_dark_one(void **state)
{
    const kin_box box = {40, 50, 30, 30};
    kin_raster dark = body(SIDE, SIDE, 1), bright = body(SIDE, SIDE, 1);
    (void)state;
    paint(&dark, box, 0.30f, 0.35f);
    paint(&bright, box, 0.55f, 0.60f);
    kin_mask mask = marked(&dark, (kin_box){46, 56, 18, 18});
    float *a = described(&dark, &mask, lesion_only), *b = described(&bright, &mask, lesion_only);
    assert_true(distance(a, b) > 1);
    free(b);
    free(a);
    kin_mask_release(&mask);
    kin_raster_release(&bright);
    kin_raster_release(&dark);
}

/* What a lesion looks like counts for more than where in the picture it lies. */
static void alike_lesions_elsewhere_are_nearer_than_other_lesions(void **state)
{
    const kin_box here = {30, 40, 24, 24}, there = {68, 90, 24, 24};
    kin_raster one = body(SIDE, SIDE, 1), two = body(SIDE, SIDE, 1), other = body(SIDE, SIDE, 1);
    (void)state;
    paint(&one, here, 0.4f, 0.9f);
    paint(&two, there, 0.4f, 0.9f);
    paint(&other, here, 0.5f, 0.5f);
    kin_mask at_here = marked(&one, here), at_there = marked(&two, there);
    const kin_part_weights weights = kin_part_weights_default();
    float *a = described(&one, &at_here, weights), *b = described(&two, &at_there, weights);
    float *c = described(&other, &at_here, weights);
    assert_true(distance(a, b) < 0.6 * distance(a, c));
    free(c);
    free(b);
    free(a);
    kin_mask_release(&at_there);
    kin_mask_release(&at_here);
    kin_raster_release(&other);
    kin_raster_release(&two);
    kin_raster_release(&one);
}

static void any_lesion_has_a_finite_descriptor(void **state)
{
    static const struct {
        int width, height, channels;
        double spacing_x, spacing_y;
        kin_box box;
    } cases[] = {
        {SIDE, SIDE, 1, 0, 0, {0, 0, 1, 1}},               /* one pixel, in the corner */
        {SIDE, SIDE, 1, 0, 0, {SIDE - 1, SIDE - 1, 1, 1}}, /* and in the last one */
        {SIDE, SIDE, 1, 0, 0, {0, 0, SIDE, SIDE}},         /* all of the picture: no ring */
        {SIDE, SIDE, 3, 0, 0, {50, 60, 20, 30}},           /* colour */
        {SIDE, 40, 1, 0.5, 2, {50, 10, 20, 10}},           /* flat pixels */
        {1, 1, 1, 0, 0, {0, 0, 1, 1}},
        {3, 200, 1, 0, 0, {1, 70, 1, 60}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_raster raster = body(cases[i].width, cases[i].height, cases[i].channels);
        raster.spacing_x_mm = cases[i].spacing_x;
        raster.spacing_y_mm = cases[i].spacing_y;
        kin_mask mask = marked(&raster, cases[i].box);
        free(described(&raster, &mask, (kin_part_weights){1, 1, 1}));
        kin_mask_release(&mask);
        kin_raster_release(&raster);
    }
}

/* The ring is as wide in space across as it is down, whatever shape pixels have. */
static void margins_are_measured_in_space(void **state)
{
    (void)state;
    kin_raster raster = body(SIDE, SIDE, 1);
    raster.spacing_x_mm = 1;
    raster.spacing_y_mm = 2;
    /* 20 x 10 pixels, 20 x 20 mm: a ring of 11.3 mm is 11 pixels across and 5 down. */
    const kin_box lesion = {40, 60, 20, 10};
    const kin_box seen[] = {{31, 60, 2, 10}, {40, 56, 20, 1}}, unseen[] = {{40, 51, 20, 2}};
    kin_mask mask = marked(&raster, lesion);
    float *before = described(&raster, &mask, ring_only);
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        kin_raster other = {0};
        assert_int_equal(kin_raster_crop(&raster, (kin_box){0, 0, SIDE, SIDE}, &other, NULL),
                         KIN_OK);
        paint(&other, seen[i], 0.4f, 0.5f);
        float *after = described(&other, &mask, ring_only);
        assert_true(distance(before, after) > 0.01);
        free(after);
        kin_raster_release(&other);
    }
    for (size_t i = 0; i < sizeof unseen / sizeof unseen[0]; i++) {
        paint(&raster, unseen[i], 0.4f, 0.5f);
        float *after = described(&raster, &mask, ring_only);
        assert_true(distance(before, after) < 1e-5);
        free(after);
    }
    free(before);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
}

static void refuses_what_makes_no_sense(void **state)
{
    const kin_part_weights good = kin_part_weights_default();
    static const kin_part_weights bad[] = {
        {0, 0, 0}, {-1, 0, 2}, {1, -0.5f, 1}, {1, 0, NAN}, {INFINITY, 0, 1}};
    kin_raster raster = body(40, 30, 1);
    kin_mask mask = marked(&raster, (kin_box){10, 10, 5, 5}), empty, other;
    kin_error err;
    float *out = malloc(kin_extractor_length(extractor) * sizeof *out);
    (void)state;
    assert_non_null(out);
    assert_true(good.lesion > 0 && good.ring >= 0 && good.whole >= 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kin_describe_region(extractor, &raster, &mask, bad[i], NULL, out, &err),
                         KIN_E_ARG);
    assert_int_equal(kin_mask_init(&empty, 40, 30, NULL), KIN_OK);
    assert_int_equal(kin_describe_region(extractor, &raster, &empty, good, NULL, out, &err),
                     KIN_E_ARG);
    assert_int_equal(kin_mask_init(&other, 30, 40, NULL), KIN_OK);
    kin_mask_add_box(&other, (kin_box){0, 0, 30, 40});
    assert_int_equal(kin_describe_region(extractor, &raster, &other, good, NULL, out, &err),
                     KIN_E_ARG);
    kin_mask_release(&other);
    kin_mask_release(&empty);
    free(out);
    kin_mask_release(&mask);
    kin_raster_release(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_looked_at_where_it_is),
        cmocka_unit_test(parts_add_up_by_their_weights),
        cmocka_unit_test(each_part_sees_its_own),
        cmocka_unit_test(a_bright_lesion_is_not_a_dark_one),
        cmocka_unit_test(alike_lesions_elsewhere_are_nearer_than_other_lesions),
        cmocka_unit_test(any_lesion_has_a_finite_descriptor),
        cmocka_unit_test(margins_are_measured_in_space),
        cmocka_unit_test(refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
