/* TIFF and BigTIFF by libtiff: strips and tiles, either planar configuration, every page. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "image/read_formats.h"
#include "image/read_tiff_file.h"
#include "image/read_tiff_samples.h"

static const double MM_PER_INCH = 25.4, MM_PER_CM = 10;

/* What a page says about itself. */
struct tiff_page {
    uint32_t width, height;
    uint16_t samples, photometric, planar, compression, alpha_kind;
    kin_tiff_sample sample;
    int colours;                /* channels of the raster: 1 or 3 */
    const uint16_t *palette[3]; /* of a palette image; owned by libtiff */
    float palette_max;
    bool by_rgba; /* colour spaces that only TIFFReadRGBAImage converts */
};

/* The blocks (strips or tiles) that a page is cut into. */
struct tiff_blocks {
    bool tiled;
    uint32_t width, height; /* pixels of a full block */
    size_t row_bytes, bytes;
    size_t samples; /* per pixel in one block: all, or 1 where planes are separate */
};

static int tiff_recognise(const uint8_t *bytes, size_t size)
{
    /* Byte order, then 42 (TIFF) or 43 (BigTIFF). */
    return size >= 8 && (memcmp(bytes, "II\x2A\0", 4) == 0 || memcmp(bytes, "MM\0\x2A", 4) == 0 ||
                         memcmp(bytes, "II\x2B\0", 4) == 0 || memcmp(bytes, "MM\0\x2B", 4) == 0);
}

/* Adds what the current page would take as floats to *total. */
static kin_status claim_page(TIFF *tiff, const kin_image_limits *limits, size_t *total,
                             kin_error *err)
{
    uint32_t width = 0, height = 0;
    size_t bytes;
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    if (!kin_mul_size(width, height, &bytes) || !kin_mul_size(bytes, sizeof(float), &bytes) ||
        !kin_add_size(*total, bytes, total) || *total > limits->max_total_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "TIFF: pages add up to over %zu bytes",
                        limits->max_total_bytes);
    return KIN_OK;
}

static kin_status tiff_pages(const uint8_t *bytes, size_t size, const kin_image_limits *limits,
                             int *count, kin_error *err)
{
    kin_tiff_file file;
    kin_image_limits effective = kin_image_limits_effective(limits);
    size_t total = 0;
    *count = 0;
    kin_status status = kin_tiff_open(&file, bytes, size, &effective, err);
    while (status == KIN_OK) {
        if (*count >= effective.max_frames) {
            status =
                kin_fail(err, KIN_E_LIMIT, NULL, "TIFF: more than %d pages", effective.max_frames);
            break;
        }
        status = claim_page(file.tiff, &effective, &total, err);
        (*count)++;
        if (status != KIN_OK || TIFFLastDirectory(file.tiff))
            break;
        file.message[0] = '\0';
        if (!TIFFReadDirectory(file.tiff)) /* also what libtiff answers to a loop of pages */
            status = kin_tiff_malformed(&file, err);
    }
    kin_tiff_close(&file);
    return status;
}

static enum kin_tiff_number number_of(uint16_t sample_format)
{
    switch (sample_format) {
    case SAMPLEFORMAT_INT:
        return KIN_TIFF_SIGNED;
    case SAMPLEFORMAT_IEEEFP:
        return KIN_TIFF_FLOAT;
    default: /* SAMPLEFORMAT_VOID is "unknown", for readers unsigned (TIFF 6.0 section 19) */
        return KIN_TIFF_UNSIGNED;
    }
}

static bool find_palette(TIFF *tiff, struct tiff_page *page)
{
    uint16_t *maps[3];
    if (page->samples != 1 || !kin_tiff_sample_has_scale(page->sample) ||
        !TIFFGetField(tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2]))
        return false;
    uint16_t most = 0;
    for (int c = 0; c < 3; c++) {
        page->palette[c] = maps[c];
        for (size_t i = 0; i < (size_t)1 << page->sample.bits; i++)
            most = maps[c][i] > most ? maps[c][i] : most;
    }
    /* Old writers left 8-bit values in the 16-bit map. */
    page->palette_max = most > 255 ? 65535.0f : 255.0f;
    return true;
}

/* Decides how many channels come out and by which way; false when no way is known. */
static bool classify(TIFF *tiff, struct tiff_page *page)
{
    page->colours = 1;
    switch (page->photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
        return kin_tiff_sample_supported(page->sample);
    case PHOTOMETRIC_RGB:
        page->colours = 3;
        return page->samples >= 3 && kin_tiff_sample_supported(page->sample);
    case PHOTOMETRIC_PALETTE:
        page->colours = 3;
        return find_palette(tiff, page);
    case PHOTOMETRIC_YCBCR:
        page->colours = 3;
        if (page->compression == COMPRESSION_JPEG && page->planar == PLANARCONFIG_CONTIG) {
            TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
            return page->samples == 3 && page->sample.bits == 8;
        }
        page->by_rgba = true;
        return true;
    case PHOTOMETRIC_SEPARATED:
    case PHOTOMETRIC_CIELAB:
        page->colours = 3;
        page->by_rgba = true;
        return true;
    default:
        return false;
    }
}

static kin_status read_page(TIFF *tiff, const kin_image_limits *limits, struct tiff_page *page,
                            kin_error *err)
{
    uint16_t bits = 1, format = SAMPLEFORMAT_UINT, extras = 0, *kinds = NULL;
    memset(page, 0, sizeof *page);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page->planar);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page->compression);
    page->photometric = page->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->photometric);
    if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds) && extras > 0)
        page->alpha_kind = kinds[0];
    page->sample = (kin_tiff_sample){number_of(format), bits};
    kin_status status = kin_image_check_frame(page->width, page->height, 3, limits, err);
    if (status != KIN_OK)
        return status;
    if (page->samples == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "TIFF: image without samples");
    if (!TIFFIsCODECConfigured(page->compression) || page->compression == COMPRESSION_OJPEG ||
        !classify(tiff, page))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "TIFF: compression %u, photometric %u, %u x %u bits, format %u",
                        page->compression, page->photometric, page->samples, bits, format);
    return KIN_OK;
}

static kin_status find_blocks(TIFF *tiff, const struct tiff_page *page,
                              const kin_image_limits *limits, struct tiff_blocks *blocks,
                              kin_error *err)
{
    uint64_t bytes, row_bits;
    memset(blocks, 0, sizeof *blocks);
    blocks->tiled = TIFFIsTiled(tiff);
    blocks->samples = page->planar == PLANARCONFIG_SEPARATE ? 1 : page->samples;
    if (blocks->tiled) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &blocks->width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &blocks->height);
        bytes = TIFFTileSize64(tiff);
        blocks->row_bytes = (size_t)TIFFTileRowSize64(tiff);
    } else {
        blocks->width = page->width;
        TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &blocks->height);
        if (blocks->height > page->height)
            blocks->height = page->height;
        bytes = TIFFStripSize64(tiff);
        blocks->row_bytes = (size_t)TIFFScanlineSize64(tiff);
    }
    blocks->bytes = (size_t)bytes;
    if (bytes == 0 || blocks->width == 0 || blocks->height == 0 || blocks->row_bytes == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "TIFF: empty strips or tiles");
    /* All blocks together, too: tiles may be far larger than the image that they cover. */
    size_t all, count = blocks->tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
    if (!kin_mul_size(blocks->bytes, count, &all) || all > limits->max_frame_bytes)
        return kin_fail(err, KIN_E_LIMIT, NULL, "TIFF: strips or tiles of over %zu bytes",
                        limits->max_frame_bytes);
    row_bits = (uint64_t)blocks->width * blocks->samples * (uint64_t)page->sample.bits;
    if ((row_bits + 7) / 8 > blocks->row_bytes ||
        blocks->row_bytes > blocks->bytes / blocks->height)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "TIFF: strips or tiles contradict the image's size");
    return KIN_OK;
}

/* One row of a block into the raster: `plane` is the first sample that the block holds. */
static void place_row(const struct tiff_page *page, const struct tiff_blocks *blocks, size_t plane,
                      const uint8_t *row, size_t pixels, float *out)
{
    size_t colours = (size_t)page->colours;
    for (size_t x = 0; x < pixels; x++, out += colours) {
        if (page->palette[0] != NULL) {
            uint32_t index = kin_tiff_index_at(row, x, page->sample.bits);
            for (size_t c = 0; c < 3; c++)
                out[c] = (float)page->palette[c][index] / page->palette_max;
            continue;
        }
        size_t first = x * blocks->samples;
        bool alpha_here = page->alpha_kind == EXTRASAMPLE_UNASSALPHA &&
                          page->samples > page->colours && kin_tiff_sample_has_scale(page->sample);
        if (blocks->samples == 1 && page->samples > 1) { /* separate planes, in order */
            float v = kin_tiff_sample_at(row, x, page->sample);
            if (plane < colours)
                out[plane] = v;
            else if (plane == colours && alpha_here)
                for (size_t c = 0; c < colours; c++)
                    out[c] *= v;
            continue;
        }
        float opacity = alpha_here ? kin_tiff_sample_at(row, first + colours, page->sample) : 1.0f;
        for (size_t c = 0; c < colours; c++)
            out[c] = kin_tiff_sample_at(row, first + c, page->sample) * opacity;
    }
}

/* Decodes the block at x, y into buf; false when it is damaged or short of the rows wanted. */
static bool decode_block(TIFF *tiff, const struct tiff_blocks *blocks, uint32_t x, uint32_t y,
                         uint16_t plane, uint32_t rows, uint8_t *buf)
{
    tmsize_t want = (tmsize_t)blocks->bytes, got;
    if (blocks->tiled)
        got = TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, plane), buf, want);
    else
        got = TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, plane), buf, want);
    return got >= 0 && (size_t)got >= rows * blocks->row_bytes;
}

static kin_status read_blocks(kin_tiff_file *file, const struct tiff_page *page,
                              const kin_image_limits *limits, kin_raster *out, kin_error *err)
{
    struct tiff_blocks blocks;
    kin_status status = find_blocks(file->tiff, page, limits, &blocks, err);
    if (status != KIN_OK)
        return status;
    uint8_t *buf = malloc(blocks.bytes);
    if (buf == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read a TIFF");
    int planes = page->planar == PLANARCONFIG_SEPARATE ? page->samples : 1;
    if (planes > page->colours + 1)
        planes = page->colours + 1; /* further samples are not shown */
    size_t colours = (size_t)page->colours;
    for (int plane = 0; plane < planes; plane++) {
        for (uint64_t y = 0; y < page->height; y += blocks.height) {
            uint64_t rows = page->height - y < blocks.height ? page->height - y : blocks.height;
            for (uint64_t x = 0; x < page->width; x += blocks.width) {
                uint64_t pixels = page->width - x < blocks.width ? page->width - x : blocks.width;
                if (!decode_block(file->tiff, &blocks, (uint32_t)x, (uint32_t)y, (uint16_t)plane,
                                  (uint32_t)rows, buf)) {
                    status = kin_tiff_malformed(file, err);
                    goto end;
                }
                for (uint64_t r = 0; r < rows; r++)
                    place_row(page, &blocks, (size_t)plane, buf + r * blocks.row_bytes, pixels,
                              out->px + ((y + r) * page->width + x) * colours);
            }
        }
    }
end:
    free(buf);
    return status;
}

static kin_status read_by_rgba(kin_tiff_file *file, const struct tiff_page *page, kin_raster *out,
                               kin_error *err)
{
    size_t n = (size_t)page->width * page->height;
    uint32_t *packed = malloc(n * sizeof *packed); /* n floats have passed the frame's limit */
    if (packed == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to read a TIFF");
    kin_status status = KIN_OK;
    if (!TIFFReadRGBAImageOriented(file->tiff, page->width, page->height, packed,
                                   ORIENTATION_TOPLEFT, 1)) {
        status = kin_tiff_malformed(file, err);
    } else {
        for (size_t i = 0; i < n; i++) {
            out->px[3 * i] = (float)TIFFGetR(packed[i]) / 255.0f;
            out->px[3 * i + 1] = (float)TIFFGetG(packed[i]) / 255.0f;
            out->px[3 * i + 2] = (float)TIFFGetB(packed[i]) / 255.0f;
        }
    }
    free(packed);
    return status;
}

static void read_spacing(TIFF *tiff, kin_raster *out)
{
    float x = 0, y = 0;
    uint16_t unit = RESUNIT_INCH;
    TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x);
    TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    double mm = unit == RESUNIT_INCH ? MM_PER_INCH : unit == RESUNIT_CENTIMETER ? MM_PER_CM : 0;
    if (x > 0 && y > 0 && mm > 0) {
        out->spacing_x_mm = mm / x;
        out->spacing_y_mm = mm / y;
    }
}

static kin_status tiff_read(const uint8_t *bytes, size_t size, int number,
                            const kin_image_limits *limits, kin_raster *out, kin_error *err)
{
    kin_tiff_file file;
    struct tiff_page page;
    kin_image_limits effective = kin_image_limits_effective(limits);
    memset(out, 0, sizeof *out);
    kin_status status = kin_tiff_open(&file, bytes, size, &effective, err);
    if (status == KIN_OK && (number < 0 || !TIFFSetDirectory(file.tiff, (tdir_t)number)))
        status = kin_fail(err, KIN_E_ARG, NULL, "TIFF: no page %d", number);
    if (status == KIN_OK)
        status = read_page(file.tiff, &effective, &page, err);
    if (status == KIN_OK)
        status = kin_raster_init(out, (int)page.width, (int)page.height, page.colours, err);
    if (status != KIN_OK)
        goto end;
    file.message[0] = '\0';
    status = page.by_rgba ? read_by_rgba(&file, &page, out, err)
                          : read_blocks(&file, &page, &effective, out, err);
    if (status != KIN_OK)
        goto end;
    size_t n = (size_t)page.width * page.height * (size_t)page.colours;
    if (!page.by_rgba && !kin_tiff_sample_has_scale(page.sample))
        kin_tiff_stretch(out->px, n);
    if (page.photometric == PHOTOMETRIC_MINISWHITE)
        for (size_t i = 0; i < n; i++)
            out->px[i] = 1.0f - out->px[i];
    read_spacing(file.tiff, out);
    kin_raster_collapse_grey(out);
end:
    if (status != KIN_OK)
        kin_raster_release(out);
    kin_tiff_close(&file);
    return status;
}

const kin_image_format kin_image_tiff = {
    .name = "tiff",
    .recognise = tiff_recognise,
    .pages = tiff_pages,
    .read = tiff_read,
};
