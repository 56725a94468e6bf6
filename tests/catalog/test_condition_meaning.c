/* What conditions mean, and that bitmaps and single records give the same answer. */
#include "catalog/condition.h"

#include "random_condition.h"
#include "samples.h"

/* --- meaning, by hand --- */

static void meaning_record(kin_record *record)
{
    assert_ok(kin_record_init(record, NULL));
    assert_ok(kin_record_set(&record->modality, "MR", NULL));
    assert_ok(kin_record_set(&record->patient_id, "007", NULL));
    assert_ok(kin_record_set(&record->study_date, "20200131", NULL));
    assert_ok(kin_record_set(&record->sop_instance_uid, "1.20", NULL));
    assert_ok(kin_record_set_label(record, "age", "42", NULL));
    assert_ok(kin_record_set_label(record, "dose", "-1.50", NULL));
    assert_ok(kin_record_set_label(record, "diagnosis", "glioma", NULL));
    assert_ok(kin_record_set_label(record, "site", "Zürich's", NULL));
    assert_ok(kin_record_set_label(record, "seen", "2019", NULL));
    assert_ok(kin_record_set_label(record, "follow-up", "2020-05", NULL));
    assert_ok(kin_record_set_label(record, "count", "201906", NULL));
    assert_ok(kin_record_set_label(record, "odd name", "x", NULL));
    record->width = 512;
    record->frame = 2020;
}

static void test_meaning(void **state)
{
    static const struct {
        const char *text;
        bool met;
    } cases[] = {
        {"modality = MR", true},
        {"modality = mr", false},
        {"modality != CT", true},
        {"modality in (CT, MR)", true},
        {"modality not in (CT, MR)", false},
        {"not modality = CT and diagnosis = glioma", true},
        {"modality = CT or modality = PT or diagnosis = glioma", true},
        {"modality = CT and modality = PT or diagnosis = glioma", true},
        {"modality = CT and (modality = PT or diagnosis = glioma)", false},
        /* `and` binds tighter than `or`, `not` than both */
        {"diagnosis = glioma or modality = CT and modality = PT", true},
        {"(diagnosis = glioma or modality = CT) and modality = PT", false},
        {"not modality = CT and modality = PT", false},
        {"not (modality = CT and modality = PT)", true},
        /* numbers */
        {"age = 42", true},
        {"age = 042.0", true},
        {"age = 4.2e1", true},
        {"age = '42'", true},
        {"age > 5", true},
        {"age < 5", false},
        {"age >= 42 and age <= 42", true},
        {"age > 42 or age < 42", false},
        {"age in (41, 42.00)", true},
        {"age < fifty", true}, /* one side is text: by bytes */
        {"dose < 0", true},
        {"dose = -1.5", true},
        {"dose >= -1.4", false},
        {"width = 512.0", true},
        {"width > 1000", false},
        {"frame = 2020-05-01", false}, /* frames are no dates */
        {"frame >= 2020", true},
        {"frame < 20200101", true},
        /* identifiers are no numbers */
        {"patient_id = 7", false},
        {"patient_id = 007", true},
        {"patient_id in (7, 007)", true},
        {"sop_instance_uid = 1.2", false},
        {"sop_instance_uid = 1.20", true},
        {"patient_id < 1", true},
        /* text */
        {"site = 'Zürich''s'", true},
        {"site = \"Zürich's\"", true},
        {"site > Z", true},
        {"diagnosis < meningioma", true},
        {"diagnosis >= glioma", true},
        {"diagnosis > glioma", false},
        {"\"odd name\" = x", true},
        /* dates */
        {"study_date = 20200131", true},
        {"study_date = 2020-01-31", true},
        {"study_date = 2020", true},
        {"study_date = 202001", true},
        {"study_date = 2020-02", false},
        {"study_date in (2019, 2020-01)", true},
        {"study_date != 2020", false},
        {"study_date < 2020", false},
        {"study_date < 2021", true},
        {"study_date <= 2020", true},
        {"study_date > 2020", false},
        {"study_date > 2019", true},
        {"study_date >= 2020", true},
        {"study_date < 2020-02-01", true},
        {"study_date >= 2020-01-31", true},
        {"study_date > 2020-01-31", false},
        {"study_date <= 202001", true},
        {"study_date > 20201301", false}, /* no date: a number */
        /* values that are partial dates themselves */
        {"seen = 2019", true},
        {"seen < 2019-06-01", false},
        {"seen >= 2019-06-01", false},
        {"seen < 2020-01-01", true},
        {"seen = 2019-06-01", false},
        {"follow-up = 2020", true},
        {"follow-up = 2020-05", true},
        {"follow-up = 2020-05-01", false},
        {"follow-up <= 2020-05", true},
        {"follow-up > 2020-04-30", true},
        {"follow-up > 2020-05-10", false},
        /* what may be two partial dates, or two numbers, are numbers */
        {"count = 2019", false},
        {"count > 2019", true},
        {"count > 201905", true},
        {"count = 2019-06", true},
        {"count < 2019-07", true},
        {"seen < 201901", true},
        /* absence */
        {"outcome = dead", false},
        {"outcome != dead", true},
        {"outcome in (dead, alive)", false},
        {"outcome not in (dead, alive)", true},
        {"outcome < z", false},
        {"outcome >= a", false},
        {"not outcome < z", true},
        {"outcome = ''", true},
        {"outcome != ''", false},
        {"outcome in ('', dead)", true},
        {"modality = ''", false},
        {"modality != ''", true},
        {"no_such_name = 1", false},
        {"no_such_name != 1", true},
        {"no_such_name = ''", true},
    };
    kin_record record;
    (void)state;
    meaning_record(&record);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_condition *condition;
        assert_ok(kin_condition_parse(cases[i].text, &condition, NULL));
        bool met = kin_condition_matches(condition, &record);
        kin_condition_free(condition);
        if (met != cases[i].met)
            print_error("%s\n", cases[i].text);
        assert_int_equal(met, cases[i].met);
    }
    kin_record_release(&record);
}

/* --- the same answer both ways --- */

enum { PROPERTY_RECORDS = 400, PROPERTY_CONDITIONS = 3000 };

static kin_status remove_every_fifth(kin_txn *txn, void *ctx, kin_error *err)
{
    (void)ctx;
    for (uint64_t id = 0; id < PROPERTY_RECORDS; id += 5) {
        kin_status status = kin_catalog_remove(txn, id, err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static void check_both_ways(const kin_condition *condition, kin_txn *txn, const kin_record *records,
                            const char *text, unsigned *hits)
{
    roaring_bitmap_t *ids;
    assert_ok(kin_condition_evaluate(condition, txn, &ids, NULL));
    uint64_t expected = 0;
    for (uint32_t id = 0; id < PROPERTY_RECORDS; id++) {
        bool met = id % 5 != 0 && kin_condition_matches(condition, &records[id]);
        if (met != roaring_bitmap_contains(ids, id))
            print_error("image %u: %s\n", id, text);
        assert_int_equal(met, roaring_bitmap_contains(ids, id));
        expected += met;
    }
    assert_int_equal(roaring_bitmap_get_cardinality(ids), expected);
    *hits += expected > 0 && expected < PROPERTY_RECORDS * 4 / 5;
    roaring_bitmap_free(ids);
}

static void test_evaluate_equals_matches(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 33, .count = PROPERTY_RECORDS};
    static kin_record records[PROPERTY_RECORDS];
    static char text[RANDOM_CONDITION_SIZE];
    rng random = {34}, again = {33};
    kin_txn *txn;
    unsigned hits = 0;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_write(sample.catalog, remove_every_fifth, NULL, NULL));
    for (size_t i = 0; i < PROPERTY_RECORDS; i++)
        sample_record(&again, &records[i]);
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    for (int i = 0; i < PROPERTY_CONDITIONS; i++) {
        kin_condition *condition;
        random_condition(text, &random);
        assert_ok(kin_condition_parse(text, &condition, NULL));
        check_both_ways(condition, txn, records, text, &hits);
        kin_condition_free(condition);
    }
    assert_true(hits > PROPERTY_CONDITIONS / 4); /* neither nothing nor all: the test can tell */
    kin_txn_end(txn);
    for (size_t i = 0; i < PROPERTY_RECORDS; i++)
        kin_record_release(&records[i]);
    sample_drop(&sample);
}

/* Text made of `count` times `piece`, between a head and a tail; freed by the caller. */
static char *repeat(const char *head, const char *piece, size_t count, const char *tail)
{
    size_t size = strlen(head) + count * strlen(piece) + strlen(tail) + 1;
    char *text = malloc(size), *at = text + sprintf(text, "%s", head);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s", piece);
    sprintf(at, "%s", tail);
    return text;
}

static void test_long_lists(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 35, .count = 100};
    kin_txn *txn;
    kin_condition *condition;
    roaring_bitmap_t *ids;
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    char *text = repeat("width in (128, 256, 512", ",0", 4000, ")");
    assert_ok(kin_condition_parse(text, &condition, NULL));
    free(text);
    assert_ok(kin_condition_evaluate(condition, txn, &ids, NULL));
    assert_int_equal(roaring_bitmap_get_cardinality(ids), 100);
    roaring_bitmap_free(ids);
    kin_condition_free(condition);
    kin_txn_end(txn);
    sample_drop(&sample);
}

static void test_unknown_names(void **state)
{
    sample_catalog sample;
    sample_batch batch = {.seed = 36, .count = 50};
    kin_txn *txn;
    kin_condition *condition;
    char names[64];
    (void)state;
    sample_make(&sample);
    assert_ok(kin_catalog_write(sample.catalog, sample_put_batch, &batch, NULL));
    assert_ok(kin_catalog_read(sample.catalog, &txn, NULL));
    assert_ok(kin_condition_parse(
        "modality = x and (foo = 1 or not bar in (2)) and foo < 2 and age = 1", &condition, NULL));
    assert_ok(kin_condition_unknown_names(condition, txn, names, sizeof names, NULL));
    assert_string_equal(names, "foo, bar");
    assert_ok(kin_condition_unknown_names(condition, txn, names, 8, NULL));
    assert_string_equal(names, "foo");
    assert_ok(kin_condition_unknown_names(condition, txn, names, 1, NULL));
    assert_string_equal(names, "");
    kin_condition_free(condition);
    assert_ok(kin_condition_parse("modality = x", &condition, NULL));
    assert_ok(kin_condition_unknown_names(condition, txn, names, sizeof names, NULL));
    assert_string_equal(names, "");
    kin_condition_free(condition);
    kin_txn_end(txn);
    sample_drop(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),
        cmocka_unit_test(test_evaluate_equals_matches),
        cmocka_unit_test(test_long_lists),
        cmocka_unit_test(test_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
