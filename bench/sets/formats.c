#include "formats.h"

#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "formats_npy.h"

static size_t number_bytes(enum bench_number number)
{
    return number == BENCH_U8 ? 1 : 4;
}

/* --- .fvecs, .bvecs, .ivecs --- */

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static kin_status read_vecs(const char *path, enum bench_number number, bench_matrix *out,
                            kin_error *err)
{
    const uint8_t *bytes = out->file.bytes;
    if (out->file.size < sizeof(uint32_t))
        return kin_fail(err, KIN_E_FORMAT, path, "no vector in it");
    uint32_t dim = read_u32(bytes);
    if (dim == 0 || dim > INT32_MAX)
        return kin_fail(err, KIN_E_FORMAT, path, "the first vector claims %d dimensions", (int)dim);
    if (dim > BENCH_DIM_MAX)
        return kin_fail(err, KIN_E_LIMIT, path, "%u dimensions are more than %d", dim,
                        BENCH_DIM_MAX);
    out->number = number;
    out->dim = dim;
    out->step = sizeof dim + dim * number_bytes(number);
    out->count = out->file.size / out->step;
    out->first = bytes + sizeof dim;
    if (out->file.size % out->step != 0)
        return kin_fail(err, KIN_E_FORMAT, path, "%zu bytes are no whole number of vectors of %u",
                        out->file.size, dim);
    for (size_t i = 0; i < out->count; i++)
        if (read_u32(bytes + i * out->step) != dim)
            return kin_fail(err, KIN_E_FORMAT, path, "vector %zu has not %u dimensions", i, dim);
    return KIN_OK;
}

/* --- .fbin, .u8bin --- */

static kin_status read_bin(const char *path, enum bench_number number, bench_matrix *out,
                           kin_error *err)
{
    const uint8_t *bytes = out->file.bytes;
    uint32_t counts[2];
    size_t all, end;
    if (out->file.size < sizeof counts)
        return kin_fail(err, KIN_E_FORMAT, path, "no vector in it");
    memcpy(counts, bytes, sizeof counts);
    if (counts[0] == 0 || counts[1] == 0)
        return kin_fail(err, KIN_E_FORMAT, path, "%u vectors of %u dimensions", counts[0],
                        counts[1]);
    if (counts[1] > BENCH_DIM_MAX)
        return kin_fail(err, KIN_E_LIMIT, path, "%u dimensions are more than %d", counts[1],
                        BENCH_DIM_MAX);
    out->number = number;
    out->count = counts[0];
    out->dim = counts[1];
    out->step = counts[1] * number_bytes(number);
    out->first = bytes + sizeof counts;
    if (!kin_mul_size(out->count, out->step, &all) || !kin_add_size(all, sizeof counts, &end) ||
        end != out->file.size)
        return kin_fail(err, KIN_E_FORMAT, path, "%zu bytes cannot be %u vectors of %u",
                        out->file.size, counts[0], counts[1]);
    return KIN_OK;
}

/* --- .npy --- */

static kin_status read_npy(const char *path, bench_matrix *out, kin_error *err)
{
    bench_npy_head head;
    size_t row, all, end;
    kin_status status = bench_npy_head_read(out->file.bytes, out->file.size, &head, err);
    if (status != KIN_OK) {
        kin_error_name(err, path);
        return status;
    }
    if (head.dim > BENCH_DIM_MAX)
        return kin_fail(err, KIN_E_LIMIT, path, "%zu dimensions are more than %d", head.dim,
                        BENCH_DIM_MAX);
    out->number = head.bytes ? BENCH_U8 : BENCH_F32;
    if (head.dim == 0 || head.count == 0)
        return kin_fail(err, KIN_E_FORMAT, path, "an empty array");
    if (!kin_mul_size(head.dim, number_bytes(out->number), &row) ||
        !kin_mul_size(head.count, row, &all) || !kin_add_size(all, head.size, &end) ||
        end != out->file.size)
        return kin_fail(err, KIN_E_FORMAT, path, "%zu bytes cannot be %zu vectors of %zu",
                        out->file.size, head.count, head.dim);
    out->count = head.count;
    out->dim = head.dim;
    out->step = row;
    out->first = out->file.bytes + head.size;
    return KIN_OK;
}

/* --- any --- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static kin_status read_by_name(const char *path, bench_matrix *out, kin_error *err)
{
    if (ends_with(path, ".npy"))
        return read_npy(path, out, err);
    if (ends_with(path, ".fvecs"))
        return read_vecs(path, BENCH_F32, out, err);
    if (ends_with(path, ".bvecs"))
        return read_vecs(path, BENCH_U8, out, err);
    if (ends_with(path, ".ivecs"))
        return read_vecs(path, BENCH_I32, out, err);
    if (ends_with(path, ".fbin"))
        return read_bin(path, BENCH_F32, out, err);
    if (ends_with(path, ".u8bin"))
        return read_bin(path, BENCH_U8, out, err);
    return kin_fail(err, KIN_E_UNSUPPORTED, path,
                    "neither .npy, .fvecs, .bvecs, .ivecs, .fbin nor .u8bin");
}

kin_status bench_matrix_open(const char *path, bench_matrix *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    kin_status status = bench_mapping_open(path, &out->file, err);
    if (status == KIN_OK)
        status = read_by_name(path, out, err);
    if (status != KIN_OK)
        bench_matrix_close(out);
    return status;
}

void bench_matrix_close(bench_matrix *matrix)
{
    bench_mapping_close(&matrix->file);
    memset(matrix, 0, sizeof *matrix);
}

void bench_matrix_row(const bench_matrix *matrix, size_t i, float *out)
{
    const uint8_t *row = matrix->first + i * matrix->step;
    if (matrix->number == BENCH_F32) {
        memcpy(out, row, matrix->dim * sizeof *out);
        return;
    }
    for (size_t d = 0; d < matrix->dim; d++)
        out[d] = matrix->number == BENCH_U8 ? (float)row[d]
                                            : (float)(int32_t)read_u32(row + d * sizeof(int32_t));
}
