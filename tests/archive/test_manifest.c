/* CSV manifests, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "archive/manifest.h"
#include "random.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX], csv[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(csv, sizeof csv, "%.4000s/manifest.csv", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static kin_manifest *read_text(const char *text)
{
    kin_error err;
    kin_manifest *manifest = NULL;
    write_file(csv, text, strlen(text));
    assert_int_equal(kin_manifest_read(csv, &manifest, &err), KIN_OK);
    return manifest;
}

static void test_rows_columns_and_values(void **state)
{
    (void)state;
    kin_manifest *manifest = read_text("\xEF\xBB\xBFpath,diagnosis,note\r\n"
                                       "a.png,glioma,\"says \"\"large\"\", twice\"\r\n"
                                       "\r\n"
                                       "b c.png,none\r\n"
                                       "\"d\ne.png\",,x");
    assert_int_equal(kin_manifest_columns(manifest), 3);
    assert_int_equal(kin_manifest_rows(manifest), 3);
    assert_string_equal(kin_manifest_column_borrow(manifest, 0), "path");
    assert_int_equal(kin_manifest_find_column(manifest, "note"), 2);
    assert_int_equal(kin_manifest_find_column(manifest, "Note"), -1);
    assert_string_equal(kin_manifest_value_borrow(manifest, 0, 2), "says \"large\", twice");
    assert_string_equal(kin_manifest_value_borrow(manifest, 1, 0), "b c.png");
    assert_string_equal(kin_manifest_value_borrow(manifest, 1, 2), ""); /* a short row */
    assert_string_equal(kin_manifest_value_borrow(manifest, 2, 0), "d\ne.png");
    kin_manifest_free(manifest);
}

static void test_paths_are_resolved_from_the_csvs_folder(void **state)
{
    (void)state;
    char path[PATH_MAX], link[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/real.png", folder);
    fclose(fopen(path, "w"));
    snprintf(link, sizeof link, "%.4000s/link.png", folder);
    assert_int_equal(symlink("real.png", link), 0);
    kin_manifest *manifest = read_text("diagnosis,path\nfirst,link.png\nabsent,no/such.png\n"
                                       "second,./real.png\n");
    assert_string_equal(kin_manifest_path_borrow(manifest, 0), path);
    assert_int_equal(kin_manifest_find_path(manifest, path), 2); /* the last row about it wins */
    snprintf(path, sizeof path, "%.4000s/no/such.png", folder);
    assert_int_equal(kin_manifest_find_path(manifest, path), 1);
    assert_int_equal(kin_manifest_find_path(manifest, "real.png"), -1);
    kin_manifest_free(manifest);
}

static void test_bad_manifests_name_the_line(void **state)
{
    (void)state;
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", "empty"},
        {"file,diagnosis\na,b\n", "no column `path`"},
        {"path,diagnosis\na,b\nc,d,e\n", "line 3"},
        {"path,diagnosis\na,\"b\n", "line 2"},
        {"path\na\"b\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_error err;
        kin_manifest *manifest = NULL;
        write_file(csv, cases[i].text, strlen(cases[i].text));
        assert_int_equal(kin_manifest_read(csv, &manifest, &err), KIN_E_FORMAT);
        assert_null(manifest);
        assert_string_equal(err.subject, csv);
        assert_non_null(strstr(err.message, cases[i].says));
    }
    kin_error err;
    kin_manifest *manifest = NULL;
    assert_int_equal(kin_manifest_read("/no/such.csv", &manifest, &err), KIN_E_NOT_FOUND);
}

static void test_bounds_hold(void **state)
{
    (void)state;
    kin_error err;
    kin_manifest *manifest = NULL;
    size_t size = KIN_MANIFEST_FIELD_MAX + 100;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text, "path\n", 5);
    write_file(csv, text, size);
    assert_int_equal(kin_manifest_read(csv, &manifest, &err), KIN_E_LIMIT);
    memset(text, ',', size); /* more columns than any manifest has */
    write_file(csv, text, size);
    assert_int_equal(kin_manifest_read(csv, &manifest, &err), KIN_E_FORMAT);
    free(text);
}

/* Bytes of all kinds end in a manifest or an error, never in a crash. */
static void test_mutated_manifests(void **state)
{
    (void)state;
    static const char seed[] = "path,diagnosis,\"no\"\"te\"\na.png,\"x,y\",1\nb.png,,\"\nq\"\n";
    static const char odd[] = "\",\n\r\0\xFF a";
    uint64_t random = 7;
    for (int round = 0; round < 3000; round++) {
        char text[sizeof seed];
        memcpy(text, seed, sizeof seed);
        for (int i = 0; i < 3; i++) {
            uint64_t change = random_bits(&random);
            text[(change >> 32) % (sizeof seed - 1)] = odd[(change & 0xFFFF) % (sizeof odd - 1)];
        }
        kin_error err;
        kin_manifest *manifest = NULL;
        write_file(csv, text, sizeof seed - 1);
        if (kin_manifest_read(csv, &manifest, &err) == KIN_OK) {
            assert_true(kin_manifest_find_column(manifest, "path") >= 0);
            for (size_t row = 0; row < kin_manifest_rows(manifest); row++)
                assert_non_null(kin_manifest_path_borrow(manifest, row));
        } else {
            assert_true(err.message[0] != '\0');
        }
        kin_manifest_free(manifest);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rows_columns_and_values),     TEST(test_paths_are_resolved_from_the_csvs_folder),
        TEST(test_bad_manifests_name_the_line), TEST(test_bounds_hold),
        TEST(test_mutated_manifests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
