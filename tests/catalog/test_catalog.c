/* The catalog against a model: an array of records, each with a flag for whether it lives. */
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
                                     "region",
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
    assert_ok(kin_catalog_each_value(txn, name, NULL, check_listed, &listing, NULL));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
