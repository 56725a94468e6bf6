#include "bandwidth.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/parallel.h"

enum { CHUNK = 1 << 20, STEP = 256, AHEAD = 2048, STREAMS = 4 };

/* A cache line, added up as whatever registers the compiler has: loads are all that counts. */
typedef uint64_t line __attribute__((vector_size(64), may_alias));

static uint64_t sum_of(const line *sums)
{
    uint64_t sum = 0;
    for (int s = 0; s < STEP / 64; s++)
        for (int i = 0; i < 8; i++)
            sum ^= sums[s][i];
    return sum;
}

static uint64_t read_one(const uint8_t *at)
{
    line sums[4] = {{0}};
    for (size_t i = 0; i < CHUNK; i += STEP)
        for (int s = 0; s < 4; s++)
            sums[s] ^= *(const line *)(at + i + 64 * s);
    return sum_of(sums);
}

/* Past the chunk's end it asks for what another thread reads, or for nothing: harmless. */
static uint64_t read_ahead(const uint8_t *at)
{
    line sums[4] = {{0}};
    for (size_t i = 0; i < CHUNK; i += STEP)
        for (int s = 0; s < 4; s++) {
            __builtin_prefetch(at + i + AHEAD + 64 * s);
            sums[s] ^= *(const line *)(at + i + 64 * s);
        }
    return sum_of(sums);
}

static uint64_t read_streams(const uint8_t *at)
{
    enum { PART = CHUNK / STREAMS };
    line sums[4] = {{0}};
    for (size_t i = 0; i < PART; i += 64)
        for (size_t s = 0; s < STREAMS; s++)
            sums[s] ^= *(const line *)(at + s * PART + i);
    return sum_of(sums);
}

static const struct loop {
    const char *name;
    uint64_t (*read)(const uint8_t *at);
} loops[] = {
    {"one stream", read_one},
    {"one stream, asked ahead", read_ahead},
    {"four streams", read_streams},
};

struct pass {
    const struct loop *loop;
    const uint8_t *memory;
    atomic_uint_fast64_t sum; /* so that no compiler finds the loads idle */
};

static void read_chunks(void *ctx, size_t from, size_t to)
{
    struct pass *pass = ctx;
    uint64_t sum = 0;
    for (size_t i = from; i < to; i++)
        sum ^= pass->loop->read(pass->memory + i * CHUNK);
    atomic_fetch_xor(&pass->sum, sum);
}

double bench_bandwidth(const void *memory, size_t size, int threads, int tries, const char **loop)
{
    double best = 0;
    size_t chunks = size / CHUNK;
    for (int t = 0; t < tries; t++)
        for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
            struct pass pass = {.loop = &loops[i], .memory = memory};
            double began = kin_clock_monotonic();
            kin_parallel_for(chunks, 4, threads, read_chunks, &pass);
            double rate = (double)chunks * CHUNK / (kin_clock_monotonic() - began);
            if (rate > best) {
                best = rate;
                if (loop != NULL)
                    *loop = loops[i].name;
            }
        }
    return best;
}

kin_status bench_memory_map(size_t size, void **out, kin_error *err)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *out = NULL;
    if (memory == MAP_FAILED)
        return kin_fail_errno(err, NULL, "cannot have %zu bytes of memory", size);
    madvise(memory, size, MADV_HUGEPAGE); /* where it is refused, small pages do */
    memset(memory, 1, size);
    *out = memory;
    return KIN_OK;
}

void bench_memory_unmap(void *memory, size_t size)
{
    if (memory != NULL)
        munmap(memory, size);
}
