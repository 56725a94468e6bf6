/* Colour spaces, against published values and stains mixed by hand. */
#include "image/colour.h"

#include <math.h>

#include "shared_data.h"

static void assert_triple(const float got[3], double a, double b, double c, double tolerance)
{
    assert_float_equal(got[0], a, tolerance);
    assert_float_equal(got[1], b, tolerance);
    assert_float_equal(got[2], c, tolerance);
}

static void hsv_of_corners(void **state)
{
    /* Hue in sixths of the circle: red 0, yellow 1, green 2, cyan 3, blue 4, magenta 5. */
    static const float rgb[][3] = {{1, 0, 0}, {1, 1, 0}, {0, 1, 0},
                                   {0, 1, 1}, {0, 0, 1}, {1, 0, 1}};
    float hsv[3];
    (void)state;
    for (int i = 0; i < 6; i++) {
        kin_rgb_to_hsv(rgb[i], hsv);
        assert_triple(hsv, i / 6.0, 1, 1, 1e-6);
    }
    kin_rgb_to_hsv((float[3]){0.5f, 0.25f, 0.25f}, hsv);
    assert_triple(hsv, 0, 0.5, 0.5, 1e-6);
    kin_rgb_to_hsv((float[3]){0.5f, 0.25f, 0.375f}, hsv); /* half way from red to magenta */
    assert_triple(hsv, 11 / 12.0, 0.5, 0.5, 1e-6);
    kin_rgb_to_hsv((float[3]){0, 0, 0}, hsv);
    assert_triple(hsv, 0, 0, 0, 0);
    kin_rgb_to_hsv((float[3]){0.3f, 0.3f, 0.3f}, hsv);
    assert_triple(hsv, 0, 0, 0.3, 1e-6);
}

static void lab_of_published_colours(void **state)
{
    /* Bruce Lindbloom's CIE colour calculator, sRGB, D65. */
    float lab[3];
    (void)state;
    kin_rgb_to_lab((float[3]){1, 0, 0}, lab);
    assert_triple(lab, 53.24, 80.09, 67.20, 0.02);
    kin_rgb_to_lab((float[3]){0, 1, 0}, lab);
    assert_triple(lab, 87.73, -86.18, 83.18, 0.02);
    kin_rgb_to_lab((float[3]){0, 0, 1}, lab);
    assert_triple(lab, 32.30, 79.19, -107.86, 0.02);
    kin_rgb_to_lab((float[3]){1, 1, 1}, lab);
    assert_triple(lab, 100, 0, 0, 0.02);
    kin_rgb_to_lab((float[3]){0, 0, 0}, lab);
    assert_triple(lab, 0, 0, 0, 1e-4);
    /* Mid grey, sRGB 119 of 255: L* 50. */
    kin_rgb_to_lab((float[3]){119 / 255.0f, 119 / 255.0f, 119 / 255.0f}, lab);
    assert_triple(lab, 50.03, 0, 0, 0.02);
}

/* The colour of light through stains of given amounts, by Lambert and Beer's law. */
static void mix(const double amounts[KIN_STAINS], float rgb[3])
{
    static const double vectors[KIN_STAINS][3] = {
        {0.650, 0.704, 0.286}, {0.072, 0.990, 0.105}, {0.268, 0.570, 0.776}};
    for (int c = 0; c < 3; c++) {
        double density = 0;
        for (int s = 0; s < KIN_STAINS; s++) {
            const double *v = vectors[s];
            density += amounts[s] * v[c] / sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        }
        rgb[c] = (float)pow(10, -density);
    }
}

static void stains_unmix_what_was_mixed(void **state)
{
    static const double mixtures[][KIN_STAINS] = {{0, 0, 0},   {1, 0, 0},       {0, 0.7, 0},
                                                  {0, 0, 0.5}, {0.4, 0.3, 0.2}, {1.5, 0.1, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof mixtures / sizeof mixtures[0]; i++) {
        float rgb[3], stains[KIN_STAINS];
        mix(mixtures[i], rgb);
        kin_rgb_to_stains(rgb, stains);
        assert_triple(stains, mixtures[i][0], mixtures[i][1], mixtures[i][2], 1e-3);
    }
}

static void black_has_finite_stains(void **state)
{
    float stains[KIN_STAINS];
    (void)state;
    kin_rgb_to_stains((float[3]){0, 0, 0}, stains);
    for (int s = 0; s < KIN_STAINS; s++)
        assert_true(isfinite(stains[s]) && fabsf(stains[s]) < 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hsv_of_corners),
        cmocka_unit_test(lab_of_published_colours),
        cmocka_unit_test(stains_unmix_what_was_mixed),
        cmocka_unit_test(black_has_finite_stains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
