#include "index/forecast.h"

#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "index/generation_file.h"
#include "store/codec.h"

/* Below this a scan of the codes is as good as any index: 20,000 x 256 bytes are 5 MB, which one
 * core reads in a fifth of a millisecond, and a filter costs it nothing. */
enum { FLAT_ROWS_MAX = 20000 };

/* A graph's build compares a new node with some thousands of others: about a quarter of a
 * millisecond of one core at 10^6 x 256, and more in larger graphs.  Ten million nodes of a core
 * are about an hour; beyond that many for each core a nightly build would not be done by morning. */
enum { HNSW_ROWS_A_CORE = 10 * 1000 * 1000 };

/* What has no name of its own; and huge pages, of which the last of each section is part empty. */
enum { BUILD_EXTRA = 6 << 20 };

static uint64_t memory_max(const kin_index_options *options)
{
    if (options->memory_max > 0)
        return options->memory_max;
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

static kin_index_forecast forecast(const struct index_kind *kind, size_t count, size_t dim,
                                   int threads)
{
    struct index_needs needs = kind->needs(count, dim, threads);
    uint64_t shared = (uint64_t)count * (sizeof(uint64_t) + kin_codec_stride(kin_codec_int8, dim));
    uint64_t file = shared + needs.structure + (SECTIONS + 1) * GENERATION_PAGE;
    return (kin_index_forecast){
        .kind = kind->name,
        .peak_bytes = shared + needs.building + BUILD_EXTRA,
        .file_bytes = file + file / GENERATION_PIECE * sizeof(uint64_t),
    };
}

static const struct index_kind *preferred(size_t count, int threads)
{
    if (count <= FLAT_ROWS_MAX)
        return &kin_index_flat;
    return count / (size_t)threads <= HNSW_ROWS_A_CORE ? &kin_index_hnsw : &kin_index_ivfpq;
}

kin_status kin_forecast_kind(size_t count, size_t dim, const kin_index_options *options,
                             const struct index_kind **kind, kin_index_forecast *out,
                             kin_error *err)
{
    int threads = options->threads > 0 ? options->threads : kin_cpu_count();
    bool free_to_choose = options->kind == NULL || strcmp(options->kind, "auto") == 0;
    if (dim == 0 || dim > KIN_INDEX_DIM_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "vectors of %zu floats cannot be indexed", dim);
    if (count > KIN_INDEX_COUNT_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu vectors are too many for one index", count);
    *kind = free_to_choose ? preferred(count, threads) : kin_index_kind_named(options->kind);
    if (*kind == NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "there is no index kind %s", options->kind);
    if (count < (*kind)->count_min)
        return kin_fail(err, KIN_E_ARG, NULL, "an index of kind %s needs at least %zu vectors",
                        (*kind)->name, (*kind)->count_min);
    *out = forecast(*kind, count, dim, threads);
    if (out->peak_bytes <= memory_max(options))
        return KIN_OK;
    if (!free_to_choose)
        return kin_fail(err, KIN_E_LIMIT, NULL,
                        "building an index of kind %s takes %llu bytes, and %llu may be used",
                        (*kind)->name, (unsigned long long)out->peak_bytes,
                        (unsigned long long)memory_max(options));
    /* Where not even the smallest keeps below the bound, it is the smallest. */
    static const struct index_kind *const smaller[] = {&kin_index_ivfpq, &kin_index_flat};
    for (size_t i = 0; i < sizeof smaller / sizeof smaller[0]; i++) {
        kin_index_forecast other = forecast(smaller[i], count, dim, threads);
        if (count >= smaller[i]->count_min && other.peak_bytes < out->peak_bytes) {
            *kind = smaller[i];
            *out = other;
        }
        if (out->peak_bytes <= memory_max(options))
            break;
    }
    return KIN_OK;
}

kin_status kin_index_forecast_build(size_t count, size_t dim, const kin_index_options *options,
                                    kin_index_forecast *out, kin_error *err)
{
    static const kin_index_options defaults = {0};
    const struct index_kind *kind;
    return kin_forecast_kind(count, dim, options != NULL ? options : &defaults, &kind, out, err);
}
