/*
 * generation.h - the inside of a generation; private to this folder.
 *
 * All that is searched in place lies in sections: of the mapped file, or of memory of their own after
 * a build.  A vector's position (its label to FAISS, its node in the graph) is its place in the order
 * of ids.
 */
#ifndef KIN_INDEX_GENERATION_H
#define KIN_INDEX_GENERATION_H

#include "index/hnsw_graph.h"
#include "index/index.h"
#include "index/scratch.h"
#include "simd/kernels.h"

enum generation_section {
    SECTION_IDS,      /* count x 8 bytes, ascending */
    SECTION_CODES,    /* count int8 rows */
    SECTION_GONE,     /* a bit for each position, in words of 64; empty while none has gone */
    SECTION_LINKS,    /* hnsw: the lowest level's links, */
    SECTION_UPPER_AT, /* where a node's upper levels are, */
    SECTION_UPPER,    /* and the upper levels' links (hnsw_graph.h) */
    SECTION_FAISS,    /* ivfpq: what FAISS wrote; no bytes in memory */
    SECTIONS
};

struct section {
    void *bytes;
    size_t size;
    bool owned;
};

struct index_kind;
struct kin_ivf;

struct kin_index {
    const struct index_kind *kind;
    size_t count, dim, stride; /* stride: bytes from one code to the next */
    const kin_kernels *kernels;
    size_t trained; /* how many vectors there were when it was trained */
    size_t gone_count;
    struct section sections[SECTIONS];
    const uint64_t *ids;
    const int8_t *codes;
    const uint64_t *gone;    /* NULL: none */
    struct hnsw_graph graph; /* hnsw */
    struct kin_ivf *ivf;     /* ivfpq */
    scratch_pool *scratch;   /* hnsw */
    kin_index_tuning tunings[KIN_INDEX_TUNINGS_MAX];
    size_t tuning_count;
    void *map; /* the file's; NULL after a build */
    size_t map_size;
};

kin_status kin_generation_new(const struct index_kind *kind, size_t count, size_t dim,
                              kin_index **out, kin_error *err);

/* Gives a section memory of its own: zeroed, page-aligned, in huge pages where the system has
 * them, since a search jumps about in it. */
kin_status kin_generation_own(kin_index *index, enum generation_section section, size_t size,
                              kin_error *err);

/* Sets the pointers into the sections, once these are there. */
void kin_generation_point(kin_index *index);

/* Words of the bitmap of what has gone. */
static inline size_t kin_gone_words(size_t count)
{
    return (count + 63) / 64;
}

static inline bool kin_generation_has_gone(const kin_index *index, size_t position)
{
    return index->gone != NULL && (index->gone[position / 64] >> (position % 64) & 1) != 0;
}

/* May the vector at a position be an answer?  members may be NULL. */
static inline bool kin_generation_may_answer(const kin_index *index, const kin_members *members,
                                             size_t position)
{
    return !kin_generation_has_gone(index, position) &&
           (members == NULL || kin_members_have(members, index->ids[position]));
}

#endif
