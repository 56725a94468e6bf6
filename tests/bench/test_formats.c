/* Files of vectors: what they say is read, and what lies is refused. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "formats.h"
#include "formats_npy.h"
#include "seeded.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX];

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static kin_status open_bytes(const char *name, const void *bytes, size_t size, bench_matrix *out)
{
    write_file(path_of(name), bytes, size);
    return bench_matrix_open(path_of(name), out, NULL);
}

static void assert_refused(const char *name, const void *bytes, size_t size, kin_status why)
{
    bench_matrix matrix;
    assert_int_equal(open_bytes(name, bytes, size, &matrix), why);
    assert_null(matrix.file.bytes);
}

/* --- .fvecs and its like --- */

static void test_vecs(void **unused)
{
    (void)unused;
    bench_matrix matrix;
    float row[3];
    struct {
        int32_t dim;
        float numbers[3];
    } floats[2] = {{3, {1, 2, 3}}, {3, {-1, 0.5f, 1e9f}}};
    assert_int_equal(open_bytes("a.fvecs", floats, sizeof floats, &matrix), KIN_OK);
    assert_int_equal(matrix.count, 2);
    assert_int_equal(matrix.dim, 3);
    bench_matrix_row(&matrix, 1, row);
    assert_memory_equal(row, floats[1].numbers, sizeof row);
    bench_matrix_close(&matrix);

    const uint8_t bytes[] = {3, 0, 0, 0, 255, 0, 7, 3, 0, 0, 0, 1, 2, 3};
    assert_int_equal(open_bytes("a.bvecs", bytes, sizeof bytes, &matrix), KIN_OK);
    assert_int_equal(matrix.count, 2);
    bench_matrix_row(&matrix, 0, row);
    assert_true(row[0] == 255 && row[1] == 0 && row[2] == 7);
    bench_matrix_row(&matrix, 1, row); /* not aligned to anything */
    assert_true(row[0] == 1 && row[2] == 3);
    bench_matrix_close(&matrix);

    const int32_t whole[] = {2, -5, 1 << 20};
    assert_int_equal(open_bytes("a.ivecs", whole, sizeof whole, &matrix), KIN_OK);
    bench_matrix_row(&matrix, 0, row);
    assert_true(row[0] == -5 && row[1] == 1 << 20);
    bench_matrix_close(&matrix);
}

static void test_vecs_that_lie(void **unused)
{
    (void)unused;
    const int32_t negative[] = {-1, 0}, none[] = {0, 0}, huge[] = {INT32_MAX, 0};
    const int32_t changing[] = {1, 5, 2, 6}, wide[] = {BENCH_DIM_MAX + 1, 0};
    assert_refused("n.fvecs", negative, sizeof negative, KIN_E_FORMAT);
    assert_refused("n.fvecs", none, sizeof none, KIN_E_FORMAT);
    assert_refused("n.fvecs", huge, sizeof huge, KIN_E_LIMIT);
    assert_refused("n.fvecs", wide, sizeof wide, KIN_E_LIMIT);
    assert_refused("n.fvecs", changing, sizeof changing, KIN_E_FORMAT);
    assert_refused("n.fvecs", changing, 7, KIN_E_FORMAT);  /* cut */
    assert_refused("n.fvecs", changing, 3, KIN_E_FORMAT);  /* in its head */
    assert_refused("n.fvecs", changing, 12, KIN_E_FORMAT); /* one and a half */
    assert_refused("n.fvecs", changing, 0, KIN_E_FORMAT);
    assert_refused("n.txt", changing, sizeof changing, KIN_E_UNSUPPORTED);
}

static void test_no_regular_file(void **unused)
{
    (void)unused;
    bench_matrix matrix;
    assert_int_equal(bench_matrix_open(path_of("absent.npy"), &matrix, NULL), KIN_E_NOT_FOUND);
    assert_int_equal(bench_matrix_open("/dev/null", &matrix, NULL), KIN_E_UNSUPPORTED);
    assert_int_equal(bench_matrix_open(folder, &matrix, NULL), KIN_E_UNSUPPORTED);
}

/* --- .npy --- */

/* A .npy of that version and dictionary, its numbers behind it. */
static size_t make_npy(uint8_t *out, int version, const char *dictionary, const void *numbers,
                       size_t size)
{
    size_t length = strlen(dictionary), before = version == 1 ? 10 : 12;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (uint8_t)version;
    out[7] = 0;
    out[8] = (uint8_t)length;
    out[9] = (uint8_t)(length >> 8);
    if (version > 1)
        out[10] = out[11] = 0;
    memcpy(out + before, dictionary, length);
    memcpy(out + before + length, numbers, size);
    return before + length + size;
}

static void test_npy(void **unused)
{
    (void)unused;
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    uint8_t file[512];
    float row[3];
    bench_matrix matrix;
    for (int version = 1; version <= 3; version++) {
        size_t size = make_npy(file, version,
                               "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n",
                               numbers, sizeof numbers);
        assert_int_equal(open_bytes("a.npy", file, size, &matrix), KIN_OK);
        assert_int_equal(matrix.count, 2);
        assert_int_equal(matrix.dim, 3);
        bench_matrix_row(&matrix, 1, row);
        assert_memory_equal(row, numbers + 3, sizeof row);
        bench_matrix_close(&matrix);
    }
    /* Other orders and quotes, no commas at the ends. */
    size_t size = make_npy(file, 1, "{\"shape\":(3,2),\"descr\":\"|u1\",\"fortran_order\":False}\n",
                           "\1\2\3\4\5\6", 6);
    assert_int_equal(open_bytes("a.npy", file, size, &matrix), KIN_OK);
    assert_int_equal(matrix.count, 3);
    bench_matrix_row(&matrix, 2, row);
    assert_true(row[0] == 5 && row[1] == 6);
    bench_matrix_close(&matrix);
}

static void test_npy_that_lies(void **unused)
{
    (void)unused;
    static const struct {
        const char *dictionary;
        kin_status why;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 1), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6148914691236517206, 3), }\n",
         KIN_E_FORMAT}, /* times 12 wraps to 24 */
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (36893488147419103234, 3), }\n",
         KIN_E_FORMAT}, /* 2^65 + 2 */
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999), }\n", KIN_E_LIMIT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", KIN_E_UNSUPPORTED},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", KIN_E_UNSUPPORTED},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }\n", KIN_E_UNSUPPORTED},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }\n",
         KIN_E_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': False, }\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
         KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x\n", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3", KIN_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': maybe, 'shape': (2, 3)}", KIN_E_FORMAT},
        {"{'a name that goes on and on and on': 1}", KIN_E_FORMAT},
        {"{", KIN_E_FORMAT},
        {"", KIN_E_FORMAT},
    };
    const float numbers[6] = {0};
    uint8_t file[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = make_npy(file, 1, cases[i].dictionary, numbers, sizeof numbers);
        assert_refused("l.npy", file, size, cases[i].why);
    }
    size_t size = make_npy(file, 4, cases[0].dictionary, numbers, sizeof numbers);
    assert_refused("l.npy", file, size, KIN_E_UNSUPPORTED);
    file[6] = 2; /* a length of four bytes, of which two are the dictionary's */
    assert_refused("l.npy", file, size, KIN_E_FORMAT);
}

/* Every cut and many changed bytes of a right head: an error or a head that fits, never more. */
static void test_npy_damaged(void **unused)
{
    (void)unused;
    uint8_t file[256], bent[256];
    const float numbers[6] = {0};
    bench_npy_head head;
    uint64_t random = 5;
    size_t size = make_npy(file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
                           numbers, sizeof numbers);
    for (size_t cut = 0; cut < size - sizeof numbers; cut++)
        assert_int_not_equal(bench_npy_head_read(file, cut, &head, NULL), KIN_OK);
    for (int i = 0; i < 20000; i++) {
        memcpy(bent, file, size);
        bent[bench_random_bits(&random) % size] = (uint8_t)bench_random_bits(&random);
        if (bench_npy_head_read(bent, size, &head, NULL) == KIN_OK)
            assert_true(head.size <= size);
    }
}

static void test_npy_written(void **unused)
{
    (void)unused;
    const float rows[] = {1, 2, 3, 4, 5, 6};
    float row[2];
    bench_npy_writer *writer;
    bench_matrix matrix;
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s", path_of("w.npy"));
    assert_int_equal(bench_npy_begin(path, 3, 2, &writer, NULL), KIN_OK);
    assert_int_equal(bench_npy_rows(writer, rows, 2, NULL), KIN_OK);
    assert_int_equal(bench_npy_rows(writer, rows, 2, NULL), KIN_E_ARG); /* one too many */
    assert_int_equal(bench_npy_rows(writer, rows + 4, 1, NULL), KIN_OK);
    assert_int_not_equal(access(path, F_OK), 0); /* not before it is whole */
    assert_int_equal(bench_npy_end(writer, NULL), KIN_OK);
    assert_int_equal(bench_matrix_open(path, &matrix, NULL), KIN_OK);
    assert_int_equal(matrix.count, 3);
    assert_int_equal((size_t)(matrix.first - matrix.file.bytes) % 64, 0);
    bench_matrix_row(&matrix, 2, row);
    assert_true(row[0] == 5 && row[1] == 6);
    bench_matrix_close(&matrix);

    snprintf(path, sizeof path, "%s", path_of("short.npy"));
    assert_int_equal(bench_npy_begin(path, 3, 2, &writer, NULL), KIN_OK);
    assert_int_equal(bench_npy_end(writer, NULL), KIN_E_ARG);
    assert_int_not_equal(access(path, F_OK), 0);
}

static int set_up(void **unused)
{
    (void)unused;
    temp_folder_make(folder);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    temp_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vecs),
        cmocka_unit_test(test_vecs_that_lie),
        cmocka_unit_test(test_no_regular_file),
        cmocka_unit_test(test_npy),
        cmocka_unit_test(test_npy_that_lies),
        cmocka_unit_test(test_npy_damaged),
        cmocka_unit_test(test_npy_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
