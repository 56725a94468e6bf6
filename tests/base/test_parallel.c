/* Loops over threads: every iteration once, in ranges no longer than asked for. */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct coverage {
    atomic_uint *visits;
    size_t n, grain;
    atomic_uint bad_ranges;
};

static void visit(void *ctx, size_t from, size_t to)
{
    struct coverage *coverage = ctx;
    if (from >= to || to > coverage->n || to - from > coverage->grain)
        atomic_fetch_add(&coverage->bad_ranges, 1);
    for (size_t i = from; i < to && i < coverage->n; i++)
        atomic_fetch_add(&coverage->visits[i], 1);
}

static void cover(size_t n, size_t grain, int threads)
{
    struct coverage coverage = {.n = n, .grain = grain > 0 ? grain : 1};
    coverage.visits = calloc(n + 1, sizeof coverage.visits[0]);
    kin_parallel_for(n, grain, threads, visit, &coverage);
    assert_int_equal(atomic_load(&coverage.bad_ranges), 0);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(atomic_load(&coverage.visits[i]), 1);
    free(coverage.visits);
}

static void test_every_iteration_once(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 7, 64, 1000, 10007};
    static const size_t grains[] = {0, 1, 3, 64, 20000};
    static const int threads[] = {-1, 0, 1, 2, 5, 1000};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t g = 0; g < sizeof grains / sizeof grains[0]; g++)
            for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++)
                cover(sizes[s], grains[g], threads[t]);
}

/* More iterations than 32 bits count. */
static void count_ranges(void *ctx, size_t from, size_t to)
{
    atomic_size_t *total = ctx;
    atomic_fetch_add(total, to - from);
}

static void test_huge_ranges(void **state)
{
    atomic_size_t total = 0;
    (void)state;
    kin_parallel_for(((size_t)1 << 40) + 7, (size_t)1 << 33, 3, count_ranges, &total);
    assert_true(atomic_load(&total) == ((size_t)1 << 40) + 7);
}

struct meeting {
    atomic_int here;
    atomic_bool met;
};

/* Two ranges that each wait for the other can only both return when two threads run them. */
static void wait_for_the_other(void *ctx, size_t from, size_t to)
{
    struct meeting *meeting = ctx;
    (void)from;
    (void)to;
    if (atomic_fetch_add(&meeting->here, 1) + 1 == 2)
        atomic_store(&meeting->met, true);
    while (!atomic_load(&meeting->met))
        sched_yield();
}

static void test_threads_run_at_once(void **state)
{
    struct meeting meeting = {0};
    (void)state;
    kin_parallel_for(2, 1, 2, wait_for_the_other, &meeting);
    assert_int_equal(atomic_load(&meeting.here), 2);
}

static void note_other_threads(void *ctx, size_t from, size_t to)
{
    struct {
        pthread_t caller;
        atomic_int strangers;
    } *notes = ctx;
    (void)from;
    (void)to;
    if (!pthread_equal(notes->caller, pthread_self()))
        atomic_fetch_add(&notes->strangers, 1);
}

static void test_one_thread_is_the_calling_one(void **state)
{
    struct {
        pthread_t caller;
        atomic_int strangers;
    } notes = {.caller = pthread_self()};
    (void)state;
    kin_parallel_for(1000, 1, 1, note_other_threads, &notes);
    assert_int_equal(atomic_load(&notes.strangers), 0);
}

static void test_cpu_count_follows_affinity(void **state)
{
    cpu_set_t before, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(kin_cpu_count(), CPU_COUNT(&before));
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(kin_cpu_count(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_iteration_once),
        cmocka_unit_test(test_huge_ranges),
        cmocka_unit_test(test_threads_run_at_once),
        cmocka_unit_test(test_one_thread_is_the_calling_one),
        cmocka_unit_test(test_cpu_count_follows_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
