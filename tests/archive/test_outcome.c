/* What became of patients: set at every level, found by the index, safe to repeat. */
#include "one_archive.h"

enum { IMAGES = 48, CLASSES = 4 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

static int count_record(void *ctx, const kin_record *record)
{
    size_t *count = ctx;
    (void)record;
    ++*count;
    return 0;
}

/* Images that meet a condition, as the index of values has it. */
static size_t meeting(const char *text)
{
    kin_error err;
    size_t count = 0;
    kin_condition *where = parse_condition(text);
    assert_ok(kin_archive_each_record(archive, where, count_record, &count, &err), err);
    kin_condition_free(where);
    return count;
}

static void set(const char *uid, const char *outcome, kin_level level, uint64_t images,
                uint64_t changed)
{
    kin_error err;
    kin_level got_level;
    uint64_t got_changed = 99, got_images = 99;
    assert_ok(
        kin_archive_set_outcome(archive, uid, outcome, &got_changed, &got_images, &got_level, &err),
        err);
    assert_int_equal(got_level, level);
    assert_int_equal(got_images, images);
    assert_int_equal(got_changed, changed);
}

static void test_every_level_and_the_index(void **state)
{
    (void)state;
    set("P1", "alive", KIN_LEVEL_PATIENT, 12, 12);
    set("P1", "alive", KIN_LEVEL_PATIENT, 12, 0);
    assert_int_equal(meeting("outcome = alive"), 12);
    assert_int_equal(meeting("outcome = alive and patient_id != P1"), 0);
    set("1.2.5.2", "dead", KIN_LEVEL_STUDY, 6, 6); /* of P1's images */
    assert_int_equal(meeting("outcome = alive"), 6);
    set("1.2.4.0", "dead", KIN_LEVEL_SERIES, 3, 3);
    set("1.2.3.47", "progress after 3 months: Überleben", KIN_LEVEL_IMAGE, 1, 1);
    assert_int_equal(meeting("outcome = dead"), 9);
    set("P1", "alive", KIN_LEVEL_PATIENT, 12, 6);
    set("P1", "", KIN_LEVEL_PATIENT, 12, 12);
    assert_int_equal(meeting("outcome = alive"), 0);
    assert_int_equal(meeting("outcome = dead"), 3);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_searches_and_records_show_it(void **state)
{
    (void)state;
    kin_condition *where = parse_condition("outcome = relapse");
    set("1.2.3.5", "relapse", KIN_LEVEL_IMAGE, 1, 1);
    kin_results results =
        search_picture(archive, 1, 5, (kin_search_options){.k = 9, .where = where});
    assert_int_equal(results.count, 1);
    assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.5");
    assert_string_equal(results.items[0].record.outcome, "relapse");
    assert_true(results.items[0].score > 0.9999f); /* the picture is untouched */
    kin_results_release(&results);
    kin_condition_free(where);
}

static void test_what_is_no_line_of_text_is_refused(void **state)
{
    (void)state;
    static char longest[KIN_OUTCOME_MAX + 2];
    memset(longest, 'x', KIN_OUTCOME_MAX + 1);
    const char *const wrong[] = {"two\nlines", "\x1b[2J", "\xff",         "\xc0\x80",
                                 " alive",     "alive ",  "\xe2\x80\xae", longest};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kin_error err;
        kin_level level;
        uint64_t changed = 9, images = 9;
        assert_int_equal(
            kin_archive_set_outcome(archive, "P1", wrong[i], &changed, &images, &level, &err),
            KIN_E_ARG);
        assert_int_equal(changed, 0);
        assert_int_equal(images, 0);
    }
    set("P1", longest + 1, KIN_LEVEL_PATIENT, 12, 12);
}

static void test_an_unknown_uid_is_not_found(void **state)
{
    (void)state;
    static const char *const unknown[] = {"", "9.9", "P99"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        kin_error err;
        kin_level level;
        uint64_t changed, images;
        assert_int_equal(
            kin_archive_set_outcome(archive, unknown[i], "x", &changed, &images, &level, &err),
            KIN_E_NOT_FOUND);
        assert_string_equal(err.subject, unknown[i]);
    }
}

/* More images than one transaction takes. */
static void test_a_patient_of_many_images(void **state)
{
    (void)state;
    enum { MANY = 4096 + 4096 + 17 };
    kin_error err;
    kin_instance instance = {.items = calloc(KIN_PUT_INSTANCE_MAX, sizeof(kin_item))};
    for (uint32_t first = 0; first < MANY; first += KIN_PUT_INSTANCE_MAX) {
        instance.count = MANY - first < KIN_PUT_INSTANCE_MAX ? MANY - first : KIN_PUT_INSTANCE_MAX;
        for (size_t i = 0; i < instance.count; i++) {
            instance.items[i] = make_item(5000, first + (uint32_t)i, 1, 1);
            assert_ok(kin_record_set(&instance.items[i].record.patient_id, "many", &err), err);
        }
        assert_ok(kin_archive_put(archive, &instance, 1, &err), err);
        for (size_t i = 0; i < instance.count; i++) {
            kin_record_release(&instance.items[i].record);
            free(instance.items[i].descriptor);
            free(instance.items[i].preview);
        }
    }
    free(instance.items);
    set("many", "stable", KIN_LEVEL_PATIENT, MANY, MANY);
    assert_int_equal(meeting("outcome = stable"), MANY);
    set("many", "stable", KIN_LEVEL_PATIENT, MANY, 0);
    assert_int_equal(count_faults(archive, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_level_and_the_index),          TEST(test_searches_and_records_show_it),
        TEST(test_what_is_no_line_of_text_is_refused), TEST(test_an_unknown_uid_is_not_found),
        TEST(test_a_patient_of_many_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
