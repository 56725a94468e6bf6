/*
 * Memory that runs out when a test says so: of a program linked by kin_test_failing_memory()
 * (tests/CMakeLists.txt), in whose one source this is included, every call of malloc and its
 * relatives from our own libraries is counted, and the n-th fails.  What shared libraries ask for
 * themselves is theirs.
 */
#ifndef KIN_TEST_FAILING_MEMORY_H
#define KIN_TEST_FAILING_MEMORY_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t each);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t each);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t each);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t each);
char *__wrap_strdup(const char *text);

static size_t calls, fail_at, bytes_asked; /* fail_at 0: never */

/* Threads ask, too. */
static bool fails(size_t size)
{
    __atomic_add_fetch(&bytes_asked, size, __ATOMIC_RELAXED);
    return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == fail_at;
}

void *__wrap_malloc(size_t size)
{
    return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t each)
{
    return fails(count * each) ? NULL : __real_calloc(count, each);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails(size) ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t each)
{
    return fails(count * each) ? NULL : __real_reallocarray(old, count, each);
}

char *__wrap_strdup(const char *text)
{
    return fails(strlen(text) + 1) ? NULL : __real_strdup(text);
}

/* Counts anew, and lets the call of this number fail. */
static inline void from_now_fail(size_t at)
{
    calls = 0;
    bytes_asked = 0;
    fail_at = at;
}

#endif
