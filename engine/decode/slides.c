#include "decode/slides.h"

#include "decode/dicom_header.h"
#include "slide/mosaic.h"

/* A slide as pictures. */
typedef struct kin_slide_source {
    kin_slide *slide;
    kin_mosaic mosaic;
    kin_mosaic_place place;      /* of the tile that was read last */
    const kin_decode_sink *sink; /* that the frames are for */
} kin_slide_source;

static const char *const mpp_sources[] = {
    [KIN_MPP_STATED] = "stated", [KIN_MPP_OBJECTIVE] = "objective", [KIN_MPP_ASSUMED] = "assumed"};

static kin_status read_tile(const kin_pictures *pictures, int frame, kin_raster *out,
                            kin_error *err)
{
    kin_slide_source *source = pictures->slide;
    kin_status status =
        kin_mosaic_read(source->slide, &source->mosaic, (size_t)frame, out, &source->place, err);
    if (status == KIN_OK)
        kin_raster_collapse_grey(out); /* the other readers do so */
    return status;
}

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    const kin_decode_sink *sink = ((kin_slide_source *)ctx)->sink;
    return sink->header(sink->ctx, header, err);
}

/* Says where on the slide a frame lies: it is of the tile that was read last. */
static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    const kin_slide_source *source = ctx;
    const kin_decode_tile tile = {.x = (uint64_t)source->place.x,
                                  .y = (uint64_t)source->place.y,
                                  .level = (uint32_t)source->place.level,
                                  .mpp = source->place.mpp};
    kin_decode_frame placed = *frame;
    placed.tile = &tile;
    return source->sink->frame(source->sink->ctx, &placed, err);
}

static kin_status on_occluded(void *ctx, const kin_decode_occluded *occluded, kin_error *err)
{
    const kin_decode_sink *sink = ((kin_slide_source *)ctx)->sink;
    return sink->occluded(sink->ctx, occluded, err);
}

static kin_status step(void *ctx, kin_error *err)
{
    const kin_decode_sink *sink = ((kin_slide_source *)ctx)->sink;
    return sink->working != NULL ? sink->working(sink->ctx, err) : KIN_OK;
}

static void add_slide(const kin_slide_source *source, kin_header_builder *builder)
{
    const kin_slide_info *info = kin_slide_info_borrow(source->slide);
    const kin_slide_level *finest = &info->levels[0];
    kin_header_add(builder, "slide_format", info->format);
    kin_header_addf(builder, "slide_width", "%lld", (long long)finest->width);
    kin_header_addf(builder, "slide_height", "%lld", (long long)finest->height);
    kin_header_addf(builder, "slide_mpp", "%.6g", finest->mpp_x);
    kin_header_add(builder, "slide_mpp_source", mpp_sources[info->mpp_source]);
    if (info->objective_power > 0)
        kin_header_addf(builder, "slide_objective_power", "%g", info->objective_power);
    kin_header_addf(builder, "slide_tiles", "%zu", source->mosaic.candidates);
}

static kin_status send_header(const kin_slide_source *source, const kin_dicom_header *dicom,
                              kin_error *err)
{
    kin_header_builder *builder = kin_header_builder_new();
    int frames = (int)source->mosaic.count;
    if (builder == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a header");
    if (dicom != NULL) {
        kin_header_of_dicom(dicom, frames, builder); /* the mosaic's, not the file's */
    } else {
        kin_header_begin(
            builder, &(kin_decode_header){.format = "slide", .modality = "SM", .frames = frames});
        kin_header_addf(builder, "number_of_frames", "%d", frames);
    }
    add_slide(source, builder);
    kin_status status = on_header((void *)(uintptr_t)source, kin_header_borrow(builder), err);
    kin_header_builder_free(builder);
    return status;
}

/* A slide's tiles are ours, not the file's frames: what is marked on those means nothing here. */
static kin_status check_wish(const kin_decode_wish *wish, kin_error *err)
{
    if (wish->region_count > 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "lesions on whole slides are not described");
    if (wish->as_mask)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a whole slide is no mask");
    return KIN_OK;
}

kin_status kin_decode_slide(kin_slide *slide, const kin_dicom_header *dicom, const kin_job *job,
                            kin_error *err)
{
    kin_slide_source source = {.slide = slide, .sink = job->sink};
    const kin_slide_watch watch = {.step = step, .ctx = &source};
    kin_status status = check_wish(&job->wish, err);
    if (status == KIN_OK)
        status = kin_mosaic_make(slide, NULL, &watch, &source.mosaic, err);
    if (status == KIN_OK)
        status = send_header(&source, dicom, err);
    if (status == KIN_OK) {
        const kin_decode_sink sink = {.header = on_header,
                                      .frame = on_frame,
                                      .occluded = job->sink->occluded != NULL ? on_occluded : NULL,
                                      .ctx = &source};
        kin_job placed = *job;
        placed.sink = &sink;
        const kin_pictures pictures = {.frames = (int)source.mosaic.count,
                                       .read = read_tile,
                                       .limits = job->limits,
                                       .slide = &source};
        status = kin_decode_pictures(&pictures, &placed, err);
    }
    kin_mosaic_release(&source.mosaic);
    kin_slide_close(slide);
    return status;
}
