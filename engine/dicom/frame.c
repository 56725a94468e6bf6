/* frame.c - one frame's stored samples, native or decoded. */
#include <stdlib.h>
#include <string.h>

#include "dicom/module.h"
#include "dicom/wire.h"

static kin_sample_type sample_type(const kin_dicom *dicom)
{
    bool s = dicom->header.is_signed;
    switch (dicom->layout.pixel_tag & 0xffff) {
    case 0x0008:
        return KIN_SAMPLE_F32;
    case 0x0009:
        return KIN_SAMPLE_F64;
    default:
        break;
    }
    switch (dicom->header.bits_allocated) {
    case 16:
        return s ? KIN_SAMPLE_S16 : KIN_SAMPLE_U16;
    case 32:
        return s ? KIN_SAMPLE_S32 : KIN_SAMPLE_U32;
    default:
        return s && dicom->header.bits_allocated == 8 ? KIN_SAMPLE_S8 : KIN_SAMPLE_U8;
    }
}

static size_t sample_bytes(kin_sample_type type)
{
    static const size_t bytes[] = {
        [KIN_SAMPLE_U8] = 1,  [KIN_SAMPLE_S8] = 1,  [KIN_SAMPLE_U16] = 2, [KIN_SAMPLE_S16] = 2,
        [KIN_SAMPLE_U32] = 4, [KIN_SAMPLE_S32] = 4, [KIN_SAMPLE_F32] = 4, [KIN_SAMPLE_F64] = 8,
    };
    return bytes[type];
}

/* Moves the stored bits of each sample down to bit 0 and clears or sign extends those above. */
#define NORMALISE(name, unsigned_type, signed_type, width)                                         \
    static void name(void *data, size_t count, int shift, int bits, bool is_signed)                \
    {                                                                                              \
        unsigned_type *v = data; /* NOLINT(bugprone-macro-parentheses): a type takes none */       \
        int up = (width)-bits - shift, down = (width)-bits;                                        \
        if (is_signed) {                                                                           \
            for (size_t i = 0; i < count; i++)                                                     \
                v[i] = (unsigned_type)((signed_type)(unsigned_type)(v[i] << up) >> down);          \
        } else {                                                                                   \
            for (size_t i = 0; i < count; i++)                                                     \
                v[i] = (unsigned_type)((unsigned_type)(v[i] << up) >> down);                       \
        }                                                                                          \
    }

NORMALISE(normalise_8, uint8_t, int8_t, 8)
NORMALISE(normalise_16, uint16_t, int16_t, 16)
NORMALISE(normalise_32, uint32_t, int32_t, 32)

static void normalise(void *data, size_t count, size_t bytes, int shift, int bits, bool is_signed)
{
    if (bits == (int)bytes * 8)
        return;
    if (bytes == 1)
        normalise_8(data, count, shift, bits, is_signed);
    else if (bytes == 2)
        normalise_16(data, count, shift, bits, is_signed);
    else
        normalise_32(data, count, shift, bits, is_signed);
}

/* Copies `count` cells of `bytes` each, in the file's order, to `stride` cells apart. */
static void copy_cells(const uint8_t *from, uint8_t *to, size_t count, size_t bytes, size_t stride,
                       bool swap)
{
    if (!swap && stride == 1) {
        memcpy(to, from, count * bytes);
        return;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t b = 0; b < bytes; b++)
            to[i * stride * bytes + b] = from[i * bytes + (swap ? bytes - 1 - b : b)];
}

/* Single bits, the first pixel in the lowest bit of a byte (PS3.5 8.1.1); a frame may begin within
 * a byte.  Words of big endian pixel data have their bytes exchanged. */
static void unpack_bits(const uint8_t *value, size_t size, size_t first_bit, uint8_t *out,
                        size_t count, bool swapped_words)
{
    for (size_t i = 0; i < count; i++) {
        size_t byte = (first_bit + i) / 8;
        if (swapped_words && (byte ^ 1) < size)
            byte ^= 1;
        out[i] = value[byte] >> ((first_bit + i) % 8) & 1;
    }
}

/* Pairs of pixels that share their chroma, Y Y Cb Cr (PS3.3 C.7.6.3.1.2), to triples. */
static void expand_422(const uint8_t *from, uint8_t *to, size_t pixels, size_t bytes, bool swap)
{
    static const size_t source[2][3] = {{0, 2, 3}, {1, 2, 3}};
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            copy_cells(from + (i / 2 * 4 + source[i % 2][c]) * bytes, to + (i * 3 + c) * bytes, 1,
                       bytes, 1, swap);
}

static bool is_422(const kin_dicom *dicom)
{
    return dicom->photometric == KIN_PHOTO_YBR_FULL_422 ||
           dicom->photometric == KIN_PHOTO_YBR_PARTIAL;
}

/* Big endian bytes in words (8 bits allocated, VR OW) are exchanged pairwise. */
static void copy_swapped_bytes(const uint8_t *value, size_t at, uint8_t *to, size_t count,
                               size_t stride, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        size_t byte = (at + i) ^ 1;
        to[i * stride] = value[byte < size ? byte : at + i];
    }
}

static void read_native(const kin_dicom *dicom, int frame, kin_samples *out)
{
    const kin_dicom_header *h = &dicom->header;
    const uint8_t *value = dicom->data_set + dicom->layout.pixel_offset;
    bool file_big = dicom->container.encoding == KIN_DICOM_EXPLICIT_BIG;
    bool swap = file_big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    bool swapped_words = file_big && memcmp(dicom->layout.pixel_vr, "OW", 2) == 0;
    size_t pixels = (size_t)h->rows * (size_t)h->columns;
    size_t first_bit = (size_t)frame * dicom->frame_bits;
    size_t bytes = sample_bytes(out->type), channels = (size_t)out->channels;
    const uint8_t *from = value + first_bit / 8;
    uint8_t *to = out->data;
    if (h->bits_allocated == 1) {
        unpack_bits(value, dicom->layout.pixel_size, first_bit, to, pixels * channels,
                    swapped_words);
        return;
    }
    if (is_422(dicom)) {
        expand_422(from, to, pixels, bytes, swap);
    } else {
        size_t planes = dicom->planar ? channels : 1, cells = pixels * channels / planes;
        for (size_t p = 0; p < planes; p++)
            if (bytes == 1 && swapped_words)
                copy_swapped_bytes(value, first_bit / 8 + p * cells, to + p, cells, planes,
                                   dicom->layout.pixel_size);
            else
                copy_cells(from + p * cells * bytes, to + p * bytes, cells, bytes, planes, swap);
    }
    if (out->type != KIN_SAMPLE_F32 && out->type != KIN_SAMPLE_F64)
        normalise(to, pixels * channels, bytes, h->high_bit + 1 - h->bits_stored, h->bits_stored,
                  h->is_signed);
}

/* Copies decoded samples of one width into cells of another; what does not fit is cut off above. */
static void fit_width(const kin_codec_samples *decoded, void *to, size_t bytes, size_t count)
{
    if ((size_t)decoded->bytes == bytes) {
        memcpy(to, decoded->data, count * bytes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t v = decoded->bytes == 1   ? ((const uint8_t *)decoded->data)[i]
                     : decoded->bytes == 2 ? ((const uint16_t *)decoded->data)[i]
                                           : ((const uint32_t *)decoded->data)[i];
        if (bytes == 1)
            ((uint8_t *)to)[i] = (uint8_t)v;
        else if (bytes == 2)
            ((uint16_t *)to)[i] = (uint16_t)v;
        else
            ((uint32_t *)to)[i] = v;
    }
}

static kin_status run_codec(const kin_dicom *dicom, const uint8_t *bytes, size_t size,
                            kin_codec_samples *decoded, kin_error *err)
{
    const kin_dicom_header *h = &dicom->header;
    kin_codec_frame frame = {h->rows, h->columns, h->samples_per_pixel, h->bits_allocated,
                             h->is_signed};
    switch (dicom->container.codec) {
    case KIN_CODEC_RLE:
        return kin_dicom_rle_decode(&frame, bytes, size, decoded, err);
    case KIN_CODEC_JPEG:
    case KIN_CODEC_JPEG_LL:
        return kin_dicom_jpeg_decode(&frame, dicom->container.codec == KIN_CODEC_JPEG_LL, bytes,
                                     size, decoded, err);
    case KIN_CODEC_JPEG_LS:
        return kin_dicom_jpeg_ls_decode(&frame, bytes, size, decoded, err);
    case KIN_CODEC_J2K:
        return kin_dicom_jpeg2000_decode(&frame, bytes, size, decoded, err);
    default:
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "pixel data in transfer syntax %s",
                        h->transfer_syntax_uid);
    }
}

/* How the bits of a decoded sample are to be read.  RLE holds cells as native pixel data do.  The
 * others hold values; a JPEG 2000 stream that calls itself unsigned in a file of signed pixels has
 * its sign in its own highest bit. */
static void normalise_decoded(const kin_dicom *dicom, const kin_codec_samples *decoded,
                              kin_samples *out)
{
    const kin_dicom_header *h = &dicom->header;
    int bits = h->bits_stored, shift = 0;
    if (dicom->container.codec == KIN_CODEC_RLE)
        shift = h->high_bit + 1 - h->bits_stored;
    if (dicom->container.codec == KIN_CODEC_J2K && h->is_signed && !decoded->is_signed &&
        decoded->precision < bits)
        bits = decoded->precision;
    normalise(out->data, kin_samples_count(out), sample_bytes(out->type), shift, bits,
              h->is_signed);
}

static kin_status read_encapsulated(const kin_dicom *dicom, int frame, kin_samples *out,
                                    kin_codec_colour *colour, kin_error *err)
{
    const uint8_t *bytes;
    size_t size;
    void *joined;
    kin_codec_samples decoded = {0};
    kin_status status = kin_dicom_fragments_join(&dicom->fragments, dicom->data_set, frame, &bytes,
                                                 &size, &joined, err);
    if (status != KIN_OK)
        return status;
    status = run_codec(dicom, bytes, size, &decoded, err);
    free(joined);
    if (status != KIN_OK)
        return status;
    fit_width(&decoded, out->data, sample_bytes(out->type), kin_samples_count(out));
    free(decoded.data);
    normalise_decoded(dicom, &decoded, out);
    *colour = decoded.colour;
    return KIN_OK;
}

kin_status kin_dicom_frame_decode(kin_dicom *dicom, int frame, kin_samples *out,
                                  kin_codec_colour *colour, kin_error *err)
{
    const kin_dicom_header *h = &dicom->header;
    memset(out, 0, sizeof *out);
    *colour = KIN_COLOUR_AS_LABELLED;
    if (h->kind == KIN_DICOM_NO_PIXELS)
        return kin_fail(err, KIN_E_NO_IMAGE, NULL, "no pixels: %s", h->kind_reason);
    if (frame < 0 || frame >= h->frames)
        return kin_fail(err, KIN_E_ARG, NULL, "frame %d of %d", frame, h->frames);
    out->width = h->columns;
    out->height = h->rows;
    out->channels = h->samples_per_pixel;
    out->type = sample_type(dicom);
    out->size = kin_samples_count(out) * sample_bytes(out->type); /* within the limits: pixels.c */
    out->data = calloc(1, out->size); /* never what lay there of another file */
    if (out->data == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    kin_status status = KIN_OK;
    if (dicom->encapsulated)
        status = read_encapsulated(dicom, frame, out, colour, err);
    else
        read_native(dicom, frame, out);
    if (status != KIN_OK) {
        free(out->data);
        memset(out, 0, sizeof *out);
    }
    return status;
}

kin_status kin_dicom_read_samples(kin_dicom *dicom, int frame, kin_samples *out, kin_error *err)
{
    kin_codec_colour colour;
    return kin_dicom_frame_decode(dicom, frame, out, &colour, err);
}
