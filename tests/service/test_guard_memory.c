/*
 * Memory that runs out in turn at each allocation: of access rules, of the audit trail (jansson's
 * part included) and of the HTTP server's own.
 *
 * Linked with --wrap, so that these parts' calls of malloc and its relatives are counted here, and
 * the n-th can be made to fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_memory.h"
#include "service/access.h"
#include "service/audit.h"
#include "service/http.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX], access_path[PATH_MAX + 16], audit_path[PATH_MAX + 16];

static int prepare(void **state)
{
    static const char rules[] = "certificate a read\ncertificate b write\n";
    char text[64];
    (void)state;
    temp_folder_make(folder);
    snprintf(access_path, sizeof access_path, "%s/access", folder);
    snprintf(audit_path, sizeof audit_path, "%s/audit", folder);
    write_file(access_path, rules, sizeof rules - 1);
    FILE *more = fopen(access_path, "a"); /* enough for the rules to grow twice */
    assert_non_null(more);
    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "certificate c%d admin\n", i);
        fputs(text, more);
    }
    fclose(more);
    json_set_alloc_funcs(malloc, free); /* those above: jansson's own are not linked here */
    return chmod(access_path, 0600);
}

static int clean_up(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* Runs `action` with each of its allocations failing once; it must report KIN_E_NOMEM then, and
 * free all it had (LeakSanitizer looks), until it comes through. */
static void fail_each_allocation(kin_status (*action)(void), size_t at_least)
{
    size_t at = 0;
    kin_status status;
    do {
        from_now_fail(++at);
        status = action();
        bool failed = calls >= at;
        from_now_fail(0);
        assert_int_equal(status, failed ? KIN_E_NOMEM : KIN_OK);
    } while (status != KIN_OK);
    assert_true(at > at_least);
}

static kin_status load_rules(void)
{
    kin_access *access = NULL;
    kin_error err = {0};
    kin_status status = kin_access_load(access_path, &access, &err);
    assert_int_equal(err.code, status);
    kin_access_free(access);
    return status;
}

static void access_rules_report_missing_memory(void **state)
{
    (void)state;
    fail_each_allocation(load_rules, 4);
}

static kin_status open_trail(void)
{
    kin_audit *audit = NULL;
    kin_status status = kin_audit_open(audit_path, &audit, NULL);
    kin_audit_close(audit);
    return status;
}

static kin_audit *trail;
static char long_value[70000];

/* Odd characters, pieces, and more than one line. */
static kin_status write_event(void)
{
    const kin_audit_object objects[] = {
        {"uid", "1.2.3"}, {"query", "\xff"}, {"condition", long_value}};
    const kin_audit_entry entry = {
        .event = KIN_AUDIT_QUERY,
        .action = 'E',
        .method = "/m",
        .code = "OK",
        .user = "u",
        .how = "token",
        .peer = "p",
        .text = "",
        .asked = objects,
        .asked_count = 3,
    };
    kin_error err = {0};
    kin_status status = kin_audit_write(trail, &entry, &err);
    assert_int_equal(err.code, status);
    return status;
}

static void the_audit_trail_reports_missing_memory(void **state)
{
    struct stat st;
    (void)state;
    memset(long_value, 'v', sizeof long_value - 1);
    fail_each_allocation(open_trail, 2);
    assert_int_equal(kin_audit_open(audit_path, &trail, NULL), KIN_OK);
    /* Nothing is written of an event that there is no memory for. */
    from_now_fail(5);
    assert_int_equal(write_event(), KIN_E_NOMEM);
    from_now_fail(0);
    assert_int_equal(stat(audit_path, &st), 0);
    assert_int_equal(st.st_size, 0);
    fail_each_allocation(write_event, 40);
    kin_audit_close(trail);
    assert_int_equal(stat(audit_path, &st), 0);
    assert_in_range(st.st_size, sizeof long_value, 2 * sizeof long_value); /* one event */
}

static kin_status start_server(void)
{
    kin_http *http = NULL;
    kin_status status = kin_http_start("127.0.0.1:0", NULL, 0, &http, NULL);
    kin_http_stop(http);
    return status;
}

static void the_http_server_reports_missing_memory(void **state)
{
    (void)state;
    fail_each_allocation(start_server, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(access_rules_report_missing_memory),
        cmocka_unit_test(the_audit_trail_reports_missing_memory),
        cmocka_unit_test(the_http_server_reports_missing_memory),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
