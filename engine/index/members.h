/*
 * members.h - which rows may be answers.
 *
 * Two bitmaps, borrowed: a row may be an answer when `only` has it (NULL: every row) and `without`
 * has not (NULL: none).  So an unfiltered search needs no bitmap of the whole archive, only that of
 * the dead.  Bitmaps are asked by many threads at once and must not change meanwhile.
 */
#ifndef KIN_INDEX_MEMBERS_H
#define KIN_INDEX_MEMBERS_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct kin_members {
    const roaring_bitmap_t *only, *without;
} kin_members;

static inline bool kin_members_have(const kin_members *members, uint64_t row)
{
    return (members->only == NULL || roaring_bitmap_contains(members->only, (uint32_t)row)) &&
           (members->without == NULL || !roaring_bitmap_contains(members->without, (uint32_t)row));
}

#endif
