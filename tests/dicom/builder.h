/* Bytes being put together, for files that no library would write. */
#ifndef KIN_TEST_BUILDER_H
#define KIN_TEST_BUILDER_H

#include <stdlib.h>
#include <string.h>

#include "shared_data.h"

typedef struct builder {
    uint8_t *bytes; /* from malloc: the user frees it */
    size_t size, room;
} builder;

static inline void put(builder *b, const void *bytes, size_t size)
{
    if (b->size + size > b->room) {
        b->room = 2 * (b->size + size);
        b->bytes = realloc(b->bytes, b->room);
        assert_non_null(b->bytes);
    }
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

#endif
