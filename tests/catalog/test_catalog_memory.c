/*
 * Memory that runs out, and messages that ask for much of it.
 *
 * Linked with --wrap, so that the catalog's own calls of malloc, calloc, realloc and strdup
 * (protobuf-c's too, which come through the catalog's allocator) are counted here, and the n-th can
 * be made to fail.
 */
#include "catalog/condition.h"

#include "failing_memory.h"
#include "samples.h"

/* Runs `action` with each of its allocations failing once; it must report KIN_E_NOMEM then, and
 * free all it had (LeakSanitizer looks), until it comes through. */
static void fail_each_allocation(kin_status (*action)(void *ctx), void *ctx, size_t at_least)
{
    size_t at = 0;
    kin_status status;
    do {
        from_now_fail(++at);
        status = action(ctx);
        bool failed = calls >= at;
        from_now_fail(0);
        assert_int_equal(status, failed ? KIN_E_NOMEM : KIN_OK);
    } while (status != KIN_OK);
    assert_true(at > at_least);
}

static kin_status build_record(void *ctx)
{
    kin_record record, copy;
    (void)ctx;
    kin_status status = kin_record_init(&record, NULL);
    if (status != KIN_OK)
        return status;
    status = kin_record_set(&record.modality, "MR", NULL);
    if (status == KIN_OK)
        status = kin_record_set_label(&record, "b", "1", NULL);
    if (status == KIN_OK)
        status = kin_record_set_label(&record, "a", "2", NULL);
    if (status == KIN_OK)
        status = kin_record_set_label(&record, "a", "3", NULL);
    if (status == KIN_OK)
        status = kin_record_copy(&record, &copy, NULL);
    if (status == KIN_OK)
        kin_record_release(&copy);
    kin_record_release(&record);
    return status;
}

static void test_building_a_record(void **state)
{
    (void)state;
    fail_each_allocation(build_record, NULL, 20);
}

/* A failed change leaves the record as it was. */
static void test_failed_change_changes_nothing(void **state)
{
    kin_record record, copy;
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_ok(kin_record_set_label(&record, "b", "1", NULL));
    assert_ok(kin_record_copy(&record, &copy, NULL));
    from_now_fail(1);
    assert_int_equal(kin_record_set(&record.modality, "MR", NULL), KIN_E_NOMEM);
    for (size_t at = 1; at <= 3; at++) {
        from_now_fail(at);
        assert_int_equal(kin_record_set_label(&record, "a", "2", NULL), KIN_E_NOMEM);
    }
    from_now_fail(0);
    assert_true(records_equal(&record, &copy));
    kin_record_release(&record);
    kin_record_release(&copy);
}

static kin_status pack_record(void *ctx)
{
    void *bytes;
    size_t size;
    kin_status status = kin_record_pack(ctx, &bytes, &size, NULL);
    if (status == KIN_OK)
        free(bytes);
    return status;
}

struct packed {
    void *bytes;
    size_t size;
};

static kin_status unpack_record(void *ctx)
{
    const struct packed *packed = ctx;
    kin_record record;
    kin_status status = kin_record_unpack(packed->bytes, packed->size, &record, NULL);
    if (status == KIN_OK)
        kin_record_release(&record);
    return status;
}

static void test_packing(void **state)
{
    rng random = {61};
    (void)state;
    for (int i = 0; i < 20; i++) {
        kin_record record;
        struct packed packed;
        sample_record(&random, &record);
        fail_each_allocation(pack_record, &record, 2);
        assert_ok(kin_record_pack(&record, &packed.bytes, &packed.size, NULL));
        fail_each_allocation(unpack_record, &packed, 5);
        free(packed.bytes);
        kin_record_release(&record);
    }
}

static kin_status parse_condition(void *ctx)
{
    kin_condition *condition;
    kin_status status = kin_condition_parse(ctx, &condition, NULL);
    if (status == KIN_OK)
        kin_condition_free(condition);
    return status;
}

static void test_parsing_a_condition(void **state)
{
    char text[] = "a = 1 and not (b in (2, 2020-01, 'x''y') or c != 3) or d < 4";
    (void)state;
    fail_each_allocation(parse_condition, text, 10);
}

struct query {
    kin_txn *txn;
    const kin_condition *condition;
};

static kin_status evaluate(void *ctx)
{
    const struct query *query = ctx;
    roaring_bitmap_t *ids;
    kin_status status = kin_condition_evaluate(query->condition, query->txn, &ids, NULL);
    if (status == KIN_OK)
        roaring_bitmap_free(ids);
    return status;
}

static int visit_none(void *ctx, const char *value, uint64_t images)
{
    (void)ctx;
    (void)value;
    (void)images;
    return 0;
}

static kin_status list_values(void *ctx)
{
    const struct query *query = ctx;
    return kin_catalog_each_value(query->txn, "path", NULL, visit_none, NULL, NULL);
}

/* Long values are read back from records, which allocates: those allocations fail here. */
static void test_queries(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 62, .count = 40};
    kin_condition *condition;
    struct query query;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &query.txn, NULL));
    assert_ok(
        kin_condition_parse("note != 5 and path > /b or not modality = MR", &condition, NULL));
    query.condition = condition;
    kin_catalog_limit_cache(sample.catalog, 0); /* it may do without memory: see below */
    fail_each_allocation(evaluate, &query, 2);
    fail_each_allocation(list_values, &query, 20);
    kin_condition_free(condition);
    kin_txn_end(query.txn);
    sample_drop(&sample);
}

/* What is kept may do without the memory to keep it: then the answer is right all the same. */
static void test_kept_queries(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 65, .count = 40};
    kin_condition *condition;
    kin_txn *txn;
    size_t at = 0, refused = 0;
    uint64_t count;
    (void)state;
    sample_make(&sample);
    assert_ok(
        kin_condition_parse("note != 5 and path > /b or not modality = MR", &condition, NULL));
    do {
        kin_bitmap *members = NULL;
        roaring_bitmap_t *truth;
        /* New images, so that there is something to bring up to date, and once all from scratch. */
        assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
        batch.count = 1 + (unsigned)at % 2;
        if (at % 3 == 0) {
            kin_catalog_limit_cache(sample.catalog, 0);
            kin_catalog_limit_cache(sample.catalog, KIN_CATALOG_CACHE_BYTES);
        }
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        from_now_fail(++at);
        kin_status status = kin_condition_members(condition, txn, &members, NULL);
        count = calls;
        from_now_fail(0);
        assert_true(status == KIN_OK || (status == KIN_E_NOMEM && count >= at));
        refused += status == KIN_E_NOMEM;
        kin_catalog_limit_cache(sample.catalog, 0);
        assert_ok(kin_condition_evaluate(condition, txn, &truth, NULL));
        if (status == KIN_OK)
            assert_true(roaring_bitmap_equals(kin_bitmap_borrow(members), truth));
        kin_catalog_limit_cache(sample.catalog, KIN_CATALOG_CACHE_BYTES);
        kin_bitmap_free(members);
        roaring_bitmap_free(truth);
        kin_txn_end(txn);
    } while (count >= at);
    assert_true(refused > 2);
    kin_condition_free(condition);
    sample_drop(&sample);
}

struct opening {
    const char *dir;
    kin_catalog *catalog;
};

static kin_status open_and_close(void *ctx)
{
    kin_catalog *catalog;
    kin_status status = kin_catalog_open(ctx, true, &catalog, NULL);
    if (status == KIN_OK)
        kin_catalog_close(catalog);
    return status;
}

static kin_status write_batch(void *ctx)
{
    sample_batch batch = {.seed = 63, .count = 0};
    struct opening *opening = ctx;
    kin_record record;
    kin_txn *txn;
    kin_status status = kin_catalog_read(opening->catalog, &txn, NULL);
    if (status != KIN_OK)
        return status;
    status = kin_catalog_get(txn, 0, &record, NULL);
    if (status == KIN_OK)
        kin_record_release(&record);
    kin_txn_end(txn);
    if (status == KIN_OK)
        status = kin_catalog_write(opening->catalog, sample_put_batch, &batch, NULL);
    return status;
}

static void test_catalog(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 64, .count = 3};
    struct opening opening;
    (void)state;
    temp_folder_make(sample.dir);
    fail_each_allocation(open_and_close, sample.dir, 3);
    sample_open(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    opening = (struct opening){.dir = sample.dir, .catalog = sample.catalog};
    fail_each_allocation(write_batch, &opening, 3);
    sample_drop(&sample);
}

/* --- messages that ask for much --- */

enum { MEMORY_BOUND = 4 << 20 };

/* `size` bytes, a multiple of `length`, of repetitions of `piece`. */
static void *repeated(const char *piece, size_t length, size_t size)
{
    char *bytes = malloc(size);
    for (size_t at = 0; at + length <= size; at += length)
        memcpy(bytes + at, piece, length);
    return bytes;
}

/* An attacker's record: as many empty or tiny parts as go into it.  Unbounded, protobuf-c makes 218
 * MB of 4 MiB of empty labels. */
static void test_memory_of_hostile_messages(void **state)
{
    static const struct {
        const char *piece;
        size_t length;
    } pieces[] = {
        {"\x92\x01\x00", 3},                   /* an empty label */
        {"\x92\x01\x06\x0A\x01g\x12\x01h", 9}, /* a label */
        {"\x2A\x00", 2},                       /* an empty modality, again and again */
        {"\x2A\x01M", 3},
        {"\x50\x01", 2},     /* frame = 1 */
        {"\xFA\x07\x00", 3}, /* an unknown, empty field */
        {"\x98\x3E\x00", 3}, /* an unknown number */
    };
    static const size_t sizes[] = {100, 10000, KIN_RECORD_MAX_BYTES, 4 << 20};
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            kin_record record;
            size_t size = sizes[s] / pieces[i].length * pieces[i].length;
            void *bytes = repeated(pieces[i].piece, pieces[i].length, size);
            from_now_fail(0);
            kin_status status = kin_record_unpack(bytes, size, &record, NULL);
            free(bytes);
            assert_true(bytes_asked <= MEMORY_BOUND);
            assert_true(calls <= 4 * KIN_RECORD_MAX_LABELS);
            if (status == KIN_OK)
                kin_record_release(&record);
            else
                assert_int_equal(status, KIN_E_CORRUPT);
        }
    }
}

/* Many lists, the last of them long: each takes what it has, not what might follow. */
static void test_memory_of_hostile_conditions(void **state)
{
    enum { LISTS = 2000, SIZE = 32768 };
    static char text[SIZE];
    char *at = text;
    (void)state;
    for (int i = 0; i < LISTS; i++)
        at += sprintf(at, "a in(1)or ");
    at += sprintf(at, "a in(1");
    for (int i = 0; i < LISTS; i++)
        at += sprintf(at, ",1");
    sprintf(at, ")");
    from_now_fail(0);
    assert_ok(parse_condition(text));
    assert_true(bytes_asked <= MEMORY_BOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building_a_record),
        cmocka_unit_test(test_failed_change_changes_nothing),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_parsing_a_condition),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_kept_queries),
        cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_memory_of_hostile_messages),
        cmocka_unit_test(test_memory_of_hostile_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
