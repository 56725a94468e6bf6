#include "dicom/jpeg_header.h"

#include <string.h>

#include "dicom/wire.h"

enum {
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    MARKER_TEM = 0x01,
    MARKER_APP0 = 0xe0,
    MARKER_APP14 = 0xee,
    MARKER_JPEG_LS = 0xf7
};

/* Frame headers: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC); T.81 table B.1, T.87 C.1. */
static bool is_frame_header(int marker)
{
    return marker == MARKER_JPEG_LS ||
           (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc);
}

static bool stands_alone(int marker)
{
    return marker == MARKER_SOI || marker == MARKER_TEM || (marker >= 0xd0 && marker <= 0xd7);
}

/* A frame header segment (T.81 B.2.2), p behind its length. */
static bool read_frame_header(const uint8_t *p, size_t size, int marker, kin_jpeg_header *out)
{
    if (size < 6 || size < 6 + 3u * p[5])
        return false;
    out->marker = marker;
    out->precision = p[0];
    out->rows = kin_wire_16(p + 1, true);
    out->columns = kin_wire_16(p + 3, true);
    out->components = p[5];
    for (int i = 0; i < out->components && i < KIN_JPEG_MAX_COMPONENTS; i++) {
        out->ids[i] = p[6 + 3 * i];
        out->sampling[i] = p[7 + 3 * i];
    }
    return true;
}

static void read_application(const uint8_t *p, size_t size, int marker, kin_jpeg_header *out)
{
    if (marker == MARKER_APP0 && size >= 5 && memcmp(p, "JFIF", 5) == 0)
        out->jfif = true;
    if (marker == MARKER_APP14 && size >= 12 && memcmp(p, "Adobe", 5) == 0)
        out->adobe = p[11];
}

bool kin_dicom_jpeg_header_read(const uint8_t *bytes, size_t size, kin_jpeg_header *out)
{
    memset(out, 0, sizeof *out);
    out->adobe = -1;
    if (size < 4 || bytes[0] != 0xff || bytes[1] != MARKER_SOI)
        return false;
    size_t at = 2;
    while (size - at >= 4) {
        if (bytes[at] != 0xff)
            return false;
        int marker = bytes[at + 1];
        if (marker == 0xff) { /* a fill byte */
            at++;
            continue;
        }
        if (marker == MARKER_EOI || marker == MARKER_SOS)
            return false;
        if (stands_alone(marker)) {
            at += 2;
            continue;
        }
        size_t length = kin_wire_16(bytes + at + 2, true);
        if (length < 2 || length > size - at - 2)
            return false;
        const uint8_t *body = bytes + at + 4;
        if (is_frame_header(marker))
            return read_frame_header(body, length - 2, marker, out);
        read_application(body, length - 2, marker, out);
        at += 2 + length;
    }
    return false;
}
