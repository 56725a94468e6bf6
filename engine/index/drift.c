#include <stdlib.h>
#include <string.h>

#include "index/extend.h"
#include "store/codec.h"

enum { DRIFT_ROWS = 4096 /* measured of each part, at most */ };

kin_status kin_code_errors(const kin_index *index, const float *vectors, size_t count,
                           double *error, double *square, kin_error *err)
{
    size_t dim = index->dim;
    int8_t *code = malloc(index->stride);
    float *decoded = reallocarray(NULL, dim, sizeof *decoded);
    kin_status status = KIN_OK;
    if (code == NULL || decoded == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to judge the index");
    for (size_t i = 0; status == KIN_OK && i < count; i++, vectors += dim) {
        status = kin_codec_encode(kin_codec_int8, vectors, dim, code, err);
        if (status == KIN_OK)
            kin_codec_decode(kin_codec_int8, code, dim, decoded);
        for (size_t d = 0; status == KIN_OK && d < dim; d++) {
            double off = (double)vectors[d] - (double)decoded[d];
            *error += off * off;
            *square += (double)vectors[d] * (double)vectors[d];
        }
    }
    free(code);
    free(decoded);
    return status;
}

/* The relative error of vectors evenly spread over [from, to) of the source. */
static kin_status measure(const kin_index *index, const struct index_build *build, size_t from,
                          size_t to, double *out, kin_error *err)
{
    size_t rows = to - from < DRIFT_ROWS ? to - from : DRIFT_ROWS, dim = index->dim;
    double error = 0, square = 0;
    *out = 0;
    if (rows == 0)
        return KIN_OK;
    float *vectors = reallocarray(NULL, rows, dim * sizeof *vectors);
    if (vectors == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to judge the index");
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < rows; i++) {
        size_t at = from + (size_t)((double)i * (double)(to - from) / (double)rows);
        const float *vector = kin_build_vector(build, at, err);
        if (vector == NULL)
            status = err->code;
        else
            memcpy(vectors + i * dim, vector, dim * sizeof *vector);
    }
    if (status == KIN_OK)
        status = index->kind->errors(index, vectors, rows, &error, &square, err);
    if (status == KIN_OK && square > 0)
        *out = error / square;
    free(vectors);
    return status;
}

kin_status kin_index_drift(const kin_index *previous, const kin_index_source *source,
                           kin_index_drift_report *out, kin_error *err)
{
    kin_error own = {0};
    struct index_build build = {.source = source};
    *out = (kin_index_drift_report){0};
    if (err == NULL)
        err = &own;
    if (source->dim != previous->dim)
        return kin_fail(err, KIN_E_ARG, NULL, "vectors are of another length than the index's");
    size_t kept = kin_extend_compare(previous, source).kept;
    out->old_rows = kept;
    out->new_rows = source->count - kept;
    kin_status status = measure(previous, &build, 0, kept, &out->old_error, err);
    if (status == KIN_OK)
        status = measure(previous, &build, kept, source->count, &out->new_error, err);
    out->retrain =
        previous->kind->trains && (source->count >= 2 * previous->trained ||
                                   (kept > 0 && out->new_rows > 0 &&
                                    out->new_error > out->old_error * (1 + KIN_INDEX_DRIFT_MAX)));
    return status;
}
