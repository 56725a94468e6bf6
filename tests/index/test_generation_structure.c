/* Generation files that pass the checksum and are damaged all the same: by a bug of ours or of
 * FAISS's, or on purpose.  A program of its own, because FAISS leaks what it has built when it
 * throws while reading. */
#include "vectors_support.h"

#include <stdio.h>

#include "damage_support.h"
#include "temp_folder.h"

enum { COUNT = 1500, DIM = 24, K = 10, TRIES = 200 };

const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfaiss.so";
}

static char root[PATH_MAX], path[PATH_MAX + 16];
static struct vectors data;

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/generation", root);
    data = vectors_new(COUNT, DIM, 11);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    vectors_free(&data);
    temp_folder_remove(root);
    return 0;
}

/* What was damaged is extended, or found to be impossible. */
static void extend(const kin_index *previous)
{
    kin_index *index = NULL;
    struct vectors more = data;
    more.count = COUNT;
    kin_index_source source = vectors_source(&more);
    kin_index_options options = {
        .kind = kin_index_kind_borrow(previous), .previous = previous, .threads = 1};
    kin_status status = kin_index_build(&source, &options, &index, NULL, NULL);
    assert_true(status == KIN_OK || status == KIN_E_CORRUPT || status == KIN_E_NOMEM);
    kin_index_free(index);
}

/* True when the damaged file was loaded, and searched without a crash. */
static bool load_and_search(bool and_extend)
{
    kin_index *index = NULL;
    uint64_t rows;
    kin_status status = kin_index_load(kin_fs_posix(), path, "model", &index, &rows, NULL);
    if (status != KIN_OK) {
        assert_true(status == KIN_E_CORRUPT || status == KIN_E_NOMEM);
        return false;
    }
    roaring_bitmap_t *some = roaring_bitmap_from_range(0, 3 * COUNT, 2);
    kin_members members = {.only = some};
    for (size_t q = 0; q < 20; q++) {
        static kin_hit hits[COUNT];
        size_t found, position;
        kin_index_work work;
        kin_index_query asked = {.vector = data.data + q * 71 * DIM,
                                 .setting = {(uint32_t)(q * q), q % 3 == 0 ? COUNT : K},
                                 .members = q % 2 == 0 ? NULL : &members};
        assert_int_equal(kin_index_search(index, &asked, hits, &found, &work, NULL), KIN_OK);
        for (size_t i = 0; i < found; i++)
            assert_true(kin_index_position(index, hits[i].id, &position));
    }
    roaring_bitmap_free(some);
    if (and_extend)
        extend(index);
    kin_index_free(index);
    return true;
}

/* A generation of all but the last hundred vectors, some of the earlier ones gone from it. */
static unsigned char *generation(const char *kind, size_t *size)
{
    struct vectors old = data;
    kin_index *index = NULL, *first;
    void *bytes = NULL;
    old.count = COUNT - 200;
    first = vectors_index(&old, kind);
    old.count = COUNT - 100;
    old.data += 7 * DIM; /* seven have gone */
    old.ids += 7;
    old.count -= 7;
    kin_index_source source = vectors_source(&old);
    kin_index_options options = {.kind = kind, .previous = first};
    assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL), KIN_OK);
    assert_int_equal(kin_index_save(index, kin_fs_posix(), path, "model", 1 << 20, NULL), KIN_OK);
    kin_index_free(first);
    kin_index_free(index);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, size, NULL), KIN_OK);
    return bytes;
}

/* Flips bits of one section (or of the header: SECTIONS), or sets numbers of it, sizes of arrays
 * among them: a lie must not be believed before it is found out. */
static void check_damage(const char *kind, size_t section)
{
    size_t size, refused = 0, searched = 0;
    uint64_t state = 5;
    unsigned char *bytes = generation(kind, &size), *damaged = malloc(size);
    assert_non_null(damaged);
    struct generation_header header;
    struct generation_layout layout = layout_of(bytes);
    memcpy(&header, bytes, sizeof header);
    size_t from = section < SECTIONS ? layout.at[section] : 0;
    size_t length = section < SECTIONS ? header.sizes[section] : sizeof header;
    assert_true(length > 0);
    for (size_t i = 0; i < TRIES; i++) {
        memcpy(damaged, bytes, size);
        for (size_t times = 0; times <= i % 3 * 10; times++) {
            size_t at = from + random_bits(&state) % (length - 3);
            uint32_t number = (uint32_t)random_bits(&state) >> random_bits(&state) % 32;
            if (i % 2 == 0)
                damaged[at] ^= (unsigned char)(1u << (random_bits(&state) % 8));
            else
                memcpy(damaged + at, &number, sizeof number);
        }
        write_with_checksum(path, damaged, size);
        if (load_and_search(i % 20 == 0))
            searched++;
        else
            refused++;
    }
    print_message("%s, section %zu: %zu refused, %zu searched safely\n", kind, section, refused,
                  searched);
    free(bytes);
    free(damaged);
}

static void test_damaged_headers(void **unused)
{
    (void)unused;
    check_damage("flat", SECTIONS);
    check_damage("hnsw", SECTIONS);
    check_damage("ivfpq", SECTIONS);
}

static void test_damaged_graph(void **unused)
{
    (void)unused;
    for (size_t section = 0; section < SECTION_FAISS; section++)
        check_damage("hnsw", section);
}

static void test_damaged_lists(void **unused)
{
    (void)unused;
    check_damage("ivfpq", SECTION_FAISS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_damaged_graph),
        cmocka_unit_test(test_damaged_lists),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
