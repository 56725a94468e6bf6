/* Co-occurrence: Haralick's own example (1973, figure 3), and statistics worked by hand. */
#include "features/glcm.h"

#include "views.h"

/* "A 4 x 4 image with four grey-tone values 0-3." */
static const uint8_t example[16] = {0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3};

static void assert_counts(int dx, int dy, const int expected[4][4], int pairs)
{
    kin_glcm glcm;
    kin_glcm_count(example, 4, 4, dx, dy, 4, &glcm);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            assert_float_equal(glcm.p[i][j], (double)expected[i][j] / pairs, 1e-6);
    }
}

static void haralicks_example(void **state)
{
    /* P_H, P_V, P_LD (135 degrees) and P_RD (45 degrees) of figure 3. */
    static const int horizontal[4][4] = {{4, 2, 1, 0}, {2, 4, 0, 0}, {1, 0, 6, 1}, {0, 0, 1, 2}};
    static const int vertical[4][4] = {{6, 0, 2, 0}, {0, 4, 2, 0}, {2, 2, 2, 2}, {0, 0, 2, 0}};
    static const int left[4][4] = {{2, 1, 3, 0}, {1, 2, 1, 0}, {3, 1, 0, 2}, {0, 0, 2, 0}};
    static const int right[4][4] = {{4, 1, 0, 0}, {1, 2, 2, 0}, {0, 2, 4, 1}, {0, 0, 1, 0}};
    (void)state;
    assert_counts(1, 0, horizontal, 24);
    assert_counts(0, -1, vertical, 24);
    assert_counts(-1, -1, left, 18);
    assert_counts(1, -1, right, 18);
    /* An offset and its opposite are the same pairs. */
    assert_counts(-1, 0, horizontal, 24);
}

/* Levels 0 and 1 in one pair each with itself, and two pairs mixed: p = 1/4 everywhere. */
static void statistics_of_an_even_matrix(void **state)
{
    kin_glcm glcm = {.levels = 2, .p = {{0.25f, 0.25f}, {0.25f, 0.25f}}};
    float f[KIN_HARALICK_COUNT];
    (void)state;
    kin_haralick_of(&glcm, f);
    assert_float_equal(f[KIN_HARALICK_ENERGY], 0.25, 1e-6);
    assert_float_equal(f[KIN_HARALICK_CONTRAST], 0.5, 1e-6);
    assert_float_equal(f[KIN_HARALICK_CORRELATION], 0, 1e-6);
    assert_float_equal(f[KIN_HARALICK_VARIANCE], 0.25, 1e-6);
    assert_float_equal(f[KIN_HARALICK_HOMOGENEITY], 0.75, 1e-6);
    assert_float_equal(f[KIN_HARALICK_SUM_AVERAGE], 1, 1e-6);
    assert_float_equal(f[KIN_HARALICK_SUM_VARIANCE], 0.5, 1e-6);
    assert_float_equal(f[KIN_HARALICK_SUM_ENTROPY], 1.5 * M_LN2, 1e-5);
    assert_float_equal(f[KIN_HARALICK_ENTROPY], 2 * M_LN2, 1e-5);
    assert_float_equal(f[KIN_HARALICK_DIFFERENCE_VARIANCE], 0.25, 1e-6);
    assert_float_equal(f[KIN_HARALICK_DIFFERENCE_ENTROPY], M_LN2, 1e-5);
    assert_float_equal(f[KIN_HARALICK_INFORMATION_1], 0, 1e-5); /* independent */
    assert_float_equal(f[KIN_HARALICK_INFORMATION_2], 0, 1e-3);
}

/* Each level only beside itself: perfectly predictable. */
static void statistics_of_a_diagonal_matrix(void **state)
{
    kin_glcm glcm = {.levels = 2, .p = {{0.5f, 0}, {0, 0.5f}}};
    float f[KIN_HARALICK_COUNT];
    (void)state;
    kin_haralick_of(&glcm, f);
    assert_float_equal(f[KIN_HARALICK_ENERGY], 0.5, 1e-6);
    assert_float_equal(f[KIN_HARALICK_CONTRAST], 0, 1e-6);
    assert_float_equal(f[KIN_HARALICK_CORRELATION], 1, 1e-6);
    assert_float_equal(f[KIN_HARALICK_HOMOGENEITY], 1, 1e-6);
    assert_float_equal(f[KIN_HARALICK_SUM_VARIANCE], 1, 1e-6);
    assert_float_equal(f[KIN_HARALICK_ENTROPY], M_LN2, 1e-5);
    assert_float_equal(f[KIN_HARALICK_DIFFERENCE_ENTROPY], 0, 1e-6);
    assert_float_equal(f[KIN_HARALICK_INFORMATION_1], -1, 1e-5);
    assert_float_equal(f[KIN_HARALICK_INFORMATION_2], sqrt(1 - exp(-2 * M_LN2)), 1e-5);
}

/* Contrast and homogeneity of Haralick's horizontal matrix, added up by hand:
 * contrast (2 2 1 + 2 1 4 + 2 1 1) / 24; homogeneity (16 + 4 / 2 + 2 / 5 + 2 / 2) / 24. */
static void statistics_of_the_example(void **state)
{
    kin_glcm glcm;
    float f[KIN_HARALICK_COUNT];
    (void)state;
    kin_glcm_count(example, 4, 4, 1, 0, 4, &glcm);
    kin_haralick_of(&glcm, f);
    assert_float_equal(f[KIN_HARALICK_CONTRAST], 14 / 24.0, 1e-6);
    assert_float_equal(f[KIN_HARALICK_HOMOGENEITY], (16 + 2 + 0.4 + 1) / 24, 1e-6);
    assert_float_equal(f[KIN_HARALICK_ENERGY],
                       (16 + 4 + 1 + 4 + 16 + 1 + 36 + 1 + 1 + 4) / (24.0 * 24), 1e-6);
    /* Marginals 7, 6, 8, 3 of 24: mean 31 / 24. */
    assert_float_equal(f[KIN_HARALICK_SUM_AVERAGE], 2 * 31 / 24.0, 1e-6);
    double mean = 31 / 24.0, variance = (6 + 8 * 4 + 3 * 9) / 24.0 - mean * mean;
    assert_float_equal(f[KIN_HARALICK_VARIANCE], variance, 1e-6);
    /* E[ij] = (4 + 6 4 + 2 2 6 … ) by entries: 1 1 4, 2 2 6, 2 3 (1 + 1), 3 3 2. */
    assert_float_equal(f[KIN_HARALICK_CORRELATION],
                       ((4 + 24 + 12 + 18) / 24.0 - mean * mean) / variance, 1e-5);
}

static void images_too_small_for_an_offset(void **state)
{
    static const uint8_t pixel[1] = {3};
    kin_glcm glcm;
    float f[KIN_HARALICK_COUNT];
    (void)state;
    kin_glcm_count(pixel, 1, 1, 8, -8, 4, &glcm);
    kin_haralick_of(&glcm, f);
    for (int i = 0; i < KIN_HARALICK_COUNT; i++)
        assert_true(isfinite(f[i]));
}

static float stripes(int x, int y)
{
    (void)y;
    return x / 2 % 2 ? 0.8f : 0.2f;
}

static float stripes_turned(int x, int y)
{
    return stripes(KIN_VIEW_SIDE - 1 - y, x);
}

/* Means and ranges over the directions do not change when the image is turned by 90 degrees. */
static void turning_changes_nothing(void **state)
{
    kin_view *one = view_of(stripes), *two = view_of(stripes_turned);
    float *a = described(&kin_family_glcm, one), *b = described(&kin_family_glcm, two);
    double sum = 0;
    (void)state;
    for (size_t i = 0; i < kin_family_glcm.length; i++) {
        assert_float_equal(a[i], b[i], 1e-4);
        assert_true(a[i] >= -1.001f && a[i] <= 1.42f); /* in units of the largest, square-rooted */
        sum += a[i];
    }
    assert_true(sum > 1);
    free(a);
    free(b);
    kin_view_free(one);
    kin_view_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(haralicks_example),
        cmocka_unit_test(statistics_of_an_even_matrix),
        cmocka_unit_test(statistics_of_a_diagonal_matrix),
        cmocka_unit_test(statistics_of_the_example),
        cmocka_unit_test(images_too_small_for_an_offset),
        cmocka_unit_test(turning_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
