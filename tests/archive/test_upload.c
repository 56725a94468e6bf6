/* Uploads through real worker processes: outcomes, fields, names that are nobody's path, batches. */
#include "archive_support.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/upload.h"
#include "image/write.h"
#include "write_file.h"

static char folder[PATH_MAX], dir[PATH_MAX];
static kin_archive *archive;
static kin_decoder *decoder;

static kin_decoder *new_decoder(void)
{
    kin_error err;
    kin_decoder *made = NULL;
    const kin_decode_limits limits = {.seconds = 20};
    assert_ok(kin_decoder_new(KIN_TEST_BIN_DIR "/kindred-worker",
                              kin_archive_features_borrow(archive), &limits, &made, &err),
              err);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    archive = new_archive(dir);
    decoder = new_decoder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kin_decoder_free(decoder);
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

/* A PNG of stripes that the number sets; from malloc. */
static void *make_png(int number, size_t *size)
{
    kin_error err;
    kin_raster raster;
    void *bytes = NULL;
    assert_ok(kin_raster_init(&raster, 40, 36, 1, &err), err);
    for (int y = 0; y < raster.height; y++)
        for (int x = 0; x < raster.width; x++)
            raster.px[y * raster.width + x] =
                0.5f +
                0.5f * sinf((0.2f + 0.01f * (float)(number / 60)) *
                            ((float)x * cosf((float)number) + (float)y * sinf((float)number)));
    assert_ok(kin_image_encode_png(&raster, &bytes, size, &err), err);
    kin_raster_release(&raster);
    return bytes;
}

/* An open, unnamed file of these bytes, standing at its end. */
static int file_of(const void *bytes, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/spool-XXXXXX", folder);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    unlink(path);
    return fd;
}

static void add_bytes(kin_upload *upload, const void *bytes, size_t size, const char *name,
                      const kin_label *fields, size_t count)
{
    kin_error err;
    int fd = file_of(bytes, size);
    assert_ok(kin_upload_add(upload, decoder, fd, name, fields, count, &err), err);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), (off_t)size); /* where it stood */
    close(fd);
}

static void add_png(kin_upload *upload, int number, const char *name, const kin_label *fields,
                    size_t count)
{
    size_t size;
    void *png = make_png(number, &size);
    add_bytes(upload, png, size, name, fields, count);
    free(png);
}

static kin_upload *new_upload(void)
{
    kin_error err;
    kin_upload *upload = NULL;
    assert_ok(kin_upload_new(archive, &upload, &err), err);
    return upload;
}

/* Uploads one picture alone; its outcome, and its UID into uid (may be NULL). */
static kin_ingest_event upload_one(int number, const char *name, const kin_label *fields,
                                   size_t count, char uid[KIN_UID_SIZE])
{
    kin_error err;
    kin_upload *upload = new_upload();
    add_png(upload, number, name, fields, count);
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    assert_int_equal(kin_upload_count(upload), 1);
    kin_uploaded outcome = kin_upload_outcome(upload, 0);
    if (outcome.reason[0] != '\0')
        print_message("%s\n", outcome.reason);
    if (uid != NULL)
        snprintf(uid, KIN_UID_SIZE, "%s", outcome.sop_instance_uid);
    kin_ingest_event event = outcome.event;
    kin_upload_free(upload);
    return event;
}

/* The one record of a UID, to be freed with kin_records_free(…, 1). */
static kin_record *find_one(const char *uid)
{
    kin_error err;
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level;
    assert_ok(kin_archive_find(archive, uid, 10, &records, &count, &level, &err), err);
    assert_int_equal(count, 1);
    return records;
}

static void assert_path(const char *uid, const char *path, bool uploaded)
{
    kin_record *record = find_one(uid);
    assert_string_equal(record->path, path);
    assert_int_equal(record->uploaded, uploaded);
    kin_records_free(record, 1);
}

static void test_every_file_has_its_outcome(void **state)
{
    (void)state;
    kin_error err;
    kin_upload *upload = new_upload();
    add_png(upload, 1, "a.png", NULL, 0);
    add_bytes(upload, "hello", 5, "notes.txt", NULL, 0);
    add_bytes(upload, "\x89PNG\r\n\x1a\nbut no more", 19, "broken.png", NULL, 0);
    add_bytes(upload, "", 0, "empty.dcm", NULL, 0);
    assert_ok(kin_upload_add_failed(upload, "half.dcm", "it came incomplete", &err), err);
    add_png(upload, 2, "b.png", NULL, 0);
    add_png(upload, 1, "a again.png", NULL, 0);
    assert_int_equal(kin_upload_count(upload), 7);
    assert_int_equal(kin_upload_outcome(upload, 0).event, KIN_INGEST_FAILED);
    assert_string_equal(kin_upload_outcome(upload, 0).reason, "not stored");
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    assert_ok(kin_upload_finish(upload, NULL, &err), err); /* nothing is left to do */
    const struct {
        const char *name;
        kin_ingest_event event;
        uint32_t images;
    } expected[] = {
        {"a.png", KIN_INGEST_STORED, 1},        {"notes.txt", KIN_INGEST_SKIPPED, 0},
        {"broken.png", KIN_INGEST_FAILED, 0},   {"empty.dcm", KIN_INGEST_FAILED, 0},
        {"half.dcm", KIN_INGEST_FAILED, 0},     {"b.png", KIN_INGEST_STORED, 1},
        {"a again.png", KIN_INGEST_UPDATED, 1},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        kin_uploaded outcome = kin_upload_outcome(upload, i);
        bool stored = expected[i].images > 0;
        assert_string_equal(outcome.name, expected[i].name);
        assert_int_equal(outcome.event, expected[i].event);
        assert_int_equal(outcome.images, expected[i].images);
        assert_int_equal(outcome.reason[0] == '\0', stored);
        assert_int_equal(strncmp(outcome.sop_instance_uid, "2.25.", 5) == 0, stored);
    }
    assert_string_equal(kin_upload_outcome(upload, 4).reason, "it came incomplete");
    assert_int_equal(kin_upload_images(upload), 2);
    kin_upload_free(upload);
    uint64_t images = 0;
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, 2);
}

static void test_the_same_bytes_again(void **state)
{
    (void)state;
    char uid[KIN_UID_SIZE], other[KIN_UID_SIZE];
    kin_label grade = {(char *)"grade", (char *)"3"};
    char scratch[KIN_RECORD_SCRATCH];
    assert_int_equal(upload_one(1, "a.png", NULL, 0, uid), KIN_INGEST_STORED);
    assert_int_equal(upload_one(1, "a.png", NULL, 0, other), KIN_INGEST_DUPLICATE);
    assert_string_equal(uid, other);
    assert_int_equal(upload_one(1, "b.png", NULL, 0, other), KIN_INGEST_UPDATED);
    assert_string_equal(uid, other);
    assert_path(uid, "b.png", true);
    assert_int_equal(upload_one(1, "b.png", &grade, 1, other), KIN_INGEST_UPDATED);
    assert_int_equal(upload_one(1, "b.png", &grade, 1, other), KIN_INGEST_DUPLICATE);
    kin_record *record = find_one(uid);
    assert_string_equal(kin_record_value(record, "grade", scratch), "3");
    kin_records_free(record, 1);
}

/* Were a client's name looked for on this machine, the name of a file that is there would make the
 * later upload a mere copy. */
static void test_a_name_is_never_looked_for(void **state)
{
    (void)state;
    char path[PATH_MAX], uid[KIN_UID_SIZE];
    kin_error err;
    size_t size;
    void *png = make_png(1, &size);
    snprintf(path, sizeof path, "%.3000s/here.png", folder);
    write_file(path, png, size);
    free(png);
    assert_int_equal(upload_one(1, path, NULL, 0, uid), KIN_INGEST_STORED);
    assert_path(uid, path, true);
    assert_int_equal(upload_one(1, "elsewhere.png", NULL, 0, NULL), KIN_INGEST_UPDATED);
    assert_int_equal(upload_one(1, path, NULL, 0, NULL), KIN_INGEST_UPDATED);

    /* The same file from the disk is another matter: its path is ours, and it stays. */
    kin_ingest_summary summary;
    const char *const paths[] = {path};
    kin_ingest_options options = {.worker = KIN_TEST_BIN_DIR "/kindred-worker", .jobs = 1};
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    assert_int_equal(summary.updated, 1);
    assert_path(uid, path, false);
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    assert_int_equal(summary.duplicate, 1);
    assert_int_equal(upload_one(1, "elsewhere.png", NULL, 0, NULL), KIN_INGEST_UPDATED);
    assert_path(uid, "elsewhere.png", true);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_fields_are_a_manifests_columns(void **state)
{
    (void)state;
    char uid[KIN_UID_SIZE], scratch[KIN_RECORD_SCRATCH];
    const kin_label fields[] = {
        {(char *)"patient_id", (char *)"P7"},
        {(char *)"outcome", (char *)"alive"},
        {(char *)"study_uid", (char *)"1.2.9"},
        {(char *)"series_uid", (char *)"no uid"},
        {(char *)"diagnosis", (char *)" glioma\n\x1b[31mgrade 2 \xff "},
        {(char *)"width", (char *)"9"},
        {(char *)"format", (char *)"dicom"},
        {(char *)"empty", (char *)""},
        {(char *)"path", (char *)"/etc/passwd"},
        {(char *)"", (char *)"nameless"},
    };
    assert_int_equal(upload_one(1, "a.png", fields, sizeof fields / sizeof fields[0], uid),
                     KIN_INGEST_STORED);
    kin_record *record = find_one("1.2.9");
    assert_string_equal(record->sop_instance_uid, uid);
    assert_string_equal(record->patient_id, "P7");
    assert_string_equal(record->outcome, "alive");
    assert_string_equal(record->path, "a.png");
    assert_int_equal(strncmp(record->series_instance_uid, "2.25.", 5), 0);
    assert_int_equal(record->width, 40);
    assert_string_equal(kin_record_value(record, "diagnosis", scratch),
                        "glioma [31mgrade 2 \xEF\xBF\xBD");
    assert_string_equal(kin_record_value(record, "format", scratch), "png");
    assert_null(kin_record_value(record, "empty", scratch));
    kin_records_free(record, 1);
}

static void test_another_uid_makes_another_image(void **state)
{
    (void)state;
    char uid[KIN_UID_SIZE];
    kin_label named = {(char *)"sop_instance_uid", (char *)"1.2.77"};
    assert_int_equal(upload_one(1, "a.png", NULL, 0, uid), KIN_INGEST_STORED);
    assert_int_equal(upload_one(1, "a.png", &named, 1, uid), KIN_INGEST_STORED);
    assert_string_equal(uid, "1.2.77");
    assert_int_equal(upload_one(1, "a.png", &named, 1, uid), KIN_INGEST_DUPLICATE);
    uint64_t images = 0;
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, 2);
}

static void test_names_and_fields_are_bounded(void **state)
{
    (void)state;
    static char name[KIN_UPLOAD_NAME_MAX + 2], value[KIN_MANIFEST_FIELD_MAX + 2];
    static kin_label many[KIN_MANIFEST_COLUMNS_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    memset(value, 'v', sizeof value - 1);
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = (kin_label){(char *)"name", (char *)"value"};
    kin_label long_value = {(char *)"diagnosis", value}, long_name = {name, (char *)"x"};
    assert_int_equal(upload_one(1, name, NULL, 0, NULL), KIN_INGEST_FAILED);
    assert_int_equal(upload_one(1, "a.png", &long_value, 1, NULL), KIN_INGEST_FAILED);
    assert_int_equal(upload_one(1, "a.png", &long_name, 1, NULL), KIN_INGEST_FAILED);
    assert_int_equal(upload_one(1, "a.png", many, sizeof many / sizeof many[0], NULL),
                     KIN_INGEST_FAILED);
    /* And just within the bounds. */
    char uid[KIN_UID_SIZE];
    long_value.value = value + 1;
    assert_int_equal(upload_one(1, name + 1, &long_value, 1, uid), KIN_INGEST_STORED);
    assert_path(uid, name + 1, true);
    assert_int_equal(
        upload_one(1, "a\tb\n\x01\xff.png", many, sizeof many / sizeof many[0] - 1, uid),
        KIN_INGEST_UPDATED);
    assert_path(uid, "a b \xEF\xBF\xBD.png", true);
}

/* One image's fields together are over what a record may hold: it fails alone. */
static void test_a_refused_batch_is_put_file_by_file(void **state)
{
    (void)state;
    enum { LARGE = 20 };
    static char value[KIN_MANIFEST_FIELD_MAX + 1];
    kin_error err;
    kin_label fields[LARGE];
    char names[LARGE][16];
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < LARGE; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        fields[i] = (kin_label){names[i], value};
    }
    kin_upload *upload = new_upload();
    add_png(upload, 1, "a.png", NULL, 0);
    add_png(upload, 2, "b.png", fields, LARGE);
    add_png(upload, 3, "c.png", NULL, 0);
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    assert_int_equal(kin_upload_outcome(upload, 0).event, KIN_INGEST_STORED);
    assert_int_equal(kin_upload_outcome(upload, 1).event, KIN_INGEST_FAILED);
    assert_non_null(strstr(kin_upload_outcome(upload, 1).reason, "over the limit"));
    assert_string_equal(kin_upload_outcome(upload, 1).sop_instance_uid, "");
    assert_int_equal(kin_upload_outcome(upload, 2).event, KIN_INGEST_STORED);
    assert_int_equal(kin_upload_images(upload), 2);
    kin_upload_free(upload);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static uint64_t live_images(void)
{
    kin_error err;
    kin_archive_stats stats;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    return stats.images;
}

static void test_many_files_are_committed_on_the_way(void **state)
{
    (void)state;
    kin_error err;
    char name[32];
    kin_upload *upload = new_upload();
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d.png", i);
        add_png(upload, i, name, NULL, 0);
    }
    assert_int_equal(live_images(), 256);
    assert_int_equal(kin_upload_images(upload), 256);
    assert_int_equal(kin_upload_outcome(upload, 255).event, KIN_INGEST_STORED);
    assert_int_equal(kin_upload_outcome(upload, 256).event, KIN_INGEST_FAILED);
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    assert_int_equal(live_images(), 300);
    assert_int_equal(kin_upload_images(upload), 300);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(kin_upload_outcome(upload, i).event, KIN_INGEST_STORED);
    kin_upload_free(upload);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_what_is_not_finished_is_not_stored(void **state)
{
    (void)state;
    kin_upload *upload = new_upload();
    add_png(upload, 1, "a.png", NULL, 0);
    kin_upload_free(upload);
    assert_int_equal(live_images(), 0);
}

static void test_only_regular_files(void **state)
{
    (void)state;
    kin_error err;
    int ends[2];
    kin_upload *upload = new_upload();
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_ok(kin_upload_add(upload, decoder, ends[0], "pipe.dcm", NULL, 0, &err), err);
    assert_ok(kin_upload_add(upload, decoder, -1, "closed.dcm", NULL, 0, &err), err);
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(kin_upload_outcome(upload, i).event, KIN_INGEST_FAILED);
    assert_non_null(strstr(kin_upload_outcome(upload, 0).reason, "regular file"));
    close(ends[0]);
    close(ends[1]);
    kin_upload_free(upload);
}

/* What an upload stores is what an ingest of the same file would have stored. */
static void test_uids_are_those_of_an_ingest(void **state)
{
    (void)state;
    char path[PATH_MAX], other_dir[PATH_MAX], uid[KIN_UID_SIZE];
    kin_error err;
    size_t size;
    void *png = make_png(5, &size);
    snprintf(path, sizeof path, "%.3000s/five.png", folder);
    write_file(path, png, size);
    free(png);
    assert_int_equal(upload_one(5, "five.png", NULL, 0, uid), KIN_INGEST_STORED);
    snprintf(other_dir, sizeof other_dir, "%.3000s/other", folder);
    kin_archive *other = new_archive(other_dir);
    kin_ingest_summary summary;
    const char *const paths[] = {path};
    kin_ingest_options options = {.worker = KIN_TEST_BIN_DIR "/kindred-worker", .jobs = 1};
    assert_ok(kin_ingest(other, paths, 1, &options, &summary, &err), err);
    kin_record *record = find_one(uid), *ingested = NULL;
    size_t count;
    kin_level level;
    assert_ok(kin_archive_find(other, uid, 10, &ingested, &count, &level, &err), err);
    assert_int_equal(count, 1);
    assert_true(kin_digest_equal(record->file, ingested->file));
    assert_true(kin_digest_equal(record->content, ingested->content));
    assert_string_equal(record->study_instance_uid, ingested->study_instance_uid);
    assert_string_equal(record->series_instance_uid, ingested->series_instance_uid);
    kin_records_free(record, 1);
    kin_records_free(ingested, count);
    kin_archive_close(other);
}

enum { UPLOADERS = 3, EACH = 30 };

static void *upload_some(void *argument)
{
    int first = *(const int *)argument;
    kin_decoder *own = new_decoder();
    kin_upload *upload = new_upload();
    kin_error err;
    for (int i = 0; i < EACH; i++) {
        char name[32];
        size_t size;
        void *png = make_png(first + i, &size);
        int fd = file_of(png, size);
        free(png);
        snprintf(name, sizeof name, "%d.png", first + i);
        assert_ok(kin_upload_add(upload, own, fd, name, NULL, 0, &err), err);
        close(fd);
    }
    assert_ok(kin_upload_finish(upload, NULL, &err), err);
    assert_int_equal(kin_upload_images(upload), EACH);
    kin_upload_free(upload);
    kin_decoder_free(own);
    return NULL;
}

static void test_several_uploads_at_once(void **state)
{
    (void)state;
    pthread_t threads[UPLOADERS];
    int first[UPLOADERS];
    for (int i = 0; i < UPLOADERS; i++) {
        first[i] = i * EACH;
        assert_int_equal(pthread_create(&threads[i], NULL, upload_some, &first[i]), 0);
    }
    for (int i = 0; i < UPLOADERS; i++)
        pthread_join(threads[i], NULL);
    uint64_t images = 0;
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, UPLOADERS * EACH);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_file_has_its_outcome),
        TEST(test_the_same_bytes_again),
        TEST(test_a_name_is_never_looked_for),
        TEST(test_fields_are_a_manifests_columns),
        TEST(test_another_uid_makes_another_image),
        TEST(test_names_and_fields_are_bounded),
        TEST(test_a_refused_batch_is_put_file_by_file),
        TEST(test_many_files_are_committed_on_the_way),
        TEST(test_what_is_not_finished_is_not_stored),
        TEST(test_only_regular_files),
        TEST(test_uids_are_those_of_an_ingest),
        TEST(test_several_uploads_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
