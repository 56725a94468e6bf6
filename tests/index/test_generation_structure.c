/* Generation files that pass the checksum and are damaged all the same: by a bug of ours or of
 * FAISS's, or on purpose.  A program of its own, because FAISS leaks what it has built when it
 * throws while reading. */
#include "vectors_support.h"

#include <stdio.h>
#include <xxhash.h>

#include "index/generation_file.h"
#include "temp_folder.h"
#include "write_file.h"

enum { COUNT = 1500, DIM = 24, K = 10, TRIES = 600 };

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

static void write_with_checksum(unsigned char *bytes, size_t size)
{
    XXH64_hash_t checksum = XXH3_64bits(bytes, size - sizeof checksum);
    memcpy(bytes + size - sizeof checksum, &checksum, sizeof checksum);
    write_file(path, bytes, size);
}

/* True when the damaged file was loaded, and searched without a crash. */
static bool load_and_search(void)
{
    kin_index *index = NULL;
    uint64_t rows;
    kin_status status = kin_index_load(kin_fs_posix(), path, "model", &index, &rows, NULL);
    if (status != KIN_OK) {
        assert_true(status == KIN_E_CORRUPT || status == KIN_E_NOMEM);
        return false;
    }
    for (size_t q = 0; q < 20; q++) {
        kin_hit hits[K];
        size_t found;
        assert_int_equal(kin_index_search(index, data.data + q * 71 * DIM, K, 0.7, NULL, NULL, hits,
                                          &found, NULL),
                         KIN_OK);
    }
    kin_index_free(index);
    return true;
}

/* Flips within FAISS's own part, sizes of its arrays among them: a lie about one must not be believed
 * before it is found out. */
static void check_damage(const char *kind)
{
    kin_index *index = vectors_index(&data, kind);
    void *bytes = NULL;
    size_t size, refused = 0, searched = 0;
    uint64_t state = 5;
    assert_int_equal(kin_index_save(index, kin_fs_posix(), path, "model", 1 << 20, NULL), KIN_OK);
    kin_index_free(index);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, &size, NULL), KIN_OK);
    unsigned char *damaged = malloc(size);
    assert_non_null(damaged);
    size_t from = sizeof(struct generation_header) + COUNT * sizeof(uint64_t);
    for (size_t i = 0; i < TRIES; i++) {
        size_t at = from + random_bits(&state) % (size - from - 16);
        memcpy(damaged, bytes, size);
        damaged[at] ^= (unsigned char)(1u << (random_bits(&state) % 8));
        write_with_checksum(damaged, size);
        if (load_and_search())
            searched++;
        else
            refused++;
    }
    print_message("%s: %zu refused, %zu searched safely\n", kind, refused, searched);
    assert_true(refused > 0 && searched > 0);
    free(bytes);
    free(damaged);
}

static void test_damaged_graph(void **unused)
{
    (void)unused;
    check_damage("hnsw");
}

static void test_damaged_lists(void **unused)
{
    (void)unused;
    check_damage("ivfpq");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_graph),
        cmocka_unit_test(test_damaged_lists),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
