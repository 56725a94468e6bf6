/*
 * generation_file.h - the layout of a generation's file; private to this folder.
 *
 *     header      struct generation_header
 *     sections    as enum generation_section has them, each on a page's boundary, zeros between
 *     hashes      XXH3-64 of each 2 MiB before them, the last one shorter
 *     checksum    XXH3-64 of the hashes
 *
 * So the hashes can be computed by as many processors as there are.  It is written by such pieces,
 * too: Linux then keeps it in its cache in huge pages (ext4, XFS), and maps them as such, which
 * spares a search that jumps about in it a tenth of its time.
 */
#ifndef KIN_INDEX_GENERATION_FILE_H
#define KIN_INDEX_GENERATION_FILE_H

#include <xxhash.h>

#include "index/generation.h"
#include "index/index.h"

enum {
    GENERATION_VERSION = 2,
    GENERATION_PAGE = 4096,
    GENERATION_PIECE = 2 << 20 /* bytes with a hash of their own */
};

#define GENERATION_MAGIC "KINIDX\r\n"

struct generation_header {
    char magic[8];
    uint32_t version, header_size;
    char kind[KIN_INDEX_KIND_SIZE];
    char model[KIN_INDEX_MODEL_SIZE];
    uint64_t dim, count;
    uint64_t rows; /* of the store at the snapshot */
    uint64_t trained, gone;
    uint32_t links, entry, levels; /* of a graph */
    uint32_t tuning_count;
    kin_index_tuning tunings[KIN_INDEX_TUNINGS_MAX];
    uint64_t sizes[SECTIONS]; /* bytes */
    uint64_t file_size;
};
_Static_assert(sizeof(kin_index_tuning) == 40 &&
                   sizeof(struct generation_header) == 152 + 320 + 8 * SECTIONS + 8,
               "no padding in the header");

/* Where the parts of a file are, by its header. */
struct generation_layout {
    uint64_t at[SECTIONS], hashes_at, pieces, size;
};

/* False where the sizes are so large that they do not add up. */
bool kin_generation_lay_out(const uint64_t sizes[SECTIONS], struct generation_layout *out);

#endif
