/* checked.h - size arithmetic that cannot wrap around: sizes from files never meet a bare `*`. */
#ifndef KIN_BASE_CHECKED_H
#define KIN_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* *out = a * b; false (and *out undefined) when the product does not fit. */
static inline bool kin_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* *out = a + b; false when the sum does not fit. */
static inline bool kin_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

#ifdef __cplusplus
}
#endif

#endif
