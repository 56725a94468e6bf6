#include "radiomics/counts.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 4096 };

static int by_cell(const void *a, const void *b)
{
    const kin_count *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

void kin_counts_settle(kin_counts *counts)
{
    if (counts->count == 0)
        return;
    qsort(counts->items, counts->count, sizeof *counts->items, by_cell);
    size_t kept = 0;
    for (size_t i = 1; i < counts->count; i++) {
        if (by_cell(&counts->items[kept], &counts->items[i]) == 0)
            counts->items[kept].n += counts->items[i].n;
        else
            counts->items[++kept] = counts->items[i];
    }
    counts->count = kept + 1;
}

/* Makes room: first by summing up, and where that gains little, by more memory. */
static kin_status make_room(kin_counts *counts, kin_error *err)
{
    kin_counts_settle(counts);
    if (counts->capacity > 0 && counts->count <= counts->capacity / 2)
        return KIN_OK;
    size_t capacity = counts->capacity > 0 ? 2 * counts->capacity : FIRST_CAPACITY;
    kin_count *items = reallocarray(counts->items, capacity, sizeof *items);
    if (items == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a texture matrix");
    counts->items = items;
    counts->capacity = capacity;
    return KIN_OK;
}

kin_status kin_counts_add(kin_counts *counts, uint32_t row, uint32_t column, double n,
                          kin_error *err)
{
    if (counts->count > 0) { /* the same again is common */
        kin_count *last = &counts->items[counts->count - 1];
        if (last->row == row && last->column == column) {
            last->n += n;
            return KIN_OK;
        }
    }
    kin_status status = counts->count == counts->capacity ? make_room(counts, err) : KIN_OK;
    if (status == KIN_OK)
        counts->items[counts->count++] = (kin_count){.row = row, .column = column, .n = n};
    return status;
}

kin_status kin_counts_merge(kin_counts *counts, const kin_counts *other, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < other->count; i++)
        status = kin_counts_add(counts, other->items[i].row, other->items[i].column,
                                other->items[i].n, err);
    return status;
}

void kin_counts_clear(kin_counts *counts)
{
    counts->count = 0;
}

void kin_counts_release(kin_counts *counts)
{
    free(counts->items);
    *counts = (kin_counts){0};
}
