/* Sparse matrices of tags, and the vectors that come with them: what they say is read, what lies is
 * refused. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "filter_conditions.h"
#include "formats.h"
#include "seeded.h"
#include "temp_folder.h"
#include "write_file.h"

enum { FILE_MAX = 1 << 16 };

static char folder[PATH_MAX];

static const char *path_of(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* --- a converter, as a user of the form would write one --- */

/* A matrix from lists of tags, one list a row, each ended by -1. */
static size_t make_matrix(uint8_t *out, int64_t rows, int64_t tags, const int32_t *lists)
{
    int64_t start = 0, count = 0;
    uint8_t *at = out + 3 * sizeof(int64_t);
    const int32_t *list = lists;
    for (int64_t row = 0; row < rows; row++, list++)
        for (; *list >= 0; list++)
            count++;
    memcpy(out, &rows, 8);
    memcpy(out + 8, &tags, 8);
    memcpy(out + 16, &count, 8);
    memcpy(at, &start, 8);
    at += 8;
    list = lists;
    for (int64_t row = 0; row < rows; row++, list++) {
        for (; *list >= 0; list++)
            start++;
        memcpy(at, &start, 8);
        at += 8;
    }
    list = lists;
    for (int64_t row = 0; row < rows; row++, list++)
        for (; *list >= 0; list++, at += 4)
            memcpy(at, list, 4);
    for (int64_t i = 0; i < count; i++, at += 4)
        memcpy(at, &(float){1}, 4);
    return (size_t)(at - out);
}

static kin_status open_bytes(const char *name, const void *bytes, size_t size, bench_tags *out)
{
    write_file(path_of(name), bytes, size);
    return bench_tags_open(path_of(name), out, NULL);
}

static void open_lists(const char *name, int64_t rows, int64_t tags, const int32_t *lists,
                       bench_tags *out)
{
    uint8_t *bytes = malloc(FILE_MAX);
    assert_non_null(bytes);
    assert_int_equal(open_bytes(name, bytes, make_matrix(bytes, rows, tags, lists), out), KIN_OK);
    free(bytes);
}

/* --- reading --- */

static void test_reads(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {0, 2, -1, -1, 1, -1, 2, 1, 0, -1};
    bench_tags tags;
    size_t first, count;
    uint32_t tag;
    open_lists("a.spmat", 4, 3, lists, &tags);
    assert_int_equal(tags.rows, 4);
    assert_int_equal(tags.tags, 3);
    assert_int_equal(tags.entries, 6);
    bench_tags_of(&tags, 1, &first, &count);
    assert_int_equal(count, 0);
    bench_tags_of(&tags, 3, &first, &count);
    assert_int_equal(count, 3);
    assert_true(bench_tag_at(&tags, first, &tag));
    assert_int_equal(tag, 2);
    bench_tags_close(&tags);
    assert_null(tags.file.bytes);
}

static void test_empty_matrix(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {-1};
    bench_tags tags;
    open_lists("e.spmat", 0, 0, lists, &tags);
    assert_int_equal(tags.entries, 0);
    bench_tags_close(&tags);
}

/* A stored 0 is no tag. */
static void test_zero_is_none(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {1, 0, -1};
    uint8_t bytes[256];
    bench_tags tags;
    bench_tag_rows rows;
    uint32_t tag;
    size_t size = make_matrix(bytes, 1, 2, lists);
    memcpy(bytes + size - 4, &(float){0}, 4);
    assert_int_equal(open_bytes("z.spmat", bytes, size, &tags), KIN_OK);
    assert_true(bench_tag_at(&tags, 0, &tag));
    assert_false(bench_tag_at(&tags, 1, &tag));
    assert_int_equal(bench_tag_rows_make(&tags, 1, &rows, NULL), KIN_OK);
    assert_non_null(rows.of[1]);
    assert_null(rows.of[0]);
    bench_tag_rows_release(&rows);
    bench_tags_close(&tags);
}

/* --- lies --- */

static void assert_refused(const uint8_t *bytes, size_t size, kin_status why)
{
    bench_tags tags;
    assert_int_equal(open_bytes("lie.spmat", bytes, size, &tags), why);
    assert_null(tags.file.bytes);
}

static void test_lies(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {0, 2, -1, 1, -1};
    static const int64_t wrong_heads[][3] = {
        {-1, 3, 3},        {2, -1, 3},        {2, 3, -1},        {3, 3, 3},
        {2, 3, 4},         {1, 3, 3},         {INT64_MAX, 3, 3}, {2, 3, INT64_MAX},
        {2, INT64_MAX, 3}, {INT32_MAX, 3, 3}, {2, 3, 0},
    };
    uint8_t good[256], bytes[256];
    size_t size = make_matrix(good, 2, 3, lists);
    for (size_t i = 0; i < sizeof wrong_heads / sizeof wrong_heads[0]; i++) {
        bench_tags tags;
        memcpy(bytes, good, size);
        memcpy(bytes, wrong_heads[i], sizeof wrong_heads[i]);
        assert_int_not_equal(open_bytes("lie.spmat", bytes, size, &tags), KIN_OK);
    }
    for (size_t cut = 0; cut < size; cut++)
        assert_refused(good, cut, KIN_E_FORMAT);
    static const struct {
        size_t at;
        int64_t value;
    } wrong_starts[] = {{24, 1}, {24, -1}, {32, 4}, {32, -1}, {32, INT64_MAX}, {40, 2}, {40, 4}};
    for (size_t i = 0; i < sizeof wrong_starts / sizeof wrong_starts[0]; i++) {
        memcpy(bytes, good, size);
        memcpy(bytes + wrong_starts[i].at, &wrong_starts[i].value, 8);
        assert_refused(bytes, size, KIN_E_FORMAT);
    }
    static const int32_t wrong_tags[] = {3, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof wrong_tags / sizeof wrong_tags[0]; i++) {
        memcpy(bytes, good, size);
        memcpy(bytes + 48, &wrong_tags[i], 4);
        assert_refused(bytes, size, KIN_E_FORMAT);
    }
    bench_tags tags;
    assert_int_equal(bench_tags_open("/dev/null", &tags, NULL), KIN_E_UNSUPPORTED);
    assert_int_equal(bench_tags_open(path_of("absent"), &tags, NULL), KIN_E_NOT_FOUND);
}

/* Whatever byte is changed: refused, or read without harm. */
static void test_damage(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {0, 2, -1, 1, -1, 2, -1};
    uint8_t good[256], bytes[256];
    size_t size = make_matrix(good, 3, 3, lists);
    for (size_t at = 0; at < size; at++)
        for (int bit = 0; bit < 8; bit++) {
            bench_tags tags;
            bench_tag_rows rows;
            memcpy(bytes, good, size);
            bytes[at] ^= (uint8_t)(1 << bit);
            if (open_bytes("d.spmat", bytes, size, &tags) != KIN_OK)
                continue;
            assert_int_equal(bench_tag_rows_make(&tags, tags.rows, &rows, NULL), KIN_OK);
            bench_tag_rows_release(&rows);
            bench_tags_close(&tags);
        }
}

/* --- conditions --- */

static void test_rows_with_all(void **unused)
{
    (void)unused;
    static const int32_t lists[] = {0, 2, -1, -1, 0, 1, -1, 2, 1, 0, -1};
    static const int32_t asked[] = {0, -1, 0, 2, -1, -1, 3, -1, 9, -1, 1, 2, 0, -1};
    static const uint32_t counts[] = {3, 2, 4, 0, 0, 1};
    bench_tags tags, queries;
    bench_tag_rows rows;
    open_lists("r.spmat", 4, 4, lists, &tags);
    open_lists("q.spmat", 6, 10, asked, &queries);
    assert_int_equal(bench_tag_rows_make(&tags, 4, &rows, NULL), KIN_OK);
    for (size_t q = 0; q < 6; q++) {
        roaring_bitmap_t *all = bench_tag_rows_with_all(&rows, 4, &queries, q);
        assert_int_equal(roaring_bitmap_get_cardinality(all), counts[q]);
        roaring_bitmap_free(all);
    }
    bench_tag_rows_release(&rows);
    assert_int_equal(bench_tag_rows_make(&tags, 5, &rows, NULL), KIN_E_FORMAT);
    bench_tags_close(&tags);
    bench_tags_close(&queries);
}

/* A generated set as the track has it: conditions agree with counting by hand. */
static void test_conditions(void **unused)
{
    (void)unused;
    enum { ROWS = 500, TAGS = 20, QUERIES = 10 };
    int32_t *lists = malloc((ROWS * TAGS + ROWS) * sizeof *lists), *at = lists;
    bool has[ROWS][TAGS] = {{false}};
    uint64_t state = 7;
    float queries[QUERIES] = {0};
    for (int row = 0; row < ROWS; row++, *at++ = -1)
        for (int tag = 0; tag < TAGS; tag++)
            if (bench_random_unit(&state) < 1.0 / (tag + 1)) {
                has[row][tag] = true;
                *at++ = tag;
            }
    bench_tags tags, query_tags;
    bench_conditions conditions;
    static const int32_t asked[] = {0,  -1, 1, -1, 2, -1, 1,  2,  -1, 3,  4,  -1,
                                    19, -1, 5, 6,  7, -1, 10, -1, -1, 18, 17, -1};
    const bench_set set = {
        .title = "test", .count = ROWS, .dim = 1, .query_count = QUERIES, .queries = queries};
    open_lists("db.spmat", ROWS, TAGS, lists, &tags);
    open_lists("qs.spmat", QUERIES, TAGS, asked, &query_tags);
    assert_int_equal(bench_conditions_by_tags(&set, &tags, &query_tags, &conditions, NULL), KIN_OK);
    const int32_t *want = asked;
    for (size_t q = 0; q < QUERIES; q++) {
        const int32_t *end = want;
        while (*end >= 0)
            end++;
        for (int row = 0; row < ROWS; row++) {
            bool right = true;
            for (const int32_t *tag = want; tag < end; tag++)
                right = right && has[row][*tag];
            assert_int_equal(bench_cohort_has(conditions.of_query[q], (size_t)row), right);
        }
        want = end + 1;
    }
    bench_conditions_release(&conditions);
    const bench_set more = {
        .title = "test", .count = ROWS, .dim = 1, .query_count = QUERIES + 1, .queries = queries};
    assert_int_equal(bench_conditions_by_tags(&more, &tags, &query_tags, &conditions, NULL),
                     KIN_E_FORMAT);
    bench_tags_close(&tags);
    bench_tags_close(&query_tags);
    free(lists);
}

/* --- .fbin, .u8bin --- */

static kin_status open_vectors(const char *name, const void *bytes, size_t size, bench_matrix *out)
{
    write_file(path_of(name), bytes, size);
    return bench_matrix_open(path_of(name), out, NULL);
}

static void test_bin(void **unused)
{
    (void)unused;
    bench_matrix matrix;
    float row[3];
    const struct {
        uint32_t counts[2];
        float numbers[6];
    } floats = {{2, 3}, {1, 2, 3, -1, 0.5f, 1e9f}};
    const uint8_t bytes[] = {2, 0, 0, 0, 3, 0, 0, 0, 255, 0, 7, 1, 2, 3};
    assert_int_equal(open_vectors("a.fbin", &floats, sizeof floats, &matrix), KIN_OK);
    assert_int_equal(matrix.count, 2);
    assert_int_equal(matrix.dim, 3);
    bench_matrix_row(&matrix, 1, row);
    assert_memory_equal(row, floats.numbers + 3, sizeof row);
    bench_matrix_close(&matrix);
    assert_int_equal(open_vectors("a.u8bin", bytes, sizeof bytes, &matrix), KIN_OK);
    bench_matrix_row(&matrix, 0, row);
    assert_true(row[0] == 255 && row[1] == 0 && row[2] == 7);
    bench_matrix_row(&matrix, 1, row);
    assert_true(row[0] == 1 && row[2] == 3);
    bench_matrix_close(&matrix);
}

static void test_bin_that_lies(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t bytes[14];
        size_t size;
        kin_status why;
    } lies[] = {
        {{2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6}, 13, KIN_E_FORMAT},
        {{2, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6}, 7, KIN_E_FORMAT},
        {{1, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 4, 5, 6}, 14, KIN_E_FORMAT},
        {{0, 0, 0, 0, 3, 0, 0, 0}, 8, KIN_E_FORMAT},
        {{3, 0, 0, 0, 0, 0, 0, 0}, 8, KIN_E_FORMAT},
        {{255, 255, 255, 255, 0, 0, 1, 0}, 8, KIN_E_FORMAT},
        {{255, 255, 255, 255, 255, 255, 255, 255}, 8, KIN_E_LIMIT},
    };
    bench_matrix matrix;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
        assert_int_equal(open_vectors("l.u8bin", lies[i].bytes, lies[i].size, &matrix),
                         lies[i].why);
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
        cmocka_unit_test(test_reads),         cmocka_unit_test(test_empty_matrix),
        cmocka_unit_test(test_zero_is_none),  cmocka_unit_test(test_lies),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_rows_with_all),
        cmocka_unit_test(test_conditions),    cmocka_unit_test(test_bin),
        cmocka_unit_test(test_bin_that_lies),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
