/* Real DICOM files of every kind through the program: what is skipped and what fails, and why;
 * frames; instances that come again in another encoding. */
#include "shared_data.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli_asking.h"
#include "run_program.h"
#include "temp_folder.h"

#define MORE_THAN_ALL "1000"

static char folder[PATH_MAX], archive[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* The path of shared data as the archive keeps it: free of links and "..". */
static void resolved_data(char path[PATH_MAX], const char *name)
{
    char given[PATH_MAX];
    assert_non_null(realpath(shared_data(given, sizeof given, name), path));
}

/* --- the whole folder --- */

/* The files that cannot be read, and the words that their reason must hold. */
static const struct {
    const char *name, *reason;
} broken[] = {
    {"MR_truncated.dcm", "truncated: an element is longer than what remains at offset 1166"},
    {"emri_small_jpeg_2k_lossless_too_short.dcm", "truncated: an element's header is cut off"},
    {"no_meta.dcm", "of no format that is known, in spite of its name"},
    {"rtplan_truncated.dcm", "truncated: an element is longer than what remains at offset 1118"},
};
enum { BROKEN = sizeof broken / sizeof broken[0] };

/* Is the line about an annotation whose images are not here, or cannot be described with it? */
static bool is_of_annotation(const char *line)
{
    static const char *const reasons[] = {
        "is not stored",          "is stored",      "are stored",
        "cannot be read again: ", "names no image", "are segments of another object"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strstr(line, reasons[i]) != NULL)
            return true;
    return false;
}

/* Asserts that standard error names each broken file once, with its reason, and of others only
 * annotations without their images: these `failed` less the broken ones, or some more of which a part
 * was stored. */
static void check_broken(const run *done, const char *data, long long failed)
{
    bool seen[BROKEN] = {false};
    size_t lines = 0, annotations = 0;
    for (char *rest = done->err, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        size_t i = 0;
        char start[PATH_MAX];
        if (is_of_annotation(line)) {
            annotations++;
            continue;
        }
        for (; i < BROKEN; i++) {
            snprintf(start, sizeof start, "kindred: %.3000s/pydicom/%s: ", data, broken[i].name);
            if (strncmp(line, start, strlen(start)) == 0)
                break;
        }
        if (i == BROKEN)
            fail_msg("unexpected: %s", line);
        assert_false(seen[i]);
        assert_non_null(strstr(line, broken[i].reason));
        seen[i] = true;
        lines++;
    }
    assert_int_equal(lines, BROKEN);
    assert_true((long long)(annotations + lines) >= failed);
}

/* Asserts that the reasons for skipping add up, and that what is no picture is known as such. */
static void check_skipped(const json_t *summary)
{
    static const struct {
        const char *reason;
        long long files;
    } some[] = {{"RT Dose", 7}, {"RT Plan", 2}, {"Basic Text SR", 2}, {"RT Ion Plan", 2}};
    json_t *reasons = json_object_get(summary, "reasons"), *files;
    const char *reason;
    long long total = 0;
    json_object_foreach(reasons, reason, files) total += json_integer_value(files);
    assert_int_equal(total, number_of(summary, "skipped"));
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_int_equal(number_of(reasons, some[i].reason), some[i].files);
}

enum {
    SKIPPED = 23,
    ANNOTATIONS = 26 /* files: segmentations, structure sets, reports; one report is broken */
};

static void check_counts(const json_t *summary)
{
    assert_int_equal(number_of(summary, "files"), 283);
    assert_int_equal(number_of(summary, "skipped"), SKIPPED);
    assert_int_equal(number_of(summary, "annotations"), ANNOTATIONS);
    long long failed = number_of(summary, "failed");
    assert_true(failed >= BROKEN && failed <= BROKEN + ANNOTATIONS);
    /* which file of an instance comes last is chance, but each of the others is one of these */
    assert_int_equal(number_of(summary, "stored") + number_of(summary, "duplicate") +
                         number_of(summary, "updated") + number_of(summary, "replaced"),
                     283 - SKIPPED - failed);
    /* Of 3 images, of which 3 or 1 are marked by versions of one object; 7; 3; 1; 1; 1; 3. */
    assert_true(number_of(summary, "regions") >= 17);
    assert_int_equal(number_of(summary, "worker_restarts"), 0);
}

/* Asserts that no two records are one frame, and that every one has UIDs and a size. */
static void check_records(void)
{
    json_t *records = exported_records(archive, "region = 0"), *record;
    size_t i, not_dicom = 0;
    assert_true(json_array_size(records) > 150);
    assert_same_images(records, records);
    json_array_foreach(records, i, record)
    {
        assert_true(text_of(record, "sop_instance_uid")[0] != '\0');
        assert_true(text_of(record, "study_instance_uid")[0] != '\0');
        assert_true(number_of(record, "width") > 0 && number_of(record, "height") > 0);
        not_dicom += strcmp(label_of(record, "format"), "dicom") != 0;
    }
    assert_int_equal(not_dicom, 2); /* photographs beside the files */
    json_decref(records);
}

static void test_files_of_every_kind(void **state)
{
    (void)state;
    char data[PATH_MAX];
    resolved_data(data, "dicom");
    run done = run_kindred("-a", archive, "ingest", data, "--json", NULL);
    json_t *summary = run_json(&done);
    assert_int_equal(done.exit_code, 1); /* done, but for the broken files */
    check_counts(summary);
    check_skipped(summary);
    check_broken(&done, data, number_of(summary, "failed"));
    check_records();
    json_t *stats = ask(archive, 0, "stats", NULL);
    assert_int_equal(number_of(stats, "instances"), 168);
    json_decref(stats);
    tell(archive, 0, "sound", "verify", NULL);
    json_decref(summary);
    run_release(&done);
}

/* --- instances that come again --- */

/* Ingests a file or folder of the shared data and asserts what became of each of its files. */
static void ingest_as(const char *name, const char *outcome)
{
    char path[PATH_MAX];
    json_t *summary = ask(archive, 0, "ingest", shared_data(path, sizeof path, name), NULL);
    if (number_of(summary, outcome) != number_of(summary, "files"))
        fail_msg("%s: not %s", name, outcome);
    json_decref(summary);
}

static void assert_counts(long long instances, long long images, long long dead)
{
    json_t *stats = ask(archive, 0, "stats", NULL);
    assert_int_equal(number_of(stats, "instances"), instances);
    assert_int_equal(number_of(stats, "images"), images);
    assert_int_equal(number_of(stats, "dead"), dead);
    json_decref(stats);
}

static void test_a_series_again_is_known(void **state)
{
    (void)state;
    ingest_as("dicom/datalad-7t-head", "stored");
    assert_counts(16, 16, 0);
    json_t *before = exported_records(archive, NULL);
    ingest_as("dicom/datalad-7t-head", "duplicate");
    json_t *after = exported_records(archive, NULL);
    assert_true(json_equal(before, after));
    json_decref(after);
    json_decref(before);
}

static void test_an_instance_in_another_encoding(void **state)
{
    (void)state;
    static const char *const losslessly[] = {"expb", "RLE", "implicit", "jp2klossless",
                                             "jpeg_ls_lossless"};
    ingest_as("dicom/pydicom/MR_small.dcm", "stored");
    for (size_t i = 0; i < sizeof losslessly / sizeof losslessly[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "dicom/pydicom/MR_small_%s.dcm", losslessly[i]);
        ingest_as(name, "updated"); /* the same picture: its path and labels are the new file's */
        ingest_as(name, "duplicate");
        assert_counts(1, 1, 0);
        json_t *records = exported_records(archive, NULL);
        assert_non_null(strstr(text_of(json_array_get(records, 0), "path"), losslessly[i]));
        json_decref(records);
    }
}

/* The big endian twin of OBXXXX1A.dcm has its bytes in words (VR OW) but not exchanged, so that
 * what PS3.5 7.3 makes of it is another picture. */
static void test_an_instance_with_another_picture(void **state)
{
    (void)state;
    ingest_as("dicom/pydicom/OBXXXX1A.dcm", "stored");
    ingest_as("dicom/pydicom/OBXXXX1A_expb.dcm", "replaced");
    assert_counts(1, 1, 1);
    json_t *records = exported_records(archive, NULL);
    assert_int_equal(json_array_size(records), 1);
    assert_non_null(strstr(text_of(json_array_get(records, 0), "path"), "OBXXXX1A_expb.dcm"));
    json_decref(records);
    tell(archive, 0, "sound", "verify", NULL);
}

/* --- what is found --- */

/* Asks for a frame of a file and gives the first result's score; asserts where it comes from. */
static double best_score(const char *query, int frame, const char *path, int path_frame)
{
    char number[16];
    snprintf(number, sizeof number, "%d", frame);
    json_t *answer = ask(archive, 0, "search", query, "--frame", number, "-k", "1", NULL);
    const json_t *first = json_array_get(results_of(answer), 0);
    if (strcmp(text_of(first, "path"), path) != 0 || number_of(first, "frame") != path_frame)
        fail_msg("%s frame %d is most like %s frame %lld", query, frame, text_of(first, "path"),
                 number_of(first, "frame"));
    double score = real_of(first, "score");
    json_decref(answer);
    return score;
}

static void test_every_frame_is_an_image(void **state)
{
    (void)state;
    char path[PATH_MAX];
    enum { FRAMES = 10 };
    ingest_as("dicom/pydicom/emri_small.dcm", "stored");
    assert_counts(1, FRAMES, 0);
    resolved_data(path, "dicom/pydicom/emri_small.dcm");
    json_t *answer = ask(archive, 0, "search", path, "-k", MORE_THAN_ALL, NULL);
    json_t *records = exported_records(archive, NULL);
    assert_same_images(results_of(answer), records);
    json_decref(records);
    json_decref(answer);
    answer = ask(archive, 0, "search", path, "--by", "image", "-k", MORE_THAN_ALL, NULL);
    assert_int_equal(json_array_size(results_of(answer)), FRAMES);
    json_decref(answer);
    answer = ask(archive, 0, "search", path, "--by", "series", "-k", MORE_THAN_ALL, NULL);
    assert_int_equal(json_array_size(results_of(answer)), 1);
    json_decref(answer);
    for (int frame = 0; frame < FRAMES; frame += 3)
        assert_true(best_score(path, frame, path, frame) > 0.9999);
}

/* A slide's images are tiles of its mosaic, whatever its frames are: this one, of 25 micrometres and
 * 25 frames, is smaller than one tile. */
static void test_a_slide_is_its_mosaic(void **state)
{
    (void)state;
    ingest_as("dicom/wsi-and-seg/sm_image.dcm", "stored");
    assert_counts(1, 1, 0);
    json_t *records = exported_records(archive, NULL);
    const json_t *labels = json_object_get(json_array_get(records, 0), "labels");
    assert_string_equal(text_of(labels, "tile_x"), "0");
    assert_string_equal(text_of(labels, "tile_y"), "0");
    assert_string_equal(text_of(labels, "tile_mpp"), "0.998");
    assert_string_equal(text_of(labels, "slide_width"), "50");
    assert_string_equal(text_of(labels, "slide_mpp_source"), "stated");
    json_decref(records);
}

/* The WG-04 set: each picture as it was, and in every encoding that DICOM has. */
static void test_encodings_find_their_original(void **state)
{
    (void)state;
    static const char *const pictures[] = {"CT1", "CT2", "MR1", "MR2", "MR3", "MR4",
                                           "NM1", "US1", "VL1", "VL2", "VL3", "XA1"};
    static const struct {
        const char *name;
        double at_least; /* 0.9999: lossless; else what a lossy picture keeps */
    } encodings[] = {{"RLE", 0.9999}, {"JPLL", 0.9999}, {"JLSL", 0.9999}, {"J2KR", 0.9999},
                     {"JPLY", 0.9},   {"JLSN", 0.9},    {"J2KI", 0.9}};
    char data[PATH_MAX];
    size_t searched = 0;
    ingest_as("dicom/wg04/REF", "stored");
    resolved_data(data, "dicom/wg04");
    for (size_t p = 0; p < sizeof pictures / sizeof pictures[0]; p++)
        for (size_t e = 0; e < sizeof encodings / sizeof encodings[0]; e++) {
            char original[PATH_MAX], encoded[PATH_MAX];
            snprintf(original, PATH_MAX, "%.3000s/REF/%s_UNC.zst", data, pictures[p]);
            snprintf(encoded, PATH_MAX, "%.3000s/%s/%s_%s", data, encodings[e].name, pictures[p],
                     encodings[e].name);
            if (access(encoded, R_OK) != 0) /* the set does not have them all */
                continue;
            double score = best_score(encoded, 0, original, 0);
            if (score < encodings[e].at_least)
                fail_msg("%s: score %f", encoded, score);
            searched++;
        }
    assert_int_equal(searched, 66);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files_of_every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_series_again_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_instance_in_another_encoding, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_instance_with_another_picture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_frame_is_an_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_slide_is_its_mosaic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_encodings_find_their_original, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
