/* The pool of decoders: who waits is woken, who gives up gets nothing and takes nothing along, and no
 * decoder is with two threads at once.  The worker is the one that misbehaves as it is told. */
#include "service/decoders.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static const kin_decode_features features = {.length = 100};

enum { PATIENCE_MS = 30000, FOREVER_S = 3600 };

/* mode: how the first file of every process fares (evil_worker.c). */
static kin_decoders *pool_of(size_t count, const char *mode, double seconds)
{
    kin_decoders *pool = NULL;
    char length[32];
    kin_error err;
    const kin_decode_limits limits = {.seconds = seconds};
    snprintf(length, sizeof length, "%zu", features.length);
    setenv("KIN_EVIL_LENGTH", length, 1);
    setenv("KIN_EVIL", mode, 1);
    if (kin_decoders_new(count, EVIL_WORKER, &features, &limits, &pool, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return pool;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

static kin_decoder *take(kin_decoders *pool)
{
    kin_decoder *decoder = NULL;
    assert_int_equal(kin_decoders_take(pool, never, NULL, &decoder, NULL), KIN_OK);
    assert_non_null(decoder);
    return decoder;
}

static kin_status count_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx, (void)header, (void)err;
    return KIN_OK;
}

static kin_status count_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)frame, (void)err;
    ++*(unsigned *)ctx;
    return KIN_OK;
}

/* *frames: that came. */
static kin_status run(kin_decoder *decoder, const char *name, unsigned *frames)
{
    *frames = 0;
    const kin_decode_sink sink = {.header = count_header, .frame = count_frame, .ctx = frames};
    return kin_decoder_run_bytes(decoder, "bytes", 5, name, NULL, &sink, NULL);
}

static void expect_well(kin_decoder *decoder)
{
    unsigned frames;
    assert_int_equal(run(decoder, "x.ok", &frames), KIN_OK);
    assert_int_equal(frames, 2);
}

/* --- waiting --- */

/* Somebody who may stop, seen from outside. */
struct asker {
    kin_decoders *pool;
    atomic_uint asked; /* whether to stop */
    atomic_bool stop, returned;
    kin_decoder *got;
    kin_status status;
    kin_error err;
    pthread_t thread;
};

static bool asked_to_stop(void *ctx)
{
    struct asker *asker = ctx;
    asker->asked++;
    return asker->stop;
}

static void *ask(void *ctx)
{
    struct asker *asker = ctx;
    asker->status = kin_decoders_take(asker->pool, asked_to_stop, asker, &asker->got, &asker->err);
    asker->returned = true;
    return NULL;
}

static void start(struct asker *asker, kin_decoders *pool)
{
    *asker = (struct asker){.pool = pool};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

/* It has been asked whether to stop again and again, so it waits. */
static void await_asked(struct asker *asker, unsigned times)
{
    for (unsigned ms = 0; asker->asked < times; ms++) {
        assert_true(ms < PATIENCE_MS && !asker->returned);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void test_who_waits_gets_what_is_given_back(void **state)
{
    (void)state;
    struct asker waiting;
    kin_decoders *pool = pool_of(1, "clean", FOREVER_S);
    kin_decoder *only = take(pool);
    start(&waiting, pool);
    await_asked(&waiting, 3);
    assert_false(waiting.returned);
    kin_decoders_give_back(pool, only);
    assert_int_equal(pthread_join(waiting.thread, NULL), 0);
    assert_int_equal(waiting.status, KIN_OK);
    assert_ptr_equal(waiting.got, only);
    /* The decoder asks its new holder. */
    waiting.stop = true;
    unsigned frames;
    setenv("KIN_EVIL", "hang", 1);
    assert_int_equal(run(waiting.got, "x.png", &frames), KIN_E_CANCELLED);
    kin_decoders_give_back(pool, waiting.got);
    kin_decoders_free(pool);
}

static void test_all_of_them_are_lent(void **state)
{
    (void)state;
    enum { COUNT = 3 };
    kin_decoders *pool = pool_of(COUNT, "clean", FOREVER_S);
    kin_decoder *lent[COUNT];
    struct asker waiting[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        lent[i] = take(pool);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(lent[i], lent[j]);
    }
    for (size_t i = 0; i < COUNT; i++)
        start(&waiting[i], pool);
    for (size_t i = 0; i < COUNT; i++)
        await_asked(&waiting[i], 2);
    /* As many as come back are given on, each to one. */
    for (size_t i = 0; i < COUNT; i++)
        kin_decoders_give_back(pool, lent[i]);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(pthread_join(waiting[i].thread, NULL), 0);
        assert_int_equal(waiting[i].status, KIN_OK);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(waiting[i].got, waiting[j].got);
    }
    for (size_t i = 0; i < COUNT; i++)
        kin_decoders_give_back(pool, waiting[i].got);
    kin_decoders_free(pool);
}

static void test_who_stops_waiting_takes_nothing(void **state)
{
    (void)state;
    struct asker leaving, staying;
    kin_decoders *pool = pool_of(1, "clean", FOREVER_S);
    kin_decoder *only = take(pool);
    start(&leaving, pool);
    start(&staying, pool);
    await_asked(&leaving, 2);
    await_asked(&staying, 2);
    leaving.stop = true;
    assert_int_equal(pthread_join(leaving.thread, NULL), 0);
    assert_int_equal(leaving.status, KIN_E_CANCELLED);
    assert_int_equal(leaving.err.code, KIN_E_CANCELLED);
    assert_string_equal(leaving.err.message, "stopped while waiting for a decoder");
    assert_null(leaving.got);
    assert_false(staying.returned);
    kin_decoders_give_back(pool, only);
    assert_int_equal(pthread_join(staying.thread, NULL), 0);
    assert_ptr_equal(staying.got, only);
    expect_well(staying.got);
    kin_decoders_give_back(pool, staying.got);
    kin_decoders_free(pool);
}

/* --- decoding --- */

/* Stops at the third question. */
static bool third_time(void *ctx)
{
    return ++*(unsigned *)ctx >= 3;
}

static void test_who_stops_decoding_leaves_it_sound(void **state)
{
    (void)state;
    unsigned asked = 0, frames;
    kin_decoder *decoder = NULL;
    kin_decoders *pool = pool_of(1, "hang", FOREVER_S);
    assert_int_equal(kin_decoders_take(pool, third_time, &asked, &decoder, NULL), KIN_OK);
    assert_int_equal(asked, 0); /* one was free */
    assert_int_equal(run(decoder, "x.png", &frames), KIN_E_CANCELLED);
    assert_int_equal(asked, 3);
    kin_decoders_give_back(pool, decoder);

    decoder = take(pool);
    expect_well(decoder);
    assert_int_equal(asked, 3); /* who has left is asked no more */
    kin_decoders_give_back(pool, decoder);
    assert_int_equal(kin_decoders_restarts(pool), 0); /* no crash, nor a time-out */
    kin_decoders_free(pool);
}

static void expect_failure(kin_decoder *decoder, kin_status how)
{
    unsigned frames;
    assert_int_equal(run(decoder, "x.png", &frames), how);
    assert_int_equal(frames, 0);
}

/* Each restart counts once, whoever had the decoder and however often it was lent. */
static void test_restarts_are_counted(void **state)
{
    (void)state;
    kin_decoders *pool = pool_of(2, "crash", FOREVER_S);
    kin_decoder *one = take(pool), *other = take(pool);
    expect_failure(one, KIN_E_CRASHED);
    kin_decoders_give_back(pool, one);
    assert_int_equal(kin_decoders_restarts(pool), 0); /* of one nothing has been started again */
    one = take(pool);
    expect_well(one);
    expect_well(one);
    kin_decoders_give_back(pool, one);
    assert_int_equal(kin_decoders_restarts(pool), 1);

    for (int i = 0; i < 3; i++)
        expect_failure(other, KIN_E_CRASHED);
    expect_well(other);
    kin_decoders_give_back(pool, other);
    assert_int_equal(kin_decoders_restarts(pool), 4);

    for (int i = 0; i < 5; i++) /* to lend one is no restart */
        kin_decoders_give_back(pool, take(pool));
    assert_int_equal(kin_decoders_restarts(pool), 4);
    kin_decoders_free(pool);
}

static void test_time_outs_count_as_well(void **state)
{
    (void)state;
    kin_decoders *pool = pool_of(1, "hang", 0.2);
    kin_decoder *only = take(pool);
    expect_failure(only, KIN_E_TIMEOUT);
    expect_well(only);
    kin_decoders_give_back(pool, only);
    assert_int_equal(kin_decoders_restarts(pool), 1);
    kin_decoders_free(pool);
}

/* --- a crowd --- */

enum { CROWD = 12, ROUNDS = 30, LENT = 3 };

struct crowd {
    kin_decoders *pool;
    atomic_uint lent, most_lent, decoded, crashed, given_up, wrong;
    _Atomic(kin_decoder *) held[LENT];
};

static bool give_up_at_once(void *ctx)
{
    (void)ctx;
    return true;
}

/* Notes who holds which; false: somebody else has it, or more are lent than there are. */
static bool hold(struct crowd *crowd, kin_decoder *decoder, size_t *place)
{
    unsigned now = ++crowd->lent, most = crowd->most_lent;
    while (now > most && !atomic_compare_exchange_weak(&crowd->most_lent, &most, now))
        ;
    for (size_t i = 0; i < LENT; i++)
        if (crowd->held[i] == decoder)
            return false;
    for (size_t i = 0; i < LENT; i++) {
        kin_decoder *nobody = NULL;
        *place = i;
        if (atomic_compare_exchange_strong(&crowd->held[i], &nobody, decoder))
            return true;
    }
    return false;
}

/* Every third time it crashes the worker. */
static void use(struct crowd *crowd, kin_decoder *decoder, unsigned round)
{
    unsigned frames;
    size_t place = 0;
    bool crash = round % 3 == 0;
    if (!hold(crowd, decoder, &place))
        crowd->wrong++;
    kin_status status = run(decoder, crash ? "x.png" : "x.ok", &frames);
    if (status != (crash ? KIN_E_CRASHED : KIN_OK) || frames != (crash ? 0 : 2))
        crowd->wrong++;
    crowd->decoded += status == KIN_OK;
    crowd->crashed += status == KIN_E_CRASHED;
    crowd->held[place] = NULL;
    crowd->lent--;
}

static void *be_one_of_many(void *ctx)
{
    struct crowd *crowd = ctx;
    for (unsigned round = 0; round < ROUNDS; round++) {
        kin_decoder *decoder = NULL;
        bool patient = round % 4 != 1;
        kin_status status =
            kin_decoders_take(crowd->pool, patient ? never : give_up_at_once, NULL, &decoder, NULL);
        if (status == KIN_OK) {
            if (!patient) /* it would be stopped while it decodes */
                kin_decoder_set_stop(decoder, NULL, NULL);
            use(crowd, decoder, round);
            kin_decoders_give_back(crowd->pool, decoder);
        } else if (!patient && status == KIN_E_CANCELLED) {
            crowd->given_up++;
        } else {
            crowd->wrong++;
        }
    }
    return NULL;
}

static void test_many_threads_share_a_few(void **state)
{
    (void)state;
    struct crowd crowd = {.pool = pool_of(LENT, "crash", FOREVER_S)};
    pthread_t threads[CROWD];
    kin_decoder *left[LENT];
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, be_one_of_many, &crowd), 0);
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.most_lent, LENT);
    assert_true(crowd.decoded > 0 && crowd.crashed > 0);
    assert_int_equal(crowd.decoded + crowd.crashed + crowd.given_up, CROWD * ROUNDS);
    /* All are there again, and as good as new. */
    for (size_t i = 0; i < LENT; i++) {
        left[i] = take(crowd.pool);
        expect_well(left[i]);
        assert_true(i == 0 || left[i] != left[i - 1]);
    }
    for (size_t i = 0; i < LENT; i++)
        kin_decoders_give_back(crowd.pool, left[i]);
    assert_int_equal(kin_decoders_restarts(crowd.pool), crowd.crashed);
    kin_decoders_free(crowd.pool);
}

/* --- life --- */

static void test_a_pool_without_a_worker(void **state)
{
    (void)state;
    kin_decoders *pool = NULL;
    kin_error err;
    const kin_decode_limits limits = {.seconds = 1};
    assert_int_equal(
        kin_decoders_new(2, "/nowhere/kindred-worker", &features, &limits, &pool, &err),
        KIN_E_NOT_FOUND);
    assert_null(pool);
    assert_int_not_equal(err.message[0], '\0');
    kin_decoders_free(NULL);
    kin_decoders_free(pool_of(4, "clean", 1)); /* none was ever started */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_waits_gets_what_is_given_back),
        cmocka_unit_test(test_all_of_them_are_lent),
        cmocka_unit_test(test_who_stops_waiting_takes_nothing),
        cmocka_unit_test(test_who_stops_decoding_leaves_it_sound),
        cmocka_unit_test(test_restarts_are_counted),
        cmocka_unit_test(test_time_outs_count_as_well),
        cmocka_unit_test(test_many_threads_share_a_few),
        cmocka_unit_test(test_a_pool_without_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
