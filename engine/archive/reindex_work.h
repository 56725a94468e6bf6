/* reindex_work.h - a reindex under way: what its parts share. */
#ifndef KIN_ARCHIVE_REINDEX_WORK_H
#define KIN_ARCHIVE_REINDEX_WORK_H

#include "archive/learn_note.h"
#include "archive/rewrite.h"

typedef struct kin_reindex {
    kin_archive *archive;
    const kin_reindex_options *options;
    kin_reindex_report *report;
    kin_state *state; /* what serves at the snapshot */
    uint64_t rows;    /* committed then */
    roaring_bitmap_t *live;
    uint32_t *ids; /* the live ids, ascending */
    size_t count;
    uint64_t scrubbed; /* dead rows that the descriptors have nothing left of */
    kin_rows *descriptors;
    kin_hashes descriptor_hashes;
    kin_embedder *embedder; /* the one to serve: learnt, or the snapshot's */
    kin_segments *vectors;  /* its vectors: new, or the snapshot's */
    kin_hashes vector_hashes;
    kin_rows *vector_rows;
    float *vector; /* room for the one read last */
    kin_index *index;
    kin_costs costs;
    uint64_t model_rows; /* of the store when the snapshot's model was learnt; 0: not known */
    uint64_t generation;
    bool stop;                   /* its teacher wants nothing changed */
    kin_learn_note note;         /* of a model learnt from labels; empty otherwise */
    kin_embedder *learnt;        /* owned; NULL when the snapshot's model stays */
    kin_rewrite new_vectors;     /* with a learnt model */
    kin_rewrite new_descriptors; /* when images have been deleted since the last */
} kin_reindex;

/* Rows of deleted or replaced images at the snapshot. */
static inline uint64_t kin_reindex_dead_rows(const kin_reindex *re)
{
    return re->rows - re->count;
}

/* Tells how far a stage has come; KIN_E_CANCELLED when the caller has had enough. */
kin_status kin_reindex_step(const kin_reindex *re, const char *stage, double done, kin_error *err);

/* Learns a model from the live descriptors where that is wanted or due, or keeps the one that serves:
 * re->embedder, re->learnt, and what was judged in the report. */
kin_status kin_reindex_choose_model(kin_reindex *re, kin_error *err);

/* The unsupervised model of the live descriptors, whichever serves: re->learnt. */
kin_status kin_reindex_learn_unsupervised(kin_reindex *re, kin_error *err);

/* Takes a model over as re->learnt, unless it is the very one that serves. */
void kin_reindex_take_model(kin_reindex *re, kin_embedder *embedder);

/*
 * A reindex whose model is chosen by somebody else, from its snapshot: teach() calls one of the above
 * or sets re->stop, which ends the reindex with all as it was.
 */
kin_status kin_reindex_taught(kin_archive *archive, const kin_reindex_options *options,
                              kin_status (*teach)(void *ctx, kin_reindex *re, kin_error *err),
                              void *ctx, kin_reindex_report *report, kin_error *err);

/* The live descriptors as rows to learn from; re must outlive them. */
kin_embed_rows kin_reindex_rows(kin_reindex *re);

/* Builds the generation over the vectors chosen, or extends the last one, measures what searches cost,
 * and tunes it: re->index, re->costs. */
kin_status kin_reindex_build_index(kin_reindex *re, kin_error *err);

/*
 * Puts what was made into the catalog: follows the writers without holding them up, until so little
 * is left that one transaction can do the rest, then makes that, names the new sets and the
 * generation. Before its commit the old ones serve, after it the new ones.
 */
kin_status kin_reindex_swap(kin_reindex *re, kin_error *err);

#endif
