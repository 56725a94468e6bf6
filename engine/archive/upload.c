/* upload.c - files from elsewhere: cleaned, prepared as an ingest's, committed in batches. */
#include "archive/upload.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/annotation.h"
#include "archive/batch.h"
#include "archive/kept_files.h"
#include "base/checked.h"
#include "decode/text.h"

enum {
    BATCH_IMAGES = 256,    /* a batch is committed when it has this many images … */
    BATCH_BYTES = 64 << 20 /* … or takes this much memory */
};

static const char not_stored[] = "not stored";

/* One file, until its commit "not stored". */
struct entry {
    char *name;
    kin_ingest_event event;
    uint32_t images;
    char *reason; /* NULL: see reason_of() */
    char *uid;    /* of its last image; NULL without one */
    bool refused; /* part of it could not be stored: what comes of the rest does not matter */
    int fd;       /* of an annotation that waits for the end; else -1 */
};

struct kin_upload {
    kin_archive *archive;
    kin_batch batch;
    struct entry *entries;
    size_t count, capacity;
    uint64_t images;
    kin_kept_files kept; /* the images' */
    kin_status failed;   /* of telling a file's end, by fail_err */
    kin_error fail_err;
};

/* A file being prepared: what the receiver of its arrivals needs. */
struct addition {
    kin_upload *upload;
    size_t entry;
    int fd;
    kin_status status; /* of a commit on the way, or of memory */
    kin_error *err;
};

kin_status kin_upload_new(kin_archive *archive, kin_upload **out, kin_error *err)
{
    kin_upload *upload = calloc(1, sizeof *upload);
    if (upload == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an upload");
    upload->archive = archive;
    *out = upload;
    return KIN_OK;
}

void kin_upload_free(kin_upload *upload)
{
    if (upload == NULL)
        return;
    for (size_t i = 0; i < upload->count; i++) {
        free(upload->entries[i].name);
        free(upload->entries[i].reason);
        free(upload->entries[i].uid);
        if (upload->entries[i].fd >= 0)
            close(upload->entries[i].fd);
    }
    kin_kept_files_release(&upload->kept);
    free(upload->entries);
    kin_batch_drop(&upload->batch);
    free(upload);
}

/* --- what becomes of the files --- */

/* Without memory for the reason the status's own text serves: a failure is never lost. */
static void fail_entry(struct entry *entry, kin_ingest_event event, const char *reason)
{
    free(entry->reason);
    entry->reason = strdup(reason);
    entry->event = event;
    entry->refused = true;
}

/* The end of a file that marks regions. */
static void end_marking(kin_upload *upload, struct entry *entry, kin_marking *marking)
{
    kin_ingest_event event;
    char reason[KIN_ERROR_MESSAGE_MAX];
    kin_status status =
        kin_marking_finish(marking, upload->archive, &event, reason, &upload->fail_err);
    if (status != KIN_OK) {
        upload->failed = status;
        return;
    }
    if (marking->annotation)
        entry->images = (uint32_t)marking->regions;
    entry->event = event;
    free(entry->reason);
    entry->reason = strdup(reason);
}

static void note_put(void *ctx, const kin_arrival *arrival, kin_status status, const char *reason)
{
    kin_upload *upload = ctx;
    struct entry *entry = &upload->entries[arrival->tag];
    const kin_instance *instance = &arrival->instance;
    bool stored = instance->outcome == KIN_PUT_STORED || instance->outcome == KIN_PUT_REPLACED;
    if (status == KIN_OK && stored && !instance->regions)
        upload->images += instance->count;
    if (arrival->marking != NULL) {
        if (instance->count > 0)
            kin_marking_note(arrival->marking, instance->outcome, status, reason);
        if (arrival->last)
            end_marking(upload, entry, arrival->marking);
    } else if (status != KIN_OK) {
        fail_entry(entry, KIN_INGEST_FAILED, reason);
    } else if (arrival->last && !entry->refused) {
        entry->event = kin_ingest_event_of(instance->outcome);
    }
}

static kin_status commit(kin_upload *upload, kin_error *err)
{
    const kin_batch_sink sink = {note_put, upload};
    kin_status status = kin_batch_commit(&upload->batch, upload->archive, &sink, err);
    if (status == KIN_OK && upload->failed != KIN_OK) {
        status = upload->failed;
        if (err != NULL)
            *err = upload->fail_err;
    }
    return status;
}

static kin_status note_uid(struct entry *entry, const char *of, kin_error *err)
{
    char *uid = strdup(of);
    if (uid == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a UID");
    free(entry->uid);
    entry->uid = uid;
    return KIN_OK;
}

static bool is_due(const kin_batch *batch)
{
    return batch->images >= BATCH_IMAGES || batch->bytes >= BATCH_BYTES;
}

/* An annotation waits for the images that may still come; its file with it. */
static kin_status put_off(struct entry *entry, int fd, kin_error *err)
{
    entry->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return entry->fd >= 0 ? KIN_OK : kin_fail_errno(err, entry->name, "cannot keep the file");
}

/* What an arrival tells of its file: the UID, and how many frames; and the file is kept, for what may
 * mark them. */
static kin_status note_images(const struct addition *addition, const kin_arrival *arrival)
{
    struct entry *entry = &addition->upload->entries[addition->entry];
    const kin_instance *instance = &arrival->instance;
    if (arrival->marking != NULL && arrival->marking->annotation)
        return note_uid(entry, arrival->marking->source, addition->err);
    if (instance->count == 0 || instance->regions)
        return KIN_OK;
    entry->images += (uint32_t)instance->count;
    kin_kept_files_add(&addition->upload->kept, instance->items[0].record.file, addition->fd);
    return note_uid(entry, instance->items[instance->count - 1].record.sop_instance_uid,
                    addition->err);
}

/* Skips and failures are noted at once, annotations put off; frames join the batch. */
static bool take(void *ctx, kin_arrival *arrival)
{
    struct addition *addition = ctx;
    kin_upload *upload = addition->upload;
    struct entry *entry = &upload->entries[addition->entry];
    if (addition->status != KIN_OK) /* the commit of an earlier part of a large file failed */
        return false;
    if (arrival->status != KIN_OK) {
        fail_entry(entry,
                   arrival->status == KIN_E_NO_IMAGE ? KIN_INGEST_SKIPPED : KIN_INGEST_FAILED,
                   arrival->reason);
        kin_arrival_free(arrival);
        return true;
    }
    if (arrival->annotation) {
        addition->status = put_off(entry, addition->fd, addition->err);
        kin_arrival_free(arrival);
        return true;
    }
    addition->status = note_images(addition, arrival);
    if (addition->status != KIN_OK)
        return false;
    arrival->tag = addition->entry;
    kin_batch_add(&upload->batch, arrival);
    if (is_due(&upload->batch))
        addition->status = commit(upload, addition->err);
    return true; /* it has been taken, come what may: see kin_upload_add() */
}

/* --- what a client says --- */

/* A clean copy (see kin_text_clean()), from malloc; NULL without memory. */
static char *clean_copy(const char *text, size_t most)
{
    static const size_t growth = 3; /* a broken byte becomes U+FFFD */
    size_t size;
    if (!kin_mul_size(strlen(text), growth, &size) || !kin_add_size(size, 1, &size))
        return NULL;
    if (size > most + 1)
        size = most + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        kin_text_clean(copy, size, text);
    return copy;
}

/* Adds an entry for a file of that name, as yet not stored. */
static kin_status add_entry(kin_upload *upload, const char *name, kin_error *err)
{
    if (upload->count == upload->capacity) {
        size_t capacity = upload->capacity > 0 ? upload->capacity * 2 : 16;
        struct entry *larger = reallocarray(upload->entries, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu files", capacity);
        upload->entries = larger;
        upload->capacity = capacity;
    }
    char *copy = clean_copy(name, KIN_UPLOAD_NAME_MAX);
    if (copy == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file's name");
    upload->entries[upload->count++] =
        (struct entry){.name = copy, .event = KIN_INGEST_FAILED, .fd = -1};
    return KIN_OK;
}

static void labels_free(kin_label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(labels[i].name);
        free(labels[i].value);
    }
    free(labels);
}

/* What a client may say of an image is bounded as a manifest's row is. */
static kin_status check_fields(const char *name, const kin_label *fields, size_t count,
                               kin_error *err)
{
    if (strlen(name) > KIN_UPLOAD_NAME_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "the file's name is longer than %d bytes",
                        KIN_UPLOAD_NAME_MAX);
    if (count > KIN_MANIFEST_COLUMNS_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu fields are more than %d", count,
                        KIN_MANIFEST_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++)
        if (strlen(fields[i].name) > KIN_RECORD_MAX_NAME ||
            strlen(fields[i].value) > KIN_MANIFEST_FIELD_MAX)
            return kin_fail(err, KIN_E_LIMIT, NULL,
                            "field %zu has a name or a value that is too long", i + 1);
    return KIN_OK;
}

/* The fields as clean text; *out is freed with labels_free(). */
static kin_status clean_fields(const kin_label *fields, size_t count, kin_label **out,
                               kin_error *err)
{
    kin_label *labels = calloc(count > 0 ? count : 1, sizeof *labels);
    bool whole = labels != NULL;
    for (size_t i = 0; whole && i < count; i++) {
        labels[i].name = clean_copy(fields[i].name, KIN_RECORD_MAX_NAME);
        labels[i].value = clean_copy(fields[i].value, KIN_MANIFEST_FIELD_MAX);
        whole = labels[i].name != NULL && labels[i].value != NULL;
    }
    if (!whole) {
        if (labels != NULL)
            labels_free(labels, count);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu fields", count);
    }
    *out = labels;
    return KIN_OK;
}

/* --- adding --- */

static kin_status prepare(kin_upload *upload, kin_decoder *decoder, int fd, const kin_label *fields,
                          size_t count, kin_error *err)
{
    size_t at = upload->count - 1;
    struct addition addition = {.upload = upload, .entry = at, .fd = fd, .err = err};
    const kin_receiver receiver = {take, &addition};
    const kin_source source = {.name = upload->entries[at].name,
                               .uploaded = true,
                               .fd = fd,
                               .fields = fields,
                               .field_count = count};
    if (!kin_prepare_file(upload->archive, decoder, &source, KIN_OK, NULL, &receiver) &&
        addition.status == KIN_OK)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an upload");
    return addition.status;
}

kin_status kin_upload_add(kin_upload *upload, kin_decoder *decoder, int fd, const char *name,
                          const kin_label *fields, size_t field_count, kin_error *err)
{
    kin_error why;
    kin_label *clean = NULL;
    kin_status status = add_entry(upload, name, err);
    if (status != KIN_OK)
        return status;
    if (check_fields(name, fields, field_count, &why) != KIN_OK) {
        fail_entry(&upload->entries[upload->count - 1], KIN_INGEST_FAILED, why.message);
        return KIN_OK;
    }
    status = clean_fields(fields, field_count, &clean, err);
    if (status != KIN_OK)
        return status;
    status = prepare(upload, decoder, fd, clean, field_count, err);
    labels_free(clean, field_count);
    return status;
}

kin_status kin_upload_add_failed(kin_upload *upload, const char *name, const char *reason,
                                 kin_error *err)
{
    kin_status status = add_entry(upload, name, err);
    if (status == KIN_OK)
        fail_entry(&upload->entries[upload->count - 1], KIN_INGEST_FAILED, reason);
    return status;
}

/* --- the end --- */

/* An image's file: kept in this upload, or of this machine. */
static kin_status open_image(void *ctx, const kin_record *image, int *fd, kin_error *err)
{
    const kin_upload *upload = ctx;
    return kin_kept_files_open(&upload->kept, image->file, fd)
               ? KIN_OK
               : kin_open_stored(NULL, image, fd, err);
}

static kin_status add_annotation(kin_upload *upload, size_t at, kin_decoder *decoder,
                                 kin_error *err)
{
    struct entry *entry = &upload->entries[at];
    struct addition addition = {.upload = upload, .entry = at, .fd = entry->fd, .err = err};
    const kin_receiver receiver = {take, &addition};
    const kin_source source = {.name = entry->name, .uploaded = true, .fd = entry->fd};
    const kin_annotation annotation = {.archive = upload->archive,
                                       .decoder = decoder,
                                       .source = &source,
                                       .open = open_image,
                                       .open_ctx = upload};
    bool taken = kin_annotation_prepare(&annotation, &receiver);
    close(entry->fd);
    entry->fd = -1;
    if (!taken && addition.status == KIN_OK)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an upload");
    return addition.status;
}

size_t kin_upload_annotations(const kin_upload *upload)
{
    size_t waiting = 0;
    for (size_t i = 0; i < upload->count; i++)
        waiting += upload->entries[i].fd >= 0;
    return waiting;
}

kin_status kin_upload_finish(kin_upload *upload, kin_decoder *decoder, kin_error *err)
{
    kin_status status = commit(upload, err);
    for (size_t i = 0; status == KIN_OK && decoder != NULL && i < upload->count; i++)
        if (upload->entries[i].fd >= 0)
            status = add_annotation(upload, i, decoder, err);
    return status == KIN_OK ? commit(upload, err) : status;
}

/* --- outcomes --- */

size_t kin_upload_count(const kin_upload *upload)
{
    return upload->count;
}

uint64_t kin_upload_images(const kin_upload *upload)
{
    return upload->images;
}

static const char *reason_of(const struct entry *entry)
{
    if (entry->reason != NULL)
        return entry->reason;
    return entry->event == KIN_INGEST_FAILED || entry->event == KIN_INGEST_SKIPPED ? not_stored
                                                                                   : "";
}

kin_uploaded kin_upload_outcome(const kin_upload *upload, size_t at)
{
    const struct entry *entry = &upload->entries[at];
    bool stored = entry->event != KIN_INGEST_FAILED && entry->event != KIN_INGEST_SKIPPED;
    return (kin_uploaded){
        .name = entry->name,
        .event = entry->event,
        .images = stored ? entry->images : 0,
        .reason = reason_of(entry),
        .sop_instance_uid = stored && entry->uid != NULL ? entry->uid : "",
    };
}
