#include "decode/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "decode/dicom_header.h"
#include "decode/names.h"
#include "decode/pictures.h"
#include "decode/preview.h"
#include "decode/regions.h"
#include "decode/slides.h"
#include "decode/unzstd.h"
#include "decode/wish.h"
#include "dicom/annotations.h"
#include "dicom/tiles.h"
#include "features/occlude.h"

static kin_status read_dicom(const kin_pictures *self, int frame, kin_raster *out, kin_error *err)
{
    return kin_dicom_render(self->dicom, frame, out, err);
}

static kin_status read_page(const kin_pictures *self, int frame, kin_raster *out, kin_error *err)
{
    return self->format->read(self->bytes, self->size, frame, &self->limits, out, err);
}

/* Leaves of a frame the region that is wished for. */
static kin_status keep_region(kin_raster *raster, const kin_decode_wish *wish, kin_error *err)
{
    const kin_decode_region *region = wish->region;
    if (region == NULL)
        return KIN_OK;
    if (!kin_wish_fits(wish, (uint32_t)raster->width, (uint32_t)raster->height))
        return kin_fail(err, KIN_E_ARG, NULL, "region: lies outside the frame of %d x %d",
                        raster->width, raster->height);
    const kin_box box = {(int)region->x, (int)region->y, (int)region->width, (int)region->height};
    kin_raster part = {0};
    kin_status status = kin_raster_crop(raster, box, &part, err);
    kin_raster_collapse_grey(&part); /* the readers do so with a whole frame */
    kin_raster_release(raster);
    *raster = part;
    return status;
}

/* What the extractor wants to know of a frame beyond its looks, of the region that is wished for;
 * *out stays empty where nothing is. */
static kin_status read_hounsfield(const kin_pictures *pictures, const kin_job *job, int index,
                                  kin_raster *out, kin_error *err)
{
    if (pictures->dicom == NULL || !kin_extractor_wants_hounsfield(job->extractor))
        return KIN_OK;
    kin_status status = kin_dicom_hounsfield(pictures->dicom, index, out, err);
    return status == KIN_OK && out->px != NULL ? keep_region(out, &job->wish, err) : status;
}

/* Describes what is read of a frame. */
static kin_status describe(const kin_pictures *pictures, const kin_job *job, int index,
                           const kin_raster *raster, float *descriptor, kin_error *err)
{
    kin_raster values = {0};
    kin_status status = read_hounsfield(pictures, job, index, &values, err);
    const kin_picture picture = {.display = raster,
                                 .hounsfield = values.px != NULL ? &values : NULL};
    if (status == KIN_OK)
        status = kin_extractor_describe_picture(job->extractor, &picture, descriptor, err);
    kin_raster_release(&values);
    return status;
}

/* Where what is hidden goes to. */
typedef struct kin_hiding {
    const kin_decode_sink *sink;
    kin_box box;
} kin_hiding;

static kin_status pass_occluded(void *ctx, int cell, const float *descriptor, kin_error *err)
{
    const kin_hiding *hiding = ctx;
    const kin_decode_occluded occluded = {.cell = (uint32_t)cell,
                                          .x = (uint32_t)hiding->box.x,
                                          .y = (uint32_t)hiding->box.y,
                                          .width = (uint32_t)hiding->box.width,
                                          .height = (uint32_t)hiding->box.height,
                                          .descriptor = descriptor};
    return hiding->sink->occluded(hiding->sink->ctx, &occluded, err);
}

/* What one frame's answer points to. */
typedef struct kin_frame_parts {
    float *descriptor; /* borrowed */
    kin_preview preview;
    kin_marked_list marked;
    bool left_out; /* nothing wished for is on it */
} kin_frame_parts;

static void release_parts(kin_frame_parts *parts)
{
    kin_preview_release(&parts->preview);
    kin_marked_release(&parts->marked);
}

/* Where a frame lies, as far as its format tells. */
static kin_plane plane_of(const kin_pictures *pictures, int index)
{
    kin_plane plane = {0};
    if (pictures->dicom != NULL)
        kin_dicom_plane(pictures->dicom, index, &plane);
    return plane;
}

static kin_status describe_regions(const kin_pictures *pictures, const kin_job *job, int index,
                                   const kin_raster *raster, kin_frame_parts *parts, kin_error *err)
{
    if (job->wish.region_count == 0)
        return KIN_OK;
    kin_plane plane = plane_of(pictures, index);
    return kin_marked_describe(job->extractor, &job->wish, (uint32_t)index, raster, &plane,
                               parts->descriptor, &parts->marked, err);
}

/* Describes the frame, or its first region, with one place after another hidden. */
static kin_status hide_places(const kin_pictures *pictures, const kin_job *job, int index,
                              const kin_raster *raster, const kin_frame_parts *parts,
                              kin_error *err)
{
    kin_hiding hiding = {.sink = job->sink};
    kin_mask mask = {0};
    bool of_region = job->wish.region_count > 0, empty = false;
    kin_status status = KIN_OK;
    if (of_region && parts->marked.count == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "occlude: no region is on the frame");
    if (of_region) {
        kin_plane plane = plane_of(pictures, index);
        status = kin_region_draw(&job->wish.regions[parts->marked.list[0].index], &plane,
                                 raster->width, raster->height, &mask, &empty, err);
    }
    if (status == KIN_OK)
        status =
            kin_describe_occluded(job->extractor, raster, of_region ? &mask : NULL,
                                  (int)job->wish.occlude, &hiding.box, pass_occluded, &hiding, err);
    kin_mask_release(&mask);
    return status;
}

/* Whether the frame is one that is wished for.  A DICOM frame's size is known before its pixels are
 * decoded; of others only the number is (0 x 0 pixels). */
static kin_status is_wanted(const kin_pictures *pictures, const kin_job *job, int index, int width,
                            int height, bool *wanted, kin_error *err)
{
    *wanted = true;
    if (!job->wish.marked_only)
        return KIN_OK;
    kin_plane plane = plane_of(pictures, index);
    if (pictures->dicom != NULL) {
        width = kin_dicom_header_borrow(pictures->dicom)->columns;
        height = kin_dicom_header_borrow(pictures->dicom)->rows;
    }
    return kin_marked_any(&job->wish, (uint32_t)index, width, height, &plane, wanted, err);
}

/* Describes what is wished for of a frame's pixels, of which a region may be left. */
static kin_status describe_raster(const kin_pictures *pictures, const kin_job *job, int index,
                                  kin_raster *raster, kin_frame_parts *parts, kin_error *err)
{
    const kin_decode_wish *wish = &job->wish;
    kin_status status = keep_region(raster, wish, err);
    if (status == KIN_OK)
        status = describe(pictures, job, index, raster, parts->descriptor, err);
    if (status == KIN_OK && wish->preview_side > 0)
        status = kin_preview_make(raster, wish->preview_side, &parts->preview, err);
    if (status == KIN_OK)
        status = describe_regions(pictures, job, index, raster, parts, err);
    if (status == KIN_OK && wish->occlude > 0)
        status = hide_places(pictures, job, index, raster, parts, err);
    return status;
}

/* Reads one frame and describes what is wished for of it.  The parts are the caller's to release,
 * after a failure too. */
static kin_status describe_frame(const kin_pictures *pictures, const kin_job *job, int index,
                                 kin_frame_parts *parts, kin_decode_frame *frame, kin_error *err)
{
    kin_raster raster = {0};
    bool wanted;
    kin_status status = is_wanted(pictures, job, index, 0, 0, &wanted, err);
    if (status == KIN_OK && wanted)
        status = pictures->read(pictures, index, &raster, err);
    if (status == KIN_OK && wanted)
        status = is_wanted(pictures, job, index, raster.width, raster.height, &wanted, err);
    *frame = (kin_decode_frame){.index = (uint32_t)index,
                                .width = (uint32_t)raster.width,
                                .height = (uint32_t)raster.height,
                                .descriptor = parts->descriptor,
                                .length = kin_extractor_length(job->extractor)};
    parts->left_out = !wanted;
    if (status == KIN_OK && wanted)
        status = describe_raster(pictures, job, index, &raster, parts, err);
    frame->preview = parts->preview.samples;
    frame->preview_width = parts->preview.width;
    frame->preview_height = parts->preview.height;
    frame->preview_channels = parts->preview.channels;
    frame->regions = parts->marked.list;
    frame->region_count = parts->marked.count;
    kin_raster_release(&raster);
    return status;
}

/* Hands a region on, and releases what the sink left of it. */
static kin_status send_region(void *ctx, kin_region *region, kin_error *err)
{
    const kin_decode_sink *sink = ctx;
    kin_status status = sink->region != NULL ? sink->region(sink->ctx, region, err) : KIN_OK;
    kin_region_release(region);
    return status;
}

/* A failure of one frame names it, where there are others. */
static kin_status fail_frame(const kin_pictures *pictures, int index, const kin_error *reason,
                             kin_error *err)
{
    if (pictures->frames > 1)
        return kin_fail(err, reason->code, NULL, "frame %d of %d: %s", index + 1, pictures->frames,
                        reason->message);
    return kin_fail(err, reason->code, NULL, "%s", reason->message);
}

static kin_status decode_mask(const kin_pictures *pictures, const kin_job *job, int index,
                              kin_error *err)
{
    kin_error reason;
    kin_error_clear(&reason);
    kin_raster raster = {0};
    kin_region region = {0};
    kin_status status = pictures->read(pictures, index, &raster, &reason);
    if (status == KIN_OK)
        status = kin_region_of_raster(&raster, (uint32_t)index, &region, &reason);
    kin_raster_release(&raster);
    if (status != KIN_OK)
        return fail_frame(pictures, index, &reason, err);
    return send_region((void *)(uintptr_t)job->sink, &region, err);
}

static kin_status decode_frame(const kin_pictures *pictures, const kin_job *job, int index,
                               float *descriptor, kin_error *err)
{
    kin_error reason;
    kin_error_clear(&reason);
    if (job->wish.as_mask)
        return decode_mask(pictures, job, index, err);
    kin_frame_parts parts = {.descriptor = descriptor};
    kin_decode_frame frame;
    kin_status status = describe_frame(pictures, job, index, &parts, &frame, &reason);
    if (status == KIN_OK && !parts.left_out)
        status = job->sink->frame(job->sink->ctx, &frame, err);
    else if (status != KIN_OK)
        status = fail_frame(pictures, index, &reason, err);
    release_parts(&parts);
    return status;
}

kin_status kin_decode_pictures(const kin_pictures *pictures, const kin_job *job, kin_error *err)
{
    int first, count;
    kin_status status = kin_wish_frames(&job->wish, pictures->frames, &first, &count, err);
    if (status != KIN_OK)
        return status;
    float *descriptor = calloc(kin_extractor_length(job->extractor), sizeof *descriptor);
    if (descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a descriptor");
    for (int i = 0; status == KIN_OK && i < count; i++)
        status = decode_frame(pictures, job, first + i, descriptor, err);
    free(descriptor);
    return status;
}

/* The header of a file format that says nothing of the patient. */
static kin_status send_plain_header(const char *format, int frames, const kin_decode_sink *sink,
                                    kin_error *err)
{
    kin_header_builder *builder = kin_header_builder_new();
    if (builder == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a header");
    kin_header_begin(builder, &(kin_decode_header){.format = format, .frames = frames});
    kin_header_addf(builder, "number_of_frames", "%d", frames);
    kin_status status = sink->header(sink->ctx, kin_header_borrow(builder), err);
    kin_header_builder_free(builder);
    return status;
}

static kin_status decode_format(const kin_image_format *format, const void *bytes, size_t size,
                                const kin_job *job, kin_error *err)
{
    const kin_image_limits *limits = &job->limits;
    kin_pictures pictures = {
        .read = read_page, .format = format, .bytes = bytes, .size = size, .limits = *limits};
    kin_status status = format->pages(bytes, size, limits, &pictures.frames, err);
    if (status == KIN_OK && pictures.frames < 1)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "no pages");
    if (status == KIN_OK && pictures.frames > limits->max_frames)
        status = kin_fail(err, KIN_E_LIMIT, NULL, "%d pages are over the limit of %d",
                          pictures.frames, limits->max_frames);
    if (status == KIN_OK)
        status = send_plain_header(format->name, pictures.frames, job->sink, err);
    if (status == KIN_OK)
        status = kin_decode_pictures(&pictures, job, err);
    return status;
}

/* frames: 0 of an annotation. */
static kin_status send_dicom_header(const kin_dicom_header *header, int frames,
                                    const kin_decode_sink *sink, kin_error *err)
{
    kin_header_builder *builder = kin_header_builder_new();
    if (builder == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a header");
    kin_header_of_dicom(header, frames, builder);
    kin_status status = sink->header(sink->ctx, kin_header_borrow(builder), err);
    kin_header_builder_free(builder);
    return status;
}

static kin_status decode_dicom_slide(kin_dicom *dicom, const kin_job *job, kin_error *err)
{
    kin_slide *slide;
    kin_status status = kin_slide_open_dicom(dicom, &job->limits, &slide, err);
    return status == KIN_OK ? kin_decode_slide(slide, kin_dicom_header_borrow(dicom), job, err)
                            : status;
}

static kin_status decode_annotation(kin_dicom *dicom, const kin_job *job, kin_error *err)
{
    const kin_region_sink sink = {.region = send_region, .ctx = (void *)(uintptr_t)job->sink};
    size_t skipped = 0;
    kin_status status = send_dicom_header(kin_dicom_header_borrow(dicom), 0, job->sink, err);
    if (status == KIN_OK)
        status = kin_dicom_annotations_read(dicom, &sink, &skipped, err);
    if (status == KIN_OK && job->sink->skipped != NULL)
        job->sink->skipped(job->sink->ctx, skipped);
    return status;
}

static kin_status decode_pictures(kin_pictures *pictures, const kin_job *job, kin_error *err)
{
    const kin_dicom_header *header = kin_dicom_header_borrow(pictures->dicom);
    const kin_image_limits *limits = &job->limits;
    kin_status status = KIN_OK;
    pictures->frames = header->frames;
    if (header->kind != KIN_DICOM_IMAGE)
        status = kin_fail(err, KIN_E_NO_IMAGE, NULL, "%s",
                          header->kind_reason[0] != '\0' ? header->kind_reason : "no pixels");
    else if (header->frames < 1)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "no frames");
    else if (header->frames > limits->max_frames)
        status = kin_fail(err, KIN_E_LIMIT, NULL, "%d frames are over the limit of %d",
                          header->frames, limits->max_frames);
    if (status == KIN_OK)
        status = send_dicom_header(header, header->frames, job->sink, err);
    return status == KIN_OK ? kin_decode_pictures(pictures, job, err) : status;
}

static kin_status decode_dicom(const void *bytes, size_t size, const kin_job *job, kin_error *err)
{
    kin_pictures pictures = {.read = read_dicom, .limits = job->limits};
    kin_status status = kin_dicom_open(bytes, size, &job->limits, &pictures.dicom, err);
    if (status != KIN_OK)
        return status;
    if (job->wish.annotations && kin_dicom_is_annotation(pictures.dicom))
        status = decode_annotation(pictures.dicom, job, err);
    else if (kin_dicom_is_slide(pictures.dicom))
        status = decode_dicom_slide(pictures.dicom, job, err);
    else
        status = decode_pictures(&pictures, job, err);
    kin_dicom_close(pictures.dicom);
    return status;
}

/* Bytes as they are, without compression around them. */
static kin_status decode_plain(const void *bytes, size_t size, const char *name, size_t length,
                               const kin_job *job, kin_error *err)
{
    /* A file may be DICOM and TIFF at once (PS3.10 annex on whole-slide images, by way of the
     * preamble): DICOM says more.  Data sets without a preamble are recognised by plausibility, so
     * they come after the formats with a signature. */
    static const size_t preamble = 128;
    kin_status status = kin_name_refuse(name, length, err);
    if (status != KIN_OK)
        return status;
    bool has_preamble =
        size >= preamble + 4 && memcmp((const char *)bytes + preamble, "DICM", 4) == 0;
    const kin_image_format *format = has_preamble ? NULL : kin_image_format_of(bytes, size);
    if (format != NULL)
        return decode_format(format, bytes, size, job, err);
    if (kin_dicom_recognise(bytes, size))
        return decode_dicom(bytes, size, job, err);
    return kin_name_unrecognised(name, length, size, err);
}

kin_job kin_job_of(const kin_extractor *extractor, const kin_decode_limits *limits,
                   const kin_decode_wish *wish, const kin_decode_sink *sink)
{
    return (kin_job){.extractor = extractor,
                     .limits = {.max_frame_bytes = limits->max_frame_bytes,
                                .max_total_bytes = limits->max_total_bytes,
                                .max_frames = limits->max_frames},
                     .wish = kin_wish_effective(wish),
                     .sink = sink};
}

kin_status kin_decode_bytes(const kin_extractor *extractor, const void *bytes, size_t size,
                            const char *name, const kin_decode_limits *limits,
                            const kin_decode_wish *wish, const kin_decode_sink *sink,
                            kin_error *err)
{
    kin_status status = kin_wish_check(wish, err);
    if (status != KIN_OK)
        return status;
    kin_decode_limits effective = kin_decode_limits_effective(limits);
    const kin_job job = kin_job_of(extractor, &effective, wish, sink);
    size_t length = name != NULL ? strlen(name) : 0;
    if (size > effective.max_file_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu bytes are over the limit of %zu", size,
                        effective.max_file_bytes);
    bool compressed = kin_unzstd_recognise(bytes, size);
    if (kin_name_ends(name, length, ".zst")) {
        if (!compressed)
            return kin_fail(err, KIN_E_FORMAT, NULL, "not Zstandard, in spite of its name");
        length -= strlen(".zst");
    }
    if (!compressed)
        return decode_plain(bytes, size, name, length, &job, err);

    void *plain = NULL;
    size_t plain_size = 0;
    status = kin_unzstd(bytes, size, effective.max_file_bytes, &plain, &plain_size, err);
    if (status == KIN_OK)
        status = decode_plain(plain, plain_size, name, length, &job, err);
    free(plain);
    return status;
}
