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
 * The default weights, chosen with the margins by retrieval quality.  `kindred-bench parts`: mAP
 * with its gain over the whole image (95% bootstrap interval, paired, over patients) and P@1, the
 * query's patient left out, default descriptor, a projection learnt without labels, of
 *   MRI    92 tumours of brain MRI, 3 types, outlined by hand by no radiologist; whose they are is
 *          not known, so slices were taken far apart in their set
 *   films  80 findings of mini-MIAS's mammograms, 6 types, as circles
 *
 *                          MRI                           films
 *     whole                .489                   .630   .217                   .312
 *     lesion               .566 (.035 to .115)    .804   .291 (.048 to .103)    .450
 *     + 1/2 ring           .563 (.035 to .110)    .837   .279 (.035 to .092)    .400
 *     + 1/2 whole          .577 (.050 to .122)    .804   .290 (.048 to .100)    .350   (default)
 *     + 1/4 ring + 1/2 w.  .579 (.051 to .124)    .815   .286 (.043 to .096)    .375
 *
 * These are few lesions, and the weights were chosen on them.  The ring does not earn a weight: the
 * margin shows it already.  Tried on the same lesions, in mAP: no margin loses .054 (.036 to .071)
 * on the MRI and gains .022 (.009 to .035) on the films, whose circles have room in them; blanking
 * or fading what lies outside the dilated lesion is no better; stretching its levels by themselves
 * instead of as the whole's are loses .028 and .008, and margins of fixed millimetres lose in the
 * mean.
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
