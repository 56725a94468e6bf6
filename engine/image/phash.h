/*
 * phash.h - a perceptual hash: 64 bits that stay nearly the same when a picture is stored again,
 * scaled, brightened or slightly cropped, and with which near-duplicates are found.
 *
 * The hash is the one of the discrete cosine transform (Zauner, "Implementation and benchmarking of
 * perceptual image hash functions", 2010, section 3.2.1; Klinger and Starkweather's pHash): the
 * grey picture, whatever its shape, is brought to 32 x 32 samples by area averaging, transformed
 * (DCT-II in both directions), and bit 8 (v - 1) + (u - 1) says whether coefficient (u, v),
 * u across and v down, both from 1 to 8, is above the median of these 64.  Two pictures are compared
 * by the number of bits in which they differ.
 *
 * Mirroring a picture changes the signs of its odd coefficients and turning it by a quarter
 * exchanges u and v besides, so the hashes of all eight flips and quarter turns come from one
 * transform.
 */
#ifndef KIN_IMAGE_PHASH_H
#define KIN_IMAGE_PHASH_H

#include <stdint.h>

#include "image/raster.h"

enum {
    KIN_PHASH_BITS = 64,
    KIN_PHASH_FORMS = 8 /* the flips and quarter turns of a picture, itself the first */
};

/* The hash of a picture (grey or RGB). */
kin_status kin_phash(const kin_raster *raster, uint64_t *out, kin_error *err);

/* The hashes of the picture (forms[0]) and of its seven other flips and quarter turns.  Whether two
 * pictures are near whichever way they lie is told by the smallest distance of one picture's forms
 * to the other's first. */
kin_status kin_phash_forms(const kin_raster *raster, uint64_t forms[KIN_PHASH_FORMS],
                           kin_error *err);

/* Bits that differ: from 0 to 64.  Unrelated pictures are about 32 apart. */
static inline int kin_phash_distance(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}

#endif
