/* decode.h in this process: formats, headers, frames, limits and reasons, on files made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "standard.h"
#include "collect.h"
#include "decode/decode.h"
#include "decode/unzstd.h"
#include "dicom/dicom.h"
#include "image/read.h"
#include "samples.h"

static collected got, other;

static kin_status decode(const void *bytes, size_t size, const char *name,
                         const kin_decode_limits *limits, collected *c, kin_error *err)
{
    kin_error_clear(err);
    kin_decode_sink sink = collect_into(c);
    return kin_decode_bytes(standard_extractor(), bytes, size, name, limits, NULL, &sink, err);
}

static void expect_failure(const void *bytes, size_t size, const char *name,
                           const kin_decode_limits *limits, kin_status wanted, const char *says)
{
    kin_error err;
    kin_status status = decode(bytes, size, name, limits, &got, &err);
    collected_release(&got);
    if (status != wanted || err.code != wanted || strstr(err.message, says) == NULL)
        fail_msg("%s: status %d, \"%s\"", name != NULL ? name : "-", status, err.message);
}

static void test_png(void **state)
{
    (void)state;
    kin_error err;
    size_t size = 0;
    void *png = sample_png(50, 40, &size);
    assert_int_equal(decode(png, size, "a.png", NULL, &got, &err), KIN_OK);
    assert_int_equal(got.headers, 1);
    assert_int_equal(got.frames, 1);
    assert_int_equal(got.width[0], 50);
    assert_int_equal(got.height[0], 40);
    assert_string_equal(collected_value(&got, "format"), "png");
    assert_string_equal(collected_value(&got, "number_of_frames"), "1");
    assert_string_equal(collected_value(&got, "sop_instance_uid"), "");

    /* The descriptor is the one that the features layer gives for these pixels. */
    kin_raster raster;
    assert_int_equal(kin_image_format_of(png, size)->read(
                         png, size, 0, &(kin_image_limits){1 << 30, 1 << 30, 1}, &raster, &err),
                     KIN_OK);
    float *descriptor = calloc(standard_length(), sizeof *descriptor);
    assert_int_equal(standard_describe(&raster, descriptor, &err), KIN_OK);
    assert_int_equal(got.length, standard_length());
    assert_memory_equal(got.descriptors, descriptor, got.length * sizeof *descriptor);
    free(descriptor);
    kin_raster_release(&raster);
    collected_release(&got);
    kin_decode_limits small = {.max_frame_bytes = 50 * 40 * 4 - 1};
    expect_failure(png, size, "a.png", &small, KIN_E_LIMIT, "");
    free(png);
}

static void test_zstandard(void **state)
{
    (void)state;
    kin_error err;
    size_t size = 0, packed_size = 0, twice_size = 0;
    void *png = sample_png(50, 40, &size);
    void *packed = sample_zstd(png, size, &packed_size);
    assert_int_equal(decode(png, size, "a.png", NULL, &got, &err), KIN_OK);
    static const char *const names[] = {"a.png.zst", "a.ZST", "a", NULL};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(decode(packed, packed_size, names[i], NULL, &other, &err), KIN_OK);
        assert_true(collected_equal(&got, &other));
        collected_release(&other);
    }
    collected_release(&got);

    for (size_t cut = 4; cut < packed_size; cut += packed_size / 10)
        expect_failure(packed, cut, "a.zst", NULL, KIN_E_FORMAT, "Zstandard");
    expect_failure(png, size, "a.zst", NULL, KIN_E_FORMAT, "not Zstandard");
    kin_decode_limits small = {.max_file_bytes = size - 1};
    expect_failure(packed, packed_size, "a.zst", &small, KIN_E_LIMIT, "limit");

    /* One layer only. */
    void *twice = sample_zstd(packed, packed_size, &twice_size);
    expect_failure(twice, twice_size, "a.png.zst", NULL, KIN_E_FORMAT, "no format");
    free(twice);
    free(packed);
    free(png);
}

static void test_zstandard_bomb(void **state)
{
    (void)state;
    enum { MEBIBYTE = 1 << 20 };
    kin_error err;
    size_t packed_size = 0, out_size = 0;
    void *zeros = calloc(64, MEBIBYTE), *out = NULL;
    void *packed = sample_zstd(zeros, (size_t)64 * MEBIBYTE, &packed_size);
    free(zeros);
    assert_true(packed_size < 16384);
    assert_int_equal(kin_unzstd(packed, packed_size, 3 * MEBIBYTE, &out, &out_size, &err),
                     KIN_E_LIMIT);
    assert_int_equal(kin_unzstd(packed, packed_size, (size_t)64 * MEBIBYTE, &out, &out_size, &err),
                     KIN_OK);
    assert_int_equal(out_size, (size_t)64 * MEBIBYTE);
    free(out);

    /* Two frames in a row are both decompressed, as zstd -d does. */
    size_t one_size = 0;
    void *one = sample_zstd("hello, ", 7, &one_size);
    char *both = malloc(2 * one_size);
    memcpy(both, one, one_size);
    memcpy(both + one_size, one, one_size);
    assert_int_equal(kin_unzstd(both, 2 * one_size, 1000, &out, &out_size, &err), KIN_OK);
    assert_int_equal(out_size, 14);
    assert_memory_equal(out, "hello, hello, ", 14);
    free(out);
    free(both);
    free(one);
    free(packed);
}

static void test_unrecognised(void **state)
{
    (void)state;
    static const char text[] = "These are words, and nothing but words, about a picture.";
    expect_failure(text, sizeof text, "notes.txt", NULL, KIN_E_NO_IMAGE, "no format");
    expect_failure(text, sizeof text, NULL, NULL, KIN_E_NO_IMAGE, "no format");
    static const char *const promising[] = {"a.dcm",  "a.DICOM", "a.png", "a.jpg",
                                            "a.jpeg", "a.tif",   "a.TIFF"};
    for (size_t i = 0; i < sizeof promising / sizeof promising[0]; i++) {
        expect_failure(text, sizeof text, promising[i], NULL, KIN_E_FORMAT, "no format");
        expect_failure("", 0, promising[i], NULL, KIN_E_FORMAT, "empty file");
    }
    expect_failure("", 0, "a", NULL, KIN_E_NO_IMAGE, "empty file");
    kin_decode_limits small = {.max_file_bytes = 10};
    expect_failure(text, sizeof text, "a.png", &small, KIN_E_LIMIT, "limit of 10");
}

static void test_tiff_pages(void **state)
{
    (void)state;
    kin_error err;
    size_t size = 0;
    void *tiff = sample_tiff(3, &size);
    assert_int_equal(decode(tiff, size, "a.tif", NULL, &got, &err), KIN_OK);
    assert_string_equal(collected_value(&got, "format"), "tiff");
    assert_int_equal(got.announced, 3);
    assert_int_equal(got.frames, 3);
    assert_int_equal(got.width[2], 16);
    assert_int_equal(got.height[2], 12);
    assert_memory_not_equal(got.descriptors, got.descriptors + got.length,
                            got.length * sizeof(float));
    collected_release(&got);
    kin_decode_limits few = {.max_frames = 2};
    expect_failure(tiff, size, "a.tif", &few, KIN_E_LIMIT, "2");
    kin_decode_limits total = {.max_total_bytes = 16 * 12 * 2}; /* two pages' samples */
    expect_failure(tiff, size, "a.tif", &total, KIN_E_LIMIT, "");
    free(tiff);
}

static void test_dicom_header(void **state)
{
    (void)state;
    static const kin_dicom_new_attribute attributes[] = {
        {.path = "StudyInstanceUID", .value = "1.2.3.4"},
        {.path = "SeriesInstanceUID", .value = "none"}, /* no UID: the archive makes one */
        {.path = "PatientID", .value = "P-17"},
        {.path = "PatientName", .value = "Doe^Jane"},
        {.path = "Modality", .value = "US"},
        {.path = "BodyPartExamined", .value = "HEART"},
        {.path = "StudyDate", .value = "20200229"},
        {.path = "StudyDescription", .value = "Echo \x1B[31mred"},
        {.path = "PixelSpacing", .value = "0.5\\0.25"},
        {.path = "Manufacturer", .value = "Acme"}};
    kin_error err;
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 3, attributes,
                               sizeof attributes / sizeof attributes[0], &size);
    assert_int_equal(decode(bytes, size, NULL, NULL, &got, &err), KIN_OK);
    static const char *const wanted[][2] = {{"format", "dicom"},
                                            {"sop_instance_uid", "1.2.826.0.1.3680043.9.1"},
                                            {"study_instance_uid", "1.2.3.4"},
                                            {"series_instance_uid", ""},
                                            {"patient_id", "P-17"},
                                            {"modality", "US"},
                                            {"body_part", "HEART"},
                                            {"study_date", "20200229"},
                                            {"number_of_frames", "3"},
                                            {"transfer_syntax_uid", "1.2.840.10008.1.2.1"},
                                            {"sop_class_uid", "1.2.840.10008.5.1.4.1.1.3.1"},
                                            {"photometric_interpretation", "MONOCHROME2"},
                                            {"rows", "24"},
                                            {"columns", "32"},
                                            {"bits_stored", "8"},
                                            {"pixel_representation", "0"},
                                            {"pixel_spacing", "0.5\\0.25"},
                                            {"manufacturer", "Acme"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_string_equal(collected_value(&got, wanted[i][0]), wanted[i][1]);
    assert_null(strchr(got.text, '\x1B'));
    assert_null(strstr(got.text, "Jane")); /* names are not taken along */
    assert_int_equal(got.frames, 3);
    assert_int_equal(got.width[0], 32);
    assert_int_equal(got.height[0], 24);
    collected_release(&got);
    free(bytes);
}

static void test_objects_without_picture(void **state)
{
    (void)state;
    static const struct {
        const char *sop_class;
        int frames;
        const char *says;
    } cases[] = {{"1.2.840.10008.5.1.4.1.1.88.11", 0, "SR"},
                 {"1.2.840.10008.5.1.4.1.1.481.3", 0, "RT Structure"},
                 {"1.2.840.10008.5.1.4.1.1.66.4", 2, "Segmentation"},
                 {"1.2.840.10008.5.1.4.1.1.481.2", 1, "RT Dose"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = 0;
        void *bytes = sample_dicom_of(cases[i].sop_class, cases[i].frames, &size);
        expect_failure(bytes, size, "a.dcm", NULL, KIN_E_NO_IMAGE, cases[i].says);
        free(bytes);
    }
}

/* The start of the n-th item (from 0) of encapsulated pixel data. */
static uint8_t *find_item(uint8_t *bytes, size_t size, int n)
{
    static const uint8_t pixel_data[] = {0xE0, 0x7F, 0x10, 0x00, 'O', 'B'};
    static const uint8_t item[] = {0xFE, 0xFF, 0x00, 0xE0};
    uint8_t *at = memmem(bytes, size, pixel_data, sizeof pixel_data);
    for (int i = 0; at != NULL && i <= n; i++)
        at = memmem(at + 4, size - (size_t)(at + 4 - bytes), item, sizeof item);
    assert_non_null(at);
    return at;
}

static void test_broken_frame(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t *bytes = sample_dicom(KIN_DICOM_RLE, 3, NULL, 0, &size);
    uint8_t *second = find_item(bytes, size, 2); /* behind the offset table and the first */
    memset(second + 8, 0xFF, 4);                 /* the number of RLE segments */
    expect_failure(bytes, size, "a.dcm", NULL, KIN_E_FORMAT, "frame 2 of 3: ");
    free(bytes);
}

static void test_dicom_limits(void **state)
{
    (void)state;
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 3, NULL, 0, &size);
    kin_decode_limits few = {.max_frames = 2};
    expect_failure(bytes, size, NULL, &few, KIN_E_LIMIT, "");
    kin_decode_limits frame = {.max_frame_bytes = 100};
    expect_failure(bytes, size, NULL, &frame, KIN_E_LIMIT, "");
    kin_decode_limits total = {.max_total_bytes = 1000};
    expect_failure(bytes, size, NULL, &total, KIN_E_LIMIT, "");
    free(bytes);
}

static void test_sink_stops_it(void **state)
{
    (void)state;
    kin_error err;
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 3, NULL, 0, &size);
    got.fail_at = 2;
    assert_int_equal(decode(bytes, size, NULL, NULL, &got, &err), KIN_E_CANCELLED);
    assert_string_equal(err.message, "enough");
    assert_int_equal(got.frames, 1);
    collected_release(&got);
    free(bytes);
}

/* DICOM that carries a TIFF header in its preamble is DICOM: that says more. */
static void test_dual_personality(void **state)
{
    (void)state;
    kin_error err;
    size_t size = 0;
    uint8_t *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 1, NULL, 0, &size);
    memcpy(bytes, "II*\0\x08\0\0\0", 8);
    assert_int_equal(decode(bytes, size, "slide.tif", NULL, &got, &err), KIN_OK);
    assert_string_equal(collected_value(&got, "format"), "dicom");
    collected_release(&got);
    free(bytes);
}

/* Any cut of a good file gives an error, or fewer frames' worth of nothing: never a crash. */
static void test_truncations(void **state)
{
    (void)state;
    kin_error err;
    size_t sizes[3];
    void *files[3] = {sample_png(20, 20, &sizes[0]), sample_tiff(2, &sizes[1]),
                      sample_dicom(KIN_DICOM_RLE, 2, NULL, 0, &sizes[2])};
    for (size_t f = 0; f < 3; f++) {
        for (size_t cut = 0; cut < sizes[f]; cut += 1 + sizes[f] / 40) {
            void *part = malloc(cut > 0 ? cut : 1); /* so that ASan sees a read beyond it */
            memcpy(part, files[f], cut);
            kin_status status = decode(part, cut, "a.dcm", NULL, &got, &err);
            if (f == 0)
                assert_int_equal(status, KIN_E_FORMAT);
            assert_true(status == KIN_OK || err.message[0] != '\0');
            collected_release(&got);
            free(part);
        }
        free(files[f]);
    }
}

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png),
        cmocka_unit_test(test_zstandard),
        cmocka_unit_test(test_zstandard_bomb),
        cmocka_unit_test(test_unrecognised),
        cmocka_unit_test(test_tiff_pages),
        cmocka_unit_test(test_dicom_header),
        cmocka_unit_test(test_objects_without_picture),
        cmocka_unit_test(test_broken_frame),
        cmocka_unit_test(test_dicom_limits),
        cmocka_unit_test(test_sink_stops_it),
        cmocka_unit_test(test_dual_personality),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
