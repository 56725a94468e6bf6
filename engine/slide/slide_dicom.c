/* slide_dicom.c - a VL Whole Slide Microscopy file as a slide of one level. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tiles.h"
#include "slide/backend.h"

typedef struct dicom_slide {
    kin_dicom *dicom; /* borrowed */
    kin_dicom_tiles *tiles;
    kin_raster last; /* the tile decoded last: neighbouring regions share tiles */
    int last_frame;  /* -1: none */
} dicom_slide;

static double sample_at(const kin_samples *samples, size_t i)
{
    switch (samples->type) {
    case KIN_SAMPLE_U8:
        return ((const uint8_t *)samples->data)[i];
    case KIN_SAMPLE_U16:
        return ((const uint16_t *)samples->data)[i];
    case KIN_SAMPLE_U32:
        return ((const uint32_t *)samples->data)[i];
    default:
        return NAN;
    }
}

/* Grey tiles by the full range of their bits: a window of each tile's own would tear the slide
 * apart. */
static kin_status decode_grey(dicom_slide *self, int frame, kin_raster *out, kin_error *err)
{
    const kin_dicom_header *h = kin_dicom_header_borrow(self->dicom);
    bool inverted = strcmp(h->photometric_interpretation, "MONOCHROME1") == 0;
    double largest = ldexp(1, h->bits_stored) - 1;
    kin_samples samples;
    kin_status status = kin_dicom_read_samples(self->dicom, frame, &samples, err);
    if (status != KIN_OK)
        return status;
    if (samples.type != KIN_SAMPLE_U8 && samples.type != KIN_SAMPLE_U16 &&
        samples.type != KIN_SAMPLE_U32)
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a slide of signed or real samples");
    if (status == KIN_OK)
        status = kin_raster_init(out, samples.width, samples.height, 1, err);
    size_t count = (size_t)samples.width * (size_t)samples.height;
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        double v = sample_at(&samples, i) / largest;
        out->px[i] = (float)(inverted ? 1 - v : v);
    }
    free(samples.data);
    return status;
}

/* Decodes a frame into self->last, unless it is there. */
static kin_status decode_tile(dicom_slide *self, int frame, kin_error *err)
{
    if (self->last_frame == frame)
        return KIN_OK;
    kin_error reason;
    kin_error_clear(&reason);
    kin_raster_release(&self->last);
    self->last_frame = -1;
    bool grey = kin_dicom_header_borrow(self->dicom)->samples_per_pixel == 1 &&
                strncmp(kin_dicom_header_borrow(self->dicom)->photometric_interpretation,
                        "MONOCHROME", strlen("MONOCHROME")) == 0;
    kin_status status = grey ? decode_grey(self, frame, &self->last, &reason)
                             : kin_dicom_render(self->dicom, frame, &self->last, &reason);
    if (status != KIN_OK)
        return kin_fail(err, status, NULL, "tile %d: %s", frame + 1, reason.message);
    self->last_frame = frame;
    return KIN_OK;
}

/* Copies what tile (its left upper pixel at tile_x, tile_y of the level) has of the region at x,
 * y. */
static void copy_overlap(const kin_raster *tile, int64_t tile_x, int64_t tile_y, int64_t x,
                         int64_t y, kin_raster *out)
{
    int64_t left = tile_x > x ? tile_x : x, top = tile_y > y ? tile_y : y;
    int64_t right = tile_x + tile->width < x + out->width ? tile_x + tile->width : x + out->width;
    int64_t bottom =
        tile_y + tile->height < y + out->height ? tile_y + tile->height : y + out->height;
    size_t channels = (size_t)out->channels;
    for (int64_t row = top; row < bottom && left < right; row++) {
        const float *from =
            tile->px +
            ((size_t)(row - tile_y) * (size_t)tile->width + (size_t)(left - tile_x)) * channels;
        float *to =
            out->px + ((size_t)(row - y) * (size_t)out->width + (size_t)(left - x)) * channels;
        memcpy(to, from, (size_t)(right - left) * channels * sizeof *to);
    }
}

/* What lies beyond the matrix is padding of the tiles at its edge, not picture (C.8.12.4.1.1). */
static void blank_beyond(const kin_dicom_tiling *tiling, int64_t x, int64_t y, kin_raster *out)
{
    float background = out->channels == 3 ? 1 : 0;
    size_t channels = (size_t)out->channels;
    for (int row = 0; row < out->height; row++) {
        int64_t kept = y + row < tiling->rows ? tiling->columns - x : 0;
        float *line = out->px + (size_t)row * (size_t)out->width * channels;
        for (size_t i = (size_t)(kept > 0 ? kept : 0) * channels; i < (size_t)out->width * channels;
             i++)
            line[i] = background;
    }
}

static kin_status read_region(void *state, size_t level, int64_t x, int64_t y, kin_raster *out,
                              kin_error *err)
{
    (void)level; /* the only one */
    dicom_slide *self = state;
    kin_status status = KIN_OK;
    size_t count, i = 0;
    const kin_dicom_tile *tiles = kin_dicom_tiles_borrow(self->tiles, &count);
    while (status == KIN_OK &&
           (i = kin_dicom_tiles_next(self->tiles, i, x, y, out->width, out->height)) != SIZE_MAX) {
        status = decode_tile(self, tiles[i].frame, err);
        if (status == KIN_OK && self->last.channels != out->channels)
            status = kin_fail(err, KIN_E_FORMAT, NULL, "tile %d is not coloured as the slide is",
                              tiles[i].frame + 1);
        if (status == KIN_OK)
            copy_overlap(&self->last, tiles[i].x, tiles[i].y, x, y, out);
        i++;
    }
    if (status == KIN_OK)
        blank_beyond(kin_dicom_tiling_borrow(self->tiles), x, y, out);
    return status;
}

static bool has_region(const void *state, size_t level, int64_t x, int64_t y, int64_t width,
                       int64_t height)
{
    (void)level;
    const dicom_slide *self = state;
    return kin_dicom_tiles_next(self->tiles, 0, x, y, width, height) != SIZE_MAX;
}

static void close_slide(void *state)
{
    dicom_slide *self = state;
    kin_dicom_tiles_free(self->tiles);
    kin_raster_release(&self->last);
    free(self);
}

static const kin_slide_backend backend = {
    .read = read_region, .has = has_region, .close = close_slide};

/* Only tissue at its finest is a slide: see slide.h. */
static kin_status check_flavour(const kin_dicom_tiling *tiling, kin_error *err)
{
    static const char *const others[] = {[KIN_FLAVOUR_LABEL] = "a slide's label",
                                         [KIN_FLAVOUR_OVERVIEW] = "a slide's overview",
                                         [KIN_FLAVOUR_THUMBNAIL] = "a slide's thumbnail"};
    if (tiling->flavour != KIN_FLAVOUR_VOLUME)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "%s", others[tiling->flavour]);
    if (tiling->resampled)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL,
                        "a slide's coarser level (its finest one is searched)");
    return KIN_OK;
}

static void describe(const kin_dicom_header *header, const kin_dicom_tiling *tiling,
                     kin_slide_info *info)
{
    bool colour = header->samples_per_pixel == 3 ||
                  strcmp(header->photometric_interpretation, "PALETTE COLOR") == 0;
    *info = (kin_slide_info){.format = "dicom",
                             .channels = colour ? 3 : 1,
                             .objective_power = tiling->objective_power,
                             .level_count = 1};
    info->levels[0] = (kin_slide_level){.width = tiling->columns,
                                        .height = tiling->rows,
                                        .downsample = 1,
                                        .block_width = tiling->tile_width,
                                        .block_height = tiling->tile_height};
    kin_slide_settle_mpp(info, tiling->mpp_x, tiling->mpp_y);
}

kin_status kin_slide_open_dicom(kin_dicom *dicom, const kin_image_limits *limits, kin_slide **out,
                                kin_error *err)
{
    *out = NULL;
    kin_slide_info info;
    dicom_slide *self = calloc(1, sizeof *self);
    if (self == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a slide");
    self->dicom = dicom;
    self->last_frame = -1;
    kin_status status = kin_dicom_tiles_new(dicom, &self->tiles, err);
    if (status == KIN_OK)
        status = check_flavour(kin_dicom_tiling_borrow(self->tiles), err);
    if (status != KIN_OK) {
        close_slide(self);
        return status;
    }
    describe(kin_dicom_header_borrow(dicom), kin_dicom_tiling_borrow(self->tiles), &info);
    return kin_slide_new(&backend, self, &info, limits, out, err);
}
