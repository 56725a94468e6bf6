/* Waiting with a bound: until the moment has come, or until the signal. */
#include "base/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;
};

static void *ring(void *ctx)
{
    struct bell *bell = ctx;
    pthread_mutex_lock(&bell->lock);
    bell->is_rung = true;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
    return NULL;
}

static void test_the_moment_comes(void **state)
{
    struct bell bell = {.lock = PTHREAD_MUTEX_INITIALIZER};
    (void)state;
    assert_int_equal(kin_cond_init(&bell.rung), 0);
    pthread_mutex_lock(&bell.lock);
    double moment = kin_clock_monotonic() + 0.02;
    while (kin_cond_wait_until(&bell.rung, &bell.lock, moment))
        ;
    assert_true(kin_clock_monotonic() >= moment - 1e-6);          /* never before it */
    assert_false(kin_cond_wait_until(&bell.rung, &bell.lock, 0)); /* long past */
    pthread_mutex_unlock(&bell.lock);
    pthread_cond_destroy(&bell.rung);
}

static void test_the_signal_comes_first(void **state)
{
    struct bell bell = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    (void)state;
    assert_int_equal(kin_cond_init(&bell.rung), 0);
    pthread_mutex_lock(&bell.lock);
    assert_int_equal(pthread_create(&thread, NULL, ring, &bell), 0);
    while (!bell.is_rung && kin_cond_wait_until(&bell.rung, &bell.lock, kin_clock_monotonic() + 60))
        ;
    assert_true(bell.is_rung);
    pthread_mutex_unlock(&bell.lock);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&bell.rung);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_moment_comes),
        cmocka_unit_test(test_the_signal_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
