/* Damage made by hand, with LMDB itself: verify names it, and reading it is an error. */
#include <endian.h>
#include <lmdb.h>

#include "damage.h"

enum { IDS = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP }; /* how databases of ids are opened */

/* --- changes of a named database --- */

static void drop_an_index_entry(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    MDB_val key = damage_text("modality"), data;
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE), 0);
    assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    mdb_cursor_close(cursor);
}

static void put_id(MDB_txn *txn, MDB_dbi dbi, MDB_val key, uint32_t id)
{
    MDB_val data = {.mv_size = sizeof id, .mv_data = &id};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void add_a_false_value(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, (MDB_val){.mv_size = 11, .mv_data = "modality\0XA"}, 3);
}

static void index_a_removed_image(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, (MDB_val){.mv_size = 11, .mv_data = "modality\0MR"}, DAMAGE_REMOVED);
}

static void add_a_nameless_key(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, damage_text("no NUL in here"), 3);
}

static void flip_a_bit(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t id = htobe64(7);
    MDB_val key = {.mv_size = sizeof id, .mv_data = &id}, data;
    assert_int_equal(mdb_get(txn, dbi, &key, &data), 0);
    char *copy = malloc(data.mv_size);
    memcpy(copy, data.mv_data, data.mv_size);
    copy[data.mv_size / 2] ^= 1;
    data.mv_data = copy;
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
    free(copy);
}

/* Under another id a record's checksum is wrong, though its bytes are whole. */
static void copy_a_record_over_another(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t from = htobe64(7), to = htobe64(8);
    MDB_val key = {.mv_size = sizeof from, .mv_data = &from}, data;
    assert_int_equal(mdb_get(txn, dbi, &key, &data), 0);
    char *copy = malloc(data.mv_size);
    memcpy(copy, data.mv_data, data.mv_size);
    data.mv_data = copy;
    key.mv_data = &to;
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
    free(copy);
}

static void truncate_a_record(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t id = htobe64(7);
    MDB_val key = {.mv_size = sizeof id, .mv_data = &id};
    MDB_val data = {.mv_size = 3, .mv_data = "abc"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void drop_a_record(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t id = htobe64(7);
    MDB_val key = {.mv_size = sizeof id, .mv_data = &id};
    assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
}

static void drop_three_records(MDB_txn *txn, MDB_dbi dbi)
{
    for (uint64_t id = 7; id < 10; id++) {
        uint64_t big = htobe64(id);
        MDB_val key = {.mv_size = sizeof big, .mv_data = &big};
        assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
    }
}

static void add_a_record_past_the_end(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t id = htobe64(DAMAGE_IMAGES + 5);
    MDB_val key = {.mv_size = sizeof id, .mv_data = &id};
    MDB_val data = {.mv_size = 8, .mv_data = "checksum"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void add_a_record_with_a_short_key(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = damage_text("id"), data = {.mv_size = 8, .mv_data = "checksum"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void declare_a_live_image_dead(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, damage_text("dead"), 7);
}

static void declare_an_image_to_come_dead(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, damage_text("dead"), DAMAGE_IMAGES + 5);
}

static void revive_a_dead_image(MDB_txn *txn, MDB_dbi dbi)
{
    uint32_t id = DAMAGE_REMOVED;
    MDB_val key = damage_text("dead"), data = {.mv_size = sizeof id, .mv_data = &id};
    assert_int_equal(mdb_del(txn, dbi, &key, &data), 0);
}

static void lower_the_number_of_rows(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t rows = htole64(DAMAGE_IMAGES - 1);
    MDB_val key = damage_text("rows"), data = {.mv_size = sizeof rows, .mv_data = &rows};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void raise_the_number_of_rows(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t rows = htole64(DAMAGE_IMAGES + 1);
    MDB_val key = damage_text("rows"), data = {.mv_size = sizeof rows, .mv_data = &rows};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void shorten_a_block(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = {.mv_size = 12, .mv_data = "set\0\0\0\0\0\0\0\0\1"};
    MDB_val data = {.mv_size = 4, .mv_data = "hash"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

struct reports {
    char first[KIN_ERROR_MESSAGE_MAX];
    uint64_t count;
};

static void note_fault(void *ctx, const char *fault)
{
    struct reports *reports = ctx;
    if (reports->count++ == 0)
        snprintf(reports->first, sizeof reports->first, "%s", fault);
}

static void test_verify_names_damage(void **state)
{
    static const struct {
        damage *change;
        const char *database;
        unsigned flags;
        uint64_t faults; /* 0: at least one */
        const char *says;
    } cases[] = {
        {drop_an_index_entry, "by_value", IDS, 1, "its modality is not in the index"},
        {add_a_false_value, "by_value", IDS, 1, "image 3: it is in the index with a value"},
        {index_a_removed_image, "by_value", IDS, 1,
         "image 13: it is in the index and has no record"},
        {add_a_nameless_key, "by_value", IDS, 1, "image 3: it is in the index with a value"},
        {flip_a_bit, "images", 0, 1, "image 7: the record of image 7 is damaged"},
        {copy_a_record_over_another, "images", 0, 1, "image 8: the record of image 8 is damaged"},
        {truncate_a_record, "images", 0, 1, "image 7: an image's key or record has a wrong size"},
        {drop_a_record, "images", 0, 0, "image 7: without a record, and not removed"},
        {drop_three_records, "images", 0, 0, "images 7 to 9: without a record, and not removed"},
        {add_a_record_past_the_end, "images", 0, 1, "65, is beyond the 60 rows"},
        {add_a_record_with_a_short_key, "images", 0, 1, "is beyond the 60 rows"},
        {declare_a_live_image_dead, "dead", IDS, 1, "image 7: removed, and with a record"},
        {declare_an_image_to_come_dead, "dead", IDS, 1, "a removed image's id is beyond"},
        {revive_a_dead_image, "dead", IDS, 1, "image 13: without a record, and not removed"},
        {lower_the_number_of_rows, "meta", 0, 1, "59, is beyond the 59 rows"},
        {raise_the_number_of_rows, "meta", 0, 1, "image 60: without a record"},
        {shorten_a_block, "blocks", 0, 1, "a block's checksum has a malformed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_catalog sample;
        kin_txn *txn;
        uint64_t faults;
        struct reports reports = {0};
        damage_make_catalog(&sample);
        damage_database(sample.dir, cases[i].database, cases[i].flags, cases[i].change);
        sample_open(&sample);
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        assert_ok(kin_catalog_verify(txn, note_fault, &reports, &faults, NULL));
        kin_txn_end(txn);
        if (strstr(reports.first, cases[i].says) == NULL)
            print_error("case %zu: %s\n", i, reports.first);
        assert_non_null(strstr(reports.first, cases[i].says));
        assert_int_equal(faults, reports.count);
        assert_true(cases[i].faults == 0 ? faults > 0 : faults == cases[i].faults);
        sample_drop(&sample);
    }
}

/* Reading what is damaged is an error, too, before anybody verifies. */
static void test_reading_damage(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    kin_record record;
    (void)state;
    damage_make_catalog(&sample);
    damage_database(sample.dir, "images", 0, flip_a_bit);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_int_equal(kin_catalog_get(txn, 7, &record, NULL), KIN_E_CORRUPT);
    assert_ok(kin_catalog_get(txn, 8, &record, NULL));
    kin_record_release(&record);
    kin_txn_end(txn);
    sample_drop(&sample);
}

/* --- a digest that two values share --- */

enum { LONG_VALUE = 600 };

/* A value that a key cannot hold; `last` is its last byte, past all that a key keeps of it. */
static void long_value(char value[LONG_VALUE + 1], char last)
{
    memset(value, 'y', LONG_VALUE);
    value[LONG_VALUE - 1] = last;
    value[LONG_VALUE] = '\0';
}

/* Puts two images whose notes differ in the last byte alone. */
static kin_status put_two_notes(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_status status = KIN_OK;
    (void)ctx;
    for (char last = 'a'; last <= 'b' && status == KIN_OK; last++) {
        kin_record record;
        char value[LONG_VALUE + 1];
        long_value(value, last);
        assert_ok(kin_record_init(&record, err));
        assert_ok(kin_record_set_label(&record, "note", value, err));
        status = kin_catalog_put(txn, &record, err);
        kin_record_release(&record);
    }
    return status;
}

/* Under each of the two notes' keys, both images: what it would look like if their digests, which
 * anybody can make collide, were the same. */
static void share_keys(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    MDB_val key = {.mv_size = 6, .mv_data = "note\0y"}, data;
    char keys[2][511];
    assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
    int rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rc, 0);
        assert_int_equal(key.mv_size, sizeof keys[i]);
        memcpy(keys[i], key.mv_data, sizeof keys[i]);
        rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT_NODUP);
    }
    mdb_cursor_close(cursor);
    for (int i = 0; i < 2; i++)
        for (uint32_t id = DAMAGE_IMAGES; id < DAMAGE_IMAGES + 2; id++)
            put_id(txn, dbi, (MDB_val){.mv_size = sizeof keys[i], .mv_data = keys[i]}, id);
}

/* Images whose long values differ are told apart though the index cannot. */
static void test_colliding_digests(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    (void)state;
    damage_make_catalog(&sample);
    sample_open(&sample);
    assert_ok(kin_catalog_write(sample.catalog, put_two_notes, NULL, NULL));
    kin_catalog_close(sample.catalog);
    damage_database(sample.dir, "by_value", IDS, share_keys);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    for (uint32_t i = 0; i < 2; i++) {
        char value[LONG_VALUE + 1];
        roaring_bitmap_t *ids;
        long_value(value, (char)('a' + i));
        assert_ok(kin_catalog_with_value(txn, "note", value, &ids, NULL));
        assert_int_equal(roaring_bitmap_get_cardinality(ids), 1);
        assert_true(roaring_bitmap_contains(ids, DAMAGE_IMAGES + i));
        roaring_bitmap_free(ids);
    }
    kin_txn_end(txn);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_names_damage),
        cmocka_unit_test(test_reading_damage),
        cmocka_unit_test(test_colliding_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
