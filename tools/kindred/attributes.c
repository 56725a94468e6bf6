#include "attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ATTRIBUTE(name, kind, member)                                                              \
    {                                                                                              \
        name, kind, offsetof(kin_record, member)                                                   \
    }

static const kin_attribute attributes[] = {
    ATTRIBUTE("id", KIN_ATTRIBUTE_UINT64, id),
    ATTRIBUTE("sop_instance_uid", KIN_ATTRIBUTE_TEXT, sop_instance_uid),
    ATTRIBUTE("series_instance_uid", KIN_ATTRIBUTE_TEXT, series_instance_uid),
    ATTRIBUTE("study_instance_uid", KIN_ATTRIBUTE_TEXT, study_instance_uid),
    ATTRIBUTE("patient_id", KIN_ATTRIBUTE_TEXT, patient_id),
    ATTRIBUTE("modality", KIN_ATTRIBUTE_TEXT, modality),
    ATTRIBUTE("body_part", KIN_ATTRIBUTE_TEXT, body_part),
    ATTRIBUTE("study_date", KIN_ATTRIBUTE_TEXT, study_date),
    ATTRIBUTE("outcome", KIN_ATTRIBUTE_TEXT, outcome),
    ATTRIBUTE("path", KIN_ATTRIBUTE_TEXT, path),
    ATTRIBUTE("frame", KIN_ATTRIBUTE_UINT32, frame),
    ATTRIBUTE("region", KIN_ATTRIBUTE_UINT32, region),
    ATTRIBUTE("width", KIN_ATTRIBUTE_UINT32, width),
    ATTRIBUTE("height", KIN_ATTRIBUTE_UINT32, height),
    ATTRIBUTE("file_digest", KIN_ATTRIBUTE_DIGEST, file),
    ATTRIBUTE("content_digest", KIN_ATTRIBUTE_DIGEST, content),
    ATTRIBUTE("ingested", KIN_ATTRIBUTE_TIME, ingested_us),
};

const kin_attribute *kin_attributes(size_t *count)
{
    *count = sizeof attributes / sizeof attributes[0];
    return attributes;
}

bool kin_attribute_exists(const char *name)
{
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
        if (strcmp(attributes[i].name, name) == 0)
            return true;
    return false;
}

static void format_time(int64_t microseconds, char scratch[KIN_ATTRIBUTE_SCRATCH])
{
    time_t seconds = (time_t)(microseconds / 1000000);
    struct tm parts;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(scratch, KIN_ATTRIBUTE_SCRATCH, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        scratch[0] = '\0';
}

const char *kin_attribute_text(const kin_attribute *attribute, const kin_record *record,
                               char scratch[KIN_ATTRIBUTE_SCRATCH])
{
    const void *at = (const char *)record + attribute->offset;
    switch (attribute->kind) {
    case KIN_ATTRIBUTE_TEXT:
        return *(char *const *)at;
    case KIN_ATTRIBUTE_UINT32:
        snprintf(scratch, KIN_ATTRIBUTE_SCRATCH, "%" PRIu32, *(const uint32_t *)at);
        break;
    case KIN_ATTRIBUTE_UINT64:
        snprintf(scratch, KIN_ATTRIBUTE_SCRATCH, "%" PRIu64, *(const uint64_t *)at);
        break;
    case KIN_ATTRIBUTE_TIME:
        format_time(*(const int64_t *)at, scratch);
        break;
    case KIN_ATTRIBUTE_DIGEST: {
        const kin_digest *digest = at;
        snprintf(scratch, KIN_ATTRIBUTE_SCRATCH, "%016" PRIx64 "%016" PRIx64, digest->high,
                 digest->low);
        break;
    }
    }
    return scratch;
}

const char *kin_label_text(const kin_record *record, const char *name)
{
    for (size_t i = 0; i < record->label_count; i++)
        if (strcmp(record->labels[i].name, name) == 0)
            return record->labels[i].value;
    return "";
}
