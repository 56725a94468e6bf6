#include "json_record.h"

#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "base/utf8.h"

json_t *kin_json_text(const char *text)
{
    json_t *value = json_string(text); /* NULL when text is not UTF-8 */
    if (value != NULL)
        return value;
    char *valid = kin_utf8_repair(text);
    value = valid != NULL ? json_string(valid) : NULL;
    free(valid);
    return value;
}

/* Sets object[key] (key may be any text); false without memory. */
static bool set(json_t *object, const char *key, json_t *value)
{
    char *valid = kin_utf8_repair(key);
    bool ok = valid != NULL && json_object_set_new_nocheck(object, valid, value) == 0;
    if (valid == NULL)
        json_decref(value);
    free(valid);
    return ok;
}

json_t *kin_json_labels(const kin_record *record)
{
    json_t *labels = json_object();
    for (size_t i = 0; labels != NULL && i < record->label_count; i++)
        if (!set(labels, record->labels[i].name, kin_json_text(record->labels[i].value))) {
            json_decref(labels);
            return NULL;
        }
    return labels;
}

static json_int_t label_number(const kin_record *record, const char *name)
{
    return (json_int_t)strtoull(kin_label_text(record, name), NULL, 10);
}

static json_t *label_json(const kin_record *record, const char *name)
{
    return kin_json_text(kin_label_text(record, name));
}

json_t *kin_json_region(const kin_record *record)
{
    if (record->region == 0)
        return json_null();
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I}}", "number", (json_int_t)record->region,
        "label", label_json(record, KIN_LABEL_REGION_LABEL), "code",
        label_json(record, KIN_LABEL_REGION_CODE), "source",
        label_json(record, KIN_LABEL_REGION_SOURCE), "box", "x",
        label_number(record, KIN_LABEL_REGION_X), "y", label_number(record, KIN_LABEL_REGION_Y),
        "width", label_number(record, KIN_LABEL_REGION_WIDTH), "height",
        label_number(record, KIN_LABEL_REGION_HEIGHT));
}

static json_t *attribute_value(const kin_attribute *attribute, const kin_record *record)
{
    char scratch[KIN_ATTRIBUTE_SCRATCH];
    const char *text = kin_attribute_text(attribute, record, scratch);
    if (attribute->kind == KIN_ATTRIBUTE_UINT32 || attribute->kind == KIN_ATTRIBUTE_UINT64)
        return json_integer((json_int_t)strtoull(text, NULL, 10));
    return kin_json_text(text);
}

json_t *kin_json_record(const kin_record *record)
{
    size_t count;
    const kin_attribute *attributes = kin_attributes(&count);
    json_t *object = json_object();
    if (object == NULL)
        return NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = set(object, attributes[i].name,
                 strcmp(attributes[i].name, KIN_FIELD_REGION) == 0
                     ? kin_json_region(record)
                     : attribute_value(&attributes[i], record));
    ok = ok && set(object, "labels", kin_json_labels(record));
    if (!ok) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *kin_json_result(size_t rank, double score, const kin_record *record)
{
    return json_pack(
        "{s:I, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "rank", (json_int_t)rank,
        "score", score, "sop_instance_uid", kin_json_text(record->sop_instance_uid),
        "series_instance_uid", kin_json_text(record->series_instance_uid), "study_instance_uid",
        kin_json_text(record->study_instance_uid), "patient_id", kin_json_text(record->patient_id),
        "modality", kin_json_text(record->modality), "path", kin_json_text(record->path), "frame",
        (json_int_t)record->frame, "region", kin_json_region(record), "labels",
        kin_json_labels(record), "outcome", kin_json_text(record->outcome));
}
