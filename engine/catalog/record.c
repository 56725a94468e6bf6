#include "catalog/record.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/fields.h"

static kin_status no_memory(kin_error *err)
{
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image's record");
}

kin_status kin_record_init(kin_record *record, kin_error *err)
{
    size_t count;
    const kin_field *fields = kin_fields(&count);
    memset(record, 0, sizeof *record);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].type != KIN_FIELD_TEXT)
            continue;
        char **string = kin_field_string(record, &fields[i]);
        *string = strdup("");
        if (*string == NULL) {
            kin_record_release(record);
            return no_memory(err);
        }
    }
    return KIN_OK;
}

void kin_record_release(kin_record *record)
{
    size_t count;
    const kin_field *fields = kin_fields(&count);
    for (size_t i = 0; i < count; i++)
        if (fields[i].type == KIN_FIELD_TEXT)
            free(*kin_field_string(record, &fields[i]));
    for (size_t i = 0; i < record->label_count; i++) {
        free(record->labels[i].name);
        free(record->labels[i].value);
    }
    free(record->labels);
    memset(record, 0, sizeof *record);
}

kin_status kin_record_set(char **field, const char *value, kin_error *err)
{
    char *copy = strdup(value != NULL ? value : "");
    if (copy == NULL)
        return no_memory(err);
    free(*field);
    *field = copy;
    return KIN_OK;
}

/* Where the label is, or would be put to keep the order; *found says which. */
static size_t label_position(const kin_record *record, const char *name, bool *found)
{
    size_t low = 0, high = record->label_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(record->labels[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static void remove_label(kin_record *record, size_t at)
{
    free(record->labels[at].name);
    free(record->labels[at].value);
    record->label_count--;
    memmove(&record->labels[at], &record->labels[at + 1],
            (record->label_count - at) * sizeof record->labels[0]);
}

static kin_status insert_label(kin_record *record, size_t at, const char *name, const char *value,
                               kin_error *err)
{
    if (record->label_count >= KIN_RECORD_MAX_LABELS)
        return kin_fail(err, KIN_E_LIMIT, NULL, "an image has at most %d labels",
                        KIN_RECORD_MAX_LABELS);
    kin_label *labels =
        realloc(record->labels, (record->label_count + 1) * sizeof record->labels[0]);
    if (labels == NULL)
        return no_memory(err);
    record->labels = labels;
    kin_label label = {.name = strdup(name), .value = strdup(value)};
    if (label.name == NULL || label.value == NULL) {
        free(label.name);
        free(label.value);
        return no_memory(err);
    }
    memmove(&labels[at + 1], &labels[at], (record->label_count - at) * sizeof labels[0]);
    labels[at] = label;
    record->label_count++;
    return KIN_OK;
}

kin_status kin_record_set_label(kin_record *record, const char *name, const char *value,
                                kin_error *err)
{
    size_t length = strlen(name);
    if (length == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "a label needs a name");
    if (length > KIN_RECORD_MAX_NAME)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a label's name has at most %d bytes, not %zu",
                        KIN_RECORD_MAX_NAME, length);
    if (kin_record_is_field(name))
        return kin_fail(err, KIN_E_ARG, NULL, "%s is a field, not a label", name);
    bool found;
    size_t at = label_position(record, name, &found);
    if (value == NULL || value[0] == '\0') {
        if (found)
            remove_label(record, at);
        return KIN_OK;
    }
    if (found)
        return kin_record_set(&record->labels[at].value, value, err);
    return insert_label(record, at, name, value, err);
}

bool kin_record_is_field(const char *name)
{
    return kin_field_find(name) != NULL;
}

bool kin_record_is_region_label(const char *name)
{
    static const char prefix[] = "region_";
    return strncmp(name, prefix, sizeof prefix - 1) == 0 && strcmp(name, KIN_LABEL_OLD_REGION) != 0;
}

const char *kin_record_value(const kin_record *record, const char *name,
                             char scratch[KIN_RECORD_SCRATCH])
{
    const kin_field *field = kin_field_find(name);
    if (field != NULL)
        return kin_field_text(record, field, scratch);
    bool found;
    size_t at = label_position(record, name, &found);
    return found ? record->labels[at].value : NULL;
}

kin_status kin_record_each_value(const kin_record *record,
                                 kin_status (*visit)(void *ctx, const char *name,
                                                     const char *value),
                                 void *ctx)
{
    size_t count;
    const kin_field *fields = kin_fields(&count);
    for (size_t i = 0; i < count; i++) {
        char scratch[KIN_RECORD_SCRATCH];
        const char *value = kin_field_text(record, &fields[i], scratch);
        if (value == NULL)
            continue;
        kin_status status = visit(ctx, fields[i].name, value);
        if (status != KIN_OK)
            return status;
    }
    for (size_t i = 0; i < record->label_count; i++) {
        kin_status status = visit(ctx, record->labels[i].name, record->labels[i].value);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

/* Copies the labels, one after the other so that a failure leaves a record to release. */
static kin_status copy_labels(const kin_record *record, kin_record *out, kin_error *err)
{
    if (record->label_count == 0)
        return KIN_OK;
    out->labels = calloc(record->label_count, sizeof out->labels[0]);
    if (out->labels == NULL)
        return no_memory(err);
    for (size_t i = 0; i < record->label_count; i++) {
        kin_label *label = &out->labels[i];
        label->name = strdup(record->labels[i].name);
        label->value = strdup(record->labels[i].value);
        out->label_count = i + 1;
        if (label->name == NULL || label->value == NULL)
            return no_memory(err);
    }
    return KIN_OK;
}

kin_status kin_record_copy(const kin_record *record, kin_record *out, kin_error *err)
{
    size_t count;
    const kin_field *fields = kin_fields(&count);
    kin_status status = KIN_OK;
    *out = *record;
    out->labels = NULL;
    out->label_count = 0;
    for (size_t i = 0; i < count; i++)
        if (fields[i].type == KIN_FIELD_TEXT)
            *kin_field_string(out, &fields[i]) = NULL;
    for (size_t i = 0; i < count && status == KIN_OK; i++)
        if (fields[i].type == KIN_FIELD_TEXT)
            status = kin_record_set(kin_field_string(out, &fields[i]),
                                    *(const char *const *)((const char *)record + fields[i].offset),
                                    err);
    if (status == KIN_OK)
        status = copy_labels(record, out, err);
    if (status != KIN_OK)
        kin_record_release(out);
    return status;
}
