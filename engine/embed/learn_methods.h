/* learn_methods.h - the supervised methods: from components and labels to a head; private to this
 * folder and its tests. */
#ifndef KIN_EMBED_LEARN_METHODS_H
#define KIN_EMBED_LEARN_METHODS_H

#include <stdint.h>

#include "embed/head.h"

/* How much the unsupervised part counts (head.h).  P@1 / mAP of lda by grouped folds: without it
 * .888 / .898 on brain MRI and .946 / .952 on lung histology, with it .896 / .897 and .955 / .945. */
#define LEARN_BLEND 0.4f

/* Labelled rows as tempered components (embedder.h). */
struct learn_set {
    size_t count, width;     /* rows; components of each */
    const float *components; /* [count][width] */
    const int *label;        /* [count], from 0 to classes - 1 */
    size_t classes, dim;     /* dim: of the embedding */
    const double *variance;  /* [width]: of the components before tempering, largest first */
    const double *gain;      /* [width]: by which they were multiplied then */
    uint64_t seed;
    /* Told the share done; KIN_E_CANCELLED to stop.  May be NULL. */
    kin_status (*step)(void *ctx, double done, kin_error *err);
    void *ctx;
};

struct learn_method {
    const char *name; /* also the embedder's kind */
    /* The head stands on at most set->width components. */
    kin_status (*fit)(const struct learn_set *set, struct embed_head **head, kin_error *err);
};

enum { LEARN_COMPONENTS_MAX = 1024, LEARN_METHODS = 2 };

extern const struct learn_method kin_learn_lda, kin_learn_mlp;

#endif
