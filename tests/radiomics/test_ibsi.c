/* The digital phantom: every value that the IBSI publishes for it. */
#include <math.h>
#include <string.h>

#include "digital_phantom_values.h"
#include "regions.h"

/* Published are three significant digits: half a unit of the last, and a little for the rounding of
 * what lies just between two. */
static double rounding(double value)
{
    return value == 0.0 ? 1e-12 : 0.5001 * pow(10.0, floor(log10(fabs(value))) - 2.0);
}

/* Which of two runs has the aggregation: within slices or in space. */
static bool by_slice(const char *aggregation)
{
    return aggregation[0] == '2';
}

static void test_every_published_value(void **state)
{
    (void)state;
    kin_volume image, mask;
    kin_radiomics_settings settings = {.discretisation = KIN_BINS_NONE};
    int wrong = 0;
    phantom_make(&image, &mask);
    kin_radiomics space = measured(&image, &mask, 1, &settings);
    settings.by_slice = true;
    kin_radiomics slices = measured(&image, &mask, 1, &settings);
    assert_int_equal(space.voxels, 74);
    assert_int_equal(space.levels, 6);
    for (size_t i = 0; i < PUBLISHED_COUNT; i++) {
        const published_value *is = &published_values[i];
        double published = strtod(is->value, NULL);
        double ours = figure_of(by_slice(is->aggregation) ? &slices : &space, is->family,
                                is->aggregation, is->name);
        if (fabs(ours - published) <= is->tolerance + rounding(published))
            continue;
        print_error("%s, %s, %s: %.6g, published is %s\n", is->family, is->aggregation, is->name,
                    ours, is->value);
        wrong++;
    }
    print_message("%d of %d published values agree\n", (int)PUBLISHED_COUNT - wrong,
                  (int)PUBLISHED_COUNT);
    assert_int_equal(wrong, 0);
    kin_radiomics_release(&space);
    kin_radiomics_release(&slices);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

/* The phantom's grid does not matter: turned, and far from the origin, it has the same figures. */
static void test_turned_phantom(void **state)
{
    (void)state;
    kin_volume image, mask, turned, turned_mask;
    kin_radiomics_settings settings = {.discretisation = KIN_BINS_NONE};
    phantom_make(&image, &mask);
    turned = volume_of(4, 5, 4);
    turned_mask = volume_of(4, 5, 4);
    for (int k = 0; k < 4; k++)
        for (int j = 0; j < 4; j++)
            for (int i = 0; i < 5; i++) {
                size_t to = kin_volume_at(&turned, k, 4 - i, j);
                turned.voxels[to] = image.voxels[kin_volume_at(&image, i, j, k)];
                turned_mask.voxels[to] = mask.voxels[kin_volume_at(&mask, i, j, k)];
            }
    for (int a = 0; a < 3; a++) {
        turned.spacing[a] = turned_mask.spacing[a] = 2.0;
        turned.origin[a] = turned_mask.origin[a] = 1000.0 * a - 333.0;
    }
    kin_radiomics before = measured(&image, &mask, 1, &settings);
    kin_radiomics after = measured(&turned, &turned_mask, 1, &settings);
    assert_int_equal(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
        kin_radiomics_description is;
        double a = before.values[i].value, b = after.values[i].value;
        kin_radiomics_describe(&before.values[i], &is);
        if (before.values[i].aggregation == KIN_AGGREGATION_SLICE)
            continue; /* slices are others now */
        /* Weights of pairs are floats (spatial.c), and add up in another order now. */
        bool of_pairs = strcmp(is.name, "moran_i") == 0 || strcmp(is.name, "geary_c") == 0;
        if (!(fabs(a - b) <= (of_pairs ? 1e-6 : 1e-9) * (1.0 + fabs(a))))
            fail_msg("%s, %s: %.12g, turned %.12g", is.family, is.name, a, b);
    }
    kin_radiomics_release(&before);
    kin_radiomics_release(&after);
    kin_volume_release(&image);
    kin_volume_release(&mask);
    kin_volume_release(&turned);
    kin_volume_release(&turned_mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_published_value),
                                       cmocka_unit_test(test_turned_phantom)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
