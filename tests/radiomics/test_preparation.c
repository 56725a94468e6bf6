/* From a volume to a region: interpolation, re-segmentation, grey levels, and what is refused. */
#include <math.h>
#include <string.h>

#include "radiomics/roi.h"
#include "regions.h"

/* A region of all voxels of a volume whose intensities are linear in space. */
static void make_ramp(kin_volume *image, kin_volume *mask, int n, double spacing)
{
    *image = volume_of(n, n, n);
    *mask = volume_of(n, n, n);
    for (int a = 0; a < 3; a++)
        image->spacing[a] = mask->spacing[a] = spacing;
    for (int k = 0; k < n; k++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < n; i++) {
                size_t v = kin_volume_at(image, i, j, k);
                image->voxels[v] = (float)(100.0 + spacing * (i + 2 * j - 3 * k));
                mask->voxels[v] = 1.0f;
            }
}

static kin_roi prepared(const kin_volume *image, const kin_volume *mask,
                        const kin_radiomics_settings *settings)
{
    kin_roi roi;
    kin_error err = {0};
    if (kin_roi_make(image, mask, 1, settings, &roi, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return roi;
}

/* The manual's example (UMPJ): four voxels of 3 mm become six of 2 mm about the same centre. */
static void test_interpolation(void **state)
{
    (void)state;
    kin_volume image, mask;
    const kin_radiomics_settings settings = {.spacing_mm = 2.0};
    make_ramp(&image, &mask, 4, 3.0);
    kin_roi roi = prepared(&image, &mask, &settings);
    assert_true(roi.size[0] == 6 && roi.size[1] == 6 && roi.size[2] == 6);
    for (int i = 0; i < 6; i++) {
        /* mm from the first voxel's centre: 4.5 +- 1, 3, 5; beyond the ends they go on level. */
        double at = fmin(fmax(4.5 + 2.0 * (i - 2.5), 0.0), 9.0);
        assert_float_equal(roi.value[kin_roi_at(&roi, i, 2, 2)],
                           100.0 + at + 2.0 * (4.5 - 1.0) - 3.0 * (4.5 - 1.0), 1e-4);
    }
    kin_roi_release(&roi);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

static void test_partial_volume(void **state)
{
    (void)state;
    kin_volume image = volume_of(8, 1, 1), mask = volume_of(8, 1, 1);
    const kin_radiomics_settings settings = {.spacing_mm = 0.5};
    for (int i = 2; i < 5; i++)
        mask.voxels[i] = 1.0f;
    kin_roi roi = prepared(&image, &mask, &settings);
    /* Voxel centres at -0.25 + i / 2: inside from 1.5 to 4.5, where the share is one half. */
    assert_int_equal(roi.shape_voxels, 6 * 2 * 2);
    kin_roi_release(&roi);
    const kin_radiomics_settings in_slices = {.spacing_mm = 0.5, .by_slice = true};
    roi = prepared(&image, &mask, &in_slices);
    assert_int_equal(roi.shape_voxels, 6 * 2);
    assert_true(roi.spacing[0] == 0.5 && roi.spacing[2] == 1.0);
    kin_roi_release(&roi);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

/* One row of intensities, all of it the region. */
static kin_roi row(const float *values, int count, const kin_radiomics_settings *settings)
{
    kin_volume image = volume_of(count, 1, 1), mask = volume_of(count, 1, 1);
    memcpy(image.voxels, values, (size_t)count * sizeof *values);
    for (int i = 0; i < count; i++)
        mask.voxels[i] = 1.0f;
    kin_roi roi = prepared(&image, &mask, settings);
    kin_volume_release(&image);
    kin_volume_release(&mask);
    return roi;
}

static void expect_levels(kin_roi *roi, const int *levels, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(roi->level[i], levels[i]);
    kin_roi_release(roi);
}

static void test_grey_levels(void **state)
{
    (void)state;
    const float values[] = {0.0f, 2.4f, 2.5f, 5.0f, 9.9f, 10.0f};
    enum { COUNT = sizeof values / sizeof values[0] };
    const kin_radiomics_settings number = {.bins = 4};
    kin_roi roi = row(values, COUNT, &number);
    expect_levels(&roi, (const int[]){1, 1, 2, 3, 4, 4}, COUNT); /* the largest is in the last */
    kin_radiomics_settings width = {.discretisation = KIN_BINS_FIXED_SIZE, .bin_width = 2.5};
    roi = row(values, COUNT, &width);
    expect_levels(&roi, (const int[]){1, 1, 2, 3, 4, 5}, COUNT);
    width.has_bin_from = true;
    width.bin_from = -5.0;
    roi = row(values, COUNT, &width);
    expect_levels(&roi, (const int[]){3, 3, 4, 5, 6, 7}, COUNT);
    width.has_bin_from = false;
    width.has_range = true;
    width.low = 1.0;
    width.high = INFINITY;
    roi = row(values, COUNT, &width); /* the first is not in the intensity mask any more */
    assert_int_equal(roi.voxels, COUNT - 1);
    assert_int_equal(roi.shape_voxels, COUNT);
    expect_levels(&roi, (const int[]){0, 1, 1, 2, 4, 4}, COUNT);
}

static void test_outliers(void **state)
{
    (void)state;
    float values[101] = {0};
    const kin_radiomics_settings settings = {.outlier_sigma = 3.0};
    for (int i = 0; i < 100; i++)
        values[i] = (float)(i % 2);
    values[100] = 50.0f; /* mean 0.99, deviation 4.9 */
    kin_roi roi = row(values, 101, &settings);
    assert_int_equal(roi.voxels, 100);
    kin_roi_release(&roi);
}

/* The three ways to count a volume by intensity: whole numbers, bins of a width, 1000 bins. */
static void test_volume_histogram(void **state)
{
    (void)state;
    static const struct {
        double scale, width;
        double v10, v90, i10, i90;
    } cases[] = {{1.0, 0.0, 0.9, 0.1, 9.0, 1.0},
                 /* bins 0-2, 3-4, 5-7, 8-9, with their middles at 1.25, 3.75, 6.25, 8.75 */
                 {1.0, 2.5, 0.7, 0.2, 11.25, 3.75},
                 /* levels 1, 112, 223 ... 889, 1000 */
                 {0.37, 0.0, 0.9, 0.1, 890.0, 2.0}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        kin_volume image = volume_of(10, 1, 1), mask = volume_of(10, 1, 1);
        const kin_radiomics_settings settings = {.ivh_bin_width = cases[c].width};
        for (int i = 0; i < 10; i++) {
            image.voxels[i] = (float)(cases[c].scale * i);
            mask.voxels[i] = 1.0f;
        }
        kin_radiomics r = measured(&image, &mask, 1, &settings);
        const char *family = "intensity_volume_histogram";
        assert_float_equal(figure_of(&r, family, "", "volume_at_intensity_10"), cases[c].v10, 1e-9);
        assert_float_equal(figure_of(&r, family, "", "volume_at_intensity_90"), cases[c].v90, 1e-9);
        assert_float_equal(figure_of(&r, family, "", "intensity_at_volume_10"), cases[c].i10, 1e-9);
        assert_float_equal(figure_of(&r, family, "", "intensity_at_volume_90"), cases[c].i90, 1e-9);
        kin_radiomics_release(&r);
        kin_volume_release(&image);
        kin_volume_release(&mask);
    }
}

static void expect_refused(const kin_volume *image, const kin_volume *mask, int label,
                           const kin_radiomics_settings *settings, kin_status status,
                           const char *word)
{
    kin_radiomics radiomics;
    kin_error err = {0};
    kin_status got = kin_radiomics_compute(image, mask, label, settings, &radiomics, &err);
    if (got != status || strstr(err.message, word) == NULL)
        fail_msg("%d, '%s' instead of '%s'", got, err.message, word);
    assert_null(radiomics.values);
}

static void test_refused(void **state)
{
    (void)state;
    kin_volume image, mask;
    make_ramp(&image, &mask, 4, 1.0);
    mask.voxels[0] = 7.0f;
    const kin_radiomics_settings plain = {0};
    expect_refused(&image, &mask, 3, &plain, KIN_E_NOT_FOUND, "there are 7 1");
    const kin_radiomics_settings none_left = {.has_range = true, .low = 900, .high = 950};
    expect_refused(&image, &mask, 1, &none_left, KIN_E_NOT_FOUND, "within the range");
    const kin_radiomics_settings empty = {.has_range = true, .low = 9, .high = 5};
    expect_refused(&image, &mask, 1, &empty, KIN_E_ARG, "range");
    const kin_radiomics_settings narrow = {.discretisation = KIN_BINS_FIXED_SIZE,
                                           .bin_width = 1e-3};
    expect_refused(&image, &mask, 1, &narrow, KIN_E_LIMIT, "wider");
    const kin_radiomics_settings no_width = {.discretisation = KIN_BINS_FIXED_SIZE};
    expect_refused(&image, &mask, 1, &no_width, KIN_E_ARG, "width");
    const kin_radiomics_settings above = {.discretisation = KIN_BINS_FIXED_SIZE,
                                          .bin_width = 25,
                                          .has_bin_from = true,
                                          .bin_from = 100};
    expect_refused(&image, &mask, 1, &above, KIN_E_ARG, "below the first bin");
    const kin_radiomics_settings many = {.bins = 1 << 20};
    expect_refused(&image, &mask, 1, &many, KIN_E_ARG, "bins");
    const kin_radiomics_settings tiny = {.spacing_mm = 1e-9};
    expect_refused(&image, &mask, 1, &tiny, KIN_E_LIMIT, "too small");
    const kin_radiomics_settings small = {.spacing_mm = 2e-3};
    expect_refused(&image, &mask, 1, &small, KIN_E_LIMIT, "too many");
    const kin_radiomics_settings levels = {.discretisation = KIN_BINS_NONE};
    image.voxels[5] = 100.5f;
    expect_refused(&image, &mask, 1, &levels, KIN_E_ARG, "bins");
    image.voxels[5] = NAN;
    expect_refused(&image, &mask, 1, &plain, KIN_E_FORMAT, "no numbers");
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

/* One intensity everywhere: what is not defined is NaN, and nothing else goes wrong. */
static void test_uniform(void **state)
{
    (void)state;
    kin_volume image = volume_of(5, 5, 5), mask = volume_of(5, 5, 5);
    for (int v = 0; v < 125; v++)
        mask.voxels[v] = 1.0f;
    for (int by_slice = 0; by_slice < 2; by_slice++) {
        const kin_radiomics_settings settings = {.by_slice = by_slice != 0};
        kin_radiomics radiomics = measured(&image, &mask, 1, &settings);
        assert_int_equal(radiomics.levels, 1);
        assert_true(isnan(figure_of(&radiomics, "morphology", "", "moran_i")));
        assert_true(isnan(figure_of(&radiomics, "statistics", "", "coefficient_of_variation")));
        assert_true(figure_of(&radiomics, "intensity_histogram", "", "entropy") == 0.0);
        assert_true(figure_of(&radiomics, "ngtdm", by_slice ? "2.5D" : "3D", "coarseness") == 1e6);
        assert_true(figure_of(&radiomics, "glcm", by_slice ? "2.5D merged" : "3D merged",
                              "correlation") == 1.0);
        kin_radiomics_release(&radiomics);
    }
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interpolation),    cmocka_unit_test(test_partial_volume),
        cmocka_unit_test(test_grey_levels),      cmocka_unit_test(test_outliers),
        cmocka_unit_test(test_volume_histogram), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_uniform)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
