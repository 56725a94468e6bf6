/* Each allocation of ours fails once, while building, extending, saving, loading and searching: it is
 * reported, and nothing leaks (LeakSanitizer looks).  What FAISS allocates itself is its own. */
#include "vectors_support.h"

#include <stdio.h>

#include "failing_memory.h"
#include "temp_folder.h"

enum { COUNT = 1400, OLD = 1200, DIM = 16, K = 10 };

static const char *const kinds[] = {"flat", "hnsw", "ivfpq"};
enum { KINDS = 3 };

static struct vectors data;
static char root[PATH_MAX], path[PATH_MAX + 16];

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

/* One life of a generation; what it needs is in static memory. */
static kin_status live(const char *kind)
{
    kin_index *first = NULL, *longer = NULL, *loaded = NULL;
    struct vectors old = data;
    kin_hit hits[3 * K];
    size_t found;
    uint64_t rows;
    kin_index_work work;
    kin_members members = {.only = NULL};
    old.count = OLD;
    kin_index_source before = vectors_source(&old), after = vectors_source(&data);
    kin_index_options options = {.kind = kind, .threads = 1};
    kin_index_query asked = {.vector = data.data, .setting = {40, 3 * K}, .members = &members};
    kin_status status = kin_index_build(&before, &options, &first, NULL, NULL);
    options.previous = first;
    if (status == KIN_OK)
        status = kin_index_build(&after, &options, &longer, NULL, NULL);
    if (status == KIN_OK)
        status = kin_index_save(longer, kin_fs_posix(), path, "model", 1 << 20, NULL);
    if (status == KIN_OK)
        status = kin_index_load(kin_fs_posix(), path, "model", &loaded, &rows, NULL);
    if (status == KIN_OK)
        status = kin_index_search(loaded, &asked, hits, &found, &work, NULL);
    if (status == KIN_OK)
        status = kin_index_search(longer, &asked, hits, &found, &work, NULL);
    kin_index_free(first);
    kin_index_free(longer);
    kin_index_free(loaded);
    return status;
}

static void test_each_allocation_fails(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        kin_status status;
        size_t at = 0;
        do {
            from_now_fail(++at);
            status = live(kinds[k]);
            bool failed = calls >= at;
            from_now_fail(0);
            assert_int_equal(status, failed ? KIN_E_NOMEM : KIN_OK);
        } while (status != KIN_OK);
        print_message("%s: %zu allocations\n", kinds[k], at - 1);
        assert_true(at > 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_allocation_fails),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
