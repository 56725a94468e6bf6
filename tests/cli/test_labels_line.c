/* The one column of labels: the diagnosis first, words before numbers, no headers of DICOM
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "labels_line.h"

static void assert_line(kin_label *labels, size_t count, const char *expected)
{
    const kin_record record = {.labels = labels, .label_count = count};
    char *line = kin_labels_line(&record);
    assert_non_null(line);
    assert_string_equal(line, expected);
    free(line);
}

static void test_order(void **unused)
{
    (void)unused;
    kin_label labels[] = {
        {"accession", "A-7"}, {"diagnosis", "glioma"}, {"grade", "4"}, {"treatment", "resection"}};
    assert_line(labels, 4, "glioma, treatment=resection, accession=A-7, grade=4");
}

static void test_without_diagnosis_or_labels(void **unused)
{
    (void)unused;
    kin_label labels[] = {{"side", "left"}};
    assert_line(labels, 1, "side=left");
    assert_line(NULL, 0, "");
}

/* The first, the last and some others of the list: its order is what bsearch relies on. */
static void test_headers_are_left_out(void **unused)
{
    (void)unused;
    kin_label labels[] = {
        {"accession_number", "x"}, {"bits_stored", "12"},   {"diagnosis", "normal"},
        {"format", "dicom"},       {"image_type", "AXIAL"}, {"kvp", "120"},
        {"patient_sex", "F"},      {"pixel_spacing", "1"},  {"rows", "64"},
        {"sop_class_uid", "1.2"},  {"window_width", "400"}, {"x_ray_tube_current", "9"}};
    assert_line(labels, sizeof labels / sizeof labels[0], "normal, patient_sex=F");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_without_diagnosis_or_labels),
        cmocka_unit_test(test_headers_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
