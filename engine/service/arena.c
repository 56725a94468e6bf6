#include "service/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"

enum { BLOCK_BYTES = 32 * 1024 };

struct kin_arena_block {
    struct kin_arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

static struct kin_arena_block *add_block(kin_arena *arena, size_t least)
{
    size_t size = least > BLOCK_BYTES ? least : BLOCK_BYTES, total;
    struct kin_arena_block *block =
        kin_add_size(size, sizeof *block, &total) ? malloc(total) : NULL;
    if (block == NULL)
        return NULL;
    *block = (struct kin_arena_block){.next = arena->blocks, .size = size};
    arena->blocks = block;
    return block;
}

void *kin_arena_new(kin_arena *arena, size_t count, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t bytes;
    bool fits = !arena->failed && kin_mul_size(count, size, &bytes) &&
                kin_add_size(bytes, align - 1, &bytes);
    if (fits) {
        bytes -= bytes % align;
        struct kin_arena_block *block = arena->blocks;
        if (block == NULL || block->size - block->used < bytes)
            block = add_block(arena, bytes);
        if (block != NULL) {
            void *out = block->bytes + block->used;
            block->used += bytes;
            return memset(out, 0, bytes);
        }
    }
    arena->failed = true;
    return NULL;
}

char *kin_arena_copy(kin_arena *arena, const char *text)
{
    char *repaired = kin_utf8_is_valid(text) ? NULL : kin_utf8_repair(text);
    const char *source = repaired != NULL ? repaired : text;
    size_t size = strlen(source) + 1;
    char *out = kin_arena_new(arena, size, 1);
    if (out != NULL)
        memcpy(out, source, size);
    free(repaired);
    return out;
}

char *kin_arena_utf8(kin_arena *arena, const char *text)
{
    return kin_utf8_is_valid(text) ? (char *)text : kin_arena_copy(arena, text);
}

void kin_arena_release(kin_arena *arena)
{
    while (arena->blocks != NULL) {
        struct kin_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->failed = false;
}
