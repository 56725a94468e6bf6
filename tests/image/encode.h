/* encode.h - image files made in memory by the formats' own libraries, for tests to read back. */
#ifndef KIN_TEST_ENCODE_H
#define KIN_TEST_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* A file's bytes; freed with encoded_free(). */
struct encoded {
    uint8_t *bytes;
    size_t size, at;
};

void encoded_free(struct encoded *file);

struct png_spec {
    int width, height, bits, colour_type; /* PNG_COLOR_TYPE_… */
    int interlaced;
    const uint8_t *rows;    /* packed as PNG stores them, 16 bits big endian */
    const uint8_t *palette; /* 3 bytes an entry */
    int palette_size;
    const uint8_t *alphas; /* tRNS of the palette's first entries */
    int alphas_size;
    unsigned pixels_per_metre_x, pixels_per_metre_y;
};
struct encoded encode_png(const struct png_spec *spec);

struct jpeg_spec {
    int width, height, components; /* 1, 3 (RGB in, stored as YCbCr) or 4 (CMYK) */
    const uint8_t *samples;        /* interleaved */
    int without_adobe_marker;
    int progressive; /* a script of one scan for DC and one for AC of each component */
    int density_unit, density_x, density_y; /* JFIF: 1 = per inch, 2 = per centimetre */
};
struct encoded encode_jpeg(const struct jpeg_spec *spec);

struct tiff_spec {
    int width, height, samples, bits, format; /* SAMPLEFORMAT_… */
    int photometric;                          /* PHOTOMETRIC_… + 1; 0: MINISBLACK or RGB */
    int planar, compression;                  /* 0: contiguous, none */
    int tile;                                 /* pixels a side of a tile; 0: strips of 3 rows */
    int alpha;                                /* the last sample is unassociated alpha */
    const uint16_t *palette[3];
    float resolution_x, resolution_y; /* per centimetre; 0: none */
    const void *data; /* rows in the machine's byte order; planes one after the other if separate */
};
/* One page for each spec. */
struct encoded encode_tiff(const struct tiff_spec *pages, int count);

#endif
