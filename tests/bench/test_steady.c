/* Made-up images in an archive: the same number is the same image, searches of them are right while
 * more come, and answers that are wrong are seen to be. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "steady_run.h"
#include "temp_folder.h"

enum { IMAGES = 300, QUESTIONS = 20 };

static char folder[PATH_MAX];

static void assert_done(kin_status status, const kin_error *err)
{
    if (status != KIN_OK)
        print_error("%s: %s\n", err->subject, err->message);
    assert_int_equal(status, KIN_OK);
}

struct made {
    kin_archive *archive;
    bench_image_maker *maker;
};

static struct made make_archive(const char *name)
{
    char path[PATH_MAX + 32];
    struct made made;
    kin_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_done(kin_archive_init(kin_fs_posix(), path, &(kin_archive_settings){.dim = 32}, &err),
                &err);
    assert_done(kin_archive_open(kin_fs_posix(), path, &made.archive, &err), &err);
    assert_done(bench_image_maker_new(1, &made.maker, &err), &err);
    assert_done(bench_images_put(made.maker, made.archive, 0, IMAGES, &err), &err);
    return made;
}

static void release(struct made *made)
{
    kin_archive_close(made->archive);
    bench_image_maker_free(made->maker);
}

static uint64_t images_of(kin_archive *archive)
{
    kin_archive_stats stats;
    assert_int_equal(kin_archive_stats_read(archive, &stats, NULL), KIN_OK);
    return stats.images;
}

static void test_images(void **unused)
{
    (void)unused;
    struct made made = make_archive("images");
    kin_error err = {0};
    assert_int_equal(images_of(made.archive), IMAGES);
    assert_done(bench_images_put(made.maker, made.archive, 0, 10, &err), &err);
    assert_int_equal(images_of(made.archive), IMAGES); /* the same ones */
    assert_done(bench_images_put(made.maker, made.archive, IMAGES, 10, &err), &err);
    assert_int_equal(images_of(made.archive), IMAGES + 10);
    release(&made);
}

static void test_searches(void **unused)
{
    (void)unused;
    struct made made = make_archive("searches");
    bench_questions questions;
    bench_searches searches;
    kin_error err = {0};
    kin_reindex_report report;
    const kin_reindex_options options = {.index_kind = "hnsw", .model = KIN_REINDEX_JUDGE};
    assert_done(kin_archive_reindex(made.archive, &options, &report, &err), &err);
    assert_done(bench_questions_make(made.archive, QUESTIONS, &questions, &err), &err);
    assert_true(questions.count > 0 && questions.count <= QUESTIONS);
    assert_done(bench_searches_run(made.archive, &questions, 0, NULL, &searches, &err), &err);
    assert_int_equal(searches.timing.calls, 1);
    assert_done(bench_searches_run(made.archive, &questions, 0.05, NULL, &searches, &err), &err);
    assert_int_equal(searches.failed, 0);
    assert_int_equal(searches.short_answers, 0);
    assert_true(searches.recall >= 0.98);

    /* New images stand among the answers: the old ones' recall is as before. */
    bench_inserting inserting = {.archive = made.archive,
                                 .maker = made.maker,
                                 .rate = 1e6,
                                 .seconds = 0.05,
                                 .batch = 5,
                                 .first = 1000000};
    assert_done(bench_insert_steadily(&inserting, &err), &err);
    assert_true(inserting.inserted > 0);
    assert_int_equal(images_of(made.archive), IMAGES + inserting.inserted);
    assert_done(bench_searches_run(made.archive, &questions, 0.05, NULL, &searches, &err), &err);
    assert_true(searches.recall >= 0.98);

    /* Right answers that are more similar than all that comes: seen. */
    for (size_t i = 0; i < questions.count * BENCH_STEADY_K; i++)
        questions.scores[i] += 1.5f;
    assert_done(bench_searches_run(made.archive, &questions, 0.02, NULL, &searches, &err), &err);
    assert_true(searches.recall == 0);
    bench_questions_release(&questions);
    release(&made);
}

static void test_stop(void **unused)
{
    (void)unused;
    struct made made = make_archive("stop");
    atomic_bool stop = true;
    kin_error err = {0};
    bench_inserting inserting = {.archive = made.archive,
                                 .maker = made.maker,
                                 .rate = 100,
                                 .seconds = 1000,
                                 .batch = 5,
                                 .first = 1000000,
                                 .stop = &stop};
    assert_done(bench_insert_steadily(&inserting, &err), &err);
    assert_int_equal(inserting.inserted, 0);
    release(&made);
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
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
