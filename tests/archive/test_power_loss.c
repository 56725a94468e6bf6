/*
 * Power loss: what was not synced is gone, in part or whole.
 *
 * The archive's own files go through a file layer that knows what a disk would still hold
 * (fault_fs.h); LMDB syncs its own file at each commit, so the catalog survives as it stands.  The
 * two together must be a sound archive with every image whose put had returned: then nothing that
 * the catalog names was left unsynced.
 */
#include "archive_support.h"

#include <errno.h>
#include <unistd.h>

#include "archive/upload.h"
#include "fault_fs.h"

enum { SEEDS = 6, CLASSES = 3 };

static char folder[PATH_MAX], dir[PATH_MAX];
static fault_fs *faults;
static kin_archive *archive;
static int losses;

static int set_up(void **state)
{
    (void)state;
    kin_error err;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    losses = 0;
    assert_int_equal(kin_fs_make_dirs(kin_fs_posix(), dir, &err), KIN_OK);
    faults = fault_fs_new(dir);
    assert_ok(
        kin_archive_init(fault_fs_borrow(faults), dir, &(kin_archive_settings){.dim = 32}, &err),
        err);
    assert_ok(kin_archive_open(fault_fs_borrow(faults), dir, &archive, &err), err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kin_archive_close(archive);
    fault_fs_free(faults);
    temp_folder_remove(folder);
    return 0;
}

static void copy_catalog(const char *to)
{
    char from[PATH_MAX], file[PATH_MAX];
    void *bytes = NULL;
    size_t size;
    kin_error err;
    snprintf(from, sizeof from, "%.4000s/catalog/data.mdb", dir);
    snprintf(file, sizeof file, "%.4000s/catalog", to);
    assert_ok(kin_fs_make_dirs(kin_fs_posix(), file, &err), err);
    snprintf(file, sizeof file, "%.4000s/catalog/data.mdb", to);
    assert_ok(kin_fs_read_file(kin_fs_posix(), from, SIZE_MAX, &bytes, &size, &err), err);
    assert_ok(kin_fs_replace(kin_fs_posix(), file, bytes, size, &err), err);
    free(bytes);
}

/* The power goes now: under every seed the archive that comes back is sound and holds `images`. */
static void lose_power(uint64_t images)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        char after[PATH_MAX];
        kin_error err;
        kin_archive *survivor = NULL;
        uint64_t found = 0;
        snprintf(after, sizeof after, "%.4000s/after%d", folder, losses++);
        assert_ok(kin_fs_make_dirs(kin_fs_posix(), after, &err), err);
        fault_fs_power_loss(faults, after, seed);
        copy_catalog(after);
        assert_ok(kin_archive_open(kin_fs_posix(), after, &survivor, &err), err);
        assert_int_equal(count_faults(survivor, &found), 0);
        assert_int_equal(found, images);
        if (images > 0) {
            kin_results results = search_picture(survivor, 0, 0, (kin_search_options){.k = 1});
            assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.0");
            kin_results_release(&results);
            assert_preview(survivor, "1.2.3.0", 0, 0);
        }
        /* And it goes on: what the loss left behind is written over. */
        assert_int_equal(put_one(survivor, make_instance(9999, 1, 1, 9999)), KIN_PUT_STORED);
        assert_int_equal(count_faults(survivor, NULL), 0);
        kin_archive_close(survivor);
        temp_folder_remove(after);
    }
}

static void test_after_every_commit(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 1, 70, 2, 130, 5};
    unsigned stored = 0;
    lose_power(0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        put_many(archive, stored, stored + sizes[i], CLASSES);
        stored += sizes[i];
        lose_power(stored);
        if (i % 2 == 1) {
            reindex(archive, "hnsw");
            lose_power(stored);
        }
    }
}

/* Everything stops at the n-th operation of a put or a reindex, and the power goes. */
static void test_within_a_put_and_a_reindex(void **state)
{
    (void)state;
    unsigned stored = 100;
    put_many(archive, 0, stored, CLASSES);
    for (int reindexing = 0; reindexing < 2; reindexing++) {
        for (size_t n = 1;; n++) {
            kin_error err;
            kin_status status;
            fault_fs_fail_at(faults, n, EIO, 1);
            if (reindexing) {
                kin_reindex_report report;
                kin_reindex_options options = {.index_kind = "hnsw", .check_queries = 3};
                status = kin_archive_reindex(archive, &options, &report, &err);
            } else {
                kin_instance instance = make_instance(stored, 1, 0, stored);
                status = kin_archive_put(archive, &instance, 1, &err);
                stored += status == KIN_OK;
                kin_instance_release(&instance);
            }
            bool over = fault_fs_operations(faults) < n;
            fault_fs_fail_at(faults, 0, 0, 0);
            lose_power(stored);
            if (over) {
                assert_int_equal(status, KIN_OK);
                break;
            }
        }
    }
}

/* An open, unnamed file of a PNG that the seed makes. */
static int picture_of(uint64_t seed)
{
    char path[PATH_MAX];
    kin_raster raster;
    kin_error err;
    void *bytes = NULL;
    size_t size;
    assert_ok(kin_raster_init(&raster, 20, 20, 1, &err), err);
    for (int i = 0; i < 20 * 20; i++)
        raster.px[i] = random_unit(&seed);
    assert_ok(kin_image_encode_png(&raster, &bytes, &size, &err), err);
    kin_raster_release(&raster);
    snprintf(path, sizeof path, "%.4000s/spool-XXXXXX", folder);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    return fd;
}

/* Everything stops at the n-th operation of an upload's commit, and the power goes: what was called
 * stored is there, what was not is not. */
static void test_within_an_upload(void **state)
{
    (void)state;
    enum { FILES = 3 };
    kin_error err;
    kin_decoder *decoder = NULL;
    unsigned stored = 10;
    put_many(archive, 0, stored, CLASSES);
    assert_ok(kin_decoder_new(KIN_TEST_BIN_DIR "/kindred-worker",
                              kin_archive_features_borrow(archive), NULL, &decoder, &err),
              err);
    for (size_t n = 1;; n++) {
        kin_upload *upload = NULL;
        assert_ok(kin_upload_new(archive, &upload, &err), err);
        for (unsigned i = 0; i < FILES; i++) {
            int fd = picture_of(1000 * n + i);
            assert_ok(kin_upload_add(upload, decoder, fd, "a.png", NULL, 0, &err), err);
            close(fd);
        }
        fault_fs_fail_at(faults, n, EIO, 1);
        kin_status status = kin_upload_finish(upload, NULL, &err);
        bool over = fault_fs_operations(faults) < n;
        fault_fs_fail_at(faults, 0, 0, 0);
        for (unsigned i = 0; i < FILES; i++) {
            kin_uploaded outcome = kin_upload_outcome(upload, i);
            assert_int_equal(outcome.event == KIN_INGEST_STORED, status == KIN_OK);
            assert_string_equal(outcome.reason, status == KIN_OK ? "" : "not stored");
        }
        stored += status == KIN_OK ? FILES : 0;
        kin_upload_free(upload);
        lose_power(stored);
        if (over) {
            assert_int_equal(status, KIN_OK);
            break;
        }
    }
    kin_decoder_free(decoder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_after_every_commit),
        TEST(test_within_a_put_and_a_reindex),
        TEST(test_within_an_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
