/* Reindexing, damage, backup, and files that fail. */
#include "one_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault_fs.h"

enum { IMAGES = 200, CLASSES = 4 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

/* The only file of a folder below the archive. */
static void only_file(const char *sub, char path[PATH_MAX])
{
    char in[PATH_MAX];
    snprintf(in, sizeof in, "%.2000s/%s", dir, sub);
    DIR *open_dir = opendir(in);
    assert_non_null(open_dir);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(open_dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        files++;
        snprintf(path, PATH_MAX, "%.2000s/%s", in, entry->d_name);
    }
    closedir(open_dir);
    assert_int_equal(files, 1);
}

static void flip_byte(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void reopen(void)
{
    kin_error err;
    kin_archive_close(archive);
    archive = NULL;
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
}

static void test_a_reindex_learns_and_checks_itself(void **state)
{
    (void)state;
    kin_archive_stats before, after;
    kin_error err;
    assert_ok(kin_archive_stats_read(archive, &before, &err), err);
    assert_string_equal(before.model_kind, "bootstrap");
    kin_reindex_report report = reindex(archive, "hnsw");
    assert_string_equal(report.index_kind, "hnsw");
    assert_int_equal(report.recall_queries, 50);
    assert_true(report.recall_at_10 >= 0.95);
    assert_false(report.below_bound);
    assert_ok(kin_archive_stats_read(archive, &after, &err), err);
    assert_string_not_equal(after.model, before.model);
    assert_string_equal(after.model_kind, "pca-whitened");
    assert_int_equal(after.generation, 1);
    assert_int_equal(after.tail, 0);
    assert_int_equal(count_faults(archive, NULL), 0);
    /* The same images teach the same model; the generation is new all the same. */
    report = reindex(archive, "flat");
    assert_string_equal(report.model, after.model);
    assert_int_equal(report.generation, 2);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_an_index_below_its_bound_gives_way_to_the_scan(void **state)
{
    (void)state;
    kin_error err;
    kin_reindex_report report;
    kin_reindex_options options = {.index_kind = "hnsw", .recall_bound = 1.01, .check_queries = 20};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    assert_true(report.below_bound);
    assert_string_equal(report.index_kind, "flat");
}

static int stop_at_once(void *ctx, const char *stage, double done)
{
    (void)done;
    return strcmp(stage, ctx) == 0;
}

static void test_a_cancelled_reindex_changes_nothing(void **state)
{
    (void)state;
    kin_error err;
    reindex(archive, "hnsw");
    put_many(archive, IMAGES, IMAGES + 50, CLASSES);
    static char *const stages[] = {"learning the embedding", "embedding", "building the index",
                                   "tuning the index", "swapping"};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        kin_reindex_report report;
        kin_archive_stats stats;
        kin_reindex_options options = {.index_kind = "hnsw",
                                       .model = KIN_REINDEX_LEARN,
                                       .progress = stop_at_once,
                                       .progress_ctx = stages[i]};
        assert_int_equal(kin_archive_reindex(archive, &options, &report, &err), KIN_E_CANCELLED);
        assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
        assert_int_equal(stats.generation, 1);
        assert_int_equal(stats.tail, 50);
        assert_int_equal(count_faults(archive, NULL), 0);
    }
    kin_reindex_report report;
    kin_reindex_options options = {.index_kind = "hnsw", .model = KIN_REINDEX_LEARN};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/vectors", dir);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_nlink, 4); /* itself, its parent's entry, and two sets: no leavings */
}

static void test_what_is_new_extends_the_last_generation(void **state)
{
    (void)state;
    kin_reindex_report first = reindex(archive, "hnsw");
    assert_true(first.learnt);
    assert_false(first.extended);
    put_many(archive, IMAGES, IMAGES + 30, CLASSES);
    kin_reindex_report second = reindex(archive, "hnsw");
    assert_false(second.learnt);
    assert_true(second.extended);
    assert_string_equal(second.model, first.model);
    assert_int_equal(second.images, IMAGES + 30);
    assert_true(second.recall_at_10 >= 0.95);
    assert_int_equal(count_faults(archive, NULL), 0);
    /* Twice as many as the model was learnt from are a reason to learn anew. */
    put_many(archive, IMAGES + 30, 2 * IMAGES, CLASSES);
    kin_reindex_report third = reindex(archive, "hnsw");
    assert_true(third.learnt);
    assert_false(third.extended);
    assert_string_not_equal(third.model, first.model);
}

static void test_the_caller_decides_about_model_and_index(void **state)
{
    (void)state;
    kin_error err;
    kin_reindex_report report;
    kin_reindex_options options = {.index_kind = "hnsw", .model = KIN_REINDEX_KEEP};
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    assert_string_equal(report.model_kind, "bootstrap");
    assert_false(report.learnt);
    options.rebuild = true;
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    assert_false(report.extended);
    options.rebuild = false;
    assert_ok(kin_archive_reindex(archive, &options, &report, &err), err);
    assert_true(report.extended);
    options.memory_max = 1;
    assert_int_equal(kin_archive_reindex(archive, &options, &report, &err), KIN_E_LIMIT);
}

/* Pictures of a kind that the model has never seen. */
static void test_drift_is_a_reason_to_learn_anew(void **state)
{
    (void)state;
    kin_reindex_report first = reindex(archive, "flat");
    put_many(archive, IMAGES, IMAGES + 80, 1000);
    kin_reindex_report second = reindex(archive, "flat");
    assert_true(second.drift.judged);
    print_message("outside the model: %.4f of the known images, %.4f of newer ones\n",
                  second.drift.old_error, second.drift.new_error);
    assert_int_equal(second.learnt, second.drift.learn);
    assert_int_equal(second.drift.learn, second.drift.new_error > 1.15 * second.drift.old_error);
    assert_true(second.drift.new_error > second.drift.old_error);
    (void)first;
}

static void test_a_damaged_generation_is_told_and_scanned_around(void **state)
{
    (void)state;
    char path[PATH_MAX];
    reindex(archive, "hnsw");
    only_file("generations", path);
    flip_byte(path, 3000);
    reopen();
    kin_results results = search_picture(archive, 1, 5, (kin_search_options){.k = 4});
    assert_int_equal(results.count, 4);
    assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.5");
    assert_string_equal(results.plan.index_kind, "none");
    kin_results_release(&results);
    assert_int_equal(count_faults(archive, NULL), 1);
    reindex(archive, "hnsw");
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_damaged_rows_are_told_and_never_answered(void **state)
{
    (void)state;
    char path[PATH_MAX], set[300];
    kin_archive_stats stats;
    kin_error err;
    kin_query query;
    only_file("descriptors/d000000", path);
    flip_byte(path, 4096 + 100);
    reopen();
    assert_int_equal(kin_query_from_uid(archive, "1.2.3.0", 0, 0, &query, &err), KIN_E_CORRUPT);
    assert_string_equal(err.subject, path);
    assert_int_equal(count_faults(archive, NULL), 1);
    flip_byte(path, 4096 + 100); /* mended again */
    reopen();
    assert_int_equal(count_faults(archive, NULL), 0);
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    snprintf(set, sizeof set, "vectors/%s", stats.model);
    only_file(set, path);
    flip_byte(path, 4096 + 100);
    reopen();
    kin_results results;
    kin_search_options options = {.k = 3};
    query = (kin_query){.name = (char *)"q",
                        .patient_id = (char *)"",
                        .descriptor = make_descriptor(0, 0),
                        .self = KIN_QUERY_NOT_STORED};
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_CORRUPT);
    free(query.descriptor);
    assert_int_equal(count_faults(archive, NULL), 1);
}

static void test_a_model_that_is_gone_is_damage(void **state)
{
    (void)state;
    char path[PATH_MAX];
    kin_error err;
    kin_archive_stats stats;
    only_file("models", path);
    assert_int_equal(unlink(path), 0);
    reopen();
    assert_int_equal(kin_archive_stats_read(archive, &stats, &err), KIN_E_CORRUPT);
}

struct writer {
    atomic_bool stop;
    unsigned next;
};

static void *write_on(void *argument)
{
    struct writer *writer = argument;
    while (!atomic_load(&writer->stop) && writer->next < IMAGES + 400) {
        put_many(archive, writer->next, writer->next + 3, CLASSES);
        writer->next += 3;
    }
    return NULL;
}

/* Backups taken, and generations swapped, under a writer are each consistent. */
static void test_backup_and_reindex_beside_a_writer(void **state)
{
    (void)state;
    kin_error err;
    pthread_t thread;
    struct writer writer = {.next = IMAGES};
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    for (int round = 0; round < 4; round++) {
        char copy[PATH_MAX];
        uint64_t images = 0;
        kin_archive *opened = NULL;
        snprintf(copy, sizeof copy, "%.4000s/copy%d", folder, round);
        assert_ok(kin_archive_backup(archive, copy, &err), err);
        assert_ok(kin_archive_open(kin_fs_posix(), copy, &opened, &err), err);
        assert_int_equal(count_faults(opened, &images), 0);
        assert_true(images >= (uint64_t)(IMAGES - round));
        kin_results results = search_picture(opened, 3, 3, (kin_search_options){.k = 2});
        assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.3");
        kin_results_release(&results);
        kin_archive_close(opened);
        char uid[32];
        uint64_t removed;
        snprintf(uid, sizeof uid, "1.2.3.%d", 5 + round);
        assert_ok(kin_archive_delete(archive, uid, &removed, NULL, &err), err);
        reindex(archive, "hnsw");
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    assert_true(writer.next > IMAGES);
    uint64_t images = 0;
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, writer.next - 4);
    for (unsigned i = 0; i < writer.next; i += 37) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.3.%u", i);
        kin_results results =
            search_picture(archive, (int)(i % CLASSES), i, (kin_search_options){.k = 1});
        assert_string_equal(results.items[0].record.sop_instance_uid, uid);
        kin_results_release(&results);
    }
}

static const void *sought;
static size_t sought_size;
static int sought_in;

static int look_into(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    void *bytes = NULL;
    size_t size = 0;
    (void)st;
    (void)at;
    if (kind != FTW_F || kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, &size, NULL) != 0)
        return 0;
    sought_in += memmem(bytes, size, sought, sought_size) != NULL;
    free(bytes);
    return 0;
}

/* Files of the archive that hold these bytes. */
static int files_with(const void *bytes, size_t size)
{
    sought = bytes;
    sought_size = size;
    sought_in = 0;
    assert_int_equal(nftw(dir, look_into, 16, FTW_PHYS), 0);
    return sought_in;
}

static void test_nothing_is_left_of_deleted_pictures(void **state)
{
    (void)state;
    kin_error err;
    uint64_t removed;
    kin_archive_stats before;
    float *gone = make_descriptor(2, 6), *stays = make_descriptor(3, 7); /* images 6 and 7 */
    size_t size = 64 * sizeof *gone;
    assert_int_equal(files_with(gone, size), 1);
    reindex(archive, "hnsw");
    assert_ok(kin_archive_delete(archive, "1.2.3.6", &removed, NULL, &err), err);
    put_many(archive, IMAGES, IMAGES + 10, CLASSES);
    assert_int_equal(files_with(gone, size), 1); /* unreachable, and still on the disk */
    reindex(archive, "hnsw");
    reindex(archive, "hnsw"); /* the set before the last goes, too */
    assert_int_equal(files_with(gone, size), 0);
    assert_int_equal(files_with(stays, size), 1);
    assert_int_equal(count_faults(archive, NULL), 0);
    /* Without further deletions the descriptors are left where they are. */
    assert_ok(kin_archive_stats_read(archive, &before, &err), err);
    assert_int_equal(before.images, IMAGES + 9);
    char path[PATH_MAX];
    only_file("descriptors/d000002", path);
    reindex(archive, "hnsw");
    only_file("descriptors/d000002", path);
    for (unsigned i = 0; i < 5; i++) { /* and images came meanwhile */
        put_many(archive, IMAGES + 10 + i, IMAGES + 11 + i, CLASSES);
        kin_results results = search_picture(archive, (int)((IMAGES + 10 + i) % CLASSES),
                                             IMAGES + 10 + i, (kin_search_options){.k = 1});
        assert_true(results.items[0].score > 0.999f);
        kin_results_release(&results);
    }
    assert_int_equal(count_faults(archive, NULL), 0);
    free(gone);
    free(stays);
}

static void test_a_backup_goes_into_an_empty_folder_only(void **state)
{
    (void)state;
    kin_error err;
    assert_int_equal(kin_archive_backup(archive, dir, &err), KIN_E_EXISTS);
}

/* Whatever file operation of a put or a reindex fails, what was stored stays and the archive is
 * sound. */
static void fail_each_operation(int number, bool reindexing)
{
    kin_error err;
    fault_fs *faults = fault_fs_new(dir);
    size_t failures = 0;
    unsigned next = IMAGES;
    for (size_t n = 1;; n++) {
        kin_status status;
        kin_archive_close(archive);
        assert_ok(kin_archive_open(fault_fs_borrow(faults), dir, &archive, &err), err);
        kin_error_clear(&err);
        fault_fs_fail_at(faults, n, number, 0);
        if (reindexing) {
            kin_reindex_report report;
            kin_reindex_options options = {.index_kind = "hnsw", .check_queries = 5};
            status = kin_archive_reindex(archive, &options, &report, &err);
        } else {
            kin_instance instance = make_instance(next, 1, 0, next);
            status = kin_archive_put(archive, &instance, 1, &err);
            next += status == KIN_OK;
            kin_instance_release(&instance);
        }
        bool untouched = fault_fs_operations(faults) < n;
        fault_fs_fail_at(faults, 0, 0, 0);
        reopen();
        if (status != KIN_OK) {
            failures++;
            assert_true(err.message[0] != '\0');
        }
        uint64_t images = 0;
        assert_int_equal(count_faults(archive, &images), 0);
        assert_int_equal(images, next);
        if (untouched)
            break;
    }
    assert_true(failures > 3);
    fault_fs_free(faults);
}

static void test_a_put_survives_every_failing_operation(void **state)
{
    (void)state;
    fail_each_operation(EIO, false);
    kin_archive_close(archive);
    temp_folder_remove(dir);
    archive = new_archive(dir);
    put_many(archive, 0, IMAGES, CLASSES);
    fail_each_operation(ENOSPC, false);
}

static void test_a_reindex_survives_every_failing_operation(void **state)
{
    (void)state;
    fail_each_operation(ENOSPC, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_reindex_learns_and_checks_itself),
        TEST(test_an_index_below_its_bound_gives_way_to_the_scan),
        TEST(test_a_cancelled_reindex_changes_nothing),
        TEST(test_what_is_new_extends_the_last_generation),
        TEST(test_the_caller_decides_about_model_and_index),
        TEST(test_drift_is_a_reason_to_learn_anew),
        TEST(test_a_damaged_generation_is_told_and_scanned_around),
        TEST(test_damaged_rows_are_told_and_never_answered),
        TEST(test_a_model_that_is_gone_is_damage),
        TEST(test_backup_and_reindex_beside_a_writer),
        TEST(test_nothing_is_left_of_deleted_pictures),
        TEST(test_a_backup_goes_into_an_empty_folder_only),
        TEST(test_a_put_survives_every_failing_operation),
        TEST(test_a_reindex_survives_every_failing_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
