#include "remote_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 32 hexadecimal digits; anything else is the unknown digest, 0. */
static kin_digest parse_digest(const char *text)
{
    static const size_t half = 16;
    char digits[17];
    kin_digest digest = {0};
    if (strlen(text) != 2 * half || strspn(text, "0123456789abcdefABCDEF") != 2 * half)
        return digest;
    memcpy(digits, text, half);
    digits[half] = '\0';
    digest.high = strtoull(digits, NULL, 16);
    digest.low = strtoull(text + half, NULL, 16);
    return digest;
}

static kin_status set_texts(const Kindred__V1__Image *image, kin_record *out, kin_error *err)
{
    const struct {
        char **field;
        const char *value;
    } texts[] = {
        {&out->sop_instance_uid, image->sop_instance_uid},
        {&out->series_instance_uid, image->series_instance_uid},
        {&out->study_instance_uid, image->study_instance_uid},
        {&out->patient_id, image->patient_id},
        {&out->modality, image->modality},
        {&out->body_part, image->body_part},
        {&out->study_date, image->study_date},
        {&out->outcome, image->outcome},
        {&out->path, image->path},
    };
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < sizeof texts / sizeof texts[0]; i++)
        status = kin_record_set(texts[i].field, texts[i].value, err);
    return status;
}

kin_status kin_remote_record(const Kindred__V1__Image *image, kin_record *out, kin_error *err)
{
    if (image == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the server answered without an image");
    kin_status status = kin_record_init(out, err);
    if (status != KIN_OK)
        return status;
    out->id = image->id;
    out->frame = image->frame;
    out->region = image->region != NULL ? image->region->number : 0;
    out->width = image->width;
    out->height = image->height;
    out->file = parse_digest(image->file_digest);
    out->content = parse_digest(image->content_digest);
    out->ingested_us = image->ingested_us;
    status = set_texts(image, out, err);
    for (size_t i = 0; status == KIN_OK && i < image->n_labels; i++)
        status = kin_record_set_label(out, image->labels[i]->name, image->labels[i]->value, err);
    if (status != KIN_OK)
        kin_record_release(out);
    return status;
}

static const Kindred__V1__Level levels[] = {
    [KIN_LEVEL_IMAGE] = KINDRED__V1__LEVEL__LEVEL_IMAGE,
    [KIN_LEVEL_SERIES] = KINDRED__V1__LEVEL__LEVEL_SERIES,
    [KIN_LEVEL_STUDY] = KINDRED__V1__LEVEL__LEVEL_STUDY,
    [KIN_LEVEL_PATIENT] = KINDRED__V1__LEVEL__LEVEL_PATIENT,
    [KIN_LEVEL_REGION] = KINDRED__V1__LEVEL__LEVEL_REGION,
};

kin_level kin_remote_level(Kindred__V1__Level level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (levels[i] == level)
            return (kin_level)i;
    return KIN_LEVEL_IMAGE;
}

Kindred__V1__Level kin_remote_level_of(kin_level level)
{
    return levels[level];
}

size_t kin_remote_tunings(Kindred__V1__Tuning *const *tunings, size_t count,
                          kin_tuning out[KIN_TUNINGS_MAX])
{
    size_t taken = count < (size_t)KIN_TUNINGS_MAX ? count : (size_t)KIN_TUNINGS_MAX;
    for (size_t i = 0; i < taken; i++)
        out[i] = (kin_tuning){.target = tunings[i]->target,
                              .recall = tunings[i]->recall,
                              .microseconds = tunings[i]->microseconds,
                              .width = tunings[i]->width,
                              .candidates = tunings[i]->candidates};
    return taken;
}

static void take_metric(const Kindred__V1__Metric *metric, kin_archive_stats *out)
{
    if (metric == NULL)
        return;
    snprintf(out->metric.label, sizeof out->metric.label, "%s", metric->label);
    snprintf(out->metric.where, sizeof out->metric.where, "%s", metric->where);
    out->metric.images = metric->images;
    out->metric.classes = metric->classes;
    out->metric.groups = metric->groups;
    out->metric.map = metric->map;
    out->metric.base_map = metric->base_map;
}

void kin_remote_stats(const Kindred__V1__StatsResponse *response, kin_archive_stats *out)
{
    const Kindred__V1__ModelInfo no_model = KINDRED__V1__MODEL_INFO__INIT,
                                 *model = response->model != NULL ? response->model : &no_model;
    const Kindred__V1__GenerationInfo none = KINDRED__V1__GENERATION_INFO__INIT,
                                      *generation = response->generation != NULL
                                                        ? response->generation
                                                        : &none;
    *out = (kin_archive_stats){.images = response->images,
                               .regions = response->regions,
                               .rows = response->rows,
                               .dead = response->dead,
                               .tail = response->tail,
                               .patients = response->patients,
                               .studies = response->studies,
                               .series = response->series,
                               .instances = response->instances,
                               .model_trained_on = model->trained_on,
                               .dim = model->dim,
                               .descriptor_length = model->descriptor_length,
                               .generation = generation->number,
                               .generation_recall = generation->recall_at_10,
                               .catalog_bytes = response->catalog_bytes,
                               .descriptor_bytes = response->descriptor_bytes,
                               .vector_bytes = response->vector_bytes,
                               .index_bytes = response->index_bytes};
    snprintf(out->model, sizeof out->model, "%s", model->id);
    snprintf(out->model_kind, sizeof out->model_kind, "%s", model->kind);
    snprintf(out->codec, sizeof out->codec, "%s", model->codec);
    snprintf(out->layout, sizeof out->layout, "%s", model->layout);
    take_metric(model->metric, out);
    snprintf(out->index_kind, sizeof out->index_kind, "%s", generation->index_kind);
    snprintf(out->generation_time, sizeof out->generation_time, "%s", generation->time);
    out->tuning_count =
        kin_remote_tunings(generation->tunings, generation->n_tunings, out->tunings);
}
