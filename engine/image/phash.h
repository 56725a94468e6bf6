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

#include <stdbool.h>
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

/*
 * Any angle.  Tissue has no upright, and sets are made larger by turning pictures, cutting away the
 * corners and enlarging the rest.  Such copies share their middle, so there the middle half of one
 * picture is compared with the other's, seen under angles 5 degrees apart (with the flips and quarter
 * turns: all the way round) and in sizes 5.8% apart from 3/4 to 4/3, which is as much as turning by
 * 25 degrees enlarges.
 *
 * On 717 tiles of lung, many of them made of others in that way, 224 pairs are at most 8 bits apart,
 * all of one class, though 2 in 3 pairs are not; of the next 42, at 10 bits, 14 are not.
 */
enum {
    KIN_PHASH_THUMB = 64, /* side of what is looked at: the picture's largest centred square */
    KIN_PHASH_ANGLES = 19,
    KIN_PHASH_SIZES = 11,
    KIN_PHASH_TURNED = KIN_PHASH_ANGLES * KIN_PHASH_SIZES * KIN_PHASH_FORMS
};

typedef struct kin_phash_thumb {
    uint8_t px[KIN_PHASH_THUMB * KIN_PHASH_THUMB]; /* grey: 255 times the value, rounded */
} kin_phash_thumb;

kin_status kin_phash_thumb_of(const kin_raster *raster, kin_phash_thumb *out, kin_error *err);

/* The hash of the middle; false where it is all but flat, and would be near to every other such. */
bool kin_phash_middle(const kin_phash_thumb *thumb, uint64_t *out);
/* The hashes of the middle under all angles and sizes: to be compared with others' middles. */
void kin_phash_turned(const kin_phash_thumb *thumb, uint64_t out[KIN_PHASH_TURNED]);

/* Bits that differ: from 0 to 64.  Unrelated pictures are about 32 apart. */
static inline int kin_phash_distance(uint64_t a, uint64_t b)
{
    return __builtin_popcountll(a ^ b);
}

#endif
