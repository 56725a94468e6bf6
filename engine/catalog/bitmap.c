#include "catalog/bitmap.h"

#include <stdatomic.h>
#include <stdlib.h>

struct kin_bitmap {
    roaring_bitmap_t *ids;
    uint64_t count;
    atomic_size_t references;
};

kin_status kin_bitmap_new(roaring_bitmap_t *ids, kin_bitmap **out, kin_error *err)
{
    kin_bitmap *bitmap = malloc(sizeof *bitmap);
    if (bitmap == NULL) {
        roaring_bitmap_free(ids);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    }
    bitmap->ids = ids;
    bitmap->count = roaring_bitmap_get_cardinality(ids);
    atomic_init(&bitmap->references, 1);
    *out = bitmap;
    return KIN_OK;
}

kin_bitmap *kin_bitmap_share(kin_bitmap *bitmap)
{
    atomic_fetch_add_explicit(&bitmap->references, 1, memory_order_relaxed);
    return bitmap;
}

/* Acquire and release: what any holder did with the ids comes before they are freed. */
void kin_bitmap_free(kin_bitmap *bitmap)
{
    if (bitmap == NULL ||
        atomic_fetch_sub_explicit(&bitmap->references, 1, memory_order_acq_rel) > 1)
        return;
    roaring_bitmap_free(bitmap->ids);
    free(bitmap);
}

const roaring_bitmap_t *kin_bitmap_borrow(const kin_bitmap *bitmap)
{
    return bitmap != NULL ? bitmap->ids : NULL;
}

uint64_t kin_bitmap_count(const kin_bitmap *bitmap)
{
    return bitmap != NULL ? bitmap->count : 0;
}
