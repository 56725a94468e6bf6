/*
 * rle.c - RLE compression (PS3.5 annex G): PackBits, each byte plane of each channel a segment.
 *
 * Not by DCMTK, whose decoder takes the segments' offsets from the file unchecked and fills what a
 * truncated segment lacks with its last byte.
 */
#include <stdlib.h>

#include "base/checked.h"
#include "dicom/codec.h"
#include "dicom/wire.h"

enum { RLE_HEADER = 64, RLE_MAX_SEGMENTS = 15 };

/* Unpacks one segment into `count` bytes that lie `stride` apart; false when it is too short. */
static bool unpack_segment(const uint8_t *in, const uint8_t *end, uint8_t *out, size_t count,
                           size_t stride)
{
    size_t done = 0;
    while (done < count) {
        if (end - in < 2)
            return false;
        int control = (int8_t)*in++;
        size_t run = control >= 0 ? (size_t)control + 1 : (size_t)(1 - control);
        if (control == -128)
            continue;
        bool literal = control >= 0;
        if (literal && run > (size_t)(end - in))
            return false;
        if (run > count - done)
            run = count - done; /* some encoders pad the plane: what is beyond is not ours */
        for (size_t i = 0; i < run; i++)
            out[(done + i) * stride] = in[literal ? i : 0];
        in += literal ? (size_t)control + 1 : 1;
        done += run;
    }
    return true;
}

/* Finds segment i of n within the frame: from its offset to the next one's, or to the end. */
static bool segment_bounds(const uint8_t *bytes, size_t size, int i, int n, const uint8_t **from,
                           const uint8_t **to)
{
    size_t begin = kin_wire_32(bytes + 4 + 4 * i, false);
    size_t end = i + 1 < n ? kin_wire_32(bytes + 8 + 4 * i, false) : size;
    if (begin < RLE_HEADER || begin > end || end > size)
        return false;
    *from = bytes + begin;
    *to = bytes + end;
    return true;
}

kin_status kin_dicom_rle_decode(const kin_codec_frame *frame, const uint8_t *bytes, size_t size,
                                kin_codec_samples *out, kin_error *err)
{
    int sample_bytes = frame->bits_allocated / 8;
    int segments = frame->samples * sample_bytes;
    size_t pixels, stride = (size_t)segments, total;
    if (size < RLE_HEADER)
        return kin_fail(err, KIN_E_FORMAT, NULL, "truncated: no RLE header");
    if (segments > RLE_MAX_SEGMENTS || kin_wire_32(bytes, false) != (uint32_t)segments)
        return kin_fail(err, KIN_E_FORMAT, NULL, "RLE frame with %u segments where %d are needed",
                        kin_wire_32(bytes, false), segments);
    if (!kin_mul_size((size_t)frame->rows, (size_t)frame->columns, &pixels) ||
        !kin_mul_size(pixels, stride, &total))
        return kin_fail(err, KIN_E_LIMIT, NULL, "frame too large");
    uint8_t *data = malloc(total);
    if (data == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    for (int i = 0; i < segments; i++) {
        const uint8_t *from, *to;
        /* The first segment of a sample is its most significant byte (PS3.5 G.2). */
        int plane = i % sample_bytes;
        if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
            plane = sample_bytes - 1 - plane;
        uint8_t *first = data + i / sample_bytes * sample_bytes + plane;
        if (!segment_bounds(bytes, size, i, segments, &from, &to) ||
            !unpack_segment(from, to, first, pixels, stride)) {
            free(data);
            return kin_fail(err, KIN_E_FORMAT, NULL, "truncated: RLE segment %d is too short", i);
        }
    }
    *out = (kin_codec_samples){.data = data,
                               .bytes = sample_bytes,
                               .precision = frame->bits_allocated,
                               .colour = KIN_COLOUR_AS_LABELLED};
    return KIN_OK;
}
