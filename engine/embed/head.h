/* head.h - what a learnt metric adds to the components; private to this folder and its tests. */
#ifndef KIN_EMBED_HEAD_H
#define KIN_EMBED_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { EMBED_HIDDEN_MAX = 4096 };

/*
 * From tempered components c (embedder.h) to an embedding of learnt + plain floats:
 *     a = max(0, in c + in_bias), or a = c where there is no hidden layer
 *     s = out a + out_bias
 *     y = [ s / |s|, blend * c' / |c'| ]      c': the first `plain` components
 * and y is scaled to unit length.  So the cosine of two embeddings is
 *     (cosine of the learnt parts + blend^2 * cosine of the components) / (1 + blend^2):
 * labels rank first, and among images that the labels do not tell apart the nearer looking ones.
 */
struct embed_head {
    size_t components, hidden; /* hidden 0: linear */
    size_t learnt, plain;
    float blend;
    float *in;       /* [hidden][components] */
    float *in_bias;  /* [hidden] */
    float *out;      /* [learnt][hidden, or components] */
    float *out_bias; /* [learnt] */
};

/* Zeroed parameters; learnt >= 1, plain <= components. */
kin_status kin_embed_head_new(size_t components, size_t hidden, size_t learnt, size_t plain,
                              struct embed_head **out, kin_error *err);
void kin_embed_head_free(struct embed_head *head);

/* Floats that `out` acts on. */
static inline size_t kin_embed_head_width(const struct embed_head *head)
{
    return head->hidden > 0 ? head->hidden : head->components;
}

/* The parameters, in the order of the file: four arrays, their lengths in floats. */
enum { EMBED_HEAD_ARRAYS = 4 };
struct embed_head_array {
    float *data;
    size_t count;
};
void kin_embed_head_arrays(const struct embed_head *head,
                           struct embed_head_array arrays[EMBED_HEAD_ARRAYS]);

/* y = count x (learnt + plain) from count rows of components, `stride` floats apart, before it is scaled to unit length; what is
 * not finite stays so. */
kin_status kin_embed_head_apply(const struct embed_head *head, const float *components,
                                size_t stride, size_t count, float *y, kin_error *err);

#endif
