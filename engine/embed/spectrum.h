/* spectrum.h - principal components of a sample of descriptors; private to this folder. */
#ifndef KIN_EMBED_SPECTRUM_H
#define KIN_EMBED_SPECTRUM_H

#include "embed/embedder.h"

/* Rows of a source, evenly spread: row i of the sample is row i * count / sample of the source. */
struct sample {
    const kin_embed_rows *rows;
    size_t count;
};

/* What a sample says. */
struct spectrum {
    float *mean;       /* [input] */
    double *scale;     /* [families]: to its weight's square as total variance; 0: does not vary */
    size_t rank;       /* components found, at most as many as asked for */
    double *variance;  /* [rank], largest first */
    float *directions; /* [rank][input], orthonormal in the scaled descriptors' space */
};

/* Finds the first `wanted` components.  Releases nothing on failure: kin_spectrum_free() does. */
kin_status kin_spectrum_find(const struct sample *sample, const struct embed_layout *layout,
                             size_t wanted, struct spectrum *spectrum, kin_error *err);
void kin_spectrum_free(struct spectrum *spectrum);

#endif
