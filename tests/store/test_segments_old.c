/* Segment files as they were before rows had codecs: byte for byte what version 1 wrote. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "rows_support.h"
#include "temp_folder.h"

enum { LENGTH = 3, ROWS = 3, PAGE = 4096, STRIDE = 64 };

#define TAG "1f0e2d3c4b5a6978"

/* Magic, version 1, codec 1; length 3 and stride 16 floats; 65536 rows; number 0; the tag; XXH3. */
static const unsigned char header[120] = {
    'K',  'I',  'N',  'S',  'E',  'G',  '\r', '\n', 1,   0,   0,   0,   1,
    0,    0,    0,    3,    0,    0,    0,    0,    0,   0,   0,   16,  0,
    0,    0,    0,    0,    0,    0,    0,    0,    1,   0,   0,   0,   0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,   '1', 'f', '0', 'e',
    '2',  'd',  '3',  'c',  '4',  'b',  '5',  'a',  '6', '9', '7', '8', [112] = 0xe7,
    0x52, 0x88, 0x7b, 0x0f, 0x49, 0x1e, 0x07};

static const float vectors[ROWS][LENGTH] = {
    {1.5f, -2.25f, 3e-3f}, {0, -0.0f, 1e-40f}, {3e38f, 7, -8}};

/* Of the three rows, as the catalog of then holds it. */
static const uint64_t block_hash = UINT64_C(0x093d7d7ad4ecfcb8);

static void write_old_file(const char *path)
{
    unsigned char file[PAGE + ROWS * STRIDE] = {0};
    memcpy(file, header, sizeof header);
    for (size_t r = 0; r < ROWS; r++)
        memcpy(file + PAGE + r * STRIDE, vectors[r], sizeof vectors[r]);
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    assert_int_equal(write(fd, file, sizeof file), sizeof file);
    close(fd);
}

static void test_old_file(void **unused)
{
    (void)unused;
    char root[PATH_MAX], path[PATH_MAX + 16];
    struct ledger ledger = {.rows = ROWS, .hashes = {block_hash}};
    kin_segments *set = NULL;
    kin_rows *view = NULL;
    kin_error err = {0};
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/000000.seg", root);
    write_old_file(path);
    assert_int_equal(
        kin_segments_open(kin_fs_posix(), root, TAG, kin_codec_fp32, LENGTH, true, &set, &err),
        KIN_OK);
    assert_int_equal(kin_rows_open(set, ROWS, ledger_hash, &ledger, &view, &err), KIN_OK);
    for (size_t r = 0; r < ROWS; r++) {
        const float *vector;
        if (kin_rows_vector(view, r, NULL, &vector, &err) != KIN_OK)
            fail_msg("%s", err.message);
        assert_memory_equal(vector, vectors[r], sizeof vectors[r]);
    }
    kin_rows_close(view);
    /* it goes on where it ended */
    assert_int_equal(kin_segments_append(set, ROWS, vectors[0], 2, &err), KIN_OK);
    assert_int_equal(kin_segments_sync(set, &err), KIN_OK);
    assert_int_equal(ledger_commit(&ledger, set, ROWS, ROWS + 2, &err), KIN_OK);
    assert_int_equal(kin_rows_open(set, ROWS + 2, ledger_hash, &ledger, &view, &err), KIN_OK);
    const float *last;
    assert_int_equal(kin_rows_vector(view, ROWS + 1, NULL, &last, &err), KIN_OK);
    assert_memory_equal(last, vectors[1], sizeof vectors[1]);
    kin_rows_close(view);
    kin_segments_close(set);
    temp_folder_remove(root);
}

/* What is written today under fp32 is what was written then. */
static void test_new_file_is_as_old(void **unused)
{
    (void)unused;
    char root[PATH_MAX], path[PATH_MAX + 16];
    unsigned char page[PAGE], zeros[PAGE] = {0};
    uint64_t hash;
    kin_segments *set = NULL;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/000000.seg", root);
    assert_int_equal(
        kin_segments_open(kin_fs_posix(), root, TAG, kin_codec_fp32, LENGTH, true, &set, NULL),
        KIN_OK);
    assert_int_equal(kin_segments_append(set, 0, vectors[0], ROWS, NULL), KIN_OK);
    assert_int_equal(kin_segments_block_hash(set, 0, ROWS, &hash, NULL), KIN_OK);
    kin_segments_close(set);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, page, PAGE), PAGE);
    close(fd);
    assert_memory_equal(page, header, sizeof header);
    assert_memory_equal(page + sizeof header, zeros, PAGE - sizeof header);
    assert_true(hash == block_hash);
    temp_folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_old_file),
        cmocka_unit_test(test_new_file_is_as_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
