/* Codecs: what a row gives back, how far from the vector it may be, and what is refused. */
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
#include "random.h"

static void test_names(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < CODECS; i++) {
        const kin_codec *codec = kin_codec_named(codec_names[i]);
        assert_non_null(codec);
        assert_string_equal(kin_codec_name_borrow(codec), codec_names[i]);
        assert_true(strlen(codec_names[i]) < KIN_CODEC_NAME_SIZE);
    }
    assert_ptr_equal(kin_codec_named("fp32"), kin_codec_fp32);
    assert_ptr_equal(kin_codec_named("fp16"), kin_codec_fp16);
    assert_ptr_equal(kin_codec_named("int8"), kin_codec_int8);
    assert_null(kin_codec_named(""));
    assert_null(kin_codec_named("FP32"));
    assert_null(kin_codec_named("fp32 "));
}

static void test_sizes(void **unused)
{
    (void)unused;
    for (size_t dim = 1; dim <= DIM_MAX; dim++) {
        assert_int_equal(kin_codec_row_size(kin_codec_fp32, dim), 4 * dim);
        assert_int_equal(kin_codec_row_size(kin_codec_fp16, dim), 2 * dim);
        assert_int_equal(kin_codec_row_size(kin_codec_int8, dim), (dim + 3) / 4 * 4 + 4);
        for (size_t i = 0; i < CODECS; i++) {
            const kin_codec *codec = kin_codec_named(codec_names[i]);
            size_t size = kin_codec_row_size(codec, dim), stride = kin_codec_stride(codec, dim);
            size_t boundary = codec == kin_codec_int8 ? 4 : 64;
            assert_true(stride >= size && stride < size + boundary && stride % boundary == 0);
        }
    }
    assert_int_equal(kin_codec_stride(kin_codec_fp32, 256), 1024);
    assert_int_equal(kin_codec_stride(kin_codec_fp16, 256), 512);
    assert_int_equal(kin_codec_stride(kin_codec_int8, 256), 260);
}

/* The widest that one number may be from what it was encoded from. */
static double widest_error(const kin_codec *codec, double number, double largest)
{
    if (codec == kin_codec_fp32)
        return 0;
    if (codec == kin_codec_int8) /* and the rounding of the scale, the division and the product */
        return largest / 127 * (0.5 + 1e-4) + (double)FLT_TRUE_MIN;
    int exponent;
    frexp(number, &exponent); /* half a step of 11 bits; subnormal halves are 2^-24 apart */
    return exponent >= -13 ? ldexp(1, exponent - 12) : ldexp(1, -25);
}

/* Encodes into bytes that were something else, decodes, compares. */
static void round_trip(const kin_codec *codec, const float *vector, size_t dim)
{
    enum { CANARY = 16 };
    size_t size = kin_codec_row_size(codec, dim), stride = kin_codec_stride(codec, dim);
    unsigned char *row = malloc(stride + CANARY);
    float *back = malloc(dim * sizeof *back);
    double largest = 0;
    kin_error err = {0};
    assert_true(row != NULL && back != NULL);
    memset(row, 0xa5, stride + CANARY);
    kin_status status = kin_codec_encode(codec, vector, dim, row, &err);
    if (status != KIN_OK)
        fail_msg("%s: %s", kin_codec_name_borrow(codec), err.message);
    for (size_t i = size; i < stride; i++)
        assert_int_equal(row[i], 0);
    for (size_t i = stride; i < stride + CANARY; i++)
        assert_int_equal(row[i], 0xa5);
    kin_codec_decode(codec, row, dim, back);
    for (size_t i = 0; i < dim; i++)
        largest = fmax(largest, fabs((double)vector[i]));
    for (size_t i = 0; i < dim; i++) {
        double bound = widest_error(codec, vector[i], largest);
        if (!(fabs((double)back[i] - (double)vector[i]) <= bound))
            fail_msg("%s: number %zu of %zu is %a, was %a (largest %a)",
                     kin_codec_name_borrow(codec), i, dim, (double)back[i], (double)vector[i],
                     largest);
    }
    free(row);
    free(back);
}

static void test_round_trips(void **unused)
{
    (void)unused;
    static const float scales[] = {1, 0.05f, 1e-4f, 1e-7f, 600, 65504};
    float vector[DIM_MAX];
    uint64_t seed = 1;
    for (size_t dim = 1; dim <= DIM_MAX; dim++)
        for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
            random_vector(vector, dim, scales[s], &seed);
            for (size_t c = 0; c < CODECS; c++)
                round_trip(kin_codec_named(codec_names[c]), vector, dim);
        }
}

/* From the smallest floats to the largest: the scale must neither vanish nor overflow. */
static void test_extreme_magnitudes(void **unused)
{
    (void)unused;
    float vector[33];
    uint64_t seed = 2;
    for (int exponent = -149; exponent <= 127; exponent++)
        for (int repeat = 0; repeat < 20; repeat++) {
            random_vector(vector, 33, ldexpf(2, exponent) > FLT_MAX ? FLT_MAX : ldexpf(2, exponent),
                          &seed);
            round_trip(kin_codec_fp32, vector, 33);
            round_trip(kin_codec_int8, vector, 33);
            if (exponent < 15)
                round_trip(kin_codec_fp16, vector, 33);
        }
    for (float largest = FLT_MAX; largest > FLT_MAX * 0.99999f; largest = nextafterf(largest, 0)) {
        vector[7] = largest;
        round_trip(kin_codec_int8, vector, 33);
    }
    float smallest = FLT_TRUE_MIN;
    memset(vector, 0, sizeof vector);
    for (int i = 0; i < 2000; i++, smallest += FLT_TRUE_MIN) {
        vector[0] = smallest;
        vector[1] = -smallest;
        vector[2] = FLT_TRUE_MIN;
        round_trip(kin_codec_int8, vector, 33);
    }
}

static void test_rows_of_zeros(void **unused)
{
    (void)unused;
    float vector[DIM_MAX] = {0};
    unsigned char row[4 * DIM_MAX + 64];
    vector[3] = -0.0f;
    for (size_t c = 0; c < CODECS; c++)
        for (size_t dim = 1; dim <= DIM_MAX; dim += 37) {
            const kin_codec *codec = kin_codec_named(codec_names[c]);
            float back[DIM_MAX];
            assert_int_equal(kin_codec_encode(codec, vector, dim, row, NULL), KIN_OK);
            kin_codec_decode(codec, row, dim, back);
            for (size_t i = 0; i < dim; i++)
                assert_true(back[i] == 0);
            if (codec == kin_codec_int8) /* scale and all */
                for (size_t b = 0; b < kin_codec_stride(codec, dim); b++)
                    assert_int_equal(row[b], 0);
        }
}

/* One number beside which the others vanish: they become 0, and it stays. */
static void test_one_huge_number(void **unused)
{
    (void)unused;
    float vector[64], back[64];
    unsigned char row[64 + 4];
    for (size_t at = 0; at < 64; at += 9) {
        for (size_t i = 0; i < 64; i++)
            vector[i] = 1e-3f;
        vector[at] = -3e4f;
        round_trip(kin_codec_int8, vector, 64);
        round_trip(kin_codec_fp16, vector, 64);
        assert_int_equal(kin_codec_encode(kin_codec_int8, vector, 64, row, NULL), KIN_OK);
        assert_int_equal((int8_t)row[at], -127);
        kin_codec_decode(kin_codec_int8, row, 64, back);
        for (size_t i = 0; i < 64; i++)
            assert_true(i == at ? fabsf(back[i] + 3e4f) < 0.01f : back[i] == 0);
    }
}

/* The codes themselves, as the header says that they are. */
static void test_codes(void **unused)
{
    (void)unused;
    static const float vector[5] = {-2.54f, 1.27f, 0.0149f, -0.0251f, 2.54f};
    static const int8_t codes[8] = {-127, 64, 1, -1, 127, 0, 0, 0};
    unsigned char row[12];
    float scale;
    assert_int_equal(kin_codec_stride(kin_codec_int8, 5), sizeof row);
    assert_int_equal(kin_codec_encode(kin_codec_int8, vector, 5, row, NULL), KIN_OK);
    memcpy(&scale, row + 8, sizeof scale);
    assert_true(scale == 2.54f / 127);
    for (size_t i = 0; i < 8; i++)
        if (i != 1)
            assert_int_equal((int8_t)row[i], codes[i]);
    assert_true(abs((int8_t)row[1] - codes[1]) <= 1); /* 63.5: either */
}

static void test_halves(void **unused)
{
    (void)unused;
    static const struct {
        float from, to;
    } cases[] = {{1, 1},
                 {1 + 0x1p-11f, 1}, /* a tie goes to the even one */
                 {1 + 3 * 0x1p-11f, 1 + 0x1p-9f},
                 {1 + 0x1.02p-11f, 1 + 0x1p-10f},
                 {65504, 65504},
                 {-65504, -65504},
                 {0x1p-24f, 0x1p-24f}, /* the smallest half */
                 {0x1p-25f, 0},
                 {0x1.8p-24f, 0x1p-23f},
                 {0x1p-14f, 0x1p-14f}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char row[64];
        float back;
        assert_int_equal(kin_codec_encode(kin_codec_fp16, &cases[i].from, 1, row, NULL), KIN_OK);
        kin_codec_decode(kin_codec_fp16, row, 1, &back);
        assert_true(back == cases[i].to);
    }
}

static void test_refusals(void **unused)
{
    (void)unused;
    static const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
    unsigned char row[4 * DIM_MAX + 64];
    float vector[DIM_MAX];
    uint64_t seed = 3;
    random_vector(vector, DIM_MAX, 1, &seed);
    for (size_t c = 0; c < CODECS; c++) {
        const kin_codec *codec = kin_codec_named(codec_names[c]);
        for (size_t at = 0; at < DIM_MAX; at++)
            for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
                float good = vector[at];
                kin_error err = {0};
                kin_probe *probe = NULL;
                vector[at] = bad[b];
                assert_int_equal(kin_codec_encode(codec, vector, DIM_MAX, row, &err), KIN_E_ARG);
                assert_non_null(strstr(err.message, "finite"));
                assert_int_equal(kin_probe_new(codec, vector, DIM_MAX, &probe, &err), KIN_E_ARG);
                assert_null(probe);
                vector[at] = good;
            }
        assert_int_equal(kin_codec_encode(codec, vector, DIM_MAX, row, NULL), KIN_OK);
    }
    vector[DIM_MAX - 1] = -65505;
    kin_error err = {0};
    assert_int_equal(kin_codec_encode(kin_codec_fp16, vector, DIM_MAX, row, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "65504"));
    kin_probe *probe = NULL; /* queries are floats: they may hold it */
    assert_int_equal(kin_probe_new(kin_codec_fp16, vector, DIM_MAX, &probe, NULL), KIN_OK);
    kin_probe_free(probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),         cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_extreme_magnitudes),
        cmocka_unit_test(test_rows_of_zeros), cmocka_unit_test(test_one_huge_number),
        cmocka_unit_test(test_codes),         cmocka_unit_test(test_halves),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
