/* Records as JSON: every key there, numbers as numbers, broken UTF-8 repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attributes.h"
#include "json_record.h"

static kin_record sample(kin_label *labels, size_t count)
{
    return (kin_record){.id = 7,
                        .sop_instance_uid = "1.2.3",
                        .series_instance_uid = "1.2",
                        .study_instance_uid = "1",
                        .patient_id = "P\"1",
                        .modality = "MR",
                        .body_part = "",
                        .study_date = "20260504",
                        .outcome = "alive",
                        .path = "/data/\xFF.dcm",
                        .frame = 3,
                        .width = 64,
                        .height = 4294967295u,
                        .file = {.low = 0xabc, .high = 1},
                        .ingested_us = 1234567890123456,
                        .labels = labels,
                        .label_count = count};
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    assert_non_null(text);
    return text;
}

static void test_record(void **unused)
{
    (void)unused;
    kin_label labels[] = {{"diagnosis", "glioma"}, {"n\xFF", "x\xFE"}};
    kin_record record = sample(labels, 2);
    json_t *object = kin_json_record(&record);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "id")), 7);
    assert_string_equal(text_of(object, "patient_id"), "P\"1");
    assert_string_equal(text_of(object, "body_part"), "");
    assert_string_equal(text_of(object, "path"), "/data/\xEF\xBF\xBD.dcm");
    assert_int_equal(json_integer_value(json_object_get(object, "frame")), 3);
    assert_true(json_integer_value(json_object_get(object, "height")) == 4294967295LL);
    assert_string_equal(text_of(object, "file_digest"), "00000000000000010000000000000abc");
    assert_string_equal(text_of(object, "ingested"), "2009-02-13T23:31:30Z"); /* 1234567890 s */
    const json_t *set = json_object_get(object, "labels");
    assert_int_equal(json_object_size(set), 2);
    assert_string_equal(text_of(set, "diagnosis"), "glioma");
    assert_string_equal(text_of(set, "n\xEF\xBF\xBD"), "x\xEF\xBF\xBD");
    json_decref(object);
}

/* The keys, their order and no others: readers rely on them. */
static void test_result_form(void **unused)
{
    (void)unused;
    kin_label labels[] = {{"diagnosis", "glioma"}};
    kin_record record = sample(labels, 1);
    record.path = "/data/a.dcm";
    json_t *object = kin_json_result(1, 0.5, &record);
    char *text = json_dumps(object, JSON_COMPACT);
    assert_string_equal(
        text,
        "{\"rank\":1,\"score\":0.5,\"sop_instance_uid\":\"1.2.3\","
        "\"series_instance_uid\":\"1.2\",\"study_instance_uid\":\"1\","
        "\"patient_id\":\"P\\\"1\",\"modality\":\"MR\",\"path\":\"/data/a.dcm\","
        "\"frame\":3,\"region\":null,\"labels\":{\"diagnosis\":\"glioma\"},\"outcome\":\"alive\"}");
    free(text);
    json_decref(object);
}

static void test_no_labels(void **unused)
{
    (void)unused;
    kin_record record = sample(NULL, 0);
    json_t *object = kin_json_record(&record);
    assert_int_equal(json_object_size(json_object_get(object, "labels")), 0);
    json_decref(object);
    assert_string_equal(kin_label_text(&record, "diagnosis"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_result_form),
        cmocka_unit_test(test_no_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
