/*
 * phash_index.h - which of many perceptual hashes lie within a few bits of one.
 *
 * Multi-index hashing (Norouzi, Punjani and Fleet, "Fast search in Hamming space with multi-index
 * hashing", 2012): a hash is cut into four words of 16 bits, and hashes within a distance of d agree
 * with the one asked for to d / 4 bits in at least one word.  So each word has a table of its 65,536
 * values, of which those within d / 4 bits are looked at, and what lies there is compared: exact, and
 * a thousandth of all comparisons at d <= 7, a hundredth at d <= 11.
 */
#ifndef KIN_IMAGE_PHASH_INDEX_H
#define KIN_IMAGE_PHASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    KIN_PHASH_INDEX_MAX = 1 << 24,    /* hashes of one index */
    KIN_PHASH_INDEX_DISTANCE_MAX = 15 /* of a search */
};

typedef struct kin_phash_index kin_phash_index;

/* Indexes hashes[0 .. count), which are copied.  KIN_E_LIMIT: more than KIN_PHASH_INDEX_MAX. */
kin_status kin_phash_index_new(const uint64_t *hashes, size_t count, kin_phash_index **out,
                               kin_error *err);
void kin_phash_index_free(kin_phash_index *index);

/* Calls visit(ctx, number, distance) for every hash at most `distance` (0 to
 * KIN_PHASH_INDEX_DISTANCE_MAX; larger ones are taken as that) from hash, in no order; some come more
 * than once.  Safe from several threads. */
void kin_phash_index_each(const kin_phash_index *index, uint64_t hash, int distance,
                          void (*visit)(void *ctx, size_t number, int distance), void *ctx);

#endif
