#include "archive/explain.h"

#include <stdlib.h>
#include <string.h>

#include "archive/file_digest.h"
#include "archive/internal.h"
#include "archive/preview.h"
#include "image/write.h"

/* Where what a decoder says of one frame goes. */
typedef struct kin_explaining {
    kin_explained *out;
    size_t length;      /* floats of a descriptor */
    float *descriptors; /* of the cells, then of the whole */
    bool of_region;     /* the whole is a region of the frame */
    bool complete;
    kin_box box; /* what the grid covers, in pixels of the frame */
} kin_explaining;

void kin_explained_release(kin_explained *explained)
{
    kin_raster_release(&explained->picture);
    free(explained->whole);
    free(explained->hidden);
    memset(explained, 0, sizeof *explained);
}

static kin_status take_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

static kin_status take_occluded(void *ctx, const kin_decode_occluded *occluded, kin_error *err)
{
    kin_explaining *work = ctx;
    (void)err;
    work->box =
        (kin_box){(int)occluded->x, (int)occluded->y, (int)occluded->width, (int)occluded->height};
    memcpy(work->descriptors + work->length * occluded->cell, occluded->descriptor,
           work->length * sizeof(float));
    return KIN_OK;
}

static kin_status take_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    kin_explaining *work = ctx;
    kin_explained *out = work->out;
    const float *whole = frame->descriptor;
    if (work->of_region) {
        if (frame->region_count == 0)
            return kin_fail(err, KIN_E_ARG, NULL, "the region is not on the frame");
        whole = frame->regions[0].descriptor;
    }
    memcpy(work->descriptors + work->length * KIN_EXPLAIN_CELLS, whole,
           work->length * sizeof(float));
    kin_status status = kin_preview_raster(frame, &out->picture, err);
    if (status != KIN_OK)
        return status;
    double across = (double)out->picture.width / frame->width;
    double down = (double)out->picture.height / frame->height;
    out->x = work->box.x * across;
    out->y = work->box.y * down;
    out->width = work->box.width * across;
    out->height = work->box.height * down;
    work->complete = true;
    return KIN_OK;
}

/* Embeds what was described under the model that serves. */
static kin_status embed(kin_archive *archive, const kin_explaining *work, kin_error *err)
{
    kin_explained *out = work->out;
    kin_snapshot snapshot;
    kin_status status = kin_snapshot_open(archive, &snapshot, err);
    if (status != KIN_OK)
        return status;
    const kin_embedder *embedder = snapshot.state->embedder;
    out->dim = kin_embedder_dim(embedder);
    out->whole = calloc(out->dim, sizeof *out->whole);
    out->hidden = calloc(out->dim, KIN_EXPLAIN_CELLS * sizeof *out->hidden);
    if (out->whole == NULL || out->hidden == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to embed what is hidden");
    if (status == KIN_OK)
        status =
            kin_embedder_apply(embedder, work->descriptors, KIN_EXPLAIN_CELLS, out->hidden, err);
    if (status == KIN_OK)
        status = kin_embedder_apply(embedder, work->descriptors + work->length * KIN_EXPLAIN_CELLS,
                                    1, out->whole, err);
    kin_snapshot_close(&snapshot);
    return status;
}

/* A file to look at: at a path, or in memory. */
typedef struct kin_explain_source {
    const char *name; /* the path, where bytes is NULL */
    const void *bytes;
    size_t size;
    uint32_t frame;
    const kin_region *regions;
    size_t region_count;
} kin_explain_source;

static kin_status explain(kin_archive *archive, kin_decoder *decoder,
                          const kin_explain_source *source, kin_explained *out, kin_error *err)
{
    kin_explaining work = {.out = out,
                           .length = kin_archive_features_borrow(archive)->length,
                           .of_region = source->region_count > 0};
    const kin_decode_sink sink = {
        .header = take_header, .frame = take_frame, .occluded = take_occluded, .ctx = &work};
    const kin_decode_wish wish = {.one_frame = true,
                                  .frame = source->frame,
                                  .preview_side = KIN_DECODE_PREVIEW_MAX,
                                  .regions = source->regions,
                                  .region_count = source->region_count,
                                  .occlude = KIN_EXPLAIN_GRID};
    memset(out, 0, sizeof *out);
    work.descriptors = calloc(work.length, (KIN_EXPLAIN_CELLS + 1) * sizeof(float));
    if (work.descriptors == NULL)
        return kin_fail(err, KIN_E_NOMEM, source->name, "no memory to explain");
    kin_status status = source->bytes != NULL
                            ? kin_decoder_run_bytes(decoder, source->bytes, source->size,
                                                    source->name, &wish, &sink, err)
                            : kin_decoder_run(decoder, source->name, &wish, &sink, err);
    if (status == KIN_OK && !work.complete)
        status = kin_fail(err, KIN_E_NOT_FOUND, source->name, "the file has no frame %u",
                          (unsigned)source->frame);
    if (status == KIN_OK)
        status = embed(archive, &work, err);
    free(work.descriptors);
    if (status != KIN_OK)
        kin_explained_release(out);
    return status;
}

kin_status kin_explain_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                            uint32_t frame, const kin_region *regions, size_t region_count,
                            kin_explained *out, kin_error *err)
{
    const kin_explain_source source = {
        .name = path, .frame = frame, .regions = regions, .region_count = region_count};
    return explain(archive, decoder, &source, out, err);
}

/* The box of a stored region; false for a record of a whole image. */
static bool region_box(const kin_record *record, double box[4])
{
    static const char *const names[4] = {KIN_LABEL_REGION_X, KIN_LABEL_REGION_Y,
                                          KIN_LABEL_REGION_WIDTH, KIN_LABEL_REGION_HEIGHT};
    for (int i = 0; i < 4; i++) {
        char scratch[KIN_RECORD_SCRATCH];
        const char *text = kin_record_value(record, names[i], scratch);
        if (record->region == 0 || text == NULL)
            return false;
        box[i] = strtod(text, NULL);
    }
    return box[2] > 0 && box[3] > 0;
}

/* Where a stored region lies, as an outline, in the pixels of a picture `across` and `down` times
 * as large as the frame. */
typedef struct kin_boxed {
    double corners[8];
    kin_shape shape;
    kin_region region;
} kin_boxed;

static void box_outline(kin_boxed *out, const double box[4], double across, double down)
{
    double left = box[0] * across, top = box[1] * down;
    double right = (box[0] + box[2]) * across, bottom = (box[1] + box[3]) * down;
    const double corners[8] = {left, top, right, top, right, bottom, left, bottom};
    memcpy(out->corners, corners, sizeof corners);
    out->shape = (kin_shape){.kind = KIN_SHAPE_OUTLINE, .points = out->corners, .count = 4};
    out->region =
        (kin_region){.frame = KIN_REGION_ANY_FRAME, .shapes = &out->shape, .shape_count = 1};
}

/* A row that was made of the frame at its path as it is there, and not of a slide's tile. */
static bool is_of_its_file(const kin_record *record)
{
    char scratch[KIN_RECORD_SCRATCH];
    kin_digest digest;
    if (record->uploaded || kin_record_value(record, "tile_x", scratch) != NULL)
        return false;
    return kin_file_digest(record->path, &digest, NULL) == KIN_OK &&
           memcmp(&digest, &record->file, sizeof digest) == 0;
}

static kin_status explain_preview(kin_archive *archive, kin_decoder *decoder,
                                  const kin_record *record, kin_explained *out, kin_error *err)
{
    kin_raster preview = {0};
    void *png = NULL;
    size_t size = 0;
    double box[4];
    kin_boxed boxed;
    kin_explain_source source = {.name = record->sop_instance_uid};
    kin_status status =
        kin_archive_preview(archive, record->sop_instance_uid, record->frame, &preview, err);
    if (status == KIN_OK)
        status = kin_image_encode_png(&preview, &png, &size, err);
    if (status == KIN_OK && region_box(record, box)) {
        box_outline(&boxed, box, (double)preview.width / record->width,
                    (double)preview.height / record->height);
        source.regions = &boxed.region;
        source.region_count = 1;
    }
    source.bytes = png;
    source.size = size;
    if (status == KIN_OK)
        status = explain(archive, decoder, &source, out, err);
    out->from_preview = status == KIN_OK;
    free(png);
    kin_raster_release(&preview);
    return status;
}

kin_status kin_explain_stored(kin_archive *archive, kin_decoder *decoder, const kin_record *record,
                              kin_explained *out, kin_error *err)
{
    kin_explain_source source = {.name = record->path, .frame = record->frame};
    double box[4];
    kin_boxed boxed;
    memset(out, 0, sizeof *out);
    if (region_box(record, box)) {
        box_outline(&boxed, box, 1, 1);
        source.regions = &boxed.region;
        source.region_count = 1;
    }
    if (is_of_its_file(record) && explain(archive, decoder, &source, out, NULL) == KIN_OK)
        return KIN_OK;
    return explain_preview(archive, decoder, record, out, err);
}

static double inner(const float *a, const float *b, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

void kin_explain_agreement(const kin_explained *one, const kin_explained *other,
                           float falls[KIN_EXPLAIN_CELLS])
{
    double whole = inner(one->whole, other->whole, one->dim);
    for (size_t cell = 0; cell < KIN_EXPLAIN_CELLS; cell++)
        falls[cell] = (float)(whole - inner(one->hidden + cell * one->dim, other->whole, one->dim));
}
