#include "samples.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "image/write.h"

enum { ROWS = 24, COLUMNS = 32 };

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "cannot make a test sample: %s\n", what);
        exit(2);
    }
}

static uint8_t disc(int x, int y, int width, int height, int seed)
{
    double dx = (x - width * 0.5 - seed) / (width * 0.3), dy = (y - height * 0.5) / (height * 0.3);
    return dx * dx + dy * dy < 1.0 ? (uint8_t)(150 + seed * 10 + x % 7) : (uint8_t)(y % 5);
}

void *sample_png(int width, int height, size_t *size)
{
    kin_raster raster;
    void *bytes = NULL;
    require(kin_raster_init(&raster, width, height, 1, NULL) == KIN_OK, "raster");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            raster.px[y * width + x] = (float)disc(x, y, width, height, 1) / 255.0f;
    require(kin_image_encode_png(&raster, &bytes, size, NULL) == KIN_OK, "png");
    kin_raster_release(&raster);
    return bytes;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value & 0xFFFF);
    put16(at + 2, value >> 16);
}

void *sample_tiff(int pages, size_t *size)
{
    enum { WIDTH = 16, HEIGHT = 12, ENTRIES = 9, IFD = 2 + ENTRIES * 12 + 4 };
    enum { PAGE = IFD + WIDTH * HEIGHT };
    *size = 8 + (size_t)pages * PAGE;
    uint8_t *bytes = calloc(1, *size);
    require(bytes != NULL, "memory");
    memcpy(bytes, "II*\0", 4);
    put32(bytes + 4, 8);
    for (int p = 0; p < pages; p++) {
        uint32_t at = 8 + (uint32_t)p * PAGE, pixels = at + IFD;
        const uint32_t entries[ENTRIES][2] = {
            {256, WIDTH},  {257, HEIGHT}, {258, 8},      {259, 1},
            {262, 1}, /* black is zero */
            {273, pixels}, {277, 1},      {278, HEIGHT}, {279, WIDTH * HEIGHT}};
        put16(bytes + at, ENTRIES);
        for (size_t e = 0; e < ENTRIES; e++) {
            uint8_t *entry = bytes + at + 2 + e * 12;
            put16(entry, entries[e][0]);
            put16(entry + 2, 4); /* LONG */
            put32(entry + 4, 1);
            put32(entry + 8, entries[e][1]);
        }
        put32(bytes + at + 2 + ENTRIES * 12, p + 1 < pages ? at + PAGE : 0);
        for (int i = 0; i < WIDTH * HEIGHT; i++)
            bytes[pixels + (uint32_t)i] = disc(i % WIDTH, i / WIDTH, WIDTH, HEIGHT, p);
    }
    return bytes;
}

void *sample_zstd(const void *bytes, size_t size, size_t *out_size)
{
    size_t bound = ZSTD_compressBound(size);
    void *out = malloc(bound);
    require(out != NULL, "memory");
    *out_size = ZSTD_compress(out, bound, bytes, size, 3);
    require(!ZSTD_isError(*out_size), "zstd");
    return out;
}

static void *write_dicom(const kin_dicom_new *spec, size_t *size)
{
    void *bytes = NULL;
    kin_error err;
    kin_error_clear(&err);
    kin_dicom_write_memory(spec, &bytes, size, &err);
    require(err.code == KIN_OK, err.message);
    return bytes;
}

static uint8_t *disc_frames(int frames)
{
    uint8_t *pixels = malloc((size_t)ROWS * COLUMNS * (size_t)frames);
    require(pixels != NULL, "memory");
    for (int i = 0; i < ROWS * COLUMNS * frames; i++) {
        int at = i % (ROWS * COLUMNS);
        pixels[i] = disc(at % COLUMNS, at / COLUMNS, COLUMNS, ROWS, i / (ROWS * COLUMNS) % 8);
    }
    return pixels;
}

void *sample_dicom(kin_dicom_syntax syntax, int frames, const kin_dicom_new_attribute *attributes,
                   size_t attribute_count, size_t *size)
{
    uint8_t *pixels = disc_frames(frames);
    const kin_dicom_new spec = {.syntax = syntax,
                                .sop_class_uid = "1.2.840.10008.5.1.4.1.1.3.1",
                                .sop_instance_uid = "1.2.826.0.1.3680043.9.1",
                                .attributes = attributes,
                                .attribute_count = attribute_count,
                                .pixels = pixels,
                                .pixels_size = (size_t)ROWS * COLUMNS * (size_t)frames,
                                .rows = ROWS,
                                .columns = COLUMNS,
                                .frames = frames};
    void *bytes = write_dicom(&spec, size);
    free(pixels);
    return bytes;
}

void *sample_dicom_of(const char *sop_class, int frames, size_t *size)
{
    uint8_t *pixels = frames > 0 ? disc_frames(frames) : NULL;
    kin_dicom_new spec = {.sop_class_uid = sop_class,
                          .sop_instance_uid = "1.2.826.0.1.3680043.9.2"};
    if (pixels != NULL) {
        spec.pixels = pixels;
        spec.pixels_size = (size_t)ROWS * COLUMNS * (size_t)frames;
        spec.rows = ROWS;
        spec.columns = COLUMNS;
        spec.frames = frames;
    }
    void *bytes = write_dicom(&spec, size);
    free(pixels);
    return bytes;
}
