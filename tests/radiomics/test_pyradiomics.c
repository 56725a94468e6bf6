/*
 * The labelled volumes of PyRadiomics' own tests, against its published figures.
 *
 * Both follow the same definitions but for these, which are turned into each other here:
 *  - kurtosis: ours is the excess (the manual's), theirs is not: 3 more;
 *  - energy and root mean square: their published figures have 2000 added to every intensity;
 *  - axis lengths: our covariance divides by n - 1, theirs by n;
 *  - the first bin: theirs begins at a multiple of the width (we can be told to);
 *  - the mesh: theirs is cut otherwise where a loop does not lie in a plane.
 */
#include <math.h>
#include <string.h>

#include "pyradiomics_values.h"
#include "regions.h"

#define BIN_WIDTH 25.0
#define SHIFT     2000.0

/* Theirs are doubles printed in full; ours begin with floats. */
#define TOLERANCE 1e-6
/* Of what is measured on the mesh: "small differences may occur between implementations" (manual),
 * 0.4% in the coarsest of these regions, whose slices are eight times as thick as pixels. */
#define MESH_TOLERANCE 5e-3

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* What PyRadiomics' definition would make of our figure. */
static double as_theirs(const baseline_value *is, const kin_radiomics *ours)
{
    static const char *const axes[] = {"major_axis_length", "minor_axis_length",
                                       "least_axis_length", NULL};
    double value = figure_of(ours, is->family, is->aggregation, is->name);
    double n = (double)ours->voxels;
    bool in_space = strcmp(is->family, "morphology") == 0;
    if (in_space && is_one_of(is->name, axes))
        return value * sqrt((n - 1.0) / n);
    if (strcmp(is->name, "excess_kurtosis") == 0)
        return value + 3.0;
    double shifted = n * (figure_of(ours, "statistics", "", "root_mean_square") *
                              figure_of(ours, "statistics", "", "root_mean_square") +
                          2.0 * SHIFT * figure_of(ours, "statistics", "", "mean") + SHIFT * SHIFT);
    if (strcmp(is->name, "energy") == 0)
        return shifted;
    if (strcmp(is->name, "root_mean_square") == 0)
        return sqrt(shifted / n);
    return value;
}

static bool on_the_mesh(const char *family, const char *name)
{
    static const char *const names[] = {"volume_mesh", "surface_area", "surface_to_volume_ratio",
                                        "sphericity", NULL};
    return strcmp(family, "morphology") == 0 && is_one_of(name, names);
}

static bool agree(const char *family, const char *name, double ours, double theirs)
{
    double tolerance = on_the_mesh(family, name) ? MESH_TOLERANCE : TOLERANCE;
    return fabs(ours - theirs) <= tolerance * fabs(theirs) + 1e-9;
}

static void compare(const char *case_name, int column, double least)
{
    char name[64];
    int wrong = 0;
    snprintf(name, sizeof name, "%s_image.nrrd", case_name);
    kin_volume image = volume_load(name);
    snprintf(name, sizeof name, "%s_label.nrrd", case_name);
    kin_volume mask = volume_load(name);
    const kin_radiomics_settings settings = {.discretisation = KIN_BINS_FIXED_SIZE,
                                             .bin_width = BIN_WIDTH,
                                             .has_bin_from = true,
                                             .bin_from = floor(least / BIN_WIDTH) * BIN_WIDTH};
    kin_radiomics ours = measured(&image, &mask, 1, &settings);
    for (size_t i = 0; i < BASELINE_COUNT; i++) {
        const baseline_value *is = &baseline_values[i];
        double value = as_theirs(is, &ours);
        if (agree(is->family, is->name, value, is->value[column]))
            continue;
        print_error("%s, %s, %s: %.12g, PyRadiomics has %.12g\n", case_name, is->family, is->name,
                    value, is->value[column]);
        wrong++;
    }
    print_message("%s: %d of %d figures agree\n", case_name, (int)BASELINE_COUNT - wrong,
                  (int)BASELINE_COUNT);
    assert_int_equal(wrong, 0);
    kin_radiomics_release(&ours);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

static void test_brain1(void **state)
{
    (void)state;
    compare("brain1", BRAIN1, 468.0);
}

static void test_brain2(void **state)
{
    (void)state;
    compare("brain2", BRAIN2, 8.0);
}

static void test_breast1(void **state)
{
    (void)state;
    compare("breast1", BREAST1, 102.0);
}

/* Only the label maps are at hand: any image will do for the shape. */
static void compare_shape(const char *label_name, int column)
{
    static const char *const axes[] = {"major_axis_length", "minor_axis_length",
                                       "least_axis_length", NULL};
    kin_volume mask = volume_load(label_name);
    kin_volume image = volume_of(mask.size[0], mask.size[1], mask.size[2]);
    const kin_radiomics_settings settings = {0};
    memcpy(image.spacing, mask.spacing, sizeof image.spacing);
    kin_radiomics ours = measured(&image, &mask, 1, &settings);
    double n = (double)ours.voxels;
    for (size_t i = 0; i < LUNG_VALUE_COUNT; i++) {
        double value = figure_of(&ours, "morphology", "", lung_values[i].name);
        if (is_one_of(lung_values[i].name, axes))
            value *= sqrt((n - 1.0) / n);
        if (!agree("morphology", lung_values[i].name, value, lung_values[i].value[column]))
            fail_msg("%s, %s: %.12g, PyRadiomics has %.12g", label_name, lung_values[i].name, value,
                     lung_values[i].value[column]);
    }
    kin_radiomics_release(&ours);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

static void test_lungs(void **state)
{
    (void)state;
    compare_shape("lung1_label.nrrd", LUNG1);
    compare_shape("lung2_label.nrrd", LUNG2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_brain1), cmocka_unit_test(test_brain2),
                                       cmocka_unit_test(test_breast1),
                                       cmocka_unit_test(test_lungs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
