/*
 * What is kept of conditions, and brought from one snapshot to another, equals what the records of
 * each snapshot say themselves: whatever was put, changed and removed between, by whom, and in
 * whatever order the snapshots ask.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "catalog/condition.h"

#include "random_condition.h"
#include "samples.h"

/* --- the truth: every record of the snapshot --- */

static void check_condition(kin_txn *txn, const kin_condition *condition)
{
    kin_bitmap *members;
    uint64_t rows, expected = 0;
    assert_ok(kin_catalog_rows(txn, &rows, NULL));
    assert_ok(kin_condition_members(condition, txn, &members, NULL));
    const roaring_bitmap_t *ids = kin_bitmap_borrow(members);
    for (uint64_t id = 0; id < rows; id++) {
        kin_record record;
        kin_status status = kin_catalog_get(txn, id, &record, NULL);
        bool met = status == KIN_OK && kin_condition_matches(condition, &record);
        if (status == KIN_OK)
            kin_record_release(&record);
        assert_int_equal(roaring_bitmap_contains(ids, (uint32_t)id), met);
        expected += met;
    }
    assert_int_equal(kin_bitmap_count(members), expected);
    assert_int_equal(roaring_bitmap_get_cardinality(ids), expected);
    kin_bitmap_free(members);
}

static void check_dead(kin_txn *txn)
{
    kin_bitmap *dead;
    roaring_bitmap_t *live;
    uint64_t rows;
    assert_ok(kin_catalog_rows(txn, &rows, NULL));
    assert_ok(kin_catalog_dead(txn, &dead, NULL));
    assert_ok(kin_catalog_live(txn, &live, NULL));
    for (uint64_t id = 0; id < rows; id++) {
        kin_record record;
        kin_status status = kin_catalog_get(txn, id, &record, NULL);
        assert_true(status == KIN_OK || status == KIN_E_NOT_FOUND);
        if (status == KIN_OK)
            kin_record_release(&record);
        bool contained = roaring_bitmap_contains(kin_bitmap_borrow(dead), (uint32_t)id);
        assert_int_equal(contained, status == KIN_E_NOT_FOUND);
        assert_int_equal(roaring_bitmap_contains(live, (uint32_t)id), status == KIN_OK);
    }
    assert_int_equal(kin_bitmap_count(dead) + roaring_bitmap_get_cardinality(live), rows);
    roaring_bitmap_free(live);
    kin_bitmap_free(dead);
}

/* --- conditions that are asked again and again --- */

enum { CONDITIONS = 48 };

static kin_condition *conditions[CONDITIONS];

static kin_condition *parse(const char *text)
{
    kin_condition *condition;
    assert_ok(kin_condition_parse(text, &condition, NULL));
    return condition;
}

/* A list of values to look up, so long that its answer is worth keeping. */
static void add_list(char *at, const char *before, const char *name, const char *value)
{
    at += sprintf(at, " %s %s in (%s", before, name, value);
    for (int i = 0; i < 60; i++)
        at += sprintf(at, ", none-%d", i);
    sprintf(at, ")");
}

static int make_conditions(void **state)
{
    static char text[RANDOM_CONDITION_SIZE];
    rng random = {81};
    (void)state;
    for (size_t i = 0; i < CONDITIONS; i++) {
        random_condition(text, &random);
        if (i % 3 == 1)
            add_list(text + strlen(text), "or", "modality", "CT");
        if (i % 3 == 2)
            add_list(text + strlen(text), "and not", "diagnosis", "glioma");
        conditions[i] = parse(text);
    }
    return 0;
}

static int free_conditions(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONDITIONS; i++)
        kin_condition_free(conditions[i]);
    return 0;
}

/* --- random writes --- */

struct change {
    uint64_t seed;
    unsigned puts, updates, removals;
};

static kin_status change_one(kin_txn *txn, rng *random, uint64_t id, kin_error *err)
{
    kin_record record;
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status == KIN_E_NOT_FOUND)
        return KIN_OK;
    if (status != KIN_OK)
        return status;
    if (rng_below(random, 2) > 0)
        sample_fields(random, &record);
    sample_labels(random, &record);
    status = kin_catalog_update(txn, &record, err);
    kin_record_release(&record);
    return status;
}

static kin_status make_change(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct change *change = ctx;
    rng random = {change->seed};
    sample_batch batch = {.seed = change->seed, .count = change->puts};
    uint64_t rows;
    kin_status status = sample_put_batch(txn, &batch, err);
    if (status == KIN_OK)
        status = kin_catalog_rows(txn, &rows, err);
    if (status != KIN_OK || rows == 0)
        return status;
    for (unsigned i = 0; i < change->updates && status == KIN_OK; i++)
        status = change_one(txn, &random, rng_below(&random, (unsigned)rows), err);
    for (unsigned i = 0; i < change->removals && status == KIN_OK; i++) {
        status = kin_catalog_remove(txn, rng_below(&random, (unsigned)rows), err);
        status = status == KIN_E_NOT_FOUND ? KIN_OK : status;
    }
    return status;
}

/* Mostly puts; sometimes nothing of what conditions ask. */
static struct change random_change(rng *random)
{
    return (struct change){.seed = rng_next(random),
                           .puts = rng_below(random, 4) > 0 ? rng_below(random, 12) : 0,
                           .updates = rng_below(random, 3) == 0 ? rng_below(random, 3) : 0,
                           .removals = rng_below(random, 3) == 0 ? rng_below(random, 4) : 0};
}

/* --- one thread that asks, and keeps snapshots --- */

enum { RUNS = 3, FIRST_PUTS = 200, ROUNDS = 40, OLD_SNAPSHOTS = 4, ASKED_EACH_TIME = 6 };

struct writing {
    kin_catalog *catalog;
    struct change change;
    kin_status status;
};

static void *write_in_thread(void *ctx)
{
    struct writing *writing = ctx;
    writing->status = kin_catalog_write(writing->catalog, make_change, &writing->change, NULL);
    return NULL;
}

/* In another thread, since this one has snapshots. */
static void write_beside(kin_catalog *catalog, struct change change)
{
    struct writing writing = {.catalog = catalog, .change = change};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_in_thread, &writing), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(writing.status);
}

static void ask_some(kin_txn *txn, rng *random)
{
    for (int i = 0; i < ASKED_EACH_TIME; i++)
        check_condition(txn, conditions[rng_below(random, CONDITIONS)]);
}

/* A map that must grow would wait for the snapshots of this thread, which waits for the writer. */
static void make_room(kin_catalog *catalog, kin_txn *snapshots[OLD_SNAPSHOTS])
{
    uint64_t used, map;
    assert_ok(kin_catalog_size(catalog, &used, &map, NULL));
    for (size_t i = 0; i < OLD_SNAPSHOTS && used > map / 4 * 3; i++) {
        kin_txn_end(snapshots[i]);
        snapshots[i] = NULL;
    }
}

static void interleave(kin_catalog *catalog, rng *random)
{
    kin_txn *snapshots[OLD_SNAPSHOTS] = {NULL};
    for (int round = 0; round < ROUNDS; round++) {
        size_t slot = rng_below(random, OLD_SNAPSHOTS);
        rng same = {rng_next(random)}, again = same;
        make_room(catalog, snapshots);
        write_beside(catalog, random_change(random));
        kin_txn_end(snapshots[slot]);
        assert_ok(kin_catalog_read(catalog, &snapshots[slot], NULL));
        ask_some(snapshots[slot], &same);
        check_dead(snapshots[slot]);
        slot = rng_below(random, OLD_SNAPSHOTS); /* older than what was just asked, mostly */
        if (snapshots[slot] != NULL) {
            ask_some(snapshots[slot], &again);
            check_dead(snapshots[slot]);
        }
    }
    for (size_t i = 0; i < OLD_SNAPSHOTS; i++)
        kin_txn_end(snapshots[i]);
}

static void test_interleaved(void **state)
{
    rng random = {82};
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        sample_catalog sample;
        struct change many = {.seed = rng_next(&random), .puts = FIRST_PUTS};
        size_t bytes, bitmaps;
        sample_make(&sample);
        assert_ok(kin_catalog_write(sample.catalog, make_change, &many, NULL));
        interleave(sample.catalog, &random);
        kin_catalog_measure_cache(sample.catalog, &bytes, &bitmaps);
        assert_true(bitmaps > CONDITIONS / 2); /* else nothing was tried */
        assert_int_equal(sample_verify(sample.catalog), 0);
        sample_drop(&sample);
    }
}

/* Within a write its own changes are seen, and nobody sees them when it fails. */
static kin_status change_and_ask(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_status status = make_change(txn, ctx, err);
    for (size_t i = 0; i < CONDITIONS && status == KIN_OK; i++)
        check_condition(txn, conditions[i]);
    if (status == KIN_OK)
        check_dead(txn);
    return status == KIN_OK ? kin_fail(err, KIN_E_CANCELLED, NULL, "on purpose") : status;
}

static void check_all(kin_catalog *catalog)
{
    kin_txn *txn;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    for (size_t i = 0; i < CONDITIONS; i++)
        check_condition(txn, conditions[i]);
    check_dead(txn);
    kin_txn_end(txn);
}

static void test_writes_that_fail(void **state)
{
    sample_catalog sample;
    struct change change = {.seed = 83, .puts = 60};
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, make_change, &change, NULL));
    for (int round = 0; round < 3; round++) {
        check_all(sample.catalog);
        change = (struct change){.seed = 84, .puts = 20, .updates = 20, .removals = 1};
        assert_int_equal(kin_catalog_write(sample.catalog, change_and_ask, &change, NULL),
                         KIN_E_CANCELLED);
        check_all(sample.catalog);
        /* The commit that gets the number which the failed one would have had. */
        change = (struct change){.seed = 85 + (unsigned)round, .puts = 10, .removals = 1};
        assert_ok(kin_catalog_write(sample.catalog, make_change, &change, NULL));
    }
    check_all(sample.catalog);
    sample_drop(&sample);
}

/* --- the map grows --- */

static void test_growing_map(void **state)
{
    sample_catalog sample;
    struct change change = {.seed = 85, .puts = 300};
    uint64_t used, first_map = 0, map = 0;
    rng random = {86};
    (void)state;
    sample_make(&sample);
    for (; map == first_map; change.seed++) {
        kin_txn *txn;
        assert_ok(kin_catalog_write(sample.catalog, make_change, &change, NULL));
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        check_condition(txn, conditions[rng_below(&random, CONDITIONS)]);
        kin_txn_end(txn);
        assert_ok(kin_catalog_size(sample.catalog, &used, &map, NULL));
        first_map = first_map == 0 ? map : first_map;
    }
    check_all(sample.catalog);
    sample_drop(&sample);
}

/* --- several threads, several processes --- */

enum { ASKERS = 3, COMMITS = 60 };

struct crowd {
    kin_catalog *catalog;
    atomic_bool ended;
    atomic_uint seed, asked;
};

static void *ask_until_ended(void *ctx)
{
    struct crowd *crowd = ctx;
    rng random = {atomic_fetch_add(&crowd->seed, 1)};
    while (!atomic_load(&crowd->ended)) {
        kin_txn *txn;
        assert_ok(kin_catalog_read(crowd->catalog, &txn, NULL));
        for (int i = 0; i < 3; i++)
            check_condition(txn, conditions[rng_below(&random, CONDITIONS)]);
        kin_txn_end(txn);
        atomic_fetch_add(&crowd->asked, 1);
    }
    return NULL;
}

static void write_many(kin_catalog *catalog, uint64_t seed)
{
    rng random = {seed};
    for (int i = 0; i < COMMITS; i++) {
        struct change change = random_change(&random);
        assert_ok(kin_catalog_write(catalog, make_change, &change, NULL));
    }
}

static void test_threads(void **state)
{
    sample_catalog sample;
    struct crowd crowd = {.seed = 87};
    pthread_t askers[ASKERS];
    (void)state;
    sample_make(&sample);
    crowd.catalog = sample.catalog;
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, ask_until_ended, &crowd), 0);
    write_many(sample.catalog, 88);
    while (atomic_load(&crowd.asked) < 2 * ASKERS)
        usleep(1000);
    atomic_store(&crowd.ended, true);
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_join(askers[i], NULL), 0);
    sample_drop(&sample);
}

/* Another process changes values: this one's bitmaps know. */
static void test_processes(void **state)
{
    sample_catalog sample;
    rng random = {89};
    int exit_status = -1;
    (void)state;
    sample_make(&sample);
    pid_t child = sample_fork();
    if (child == 0) {
        kin_catalog *own;
        if (kin_catalog_open(sample.dir, false, &own, NULL) != KIN_OK)
            _exit(1);
        write_many(own, 90);
        kin_catalog_close(own);
        _exit(0);
    }
    bool ended = false;
    while (!ended) {
        kin_txn *txn;
        ended = waitpid(child, &exit_status, WNOHANG) == child;
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        ask_some(txn, &random);
        check_dead(txn);
        kin_txn_end(txn);
    }
    assert_int_equal(exit_status, 0);
    sample_drop(&sample);
}

/* --- what is shared, and what is kept --- */

static kin_bitmap *ask(kin_catalog *catalog, const kin_condition *condition)
{
    kin_txn *txn;
    kin_bitmap *members;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    assert_ok(kin_condition_members(condition, txn, &members, NULL));
    kin_txn_end(txn);
    return members;
}

static kin_status put_modalities(kin_txn *txn, void *ctx, kin_error *err)
{
    const char *const *at = ctx;
    kin_status status = KIN_OK;
    for (; *at != NULL && status == KIN_OK; at++) {
        kin_record record;
        assert_ok(kin_record_init(&record, err));
        assert_ok(kin_record_set(&record.modality, *at, err));
        status = kin_catalog_put(txn, &record, err);
        kin_record_release(&record);
    }
    return status;
}

static void test_shared(void **state)
{
    static const char *all[6001], *others[] = {"MR", NULL}, *one[] = {"CT", NULL};
    sample_catalog sample;
    kin_condition *condition = parse("modality = CT");
    (void)state;
    for (size_t i = 0; i < 6000; i++)
        all[i] = "CT";
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, put_modalities, all, NULL));
    kin_bitmap *first = ask(sample.catalog, condition);
    kin_bitmap *again = ask(sample.catalog, condition);
    assert_ptr_equal(first, again);
    kin_bitmap_free(again);
    /* A commit that adds none of its images leaves it as it is. */
    assert_ok(kin_catalog_write(sample.catalog, put_modalities, others, NULL));
    again = ask(sample.catalog, condition);
    assert_ptr_equal(first, again);
    kin_bitmap_free(again);
    /* One that does makes another: who has the former sees no change. */
    assert_ok(kin_catalog_write(sample.catalog, put_modalities, one, NULL));
    again = ask(sample.catalog, condition);
    assert_int_equal(kin_bitmap_count(again), 6001);
    assert_int_equal(kin_bitmap_count(first), 6000);
    assert_int_equal(roaring_bitmap_get_cardinality(kin_bitmap_borrow(first)), 6000);
    kin_bitmap_free(again);
    sample_drop(&sample);
    assert_true(roaring_bitmap_contains(kin_bitmap_borrow(first), 5999)); /* outlives it */
    kin_bitmap_free(first);
    kin_condition_free(condition);
}

/* Conditions that are written differently and mean the same need not share; those that mean
 * different things must not, however alike they are written. */
static void test_like_conditions(void **state)
{
    static const char *const texts[] = {
        "modality in (A, B)",
        "modality in ('A, B')",
        "modality in (AB)",
        "modality = A or modality = B",
        "modality = A and modality = B",
        "not modality = A and modality = B",
        "not (modality = A and modality = B)",
        "modality < A",
        "modality <= A",
        "modality > A",
        "modality >= A",
        "modality = A",
        "modality = A or modality = B and modality = ''",
        "(modality = A or modality = B) and modality = ''",
    };
    static const char *all[6001], *kinds[] = {"A", "B", "AB", "A, B", "", "0"};
    sample_catalog sample;
    kin_txn *txn;
    (void)state;
    for (size_t i = 0; i < 6000; i++)
        all[i] = kinds[i % 6];
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, put_modalities, all, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kin_condition *condition = parse(texts[i]);
        check_condition(txn, condition);
        check_condition(txn, condition);
        kin_condition_free(condition);
    }
    kin_txn_end(txn);
    sample_drop(&sample);
}

static void check_limit(kin_catalog *catalog, size_t limit)
{
    size_t bytes, bitmaps;
    kin_txn *txn;
    kin_catalog_limit_cache(catalog, limit);
    for (size_t i = 0; i < CONDITIONS; i++) {
        kin_catalog_measure_cache(catalog, &bytes, &bitmaps);
        assert_true(bytes <= limit);
        assert_ok(kin_catalog_read(catalog, &txn, NULL));
        check_condition(txn, conditions[i]);
        kin_txn_end(txn);
    }
    kin_catalog_measure_cache(catalog, &bytes, &bitmaps);
    assert_true(bytes <= limit);
    assert_int_equal(bytes == 0, bitmaps == 0);
    assert_int_equal(bytes == 0, limit == 0);
}

static void test_limits(void **state)
{
    sample_catalog sample;
    struct change change = {.seed = 91, .puts = 200, .removals = 20};
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, make_change, &change, NULL));
    check_limit(sample.catalog, KIN_CATALOG_CACHE_BYTES);
    check_limit(sample.catalog, 8192);
    check_limit(sample.catalog, 0);
    check_limit(sample.catalog, 16384);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interleaved),     cmocka_unit_test(test_writes_that_fail),
        cmocka_unit_test(test_growing_map),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_processes),       cmocka_unit_test(test_shared),
        cmocka_unit_test(test_like_conditions), cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, make_conditions, free_conditions);
}
