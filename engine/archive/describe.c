#include "archive/describe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "archive/manifest_regions.h"
#include "base/uid.h"

static kin_status set_uid(char **field, const char *uid, kin_digest file, const char *role,
                          kin_error *err)
{
    char derived[KIN_UID_SIZE];
    if (uid[0] != '\0')
        return kin_record_set(field, uid, err);
    kin_uid_from_digest(file, role, derived);
    return kin_record_set(field, derived, err);
}

kin_status kin_describe_header(kin_record *record, const kin_decode_header *header,
                               const char *path, kin_digest file, kin_error *err)
{
    char frames[16];
    record->file = file;
    kin_status status = kin_record_set(&record->path, path, err);
    if (status == KIN_OK)
        status =
            set_uid(&record->sop_instance_uid, header->sop_instance_uid, file, "instance", err);
    if (status == KIN_OK)
        status =
            set_uid(&record->series_instance_uid, header->series_instance_uid, file, "series", err);
    if (status == KIN_OK)
        status =
            set_uid(&record->study_instance_uid, header->study_instance_uid, file, "study", err);
    if (status == KIN_OK)
        status = kin_record_set(&record->patient_id, header->patient_id, err);
    if (status == KIN_OK)
        status = kin_record_set(&record->modality, header->modality, err);
    if (status == KIN_OK)
        status = kin_record_set(&record->body_part, header->body_part, err);
    if (status == KIN_OK)
        status = kin_record_set(&record->study_date, header->study_date, err);
    for (size_t i = 0; status == KIN_OK && i < header->attribute_count; i++)
        status = kin_record_set_label(record, header->attributes[i].name,
                                      header->attributes[i].value, err);
    snprintf(frames, sizeof frames, "%d", header->frames);
    if (status == KIN_OK)
        status = kin_record_set_label(record, KIN_LABEL_FRAMES, frames, err);
    if (status == KIN_OK)
        status = kin_record_set_label(record, KIN_LABEL_FORMAT, header->format, err);
    return status;
}

kin_status kin_describe_tile(kin_record *record, const kin_decode_tile *tile, kin_error *err)
{
    char numbers[4][24];
    const char *const names[] = {KIN_LABEL_TILE_X, KIN_LABEL_TILE_Y, KIN_LABEL_TILE_LEVEL,
                                 KIN_LABEL_TILE_MPP};
    kin_status status = KIN_OK;
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)tile->x);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)tile->y);
    snprintf(numbers[2], sizeof numbers[2], "%u", (unsigned)tile->level);
    snprintf(numbers[3], sizeof numbers[3], "%.4g", tile->mpp);
    for (size_t i = 0; status == KIN_OK && i < sizeof names / sizeof names[0]; i++)
        status = kin_record_set_label(record, names[i], numbers[i], err);
    return status;
}

/* Columns that fill a field of the record rather than a label. */
static const struct {
    const char *column;
    size_t offset; /* of the char * in kin_record */
    bool identity; /* a UID: the file's own, where it has one, stays */
} field_columns[] = {
    {"patient_id", offsetof(kin_record, patient_id), false},
    {"modality", offsetof(kin_record, modality), false},
    {"body_part", offsetof(kin_record, body_part), false},
    {"study_date", offsetof(kin_record, study_date), false},
    {"outcome", offsetof(kin_record, outcome), false},
    {"study_uid", offsetof(kin_record, study_instance_uid), true},
    {"study_instance_uid", offsetof(kin_record, study_instance_uid), true},
    {"series_uid", offsetof(kin_record, series_instance_uid), true},
    {"series_instance_uid", offsetof(kin_record, series_instance_uid), true},
    {"sop_instance_uid", offsetof(kin_record, sop_instance_uid), true},
};

static bool is_dicom(const kin_record *record)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *format = kin_record_value(record, KIN_LABEL_FORMAT, scratch);
    return format != NULL && strcmp(format, "dicom") == 0;
}

/* What else is a field (frame, width, …), and what the decoder alone can know, is not the manifest's
 * to say. */
static bool is_fact(const char *column)
{
    static const char *const facts[] = {KIN_LABEL_FRAMES, KIN_LABEL_FORMAT,     KIN_LABEL_TILE_X,
                                        KIN_LABEL_TILE_Y, KIN_LABEL_TILE_LEVEL, KIN_LABEL_TILE_MPP};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (strcmp(column, facts[i]) == 0)
            return true;
    return kin_record_is_field(column) || kin_manifest_marks(column);
}

static kin_status lay_value(kin_record *record, const char *column, const char *value,
                            kin_error *err)
{
    if (value[0] == '\0' || column[0] == '\0' || strcmp(column, "path") == 0)
        return KIN_OK;
    if (strcmp(column, KIN_FIELD_REGION) == 0) /* a part of the body, say; no region of ours */
        column = KIN_LABEL_OLD_REGION;
    for (size_t i = 0; i < sizeof field_columns / sizeof field_columns[0]; i++) {
        if (strcmp(field_columns[i].column, column) != 0)
            continue;
        if (field_columns[i].identity && (is_dicom(record) || !kin_uid_valid(value)))
            return KIN_OK;
        return kin_record_set((char **)((char *)record + field_columns[i].offset), value, err);
    }
    return is_fact(column) ? KIN_OK : kin_record_set_label(record, column, value, err);
}

kin_status kin_describe_manifest(kin_record *record, const kin_manifest *manifest, size_t row,
                                 kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t column = 0; status == KIN_OK && column < kin_manifest_columns(manifest); column++)
        status = lay_value(record, kin_manifest_column_borrow(manifest, column),
                           kin_manifest_value_borrow(manifest, row, column), err);
    return status;
}

kin_status kin_describe_fields(kin_record *record, const kin_label *fields, size_t count,
                               kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = lay_value(record, fields[i].name, fields[i].value, err);
    return status;
}
