/* The catalog against a model: an array of records, each with a flag for whether it lives. */
#include <sys/wait.h>
#include <unistd.h>

#include "samples.h"

enum { MODEL_ROUNDS = 80, MODEL_OPERATIONS = 60, MODEL_MAX = MODEL_ROUNDS * MODEL_OPERATIONS };

struct model {
    kin_record records[MODEL_MAX];
    bool live[MODEL_MAX];
    uint32_t rows;
};

static struct model *model_new(void)
{
    struct model *made = calloc(1, sizeof *made);
    assert_non_null(made);
    return made;
}

static void model_free(struct model *old)
{
    for (uint32_t i = 0; i < old->rows; i++)
        kin_record_release(&old->records[i]);
    free(old);
}

/* --- random changes, on both sides --- */

struct changes {
    struct model *model;
    uint64_t seed;
};

static void put_one(kin_txn *txn, struct model *model, rng *random)
{
    kin_record *record = &model->records[model->rows];
    sample_record(random, record);
    record->id = 12345; /* put assigns it */
    assert_ok(kin_catalog_put(txn, record, NULL));
    assert_int_equal(record->id, model->rows);
    model->live[model->rows++] = true;
}

static void update_one(kin_txn *txn, struct model *model, rng *random)
{
    kin_record *record = &model->records[rng_below(random, model->rows)];
    kin_record changed;
    assert_ok(kin_record_copy(record, &changed, NULL));
    if (rng_below(random, 2) > 0)
        sample_fields(random, &changed);
    sample_labels(random, &changed);
    if (model->live[record->id]) {
        assert_ok(kin_catalog_update(txn, &changed, NULL));
        kin_record_release(record);
        *record = changed;
    } else {
        assert_int_equal(kin_catalog_update(txn, &changed, NULL), KIN_E_NOT_FOUND);
        kin_record_release(&changed);
    }
}

static void remove_one(kin_txn *txn, struct model *model, rng *random)
{
    uint32_t id = rng_below(random, model->rows);
    kin_status expected = model->live[id] ? KIN_OK : KIN_E_NOT_FOUND;
    assert_int_equal(kin_catalog_remove(txn, id, NULL), expected);
    model->live[id] = false;
}

/* It changes the model as it goes, so it must not run twice: the test makes room first. */
static kin_status change(kin_txn *txn, void *ctx, kin_error *err)
{
    struct changes *changes = ctx;
    rng random = {changes->seed};
    (void)err;
    for (int i = 0; i < MODEL_OPERATIONS; i++) {
        unsigned kind = rng_below(&random, 10);
        if (changes->model->rows == 0 || kind < 5)
            put_one(txn, changes->model, &random);
        else if (kind < 8)
            update_one(txn, changes->model, &random);
        else
            remove_one(txn, changes->model, &random);
    }
    return KIN_OK;
}

static kin_status put_and_give_up(kin_txn *txn, void *ctx, kin_error *err)
{
    sample_batch *batch = ctx;
    kin_status status = sample_put_batch(txn, batch, err);
    return status == KIN_OK ? kin_fail(err, KIN_E_CANCELLED, NULL, "given up") : status;
}

/* --- queries, on both sides --- */

static const char *const fields[] = {"sop_instance_uid",
                                     "series_instance_uid",
                                     "study_instance_uid",
                                     "patient_id",
                                     "modality",
                                     "body_part",
                                     "study_date",
                                     "outcome",
                                     "path",
                                     "frame",
                                     "width",
                                     "height",
                                     "file"};

static void compare_images(kin_txn *txn, const struct model *model)
{
    uint64_t rows;
    roaring_bitmap_t *live;
    assert_ok(kin_catalog_rows(txn, &rows, NULL));
    assert_int_equal(rows, model->rows);
    assert_ok(kin_catalog_live(txn, &live, NULL));
    uint64_t alive = 0;
    for (uint32_t id = 0; id < model->rows; id++) {
        kin_record record;
        assert_int_equal(roaring_bitmap_contains(live, id), model->live[id]);
        alive += model->live[id];
        kin_status status = kin_catalog_get(txn, id, &record, NULL);
        assert_int_equal(status, model->live[id] ? KIN_OK : KIN_E_NOT_FOUND);
        if (status != KIN_OK)
            continue;
        assert_true(records_equal(&record, &model->records[id]));
        kin_record_release(&record);
    }
    assert_int_equal(roaring_bitmap_get_cardinality(live), alive);
    roaring_bitmap_free(live);
}

static void compare_with_value(kin_txn *txn, const struct model *model, const char *name,
                               const char *value)
{
    char scratch[KIN_RECORD_SCRATCH];
    roaring_bitmap_t *ids;
    uint64_t expected = 0;
    assert_ok(kin_catalog_with_value(txn, name, value, &ids, NULL));
    for (uint32_t id = 0; id < model->rows; id++) {
        const char *has = kin_record_value(&model->records[id], name, scratch);
        bool met = model->live[id] && has != NULL && strcmp(has, value) == 0;
        assert_int_equal(roaring_bitmap_contains(ids, id), met);
        expected += met;
    }
    assert_int_equal(roaring_bitmap_get_cardinality(ids), expected);
    roaring_bitmap_free(ids);
}

struct listing {
    kin_txn *txn;
    const struct model *model;
    const char *name;
    char last[SAMPLE_VALUE_SIZE];
    uint64_t images;
};

static int check_listed(void *ctx, const char *value, uint64_t images)
{
    struct listing *listing = ctx;
    roaring_bitmap_t *ids;
    assert_true(listing->images == 0 || strcmp(listing->last, value) < 0);
    assert_ok(kin_catalog_with_value(listing->txn, listing->name, value, &ids, NULL));
    assert_int_equal(roaring_bitmap_get_cardinality(ids), images);
    roaring_bitmap_free(ids);
    snprintf(listing->last, sizeof listing->last, "%s", value);
    listing->images += images;
    return 0;
}

/* All values of a name: in order, with the right counts, none left out. */
static void compare_values(kin_txn *txn, const struct model *model, const char *name)
{
    struct listing listing = {.txn = txn, .model = model, .name = name};
    char scratch[KIN_RECORD_SCRATCH];
    uint64_t expected = 0;
    assert_ok(kin_catalog_each_value(txn, name, check_listed, &listing, NULL));
    for (uint32_t id = 0; id < model->rows; id++)
        expected += model->live[id] && kin_record_value(&model->records[id], name, scratch) != NULL;
    assert_int_equal(listing.images, expected);
}

struct names {
    char all[64][32];
    int count;
};

static int note_name(void *ctx, const char *name)
{
    struct names *names = ctx;
    assert_true(names->count < 64);
    if (names->count > 0)
        assert_true(strcmp(names->all[names->count - 1], name) < 0);
    snprintf(names->all[names->count++], 32, "%s", name);
    return 0;
}

static bool any_has(const struct model *model, const char *name)
{
    char scratch[KIN_RECORD_SCRATCH];
    for (uint32_t id = 0; id < model->rows; id++)
        if (model->live[id] && kin_record_value(&model->records[id], name, scratch) != NULL)
            return true;
    return false;
}

static void compare_names(kin_txn *txn, const struct model *model)
{
    struct names names = {0};
    int expected = 0;
    assert_ok(kin_catalog_each_name(txn, note_name, &names, NULL));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        expected += any_has(model, fields[i]);
    for (size_t i = 0; i < SAMPLE_NAMES; i++)
        expected += any_has(model, sample_names[i]);
    assert_int_equal(names.count, expected);
    for (int i = 0; i < names.count; i++)
        assert_true(any_has(model, names.all[i]));
}

static void compare_all(kin_txn *txn, const struct model *model, rng *random)
{
    uint64_t faults;
    compare_images(txn, model);
    compare_names(txn, model);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        compare_values(txn, model, fields[i]);
    for (size_t i = 0; i < SAMPLE_NAMES; i++)
        compare_values(txn, model, sample_names[i]);
    for (int i = 0; i < 10 && model->rows > 0; i++) {
        char scratch[KIN_RECORD_SCRATCH], value[SAMPLE_VALUE_SIZE];
        const char *name = sample_names[rng_below(random, SAMPLE_NAMES)];
        sample_value(random, value);
        compare_with_value(txn, model, name, value);
        name = fields[rng_below(random, sizeof fields / sizeof fields[0])];
        const char *has =
            kin_record_value(&model->records[rng_below(random, model->rows)], name, scratch);
        compare_with_value(txn, model, name, has != NULL ? has : "absent");
    }
    assert_ok(kin_catalog_verify(txn, print_fault, NULL, &faults, NULL));
    assert_int_equal(faults, 0);
}

static void test_against_model(void **state)
{
    sample_catalog sample;
    struct model *model = model_new();
    rng random = {41};
    (void)state;
    sample_make(&sample);
    /* Room for all that follows, so that no body runs twice: rows that are given up again. */
    sample_batch room = {.seed = 1, .count = 12000};
    assert_int_equal(kin_catalog_write(sample.catalog, put_and_give_up, &room, NULL),
                     KIN_E_CANCELLED);
    for (int round = 0; round < MODEL_ROUNDS; round++) {
        struct changes changes = {.model = model, .seed = rng_next(&random)};
        kin_txn *txn;
        assert_ok(kin_catalog_write(sample.catalog, change, &changes, NULL));
        sample_batch batch = {.seed = 5, .count = 3};
        assert_int_equal(kin_catalog_write(sample.catalog, put_and_give_up, &batch, NULL),
                         KIN_E_CANCELLED);
        if (round % 10 == 9) {
            kin_catalog_close(sample.catalog);
            sample_open(&sample);
        }
        if (round % 4 != 3 && round > 3)
            continue;
        assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
        compare_all(txn, model, &random);
        kin_txn_end(txn);
    }
    sample_drop(&sample);
    model_free(model);
}

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
    pid_t child = fork();
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
    assert_ok(kin_catalog_each_value(txn, "note", stop_at_second, &calls, NULL));
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
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_body_reads_its_writes),
        cmocka_unit_test(test_snapshot_isolation),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_opening),
        cmocka_unit_test(test_visits_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
