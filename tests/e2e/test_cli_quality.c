/* Retrieval on the smaller sets of real images, each against what chance would give.  (Brain MRI
 * and breast patches have their promised figures in test_promised_quality.c.) */
#include "shared_data.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli_asking.h"
#include "temp_folder.h"

#ifdef KIN_SANITIZE
enum { SANITIZED = 1 }; /* decoding is slow then: the small sets only */
#else
enum { SANITIZED = 0 };
#endif

static char folder[PATH_MAX], archive[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* How often a random other image is of the query's class. */
static double chance(const json_t *report)
{
    double images = (double)number_of(report, "database"), same = 0;
    const char *name;
    json_t *one;
    json_object_foreach(json_object_get(report, "per_class"), name, one)
    {
        double size = (double)number_of(one, "size");
        same += size * (size - 1);
    }
    return same / (images * (images - 1));
}

/* A set, and the bound of P@1, below what was measured by about the half of its 95% interval. */
struct set {
    const char *name, *leave_out;
    long long images, duplicates;
    double p_at_1;
};

static void check_set(const struct set *set)
{
    char data[PATH_MAX], manifest[PATH_MAX];
    shared_data(data, sizeof data, set->name);
    snprintf(manifest, sizeof manifest, "%.4000s/manifest.csv", data);
    json_t *summary = ask(archive, 0, "ingest", data, "--manifest", manifest, NULL);
    assert_int_equal(number_of(summary, "images"), set->images);
    json_t *report =
        ask(archive, 0, "eval", "--manifest", manifest, "--model", "serving", "--folds", "1",
            "--keep-near-duplicates", "--leave-out", set->leave_out, NULL);
    double found = real_of(report, "p_at_1");
    print_message("%s: P@1 %.4f (bound %.2f, chance %.2f)\n", set->name, found, set->p_at_1,
                  chance(report));
    assert_int_equal(number_of(report, "database"), set->images);
    assert_int_equal(number_of(report, "duplicates"), set->duplicates);
    assert_true(found >= set->p_at_1);
    const json_t *interval = json_object_get(json_object_get(report, "intervals"), "p_at_1");
    assert_true(json_number_value(json_array_get(interval, 0)) > chance(report));
    json_decref(report);
    json_decref(summary);
}

static void test_organs_across_patients(void **state)
{
    (void)state;
    check_set(&(struct set){"organs-histology", "patient_id", 60, 0, 0.45}); /* 0.57 */
}

static void test_mammograms_across_patients(void **state)
{
    (void)state;
    check_set(&(struct set){"mammography", "patient_id", 144, 0, 0.40}); /* 0.49 */
}

static void test_breast_ultrasound(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    check_set(&(struct set){"breast-ultrasound", "none", 250, 0, 0.61}); /* 0.68 */
}

static void test_lung_histology(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    check_set(&(struct set){"lung-histology", "none", 717, 3, 0.93}); /* 0.96: near duplicates */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_organs_across_patients),
        TEST(test_mammograms_across_patients),
        TEST(test_breast_ultrasound),
        TEST(test_lung_histology),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
