/* Ingest and retrieval on real images: counts, reasons, and the quality that was promised. */
#include "shared_data.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "run_program.h"
#include "temp_folder.h"

#ifdef KIN_SANITIZE
enum { EVERY = 12 }; /* rows of a manifest that are used: sanitized decoding is slow */
#else
enum { EVERY = 1 };
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

static long count_of(const json_t *object, const char *key)
{
    return (long)json_integer_value(json_object_get(object, key));
}

static void assert_sound(void)
{
    run done = run_kindred("-a", archive, "verify", NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
}

static void test_dicom_files_of_every_kind(void **state)
{
    (void)state;
    char data[PATH_MAX];
    static const char *const broken[] = {"MR_truncated.dcm", "rtplan_truncated.dcm", "no_meta.dcm",
                                         "emri_small_jpeg_2k_lossless_too_short.dcm"};
    static const struct {
        const char *reason;
        long files;
    } reasons[] = {{"Segmentation", 19},      {"RT Dose", 7}, {"Comprehensive SR", 2},
                   {"RT Structure Set", 2},   {"RT Plan", 2}, {"Basic Text SR", 2},
                   {"Comprehensive 3D SR", 2}};
    shared_data(data, sizeof data, "dicom");
    run done = run_kindred("-a", archive, "ingest", data, "--json", "--no-reindex", NULL);
    json_t *summary = run_json(&done);
    assert_int_equal(done.exit_code, 1); /* some files failed, and it says so */
    assert_int_equal(count_of(summary, "files"), 283);
    assert_int_equal(count_of(summary, "skipped"), 50);
    assert_int_equal(count_of(summary, "failed"), 4);
    assert_int_equal(count_of(summary, "stored") + count_of(summary, "duplicate") +
                         count_of(summary, "updated") + count_of(summary, "replaced"),
                     229);
    assert_int_equal(count_of(summary, "worker_restarts"), 0);
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        assert_int_equal(count_of(json_object_get(summary, "reasons"), reasons[i].reason),
                         reasons[i].files);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_non_null(strstr(done.err, broken[i]));
    json_decref(summary);
    run_release(&done);
    assert_sound();
}

static void test_an_instance_again_and_in_another_encoding(void **state)
{
    (void)state;
    char data[PATH_MAX];
    static const struct {
        const char *file, *outcome;
    } steps[] = {
        {"dicom/pydicom/MR_small.dcm", "stored"},      {"dicom/pydicom/MR_small.dcm", "duplicate"},
        {"dicom/pydicom/MR_small_RLE.dcm", "updated"}, /* the same picture, other bytes */
        {"dicom/pydicom/emri_small.dcm", "stored"},    {"dicom/datalad-7t-head", "stored"},
        {"dicom/datalad-7t-head", "duplicate"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        shared_data(data, sizeof data, steps[i].file);
        run done = run_kindred("-a", archive, "ingest", data, "--json", "--no-reindex", NULL);
        assert_int_equal(done.exit_code, 0);
        json_t *summary = run_json(&done);
        assert_int_equal(count_of(summary, steps[i].outcome), count_of(summary, "files"));
        json_decref(summary);
        run_release(&done);
    }
    assert_sound();
}

static void test_every_frame_is_an_image(void **state)
{
    (void)state;
    char data[PATH_MAX];
    shared_data(data, sizeof data, "dicom/pydicom/emri_small.dcm");
    run done = run_kindred("-a", archive, "ingest", data, "--no-reindex", NULL);
    run_release(&done);
    done = run_kindred("-a", archive, "search", data, "--frame", "6", "-k", "100", "--json", NULL);
    json_t *answer = run_json(&done);
    const json_t *results = json_object_get(answer, "results");
    assert_int_equal(json_array_size(results), 10);
    assert_int_equal(count_of(json_array_get(results, 0), "frame"), 6);
    json_decref(answer);
    run_release(&done);
}

/* Lays a link to the file of a manifest's row into `input`. */
static void link_row(const char *data, const char *line, long row, const char *input)
{
    char target[PATH_MAX], link[PATH_MAX];
    int path_length = (int)strcspn(line, ",");
    snprintf(target, sizeof target, "%.3000s/%.*s", data, path_length, line);
    snprintf(link, sizeof link, "%.3000s/%ld", input, row);
    assert_int_equal(symlink(target, link), 0);
}

/* A manifest of every EVERY-th row of another, with absolute paths, and a folder of links to their
 * files; both in the test's own folder. */
static void thin_out(const char *data, char thin[PATH_MAX], char input[PATH_MAX])
{
    char path[PATH_MAX];
    char *line = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%.4000s/manifest.csv", data);
    snprintf(thin, PATH_MAX, "%.4000s/manifest.csv", folder);
    snprintf(input, PATH_MAX, "%.4000s/input", folder);
    assert_int_equal(mkdir(input, 0777), 0);
    FILE *from = fopen(path, "r"), *to = fopen(thin, "w");
    assert_non_null(from);
    assert_non_null(to);
    for (long row = 0; getline(&line, &size, from) > 0; row++) {
        if (row == 0) {
            fputs(line, to);
        } else if (row % EVERY == 0) {
            fprintf(to, "%s/%s", data, line);
            link_row(data, line, row, input);
        }
    }
    free(line);
    fclose(from);
    fclose(to);
}

/* Ingests what the thinned manifest names, and evaluates it. */
static json_t *evaluate(const char *name, const char *leave_out)
{
    char data[PATH_MAX], thin[PATH_MAX], input[PATH_MAX], resolved[PATH_MAX];
    shared_data(data, sizeof data, name);
    assert_non_null(realpath(data, resolved));
    thin_out(resolved, thin, input);
    run done = run_kindred("-a", archive, "ingest", input, "--manifest", thin, NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    done = run_kindred("-a", archive, "eval", "--json", "--manifest", thin,
                       leave_out != NULL ? "--leave-out" : NULL, leave_out, NULL);
    assert_int_equal(done.exit_code, 0);
    json_t *report = run_json(&done);
    run_release(&done);
    return report;
}

static void assert_at_least(const json_t *report, const char *measure, double bound)
{
    double value = json_number_value(json_object_get(report, measure));
    print_message("%s %.4f (bound %.2f)\n", measure, value, bound);
    assert_true(value >= bound);
}

static void test_brain_mr_is_found_as_promised(void **state)
{
    (void)state;
    json_t *report = evaluate("brain-mri", NULL);
    /* Thinned out, the near neighbours of most slices are gone. */
    assert_at_least(report, "p_at_1", EVERY == 1 ? 0.90 : 0.50);
    assert_at_least(report, "p_at_10", EVERY == 1 ? 0.72 : 0.40);
    assert_at_least(report, "map", EVERY == 1 ? 0.36 : 0.33);
    json_decref(report);
}

static void test_breast_patches_across_patients(void **state)
{
    (void)state;
    json_t *report = evaluate("breast-idc", "patient_id");
    assert_at_least(report, "p_at_1", EVERY == 1 ? 0.70 : 0.55);
    json_decref(report);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_dicom_files_of_every_kind),
        TEST(test_an_instance_again_and_in_another_encoding),
        TEST(test_every_frame_is_an_image),
        TEST(test_brain_mr_is_found_as_promised),
        TEST(test_breast_patches_across_patients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
