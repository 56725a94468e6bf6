/* Radiomics of files through kindred-measure: the same figures as in one process, annotations as
 * masks, and files that are hostile, missing or not what they should be. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "../dicom/dicom_files.h"
#include "../radiomics/regions.h"
#include "dicom/dicom.h"
#include "measure/measure.h"
#include "temp_folder.h"
#include "write_file.h"

enum { PATH_SIZE = PATH_MAX + 256 };

typedef struct test_place {
    char folder[PATH_MAX];
} test_place;

/* A path within the test's folder; the buffer holds it until the next call with it. */
static const char *in_folder(const test_place *place, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", place->folder, name);
    return path;
}

/* Writes the phantom, or its mask, as NRRD; `data` NULL: all in one file, else beside it. */
static void write_volume(const test_place *place, const char *name, const char *data,
                         const kin_volume *volume)
{
    char path[PATH_SIZE], bytes[1024];
    size_t count = kin_volume_count(volume);
    int length = snprintf(bytes, sizeof bytes,
                          "NRRD0004\ntype: uchar\ndimension: 3\nspace: LPS\nsizes: %d %d %d\n"
                          "space directions: (2,0,0) (0,2,0) (0,0,2)\nspace origin: (0,0,0)\n"
                          "encoding: raw\n%s%s\n",
                          volume->size[0], volume->size[1], volume->size[2],
                          data != NULL ? "data file: " : "", data != NULL ? data : "");
    char *voxels = data != NULL ? bytes + 512 : bytes + length;
    for (size_t v = 0; v < count; v++)
        voxels[v] = (char)volume->voxels[v];
    if (data == NULL) {
        write_file(in_folder(place, name, path), bytes, (size_t)length + count);
        return;
    }
    write_file(in_folder(place, name, path), bytes, (size_t)length);
    if (data[0] != '-')
        write_file(in_folder(place, data, path), voxels, count);
}

static kin_status measure(const char *image, const char *mask, int label, kin_radiomics *out,
                          kin_error *err)
{
    kin_measure_task task = {.image = image, .mask = mask, .label = label, .program = MEASURE};
    task.settings.bins = 6;
    return kin_measure_run(&task, out, err);
}

static void expect_failure(const char *image, const char *mask, kin_status status,
                           const char *subject, const char *word)
{
    kin_radiomics radiomics;
    kin_error err = {0};
    kin_status got = measure(image, mask, 1, &radiomics, &err);
    if (got != status || strstr(err.message, word) == NULL || strcmp(err.subject, subject) != 0)
        fail_msg("%d, %s: '%s' instead of '%s'", got, err.subject, err.message, word);
    assert_null(radiomics.values);
}

static void expect_same(const kin_radiomics *a, const kin_radiomics *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->voxels, b->voxels);
    assert_int_equal(a->levels, b->levels);
    for (size_t i = 0; i < a->count; i++)
        assert_true(a->values[i].value == b->values[i].value ||
                    (isnan(a->values[i].value) && isnan(b->values[i].value)));
}

static void test_same_figures(void **state)
{
    const test_place *place = *state;
    char image_path[PATH_SIZE], mask_path[PATH_SIZE];
    kin_volume image, mask;
    kin_error err = {0};
    phantom_make(&image, &mask);
    write_volume(place, "image.nrrd", NULL, &image);
    write_volume(place, "mask.nhdr", "mask.raw", &mask);
    kin_radiomics_settings settings = {.bins = 6};
    kin_radiomics here = measured(&image, &mask, 1, &settings), there;
    if (measure(in_folder(place, "image.nrrd", image_path),
                in_folder(place, "mask.nhdr", mask_path), 1, &there, &err) != KIN_OK)
        fail_msg("%s: %s", err.subject, err.message);
    expect_same(&here, &there);
    kin_radiomics_release(&here);
    kin_radiomics_release(&there);
    kin_volume_release(&image);
    kin_volume_release(&mask);
}

static void test_refused(void **state)
{
    const test_place *place = *state;
    char image[PATH_SIZE], mask[PATH_SIZE], other[PATH_SIZE];
    kin_volume volume = volume_of(5, 4, 4), small = volume_of(3, 3, 3);
    write_volume(place, "image.nrrd", NULL, &volume);
    write_volume(place, "small.nrrd", NULL, &small);
    write_volume(place, "lost.nhdr", "-lost.raw", &volume);
    write_file(in_folder(place, "rubbish.nrrd", other), "NRRD0004\nrubbish\n\n", 18);
    write_file(in_folder(place, "text.txt", other), "nothing of the kind\n", 20);
    mkdir(in_folder(place, "empty", other), 0700);
    in_folder(place, "image.nrrd", image);

    in_folder(place, "image.nrrd", mask);
    expect_failure(image, mask, KIN_E_NOT_FOUND, mask, "no voxel has the label 1");
    in_folder(place, "rubbish.nrrd", mask);
    expect_failure(image, mask, KIN_E_FORMAT, mask, "no field");
    expect_failure(mask, image, KIN_E_FORMAT, mask, "no field");
    in_folder(place, "text.txt", mask);
    expect_failure(image, mask, KIN_E_UNSUPPORTED, mask, "NRRD file or a DICOM object");
    expect_failure(mask, image, KIN_E_NOT_FOUND, mask, "no DICOM picture");
    in_folder(place, "gone.nrrd", mask);
    expect_failure(image, mask, KIN_E_NOT_FOUND, mask, "No such file");
    expect_failure(mask, image, KIN_E_NOT_FOUND, mask, "No such file");
    in_folder(place, "empty", mask);
    expect_failure(mask, image, KIN_E_NOT_FOUND, mask, "no file in the folder");
    expect_failure(image, mask, KIN_E_UNSUPPORTED, mask, "folder");
    in_folder(place, "lost.nhdr", mask);
    in_folder(place, "-lost.raw", other);
    expect_failure(image, mask, KIN_E_NOT_FOUND, other, "No such file");

    kin_radiomics radiomics;
    kin_error err = {0};
    const kin_measure_task task = {
        .image = image, .mask = image, .label = 1, .program = "/nowhere/kindred-measure"};
    assert_int_equal(kin_measure_run(&task, &radiomics, &err), KIN_E_NOT_FOUND);
    kin_volume_release(&volume);
    kin_volume_release(&small);
}

/* A mask on a grid that is not the image's, and one on a part of it. */
static void test_grids(void **state)
{
    const test_place *place = *state;
    char image[PATH_SIZE], mask[PATH_SIZE], bytes[256];
    kin_volume volume = volume_of(5, 4, 4);
    kin_radiomics radiomics;
    kin_error err = {0};
    write_volume(place, "image.nrrd", NULL, &volume);
    in_folder(place, "image.nrrd", image);
    int length = snprintf(bytes, sizeof bytes,
                          "NRRD0004\ntype: uchar\ndimension: 3\nspace: RAS\nsizes: 2 1 1\n"
                          "space directions: (-2,0,0) (0,2,0) (0,0,2)\nspace origin: (-4,-6,2)\n"
                          "encoding: raw\n\n%c%c",
                          9, 9);
    write_file(in_folder(place, "part.nrrd", mask), bytes, (size_t)length);
    assert_int_equal(measure(image, mask, 9, &radiomics, &err), KIN_OK);
    assert_int_equal(radiomics.voxels, 2);
    kin_radiomics_release(&radiomics);
    memcpy(strstr(bytes, "(-4"), "(-5", 3);
    write_file(mask, bytes, (size_t)length);
    expect_failure(image, mask, KIN_E_FORMAT, mask, "do not lie on the image's");
    kin_volume_release(&volume);
}

/* Pixels that are set in the frames of a segmentation's only segment. */
static size_t pixels_set(const char *name)
{
    test_file file;
    kin_dicom *dicom = test_dicom_open(name, &file);
    size_t count = 0;
    for (int frame = 0; frame < kin_dicom_header_borrow(dicom)->frames; frame++) {
        kin_samples samples = test_samples(dicom, frame, name);
        for (size_t i = 0; i < (size_t)samples.width * (size_t)samples.height; i++)
            count += test_sample(&samples, i) != 0.0;
        free(samples.data);
    }
    kin_dicom_close(dicom);
    test_file_free(&file);
    return count;
}

static void test_segmentation(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"dcmqi/segmentations/ct-3slice", "dcmqi/segmentations/liver.dcm.zst"}, /* 107,098 */
        {"dcmqi/segmentations/23x38x3/image", "dcmqi/segmentations/23x38x3/seg/label.seg.zst"},
        {"dcmqi/segmentations/24x38x3/multiframe/mf.dcm.zst",
         "dcmqi/segmentations/24x38x3/seg/label.seg.zst"}};
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
        char below[512], image[PATH_SIZE], mask[PATH_SIZE];
        kin_radiomics radiomics;
        kin_error err = {0};
        snprintf(below, sizeof below, "dicom/%s", pairs[p][0]);
        shared_data(image, sizeof image, below);
        snprintf(below, sizeof below, "dicom/%s", pairs[p][1]);
        shared_data(mask, sizeof mask, below);
        kin_measure_task task = {.image = image, .mask = mask, .label = 1, .program = MEASURE};
        task.settings.has_range = p == 0; /* the shape is the whole; few intensities are faster */
        task.settings.low = 180.0;
        task.settings.high = 1000.0;
        if (kin_measure_run(&task, &radiomics, &err) != KIN_OK)
            fail_msg("%s: %s", err.subject, err.message);
        assert_int_equal(radiomics.shape_voxels, pixels_set(pairs[p][1]));
        kin_radiomics_release(&radiomics);
    }
}

/* A series of which one file is cut off: that file is named. */
static void test_broken_slice(void **state)
{
    const test_place *place = *state;
    char folder[PATH_SIZE], path[PATH_SIZE], mask[PATH_SIZE], name[64];
    shared_data(path, sizeof path, "dicom/dcmqi/segmentations/23x38x3/image");
    kin_volume volume = volume_of(5, 4, 4);
    write_volume(place, "mask.nrrd", NULL, &volume);
    in_folder(place, "mask.nrrd", mask);
    mkdir(in_folder(place, "series", folder), 0700);
    for (int n = 1; n <= 3; n++) {
        char source[96];
        snprintf(source, sizeof source, "dcmqi/segmentations/23x38x3/image/IMG%04d.dcm.zst", n);
        test_file file = test_file_load(source);
        snprintf(name, sizeof name, "series/%d.dcm", n);
        write_file(in_folder(place, name, path), file.bytes, n == 2 ? file.size / 2 : file.size);
        test_file_free(&file);
    }
    in_folder(place, "series/2.dcm", path);
    expect_failure(folder, mask, KIN_E_FORMAT, path, "");
    remove(path);
    expect_failure(folder, mask, KIN_E_FORMAT, mask, "do not lie on the image's");
    kin_volume_release(&volume);
}

/* Every way of cutting a file off ends in an answer, not in a hang or a crash. */
static void test_cut_off(void **state)
{
    const test_place *place = *state;
    char image[PATH_SIZE], mask[PATH_SIZE], path[PATH_SIZE];
    shared_data(path, sizeof path, "dicom/dcmqi/segmentations/23x38x3/seg/label.seg.zst");
    kin_volume volume = volume_of(5, 4, 4);
    write_volume(place, "image.nrrd", NULL, &volume);
    in_folder(place, "image.nrrd", image);
    in_folder(place, "cut", mask);
    test_file file = test_file_load("dcmqi/segmentations/23x38x3/seg/label.seg.zst");
    for (size_t part = 1; part < 8; part++) {
        kin_radiomics radiomics;
        kin_error err = {0};
        write_file(mask, file.bytes, file.size * part / 8);
        kin_status status = measure(image, mask, 1, &radiomics, &err);
        assert_true(status == KIN_E_FORMAT || status == KIN_E_UNSUPPORTED ||
                    status == KIN_E_NOT_FOUND);
    }
    test_file_free(&file);
    kin_volume_release(&volume);
}

static int set_up(void **state)
{
    static test_place only;
    temp_folder_make(only.folder);
    *state = &only;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    temp_folder_remove(((test_place *)*state)->folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_figures), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_grids),        cmocka_unit_test(test_segmentation),
        cmocka_unit_test(test_broken_slice), cmocka_unit_test(test_cut_off)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
