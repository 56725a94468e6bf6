/* Figures of durations, exponents of growth, numbers on the command line, the read loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bandwidth.h"
#include "command_line.h"
#include "power_law.h"
#include "scratch.h"
#include "timing.h"

static void assert_near(double got, double wanted)
{
    if (!(fabs(got - wanted) <= 1e-9 * (1 + fabs(wanted))))
        fail_msg("%.17g instead of %.17g", got, wanted);
}

static void test_timing_of(void **unused)
{
    (void)unused;
    double durations[200];
    for (int i = 0; i < 200; i++)
        durations[i] = 1e-6 * (200 - i);
    bench_timing timing = bench_timing_of(durations, 200);
    assert_int_equal(timing.calls, 200);
    assert_near(timing.p50, 100);
    assert_near(timing.p99, 198);
    assert_near(timing.worst, 200);
    assert_near(timing.mean, 100.5);
    assert_near(timing.per_second, 1e6 / 100.5);
    timing = bench_timing_of(durations, 0);
    assert_int_equal(timing.calls, 0);
    assert_near(timing.per_second, 0);
}

struct asked {
    size_t calls, last, fail_at;
};

static kin_status ask(void *ctx, size_t i, kin_error *err)
{
    struct asked *asked = ctx;
    asked->calls++;
    asked->last = i;
    return asked->calls == asked->fail_at ? kin_fail(err, KIN_E_IO, NULL, "as ordered") : KIN_OK;
}

static void test_timing_run(void **unused)
{
    (void)unused;
    struct asked asked = {0};
    bench_timing timing;
    assert_int_equal(bench_timing_run(3, 5000, 0, ask, &asked, &timing, NULL), KIN_OK);
    assert_int_equal(timing.calls, 5000);
    assert_int_equal(asked.calls, 5003);
    assert_int_equal(asked.last, 4999);
    memset(&asked, 0, sizeof asked);
    assert_int_equal(bench_timing_run(0, 0, 0, ask, &asked, &timing, NULL), KIN_OK);
    assert_int_equal(timing.calls, 1);
    asked = (struct asked){.fail_at = 4};
    assert_int_equal(bench_timing_run(2, 100, 0, ask, &asked, &timing, NULL), KIN_E_IO);
    assert_int_equal(asked.calls, 4);
}

static void test_power_law(void **unused)
{
    (void)unused;
    const double x[] = {1e4, 1e5, 1e6, 1e7};
    double y[4];
    bench_power_law law;
    for (int i = 0; i < 4; i++)
        y[i] = 3e-5 * pow(x[i], 1.17);
    assert_true(bench_power_law_fit(x, y, 4, &law));
    assert_near(law.exponent, 1.17);
    assert_near(log(law.factor), log(3e-5));
    assert_near(law.fit, 1);
    y[1] *= 2; /* a point off the line */
    assert_true(bench_power_law_fit(x, y, 4, &law));
    assert_true(law.fit < 1 && law.fit > 0.9);
    const double flat[] = {5, 5, 5};
    assert_true(bench_power_law_fit(x, flat, 3, &law));
    assert_near(law.exponent, 0);
    /* Nothing to fit. */
    const double same[] = {7, 7}, bad[] = {1, 0}, none[] = {1, NAN};
    assert_false(bench_power_law_fit(x, y, 1, &law));
    assert_false(bench_power_law_fit(same, y, 2, &law));
    assert_false(bench_power_law_fit(x, bad, 2, &law));
    assert_false(bench_power_law_fit(x, none, 2, &law));
    assert_false(bench_power_law_fit(bad, y, 2, &law));
}

static void test_counts(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"",     "0", "-1",  "+1",  " 1",   "1 ",   "1.5",
                                      "1e3x", "x", "inf", "nan", "1e99", "1e16", "1,2"};
    size_t count = 0;
    assert_true(bench_parse_count("1", &count) && count == 1);
    assert_true(bench_parse_count("1e6", &count) && count == 1000000);
    assert_true(bench_parse_count("123456789", &count) && count == 123456789);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bench_parse_count(bad[i], &count));
}

static void test_lists(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"",   ",",   "1,",  ",1",  "1,,2",     "0",
                                      "-1", "101", "1;2", "1 2", "1,2,3,4,5"};
    double list[4], seconds;
    size_t count;
    assert_true(bench_parse_list("0.01,1,1e2", 100, 4, list, &count));
    assert_int_equal(count, 3);
    assert_near(list[0], 0.01);
    assert_near(list[2], 100);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bench_parse_list(bad[i], 100, 4, list, &count));
    assert_true(bench_parse_seconds("0.5", &seconds) && seconds == 0.5);
    assert_false(bench_parse_seconds("0", &seconds));
    assert_false(bench_parse_seconds("1e6", &seconds));
    assert_false(bench_parse_seconds("5s", &seconds));
}

/* That the loops read all there is, and that a rate comes out. */
static void test_bandwidth(void **unused)
{
    (void)unused;
    void *memory;
    const char *loop = NULL;
    assert_int_equal(bench_memory_map(4 << 20, &memory, NULL), KIN_OK);
    for (int threads = 1; threads <= 3; threads++)
        assert_true(bench_bandwidth(memory, 4 << 20, threads, 2, &loop) > 0);
    assert_non_null(loop);
    bench_memory_unmap(memory, 4 << 20);
}

/* A measurement that was killed leaves its folder; the next one removes it, and no other. */
static void test_orphans(void **unused)
{
    (void)unused;
    char own[BENCH_SCRATCH_SIZE], other[BENCH_SCRATCH_SIZE], where[] = "/tmp/bench-test-XXXXXX";
    char orphan[64], stranger[64];
    assert_non_null(mkdtemp(where));
    const char *before = getenv("TMPDIR");
    char *kept = before != NULL ? strdup(before) : NULL;
    setenv("TMPDIR", where, 1);
    snprintf(orphan, sizeof orphan, "%s/kindred-bench-%d-abcdef", where, 0x3ffffffe);
    snprintf(stranger, sizeof stranger, "%s/kindred-bench-abcdef", where);
    assert_int_equal(mkdir(orphan, 0700), 0);
    assert_int_equal(mkdir(stranger, 0700), 0);
    assert_int_equal(bench_scratch_make(own, NULL), KIN_OK);
    assert_int_equal(bench_scratch_make(other, NULL), KIN_OK);
    assert_int_not_equal(access(orphan, F_OK), 0);
    assert_int_equal(access(stranger, F_OK), 0);
    assert_int_equal(access(own, F_OK), 0);
    bench_scratch_remove(own);
    bench_scratch_remove(other);
    assert_int_not_equal(access(own, F_OK), 0);
    bench_scratch_remove(where);
    if (kept != NULL)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timing_of), cmocka_unit_test(test_timing_run),
        cmocka_unit_test(test_power_law), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_lists),     cmocka_unit_test(test_bandwidth),
        cmocka_unit_test(test_orphans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
