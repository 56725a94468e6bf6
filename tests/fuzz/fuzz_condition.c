/*
 * Conditions out of damaged ones.  What is parsed must also mean what logic says: wrapping it in
 * `not`, `and` and `or` must change its answers accordingly.
 */
#include <ctype.h>

#include "catalog/condition.h"
#include "catalog/samples.h"
#include "mutate.h"

enum { RECORDS = 24, ITERATIONS = 200000 };

static const char *const corpus[] = {
    "modality = CT",
    "sex = F and not modality in (CT, PT)",
    "(diagnosis = glioma or grade >= 3) and study_date < 2020-06",
    "outcome != '' and patient_id not in (\"007\", '7', 9)",
    "note = 'It''s' or note = \"\"\"x\"\"\"",
    "Größe <= 12.5e1 and age > -3 and dose < +.7",
    "not (not (not a = 7.0)) or seen in (2020, 202002, 2020-02-29, 20191231)",
    "width in (128, 256) and height >= 256 and frame != 0",
    "a.b = '' or follow-up != ''",
    "(((a=1)and(b=2))or((c<3)))",
    "file = 00000000000000010000000000000001 OR path = '/short'",
    "study_date >= 2019-12-31 AND study_date <= 2020 And Not modality In ('',MR)",
};
enum { CORPUS = sizeof corpus / sizeof corpus[0] };

static kin_record records[RECORDS];

static kin_condition *parse_wrapped(const char *format, const char *text, kin_status *status)
{
    kin_condition *condition = NULL;
    char *wrapped = NULL;
    FUZZ_CHECK(asprintf(&wrapped, format, text, text) > 0);
    *status = kin_condition_parse(wrapped, &condition, NULL);
    free(wrapped);
    return condition;
}

/* Wrapped as `format` (which holds the text once or twice), the condition's answer is the same, or
 * with `inverted` the other one.  The wrapping may be one level too many. */
static void check_wrapped(const kin_condition *condition, const char *format, const char *text,
                          bool inverted)
{
    kin_status status;
    kin_condition *wrapped = parse_wrapped(format, text, &status);
    if (status != KIN_OK) {
        FUZZ_CHECK(status == KIN_E_LIMIT);
        return;
    }
    for (size_t i = 0; i < RECORDS; i++)
        FUZZ_CHECK(kin_condition_matches(wrapped, &records[i]) ==
                   (kin_condition_matches(condition, &records[i]) != inverted));
    kin_condition_free(wrapped);
}

static sample as_sample(const char *text)
{
    return (sample){.bytes = (uint8_t *)(uintptr_t)text, .size = strlen(text)};
}

static char *damaged_text(uint64_t seed)
{
    uint64_t random = seed;
    sample from = as_sample(corpus[random_bits(&random) % CORPUS]);
    sample with = as_sample(corpus[random_bits(&random) % CORPUS]);
    sample made = mutate(&random, &from, &with);
    char *text = malloc(made.size + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, made.bytes, made.size);
    text[made.size] = '\0';
    free(made.bytes);
    return text;
}

static bool try_condition(void *ctx, uint64_t seed)
{
    kin_condition *condition = NULL;
    kin_error err = {0};
    char *text = damaged_text(seed);
    (void)ctx;
    kin_status status = kin_condition_parse(text, &condition, &err);
    if (status == KIN_OK) {
        check_wrapped(condition, "not (%s)", text, true);
        check_wrapped(condition, "(%s) and (%s)", text, false);
        check_wrapped(condition, "(%s) or not (not (%s))", text, false);
        kin_condition_free(condition);
    } else {
        FUZZ_CHECK(status == KIN_E_ARG || status == KIN_E_LIMIT);
        FUZZ_CHECK(err.code == status && err.message[0] != '\0');
        for (const char *at = err.message; *at != '\0'; at++)
            FUZZ_CHECK(!iscntrl((unsigned char)*at)); /* it goes to a terminal */
    }
    free(text);
    return status == KIN_OK;
}

static void fuzz_conditions(void **state)
{
    rng random = {61};
    (void)state;
    for (size_t i = 0; i < RECORDS; i++)
        sample_record(&random, &records[i]);
    fuzz_tally tally = fuzz_run("condition", try_condition, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
    for (size_t i = 0; i < RECORDS; i++)
        kin_record_release(&records[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_conditions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
