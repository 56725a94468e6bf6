/* Transactions, settings, checksums of blocks, opening, and visits that stop. */
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

/* A body reads what it has written. */
static kin_status read_own_writes(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_record record, back;
    uint64_t rows;
    roaring_bitmap_t *ids;
    (void)ctx;
    assert_ok(kin_record_init(&record, NULL));
    assert_ok(kin_record_set_label(&record, "l", "one", NULL));
    assert_ok(kin_catalog_put(txn, &record, err));
    assert_ok(kin_catalog_rows(txn, &rows, err));
    assert_int_equal(rows, record.id + 1);
    assert_ok(kin_catalog_get(txn, record.id, &back, err));
    kin_record_release(&back);
    assert_ok(kin_record_set_label(&record, "l", "two", NULL));
    assert_ok(kin_catalog_update(txn, &record, err));
    assert_ok(kin_catalog_with_value(txn, "l", "one", &ids, err));
    assert_true(roaring_bitmap_is_empty(ids));
    roaring_bitmap_free(ids);
    assert_ok(kin_catalog_with_value(txn, "l", "two", &ids, err));
    assert_true(roaring_bitmap_contains(ids, (uint32_t)record.id));
    roaring_bitmap_free(ids);
    kin_record_release(&record);
    return KIN_OK;
}

static void test_body_reads_its_writes(void **state)
{
    sample_catalog sample;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, read_own_writes, NULL, NULL));
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* A reader sees its snapshot, whatever is committed meanwhile. */
static void test_snapshot_isolation(void **state)
{
    sample_catalog sample;
    kin_txn *before;
    kin_record record;
    uint64_t rows;
    roaring_bitmap_t *live;
    (void)state;
    sample_make(&sample);
    sample_batch batch = {.seed = 3, .count = 10};
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &before, NULL));
    /* The writer is another process: a thread ends its snapshots before it writes. */
    pid_t child = sample_fork();
    if (child == 0) {
        kin_catalog *own;
        if (kin_catalog_open(sample.dir, false, &own, NULL) != KIN_OK ||
            kin_catalog_write(own, sample_put_batch, &batch, NULL) != KIN_OK)
            _exit(1);
        kin_catalog_close(own);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(kin_catalog_rows(before, &rows, NULL));
    assert_int_equal(rows, 10);
    assert_ok(kin_catalog_live(before, &live, NULL));
    assert_int_equal(roaring_bitmap_get_cardinality(live), 10);
    roaring_bitmap_free(live);
    assert_int_equal(kin_catalog_get(before, 10, &record, NULL), KIN_E_NOT_FOUND);
    kin_txn_end(before);
    assert_int_equal(sample_rows(sample.catalog), 20);
    sample_drop(&sample);
}

/* --- settings and blocks --- */

static kin_status set_settings(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    assert_int_equal(kin_meta_set_u64(txn, "rows", 5, NULL), KIN_E_ARG);
    assert_int_equal(kin_meta_set_text(txn, "schema_version", "5", NULL), KIN_E_ARG);
    assert_int_equal(kin_meta_set_u64(txn, "", 5, NULL), KIN_E_ARG);
    assert_ok(kin_meta_set_u64(txn, "number", UINT64_C(0x0123456789ABCDEF), err));
    assert_ok(kin_meta_set_text(txn, "empty", "", err));
    return kin_meta_set_text(txn, "text", "some text", err);
}

static void test_settings(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    uint64_t number;
    char text[10], small[9];
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, set_settings, NULL, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_meta_get_u64(txn, "number", 7, &number, NULL));
    assert_true(number == UINT64_C(0x0123456789ABCDEF));
    assert_ok(kin_meta_get_u64(txn, "absent", 7, &number, NULL));
    assert_int_equal(number, 7);
    assert_ok(kin_meta_get_u64(txn, "schema_version", 0, &number, NULL));
    assert_int_equal(number, KIN_CATALOG_SCHEMA_VERSION);
    assert_ok(kin_meta_get_text(txn, "text", text, sizeof text, NULL));
    assert_string_equal(text, "some text");
    assert_int_equal(kin_meta_get_text(txn, "text", small, sizeof small, NULL), KIN_E_LIMIT);
    assert_ok(kin_meta_get_text(txn, "empty", text, sizeof text, NULL));
    assert_string_equal(text, "");
    assert_ok(kin_meta_get_text(txn, "absent", text, sizeof text, NULL));
    assert_string_equal(text, "");
    assert_int_equal(kin_meta_get_u64(txn, "text", 7, &number, NULL), KIN_E_CORRUPT);
    assert_int_equal(kin_meta_set_u64(txn, "number", 1, NULL), KIN_E_ARG); /* it only reads */
    kin_txn_end(txn);
    sample_drop(&sample);
}

enum { BLOCKS = 3000 };

static kin_status put_blocks(kin_txn *txn, void *ctx, kin_error *err)
{
    static const char *const sets[] = {"a", "ab", "b"};
    (void)ctx;
    for (uint64_t block = 0; block < BLOCKS; block++)
        for (int set = 0; set < 3; set++) {
            kin_status status =
                kin_block_put(txn, sets[set], block, block * 10 + (uint64_t)set, err);
            if (status != KIN_OK)
                return status;
        }
    return kin_block_put(txn, "a", 7, 12345, err);
}

static kin_status drop_set(kin_txn *txn, void *ctx, kin_error *err)
{
    return kin_block_drop_set(txn, ctx, err);
}

static void test_blocks(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    uint64_t hash;
    char long_name[300];
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, put_blocks, NULL, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_block_get(txn, "a", 7, &hash, NULL));
    assert_int_equal(hash, 12345);
    assert_ok(kin_block_get(txn, "ab", 2999, &hash, NULL));
    assert_int_equal(hash, 29991);
    assert_int_equal(kin_block_get(txn, "a", BLOCKS, &hash, NULL), KIN_E_NOT_FOUND);
    assert_int_equal(kin_block_get(txn, "", 0, &hash, NULL), KIN_E_ARG);
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(kin_block_get(txn, long_name, 0, &hash, NULL), KIN_E_ARG);
    kin_txn_end(txn);
    assert_ok(kin_catalog_write(sample.catalog, drop_set, "a", NULL));
    assert_ok(kin_catalog_write(sample.catalog, drop_set, "none", NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    for (uint64_t block = 0; block < BLOCKS; block++) {
        assert_int_equal(kin_block_get(txn, "a", block, &hash, NULL), KIN_E_NOT_FOUND);
        assert_ok(kin_block_get(txn, "ab", block, &hash, NULL));
        assert_ok(kin_block_get(txn, "b", block, &hash, NULL));
    }
    kin_txn_end(txn);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* --- opening --- */

static void test_opening(void **state)
{
    char dir[PATH_MAX], below[PATH_MAX + 16];
    kin_catalog *catalog, *second;
    kin_error err;
    (void)state;
    temp_folder_make(dir);
    assert_int_equal(kin_catalog_open(dir, false, &catalog, &err), KIN_E_NOT_FOUND);
    snprintf(below, sizeof below, "%s/x/y", dir);
    assert_int_equal(kin_catalog_open(below, false, &catalog, &err), KIN_E_NOT_FOUND);
    assert_ok(kin_catalog_open(below, true, &catalog, &err));
    assert_int_equal(kin_catalog_open(below, true, &second, &err), KIN_E_BUSY);
    snprintf(below, sizeof below, "%s/x/../x/y", dir);
    assert_int_equal(kin_catalog_open(below, false, &second, &err), KIN_E_BUSY);
    kin_catalog_close(catalog);
    assert_ok(kin_catalog_open(below, true, &catalog, &err));
    assert_int_equal(sample_rows(catalog), 0);
    kin_catalog_close(catalog);
    kin_catalog_close(NULL);
    kin_txn_end(NULL);
    snprintf(below, sizeof below, "%s/file", dir);
    fclose(fopen(below, "w"));
    assert_int_not_equal(kin_catalog_open(below, true, &catalog, &err), KIN_OK);
    temp_folder_remove(dir);
}

static int stop_at_second(void *ctx, const char *value, uint64_t images)
{
    (void)value;
    (void)images;
    return ++*(int *)ctx == 2;
}

static int stop_at_second_name(void *ctx, const char *name)
{
    (void)name;
    return ++*(int *)ctx == 2;
}

static void test_visits_stop(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 43, .count = 300};
    kin_txn *txn;
    int calls = 0;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_catalog_each_value(txn, "note", NULL, stop_at_second, &calls, NULL));
    assert_int_equal(calls, 2);
    calls = 0;
    assert_ok(kin_catalog_each_name(txn, stop_at_second_name, &calls, NULL));
    assert_int_equal(calls, 2);
    kin_txn_end(txn);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_reads_its_writes),
        cmocka_unit_test(test_snapshot_isolation),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_visits_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
