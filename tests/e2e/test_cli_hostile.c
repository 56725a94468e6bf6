/* A folder of files that lie, are cut off or are no files at all: each is named with its reason, the
 * good ones among them are stored, and nobody's name is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile_folder.h"
#include "run_program.h"
#include "temp_folder.h"
#include "write_file.h"

enum { GOOD = 4, BAD = 19 };

static char folder[PATH_MAX], input[PATH_MAX], archive[PATH_MAX];
static run ingested;   /* the one ingest of the folder, -v --json */
static json_t *events; /* its lines, the summary apart */
static json_t *summary;
static bool unreadable; /* unreadable.png is, to this user */

/* Lines of JSON as an array. */
static json_t *parse_lines(const char *text)
{
    json_t *lines = json_array();
    while (*text != '\0') {
        const char *end = strchr(text, '\n');
        json_error_t error;
        assert_non_null(end);
        json_t *line = json_loadb(text, (size_t)(end - text), 0, &error);
        if (line == NULL)
            print_error("not JSON (%s): %.*s\n", error.text, (int)(end - text), text);
        assert_non_null(line);
        json_array_append_new(lines, line);
        text = end + 1;
    }
    return lines;
}

static int ingest_everything(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(input, sizeof input, "%.4000s/input", folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    assert_int_equal(mkdir(input, 0755), 0);
    hostile_folder_make(input);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/unreadable.png", input);
    unreadable = access(path, R_OK) != 0;
    if (!unreadable)
        print_message("unreadable.png can be read by this user: it counts as good\n");
    ingested = run_kindred("-a", archive, "ingest", input, "-v", "--json", NULL);
    events = parse_lines(ingested.out);
    size_t count = json_array_size(events);
    assert_true(count > 0);
    summary = json_incref(json_array_get(events, count - 1));
    json_array_remove(events, count - 1);
    return 0;
}

static int drop_everything(void **state)
{
    (void)state;
    json_decref(events);
    json_decref(summary);
    run_release(&ingested);
    temp_folder_remove(folder);
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static json_int_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* The one event about the file, or NULL. */
static const json_t *event_about(const char *name)
{
    const json_t *found = NULL;
    json_t *event;
    size_t i;
    json_array_foreach(events, i, event)
    {
        const char *slash = strrchr(text_of(event, "path"), '/');
        if (slash == NULL || strcmp(slash + 1, name) != 0)
            continue;
        assert_null(found);
        found = event;
    }
    return found;
}

/* The line of standard error about the file, up to its end, or NULL. */
static const char *message_about(const char *errors, const char *name, size_t *length)
{
    char wanted[PATH_MAX + 64];
    snprintf(wanted, sizeof wanted, "%s/%s: ", input, name);
    const char *at = strstr(errors, wanted);
    if (at != NULL)
        *length = strcspn(at, "\n");
    return at;
}

static void test_each_bad_file_is_named_with_its_reason(void **state)
{
    (void)state;
    size_t bad = 0, wrong = 0;
    for (const struct hostile_file *file = hostile_bad_files; file->name != NULL; file++, bad++) {
        size_t length = 0;
        const json_t *event = event_about(file->name);
        const char *message = message_about(ingested.err, file->name, &length);
        assert_non_null(event);
        assert_non_null(message);
        assert_string_equal(text_of(event, "event"), "failed");
        const char *reason = text_of(event, "reason");
        if (strstr(reason, file->says) == NULL ||
            memmem(message, length, file->says, strlen(file->says)) == NULL) {
            print_error("%s: %s\n  %.*s\n", file->name, reason, (int)length, message);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(bad, BAD);
    assert_int_equal(count_of(summary, "failed"), BAD + unreadable);
    assert_int_equal(ingested.exit_code, 1);
}

static void test_an_unreadable_file_is_named(void **state)
{
    (void)state;
    if (!unreadable)
        skip();
    const json_t *event = event_about("unreadable.png");
    assert_non_null(event);
    assert_string_equal(text_of(event, "event"), "failed");
    assert_non_null(strstr(text_of(event, "reason"), "Permission denied"));
}

static void test_the_good_ones_are_stored(void **state)
{
    (void)state;
    assert_int_equal(count_of(summary, "stored"), GOOD + !unreadable);
    assert_int_equal(count_of(summary, "skipped"), 0);
    for (size_t i = 0; hostile_good_files[i] != NULL; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.4000s/%s", input, hostile_good_files[i]);
        run done = run_kindred("-a", archive, "search", path, "-k", "1", "--json", NULL);
        json_t *answer = run_json(&done);
        const json_t *first = json_array_get(json_object_get(answer, "results"), 0);
        assert_int_equal(done.exit_code, 0);
        assert_true(json_real_value(json_object_get(first, "score")) > 0.999);
        json_decref(answer);
        run_release(&done);
    }
    run done = run_kindred("-a", archive, "verify", "--json", NULL);
    json_t *check = run_json(&done);
    assert_int_equal(done.exit_code, 0);
    assert_int_equal(count_of(check, "images"), GOOD + !unreadable);
    json_decref(check);
    run_release(&done);
}

static void test_no_message_names_the_patient(void **state)
{
    (void)state;
    static const char *const secrets[] = {HOSTILE_PATIENT_ID, "Quillon", "Zzyzx", "7731"};
    run plain = run_kindred("-a", archive, "ingest", input, NULL);
    assert_int_equal(plain.exit_code, 1);
    assert_non_null(strstr(plain.err, "cut-in-pixels.dcm"));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        assert_null(strstr(ingested.err, secrets[i]));
        assert_null(strstr(ingested.out, secrets[i]));
        assert_null(strstr(plain.err, secrets[i]));
        assert_null(strstr(plain.out, secrets[i]));
    }
    run_release(&plain);
}

/* Control characters other than the ends of lines, or bytes that are not UTF-8. */
static bool is_fit_to_print(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if ((*at < 0x20 && *at != '\n') || *at == 0x7F)
            return false;
    json_t *as_json = json_string(text);
    bool valid = as_json != NULL;
    json_decref(as_json);
    return valid;
}

/* The odd name: in JSON, in tables, and where it is the file that fails. */
static void test_odd_names_are_harmless(void **state)
{
    (void)state;
    char path[PATH_MAX], broken[PATH_MAX];
    assert_true(is_fit_to_print(ingested.err));
    run done = run_kindred("-a", archive, "export", "--format", "ndjson", NULL);
    json_t *lines = parse_lines(done.out);
    assert_int_equal(done.exit_code, 0);
    assert_int_equal(json_array_size(lines), GOOD + !unreadable);
    assert_true(is_fit_to_print(done.out));
    json_decref(lines);
    run_release(&done);
    snprintf(path, sizeof path, "%.4000s/%s", input, HOSTILE_ODD_NAME);
    done = run_kindred("-a", archive, "search", path, NULL);
    assert_int_equal(done.exit_code, 0);
    assert_true(is_fit_to_print(done.out));
    run_release(&done);
    snprintf(broken, sizeof broken, "%.4000s/broken-%s", folder, HOSTILE_ODD_NAME);
    write_file(broken, "no PNG", 6);
    static const char *const commands[] = {"ingest", "search"};
    for (size_t i = 0; i < 2; i++) {
        done = run_kindred("-a", archive, commands[i], broken, NULL);
        assert_int_equal(done.exit_code, 1);
        assert_non_null(strstr(done.err, "broken-odd"));
        assert_true(is_fit_to_print(done.err));
        assert_true(is_fit_to_print(done.out));
        run_release(&done);
    }
    done = run_kindred("-a", archive, "show", HOSTILE_ODD_NAME, NULL);
    assert_int_equal(done.exit_code, 1);
    assert_true(is_fit_to_print(done.err));
    run_release(&done);
}

static void test_bad_manifests_stop_it_and_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"path,diagnosis\ngood.png,a\ngood.dcm,b,c\n", "line 3"},
        {"path,diagnosis\ngood.png,\"a\n", "line 2"},
        {"file,diagnosis\ngood.png,a\n", "`path`"},
        {"", "empty"},
    };
    char csv[PATH_MAX], other[PATH_MAX];
    snprintf(csv, sizeof csv, "%.4000s/manifest.csv", folder);
    snprintf(other, sizeof other, "%.4000s/other", folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file(csv, cases[i].text, strlen(cases[i].text));
        run done = run_kindred("-a", other, "ingest", input, "--manifest", csv, NULL);
        assert_int_equal(done.exit_code, 1);
        assert_non_null(strstr(done.err, csv));
        assert_non_null(strstr(done.err, cases[i].says));
        assert_int_not_equal(access(other, F_OK), 0); /* nothing was begun */
        run_release(&done);
    }
}

/* Ingests with one limit into a fresh archive: the summary. */
static json_t *ingest_limited(const char *limit, const char *value, const char *file)
{
    char fresh[PATH_MAX], path[PATH_MAX];
    snprintf(fresh, sizeof fresh, "%.4000s/limited", folder);
    snprintf(path, sizeof path, "%.4000s/%s", input, file);
    temp_folder_remove(fresh);
    run done = run_kindred("-a", fresh, "ingest", path, limit, value, "--json", NULL);
    json_t *said = run_json(&done);
    assert_int_equal(done.exit_code, count_of(said, "failed") > 0 ? 1 : 0);
    assert_true((done.err_size > 0) == (count_of(said, "failed") > 0));
    if (count_of(said, "failed") > 0)
        assert_non_null(strstr(done.err, file));
    run_release(&done);
    return said;
}

static void test_small_limits_fail_the_file_not_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *limit, *value;
        int failed;
    } cases[] = {
        {"--max-frame-bytes", "1K", 1}, /* 48 x 48 floats are 9 KiB, 36 with room for colour and alpha */
        {"--max-frame-bytes", "64K", 0}, {"--max-file-bytes", "100", 1},
        {"--max-file-bytes", "1M", 0},
#ifndef KIN_SANITIZE /* whose shadow memory no limit can hold: sandbox.h */
        {"--max-memory", "1M", 1},       {"--max-memory", "1G", 0},
#endif
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *said = ingest_limited(cases[i].limit, cases[i].value, "good.png");
        if (count_of(said, "failed") != cases[i].failed)
            print_error("%s %s\n", cases[i].limit, cases[i].value);
        assert_int_equal(count_of(said, "failed"), cases[i].failed);
        assert_int_equal(count_of(said, "stored"), 1 - cases[i].failed);
        json_decref(said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bad_file_is_named_with_its_reason),
        cmocka_unit_test(test_an_unreadable_file_is_named),
        cmocka_unit_test(test_the_good_ones_are_stored),
        cmocka_unit_test(test_no_message_names_the_patient),
        cmocka_unit_test(test_odd_names_are_harmless),
        cmocka_unit_test(test_bad_manifests_stop_it_and_name_the_line),
        cmocka_unit_test(test_small_limits_fail_the_file_not_the_run),
    };
    return cmocka_run_group_tests(tests, ingest_everything, drop_everything);
}
