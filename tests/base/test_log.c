/* Lines for operators: whole, one a line, of the wanted gravity, in the journal's form where it
 * listens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* A log into a file that has no name, and what it holds. */
struct fixture {
    FILE *file;
    kin_log log;
    char text[65536];
};

static void open_log(struct fixture *at, kin_log_level level, kin_log_style style)
{
    at->file = tmpfile();
    assert_non_null(at->file);
    at->log = (kin_log){.fd = fileno(at->file), .level = level, .style = style};
}

/* Closes the log; its text is then at hand. */
static const char *read_log(struct fixture *at)
{
    rewind(at->file);
    size_t got = fread(at->text, 1, sizeof at->text - 1, at->file);
    at->text[got] = '\0';
    fclose(at->file);
    return at->text;
}

static void graver_lines_are_written_and_others_not(void **state)
{
    (void)state;
    struct fixture at;
    open_log(&at, KIN_LOG_WARNING, KIN_LOG_JOURNAL);
    kin_log_line(&at.log, KIN_LOG_ERROR, "one %d", 1);
    kin_log_line(&at.log, KIN_LOG_WARNING, "two");
    kin_log_line(&at.log, KIN_LOG_NOTICE, "three");
    kin_log_line(&at.log, KIN_LOG_DEBUG, "four");
    assert_string_equal(read_log(&at), "<3>one 1\n<4>two\n");
}

static void plain_lines_tell_the_time_and_the_level(void **state)
{
    (void)state;
    struct fixture at;
    int year, month, day, hour, minute, second, thousandth, used = 0;
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_PLAIN);
    kin_log_line(&at.log, KIN_LOG_INFO, "serving");
    const char *text = read_log(&at);
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour,
                            &minute, &second, &thousandth, &used),
                     7);
    assert_true(year >= 2024 && month >= 1 && month <= 12 && day >= 1 && hour < 24);
    assert_string_equal(text + used, "info: serving\n");
}

static void text_cannot_forge_a_line_or_steer_a_terminal(void **state)
{
    (void)state;
    struct fixture at;
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_JOURNAL);
    kin_log_line(&at.log, KIN_LOG_INFO, "a\n<3>b\r\033[2J\x7f%s", "\tc \xc3\xa4");
    assert_string_equal(read_log(&at), "<6>a?<3>b??[2J??c \xc3\xa4\n");
}

static void long_text_is_cut_and_says_so(void **state)
{
    (void)state;
    struct fixture at;
    char text[10000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_JOURNAL);
    kin_log_line(&at.log, KIN_LOG_INFO, "%s", text);
    kin_log_line(&at.log, KIN_LOG_INFO, "next");
    const char *line = read_log(&at), *end = strchr(line, '\n');
    assert_non_null(end);
    assert_in_range(end - line, 1000, 4095);
    assert_memory_equal(end - 4, "x...", 4);
    assert_string_equal(end, "\n<6>next\n");
}

/* The longest line that still fits is not marked as cut. */
static void a_line_that_just_fits_is_whole(void **state)
{
    (void)state;
    struct fixture at;
    char text[2048];
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_JOURNAL);
    for (size_t length = 2030; length < 2048; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        kin_log_line(&at.log, KIN_LOG_INFO, "%s", text);
    }
    const char *line = read_log(&at);
    for (size_t length = 2030; length < 2048; length++) {
        size_t got = strcspn(line, "\n");
        bool cut = memcmp(line + got - 3, "...", 3) == 0;
        assert_int_equal(cut, got < length + 3);
        assert_true(got < 2048);
        line += got + 1;
    }
    assert_string_equal(line, "");
}

static void errors_are_logged_without_their_subject(void **state)
{
    (void)state;
    struct fixture at;
    kin_error err = {0};
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_JOURNAL);
    kin_fail(&err, KIN_E_IO, "/patients/doe.dcm", "cannot read it");
    kin_log_error(&at.log, KIN_LOG_WARNING, "ingest", &err);
    kin_log_error(&at.log, KIN_LOG_ERROR, "search", &(kin_error){.code = KIN_E_NOMEM});
    assert_string_equal(read_log(&at), "<4>ingest: cannot read it\n<3>search: out of memory\n");
}

static void logging_leaves_errno_alone_and_never_fails(void **state)
{
    (void)state;
    kin_log nowhere = {.fd = -1, .level = KIN_LOG_DEBUG};
    errno = ENOSPC;
    kin_log_line(&nowhere, KIN_LOG_INFO, "lost");
    assert_int_equal(errno, ENOSPC);
}

static void levels_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    for (int i = 0; i < 5; i++) {
        kin_log_level level = KIN_LOG_DEBUG;
        assert_int_equal(kin_log_level_parse(names[i], &level, NULL), KIN_OK);
        assert_int_equal(level, KIN_LOG_ERROR + i);
        assert_string_equal(kin_log_level_name(level), names[i]);
    }
    kin_error err = {0};
    kin_log_level level = KIN_LOG_INFO;
    assert_int_equal(kin_log_level_parse("loud", &level, &err), KIN_E_ARG);
    assert_int_equal(level, KIN_LOG_INFO);
    assert_non_null(strstr(err.message, "notice"));
    assert_string_equal(kin_log_level_name((kin_log_level)9), "unknown");
}

static void the_journal_is_known_by_its_stream(void **state)
{
    (void)state;
    struct stat st;
    char stream[64];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    unsetenv("JOURNAL_STREAM");
    assert_int_equal(kin_log_style_for(fileno(file)), KIN_LOG_PLAIN);
    setenv("JOURNAL_STREAM", stream, 1);
    assert_int_equal(kin_log_style_for(fileno(file)), KIN_LOG_JOURNAL);
    assert_int_equal(kin_log_style_for(-1), KIN_LOG_PLAIN);
    setenv("JOURNAL_STREAM", "1:1", 1);
    assert_int_equal(kin_log_style_for(fileno(file)), KIN_LOG_PLAIN);
    unsetenv("JOURNAL_STREAM");
    fclose(file);
}

enum { WRITERS = 4, LINES_EACH = 200 };

static void *write_lines(void *ctx)
{
    for (int i = 0; i < LINES_EACH; i++)
        kin_log_line(ctx, KIN_LOG_INFO, "line-of-some-length-%04d", i);
    return NULL;
}

static void lines_of_threads_stay_whole(void **state)
{
    (void)state;
    struct fixture at;
    pthread_t threads[WRITERS];
    int lines = 0, number;
    open_log(&at, KIN_LOG_DEBUG, KIN_LOG_JOURNAL);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &at.log), 0);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    const char *text = read_log(&at);
    for (; *text != '\0'; text = strchr(text, '\n') + 1, lines++) {
        assert_int_equal(sscanf(text, "<6>line-of-some-length-%4d", &number), 1);
        assert_int_equal(strcspn(text, "\n"), strlen("<6>line-of-some-length-0000"));
    }
    assert_int_equal(lines, WRITERS * LINES_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graver_lines_are_written_and_others_not),
        cmocka_unit_test(plain_lines_tell_the_time_and_the_level),
        cmocka_unit_test(text_cannot_forge_a_line_or_steer_a_terminal),
        cmocka_unit_test(long_text_is_cut_and_says_so),
        cmocka_unit_test(a_line_that_just_fits_is_whole),
        cmocka_unit_test(errors_are_logged_without_their_subject),
        cmocka_unit_test(logging_leaves_errno_alone_and_never_fails),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(the_journal_is_known_by_its_stream),
        cmocka_unit_test(lines_of_threads_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
