/* One appender and several readers at once, in one process and on one set as well as on sets of
 * their own. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "rows_support.h"
#include "temp_folder.h"

enum { LENGTH = 7, READERS = 4, ROUNDS = 60, ROWS_A_ROUND = 1500 };

static char dir[PATH_MAX];

/* The catalog's stand-in: commits are copied out under a lock, as a transaction's snapshot is. */
static struct {
    pthread_mutex_t lock;
    struct ledger ledger;
    atomic_bool done;
    atomic_int failures, views;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *read_on(void *argument)
{
    kin_segments *set = argument;
    struct ledger *mine = malloc(sizeof *mine);
    bool last;
    do {
        last = atomic_load(&shared.done);
        pthread_mutex_lock(&shared.lock);
        *mine = shared.ledger;
        pthread_mutex_unlock(&shared.lock);
        kin_error err = {0};
        if (read_all_rows(set, mine, &err) != KIN_OK) {
            print_message("%s: %s\n", err.subject, err.message);
            atomic_fetch_add(&shared.failures, 1);
        }
        atomic_fetch_add(&shared.views, 1);
    } while (!last);
    free(mine);
    return NULL;
}

/* Every view that a commit made possible is whole, whatever is being appended meanwhile. */
static void test_appender_and_readers(void **codec_name)
{
    const kin_codec *codec = kin_codec_named(*codec_name);
    const kin_fs *fs = kin_fs_posix();
    kin_segments *writer = NULL, *other = NULL;
    pthread_t threads[READERS];
    temp_folder_make(dir);
    shared.ledger.rows = 0;
    atomic_store(&shared.done, false);
    atomic_store(&shared.views, 0);
    assert_int_equal(kin_segments_open(fs, dir, "tag", codec, LENGTH, true, &writer, NULL), KIN_OK);
    assert_int_equal(kin_segments_open(fs, dir, "tag", codec, LENGTH, false, &other, NULL), KIN_OK);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, i % 2 == 0 ? writer : other),
                         0);
    struct ledger *next = calloc(1, sizeof *next);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t from = next->rows;
        assert_int_equal(append_rows(writer, from, ROWS_A_ROUND, NULL), KIN_OK);
        assert_int_equal(kin_segments_sync(writer, NULL), KIN_OK);
        assert_int_equal(ledger_commit(next, writer, from, from + ROWS_A_ROUND, NULL), KIN_OK);
        pthread_mutex_lock(&shared.lock);
        shared.ledger = *next;
        pthread_mutex_unlock(&shared.lock);
    }
    atomic_store(&shared.done, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.failures), 0);
    print_message("%d views while %llu rows were appended\n", atomic_load(&shared.views),
                  (unsigned long long)next->rows);
    free(next);
    kin_segments_close(writer);
    kin_segments_close(other);
    temp_folder_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_appender_and_readers, (char[]){"fp32"}),
        cmocka_unit_test_prestate(test_appender_and_readers, (char[]){"fp16"}),
        cmocka_unit_test_prestate(test_appender_and_readers, (char[]){"int8"}),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
