/* Reindexes of another process while this one searches: picked up, nobody fails or waits for ever. */
#include "one_archive.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IMAGES = 400, CLASSES = 4, REINDEXES = 6, SEARCHERS = 3 };

extern char **environ;

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

/* Runs `kindred -a dir VERB OPTION WORD` in a process of its own. */
static void run_elsewhere(const char *verb, const char *option, const char *word)
{
    char *arguments[] = {(char *)"kindred", (char *)"-a", dir, (char *)verb,
                         (char *)option,    (char *)word, NULL};
    posix_spawn_file_actions_t actions;
    int status;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
    assert_int_equal(
        posix_spawn(&pid, KIN_TEST_BIN_DIR "/kindred", &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void reindex_elsewhere(const char *kind)
{
    run_elsewhere("reindex", "--index", kind);
}

static bool refresh(void)
{
    kin_error err;
    bool changed = true;
    assert_ok(kin_archive_refresh(archive, &changed, &err), err);
    return changed;
}

static uint64_t generation(void)
{
    kin_results results = search_picture(archive, 0, 0, (kin_search_options){.k = 1});
    uint64_t got = results.plan.generation;
    kin_results_release(&results);
    return got;
}

static void test_a_reindex_elsewhere_is_picked_up(void **state)
{
    (void)state;
    assert_int_equal(generation(), 0);
    assert_false(refresh());
    for (uint64_t expected = 1; expected <= 3; expected++) {
        reindex_elsewhere(expected % 2 ? "hnsw" : "flat");
        if (expected == 2)
            assert_int_equal(generation(), expected); /* a query comes first, and loads it */
        assert_int_equal(refresh(), expected != 2);
        assert_false(refresh());
        assert_int_equal(generation(), expected);
    }
    put_many(archive, IMAGES, IMAGES + 5, CLASSES);
    assert_false(refresh());
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_the_first_refresh_loads(void **state)
{
    (void)state;
    kin_error err;
    kin_archive_close(archive);
    archive = NULL;
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    assert_true(refresh());
    assert_false(refresh());
}

static void test_what_is_missing_is_damage(void **state)
{
    (void)state;
    kin_error err;
    bool changed = true;
    char path[PATH_MAX], aside[PATH_MAX];
    kin_archive_close(archive);
    archive = NULL;
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    snprintf(path, sizeof path, "%.3000s/models", dir);
    snprintf(aside, sizeof aside, "%.3000s/aside", dir);
    assert_int_equal(rename(path, aside), 0);
    assert_int_equal(kin_archive_refresh(archive, &changed, &err), KIN_E_CORRUPT);
    assert_int_equal(err.code, KIN_E_CORRUPT);
    assert_false(changed);
    kin_archive_stats stats;
    assert_int_equal(kin_archive_stats_read(archive, &stats, &err), KIN_E_CORRUPT);
    assert_int_equal(rename(aside, path), 0);
    assert_true(refresh());
}

/* Asked by a search that has its snapshot and has not looked at a row. */
static bool reindex_twice(void *argument)
{
    bool *done = argument;
    if (!*done) {
        *done = true;
        reindex_elsewhere("flat");
        run_elsewhere("delete", "--json", "1.2.3.399"); /* so that the next model is another */
        reindex_elsewhere("flat");
    }
    return false;
}

/* The second reindex takes away what the search's snapshot names: it begins anew. */
static void test_two_reindexes_within_a_query(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    kin_results results;
    bool done = false;
    kin_archive_close(archive);
    archive = NULL;
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    assert_ok(kin_query_from_uid(archive, "1.2.3.7", 0, 0, &query, &err), err);
    kin_search_options options = {.k = 5, .stop = reindex_twice, .stop_ctx = &done};
    assert_ok(kin_archive_search(archive, &query, &options, &results, &err), err);
    assert_true(done);
    assert_int_equal(results.count, 5);
    assert_int_equal(results.plan.generation, 2);
    assert_int_equal(results.plan.live, IMAGES - 1);
    kin_results_release(&results);
    kin_query_release(&query);
}

static atomic_bool over;
static atomic_int searches;

static void *search_on(void *argument)
{
    unsigned number = (unsigned)(uintptr_t)argument;
    while (!atomic_load(&over)) {
        unsigned image = number++ % IMAGES;
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.3.%u", image);
        kin_results results =
            search_picture(archive, (int)(image % CLASSES), image, (kin_search_options){.k = 3});
        assert_int_equal(results.count, 3);
        assert_string_equal(results.items[0].record.sop_instance_uid, uid);
        kin_results_release(&results);
        atomic_fetch_add(&searches, 1);
        usleep(1000); /* the other process wants a processor, too */
    }
    return NULL;
}

static void *refresh_on(void *argument)
{
    int *loads = argument;
    while (!atomic_load(&over)) {
        *loads += refresh();
        usleep(2000);
    }
    return NULL;
}

static void test_searches_go_on_across_swaps(void **state)
{
    (void)state;
    pthread_t searchers[SEARCHERS], watcher;
    int loads = 0;
    atomic_store(&over, false);
    assert_int_equal(pthread_create(&watcher, NULL, refresh_on, &loads), 0);
    for (size_t i = 0; i < SEARCHERS; i++)
        assert_int_equal(
            pthread_create(&searchers[i], NULL, search_on, (void *)(uintptr_t)(i * 97)), 0);
    for (unsigned i = 0; i < REINDEXES; i++) {
        reindex_elsewhere(i % 2 ? "flat" : "hnsw");
        put_many(archive, IMAGES + i * 10, IMAGES + i * 10 + 10, CLASSES);
    }
    atomic_store(&over, true);
    for (size_t i = 0; i < SEARCHERS; i++)
        pthread_join(searchers[i], NULL);
    pthread_join(watcher, NULL);
    print_message("%d searches and %d loads by the watcher across %d swaps\n", searches, loads,
                  REINDEXES);
    assert_true(searches > REINDEXES);
    assert_int_equal(generation(), REINDEXES);
    assert_int_equal(count_faults(archive, NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_reindex_elsewhere_is_picked_up), TEST(test_the_first_refresh_loads),
        TEST(test_what_is_missing_is_damage),        TEST(test_two_reindexes_within_a_query),
        TEST(test_searches_go_on_across_swaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
