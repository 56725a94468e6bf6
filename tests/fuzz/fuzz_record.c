/*
 * Records out of two that were packed and mixed: fields twice, labels out of order, lengths that
 * lie.  What is unpacked must be a record that packs again, into the same one.
 * (tests/catalog/test_record.c damages single bytes.)
 */
#include "catalog/record.h"
#include "catalog/samples.h"
#include "mutate.h"

enum { ITERATIONS = 200000 };

static sample packed(rng *random)
{
    kin_record record;
    void *bytes = NULL;
    sample s = {0};
    sample_record(random, &record);
    FUZZ_CHECK(kin_record_pack(&record, &bytes, &s.size, NULL) == KIN_OK);
    kin_record_release(&record);
    s.bytes = bytes;
    return s;
}

/* Half of the seeds join two whole messages, which protobuf takes for one with fields repeated. */
static sample damaged_record(uint64_t seed)
{
    rng random = {seed};
    sample a = packed(&random), b = packed(&random), made;
    if (rng_below(&random, 2) == 0) {
        a.bytes = realloc(a.bytes, a.size + b.size);
        FUZZ_CHECK(a.bytes != NULL);
        memcpy(a.bytes + a.size, b.bytes, b.size);
        a.size += b.size;
    }
    made = mutate(&random.state, &a, &b);
    free(a.bytes);
    free(b.bytes);
    return made;
}

static void check_round_trip(const kin_record *record)
{
    kin_record again;
    void *bytes = NULL;
    size_t size = 0;
    FUZZ_CHECK(kin_record_pack(record, &bytes, &size, NULL) == KIN_OK);
    FUZZ_CHECK(size <= KIN_RECORD_MAX_BYTES);
    FUZZ_CHECK(kin_record_unpack(bytes, size, &again, NULL) == KIN_OK);
    FUZZ_CHECK(records_equal(record, &again));
    kin_record_release(&again);
    free(bytes);
}

static bool try_record(void *ctx, uint64_t seed)
{
    kin_record record;
    kin_error err = {0};
    sample made = damaged_record(seed);
    (void)ctx;
    kin_status status = kin_record_unpack(made.bytes, made.size, &record, &err);
    free(made.bytes);
    if (status == KIN_OK) {
        for (size_t i = 1; i < record.label_count; i++)
            FUZZ_CHECK(strcmp(record.labels[i - 1].name, record.labels[i].name) < 0);
        check_round_trip(&record);
        kin_record_release(&record);
    } else {
        FUZZ_CHECK(status == KIN_E_CORRUPT && err.message[0] != '\0');
    }
    return status == KIN_OK;
}

static void fuzz_records(void **state)
{
    (void)state;
    fuzz_tally tally = fuzz_run("record", try_record, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
