#include "decode/decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "decode/answers.h"
#include "decode/process.h"
#include "decode/protocol.h"
#include "decode/region_wire.h"
#include "decode/source_file.h"
#include "decode/wish.h"

static const double start_patience = 30.0; /* seconds that a worker has to get ready */
static const double send_patience = 10.0;  /* until it has read a request, which may be large */
static const double ask_seconds = 0.05;    /* between two questions whether to go on */

struct kin_decoder {
    char *program;
    char *spec, *signature; /* NULL: see kin_decode_features */
    size_t length;
    kin_decode_limits limits;
    kin_process process;
    kin_channel channel;
    kin_header_builder *builder;
    uint64_t serial;
    unsigned starts;
    bool lost_one; /* the worker before did not leave in peace: the next start counts */
    bool (*stop)(void *ctx);
    void *stop_ctx;
};

/* Copies of the features' texts. */
static kin_status keep_features(kin_decoder *decoder, const kin_decode_features *features,
                                kin_error *err)
{
    decoder->length = features->length;
    if (features->spec != NULL)
        decoder->spec = strdup(features->spec);
    if (features->signature != NULL)
        decoder->signature = strdup(features->signature);
    if ((features->spec != NULL && decoder->spec == NULL) ||
        (features->signature != NULL && decoder->signature == NULL))
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a decoder");
    return KIN_OK;
}

kin_status kin_decoder_new(const char *worker, const kin_decode_features *features,
                           const kin_decode_limits *limits, kin_decoder **out, kin_error *err)
{
    if (features->length == 0 || features->length > KIN_DECODER_LENGTH_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "descriptors of %zu floats cannot be",
                        features->length);
    kin_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a decoder");
    decoder->process = (kin_process){.socket = -1, .lifeline = -1};
    kin_channel_init(&decoder->channel, -1);
    decoder->channel.patience = send_patience;
    decoder->limits = kin_decode_limits_effective(limits);
    decoder->lost_one = true; /* so that the first start counts */
    kin_status status = keep_features(decoder, features, err);
    if (status == KIN_OK)
        status = kin_process_find(worker, &decoder->program, err);
    if (status == KIN_OK) {
        decoder->builder = kin_header_builder_new();
        if (decoder->builder == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a decoder");
    }
    if (status != KIN_OK) {
        kin_decoder_free(decoder);
        return status;
    }
    *out = decoder;
    return KIN_OK;
}

void kin_decoder_free(kin_decoder *decoder)
{
    if (decoder == NULL)
        return;
    kin_process_end(&decoder->process);
    kin_channel_release(&decoder->channel);
    kin_header_builder_free(decoder->builder);
    free(decoder->program);
    free(decoder->spec);
    free(decoder->signature);
    free(decoder);
}

unsigned kin_decoder_starts(const kin_decoder *decoder)
{
    return decoder->starts;
}

void kin_decoder_set_stop(kin_decoder *decoder, bool (*stop)(void *ctx), void *ctx)
{
    decoder->stop = stop;
    decoder->stop_ctx = ctx;
}

/* Waits for the worker's next word, as long as it may be silent; false when whoever asked for the
 * decoding does not want it any more. */
static bool await_word(const kin_decoder *decoder)
{
    double now = kin_clock_monotonic(), end = now + decoder->limits.seconds;
    if (decoder->stop == NULL)
        return true;
    for (; now < end; now = kin_clock_monotonic()) {
        if (kin_channel_has_word(&decoder->channel, fmin(now + ask_seconds, end)))
            return true;
        if (decoder->stop(decoder->stop_ctx))
            return false;
    }
    return true; /* the receiving says what is wrong */
}

/* Receives one answer within seconds from now. */
static kin_status receive(kin_decoder *decoder, double seconds,
                          const Kindred__Worker__V1__Answer **out, kin_error *err)
{
    ProtobufCMessage *message = NULL;
    kin_status status =
        kin_channel_receive(&decoder->channel, &kindred__worker__v1__answer__descriptor,
                            kin_clock_monotonic() + seconds, &message, NULL, err);
    if (status == KIN_E_FORMAT)
        status = kin_fail(err, KIN_E_INTERNAL, NULL,
                          "the decoder's worker answered nonsense: not a message");
    else if (status == KIN_E_TIMEOUT)
        kin_fail(err, KIN_E_TIMEOUT, NULL, "the decoder's worker said nothing for %g s", seconds);
    *out = (const Kindred__Worker__V1__Answer *)message;
    return status;
}

/* Ends a worker that can no longer be trusted; where it died by itself err says of what. */
static kin_status give_up(kin_decoder *decoder, kin_status status, kin_error *err)
{
    decoder->lost_one = true;
    int wait_status = kin_process_kill(&decoder->process);
    return status == KIN_E_CRASHED ? kin_process_obituary(wait_status, err) : status;
}

/* Starts a worker where none runs, or the one that ran has died since. */
static kin_status ensure_worker(kin_decoder *decoder, kin_error *err)
{
    if (decoder->process.pid != 0 && kin_process_is_lost(&decoder->process)) {
        decoder->lost_one = true;
        kin_process_kill(&decoder->process);
    }
    if (decoder->process.pid != 0)
        return KIN_OK;
    kin_status status = kin_process_start(&decoder->process, decoder->program, &decoder->limits,
                                          decoder->spec, err);
    if (status == KIN_E_NOT_FOUND) { /* its program: not the file that is to be decoded */
        status = KIN_E_INTERNAL;
        if (err != NULL)
            err->code = status;
    }
    if (status != KIN_OK)
        return status;
    if (decoder->lost_one)
        decoder->starts++;
    decoder->lost_one = false;
    decoder->channel.fd = decoder->process.socket;
    const Kindred__Worker__V1__Answer *answer = NULL;
    status = receive(decoder, start_patience, &answer, err);
    const kin_decode_features features = {decoder->spec, decoder->signature, decoder->length};
    if (status == KIN_OK)
        status = kin_answers_hello(answer, &features, err);
    return status == KIN_OK ? KIN_OK : give_up(decoder, status, err);
}

kin_status kin_decoder_start(kin_decoder *decoder, kin_error *err)
{
    kin_error_clear(err);
    return ensure_worker(decoder, err);
}

/* The last bytes of the name, without any part of a folder's. */
static ProtobufCBinaryData ending_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    size_t length = strlen(base);
    size_t kept = length < KIN_PROTOCOL_ENDING_MAX ? length : KIN_PROTOCOL_ENDING_MAX;
    return (ProtobufCBinaryData){.data = (uint8_t *)base + (length - kept), .len = kept};
}

/* Messages of the wish's regions, which a request points to. */
typedef struct kin_asked_regions {
    kin_wire_region **wires;
    Kindred__Worker__V1__Lesion **messages;
    size_t count;
} kin_asked_regions;

static void release_asked(kin_asked_regions *asked)
{
    for (size_t i = 0; i < asked->count; i++)
        kin_wire_region_free(asked->wires[i]);
    free(asked->wires);
    free(asked->messages);
}

static kin_status make_asked(const kin_decode_wish *wish, kin_asked_regions *out, kin_error *err)
{
    *out = (kin_asked_regions){0};
    if (wish->region_count == 0)
        return KIN_OK;
    out->wires = calloc(wish->region_count, sizeof(kin_wire_region *));
    out->messages = calloc(wish->region_count, sizeof(Kindred__Worker__V1__Lesion *));
    if (out->wires == NULL || out->messages == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for regions");
    kin_status status = KIN_OK;
    while (status == KIN_OK && out->count < wish->region_count) {
        kin_wire_region **wire = &out->wires[out->count];
        status = kin_wire_region_new(&wish->regions[out->count], false, wire, err);
        if (status == KIN_OK)
            out->messages[out->count++] = kin_wire_region_borrow(*wire);
    }
    return status;
}

static kin_status ask(kin_decoder *decoder, int fd, const char *name, const kin_decode_wish *wish,
                      kin_error *err)
{
    Kindred__Worker__V1__Request request = KINDRED__WORKER__V1__REQUEST__INIT;
    Kindred__Worker__V1__Region region = KINDRED__WORKER__V1__REGION__INIT;
    kin_asked_regions asked;
    request.serial = ++decoder->serial;
    request.ending = ending_of(name);
    request.preview_side = wish->preview_side;
    request.one_frame = wish->one_frame;
    request.frame = wish->frame;
    request.occlude = wish->occlude;
    request.annotations = wish->annotations;
    request.as_mask = wish->as_mask;
    request.marked_only = wish->marked_only;
    if (wish->region != NULL) {
        region.x = wish->region->x;
        region.y = wish->region->y;
        region.width = wish->region->width;
        region.height = wish->region->height;
        request.region = &region;
    }
    kin_status status = make_asked(wish, &asked, err);
    request.n_regions = asked.count;
    request.regions = asked.messages;
    if (status == KIN_OK)
        status = kin_channel_send(&decoder->channel, &request.base, fd, false, err);
    release_asked(&asked);
    return status;
}

/* Has the file that fd is open on decoded. */
static kin_status run(kin_decoder *decoder, int fd, const char *name, const kin_decode_wish *wish,
                      const kin_decode_sink *sink, kin_error *err)
{
    kin_status status = ensure_worker(decoder, err);
    if (status != KIN_OK)
        return status;
    kin_decode_wish effective = kin_wish_effective(wish);
    status = ask(decoder, fd, name, &effective, err);
    if (status == KIN_E_LIMIT || status == KIN_E_NOMEM)
        return status; /* nothing was sent: the worker is as good as before */
    kin_answers answers = {.serial = decoder->serial,
                           .length = decoder->length,
                           .wish = effective,
                           .max_frames = decoder->limits.max_frames,
                           .mask_pixels = kin_region_pixels_max(decoder->limits.max_frame_bytes),
                           .builder = decoder->builder,
                           .sink = sink};
    bool stopped = false;
    while (status == KIN_OK && !answers.done) {
        const Kindred__Worker__V1__Answer *answer = NULL;
        stopped = !await_word(decoder);
        status = stopped ? kin_fail(err, KIN_E_CANCELLED, NULL, "the decoding was stopped")
                         : receive(decoder, decoder->limits.seconds, &answer, err);
        if (status == KIN_OK)
            status = kin_answers_take(&answers, answer, err);
    }
    kin_answers_release(&answers);
    if (answers.sink_failed || stopped)
        kin_process_kill(&decoder->process); /* not the worker's fault: see kin_decoder_starts() */
    else if (!answers.done)
        status = give_up(decoder, status, err);
    else if (answers.retires)
        kin_process_end(&decoder->process);
    return status;
}

/* Has a source decoded, if it could be had, and closed. */
static kin_status run_source(kin_decoder *decoder, kin_status status, int source, const char *name,
                             const kin_decode_wish *wish, const kin_decode_sink *sink,
                             kin_error *err)
{
    if (status == KIN_OK) {
        status = run(decoder, source, name != NULL ? name : "", wish, sink, err);
        close(source);
    }
    if (status != KIN_OK)
        kin_error_name(err, name);
    return status;
}

kin_status kin_decoder_run(kin_decoder *decoder, const char *path, const kin_decode_wish *wish,
                           const kin_decode_sink *sink, kin_error *err)
{
    kin_error_clear(err);
    int source = -1;
    kin_status status = kin_wish_check(wish, err);
    if (status == KIN_OK)
        status = kin_source_open(path, decoder->limits.max_file_bytes, &source, err);
    return run_source(decoder, status, source, path, wish, sink, err);
}

kin_status kin_decoder_run_fd(kin_decoder *decoder, int fd, const char *name,
                              const kin_decode_wish *wish, const kin_decode_sink *sink,
                              kin_error *err)
{
    kin_error_clear(err);
    int source = -1;
    kin_status status = kin_wish_check(wish, err);
    if (status == KIN_OK)
        status = kin_source_from_fd(fd, decoder->limits.max_file_bytes, &source, err);
    return run_source(decoder, status, source, name, wish, sink, err);
}

kin_status kin_decoder_run_bytes(kin_decoder *decoder, const void *bytes, size_t size,
                                 const char *name, const kin_decode_wish *wish,
                                 const kin_decode_sink *sink, kin_error *err)
{
    kin_error_clear(err);
    int source = -1;
    kin_status status = kin_wish_check(wish, err);
    if (status == KIN_OK)
        status = kin_source_from_bytes(bytes, size, decoder->limits.max_file_bytes, &source, err);
    return run_source(decoder, status, source, name, wish, sink, err);
}
