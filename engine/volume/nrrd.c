#include "volume/nrrd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/checked.h"
#include "volume/nrrd_header.h"

/* Directions that deviate from a right angle by more than this (its cosine) are a shear. */
#define SHEAR_MAX 1e-3

enum { GZIP_WINDOW = 15 + 16 /* zlib: the largest window, with gzip's header */, ROOM = 65536 };

/* Samples as they come, on their way to floats. */
typedef struct kin_samples_sink {
    const kin_nrrd_header *header;
    float *to;
    size_t left;              /* samples still to come */
    unsigned char pending[8]; /* the beginning of one whose end is in the next piece */
    size_t pending_size;
} kin_samples_sink;

/* The sample whose bytes, the least first, are bits. */
static float sample_value(kin_nrrd_type type, uint64_t bits)
{
    const union {
        uint32_t bits;
        float value;
    } single = {(uint32_t)bits};
    const union {
        uint64_t bits;
        double value;
    } twofold = {bits};
    switch (type) {
    case KIN_NRRD_I8:
        return (int8_t)bits;
    case KIN_NRRD_I16:
        return (int16_t)bits;
    case KIN_NRRD_I32:
        return (float)(int32_t)bits;
    case KIN_NRRD_I64:
        return (float)(int64_t)bits;
    case KIN_NRRD_F32:
        return single.value;
    case KIN_NRRD_F64:
        return (float)twofold.value;
    default:
        return (float)bits;
    }
}

static void take_sample(kin_samples_sink *sink, const unsigned char *bytes, size_t size)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits |= (uint64_t)bytes[sink->header->big_endian ? size - 1 - i : i] << (8 * i);
    *sink->to++ = sample_value(sink->header->type, bits);
    sink->left--;
}

/* Takes bytes; false when there are more than the samples need. */
static bool take_bytes(kin_samples_sink *sink, const unsigned char *bytes, size_t size)
{
    size_t each = kin_nrrd_type_size(sink->header->type);
    while (size > 0 && sink->left > 0) {
        if (sink->pending_size == 0 && size >= each) {
            take_sample(sink, bytes, each);
            bytes += each;
            size -= each;
            continue;
        }
        sink->pending[sink->pending_size++] = *bytes++;
        size--;
        if (sink->pending_size == each) {
            take_sample(sink, sink->pending, each);
            sink->pending_size = 0;
        }
    }
    return size == 0;
}

static kin_status too_many(kin_error *err)
{
    return kin_fail(err, KIN_E_FORMAT, NULL, "it has more data than its sizes promise");
}

static kin_status decode_gzip(kin_samples_sink *sink, const unsigned char *bytes, size_t size,
                              kin_error *err)
{
    unsigned char room[ROOM];
    z_stream stream = {0};
    kin_status status = KIN_OK;
    int rc = Z_OK;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to inflate its data");
    while (status == KIN_OK && rc != Z_STREAM_END) {
        if (stream.avail_in == 0) {
            size_t piece = size < ROOM ? size : ROOM;
            stream.next_in = (unsigned char *)(uintptr_t)bytes;
            stream.avail_in = (uInt)piece;
            bytes += piece;
            size -= piece;
        }
        stream.next_out = room;
        stream.avail_out = ROOM;
        rc = inflate(&stream, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END)
            status = kin_fail(err, KIN_E_FORMAT, NULL, "its compressed data are %s",
                              rc == Z_BUF_ERROR ? "cut off" : "broken");
        else if (!take_bytes(sink, room, ROOM - stream.avail_out))
            status = too_many(err);
    }
    inflateEnd(&stream);
    return status;
}

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static kin_status decode_hex(kin_samples_sink *sink, const unsigned char *bytes, size_t size,
                             kin_error *err)
{
    int high = -1;
    for (size_t i = 0; i < size; i++) {
        if (is_space(bytes[i]))
            continue;
        int digit = hex_digit(bytes[i]);
        if (digit < 0)
            return kin_fail(err, KIN_E_FORMAT, NULL, "its data are not hexadecimal");
        if (high < 0) {
            high = digit;
            continue;
        }
        unsigned char byte = (unsigned char)(high << 4 | digit);
        high = -1;
        if (!take_bytes(sink, &byte, 1))
            return too_many(err);
    }
    return KIN_OK;
}

/* Numbers, apart from each other by white space or commas. */
static kin_status decode_text(kin_samples_sink *sink, const unsigned char *bytes, size_t size,
                              kin_error *err)
{
    enum { NUMBER_MAX = 64 };
    char number[NUMBER_MAX];
    for (size_t at = 0; at < size;) {
        size_t length = 0;
        while (at < size && (is_space(bytes[at]) || bytes[at] == ','))
            at++;
        while (at < size && !is_space(bytes[at]) && bytes[at] != ',') {
            if (length + 1 >= NUMBER_MAX)
                return kin_fail(err, KIN_E_FORMAT, NULL, "its data are not numbers");
            number[length++] = (char)bytes[at++];
        }
        if (length == 0)
            break;
        number[length] = '\0';
        char *end;
        double value = strtod(number, &end);
        if (end != number + length)
            return kin_fail(err, KIN_E_FORMAT, NULL, "its data are not numbers");
        if (sink->left == 0)
            return too_many(err);
        *sink->to++ = (float)value;
        sink->left--;
    }
    return KIN_OK;
}

/* Where the samples begin, after what the header says to skip. */
static kin_status skip(const kin_nrrd_header *header, const unsigned char **bytes, size_t *size,
                       size_t needed, kin_error *err)
{
    for (long line = 0; line < header->line_skip; line++) {
        const unsigned char *end = *size > 0 ? memchr(*bytes, '\n', *size) : NULL;
        if (end == NULL)
            return kin_fail(err, KIN_E_FORMAT, NULL, "it has fewer lines than are to be skipped");
        *size -= (size_t)(end + 1 - *bytes);
        *bytes = end + 1;
    }
    if (header->byte_skip == -1 && *size < needed)
        return kin_fail(err, KIN_E_FORMAT, NULL, "its data are cut off");
    size_t bytes_off = header->byte_skip == -1 ? *size - needed : (size_t)header->byte_skip;
    /* Of compressed data the bytes to skip are within what is inflated: rare enough to refuse. */
    if (header->encoding == KIN_NRRD_GZIP && bytes_off > 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a byte skip in compressed data is not read");
    if (bytes_off > *size)
        return kin_fail(err, KIN_E_FORMAT, NULL, "it has fewer bytes than are to be skipped");
    *bytes += bytes_off;
    *size -= bytes_off;
    return KIN_OK;
}

static kin_status decode(const kin_nrrd_header *header, const unsigned char *bytes, size_t size,
                         kin_volume *out, kin_error *err)
{
    kin_samples_sink sink = {.header = header, .to = out->voxels, .left = kin_volume_count(out)};
    kin_status status =
        skip(header, &bytes, &size, sink.left * kin_nrrd_type_size(header->type), err);
    if (status != KIN_OK)
        return status;
    switch (header->encoding) {
    case KIN_NRRD_GZIP:
        status = decode_gzip(&sink, bytes, size, err);
        break;
    case KIN_NRRD_HEX:
        status = decode_hex(&sink, bytes, size, err);
        break;
    case KIN_NRRD_TEXT:
        status = decode_text(&sink, bytes, size, err);
        break;
    default:
        if (!take_bytes(&sink, bytes, size))
            status = too_many(err);
        break;
    }
    if (status == KIN_OK && (sink.left > 0 || sink.pending_size > 0))
        status = kin_fail(err, KIN_E_FORMAT, NULL, "it has fewer data than its sizes promise");
    return status;
}

static kin_status set_axis(const kin_nrrd_header *header, int a, kin_volume *out, kin_error *err)
{
    double length = 0.0;
    for (int x = 0; x < 3; x++)
        length += header->directions[a][x] * header->directions[a][x];
    length = sqrt(length);
    if (!(length > 0.0) || !isfinite(length))
        return kin_fail(err, KIN_E_FORMAT, NULL, "its axis %d has no direction", a);
    out->spacing[a] = length;
    for (int x = 0; x < 3; x++)
        out->direction[a][x] = header->sign[x] * header->directions[a][x] / length;
    return KIN_OK;
}

/* A slice stands across its axes. */
static void complete_third_axis(kin_volume *out)
{
    const double *u = out->direction[0], *v = out->direction[1];
    double *w = out->direction[2];
    for (int x = 0; x < 3; x++)
        w[x] = u[(x + 1) % 3] * v[(x + 2) % 3] - u[(x + 2) % 3] * v[(x + 1) % 3];
}

static kin_status place(const kin_nrrd_header *header, kin_volume *out, kin_error *err)
{
    kin_status status = KIN_OK;
    for (int a = 0; status == KIN_OK && a < header->axes; a++) {
        if (header->has_directions)
            status = set_axis(header, a, out, err);
        else if (header->has_spacing[a])
            out->spacing[a] = header->spacing[a];
    }
    if (status != KIN_OK)
        return status;
    if (header->has_directions && header->axes == 2)
        complete_third_axis(out);
    for (int a = 0; a < 3; a++) {
        out->origin[a] = header->sign[a] * header->origin[a];
        const double *u = out->direction[a], *v = out->direction[(a + 1) % 3];
        if (fabs(u[0] * v[0] + u[1] * v[1] + u[2] * v[2]) > SHEAR_MAX)
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "its axes are not at right angles");
    }
    return KIN_OK;
}

kin_status kin_nrrd_read(const void *bytes, size_t size, const void *data, size_t data_size,
                         kin_volume *out, kin_error *err)
{
    kin_nrrd_header header;
    *out = (kin_volume){0};
    kin_status status = kin_nrrd_header_read(bytes, size, &header, err);
    if (status != KIN_OK)
        return status;
    bool detached = header.data_file[0] != '\0';
    if (detached && data == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "its data are in another file");
    if (!detached) {
        data = (const char *)bytes + header.end;
        data_size = size - header.end;
    }
    const int voxels[3] = {header.size[0], header.size[1], header.axes == 3 ? header.size[2] : 1};
    status = kin_volume_init(out, voxels, err);
    if (status == KIN_OK)
        status = place(&header, out, err);
    if (status == KIN_OK)
        status = decode(&header, data, data_size, out, err);
    if (status != KIN_OK)
        kin_volume_release(out);
    return status;
}
