/* reembed.h - stored descriptors under another model. */
#ifndef KIN_ARCHIVE_REEMBED_H
#define KIN_ARCHIVE_REEMBED_H

#include <roaring/roaring.h>

#include "embed/embed.h"
#include "store/segments.h"

/* What to embed, and into what. */
typedef struct kin_reembed {
    const kin_embedder *embedder;
    kin_rows *descriptors;
    const roaring_bitmap_t *live; /* rows that are images; the others become zero vectors, so that
                                     nothing of them is left under the new model */
    kin_segments *into;
    /* Called with the share done; a failure ends the work.  May be NULL. */
    kin_status (*progress)(void *ctx, double done, kin_error *err);
    void *ctx;
} kin_reembed;

/* Embeds rows [from, to) of the descriptors and appends them to `into` as the same rows. */
kin_status kin_reembed_rows(const kin_reembed *work, uint64_t from, uint64_t to, kin_error *err);

#endif
