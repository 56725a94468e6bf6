/* Catalogs of older schemas: made by hand from one of today's, with LMDB itself, then opened. */
#include <endian.h>
#include <xxhash.h>

#include "catalog/condition.h"
#include "damage.h"

enum { IMAGES = 40, NAMED = 7, GONE = 12, CHECKSUM = sizeof(uint64_t) };

/* Whole images, all with a label that sorts before "region"; one is removed. */
static kin_status put_images(kin_txn *txn, void *ctx, kin_error *err)
{
    char uid[32];
    kin_status status = KIN_OK;
    (void)ctx;
    for (unsigned i = 0; status == KIN_OK && i < IMAGES; i++) {
        kin_record record;
        assert_ok(kin_record_init(&record, NULL));
        snprintf(uid, sizeof uid, "1.2.%u", i);
        assert_ok(kin_record_set(&record.sop_instance_uid, uid, NULL));
        assert_ok(kin_record_set_label(&record, "diagnosis", i % 2 == 0 ? "glioma" : "none", NULL));
        status = kin_catalog_put(txn, &record, err);
        kin_record_release(&record);
    }
    return status == KIN_OK ? kin_catalog_remove(txn, GONE, err) : status;
}

static void make(sample_catalog *sample)
{
    sample_make(sample);
    assert_ok(kin_catalog_write(sample->catalog, put_images, NULL, NULL));
    kin_catalog_close(sample->catalog);
    sample->catalog = NULL;
}

/* --- back to what older programs wrote --- */

static void set_version(MDB_txn *txn, MDB_dbi dbi, uint64_t version)
{
    uint64_t little = htole64(version);
    MDB_val key = damage_text("schema_version");
    MDB_val data = {.mv_size = sizeof little, .mv_data = &little};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void to_version_2(MDB_txn *txn, MDB_dbi dbi)
{
    set_version(txn, dbi, 2);
}

static void to_version_1(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_val key = damage_text("changes");
    assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
    set_version(txn, dbi, 1);
}

/* The index as it was: without the field, and with a label of that name of two images. */
static void forget_field(MDB_txn *txn, MDB_dbi dbi)
{
    static const char whole[] = "region\0"
                                "0",
                      name[] = "region\0frontal lobe";
    uint32_t ids[] = {NAMED, NAMED + 1};
    MDB_val key = {.mv_size = sizeof whole - 1, .mv_data = (void *)whole};
    MDB_val label = {.mv_size = sizeof name - 1, .mv_data = (void *)name};
    assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        MDB_val data = {.mv_size = sizeof ids[i], .mv_data = &ids[i]};
        assert_int_equal(mdb_put(txn, dbi, &label, &data, 0), 0);
    }
}

/* A record with a label more, in the wire format of protobuf: field 18, of two strings. */
static void add_label(MDB_txn *txn, MDB_dbi dbi, uint64_t id)
{
    static const char label[] = "\x92\x01\x16\x0a\x06region\x12\x0c"
                                "frontal lobe";
    uint64_t big = htobe64(id), little;
    unsigned char bytes[512];
    MDB_val key = {.mv_size = sizeof big, .mv_data = &big}, data;
    assert_int_equal(mdb_get(txn, dbi, &key, &data), 0);
    assert_true(data.mv_size + sizeof label <= sizeof bytes);
    memcpy(bytes, data.mv_data, data.mv_size);
    memcpy(bytes + data.mv_size, label, sizeof label - 1);
    size_t size = data.mv_size + sizeof label - 1;
    little = htole64(XXH3_64bits_withSeed(bytes + CHECKSUM, size - CHECKSUM, id));
    memcpy(bytes, &little, sizeof little);
    data = (MDB_val){.mv_size = size, .mv_data = bytes};
    assert_int_equal(mdb_put(txn, dbi, &key, &data, 0), 0);
}

static void add_labels(MDB_txn *txn, MDB_dbi dbi)
{
    add_label(txn, dbi, NAMED);
    add_label(txn, dbi, NAMED + 1);
}

/* --- what has become of it --- */

static uint64_t count_meeting(kin_txn *txn, const char *text)
{
    kin_condition *condition;
    roaring_bitmap_t *ids;
    assert_ok(kin_condition_parse(text, &condition, NULL));
    assert_ok(kin_condition_evaluate(condition, txn, &ids, NULL));
    uint64_t count = roaring_bitmap_get_cardinality(ids);
    roaring_bitmap_free(ids);
    kin_condition_free(condition);
    return count;
}

static void check_migrated(sample_catalog *sample)
{
    kin_txn *txn;
    kin_record record;
    uint64_t version;
    char scratch[KIN_RECORD_SCRATCH];
    sample_open(sample);
    assert_int_equal(sample_verify(sample->catalog), 0);
    assert_ok(kin_catalog_read(sample->catalog, &txn, NULL));
    assert_ok(kin_meta_get_u64(txn, "schema_version", 0, &version, NULL));
    assert_int_equal(version, 3);
    assert_int_equal(count_meeting(txn, "region = 0"), IMAGES - 1);
    assert_int_equal(count_meeting(txn, "region > 0"), 0);
    assert_int_equal(count_meeting(txn, "region_name = 'frontal lobe'"), 2);
    assert_int_equal(count_meeting(txn, "region = 'frontal lobe'"), 0);
    assert_ok(kin_catalog_get(txn, NAMED, &record, NULL));
    assert_int_equal(record.region, 0);
    assert_string_equal(kin_record_value(&record, "region_name", scratch), "frontal lobe");
    assert_string_equal(kin_record_value(&record, "diagnosis", scratch), "none");
    kin_record_release(&record);
    kin_txn_end(txn);
}

static kin_status put_region(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_record record;
    (void)ctx;
    kin_status status = kin_catalog_get(txn, NAMED, &record, err);
    if (status != KIN_OK)
        return status;
    record.region = 4;
    status = kin_catalog_put(txn, &record, err);
    kin_record_release(&record);
    return status;
}

/* Regions go in and out of it as of any other, and it opens again as what it has become. */
static void use(sample_catalog *sample)
{
    kin_txn *txn;
    assert_ok(kin_catalog_write(sample->catalog, put_region, NULL, NULL));
    assert_ok(kin_catalog_read(sample->catalog, &txn, NULL));
    assert_int_equal(count_meeting(txn, "region = 4"), 1);
    assert_int_equal(count_meeting(txn, "region > 0 and region_name = 'frontal lobe'"), 1);
    kin_txn_end(txn);
    kin_catalog_close(sample->catalog);
    sample_open(sample);
    assert_int_equal(sample_verify(sample->catalog), 0);
    assert_int_equal(sample_rows(sample->catalog), IMAGES + 1);
    sample_drop(sample);
}

static void migrate_from(damage *version)
{
    sample_catalog sample;
    make(&sample);
    damage_database(sample.dir, "images", 0, add_labels);
    damage_database(sample.dir, "by_value", MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP,
                    forget_field);
    damage_database(sample.dir, "meta", 0, version);
    check_migrated(&sample);
    use(&sample);
}

static void test_from_version_2(void **state)
{
    (void)state;
    migrate_from(to_version_2);
}

static void test_from_version_1(void **state)
{
    (void)state;
    migrate_from(to_version_1);
}

/* An old label does not take the place of one that has its new name already. */
static void test_name_that_is_taken(void **state)
{
    kin_record record, back;
    void *bytes;
    size_t size;
    char scratch[KIN_RECORD_SCRATCH];
    static const char region[] = "\x92\x01\x0b\x0a\x06region\x12\x01x";
    static const char name[] = "\x92\x01\x10\x0a\x0bregion_name\x12\x01y";
    unsigned char message[256];
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_ok(kin_record_set_label(&record, "age", "7", NULL));
    assert_ok(kin_record_pack(&record, &bytes, &size, NULL));
    memcpy(message, bytes, size);
    memcpy(message + size, region, sizeof region - 1);
    memcpy(message + size + sizeof region - 1, name, sizeof name - 1);
    size += sizeof region - 1 + sizeof name - 1;
    assert_ok(kin_record_unpack(message, size, &back, NULL));
    assert_int_equal(back.label_count, 2);
    assert_string_equal(kin_record_value(&back, "region_name", scratch), "y");
    assert_int_equal(back.region, 0);
    free(bytes);
    kin_record_release(&back);
    kin_record_release(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_version_2),
        cmocka_unit_test(test_from_version_1),
        cmocka_unit_test(test_name_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
