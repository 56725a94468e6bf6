#include "simd/kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include "simd/kernels_tables.h"

/* A table takes its floats, halves and codes each from the instruction set that does them best. */
#define TABLE(label, floats, halves, codes)                                                        \
    {                                                                                              \
        .name = (label), .dot = kin_##floats##_dot, .l2sq = kin_##floats##_l2sq,                   \
        .dot_rows = kin_##floats##_dot_rows, .dot_block = kin_##floats##_dot_block,                \
        .dot_half = kin_##halves##_dot_half, .l2sq_half = kin_##halves##_l2sq_half,                \
        .dot_rows_half = kin_##halves##_dot_rows_half, .to_half = kin_##halves##_to_half,          \
        .from_half = kin_##halves##_from_half, .dot_code = kin_##codes##_dot_code,                 \
        .l2sq_code = kin_##codes##_l2sq_code, .dot_rows_code = kin_##codes##_dot_rows_code,        \
        .dot_gather_code = kin_##codes##_dot_gather_code,                                          \
    }

static bool runs_always(void)
{
    return true;
}

#if defined(__x86_64__)
/* The compiler's run-time support asks for the operating system's part (XCR0) as well. */
static bool runs_avx2(void)
{
    unsigned a, b, c = 0, d;
    bool knows_halves = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && knows_halves;
}

static bool runs_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool runs_avx512vnni(void)
{
    return runs_avx512() && __builtin_cpu_supports("avx512vnni");
}
#elif defined(__aarch64__)
static bool runs_neondot(void)
{
    const unsigned long asimddp = 1UL << 20; /* HWCAP_ASIMDDP, for headers that are older */
    return (getauxval(AT_HWCAP) & asimddp) != 0;
}
#endif

/* Best first; the last one runs everywhere. */
static const struct candidate {
    kin_kernels table;
    bool (*runs)(void);
} candidates[] = {
#if defined(__x86_64__)
    {TABLE("avx512vnni", avx512, avx512, avx512vnni), runs_avx512vnni},
    {TABLE("avx512", avx512, avx512, avx512), runs_avx512},
    {TABLE("avx2", avx2, avx2, avx2), runs_avx2},
#elif defined(__aarch64__)
    {TABLE("neondot", neon, neon, neondot), runs_neondot},
    {TABLE("neon", neon, neon, neon), runs_always}, /* part of the architecture */
#endif
    {TABLE("scalar", scalar, scalar, scalar), runs_always},
};

enum { CANDIDATES = sizeof candidates / sizeof candidates[0] };

const kin_kernels *kin_kernels_named(const char *name)
{
    for (size_t i = 0; i < CANDIDATES; i++)
        if (strcmp(candidates[i].table.name, name) == 0)
            return candidates[i].runs() ? &candidates[i].table : NULL;
    return NULL;
}

const kin_kernels *kin_kernels_best(void)
{
    const char *asked = getenv("KINDRED_SIMD");
    const kin_kernels *table = asked != NULL ? kin_kernels_named(asked) : NULL;
    for (size_t i = 0; table == NULL && i < CANDIDATES; i++)
        if (candidates[i].runs())
            table = &candidates[i].table;
    return table;
}
