/* Embedders with a head: what they compute, and their files. */
#include "descriptors_support.h"

#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "temp_folder.h"
#include "write_file.h"

enum { INPUT = 24, COMPONENTS = 7, HIDDEN = 5, LEARNT = 3, PLAIN = 4, DIM = 9, COUNT = 40 };
#define SIGNATURE "a/1:10 bc/2:14"

static char root[PATH_MAX], path[PATH_MAX + 16];
static struct descriptors data;
static kin_embedder *models[2]; /* with a hidden layer, and without */

static kin_embedder *make(const char *kind, size_t hidden, uint64_t seed)
{
    struct embed_head *head = NULL;
    kin_embedder *embedder = NULL;
    struct embed_head_array arrays[EMBED_HEAD_ARRAYS];
    assert_int_equal(kin_embed_head_new(COMPONENTS, hidden, LEARNT, PLAIN, &head, NULL), KIN_OK);
    head->blend = 0.5f;
    kin_embed_head_arrays(head, arrays);
    for (size_t a = 0; a < EMBED_HEAD_ARRAYS; a++)
        for (size_t i = 0; i < arrays[a].count; i++)
            arrays[a].data[i] = (float)random_normal(&seed);
    assert_int_equal(
        kin_embedder_new(kind, SIGNATURE, INPUT, DIM, COMPONENTS, head, &embedder, NULL), KIN_OK);
    for (size_t i = 0; i < INPUT; i++)
        embedder->mean[i] = 5 + (float)random_normal(&seed);
    for (size_t i = 0; i < (size_t)COMPONENTS * INPUT; i++)
        embedder->projection[i] = (float)random_normal(&seed) / 5;
    embedder->trained_on = 1234;
    assert_int_equal(kin_embedder_seal(embedder, NULL), KIN_OK);
    return embedder;
}

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/model", root);
    data = descriptors_of_images(COUNT, INPUT, 1);
    models[0] = make("mlp", HIDDEN, 1);
    models[1] = make("lda", 0, 2);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    kin_embedder_free(models[0]);
    kin_embedder_free(models[1]);
    free(data.data);
    temp_folder_remove(root);
    return 0;
}

/* head.h's formulas, in doubles and one float at a time. */
static void embed_plainly(const kin_embedder *embedder, const float *x, double *y)
{
    const struct embed_head *head = embedder->head;
    double c[COMPONENTS] = {0}, a[HIDDEN + COMPONENTS] = {0}, s[LEARNT], learnt = 0, plain = 0;
    for (size_t k = 0; k < COMPONENTS; k++)
        for (size_t i = 0; i < INPUT; i++)
            c[k] +=
                (double)embedder->projection[k * INPUT + i] * ((double)x[i] - embedder->mean[i]);
    for (size_t h = 0; h < head->hidden; h++) {
        a[h] = head->in_bias[h];
        for (size_t k = 0; k < COMPONENTS; k++)
            a[h] += (double)head->in[h * COMPONENTS + k] * c[k];
        a[h] = a[h] > 0 ? a[h] : 0;
    }
    size_t width = head->hidden > 0 ? HIDDEN : COMPONENTS;
    for (size_t l = 0; l < LEARNT; l++) {
        s[l] = head->out_bias[l];
        for (size_t i = 0; i < width; i++)
            s[l] += (double)head->out[l * width + i] * (head->hidden > 0 ? a[i] : c[i]);
        learnt += s[l] * s[l];
    }
    for (size_t k = 0; k < PLAIN; k++)
        plain += c[k] * c[k];
    for (size_t i = 0; i < DIM; i++)
        y[i] = i < LEARNT           ? s[i] / sqrt(learnt) / sqrt(1.25)
               : i < LEARNT + PLAIN ? 0.5 * c[i - LEARNT] / sqrt(plain) / sqrt(1.25)
                                    : 0;
}

static void test_formulas(void **unused)
{
    (void)unused;
    static float y[COUNT * DIM], alone[DIM];
    for (size_t m = 0; m < 2; m++) {
        assert_int_equal(kin_embedder_rank(models[m]), LEARNT + PLAIN);
        assert_int_equal(kin_embedder_apply(models[m], data.data, COUNT, y, NULL), KIN_OK);
        for (size_t r = 0; r < COUNT; r++) {
            double expected[DIM];
            embed_plainly(models[m], data.data + r * INPUT, expected);
            assert_int_equal(kin_embedder_apply(models[m], data.data + r * INPUT, 1, alone, NULL),
                             KIN_OK);
            for (size_t i = 0; i < DIM; i++) {
                assert_true(fabs(y[r * DIM + i] - expected[i]) < 2e-5);
                assert_true(fabs(alone[i] - expected[i]) < 2e-5);
            }
        }
    }
}

/* A descriptor at the mean has no components, and a head of zeros says nothing. */
static void test_parts_that_say_nothing(void **unused)
{
    (void)unused;
    float y[DIM];
    kin_embedder *silent = make("lda", 0, 3);
    assert_int_equal(kin_embedder_apply(silent, silent->mean, 1, y, NULL), KIN_OK);
    assert_true(fabs(inner(y, y, LEARNT) - 1) < 1e-5); /* the bias remains */
    assert_true(inner(y + LEARNT, y + LEARNT, PLAIN) == 0);
    memset(silent->head->out, 0, LEARNT * COMPONENTS * sizeof(float));
    memset(silent->head->out_bias, 0, LEARNT * sizeof(float));
    assert_int_equal(kin_embedder_apply(silent, data.data, 1, y, NULL), KIN_OK);
    assert_true(inner(y, y, LEARNT) == 0);
    assert_true(fabs(inner(y, y, DIM) - 1) < 1e-5);
    assert_int_equal(kin_embedder_apply(silent, silent->mean, 1, y, NULL), KIN_OK);
    assert_true(inner(y, y, DIM) == 0);
    kin_embedder_free(silent);
}

/* Parameters that are finite but overflow on the way: an error, not a vector of NaN. */
static void test_overflow(void **unused)
{
    (void)unused;
    float y[DIM];
    for (size_t m = 0; m < 2; m++) {
        kin_embedder *huge = make(m == 0 ? "mlp" : "lda", m == 0 ? HIDDEN : 0, 4);
        for (size_t i = 0; i < (size_t)COMPONENTS * INPUT; i++)
            huge->projection[i] = i % 2 == 0 ? 3e38f : -3e38f;
        kin_status status = kin_embedder_apply(huge, data.data, 1, y, NULL);
        assert_int_equal(status, KIN_E_ARG);
        kin_embedder_free(huge);
    }
}

static void test_shapes_that_do_not_fit(void **unused)
{
    (void)unused;
    struct embed_head *head = NULL;
    kin_embedder *embedder = NULL;
    assert_int_equal(kin_embed_head_new(COMPONENTS, HIDDEN, LEARNT, PLAIN, &head, NULL), KIN_OK);
    assert_int_equal(kin_embedder_new("mlp", SIGNATURE, INPUT, LEARNT + PLAIN - 1, COMPONENTS, head,
                                      &embedder, NULL),
                     KIN_E_ARG);
    assert_int_equal(kin_embed_head_new(COMPONENTS, HIDDEN, LEARNT, PLAIN, &head, NULL), KIN_OK);
    assert_int_equal(
        kin_embedder_new("mlp", "a/1:3", INPUT, DIM, COMPONENTS, head, &embedder, NULL), KIN_E_ARG);
    assert_null(embedder);
}

static kin_status load(void)
{
    kin_embedder *embedder = NULL;
    kin_error err = {0};
    kin_status status = kin_embedder_load(kin_fs_posix(), path, &embedder, &err);
    assert_true((status == KIN_OK) == (embedder != NULL));
    kin_embedder_free(embedder);
    return status;
}

static unsigned char *saved(const kin_embedder *embedder, size_t *size)
{
    void *bytes = NULL;
    assert_int_equal(kin_embedder_save(embedder, kin_fs_posix(), path, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, size, NULL), KIN_OK);
    return bytes;
}

static void write_with_checksum(unsigned char *bytes, size_t size)
{
    XXH64_hash_t checksum = XXH3_64bits(bytes, size - sizeof checksum);
    memcpy(bytes + size - sizeof checksum, &checksum, sizeof checksum);
    write_file(path, bytes, size);
}

static void test_round_trip(void **unused)
{
    (void)unused;
    for (size_t m = 0; m < 2; m++) {
        static float a[COUNT * DIM], b[COUNT * DIM];
        kin_embedder *loaded = NULL;
        assert_int_equal(kin_embedder_save(models[m], kin_fs_posix(), path, NULL), KIN_OK);
        assert_int_equal(kin_embedder_load(kin_fs_posix(), path, &loaded, NULL), KIN_OK);
        assert_string_equal(kin_embedder_id_borrow(loaded), kin_embedder_id_borrow(models[m]));
        assert_string_equal(kin_embedder_kind_borrow(loaded), m == 0 ? "mlp" : "lda");
        assert_int_equal(kin_embedder_trained_on(loaded), 1234);
        assert_int_equal(kin_embedder_apply(models[m], data.data, COUNT, a, NULL), KIN_OK);
        assert_int_equal(kin_embedder_apply(loaded, data.data, COUNT, b, NULL), KIN_OK);
        assert_memory_equal(a, b, sizeof a);
        kin_embedder_free(loaded);
    }
}

static void test_damage(void **unused)
{
    (void)unused;
    size_t size;
    unsigned char *bytes = saved(models[0], &size);
    for (size_t bit = 0; bit < size * 8; bit += bit < 1300 ? 5 : 67) {
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        write_file(path, bytes, size);
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        if (load() != KIN_E_CORRUPT)
            fail_msg("bit %zu", bit);
    }
    for (size_t cut = 0; cut < size; cut += 11) {
        write_file(path, bytes, cut);
        assert_int_equal(load(), KIN_E_CORRUPT);
    }
    free(bytes);
}

/* Numbers that lie, under a checksum that is right. */
static void test_lies_with_valid_checksum(void **unused)
{
    (void)unused;
    static const uint64_t values[] = {
        0,          1,          2,          3,
        4,          5,          6,          8,
        4096,       4097,       UINT32_MAX, UINT64_MAX,
        1ull << 63, 1ull << 62, 1ull << 61, UINT64_MAX / COMPONENTS + 1};
    /* version, kind, rank, components, hidden, learnt, plain */
    static const size_t fields[] = {8, 16, 48, 80, 88, 96, 104};
    for (size_t m = 0; m < 2; m++) {
        size_t size, lied = 0;
        unsigned char *good = saved(models[m], &size), *bytes = malloc(size + 64);
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
            for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
                memcpy(bytes, good, size);
                memcpy(bytes + fields[f], &values[v], sizeof values[v]);
                write_with_checksum(bytes, size);
                bool same = memcmp(bytes + fields[f], good + fields[f], sizeof values[v]) == 0;
                assert_int_equal(load(), same ? KIN_OK : KIN_E_CORRUPT);
                lied += !same;
            }
        assert_true(lied > 80);
        static const uint32_t no_blend[] = {0x7fc00000, 0x7f800000, 0xbf800000};
        for (size_t i = 0; i < 3; i++) {
            memcpy(bytes, good, size);
            memcpy(bytes + 112, &no_blend[i], sizeof no_blend[i]);
            write_with_checksum(bytes, size);
            assert_int_equal(load(), KIN_E_CORRUPT);
        }
        for (size_t at = size - 8 - 4; at >= 120 + 16; at -= 36) { /* no parameter may be NaN */
            memcpy(bytes, good, size);
            memcpy(bytes + at, &no_blend[0], sizeof no_blend[0]);
            write_with_checksum(bytes, size);
            assert_int_equal(load(), KIN_E_CORRUPT);
        }
        memcpy(bytes, good, size); /* a kind that has no head */
        memset(bytes + 16, 0, 16);
        memcpy(bytes + 16, "pca-whitened", 12);
        write_with_checksum(bytes, size);
        assert_int_equal(load(), KIN_E_CORRUPT);
        free(good);
        free(bytes);
    }
}

/* A file as it was written before there were heads, byte by byte: version 1 without them. */
static void test_file_of_an_older_version(void **unused)
{
    (void)unused;
    struct {
        char magic[8];
        uint32_t version, flags;
        char kind[16];
        uint64_t input, dim, rank, trained_on, signature_size, file_size;
        char signature[8];
        float mean[2], projection[2][2];
        XXH64_hash_t checksum;
    } file = {.magic = {'K', 'I', 'N', 'E', 'M', 'B', '\r', '\n'},
              .version = 1,
              .kind = "pca-whitened",
              .input = 2,
              .dim = 3,
              .rank = 2,
              .trained_on = 77,
              .signature_size = 5,
              .file_size = sizeof file,
              .signature = "a/1:2",
              .mean = {1, 2},
              .projection = {{1, 0}, {1, 1}}};
    const float x[2] = {4, 3};
    float y[3];
    kin_embedder *old = NULL;
    file.checksum = XXH3_64bits(&file, sizeof file - sizeof file.checksum);
    write_file(path, &file, sizeof file);
    assert_int_equal(kin_embedder_load(kin_fs_posix(), path, &old, NULL), KIN_OK);
    assert_int_equal(kin_embedder_trained_on(old), 77);
    assert_int_equal(kin_embedder_apply(old, x, 1, y, NULL), KIN_OK);
    assert_true(fabsf(y[0] - 0.6f) < 1e-6f && fabsf(y[1] - 0.8f) < 1e-6f && y[2] == 0);
    /* and it is written again as it was: its id, which the catalog knows, stays */
    size_t size;
    unsigned char *bytes = saved(old, &size);
    assert_int_equal(size, sizeof file);
    assert_memory_equal(bytes, &file, sizeof file);
    free(bytes);
    kin_embedder_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_parts_that_say_nothing),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_lies_with_valid_checksum),
        cmocka_unit_test(test_file_of_an_older_version),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
