/*
 * bitmap.h - a set of ids that nobody changes any more, shared by reference.
 *
 * Bitmaps of many images are megabytes; the catalog keeps those that were asked for lately, and
 * hands the same one to every search that asks again.  Each holder has a reference of its own and
 * gives it up with kin_bitmap_free(), in any thread; it may outlive the snapshot that it was made
 * from, and the catalog.
 */
#ifndef KIN_CATALOG_BITMAP_H
#define KIN_CATALOG_BITMAP_H

#include <stdint.h>

#include <roaring/roaring.h>

#include "base/status.h"

typedef struct kin_bitmap kin_bitmap;

/* Takes over `ids`, which may not be changed afterwards; on failure they are freed. */
kin_status kin_bitmap_new(roaring_bitmap_t *ids, kin_bitmap **out, kin_error *err);

/* Another reference, to be freed as well; returns `bitmap`. */
kin_bitmap *kin_bitmap_share(kin_bitmap *bitmap);

/* Gives a reference up.  NULL is allowed. */
void kin_bitmap_free(kin_bitmap *bitmap);

/* The ids, valid while a reference is held; NULL of NULL. */
const roaring_bitmap_t *kin_bitmap_borrow(const kin_bitmap *bitmap);

/* How many ids there are: kept, not counted anew.  0 of NULL. */
uint64_t kin_bitmap_count(const kin_bitmap *bitmap);

#endif
