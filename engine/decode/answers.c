#include "decode/answers.h"

#include <math.h>
#include <string.h>

#include "decode/protocol.h"
#include "decode/text.h"
#include "decode/wish.h"
#include "image/raster.h"

kin_status kin_answers_nonsense(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_E_INTERNAL, NULL, "the decoder's worker answered nonsense: %s", what);
}

/* Turns a status on the wire into one that a decoder may give; false when it is none. */
static bool status_of(uint32_t wire, kin_status *out)
{
    static const kin_status possible[] = {KIN_OK,         KIN_E_ARG,      KIN_E_NOMEM,
                                          KIN_E_IO,       KIN_E_FORMAT,   KIN_E_UNSUPPORTED,
                                          KIN_E_LIMIT,    KIN_E_NO_IMAGE, KIN_E_NOT_FOUND,
                                          KIN_E_INTERNAL, KIN_E_FULL};
    for (size_t i = 0; i < sizeof possible / sizeof possible[0]; i++)
        if (wire == (uint32_t) - (int)possible[i]) {
            *out = possible[i];
            return true;
        }
    return false;
}

static kin_status fail_as_told(kin_error *err, kin_status status, const char *message)
{
    char clean[KIN_ERROR_MESSAGE_MAX];
    kin_text_clean(clean, sizeof clean, message);
    return kin_fail(err, status, NULL, "%s", clean[0] != '\0' ? clean : kin_status_text(status));
}

static kin_status fail_unready(const Kindred__Worker__V1__Hello *hello, kin_status status,
                               kin_error *err)
{
    kin_error reason;
    fail_as_told(&reason, status, hello->message);
    if (hello->no_features)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "images cannot be described: %s",
                        reason.message);
    return kin_fail(err, KIN_E_INTERNAL, NULL, "the decoder's worker cannot get ready: %s",
                    reason.message);
}

/* Its descriptors must be those of the archive. */
static kin_status check_features(const Kindred__Worker__V1__Hello *hello,
                                 const kin_decode_features *features, kin_error *err)
{
    if (features->signature == NULL || strcmp(hello->signature, features->signature) == 0)
        return KIN_OK;
    return kin_fail(
        err, KIN_E_UNSUPPORTED, NULL,
        "images cannot be described as the archive's were: this program's families have "
        "other versions, or its networks' files have changed");
}

kin_status kin_answers_hello(const Kindred__Worker__V1__Answer *answer,
                             const kin_decode_features *features, kin_error *err)
{
    kin_status status;
    if (answer->body_case != KINDRED__WORKER__V1__ANSWER__BODY_HELLO || answer->serial != 0 ||
        !status_of(answer->hello->status, &status))
        return kin_answers_nonsense(err, "no greeting");
    const Kindred__Worker__V1__Hello *hello = answer->hello;
    if (status != KIN_OK)
        return fail_unready(hello, status, err);
    if (hello->protocol == KIN_PROTOCOL_VERSION)
        status = check_features(hello, features, err);
    if (status != KIN_OK)
        return status;
    if (hello->protocol != KIN_PROTOCOL_VERSION || hello->descriptor_length != features->length)
        return kin_fail(
            err, KIN_E_INTERNAL, NULL,
            "the decoder's worker is of another version: protocol %u, descriptors of %u "
            "floats (not %d, %zu)",
            hello->protocol, hello->descriptor_length, KIN_PROTOCOL_VERSION, features->length);
    return KIN_OK;
}

/* The static text of a format's name, or NULL. */
static const char *format_of(const char *name)
{
    static const char *const formats[] = {"dicom", "png", "jpeg", "tiff", "slide"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(name, formats[i]) == 0)
            return formats[i];
    return NULL;
}

static kin_status take_header(kin_answers *answers, const Kindred__Worker__V1__Header *header,
                              kin_error *err)
{
    const char *format = format_of(header->format);
    if (answers->has_header)
        return kin_answers_nonsense(err, "a second header");
    if (format == NULL)
        return kin_answers_nonsense(err, "an unknown format");
    answers->is_annotation = answers->wish.annotations && header->frames == 0;
    if ((header->frames < 1 && !answers->is_annotation) ||
        header->frames > (uint32_t)answers->max_frames)
        return kin_answers_nonsense(err, "an impossible number of frames");
    kin_header_begin(answers->builder,
                     &(kin_decode_header){.format = format,
                                          .sop_instance_uid = header->sop_instance_uid,
                                          .series_instance_uid = header->series_instance_uid,
                                          .study_instance_uid = header->study_instance_uid,
                                          .patient_id = header->patient_id,
                                          .modality = header->modality,
                                          .body_part = header->body_part,
                                          .study_date = header->study_date,
                                          .frames = (int)header->frames});
    for (size_t i = 0; i < header->n_attributes; i++)
        kin_header_add(answers->builder, header->attributes[i]->name, header->attributes[i]->value);
    answers->has_header = true;
    /* Where the frame wished for is not among them that is 0, and Done must say why. */
    if (!answers->is_annotation)
        kin_wish_frames(&answers->wish, (int)header->frames, &answers->first, &answers->frames,
                        NULL);
    kin_status status =
        answers->sink->header(answers->sink->ctx, kin_header_borrow(answers->builder), err);
    answers->sink_failed = status != KIN_OK;
    return status;
}

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Could a picture of width x height pixels, square or not, have been shrunk to small_width x
 * small_height?  Within the rounding of one pixel a side. */
static bool is_likely_shape(uint64_t width, uint64_t height, uint64_t small_width,
                            uint64_t small_height)
{
    return small_width <= width && small_height <= height &&
           (small_width - 1) * height <= (small_height + 1) * width * KIN_RASTER_STRETCH_MAX &&
           (small_height - 1) * width <= (small_width + 1) * height * KIN_RASTER_STRETCH_MAX;
}

/* Why the preview cannot be one of a frame of width x height pixels (NULL: it can). */
static const char *fault_of_preview(const kin_decode_wish *wish,
                                    const Kindred__Worker__V1__Preview *preview, uint32_t width,
                                    uint32_t height)
{
    if (wish->preview_side == 0)
        return preview != NULL ? "a preview that nobody asked for" : NULL;
    if (preview == NULL)
        return "no preview";
    if (wish->region != NULL) {
        width = wish->region->width;
        height = wish->region->height;
    }
    if (preview->channels != 1 && preview->channels != 3)
        return "a preview of impossible channels";
    if (preview->width < 1 || preview->height < 1 || preview->width > wish->preview_side ||
        preview->height > wish->preview_side ||
        !is_likely_shape(width, height, preview->width, preview->height))
        return "a preview of an impossible size";
    /* Sides are bounded by now: the product cannot wrap around. */
    if (preview->samples.len != (size_t)preview->width * preview->height * preview->channels)
        return "a preview of another length than its size";
    return NULL;
}

/* Why the place on a slide cannot be one (NULL: it can). */
static const char *fault_of_tile(const Kindred__Worker__V1__Tile *tile)
{
    if (tile == NULL)
        return NULL;
    if (tile->x > INT64_MAX || tile->y > INT64_MAX)
        return "a tile at an impossible place";
    return isfinite(tile->mpp) && tile->mpp > 0 ? NULL : "a tile of an impossible scale";
}

/* Why the frame cannot be the next one (NULL: it can). */
static const char *fault_of_frame(const kin_answers *answers,
                                  const Kindred__Worker__V1__Frame *frame)
{
    if (!answers->has_header)
        return "a frame without a header";
    if (answers->frames_seen == answers->frames || answers->wish.as_mask)
        return "more frames than it announced";
    uint32_t next = (uint32_t)(answers->first + answers->frames_seen);
    if (answers->wish.marked_only ? frame->index < next : frame->index != next)
        return "frames out of order";
    if (frame->index >= (uint32_t)(answers->first + answers->frames))
        return "a frame that there is not";
    if (frame->width < 1 || frame->height < 1 || frame->width > INT32_MAX ||
        frame->height > INT32_MAX)
        return "an impossible size";
    if (!kin_wish_fits(&answers->wish, frame->width, frame->height))
        return "a frame that the region does not fit in";
    if (answers->hidden_seen != answers->wish.occlude * answers->wish.occlude)
        return "a frame without its hidden places";
    if (frame->n_descriptor != answers->length)
        return "a descriptor of another length";
    if (!all_finite(frame->descriptor, frame->n_descriptor))
        return "a descriptor that is not finite";
    const char *fault = kin_answers_marked_fault(answers, frame);
    if (fault == NULL)
        fault = fault_of_tile(frame->tile);
    if (fault != NULL)
        return fault;
    return fault_of_preview(&answers->wish, frame->preview, frame->width, frame->height);
}

static kin_status take_frame(kin_answers *answers, const Kindred__Worker__V1__Frame *frame,
                             kin_error *err)
{
    const char *fault = fault_of_frame(answers, frame);
    if (fault != NULL)
        return kin_answers_nonsense(err, fault);
    answers->frames_seen = (int)frame->index - answers->first + 1; /* or left out */
    kin_decode_frame out = {.index = frame->index,
                            .width = frame->width,
                            .height = frame->height,
                            .descriptor = frame->descriptor,
                            .length = frame->n_descriptor,
                            .regions = answers->marked,
                            .region_count = answers->marked_count};
    kin_decode_tile tile;
    if (frame->tile != NULL) {
        tile = (kin_decode_tile){.x = frame->tile->x,
                                 .y = frame->tile->y,
                                 .level = frame->tile->level,
                                 .mpp = frame->tile->mpp};
        out.tile = &tile;
    }
    if (frame->preview != NULL) {
        out.preview = frame->preview->samples.data;
        out.preview_width = frame->preview->width;
        out.preview_height = frame->preview->height;
        out.preview_channels = frame->preview->channels;
    }
    kin_status status = answers->sink->frame(answers->sink->ctx, &out, err);
    kin_answers_forget_marked(answers);
    answers->sink_failed = status != KIN_OK;
    return status;
}

/* Why it cannot be the next cell of the grid (NULL: it can). */
static const char *fault_of_occluded(const kin_answers *answers,
                                     const Kindred__Worker__V1__Occluded *occluded)
{
    if (!answers->has_header || answers->frames_seen > 0)
        return "a hidden place out of order";
    if (occluded->cell != answers->hidden_seen ||
        occluded->cell >= answers->wish.occlude * answers->wish.occlude)
        return "a hidden place that nobody asked for";
    if (occluded->box == NULL || occluded->box->width < 1 || occluded->box->height < 1 ||
        occluded->box->width > INT32_MAX || occluded->box->height > INT32_MAX ||
        occluded->box->x > INT32_MAX - occluded->box->width ||
        occluded->box->y > INT32_MAX - occluded->box->height)
        return "a grid of an impossible size";
    if (occluded->n_descriptor != answers->length)
        return "a descriptor of another length";
    return all_finite(occluded->descriptor, occluded->n_descriptor)
               ? NULL
               : "a descriptor that is not finite";
}

static kin_status take_occluded(kin_answers *answers, const Kindred__Worker__V1__Occluded *occluded,
                                kin_error *err)
{
    const char *fault = fault_of_occluded(answers, occluded);
    if (fault != NULL)
        return kin_answers_nonsense(err, fault);
    answers->hidden_seen++;
    const kin_decode_occluded out = {.cell = occluded->cell,
                                     .x = occluded->box->x,
                                     .y = occluded->box->y,
                                     .width = occluded->box->width,
                                     .height = occluded->box->height,
                                     .descriptor = occluded->descriptor};
    kin_status status = answers->sink->occluded(answers->sink->ctx, &out, err);
    answers->sink_failed = status != KIN_OK;
    return status;
}

/* Whether all has come that the request asked for. */
static bool is_complete(const kin_answers *answers)
{
    if (answers->is_annotation)
        return true;
    if (answers->frames == 0 || answers->marked_count > 0)
        return false;
    if (answers->wish.as_mask)
        return answers->regions_seen == (size_t)answers->frames;
    return answers->frames_seen == answers->frames || answers->wish.marked_only;
}

static kin_status take_done(kin_answers *answers, const Kindred__Worker__V1__Done *done,
                            kin_error *err)
{
    kin_status status;
    if (!status_of(done->status, &status))
        return kin_answers_nonsense(err, "an unknown status");
    if (status == KIN_OK && !is_complete(answers))
        return kin_answers_nonsense(err, "an end before its time");
    answers->done = true;
    answers->retires = done->retires != 0;
    if (status == KIN_OK && answers->is_annotation && answers->sink->skipped != NULL)
        answers->sink->skipped(answers->sink->ctx, done->skipped);
    return status == KIN_OK ? KIN_OK : fail_as_told(err, status, done->message);
}

/* The worker is at work, before it has a header; for a long time, but not for ever. */
static kin_status take_working(kin_answers *answers, kin_error *err)
{
    if (answers->has_header)
        return kin_answers_nonsense(err, "work on a slide after its header");
    return answers->words++ < KIN_WORKING_MAX ? KIN_OK
                                              : kin_answers_nonsense(err, "work without an end");
}

kin_status kin_answers_take(kin_answers *answers, const Kindred__Worker__V1__Answer *answer,
                            kin_error *err)
{
    if (answer->serial != answers->serial)
        return kin_answers_nonsense(err, "an answer to another request");
    switch (answer->body_case) {
    case KINDRED__WORKER__V1__ANSWER__BODY_HEADER:
        return take_header(answers, answer->header, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_FRAME:
        return take_frame(answers, answer->frame, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_LESION:
        return kin_answers_lesion(answers, answer->lesion, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_MARKED:
        return kin_answers_marked(answers, answer->marked, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_DONE:
        return take_done(answers, answer->done, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_OCCLUDED:
        return take_occluded(answers, answer->occluded, err);
    case KINDRED__WORKER__V1__ANSWER__BODY_WORKING:
        return take_working(answers, err);
    default:
        return kin_answers_nonsense(err, "an answer of no known kind");
    }
}
