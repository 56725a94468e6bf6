/* ingest.c - files over one stream, in parts, and the receipt at its end. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "internal.h"

enum { CHUNK_BYTES = 256 * 1024 /* far below any server's bound for a message */ };

struct kin_client_ingest {
    kin_rpc_stream *stream;
    kin_client_stop stop;
    uint8_t *chunk; /* what is read from files */
};

kin_status kin_client_ingest_open(kin_client *client, kin_client_stop stop, void *ctx,
                                  kin_client_ingest **out, kin_error *err)
{
    *out = NULL;
    kin_client_ingest *ingest = calloc(1, sizeof *ingest);
    uint8_t *chunk = malloc(CHUNK_BYTES);
    kin_status status = ingest != NULL && chunk != NULL
                            ? kin_rpc_stream_open(client->channel, KIN_CLIENT_SERVICE "Ingest",
                                                  &kindred__v1__ingest_response__descriptor, 0,
                                                  &ingest->stream, err)
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a stream");
    if (status != KIN_OK) {
        free(chunk);
        free(ingest);
        return status;
    }
    ingest->chunk = chunk;
    if (stop != NULL)
        kin_rpc_stream_set_stop(ingest->stream, stop, ctx);
    *out = ingest;
    return KIN_OK;
}

static kin_status file_begin(kin_client_ingest *ingest, const char *name, uint64_t size,
                             Kindred__V1__Label *const *fields, size_t field_count, kin_error *err)
{
    Kindred__V1__IngestRequest request = KINDRED__V1__INGEST_REQUEST__INIT;
    Kindred__V1__FileStart start = KINDRED__V1__FILE_START__INIT;
    start.name = (char *)name;
    start.size = size;
    start.fields = (Kindred__V1__Label **)fields;
    start.n_fields = field_count;
    request.part_case = KINDRED__V1__INGEST_REQUEST__PART_START;
    request.start = &start;
    return kin_rpc_stream_send(ingest->stream, &request.base, err);
}

kin_status kin_client_ingest_file_begin(kin_client_ingest *ingest, const char *name, uint64_t size,
                                        Kindred__V1__Label *const *fields, size_t field_count,
                                        kin_error *err)
{
    char *repaired = kin_utf8_repair(name);
    if (repaired == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file's name");
    kin_status status = file_begin(ingest, repaired, size, fields, field_count, err);
    free(repaired);
    return status;
}

kin_status kin_client_ingest_file_chunk(kin_client_ingest *ingest, const void *bytes, size_t size,
                                        kin_error *err)
{
    const uint8_t *from = bytes;
    kin_status status = KIN_OK;
    while (status == KIN_OK && size > 0) {
        Kindred__V1__IngestRequest request = KINDRED__V1__INGEST_REQUEST__INIT;
        size_t part = size < CHUNK_BYTES ? size : CHUNK_BYTES;
        request.part_case = KINDRED__V1__INGEST_REQUEST__PART_CHUNK;
        request.chunk.data = (uint8_t *)from;
        request.chunk.len = part;
        status = kin_rpc_stream_send(ingest->stream, &request.base, err);
        from += part;
        size -= part;
    }
    return status;
}

/* Sends what fd holds; a read's failure is KIN_E_IO. */
static kin_status send_all(kin_client_ingest *ingest, const char *name, int fd, kin_error *err)
{
    for (;;) {
        ssize_t got = read(fd, ingest->chunk, CHUNK_BYTES);
        if (got == 0)
            return KIN_OK;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return kin_fail_errno(err, name, "cannot read");
        kin_status status = kin_client_ingest_file_chunk(ingest, ingest->chunk, (size_t)got, err);
        if (status != KIN_OK)
            return status;
    }
}

kin_status kin_client_ingest_file(kin_client_ingest *ingest, const char *name, int fd,
                                  Kindred__V1__Label *const *fields, size_t field_count,
                                  kin_error *err)
{
    struct stat st;
    uint64_t size = 0;
    if (fstat(fd, &st) != 0)
        return kin_fail_errno(err, name, "cannot read");
    if (S_ISDIR(st.st_mode))
        return kin_fail(err, KIN_E_ARG, name, "a folder, not a file");
    off_t at = S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    if (at >= 0 && at < st.st_size)
        size = (uint64_t)(st.st_size - at);
    kin_status status = kin_client_ingest_file_begin(ingest, name, size, fields, field_count, err);
    if (status == KIN_OK)
        status = send_all(ingest, name, fd, err);
    if (status != KIN_OK && status != KIN_E_CANCELLED && size == 0)
        kin_rpc_stream_cancel(ingest->stream);
    return status;
}

kin_status kin_client_ingest_finish(kin_client_ingest *ingest,
                                    Kindred__V1__IngestResponse **receipt, int *code,
                                    kin_error *err)
{
    ProtobufCMessage *message;
    kin_rpc_code rpc_code;
    kin_rpc_stream_half_close(ingest->stream, NULL); /* a call that is over says why below */
    kin_status status = kin_rpc_stream_receive(ingest->stream, &message, &rpc_code, err);
    if (status == KIN_OK && message == NULL) {
        rpc_code = KIN_RPC_INTERNAL;
        status = kin_fail(err, KIN_E_INTERNAL, NULL, "the server sent no receipt");
    }
    if (status == KIN_OK)
        status = kin_response_end(ingest->stream, &message, &rpc_code, err);
    kin_response_give(message, receipt, rpc_code, code);
    return status;
}

void kin_client_ingest_close(kin_client_ingest *ingest)
{
    if (ingest == NULL)
        return;
    kin_rpc_stream_free(ingest->stream);
    free(ingest->chunk);
    free(ingest);
}
