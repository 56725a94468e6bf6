/*
 * kill -9 at random moments of ingest and of reindex.
 *
 * Each round adds new files, of some of which a manifest marks a region, starts `kindred ingest` and kills it after a random time, then does
 * the same to `kindred reindex`.  Afterwards the archive must verify clean, and every file that the
 * ingest had acknowledged must be there, with its region, in this round and in all later ones.  Rounds:
 * KINDRED_KILL_ROUNDS, by default 100.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/archive.h"
#include "base/clock.h"
#include "image/write.h"
#include "random.h"
#include "temp_folder.h"
#include "write_file.h"

enum { FILES = 240, ACKNOWLEDGED_MAX = 40000, IMAGE_SIDE = 24, MARKED_EACH = 4 };
enum { EPOCH = 10 /* rounds that one archive lives: reindexing takes longer as it grows */ };

#ifdef KIN_SANITIZE
enum { ROUNDS = 12 }; /* the same paths, under a slower program */
#else
enum { ROUNDS = 100 };
#endif

extern char **environ;

static char folder[PATH_MAX], dir[PATH_MAX], input[PATH_MAX], manifest[PATH_MAX];
static bool acknowledged[ACKNOWLEDGED_MAX]; /* by the number in the file's name */
static uint64_t random_state;

static void write_image(int number)
{
    kin_raster raster;
    kin_error err;
    void *bytes = NULL;
    size_t size;
    char path[PATH_MAX];
    assert_int_equal(kin_raster_init(&raster, IMAGE_SIDE, IMAGE_SIDE, 1, &err), KIN_OK);
    for (int i = 0; i < IMAGE_SIDE * IMAGE_SIDE; i++)
        raster.px[i] = (float)(random_bits(&random_state) % 256) / 255;
    assert_int_equal(kin_image_encode_png(&raster, &bytes, &size, &err), KIN_OK);
    snprintf(path, sizeof path, "%.4000s/%06d.png", input, number);
    write_file(path, bytes, size);
    free(bytes);
    kin_raster_release(&raster);
}

static bool is_marked(int number)
{
    return number % MARKED_EACH == 0;
}

/* A manifest that marks a region of some of the files [from, to). */
static void write_manifest(int from, int to)
{
    FILE *csv = fopen(manifest, "w");
    assert_non_null(csv);
    fputs("path,roi\n", csv);
    for (int i = from; i < to; i++)
        fprintf(csv, "%s/%06d.png,%s\n", input, i, is_marked(i) ? "\"4,6,9,8\"" : "");
    assert_int_equal(fclose(csv), 0);
}

/* Starts kindred with its standard output into a pipe. */
static pid_t start(char *const arguments[], int *output)
{
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    assert_int_equal(posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    *output = ends[0];
    return pid;
}

/* How long a command may run before it is killed: as long as it takes, by what earlier rounds
 * saw. */
struct window {
    double milliseconds;
    int cut; /* runs killed at work */
};

static double now_milliseconds(void)
{
    return 1e3 * kin_clock_monotonic();
}

/* Kills it after a random part of the window; a run that ends by itself shows how long the window
 * is. */
static void kill_at_random(pid_t pid, struct window *window)
{
    double began = now_milliseconds();
    double most = window->milliseconds * (double)(random_bits(&random_state) % 1000) / 1000;
    int status;
    pid_t ended = 0;
    while (ended == 0 && now_milliseconds() - began < most) {
        usleep(500);
        ended = waitpid(pid, &status, WNOHANG);
    }
    if (ended == 0) {
        kill(pid, SIGKILL);
        ended = waitpid(pid, &status, 0);
    }
    assert_int_equal(ended, pid);
    if (WIFSIGNALED(status)) {
        window->cut++;
        window->milliseconds *= 1.1;
    } else {
        window->milliseconds = now_milliseconds() - began;
    }
}

static void note_acknowledged(const char *line)
{
    static const char stored[] = "stored ";
    if (strncmp(line, stored, sizeof stored - 1) != 0)
        return;
    long number = strtol(strrchr(line, '/') + 1, NULL, 10);
    assert_true(number >= 0 && number < ACKNOWLEDGED_MAX);
    acknowledged[number] = true;
}

/* Whole lines only: what a kill cut off was never acknowledged. */
static int read_acknowledgements(int output)
{
    FILE *lines = fdopen(output, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int count = 0;
    assert_non_null(lines);
    while ((length = getline(&line, &size, lines)) > 0) {
        if (line[length - 1] != '\n')
            break;
        note_acknowledged(line);
        count++;
    }
    free(line);
    fclose(lines);
    return count;
}

static int kill_ingest(struct window *window)
{
    int output;
    char *arguments[] = {(char *)KIN_TEST_BIN_DIR "/kindred",
                         (char *)"-a",
                         dir,
                         (char *)"ingest",
                         (char *)"--verbose",
                         (char *)"--no-reindex",
                         (char *)"--manifest",
                         manifest,
                         input,
                         NULL};
    pid_t pid = start(arguments, &output);
    kill_at_random(pid, window);
    return read_acknowledgements(output);
}

static void kill_reindex(struct window *window)
{
    int output;
    char *arguments[] = {(char *)KIN_TEST_BIN_DIR "/kindred",
                         (char *)"-a",
                         dir,
                         (char *)"reindex",
                         (char *)"--index",
                         (char *)"hnsw",
                         NULL};
    pid_t pid = start(arguments, &output);
    kill_at_random(pid, window);
    close(output);
}

static void print_fault(void *ctx, const char *text)
{
    (void)ctx;
    print_error("fault: %s\n", text);
}

struct found {
    bool image[ACKNOWLEDGED_MAX], region[ACKNOWLEDGED_MAX];
};

static int tick_off(void *ctx, const kin_record *record)
{
    struct found *found = ctx;
    long number = strtol(strrchr(record->path, '/') + 1, NULL, 10);
    *(record->region > 0 ? &found->region[number] : &found->image[number]) = true;
    return 0;
}

static void check_archive(uint64_t *images)
{
    static struct found found;
    kin_error err;
    kin_archive *archive = NULL;
    uint64_t faults = 1;
    kin_status status = kin_archive_open(kin_fs_posix(), dir, &archive, &err);
    if (status != KIN_OK)
        print_error("%s: %s\n", err.subject, err.message);
    assert_int_equal(status, KIN_OK);
    assert_int_equal(kin_archive_verify(archive, print_fault, NULL, &faults, images, &err), KIN_OK);
    assert_int_equal(faults, 0);
    kin_archive_stats stats;
    assert_int_equal(kin_archive_stats_read(archive, &stats, &err), KIN_OK);
    assert_int_equal(stats.previews, stats.images); /* each came with its image */
    assert_int_equal(stats.images + stats.regions, *images);
    memset(&found, 0, sizeof found);
    assert_int_equal(kin_archive_each_record(archive, NULL, tick_off, &found, &err), KIN_OK);
    for (int i = 0; i < ACKNOWLEDGED_MAX; i++) {
        assert_true(found.image[i] || !acknowledged[i]);
        assert_true(found.region[i] || !acknowledged[i] || !is_marked(i));
    }
    kin_archive_close(archive);
}

static void begin_epoch(int epoch)
{
    kin_error err;
    snprintf(dir, sizeof dir, "%.4000s/archive%d", folder, epoch);
    assert_int_equal(
        kin_archive_init(kin_fs_posix(), dir, &(kin_archive_settings){.dim = 64}, &err), KIN_OK);
    memset(acknowledged, 0, sizeof acknowledged);
}

static void begin_round(int round)
{
    snprintf(input, sizeof input, "%.4000s/input%d", folder, round);
    snprintf(manifest, sizeof manifest, "%.4000s/manifest%d.csv", folder, round);
    assert_int_equal(mkdir(input, 0777), 0);
}

static void test_nothing_acknowledged_is_ever_lost(void **state)
{
    (void)state;
    const char *asked = getenv("KINDRED_KILL_ROUNDS"), *seed = getenv("KINDRED_KILL_SEED");
    int rounds = asked != NULL ? atoi(asked) : ROUNDS;
    int next = 0, lines = 0;
    struct window ingests = {.milliseconds = 1000}, reindexes = {.milliseconds = 300};
    uint64_t images = 0;
    random_state = seed != NULL ? strtoull(seed, NULL, 10) : 20261124;
    for (int round = 0; round < rounds; round++) {
        if (round % EPOCH == 0)
            begin_epoch(round / EPOCH);
        begin_round(round);
        int from = next;
        for (int i = 0; i < FILES && next < ACKNOWLEDGED_MAX; i++)
            write_image(next++);
        write_manifest(from, next);
        lines += kill_ingest(&ingests);
        check_archive(&images);
        kill_reindex(&reindexes);
        check_archive(&images);
    }
    print_message("%d rounds: %d ingests and %d reindexes cut off, %d lines read, %d files, "
                  "%llu images in the last archive\n",
                  rounds, ingests.cut, reindexes.cut, lines, next, (unsigned long long)images);
    /* The kills must have met work under way, or the test has tested nothing. */
    assert_true(ingests.cut > rounds / 4);
    assert_true(reindexes.cut > rounds / 4);
    assert_true(lines > rounds);
}

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_acknowledged_is_ever_lost, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
