/* Real series: a head MR, CT slices, enhanced multi-frame objects; in whichever order files come. */
#include <math.h>
#include <string.h>

#include "../dicom/dicom_files.h"
#include "shared_data.h"
#include "volume/series.h"

enum { FILES_MAX = 32 };

typedef struct loaded_series {
    test_file files[FILES_MAX];
    kin_series_file views[FILES_MAX];
    size_t count;
} loaded_series;

static void load(loaded_series *series, const char *name)
{
    series->files[series->count] = test_file_load(name);
    series->views[series->count] =
        (kin_series_file){series->files[series->count].bytes, series->files[series->count].size};
    series->count++;
}

static void release(loaded_series *series)
{
    for (size_t i = 0; i < series->count; i++)
        test_file_free(&series->files[i]);
    *series = (loaded_series){0};
}

static kin_volume read_series(const loaded_series *series, const char *uid)
{
    kin_volume volume;
    kin_error err = {0};
    if (kin_series_read(series->views, series->count, uid, NULL, &volume, NULL, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return volume;
}

/* The slice must be the file's modality values, at the file's place. */
static void expect_slice(const kin_volume *volume, const test_file *file)
{
    kin_error err = {0};
    kin_dicom *dicom = NULL;
    kin_plane plane;
    double along = 0.0;
    size_t each = (size_t)volume->size[0] * (size_t)volume->size[1];
    float *values = malloc(each * sizeof *values);
    assert_int_equal(kin_dicom_open(file->bytes, file->size, NULL, &dicom, &err), KIN_OK);
    assert_int_equal(kin_dicom_read_values(dicom, 0, values, &err), KIN_OK);
    kin_dicom_plane(dicom, 0, &plane);
    for (int x = 0; x < 3; x++)
        along += (plane.origin[x] - volume->origin[x]) * volume->direction[2][x];
    int k = (int)lround(along / volume->spacing[2]);
    assert_true(k >= 0 && k < volume->size[2]);
    assert_memory_equal(volume->voxels + (size_t)k * each, values, each * sizeof *values);
    kin_dicom_close(dicom);
    free(values);
}

static void test_head(void **state)
{
    (void)state;
    loaded_series series = {0};
    for (int n = 0; n < 16; n++) {
        char name[64];
        snprintf(name, sizeof name, "datalad-7t-head/N2D_%04d.dcm", 180 + n * 7 % 16);
        load(&series, name);
    }
    kin_volume volume = read_series(&series, NULL);
    assert_int_equal(volume.size[2], 16);
    for (size_t i = 0; i < series.count; i++)
        expect_slice(&volume, &series.files[i]);
    series.views[3] = series.views[0]; /* one twice, another missing */
    kin_volume none;
    kin_error err = {0};
    assert_int_equal(kin_series_read(series.views, series.count, NULL, NULL, &none, NULL, &err),
                     KIN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "one place"));
    kin_volume_release(&volume);
    release(&series);
}

static void test_ct(void **state)
{
    (void)state;
    loaded_series series = {0};
    load(&series, "dcmqi/segmentations/ct-3slice/02.dcm.zst");
    load(&series, "dcmqi/segmentations/ct-3slice/03.dcm.zst");
    load(&series, "dcmqi/segmentations/ct-3slice/01.dcm.zst");
    kin_volume volume = read_series(&series, NULL);
    float least = INFINITY;
    assert_int_equal(volume.size[2], 3);
    for (size_t i = 0; i < 3; i++)
        expect_slice(&volume, &series.files[i]);
    for (size_t v = 0; v < kin_volume_count(&volume); v++)
        least = fminf(least, volume.voxels[v]);
    assert_true(least <= -1000.0f); /* air, in Hounsfield units */
    kin_volume_release(&volume);
    release(&series);
}

/* Single files, and one series picked of two. */
static void test_single_files(void **state)
{
    (void)state;
    loaded_series series = {0};
    kin_volume volume;
    kin_error err = {0};
    load(&series, "pydicom/MR_small.dcm");
    volume = read_series(&series, NULL);
    assert_true(volume.size[0] == 64 && volume.size[1] == 64 && volume.size[2] == 1);
    expect_slice(&volume, &series.files[0]);
    kin_volume_release(&volume);

    load(&series, "pydicom/CT_small.dcm");
    assert_int_equal(kin_series_read(series.views, 2, NULL, NULL, &volume, NULL, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "more than one series"));
    kin_dicom *dicom = NULL;
    assert_int_equal(
        kin_dicom_open(series.files[1].bytes, series.files[1].size, NULL, &dicom, &err), KIN_OK);
    volume = read_series(&series, kin_dicom_header_borrow(dicom)->series_instance_uid);
    assert_int_equal(volume.size[0], 128);
    expect_slice(&volume, &series.files[1]);
    kin_dicom_close(dicom);
    kin_volume_release(&volume);
    assert_int_equal(kin_series_read(series.views, 2, "1.2.3", NULL, &volume, NULL, &err),
                     KIN_E_NOT_FOUND);
    release(&series);
}

static void test_enhanced(void **state)
{
    (void)state;
    loaded_series series = {0};
    kin_volume volume;
    kin_error err = {0};
    load(&series, "pydicom/eCT_Supplemental.dcm"); /* two frames 10 mm apart */
    volume = read_series(&series, NULL);
    assert_int_equal(volume.size[2], 2);
    assert_float_equal(volume.spacing[2], 10.0, 1e-6);
    kin_volume_release(&volume);
    release(&series);

    load(&series, "pydicom/emri_small.dcm"); /* without any place */
    assert_int_equal(kin_series_read(series.views, 1, NULL, NULL, &volume, NULL, &err),
                     KIN_E_FORMAT);
    assert_non_null(strstr(err.message, "where it lies"));
    release(&series);
}

/* The same three slices, once as files and once as frames of one object. */
static void test_multiframe_as_files(void **state)
{
    (void)state;
    loaded_series files = {0}, frames = {0};
    for (int n = 1; n <= 3; n++) {
        char name[96];
        snprintf(name, sizeof name, "dcmqi/segmentations/23x38x3/image/IMG%04d.dcm.zst", n);
        load(&files, name);
    }
    load(&frames, "dcmqi/segmentations/23x38x3/multiframe/mf.dcm.zst");
    kin_volume a = read_series(&files, NULL), b = read_series(&frames, NULL);
    assert_memory_equal(a.size, b.size, sizeof a.size);
    for (int x = 0; x < 3; x++) {
        assert_float_equal(a.spacing[x], b.spacing[x], 1e-4);
        assert_float_equal(a.origin[x], b.origin[x], 1e-3);
    }
    assert_memory_equal(a.voxels, b.voxels, kin_volume_count(&a) * sizeof *a.voxels);
    kin_volume_release(&a);
    kin_volume_release(&b);
    release(&files);
    release(&frames);
}

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head), cmocka_unit_test(test_ct), cmocka_unit_test(test_single_files),
        cmocka_unit_test(test_enhanced), cmocka_unit_test(test_multiframe_as_files)};
    return cmocka_run_group_tests(tests, prepare, NULL);
}
