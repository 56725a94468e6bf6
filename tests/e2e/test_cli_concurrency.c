/* Programs at once on one archive: writers lose and double nothing, readers never fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
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
#include "write_file.h"

/* A reindex follows an ingest by itself from 32 images on. */
enum { IN_LEFT = 60, IN_RIGHT = 60, IN_BOTH = 40, COPIES = 20, SIDE = 32, BACKUPS_MAX = 4 };
enum { IMAGES = IN_LEFT + IN_RIGHT + IN_BOTH };

static char folder[PATH_MAX], archive[PATH_MAX];
static char left[PATH_MAX], right[PATH_MAX], both[PATH_MAX], query[PATH_MAX];

/* Image number `number`, no two alike, as a PNG file. */
static void write_image(const char *dir, const char *name, unsigned number)
{
    char path[PATH_MAX];
    kin_raster raster;
    void *bytes = NULL;
    size_t size;
    uint64_t random = number;
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        raster.px[i] = random_unit(&random);
    assert_int_equal(kin_image_encode_png(&raster, &bytes, &size, NULL), KIN_OK);
    snprintf(path, sizeof path, "%.4000s/%s", dir, name);
    write_file(path, bytes, size);
    free(bytes);
    kin_raster_release(&raster);
}

static void make_folder(char path[PATH_MAX], const char *name, unsigned first, unsigned count)
{
    snprintf(path, PATH_MAX, "%.4000s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
    for (unsigned i = 0; i < count; i++) {
        char file[32];
        snprintf(file, sizeof file, "%04u.png", first + i);
        write_image(path, file, first + i);
    }
}

/* left, right and both; right has besides copies of some files of left, under other names. */
static int make_folders(void **state)
{
    (void)state;
    temp_folder_make(folder);
    make_folder(left, "left", 0, IN_LEFT);
    make_folder(right, "right", IN_LEFT, IN_RIGHT);
    make_folder(both, "both", IN_LEFT + IN_RIGHT, IN_BOTH);
    for (unsigned i = 0; i < COPIES; i++) {
        char name[32];
        snprintf(name, sizeof name, "copy-%04u.png", i);
        write_image(right, name, i);
    }
    snprintf(query, sizeof query, "%.4000s/0000.png", left);
    return 0;
}

static int drop_folders(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* Each test has an archive of its own, which is not there yet. */
static int name_archive(void **state)
{
    static int number;
    (void)state;
    snprintf(archive, sizeof archive, "%.4000s/archive-%d", folder, number++);
    return 0;
}

static running *start(const char *command, const char *first, const char *second, const char *third)
{
    const char *arguments[] = {"-a", archive, command, first, second, third, NULL};
    return run_start(arguments);
}

static json_int_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

/* What it left as JSON; it must have succeeded, and in silence. */
static json_t *must_succeed(run done)
{
    if (done.exit_code != 0 || done.err_size > 0)
        print_error("exit code %d\n%s%s\n", done.exit_code, done.out, done.err);
    assert_int_equal(done.exit_code, 0);
    assert_int_equal(done.err_size, 0);
    json_t *value = run_json(&done);
    run_release(&done);
    return value;
}

static void must_verify(const char *which, json_int_t images)
{
    json_t *check = must_succeed(run_kindred("-a", which, "verify", "--json", NULL));
    assert_true(json_is_true(json_object_get(check, "sound")));
    if (images >= 0)
        assert_int_equal(count_of(check, "images"), images);
    json_decref(check);
}

/* Every image of the archive is there once, by UID and by the number in its file's name. */
static void must_hold_each_once(void)
{
    run done = run_kindred("-a", archive, "export", "--format", "ndjson", NULL);
    json_t *uids = json_object();
    int copies_of[IMAGES] = {0}, lines = 0;
    char *rest = done.out;
    assert_int_equal(done.exit_code, 0);
    for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0'; lines++) {
        json_t *record = json_loads(line, 0, NULL);
        const char *uid = json_string_value(json_object_get(record, "sop_instance_uid"));
        const char *path = json_string_value(json_object_get(record, "path"));
        assert_non_null(uid);
        assert_non_null(path);
        assert_null(json_object_get(uids, uid));
        json_object_set_new(uids, uid, json_true());
        const char *name = strrchr(path, '/') + 1;
        long number = strtol(strncmp(name, "copy-", 5) == 0 ? name + 5 : name, NULL, 10);
        assert_in_range(number, 0, IMAGES - 1);
        copies_of[number]++;
        json_decref(record);
    }
    assert_int_equal(lines, IMAGES);
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(copies_of[i], 1);
    json_decref(uids);
    run_release(&done);
}

/* The archive is not there yet: making it is part of the race. */
static void test_two_ingests_lose_and_double_nothing(void **state)
{
    (void)state;
    running *one = start("ingest", left, both, "--json");
    running *other = start("ingest", right, both, "--json");
    json_t *first = must_succeed(run_finish(one)), *second = must_succeed(run_finish(other));
    assert_int_equal(count_of(first, "files"), IN_LEFT + IN_BOTH);
    assert_int_equal(count_of(second, "files"), IN_RIGHT + COPIES + IN_BOTH);
    assert_int_equal(count_of(first, "stored") + count_of(second, "stored"), IMAGES);
    assert_int_equal(count_of(first, "duplicate") + count_of(second, "duplicate"),
                     COPIES + IN_BOTH);
    json_decref(first);
    json_decref(second);
    must_hold_each_once();
    must_verify(archive, IMAGES);
}

/* Of several that make one archive at once, one does. */
static void test_one_of_many_makes_the_archive(void **state)
{
    for (int round = 0; round < 5; round++) {
        running *programs[4];
        int made = 0;
        name_archive(state);
        for (int i = 0; i < 4; i++)
            programs[i] = start("init", NULL, NULL, NULL);
        for (int i = 0; i < 4; i++) {
            run done = run_finish(programs[i]);
            made += done.exit_code == 0;
            if (done.exit_code != 0)
                assert_non_null(strstr(done.err, "the folder is not empty"));
            run_release(&done);
        }
        assert_int_equal(made, 1);
        must_verify(archive, 0);
    }
}

/* Searches until the program is over, at least once: an answer each time.  How many they were. */
static int search_while(running *program)
{
    int searches = 0;
    do {
        json_t *answer =
            must_succeed(run_kindred("-a", archive, "search", query, "-k", "5", "--json", NULL));
        const json_t *results = json_object_get(answer, "results");
        const json_t *first = json_array_get(results, 0);
        assert_int_equal(json_array_size(results), 5);
        assert_string_equal(json_string_value(json_object_get(first, "path")), query);
        assert_true(json_real_value(json_object_get(first, "score")) > 0.999);
        json_decref(answer);
        searches++;
    } while (!run_is_over(program));
    return searches;
}

static void test_searches_never_fail_meanwhile(void **state)
{
    (void)state;
    static const char *const kinds[] = {"hnsw", "flat"};
    json_decref(must_succeed(run_finish(start("ingest", left, "--json", NULL))));
    running *writer = start("ingest", right, both, "--json");
    int during_ingest = search_while(writer);
    json_decref(must_succeed(run_finish(writer)));
    int during_reindex = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        writer = start("reindex", "--index", kinds[i], "--json");
        during_reindex += search_while(writer);
        json_decref(must_succeed(run_finish(writer)));
    }
    print_message("%d searches during an ingest, %d during reindexes\n", during_ingest,
                  during_reindex);
    must_hold_each_once();
    must_verify(archive, IMAGES);
}

static void test_backups_during_an_ingest_are_sound(void **state)
{
    (void)state;
    char copy[BACKUPS_MAX][PATH_MAX];
    int copies = 0;
    json_decref(must_succeed(run_finish(start("ingest", left, "--json", NULL))));
    running *writer = start("ingest", right, both, "--json");
    do {
        snprintf(copy[copies], sizeof copy[0], "%.4000s/copy-%d", folder, copies);
        run done = run_kindred("-a", archive, "backup", copy[copies], NULL);
        if (done.exit_code != 0)
            print_error("backup: %s\n", done.err);
        assert_int_equal(done.exit_code, 0);
        run_release(&done);
        copies++;
    } while (copies < BACKUPS_MAX && !run_is_over(writer));
    json_decref(must_succeed(run_finish(writer)));
    for (int i = 0; i < copies; i++) {
        must_verify(copy[i], -1);
        json_t *answer =
            must_succeed(run_kindred("-a", copy[i], "search", query, "-k", "1", "--json", NULL));
        assert_int_equal(json_array_size(json_object_get(answer, "results")), 1);
        json_decref(answer);
    }
    must_hold_each_once();
    must_verify(archive, IMAGES);
}

/* The lock held as a running reindex holds it. */
static void test_a_second_reindex_is_told(void **state)
{
    (void)state;
    char path[PATH_MAX];
    json_decref(must_succeed(run_finish(start("ingest", left, "--json", "--no-reindex"))));
    snprintf(path, sizeof path, "%.4000s/reindex.lock", archive);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);

    run done = run_kindred("-a", archive, "reindex", NULL);
    assert_int_equal(done.exit_code, 1);
    assert_non_null(strstr(done.err, archive));
    assert_non_null(strstr(done.err, "a reindex or a backup of this archive is running"));
    run_release(&done);

    /* An ingest leaves it to whoever holds the lock; searches and checks do not care. */
    json_t *summary = must_succeed(run_finish(start("ingest", right, both, "--json")));
    assert_true(json_is_null(json_object_get(summary, "reindex")));
    json_decref(summary);
    json_decref(must_succeed(run_finish(start("search", query, "--json", NULL))));
    must_verify(archive, IMAGES);

    close(lock);
    json_decref(must_succeed(run_finish(start("reindex", "--json", NULL, NULL))));
    must_verify(archive, IMAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_many_makes_the_archive),
        cmocka_unit_test_setup(test_two_ingests_lose_and_double_nothing, name_archive),
        cmocka_unit_test_setup(test_searches_never_fail_meanwhile, name_archive),
        cmocka_unit_test_setup(test_backups_during_an_ingest_are_sound, name_archive),
        cmocka_unit_test_setup(test_a_second_reindex_is_told, name_archive),
    };
    return cmocka_run_group_tests(tests, make_folders, drop_folders);
}
