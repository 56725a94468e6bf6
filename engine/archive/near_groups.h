/*
 * near_groups.h - which stored images are nearly the same picture: neighbouring slices of one
 * patient, copies that were scaled or stored again, variants made by turning and mirroring.
 *
 * Such pictures must never stand on both sides of a split between what is learnt from and what is
 * asked: a figure then says how well copies are found.  Where patients are known they say more;
 * where they are not, this is the next best.
 *
 * Pictures are compared by the perceptual hashes of their previews (image/phash.h), under all
 * flips and quarter turns where asked.  Two pictures at most `distance` of 64 bits apart are near;
 * groups are what nearness connects (single linkage).  Nearness is no equivalence, and single linkage
 * chains: on 2,769 different brain slices, all of one anatomy, it gives
 *
 *     distance                     4      6      8     10     12
 *     groups                   2,484  2,134  1,619    954    443
 *     images in the largest        5     14    128    836  2,089
 *     images of another label
 *     than their group's first     1     19    231    748  1,340
 *
 * so groups are made at KIN_NEAR_DISTANCE, before it does, and an evaluation leaves out whatever is
 * within KIN_NEAR_LEAVE_OUT of a query itself, beyond its group: that reaches as far without
 * chaining.  Two unrelated pictures are that near once in some 10^7 pairs (64 fair coins); pictures
 * of one anatomy more often, which costs an evaluation some honest neighbours, but flatters nobody.
 */
#ifndef KIN_ARCHIVE_NEAR_GROUPS_H
#define KIN_ARCHIVE_NEAR_GROUPS_H

#include <stdbool.h>

#include "archive/archive.h"
#include "image/phash.h"

enum {
    KIN_NEAR_DISTANCE = 6,   /* bits, for groups */
    KIN_NEAR_LEAVE_OUT = 10, /* bits, for what a query must not be ranked against */
    KIN_NEAR_IMAGES_MAX = 1000000
};

typedef struct kin_near_options {
    int distance; /* at most; 0: KIN_NEAR_DISTANCE */
    bool turned;  /* flips and quarter turns of one picture are near, too */
    int threads;  /* 0: all */
} kin_near_options;

/* Hashes of pictures: what nearness is told by. */
typedef struct kin_near_hashes {
    size_t count;
    bool turned;
    uint64_t (*forms)[KIN_PHASH_FORMS]; /* [count]; the first alone unless turned */
    bool *known;                        /* [count]: false where there was no picture to hash */
} kin_near_hashes;

/*
 * group[0 .. count) gets the number of each image's group, from 0 in order of first appearance;
 * *groups (may be NULL) how many there are.  ids: of stored images.  An image that was stored
 * without a preview is a group of its own.  options may be NULL.  KIN_E_LIMIT: more than
 * KIN_NEAR_IMAGES_MAX; KIN_E_NOT_FOUND: an id is not live; KIN_E_CORRUPT: a preview is no picture.
 *
 * Time: previews are decoded by all threads (about 1,000 a second each); comparing goes by an index
 * and takes a second for 100,000 images, ten times that when turned.
 */
kin_status kin_near_groups(kin_archive *archive, const uint64_t *ids, size_t count,
                           const kin_near_options *options, int *group, size_t *groups,
                           kin_error *err);

/* The two halves of it, for who has other pictures as well, or wants the hashes for more. */
kin_status kin_near_hashes_read(kin_archive *archive, const uint64_t *ids, size_t count,
                                const kin_near_options *options, kin_near_hashes *out,
                                kin_error *err);
kin_status kin_near_hashes_init(kin_near_hashes *hashes, size_t count, bool turned, kin_error *err);
kin_status kin_near_hashes_set(kin_near_hashes *hashes, size_t number, const kin_raster *picture,
                               kin_error *err);
void kin_near_hashes_release(kin_near_hashes *hashes);

kin_status kin_near_groups_of(const kin_near_hashes *hashes, const kin_near_options *options,
                              int *group, size_t *groups, kin_error *err);

#endif
