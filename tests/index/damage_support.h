/* Damage under a checksum that is right, so that only the checks behind it can help. */
#ifndef KIN_TEST_DAMAGE_SUPPORT_H
#define KIN_TEST_DAMAGE_SUPPORT_H

#include <stdlib.h>
#include <string.h>

#include "index/generation_file.h"
#include "write_file.h"

/* Where the parts of a generation's file are that has not been damaged. */
static inline struct generation_layout layout_of(const unsigned char *bytes)
{
    struct generation_header header;
    struct generation_layout layout;
    memcpy(&header, bytes, sizeof header);
    if (!kin_generation_lay_out(header.sizes, &layout))
        abort();
    return layout;
}

/* Sets the hashes at the end of a generation right, as many as its size has room for. */
static inline void set_checksum(unsigned char *bytes, size_t size)
{
    /* hashes_at, a page's multiple; pieces of hashes_at / GENERATION_PIECE, rounded up; one more */
    size_t hashed = size / GENERATION_PAGE * GENERATION_PAGE;
    while (hashed > 0) {
        size_t pieces = (hashed + GENERATION_PIECE - 1) / GENERATION_PIECE;
        if (hashed + (pieces + 1) * sizeof(XXH64_hash_t) <= size)
            break;
        hashed -= GENERATION_PAGE;
    }
    size_t pieces = (hashed + GENERATION_PIECE - 1) / GENERATION_PIECE;
    if (pieces == 0)
        return;
    for (size_t i = 0; i < pieces; i++) {
        size_t at = i * GENERATION_PIECE;
        size_t n = hashed - at < GENERATION_PIECE ? hashed - at : GENERATION_PIECE;
        XXH64_hash_t hash = XXH3_64bits(bytes + at, n);
        memcpy(bytes + hashed + i * sizeof hash, &hash, sizeof hash);
    }
    XXH64_hash_t checksum = XXH3_64bits(bytes + hashed, pieces * sizeof checksum);
    memcpy(bytes + hashed + pieces * sizeof checksum, &checksum, sizeof checksum);
}

static inline void write_with_checksum(const char *path, unsigned char *bytes, size_t size)
{
    set_checksum(bytes, size);
    write_file(path, bytes, size);
}

#endif
