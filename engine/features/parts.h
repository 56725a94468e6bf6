/*
 * parts.h - a lesion in numbers: itself, its margin and the whole picture, as parts with weights.
 *
 * The descriptor of a region is the weighted mean of the descriptors of its parts, so it has the
 * layout of any other descriptor: embeddings are linear before they are normalised (embed.h), so
 * the embedding of the mean is the weighted sum of the parts' embeddings.  A region thus is a row
 * like every other and is compared with whole images, too.
 */
#ifndef KIN_FEATURES_PARTS_H
#define KIN_FEATURES_PARTS_H

#include "features/features.h"
#include "image/mask.h"

typedef struct kin_part_weights {
    float lesion; /* the box around the lesion, dilated by the margin */
    float ring;   /* the margin around it, the lesion blanked out */
    float whole;  /* the whole picture */
} kin_part_weights;

/* The default weights, chosen by retrieval quality. */
kin_part_weights kin_part_weights_default(void);

/* Describes the region of raster that mask (of its size) marks.  whole: the whole picture's
 * descriptor where the caller has it, or NULL.  out: kin_extractor_length() floats.  KIN_E_ARG: the
 * mask is empty, the weights are negative or all zero. */
kin_status kin_describe_region(const kin_extractor *extractor, const kin_raster *raster,
                               const kin_mask *mask, kin_part_weights weights, const float *whole,
                               float *out, kin_error *err);

#endif
