/* nrrd_text.h - NRRD files put together in memory. */
#ifndef KIN_TEST_NRRD_TEXT_H
#define KIN_TEST_NRRD_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct nrrd_bytes {
    unsigned char *bytes; /* from malloc */
    size_t size;
} nrrd_bytes;

/* A header's text and the data behind it. */
static inline nrrd_bytes nrrd_join(const char *header, const void *data, size_t size)
{
    nrrd_bytes out = {malloc(strlen(header) + size + 1), strlen(header) + size};
    memcpy(out.bytes, header, strlen(header));
    if (size > 0)
        memcpy(out.bytes + strlen(header), data, size);
    return out;
}

/* Data in gzip's format. */
static inline nrrd_bytes nrrd_gzip(const void *data, size_t size)
{
    z_stream stream = {0};
    nrrd_bytes out = {malloc(size + size / 100 + 1024), size + size / 100 + 1024};
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    stream.next_in = (unsigned char *)data;
    stream.avail_in = (unsigned)size;
    stream.next_out = out.bytes;
    stream.avail_out = (unsigned)out.size;
    deflate(&stream, Z_FINISH);
    out.size -= stream.avail_out;
    deflateEnd(&stream);
    return out;
}

#endif
