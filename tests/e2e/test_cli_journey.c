/* A user's way through kindred, on the samples.  What a command answers is held against what
 * `export` says of every image: conditions, folding and deletes against a plain filter of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli_asking.h"
#include "image/read.h"
#include "image/write.h"
#include "run_program.h"
#include "temp_folder.h"
#include "write_file.h"

#define SAMPLES  KIN_TEST_SOURCE_DIR "/data-samples"
#define MANIFEST SAMPLES "/manifest.csv"
#define CHEST    SAMPLES "/SYN-0001/study-1/series-1/image-1.dcm" /* CT */
#define BRAIN    SAMPLES "/SYN-0002/study-1/series-1/image-1.dcm" /* MR */
#define SLIDE    SAMPLES "/SYN-0005/study-1/series-1/image-1.dcm" /* six frames */

enum { IMAGES = 177, FILES = 165, PATIENTS = 39 };
#define MORE_THAN_ALL "1000"

static char folder[PATH_MAX], archive[PATH_MAX];
static json_t *records; /* of all images, before anything was deleted */

static int make_archive(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    tell(archive, 0, "made an empty archive", "init", NULL);
    json_t *summary = ask(archive, 0, "ingest", SAMPLES, "--manifest", MANIFEST, NULL);
    assert_int_equal(number_of(summary, "images"), IMAGES);
    assert_int_equal(number_of(summary, "stored"), FILES);
    assert_int_equal(number_of(summary, "failed"), 0);
    assert_int_equal(number_of(json_object_get(summary, "reindex"), "images"), IMAGES);
    json_decref(summary);
    records = exported_records(archive, NULL);
    assert_int_equal(json_array_size(records), IMAGES);
    return 0;
}

static int drop_archive(void **state)
{
    (void)state;
    json_decref(records);
    temp_folder_remove(folder);
    return 0;
}

/* Makes a copy of the archive in folder/name, for a test that changes it. */
static void copy_archive(const char *name, char copy[PATH_MAX])
{
    snprintf(copy, PATH_MAX, "%.4000s/%s", folder, name);
    tell(archive, 0, "copied the archive into", "backup", copy, NULL);
}

/* The records for which keep(record, ctx) holds. */
static json_t *filtered(const json_t *list, bool (*keep)(const json_t *record, const char *ctx),
                        const char *ctx)
{
    json_t *kept = json_array(), *record;
    size_t i;
    json_array_foreach(list, i, record) if (keep(record, ctx)) json_array_append(kept, record);
    return kept;
}

static void test_the_same_again_stores_nothing(void **state)
{
    (void)state;
    json_t *summary = ask(archive, 0, "ingest", SAMPLES, "--manifest", MANIFEST, NULL);
    assert_int_equal(number_of(summary, "duplicate"), FILES);
    assert_int_equal(number_of(summary, "images"), 0);
    assert_int_equal(number_of(summary, "updated"), 0);
    assert_int_equal(number_of(summary, "replaced"), 0);
    assert_true(json_is_null(json_object_get(summary, "reindex")));
    json_decref(summary);
    json_t *after = exported_records(archive, NULL);
    assert_true(json_equal(after, records));
    json_decref(after);
}

/* Asserts that a result says of its image what the export says, in the promised members only. */
static void check_result(const json_t *result, size_t rank)
{
    static const char *const same[] = {"sop_instance_uid",
                                       "series_instance_uid",
                                       "study_instance_uid",
                                       "patient_id",
                                       "modality",
                                       "path",
                                       "frame",
                                       "region",
                                       "labels",
                                       "outcome"};
    enum { SAME = sizeof same / sizeof same[0] };
    size_t i;
    json_t *record = NULL;
    assert_int_equal(json_object_size(result), SAME + 2);
    assert_int_equal(number_of(result, "rank"), rank);
    assert_true(real_of(result, "score") <= 1.000001 && real_of(result, "score") >= -1.000001);
    json_array_foreach(records, i, record) if (same_image(record, result)) break;
    assert_true(i < IMAGES);
    for (size_t m = 0; m < SAME; m++)
        assert_true(json_equal(json_object_get(result, same[m]), json_object_get(record, same[m])));
}

static void check_answer(const json_t *answer)
{
    double last = 2;
    size_t i;
    json_t *result;
    assert_true(json_is_object(json_object_get(answer, "query")));
    assert_true(json_is_object(json_object_get(answer, "plan")));
    assert_true(json_is_true(json_object_get(answer, "complete")));
    json_array_foreach(results_of(answer), i, result)
    {
        check_result(result, i + 1);
        assert_true(real_of(result, "score") <= last);
        last = real_of(result, "score");
    }
}

static void test_a_file_finds_itself_first_in_the_promised_form(void **state)
{
    (void)state;
    static const struct {
        const char *file, *frame;
    } queries[] = {{CHEST, "0"}, {BRAIN, "0"}, {SLIDE, "0"}, {SLIDE, "1"}};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        json_t *answer = ask(archive, 0, "search", queries[i].file, "--frame", queries[i].frame,
                             "-k", MORE_THAN_ALL, NULL);
        const json_t *first = json_array_get(results_of(answer), 0);
        check_answer(answer);
        assert_same_images(results_of(answer), records);
        assert_string_equal(text_of(first, "path"), queries[i].file);
        assert_int_equal(number_of(first, "frame"), atoi(queries[i].frame));
        assert_true(real_of(first, "score") > 0.9999);
        json_decref(answer);
    }
    json_t *ten = ask(archive, 0, "search", CHEST, NULL);
    assert_int_equal(json_array_size(results_of(ten)), 10);
    json_decref(ten);
    tell(archive, 1, "has no frame 6", "search", SLIDE, "--frame", "6", NULL);
}

static bool is_other_image(const json_t *record, const char *path)
{
    return strcmp(text_of(record, "path"), path) != 0 || number_of(record, "frame") != 1;
}

static void test_a_stored_frame_leaves_only_itself_out(void **state)
{
    (void)state;
    json_t *first = ask(archive, 0, "search", SLIDE, "-k", "1", NULL);
    const char *uid = text_of(json_array_get(results_of(first), 0), "sop_instance_uid");
    json_t *answer =
        ask(archive, 0, "search", "--uid", uid, "--frame", "1", "-k", MORE_THAN_ALL, NULL);
    json_t *others = filtered(records, is_other_image, SLIDE);
    check_answer(answer);
    assert_int_equal(json_array_size(others), IMAGES - 1);
    assert_same_images(results_of(answer), others);
    json_decref(others);
    json_decref(answer);
    json_decref(first);
}

/* --- conditions, each beside the same in C --- */

static bool is(const json_t *record, const char *label, const char *value)
{
    return strcmp(label_of(record, label), value) == 0;
}

static bool is_ct(const json_t *record, const char *ctx)
{
    (void)ctx;
    return strcmp(text_of(record, "modality"), "CT") == 0;
}

static bool is_tumour_of_brain(const json_t *record, const char *ctx)
{
    (void)ctx;
    return is(record, "diagnosis", "glioma") || is(record, "diagnosis", "meningioma");
}

static bool is_tumour_of_brain_not_on_slides(const json_t *record, const char *ctx)
{
    return is_tumour_of_brain(record, ctx) && strcmp(text_of(record, "modality"), "SM") != 0;
}

static bool is_large_or_of_2019(const json_t *record, const char *ctx)
{
    const char *size = label_of(record, "lesion_mm");
    (void)ctx;
    return (size[0] != '\0' && strtod(size, NULL) > 15) ||
           strncmp(text_of(record, "study_date"), "2019", 4) == 0;
}

static bool is_from_march_to_june_2020(const json_t *record, const char *ctx)
{
    (void)ctx;
    const char *date = text_of(record, "study_date");
    return strcmp(date, "20200301") >= 0 && strcmp(date, "20200630") <= 0;
}

static bool is_without_size(const json_t *record, const char *ctx)
{
    (void)ctx;
    return is(record, "lesion_mm", "");
}

static bool is_or_binds_loosely(const json_t *record, const char *ctx)
{
    return is_ct(record, ctx) ||
           (strcmp(text_of(record, "modality"), "MR") == 0 && is(record, "diagnosis", "glioma"));
}

static bool is_of_patient_two(const json_t *record, const char *ctx)
{
    (void)ctx;
    return strcmp(text_of(record, "patient_id"), "SYN-0002") == 0;
}

static bool is_none(const json_t *record, const char *ctx)
{
    (void)record;
    (void)ctx;
    return false;
}

static const struct {
    const char *where;
    bool (*meets)(const json_t *record, const char *ctx);
} conditions[] = {
    {"modality = CT", is_ct},
    {"not (modality != CT)", is_ct},
    {"NOT modality IN (MR, SM)", is_ct},
    {"diagnosis in (glioma, 'meningioma')", is_tumour_of_brain},
    {"(diagnosis = glioma or diagnosis = \"meningioma\") and modality != SM",
     is_tumour_of_brain_not_on_slides},
    {"lesion_mm > 15.0 or study_date = 2019", is_large_or_of_2019},
    {"study_date >= 2020-03 and study_date <= 2020-06-30", is_from_march_to_june_2020},
    {"lesion_mm = ''", is_without_size},
    {"modality = CT or modality = MR and diagnosis = glioma", is_or_binds_loosely},
    {"patient_id = SYN-0002", is_of_patient_two},
    {"patient_id = syn-0002", is_none},
};

static void test_conditions_mean_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        json_t *members = filtered(records, conditions[i].meets, NULL);
        json_t *exported = exported_records(archive, conditions[i].where);
        json_t *answer = ask(archive, 0, "search", CHEST, "-k", MORE_THAN_ALL, "--where",
                             conditions[i].where, NULL);
        if (!json_equal(exported, members))
            fail_msg("%s: other images exported", conditions[i].where);
        assert_true(conditions[i].meets == is_none || json_array_size(members) > 0);
        check_answer(answer);
        assert_same_images(results_of(answer), members);
        json_decref(answer);
        json_decref(exported);
        json_decref(members);
    }
}

/* --- folding --- */

/* Asserts that `folded` are the first results of each value of key in `all`, in its order. */
static void check_fold(const json_t *all, const json_t *folded, const char *key)
{
    size_t i, at = 0;
    json_t *result;
    json_array_foreach(all, i, result)
    {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = strcmp(text_of(json_array_get(all, j), key), text_of(result, key)) == 0;
        if (seen)
            continue;
        assert_true(same_image(json_array_get(folded, at), result));
        at++;
    }
    assert_int_equal(json_array_size(folded), at);
}

static void test_folding_gives_the_best_of_each(void **state)
{
    (void)state;
    static const char *const levels[][2] = {{"series", "series_instance_uid"},
                                            {"study", "study_instance_uid"},
                                            {"patient", "patient_id"}};
    json_t *all = ask(archive, 0, "search", BRAIN, "-k", MORE_THAN_ALL, "--by", "image", NULL);
    assert_int_equal(json_array_size(results_of(all)), IMAGES);
    for (size_t i = 0; i < 3; i++) {
        json_t *answer =
            ask(archive, 0, "search", BRAIN, "-k", MORE_THAN_ALL, "--by", levels[i][0], NULL);
        check_answer(answer);
        check_fold(results_of(all), results_of(answer), levels[i][1]);
        json_decref(answer);
    }
    json_decref(all);
}

static bool is_of_another(const json_t *record, const char *patient)
{
    return strcmp(text_of(record, "patient_id"), patient) != 0;
}

static void test_the_same_patient_is_left_out(void **state)
{
    (void)state;
    json_t *answer =
        ask(archive, 0, "search", CHEST, "--not-same-patient", "-k", MORE_THAN_ALL, NULL);
    json_t *others = filtered(records, is_of_another, "SYN-0001");
    assert_true(json_array_size(others) < IMAGES);
    check_answer(answer);
    assert_same_images(results_of(answer), others);
    json_decref(others);
    json_decref(answer);
    answer = ask(archive, 0, "search", CHEST, "--not-same-patient", "--by", "patient", "-k",
                 MORE_THAN_ALL, NULL);
    assert_int_equal(json_array_size(results_of(answer)), PATIENTS - 1);
    json_decref(answer);
}

/* A region of the whole image is the image; of a part, the part; beyond it, a mistake. */
static void write_raster(const char *path, const kin_raster *raster)
{
    void *png;
    size_t size;
    assert_int_equal(kin_image_encode_png(raster, &png, &size, NULL), KIN_OK);
    write_file(path, png, size);
    free(png);
}

/* Writes a mask, white in the box, to folder/mask.png. */
static const char *write_mask(int width, int height, int x, int y, int box_width, int box_height)
{
    static char path[PATH_MAX];
    kin_raster mask;
    snprintf(path, sizeof path, "%.4000s/mask.png", folder);
    assert_int_equal(kin_raster_init(&mask, width, height, 1, NULL), KIN_OK);
    for (int row = y; row < y + box_height; row++)
        for (int column = x; column < x + box_width; column++)
            mask.px[row * width + column] = 1;
    write_raster(path, &mask);
    kin_raster_release(&mask);
    return path;
}

static void test_a_part_of_the_image_is_asked_with(void **state)
{
    (void)state;
    char whole[64], beyond[64];
    json_t *plain = ask(archive, 0, "search", CHEST, "-k", "5", NULL);
    const json_t *first = json_array_get(results_of(plain), 0);
    json_t *shown = ask(archive, 0, "show", text_of(first, "sop_instance_uid"), NULL);
    const json_t *record = json_array_get(json_object_get(shown, "images"), 0);
    long long width = number_of(record, "width"), height = number_of(record, "height");
    snprintf(whole, sizeof whole, "0,0,%lld,%lld", width, height);
    snprintf(beyond, sizeof beyond, "1,0,%lld,%lld", width, height);
    json_t *part = ask(archive, 0, "search", CHEST, "--roi", "3,5,40,30", "-k", "5", NULL);
    assert_true(real_of(json_array_get(results_of(part), 0), "score") < real_of(first, "score"));
    /* The same lesion as a mask; as two halves it is another question. */
    const char *mask = write_mask((int)width, (int)height, 3, 5, 40, 30);
    json_t *masked = ask(archive, 0, "search", CHEST, "--mask", mask, "-k", "5", NULL);
    assert_true(json_equal(results_of(part), results_of(masked)));
    json_t *halves = ask(archive, 0, "search", CHEST, "--roi", "3,5,20,30", "--roi", "23,5,20,30",
                         "-k", "5", NULL);
    assert_false(json_equal(results_of(part), results_of(halves)));
    tell(archive, 1, MANIFEST, "search", CHEST, "--mask", MANIFEST, NULL);
    tell(archive, 2, "mask", "search", CHEST, "--mask", write_mask(30, 20, 1, 1, 5, 5), NULL);
    tell(archive, 2, NULL, "search", CHEST, "--roi", beyond, NULL);
    tell(archive, 2, "stored image", "search", "--uid", text_of(first, "sop_instance_uid"), "--roi",
         whole, NULL);
    static const char *const wrong[] = {"",          "1,2,3",    "1,2,3,4,5", "1,2,3,4,",
                                        "1,2,0,4",   "1,2,3,-4", "-1,2,3,4",  "1, 2,3,4",
                                        "a,b,c,d",   "1,2,3,4x", "1;2;3;4",   "1,2,3,99999999999",
                                        "1.5,2,3,4", ",,,"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        tell(archive, 2, "--roi is", "search", CHEST, "--roi", wrong[i], NULL);
    json_decref(halves);
    json_decref(masked);
    json_decref(part);
    json_decref(shown);
    json_decref(plain);
}

/* --- show and delete --- */

static const char *const uid_keys[][2] = {{"instance", "sop_instance_uid"},
                                          {"series", "series_instance_uid"},
                                          {"study", "study_instance_uid"},
                                          {"patient", "patient_id"}};

/* Moves the records of `uid` from *left to a new list. */
static json_t *take(json_t *left, const char *key, const char *uid)
{
    json_t *taken = json_array();
    for (size_t i = json_array_size(left); i-- > 0;) {
        json_t *record = json_array_get(left, i);
        if (strcmp(text_of(record, key), uid) != 0)
            continue;
        json_array_insert(taken, 0, record);
        json_array_remove(left, i);
    }
    return taken;
}

static void test_deleting_takes_out_what_was_shown(void **state)
{
    (void)state;
    /* one patient for each level, so that each has something to delete */
    static const char *const patients[] = {"SYN-0005", "SYN-0003", "SYN-0004", "SYN-0016"};
    char copy[PATH_MAX], where[64];
    json_t *left = json_copy(records);
    copy_archive("deleting", copy);
    for (size_t i = 0; i < 4; i++) {
        snprintf(where, sizeof where, "patient_id = %s", patients[i]);
        json_t *of_patient = exported_records(copy, where);
        const char *uid = text_of(json_array_get(of_patient, 0), uid_keys[i][1]);
        json_t *taken = take(left, uid_keys[i][1], uid);
        json_t *shown = ask(copy, 0, "show", uid, NULL);
        assert_string_equal(text_of(shown, "level"), uid_keys[i][0]);
        assert_true(json_equal(json_object_get(shown, "images"), taken));
        json_t *deleted = ask(copy, 0, "delete", uid, NULL);
        assert_int_equal(number_of(deleted, "images"), json_array_size(taken));
        tell(copy, 1, uid, "show", uid, NULL);
        tell(copy, 1, uid, "delete", uid, NULL);
        json_t *answer = ask(copy, 0, "search", SLIDE, "-k", MORE_THAN_ALL, NULL);
        json_t *exported = exported_records(copy, NULL);
        assert_true(json_equal(exported, left));
        assert_same_images(results_of(answer), left);
        json_decref(exported);
        json_decref(answer);
        json_decref(deleted);
        json_decref(shown);
        json_decref(taken);
        json_decref(of_patient);
    }
    json_t *stats = ask(copy, 0, "stats", NULL);
    assert_int_equal(number_of(stats, "images"), json_array_size(left));
    assert_int_equal(number_of(stats, "dead"), IMAGES - json_array_size(left));
    json_decref(stats);
    tell(copy, 0, "sound", "verify", NULL);
    tell(copy, 0, "reindexed", "reindex", NULL); /* which drops the deleted for good */
    tell(copy, 0, "sound", "verify", NULL);
    json_t *after = exported_records(copy, NULL);
    assert_same_images(after, left);
    json_decref(after);
    json_decref(left);
}

/* --- the index, and the archive as a whole --- */

static void test_every_index_answers_as_the_scan(void **state)
{
    (void)state;
    static const char *const kinds[] = {"hnsw", "flat"};
    char copy[PATH_MAX];
    copy_archive("indexed", copy);
    for (size_t i = 0; i < 2; i++) {
        json_t *report = ask(copy, 0, "reindex", "--index", kinds[i], NULL);
        assert_string_equal(text_of(report, "index_kind"), kinds[i]);
        assert_int_equal(number_of(report, "images"), IMAGES);
        assert_true(real_of(report, "recall_at_10") > 0.99);
        json_t *found = ask(copy, 0, "search", BRAIN, "-k", "20", "--recall", "1", NULL);
        json_t *exact = ask(copy, 0, "search", BRAIN, "-k", "20", "--exact", NULL);
        assert_true(json_equal(results_of(found), results_of(exact)));
        json_t *sound = ask(copy, 0, "verify", NULL);
        assert_true(json_is_true(json_object_get(sound, "sound")));
        assert_int_equal(number_of(sound, "images"), IMAGES);
        json_decref(sound);
        json_decref(exact);
        json_decref(found);
        json_decref(report);
    }
    tell(copy, 2, "at least", "reindex", "--index", "ivfpq", NULL); /* too few to train it */
}

static void test_a_copy_answers_alike_and_lives_alone(void **state)
{
    (void)state;
    char copy[PATH_MAX];
    copy_archive("copied", copy);
    json_t *here = ask(archive, 0, "search", SLIDE, "-k", MORE_THAN_ALL, NULL);
    json_t *there = ask(copy, 0, "search", SLIDE, "-k", MORE_THAN_ALL, NULL);
    assert_true(json_equal(results_of(here), results_of(there)));
    tell(archive, 1, "not empty", "backup", copy, NULL);
    tell(copy, 0, NULL, "delete", "SYN-0005", NULL);
    json_t *still = exported_records(archive, NULL);
    assert_true(json_equal(still, records));
    json_decref(still);
    json_decref(there);
    json_decref(here);
}

static void test_statistics_count_what_is_exported(void **state)
{
    (void)state;
    json_t *stats = ask(archive, 0, "stats", NULL);
    const json_t *modalities = json_object_get(stats, "modality");
    json_t *ct = filtered(records, is_ct, NULL);
    assert_int_equal(number_of(stats, "images"), IMAGES);
    assert_int_equal(number_of(stats, "instances"), FILES);
    assert_int_equal(number_of(stats, "patients"), PATIENTS);
    assert_int_equal(number_of(stats, "tail"), 0);
    assert_int_equal(number_of(modalities, "CT"), json_array_size(ct));
    assert_int_equal(number_of(json_object_get(stats, "model"), "trained_on"), IMAGES);
    json_t *values = ask(archive, 0, "stats", "--values", "modality", NULL);
    assert_true(json_equal(values, modalities));
    json_decref(values);
    json_decref(ct);
    json_decref(stats);
}

/* The picture of an explanation: its rows, and how much of the second column glows. */
static void expect_explained(const char *path, int rows)
{
    void *bytes;
    size_t size;
    kin_raster sheet;
    const kin_image_limits limits = kin_image_limits_effective(NULL);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 26, &bytes, &size, NULL), KIN_OK);
    const kin_image_format *format = kin_image_format_of(bytes, size);
    assert_non_null(format);
    assert_int_equal(format->read(bytes, size, 0, &limits, &sheet, NULL), KIN_OK);
    assert_int_equal(sheet.width, 8 + 4 * 264);
    assert_int_equal(sheet.height, 8 + rows * 264);
    int warm = 0;
    for (int y = 8; y < 264; y++)
        for (int x = 272; x < 528; x++)
            warm += sheet.px[3 * (y * sheet.width + x)] - sheet.px[3 * (y * sheet.width + x) + 2] >
                    0.3f;
    assert_in_range(warm, 256 * 256 / 100, 256 * 256);
    kin_raster_release(&sheet);
    free(bytes);
}

static void test_why_is_drawn(void **state)
{
    (void)state;
    char out[PATH_MAX], copy[PATH_MAX], picture[PATH_MAX], moved[PATH_MAX];
    kin_raster raster;
    snprintf(out, sizeof out, "%.4000s/why.png", folder);
    json_t *answer = ask(archive, 0, "search", CHEST, "-k", "3", "--explain-image", out, NULL);
    assert_int_equal(json_array_size(results_of(answer)), 3);
    expect_explained(out, 3);
    json_decref(ask(archive, 0, "search", CHEST, "--roi", "20,30,40,40", "-k", "1",
                    "--explain-image", out, NULL));
    expect_explained(out, 1);
    const char *uid = text_of(json_array_get(results_of(answer), 0), "sop_instance_uid");
    json_decref(ask(archive, 0, "search", "--uid", uid, "-k", "2", "--explain-image", out, NULL));
    expect_explained(out, 2);
    json_decref(answer);
    /* A file that is gone since is shown by its preview; that is said. */
    copy_archive("gone", copy);
    snprintf(picture, sizeof picture, "%.4000s/picture.png", folder);
    assert_int_equal(kin_raster_init(&raster, 90, 70, 1, NULL), KIN_OK);
    for (int i = 0; i < 90 * 70; i++)
        raster.px[i] = (float)((i * 7 + i / 90 * 31) % 200) / 255;
    write_raster(picture, &raster);
    kin_raster_release(&raster);
    json_decref(ask(copy, 0, "ingest", picture, "--no-reindex", NULL));
    snprintf(moved, sizeof moved, "%.4000s/moved.png", folder);
    assert_int_equal(rename(picture, moved), 0);
    run done = run_kindred("-a", copy, "search", moved, "-k", "1", "--explain-image", out, NULL);
    assert_int_equal(done.exit_code, 0);
    assert_non_null(strstr(done.err, "1 of 1 results are shown by their previews"));
    run_release(&done);
    expect_explained(out, 1);
    tell(archive, 1, "cannot", "search", CHEST, "-k", "1", "--explain-image", "/nowhere/why.png",
         NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_again_stores_nothing),
        cmocka_unit_test(test_a_file_finds_itself_first_in_the_promised_form),
        cmocka_unit_test(test_a_stored_frame_leaves_only_itself_out),
        cmocka_unit_test(test_conditions_mean_what_they_say),
        cmocka_unit_test(test_folding_gives_the_best_of_each),
        cmocka_unit_test(test_the_same_patient_is_left_out),
        cmocka_unit_test(test_a_part_of_the_image_is_asked_with),
        cmocka_unit_test(test_why_is_drawn),
        cmocka_unit_test(test_deleting_takes_out_what_was_shown),
        cmocka_unit_test(test_every_index_answers_as_the_scan),
        cmocka_unit_test(test_a_copy_answers_alike_and_lives_alone),
        cmocka_unit_test(test_statistics_count_what_is_exported),
    };
    return cmocka_run_group_tests(tests, make_archive, drop_archive);
}
