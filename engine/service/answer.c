#include "service/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGEST_TEXT = 33 };

static char *digest_text(kin_arena *arena, kin_digest digest)
{
    char *text = kin_arena_new(arena, DIGEST_TEXT, 1);
    if (text != NULL)
        snprintf(text, DIGEST_TEXT, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
    return text;
}

static void add_labels(kin_arena *arena, Kindred__V1__Image *image, const kin_record *record)
{
    Kindred__V1__Label *labels = kin_arena_new(arena, record->label_count, sizeof *labels);
    image->labels = kin_arena_new(arena, record->label_count, sizeof(void *));
    if (labels == NULL || image->labels == NULL)
        return;
    for (size_t i = 0; i < record->label_count; i++) {
        kindred__v1__label__init(&labels[i]);
        labels[i].name = kin_arena_utf8(arena, record->labels[i].name);
        labels[i].value = kin_arena_utf8(arena, record->labels[i].value);
        image->labels[i] = &labels[i];
    }
    image->n_labels = record->label_count;
}

static uint32_t label_number(const kin_record *record, const char *name)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *value = kin_record_value(record, name, scratch);
    return value != NULL ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

static char *label_text(kin_arena *arena, const kin_record *record, const char *name)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *value = kin_record_value(record, name, scratch);
    return kin_arena_utf8(arena, value != NULL ? value : "");
}

static Kindred__V1__ImageRegion *make_region(kin_arena *arena, const kin_record *record)
{
    Kindred__V1__ImageRegion *region = kin_arena_new(arena, 1, sizeof *region);
    Kindred__V1__Region *box = kin_arena_new(arena, 1, sizeof *box);
    if (region == NULL || box == NULL)
        return NULL;
    kindred__v1__image_region__init(region);
    region->number = record->region;
    region->label = label_text(arena, record, KIN_LABEL_REGION_LABEL);
    region->code = label_text(arena, record, KIN_LABEL_REGION_CODE);
    region->source = label_text(arena, record, KIN_LABEL_REGION_SOURCE);
    kindred__v1__region__init(box);
    box->x = label_number(record, KIN_LABEL_REGION_X);
    box->y = label_number(record, KIN_LABEL_REGION_Y);
    box->width = label_number(record, KIN_LABEL_REGION_WIDTH);
    box->height = label_number(record, KIN_LABEL_REGION_HEIGHT);
    region->box = box;
    return region;
}

Kindred__V1__Image *kin_answer_image(kin_arena *arena, const kin_record *record)
{
    Kindred__V1__Image *image = kin_arena_new(arena, 1, sizeof *image);
    if (image == NULL)
        return NULL;
    kindred__v1__image__init(image);
    image->id = record->id;
    image->sop_instance_uid = kin_arena_utf8(arena, record->sop_instance_uid);
    image->series_instance_uid = kin_arena_utf8(arena, record->series_instance_uid);
    image->study_instance_uid = kin_arena_utf8(arena, record->study_instance_uid);
    image->patient_id = kin_arena_utf8(arena, record->patient_id);
    image->modality = kin_arena_utf8(arena, record->modality);
    image->body_part = kin_arena_utf8(arena, record->body_part);
    image->study_date = kin_arena_utf8(arena, record->study_date);
    image->outcome = kin_arena_utf8(arena, record->outcome);
    image->path = kin_arena_utf8(arena, record->path);
    image->frame = record->frame;
    image->width = record->width;
    image->height = record->height;
    image->file_digest = digest_text(arena, record->file);
    image->content_digest = digest_text(arena, record->content);
    image->ingested_us = record->ingested_us;
    add_labels(arena, image, record);
    if (record->region > 0)
        image->region = make_region(arena, record);
    return arena->failed ? NULL : image;
}

static void add_considered(kin_arena *arena, Kindred__V1__Plan *out, const kin_plan *plan)
{
    Kindred__V1__ConsideredMethod *items =
        kin_arena_new(arena, plan->considered_count, sizeof *items);
    out->considered = kin_arena_new(arena, plan->considered_count, sizeof(void *));
    if (items == NULL || out->considered == NULL)
        return;
    for (size_t i = 0; i < plan->considered_count; i++) {
        kindred__v1__considered_method__init(&items[i]);
        items[i].method = (char *)plan->considered[i].method;
        items[i].milliseconds = plan->considered[i].milliseconds;
        out->considered[i] = &items[i];
    }
    out->n_considered = plan->considered_count;
}

static Kindred__V1__Plan *make_plan(kin_arena *arena, const kin_plan *plan)
{
    Kindred__V1__Plan *out = kin_arena_new(arena, 1, sizeof *out);
    if (out == NULL)
        return NULL;
    kindred__v1__plan__init(out);
    out->method = (char *)plan->method;
    out->index_kind = (char *)plan->index_kind;
    out->model = kin_arena_copy(arena, plan->model);
    out->generation = plan->generation;
    out->live = plan->live;
    out->members = plan->members;
    out->tail = plan->tail;
    out->scanned = plan->scanned;
    out->milliseconds = plan->milliseconds;
    out->fell_back = plan->fell_back;
    out->recall = plan->recall;
    out->expected_recall = plan->expected_recall;
    out->width = plan->width;
    out->candidates = plan->candidates;
    out->scored = plan->scored;
    out->estimated_milliseconds = plan->estimated_milliseconds;
    out->ranking_milliseconds = plan->ranking_milliseconds;
    out->members_milliseconds = plan->members_milliseconds;
    add_considered(arena, out, plan);
    return out;
}

static void add_results(kin_arena *arena, Kindred__V1__SearchResponse *out,
                        const kin_results *results)
{
    Kindred__V1__SearchResult *items = kin_arena_new(arena, results->count, sizeof *items);
    out->results = kin_arena_new(arena, results->count, sizeof(void *));
    if (items == NULL || out->results == NULL)
        return;
    for (size_t i = 0; i < results->count; i++) {
        kindred__v1__search_result__init(&items[i]);
        items[i].rank = (uint32_t)i + 1;
        items[i].score = results->items[i].score;
        items[i].image = kin_answer_image(arena, &results->items[i].record);
        out->results[i] = &items[i];
    }
    out->n_results = results->count;
}

Kindred__V1__SearchResponse *kin_answer_search(kin_arena *arena, const kin_results *results,
                                               bool explain)
{
    Kindred__V1__SearchResponse *out = kin_arena_new(arena, 1, sizeof *out);
    if (out == NULL)
        return NULL;
    kindred__v1__search_response__init(out);
    out->complete = results->complete;
    out->exact = results->exact;
    add_results(arena, out, results);
    if (explain)
        out->plan = make_plan(arena, &results->plan);
    return arena->failed ? NULL : out;
}

Kindred__V1__Tuning **kin_answer_tunings(kin_arena *arena, const kin_tuning *tunings, size_t count)
{
    Kindred__V1__Tuning *items = kin_arena_new(arena, count, sizeof *items);
    Kindred__V1__Tuning **list = kin_arena_new(arena, count, sizeof *list);
    if (items == NULL || list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        kindred__v1__tuning__init(&items[i]);
        items[i].target = tunings[i].target;
        items[i].recall = tunings[i].recall;
        items[i].microseconds = tunings[i].microseconds;
        items[i].width = tunings[i].width;
        items[i].candidates = tunings[i].candidates;
        list[i] = &items[i];
    }
    return list;
}

static Kindred__V1__Drift *make_drift(kin_arena *arena, const kin_drift *drift)
{
    Kindred__V1__Drift *out = kin_arena_new(arena, 1, sizeof *out);
    if (out == NULL)
        return NULL;
    kindred__v1__drift__init(out);
    out->judged = drift->judged;
    out->old_error = drift->old_error;
    out->new_error = drift->new_error;
    out->learn = drift->learn;
    out->old_index_error = drift->old_index_error;
    out->new_index_error = drift->new_index_error;
    out->retrain = drift->retrain;
    return out;
}

Kindred__V1__ReindexReport *kin_answer_reindex(kin_arena *arena, const kin_reindex_report *report)
{
    Kindred__V1__ReindexReport *out = kin_arena_new(arena, 1, sizeof *out);
    if (out == NULL)
        return NULL;
    kindred__v1__reindex_report__init(out);
    out->images = report->images;
    out->generation = report->generation;
    out->model = (char *)report->model;
    out->model_kind = (char *)report->model_kind;
    out->index_kind = (char *)report->index_kind;
    out->recall_at_10 = report->recall_at_10;
    out->recall_queries = report->recall_queries;
    out->below_bound = report->below_bound;
    out->recall_bound = report->recall_bound;
    out->learnt = report->learnt;
    out->metric_due = report->metric_due;
    out->extended = report->extended;
    out->drift = make_drift(arena, &report->drift);
    out->tunings = kin_answer_tunings(arena, report->tunings, report->tuning_count);
    out->n_tunings = report->tuning_count;
    out->forecast_bytes = report->forecast_bytes;
    out->peak_bytes = report->peak_bytes;
    out->build_seconds = report->build_seconds;
    out->tune_seconds = report->tune_seconds;
    out->swap_seconds = report->swap_seconds;
    out->seconds = report->seconds;
    return arena->failed ? NULL : out;
}

static const Kindred__V1__Level levels[] = {
    [KIN_LEVEL_IMAGE] = KINDRED__V1__LEVEL__LEVEL_IMAGE,
    [KIN_LEVEL_SERIES] = KINDRED__V1__LEVEL__LEVEL_SERIES,
    [KIN_LEVEL_STUDY] = KINDRED__V1__LEVEL__LEVEL_STUDY,
    [KIN_LEVEL_PATIENT] = KINDRED__V1__LEVEL__LEVEL_PATIENT,
    [KIN_LEVEL_REGION] = KINDRED__V1__LEVEL__LEVEL_REGION,
};

Kindred__V1__Level kin_answer_level(kin_level level)
{
    return levels[level];
}

kin_status kin_answer_level_parse(Kindred__V1__Level level, kin_level *out, kin_error *err)
{
    *out = KIN_LEVEL_IMAGE;
    if (level == KINDRED__V1__LEVEL__LEVEL_UNSPECIFIED)
        return KIN_OK;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (levels[i] == level) {
            *out = (kin_level)i;
            return KIN_OK;
        }
    }
    return kin_fail(err, KIN_E_ARG, NULL, "no level has the number %d", (int)level);
}
