/*
 * Slides in an archive: what is stored of them, and a piece of a slide as the query.
 *
 * Each of two patients' slides is divided down the middle (as many patches on either side) into two
 * files of a series each: a left half has to find its right half before both of the other
 * patient's. Two queries are little evidence, and an archive of eighty tiles teaches its embedding
 * little: of the right halves one finds its left half second, by 0.002.  With 720 more tiles to
 * learn from all four find their other half first.
 */
#include <limits.h>
#include <string.h>

#include "archive/ingest.h"
#include "archive/search_set.h"
#include "base/fs.h"
#include "patch_slide.h"
#include "shared_data.h"
#include "temp_folder.h"

static const struct {
    const char *patient, *series, *instance;
    int from_x, to_x;
} halves[] = {{"14082", "1.2.7.1", "1.2.7.1.1", 0, 1601},
              {"14082", "1.2.7.2", "1.2.7.2.1", 1601, INT_MAX},
              {"14306", "1.2.7.3", "1.2.7.3.1", 0, 1851},
              {"14306", "1.2.7.4", "1.2.7.4.1", 1851, INT_MAX}};
enum { HALVES = sizeof halves / sizeof halves[0] };

static char folder[PATH_MAX];
static kin_archive *archive;

static void path_of(int i, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.4000s/%s.dcm", folder, halves[i].series);
}

static void write_half(int i)
{
    char path[PATH_MAX];
    patch_slide patches = patch_slide_new(halves[i].patient, halves[i].from_x, halves[i].to_x);
    const made_slide made = {.picture = &patches.picture,
                             .tile_width = 256,
                             .tile_height = 256,
                             .mpp = PATCH_MPP,
                             .sparse = true,
                             .leave_out_blank = true,
                             .patient_id = halves[i].patient,
                             .series_uid = halves[i].series,
                             .instance_uid = halves[i].instance};
    size_t size;
    kin_error err;
    void *bytes = made_slide_bytes(&made, &size);
    path_of(i, path);
    assert_int_equal(kin_fs_replace(kin_fs_posix(), path, bytes, size, &err), KIN_OK);
    free(bytes);
    patch_slide_release(&patches);
}

static void ingest(const char *const *paths, size_t count)
{
    kin_ingest_summary summary = {0};
    kin_error err;
    const kin_ingest_options options = {.worker = WORKER};
    if (kin_ingest(archive, paths, count, &options, &summary, &err) != KIN_OK)
        fail_msg("ingest: %s", err.message);
}

/* The archive of all halves, made when a test first asks for it. */
static void need_archive(void)
{
    char dir[PATH_MAX], paths[HALVES][PATH_MAX], data[512];
    const char *list[HALVES];
    kin_error err;
    shared_data(data, sizeof data, "breast-idc");
    if (archive != NULL)
        return;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    assert_int_equal(kin_archive_init(kin_fs_posix(), dir, NULL, &err), KIN_OK);
    assert_int_equal(kin_archive_open(kin_fs_posix(), dir, &archive, &err), KIN_OK);
    for (int i = 0; i < HALVES; i++) {
        write_half(i);
        path_of(i, paths[i]);
        list[i] = paths[i];
    }
    ingest(list, HALVES);
    kin_reindex_report report;
    assert_int_equal(kin_archive_reindex(archive, &(kin_reindex_options){0}, &report, &err),
                     KIN_OK);
}

static int tear_down(void **state)
{
    (void)state;
    kin_archive_close(archive);
    if (folder[0] != '\0')
        temp_folder_remove(folder);
    return 0;
}

static void test_rows_are_tiles(void **state)
{
    (void)state;
    need_archive();
    for (int i = 0; i < HALVES; i++) {
        kin_record *records;
        size_t count;
        kin_level level;
        kin_error err;
        char scratch[KIN_RECORD_SCRATCH];
        assert_int_equal(
            kin_archive_find(archive, halves[i].series, 1000, &records, &count, &level, &err),
            KIN_OK);
        assert_true(count >= 8 && count <= 40);
        for (size_t r = 0; r < count; r++) {
            static const char *const labels[] = {"tile_x", "tile_y", "tile_level", "slide_width"};
            assert_int_equal(records[r].frame, r);
            assert_string_equal(records[r].patient_id, halves[i].patient);
            for (size_t l = 0; l < sizeof labels / sizeof labels[0]; l++)
                assert_non_null(kin_record_value(&records[r], labels[l], scratch));
            assert_string_equal(kin_record_value(&records[r], "tile_mpp", scratch), "4");
            long x = strtol(kin_record_value(&records[r], "tile_x", scratch), NULL, 10);
            assert_true(x + records[r].width > halves[i].from_x &&
                        x < (long)halves[i].to_x + PATCH_SIDE);
        }
        kin_records_free(records, count);
    }
}

static void test_a_left_half_finds_its_right_half(void **state)
{
    (void)state;
    need_archive();
    for (int i = 0; i < HALVES; i += 2) {
        const char *other = halves[i + 1].series;
        const kin_search_options options = {.fold = KIN_LEVEL_SERIES, .k = HALVES};
        kin_query_set set;
        kin_results results;
        kin_error err;
        assert_int_equal(kin_query_set_from_uid(archive, halves[i].series, &set, &err), KIN_OK);
        assert_int_equal(
            kin_archive_search_set(archive, &set, KIN_SET_MEAN, &options, &results, &err), KIN_OK);
        assert_int_equal(results.count, HALVES - 1);
        for (size_t r = 0; r < results.count; r++)
            print_message("%s -> %s %.4f\n", halves[i].series,
                          results.items[r].record.series_instance_uid,
                          (double)results.items[r].score);
        assert_string_equal(results.items[0].record.series_instance_uid, other);
        kin_results_release(&results);
        kin_query_set_release(&set);
    }
}

static void test_a_file_finds_itself(void **state)
{
    (void)state;
    char path[PATH_MAX];
    const kin_search_options options = {.fold = KIN_LEVEL_SERIES, .k = 2};
    kin_decoder *decoder;
    kin_query_set file, stored;
    kin_results results;
    kin_error err;
    need_archive();
    path_of(2, path);
    assert_int_equal(
        kin_decoder_new(WORKER, kin_archive_features_borrow(archive), NULL, &decoder, &err),
        KIN_OK);
    assert_int_equal(kin_query_set_from_file(archive, decoder, path, &file, &err), KIN_OK);
    assert_int_equal(kin_query_set_from_uid(archive, halves[2].instance, &stored, &err), KIN_OK);
    assert_int_equal(file.count, stored.count);
    assert_memory_equal(file.descriptors, stored.descriptors,
                        file.count * kin_archive_features_borrow(archive)->length * sizeof(float));
    assert_string_equal(file.patient_id, halves[2].patient);
    assert_int_equal(
        kin_archive_search_set(archive, &file, KIN_SET_MEDIAN, &options, &results, &err), KIN_OK);
    assert_string_equal(results.items[0].record.series_instance_uid, halves[2].series);
    assert_true(results.items[0].score > 0.9999f);
    kin_results_release(&results);
    kin_query_set_release(&file);
    kin_query_set_release(&stored);
    kin_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_tiles),
        cmocka_unit_test(test_a_left_half_finds_its_right_half),
        cmocka_unit_test(test_a_file_finds_itself),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
