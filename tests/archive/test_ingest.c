/* Ingest through real worker processes: what is stored, skipped, refused, known again. */
#include "archive_support.h"

#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/ingest.h"
#include "image/write.h"
#include "write_file.h"

static char folder[PATH_MAX], dir[PATH_MAX], input[PATH_MAX];
static kin_archive *archive;

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    snprintf(input, sizeof input, "%.4000s/input", folder);
    archive = new_archive(dir);
    return mkdir(input, 0777);
}

static int tear_down(void **state)
{
    (void)state;
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

static const char *in_input(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3000s/%s", input, name);
    return path;
}

/* A PNG of stripes at an angle that the number sets. */
static void write_png(const char *name, int number)
{
    kin_error err;
    kin_raster raster;
    void *bytes = NULL;
    size_t size = 0;
    assert_ok(kin_raster_init(&raster, 48, 40, 1, &err), err);
    for (int y = 0; y < raster.height; y++)
        for (int x = 0; x < raster.width; x++)
            raster.px[y * raster.width + x] =
                0.5f + 0.5f * sinf(0.4f * (float)x * cosf((float)number) +
                                   0.4f * (float)y * sinf((float)number));
    assert_ok(kin_image_encode_png(&raster, &bytes, &size, &err), err);
    write_file(in_input(name), bytes, size);
    free(bytes);
    kin_raster_release(&raster);
}

struct seen {
    char failed[2048]; /* "name: reason\n" of each failure */
};

static void note_event(void *ctx, kin_ingest_event event, const char *path, uint64_t images,
                       const char *reason)
{
    struct seen *seen = ctx;
    (void)images;
    size_t used = strlen(seen->failed);
    if (event == KIN_INGEST_FAILED)
        snprintf(seen->failed + used, sizeof seen->failed - used, "%s: %s\n",
                 strrchr(path, '/') + 1, reason);
}

static kin_ingest_summary ingest(const kin_manifest *manifest, struct seen *seen)
{
    kin_error err;
    kin_ingest_summary summary;
    const char *paths[] = {input};
    memset(seen, 0, sizeof *seen);
    kin_ingest_options options = {.manifest = manifest,
                                  .worker = KIN_TEST_BIN_DIR "/kindred-worker",
                                  .limits = {.seconds = 20},
                                  .jobs = 2,
                                  .event = note_event,
                                  .ctx = seen};
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    assert_int_equal(summary.files, summary.stored + summary.duplicate + summary.updated +
                                        summary.replaced + summary.skipped + summary.failed);
    return summary;
}

static void test_every_file_is_accounted_for(void **state)
{
    (void)state;
    struct seen seen;
    write_png("a.png", 1);
    write_png("b.png", 2);
    write_png("copy of a.png", 1);
    write_file(in_input("notes.txt"), "hello", 5);
    write_file(in_input("broken.png"), "\x89PNG\r\n\x1a\nbut no more", 19);
    write_file(in_input("empty.dcm"), "", 0);
    assert_int_equal(mkfifo(in_input("fifo.dcm"), 0666), 0);
    assert_int_equal(symlink("nowhere", in_input("dangling.png")), 0);
    assert_int_equal(mkdir(in_input("sub"), 0777), 0);
    assert_int_equal(symlink("..", in_input("sub/loop")), 0);
    kin_ingest_summary summary = ingest(NULL, &seen);
    assert_int_equal(summary.stored, 2);
    assert_int_equal(summary.images, 2);
    assert_int_equal(summary.duplicate, 1);
    assert_int_equal(summary.skipped, 1);
    assert_int_equal(summary.reason_count, 1);
    assert_int_equal(summary.reasons[0].files, 1);
    assert_int_equal(summary.failed, 5);
    static const char *const named[] = {
        "broken.png: ", "empty.dcm: ", "fifo.dcm: ", "dangling.png: ", "loop: "};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        assert_non_null(strstr(seen.failed, named[i]));
    assert_non_null(strstr(seen.failed, "regular file"));
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_the_same_again_and_changed_content(void **state)
{
    (void)state;
    struct seen seen;
    write_png("a.png", 1);
    write_png("b.png", 2);
    assert_int_equal(ingest(NULL, &seen).stored, 2);
    assert_int_equal(ingest(NULL, &seen).duplicate, 2);
    kin_archive_stats stats;
    kin_error err;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.rows, 2);
}

/* The preview shows what the file shows; larger pictures are made smaller. */
static void test_previews_show_the_pictures(void **state)
{
    (void)state;
    struct seen seen;
    kin_error err;
    kin_raster large, preview;
    size_t size = 0;
    void *bytes = NULL;
    assert_ok(kin_raster_init(&large, 600, 300, 3, &err), err);
    for (int y = 0; y < 300; y++)
        for (int x = 0; x < 600; x++) {
            float *px = large.px + (y * 600 + x) * 3;
            px[0] = (float)x / 600;
            px[1] = (float)y / 300;
            px[2] = 1 - (float)x / 600;
        }
    assert_ok(kin_image_encode_png(&large, &bytes, &size, &err), err);
    write_file(in_input("large.png"), bytes, size);
    free(bytes);
    kin_raster_release(&large);
    assert_int_equal(ingest(NULL, &seen).stored, 1);
    kin_results results = search_picture(archive, 0, 0, (kin_search_options){.k = 1});
    const char *uid = results.items[0].record.sop_instance_uid;
    assert_ok(kin_archive_preview(archive, uid, 0, &preview, &err), err);
    kin_results_release(&results);
    assert_int_equal(preview.width, 256);
    assert_int_equal(preview.height, 128);
    assert_int_equal(preview.channels, 3);
    for (int y = 0; y < 128; y++)
        for (int x = 0; x < 256; x++) {
            const float *px = preview.px + (y * 256 + x) * 3;
            assert_float_equal(px[0], ((float)x + 0.5f) / 256, 0.05);
            assert_float_equal(px[1], ((float)y + 0.5f) / 128, 0.05);
            assert_float_equal(px[2], 1 - ((float)x + 0.5f) / 256, 0.05);
        }
    kin_raster_release(&preview);
    /* A known file is not decoded again, and keeps it. */
    assert_int_equal(ingest(NULL, &seen).duplicate, 1);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_a_manifest_gives_fields_and_labels(void **state)
{
    (void)state;
    struct seen seen;
    kin_error err;
    kin_manifest *manifest = NULL;
    static const char csv[] = "path,diagnosis,patient_id,outcome,study_uid,grade,width\n"
                              "a.png,glioma,P7,alive,1.2.9,3,9\n";
    write_png("a.png", 1);
    write_png("b.png", 2);
    write_file(in_input("manifest.csv"), csv, sizeof csv - 1);
    assert_int_equal(ingest(NULL, &seen).stored, 2);
    assert_ok(kin_manifest_read(in_input("manifest.csv"), &manifest, &err), err);
    kin_ingest_summary summary = ingest(manifest, &seen);
    assert_int_equal(summary.updated, 1); /* labels came, the picture stayed */
    assert_int_equal(summary.duplicate, 1);
    assert_int_equal(ingest(manifest, &seen).duplicate, 2);
    kin_record *records = NULL;
    size_t count;
    kin_level level;
    char scratch[KIN_RECORD_SCRATCH];
    assert_ok(kin_archive_find(archive, "1.2.9", 10, &records, &count, &level, &err), err);
    assert_int_equal(level, KIN_LEVEL_STUDY);
    assert_int_equal(count, 1);
    assert_int_equal(records[0].width, 48); /* the image's, not the manifest's */
    assert_string_equal(records[0].outcome, "alive");
    assert_string_equal(records[0].patient_id, "P7");
    assert_string_equal(kin_record_value(&records[0], "grade", scratch), "3");
    assert_string_equal(kin_record_value(&records[0], "diagnosis", scratch), "glioma");
    assert_true(strncmp(records[0].sop_instance_uid, "2.25.", 5) == 0);
    kin_records_free(records, count);
    kin_manifest_free(manifest);
}

static int stop(void *ctx, const kin_ingest_progress *progress)
{
    (void)ctx;
    (void)progress;
    return 1;
}

static void test_a_stopped_ingest_keeps_a_sound_archive(void **state)
{
    (void)state;
    kin_error err;
    kin_ingest_summary summary;
    const char *paths[] = {input};
    char name[32];
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%d.png", i);
        write_png(name, i);
    }
    kin_ingest_options options = {.worker = KIN_TEST_BIN_DIR "/kindred-worker", .progress = stop};
    assert_int_equal(kin_ingest(archive, paths, 1, &options, &summary, &err), KIN_E_CANCELLED);
    uint64_t images = 0;
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, summary.images);
    struct seen seen;
    ingest(NULL, &seen);
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, 60);
}

static void test_a_path_that_is_not_there(void **state)
{
    (void)state;
    kin_error err;
    kin_ingest_summary summary;
    struct seen seen = {""};
    const char *paths[] = {in_input("no-such-folder")};
    kin_ingest_options options = {
        .worker = KIN_TEST_BIN_DIR "/kindred-worker", .event = note_event, .ctx = &seen};
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    assert_int_equal(summary.failed, 1);
    assert_non_null(strstr(seen.failed, "no-such-folder"));
}

static void test_the_archive_itself_is_passed_over(void **state)
{
    (void)state;
    kin_error err;
    kin_ingest_summary summary;
    const char *paths[] = {folder}; /* the archive and the input */
    write_png("a.png", 1);
    kin_ingest_options options = {.worker = KIN_TEST_BIN_DIR "/kindred-worker"};
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    assert_int_equal(summary.files, 1);
    assert_int_equal(summary.stored, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_file_is_accounted_for),
        TEST(test_the_same_again_and_changed_content),
        TEST(test_previews_show_the_pictures),
        TEST(test_a_manifest_gives_fields_and_labels),
        TEST(test_a_stopped_ingest_keeps_a_sound_archive),
        TEST(test_a_path_that_is_not_there),
        TEST(test_the_archive_itself_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
