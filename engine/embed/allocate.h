/* allocate.h - zeroed arrays whose sizes cannot overflow; private to this folder. */
#ifndef KIN_EMBED_ALLOCATE_H
#define KIN_EMBED_ALLOCATE_H

#include <stdlib.h>

#include "base/checked.h"
#include "base/status.h"

/* count x times elements of `size` bytes, zeroed; NULL when there is no memory or the size
 * overflows.  Never NULL for an empty array. */
static inline void *kin_embed_allocate(size_t count, size_t times, size_t size)
{
    size_t total;
    if (!kin_mul_size(count, times, &total) || !kin_mul_size(total, size, &total))
        return NULL;
    return calloc(total > 0 ? total : 1, 1);
}

static inline kin_status kin_embed_no_memory(kin_error *err)
{
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to learn an embedding");
}

#endif
