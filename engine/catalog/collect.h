/*
 * collect.h - sorted ids into a bitmap (internal to the catalog).
 *
 * The ids of one value come sorted, those of many values interleaved.  As long as they are few
 * among the rows they go into a roaring bitmap one by one; once they are many, a bit each in an
 * array of all rows, which takes a nanosecond in whatever order they come.
 */
#ifndef KIN_CATALOG_COLLECT_H
#define KIN_CATALOG_COLLECT_H

#include <roaring/roaring.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_collector {
    uint64_t rows;         /* ids are below */
    uint64_t collected;    /* ids that came, repeated ones among them */
    roaring_bitmap_t *few; /* while words is NULL */
    uint64_t *words;       /* a bit for each row */
    kin_error *err;
} kin_collector;

/* Ended by kin_collector_finish() or kin_collector_abandon(). */
kin_status kin_collector_begin(kin_collector *collector, uint64_t rows, kin_error *err);

/* A kin_ids_visitor: ctx is the collector.  KIN_E_CORRUPT: an id is not below rows. */
kin_status kin_collect(void *ctx, const uint32_t *ids, size_t count);

/* The bitmap of all that came, to be freed with roaring_bitmap_free(); nothing stays with the
 * collector, on failure either. */
kin_status kin_collector_finish(kin_collector *collector, roaring_bitmap_t **out);
void kin_collector_abandon(kin_collector *collector);

#endif
