/*
 * Regions through the command line: annotations of real scanners and tools, and a manifest's own marks.
 *
 * The expected boxes and areas of segmentations were worked out with pydicom and NumPy from the files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_asking.h"
#include "image/write.h"
#include "run_program.h"
#include "shared_data.h"
#include "temp_folder.h"
#include "write_file.h"

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

/* --- files --- */

static void path_in_folder(char path[PATH_MAX], const char *name)
{
    snprintf(path, PATH_MAX, "%.3000s/%.900s", folder, name);
}

/* A copy of shared data in the folder, which may go or change. */
static void copy_shared(const char *name, const char *as, char path[PATH_MAX])
{
    char from[PATH_MAX];
    struct stat st;
    FILE *file = fopen(shared_data(from, sizeof from, name), "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    char *bytes = malloc((size_t)st.st_size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), (size_t)st.st_size);
    fclose(file);
    path_in_folder(path, as);
    write_file(path, bytes, (size_t)st.st_size);
    free(bytes);
}

/* A PNG with a blob on a ramp, or (mask) the blob alone. */
static void write_picture(const char *name, int blob_x, bool mask)
{
    kin_raster raster;
    kin_error err;
    void *bytes = NULL;
    size_t size;
    char path[PATH_MAX];
    assert_int_equal(kin_raster_init(&raster, 64, 48, 1, &err), KIN_OK);
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++) {
            bool in = (x - blob_x) * (x - blob_x) + (y - 20) * (y - 20) < 36;
            raster.px[y * 64 + x] = mask ? (in ? 1 : 0) : (in ? 0.9f : 0.3f + 0.004f * (float)x);
        }
    assert_int_equal(kin_image_encode_png(&raster, &bytes, &size, &err), KIN_OK);
    path_in_folder(path, name);
    write_file(path, bytes, size);
    free(bytes);
    kin_raster_release(&raster);
}

static void write_text(const char *name, const char *text, char path[PATH_MAX])
{
    path_in_folder(path, name);
    write_file(path, text, strlen(text));
}

/* --- asking --- */

/* Ingests paths and asserts the summary: images and regions stored, files failed. */
static void ingest(int exit_code, long long images, long long regions, const char *first,
                   const char *second, const char *third)
{
    json_t *summary = ask(archive, exit_code, "ingest", "--no-reindex", first, second, third, NULL);
    assert_int_equal(number_of(summary, "images"), images);
    assert_int_equal(number_of(summary, "regions"), regions);
    json_decref(summary);
}

static long long regions_stored(void)
{
    json_t *stats = ask(archive, 0, "stats", NULL);
    long long regions = number_of(stats, "regions");
    json_decref(stats);
    json_t *verified = ask(archive, 0, "verify", NULL);
    json_decref(verified);
    return regions;
}

struct expected {
    const char *file; /* its path ends so */
    const char *label;
    long long x, y, width, height, area;
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool is_expected(const json_t *record, const struct expected *expected)
{
    const json_t *region = json_object_get(record, "region");
    const json_t *box = json_object_get(region, "box");
    return ends_with(text_of(record, "path"), expected->file) &&
           strcmp(text_of(region, "label"), expected->label) == 0 &&
           number_of(box, "x") == expected->x && number_of(box, "y") == expected->y &&
           number_of(box, "width") == expected->width &&
           number_of(box, "height") == expected->height &&
           (expected->area == 0 || atoll(label_of(record, "region_area")) == expected->area);
}

/* The regions that meet the condition are the expected ones, and no others. */
static void check_regions(const char *where, const struct expected *expected, size_t count)
{
    json_t *records = exported_records(archive, where), *record;
    size_t i;
    assert_int_equal(json_array_size(records), count);
    for (size_t e = 0; e < count; e++) {
        bool found = false;
        json_array_foreach(records, i, record) found = found || is_expected(record, &expected[e]);
        if (!found)
            fail_msg("no region %s on %s", expected[e].label, expected[e].file);
    }
    json_decref(records);
}

/* --- annotations --- */

static const struct expected liver[] = {
    {"01.dcm.zst", "Liver", 81, 147, 268, 218, 35220},
    {"02.dcm.zst", "Liver", 80, 146, 270, 220, 35645},
    {"03.dcm.zst", "Liver", 79, 145, 272, 222, 36233},
};
static const struct expected overlaps[] = {
    {"02.dcm.zst", "GREEN", 129, 171, 141, 97, 9602},
    {"02.dcm.zst", "ORANGE", 200, 197, 149, 116, 11888},
    {"01.dcm.zst", "PURPLE", 156, 206, 199, 77, 10509},
    {"02.dcm.zst", "PURPLE", 156, 255, 117, 1, 117},
    {"03.dcm.zst", "PURPLE", 156, 255, 117, 1, 117},
    {"03.dcm.zst", "LIGHT_BLUE", 274, 313, 99, 84, 6693},
    {"03.dcm.zst", "DARK_BLUE", 122, 330, 89, 70, 4713},
};
enum { LIVER = sizeof liver / sizeof liver[0], OVERLAPS = sizeof overlaps / sizeof overlaps[0] };

static void test_segmentations_of_a_series(void **state)
{
    (void)state;
    char first[PATH_MAX], second[PATH_MAX], images[PATH_MAX];
    shared_data(first, sizeof first, "dicom/dcmqi/segmentations/liver.dcm.zst");
    shared_data(second, sizeof second, "dicom/dcmqi/segmentations/partial_overlaps.dcm.zst");
    shared_data(images, sizeof images, "dicom/dcmqi/segmentations/ct-3slice");
    /* They come first on the command line, and are put off until their images are there. */
    ingest(0, 3, LIVER + OVERLAPS, first, second, images);
    check_regions("region_label = Liver", liver, LIVER);
    check_regions("region > 0 and region_label != Liver", overlaps, OVERLAPS);
    assert_int_equal(regions_stored(), LIVER + OVERLAPS);
    /* Again nothing changes. */
    json_t *again = ask(archive, 0, "ingest", "--no-reindex", first, second, images, NULL);
    assert_int_equal(number_of(again, "duplicate"), 5);
    assert_int_equal(number_of(again, "annotations"), 2);
    json_decref(again);
    json_t *stats = ask(archive, 0, "stats", NULL);
    assert_int_equal(number_of(stats, "rows"), 3 + LIVER + OVERLAPS);
    json_decref(stats);
}

static void test_a_search_says_which_region_matched(void **state)
{
    (void)state;
    char first[PATH_MAX], second[PATH_MAX], images[PATH_MAX], uid[128], number[24];
    shared_data(first, sizeof first, "dicom/dcmqi/segmentations/liver.dcm.zst");
    shared_data(second, sizeof second, "dicom/dcmqi/segmentations/partial_overlaps.dcm.zst");
    shared_data(images, sizeof images, "dicom/dcmqi/segmentations/ct-3slice");
    ingest(0, 3, LIVER + OVERLAPS, first, second, images);
    json_t *records = exported_records(archive, "region_label = Liver");
    const json_t *asked = json_array_get(records, 0);
    snprintf(uid, sizeof uid, "%s", text_of(asked, "sop_instance_uid"));
    /* Which of the two files comes first is chance, and so are the numbers. */
    long long its_number = number_of(json_object_get(asked, "region"), "number");
    snprintf(number, sizeof number, "%lld", its_number);
    /* The liver of one slice: that of the next is the most similar; its own image is left out. */
    json_t *answer = ask(archive, 0, "search", "--uid", uid, "--region", number, NULL);
    json_t *results = results_of(answer), *result;
    size_t i;
    assert_int_equal(json_array_size(results), 2);
    assert_int_equal(number_of(json_object_get(answer, "query"), "region"), its_number);
    json_array_foreach(results, i, result)
    {
        assert_string_not_equal(text_of(result, "sop_instance_uid"), uid);
        assert_string_equal(text_of(json_object_get(result, "region"), "label"), "Liver");
    }
    json_decref(answer);
    /* Every row by itself, lesions alone. */
    answer = ask(archive, 0, "search", "--uid", uid, "--region", number, "--by", "region",
                 "--where", "region > 0", "-k", "100", NULL);
    json_array_foreach(results_of(answer), i, result)
        assert_true(json_is_object(json_object_get(result, "region")));
    assert_true(i > 2);
    json_decref(answer);
    /* A whole image has no region. */
    answer = ask(archive, 0, "search", "--uid", uid, "--where", "region = 0", NULL);
    json_array_foreach(results_of(answer), i, result)
        assert_true(json_is_null(json_object_get(result, "region")));
    assert_int_equal(i, 2);
    json_decref(answer);
    json_decref(records);
    tell(archive, 1, "no region 9", "search", "--uid", uid, "--region", "9", NULL);
    tell(archive, 0, "Liver", "search", "--uid", uid, "--region", number, NULL);
}

static void test_an_objects_regions_are_deleted_by_its_uid(void **state)
{
    (void)state;
    char annotation[PATH_MAX], images[PATH_MAX], source[128];
    shared_data(annotation, sizeof annotation, "dicom/dcmqi/segmentations/liver.dcm.zst");
    shared_data(images, sizeof images, "dicom/dcmqi/segmentations/ct-3slice");
    ingest(0, 3, LIVER, annotation, images, NULL);
    json_t *records = exported_records(archive, "region > 0");
    snprintf(source, sizeof source, "%s",
             text_of(json_object_get(json_array_get(records, 0), "region"), "source"));
    json_decref(records);
    json_t *shown = ask(archive, 0, "show", source, NULL);
    assert_string_equal(text_of(shown, "level"), "region");
    assert_int_equal(json_array_size(json_object_get(shown, "images")), LIVER);
    json_decref(shown);
    json_t *deleted = ask(archive, 0, "delete", source, NULL);
    assert_int_equal(number_of(deleted, "images"), 0);
    assert_int_equal(number_of(deleted, "regions"), LIVER);
    json_decref(deleted);
    assert_int_equal(regions_stored(), 0);
    /* And can come again. */
    ingest(0, 0, LIVER, annotation, NULL, NULL);
    check_regions("region > 0", liver, LIVER);
}

/* Four files of one object's UID, of which two have but one frame: whichever comes last stands, whole. */
static void test_versions_of_one_object(void **state)
{
    (void)state;
    char versions[4][PATH_MAX], images[PATH_MAX];
    static const char *const names[] = {"liver.dcm", "liver_1frame.dcm", "liver_expb.dcm",
                                        "liver_expb_1frame.dcm"};
    shared_data(images, sizeof images, "dicom/dcmqi/segmentations/ct-3slice");
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "dicom/pydicom/%s", names[i]);
        shared_data(versions[i], sizeof versions[i], name);
    }
    json_t *summary = ask(archive, 0, "ingest", "--no-reindex", "-j", "4", images, versions[0],
                          versions[1], versions[2], versions[3], NULL);
    assert_int_equal(number_of(summary, "annotations"), 4);
    json_decref(summary);
    long long regions = regions_stored();
    assert_true(regions == LIVER || regions == 1);
    ingest(0, 0, regions == 1 ? 2 : 0, versions[0], NULL, NULL);
    check_regions("region > 0", liver, LIVER);
    json_decref(ask(archive, 0, "ingest", "--no-reindex", versions[1], NULL));
    assert_int_equal(regions_stored(), 1);
}

static void test_outlines_and_what_is_not_stored(void **state)
{
    (void)state;
    static const struct expected body[] = {{"ct.0.dcm", "BODY", 88, 98, 396, 208, 0}};
    char structures[PATH_MAX], image[PATH_MAX];
    shared_data(structures, sizeof structures, "dicom/dicompyler/rtss.dcm");
    copy_shared("dicom/dicompyler/ct.0.dcm", "ct.0.dcm", image);
    tell(archive, 1, "none of the 98 images that it marks is stored", "ingest", structures, NULL);
    assert_int_equal(regions_stored(), 0);
    /* Once an image is there, the same file again finds it; and says what is missing. */
    ingest(0, 1, 0, image, NULL, NULL);
    run done = run_kindred("-a", archive, "ingest", "-v", "--no-reindex", structures, NULL);
    assert_int_equal(done.exit_code, 0);
    assert_non_null(strstr(done.out, "1 of the 98 images that it marks are stored"));
    run_release(&done);
    check_regions("region > 0", body, 1);
    /* An image whose file is gone cannot be described again. */
    json_t *records = exported_records(archive, "region > 0");
    tell(archive, 0, NULL, "delete",
         text_of(json_object_get(json_array_get(records, 0), "region"), "source"), NULL);
    json_decref(records);
    assert_int_equal(unlink(image), 0);
    tell(archive, 1, "cannot be read again", "ingest", "--no-reindex", structures, NULL);
    assert_int_equal(regions_stored(), 0);
}

static void test_one_frame_of_a_segmentation(void **state)
{
    (void)state;
    static const struct expected segment[] = {
        {"ct_image.dcm", "first segment", 5, 6, 97, 89, 1832}};
    char annotation[PATH_MAX], image[PATH_MAX];
    shared_data(annotation, sizeof annotation,
                "dicom/wsi-and-seg/seg_image_ct_binary_single_frame.dcm");
    shared_data(image, sizeof image, "dicom/wsi-and-seg/ct_image.dcm");
    ingest(0, 1, 1, annotation, image, NULL);
    check_regions("region_label = 'first segment'", segment, 1);
}

/* --- a manifest's marks --- */

/* A disc of radius 6 around (blob, 20), without its border: columns blob - 5 to blob + 5. */
static void test_a_manifest_marks_lesions(void **state)
{
    (void)state;
    char csv[PATH_MAX], pictures[PATH_MAX];
    static const struct expected marked[] = {
        {"one.png", "tumour", 10, 14, 12, 13, 12 * 13},
        {"one.png", "cyst", 40, 2, 5, 6, 30},
        {"two.png", "lesion", 35, 15, 11, 11, 0},
        {"three.png", "", 0, 0, 64, 48, 64 * 48},
    };
    write_picture("one.png", 16, false);
    write_picture("two.png", 40, false);
    write_picture("three.png", 28, false);
    write_picture("four.png", 50, false);
    write_picture("mask.png", 40, true);
    write_text("manifest.csv",
               "path,diagnosis,roi,mask,roi_label\n"
               "one.png,glioma,\"10,14,12,13; 40,2,5,6\",,tumour;cyst\n"
               "two.png,glioma,,mask.png,lesion\n"
               "three.png,none,\"0,0,64,48\",,\n"
               "four.png,none,,,\n",
               csv);
    snprintf(pictures, sizeof pictures, "%s", folder);
    json_t *summary = ask(archive, 0, "ingest", "--no-reindex", "--manifest", csv, pictures, NULL);
    assert_int_equal(number_of(summary, "images"), 5); /* the mask is a picture, too */
    assert_int_equal(number_of(summary, "regions"), 4);
    json_decref(summary);
    check_regions("region > 0", marked, 4);
    json_t *glioma = exported_records(archive, "region > 0 and diagnosis = glioma");
    assert_int_equal(json_array_size(glioma), 3);
    assert_string_equal(label_of(json_array_get(glioma, 0), "roi"), "");
    json_decref(glioma);
    summary = ask(archive, 0, "ingest", "--no-reindex", "--manifest", csv, pictures, NULL);
    assert_int_equal(number_of(summary, "duplicate"), 5);
    assert_int_equal(number_of(summary, "regions"), 0);
    json_decref(summary);
    assert_int_equal(regions_stored(), 4);
}

static void test_other_marks_take_the_old_ones_place(void **state)
{
    (void)state;
    static const struct expected after[] = {{"one.png", "", 20, 4, 8, 8, 64}};
    char csv[PATH_MAX], picture[PATH_MAX];
    write_picture("one.png", 16, false);
    path_in_folder(picture, "one.png");
    write_text("manifest.csv", "path,roi\none.png,\"1,1,9,9;10,10,9,9;30,20,9,9\"\n", csv);
    json_decref(ask(archive, 0, "ingest", "--no-reindex", "-m", csv, picture, NULL));
    assert_int_equal(regions_stored(), 3);
    write_text("manifest.csv", "path,roi\none.png,\"20,4,8,8\"\n", csv);
    json_t *summary = ask(archive, 0, "ingest", "--no-reindex", "-m", csv, picture, NULL);
    assert_int_equal(number_of(summary, "replaced"), 1);
    json_decref(summary);
    check_regions("region > 0", after, 1);
    assert_int_equal(regions_stored(), 1);
    /* Another picture under the same file name is another image: its old UID is derived from its
     * bytes, and keeps its regions. */
    write_picture("one.png", 17, false);
    json_decref(ask(archive, 0, "ingest", "--no-reindex", "-m", csv, picture, NULL));
    assert_int_equal(regions_stored(), 2);
}

static void test_marks_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *roi, *mask, *says;
        int exit_code;
    } cases[] = {
        {"1,2,3", "", "is not x,y,width,height", 1},
        {"1,2,0,4", "", "is not x,y,width,height", 1},
        {"1,2,3,4,5", "", "is not x,y,width,height", 1},
        {"-1,2,3,4", "", "is not x,y,width,height", 1},
        {"1,2,3,4;;5,6,7,8", "", "is not x,y,width,height", 1},
        {"99999999999,2,3,4", "", "is not x,y,width,height", 1},
        {"", "nowhere.png", "mask nowhere.png", 1},
        {"", "manifest.csv", "mask manifest.csv", 1},
        {"500,500,4,4", "", "no pixel on the image", 0},
        {" 1, 2, 3, 4 ;", "", NULL, 0},
    };
    write_picture("one.png", 16, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char csv[PATH_MAX], picture[PATH_MAX], text[256];
        snprintf(text, sizeof text, "path,roi,mask\none.png,\"%s\",%s\n", cases[i].roi,
                 cases[i].mask);
        write_text("manifest.csv", text, csv);
        path_in_folder(picture, "one.png");
        run done =
            run_kindred("-a", archive, "ingest", "--no-reindex", "-v", "-m", csv, picture, NULL);
        assert_int_equal(done.exit_code, cases[i].exit_code);
        const char *said = cases[i].exit_code == 0 ? done.out : done.err;
        if (cases[i].says != NULL && strstr(said, cases[i].says) == NULL)
            fail_msg("%s / %s: %s%s", cases[i].roi, cases[i].mask, done.out, done.err);
        run_release(&done);
    }
    assert_int_equal(regions_stored(), 1);
}

int main(void)
{
#define REGIONS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        REGIONS_TEST(test_segmentations_of_a_series),
        REGIONS_TEST(test_a_search_says_which_region_matched),
        REGIONS_TEST(test_an_objects_regions_are_deleted_by_its_uid),
        REGIONS_TEST(test_versions_of_one_object),
        REGIONS_TEST(test_outlines_and_what_is_not_stored),
        REGIONS_TEST(test_one_frame_of_a_segmentation),
        REGIONS_TEST(test_a_manifest_marks_lesions),
        REGIONS_TEST(test_other_marks_take_the_old_ones_place),
        REGIONS_TEST(test_marks_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
