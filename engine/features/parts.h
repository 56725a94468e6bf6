/*
 * parts.h - a lesion in numbers: itself with its margin, the ring around it and the whole picture,
 * as parts with weights.
 *
 * The descriptor of a region is the weighted mean of the descriptors of its parts, so it has the
 * layout of any other descriptor: embeddings are linear before they are normalised (embed.h), so
 * the embedding of the mean is the weighted sum of the parts' embeddings.  A region thus is a row
 * like every other and is compared with whole images, too.
 *
 * Margins are shares of the lesion's size, which is the diameter of the circle of its area; where
 * the spacing says that pixels are not square, distances are measured in space.
 */
#ifndef KIN_FEATURES_PARTS_H
#define KIN_FEATURES_PARTS_H

#include "features/features.h"
#include "image/mask.h"

typedef struct kin_part_weights {
    float lesion; /* the box around the lesion dilated by KIN_PART_MARGIN, its pixels kept */
    float ring;   /* what is within KIN_PART_RING of the lesion's border, outside of it; all other
                     pixels are blanked to the ring's mean */
    float whole;  /* the whole picture */
} kin_part_weights;

#define KIN_PART_MARGIN 0.2
#define KIN_PART_RING   0.5
enum { KIN_PART_SIDE_MIN = 16 }; /* pixels a side that a part has where the picture has room */

/*
 * The default weights, chosen with the margins by retrieval quality under leave-one-patient-out:
 * mAP / P@1, in per cent, of the default descriptor with a projection learnt without labels, on
 * lesions of brain MRI (92 slices, outlined by hand by no radiologist, 3 types; whose they are is not
 * known, so they were taken far apart in their set) and of mammograms (80 circles of mini-MIAS,
 * 6 types; with 66 places in normal breasts: benign, malignant, normal):
 *
 *                                             MRI type      film type     film B/M/N
 *     whole                                   48.9 / 63.0   21.7 / 31.2   43.4 / 50.0
 *     lesion without a margin                 49.7 / 57.6   31.4 / 46.2   48.9 / 56.2
 *     lesion, margin 0.2                      55.1 / 80.4   29.2 / 41.2   47.4 / 57.5
 *     lesion, margin 0.2, + 1/2 ring          55.0 / 80.4   28.1 / 37.5   46.1 / 54.8
 *     lesion, margin 0.2, + 1/2 whole         55.9 / 85.9   29.3 / 40.0   47.8 / 57.5   (default)
 *     lesion, margin 0.2, + 1/4 ring + 1/2 w. 56.2 / 84.8   28.6 / 36.2   47.1 / 59.6
 *
 * Paired 95% bootstrap intervals over patients, in mAP: the default is better than the whole by 3.5
 * to 10.6, 5.0 to 10.4 and 2.6 to 6.2; the margin is better than none by 3.6 to 7.1 on the MRI and
 * worse by 0.9 to 3.5 and 0.7 to 2.3 on the films, whose circles have room in them; the half of the
 * whole is better than nothing of it by 0.1 to 1.6, -0.7 to 0.8, 0.0 to 0.8.  Weights and margins
 * were chosen on the same lesions that they are judged by.
 *
 * The ring does not earn a weight: the margin shows it already.  Blanking or fading what lies
 * outside the dilated lesion was no better; stretching the lesion's levels by themselves instead of
 * as the whole's are, and margins of fixed millimetres, were worse in the mean over the three.
 */
kin_part_weights kin_part_weights_default(void);

/* Describes the region of raster that mask (of its size) marks.  whole: the whole picture's
 * descriptor where the caller has it, or NULL.  out: kin_extractor_length() floats.  KIN_E_ARG: the
 * mask is empty or of another size, weights are negative, not finite or all zero. */
kin_status kin_describe_region(const kin_extractor *extractor, const kin_raster *raster,
                               const kin_mask *mask, kin_part_weights weights, const float *whole,
                               float *out, kin_error *err);

/* The box around the region and its ring: where to look at it.  KIN_E_ARG: the mask is empty or of
 * another size than the raster. */
kin_status kin_region_surroundings(const kin_raster *raster, const kin_mask *mask, kin_box *out,
                                   kin_error *err);

#endif
