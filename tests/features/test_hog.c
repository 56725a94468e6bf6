/* Histogram of oriented gradients, against gradients known by construction. */
#include "views.h"

enum { BINS = 9, BLOCK = 4 * BINS, BLOCKS = 7 * 7 };

static float ramp_right(int x, int y)
{
    (void)y;
    return (float)x / KIN_VIEW_SIDE;
}

static float ramp_down(int x, int y)
{
    (void)x;
    return (float)y / KIN_VIEW_SIDE;
}

/* A gradient at 30 degrees: the middle of bin 1 (20 to 40 degrees). */
static float ramp_at_30(int x, int y)
{
    return (float)(x * cos(M_PI / 6) + y * sin(M_PI / 6)) / 256;
}

/* At 70 degrees: the middle of bin 3. */
static float ramp_at_70(int x, int y)
{
    return (float)(x * cos(70 * M_PI / 180) + y * sin(70 * M_PI / 180)) / 256;
}

static float flat(int x, int y)
{
    (void)x, (void)y;
    return 0.5f;
}

/* Adds up each orientation of the block in the middle, which no edge reaches. */
static void middle_bins(float (*value)(int, int), double bins[BINS])
{
    kin_view *view = view_of(value);
    float *out = described(&kin_family_hog, view);
    assert_int_equal(kin_family_hog.length, BLOCKS * BLOCK);
    memset(bins, 0, BINS * sizeof *bins);
    const float *middle = out + (3 * 7 + 3) * BLOCK;
    for (int i = 0; i < BLOCK; i++)
        bins[i % BINS] += middle[i];
    free(out);
    kin_view_free(view);
}

static void a_ramp_fills_one_bin(void **state)
{
    double bins[BINS];
    (void)state;
    middle_bins(ramp_at_30, bins);
    for (int b = 0; b < BINS; b++) {
        if (b == 1)
            assert_float_equal(bins[b], 2, 0.01); /* four equal cells of unit length in all */
        else
            assert_float_equal(bins[b], 0, 0.02);
    }
    middle_bins(ramp_at_70, bins);
    for (int b = 0; b < BINS; b++)
        assert_float_equal(bins[b], b == 3 ? 2 : 0, 0.02);
}

static void between_bins_the_vote_is_shared(void **state)
{
    double bins[BINS];
    (void)state;
    /* 0 degrees lies between the middles of the last and first bin. */
    middle_bins(ramp_right, bins);
    assert_float_equal(bins[0], bins[8], 1e-4);
    assert_true(bins[0] > 1.3 && bins[4] == 0);
    /* 90 degrees is the middle of bin 4. */
    middle_bins(ramp_down, bins);
    assert_float_equal(bins[4], 2, 0.01);
    assert_float_equal(bins[3] + bins[5], 0, 0.01);
}

static void no_gradient_no_energy(void **state)
{
    double bins[BINS];
    (void)state;
    middle_bins(flat, bins);
    for (int b = 0; b < BINS; b++)
        assert_true(bins[b] == 0);
}

/* L2-Hys: a block has unit length, and no entry that was clipped at 0.2 exceeds what one clipped
 * entry becomes when the others are small. */
static float stripes(int x, int y)
{
    return (x / 5 + y / 11) % 2 ? 0.9f : 0.1f;
}

static void blocks_have_unit_length(void **state)
{
    kin_view *view = view_of(stripes);
    float *out = described(&kin_family_hog, view);
    (void)state;
    for (int b = 0; b < BLOCKS; b++)
        assert_float_equal(squared_norm(out + b * BLOCK, BLOCK), 1, 1e-3);
    free(out);
    kin_view_free(view);
}

static float darker_stripes(int x, int y)
{
    return 0.3f + 0.25f * stripes(x, y);
}

static void contrast_hardly_matters(void **state)
{
    kin_view *one = view_of(stripes), *two = view_of(darker_stripes);
    float *a = described(&kin_family_hog, one), *b = described(&kin_family_hog, two);
    (void)state;
    for (size_t i = 0; i < kin_family_hog.length; i++)
        assert_float_equal(a[i], b[i], 1e-3);
    free(a);
    free(b);
    kin_view_free(one);
    kin_view_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ramp_fills_one_bin),
        cmocka_unit_test(between_bins_the_vote_is_shared),
        cmocka_unit_test(no_gradient_no_energy),
        cmocka_unit_test(blocks_have_unit_length),
        cmocka_unit_test(contrast_hardly_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
