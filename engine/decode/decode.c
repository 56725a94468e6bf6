#include "decode/decode.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "decode/dicom_header.h"
#include "decode/preview.h"
#include "decode/unzstd.h"
#include "decode/wish.h"
#include "dicom/dicom.h"
#include "features/features.h"
#include "features/occlude.h"
#include "image/read.h"

/* A file that has been recognised: where its pictures come from. */
typedef struct kin_pictures {
    int frames;
    kin_status (*read)(const struct kin_pictures *self, int frame, kin_raster *out, kin_error *err);
    kin_dicom *dicom;
    const kin_image_format *format;
    const uint8_t *bytes;
    size_t size;
    kin_image_limits limits;
} kin_pictures;

/* What the caller asked for, on its way through the formats. */
typedef struct kin_job {
    const kin_extractor *extractor;
    kin_image_limits limits;
    kin_decode_wish wish;
    const kin_decode_sink *sink;
} kin_job;

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

/* Reads one frame and describes what is wished for of it.  The preview is the caller's to release,
 * after a failure too. */
static kin_status describe_frame(const kin_pictures *pictures, const kin_job *job, int index,
                                 float *descriptor, kin_preview *preview, kin_decode_frame *frame,
                                 kin_error *err)
{
    const kin_decode_wish *wish = &job->wish;
    kin_raster raster = {0};
    kin_status status = pictures->read(pictures, index, &raster, err);
    *frame = (kin_decode_frame){.index = (uint32_t)index,
                                .width = (uint32_t)raster.width,
                                .height = (uint32_t)raster.height,
                                .descriptor = descriptor,
                                .length = kin_extractor_length(job->extractor)};
    if (status == KIN_OK)
        status = keep_region(&raster, wish, err);
    if (status == KIN_OK)
        status = kin_extractor_describe(job->extractor, &raster, descriptor, err);
    if (status == KIN_OK && wish->occlude > 0) {
        kin_hiding hiding = {.sink = job->sink};
        status = kin_describe_occluded(job->extractor, &raster, NULL, (int)wish->occlude,
                                       &hiding.box, pass_occluded, &hiding, err);
    }
    if (status == KIN_OK && wish->preview_side > 0)
        status = kin_preview_make(&raster, wish->preview_side, preview, err);
    frame->preview = preview->samples;
    frame->preview_width = preview->width;
    frame->preview_height = preview->height;
    frame->preview_channels = preview->channels;
    kin_raster_release(&raster);
    return status;
}

static kin_status decode_frame(const kin_pictures *pictures, const kin_job *job, int index,
                               float *descriptor, kin_error *err)
{
    kin_error reason;
    kin_error_clear(&reason);
    kin_preview preview = {0};
    kin_decode_frame frame;
    kin_status status = describe_frame(pictures, job, index, descriptor, &preview, &frame, &reason);
    if (status == KIN_OK)
        status = job->sink->frame(job->sink->ctx, &frame, err);
    else if (pictures->frames > 1)
        kin_fail(err, status, NULL, "frame %d of %d: %s", index + 1, pictures->frames,
                 reason.message);
    else
        kin_fail(err, status, NULL, "%s", reason.message);
    kin_preview_release(&preview);
    return status;
}

static kin_status decode_frames(const kin_pictures *pictures, const kin_job *job, kin_error *err)
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
        status = decode_frames(&pictures, job, err);
    return status;
}

static kin_status send_dicom_header(const kin_dicom_header *header, const kin_decode_sink *sink,
                                    kin_error *err)
{
    kin_header_builder *builder = kin_header_builder_new();
    if (builder == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a header");
    kin_header_of_dicom(header, builder);
    kin_status status = sink->header(sink->ctx, kin_header_borrow(builder), err);
    kin_header_builder_free(builder);
    return status;
}

static kin_status decode_dicom(const void *bytes, size_t size, const kin_job *job, kin_error *err)
{
    const kin_image_limits *limits = &job->limits;
    kin_pictures pictures = {.read = read_dicom, .limits = *limits};
    kin_status status = kin_dicom_open(bytes, size, limits, &pictures.dicom, err);
    if (status != KIN_OK)
        return status;
    const kin_dicom_header *header = kin_dicom_header_borrow(pictures.dicom);
    pictures.frames = header->frames;
    if (header->kind != KIN_DICOM_IMAGE)
        status = kin_fail(err, KIN_E_NO_IMAGE, NULL, "%s",
                          header->kind_reason[0] != '\0' ? header->kind_reason : "no pixels");
    else if (header->frames < 1)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "no frames");
    else if (header->frames > limits->max_frames)
        status = kin_fail(err, KIN_E_LIMIT, NULL, "%d frames are over the limit of %d",
                          header->frames, limits->max_frames);
    if (status == KIN_OK)
        status = send_dicom_header(header, job->sink, err);
    if (status == KIN_OK)
        status = decode_frames(&pictures, job, err);
    kin_dicom_close(pictures.dicom);
    return status;
}

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length >= n && strncasecmp(name + length - n, ending, n) == 0;
}

/* What to say of bytes that no format recognises, by what the first `length` bytes of name
 * promise. */
static kin_status unrecognised(const char *name, size_t length, size_t size, kin_error *err)
{
    static const char *const promises[] = {".dcm",  ".dicom", ".png", ".jpg",
                                           ".jpeg", ".tif",   ".tiff"};
    const char *what = size == 0 ? "an empty file" : "of no format that is known";
    for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++)
        if (ends_with(name, length, promises[i]))
            return kin_fail(err, KIN_E_FORMAT, NULL, "%s, in spite of its name", what);
    return kin_fail(err, KIN_E_NO_IMAGE, NULL, "%s", what);
}

/* Bytes as they are, without compression around them. */
static kin_status decode_plain(const void *bytes, size_t size, const char *name, size_t length,
                               const kin_job *job, kin_error *err)
{
    /* A file may be DICOM and TIFF at once (PS3.10 annex on whole-slide images, by way of the
     * preamble): DICOM says more.  Data sets without a preamble are recognised by plausibility, so
     * they come after the formats with a signature. */
    static const size_t preamble = 128;
    bool has_preamble =
        size >= preamble + 4 && memcmp((const char *)bytes + preamble, "DICM", 4) == 0;
    const kin_image_format *format = has_preamble ? NULL : kin_image_format_of(bytes, size);
    if (format != NULL)
        return decode_format(format, bytes, size, job, err);
    if (kin_dicom_recognise(bytes, size))
        return decode_dicom(bytes, size, job, err);
    return unrecognised(name, length, size, err);
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
    const kin_job job = {.extractor = extractor,
                         .limits = {.max_frame_bytes = effective.max_frame_bytes,
                                    .max_total_bytes = effective.max_total_bytes,
                                    .max_frames = effective.max_frames},
                         .wish = kin_wish_effective(wish),
                         .sink = sink};
    size_t length = name != NULL ? strlen(name) : 0;
    if (size > effective.max_file_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu bytes are over the limit of %zu", size,
                        effective.max_file_bytes);
    bool compressed = kin_unzstd_recognise(bytes, size);
    if (ends_with(name, length, ".zst")) {
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
