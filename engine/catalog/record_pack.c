/* A record as the protobuf message kindred.store.v1.Image, and back. */
#include <stdlib.h>
#include <string.h>

#include "catalog/fields.h"
#include "catalog/record.h"
#include "kindred/store/v1/image.pb-c.h"

typedef Kindred__Store__V1__Image image_message;
typedef Kindred__Store__V1__Label label_message;

/*
 * What unpacking may take.  Per label protobuf-c allocates the message, two strings, its place in
 * the array and its share of the lists of scanned members; the strings together are no longer than
 * the message.  Bytes that were given back are not counted again: the bound is on all that passes
 * through.
 */
enum {
    LABEL_COST = 256,
    FIXED_COST = 64 * 1024,
    FIXED_ALLOCATIONS = 128,
    ALLOCATIONS_PER_LABEL = 3
};

struct budget {
    size_t bytes, allocations;
    bool memory_gone; /* malloc failed, rather than the budget */
};

static void *budget_alloc(void *data, size_t size)
{
    struct budget *left = data;
    if (size > left->bytes || left->allocations == 0)
        return NULL;
    left->bytes -= size;
    left->allocations--;
    void *memory = malloc(size);
    if (memory == NULL)
        left->memory_gone = true;
    return memory;
}

static void budget_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

/* A label as kin_record_set_label() would have let it through, behind the one before it. */
static bool label_is_sound(const char *name, const char *value, const char *previous)
{
    return name[0] != '\0' && value[0] != '\0' && strlen(name) <= KIN_RECORD_MAX_NAME &&
           !kin_record_is_field(name) && (previous == NULL || strcmp(previous, name) < 0);
}

/* Points the message's strings and numbers at the record's: nothing is copied. */
static void fill_message(const kin_record *record, image_message *message)
{
    message->sop_instance_uid = record->sop_instance_uid;
    message->series_instance_uid = record->series_instance_uid;
    message->study_instance_uid = record->study_instance_uid;
    message->patient_id = record->patient_id;
    message->modality = record->modality;
    message->body_part = record->body_part;
    message->study_date = record->study_date;
    message->outcome = record->outcome;
    message->path = record->path;
    message->uploaded = record->uploaded;
    message->frame = record->frame;
    message->region = record->region;
    message->width = record->width;
    message->height = record->height;
    message->file_digest_low = record->file.low;
    message->file_digest_high = record->file.high;
    message->content_digest_low = record->content.low;
    message->content_digest_high = record->content.high;
    message->ingested_us = record->ingested_us;
}

kin_status kin_record_pack(const kin_record *record, void **out, size_t *out_size, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t count = record->label_count;
    if (count > KIN_RECORD_MAX_LABELS)
        return kin_fail(err, KIN_E_LIMIT, NULL, "an image has at most %d labels, not %zu",
                        KIN_RECORD_MAX_LABELS, count);
    image_message message = KINDRED__STORE__V1__IMAGE__INIT;
    fill_message(record, &message);
    label_message *labels = malloc((count + 1) * sizeof labels[0]);
    label_message **pointers = malloc((count + 1) * sizeof(void *));
    void *bytes = NULL;
    size_t size = 0;
    if (labels == NULL || pointers == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to pack a record");
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const kin_label *label = &record->labels[i];
        if (!label_is_sound(label->name, label->value, i > 0 ? label[-1].name : NULL)) {
            status = kin_fail(err, KIN_E_ARG, NULL, "a record's labels are not in order");
            goto out;
        }
        kindred__store__v1__label__init(&labels[i]);
        labels[i].name = label->name;
        labels[i].value = label->value;
        pointers[i] = &labels[i];
    }
    message.n_labels = count;
    message.labels = pointers;
    size = kindred__store__v1__image__get_packed_size(&message);
    if (size > KIN_RECORD_MAX_BYTES) {
        status = kin_fail(err, KIN_E_LIMIT, NULL, "a record of %zu bytes is over the limit of %d",
                          size, KIN_RECORD_MAX_BYTES);
        goto out;
    }
    bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to pack a record");
        goto out;
    }
    kindred__store__v1__image__pack(&message, bytes);
    *out = bytes;
    *out_size = size;
out:
    free(labels);
    free(pointers);
    return status;
}

/* Moves a string out of a message, or makes an empty one where it holds protobuf-c's constant. */
static char *take_string(char **from)
{
    if (*from == NULL || *from == (char *)protobuf_c_empty_string)
        return strdup("");
    char *string = *from;
    *from = NULL;
    return string;
}

/* Moves the message's strings into a zeroed record; KIN_E_NOMEM leaves one to release. */
static kin_status take_fields(image_message *message, kin_record *out, kin_error *err)
{
    struct {
        char **to, **from;
    } const strings[] = {
        {&out->sop_instance_uid, &message->sop_instance_uid},
        {&out->series_instance_uid, &message->series_instance_uid},
        {&out->study_instance_uid, &message->study_instance_uid},
        {&out->patient_id, &message->patient_id},
        {&out->modality, &message->modality},
        {&out->body_part, &message->body_part},
        {&out->study_date, &message->study_date},
        {&out->outcome, &message->outcome},
        {&out->path, &message->path},
    };
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        *strings[i].to = take_string(strings[i].from);
        if (*strings[i].to == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image's record");
    }
    out->uploaded = message->uploaded;
    out->frame = message->frame;
    out->region = message->region;
    out->width = message->width;
    out->height = message->height;
    out->file = (kin_digest){.low = message->file_digest_low, .high = message->file_digest_high};
    out->content =
        (kin_digest){.low = message->content_digest_low, .high = message->content_digest_high};
    out->ingested_us = message->ingested_us;
    return KIN_OK;
}

/* Catalogs before schema 3 let a label be called "region", which has become a field. */
static bool is_old_region(const label_message *label, const char *previous)
{
    return strcmp(label->name, KIN_FIELD_REGION) == 0 && label->value[0] != '\0' &&
           (previous == NULL || strcmp(previous, label->name) < 0);
}

/* Its value goes to another label, unless that one has a value of its own. */
static kin_status rename_old_region(kin_record *out, const char *value, kin_error *err)
{
    char scratch[KIN_RECORD_SCRATCH];
    return kin_record_value(out, KIN_LABEL_OLD_REGION, scratch) != NULL
               ? KIN_OK
               : kin_record_set_label(out, KIN_LABEL_OLD_REGION, value, err);
}

static kin_status take_labels(image_message *message, kin_record *out, kin_error *err)
{
    const char *previous = NULL, *old_region = NULL;
    if (message->n_labels > KIN_RECORD_MAX_LABELS)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "record has %zu labels", message->n_labels);
    if (message->n_labels == 0)
        return KIN_OK;
    out->labels = calloc(message->n_labels, sizeof out->labels[0]);
    if (out->labels == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image's labels");
    for (size_t i = 0; i < message->n_labels; i++) {
        label_message *label = message->labels[i];
        if (!label_is_sound(label->name, label->value, previous) && !is_old_region(label, previous))
            return kin_fail(err, KIN_E_CORRUPT, NULL, "record's labels are not in order");
        previous = label->name;
        if (is_old_region(label, NULL)) {
            old_region = label->value;
            continue;
        }
        kin_label *taken = &out->labels[out->label_count++];
        taken->name = take_string(&label->name);
        taken->value = take_string(&label->value);
        if (taken->name == NULL || taken->value == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image's labels");
        previous = taken->name;
    }
    return old_region != NULL ? rename_old_region(out, old_region, err) : KIN_OK;
}

kin_status kin_record_unpack(const void *bytes, size_t size, kin_record *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (size > KIN_RECORD_MAX_BYTES)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "record of %zu bytes is over the limit", size);
    struct budget budget = {
        .bytes = 2 * size + (size_t)LABEL_COST * KIN_RECORD_MAX_LABELS + FIXED_COST,
        .allocations = FIXED_ALLOCATIONS + (size_t)ALLOCATIONS_PER_LABEL * KIN_RECORD_MAX_LABELS,
    };
    ProtobufCAllocator allocator = {
        .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    image_message *message = kindred__store__v1__image__unpack(&allocator, size, bytes);
    if (message == NULL && budget.memory_gone)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to unpack a record");
    if (message == NULL)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "record cannot be unpacked");
    kin_status status = take_fields(message, out, err);
    if (status == KIN_OK)
        status = take_labels(message, out, err);
    kindred__store__v1__image__free_unpacked(message, &allocator);
    if (status != KIN_OK)
        kin_record_release(out);
    return status;
}
