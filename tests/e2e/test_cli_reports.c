/* What the program writes for others to read - exports, evaluations, exit codes, help - and what
 * it says of archives that cannot be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <csv.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_asking.h"
#include "run_program.h"
#include "temp_folder.h"
#include "write_file.h"

#define SAMPLES     KIN_TEST_SOURCE_DIR "/data-samples"
#define MANIFEST    SAMPLES "/manifest.csv"
#define FIRST       SAMPLES "/SYN-0001/study-1/series-1/image-1.dcm"
#define SECOND      SAMPLES "/SYN-0002/study-1/series-1/image-1.dcm"
#define THIRD       SAMPLES "/SYN-0005/study-1/series-1/image-1.dcm" /* six frames */
#define NO_INSTANCE "1.2.3.4"

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

static void in_folder(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%.4000s/%s", folder, name);
}

/* Writes a text file into the test's folder; its path. */
static const char *write_text(char path[PATH_MAX], const char *name, const char *text)
{
    in_folder(path, name);
    write_file(path, text, strlen(text));
    return path;
}

/* --- CSV, read back by libcsv --- */

/* The rows of a CSV text, as a JSON array of arrays of texts. */
struct reading {
    json_t *rows, *row;
};

static void on_field(void *field, size_t size, void *ctx)
{
    struct reading *reading = ctx;
    if (reading->row == NULL)
        reading->row = json_array();
    json_array_append_new(reading->row, json_stringn(field, size));
}

static void on_row(int ending, void *ctx)
{
    struct reading *reading = ctx;
    (void)ending;
    json_array_append_new(reading->rows, reading->row);
    reading->row = NULL;
}

static json_t *csv_rows(const char *text, size_t size)
{
    struct reading reading = {.rows = json_array()};
    struct csv_parser parser;
    assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI), 0);
    assert_int_equal(csv_parse(&parser, text, size, on_field, on_row, &reading), size);
    assert_int_equal(csv_fini(&parser, on_field, on_row, &reading), 0);
    csv_free(&parser);
    return reading.rows;
}

static json_t *exported_csv(const char *where)
{
    run done = run_kindred("-a", archive, "export", "--where", where, NULL);
    assert_int_equal(done.exit_code, 0);
    json_t *rows = csv_rows(done.out, done.out_size);
    run_release(&done);
    return rows;
}

/* The text of a record's attribute or label; "" where it has none. */
static void value_of(const json_t *record, const char *name, char *text, size_t size)
{
    const json_t *value = json_object_get(record, name);
    if (strcmp(name, "region") == 0) /* an object, or null for the whole image: its number, or 0 */
        snprintf(text, size, "%lld",
                 (long long)json_integer_value(json_object_get(value, "number")));
    else if (json_is_integer(value))
        snprintf(text, size, "%lld", (long long)json_integer_value(value));
    else
        snprintf(text, size, "%s",
                 value != NULL ? json_string_value(value) : label_of(record, name));
}

/* Asserts that the CSV has a row for each record and in it all that the record has. */
static void check_csv(const json_t *rows, const json_t *records)
{
    const json_t *names = json_array_get(rows, 0);
    size_t i, column;
    json_t *record, *name;
    assert_int_equal(json_array_size(rows), json_array_size(records) + 1);
    json_array_foreach(records, i, record)
    {
        const json_t *row = json_array_get(rows, i + 1);
        size_t labels = 0;
        assert_int_equal(json_array_size(row), json_array_size(names));
        json_array_foreach(names, column, name)
        {
            char text[512];
            value_of(record, json_string_value(name), text, sizeof text);
            assert_string_equal(json_string_value(json_array_get(row, column)), text);
            labels += label_of(record, json_string_value(name))[0] != '\0';
        }
        assert_int_equal(labels, json_object_size(json_object_get(record, "labels")));
    }
}

static void test_csv_and_ndjson_say_the_same(void **state)
{
    (void)state;
    char manifest[PATH_MAX], file[PATH_MAX];
    write_text(manifest, "odd.csv",
               "path,note,\"a, b\",Größe\r\n" FIRST ",\"He said \"\"no\"\", twice\",1,klein\r\n"
               "\"" SECOND "\",\"two\nlines\",=1+1,\"'\"\r\n" THIRD ",\" blank before\",,groß\r\n");
    json_t *summary = ask(archive, 0, "ingest", FIRST, SECOND, THIRD, "--manifest", manifest, NULL);
    assert_int_equal(number_of(summary, "images"), 4); /* two, and the slide's two tiles */
    json_decref(summary);
    json_t *records = exported_records(archive, NULL);
    json_t *rows = exported_csv("modality != nothing");
    check_csv(rows, records);
    json_decref(rows);
    json_t *said = exported_records(archive, "note = 'He said \"no\", twice'");
    assert_int_equal(json_array_size(said), 1);
    assert_string_equal(label_of(json_array_get(said, 0), "a, b"), "1");
    json_decref(said);
    said = exported_records(archive, "\"a, b\" = '=1+1'");
    assert_int_equal(json_array_size(said), 1);
    assert_string_equal(label_of(json_array_get(said, 0), "note"), "two\nlines");
    json_decref(said);
    rows = exported_csv("Größe = groß");
    assert_int_equal(json_array_size(rows), 2 + 1);
    json_decref(rows);
    in_folder(file, "out.csv");
    tell(archive, 0, NULL, "export", "-o", file, NULL);
    run printed = run_kindred("-a", archive, "export", NULL);
    FILE *written = fopen(file, "rb");
    char *text = calloc(1, printed.out_size + 2);
    assert_non_null(written);
    assert_int_equal(fread(text, 1, printed.out_size + 1, written), printed.out_size);
    assert_memory_equal(text, printed.out, printed.out_size);
    free(text);
    fclose(written);
    run_release(&printed);
    json_decref(records);
}

static void test_a_new_manifest_renews_the_labels(void **state)
{
    (void)state;
    char manifest[PATH_MAX];
    write_text(manifest, "m.csv",
               "path,diagnosis,outcome\n" FIRST ",cyst,\n" SECOND ",glioma,well\n");
    json_decref(ask(archive, 0, "ingest", FIRST, SECOND, "--manifest", manifest, NULL));
    write_text(manifest, "m.csv",
               "path,diagnosis,outcome\n" FIRST ",nodule,remission\n" SECOND ",glioma,well\n");
    json_t *summary = ask(archive, 0, "ingest", FIRST, SECOND, "--manifest", manifest, NULL);
    assert_int_equal(number_of(summary, "updated"), 1);
    assert_int_equal(number_of(summary, "duplicate"), 1);
    assert_int_equal(number_of(summary, "images"), 0);
    json_decref(summary);
    json_t *old = exported_records(archive, "diagnosis = cyst");
    json_t *new = exported_records(archive, "diagnosis = nodule and outcome = remission");
    assert_int_equal(json_array_size(old), 0);
    assert_int_equal(json_array_size(new), 1);
    assert_string_equal(text_of(json_array_get(new, 0), "path"), FIRST);
    json_decref(new);
    json_decref(old);
    tell(archive, 0, "sound", "verify", NULL);
}

/* --- evaluation --- */

static const char *const measures[] = {"p_at_1",    "p_at_5",     "p_at_10", "mmv_at_5", "map",
                                       "map_at_10", "ndcg_at_10", "f1_at_1", "f1_at_3",  "f1_at_5"};
enum { MEASURES = sizeof measures / sizeof measures[0] };

static void check_measures(const json_t *report)
{
    const json_t *intervals = json_object_get(report, "intervals");
    assert_int_equal(json_object_size(intervals), MEASURES);
    for (size_t i = 0; i < MEASURES; i++) {
        double value = real_of(report, measures[i]);
        const json_t *interval = json_object_get(intervals, measures[i]);
        assert_int_equal(json_array_size(interval), 2);
        double low = json_number_value(json_array_get(interval, 0));
        double high = json_number_value(json_array_get(interval, 1));
        assert_true(0 <= low && low <= value && value <= high && high <= 1);
    }
}

/* Asserts that the classes' queries, and those of the table of confusions, add up to all. */
static void check_sums(const json_t *report)
{
    const char *name, *other;
    json_t *one, *row, *count;
    long long queries = 0, images = 0, confused = 0;
    json_object_foreach(json_object_get(report, "per_class"), name, one)
    {
        check_measures(one);
        queries += number_of(one, "queries");
        images += number_of(one, "size");
    }
    json_object_foreach(json_object_get(report, "confusion"), name, row)
        json_object_foreach(row, other, count) confused += json_integer_value(count);
    assert_int_equal(queries, number_of(report, "queries"));
    assert_int_equal(images, number_of(report, "database"));
    assert_int_equal(confused, number_of(report, "queries"));
}

/* Every image against all others, by the archive's model. */
#define ALL_OTHERS "--model", "serving", "--folds", "1", "--leave-out"

static void test_evaluation(void **state)
{
    (void)state;
    char queries[PATH_MAX];
    json_t *summary = ask(archive, 0, "ingest", SAMPLES, "--manifest", MANIFEST, NULL);
    long long images = number_of(summary, "images");
    json_decref(summary);
    json_t *report = ask(archive, 0, "eval", "--manifest", MANIFEST, ALL_OTHERS, "none",
                         "--keep-near-duplicates", NULL);
    json_t *again = ask(archive, 0, "eval", "--manifest", MANIFEST, ALL_OTHERS, "none",
                        "--keep-near-duplicates", NULL);
    assert_true(json_equal(report, again)); /* the same seed, whatever the threads do */
    json_decref(again);
    assert_int_equal(number_of(report, "queries"), images);
    assert_int_equal(number_of(report, "database"), images);
    assert_int_equal(number_of(report, "missing"), 0);
    assert_int_equal(number_of(report, "described"), 0);
    check_measures(report);
    check_sums(report);
    json_t *others =
        ask(archive, 0, "eval", "--manifest", MANIFEST, ALL_OTHERS, "patient_id", NULL);
    check_sums(others);
    assert_string_equal(text_of(others, "leave_out"), "patient_id");
    /* the slices next to a query are its patient's: without them it is harder */
    assert_true(real_of(others, "p_at_1") < real_of(report, "p_at_1"));
    json_decref(others);
    json_t *modality = ask(archive, 0, "eval", "--manifest", MANIFEST, "--label", "modality",
                           ALL_OTHERS, "none", "--keep-near-duplicates", NULL);
    assert_int_equal(json_object_size(json_object_get(modality, "per_class")), 3);
    assert_true(real_of(modality, "p_at_1") > 0.99); /* CT, MR and slides are easily told */
    json_decref(modality);
    write_text(queries, "q.csv", "path,diagnosis\n" THIRD ",benign\n/no/such.dcm,benign\n");
    json_t *few = ask(archive, 0, "eval", "--manifest", MANIFEST, "--queries", queries, "--model",
                      "serving,bootstrap", NULL);
    assert_true(number_of(few, "queries") > 1); /* all tiles or frames of the one file */
    assert_int_equal(number_of(few, "database"), images - number_of(few, "queries"));
    assert_int_equal(number_of(few, "missing"), 1);
    assert_string_equal(text_of(few, "grouping"), "patient_id"); /* the files' own */
    assert_int_equal(json_array_size(json_object_get(few, "models")), 2);
    json_decref(few);
    json_decref(report);
}

static void test_evaluation_without_an_archive(void **state)
{
    (void)state;
    char manifest[PATH_MAX], sheet[PATH_MAX], orphan[PATH_MAX], stranger[PATH_MAX];
    uint8_t start[8];
    /* What an evaluation left that was killed: no process has that number.  And something else. */
    snprintf(orphan, sizeof orphan, "%.4000s/kindred-eval-%d-abcdef", folder, 0x3ffffffe);
    snprintf(stranger, sizeof stranger, "%.4000s/kindred-eval-abcdef", folder);
    assert_int_equal(mkdir(orphan, 0700), 0);
    assert_int_equal(mkdir(stranger, 0700), 0);
    const char *usual = getenv("TMPDIR");
    char *kept = usual != NULL ? strdup(usual) : NULL;
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    write_text(manifest, "few.csv",
               "path,diagnosis,patient_id\n" FIRST ",a,1\n" SECOND ",a,2\n" THIRD ",a,3\n");
    snprintf(sheet, sizeof sheet, "%.4000s/sheet.png", folder);
    run done = run_kindred("eval", "--json", "--manifest", manifest, "--model", "bootstrap",
                           "--sheet", sheet, "--folds", "1", NULL);
    assert_int_equal(done.exit_code, 0);
    json_t *report = run_json(&done);
    run_release(&done);
    assert_true(number_of(report, "described") > 3);
    assert_int_equal(number_of(report, "described"), number_of(report, "database"));
    json_decref(report);
    FILE *file = fopen(sheet, "rb");
    assert_non_null(file);
    assert_int_equal(fread(start, 1, sizeof start, file), sizeof start);
    assert_memory_equal(start, "\x89PNG\r\n\x1a\n", sizeof start);
    fclose(file);
    assert_int_equal(kept != NULL ? setenv("TMPDIR", kept, 1) : unsetenv("TMPDIR"), 0);
    free(kept);
    assert_int_not_equal(access(orphan, F_OK), 0);
    assert_int_equal(access(stranger, F_OK), 0);
    json_decref(ask(archive, 0, "ingest", FIRST, NULL));
    tell(archive, 2, "features", "eval", "--manifest", manifest, "--features", "classic", NULL);
    tell(archive, 2, "model", "eval", "--manifest", manifest, "--model", "best", NULL);
    tell(archive, 2, "learn", "eval", "--manifest", manifest, "--model", "pca", "--folds", "1",
         NULL);
}

/* --- exit codes --- */

static void test_each_command_has_help(void **state)
{
    (void)state;
    static const char *const commands[] = {"init",   "ingest",  "search", "show",
                                           "delete", "reindex", "verify", "stats",
                                           "backup", "export",  "eval"};
    run all = run_kindred("--help", NULL);
    assert_int_equal(all.exit_code, 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        run done = run_kindred(commands[i], "--help", NULL);
        char usage[64], example[64];
        snprintf(usage, sizeof usage, "Usage: kindred %s", commands[i]);
        snprintf(example, sizeof example, "  kindred %s", commands[i]);
        assert_int_equal(done.exit_code, 0);
        assert_int_equal(done.err_size, 0);
        assert_int_equal(strncmp(done.out, usage, strlen(usage)), 0);
        const char *examples = strstr(done.out, "Examples:");
        assert_non_null(examples);
        assert_non_null(strstr(examples, commands[i]));
        assert_non_null(strstr(all.out, commands[i]));
        run_release(&done);
    }
    run_release(&all);
}

static void test_exit_codes(void **state)
{
    (void)state;
    char nowhere[PATH_MAX], broken[PATH_MAX];
    in_folder(nowhere, "nowhere");
    write_text(broken, "broken.csv", "file,diagnosis\na.png,cyst\n");
    tell(archive, 0, NULL, "ingest", FIRST, NULL);
    /* 1: some inputs failed, or are not there */
    tell(archive, 1, "/no/such.dcm", "ingest", FIRST, "/no/such.dcm", NULL);
    tell(archive, 1, "/no/such.dcm", "search", "/no/such.dcm", NULL);
    tell(archive, 1, NO_INSTANCE, "search", "--uid", NO_INSTANCE, NULL);
    tell(archive, 1, NO_INSTANCE, "show", NO_INSTANCE, NULL);
    tell(archive, 1, NO_INSTANCE, "delete", NO_INSTANCE, NULL);
    tell(archive, 1, "path", "ingest", FIRST, "--manifest", broken, NULL);
    tell(archive, 1, "/no/such.csv", "eval", "--manifest", "/no/such.csv", NULL);
    tell(archive, 1, "/no/such/out", "export", "-o", "/no/such/out", NULL);
    /* 2: wrong usage */
    tell(archive, 2, "no command", "frobnicate", NULL);
    tell(archive, 2, "which image", "search", NULL);
    tell(archive, 2, "not both", "search", FIRST, "--uid", NO_INSTANCE, NULL);
    tell(archive, 2, "-k must be", "search", FIRST, "-k", "0", NULL);
    tell(archive, 2, "--by is one of", "search", FIRST, "--by", "ward", NULL);
    tell(archive, 2, "column 11", "search", FIRST, "--where", "modality =", NULL);
    static const char *const no_recalls[] = {"0", "-0.5", "1.01", "nan", "", "most", "0.9x"};
    for (size_t i = 0; i < sizeof no_recalls / sizeof no_recalls[0]; i++)
        tell(archive, 2, "--recall must be", "search", FIRST, "--recall", no_recalls[i], NULL);
    tell(archive, 2, "nothing to --recall", "search", FIRST, "--exact", "--recall", "1", NULL);
    tell(archive, 2, "--way is one of", "search", FIRST, "--way", "shortcut", NULL);
    tell(archive, 2, "--way by itself", "search", FIRST, "--way", "scan", "--exact", NULL);
    tell(archive, 2, "unrecognized option", "search", FIRST, "--effort", "0.5", NULL);
    tell(archive, 2, "--index is one of", "reindex", "--index", "tree", NULL);
    tell(archive, 2, "not both", "reindex", "--learn", "--keep-model", NULL);
    tell(archive, 2, "--memory must be", "reindex", "--memory", "much", NULL);
    tell(archive, 2, "--memory must be", "reindex", "--memory", "0", NULL);
    tell(archive, 2, "--format is", "export", "--format", "xml", NULL);
    tell(archive, 2, "which files", "ingest", NULL);
    tell(archive, 2, "manifest", "eval", NULL);
    /* 3: the archive cannot be used */
    tell(nowhere, 3, "no archive here", "stats", NULL);
    tell(nowhere, 3, "no archive here", "search", FIRST, NULL);
    tell(archive, 3, "not empty", "init", NULL);
}

static void test_damage_is_found(void **state)
{
    (void)state;
    char copy[PATH_MAX], file[PATH_MAX];
    tell(archive, 0, NULL, "ingest", FIRST, SECOND, NULL);
    in_folder(copy, "copy");
    tell(archive, 0, NULL, "backup", copy, NULL);
    in_folder(file, "copy/descriptors/d000000/000000.seg");
    FILE *rows = fopen(file, "r+b");
    assert_non_null(rows);
    assert_int_equal(fseek(rows, 5000, SEEK_SET), 0);
    assert_int_equal(fputs("damage", rows) >= 0, 1);
    assert_int_equal(fclose(rows), 0);
    json_t *report = ask(copy, 1, "verify", NULL);
    assert_true(json_is_false(json_object_get(report, "sound")));
    assert_true(json_array_size(json_object_get(report, "faults")) > 0);
    json_decref(report);
    write_text(file, "copy/catalog/data.mdb", "no database");
    tell(copy, 3, "catalog", "stats", NULL);
    tell(copy, 3, "catalog", "search", FIRST, NULL);
    tell(archive, 0, "sound", "verify", NULL);
}

static void test_the_environment_names_the_archive(void **state)
{
    (void)state;
    char other[PATH_MAX];
    in_folder(other, "other");
    assert_int_equal(setenv("KINDRED_ARCHIVE", archive, 1), 0);
    run done = run_kindred("ingest", FIRST, NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    tell(archive, 0, FIRST, "show", "SYN-0001", NULL);
    tell(other, 0, NULL, "init", NULL);
    json_t *stats = ask(other, 0, "stats", NULL); /* -a wins */
    assert_int_equal(number_of(stats, "images"), 0);
    assert_int_equal(unsetenv("KINDRED_ARCHIVE"), 0);
    json_decref(stats);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_csv_and_ndjson_say_the_same),
        TEST(test_a_new_manifest_renews_the_labels),
        TEST(test_evaluation),
        TEST(test_evaluation_without_an_archive),
        TEST(test_each_command_has_help),
        TEST(test_exit_codes),
        TEST(test_damage_is_found),
        TEST(test_the_environment_names_the_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
