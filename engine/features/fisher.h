/*
 * fisher.h - Fisher vectors: how a picture's patches differ from patches at large (private to
 * engine/features and its tests).
 *
 * A dictionary is a mixture of Gaussians over small patches, learnt once from images of many kinds
 * (tools/train/dictionaries.py).  A picture is described by the gradient of its patches' likelihood
 * with regard to the mixture's means and variances: the improved Fisher vector of Perronnin, Sánchez
 * and Mensink (2010), with signed square roots and unit length.
 */
#ifndef KIN_FEATURES_FISHER_H
#define KIN_FEATURES_FISHER_H

#include <stdbool.h>

#include "base/status.h"

/* A patch of side x side pixels (rows, pixels, channels: as they lie) becomes `components` numbers,
 * basis' patch - offset; with `placed` two more say where it is, from -1 to 1. */
typedef struct kin_dictionary {
    int side, step, channels; /* pixels of a patch's side, and from one patch to the next */
    int components;
    bool placed;
    int words;
    const float *offset;   /* [components] */
    const float *basis;    /* [side * side * channels][components] */
    const float *weight;   /* [words], of sum 1 */
    const float *mean;     /* [words][components, 2 more when placed] */
    const float *variance; /* likewise */
} kin_dictionary;

enum { KIN_FISHER_WORDS_MAX = 64, KIN_FISHER_NUMBERS_MAX = 32 };

/* Floats of a vector over a dictionary: two for each number of each word. */
#define KIN_FISHER_LENGTH(words, numbers) (2 * (words) * (numbers))

/* Samples as they lie in a kin_raster, of any number of channels. */
typedef struct kin_field {
    const float *samples;
    int width, height, channels;
} kin_field;

/* out: KIN_FISHER_LENGTH floats, of unit length.  The field's channels are the dictionary's, and it
 * has at least one whole patch. */
void kin_fisher_encode(const kin_dictionary *dictionary, const kin_field *field, float *out);

extern const kin_dictionary kin_dictionary_colour, kin_dictionary_stain;

#endif
