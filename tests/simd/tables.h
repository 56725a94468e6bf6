/* tables.h - what the tests of the kernels share: the tables that run here, numbers to try, and
 * memory that ends where a vector ends. */
#ifndef KIN_TEST_TABLES_H
#define KIN_TEST_TABLES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "random.h"
#include "simd/kernels.h"

static const char *const all_tables[] = {"scalar",     "avx2", "avx512",
                                         "avx512vnni", "neon", "neondot"};
enum { TABLES = sizeof all_tables / sizeof all_tables[0] };

#define FOR_EACH_TABLE(k)                                                                          \
    for (size_t each_table = 0; each_table < TABLES; each_table++)                                 \
        for (const kin_kernels *k = kin_kernels_named(all_tables[each_table]); k != NULL; k = NULL)

/* Memory between two pages that may not be touched: what a kernel reads or writes outside a vector
 * that lies at either end kills the test, in every kind of build. */
typedef struct fence {
    uint8_t *map;
    size_t mapped, page, inside;
} fence;

static inline fence fence_new(size_t bytes)
{
    const size_t page = 65536; /* a multiple of every architecture's */
    fence f = {.page = page, .inside = (bytes + page) / page * page};
    f.mapped = f.inside + 2 * page;
    f.map = mmap(NULL, f.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(f.map != MAP_FAILED);
    assert_int_equal(mprotect(f.map + page, f.inside, PROT_READ | PROT_WRITE), 0);
    return f;
}

static inline void fence_free(fence *f)
{
    munmap(f->map, f->mapped);
}

/* The first bytes, and the last. */
static inline void *fence_front(const fence *f)
{
    return f->map + f->page;
}

static inline void *fence_back(const fence *f, size_t bytes)
{
    return f->map + f->page + f->inside - bytes;
}

/* Evenly from [-scale, scale). */
static inline void fill_floats(uint64_t *state, float *v, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (2 * random_unit(state) - 1) * scale;
}

/* All 256 values; one in four is one of the two ends of the range. */
static inline void fill_codes(uint64_t *state, int8_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = random_bits(state);
        v[i] = (bits >> 60) % 4 != 0 ? (int8_t)(bits & 0xff) : (bits & 1) != 0 ? -128 : 127;
    }
}

/* How far a sum of single precision may be off by kernels.h, where magnitude is the sum of its
 * terms' magnitudes.  Products below the normal range lose up to a subnormal's last bit each. */
static inline double float_bound(double magnitude, size_t dim)
{
    return ((double)dim / 8 + 16) * (double)FLT_EPSILON / 2 * magnitude +
           (double)(dim + 16) * (double)FLT_TRUE_MIN;
}

/* The sums in double precision. */
typedef struct reference {
    double dot, dot_magnitude, l2sq;
} reference;

static inline reference reference_of(const float *a, const float *b, size_t dim)
{
    reference sums = {0};
    for (size_t i = 0; i < dim; i++) {
        double product = (double)a[i] * b[i], difference = (double)a[i] - b[i];
        sums.dot += product;
        sums.dot_magnitude += fabs(product);
        sums.l2sq += difference * difference;
    }
    return sums;
}

#endif
