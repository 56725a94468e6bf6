#include "dicom/inflate.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { FIRST_CAPACITY = 1 << 18, MAX_STEP = 1 << 30 /* zlib counts in unsigned int */ };

/* Doubles the buffer, up to one byte over the limit: that byte shows that there is more. */
static kin_status grow(uint8_t **buffer, size_t *capacity, size_t limit, kin_error *err)
{
    size_t wanted = *capacity > limit / 2 ? limit + 1 : 2 * *capacity;
    uint8_t *larger = realloc(*buffer, wanted);
    if (larger == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    *buffer = larger;
    *capacity = wanted;
    return KIN_OK;
}

static unsigned step(size_t remaining)
{
    return remaining > MAX_STEP ? MAX_STEP : (unsigned)remaining;
}

kin_status kin_dicom_inflate(const void *bytes, size_t size, size_t limit, void **out,
                             size_t *out_size, kin_error *err)
{
    kin_status status = KIN_OK;
    if (limit > SIZE_MAX - 1)
        limit = SIZE_MAX - 1;
    size_t capacity = limit < FIRST_CAPACITY ? limit + 1 : FIRST_CAPACITY;
    size_t filled = 0, consumed = 0;
    uint8_t *buffer = malloc(capacity);
    z_stream z = {0};
    if (buffer == NULL || inflateInit2(&z, -MAX_WBITS) != Z_OK) {
        free(buffer);
        return kin_fail(err, KIN_E_NOMEM, NULL, "out of memory");
    }
    int result = Z_OK;
    while (status == KIN_OK && result != Z_STREAM_END) {
        unsigned in = step(size - consumed), room = step(capacity - filled);
        z.next_in = (Bytef *)(uintptr_t)((const uint8_t *)bytes + consumed);
        z.avail_in = in;
        z.next_out = buffer + filled;
        z.avail_out = room;
        result = inflate(&z, Z_NO_FLUSH);
        consumed += in - z.avail_in;
        filled += room - z.avail_out;
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            status = kin_fail(err, KIN_E_FORMAT, NULL, "the deflated data set is broken");
        else if (filled > limit)
            status = kin_fail(err, KIN_E_LIMIT, NULL,
                              "the deflated data set grows beyond %zu bytes", limit);
        else if (result != Z_STREAM_END && filled == capacity)
            status = grow(&buffer, &capacity, limit, err);
        else if (result != Z_STREAM_END && consumed == size)
            status =
                kin_fail(err, KIN_E_FORMAT, NULL, "truncated: the deflated data set is cut off");
    }
    inflateEnd(&z);
    if (status != KIN_OK) {
        free(buffer);
        return status;
    }
    *out = buffer;
    *out_size = filled;
    return KIN_OK;
}
