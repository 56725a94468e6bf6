/* Previews in the catalog: kept, dropped, checked; and catalogs from before there were any. */
#include <sys/wait.h>
#include <unistd.h>

#include "damage.h"

enum { PREVIEW_BYTES = 9000 }; /* on pages of its own, as real ones are */

struct preview {
    uint64_t id;
    char fill;
    size_t size;
};

static kin_status add_preview(kin_txn *txn, void *ctx, kin_error *err)
{
    const struct preview *preview = ctx;
    static char bytes[PREVIEW_BYTES];
    memset(bytes, preview->fill, sizeof bytes);
    return kin_preview_add(txn, preview->id, bytes, preview->size, err);
}

static kin_status remove_image(kin_txn *txn, void *ctx, kin_error *err)
{
    return kin_catalog_remove(txn, *(const uint64_t *)ctx, err);
}

static kin_status add(kin_catalog *catalog, uint64_t id, char fill, size_t size)
{
    struct preview preview = {id, fill, size};
    return kin_catalog_write(catalog, add_preview, &preview, NULL);
}

/* KIN_OK when the image has a preview of `size` bytes, all of them `fill`. */
static kin_status look(kin_catalog *catalog, uint64_t id, char fill, size_t size)
{
    kin_txn *txn;
    void *bytes = NULL;
    size_t got = 0;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    kin_status status = kin_preview_get(txn, id, &bytes, &got, NULL);
    kin_txn_end(txn);
    if (status != KIN_OK)
        return status;
    assert_int_equal(got, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(((char *)bytes)[i], fill);
    free(bytes);
    return KIN_OK;
}

static uint64_t count(kin_catalog *catalog)
{
    kin_txn *txn;
    uint64_t previews, bytes;
    assert_ok(kin_catalog_read(catalog, &txn, NULL));
    assert_ok(kin_previews_measure(txn, &previews, &bytes, NULL));
    kin_txn_end(txn);
    assert_int_equal(bytes > 0, previews > 0);
    return previews;
}

static void test_kept_and_dropped(void **state)
{
    sample_catalog sample;
    uint64_t seven = 7;
    (void)state;
    damage_make_catalog(&sample);
    sample_open(&sample);
    assert_int_equal(look(sample.catalog, 7, 'a', 1), KIN_E_NOT_FOUND);
    assert_ok(add(sample.catalog, 7, 'a', PREVIEW_BYTES));
    assert_ok(add(sample.catalog, 8, 'b', 0));
    assert_ok(add(sample.catalog, 9, 'c', 1));
    assert_ok(add(sample.catalog, 7, 'x', 5)); /* the first stays */
    assert_ok(look(sample.catalog, 7, 'a', PREVIEW_BYTES));
    assert_ok(look(sample.catalog, 8, 'b', 0));
    assert_ok(look(sample.catalog, 9, 'c', 1));
    assert_int_equal(count(sample.catalog), 3);
    assert_int_equal(add(sample.catalog, DAMAGE_REMOVED, 'd', 1), KIN_E_NOT_FOUND);
    assert_int_equal(add(sample.catalog, DAMAGE_IMAGES, 'd', 1), KIN_E_NOT_FOUND);
    assert_int_equal(sample_verify(sample.catalog), 0);
    assert_ok(kin_catalog_write(sample.catalog, remove_image, &seven, NULL));
    assert_int_equal(look(sample.catalog, 7, 'a', 1), KIN_E_NOT_FOUND);
    assert_int_equal(count(sample.catalog), 2);
    assert_int_equal(sample_verify(sample.catalog), 0);
    kin_catalog_close(sample.catalog);
    sample_open(&sample);
    assert_ok(look(sample.catalog, 9, 'c', 1));
    sample_drop(&sample);
}

static void test_a_reader_adds_none(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    (void)state;
    damage_make_catalog(&sample);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_int_equal(kin_preview_add(txn, 7, "x", 1, NULL), KIN_E_ARG);
    kin_txn_end(txn);
    sample_drop(&sample);
}

/* --- damage --- */

static MDB_val key_of(uint64_t id, uint64_t *big)
{
    *big = htobe64(id);
    return (MDB_val){.mv_size = sizeof *big, .mv_data = big};
}

static void copy_value(MDB_txn *txn, MDB_dbi dbi, uint64_t to, size_t drop, char flip)
{
    uint64_t big;
    static char copy[2 * PREVIEW_BYTES];
    MDB_val key = key_of(7, &big), data;
    assert_int_equal(mdb_get(txn, dbi, &key, &data), 0);
    memcpy(copy, data.mv_data, data.mv_size);
    data = (MDB_val){.mv_size = data.mv_size - drop, .mv_data = copy};
    copy[data.mv_size - 1] ^= flip;
    key = key_of(to, &big);
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void flip_a_bit(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, 7, 0, 4);
}

static void cut_the_end(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, 7, 1, 0);
}

static void cut_the_checksum(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, 7, PREVIEW_BYTES + 1, 0);
}

static void give_it_to_another(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, 8, 0, 0);
}

static void give_it_to_the_dead(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, DAMAGE_REMOVED, 0, 0);
}

static void give_it_to_one_to_come(MDB_txn *txn, MDB_dbi dbi)
{
    copy_value(txn, dbi, UINT64_C(7) << 32 | 7, 0, 0);
}

static void add_a_short_key(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = damage_text("seven"), data = damage_text("12345678picture");
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

struct reports {
    char all[2048];
    uint64_t count;
};

static void note_fault(void *ctx, const char *text)
{
    struct reports *reports = ctx;
    size_t used = strlen(reports->all);
    snprintf(reports->all + used, sizeof reports->all - used, "%s\n", text);
    reports->count++;
}

static void test_verify_names_damage(void **state)
{
    static const struct {
        damage *change;
        uint64_t faults;
        const char *says;
        uint64_t id; /* whose preview cannot be had any more */
    } cases[] = {
        {flip_a_bit, 1, "the preview of image 7 is damaged", 7},
        {cut_the_end, 1, "the preview of image 7 is damaged", 7},
        {cut_the_checksum, 1, "a preview's key or value has a wrong size", 7},
        {give_it_to_another, 1, "the preview of image 8 is damaged", 8},
        {give_it_to_the_dead, 2, "image 13: a preview, and no record", 13},
        {give_it_to_one_to_come, 2, "30064771079: a preview, and no record", UINT64_C(7) << 32 | 7},
        {add_a_short_key, 1, "a preview's key or value has a wrong size", UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_catalog sample;
        kin_txn *txn;
        uint64_t faults = 0;
        struct reports reports = {0};
        damage_make_catalog(&sample);
        sample_open(&sample);
        assert_ok(add(sample.catalog, 7, 'a', PREVIEW_BYTES));
        kin_catalog_close(sample.catalog);
        damage_database(sample.dir, "previews", 0, cases[i].change);
        sample_open(&sample);
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        assert_ok(kin_catalog_verify(txn, note_fault, &reports, &faults, NULL));
        kin_txn_end(txn);
        assert_int_equal(faults, reports.count);
        assert_int_equal(faults, cases[i].faults);
        assert_non_null(strstr(reports.all, cases[i].says));
        if (cases[i].id != UINT64_MAX)
            assert_int_equal(look(sample.catalog, cases[i].id, 'a', PREVIEW_BYTES), KIN_E_CORRUPT);
        sample_drop(&sample);
    }
}

/* --- catalogs from before there were previews --- */

static void drop_database(MDB_txn *txn, MDB_dbi dbi)
{
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
}

static void make_old_catalog(sample_catalog *sample)
{
    damage_make_catalog(sample);
    damage_database(sample->dir, "previews", 0, drop_database);
    sample_open(sample);
}

static void test_an_old_catalog_goes_on(void **state)
{
    sample_catalog sample;
    kin_txn *before, *after;
    uint64_t seven = 7;
    void *bytes;
    size_t size;
    (void)state;
    make_old_catalog(&sample);
    assert_int_equal(look(sample.catalog, 7, 'a', 1), KIN_E_NOT_FOUND);
    assert_int_equal(count(sample.catalog), 0);
    assert_int_equal(sample_verify(sample.catalog), 0);
    assert_ok(kin_catalog_write(sample.catalog, remove_image, &seven, NULL));
    assert_int_equal(sample_verify(sample.catalog), 0);
    assert_ok(add(sample.catalog, 8, 'b', PREVIEW_BYTES));
    assert_ok(look(sample.catalog, 8, 'b', PREVIEW_BYTES));
    kin_catalog_close(sample.catalog);
    sample_open(&sample);
    assert_ok(look(sample.catalog, 8, 'b', PREVIEW_BYTES));
    assert_ok(kin_catalog_read(sample.catalog, &before, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &after, NULL));
    assert_ok(kin_preview_get(before, 8, &bytes, &size, NULL));
    free(bytes);
    kin_txn_end(before);
    kin_txn_end(after);
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

/* Runs in another process: the first preview of an old catalog. */
static void add_elsewhere(const sample_catalog *sample)
{
    int status;
    pid_t child = sample_fork();
    if (child == 0) {
        kin_catalog *own;
        if (kin_catalog_open(sample->dir, false, &own, NULL) != KIN_OK)
            _exit(1);
        if (add(own, 9, 'c', PREVIEW_BYTES) != KIN_OK)
            _exit(2);
        kin_catalog_close(own);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_another_process_adds_the_first(void **state)
{
    sample_catalog sample;
    kin_txn *older;
    void *bytes;
    size_t size;
    (void)state;
    make_old_catalog(&sample);
    assert_ok(kin_previews_find(sample.catalog, NULL)); /* there is none to find */
    assert_ok(kin_catalog_read(sample.catalog, &older, NULL));
    assert_int_equal(kin_previews_find(sample.catalog, NULL), KIN_E_ARG);
    add_elsewhere(&sample);
    assert_int_equal(kin_preview_get(older, 9, &bytes, &size, NULL), KIN_E_NOT_FOUND);
    kin_txn_end(older);
    assert_int_equal(look(sample.catalog, 9, 'c', PREVIEW_BYTES), KIN_E_NOT_FOUND);
    assert_ok(kin_previews_find(sample.catalog, NULL));
    assert_ok(look(sample.catalog, 9, 'c', PREVIEW_BYTES));
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);

    /* Or the first thing done here afterwards is a write. */
    make_old_catalog(&sample);
    add_elsewhere(&sample);
    assert_ok(add(sample.catalog, 8, 'b', 10));
    assert_ok(look(sample.catalog, 9, 'c', PREVIEW_BYTES));
    assert_ok(look(sample.catalog, 8, 'b', 10));
    assert_int_equal(sample_verify(sample.catalog), 0);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_dropped),
        cmocka_unit_test(test_a_reader_adds_none),
        cmocka_unit_test(test_verify_names_damage),
        cmocka_unit_test(test_an_old_catalog_goes_on),
        cmocka_unit_test(test_another_process_adds_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
