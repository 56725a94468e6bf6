/* Putting, finding, replacing and deleting. */
#include "one_archive.h"

static int set_up(void **state)
{
    (void)state;
    make_archive();
    return 0;
}

static size_t stored(const char *uid)
{
    kin_error err;
    kin_record *records = NULL;
    size_t count = 0;
    kin_level level;
    kin_status status = kin_archive_find(archive, uid, 1000, &records, &count, &level, &err);
    if (status == KIN_E_NOT_FOUND)
        return 0;
    assert_int_equal(status, KIN_OK);
    kin_records_free(records, count);
    return count;
}

static void test_a_folder_with_something_in_it_is_refused(void **state)
{
    (void)state;
    kin_error err;
    assert_int_equal(kin_archive_init(kin_fs_posix(), dir, NULL, &err), KIN_E_EXISTS);
    assert_string_equal(err.subject, dir);
}

static void test_a_making_that_was_cut_off_begins_again(void **state)
{
    (void)state;
    kin_error err;
    char path[PATH_MAX], mark[PATH_MAX];
    kin_archive *again = NULL;
    kin_archive_stats stats;
    snprintf(path, sizeof path, "%.3000s/cut", folder);
    snprintf(mark, sizeof mark, "%.3000s/catalog", path);
    assert_ok(kin_fs_make_dirs(kin_fs_posix(), mark, &err), err);
    assert_int_equal(kin_archive_init(kin_fs_posix(), path, NULL, &err), KIN_E_EXISTS);
    snprintf(mark, sizeof mark, "%.3000s/unfinished", path);
    assert_ok(kin_fs_replace(kin_fs_posix(), mark, "", 0, &err), err);
    assert_ok(kin_archive_init(kin_fs_posix(), path, NULL, &err), err);
    assert_ok(kin_archive_open(kin_fs_posix(), path, &again, &err), err);
    put_many(again, 0, 3, 1);
    kin_archive_close(again);
    /* The mark alone does not make an archive one that may be begun anew. */
    assert_ok(kin_fs_replace(kin_fs_posix(), mark, "", 0, &err), err);
    assert_int_equal(kin_archive_init(kin_fs_posix(), path, NULL, &err), KIN_E_EXISTS);
    assert_ok(kin_archive_open(kin_fs_posix(), path, &again, &err), err);
    assert_ok(kin_archive_stats_read(again, &stats, &err), err);
    assert_int_equal(stats.images, 3);
    kin_archive_close(again);
}

static void test_no_archive_is_not_found(void **state)
{
    (void)state;
    kin_error err;
    kin_archive *none = NULL;
    assert_int_equal(kin_archive_open(kin_fs_posix(), folder, &none, &err), KIN_E_NOT_FOUND);
    assert_null(none);
}

static void test_levels_are_found_by_their_names(void **state)
{
    (void)state;
    kin_error err;
    put_many(archive, 0, 24, 3);
    const struct {
        const char *uid;
        kin_level level;
        size_t images;
    } cases[] = {
        {"1.2.3.7", KIN_LEVEL_IMAGE, 1},
        {"1.2.4.2", KIN_LEVEL_SERIES, 3},
        {"1.2.5.1", KIN_LEVEL_STUDY, 6},
        {"P1", KIN_LEVEL_PATIENT, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_record *records = NULL;
        size_t count = 0;
        kin_level level;
        assert_ok(kin_archive_find(archive, cases[i].uid, 1000, &records, &count, &level, &err),
                  err);
        assert_int_equal(level, cases[i].level);
        assert_int_equal(count, cases[i].images);
        kin_records_free(records, count);
    }
    assert_int_equal(stored("1.2.3"), 0);
    assert_int_equal(stored(""), 0);
}

static void test_the_same_again_is_not_stored_twice(void **state)
{
    (void)state;
    kin_archive_stats stats;
    kin_error err;
    assert_int_equal(put_one(archive, make_instance(1, 1, 0, 5)), KIN_PUT_STORED);
    assert_int_equal(put_one(archive, make_instance(1, 1, 0, 5)), KIN_PUT_DUPLICATE);
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.rows, 1);
    assert_int_equal(stats.images, 1);
}

static void test_other_labels_update_the_record_alone(void **state)
{
    (void)state;
    kin_error err;
    kin_archive_stats stats;
    put_one(archive, make_instance(1, 1, 0, 5));
    kin_instance again = make_instance(1, 1, 0, 5);
    assert_ok(kin_record_set_label(&again.items[0].record, "grade", "3", &err), err);
    free(again.items[0].descriptor);
    again.items[0].descriptor = NULL; /* labels need no picture */
    assert_int_equal(put_one(archive, again), KIN_PUT_UPDATED);
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.rows, 1);
    kin_record *records = NULL;
    size_t count;
    kin_level level;
    char scratch[KIN_RECORD_SCRATCH];
    assert_ok(kin_archive_find(archive, "1.2.3.1", 10, &records, &count, &level, &err), err);
    assert_string_equal(kin_record_value(&records[0], "grade", scratch), "3");
    kin_records_free(records, count);
}

static void test_changed_content_takes_the_old_ones_place(void **state)
{
    (void)state;
    kin_error err;
    kin_archive_stats stats;
    put_many(archive, 0, 5, 2);
    assert_int_equal(put_one(archive, make_instance(2, 1, 1, 999)), KIN_PUT_REPLACED);
    assert_int_equal(stored("1.2.3.2"), 1);
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.images, 5);
    assert_int_equal(stats.rows, 6);
    kin_results results = search_picture(archive, 1, 999, (kin_search_options){.k = 10});
    assert_int_equal(results.count, 5);
    assert_string_equal(results.items[0].record.sop_instance_uid, "1.2.3.2");
    assert_true(results.items[0].score > 0.999f);
    kin_results_release(&results);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_frames_that_are_gone_go(void **state)
{
    (void)state;
    assert_int_equal(put_one(archive, make_instance(1, 4, 0, 5)), KIN_PUT_STORED);
    assert_int_equal(stored("1.2.3.1"), 4);
    assert_int_equal(put_one(archive, make_instance(1, 2, 0, 5)), KIN_PUT_REPLACED);
    assert_int_equal(stored("1.2.3.1"), 2);
    /* Part of a large instance: what comes later is not taken for gone. */
    kin_instance part = make_instance(1, 1, 0, 5);
    part.complete = false;
    assert_int_equal(put_one(archive, part), KIN_PUT_DUPLICATE);
    assert_int_equal(stored("1.2.3.1"), 2);
}

static void test_a_batch_may_hold_the_same_instance_twice(void **state)
{
    (void)state;
    kin_error err;
    kin_instance pair[2] = {make_instance(1, 1, 0, 5), make_instance(1, 1, 0, 6)};
    assert_ok(kin_archive_put(archive, pair, 2, &err), err);
    assert_int_equal(pair[0].outcome, KIN_PUT_STORED);
    assert_int_equal(pair[1].outcome, KIN_PUT_REPLACED);
    assert_int_equal(stored("1.2.3.1"), 1);
    kin_instance_release(&pair[0]);
    kin_instance_release(&pair[1]);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_deleted_images_never_appear(void **state)
{
    (void)state;
    kin_error err;
    uint64_t removed;
    put_many(archive, 0, 36, 3);
    reindex(archive, "hnsw");
    const struct {
        const char *uid;
        uint64_t images;
    } cases[] = {{"1.2.3.0", 1}, {"1.2.4.0", 2}, {"1.2.5.0", 3}, {"P1", 12}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(kin_archive_delete(archive, cases[i].uid, &removed, NULL, &err), err);
        assert_int_equal(removed, cases[i].images);
        assert_int_equal(kin_archive_delete(archive, cases[i].uid, &removed, NULL, &err),
                         KIN_E_NOT_FOUND);
    }
    for (int round = 0; round < 2; round++) {
        kin_results results = search_picture(archive, 0, 3, (kin_search_options){.k = 100});
        assert_int_equal(results.count, 18);
        for (size_t i = 0; i < results.count; i++) {
            assert_string_not_equal(results.items[i].record.patient_id, "P1");
            assert_string_not_equal(results.items[i].record.study_instance_uid, "1.2.5.0");
        }
        kin_results_release(&results);
        assert_int_equal(count_faults(archive, NULL), 0);
        reindex(archive, "hnsw");
    }
}

static void test_a_deleted_image_can_come_again(void **state)
{
    (void)state;
    kin_error err;
    uint64_t removed;
    put_many(archive, 0, 3, 1);
    assert_ok(kin_archive_delete(archive, "1.2.3.1", &removed, NULL, &err), err);
    assert_int_equal(stored("1.2.3.1"), 0);
    assert_int_equal(put_one(archive, make_instance(1, 1, 0, 1)), KIN_PUT_STORED);
    assert_int_equal(stored("1.2.3.1"), 1);
}

static void test_files_are_known_by_their_bytes(void **state)
{
    (void)state;
    kin_error err;
    kin_record *records = NULL;
    size_t count = 1;
    put_many(archive, 0, 3, 1);
    kin_item wanted = make_item(2, 0, 0, 2);
    assert_ok(kin_archive_find_file(archive, wanted.record.file, &records, &count, &err), err);
    assert_int_equal(count, 1);
    assert_string_equal(records[0].sop_instance_uid, "1.2.3.2");
    kin_records_free(records, count);
    wanted.record.file.low++;
    assert_ok(kin_archive_find_file(archive, wanted.record.file, &records, &count, &err), err);
    assert_int_equal(count, 0);
    kin_records_free(records, count);
    kin_record_release(&wanted.record);
    free(wanted.descriptor);
    free(wanted.preview);
}

static uint64_t stored_previews(void)
{
    kin_error err;
    kin_archive_stats stats;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    assert_int_equal(stats.preview_bytes > 0, stats.previews > 0);
    assert_true(stats.preview_bytes <= stats.catalog_bytes);
    return stats.previews;
}

static void assert_no_preview(const char *uid, uint32_t frame, const char *says)
{
    kin_error err;
    kin_raster raster;
    assert_int_equal(kin_archive_preview(archive, uid, frame, &raster, &err), KIN_E_NOT_FOUND);
    assert_non_null(strstr(err.message, says));
    assert_string_equal(err.subject, uid);
}

static void drop_preview(kin_instance *instance)
{
    free(instance->items[0].preview);
    instance->items[0].preview = NULL;
    instance->items[0].preview_size = 0;
}

static void test_previews_go_with_their_images(void **state)
{
    (void)state;
    kin_error err;
    uint64_t removed;
    assert_int_equal(stored_previews(), 0);
    put_one(archive, make_instance(1, 3, 0, 5));
    put_one(archive, make_instance(2, 1, 0, 9));
    for (uint32_t frame = 0; frame < 3; frame++)
        assert_preview(archive, "1.2.3.1", frame, 5 + frame);
    assert_preview(archive, "1.2.3.2", 0, 9);
    assert_no_preview("1.2.3.1", 3, "no frame 3");
    assert_no_preview("1.2.3", 0, "no image of this UID");
    assert_no_preview("P0", 0, "no image of this UID"); /* a patient is no picture */
    assert_int_equal(stored_previews(), 4);
    /* Another picture has another preview; frames that are gone have none. */
    assert_int_equal(put_one(archive, make_instance(1, 2, 0, 6)), KIN_PUT_REPLACED);
    assert_preview(archive, "1.2.3.1", 0, 6);
    assert_preview(archive, "1.2.3.1", 1, 7);
    assert_int_equal(stored_previews(), 3);
    assert_ok(kin_archive_delete(archive, "1.2.3.1", &removed, NULL, &err), err);
    assert_no_preview("1.2.3.1", 0, "no image of this UID");
    assert_int_equal(stored_previews(), 1);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_a_change_of_labels_keeps_the_preview(void **state)
{
    (void)state;
    kin_error err;
    put_one(archive, make_instance(1, 1, 0, 5));
    kin_instance again = make_instance(1, 1, 0, 5);
    assert_ok(kin_record_set_label(&again.items[0].record, "grade", "3", &err), err);
    drop_preview(&again);
    assert_int_equal(put_one(archive, again), KIN_PUT_UPDATED);
    assert_preview(archive, "1.2.3.1", 0, 5);
    again = make_instance(1, 1, 0, 5); /* without the grade, and with another preview */
    drop_preview(&again);
    make_preview(99, &again.items[0].preview, &again.items[0].preview_size);
    assert_int_equal(put_one(archive, again), KIN_PUT_UPDATED);
    assert_preview(archive, "1.2.3.1", 0, 5);
}

static void test_an_image_may_come_without_a_preview(void **state)
{
    (void)state;
    kin_error err;
    kin_instance bare = make_instance(1, 1, 0, 5);
    drop_preview(&bare);
    assert_int_equal(put_one(archive, bare), KIN_PUT_STORED);
    assert_no_preview("1.2.3.1", 0, "without a preview");
    /* One that comes later is taken. */
    kin_instance again = make_instance(1, 1, 0, 5);
    assert_ok(kin_record_set_label(&again.items[0].record, "grade", "3", &err), err);
    assert_int_equal(put_one(archive, again), KIN_PUT_UPDATED);
    assert_preview(archive, "1.2.3.1", 0, 5);
    assert_int_equal(count_faults(archive, NULL), 0);
}

static void test_a_preview_is_bounded_and_a_picture(void **state)
{
    (void)state;
    kin_error err;
    kin_raster raster;
    kin_instance large = make_instance(1, 1, 0, 5);
    drop_preview(&large);
    large.items[0].preview = calloc(1, KIN_PREVIEW_MAX + 1);
    large.items[0].preview_size = KIN_PREVIEW_MAX + 1;
    assert_int_equal(kin_archive_put(archive, &large, 1, &err), KIN_E_ARG);
    assert_int_equal(stored("1.2.3.1"), 0);
    large.items[0].preview_size = KIN_PREVIEW_MAX;
    assert_int_equal(put_one(archive, large), KIN_PUT_STORED);
    assert_int_equal(kin_archive_preview(archive, "1.2.3.1", 0, &raster, &err), KIN_E_CORRUPT);
}

static void test_a_backup_has_the_previews(void **state)
{
    (void)state;
    char copy[PATH_MAX];
    kin_error err;
    kin_archive *second = NULL;
    put_many(archive, 0, 10, 2);
    snprintf(copy, sizeof copy, "%.3000s/copy", folder);
    assert_ok(kin_archive_backup(archive, copy, &err), err);
    assert_ok(kin_archive_open(kin_fs_posix(), copy, &second, &err), err);
    for (unsigned i = 0; i < 10; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "1.2.3.%u", i);
        assert_preview(second, uid, 0, i);
    }
    assert_int_equal(count_faults(second, NULL), 0);
    kin_archive_close(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_folder_with_something_in_it_is_refused),
        TEST(test_a_making_that_was_cut_off_begins_again),
        TEST(test_no_archive_is_not_found),
        TEST(test_levels_are_found_by_their_names),
        TEST(test_the_same_again_is_not_stored_twice),
        TEST(test_other_labels_update_the_record_alone),
        TEST(test_changed_content_takes_the_old_ones_place),
        TEST(test_frames_that_are_gone_go),
        TEST(test_a_batch_may_hold_the_same_instance_twice),
        TEST(test_deleted_images_never_appear),
        TEST(test_a_deleted_image_can_come_again),
        TEST(test_files_are_known_by_their_bytes),
        TEST(test_previews_go_with_their_images),
        TEST(test_a_change_of_labels_keeps_the_preview),
        TEST(test_an_image_may_come_without_a_preview),
        TEST(test_a_preview_is_bounded_and_a_picture),
        TEST(test_a_backup_has_the_previews),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
