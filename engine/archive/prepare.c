#include "archive/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/describe.h"
#include "archive/file_digest.h"
#include "archive/preview.h"

enum { FIRST_ITEMS = 4 };

/* A file being prepared. */
struct file {
    kin_archive *archive;
    const kin_source *source;
    const kin_receiver *receiver;
    kin_digest digest;
    kin_record base;       /* what all frames share */
    kin_instance instance; /* frames so far */
    size_t capacity;
    bool shut; /* the receiver takes no more */
};

static size_t instance_bytes(const kin_archive *archive, const kin_instance *instance)
{
    size_t floats = kin_archive_features_borrow(archive)->length;
    size_t bytes = instance->count * (floats * sizeof(float) + sizeof *instance->items);
    for (size_t i = 0; i < instance->count; i++)
        bytes += instance->items[i].preview_size;
    return bytes;
}

/* Hands the frames so far (and at the end the outcome) to the receiver. */
static void deliver(struct file *file, bool last, kin_status status, const char *reason)
{
    kin_arrival *arrival = calloc(1, sizeof *arrival);
    char *path = strdup(file->source->name);
    if (arrival == NULL || path == NULL) {
        /* Without memory for a note of it the file cannot be reported singly: stop taking files. */
        free(arrival);
        free(path);
        file->shut = true;
        return;
    }
    arrival->path = path;
    arrival->last = last;
    arrival->status = status;
    snprintf(arrival->reason, sizeof arrival->reason, "%s", reason);
    if (status == KIN_OK) {
        arrival->instance = file->instance;
        arrival->instance.complete = last;
        memset(&file->instance, 0, sizeof file->instance);
        file->capacity = 0;
    }
    arrival->bytes = sizeof *arrival + instance_bytes(file->archive, &arrival->instance);
    if (!file->receiver->take(file->receiver->ctx, arrival)) {
        kin_arrival_free(arrival);
        file->shut = true;
    }
}

/* Lays what the source is known to be over a record. */
static kin_status lay_known(const kin_source *source, kin_record *record, kin_error *err)
{
    record->uploaded = source->uploaded;
    if (source->uploaded)
        return kin_describe_fields(record, source->fields, source->field_count, err);
    long row =
        source->manifest != NULL ? kin_manifest_find_path(source->manifest, source->name) : -1;
    return row >= 0 ? kin_describe_manifest(record, source->manifest, (size_t)row, err) : KIN_OK;
}

static kin_item *add_item(struct file *file, kin_error *err)
{
    if (file->instance.count == file->capacity) {
        size_t capacity = file->capacity > 0 ? file->capacity * 2 : FIRST_ITEMS;
        kin_item *items = reallocarray(file->instance.items, capacity, sizeof *items);
        if (items == NULL) {
            kin_fail(err, KIN_E_NOMEM, file->source->name, "no memory for %zu frames", capacity);
            return NULL;
        }
        file->instance.items = items;
        file->capacity = capacity;
    }
    kin_item *item = &file->instance.items[file->instance.count];
    memset(item, 0, sizeof *item);
    return item;
}

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct file *file = ctx;
    kin_status status =
        kin_describe_header(&file->base, header, file->source->name, file->digest, err);
    return status == KIN_OK ? lay_known(file->source, &file->base, err) : status;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct file *file = ctx;
    if (file->instance.count == KIN_PUT_INSTANCE_MAX)
        deliver(file, false, KIN_OK, "");
    if (file->shut)
        return kin_fail(err, KIN_E_CANCELLED, file->source->name, "the ingest was stopped");
    kin_item *item = add_item(file, err);
    if (item == NULL)
        return KIN_E_NOMEM;
    size_t bytes = frame->length * sizeof *item->descriptor;
    kin_status status = kin_record_copy(&file->base, &item->record, err);
    if (status != KIN_OK)
        return status;
    file->instance.count++; /* from here on the instance's release frees it */
    item->descriptor = malloc(bytes);
    if (item->descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, file->source->name, "no memory for a descriptor");
    memcpy(item->descriptor, frame->descriptor, bytes);
    if (frame->tile != NULL &&
        (status = kin_describe_tile(&item->record, frame->tile, err)) != KIN_OK)
        return status;
    item->record.frame = frame->index;
    item->record.width = frame->width;
    item->record.height = frame->height;
    item->record.content = kin_digest_of(frame->descriptor, bytes);
    return kin_item_set_preview(frame, item, err);
}

/* Takes a stored record over into the instance, under the file's present name and what is known of it
 * now.  *same is cleared when that gives the image another UID. */
static kin_status reuse_record(struct file *file, const kin_record *record, bool *same,
                               kin_error *err)
{
    kin_item *item = add_item(file, err);
    if (item == NULL)
        return KIN_E_NOMEM;
    kin_status status = kin_record_copy(record, &item->record, err);
    if (status != KIN_OK)
        return status;
    file->instance.count++;
    status = kin_record_set(&item->record.path, file->source->name, err);
    if (status == KIN_OK)
        status = lay_known(file->source, &item->record, err);
    if (status == KIN_OK && strcmp(item->record.sop_instance_uid, record->sop_instance_uid) != 0)
        *same = false;
    return status;
}

/* Are these all frames of the instance?  A large one may have been cut off between its chunks. */
static bool is_whole(const kin_record *records, size_t count)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *frames =
        count > 0 ? kin_record_value(&records[0], KIN_LABEL_FRAMES, scratch) : NULL;
    return frames != NULL && strtoul(frames, NULL, 10) == count && count <= KIN_PUT_INSTANCE_MAX;
}

static kin_status reuse_known(struct file *file, bool *known, kin_error *err)
{
    kin_record *records = NULL;
    size_t count = 0;
    *known = false;
    kin_status status = kin_archive_find_file(file->archive, file->digest, &records, &count, err);
    if (status != KIN_OK)
        return status;
    *known = is_whole(records, count);
    for (size_t i = 0; status == KIN_OK && *known && i < count; i++)
        status = reuse_record(file, &records[i], known, err);
    if (status == KIN_OK && !*known) { /* an image that is new needs its picture */
        kin_instance_release(&file->instance);
        file->capacity = 0;
    }
    kin_records_free(records, count);
    return status;
}

static kin_status decode(struct file *file, kin_decoder *decoder, kin_error *err)
{
    const kin_source *source = file->source;
    const kin_decode_sink sink = {.header = on_header, .frame = on_frame, .ctx = file};
    const kin_decode_wish wish = {.preview_side = KIN_DECODE_PREVIEW_MAX};
    return source->uploaded
               ? kin_decoder_run_fd(decoder, source->fd, source->name, &wish, &sink, err)
               : kin_decoder_run(decoder, source->name, &wish, &sink, err);
}

static kin_status prepare(struct file *file, kin_decoder *decoder, kin_error *err)
{
    const kin_source *source = file->source;
    bool known = false;
    kin_status status = source->uploaded
                            ? kin_file_digest_fd(source->fd, source->name, &file->digest, err)
                            : kin_file_digest(source->name, &file->digest, err);
    if (status == KIN_OK)
        status = reuse_known(file, &known, err);
    return status == KIN_OK && !known ? decode(file, decoder, err) : status;
}

bool kin_prepare_file(kin_archive *archive, kin_decoder *decoder, const kin_source *source,
                      kin_status failed, const kin_error *why, const kin_receiver *receiver)
{
    struct file file = {.archive = archive, .source = source, .receiver = receiver};
    kin_error err;
    kin_error_clear(&err);
    kin_status status = failed;
    if (status != KIN_OK)
        err = *why;
    else if ((status = kin_record_init(&file.base, &err)) == KIN_OK)
        status = prepare(&file, decoder, &err);
    if (!file.shut)
        deliver(&file, true, status, err.message);
    kin_instance_release(&file.instance);
    kin_record_release(&file.base);
    return !file.shut;
}
