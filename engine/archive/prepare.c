#include "archive/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/describe.h"
#include "archive/file_digest.h"
#include "archive/manifest_regions.h"
#include "archive/preview.h"
#include "archive/regions.h"

enum { FIRST_ITEMS = 4 };

/* Items of an instance that grows. */
struct items {
    kin_instance instance;
    size_t capacity;
};

/* A file being prepared. */
struct file {
    kin_archive *archive;
    const kin_source *source;
    const kin_receiver *receiver;
    kin_digest digest;
    kin_record base;             /* what all frames share */
    struct items frames, marked; /* so far: whole ones, and regions of them */
    kin_marks marks;             /* what the manifest or the fields mark … */
    kin_marking *marking;        /* … or NULL */
    bool regions_only;           /* the image is stored: only what is marked on it is looked for */
    bool annotation;             /* it is one, and marks other files' images */
    bool shut;                   /* the receiver takes no more */
};

static size_t instance_bytes(const kin_instance *instance, size_t floats)
{
    size_t bytes = instance->count * (floats * sizeof(float) + sizeof *instance->items);
    for (size_t i = 0; i < instance->count; i++)
        bytes += instance->items[i].preview_size;
    return bytes;
}

bool kin_part_give(const kin_part *part, const kin_receiver *receiver)
{
    kin_arrival *arrival = calloc(1, sizeof *arrival);
    char *path = strdup(part->name);
    if (arrival == NULL || path == NULL) {
        /* Without memory for a note of it the file cannot be reported singly: stop taking files. */
        free(arrival);
        free(path);
        return false;
    }
    arrival->path = path;
    arrival->last = part->last;
    arrival->status = part->status;
    arrival->annotation = part->annotation;
    arrival->marking = kin_marking_share(part->marking);
    snprintf(arrival->reason, sizeof arrival->reason, "%s", part->reason);
    if (part->status == KIN_OK && part->instance != NULL) {
        arrival->instance = *part->instance;
        memset(part->instance, 0, sizeof *part->instance);
    }
    arrival->bytes = sizeof *arrival + instance_bytes(&arrival->instance, part->floats);
    if (receiver->take(receiver->ctx, arrival))
        return true;
    kin_arrival_free(arrival);
    return false;
}

static void give(struct file *file, struct items *items, bool last, kin_status status,
                 const char *reason)
{
    const kin_part part = {.name = file->source->name,
                           .instance = items != NULL ? &items->instance : NULL,
                           .last = last,
                           .status = status,
                           .reason = reason,
                           .marking = file->marking,
                           .annotation = file->annotation && status == KIN_OK,
                           .floats = kin_archive_features_borrow(file->archive)->length};
    if (items != NULL)
        items->capacity = 0;
    if (!file->shut && !kin_part_give(&part, file->receiver))
        file->shut = true;
}

/* Hands the frames so far to the receiver, and behind them what is marked on them. */
static void deliver(struct file *file, bool last)
{
    bool mark = file->marking != NULL;
    if (mark)
        file->marking->frames += file->frames.instance.count;
    file->frames.instance.complete = last;
    if (file->frames.instance.count > 0 || !mark)
        give(file, &file->frames, last && !mark, KIN_OK, "");
    file->marked.instance.regions = true;
    if (file->marked.instance.count > 0 || (last && mark))
        give(file, &file->marked, last, KIN_OK, "");
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

static kin_item *add_item(struct file *file, struct items *items, kin_error *err)
{
    kin_instance *instance = &items->instance;
    if (instance->count == items->capacity) {
        size_t capacity = items->capacity > 0 ? items->capacity * 2 : FIRST_ITEMS;
        kin_item *larger = reallocarray(instance->items, capacity, sizeof *larger);
        if (larger == NULL) {
            kin_fail(err, KIN_E_NOMEM, file->source->name, "no memory for %zu frames", capacity);
            return NULL;
        }
        instance->items = larger;
        items->capacity = capacity;
    }
    kin_item *item = &instance->items[instance->count];
    memset(item, 0, sizeof *item);
    return item;
}

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct file *file = ctx;
    file->annotation = header->frames == 0;
    kin_status status =
        kin_describe_header(&file->base, header, file->source->name, file->digest, err);
    return status == KIN_OK ? lay_known(file->source, &file->base, err) : status;
}

static kin_status add_frame(struct file *file, const kin_decode_frame *frame, kin_error *err)
{
    kin_item *item = add_item(file, &file->frames, err);
    if (item == NULL)
        return KIN_E_NOMEM;
    size_t bytes = frame->length * sizeof *item->descriptor;
    kin_status status = kin_record_copy(&file->base, &item->record, err);
    if (status != KIN_OK)
        return status;
    file->frames.instance.count++; /* from here on the instance's release frees it */
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

/* The regions that are on a frame. */
static kin_status add_marked(struct file *file, const kin_decode_frame *frame, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < frame->region_count; i++) {
        const kin_decode_marked *marked = &frame->regions[i];
        kin_item *item = add_item(file, &file->marked, err);
        if (item == NULL)
            return KIN_E_NOMEM;
        file->marked.instance.count++;
        file->marking->regions++;
        status = kin_marked_item(file->base.sop_instance_uid, frame->index,
                                 &file->marks.regions[marked->index], marked, frame->length,
                                 file->marking, item, err);
    }
    return status;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct file *file = ctx;
    if (file->frames.instance.count == KIN_PUT_INSTANCE_MAX ||
        file->marked.instance.count + frame->region_count > KIN_PUT_INSTANCE_MAX)
        deliver(file, false);
    if (file->shut)
        return kin_fail(err, KIN_E_CANCELLED, file->source->name, "the ingest was stopped");
    kin_status status = file->regions_only ? KIN_OK : add_frame(file, frame, err);
    return status == KIN_OK ? add_marked(file, frame, err) : status;
}

/* Takes a stored record over into the instance, under the file's present name and what is known of it
 * now.  *same is cleared when that gives the image another UID. */
static kin_status reuse_record(struct file *file, const kin_record *record, bool *same,
                               kin_error *err)
{
    kin_item *item = add_item(file, &file->frames, err);
    if (item == NULL)
        return KIN_E_NOMEM;
    kin_status status = kin_record_copy(record, &item->record, err);
    if (status != KIN_OK)
        return status;
    file->frames.instance.count++;
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
        kin_instance_release(&file->frames.instance);
        file->frames.capacity = 0;
    }
    kin_records_free(records, count);
    return status;
}

static kin_status decode(struct file *file, kin_decoder *decoder, kin_error *err)
{
    const kin_source *source = file->source;
    const kin_decode_sink sink = {.header = on_header, .frame = on_frame, .ctx = file};
    const kin_decode_wish wish = {.preview_side = KIN_DECODE_PREVIEW_MAX,
                                  .annotations = true,
                                  .regions = file->marks.regions,
                                  .region_count = file->marks.count};
    kin_status status =
        source->uploaded ? kin_decoder_run_fd(decoder, source->fd, source->name, &wish, &sink, err)
                         : kin_decoder_run(decoder, source->name, &wish, &sink, err);
    if (status == KIN_OK && file->marks.count > 0 && file->marking->regions == 0)
        snprintf(file->marking->trouble, sizeof file->marking->trouble,
                 "what is said to be marked has no pixel on the image");
    return status;
}

/* Are all marks of a stored image stored, in this version? */
static kin_status find_marked(struct file *file, bool *all, kin_error *err)
{
    kin_record *records = NULL;
    size_t count = 0;
    *all = true;
    if (file->marks.count == 0)
        return KIN_OK;
    kin_status status =
        kin_regions_load(file->archive, file->frames.instance.items[0].record.sop_instance_uid,
                         &records, &count, err);
    for (size_t i = 0; status == KIN_OK && *all && i < file->marks.count; i++)
        *all = kin_marks_is_stored(&file->marks.regions[i], file->marking, records, count);
    kin_records_free(records, count);
    return status;
}

/* A file whose images are stored: what is marked on them may not be. */
static kin_status mark_known(struct file *file, kin_decoder *decoder, kin_error *err)
{
    bool all;
    kin_status status = find_marked(file, &all, err);
    if (status != KIN_OK || all)
        return status;
    file->regions_only = true;
    return decode(file, decoder, err);
}

static kin_status prepare(struct file *file, kin_decoder *decoder, kin_error *err)
{
    const kin_source *source = file->source;
    bool known = false;
    kin_status status = source->uploaded
                            ? kin_file_digest_fd(source->fd, source->name, &file->digest, err)
                            : kin_file_digest(source->name, &file->digest, err);
    if (status == KIN_OK)
        status =
            kin_manifest_regions(source, decoder, file->digest, &file->marks, &file->marking, err);
    if (status == KIN_OK)
        status = reuse_known(file, &known, err);
    if (status != KIN_OK)
        return status;
    return known ? mark_known(file, decoder, err) : decode(file, decoder, err);
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
    if (status != KIN_OK || file.annotation)
        give(&file, NULL, true, status, err.message);
    else
        deliver(&file, true);
    kin_instance_release(&file.frames.instance);
    kin_instance_release(&file.marked.instance);
    kin_marks_release(&file.marks);
    kin_marking_free(file.marking);
    kin_record_release(&file.base);
    return !file.shut;
}
