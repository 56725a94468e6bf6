/* Stains estimated and exchanged, on mixtures whose stains are known and on real tissue. */
#include "image/stain.h"

#include <math.h>
#include <string.h>

#include "base/fs.h"
#include "image/read.h"
#include "shared_data.h"

static const kin_stain_basis known = {.direction = {{0.62f, 0.71f, 0.333f}, {0.12f, 0.93f, 0.347f}},
                                      .most = {0.9f, 0.6f}};

enum { SIDE = 64 };

/* Pixels of every mixture of the two stains: amounts run up to the largest along x and y. */
static kin_raster mixture(const kin_stain_basis *basis, bool only_one)
{
    kin_raster r;
    kin_error err;
    assert_int_equal(kin_raster_init(&r, SIDE, SIDE, 3, &err), KIN_OK);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                float h = basis->most[0] * (float)x / (SIDE - 1);
                float e = only_one ? 0 : basis->most[1] * (float)y / (SIDE - 1);
                r.px[(y * SIDE + x) * 3 + c] =
                    powf(10, -h * basis->direction[0][c] - e * basis->direction[1][c]);
            }
    return r;
}

static double angle(const float a[3], const float b[3])
{
    double dot = 0, aa = 0, bb = 0;
    for (int c = 0; c < 3; c++) {
        dot += (double)a[c] * (double)b[c];
        aa += (double)a[c] * (double)a[c];
        bb += (double)b[c] * (double)b[c];
    }
    return acos(fmin(1, dot / sqrt(aa * bb))) * 180 / 3.14159265358979;
}

static bool estimate(const kin_raster *r, kin_stain_basis *out)
{
    kin_stain_sample *sample;
    kin_error err;
    assert_int_equal(kin_stain_sample_new(&sample, &err), KIN_OK);
    kin_stain_sample_add(sample, r);
    bool found = kin_stain_estimate(sample, out);
    kin_stain_sample_free(sample);
    return found;
}

static void expect_basis(const kin_stain_basis *got, const kin_stain_basis *want, double degrees,
                         double part)
{
    for (int s = 0; s < 2; s++) {
        double apart = angle(got->direction[s], want->direction[s]);
        double off = fabs((double)got->most[s] / (double)want->most[s] - 1);
        if (!(apart <= degrees) || !(off <= part))
            fail_msg("stain %d: %.2f degrees and %.1f%% off", s, apart, off * 100);
    }
}

static void test_known_stains_are_found(void **state)
{
    (void)state;
    kin_raster r = mixture(&known, false);
    kin_stain_basis found;
    assert_true(estimate(&r, &found));
    expect_basis(&found, &known, 2, 0.05);
    kin_raster_release(&r);
}

static void test_amounts(void **state)
{
    (void)state;
    float rgb[3], amounts[2];
    for (int c = 0; c < 3; c++)
        rgb[c] = powf(10, -0.4f * known.direction[0][c] - 0.25f * known.direction[1][c]);
    kin_stain_basis unit = known;
    for (int s = 0; s < 2; s++) {
        float length = 0;
        for (int c = 0; c < 3; c++)
            length += unit.direction[s][c] * unit.direction[s][c];
        for (int c = 0; c < 3; c++)
            unit.direction[s][c] /= sqrtf(length);
    }
    kin_stain_amounts(&unit, rgb, amounts);
    assert_true(fabsf(amounts[0] - 0.4f) < 0.01f && fabsf(amounts[1] - 0.25f) < 0.01f);
}

static void test_normalised_slides_have_the_reference_stains(void **state)
{
    (void)state;
    kin_raster r = mixture(&known, false);
    kin_stain_basis found, after, reference = kin_stain_reference();
    assert_true(estimate(&r, &found));
    kin_stain_normalise(&r, &found, &reference);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        assert_true(r.px[i] > 0 && r.px[i] <= 1);
    assert_true(estimate(&r, &after));
    expect_basis(&after, &reference, 3, 0.06);
    kin_raster_release(&r);
}

static void test_the_same_stains_change_nothing(void **state)
{
    (void)state;
    kin_raster r = mixture(&known, false), same = mixture(&known, false);
    kin_stain_basis found;
    assert_true(estimate(&r, &found));
    kin_stain_normalise(&r, &found, &found);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        assert_true(fabsf(r.px[i] - same.px[i]) < 1e-5f);
    kin_raster_release(&r);
    kin_raster_release(&same);
}

static void test_too_little_to_tell(void **state)
{
    (void)state;
    kin_stain_basis found;
    kin_raster r = mixture(&known, true); /* one stain only */
    assert_false(estimate(&r, &found));
    for (int i = 0; i < SIDE * SIDE * 3; i++) /* glass, but for a few stained pixels */
        r.px[i] = i < 300 * 3 ? r.px[i] : 0.95f;
    assert_false(estimate(&r, &found));
    for (int i = 0; i < SIDE * SIDE * 3; i++) /* grey */
        r.px[i] = (float)(i / 3 % 7 + 1) / 10;
    assert_false(estimate(&r, &found));
    kin_raster_release(&r);
    kin_error err;
    assert_int_equal(kin_raster_init(&r, SIDE, SIDE, 1, &err), KIN_OK);
    assert_false(estimate(&r, &found));
    kin_raster_release(&r);
}

/* More pixels than are kept: those that stay are spread over all. */
static void test_a_large_sample(void **state)
{
    (void)state;
    kin_raster r = mixture(&known, false);
    kin_stain_sample *sample;
    kin_stain_basis found;
    kin_error err;
    assert_int_equal(kin_stain_sample_new(&sample, &err), KIN_OK);
    for (int i = 0; i < 80; i++)
        kin_stain_sample_add(sample, &r);
    assert_true(kin_stain_estimate(sample, &found));
    expect_basis(&found, &known, 2, 0.05);
    kin_stain_sample_free(sample);
    kin_raster_release(&r);
}

/* Pools every step-th picture of a set's manifest. */
static void measure(const char *set, int step, kin_stain_basis *out)
{
    char folder[512], path[2048], line[1024];
    kin_stain_sample *sample;
    kin_error err;
    shared_data(folder, sizeof folder, set);
    snprintf(path, sizeof path, "%s/manifest.csv", folder);
    FILE *manifest = fopen(path, "r");
    assert_non_null(manifest);
    assert_int_equal(kin_stain_sample_new(&sample, &err), KIN_OK);
    for (int i = 0; fgets(line, sizeof line, manifest) != NULL; i++) {
        void *bytes;
        size_t size;
        kin_raster r;
        if (i % step != 1)
            continue;
        line[strcspn(line, ",")] = '\0';
        snprintf(path, sizeof path, "%s/%s", folder, line);
        assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 26, &bytes, &size, &err),
                         KIN_OK);
        assert_int_equal(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &r, &err),
                         KIN_OK);
        kin_stain_sample_add(sample, &r);
        kin_raster_release(&r);
        free(bytes);
    }
    fclose(manifest);
    assert_true(kin_stain_estimate(sample, out));
    kin_stain_sample_free(sample);
}

static void test_the_reference_is_measured(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int step;
    } sets[] = {{"breast-idc", 9}, {"lung-histology", 10}, {"organs-histology", 4}};
    kin_stain_basis mean = {0}, reference = kin_stain_reference();
    for (int i = 0; i < 3; i++) {
        kin_stain_basis found;
        measure(sets[i].set, sets[i].step, &found);
        for (int s = 0; s < 2; s++) {
            mean.most[s] += found.most[s] / 3;
            for (int c = 0; c < 3; c++)
                mean.direction[s][c] += found.direction[s][c] / 3;
        }
    }
    expect_basis(&mean, &reference, 3, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_stains_are_found),
        cmocka_unit_test(test_amounts),
        cmocka_unit_test(test_normalised_slides_have_the_reference_stains),
        cmocka_unit_test(test_the_same_stains_change_nothing),
        cmocka_unit_test(test_too_little_to_tell),
        cmocka_unit_test(test_a_large_sample),
        cmocka_unit_test(test_the_reference_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
