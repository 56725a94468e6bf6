/*
 * near_groups.h - which stored images are nearly the same picture: neighbouring slices of one
 * patient, copies that were scaled or stored again, variants made by turning and mirroring.
 *
 * Such pictures must never stand on both sides of a split between what is learnt from and what is
 * asked: a figure then says how well copies are found.  Where patients are known they say more;
 * where they are not, this is the next best.
 *
 * Pictures are compared by the perceptual hashes of their previews (image/phash.h): upright, and
 * where asked under all flips and quarter turns and, by their middles, at any angle.  Two pictures at
 * most so many of 64 bits apart are near; groups are what nearness connects (single linkage).
 * Nearness is no equivalence, and single linkage chains: on 2,769 different brain slices, all of one
 * anatomy, upright, it gives
 *
 *     bits                         4      6      8     10     12
 *     groups                   2,484  2,134  1,619    954    443
 *     images in the largest        5     14    128    836  2,089
 *     images of another label
 *     than their group's first     1     19    231    748  1,340
 *
 * so groups are made at KIN_NEAR_BITS, before it does, and an evaluation leaves out whatever is
 * within KIN_NEAR_BITS_WIDE of a query itself, beyond its group: that reaches as far without
 * chaining.  Two unrelated pictures are that near once in some 10^8 pairs (64 fair coins); pictures
 * of one anatomy more often, which costs an evaluation some honest neighbours, but flatters nobody.
 * A picture is looked at from a thousand sides where angles are compared, so bits count for less
 * there, and none is added for the wider bound's sake: see image/phash.h for what 8 and 10 find.
 */
#ifndef KIN_ARCHIVE_NEAR_GROUPS_H
#define KIN_ARCHIVE_NEAR_GROUPS_H

#include <stdbool.h>

#include "archive/archive.h"
#include "image/phash.h"

enum {
    KIN_NEAR_BITS = 6,        /* apart at most, upright: for groups */
    KIN_NEAR_BITS_WIDE = 10,  /* for what a query must not be ranked against */
    KIN_NEAR_TURNED_BITS = 8, /* the same at any angle */
    KIN_NEAR_TURNED_BITS_WIDE = 10,
    KIN_NEAR_IMAGES_MAX = 1000000,
    KIN_NEAR_TURNED_MAX = 100000 /* pictures compared at any angle: 4 KiB and 20 ms each */
};

/* Which pictures are compared under flips and at any angle, too. */
typedef enum kin_near_turned {
    KIN_NEAR_TURNED_COLOUR, /* those in colour: tissue, which has no upright */
    KIN_NEAR_TURNED_ALL,
    KIN_NEAR_TURNED_NONE
} kin_near_turned;

typedef struct kin_near_options {
    kin_near_turned turned;
    bool wide;   /* the wider bounds */
    int threads; /* 0: all */
} kin_near_options;

/*
 * group[0 .. count) gets the number of each image's group, from 0 in order of first appearance;
 * *groups (may be NULL) how many there are.  ids: of stored images.  An image that was stored
 * without a preview is a group of its own.  options may be NULL.  KIN_E_LIMIT: more than
 * KIN_NEAR_IMAGES_MAX, or KIN_NEAR_TURNED_MAX at any angle; KIN_E_NOT_FOUND: an id is not live;
 * KIN_E_CORRUPT: a preview is no picture.
 *
 * Time: previews are decoded by all threads (3,000 a second each); comparing goes by an index and
 * takes seconds for a million images upright, 20 ms an image at any angle.
 */
kin_status kin_near_groups(kin_archive *archive, const uint64_t *ids, size_t count,
                           const kin_near_options *options, int *group, size_t *groups,
                           kin_error *err);

/* --- its parts, for who has images of several archives, or wants the pairs --- */

typedef struct kin_near_picture {
    bool known;                      /* there was a picture to hash */
    uint64_t forms[KIN_PHASH_FORMS]; /* the first alone unless turned */
    kin_phash_thumb *thumb;          /* where it is compared at any angle; owned */
    bool has_middle;
    uint64_t middle;
} kin_near_picture;

typedef struct kin_near_set {
    size_t count;
    kin_near_picture *pictures;
} kin_near_set;

/* Room for count pictures, all unknown. */
kin_status kin_near_set_init(kin_near_set *set, size_t count, kin_error *err);
void kin_near_set_release(kin_near_set *set);

/* Makes pictures[number]. */
kin_status kin_near_set_add(kin_near_set *set, size_t number, const kin_raster *picture,
                            kin_near_turned turned, kin_error *err);

/* Makes pictures[first .. first + count) from the previews of stored images. */
kin_status kin_near_set_read(kin_near_set *set, size_t first, kin_archive *archive,
                             const uint64_t *ids, size_t count, const kin_near_options *options,
                             kin_error *err);

/* Calls visit for every pair of near pictures, a != b, at least once in at least one order; one call
 * at a time, from any thread.  close: by the narrower bounds, too. */
typedef void kin_near_visit(void *ctx, size_t a, size_t b, bool close);
kin_status kin_near_each(const kin_near_set *set, const kin_near_options *options,
                         kin_near_visit *visit, void *ctx, kin_error *err);

/* Groups by pairs: parent[i] starts as i; pairs are joined; then group[i] is numbered as in
 * kin_near_groups().  Returns how many groups there are. */
void kin_near_join(int *parent, size_t a, size_t b);
size_t kin_near_number(int *parent, size_t count, int *group);

kin_status kin_near_set_groups(const kin_near_set *set, const kin_near_options *options, int *group,
                               size_t *groups, kin_error *err);

#endif
