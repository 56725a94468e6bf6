/*
 * Memory that runs out: every allocation of the archive and the layers below it fails once in turn.
 *
 * Linked with --wrap, so that Kindred's own calls are counted here and the n-th can be made to
 * fail; what libraries ask for themselves is theirs.  Whatever fails, the call says so, and the
 * archive stays sound.
 */
#include "one_archive.h"

#include <unistd.h>

#include "archive/upload.h"
#include "failing_memory.h"

enum { IMAGES = 40, CLASSES = 4 };

static int set_up(void **state)
{
    (void)state;
    make_archive();
    put_many(archive, 0, IMAGES, CLASSES);
    return 0;
}

/* Runs action until an allocation more than it makes is asked to fail.  Each failure before is
 * reported as such, or was not needed after all. */
static void fail_each_allocation(kin_status (*action)(kin_error *err), uint64_t images,
                                 size_t at_least)
{
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        kin_error err;
        uint64_t found = 0;
        kin_error_clear(&err);
        calls = 0;
        fail_at = n;
        kin_status status = action(&err);
        bool over = calls < n;
        fail_at = 0;
        if (status != KIN_OK) {
            failures++;
            if (status != KIN_E_NOMEM)
                print_error("allocation %zu: %s: %s\n", n, err.subject, err.message);
            assert_int_equal(status, KIN_E_NOMEM);
        }
        assert_int_equal(count_faults(archive, &found), 0);
        assert_true(found >= images);
        if (over) {
            assert_int_equal(status, KIN_OK);
            break;
        }
    }
    assert_true(failures >= at_least);
}

static kin_status open_again(kin_error *err)
{
    kin_archive_close(archive);
    archive = NULL;
    kin_status status = kin_archive_open(kin_fs_posix(), dir, &archive, err);
    if (status == KIN_OK)
        return status;
    fail_at = 0; /* for the checks that follow */
    assert_int_equal(kin_archive_open(kin_fs_posix(), dir, &archive, NULL), KIN_OK);
    return status;
}

static void test_opening(void **state)
{
    (void)state;
    fail_each_allocation(open_again, IMAGES, 2);
}

static kin_instance fresh;

static kin_status put_fresh(kin_error *err)
{
    return kin_archive_put(archive, &fresh, 1, err);
}

static void test_putting(void **state)
{
    (void)state;
    fresh = make_instance(IMAGES, 3, 1, 77);
    fail_each_allocation(put_fresh, IMAGES, 5);
    kin_instance_release(&fresh);
}

static kin_query query;

static kin_status search(kin_error *err)
{
    kin_results results;
    kin_condition *where = NULL;
    kin_status status = kin_condition_parse("modality = CT or diagnosis = class1", &where, err);
    kin_search_options options = {.k = 5, .where = where, .fold = KIN_LEVEL_SERIES};
    if (status == KIN_OK)
        status = kin_archive_search(archive, &query, &options, &results, err);
    kin_condition_free(where);
    if (status == KIN_OK) {
        assert_int_equal(results.count, 5);
        kin_results_release(&results);
    }
    return status;
}

static void test_searching(void **state)
{
    (void)state;
    query = (kin_query){.name = (char *)"q",
                        .patient_id = (char *)"",
                        .descriptor = make_descriptor(0, 0),
                        .self = KIN_QUERY_NOT_STORED};
    fail_each_allocation(search, IMAGES, 10);
    free(query.descriptor);
}

static kin_status find_and_query(kin_error *err)
{
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level;
    kin_query stored;
    kin_status status = kin_archive_find(archive, "P1", 100, &records, &count, &level, err);
    if (status != KIN_OK)
        return status;
    kin_records_free(records, count);
    status = kin_query_from_uid(archive, "1.2.3.5", 0, 0, &stored, err);
    if (status == KIN_OK)
        kin_query_release(&stored);
    return status;
}

static void test_finding(void **state)
{
    (void)state;
    fail_each_allocation(find_and_query, IMAGES, 10);
}

static kin_status preview_and_embed(kin_error *err)
{
    kin_raster raster;
    kin_query vector;
    char model[17];
    uint64_t ids[] = {3, 30};
    float embeddings[2 * 32];
    kin_status status = kin_archive_preview(archive, "1.2.3.7", 0, &raster, err);
    if (status != KIN_OK)
        return status;
    kin_raster_release(&raster);
    status = kin_archive_embeddings(archive, ids, 2, embeddings, model, err);
    if (status == KIN_OK)
        status = kin_query_from_vector(archive, embeddings, 32, model, &vector, err);
    if (status != KIN_OK)
        return status;
    kin_results results;
    kin_search_options options = {.k = 3};
    status = kin_archive_search(archive, &vector, &options, &results, err);
    kin_query_release(&vector);
    if (status == KIN_OK) {
        assert_int_equal(results.items[0].record.id, 3);
        kin_results_release(&results);
    }
    return status;
}

static void test_previews_and_embeddings(void **state)
{
    (void)state;
    fail_each_allocation(preview_and_embed, IMAGES, 15);
}

static unsigned outcomes;

static kin_status set_outcome(kin_error *err)
{
    char outcome[32];
    uint64_t changed, images;
    kin_level level;
    snprintf(outcome, sizeof outcome, "outcome %u", outcomes++); /* another each time */
    kin_status status =
        kin_archive_set_outcome(archive, "P1", outcome, &changed, &images, &level, err);
    assert_int_equal(changed, status == KIN_OK ? 12 : 0); /* one transaction: all or none */
    return status;
}

static void test_setting_outcomes(void **state)
{
    (void)state;
    fail_each_allocation(set_outcome, IMAGES, 10);
}

static kin_decoder *decoder;

/* An open file with a picture that was not there before, its making not counted. */
static int new_picture(void)
{
    static unsigned made;
    size_t planned = fail_at, size;
    char path[PATH_MAX];
    kin_raster raster;
    kin_error err;
    void *bytes = NULL;
    uint64_t noise = ++made;
    fail_at = 0;
    assert_ok(kin_raster_init(&raster, 24, 20, 1, &err), err);
    for (int i = 0; i < 24 * 20; i++)
        raster.px[i] = random_unit(&noise);
    assert_ok(kin_image_encode_png(&raster, &bytes, &size, &err), err);
    kin_raster_release(&raster);
    snprintf(path, sizeof path, "%.4000s/spool-XXXXXX", folder);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    free(bytes);
    calls = 0;
    fail_at = planned;
    return fd;
}

/* What cannot be stored for want of memory is a failed call or a failed file, never a lost one. */
static kin_status upload_one(kin_error *err)
{
    kin_label fields[] = {{(char *)"diagnosis", (char *)"glioma"}, {(char *)"grade", (char *)"2"}};
    kin_upload *upload = NULL;
    int fd = new_picture();
    kin_status status = kin_upload_new(archive, &upload, err);
    if (status == KIN_OK)
        status = kin_upload_add(upload, decoder, fd, "a.png", fields, 2, err);
    if (status == KIN_OK)
        status = kin_upload_add_failed(upload, "b.png", "incomplete", err);
    if (status == KIN_OK)
        status = kin_upload_finish(upload, NULL, err);
    for (size_t i = 0; upload != NULL && i < kin_upload_count(upload); i++) {
        kin_uploaded outcome = kin_upload_outcome(upload, i);
        if (outcome.event == KIN_INGEST_STORED)
            continue;
        assert_int_equal(outcome.event, KIN_INGEST_FAILED);
        assert_true(outcome.reason[0] != '\0');
        if (i == 0 && status == KIN_OK) {
            assert_non_null(strstr(outcome.reason, "memory"));
            status = KIN_E_NOMEM;
        }
    }
    kin_upload_free(upload);
    close(fd);
    return status;
}

static void test_uploading(void **state)
{
    (void)state;
    kin_error err;
    assert_ok(kin_decoder_new(KIN_TEST_BIN_DIR "/kindred-worker",
                              kin_archive_features_borrow(archive), NULL, &decoder, &err),
              err);
    fail_each_allocation(upload_one, IMAGES, 30);
    kin_decoder_free(decoder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_opening),
        TEST(test_putting),
        TEST(test_searching),
        TEST(test_finding),
        TEST(test_previews_and_embeddings),
        TEST(test_setting_outcomes),
        TEST(test_uploading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
