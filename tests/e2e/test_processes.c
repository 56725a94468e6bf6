/* Several processes on one archive, and files that mean harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/write.h"
#include "random.h"
#include "run_program.h"
#include "temp_folder.h"

enum { SIDE = 24 };

static char folder[PATH_MAX], archive[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static void write_bytes(const char *sub, const char *name, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3000s/%s", folder, sub);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%.3000s/%s/%s", folder, sub, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* A PNG of noise that the number decides. */
static void write_image(const char *sub, const char *name, uint64_t number)
{
    kin_raster raster;
    kin_error err;
    void *bytes = NULL;
    size_t size;
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 1, &err), KIN_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        raster.px[i] = (float)(random_bits(&number) % 256) / 255;
    assert_int_equal(kin_image_encode_png(&raster, &bytes, &size, &err), KIN_OK);
    write_bytes(sub, name, bytes, size);
    free(bytes);
    kin_raster_release(&raster);
}

static void write_images(const char *sub, int from, int to)
{
    char name[32];
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof name, "%05d.png", i);
        write_image(sub, name, (uint64_t)i * 1000003);
    }
}

static const char *in_folder(const char *sub)
{
    static char paths[4][PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, "%.3000s/%s", folder, sub);
    return path;
}

static long images_stored(const char *of)
{
    run done = run_kindred("-a", of, "stats", "--json", NULL);
    assert_int_equal(done.exit_code, 0);
    json_t *stats = run_json(&done);
    long images = (long)json_integer_value(json_object_get(stats, "images"));
    json_decref(stats);
    run_release(&done);
    done = run_kindred("-a", of, "verify", NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    return images;
}

static void *ingest_folder(void *sub)
{
    static atomic_int failures;
    run done =
        run_kindred("-a", archive, "ingest", in_folder(sub), "-j", "1", "--no-reindex", NULL);
    if (done.exit_code != 0) {
        print_error("ingest %s: %s\n", (const char *)sub, done.err);
        atomic_fetch_add(&failures, 1);
    }
    run_release(&done);
    return &failures;
}

static void test_two_ingests_at_once(void **state)
{
    (void)state;
    pthread_t threads[2];
    static char *const subs[] = {(char *)"left", (char *)"right"};
    void *failures;
    write_images("left", 0, 250);
    write_images("right", 200, 450); /* fifty in both */
    run done = run_kindred("-a", archive, "init", NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ingest_folder, subs[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &failures);
    assert_int_equal(atomic_load((atomic_int *)failures), 0);
    assert_int_equal(images_stored(archive), 450);
}

static void test_search_reindex_and_backup_beside_an_ingest(void **state)
{
    (void)state;
    pthread_t thread;
    void *failures;
    write_images("first", 0, 60);
    write_images("later", 60, 500);
    run done = run_kindred("-a", archive, "ingest", in_folder("first"), NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    assert_int_equal(pthread_create(&thread, NULL, ingest_folder, (char *)"later"), 0);
    for (int round = 0; round < 4; round++) {
        char copy[PATH_MAX], file[PATH_MAX];
        snprintf(copy, sizeof copy, "%.3000s/copy%d", folder, round);
        snprintf(file, sizeof file, "%.3000s/first/%05d.png", folder, round);
        done = run_kindred("-a", archive, "search", file, "-k", "3", "--json", NULL);
        assert_int_equal(done.exit_code, 0);
        json_t *answer = run_json(&done);
        const json_t *first = json_array_get(json_object_get(answer, "results"), 0);
        assert_string_equal(json_string_value(json_object_get(first, "path")), file);
        json_decref(answer);
        run_release(&done);
        done = run_kindred("-a", archive, "backup", copy, NULL);
        assert_int_equal(done.exit_code, 0);
        run_release(&done);
        assert_true(images_stored(copy) >= 60);
        done = run_kindred("-a", archive, "reindex", "--index", round % 2 ? "hnsw" : "flat", NULL);
        assert_int_equal(done.exit_code, 0);
        run_release(&done);
    }
    pthread_join(thread, &failures);
    assert_int_equal(atomic_load((atomic_int *)failures), 0);
    assert_int_equal(images_stored(archive), 500);
}

static void test_a_second_reindex_is_told_to_wait(void **state)
{
    (void)state;
    char path[PATH_MAX];
    write_images("some", 0, 5);
    run done = run_kindred("-a", archive, "ingest", in_folder("some"), NULL);
    run_release(&done);
    snprintf(path, sizeof path, "%.4000s/reindex.lock", archive);
    FILE *lock = fopen(path, "a");
    assert_non_null(lock);
    assert_int_equal(flock(fileno(lock), LOCK_EX), 0);
    done = run_kindred("-a", archive, "reindex", NULL);
    assert_int_not_equal(done.exit_code, 0);
    assert_non_null(strstr(done.err, "running"));
    run_release(&done);
    fclose(lock);
    done = run_kindred("-a", archive, "reindex", NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
}

/* Explicit little endian, undefined-length sequences, `depth` of them within each other. */
static void write_nested(const char *name, size_t depth)
{
    static const unsigned char meta[] = {0x02, 0, 0x10, 0, 'U', 'I', 20, 0};
    static const unsigned char sequence[] = {0x08, 0,    0x40, 0x11, 'S',  'Q',  0,
                                             0,    0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF,
                                             0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF};
    size_t size = 132 + sizeof meta + 20 + depth * sizeof sequence, at = 132;
    unsigned char *bytes = calloc(1, size);
    assert_non_null(bytes);
    memcpy(bytes + 128, "DICM", 4);
    memcpy(bytes + at, meta, sizeof meta);
    at += sizeof meta;
    memcpy(bytes + at, "1.2.840.10008.1.2.1", 19);
    at += 20;
    for (size_t i = 0; i < depth; i++, at += sizeof sequence)
        memcpy(bytes + at, sequence, sizeof sequence);
    write_bytes("evil", name, bytes, size);
    free(bytes);
}

static void test_files_that_mean_harm(void **state)
{
    (void)state;
    static const char *const endings[] = {"dcm", "png", "jpg", "tiff"};
    static const unsigned char bomb[] = {
        0x89, 'P',  'N',  'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0,
        0xFF, 0xFF, 0xFF, 0,   0xFF, 0xFF, 0xFF, 8,    2, 0, 0, 0,  1,   2,   3,   4};
    char garbage[600] = {0}, name[64];
    uint64_t random = 3;
    for (size_t i = 132; i < sizeof garbage; i++)
        garbage[i] = (char)random_bits(&random);
    memcpy(garbage + 128, "DICM", 4);
    memcpy(garbage + 200, "Doe^Secret^Name", 15);
    write_images("evil", 0, 3);
    write_nested("nested.dcm", 6000);
    write_nested("deeply nested.dcm", 100000);
    write_bytes("evil", "garbage.dcm", garbage, sizeof garbage);
    write_bytes("evil", "bomb.png", bomb, sizeof bomb);
    write_bytes("evil", "not\xFF\x1B[31m utf8\n.png", bomb, sizeof bomb);
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "empty.%s", endings[i]);
        write_bytes("evil", name, "", 0);
    }
    assert_int_equal(mkfifo(in_folder("evil/fifo.dcm"), 0666), 0);
    assert_int_equal(symlink("nowhere", in_folder("evil/dangling.dcm")), 0);
    assert_int_equal(symlink(".", in_folder("evil/loop")), 0);

    run done = run_kindred("-a", archive, "ingest", in_folder("evil"), "--verbose", "--json",
                           "--no-reindex", NULL);
    assert_int_equal(done.exit_code, 1);
    static const char *const named[] = {
        "nested.dcm", "deeply nested.dcm", "garbage.dcm", "bomb.png",     "empty.dcm", "empty.png",
        "empty.jpg",  "empty.tiff",        "fifo.dcm",    "dangling.dcm", "loop"};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strstr(done.err, named[i]) == NULL)
            print_error("%s is not named in:\n%s\n", named[i], done.err);
        assert_non_null(strstr(done.err, named[i]));
    }
    assert_null(strstr(done.err, "Secret")); /* what is in a file is not in its error */
    assert_null(strchr(done.err, '\x1B'));   /* nor does its name steer the terminal */
    char *rest = done.out;
    long failed = -1;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';) {
        json_t *event = json_loads(line, 0, NULL);
        assert_non_null(event);
        if (json_object_get(event, "failed") != NULL)
            failed = (long)json_integer_value(json_object_get(event, "failed"));
        json_decref(event);
    }
    assert_int_equal(failed, 12);
    run_release(&done);
    assert_int_equal(images_stored(archive), 3);
}

static void test_bounds_can_be_set(void **state)
{
    (void)state;
    write_images("some", 0, 2);
    run done = run_kindred("-a", archive, "ingest", in_folder("some"), "--max-frame-bytes", "1K",
                           "--no-reindex", NULL);
    assert_int_equal(done.exit_code, 1);
    run_release(&done);
    assert_int_equal(images_stored(archive), 0);
    done = run_kindred("-a", archive, "ingest", in_folder("some"), "--max-frame-bytes", "1M",
                       "--no-reindex", NULL);
    assert_int_equal(done.exit_code, 0);
    run_release(&done);
    assert_int_equal(images_stored(archive), 2);
}

static void test_a_broken_manifest_stops_before_anything_is_stored(void **state)
{
    (void)state;
    write_images("some", 0, 2);
    write_bytes("some", "manifest.csv", "path,diagnosis\n00000.png,a\n00001.png,b,c\n", 41);
    run done = run_kindred("-a", archive, "ingest", in_folder("some"), "--manifest",
                           in_folder("some/manifest.csv"), NULL);
    assert_int_not_equal(done.exit_code, 0);
    assert_non_null(strstr(done.err, "line 3"));
    run_release(&done);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_two_ingests_at_once),
        TEST(test_search_reindex_and_backup_beside_an_ingest),
        TEST(test_a_second_reindex_is_told_to_wait),
        TEST(test_files_that_mean_harm),
        TEST(test_bounds_can_be_set),
        TEST(test_a_broken_manifest_stops_before_anything_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
