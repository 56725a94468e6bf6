/* The quality that was promised, on brain MR slices and breast patches. */
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
    /* Of the model that serves, near-duplicates and all: what `kindred search` finds. */
    done = run_kindred("-a", archive, "eval", "--json", "--manifest", thin, "--model", "serving",
                       "--folds", "1", "--keep-near-duplicates", "--leave-out", leave_out, NULL);
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
    json_t *report = evaluate("brain-mri", "none");
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
        TEST(test_brain_mr_is_found_as_promised),
        TEST(test_breast_patches_across_patients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
