#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "decode/decode.h"
#include "decode/protocol.h"
#include "decode/region_wire.h"
#include "decode/sandbox.h"
#include "dicom/dicom.h"
#include "features/features.h"
#include "kindred/worker/v1/worker.pb-c.h"
#include "slide/slide.h"

typedef Kindred__Worker__V1__Answer kin_answer;

/* Pictures of one archive are alike: memory that one needed serves the next, without going back to
 * the system between them (which costs a fault a page). */
enum { MMAP_FROM = 8 * 1024 * 1024, TRIM_FROM = 64 * 1024 * 1024 };

/* A worker and the request that it is at. */
typedef struct kin_worker {
    kin_channel channel;
    kin_extractor *extractor; /* NULL until it is made */
    bool no_features;         /* it cannot be made */
    kin_decode_limits limits;
    uint64_t serial;
    unsigned files;
    double last_word; /* when it said last that it is at work */
    int words;        /* and how often, of this request */
    bool gone;        /* the program that asks has hung up */
    uint64_t skipped; /* of the request's annotation: shapes that are no regions */
} kin_worker;

/* What a request asks for, in memory of its own.  Not to be copied: it may point into itself. */
typedef struct kin_order {
    char ending[KIN_PROTOCOL_ENDING_MAX + 1];
    kin_decode_region region; /* where wish has one */
    kin_region *regions;      /* owned; the wish's */
    kin_decode_wish wish;
} kin_order;

static kin_status answer(kin_worker *worker, kin_answer *message, kin_error *err)
{
    message->serial = worker->serial;
    kin_status status = kin_channel_send(&worker->channel, &message->base, -1, true, err);
    /* An answer over the bound leaves the conversation in order; without a listener it is over. */
    worker->gone = worker->gone || (status != KIN_OK && status != KIN_E_LIMIT);
    return status;
}

static kin_status send_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    Kindred__Worker__V1__Attribute attributes[KIN_DECODE_ATTRIBUTES_MAX];
    Kindred__Worker__V1__Attribute *pointers[KIN_DECODE_ATTRIBUTES_MAX];
    for (size_t i = 0; i < header->attribute_count; i++) {
        kindred__worker__v1__attribute__init(&attributes[i]);
        attributes[i].name = (char *)header->attributes[i].name;
        attributes[i].value = (char *)header->attributes[i].value;
        pointers[i] = &attributes[i];
    }
    Kindred__Worker__V1__Header body = KINDRED__WORKER__V1__HEADER__INIT;
    body.format = (char *)header->format;
    body.sop_instance_uid = (char *)header->sop_instance_uid;
    body.series_instance_uid = (char *)header->series_instance_uid;
    body.study_instance_uid = (char *)header->study_instance_uid;
    body.patient_id = (char *)header->patient_id;
    body.modality = (char *)header->modality;
    body.body_part = (char *)header->body_part;
    body.study_date = (char *)header->study_date;
    body.frames = (uint32_t)header->frames;
    body.n_attributes = header->attribute_count;
    body.attributes = pointers;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HEADER;
    message.header = &body;
    return answer(ctx, &message, err);
}

static kin_status send_marked(kin_worker *worker, const kin_decode_marked *marked, size_t length,
                              kin_error *err)
{
    Kindred__Worker__V1__Marked body = KINDRED__WORKER__V1__MARKED__INIT;
    body.index = (uint32_t)marked->index;
    body.x = marked->x;
    body.y = marked->y;
    body.width = marked->width;
    body.height = marked->height;
    body.area = marked->area;
    body.n_descriptor = length;
    body.descriptor = (float *)marked->descriptor;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_MARKED;
    message.marked = &body;
    return answer(worker, &message, err);
}

static kin_status send_region(void *ctx, kin_region *region, kin_error *err)
{
    kin_wire_region *wire;
    kin_status status = kin_wire_region_new(region, true, &wire, err);
    if (status != KIN_OK)
        return status;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_LESION;
    message.lesion = kin_wire_region_borrow(wire);
    status = answer(ctx, &message, err);
    kin_wire_region_free(wire);
    return status;
}

static void note_skipped(void *ctx, uint64_t shapes)
{
    kin_worker *worker = ctx;
    worker->skipped = shapes;
}

static kin_status send_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    Kindred__Worker__V1__Frame body = KINDRED__WORKER__V1__FRAME__INIT;
    body.index = frame->index;
    body.width = frame->width;
    body.height = frame->height;
    body.n_descriptor = frame->length;
    body.descriptor = (float *)frame->descriptor;
    Kindred__Worker__V1__Preview preview = KINDRED__WORKER__V1__PREVIEW__INIT;
    if (frame->preview != NULL) {
        preview.width = frame->preview_width;
        preview.height = frame->preview_height;
        preview.channels = frame->preview_channels;
        preview.samples.data = (uint8_t *)frame->preview;
        preview.samples.len = (size_t)preview.width * preview.height * preview.channels;
        body.preview = &preview;
    }
    Kindred__Worker__V1__Tile tile = KINDRED__WORKER__V1__TILE__INIT;
    if (frame->tile != NULL) {
        tile.x = frame->tile->x;
        tile.y = frame->tile->y;
        tile.level = frame->tile->level;
        tile.mpp = frame->tile->mpp;
        body.tile = &tile;
    }
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < frame->region_count; i++)
        status = send_marked(ctx, &frame->regions[i], frame->length, err);
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    message.frame = &body;
    return status == KIN_OK ? answer(ctx, &message, err) : status;
}

static kin_status send_occluded(void *ctx, const kin_decode_occluded *occluded, kin_error *err)
{
    kin_worker *worker = ctx;
    Kindred__Worker__V1__Region box = KINDRED__WORKER__V1__REGION__INIT;
    Kindred__Worker__V1__Occluded body = KINDRED__WORKER__V1__OCCLUDED__INIT;
    box.x = occluded->x;
    box.y = occluded->y;
    box.width = occluded->width;
    box.height = occluded->height;
    body.cell = occluded->cell;
    body.box = &box;
    body.n_descriptor = kin_extractor_length(worker->extractor);
    body.descriptor = (float *)occluded->descriptor;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_OCCLUDED;
    message.occluded = &body;
    return answer(worker, &message, err);
}

/* Breaks the silence, at most once a second. */
static kin_status send_working(void *ctx, kin_error *err)
{
    kin_worker *worker = ctx;
    double now = kin_clock_monotonic();
    if (now - worker->last_word < KIN_WORKING_SECONDS)
        return KIN_OK;
    if (worker->words++ == KIN_WORKING_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "it takes more than %d s to look the slide over",
                        KIN_WORKING_MAX * KIN_WORKING_SECONDS);
    worker->last_word = now;
    Kindred__Worker__V1__Working body = KINDRED__WORKER__V1__WORKING__INIT;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_WORKING;
    message.working = &body;
    return answer(worker, &message, err);
}

static void send_done(kin_worker *worker, kin_status status, kin_error *reason, bool retires)
{
    Kindred__Worker__V1__Done body = KINDRED__WORKER__V1__DONE__INIT;
    body.status = (uint32_t) - (int)status;
    body.message = status != KIN_OK ? reason->message : (char *)"";
    body.retires = retires;
    body.skipped = status == KIN_OK ? worker->skipped : 0;
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_DONE;
    message.done = &body;
    answer(worker, &message, NULL);
}

static void send_hello(kin_worker *worker, kin_status status, kin_error *reason)
{
    Kindred__Worker__V1__Hello body = KINDRED__WORKER__V1__HELLO__INIT;
    body.protocol = KIN_PROTOCOL_VERSION;
    if (worker->extractor != NULL) {
        body.descriptor_length = (uint32_t)kin_extractor_length(worker->extractor);
        body.signature = (char *)kin_extractor_signature_borrow(worker->extractor);
    }
    body.no_features = worker->no_features;
    body.status = (uint32_t) - (int)status;
    body.message = status != KIN_OK ? reason->message : (char *)"";
    kin_answer message = KINDRED__WORKER__V1__ANSWER__INIT;
    message.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HELLO;
    message.hello = &body;
    answer(worker, &message, NULL);
}

static kin_status decode_file(kin_worker *worker, int fd, const kin_order *order, kin_error *err)
{
    const kin_decode_sink sink = {.header = send_header,
                                  .frame = send_frame,
                                  .region = send_region,
                                  .occluded = send_occluded,
                                  .skipped = note_skipped,
                                  .working = send_working,
                                  .ctx = worker};
    worker->words = 0;
    worker->last_word = kin_clock_monotonic();
    kin_status status = kin_decode_fd(worker->extractor, fd, order->ending, &worker->limits,
                                      &order->wish, &sink, err);
    /* Memory that a worker cannot have is a bound that we set, not a state of the machine. */
    if (status == KIN_E_NOMEM)
        status =
            kin_fail(err, KIN_E_LIMIT, NULL, "takes more memory than a worker may have (%zu MiB)",
                     worker->limits.memory_bytes >> 20);
    return status;
}

/* True when the heap holds so much between files that a fresh worker is better. */
static bool is_worn(const kin_worker *worker)
{
    struct mallinfo2 heap = mallinfo2();
    return worker->files >= KIN_WORKER_FILES_MAX || heap.arena + heap.hblkhd > KIN_WORKER_HEAP_MAX;
}

static void release_order(kin_order *order)
{
    for (size_t i = 0; i < order->wish.region_count; i++)
        kin_region_release(&order->regions[i]);
    free(order->regions);
}

/* Copies the regions of a request; false when they make no sense, or there is no memory. */
static bool take_regions(const Kindred__Worker__V1__Request *request, size_t most_pixels,
                         kin_order *order)
{
    bool fine = true;
    if (request->n_regions == 0)
        return true;
    if (request->n_regions > KIN_DECODE_REGIONS_MAX)
        return false;
    order->regions = calloc(request->n_regions, sizeof *order->regions);
    order->wish.regions = order->regions;
    fine = order->regions != NULL;
    for (size_t i = 0; fine && i < request->n_regions; i++) {
        fine = kin_region_of_wire(request->regions[i], most_pixels, &order->regions[i], NULL) ==
               KIN_OK;
        order->wish.region_count += fine;
    }
    return fine;
}

/* Copies a request, which the next message overwrites, into an order, which is to be released in
 * any case; false when it makes no sense. */
static bool take_order(const Kindred__Worker__V1__Request *request, size_t most_pixels,
                       kin_order *order)
{
    *order = (kin_order){.wish = {.preview_side = request->preview_side,
                                  .one_frame = request->one_frame != 0,
                                  .frame = request->frame,
                                  .occlude = request->occlude,
                                  .annotations = request->annotations != 0,
                                  .as_mask = request->as_mask != 0,
                                  .marked_only = request->marked_only != 0}};
    if (request->ending.len >= sizeof order->ending)
        return false;
    if (request->ending.len > 0)
        memcpy(order->ending, request->ending.data, request->ending.len);
    if (request->region != NULL) {
        order->region = (kin_decode_region){.x = request->region->x,
                                            .y = request->region->y,
                                            .width = request->region->width,
                                            .height = request->region->height};
        order->wish.region = &order->region;
    }
    return take_regions(request, most_pixels, order);
}

/* Takes the next request and answers it; false when the conversation is over. */
static bool serve(kin_worker *worker, int *exit_status)
{
    ProtobufCMessage *message = NULL;
    int file = -1;
    kin_status status = kin_channel_receive(
        &worker->channel, &kindred__worker__v1__request__descriptor, 0.0, &message, &file, NULL);
    if (status != KIN_OK) {
        *exit_status = status == KIN_E_CRASHED ? EXIT_SUCCESS : EXIT_FAILURE;
        return false;
    }
    const Kindred__Worker__V1__Request *request = (const Kindred__Worker__V1__Request *)message;
    kin_order order = {0};
    size_t most_pixels = kin_region_pixels_max(worker->limits.max_frame_bytes);
    if (file < 0 || !take_order(request, most_pixels, &order)) {
        *exit_status = EXIT_FAILURE;
        if (file >= 0)
            close(file);
        release_order(&order);
        return false;
    }
    worker->serial = request->serial;
    worker->skipped = 0;
    kin_error err;
    kin_error_clear(&err);
    status = decode_file(worker, file, &order, &err);
    close(file);
    release_order(&order);
    worker->files++;
    bool retires = is_worn(worker);
    if (!worker->gone)
        send_done(worker, status, &err, retires);
    return !worker->gone && !retires;
}

/* Makes the extractor; a failure says which of its files it is about. */
static kin_status make_extractor(kin_worker *worker, const char *features, kin_error *err)
{
    kin_error reason;
    kin_error_clear(&reason);
    kin_status status = kin_extractor_new(features, &worker->extractor, &reason);
    worker->no_features = status != KIN_OK;
    if (status == KIN_OK)
        return KIN_OK;
    return kin_fail(err, status, NULL, "%s%s%s", reason.message,
                    reason.subject[0] != '\0' ? ": " : "", reason.subject);
}

/* Everything that must open files or reserve memory, then the sandbox. */
static kin_status get_ready(kin_worker *worker, int lifeline, const char *features, kin_error *err)
{
    kin_status status = lifeline >= 0 ? kin_sandbox_tie(lifeline, err) : KIN_OK;
    if (status == KIN_OK)
        status = kin_dicom_prepare(err);
    if (status == KIN_OK)
        status = make_extractor(worker, features, err);
    return status == KIN_OK ? kin_sandbox_enter(worker->limits.memory_bytes, err) : status;
}

int kin_decode_worker_run(int fd, int lifeline, const char *features,
                          const kin_decode_limits *limits)
{
    kin_worker worker = {.limits = kin_decode_limits_effective(limits)};
    kin_channel_init(&worker.channel, fd);
    int exit_status = EXIT_SUCCESS;
    if (worker.limits.nice > 0)
        nice(worker.limits.nice); /* to be kinder is always allowed: there is no error to look at */
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM);
    kin_error err;
    kin_error_clear(&err);
    kin_status status = get_ready(&worker, lifeline, features, &err);
    send_hello(&worker, status, &err);
    if (status != KIN_OK || worker.gone)
        exit_status = EXIT_FAILURE;
    else
        while (serve(&worker, &exit_status))
            ;
    kin_extractor_free(worker.extractor);
    kin_channel_release(&worker.channel);
    return exit_status;
}
