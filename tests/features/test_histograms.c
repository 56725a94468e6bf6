/* Pixels, intensities, colours and stains of images whose answer is plain. */
#include "features/scale.h"
#include "views.h"

static void hellinger_of_counts(void **state)
{
    float counts[4] = {1, 0, 9, 6}, none[3] = {0, 0, 0};
    (void)state;
    kin_hellinger(counts, 4);
    assert_float_equal(counts[0], 0.25, 1e-6);
    assert_float_equal(counts[1], 0, 0);
    assert_float_equal(counts[2], 0.75, 1e-6);
    assert_float_equal(counts[3], sqrt(6 / 16.0), 1e-6);
    kin_hellinger(none, 3);
    assert_true(none[0] == 0 && none[1] == 0 && none[2] == 0);
}

static void moments_by_hand(void **state)
{
    /* 0, 0, 0, 4: mean 1, variance 3, third moment (3 (-1) + 27) / 4 = 6. */
    static const float values[] = {0, 9, 0, 9, 0, 9, 4, 9};
    float moments[3];
    (void)state;
    kin_moments(values, 4, 2, moments);
    assert_float_equal(moments[0], 1, 1e-6);
    assert_float_equal(moments[1], sqrt(3), 1e-6);
    assert_float_equal(moments[2], cbrt(6), 1e-6);
    kin_moments(values, 1, 1, moments);
    assert_true(moments[0] == 0 && moments[1] == 0 && moments[2] == 0);
    assert_float_equal(kin_signed_sqrt(-9), -3, 1e-6);
    assert_float_equal(kin_signed_sqrt(4), 2, 1e-6);
}

/* The left half 0, the right half 1. */
static float halves(int x, int y)
{
    (void)y;
    return x < KIN_VIEW_SIDE / 2 ? 0 : 1;
}

static void pixels_are_the_picture(void **state)
{
    kin_view *view = view_of(halves);
    float *out = described(&kin_family_pixels, view);
    (void)state;
    size_t side = (size_t)lround(sqrt((double)kin_family_pixels.length));
    assert_int_equal(side * side, kin_family_pixels.length);
    for (size_t i = 0; i < kin_family_pixels.length; i++)
        assert_true(out[i] == (i % side < side / 2 ? 0 : 1));
    free(out);
    kin_view_free(view);
}

static void intensities_of_halves(void **state)
{
    enum { BINS = 32, REGION = BINS + 3 };
    /* Of the whole and the quarters: the share of 0, of 1, the mean, the deviation. */
    static const double expected[5][4] = {
        {0.5, 0.5, 0.5, 0.5}, {1, 0, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 0}, {0, 1, 1, 0}};
    kin_view *view = view_of(halves);
    float *out = described(&kin_family_intensity, view);
    (void)state;
    assert_int_equal(kin_family_intensity.length, 5 * REGION);
    for (int r = 0; r < 5; r++) {
        const float *region = out + r * REGION;
        assert_float_equal(region[0], sqrt(expected[r][0]), 1e-6);
        assert_float_equal(region[BINS - 1], sqrt(expected[r][1]), 1e-6);
        assert_float_equal(squared_norm(region, BINS), 1, 1e-5);
        assert_float_equal(region[BINS], expected[r][2], 1e-6);
        assert_float_equal(region[BINS + 1], expected[r][3], 1e-6);
        assert_float_equal(region[BINS + 2], 0, 1e-6);
    }
    free(out);
    kin_view_free(view);
}

static void one_colour_is_one_bin(void **state)
{
    enum { BINS = 16 * 4 * 4 };
    kin_view *view = view_of_colour((float[3]){1, 0, 0});
    float *out = described(&kin_family_colour, view);
    (void)state;
    assert_int_equal(kin_family_colour.length, BINS + 9);
    /* Hue 0, saturation and value in their last of four bins. */
    for (int i = 0; i < BINS; i++)
        assert_true(out[i] == (i == 3 * 4 + 3 ? 1 : 0));
    /* L*a*b* of red, in hundreds; no deviation, no skew. */
    static const double lab[3] = {0.5324, 0.8009, 0.6720};
    for (int c = 0; c < 3; c++) {
        assert_float_equal(out[BINS + 3 * c], lab[c], 1e-3);
        assert_float_equal(out[BINS + 3 * c + 1], 0, 1e-4);
        assert_float_equal(out[BINS + 3 * c + 2], 0, 1e-4);
    }
    free(out);
    kin_view_free(view);
}

static void pure_haematoxylin(void **state)
{
    enum { BINS = 16, STAIN = BINS + 6 };
    /* Amount 0.8 of the unit vector (0.650, 0.704, 0.286) / 1.0000. */
    double length = sqrt(0.650 * 0.650 + 0.704 * 0.704 + 0.286 * 0.286);
    const float rgb[3] = {(float)pow(10, -0.8 * 0.650 / length),
                          (float)pow(10, -0.8 * 0.704 / length),
                          (float)pow(10, -0.8 * 0.286 / length)};
    kin_view *view = view_of_colour(rgb);
    float *out = described(&kin_family_stain, view);
    (void)state;
    assert_int_equal(kin_family_stain.length, 3 * STAIN);
    for (int s = 0; s < 3; s++) {
        const float *stain = out + s * STAIN;
        double amount = s == KIN_STAIN_HAEMATOXYLIN ? 0.8 : 0;
        assert_float_equal(squared_norm(stain, BINS), 1, 1e-5);
        assert_float_equal(stain[BINS], amount, 1e-3);
        for (int k = 1; k < 6; k++) /* no deviation, and nowhere a gradient */
            assert_float_equal(stain[BINS + k], 0, 1e-3);
    }
    /* (0.8 + 0.25) / 2 of 16 bins: bin 8. */
    assert_float_equal(out[8], 1, 1e-6);
    free(out);
    kin_view_free(view);
}

static void an_even_stain_has_no_texture(void **state)
{
    enum { F = 13 };
    kin_view *view = view_of_colour((float[3]){0.6f, 0.3f, 0.5f});
    float *out = described(&kin_family_stain_texture, view);
    (void)state;
    assert_int_equal(kin_family_stain_texture.length, 2 * 3 * F);
    for (size_t at = 0; at < kin_family_stain_texture.length; at += F) {
        assert_float_equal(out[at], 1, 1e-6);     /* all energy in one pair of levels */
        assert_float_equal(out[at + 1], 0, 1e-6); /* no contrast */
        assert_float_equal(out[at + 4], 1, 1e-6); /* homogeneous */
        assert_float_equal(out[at + 8], 0, 1e-6); /* no entropy */
    }
    free(out);
    kin_view_free(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellinger_of_counts),          cmocka_unit_test(moments_by_hand),
        cmocka_unit_test(pixels_are_the_picture),       cmocka_unit_test(intensities_of_halves),
        cmocka_unit_test(one_colour_is_one_bin),        cmocka_unit_test(pure_haematoxylin),
        cmocka_unit_test(an_even_stain_has_no_texture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
