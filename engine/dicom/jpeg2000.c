/*
 * jpeg2000.c - JPEG 2000 and HTJ2K frames by OpenJPEG.
 *
 * The code stream's SIZ segment is read here first: OpenJPEG allocates by its claims, a record of
 * some kilobytes for every tile among them.
 */
#include <limits.h>
#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "dicom/codec.h"
#include "dicom/wire.h"

enum {
    SIZ_FIXED = 38, /* Lsiz to Csiz, without the components (ISO 15444-1 A.5.1) */
    MAX_COMPONENTS = 4,
    MAX_PRECISION = 31, /* OpenJPEG keeps samples in 32-bit signed integers */
    TILES_ALWAYS_ALLOWED = 64,
    PIXELS_PER_TILE = 256 /* beyond those, a tile must have this many pixels on average */
};

/* A code stream in memory, as OpenJPEG's stream callbacks see it. */
typedef struct memory_stream {
    const uint8_t *bytes;
    size_t size, at;
} memory_stream;

static OPJ_SIZE_T read_memory(void *buffer, OPJ_SIZE_T wanted, void *user)
{
    memory_stream *m = user;
    size_t rest = m->size - m->at;
    if (rest == 0)
        return (OPJ_SIZE_T)-1;
    if (wanted > rest)
        wanted = rest;
    memcpy(buffer, m->bytes + m->at, wanted);
    m->at += wanted;
    return wanted;
}

static OPJ_OFF_T skip_memory(OPJ_OFF_T by, void *user)
{
    memory_stream *m = user;
    if (by < 0 || (size_t)by > m->size - m->at)
        return -1;
    m->at += (size_t)by;
    return by;
}

static OPJ_BOOL seek_memory(OPJ_OFF_T to, void *user)
{
    memory_stream *m = user;
    if (to < 0 || (size_t)to > m->size)
        return OPJ_FALSE;
    m->at = (size_t)to;
    return OPJ_TRUE;
}

/* The first SOC and SIZ marker: at once, or behind the boxes of a JP2 file. */
static const uint8_t *find_siz(const uint8_t *bytes, size_t size, bool *is_jp2)
{
    static const uint8_t soc_siz[4] = {0xff, 0x4f, 0xff, 0x51};
    const uint8_t *found = memmem(bytes, size, soc_siz, sizeof soc_siz);
    if (found == NULL || (size_t)(bytes + size - found) < 4 + SIZ_FIXED)
        return NULL;
    *is_jp2 = found != bytes;
    if (*is_jp2 && (found - bytes < 12 || memcmp(bytes + 4, "jP  ", 4) != 0))
        return NULL;
    return found + 4;
}

/* Compares the claims of the SIZ segment at s with those of the file. */
static kin_status check_siz(const uint8_t *s, const kin_codec_frame *frame, kin_error *err)
{
    uint64_t x1 = kin_wire_32(s + 4, true), y1 = kin_wire_32(s + 8, true);
    uint64_t x0 = kin_wire_32(s + 12, true), y0 = kin_wire_32(s + 16, true);
    uint64_t tile_width = kin_wire_32(s + 20, true), tile_height = kin_wire_32(s + 24, true);
    int components = kin_wire_16(s + 36, true);
    if (x1 < x0 || y1 < y0 || x1 - x0 != (uint64_t)frame->columns ||
        y1 - y0 != (uint64_t)frame->rows || components != frame->samples)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "the JPEG 2000 stream is %lld x %lld x %d where the file says %d x %d x %d",
                        (long long)(x1 - x0), (long long)(y1 - y0), components, frame->columns,
                        frame->rows, frame->samples);
    if (tile_width == 0 || tile_height == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "JPEG 2000 tiles without size");
    uint64_t pixels = (x1 - x0) * (y1 - y0);
    uint64_t tiles = ((x1 + tile_width - 1) / tile_width) * ((y1 + tile_height - 1) / tile_height);
    if (tiles > TILES_ALWAYS_ALLOWED && tiles > pixels / PIXELS_PER_TILE)
        return kin_fail(err, KIN_E_LIMIT, NULL, "JPEG 2000 stream of %llu tiny tiles",
                        (unsigned long long)tiles);
    return KIN_OK;
}

/* A component must cover the image, and fit the samples that the file allocates. */
static kin_status check_component(const opj_image_comp_t *c, const kin_codec_frame *frame,
                                  kin_error *err)
{
    if (c->data == NULL || c->dx == 0 || c->dy == 0 || c->w == 0 || c->h == 0 ||
        (uint64_t)c->w * c->dx < (uint64_t)frame->columns ||
        (uint64_t)c->h * c->dy < (uint64_t)frame->rows)
        return kin_fail(err, KIN_E_FORMAT, NULL, "JPEG 2000 component smaller than the image");
    if (c->prec < 1 || c->prec > MAX_PRECISION || (int)c->prec > frame->bits_allocated)
        return kin_fail(err, KIN_E_FORMAT, NULL, "JPEG 2000 component of %u bits in %d allocated",
                        c->prec, frame->bits_allocated);
    return KIN_OK;
}

/* Copies component `channel` of `channels`; subsampled ones are repeated. */
static void interleave(const opj_image_comp_t *c, const kin_codec_frame *frame, int channel,
                       int32_t *out)
{
    for (int y = 0; y < frame->rows; y++) {
        const OPJ_INT32 *row = c->data + (size_t)((unsigned)y / c->dy) * c->w;
        int32_t *to = out + (size_t)y * (size_t)frame->columns * (size_t)frame->samples + channel;
        for (int x = 0; x < frame->columns; x++)
            to[(size_t)x * (size_t)frame->samples] = row[(unsigned)x / c->dx];
    }
}

static kin_status take_image(const opj_image_t *image, bool transformed,
                             const kin_codec_frame *frame, kin_codec_samples *out, kin_error *err)
{
    size_t count, bytes;
    if (image->numcomps != (OPJ_UINT32)frame->samples || frame->samples > MAX_COMPONENTS)
        return kin_fail(err, KIN_E_FORMAT, NULL, "JPEG 2000 stream of %u components",
                        image->numcomps);
    for (int i = 0; i < frame->samples; i++) {
        kin_status status = check_component(&image->comps[i], frame, err);
        if (status != KIN_OK)
            return status;
    }
    if (!kin_mul_size((size_t)frame->rows, (size_t)frame->columns, &count) ||
        !kin_mul_size(count, (size_t)frame->samples * sizeof(int32_t), &bytes))
        return kin_fail(err, KIN_E_LIMIT, NULL, "frame too large");
    int32_t *data = malloc(bytes);
    if (data == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    for (int i = 0; i < frame->samples; i++)
        interleave(&image->comps[i], frame, i, data);
    *out = (kin_codec_samples){.data = data,
                               .bytes = sizeof(int32_t),
                               .precision = (int)image->comps[0].prec,
                               .is_signed = image->comps[0].sgnd != 0,
                               .colour = transformed ? KIN_COLOUR_RGB : KIN_COLOUR_AS_LABELLED};
    return KIN_OK;
}

/* True when the code stream uses a multiple component transform, which decoding has undone. */
static bool uses_component_transform(opj_codec_t *codec)
{
    opj_codestream_info_v2_t *info = opj_get_cstr_info(codec);
    bool transformed = info != NULL && info->m_default_tile_info.mct != 0;
    opj_destroy_cstr_info(&info);
    return transformed;
}

static kin_status decode_stream(opj_codec_t *codec, opj_stream_t *stream,
                                const kin_codec_frame *frame, kin_codec_samples *out,
                                kin_error *err)
{
    opj_dparameters_t parameters;
    opj_image_t *image = NULL;
    kin_status status;
    opj_set_default_decoder_parameters(&parameters);
    if (!opj_setup_decoder(codec, &parameters))
        return kin_fail(err, KIN_E_INTERNAL, NULL, "OpenJPEG cannot be set up");
    if (!opj_read_header(stream, codec, &image))
        status = kin_fail(err, KIN_E_FORMAT, NULL, "broken JPEG 2000 header");
    else if (!opj_decode(codec, stream, image) || !opj_end_decompress(codec, stream))
        status = kin_fail(err, KIN_E_FORMAT, NULL, "broken or truncated JPEG 2000 stream");
    else
        status = take_image(image, uses_component_transform(codec), frame, out, err);
    opj_image_destroy(image);
    return status;
}

kin_status kin_dicom_jpeg2000_decode(const kin_codec_frame *frame, const uint8_t *bytes,
                                     size_t size, kin_codec_samples *out, kin_error *err)
{
    bool is_jp2 = false;
    const uint8_t *siz = find_siz(bytes, size, &is_jp2);
    if (siz == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the frame is no JPEG 2000 stream");
    kin_status status = check_siz(siz, frame, err);
    if (status != KIN_OK)
        return status;
    memory_stream memory = {bytes, size, 0};
    opj_codec_t *codec = opj_create_decompress(is_jp2 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
    opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
    if (codec == NULL || stream == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
        goto out;
    }
    opj_stream_set_user_data(stream, &memory, NULL);
    opj_stream_set_user_data_length(stream, size);
    opj_stream_set_read_function(stream, read_memory);
    opj_stream_set_skip_function(stream, skip_memory);
    opj_stream_set_seek_function(stream, seek_memory);
    status = decode_stream(codec, stream, frame, out, err);
out:
    if (stream != NULL)
        opj_stream_destroy(stream);
    if (codec != NULL)
        opj_destroy_codec(codec);
    return status;
}
