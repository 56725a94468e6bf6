#include "encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>
#include <tiffio.h>

void encoded_free(struct encoded *file)
{
    free(file->bytes);
    memset(file, 0, sizeof *file);
}

/* Writes at file->at, growing the file as needed. */
static void put(struct encoded *file, const void *from, size_t size)
{
    if (file->at + size > file->size) {
        file->bytes = realloc(file->bytes, file->at + size);
        assert_non_null(file->bytes);
        memset(file->bytes + file->size, 0, file->at + size - file->size);
        file->size = file->at + size;
    }
    memcpy(file->bytes + file->at, from, size);
    file->at += size;
}

static void png_put(png_structp png, png_bytep from, size_t size)
{
    put(png_get_io_ptr(png), from, size);
}

struct encoded encode_png(const struct png_spec *spec)
{
    struct encoded file = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[256];
    assert_non_null(info);
    if (setjmp(png_jmpbuf(png)) != 0)
        fail_msg("libpng cannot write this file");
    png_set_write_fn(png, &file, png_put, NULL);
    png_set_IHDR(png, info, (png_uint_32)spec->width, (png_uint_32)spec->height, spec->bits,
                 spec->colour_type, spec->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < spec->palette_size; i++)
        palette[i] =
            (png_color){spec->palette[3 * i], spec->palette[3 * i + 1], spec->palette[3 * i + 2]};
    if (spec->palette_size > 0)
        png_set_PLTE(png, info, palette, spec->palette_size);
    if (spec->alphas_size > 0)
        png_set_tRNS(png, info, spec->alphas, spec->alphas_size, NULL);
    if (spec->pixels_per_metre_x > 0)
        png_set_pHYs(png, info, spec->pixels_per_metre_x, spec->pixels_per_metre_y,
                     PNG_RESOLUTION_METER);
    png_write_info(png, info);
    size_t stride = png_get_rowbytes(png, info);
    int passes = spec->interlaced ? png_set_interlace_handling(png) : 1;
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < spec->height; y++)
            png_write_row(png, spec->rows + (size_t)y * stride);
    }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
}

struct encoded encode_jpeg(const struct jpeg_spec *spec)
{
    static const jpeg_scan_info script[] = {
        {1, {0}, 0, 0, 0, 0},
        {1, {0}, 1, 63, 0, 0},
    };
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = (JDIMENSION)spec->width;
    jpeg.image_height = (JDIMENSION)spec->height;
    jpeg.input_components = spec->components;
    jpeg.in_color_space = spec->components == 1   ? JCS_GRAYSCALE
                          : spec->components == 3 ? JCS_RGB
                                                  : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (spec->without_adobe_marker)
        jpeg.write_Adobe_marker = FALSE;
    if (spec->progressive) {
        assert_int_equal(spec->components, 1);
        jpeg.scan_info = script;
        jpeg.num_scans = 2;
    }
    jpeg.density_unit = (UINT8)spec->density_unit;
    if (spec->density_unit != 0) {
        jpeg.X_density = (UINT16)spec->density_x;
        jpeg.Y_density = (UINT16)spec->density_y;
    }
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        /* libjpeg's interface is not const-correct; it does not write here. */
        JSAMPROW row =
            (JSAMPROW)(uintptr_t)(spec->samples + (size_t)jpeg.next_scanline * (size_t)spec->width *
                                                      (size_t)spec->components);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct encoded){bytes, size, size};
}

static tmsize_t tiff_get(thandle_t handle, void *into, tmsize_t size)
{
    struct encoded *file = handle;
    size_t left = file->at < file->size ? file->size - file->at : 0;
    size_t n = (size_t)size < left ? (size_t)size : left;
    if (n > 0)
        memcpy(into, file->bytes + file->at, n);
    file->at += n;
    return (tmsize_t)n;
}

static tmsize_t tiff_put(thandle_t handle, void *from, tmsize_t size)
{
    put(handle, from, (size_t)size);
    return size;
}

static toff_t tiff_seek(thandle_t handle, toff_t offset, int whence)
{
    struct encoded *file = handle;
    file->at = (whence == SEEK_CUR ? file->at : whence == SEEK_END ? file->size : 0) + offset;
    return file->at;
}

static int tiff_close(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t tiff_size(thandle_t handle)
{
    return ((struct encoded *)handle)->size;
}

static void tiff_tags(TIFF *tiff, const struct tiff_spec *spec)
{
    int photometric = spec->photometric != 0 ? spec->photometric - 1
                      : spec->samples >= 3   ? PHOTOMETRIC_RGB
                                             : PHOTOMETRIC_MINISBLACK;
    uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, spec->width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, spec->height);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, spec->samples);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, spec->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, spec->format ? spec->format : SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, spec->planar ? spec->planar : PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION,
                 spec->compression ? spec->compression : COMPRESSION_NONE);
    if (spec->alpha)
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha);
    if (spec->palette[0] != NULL)
        TIFFSetField(tiff, TIFFTAG_COLORMAP, spec->palette[0], spec->palette[1], spec->palette[2]);
    if (spec->resolution_x > 0) {
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, spec->resolution_x);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, spec->resolution_y);
    }
    if (spec->tile) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, spec->tile);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, spec->tile);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 3);
    }
    if (photometric == PHOTOMETRIC_YCBCR)
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}

/* One plane, cut into tiles whose padding is zero (8 bits or more a sample). */
static void tiff_tiles(TIFF *tiff, const struct tiff_spec *spec, const uint8_t *plane,
                       uint16_t number, size_t pixel)
{
    tmsize_t size = TIFFTileSize(tiff);
    uint8_t *tile = malloc((size_t)size);
    assert_non_null(tile);
    for (int y = 0; y < spec->height; y += spec->tile) {
        for (int x = 0; x < spec->width; x += spec->tile) {
            size_t across = (size_t)(spec->width - x < spec->tile ? spec->width - x : spec->tile);
            memset(tile, 0, (size_t)size);
            for (int r = 0; r < spec->tile && y + r < spec->height; r++)
                memcpy(tile + (size_t)r * (size_t)spec->tile * pixel,
                       plane + ((size_t)(y + r) * (size_t)spec->width + (size_t)x) * pixel,
                       across * pixel);
            uint32_t index = TIFFComputeTile(tiff, (uint32_t)x, (uint32_t)y, 0, number);
            assert_true(TIFFWriteEncodedTile(tiff, index, tile, size) >= 0);
        }
    }
    free(tile);
}

static void tiff_page(TIFF *tiff, const struct tiff_spec *spec)
{
    int planes = spec->planar == PLANARCONFIG_SEPARATE ? spec->samples : 1;
    size_t bits = (size_t)spec->bits * (size_t)(planes > 1 ? 1 : spec->samples);
    size_t row = ((size_t)spec->width * bits + 7) / 8;
    tiff_tags(tiff, spec);
    for (int p = 0; p < planes; p++) {
        const uint8_t *plane = (const uint8_t *)spec->data + (size_t)p * row * (size_t)spec->height;
        if (spec->tile) {
            tiff_tiles(tiff, spec, plane, (uint16_t)p, bits / 8);
            continue;
        }
        for (int y = 0; y < spec->height; y++) {
            /* libtiff may byte-swap or compress in place: give it a copy. */
            uint8_t *copy = malloc(row);
            assert_non_null(copy);
            memcpy(copy, plane + (size_t)y * row, row);
            assert_int_equal(TIFFWriteScanline(tiff, copy, (uint32_t)y, (uint16_t)p), 1);
            free(copy);
        }
    }
    assert_int_equal(TIFFWriteDirectory(tiff), 1);
}

struct encoded encode_tiff(const struct tiff_spec *pages, int count)
{
    struct encoded file = {0};
    TIFF *tiff = TIFFClientOpen("test", "w", &file, tiff_get, tiff_put, tiff_seek, tiff_close,
                                tiff_size, NULL, NULL);
    assert_non_null(tiff);
    for (int i = 0; i < count; i++)
        tiff_page(tiff, &pages[i]);
    TIFFClose(tiff);
    return file;
}
