#include "decode/unzstd.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { FIRST_BYTES = 1 << 20 /* output's first allocation; it then doubles */ };

bool kin_unzstd_recognise(const void *bytes, size_t size)
{
    static const uint8_t magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* Gives the output more room, up to limit. */
static kin_status grow(ZSTD_outBuffer *to, size_t limit, kin_error *err)
{
    if (to->size == limit)
        return kin_fail(err, KIN_E_LIMIT, NULL,
                        "Zstandard data make more than the limit of %zu bytes", limit);
    size_t size = to->size == 0 ? FIRST_BYTES : to->size > limit / 2 ? limit : to->size * 2;
    if (size > limit)
        size = limit;
    void *larger = realloc(to->dst, size);
    if (larger == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to decompress %zu bytes", size);
    to->dst = larger;
    to->size = size;
    return KIN_OK;
}

kin_status kin_unzstd(const void *bytes, size_t size, size_t limit, void **out, size_t *out_size,
                      kin_error *err)
{
    kin_status status = KIN_OK;
    ZSTD_inBuffer from = {.src = bytes, .size = size};
    ZSTD_outBuffer to = {0};
    size_t left = 1; /* nonzero: the frame goes on */
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for Zstandard");
        goto out;
    }
    while (left != 0 || from.pos < from.size) {
        if (to.pos == to.size) {
            status = grow(&to, limit, err);
            if (status != KIN_OK)
                goto out;
        }
        left = ZSTD_decompressStream(stream, &to, &from);
        if (ZSTD_isError(left)) {
            kin_status code = ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
                                  ? KIN_E_NOMEM
                                  : KIN_E_FORMAT;
            status = kin_fail(err, code, NULL, "Zstandard: %s", ZSTD_getErrorName(left));
            goto out;
        }
        /* With room left in the output nothing is held back: only more input could end the
         * frame. */
        if (left != 0 && from.pos == from.size && to.pos < to.size) {
            status = kin_fail(err, KIN_E_FORMAT, NULL, "Zstandard data are truncated");
            goto out;
        }
    }
    *out = to.dst;
    *out_size = to.pos;
    to.dst = NULL;
out:
    ZSTD_freeDStream(stream);
    free(to.dst);
    return status;
}
