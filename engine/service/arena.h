/* arena.h - memory that lives as long as one answer. */
#ifndef KIN_SERVICE_ARENA_H
#define KIN_SERVICE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is an empty arena.  A request that cannot be met sets `failed`, and everything
 * after it fails as well: builders check once, at their end. */
typedef struct kin_arena {
    struct kin_arena_block *blocks;
    bool failed;
} kin_arena;

/* count * size zeroed bytes, aligned for anything; NULL when memory is gone. */
void *kin_arena_new(kin_arena *arena, size_t count, size_t size);
/* text itself when it is UTF-8 (borrowed: it must live as long as the arena), else a repaired
 * copy. */
char *kin_arena_utf8(kin_arena *arena, const char *text);
/* A copy of text, repaired where needed. */
char *kin_arena_copy(kin_arena *arena, const char *text);
void kin_arena_release(kin_arena *arena);

#endif
