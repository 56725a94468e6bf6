#include "corpus_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/parallel.h"

enum { AT_ONCE = 8192, READ_GRAIN = 256 };

/* --- writing --- */

struct reading {
    const bench_set *set;
    size_t first;
    float *out;
};

static void read_some(void *ctx, size_t from, size_t to)
{
    const struct reading *r = ctx;
    bench_set_read(r->set, r->first + from, to - from, r->out + from * r->set->dim);
}

static kin_status append_all(const bench_set *set, bench_store *store, kin_error *err)
{
    size_t size;
    if (!kin_mul_size(set->dim, AT_ONCE * sizeof(float), &size))
        return kin_fail(err, KIN_E_LIMIT, set->title, "rows too long");
    float *block = malloc(size);
    kin_status status =
        block != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, set->title, "no memory for rows");
    for (size_t first = 0; status == KIN_OK && first < set->count; first += AT_ONCE) {
        size_t count = set->count - first < AT_ONCE ? set->count - first : AT_ONCE;
        struct reading reading = {set, first, block};
        kin_parallel_for(count, READ_GRAIN, 0, read_some, &reading);
        double began = kin_clock_monotonic();
        status = kin_segments_append(store->segments, first, block, count, err);
        store->seconds += kin_clock_monotonic() - began;
    }
    free(block);
    return status;
}

static kin_status hash_all(bench_store *store, kin_error *err)
{
    kin_status status = KIN_OK;
    store->hash_count = (store->count + KIN_BLOCK_ROWS - 1) / KIN_BLOCK_ROWS;
    store->hashes = calloc(store->hash_count, sizeof *store->hashes);
    if (store->hashes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for checksums");
    for (size_t b = 0; status == KIN_OK && b < store->hash_count; b++) {
        size_t left = store->count - b * KIN_BLOCK_ROWS;
        status = kin_segments_block_hash(store->segments, b,
                                         left < KIN_BLOCK_ROWS ? left : KIN_BLOCK_ROWS,
                                         &store->hashes[b], err);
    }
    return status;
}

static kin_status expected_hash(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    const bench_store *store = ctx;
    if (block >= store->hash_count)
        return kin_fail(err, KIN_E_CORRUPT, NULL, "no checksum of block %llu",
                        (unsigned long long)block);
    *hash = store->hashes[block];
    return KIN_OK;
}

/* Verifies every row, which also brings it into memory. */
static kin_status touch_all(bench_store *store, kin_error *err)
{
    const void *run;
    size_t count;
    for (uint64_t first = 0; first < store->count; first += count) {
        kin_status status =
            kin_rows_run(store->rows, first, store->count - (size_t)first, &run, &count, err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

kin_status bench_store_make(const bench_set *set, const char *codec_name, bench_store *out,
                            kin_error *err)
{
    const kin_codec *codec = kin_codec_named(codec_name != NULL ? codec_name : "fp32");
    memset(out, 0, sizeof *out);
    if (codec == NULL)
        return kin_fail(err, KIN_E_ARG, codec_name, "no such codec");
    out->count = set->count;
    out->dim = set->dim;
    out->bytes = (uint64_t)kin_codec_stride(codec, set->dim) * set->count;
    kin_status status = bench_scratch_make(out->folder, err);
    if (status == KIN_OK)
        status = kin_segments_open(kin_fs_posix(), out->folder, "bench", codec, set->dim, true,
                                   &out->segments, err);
    if (status == KIN_OK)
        status = append_all(set, out, err);
    if (status == KIN_OK)
        status = hash_all(out, err);
    if (status == KIN_OK)
        status = kin_rows_open(out->segments, out->count, expected_hash, out, &out->rows, err);
    if (status == KIN_OK)
        status = touch_all(out, err);
    return status == KIN_OK ? kin_costs_measure(set->dim, codec, &out->costs, err) : status;
}

void bench_store_release(bench_store *store)
{
    if (store->rows != NULL)
        kin_rows_close(store->rows);
    if (store->segments != NULL)
        kin_segments_close(store->segments);
    free(store->hashes);
    bench_scratch_remove(store->folder);
    memset(store, 0, sizeof *store);
}
