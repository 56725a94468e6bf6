/*
 * generation_file.h - the layout of a generation's file; private to this folder.
 *
 *     header      struct generation_header
 *     ids         count x 8 bytes, ascending            (none for the flat kind)
 *     structure   what FAISS wrote                      (none for the flat kind)
 *     checksum    XXH3-64 of everything before it
 */
#ifndef KIN_INDEX_GENERATION_FILE_H
#define KIN_INDEX_GENERATION_FILE_H

#include <xxhash.h>

#include "index/index.h"

enum {
    GENERATION_VERSION = 1,
    GENERATION_PIECE = 1 << 20 /* bytes read, verified and written at a time */
};

#define GENERATION_MAGIC "KINIDX\r\n"

struct generation_header {
    char magic[8];
    uint32_t version, header_size;
    char kind[KIN_INDEX_KIND_SIZE];
    char model[KIN_INDEX_MODEL_SIZE];
    uint64_t dim, count;
    uint64_t rows;                                /* of the store at the snapshot */
    uint64_t ids_size, structure_size, file_size; /* bytes */
};
_Static_assert(sizeof(struct generation_header) == 144, "no padding in the header");

#endif
