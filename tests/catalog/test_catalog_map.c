/* The map's growth, within a process and by another one, with threads that read and write
 * meanwhile. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

enum { BATCH = 2000 }; /* takes several MiB */

static uint64_t map_size(kin_catalog *catalog)
{
    uint64_t used, map;
    assert_ok(kin_catalog_size(catalog, &used, &map, NULL));
    assert_true(used <= map);
    return map;
}

/* Forks a process that opens the catalog for itself and puts `batches` batches; returns its id. */
static pid_t start_writer(const sample_catalog *sample, unsigned batches, unsigned count)
{
    pid_t child = sample_fork();
    if (child != 0)
        return child;
    kin_catalog *own;
    if (kin_catalog_open(sample->dir, false, &own, NULL) != KIN_OK)
        _exit(1);
    for (unsigned i = 0; i < batches; i++) {
        sample_batch batch = {.seed = i, .count = count};
        if (kin_catalog_write(own, sample_put_batch, &batch, NULL) != KIN_OK)
            _exit(2);
    }
    kin_catalog_close(own);
    _exit(0);
}

static void expect_success(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_growth_from_tiny(void **state)
{
    sample_catalog sample;
    (void)state;
    sample_make(&sample);
    uint64_t first = map_size(sample.catalog);
    assert_true(first <= 1 << 20);
    sample_batch batch = {.seed = 51, .count = 10 * BATCH};
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_true(batch.runs > 3); /* the body ran again each time the map grew */
    assert_true(map_size(sample.catalog) >= 8 * first);
    assert_int_equal(sample_rows(sample.catalog), 10 * BATCH);
    assert_int_equal(sample_verify(sample.catalog), 0);
    kin_catalog_close(sample.catalog);
    sample_open(&sample);
    assert_int_equal(sample_rows(sample.catalog), 10 * BATCH);
    sample_drop(&sample);
}

/* New snapshots keep coming while another process makes the map many times larger. */
static void test_growth_by_another_process(void **state)
{
    sample_catalog sample;
    uint64_t rows = 0;
    (void)state;
    sample_make(&sample);
    uint64_t first = map_size(sample.catalog);
    pid_t child = start_writer(&sample, 20, BATCH / 4);
    while (rows < 20 * BATCH / 4) {
        kin_txn *txn;
        uint64_t seen;
        roaring_bitmap_t *live;
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        assert_ok(kin_catalog_rows(txn, &seen, NULL));
        assert_true(seen >= rows);
        assert_int_equal(seen % (BATCH / 4), 0);
        assert_ok(kin_catalog_live(txn, &live, NULL));
        assert_int_equal(roaring_bitmap_get_cardinality(live), seen);
        roaring_bitmap_free(live);
        if (seen > 0) {
            kin_record record;
            assert_ok(kin_catalog_get(txn, seen - 1, &record, NULL));
            kin_record_release(&record);
        }
        kin_txn_end(txn);
        rows = seen;
    }
    expect_success(child);
    assert_true(map_size(sample.catalog) > 4 * first);
    /* And we write on where the other left off. */
    sample_batch batch = {.seed = 52, .count = 10};
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_int_equal(sample_rows(sample.catalog), rows + 10);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

struct late_reader {
    kin_catalog *catalog;
    kin_status status;
    uint64_t rows;
};

static void *read_late(void *argument)
{
    struct late_reader *late = argument;
    kin_txn *txn;
    late->status = kin_catalog_read(late->catalog, &txn, NULL);
    if (late->status == KIN_OK) {
        late->status = kin_catalog_rows(txn, &late->rows, NULL);
        kin_txn_end(txn);
    }
    return NULL;
}

/* Another process has outgrown our map while we hold a snapshot: it stays whole; this thread cannot
 * have a second one beside it; another thread gets one when the first has ended. */
static void test_snapshot_across_growth(void **state)
{
    sample_catalog sample;
    kin_txn *old, *new;
    uint64_t rows;
    pthread_t thread;
    sample_batch batch = {.seed = 53, .count = 50};
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &old, NULL));
    expect_success(start_writer(&sample, 1, BATCH));
    assert_int_equal(kin_catalog_read(sample.catalog, &new, NULL), KIN_E_BUSY);
    struct late_reader late = {.catalog = sample.catalog};
    assert_int_equal(pthread_create(&thread, NULL, read_late, &late), 0);
    usleep(20000); /* so that it probably waits already */
    assert_ok(kin_catalog_rows(old, &rows, NULL));
    assert_int_equal(rows, 50);
    for (uint64_t id = 0; id < rows; id++) {
        kin_record record;
        assert_ok(kin_catalog_get(old, id, &record, NULL));
        kin_record_release(&record);
    }
    kin_txn_end(old);
    pthread_join(thread, NULL);
    assert_ok(late.status);
    assert_int_equal(late.rows, 50 + BATCH);
    sample_drop(&sample);
}

struct writer {
    kin_catalog *catalog;
    sample_batch batch;
    kin_status status;
};

static void *write_batch(void *argument)
{
    struct writer *writer = argument;
    writer->status = kin_catalog_write(writer->catalog, sample_put_batch, &writer->batch, NULL);
    return NULL;
}

/* While another thread waits to grow the map, a thread with a snapshot may take a second one: it
 * must not be held back until the growth, which waits for its first. */
static void test_second_snapshot_while_growth_waits(void **state)
{
    sample_catalog sample;
    kin_txn *first, *second;
    pthread_t thread;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &first, NULL));
    struct writer writer = {.catalog = sample.catalog, .batch = {.seed = 54, .count = BATCH}};
    assert_int_equal(pthread_create(&thread, NULL, write_batch, &writer), 0);
    for (int i = 0; i < 20; i++) {
        usleep(5000);
        assert_ok(kin_catalog_read(sample.catalog, &second, NULL));
        kin_txn_end(second);
    }
    kin_txn_end(first);
    pthread_join(thread, NULL);
    assert_ok(writer.status);
    assert_true(writer.batch.runs > 1);
    assert_int_equal(sample_rows(sample.catalog), BATCH);
    sample_drop(&sample);
}

enum { READERS = 4, WRITERS = 2, WRITES = 12 };

struct crowd {
    kin_catalog *catalog;
    atomic_int writers_left;
    atomic_int failures;
};

static void *crowd_reads(void *argument)
{
    struct crowd *crowd = argument;
    while (atomic_load(&crowd->writers_left) > 0) {
        kin_txn *txn;
        roaring_bitmap_t *live = NULL;
        uint64_t rows = 0;
        if (kin_catalog_read(crowd->catalog, &txn, NULL) != KIN_OK) {
            atomic_fetch_add(&crowd->failures, 1);
            continue;
        }
        if (kin_catalog_rows(txn, &rows, NULL) != KIN_OK ||
            kin_catalog_live(txn, &live, NULL) != KIN_OK ||
            roaring_bitmap_get_cardinality(live) != rows)
            atomic_fetch_add(&crowd->failures, 1);
        if (live != NULL)
            roaring_bitmap_free(live);
        kin_txn_end(txn);
    }
    return NULL;
}

static void *crowd_writes(void *argument)
{
    struct crowd *crowd = argument;
    for (int i = 0; i < WRITES; i++) {
        sample_batch batch = {.seed = (uint64_t)i, .count = 300};
        if (kin_catalog_write(crowd->catalog, sample_put_batch, &batch, NULL) != KIN_OK)
            atomic_fetch_add(&crowd->failures, 1);
    }
    atomic_fetch_sub(&crowd->writers_left, 1);
    return NULL;
}

static void test_readers_and_writers(void **state)
{
    sample_catalog sample;
    pthread_t threads[READERS + WRITERS];
    (void)state;
    sample_make(&sample);
    struct crowd crowd = {.catalog = sample.catalog, .writers_left = WRITERS};
    for (int i = 0; i < READERS + WRITERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < READERS ? crowd_reads : crowd_writes, &crowd), 0);
    for (int i = 0; i < READERS + WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.failures), 0);
    assert_int_equal(sample_rows(sample.catalog), WRITERS * WRITES * 300);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* --- what a thread must not do --- */

static kin_status write_within(kin_txn *txn, void *ctx, kin_error *err)
{
    sample_batch batch = {.seed = 1, .count = 1};
    (void)txn;
    (void)err;
    assert_int_equal(kin_catalog_write(ctx, sample_put_batch, &batch, NULL), KIN_E_ARG);
    return KIN_OK;
}

static void test_refused_writes(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    sample_batch batch = {.seed = 1, .count = 1};
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_int_equal(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL), KIN_E_ARG);
    kin_txn_end(txn);
    assert_ok(kin_catalog_write(sample.catalog, write_within, sample.catalog, NULL));
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    sample_drop(&sample);
}

/* No address space for the larger map: the write fails cleanly, the catalog says that it is to be
 * opened anew, and what was committed is there then. */
static void test_no_room_for_the_map(void **state)
{
    sample_catalog sample;
    int status;
    (void)state;
#ifdef KIN_SANITIZE
    print_message("skipped: a sanitizer needs the address space itself\n");
    skip();
#endif
    sample_make(&sample);
    sample_batch batch = {.seed = 55, .count = 100};
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    pid_t child = sample_fork();
    if (child == 0) {
        kin_catalog *own;
        kin_txn *txn;
        kin_error err;
        if (kin_catalog_open(sample.dir, false, &own, &err) != KIN_OK)
            _exit(1);
        struct rlimit limit;
        getrlimit(RLIMIT_AS, &limit);
        limit.rlim_cur = 96 << 20;
        setrlimit(RLIMIT_AS, &limit);
        sample_batch huge = {.seed = 56, .count = 100 * BATCH};
        if (kin_catalog_write(own, sample_put_batch, &huge, &err) == KIN_OK)
            _exit(2);
        kin_status later = kin_catalog_read(own, &txn, &err);
        if (later == KIN_OK) /* memory for pages ran out before the map's growth did */
            kin_txn_end(txn);
        else if (later != KIN_E_IO)
            _exit(3);
        kin_catalog_close(own);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_AS, &limit);
        if (kin_catalog_open(sample.dir, false, &own, &err) != KIN_OK)
            _exit(4);
        if (kin_catalog_read(own, &txn, &err) != KIN_OK)
            _exit(5);
        kin_txn_end(txn);
        kin_catalog_close(own);
        _exit(later == KIN_OK ? 10 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 10)
        print_message("memory ran out before the map could grow\n");
    else
        assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(sample_rows(sample.catalog), 100);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_from_tiny),
        cmocka_unit_test(test_growth_by_another_process),
        cmocka_unit_test(test_snapshot_across_growth),
        cmocka_unit_test(test_second_snapshot_while_growth_waits),
        cmocka_unit_test(test_readers_and_writers),
        cmocka_unit_test(test_refused_writes),
        cmocka_unit_test(test_no_room_for_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
