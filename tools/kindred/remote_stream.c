#include "remote_stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "decode/source_file.h"

enum { STREAM_BYTES = 256 << 20 /* a stream ends after so many … */ };
#define STREAM_SECONDS 1.0 /* … or when its first file has waited this long */

void kin_sent_free(kin_sent *sent)
{
    if (sent == NULL)
        return;
    free(sent->path);
    free(sent->reason);
    free(sent);
}

static kin_sent *sent_new(const char *path, kin_ingest_event event, const char *reason)
{
    kin_sent *sent = calloc(1, sizeof *sent);
    if (sent == NULL)
        return NULL;
    sent->event = event;
    sent->path = strdup(path);
    sent->reason = strdup(reason);
    if (sent->path == NULL || sent->reason == NULL) {
        kin_sent_free(sent);
        return NULL;
    }
    return sent;
}

/* Hands a file to the calling thread. */
static void tell(kin_sending *sending, kin_sent *sent)
{
    pthread_mutex_lock(&sending->lock);
    sent->next = NULL;
    *sending->last = sent;
    sending->last = &sent->next;
    pthread_cond_signal(&sending->news);
    pthread_mutex_unlock(&sending->lock);
}

/* Ends the whole; the first failure counts. */
static kin_status give_up(kin_sending *sending, kin_status status, const kin_error *err)
{
    pthread_mutex_lock(&sending->lock);
    if (sending->status == KIN_OK) {
        sending->status = status;
        sending->err = *err;
    }
    pthread_mutex_unlock(&sending->lock);
    atomic_store(&sending->stop, true);
    return status;
}

static kin_status give_up_without_memory(kin_sending *sending)
{
    kin_error err = {0};
    return give_up(sending, kin_fail(&err, KIN_E_NOMEM, NULL, "no memory to send files"), &err);
}

/* --- a file's fields --- */

static void fields_free(Kindred__V1__Label **fields, size_t count)
{
    for (size_t i = 0; fields != NULL && i < count; i++) {
        free(fields[i]->name);
        free(fields[i]->value);
        free(fields[i]);
    }
    free(fields);
}

static Kindred__V1__Label *field_new(const char *name, const char *value)
{
    Kindred__V1__Label *field = malloc(sizeof *field);
    if (field == NULL)
        return NULL;
    kindred__v1__label__init(field);
    field->name = kin_utf8_repair(name); /* proto3's text is UTF-8 */
    field->value = kin_utf8_repair(value);
    if (field->name == NULL || field->value == NULL) {
        free(field->name);
        free(field->value);
        free(field);
        return NULL;
    }
    return field;
}

/* What the manifest says of a file; false without memory. */
static bool fields_of(const kin_manifest *manifest, const char *path, Kindred__V1__Label ***out,
                      size_t *count)
{
    *out = NULL;
    *count = 0;
    long row = manifest != NULL ? kin_manifest_find_path(manifest, path) : -1;
    if (row < 0)
        return true;
    size_t columns = kin_manifest_columns(manifest);
    Kindred__V1__Label **fields = calloc(columns, sizeof *fields);
    for (size_t column = 0; fields != NULL && column < columns; column++) {
        const char *name = kin_manifest_column_borrow(manifest, column);
        const char *value = kin_manifest_value_borrow(manifest, (size_t)row, column);
        if (value[0] == '\0' || name[0] == '\0' || strcmp(name, "path") == 0)
            continue;
        fields[*count] = field_new(name, value);
        if (fields[*count] == NULL) {
            fields_free(fields, *count);
            return false;
        }
        ++*count;
    }
    *out = fields;
    return fields != NULL;
}

/* --- streams --- */

static void take_receipt(kin_stream *stream, const Kindred__V1__IngestResponse *receipt)
{
    static const kin_ingest_event events[] = {
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_UNSPECIFIED] = KIN_INGEST_FAILED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_STORED] = KIN_INGEST_STORED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_DUPLICATE] = KIN_INGEST_DUPLICATE,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_UPDATED] = KIN_INGEST_UPDATED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_REPLACED] = KIN_INGEST_REPLACED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_SKIPPED] = KIN_INGEST_SKIPPED,
        [KINDRED__V1__INGEST_OUTCOME__INGEST_OUTCOME_FAILED] = KIN_INGEST_FAILED,
    };
    for (size_t i = 0; i < stream->count; i++) {
        kin_sent *file = stream->files[i];
        bool named = i < receipt->n_files &&
                     (size_t)receipt->files[i]->outcome < sizeof events / sizeof events[0];
        const char *reason =
            named ? receipt->files[i]->reason : "the server's receipt does not tell of it";
        if (file->event != KIN_INGEST_FAILED) { /* else the reading had failed: its reason stands */
            file->event = named ? events[receipt->files[i]->outcome] : KIN_INGEST_FAILED;
            file->images = named ? receipt->files[i]->images : 0;
            char *copy = strdup(reason);
            if (copy != NULL) {
                free(file->reason);
                file->reason = copy;
            }
        }
        tell(stream->sending, file);
    }
    stream->count = 0;
}

void kin_stream_abandon(kin_stream *stream)
{
    kin_client_ingest_close(stream->ingest);
    stream->ingest = NULL;
    for (size_t i = 0; i < stream->count; i++)
        kin_sent_free(stream->files[i]);
    stream->count = 0;
    stream->bytes = 0;
}

kin_status kin_stream_end(kin_stream *stream)
{
    kin_error err = {0};
    Kindred__V1__IngestResponse *receipt;
    if (stream->ingest == NULL)
        return KIN_OK;
    kin_status status = kin_client_ingest_finish(stream->ingest, &receipt, NULL, &err);
    if (status == KIN_OK) {
        take_receipt(stream, receipt);
        kin_client_free(receipt);
    } else {
        kin_remote_fail(stream->sending->remote, status, NULL, &err);
        give_up(stream->sending, status, &err);
    }
    kin_stream_abandon(stream);
    return status;
}

static kin_status begin_stream(kin_stream *stream)
{
    kin_error err = {0};
    kin_status status =
        kin_client_ingest_open(stream->sending->remote->client, NULL, NULL, &stream->ingest, &err);
    stream->since = kin_clock_monotonic();
    return status == KIN_OK ? KIN_OK : give_up(stream->sending, status, &err);
}

static bool stream_is_due(const kin_stream *stream)
{
    return stream->count == KIN_STREAM_FILES || stream->bytes >= STREAM_BYTES ||
           kin_clock_monotonic() - stream->since >= STREAM_SECONDS;
}

/* Sends an open file; one that cannot be read to its end is noted as failed. */
static kin_status send_file(kin_stream *stream, const char *path, int fd)
{
    kin_sending *sending = stream->sending;
    struct stat st;
    kin_error err = {0};
    Kindred__V1__Label **fields;
    size_t field_count;
    kin_sent *sent = sent_new(path, KIN_INGEST_STORED, "");
    if (sent == NULL || !fields_of(sending->options->manifest, path, &fields, &field_count)) {
        kin_sent_free(sent);
        return give_up_without_memory(sending);
    }
    stream->files[stream->count++] = sent;
    stream->bytes += fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    kin_status status = kin_client_ingest_file(stream->ingest, path, fd, fields, field_count, &err);
    fields_free(fields, field_count);
    if (status == KIN_E_IO) {
        sent->event = KIN_INGEST_FAILED;
        char *reason = strdup(err.message);
        if (reason != NULL) {
            free(sent->reason);
            sent->reason = reason;
        }
        return KIN_OK;
    }
    if (status == KIN_E_CANCELLED) /* the call is over: its end says why */
        return kin_stream_end(stream);
    return status == KIN_OK ? KIN_OK : give_up(sending, status, &err);
}

kin_status kin_stream_take(kin_stream *stream, const char *path, kin_status status, kin_error *err)
{
    int fd = -1;
    if (status == KIN_OK)
        status = kin_source_open(path, SIZE_MAX, &fd, err);
    if (status != KIN_OK) {
        kin_sent *sent = sent_new(path, KIN_INGEST_FAILED, err->message);
        if (sent == NULL)
            return give_up_without_memory(stream->sending);
        tell(stream->sending, sent);
        return KIN_OK;
    }
    status = stream->ingest != NULL ? KIN_OK : begin_stream(stream);
    if (status == KIN_OK)
        status = send_file(stream, path, fd);
    close(fd);
    if (status == KIN_OK && stream->ingest != NULL && stream_is_due(stream))
        status = kin_stream_end(stream);
    return status;
}
