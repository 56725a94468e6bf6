/* Segments on a healthy file system, and files that were damaged; of each codec. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rows_support.h"
#include "temp_folder.h"

enum { LENGTH = 5, PAGE = 4096 }; /* a length that needs padding under each codec */

static const kin_codec *codec; /* of the group of tests that runs */
static off_t stride;

static char root[PATH_MAX], dir[PATH_MAX + 8];
static struct ledger ledger;

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(dir, sizeof dir, "%s/set", root);
    memset(&ledger, 0, sizeof ledger);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    temp_folder_remove(root);
    return 0;
}

static kin_segments *open_set(bool writable)
{
    kin_segments *set = NULL;
    kin_error err = {0};
    kin_status status =
        kin_segments_open(kin_fs_posix(), dir, "tag", codec, LENGTH, writable, &set, &err);
    if (status != KIN_OK)
        fail_msg("%s: %s", err.subject, err.message);
    return set;
}

/* Appends and commits up to `rows` rows in total. */
static void fill(kin_segments *set, uint64_t rows)
{
    uint64_t from = ledger.rows;
    assert_int_equal(append_rows(set, from, (size_t)(rows - from), NULL), KIN_OK);
    assert_int_equal(kin_segments_sync(set, NULL), KIN_OK);
    assert_int_equal(ledger_commit(&ledger, set, from, rows, NULL), KIN_OK);
}

static off_t file_size(const char *name)
{
    char path[2 * PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void change_byte(const char *name, off_t at, unsigned char flip)
{
    char path[2 * PATH_MAX];
    unsigned char byte;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= flip;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void test_append_read_reopen(void **unused)
{
    (void)unused;
    static const uint64_t steps[] = {1, 2, 63, 64, 65, 128, 200, 70001};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        kin_segments *set = open_set(true);
        assert_int_equal(kin_segments_length(set), LENGTH);
        assert_int_equal(kin_segments_stride(set), stride);
        fill(set, steps[i]);
        assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
        kin_segments_close(set);
        set = open_set(false);
        assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
        assert_int_equal(append_rows(set, 0, 1, NULL), KIN_E_ARG);
        kin_segments_close(set);
    }
    assert_int_equal(file_size("000000.seg"), PAGE + 65536 * stride);
    assert_int_equal(file_size("000001.seg"), PAGE + (70001 - 65536) * stride);
}

/* A reader that mapped a segment when it was short sees what was appended since, as a new view. */
static void test_reader_follows_growth(void **unused)
{
    (void)unused;
    kin_segments *writer = open_set(true);
    fill(writer, 10);
    kin_segments *reader = open_set(false);
    kin_rows *old = NULL;
    assert_int_equal(kin_rows_open(reader, 10, ledger_hash, &ledger, &old, NULL), KIN_OK);
    const void *at;
    size_t count;
    assert_int_equal(kin_rows_run(old, 3, SIZE_MAX, &at, &count, NULL), KIN_OK);
    assert_int_equal(count, 7);
    uint64_t hash_of_ten = ledger.hashes[0];
    fill(writer, 66000);
    assert_int_equal(read_all_rows(reader, &ledger, NULL), KIN_OK);
    /* the old view still ends where it did, and its first touch has been remembered */
    assert_int_not_equal(ledger.hashes[0], hash_of_ten);
    assert_int_equal(kin_rows_count(old), 10);
    assert_int_equal(kin_rows_run(old, 0, 99, &at, &count, NULL), KIN_OK);
    assert_int_equal(count, 10);
    assert_int_equal(kin_rows_run(old, 10, 1, &at, &count, NULL), KIN_E_ARG);
    assert_int_equal(kin_rows_run(old, 0, 0, &at, &count, NULL), KIN_E_ARG);
    assert_int_equal(kin_rows_run(old, UINT64_MAX, 1, &at, &count, NULL), KIN_E_ARG);
    kin_rows_close(old);
    kin_segments_close(reader);
    kin_segments_close(writer);
}

/* Two processes write in turn (the catalog's lock sees to that): each sees what the other appended. */
static void test_writers_in_turn(void **unused)
{
    (void)unused;
    kin_error err;
    kin_segments *sets[2] = {NULL, NULL};
    struct ledger shared = {0};
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            kin_segments_open(kin_fs_posix(), dir, "tag", codec, LENGTH, true, &sets[i], &err),
            KIN_OK);
    for (uint64_t row = 0; row < 300; row += 10) {
        kin_segments *set = sets[row / 10 % 2];
        assert_int_equal(append_rows(set, row, 10, &err), KIN_OK);
        assert_int_equal(kin_segments_sync(set, &err), KIN_OK);
        assert_int_equal(ledger_commit(&shared, set, row, row + 10, &err), KIN_OK);
    }
    for (int i = 0; i < 2; i++) {
        kin_rows *rows = NULL;
        assert_int_equal(kin_rows_open(sets[i], 300, ledger_hash, &shared, &rows, &err), KIN_OK);
        for (uint64_t row = 0; row < 300; row++) {
            const float *at;
            float buffer[LENGTH];
            assert_int_equal(kin_rows_vector(rows, row, buffer, &at, &err), KIN_OK);
            assert_true(at[1] == cell(row, 1));
        }
        kin_rows_close(rows);
        kin_segments_close(sets[i]);
    }
}

static void test_uncommitted_rows_are_overwritten(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 100);
    float *garbage = make_rows(123456, 90, LENGTH);
    assert_int_equal(kin_segments_append(set, 100, garbage, 90, NULL), KIN_OK);
    free(garbage);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set); /* "killed" before the commit */
    set = open_set(true);
    fill(set, 150);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    /* rows that a verified block of this very set held before an aborted commit are checked anew */
    struct ledger wrong = ledger;
    assert_int_equal(ledger_commit(&wrong, set, 0, 190, NULL), KIN_OK);
    kin_rows *view = NULL;
    const void *at;
    size_t count;
    assert_int_equal(kin_rows_open(set, 190, ledger_hash, &wrong, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_run(view, 128, 62, &at, &count, NULL), KIN_OK);
    kin_rows_close(view);
    fill(set, 192);
    assert_int_equal(kin_rows_open(set, 192, ledger_hash, &wrong, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_run(view, 128, 64, &at, &count, NULL), KIN_E_CORRUPT);
    kin_rows_close(view);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set);
}

static void test_trim(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 2 * 65536 + 10);
    assert_int_equal(kin_segments_trim(set, 2 * 65536 + 10, NULL), KIN_OK);
    assert_int_equal(file_size("000002.seg"), PAGE + 10 * stride);
    assert_int_equal(kin_segments_trim(set, 2 * 65536, NULL), KIN_OK);
    assert_int_equal(file_size("000002.seg"), -1);
    assert_int_equal(file_size("000001.seg"), PAGE + 65536 * stride);
    assert_int_equal(kin_segments_trim(set, 100, NULL), KIN_OK);
    assert_int_equal(file_size("000001.seg"), -1);
    assert_int_equal(file_size("000000.seg"), PAGE + 100 * stride);
    ledger.rows = 100; /* the catalog's: with the checksum of its part filled last block */
    assert_int_equal(ledger_commit(&ledger, set, 64, 100, NULL), KIN_OK);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_error err = {0};
    assert_int_equal(kin_segments_trim(set, 101, &err), KIN_E_CORRUPT); /* rows are missing */
    assert_non_null(strstr(err.subject, "000000.seg"));
    fill(set, 65600); /* goes on in a set that was cut */
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    assert_int_equal(kin_segments_trim(set, 0, NULL), KIN_OK);
    assert_int_equal(file_size("000000.seg"), -1);
    ledger.rows = 0;
    fill(set, 5);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set);
}

/* Any flipped bit of a committed row, its padding included, is found, and the file is named. */
static void test_damage_is_found(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 150);
    kin_segments_close(set);
    for (off_t at = PAGE; at < PAGE + 150 * stride; at += 37) {
        change_byte("000000.seg", at, (unsigned char)(1u << (at % 8)));
        kin_error err = {0};
        set = open_set(false);
        assert_int_equal(read_all_rows(set, &ledger, &err), KIN_E_CORRUPT);
        assert_non_null(strstr(err.subject, "000000.seg"));
        kin_segments_close(set);
        change_byte("000000.seg", at, (unsigned char)(1u << (at % 8)));
    }
    set = open_set(false);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set);
}

/* A run stops before a damaged block, and the blocks around it can still be read. */
static void test_damage_is_confined(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 200);
    kin_segments_close(set);
    change_byte("000000.seg", PAGE + 70 * stride, 1); /* block 1 */
    set = open_set(false);
    kin_rows *view = NULL;
    const void *at;
    size_t count;
    assert_int_equal(kin_rows_open(set, 200, ledger_hash, &ledger, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_run(view, 10, 190, &at, &count, NULL), KIN_OK);
    assert_int_equal(count, 54);
    assert_int_equal(kin_rows_run(view, 64, 136, &at, &count, NULL), KIN_E_CORRUPT);
    assert_int_equal(kin_rows_run(view, 100, 1, &at, &count, NULL), KIN_E_CORRUPT);
    assert_int_equal(kin_rows_run(view, 128, 99, &at, &count, NULL), KIN_OK);
    assert_int_equal(count, 72);
    kin_rows_close(view);
    kin_segments_close(set);
}

static void test_missing_checksum_is_damage(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 70);
    struct ledger partial = ledger;
    partial.rows = 64; /* holds none for block 1 */
    kin_rows *view = NULL;
    const void *at;
    size_t count;
    kin_error err = {0};
    assert_int_equal(kin_rows_open(set, 70, ledger_hash, &partial, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_run(view, 65, 1, &at, &count, &err), KIN_E_CORRUPT);
    assert_non_null(strstr(err.subject, "000000.seg"));
    kin_rows_close(view);
    kin_segments_close(set);
}

/* A file shorter than what is committed must be an error, never a SIGBUS. */
static void test_short_files(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 150);
    kin_segments_close(set);
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/000000.seg", dir);
    const off_t sizes[] = {PAGE + 150 * stride - 1, PAGE + stride, PAGE, PAGE - 1, 100, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(truncate(path, sizes[i]), 0);
        kin_error err = {0};
        set = open_set(true);
        assert_int_equal(read_all_rows(set, &ledger, &err), KIN_E_CORRUPT);
        assert_int_equal(err.code, KIN_E_CORRUPT);
        assert_string_equal(err.subject, path);
        assert_int_equal(append_rows(set, 150, 1, NULL), KIN_E_CORRUPT);
        kin_segments_close(set);
    }
    assert_int_equal(unlink(path), 0);
    set = open_set(false);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_E_CORRUPT);
    kin_segments_close(set);
    assert_int_equal(mkfifo(path, 0666), 0); /* must neither hang nor be mapped */
    set = open_set(false);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_E_CORRUPT);
    kin_segments_close(set);
}

static void test_headers_are_checked(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 65537);
    kin_segments_close(set);
    for (off_t at = 0; at < 120; at++) { /* every byte of the header counts */
        change_byte("000001.seg", at, 4);
        set = open_set(true);
        assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_E_CORRUPT);
        assert_int_equal(append_rows(set, 65537, 1, NULL), KIN_E_CORRUPT);
        kin_segments_close(set);
        change_byte("000001.seg", at, 4);
    }
    static const struct {
        const char *tag;
        size_t length;
    } others[] = {{"other", LENGTH}, {"tag", 4}, {"tag", 17}, {"", LENGTH}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(kin_segments_open(kin_fs_posix(), dir, others[i].tag, codec,
                                           others[i].length, true, &set, NULL),
                         KIN_OK);
        assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_E_CORRUPT);
        assert_int_equal(append_rows(set, 0, 1, NULL), KIN_E_CORRUPT); /* not even at the start */
        kin_segments_close(set);
    }
    char a[PATH_MAX + 32], b[PATH_MAX + 32];
    snprintf(a, sizeof a, "%s/000000.seg", dir);
    snprintf(b, sizeof b, "%s/000001.seg", dir);
    assert_int_equal(rename(a, b), 0); /* a file under another's name */
    set = open_set(false);
    kin_rows *view = NULL;
    const void *at;
    size_t count;
    assert_int_equal(kin_rows_open(set, ledger.rows, ledger_hash, &ledger, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_run(view, 65536, 1, &at, &count, NULL), KIN_E_CORRUPT);
    kin_rows_close(view);
    kin_segments_close(set);
}

/* A crash can leave a segment that has no rows with a torn header: it is written anew. */
static void test_torn_header_of_empty_segment(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 65536);
    assert_int_equal(append_rows(set, 65536, 3, NULL), KIN_OK);
    kin_segments_close(set);
    change_byte("000001.seg", 20, 0xff);
    set = open_set(true);
    fill(set, 65540);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set);
}

static void test_arguments(void **unused)
{
    (void)unused;
    const kin_fs *fs = kin_fs_posix();
    kin_segments *set = NULL;
    char tag[KIN_SEGMENT_TAG_SIZE + 1];
    memset(tag, 'x', sizeof tag);
    tag[KIN_SEGMENT_TAG_SIZE] = '\0';
    assert_int_equal(kin_segments_open(fs, dir, "t", codec, LENGTH, false, &set, NULL),
                     KIN_E_NOT_FOUND);
    assert_int_equal(kin_segments_open(fs, dir, tag, codec, LENGTH, true, &set, NULL), KIN_E_ARG);
    assert_int_equal(kin_segments_open(fs, dir, "t", codec, 0, true, &set, NULL), KIN_E_ARG);
    assert_int_equal(kin_segments_open(fs, dir, "t", codec, SIZE_MAX, true, &set, NULL), KIN_E_ARG);
    set = open_set(true);
    float row[LENGTH] = {0};
    uint64_t hash;
    assert_int_equal(kin_segments_append(set, UINT64_MAX, row, 1, NULL), KIN_E_LIMIT);
    assert_int_equal(kin_segments_append(set, 1, row, SIZE_MAX, NULL), KIN_E_LIMIT);
    assert_int_equal(kin_segments_append(set, 7, row, 1, NULL),
                     KIN_E_CORRUPT); /* would be a hole */
    assert_int_equal(kin_segments_append(set, 0, row, 0, NULL), KIN_OK);
    assert_int_equal(kin_segments_block_hash(set, 0, 0, &hash, NULL), KIN_E_ARG);
    assert_int_equal(kin_segments_block_hash(set, 0, 65, &hash, NULL), KIN_E_ARG);
    assert_int_equal(kin_segments_block_hash(set, 0, 1, &hash, NULL), KIN_E_CORRUPT);
    assert_int_equal(kin_segments_block_hash(set, UINT64_MAX, 1, &hash, NULL), KIN_E_ARG);
    kin_segments_close(set);
    kin_segments_close(NULL);
    kin_rows_close(NULL);
}

/* Finds only rows of blocks that were read before, and finds them where kin_rows_run() does. */
static void test_peek(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    kin_rows *view = NULL;
    const void *at;
    size_t count;
    fill(set, 65536 + 100);
    assert_int_equal(kin_rows_open(set, 65536 + 100, ledger_hash, &ledger, &view, NULL), KIN_OK);
    assert_ptr_equal(kin_rows_codec(view), codec);
    assert_null(kin_rows_peek(view, 0)); /* not mapped */
    assert_int_equal(kin_rows_run(view, 70, 1, &at, &count, NULL), KIN_OK);
    assert_ptr_equal(kin_rows_peek(view, 70), at);
    assert_ptr_equal(kin_rows_peek(view, 64), (const char *)at - 6 * stride);
    assert_ptr_equal(kin_rows_peek(view, 127), (const char *)at + 57 * stride);
    assert_null(kin_rows_peek(view, 63)); /* mapped, and not verified */
    assert_null(kin_rows_peek(view, 128));
    assert_null(kin_rows_peek(view, 65536 + 99)); /* the part filled last block */
    assert_int_equal(kin_rows_run(view, 65536 + 64, 99, &at, &count, NULL), KIN_OK);
    assert_int_equal(count, 36);
    assert_ptr_equal(kin_rows_peek(view, 65536 + 64), at);
    assert_null(kin_rows_peek(view, 65536 + 100)); /* past the view */
    assert_null(kin_rows_peek(view, UINT64_MAX));
    kin_rows_prefetch(view, 64); /* one that can be found, and two that cannot */
    kin_rows_prefetch(view, 63);
    kin_rows_prefetch(view, UINT64_MAX);
    assert_int_equal(append_rows(set, 80, 1, NULL),
                     KIN_OK); /* its block is no longer vouched for */
    assert_null(kin_rows_peek(view, 70));
    kin_rows_close(view);
    kin_segments_close(set);
}

static void test_vectors(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    kin_rows *view = NULL;
    fill(set, 100);
    assert_int_equal(kin_rows_open(set, 100, ledger_hash, &ledger, &view, NULL), KIN_OK);
    for (uint64_t row = 0; row < 100; row += 9) {
        float buffer[LENGTH] = {0};
        const float *vector;
        assert_int_equal(kin_rows_vector(view, row, buffer, &vector, NULL), KIN_OK);
        assert_true((vector == buffer) == (codec != kin_codec_fp32));
        for (size_t c = 0; c < LENGTH; c++)
            assert_true(vector[c] == cell(row, c));
    }
    const float *vector;
    float buffer[LENGTH];
    assert_int_equal(kin_rows_vector(view, 100, buffer, &vector, NULL), KIN_E_ARG);
    kin_rows_close(view);
    kin_segments_close(set);
    change_byte("000000.seg", PAGE + 70 * stride, 1);
    set = open_set(false);
    assert_int_equal(kin_rows_open(set, 100, ledger_hash, &ledger, &view, NULL), KIN_OK);
    assert_int_equal(kin_rows_vector(view, 63, buffer, &vector, NULL), KIN_OK);
    assert_int_equal(kin_rows_vector(view, 64, buffer, &vector, NULL), KIN_E_CORRUPT);
    kin_rows_close(view);
    kin_segments_close(set);
}

/* A vector that cannot be encoded is refused, and what was there before it stays. */
static void test_what_cannot_be_encoded(void **unused)
{
    (void)unused;
    kin_segments *set = open_set(true);
    fill(set, 70);
    float *rows = make_rows(70, 10, LENGTH);
    kin_error err = {0};
    rows[7 * LENGTH + 2] = strtof("nan", NULL);
    assert_int_equal(kin_segments_append(set, 70, rows, 10, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "finite"));
    assert_non_null(strstr(err.subject, "000000.seg"));
    free(rows);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    fill(set, 80);
    assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_OK);
    kin_segments_close(set);
}

static void test_another_codec_is_noticed(void **unused)
{
    (void)unused;
    static const char *const names[] = {"fp32", "fp16", "int8"};
    kin_segments *set = open_set(true);
    fill(set, 100);
    kin_segments_close(set);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const kin_codec *other = kin_codec_named(names[i]);
        kin_error err = {0};
        if (other == codec)
            continue;
        assert_int_equal(
            kin_segments_open(kin_fs_posix(), dir, "tag", other, LENGTH, true, &set, NULL), KIN_OK);
        assert_int_equal(append_rows(set, 100, 1, &err), KIN_E_CORRUPT);
        assert_non_null(strstr(err.message, names[i]));
        assert_non_null(strstr(err.message, kin_codec_name_borrow(codec)));
        assert_int_equal(read_all_rows(set, &ledger, NULL), KIN_E_CORRUPT);
        kin_segments_close(set);
    }
}

static int run(const char *name)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        TEST(test_append_read_reopen),
        TEST(test_reader_follows_growth),
        TEST(test_writers_in_turn),
        TEST(test_uncommitted_rows_are_overwritten),
        TEST(test_trim),
        TEST(test_damage_is_found),
        TEST(test_damage_is_confined),
        TEST(test_missing_checksum_is_damage),
        TEST(test_short_files),
        TEST(test_headers_are_checked),
        TEST(test_torn_header_of_empty_segment),
        TEST(test_arguments),
        TEST(test_peek),
        TEST(test_vectors),
        TEST(test_what_cannot_be_encoded),
        TEST(test_another_codec_is_noticed),
    };
    codec = kin_codec_named(name);
    stride = (off_t)kin_codec_stride(codec, LENGTH);
    return _cmocka_run_group_tests(name, tests, sizeof tests / sizeof tests[0], NULL, NULL);
}

int main(void)
{
    return run("fp32") + run("fp16") + run("int8");
}
