/* Several processes: no lost updates, a writer killed in the middle, a disk that is full, and a
 * backup while others write. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "samples.h"

/* --- two processes write --- */

enum { INCREMENTS = 150 };

/* Reads a counter, adds one, puts an image that holds the new value: lost updates would show in
 * both. */
static kin_status increment(kin_txn *txn, void *ctx, kin_error *err)
{
    const char *who = ctx;
    uint64_t value;
    char text[24];
    kin_record record;
    kin_status status = kin_meta_get_u64(txn, "counter", 0, &value, err);
    if (status != KIN_OK)
        return status;
    value++;
    status = kin_meta_set_u64(txn, "counter", value, err);
    if (status != KIN_OK || (status = kin_record_init(&record, err)) != KIN_OK)
        return status;
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    status = kin_record_set_label(&record, "counter", text, err);
    if (status == KIN_OK)
        status = kin_record_set_label(&record, "who", who, err);
    if (status == KIN_OK)
        status = kin_catalog_put(txn, &record, err);
    kin_record_release(&record);
    return status;
}

static pid_t start_incrementing(const sample_catalog *sample, char *who)
{
    pid_t child = sample_fork();
    if (child != 0)
        return child;
    kin_catalog *own;
    if (kin_catalog_open(sample->dir, false, &own, NULL) != KIN_OK)
        _exit(1);
    for (int i = 0; i < INCREMENTS; i++)
        if (kin_catalog_write(own, increment, who, NULL) != KIN_OK)
            _exit(2);
    kin_catalog_close(own);
    _exit(0);
}

static uint64_t count_with(kin_txn *txn, const char *name, const char *value)
{
    roaring_bitmap_t *ids;
    assert_ok(kin_catalog_with_value(txn, name, value, &ids, NULL));
    uint64_t count = roaring_bitmap_get_cardinality(ids);
    roaring_bitmap_free(ids);
    return count;
}

static void test_two_writers(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    uint64_t counter;
    int status;
    (void)state;
    sample_make(&sample);
    pid_t one = start_incrementing(&sample, "one");
    pid_t two = start_incrementing(&sample, "two");
    for (int i = 0; i < INCREMENTS; i++)
        assert_ok(kin_catalog_write(sample.catalog, increment, "parent", NULL));
    assert_int_equal(waitpid(one, &status, 0), one);
    assert_int_equal(status, 0);
    assert_int_equal(waitpid(two, &status, 0), two);
    assert_int_equal(status, 0);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_meta_get_u64(txn, "counter", 0, &counter, NULL));
    assert_int_equal(counter, 3 * INCREMENTS);
    assert_int_equal(count_with(txn, "who", "one"), INCREMENTS);
    assert_int_equal(count_with(txn, "who", "two"), INCREMENTS);
    assert_int_equal(count_with(txn, "who", "parent"), INCREMENTS);
    for (uint64_t i = 1; i <= counter; i++) {
        char text[24];
        snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        assert_int_equal(count_with(txn, "counter", text), 1);
    }
    kin_txn_end(txn);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* --- kill -9 --- */

enum { KILLS = 24, KILL_BATCH = 40 };

/* Puts batches until it is killed, and writes a byte to `receipts` after each commit.  It dies with
 * this program, too, in case a test fails before it comes to the killing. */
static pid_t start_victim(const char *dir, const int receipts[2], uint64_t seed)
{
    pid_t child = sample_fork();
    if (child != 0)
        return child;
    kin_catalog *own;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(receipts[0]);
    if (kin_catalog_open(dir, false, &own, NULL) != KIN_OK)
        _exit(1);
    for (;; seed++) {
        sample_batch batch = {.seed = seed, .count = KILL_BATCH};
        if (kin_catalog_write(own, sample_put_batch, &batch, NULL) != KIN_OK)
            _exit(2);
        if (write(receipts[1], "c", 1) != 1)
            _exit(3);
    }
}

static uint64_t wait_for_receipt(int from)
{
    char byte;
    assert_int_equal(read(from, &byte, 1), 1);
    return 1;
}

/* Receipts that came through the pipe until its writer was gone. */
static uint64_t count_receipts(int from)
{
    char bytes[256];
    uint64_t count = 0;
    ssize_t got;
    while ((got = read(from, bytes, sizeof bytes)) > 0)
        count += (uint64_t)got;
    return count;
}

/* What was acknowledged is there; what was not is there as a whole batch or not at all; and we, who
 * had the catalog open all the time, take over the lock that the victim may have held. */
static void test_killed_writers(void **state)
{
    sample_catalog sample;
    rng random = {71};
    uint64_t rows = 0;
    (void)state;
    sample_make(&sample);
    for (int round = 0; round < KILLS; round++) {
        int pipe_ends[2], status;
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t victim = start_victim(sample.dir, pipe_ends, rng_next(&random));
        close(pipe_ends[1]);
        /* Mostly at work, now and then while it still opens the catalog. */
        uint64_t receipts = round % 4 == 3 ? 0 : wait_for_receipt(pipe_ends[0]);
        usleep(rng_below(&random, 20000));
        kill(victim, SIGKILL);
        assert_int_equal(waitpid(victim, &status, 0), victim);
        assert_true(WIFSIGNALED(status));
        receipts += count_receipts(pipe_ends[0]);
        uint64_t acknowledged = receipts * KILL_BATCH;
        close(pipe_ends[0]);
        sample_batch batch = {.seed = 1, .count = KILL_BATCH};
        assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
        uint64_t now = sample_rows(sample.catalog) - KILL_BATCH;
        assert_true(now >= rows + acknowledged);
        assert_true(now <= rows + acknowledged + KILL_BATCH);
        assert_int_equal(now % KILL_BATCH, 0);
        rows = now + KILL_BATCH;
        if (round % 6 == 5) { /* and once in a while open it anew, as after a crash */
            kin_catalog_close(sample.catalog);
            sample_open(&sample);
        }
        assert_int_equal(sample_verify(sample.catalog), 0);
    }
    sample_drop(&sample);
}

/* --- a full disk --- */

static off_t file_size(const char *dir)
{
    char path[PATH_MAX + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

/* A bound on the size of files stands for the full disk (a small file system cannot be mounted
 * everywhere): writes past it fail with EFBIG, as they would with ENOSPC. */
static int fill_the_disk(const char *dir)
{
    kin_catalog *own;
    kin_error err = {0};
    struct rlimit limit;
    sample_batch small = {.seed = 81, .count = 5}, large = {.seed = 82, .count = 20000};
    signal(SIGXFSZ, SIG_IGN);
    if (kin_catalog_open(dir, false, &own, &err) != KIN_OK)
        return 1;
    uint64_t rows = sample_rows(own);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = (rlim_t)file_size(dir) + (64 << 10);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < 3; i++) {
        /* LMDB takes a write that was cut short for an error of the disk's. */
        kin_status status = kin_catalog_write(own, sample_put_batch, &large, &err);
        if (status != KIN_E_FULL && status != KIN_E_IO)
            return 2;
        if (strstr(err.message, status == KIN_E_FULL ? "File too large" : "is the disk full?") ==
            NULL)
            return 3;
        if (sample_rows(own) != rows || sample_verify(own) != 0)
            return 4;
    }
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    if (kin_catalog_write(own, sample_put_batch, &small, &err) != KIN_OK)
        return 5;
    if (sample_rows(own) != rows + small.count || sample_verify(own) != 0)
        return 6;
    kin_catalog_close(own);
    return 0;
}

static void test_full_disk(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 83, .count = 500};
    kin_txn *reader;
    uint64_t rows;
    int status;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &reader, NULL));
    pid_t child = sample_fork();
    if (child == 0)
        _exit(fill_the_disk(sample.dir));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(kin_catalog_rows(reader, &rows, NULL));
    assert_int_equal(rows, 500);
    kin_txn_end(reader);
    assert_int_equal(sample_rows(sample.catalog), 505);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* --- backup --- */

enum { BACKUPS = 6 };

/* Opens and verifies a backup; returns its rows. */
static uint64_t check_backup(const char *dir)
{
    kin_catalog *copy;
    assert_ok(kin_catalog_open(dir, false, &copy, NULL));
    assert_int_equal(sample_verify(copy), 0);
    uint64_t rows = sample_rows(copy);
    /* It is a catalog in its own right. */
    sample_batch batch = {.seed = 1, .count = 1};
    assert_ok(kin_catalog_write(copy, sample_put_batch, &batch, NULL));
    kin_catalog_close(copy);
    return rows;
}

static void test_backup_while_another_writes(void **state)
{
    sample_catalog sample;
    uint64_t rows = 0;
    int receipts[2], status;
    (void)state;
    sample_make(&sample);
    assert_int_equal(pipe(receipts), 0);
    pid_t writer = start_victim(sample.dir, receipts, 91);
    close(receipts[1]);
    for (int i = 0; i < BACKUPS; i++) {
        char into[PATH_MAX];
        uint64_t before = sample_rows(sample.catalog);
        temp_folder_make(into);
        assert_ok(kin_catalog_backup(sample.catalog, into, NULL));
        rows = check_backup(into);
        assert_true(rows >= before);
        assert_int_equal(rows % KILL_BATCH, 0);
        temp_folder_remove(into);
        usleep(20000);
    }
    kill(writer, SIGKILL);
    waitpid(writer, &status, 0);
    close(receipts[0]);
    assert_true(rows > 0);
    sample_drop(&sample);
}

struct backup_within {
    kin_catalog *catalog;
    const char *into;
};

/* LMDB's copier would wait for the write lock, which this thread holds. */
static kin_status back_up_within(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct backup_within *within = ctx;
    (void)txn;
    assert_int_equal(kin_catalog_backup(within->catalog, within->into, err), KIN_E_ARG);
    return KIN_OK;
}

static void test_backup_refuses(void **state)
{
    sample_catalog sample;
    char into[PATH_MAX], below[PATH_MAX + 8];
    kin_error err;
    (void)state;
    sample_make(&sample);
    temp_folder_make(into);
    struct backup_within within = {.catalog = sample.catalog, .into = into};
    assert_ok(kin_catalog_write(sample.catalog, back_up_within, &within, NULL));
    snprintf(below, sizeof below, "%s/x", into);
    assert_int_equal(kin_catalog_backup(sample.catalog, below, &err), KIN_E_NOT_FOUND);
    fclose(fopen(below, "w"));
    assert_int_equal(kin_catalog_backup(sample.catalog, into, &err), KIN_E_EXISTS);
    assert_int_equal(kin_catalog_backup(sample.catalog, sample.dir, &err), KIN_E_EXISTS);
    assert_ok(
        kin_catalog_write(sample.catalog, sample_put_batch, &(sample_batch){.count = 1}, NULL));
    temp_folder_remove(into);
    sample_drop(&sample);
}

/* A backup that cannot be finished leaves nothing that looks like one. */
static void test_backup_on_a_full_disk(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 92, .count = 2000};
    char into[PATH_MAX];
    int status;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    temp_folder_make(into);
    pid_t child = sample_fork();
    if (child == 0) {
        kin_catalog *own;
        struct rlimit limit = {.rlim_cur = 300 << 10, .rlim_max = 300 << 10};
        signal(SIGXFSZ, SIG_IGN);
        if (kin_catalog_open(sample.dir, false, &own, NULL) != KIN_OK)
            _exit(1);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (kin_catalog_backup(own, into, NULL) != KIN_E_FULL)
            _exit(2);
        if (sample_rows(own) != 2000)
            _exit(3);
        kin_catalog_close(own);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(file_size(into), -1);
    assert_ok(kin_catalog_backup(sample.catalog, into, NULL));
    assert_int_equal(check_backup(into), 2000);
    temp_folder_remove(into);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_writers),    cmocka_unit_test(test_killed_writers),
        cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_backup_while_another_writes),
        cmocka_unit_test(test_backup_refuses), cmocka_unit_test(test_backup_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
