/* kindred radiomics as a user has it: table, CSV and JSON, exit codes, help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <csv.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../radiomics/regions.h"
#include "run_program.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX], image_path[PATH_MAX], mask_path[PATH_MAX];

static void write_volume(const char *path, const kin_volume *volume)
{
    char bytes[1024];
    size_t count = kin_volume_count(volume);
    int length = snprintf(bytes, sizeof bytes,
                          "NRRD0004\ntype: uchar\ndimension: 3\nsizes: %d %d %d\n"
                          "spacings: 2 2 2\nencoding: raw\n\n",
                          volume->size[0], volume->size[1], volume->size[2]);
    for (size_t v = 0; v < count; v++)
        bytes[(size_t)length + v] = (char)volume->voxels[v];
    write_file(path, bytes, (size_t)length + count);
}

static int set_up(void **state)
{
    (void)state;
    kin_volume image, mask;
    temp_folder_make(folder);
    snprintf(image_path, sizeof image_path, "%.4000s/image.nrrd", folder);
    snprintf(mask_path, sizeof mask_path, "%.4000s/mask.nrrd", folder);
    phantom_make(&image, &mask);
    write_volume(image_path, &image);
    write_volume(mask_path, &mask);
    kin_volume_release(&image);
    kin_volume_release(&mask);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* The value in JSON that has the code and the aggregation. */
static const json_t *figure(const json_t *json, const char *code, const char *aggregation_code)
{
    size_t i;
    const json_t *is;
    json_array_foreach(json_object_get(json, "features"), i, is)
    {
        if (strcmp(json_string_value(json_object_get(is, "code")), code) == 0 &&
            strcmp(json_string_value(json_object_get(is, "aggregation_code")), aggregation_code) ==
                0)
            return json_object_get(is, "value");
    }
    fail_msg("there is no %s, %s", code, aggregation_code);
    return NULL;
}

/* Values of the reference manual, through files, another process and JSON. */
static void test_json(void **state)
{
    (void)state;
    run done = run_kindred("radiomics", image_path, mask_path, "--bin-width", "1", "--json", NULL);
    assert_int_equal(done.exit_code, 0);
    json_t *json = run_json(&done);
    assert_int_equal(json_integer_value(json_object_get(json, "voxels")), 74);
    assert_int_equal(json_integer_value(json_object_get(json, "grey_levels")), 6);
    assert_float_equal(json_real_value(figure(json, "RNU0", "DHQ4")), 556.0, 4.0);
    assert_float_equal(json_real_value(figure(json, "Q4LE", "DHQ4")), 2.15, 0.005);
    assert_float_equal(json_real_value(figure(json, "TU9B", "IAZD")), 2.57, 0.005);
    assert_float_equal(json_real_value(figure(json, "J17V", "KOBO")), 1490.0, 5.0);
    assert_float_equal(json_real_value(figure(json, "JA6D", "KOBO")), 0.736, 0.0005);
    json_decref(json);
    run_release(&done);
}

static void count_field(void *field, size_t size, void *ctx)
{
    (void)field;
    (void)size;
    ((size_t *)ctx)[0]++;
}

static void count_row(int ending, void *ctx)
{
    (void)ending;
    ((size_t *)ctx)[1]++;
}

static void test_csv_and_table(void **state)
{
    (void)state;
    struct csv_parser parser;
    size_t counts[2] = {0};
    run csv = run_kindred("radiomics", image_path, mask_path, "--2d", "--bins", "6", "--csv", NULL);
    assert_int_equal(csv.exit_code, 0);
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    assert_int_equal(csv_parse(&parser, csv.out, csv.out_size, count_field, count_row, counts),
                     csv.out_size);
    csv_fini(&parser, count_field, count_row, counts);
    csv_free(&parser);
    assert_true(counts[1] > 250); /* 2D has more ways to aggregate */
    assert_int_equal(counts[0], 6 * counts[1]);
    assert_non_null(strstr(csv.out, "glcm,joint_entropy,2.5D merged,ZW7Z,TU9B,2.6"));
    run table = run_kindred("radiomics", image_path, mask_path, NULL);
    assert_int_equal(table.exit_code, 0);
    assert_non_null(strstr(table.out, "74 voxels of 2 x 2 x 2 mm"));
    assert_non_null(strstr(table.out, "QCFX"));
    run_release(&csv);
    run_release(&table);
}

static void expect_exit(run done, int exit_code, const char *word)
{
    if (done.exit_code != exit_code || strstr(done.err, word) == NULL)
        fail_msg("exit code %d, %s", done.exit_code, done.err);
    assert_int_equal(done.out_size, 0);
    run_release(&done);
}

static void test_exit_codes(void **state)
{
    (void)state;
    expect_exit(run_kindred("radiomics", image_path, NULL), 2, "which mask");
    expect_exit(run_kindred("radiomics", image_path, mask_path, mask_path, NULL), 2, "one mask");
    expect_exit(run_kindred("radiomics", image_path, mask_path, "--bins", "0", NULL), 2, "--bins");
    expect_exit(
        run_kindred("radiomics", image_path, mask_path, "--bins", "9", "--bin-width", "2", NULL), 2,
        "not both");
    expect_exit(run_kindred("radiomics", image_path, mask_path, "--range", "5", NULL), 2,
                "LOW,HIGH");
    expect_exit(run_kindred("radiomics", image_path, mask_path, "--range", "5,4", NULL), 2,
                "LOW,HIGH");
    expect_exit(run_kindred("radiomics", image_path, mask_path, "--label", "7", NULL), 1,
                "no voxel has the label 7; there is 1");
    expect_exit(run_kindred("radiomics", image_path, "/nowhere.nrrd", NULL), 1, "/nowhere.nrrd");
    run help = run_kindred("radiomics", "--help", NULL);
    assert_int_equal(help.exit_code, 0);
    assert_non_null(strstr(help.out, "Examples:"));
    run_release(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json),
                                       cmocka_unit_test(test_csv_and_table),
                                       cmocka_unit_test(test_exit_codes)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
