/* extend.h - whether a generation is extended by what is new; private to this folder. */
#ifndef KIN_INDEX_EXTEND_H
#define KIN_INDEX_EXTEND_H

#include "index/kinds.h"

/* How an earlier generation and a source have to do with each other. */
struct overlap {
    size_t kept; /* the source's first so many vectors are in the generation, the others are not */
    size_t gone; /* of the generation's, counting those that had gone before */
    bool fits;   /* nothing is new among the ids that the generation covers */
};
struct overlap kin_extend_compare(const kin_index *previous, const kin_index_source *source);

/* Sets build->previous and build->kept if options->previous is to be extended. */
kin_status kin_extend_judge(const struct index_kind *kind, struct index_build *build,
                            kin_error *err);

/* Gives an extended generation, whose ids are there, the bitmap of what has gone. */
kin_status kin_extend_mark_gone(kin_index *index, const struct index_build *build, kin_error *err);

#endif
