#include "simd/kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "simd/kernels_tables.h"

static bool runs_always(void)
{
    return true;
}

#if defined(__x86_64__)
/* The compiler's run-time support asks for the operating system's part (XCR0) as well. */
static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}
#endif

/* Best first; the last one runs everywhere. */
static const struct candidate {
    const kin_kernels *table;
    bool (*runs)(void);
} candidates[] = {
#if defined(__x86_64__)
    {&kin_kernels_avx512, runs_avx512},
    {&kin_kernels_avx2, runs_avx2},
#elif defined(__aarch64__)
    {&kin_kernels_neon, runs_always}, /* Advanced SIMD is part of the architecture */
#endif
    {&kin_kernels_scalar, runs_always},
};

enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };

const kin_kernels *kin_kernels_named(const char *name)
{
    for (size_t i = 0; i < CANDIDATES; i++)
        if (strcmp(candidates[i].table->name, name) == 0)
            return candidates[i].runs() ? candidates[i].table : NULL;
    return NULL;
}

const kin_kernels *kin_kernels_best(void)
{
    const char *asked = getenv("KINDRED_SIMD");
    const kin_kernels *table = asked != NULL ? kin_kernels_named(asked) : NULL;
    for (size_t i = 0; table == NULL && i < CANDIDATES; i++)
        if (candidates[i].runs())
            table = candidates[i].table;
    return table;
}
