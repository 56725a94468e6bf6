/* Files that are not what they should be: of other versions or programs, absurd, or cut. */
#include <endian.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "damage.h"

/* --- limits and versions that only damage reaches --- */

static void set_u64(MDB_txn *txn, MDB_dbi dbi, const char *name, uint64_t number)
{
    uint64_t little = htole64(number);
    MDB_val key = damage_text(name), data = {.mv_size = sizeof little, .mv_data = &little};
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
    damage_make_catalog(&sample);
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

struct stretch {
    char last[KIN_ERROR_MESSAGE_MAX];
};

static void note_stretch(void *ctx, const char *fault)
{
    struct stretch *stretch = ctx;
    snprintf(stretch->last, sizeof stretch->last, "%s", fault);
}

/* Billions of rows that are not there are one fault, found at once. */
static void test_billions_of_rows(void **state)
{
    sample_catalog sample;
    struct stretch stretch = {""};
    kin_txn *txn;
    uint64_t faults;
    (void)state;
    damage_make_catalog(&sample);
    damage_database(sample.dir, "meta", 0, almost_all_rows);
    sample_open(&sample);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_catalog_verify(txn, note_stretch, &stretch, &faults, NULL));
    assert_int_equal(faults, 1);
    assert_string_equal(stretch.last, "images 60 to 4294967293: without a record, and not removed");
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
    damage_make_catalog(&sample);
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
    char says[32];
    kin_error err;
    (void)state;
    damage_make_catalog(&sample);
    damage_database(sample.dir, "meta", 0, newer_schema);
    assert_int_equal(kin_catalog_open(sample.dir, false, &sample.catalog, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(kin_catalog_open(sample.dir, true, &sample.catalog, &err), KIN_E_UNSUPPORTED);
    snprintf(says, sizeof says, "schema %d", KIN_CATALOG_SCHEMA_VERSION + 1);
    assert_non_null(strstr(err.message, says));
    temp_folder_remove(sample.dir);
    /* A newer program migrates it while we have it open. */
    damage_make_catalog(&sample);
    sample_open(&sample);
    pid_t child = sample_fork();
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

static void write_number_at(const char *dir, long at, uint32_t number)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &number, sizeof number, at), sizeof number);
    assert_int_equal(close(fd), 0);
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
    /* A later LMDB's: the version is behind the magic number in the two first pages. */
    sample_catalog sample;
    damage_make_catalog(&sample);
    for (long page = 0; page < 2; page++)
        write_number_at(sample.dir, page * sysconf(_SC_PAGESIZE) + 20, 999);
    assert_int_equal(kin_catalog_open(sample.dir, false, &catalog, &err), KIN_E_UNSUPPORTED);
    temp_folder_remove(sample.dir);
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

enum { REFUSED = 77 };

/* Opens the catalog and reads all of it; returns 0 when all is well, REFUSED for a clean error. */
static int read_everything(const char *dir)
{
    kin_catalog *catalog;
    kin_txn *txn;
    kin_error err;
    uint64_t faults = 1, rows = 0;
    roaring_bitmap_t *live;
    if (kin_catalog_open(dir, false, &catalog, &err) != KIN_OK)
        return REFUSED;
    if (kin_catalog_read(catalog, &txn, &err) != KIN_OK)
        return REFUSED;
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
    return failed ? REFUSED : 0;
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
        damage_make_catalog(&sample);
        snprintf(path, sizeof path, "%s/data.mdb", sample.dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size * percent / 100), 0);
        pid_t child = sample_fork();
        if (child == 0)
            _exit(read_everything(sample.dir));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status)); /* no signal */
        refused += WEXITSTATUS(status) == REFUSED;
        cuts++;
        temp_folder_remove(sample.dir);
    }
    assert_int_equal(refused, cuts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_id),
        cmocka_unit_test(test_billions_of_rows),
        cmocka_unit_test(test_absurd_rows),
        cmocka_unit_test(test_newer_schema),
        cmocka_unit_test(test_other_programs_files),
        cmocka_unit_test(test_cut_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
