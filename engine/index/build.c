#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "index/extend.h"
#include "index/forecast.h"
#include "index/kinds.h"
#include "store/codec.h"

enum { REPORT_ROWS = 4096 /* encoded between two reports */ };

const float *kin_build_vector(const struct index_build *build, size_t i, kin_error *err)
{
    const kin_index_source *source = build->source;
    const float *vector = source->vector(source->ctx, i, err);
    if (vector == NULL) {
        if (err->code == KIN_OK)
            kin_fail(err, KIN_E_IO, NULL, "a vector cannot be read");
        return NULL;
    }
    for (size_t d = 0; d < source->dim; d++)
        if (!isfinite(vector[d])) {
            kin_fail(err, KIN_E_CORRUPT, NULL, "vector of row %llu is not finite",
                     (unsigned long long)source->ids[i]);
            return NULL;
        }
    return vector;
}

kin_status kin_build_report(const struct index_build *build, double done, kin_error *err)
{
    const kin_index_options *options = build->options;
    if (options->progress != NULL && options->progress(options->progress_ctx, done) != 0)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "building the index was cancelled");
    return KIN_OK;
}

kin_status kin_build_encode(kin_index *index, const struct index_build *build, size_t from,
                            size_t to, size_t at, double done, double share, kin_error *err)
{
    int8_t *code = (int8_t *)index->sections[SECTION_CODES].bytes + at * index->stride;
    for (size_t i = from; i < to; i++, code += index->stride) {
        const float *vector = kin_build_vector(build, i, err);
        if (vector == NULL)
            return err->code;
        kin_status status = kin_codec_encode(kin_codec_int8, vector, index->dim, code, err);
        if (status == KIN_OK && (i - from) % REPORT_ROWS == 0)
            status = kin_build_report(build,
                                      done + share * (double)(i - from) / (double)(to - from), err);
        if (status != KIN_OK)
            return status;
    }
    return KIN_OK;
}

static kin_status check_ids(const kin_index_source *source, kin_error *err)
{
    for (size_t i = 1; i < source->count; i++)
        if (source->ids[i] <= source->ids[i - 1])
            return kin_fail(err, KIN_E_ARG, NULL, "ids are not ascending");
    return KIN_OK;
}

/* The ids' section: the source's, behind those of what is extended. */
static kin_status copy_ids(kin_index *index, const struct index_build *build, kin_error *err)
{
    const kin_index_source *source = build->source;
    size_t kept = build->kept, fresh = source->count - kept;
    kin_status status =
        kin_generation_own(index, SECTION_IDS, index->count * sizeof *index->ids, err);
    if (status != KIN_OK || index->count == 0)
        return status;
    uint64_t *ids = index->sections[SECTION_IDS].bytes;
    const uint64_t *before = index->count > source->count ? build->previous->ids : source->ids;
    memcpy(ids, before, (index->count - fresh) * sizeof *ids);
    memcpy(ids + (index->count - fresh), source->ids + kept, fresh * sizeof *ids);
    return KIN_OK;
}

static kin_status make(const struct index_kind *kind, const struct index_build *build,
                       kin_index **out, kin_error *err)
{
    const kin_index *previous = build->previous;
    size_t fresh = build->source->count - build->kept;
    size_t count =
        previous != NULL && kind->keeps_gone ? previous->count + fresh : build->source->count;
    kin_index *index = NULL;
    kin_status status = kin_generation_new(kind, count, build->source->dim, &index, err);
    if (status != KIN_OK)
        return status;
    if (previous != NULL && kind->trains)
        index->trained = previous->trained;
    status = copy_ids(index, build, err);
    if (status == KIN_OK)
        status = kin_generation_own(index, SECTION_CODES, count * index->stride, err);
    if (status == KIN_OK && previous != NULL && kind->keeps_gone)
        status = kin_extend_mark_gone(index, build, err);
    kin_generation_point(index);
    if (status == KIN_OK)
        status = kind->build(index, build, err);
    kin_generation_point(index);
    if (status == KIN_OK)
        status = kin_build_report(build, 1.0, err);
    if (status == KIN_OK)
        *out = index;
    else
        kin_index_free(index);
    return status;
}

kin_status kin_index_build(const kin_index_source *source, const kin_index_options *options,
                           kin_index **out, bool *extended, kin_error *err)
{
    static const kin_index_options defaults = {0};
    kin_error own = {0}; /* a source reports through it, whatever the caller wants to know */
    const struct index_kind *kind;
    kin_index_forecast forecast;
    if (options == NULL)
        options = &defaults;
    if (err == NULL)
        err = &own;
    struct index_build build = {
        .source = source,
        .options = options,
        .threads = options->threads > 0 ? options->threads : kin_cpu_count(),
    };
    kin_status status =
        kin_forecast_kind(source->count, source->dim, options, &kind, &forecast, err);
    if (status == KIN_OK)
        status = check_ids(source, err);
    if (status == KIN_OK)
        status = kin_extend_judge(kind, &build, err);
    if (status == KIN_OK)
        status = make(kind, &build, out, err);
    if (status == KIN_OK && extended != NULL)
        *extended = build.previous != NULL;
    return status;
}
