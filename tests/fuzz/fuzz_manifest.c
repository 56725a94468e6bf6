/*
 * Manifests: tables of odd values, written by RFC 4180's rules, must be read as they are; the same
 * files damaged must be read as some table, or refused with the line.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/manifest.h"
#include "mutate.h"
#include "random.h"
#include "temp_folder.h"
#include "write_file.h"

enum { COLUMNS_MAX = 8, ROWS_MAX = 12, VALUE_MAX = 64, ITERATIONS = 12000 };

static char folder[PATH_MAX], csv[PATH_MAX];

/* rows[0] is the header; column 0 is the path, which is never empty. */
struct table {
    size_t columns, rows;
    char cells[ROWS_MAX + 1][COLUMNS_MAX][VALUE_MAX];
};

static void odd_value(uint64_t *random, char value[VALUE_MAX])
{
    static const char *const pieces[] = {"a",  "glioma", "\"", ",",  "\n",       "\r\n", " ",
                                         "\t", "é",      ";",  "'",  "\xff\xfe", "/",    "..",
                                         "0",  "path",   "=",  "\r", "\"\""};
    size_t used = 0;
    value[0] = '\0';
    for (size_t n = random_bits(random) % 5; n > 0; n--)
        used += (size_t)snprintf(value + used, VALUE_MAX - used, "%s",
                                 pieces[random_bits(random) % (sizeof pieces / sizeof pieces[0])]);
}

static void random_table(uint64_t *random, struct table *table)
{
    table->columns = 1 + random_bits(random) % COLUMNS_MAX;
    table->rows = random_bits(random) % (ROWS_MAX + 1);
    for (size_t row = 0; row <= table->rows; row++) {
        for (size_t column = 0; column < table->columns; column++) {
            char *value = table->cells[row][column];
            odd_value(random, value);
            if (row == 0)
                snprintf(value, VALUE_MAX, column == 0 ? "path" : "c%zu", column);
            else if (column == 0)
                snprintf(value, VALUE_MAX, "file%llu.png",
                         (unsigned long long)(random_bits(random) % 8));
        }
    }
}

/* RFC 4180 section 2: fields in quotes, quotes doubled. */
static sample written(const struct table *table, bool crlf)
{
    sample s = {0};
    FILE *out = open_memstream((char **)&s.bytes, &s.size);
    FUZZ_CHECK(out != NULL);
    for (size_t row = 0; row <= table->rows; row++) {
        for (size_t column = 0; column < table->columns; column++) {
            fputs(column > 0 ? ",\"" : "\"", out);
            for (const char *at = table->cells[row][column]; *at != '\0'; at++)
                fprintf(out, *at == '"' ? "\"\"" : "%c", *at);
            fputc('"', out);
        }
        fputs(crlf ? "\r\n" : "\n", out);
    }
    FUZZ_CHECK(fclose(out) == 0);
    return s;
}

static void check_equal(const kin_manifest *manifest, const struct table *table)
{
    FUZZ_CHECK(kin_manifest_rows(manifest) == table->rows);
    FUZZ_CHECK(kin_manifest_columns(manifest) == table->columns);
    for (size_t column = 0; column < table->columns; column++) {
        FUZZ_CHECK(strcmp(kin_manifest_column_borrow(manifest, column), table->cells[0][column]) ==
                   0);
        for (size_t row = 0; row < table->rows; row++)
            FUZZ_CHECK(strcmp(kin_manifest_value_borrow(manifest, row, column),
                              table->cells[row + 1][column]) == 0);
    }
}

/* What holds for every manifest, whatever it was read from. */
static void check_sound(const kin_manifest *manifest)
{
    int path = kin_manifest_find_column(manifest, "path");
    FUZZ_CHECK(path >= 0 && (size_t)path < kin_manifest_columns(manifest));
    FUZZ_CHECK(kin_manifest_columns(manifest) <= KIN_MANIFEST_COLUMNS_MAX);
    for (size_t row = 0; row < kin_manifest_rows(manifest); row++) {
        for (size_t column = 0; column < kin_manifest_columns(manifest); column++)
            FUZZ_CHECK(strlen(kin_manifest_value_borrow(manifest, row, column)) <=
                       KIN_MANIFEST_FIELD_MAX);
        const char *file = kin_manifest_path_borrow(manifest, row);
        long found = kin_manifest_find_path(manifest, file);
        FUZZ_CHECK(found >= (long)row); /* the last row about a file wins */
        FUZZ_CHECK(strcmp(kin_manifest_path_borrow(manifest, (size_t)found), file) == 0);
    }
    FUZZ_CHECK(kin_manifest_find_path(manifest, "/no/such/file") == -1);
}

static kin_status read_bytes(const sample *bytes, kin_manifest **out, kin_error *err)
{
    unlink(
        csv); /* a file anew: some file systems wait for the disk when one is cut and rewritten */
    write_file(csv, bytes->bytes, bytes->size);
    return kin_manifest_read(csv, out, err);
}

static bool try_manifest(void *ctx, uint64_t seed)
{
    static struct table table, other;
    uint64_t random = seed;
    kin_manifest *manifest = NULL;
    kin_error err = {0};
    (void)ctx;
    random_table(&random, &table);
    random_table(&random, &other);
    sample good = written(&table, seed % 2 == 0), with = written(&other, seed % 3 == 0);
    FUZZ_CHECK(read_bytes(&good, &manifest, &err) == KIN_OK);
    check_equal(manifest, &table);
    check_sound(manifest);
    kin_manifest_free(manifest);

    sample damaged = mutate(&random, &good, &with);
    kin_status status = read_bytes(&damaged, &manifest, &err);
    if (status == KIN_OK) {
        check_sound(manifest);
        kin_manifest_free(manifest);
    } else {
        FUZZ_CHECK(status == KIN_E_FORMAT || status == KIN_E_LIMIT);
        FUZZ_CHECK(strcmp(err.subject, csv) == 0);
        FUZZ_CHECK(strstr(err.message, "line ") != NULL || strstr(err.message, "empty") != NULL);
    }
    free(damaged.bytes);
    free(good.bytes);
    free(with.bytes);
    return status == KIN_OK;
}

static void fuzz_manifests(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(csv, sizeof csv, "%.4000s/manifest.csv", folder);
    fuzz_tally tally = fuzz_run("manifest", try_manifest, NULL, ITERATIONS);
    temp_folder_remove(folder);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_manifests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
