/* Records: setting values, reading them by name, packing, and unpacking what is broken. */
#include "samples.h"

static void test_empty_record(void **state)
{
    kin_record record;
    char scratch[KIN_RECORD_SCRATCH];
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_string_equal(record.patient_id, "");
    assert_null(kin_record_value(&record, "patient_id", scratch));
    assert_null(kin_record_value(&record, "file", scratch));
    assert_null(kin_record_value(&record, "no such label", scratch));
    assert_string_equal(kin_record_value(&record, "frame", scratch), "0");
    assert_string_equal(kin_record_value(&record, "region", scratch), "0");
    kin_record_release(&record);
    kin_record_release(&record);
}

static void test_values_by_name(void **state)
{
    kin_record record;
    char scratch[KIN_RECORD_SCRATCH];
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_ok(kin_record_set(&record.modality, "MR", NULL));
    assert_ok(kin_record_set(&record.outcome, "remission", NULL));
    assert_ok(kin_record_set(&record.outcome, NULL, NULL));
    assert_ok(kin_record_set_label(&record, "grade", "III", NULL));
    record.width = UINT32_MAX;
    record.file = (kin_digest){.low = UINT64_C(0x1122334455667788), .high = 0xAB};
    assert_string_equal(kin_record_value(&record, "modality", scratch), "MR");
    assert_null(kin_record_value(&record, "outcome", scratch));
    assert_string_equal(kin_record_value(&record, "grade", scratch), "III");
    assert_string_equal(kin_record_value(&record, "width", scratch), "4294967295");
    assert_string_equal(kin_record_value(&record, "file", scratch),
                        "00000000000000ab1122334455667788");
    kin_record_release(&record);
}

static void test_labels_stay_sorted_and_unique(void **state)
{
    static const char *const names[] = {"m", "z", "a", "zz", "b", "a"};
    static const char *const order[] = {"a", "b", "m", "z", "zz"};
    kin_record record;
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    for (size_t i = 0; i < 6; i++)
        assert_ok(kin_record_set_label(&record, names[i], i == 5 ? "new" : "old", NULL));
    assert_int_equal(record.label_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(record.labels[i].name, order[i]);
    assert_string_equal(record.labels[0].value, "new");
    assert_ok(kin_record_set_label(&record, "m", "", NULL));
    assert_ok(kin_record_set_label(&record, "zz", NULL, NULL));
    assert_ok(kin_record_set_label(&record, "absent", "", NULL));
    assert_int_equal(record.label_count, 3);
    assert_string_equal(record.labels[2].name, "z");
    kin_record_release(&record);
}

static void test_label_limits(void **state)
{
    kin_record record;
    kin_error err;
    char name[KIN_RECORD_MAX_NAME + 2];
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_int_equal(kin_record_set_label(&record, "", "x", &err), KIN_E_ARG);
    assert_int_equal(kin_record_set_label(&record, "modality", "x", &err), KIN_E_ARG);
    memset(name, 'n', sizeof name);
    name[KIN_RECORD_MAX_NAME + 1] = '\0';
    assert_int_equal(kin_record_set_label(&record, name, "x", &err), KIN_E_LIMIT);
    name[KIN_RECORD_MAX_NAME] = '\0';
    assert_ok(kin_record_set_label(&record, name, "x", &err));
    for (int i = 1; i < KIN_RECORD_MAX_LABELS; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_ok(kin_record_set_label(&record, name, "x", &err));
    }
    assert_int_equal(kin_record_set_label(&record, "one more", "x", &err), KIN_E_LIMIT);
    assert_ok(kin_record_set_label(&record, "1", "replaced", &err));
    kin_record_release(&record);
}

/* Packs, unpacks, and compares. */
static void round_trip(const kin_record *record)
{
    void *bytes;
    size_t size;
    kin_record back;
    assert_ok(kin_record_pack(record, &bytes, &size, NULL));
    assert_ok(kin_record_unpack(bytes, size, &back, NULL));
    assert_int_equal(back.id, 0);
    back.id = record->id;
    assert_true(records_equal(record, &back));
    assert_int_equal(back.uploaded, record->uploaded);
    kin_record_release(&back);
    free(bytes);
}

static void test_pack_round_trip(void **state)
{
    rng random = {11};
    (void)state;
    for (int i = 0; i < 2000; i++) {
        kin_record record, copy;
        sample_record(&random, &record);
        record.id = rng_next(&random);
        round_trip(&record);
        assert_ok(kin_record_copy(&record, &copy, NULL));
        assert_true(records_equal(&record, &copy));
        kin_record_release(&record);
        round_trip(&copy);
        kin_record_release(&copy);
    }
}

static void test_largest_records(void **state)
{
    kin_record record;
    void *bytes;
    size_t size;
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    for (int i = 0; i < KIN_RECORD_MAX_LABELS; i++) {
        char name[16];
        snprintf(name, sizeof name, "%05d", i);
        assert_ok(kin_record_set_label(&record, name, "v", NULL));
    }
    round_trip(&record);
    char *huge = malloc(KIN_RECORD_MAX_BYTES + 1);
    memset(huge, 'h', KIN_RECORD_MAX_BYTES);
    huge[KIN_RECORD_MAX_BYTES] = '\0';
    assert_ok(kin_record_set(&record.path, huge, NULL));
    assert_int_equal(kin_record_pack(&record, &bytes, &size, NULL), KIN_E_LIMIT);
    huge[KIN_RECORD_MAX_BYTES / 2] = '\0';
    assert_ok(kin_record_set(&record.path, huge, NULL));
    round_trip(&record);
    free(huge);
    kin_record_release(&record);
}

static void test_pack_refuses_disorder(void **state)
{
    kin_record record;
    void *bytes;
    size_t size;
    (void)state;
    assert_ok(kin_record_init(&record, NULL));
    assert_ok(kin_record_set_label(&record, "a", "1", NULL));
    assert_ok(kin_record_set_label(&record, "b", "2", NULL));
    kin_label first = record.labels[0];
    record.labels[0] = record.labels[1];
    record.labels[1] = first;
    assert_int_equal(kin_record_pack(&record, &bytes, &size, NULL), KIN_E_ARG);
    kin_record_release(&record);
}

/* The wire format by hand: what other programs may write into an archive. */
static void test_hand_made_messages(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        kin_status status;
    } cases[] = {
        {"", 0, KIN_OK},
        {"\x2A\x02MR", 4, KIN_OK}, /* modality = "MR" */
        {"\x2A\x02MR\x2A\x02"
         "CT",
         8, KIN_OK},                      /* twice: the last counts */
        {"\x2A\x05MR", 4, KIN_E_CORRUPT}, /* cut off */
        {"\x92\x01\x06\x0A\x01g\x12\x01"
         "2",
         9, KIN_OK},                                 /* label g = 2 */
        {"\x92\x01\x03\x0A\x01g", 6, KIN_E_CORRUPT}, /* without a value */
        {"\x92\x01\x06\x0A\x01g\x12\x01\x32\x92\x01\x06\x0A\x01g\x12\x01"
         "2",
         18, KIN_E_CORRUPT}, /* a name twice */
        {"\x92\x01\x0A\x0A\x05"
         "frame\x12\x01"
         "2",
         13, KIN_E_CORRUPT},                /* a field's name */
        {"\x92\x01\x00", 3, KIN_E_CORRUPT}, /* an empty label */
        {"\xFA\x07\x00", 3, KIN_OK},        /* an unknown field */
        {"\x9B", 1, KIN_E_CORRUPT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_record record;
        kin_status status = kin_record_unpack(cases[i].bytes, cases[i].size, &record, NULL);
        if (status != cases[i].status)
            print_error("case %zu: status %d\n", i, status);
        assert_int_equal(status, cases[i].status);
        if (status == KIN_OK)
            kin_record_release(&record);
    }
}

/* Changes, cuts and lengthens bytes at random. */
static size_t mutate(rng *random, unsigned char *bytes, size_t size, size_t room)
{
    for (unsigned i = 1 + rng_below(random, 4); i > 0 && size > 0; i--) {
        size_t at = rng_below(random, (unsigned)size);
        switch (rng_below(random, 4)) {
        case 0:
            bytes[at] ^= (unsigned char)(1u << rng_below(random, 8));
            break;
        case 1:
            bytes[at] = (unsigned char)rng_next(random);
            break;
        case 2:
            size = at;
            break;
        default:
            if (size + 1 < room) {
                memmove(bytes + at + 1, bytes + at, size - at);
                bytes[at] = (unsigned char)rng_next(random);
                size++;
            }
        }
    }
    return size;
}

static void test_mutated_messages(void **state)
{
    rng random = {12};
    unsigned sound = 0, broken = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        kin_record record;
        void *bytes;
        size_t size;
        sample_record(&random, &record);
        assert_ok(kin_record_pack(&record, &bytes, &size, NULL));
        kin_record_release(&record);
        size_t room = size + 8;
        unsigned char *changed = malloc(room);
        memcpy(changed, bytes, size);
        free(bytes);
        size = mutate(&random, changed, size, room);
        /* An exact copy, so that a sanitizer sees a read past the end. */
        unsigned char *exact = malloc(size > 0 ? size : 1);
        memcpy(exact, changed, size);
        free(changed);
        kin_status status = kin_record_unpack(exact, size, &record, NULL);
        free(exact);
        if (status == KIN_OK) {
            round_trip(&record);
            kin_record_release(&record);
            sound++;
        } else {
            assert_int_equal(status, KIN_E_CORRUPT);
            broken++;
        }
    }
    assert_true(sound > 1000);
    assert_true(broken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_record),
        cmocka_unit_test(test_values_by_name),
        cmocka_unit_test(test_labels_stay_sorted_and_unique),
        cmocka_unit_test(test_label_limits),
        cmocka_unit_test(test_pack_round_trip),
        cmocka_unit_test(test_largest_records),
        cmocka_unit_test(test_pack_refuses_disorder),
        cmocka_unit_test(test_hand_made_messages),
        cmocka_unit_test(test_mutated_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
