/* Scores of encoded rows against inner products of what the rows decode to, in double precision, by
 * every table of kernels that runs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec_support.h"
#include "simd/kernels.h"

enum { ROWS = 150 }; /* more than a piece of what a probe takes at a time */

/* Rows of one codec, and what they stand for. */
struct rows {
    const kin_codec *codec;
    size_t dim, stride;
    unsigned char *bytes;
    float *vectors, *decoded;
};

static void rows_make(struct rows *rows, const kin_codec *codec, size_t dim, float scale,
                      uint64_t *seed)
{
    rows->codec = codec;
    rows->dim = dim;
    rows->stride = kin_codec_stride(codec, dim);
    rows->bytes = malloc(ROWS * rows->stride);
    rows->vectors = malloc(ROWS * dim * sizeof(float));
    rows->decoded = malloc(ROWS * dim * sizeof(float));
    assert_true(rows->bytes != NULL && rows->vectors != NULL && rows->decoded != NULL);
    for (size_t r = 0; r < ROWS; r++) {
        unsigned char *row = rows->bytes + r * rows->stride;
        random_vector(rows->vectors + r * dim, dim, r == 7 ? 0 : scale, seed);
        assert_int_equal(kin_codec_encode(codec, rows->vectors + r * dim, dim, row, NULL), KIN_OK);
        kin_codec_decode(codec, row, dim, rows->decoded + r * dim);
    }
}

static void rows_free(struct rows *rows)
{
    free(rows->bytes);
    free(rows->vectors);
    free(rows->decoded);
}

/* The query as a probe of the codec takes it. */
static void as_probed(const kin_codec *codec, const float *query, size_t dim, float *out)
{
    unsigned char row[DIM_MAX + 8];
    memcpy(out, query, dim * sizeof *out);
    if (codec == kin_codec_int8) {
        assert_int_equal(kin_codec_encode(codec, query, dim, row, NULL), KIN_OK);
        kin_codec_decode(codec, row, dim, out);
    }
}

/* Sums of floats round as kernels.h says; int8 has exact sums, and rounds its two scales' products
 * (and what decoding rounded). */
static void check_score(const struct rows *rows, size_t row, const float *probed, float score)
{
    const float *decoded = rows->decoded + row * rows->dim;
    double sum = 0, magnitude = 0;
    for (size_t i = 0; i < rows->dim; i++) {
        sum += (double)probed[i] * (double)decoded[i];
        magnitude += fabs((double)probed[i] * (double)decoded[i]);
    }
    double bound = ((double)rows->dim / 8 + 16) * 0x1p-24 * magnitude + FLT_TRUE_MIN;
    if (!(fabs((double)score - sum) <= bound))
        fail_msg("%s, dim %zu, row %zu: %.9g for %.9g (bound %g)",
                 kin_codec_name_borrow(rows->codec), rows->dim, row, (double)score, sum, bound);
}

/* How far scores by codes are from those of the vectors themselves: each number is within half a
 * scale of its code's. */
static void check_true_score(const struct rows *rows, size_t row, const float *query, float score)
{
    const float *vector = rows->vectors + row * rows->dim;
    double sum = 0, bound = 1e-6, query_step = 0, row_step = 0;
    for (size_t i = 0; i < rows->dim; i++) {
        query_step = fmax(query_step, fabs((double)query[i]) / 127);
        row_step = fmax(row_step, fabs((double)vector[i]) / 127);
    }
    for (size_t i = 0; i < rows->dim; i++) {
        sum += (double)query[i] * (double)vector[i];
        bound += 1.001 * (fabs((double)query[i]) * row_step / 2 +
                          fabs((double)vector[i]) * query_step / 2 + query_step * row_step / 4);
    }
    assert_true(fabs((double)score - sum) <= bound);
}

static void check_probe(const kin_codec *codec, size_t dim, uint64_t *seed)
{
    struct rows rows;
    float query[DIM_MAX], probed[DIM_MAX], scores[ROWS], gathered[ROWS];
    uint32_t at[ROWS];
    kin_probe *probe = NULL;
    rows_make(&rows, codec, dim, 0.1f, seed);
    random_vector(query, dim, 0.1f, seed);
    as_probed(codec, query, dim, probed);
    for (size_t i = 0; i < ROWS; i++) /* in no order, some of them twice */
        at[i] = (uint32_t)(random_bits(seed) % ROWS);
    assert_int_equal(kin_probe_new(codec, query, dim, &probe, NULL), KIN_OK);
    kin_probe_score_rows(probe, rows.bytes, ROWS, scores);
    kin_probe_score_gather(probe, rows.bytes, at, ROWS, gathered);
    for (size_t r = 0; r < ROWS; r++) {
        check_score(&rows, r, probed, scores[r]);
        check_score(&rows, r, probed, kin_probe_score(probe, rows.bytes + r * rows.stride));
        check_score(&rows, at[r], probed, gathered[r]);
        if (codec == kin_codec_int8) {
            check_true_score(&rows, r, query, scores[r]);
            assert_true(gathered[r] == scores[at[r]]); /* whole numbers add up to the same */
        }
    }
    kin_probe_score_rows(probe, rows.bytes, 0, scores);
    kin_probe_score_gather(probe, rows.bytes, at, 0, gathered);
    kin_probe_free(probe);
    rows_free(&rows);
}

static void test_scores(void **unused)
{
    (void)unused;
    static const char *const tables[] = {"scalar", "avx2", "avx512", "avx512vnni", "neon"};
    uint64_t seed = 4;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        if (kin_kernels_named(tables[t]) == NULL)
            continue;
        print_message("kernels: %s\n", tables[t]);
        setenv("KINDRED_SIMD", tables[t], 1);
        for (size_t c = 0; c < CODECS; c++)
            for (size_t dim = 1; dim <= DIM_MAX; dim += dim < 70 ? 1 : 23)
                check_probe(kin_codec_named(codec_names[c]), dim, &seed);
        unsetenv("KINDRED_SIMD");
    }
}

/* A product of two scales may be too small or too large for a float where the score is not. */
static void test_scales_far_apart(void **unused)
{
    (void)unused;
    float huge[8] = {3e38f, -2e38f, 1e38f, 0, 0, 0, 0, 0};
    float tiny[8] = {1e-38f, 1e-38f, 0, 0, 0, 0, 0, 0}, apart[8] = {0, 0, 0, 5, 0, 0, 0, 0};
    unsigned char row[12];
    kin_probe *probe = NULL;
    assert_int_equal(kin_probe_new(kin_codec_int8, huge, 8, &probe, NULL), KIN_OK);
    kin_codec_encode(kin_codec_int8, tiny, 8, row, NULL);
    assert_true(fabsf(kin_probe_score(probe, row) - 1) < 0.02f);
    kin_codec_encode(kin_codec_int8, apart, 8, row, NULL);
    assert_true(kin_probe_score(probe, row) == 0);
    kin_codec_encode(kin_codec_int8, huge, 8, row, NULL);
    assert_true(kin_probe_score(probe, row) == INFINITY);
    kin_probe_free(probe);
}

/* A stored vector is the nearest to itself under each codec. */
static void test_itself_first(void **unused)
{
    (void)unused;
    enum { DIM = 256 };
    uint64_t seed = 5;
    for (size_t c = 0; c < CODECS; c++) {
        struct rows rows;
        float scores[ROWS];
        kin_probe *probe = NULL;
        rows_make(&rows, kin_codec_named(codec_names[c]), DIM, 0.1f, &seed);
        for (size_t r = 0; r < ROWS; r += 11) {
            size_t best = 0;
            assert_int_equal(kin_probe_new(rows.codec, rows.vectors + r * DIM, DIM, &probe, NULL),
                             KIN_OK);
            kin_probe_score_rows(probe, rows.bytes, ROWS, scores);
            for (size_t i = 1; i < ROWS; i++)
                best = scores[i] > scores[best] ? i : best;
            assert_int_equal(best, r);
            kin_probe_free(probe);
        }
        rows_free(&rows);
    }
}

static void test_arguments(void **unused)
{
    (void)unused;
    float one = 1;
    kin_probe *probe = NULL;
    assert_int_equal(kin_probe_new(kin_codec_int8, &one, KIN_CODE_DIM_MAX + 1, &probe, NULL),
                     KIN_E_ARG);
    assert_int_equal(kin_probe_new(kin_codec_fp32, &one, SIZE_MAX, &probe, NULL), KIN_E_ARG);
    assert_null(probe);
    kin_probe_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_scales_far_apart),
        cmocka_unit_test(test_itself_first),
        cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
