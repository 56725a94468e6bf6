/*
 * members_cursor.h - the members of a range of rows, some hundred at a time; private to this folder.
 *
 * Nothing the size of the archive is laid out: members that are everything but a few are counted up
 * past those few, members of a bitmap are read from it.
 */
#ifndef KIN_SEARCH_MEMBERS_CURSOR_H
#define KIN_SEARCH_MEMBERS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "index/members.h"

enum { MEMBERS_AT_ONCE = 512 };

struct members_cursor {
    const kin_members *members;
    uint64_t next, end;
    roaring_uint32_iterator_t only, without; /* only where the bitmaps are there */
};

/* Begins at row `from`; rows at and after `end` do not count. */
void kin_members_begin(struct members_cursor *cursor, const kin_members *members, uint64_t from,
                       uint64_t end);

/* The next members, ascending, into ids; returns how many: 0 at the end. */
size_t kin_members_next(struct members_cursor *cursor, uint32_t ids[MEMBERS_AT_ONCE]);

/* Are ids so close together that reading through the rows between them, too, is quicker than going
 * from one to the next?  Measured: 25 ns a row of 1 KiB in a run, 60 of every other one. */
static inline bool kin_members_are_dense(const uint32_t *ids, size_t count)
{
    return 3 * (uint64_t)(ids[count - 1] - ids[0]) < 5 * (uint64_t)count;
}

/* Do ids follow each other without a gap? */
static inline bool kin_members_are_run(const uint32_t *ids, size_t count)
{
    return ids[count - 1] - ids[0] == count - 1;
}

#endif
