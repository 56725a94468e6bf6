#include "cli_asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "run_program.h"

enum { WORDS_MAX = 40 };

/* "-a ARCHIVE FIRST …" with `last` behind, where it is not NULL. */
static void gather(const char *words[WORDS_MAX], const char *archive, const char *first,
                   va_list rest, const char *last)
{
    size_t count = 0;
    words[count++] = "-a";
    words[count++] = archive;
    for (const char *word = first; word != NULL; word = va_arg(rest, const char *)) {
        assert_true(count < WORDS_MAX - 2);
        words[count++] = word;
    }
    words[count++] = last;
    words[count] = NULL;
}

static void check_exit_code(const char *const *words, const run *done, int exit_code)
{
    if (done->exit_code == exit_code)
        return;
    print_error("kindred");
    for (size_t i = 0; words[i] != NULL; i++)
        print_error(" %s", words[i]);
    print_error("\nexit code %d instead of %d\n%.2000s\n%.2000s\n", done->exit_code, exit_code,
                done->out, done->err);
    assert_int_equal(done->exit_code, exit_code);
}

json_t *ask(const char *archive, int exit_code, const char *first, ...)
{
    const char *words[WORDS_MAX];
    va_list rest;
    va_start(rest, first);
    gather(words, archive, first, rest, "--json");
    va_end(rest);
    run done = run_kindred_with(words);
    check_exit_code(words, &done, exit_code);
    json_t *value = run_json(&done);
    run_release(&done);
    return value;
}

void tell(const char *archive, int exit_code, const char *said, const char *first, ...)
{
    const char *words[WORDS_MAX];
    va_list rest;
    va_start(rest, first);
    gather(words, archive, first, rest, NULL);
    va_end(rest);
    run done = run_kindred_with(words);
    const char *text = exit_code == 0 ? done.out : done.err;
    check_exit_code(words, &done, exit_code);
    assert_int_equal(done.err_size > 0, exit_code != 0);
    if (said != NULL && strstr(text, said) == NULL)
        fail_msg("\"%s\" is not part of: %.2000s", said, text);
    run_release(&done);
}

json_t *exported_records(const char *archive, const char *where)
{
    const char *all[] = {"-a", archive, "export", "--format", "ndjson", NULL, NULL, NULL};
    if (where != NULL) {
        all[5] = "--where";
        all[6] = where;
    }
    run done = run_kindred_with(all);
    json_t *records = json_array();
    check_exit_code(all, &done, 0);
    for (char *rest = done.out, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        json_t *record = json_loads(line, 0, NULL);
        assert_non_null(record);
        assert_int_equal(json_array_append_new(records, record), 0);
    }
    run_release(&done);
    return records;
}

const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL)
        fail_msg("no text \"%s\"", key);
    return text;
}

long long number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        fail_msg("no whole number \"%s\"", key);
    return json_integer_value(value);
}

double real_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_real(value))
        fail_msg("no real number \"%s\"", key);
    return json_real_value(value);
}

const char *label_of(const json_t *record, const char *name)
{
    const json_t *labels = json_object_get(record, "labels");
    assert_true(json_is_object(labels));
    const char *text = json_string_value(json_object_get(labels, name));
    return text != NULL ? text : "";
}

json_t *results_of(const json_t *answer)
{
    json_t *results = json_object_get(answer, "results");
    assert_true(json_is_array(results));
    return results;
}

bool same_image(const json_t *a, const json_t *b)
{
    return number_of(a, "frame") == number_of(b, "frame") &&
           strcmp(text_of(a, "sop_instance_uid"), text_of(b, "sop_instance_uid")) == 0;
}

void assert_same_images(const json_t *results, const json_t *records)
{
    size_t i, j;
    json_t *result, *record;
    assert_int_equal(json_array_size(results), json_array_size(records));
    json_array_foreach(records, i, record)
    {
        size_t times = 0;
        json_array_foreach(results, j, result) times += same_image(result, record);
        if (times != 1)
            fail_msg("%s frame %lld: %zu times", text_of(record, "path"),
                     number_of(record, "frame"), times);
    }
}
