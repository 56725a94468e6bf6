#include "search/members_cursor.h"

#include "search/search.h"

enum { STEPS_BEFORE_JUMP = 64 };

void kin_members_begin(struct members_cursor *cursor, const kin_members *members, uint64_t from,
                       uint64_t end)
{
    cursor->members = members;
    cursor->next = from;
    cursor->end = end;
    if (members->only != NULL) {
        roaring_init_iterator(members->only, &cursor->only);
        roaring_move_uint32_iterator_equalorlarger(&cursor->only, (uint32_t)from);
    }
    if (members->without != NULL) {
        roaring_init_iterator(members->without, &cursor->without);
        roaring_move_uint32_iterator_equalorlarger(&cursor->without, (uint32_t)from);
    }
}

/* Takes the iterator over those left out to the first at or after `row`.  It is mostly a step or two
 * away, and jumping costs some hundred nanoseconds: CRoaring counts a container's bits for it. */
static void move_to(roaring_uint32_iterator_t *without, uint32_t row)
{
    for (int step = 0; step < STEPS_BEFORE_JUMP; step++) {
        if (!without->has_value || without->current_value >= row)
            return;
        roaring_advance_uint32_iterator(without);
    }
    if (without->has_value && without->current_value < row)
        roaring_move_uint32_iterator_equalorlarger(without, row);
}

/* Is the row, which comes after those asked about before, one that is left out? */
static bool is_left_out(struct members_cursor *cursor, uint32_t row)
{
    roaring_uint32_iterator_t *without = &cursor->without;
    if (cursor->members->without == NULL)
        return false;
    move_to(without, row);
    return without->has_value && without->current_value == row;
}

/* The first row at or after `row` that is left out; the end where there is none. */
static uint64_t next_left_out(struct members_cursor *cursor, uint64_t row)
{
    roaring_uint32_iterator_t *without = &cursor->without;
    if (cursor->members->without == NULL)
        return cursor->end;
    move_to(without, (uint32_t)row);
    return without->has_value && without->current_value < cursor->end ? without->current_value
                                                                      : cursor->end;
}

static size_t next_of_all(struct members_cursor *cursor, uint32_t *ids)
{
    size_t count = 0;
    while (count < MEMBERS_AT_ONCE && cursor->next < cursor->end) {
        uint64_t stop = next_left_out(cursor, cursor->next);
        size_t run = (size_t)(stop - cursor->next);
        if (run > MEMBERS_AT_ONCE - count)
            run = MEMBERS_AT_ONCE - count;
        for (size_t i = 0; i < run; i++)
            ids[count + i] = (uint32_t)cursor->next + (uint32_t)i;
        count += run;
        cursor->next += run;
        if (cursor->next == stop)
            cursor->next++; /* past the one that is left out, or the end */
    }
    return count;
}

static size_t next_of_bitmap(struct members_cursor *cursor, uint32_t *ids)
{
    size_t count = 0;
    while (count == 0) {
        size_t read = roaring_read_uint32_iterator(&cursor->only, ids, MEMBERS_AT_ONCE);
        if (read == 0)
            return 0;
        for (size_t i = 0; i < read && ids[i] < cursor->end; i++)
            if (!is_left_out(cursor, ids[i]))
                ids[count++] = ids[i];
        if (count == 0 && cursor->only.has_value && cursor->only.current_value >= cursor->end)
            return 0;
    }
    return count;
}

size_t kin_members_next(struct members_cursor *cursor, uint32_t ids[MEMBERS_AT_ONCE])
{
    return cursor->members->only != NULL ? next_of_bitmap(cursor, ids) : next_of_all(cursor, ids);
}

static uint64_t in_range(const roaring_bitmap_t *bitmap, uint64_t from, uint64_t end)
{
    return roaring_bitmap_range_cardinality(bitmap, from, end);
}

uint64_t kin_members_count(const kin_members *members, uint64_t from, uint64_t end)
{
    if (end <= from)
        return 0;
    if (members->only == NULL)
        return end - from - (members->without != NULL ? in_range(members->without, from, end) : 0);
    uint64_t count = in_range(members->only, from, end);
    if (members->without == NULL || count == 0)
        return count;
    if (from == 0)
        return roaring_bitmap_andnot_cardinality(members->only, members->without) -
               kin_members_count(members, end, UINT64_C(1) << 32);
    /* The part at the end is small: what came after an index was built. */
    struct members_cursor cursor;
    uint32_t ids[MEMBERS_AT_ONCE];
    kin_members_begin(&cursor, members, from, end);
    count = 0;
    for (size_t n; (n = kin_members_next(&cursor, ids)) > 0;)
        count += n;
    return count;
}
