/* What the archive returns as messages: every field in its place, texts that any client can read,
 * and the levels both ways. */
#include "service/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/message.h"

#define REPLACED "\xEF\xBF\xBD"

static kin_arena arena;

static int make_arena(void **state)
{
    (void)state;
    arena = (kin_arena){0};
    return 0;
}

static int release_arena(void **state)
{
    (void)state;
    kin_arena_release(&arena);
    return 0;
}

static void set(char **field, const char *value)
{
    assert_int_equal(kin_record_set(field, value, NULL), KIN_OK);
}

static void set_label(kin_record *record, const char *name, const char *value)
{
    assert_int_equal(kin_record_set_label(record, name, value, NULL), KIN_OK);
}

/* Something different in every field. */
static void fill(kin_record *record)
{
    assert_int_equal(kin_record_init(record, NULL), KIN_OK);
    record->id = UINT64_MAX - 1;
    set(&record->sop_instance_uid, "1.2.3");
    set(&record->series_instance_uid, "1.2.4");
    set(&record->study_instance_uid, "1.2.5");
    set(&record->patient_id, "P\xC3\xA4t");
    set(&record->modality, "MR");
    set(&record->body_part, "BRAIN");
    set(&record->study_date, "20240229");
    set(&record->outcome, "stable");
    set(&record->path, "/srv/a b.dcm");
    record->frame = 7;
    record->width = 640;
    record->height = UINT32_MAX;
    record->file = (kin_digest){.high = 0x0123456789abcdef, .low = 1};
    record->content = (kin_digest){.high = 0, .low = UINT64_MAX};
    record->ingested_us = INT64_MIN;
    set_label(record, "diagnosis", "glioma");
    set_label(record, "site", "\xE6\x9D\xB1\xE4\xBA\xAC");
}

/* As a client sees it: through the wire.  The answer's own packing must be acceptable to us. */
static Kindred__V1__Image *sent(const Kindred__V1__Image *image)
{
    ProtobufCMessage *out = NULL;
    kin_error err = {0};
    size_t size = kindred__v1__image__get_packed_size(image);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    assert_int_equal(kindred__v1__image__pack(image, bytes), size);
    if (kin_rpc_message_unpack(&kindred__v1__image__descriptor, bytes, size, &out, &err) != KIN_OK)
        fail_msg("%s", err.message);
    free(bytes);
    return (Kindred__V1__Image *)out;
}

static void test_every_field_is_in_its_place(void **state)
{
    (void)state;
    kin_record record;
    fill(&record);
    const Kindred__V1__Image *made = kin_answer_image(&arena, &record);
    assert_non_null(made);
    assert_ptr_equal(made->path, record.path); /* good text is borrowed */
    Kindred__V1__Image *image = sent(made);
    assert_int_equal(image->id, UINT64_MAX - 1);
    assert_string_equal(image->sop_instance_uid, "1.2.3");
    assert_string_equal(image->series_instance_uid, "1.2.4");
    assert_string_equal(image->study_instance_uid, "1.2.5");
    assert_string_equal(image->patient_id, "P\xC3\xA4t");
    assert_string_equal(image->modality, "MR");
    assert_string_equal(image->body_part, "BRAIN");
    assert_string_equal(image->study_date, "20240229");
    assert_string_equal(image->outcome, "stable");
    assert_string_equal(image->path, "/srv/a b.dcm");
    assert_int_equal(image->frame, 7);
    assert_int_equal(image->width, 640);
    assert_int_equal(image->height, UINT32_MAX);
    assert_string_equal(image->file_digest, "0123456789abcdef0000000000000001");
    assert_string_equal(image->content_digest, "0000000000000000ffffffffffffffff");
    assert_int_equal(image->ingested_us, INT64_MIN);
    assert_int_equal(image->n_labels, 2);
    assert_string_equal(image->labels[0]->name, "diagnosis");
    assert_string_equal(image->labels[0]->value, "glioma");
    assert_string_equal(image->labels[1]->name, "site");
    assert_string_equal(image->labels[1]->value, "\xE6\x9D\xB1\xE4\xBA\xAC");
    assert_null(image->region);
    kin_rpc_message_free(&image->base);
    kin_record_release(&record);
}

static void test_a_region_says_which_it_is(void **state)
{
    (void)state;
    kin_record record;
    fill(&record);
    record.region = 3;
    set_label(&record, "region_label", "Tumor");
    set_label(&record, "region_source", "1.2.9");
    set_label(&record, "region_x", "0");
    set_label(&record, "region_y", "17");
    set_label(&record, "region_width", "40");
    set_label(&record, "region_height", "32");
    Kindred__V1__Image *image = sent(kin_answer_image(&arena, &record));
    assert_non_null(image->region);
    assert_int_equal(image->region->number, 3);
    assert_string_equal(image->region->label, "Tumor");
    assert_string_equal(image->region->code, "");
    assert_string_equal(image->region->source, "1.2.9");
    assert_int_equal(image->region->box->x, 0);
    assert_int_equal(image->region->box->y, 17);
    assert_int_equal(image->region->box->width, 40);
    assert_int_equal(image->region->box->height, 32);
    kin_rpc_message_free(&image->base);
    kin_record_release(&record);
}

/* Paths hold whatever bytes their file system allows. */
static void test_broken_text_is_mended(void **state)
{
    (void)state;
    static const struct {
        const char *stored, *shown;
    } cases[] = {
        {"/data/caf\xE9.dcm", "/data/caf" REPLACED ".dcm"},
        {"\xFF\xFE", REPLACED REPLACED},
        {"\xC0\x80", REPLACED REPLACED},              /* zero, the long way */
        {"\xED\xA0\x80", REPLACED REPLACED REPLACED}, /* half a surrogate pair */
        {"\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED},
        {"cut \xE2\x82", "cut " REPLACED REPLACED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_record record;
        fill(&record);
        char **texts[] = {&record.sop_instance_uid,
                          &record.series_instance_uid,
                          &record.study_instance_uid,
                          &record.patient_id,
                          &record.modality,
                          &record.body_part,
                          &record.study_date,
                          &record.outcome,
                          &record.path};
        for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++)
            set(texts[n], cases[i].stored);
        set_label(&record, cases[i].stored, cases[i].stored);
        const Kindred__V1__Image *made = kin_answer_image(&arena, &record);
        assert_non_null(made);
        assert_string_equal(record.path, cases[i].stored); /* the record stays as it is */
        Kindred__V1__Image *image = sent(made);
        const char *const got[] = {image->sop_instance_uid,
                                   image->series_instance_uid,
                                   image->study_instance_uid,
                                   image->patient_id,
                                   image->modality,
                                   image->body_part,
                                   image->study_date,
                                   image->outcome,
                                   image->path};
        for (size_t n = 0; n < sizeof got / sizeof got[0]; n++)
            assert_string_equal(got[n], cases[i].shown);
        assert_int_equal(image->n_labels, 3);
        size_t mended = 0;
        for (size_t n = 0; n < image->n_labels; n++)
            if (strcmp(image->labels[n]->name, cases[i].shown) == 0) {
                assert_string_equal(image->labels[n]->value, cases[i].shown);
                mended++;
            }
        assert_int_equal(mended, 1);
        kin_rpc_message_free(&image->base);
        kin_record_release(&record);
    }
}

static void test_nothing_known(void **state)
{
    (void)state;
    kin_record record;
    assert_int_equal(kin_record_init(&record, NULL), KIN_OK);
    const Kindred__V1__Image *made = kin_answer_image(&arena, &record);
    assert_non_null(made);
    assert_int_equal(made->n_labels, 0);
    Kindred__V1__Image *image = sent(made);
    assert_string_equal(image->patient_id, "");
    assert_string_equal(image->path, "");
    assert_int_equal(image->n_labels, 0);
    kin_rpc_message_free(&image->base);
    kin_record_release(&record);
}

/* As many labels as a record may have, every other one broken. */
static void test_many_labels(void **state)
{
    (void)state;
    kin_record record;
    char name[32];
    assert_int_equal(kin_record_init(&record, NULL), KIN_OK);
    for (size_t i = 0; i < KIN_RECORD_MAX_LABELS; i++) {
        snprintf(name, sizeof name, "label_%05zu", i);
        set_label(&record, name, i % 2 == 0 ? "even" : "odd\x80");
    }
    const Kindred__V1__Image *made = kin_answer_image(&arena, &record);
    assert_non_null(made);
    Kindred__V1__Image *image = sent(made); /* within what a receiver gives a message of its size */
    assert_int_equal(image->n_labels, KIN_RECORD_MAX_LABELS);
    for (size_t i = 0; i < image->n_labels; i++) {
        snprintf(name, sizeof name, "label_%05zu", i);
        assert_string_equal(image->labels[i]->name, name);
        assert_string_equal(image->labels[i]->value, i % 2 == 0 ? "even" : "odd" REPLACED);
    }
    kin_rpc_message_free(&image->base);
    kin_record_release(&record);
}

static void test_results_and_plan(void **state)
{
    (void)state;
    kin_result items[3] = {{.score = 1.0f}, {.score = 0.5f}, {.score = -1.0f}};
    const kin_results results = {
        .items = items,
        .count = 3,
        .complete = true,
        .exact = true,
        .plan = {.method = "filtered index",
                 .fell_back = true,
                 .recall = 0.5,
                 .expected_recall = 0.75,
                 .width = 9,
                 .candidates = UINT32_MAX,
                 .considered = {{"scan", 2.5}, {"filtered index", 0.125}, {"widening", -1}},
                 .considered_count = 3,
                 .estimated_milliseconds = 0.25,
                 .ranking_milliseconds = 3.5,
                 .scored = UINT64_MAX,
                 .members_milliseconds = 0.0625,
                 .index_kind = "ivfpq",
                 .model = "0123456789abcdef",
                 .generation = 4,
                 .live = 5,
                 .members = 6,
                 .tail = 7,
                 .scanned = 8,
                 .milliseconds = 1.5},
    };
    for (size_t i = 0; i < 3; i++) {
        fill(&items[i].record);
        items[i].record.id = 100 + i;
    }
    Kindred__V1__SearchResponse *answer = kin_answer_search(&arena, &results, false);
    assert_non_null(answer);
    assert_null(answer->plan); /* nobody asked */
    assert_true(answer->complete && answer->exact);
    assert_int_equal(answer->n_results, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(answer->results[i]->rank, i + 1);
        assert_true(answer->results[i]->score == items[i].score);
        assert_int_equal(answer->results[i]->image->id, 100 + i);
    }
    answer = kin_answer_search(&arena, &results, true);
    assert_non_null(answer);
    const Kindred__V1__Plan *plan = answer->plan;
    assert_non_null(plan);
    assert_string_equal(plan->method, "filtered index");
    assert_true(plan->fell_back);
    assert_true(plan->recall == 0.5 && plan->expected_recall == 0.75);
    assert_int_equal(plan->width, 9);
    assert_int_equal(plan->candidates, UINT32_MAX);
    assert_int_equal(plan->scored, UINT64_MAX);
    assert_true(plan->estimated_milliseconds == 0.25 && plan->ranking_milliseconds == 3.5);
    assert_true(plan->members_milliseconds == 0.0625);
    assert_int_equal(plan->n_considered, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(plan->considered[i]->method, results.plan.considered[i].method);
        assert_true(plan->considered[i]->milliseconds == results.plan.considered[i].milliseconds);
    }
    assert_string_equal(plan->index_kind, "ivfpq");
    assert_string_equal(plan->model, "0123456789abcdef");
    assert_int_equal(plan->generation, 4);
    assert_int_equal(plan->live, 5);
    assert_int_equal(plan->members, 6);
    assert_int_equal(plan->tail, 7);
    assert_int_equal(plan->scanned, 8);
    assert_true(plan->milliseconds == 1.5);
    for (size_t i = 0; i < 3; i++)
        kin_record_release(&items[i].record);
}

static void test_no_results(void **state)
{
    (void)state;
    const kin_results results = {.plan = {.method = "scan", .index_kind = "none"}};
    const Kindred__V1__SearchResponse *answer = kin_answer_search(&arena, &results, true);
    assert_non_null(answer);
    assert_int_equal(answer->n_results, 0);
    assert_false(answer->complete || answer->exact);
    assert_non_null(answer->plan);
    assert_int_equal(answer->plan->n_considered, 0);
}

static void test_a_reindexs_report(void **state)
{
    (void)state;
    const kin_reindex_report report = {
        .images = 1,
        .generation = 2,
        .model = "0123456789abcdef",
        .model_kind = "pca-whitened",
        .index_kind = "hnsw",
        .learnt = true,
        .extended = true,
        .drift = {.judged = true,
                  .old_error = 0.125,
                  .new_error = 0.25,
                  .learn = true,
                  .old_index_error = 0.5,
                  .new_index_error = 0.75,
                  .retrain = true},
        .recall_at_10 = 0.875,
        .recall_queries = 400,
        .recall_bound = 0.9375,
        .below_bound = true,
        .tunings = {{0.5, 0.625, 7.5, 16, 20}, {0.75, 0.8125, 9.5, UINT32_MAX, 1}},
        .tuning_count = 2,
        .forecast_bytes = UINT64_MAX,
        .peak_bytes = 3,
        .build_seconds = 4,
        .tune_seconds = 5,
        .swap_seconds = 6,
        .seconds = 15,
    };
    const Kindred__V1__ReindexReport *made = kin_answer_reindex(&arena, &report);
    assert_non_null(made);
    assert_int_equal(made->images, 1);
    assert_int_equal(made->generation, 2);
    assert_string_equal(made->model, "0123456789abcdef");
    assert_string_equal(made->model_kind, "pca-whitened");
    assert_string_equal(made->index_kind, "hnsw");
    assert_true(made->learnt && made->extended && made->below_bound);
    assert_true(made->drift->judged && made->drift->learn && made->drift->retrain);
    assert_true(made->drift->old_error == 0.125 && made->drift->new_error == 0.25);
    assert_true(made->drift->old_index_error == 0.5 && made->drift->new_index_error == 0.75);
    assert_true(made->recall_at_10 == 0.875 && made->recall_bound == 0.9375);
    assert_int_equal(made->recall_queries, 400);
    assert_int_equal(made->n_tunings, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(made->tunings[i]->target == report.tunings[i].target);
        assert_true(made->tunings[i]->recall == report.tunings[i].recall);
        assert_true(made->tunings[i]->microseconds == report.tunings[i].microseconds);
        assert_int_equal(made->tunings[i]->width, report.tunings[i].width);
        assert_int_equal(made->tunings[i]->candidates, report.tunings[i].candidates);
    }
    assert_int_equal(made->forecast_bytes, UINT64_MAX);
    assert_int_equal(made->peak_bytes, 3);
    assert_true(made->build_seconds == 4 && made->tune_seconds == 5 && made->swap_seconds == 6);
    assert_true(made->seconds == 15);
}

/* What the arena could not give is told once, at the end, and never half an answer. */
static void test_without_memory(void **state)
{
    (void)state;
    kin_record record;
    fill(&record);
    assert_null(kin_arena_new(&arena, SIZE_MAX, 2));
    assert_null(kin_answer_image(&arena, &record));
    kin_result item = {.record = record};
    const kin_results results = {.items = &item, .count = 1};
    assert_null(kin_answer_search(&arena, &results, true));
    assert_null(kin_answer_reindex(&arena, &(kin_reindex_report){0}));
    assert_null(kin_answer_tunings(&arena, NULL, 0));
    kin_record_release(&record);
}

static void test_levels_both_ways(void **state)
{
    (void)state;
    static const struct {
        kin_level level;
        Kindred__V1__Level wire;
    } cases[] = {
        {KIN_LEVEL_IMAGE, KINDRED__V1__LEVEL__LEVEL_IMAGE},
        {KIN_LEVEL_SERIES, KINDRED__V1__LEVEL__LEVEL_SERIES},
        {KIN_LEVEL_STUDY, KINDRED__V1__LEVEL__LEVEL_STUDY},
        {KIN_LEVEL_PATIENT, KINDRED__V1__LEVEL__LEVEL_PATIENT},
        {KIN_LEVEL_REGION, KINDRED__V1__LEVEL__LEVEL_REGION},
    };
    /* One of them each, and the unspecified one: a new level needs a line above. */
    assert_int_equal(kindred__v1__level__descriptor.n_values, sizeof cases / sizeof cases[0] + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_level back = KIN_LEVEL_IMAGE;
        assert_int_equal(kin_answer_level(cases[i].level), cases[i].wire);
        assert_int_equal(kin_answer_level_parse(cases[i].wire, &back, NULL), KIN_OK);
        assert_int_equal(back, cases[i].level);
    }
    kin_level level = KIN_LEVEL_PATIENT;
    assert_int_equal(kin_answer_level_parse(KINDRED__V1__LEVEL__LEVEL_UNSPECIFIED, &level, NULL),
                     KIN_OK);
    assert_int_equal(level, KIN_LEVEL_IMAGE);
}

/* proto3's enums are open: any number may come. */
static void test_levels_that_are_none(void **state)
{
    (void)state;
    static const int numbers[] = {-1, 6, 127, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        kin_level level = KIN_LEVEL_PATIENT;
        kin_error err;
        char number[32];
        assert_int_equal(kin_answer_level_parse((Kindred__V1__Level)numbers[i], &level, &err),
                         KIN_E_ARG);
        snprintf(number, sizeof number, "number %d", numbers[i]);
        assert_non_null(strstr(err.message, number));
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, release_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_every_field_is_in_its_place),
        WITH_ARENA(test_a_region_says_which_it_is),
        WITH_ARENA(test_broken_text_is_mended),
        WITH_ARENA(test_nothing_known),
        WITH_ARENA(test_many_labels),
        WITH_ARENA(test_results_and_plan),
        WITH_ARENA(test_no_results),
        WITH_ARENA(test_a_reindexs_report),
        WITH_ARENA(test_without_memory),
        cmocka_unit_test(test_levels_both_ways),
        cmocka_unit_test(test_levels_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
