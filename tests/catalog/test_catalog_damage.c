/* Damage made by hand, with LMDB itself: verify names it, and nothing crashes. */
#include <endian.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

enum { IMAGES = 60, REMOVED = 13 };

static kin_status remove_one(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    kin_status status = kin_block_put(txn, "set", 1, 2, err);
    return status == KIN_OK ? kin_catalog_remove(txn, REMOVED, err) : status;
}

/* A catalog of some images, one removed, closed. */
static void make_closed(sample_catalog *sample)
{
    sample_batch batch = {.seed = 101, .count = IMAGES};
    sample_make(sample);
    assert_ok(kin_catalog_write(sample->catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_write(sample->catalog, remove_one, NULL, NULL));
    assert_int_equal(sample_verify(sample->catalog), 0);
    kin_catalog_close(sample->catalog);
    sample->catalog = NULL;
}

/* --- damage: functions that change a named database --- */

typedef void damage(MDB_txn *txn, MDB_dbi dbi);

static void damage_database(const char *dir, const char *name, unsigned flags, damage *change)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0644), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, flags, &dbi), 0);
    change(txn, dbi);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static MDB_val text_value(const char *text)
{
    return (MDB_val){.mv_size = strlen(text), .mv_data = (void *)text};
}

static void drop_an_index_entry(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    MDB_val key = text_value("modality"), data;
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
    put_id(txn, dbi, (MDB_val){.mv_size = 11, .mv_data = "modality\0MR"}, REMOVED);
}

static void add_a_nameless_key(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, text_value("no NUL in here"), 3);
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

static void add_a_record_past_the_end(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t id = htobe64(IMAGES + 5);
    MDB_val key = {.mv_size = sizeof id, .mv_data = &id};
    MDB_val data = {.mv_size = 8, .mv_data = "checksum"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void add_a_record_with_a_short_key(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = text_value("id"), data = {.mv_size = 8, .mv_data = "checksum"};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void declare_a_live_image_dead(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, text_value("dead"), 7);
}

static void declare_an_image_to_come_dead(MDB_txn *txn, MDB_dbi dbi)
{
    put_id(txn, dbi, text_value("dead"), IMAGES + 5);
}

static void revive_a_dead_image(MDB_txn *txn, MDB_dbi dbi)
{
    uint32_t id = REMOVED;
    MDB_val key = text_value("dead"), data = {.mv_size = sizeof id, .mv_data = &id};
    assert_int_equal(mdb_del(txn, dbi, &key, &data), 0);
}

static void lower_the_number_of_rows(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t rows = htole64(IMAGES - 1);
    MDB_val key = text_value("rows"), data = {.mv_size = sizeof rows, .mv_data = &rows};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void raise_the_number_of_rows(MDB_txn *txn, MDB_dbi dbi)
{
    uint64_t rows = htole64(IMAGES + 1);
    MDB_val key = text_value("rows"), data = {.mv_size = sizeof rows, .mv_data = &rows};
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
    enum { IDS = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP };
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
        {drop_a_record, "images", 0, 0, "image 7: it has no record, and was not removed"},
        {add_a_record_past_the_end, "images", 0, 1, "65, is beyond the 60 rows"},
        {add_a_record_with_a_short_key, "images", 0, 1, "is beyond the 60 rows"},
        {declare_a_live_image_dead, "dead", IDS, 1, "image 7: it was removed, and has a record"},
        {declare_an_image_to_come_dead, "dead", IDS, 1, "a removed image's id is beyond"},
        {revive_a_dead_image, "dead", IDS, 1, "image 13: it has no record, and was not removed"},
        {lower_the_number_of_rows, "meta", 0, 1, "59, is beyond the 59 rows"},
        {raise_the_number_of_rows, "meta", 0, 1, "image 60: it has no record"},
        {shorten_a_block, "blocks", 0, 1, "a block's checksum has a malformed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample_catalog sample;
        kin_txn *txn;
        uint64_t faults;
        struct reports reports = {0};
        make_closed(&sample);
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
    make_closed(&sample);
    damage_database(sample.dir, "images", 0, flip_a_bit);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_int_equal(kin_catalog_get(txn, 7, &record, NULL), KIN_E_CORRUPT);
    assert_ok(kin_catalog_get(txn, 8, &record, NULL));
    kin_record_release(&record);
    kin_txn_end(txn);
    sample_drop(&sample);
}

/* --- limits and versions that only damage reaches --- */

static void set_u64(MDB_txn *txn, MDB_dbi dbi, const char *name, uint64_t number)
{
    uint64_t little = htole64(number);
    MDB_val key = text_value(name), data = {.mv_size = sizeof little, .mv_data = &little};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void almost_all_rows(MDB_txn *txn, MDB_dbi dbi)
{
    set_u64(txn, dbi, "rows", UINT32_MAX - UINT64_C(1));
}

static void test_last_id(void **state)
{
    sample_catalog sample;
    sample_batch one = {.seed = 1, .count = 1}, two = {.seed = 1, .count = 2};
    roaring_bitmap_t *live;
    kin_txn *txn;
    (void)state;
    make_closed(&sample);
    damage_database(sample.dir, "meta", 0, almost_all_rows);
    sample_open(&sample);
    assert_int_equal(kin_catalog_write(sample.catalog, sample_put_batch, &two, NULL), KIN_E_LIMIT);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &one, NULL));
    assert_int_equal(kin_catalog_write(sample.catalog, sample_put_batch, &one, NULL), KIN_E_LIMIT);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_catalog_live(txn, &live, NULL));
    assert_int_equal(roaring_bitmap_maximum(live), UINT32_MAX - 1);
    assert_int_equal(roaring_bitmap_get_cardinality(live), UINT32_MAX - UINT64_C(1));
    roaring_bitmap_free(live);
    kin_txn_end(txn);
    sample_drop(&sample);
}

static void absurd_rows(MDB_txn *txn, MDB_dbi dbi)
{
    set_u64(txn, dbi, "rows", UINT64_MAX);
}

static void test_absurd_rows(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    roaring_bitmap_t *live;
    uint64_t faults;
    (void)state;
    make_closed(&sample);
    damage_database(sample.dir, "meta", 0, absurd_rows);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_int_equal(kin_catalog_live(txn, &live, NULL), KIN_E_CORRUPT);
    assert_int_equal(kin_catalog_verify(txn, NULL, NULL, &faults, NULL), KIN_E_CORRUPT);
    kin_txn_end(txn);
    sample_drop(&sample);
}

static void newer_schema(MDB_txn *txn, MDB_dbi dbi)
{
    set_u64(txn, dbi, "schema_version", KIN_CATALOG_SCHEMA_VERSION + 1);
}

static void test_newer_schema(void **state)
{
    sample_catalog sample;
    kin_txn *txn;
    sample_batch batch = {.seed = 1, .count = 1};
    kin_error err;
    (void)state;
    make_closed(&sample);
    damage_database(sample.dir, "meta", 0, newer_schema);
    assert_int_equal(kin_catalog_open(sample.dir, false, &sample.catalog, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(kin_catalog_open(sample.dir, true, &sample.catalog, &err), KIN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "schema 2"));
    temp_folder_remove(sample.dir);
    /* A newer program migrates it while we have it open. */
    make_closed(&sample);
    sample_open(&sample);
    pid_t child = fork();
    if (child == 0) {
        damage_database(sample.dir, "meta", 0, newer_schema);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    assert_int_equal(kin_catalog_read(sample.catalog, &txn, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(kin_catalog_write(sample.catalog, sample_put_batch, &batch, &err),
                     KIN_E_UNSUPPORTED);
    sample_drop(&sample);
}

static void do_nothing(MDB_txn *txn, MDB_dbi dbi)
{
    (void)txn;
    (void)dbi;
}

static void test_other_programs_files(void **state)
{
    char dir[PATH_MAX], path[PATH_MAX + 16];
    kin_catalog *catalog;
    kin_error err;
    (void)state;
    temp_folder_make(dir);
    damage_database(dir, "somebody else's", MDB_CREATE, do_nothing);
    assert_int_equal(kin_catalog_open(dir, true, &catalog, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(kin_catalog_open(dir, false, &catalog, &err), KIN_E_UNSUPPORTED);
    temp_folder_remove(dir);
    /* Databases of our names, of another kind. */
    temp_folder_make(dir);
    damage_database(dir, "meta", MDB_CREATE | MDB_DUPSORT, do_nothing);
    assert_int_equal(kin_catalog_open(dir, true, &catalog, &err), KIN_E_CORRUPT);
    temp_folder_remove(dir);
    /* No LMDB at all. */
    temp_folder_make(dir);
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fputs("no database ", file);
    fclose(file);
    assert_int_equal(kin_catalog_open(dir, true, &catalog, &err), KIN_E_CORRUPT);
    temp_folder_remove(dir);
}

/* --- a file that was cut --- */

/* Opens the catalog and reads all of it; returns 0 when all is well, 1 for a clean error. */
static int read_everything(const char *dir)
{
    kin_catalog *catalog;
    kin_txn *txn;
    kin_error err;
    uint64_t faults = 1, rows = 0;
    roaring_bitmap_t *live;
    if (kin_catalog_open(dir, false, &catalog, &err) != KIN_OK)
        return 1;
    if (kin_catalog_read(catalog, &txn, &err) != KIN_OK)
        return 1;
    bool failed = kin_catalog_rows(txn, &rows, &err) != KIN_OK;
    if (kin_catalog_live(txn, &live, &err) == KIN_OK)
        roaring_bitmap_free(live);
    else
        failed = true;
    failed |= kin_catalog_verify(txn, NULL, NULL, &faults, &err) != KIN_OK || faults > 0;
    for (uint64_t id = 0; id < rows && id < 10000; id++) {
        kin_record record;
        if (kin_catalog_get(txn, id, &record, &err) == KIN_OK)
            kin_record_release(&record);
    }
    kin_txn_end(txn);
    kin_catalog_close(catalog);
    return failed;
}

/* LMDB would touch pages that are gone, and die of SIGBUS. */
static void test_cut_files(void **state)
{
    sample_catalog sample;
    char path[PATH_MAX + 16];
    struct stat st;
    unsigned refused = 0, cuts = 0;
    (void)state;
    for (int percent = 2; percent < 100; percent += 7) {
        int status;
        make_closed(&sample);
        snprintf(path, sizeof path, "%s/data.mdb", sample.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size * percent / 100), 0);
        pid_t child = fork();
        if (child == 0)
            _exit(read_everything(sample.dir));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status)); /* no signal */
        refused += WEXITSTATUS(status) == 1;
        cuts++;
        temp_folder_remove(sample.dir);
    }
    assert_int_equal(refused, cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify_names_damage),
        cmocka_unit_test(test_reading_damage),
        cmocka_unit_test(test_last_id),
        cmocka_unit_test(test_absurd_rows),
        cmocka_unit_test(test_newer_schema),
        cmocka_unit_test(test_other_programs_files),
        cmocka_unit_test(test_cut_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
