/* Slices in any order make one grid, or are refused with the reason; a grid laid over another. */
#include <math.h>
#include <string.h>

#include "shared_data.h"
#include "volume/series.h"

enum { COUNT = 6 };

/* A tilted stack of slices 2.5 mm apart, its normal not along any axis. */
static void make_stack(kin_slice slices[COUNT])
{
    const double c = cos(0.3), s = sin(0.3);
    for (int n = 0; n < COUNT; n++) {
        kin_plane plane = {.known = true,
                           .along_row = {1, 0, 0},
                           .along_column = {0, c, s},
                           .spacing_x_mm = 0.5,
                           .spacing_y_mm = 0.75,
                           .thickness_mm = 3.0};
        const double normal[3] = {0, -s, c};
        for (int x = 0; x < 3; x++)
            plane.origin[x] = 10.0 * x - 7.0 + 2.5 * n * normal[x];
        slices[n] = (kin_slice){.plane = plane, .columns = 20, .rows = 30, .number = (size_t)n};
    }
}

static void swap(kin_slice *a, kin_slice *b)
{
    kin_slice c = *a;
    *a = *b;
    *b = c;
}

static void test_order(void **state)
{
    (void)state;
    kin_slice slices[COUNT];
    kin_volume volume;
    kin_error err = {0};
    double centre[3];
    make_stack(slices);
    swap(&slices[0], &slices[5]);
    swap(&slices[1], &slices[3]);
    assert_int_equal(kin_slices_order(slices, COUNT, &volume, &err), KIN_OK);
    for (size_t n = 0; n < COUNT; n++)
        assert_int_equal(slices[n].number, n);
    assert_true(volume.size[0] == 20 && volume.size[1] == 30 && volume.size[2] == COUNT);
    assert_true(volume.spacing[0] == 0.5 && volume.spacing[1] == 0.75);
    assert_float_equal(volume.spacing[2], 2.5, 1e-9); /* what lies between, not the thickness */
    kin_volume_centre(&volume, (const int[3]){0, 0, 4}, centre);
    for (int x = 0; x < 3; x++)
        assert_float_equal(centre[x], slices[4].plane.origin[x], 1e-9);
    kin_plane plane;
    kin_volume_plane(&volume, 4, &plane);
    for (int x = 0; x < 3; x++) {
        assert_float_equal(plane.origin[x], slices[4].plane.origin[x], 1e-9);
        assert_float_equal(plane.along_column[x], slices[4].plane.along_column[x], 1e-9);
    }
}

static void expect_refused(kin_slice slices[COUNT], size_t count, kin_status status,
                           const char *word)
{
    kin_volume volume;
    kin_error err = {0};
    kin_status got = kin_slices_order(slices, count, &volume, &err);
    if (got != status || strstr(err.message, word) == NULL)
        fail_msg("%d, '%s' instead of '%s'", got, err.message, word);
}

static void test_refused(void **state)
{
    (void)state;
    kin_slice slices[COUNT];
    make_stack(slices);
    slices[2] = slices[5]; /* one missing, one twice */
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "one place");
    make_stack(slices);
    slices[2] = slices[5];
    expect_refused(slices, COUNT - 1, KIN_E_FORMAT, "missing: 1 between");
    make_stack(slices);
    slices[2].plane.origin[2] += 0.4;
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "not evenly spaced");
    make_stack(slices);
    slices[3].columns = 21;
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "different sizes");
    make_stack(slices);
    slices[3].plane.spacing_x_mm = 0.6;
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "pixels of different sizes");
    make_stack(slices);
    memcpy(slices[3].plane.along_column, (const double[3]){0, 1, 0}, 3 * sizeof(double));
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "orientations");
    make_stack(slices);
    slices[1].plane.known = false;
    expect_refused(slices, COUNT, KIN_E_FORMAT, "where it lies");
    make_stack(slices);
    for (int n = 0; n < COUNT; n++) /* moved on along the column from slice to slice */
        for (int x = 0; x < 3; x++)
            slices[n].plane.origin[x] += 0.8 * n * slices[n].plane.along_column[x];
    expect_refused(slices, COUNT, KIN_E_UNSUPPORTED, "tilted gantry");
    make_stack(slices);
    slices[0].plane.thickness_mm = 0.0;
    expect_refused(slices, 1, KIN_E_FORMAT, "how thick");
    expect_refused(slices, 0, KIN_E_NOT_FOUND, "no slices");
}

static void test_rounded_positions(void **state)
{
    (void)state;
    kin_slice slices[COUNT];
    kin_volume volume;
    make_stack(slices);
    for (int n = 0; n < COUNT; n++) /* as decimal strings of two places have them */
        for (int x = 0; x < 3; x++)
            slices[n].plane.origin[x] = round(slices[n].plane.origin[x] * 100.0) / 100.0;
    assert_int_equal(kin_slices_order(slices, COUNT, &volume, NULL), KIN_OK);
    assert_float_equal(volume.spacing[2], 2.5, 0.01);
}

static void test_single_slice(void **state)
{
    (void)state;
    kin_slice slices[COUNT];
    kin_volume volume;
    make_stack(slices);
    assert_int_equal(kin_slices_order(slices, 1, &volume, NULL), KIN_OK);
    assert_true(volume.spacing[2] == 3.0 && volume.size[2] == 1);
}

/* A mask written along other axes, and only of a part. */
static void test_onto(void **state)
{
    (void)state;
    kin_volume image, mask, laid;
    kin_error err = {0};
    assert_int_equal(kin_volume_init(&image, (const int[3]){5, 6, 7}, NULL), KIN_OK);
    assert_int_equal(kin_volume_init(&mask, (const int[3]){3, 4, 2}, NULL), KIN_OK);
    for (int a = 0; a < 3; a++)
        image.spacing[a] = 1.0 + a;
    /* mask's i runs along the image's k, its j against its i, its k along its j. */
    memset(mask.direction, 0, sizeof mask.direction);
    mask.direction[0][2] = 1.0;
    mask.direction[1][0] = -1.0;
    mask.direction[2][1] = 1.0;
    mask.spacing[0] = 3.0;
    mask.spacing[1] = 1.0;
    mask.spacing[2] = 2.0;
    memcpy(mask.origin, (const double[3]){4.0, 2.0, 6.0}, sizeof mask.origin); /* voxel (4,1,2) */
    for (size_t v = 0; v < kin_volume_count(&mask); v++)
        mask.voxels[v] = 1.0f + (float)v;
    assert_int_equal(kin_volume_onto(&mask, &image, &laid, &err), KIN_OK);
    size_t found = 0;
    for (size_t v = 0; v < kin_volume_count(&laid); v++)
        found += laid.voxels[v] != 0.0f;
    assert_int_equal(found, kin_volume_count(&mask));
    for (int k = 0; k < 2; k++)
        for (int j = 0; j < 4; j++)
            for (int i = 0; i < 3; i++)
                assert_true(laid.voxels[kin_volume_at(&laid, 4 - j, 1 + k, 2 + i)] ==
                            mask.voxels[kin_volume_at(&mask, i, j, k)]);
    kin_volume_release(&laid);

    mask.origin[0] += 0.3; /* between voxels */
    assert_int_equal(kin_volume_onto(&mask, &image, &laid, &err), KIN_E_FORMAT);
    mask.origin[0] -= 0.3;
    mask.spacing[1] = 2.0;
    assert_int_equal(kin_volume_onto(&mask, &image, &laid, &err), KIN_E_FORMAT);
    mask.spacing[1] = 1.0;
    mask.origin[1] = NAN;
    assert_int_equal(kin_volume_onto(&mask, &image, &laid, &err), KIN_E_FORMAT);
    assert_null(laid.voxels);
    kin_volume_release(&mask);
    kin_volume_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_rounded_positions),
                                       cmocka_unit_test(test_single_slice),
                                       cmocka_unit_test(test_onto)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
