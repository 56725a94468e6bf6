#include "catalog/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIELD(member, kind, how)                                                                   \
    {                                                                                              \
        .name = #member, .offset = offsetof(kin_record, member), .type = (kind), .compare = (how)  \
    }

static const kin_field fields[] = {
    FIELD(sop_instance_uid, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(series_instance_uid, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(study_instance_uid, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(patient_id, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(modality, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(body_part, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(study_date, KIN_FIELD_TEXT, KIN_COMPARE_AUTO),
    FIELD(outcome, KIN_FIELD_TEXT, KIN_COMPARE_AUTO),
    FIELD(path, KIN_FIELD_TEXT, KIN_COMPARE_TEXT),
    FIELD(frame, KIN_FIELD_NUMBER, KIN_COMPARE_NUMBER),
    FIELD(region, KIN_FIELD_NUMBER, KIN_COMPARE_NUMBER),
    FIELD(width, KIN_FIELD_NUMBER, KIN_COMPARE_NUMBER),
    FIELD(height, KIN_FIELD_NUMBER, KIN_COMPARE_NUMBER),
    FIELD(file, KIN_FIELD_DIGEST, KIN_COMPARE_TEXT),
};

const kin_field *kin_fields(size_t *count)
{
    *count = sizeof fields / sizeof fields[0];
    return fields;
}

const kin_field *kin_field_find(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}

char **kin_field_string(kin_record *record, const kin_field *field)
{
    return (char **)((char *)record + field->offset);
}

const char *kin_field_text(const kin_record *record, const kin_field *field,
                           char scratch[KIN_RECORD_SCRATCH])
{
    const char *at = (const char *)record + field->offset;
    switch (field->type) {
    case KIN_FIELD_NUMBER:
        snprintf(scratch, KIN_RECORD_SCRATCH, "%" PRIu32, *(const uint32_t *)at);
        return scratch;
    case KIN_FIELD_DIGEST: {
        const kin_digest *digest = (const kin_digest *)at;
        if (digest->low == 0 && digest->high == 0)
            return NULL;
        snprintf(scratch, KIN_RECORD_SCRATCH, "%016" PRIx64 "%016" PRIx64, digest->high,
                 digest->low);
        return scratch;
    }
    case KIN_FIELD_TEXT:
        break;
    }
    const char *text = *(const char *const *)at;
    return text != NULL && text[0] != '\0' ? text : NULL;
}
