/* The real worker, sandbox and all: the same answers as in this process, and nothing that a file
 * does reaches beyond that file. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "standard.h"
#include "collect.h"
#include "decode/decoder.h"
#include "dicom/dicom.h"
#include "dicom_bytes.h"
#include "samples.h"
#include "shared_data.h"

enum { FILE_LIMIT = 64 * 1024 * 1024 };

static collected got, wanted;

static kin_decoder *new_decoder(const kin_decode_limits *limits)
{
    kin_decoder *decoder = NULL;
    kin_error err;
    const kin_decode_features features = {.length = standard_length()};
    if (kin_decoder_new(WORKER, &features, limits, &decoder, &err) != KIN_OK)
        fail_msg("no decoder: %s", err.message);
    return decoder;
}

static kin_status run(kin_decoder *decoder, const void *bytes, size_t size, const char *name,
                      kin_error *err)
{
    kin_decode_sink sink = collect_into(&got);
    return kin_decoder_run_bytes(decoder, bytes, size, name, NULL, &sink, err);
}

/* A good PNG decodes: the worker is well. */
static void expect_well(kin_decoder *decoder)
{
    kin_error err;
    size_t size = 0;
    void *png = sample_png(30, 20, &size);
    kin_status status = run(decoder, png, size, "well.png", &err);
    if (status != KIN_OK)
        fail_msg("the next file failed: %s", err.message);
    assert_int_equal(got.frames, 1);
    collected_release(&got);
    free(png);
}

/* Decodes a file here and in the worker: the same status and message, header, descriptors and
 * preview. */
static void expect_same(kin_decoder *decoder, const char *path, const kin_decode_wish *wish,
                        int counts[2])
{
    kin_error here, there;
    void *bytes = NULL;
    size_t size = 0;
    kin_error_clear(&here);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, FILE_LIMIT, &bytes, &size, NULL),
                     KIN_OK);
    kin_decode_sink sink = collect_into(&wanted);
    kin_status status =
        kin_decode_bytes(standard_extractor(), bytes, size, path, NULL, wish, &sink, &here);
    free(bytes);
    sink = collect_into(&got);
    kin_status answer = kin_decoder_run(decoder, path, wish, &sink, &there);
    if (status != answer || strcmp(here.message, there.message) != 0 ||
        !collected_equal(&wanted, &got))
        fail_msg("%s: here %d \"%s\" %d frames, there %d \"%s\" %d frames", path, status,
                 here.message, wanted.frames, answer, there.message, got.frames);
    counts[status == KIN_OK ? 0 : 1]++;
    collected_release(&wanted);
    collected_release(&got);
}

static int is_file(const struct dirent *entry)
{
    return entry->d_type == DT_REG;
}

/* All files of a folder of the shared data, or every stride-th of them. */
static void expect_same_folder(const char *name, int stride, int least_decoded)
{
    char folder[4096];
    shared_data(folder, sizeof folder, name);
    struct dirent **entries = NULL;
    /* As an ingest asks; region and frame fit some files and not others. */
    static const kin_decode_region region = {20, 10, 40, 50};
    static const kin_decode_wish previews = {.preview_side = KIN_DECODE_PREVIEW_MAX};
    static const kin_decode_wish part = {
        .region = &region, .preview_side = 24, .one_frame = true, .frame = 0};
    int count = scandir(folder, &entries, is_file, alphasort), counts[2] = {0, 0}, parts[2] = {0};
    assert_true(count > 0);
    kin_decoder *decoder = new_decoder(NULL);
    for (int i = 0; i < count; i++) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (i % stride == 0) {
            expect_same(decoder, path, &previews, counts);
            expect_same(decoder, path, &part, parts);
        }
        free(entries[i]);
    }
    free(entries);
    print_message("%s: %d decoded, %d not, alike in both\n", name, counts[0], counts[1]);
    assert_true(counts[0] >= least_decoded);
    assert_true(parts[0] > 0);
    assert_int_equal(kin_decoder_starts(decoder), 1); /* nothing crashed it */
    kin_decoder_free(decoder);
}

static void test_jpegs(void **state)
{
    (void)state;
    expect_same_folder("brain-mri/glioma_tumor", 60, 5);
}

static void test_pngs(void **state)
{
    (void)state;
    expect_same_folder("breast-ultrasound/benign", 15, 3);
}

static void test_dicom_files(void **state)
{
    (void)state;
    expect_same_folder("dicom/pydicom", 1, 60);
}

static void test_zstandard_files(void **state)
{
    (void)state;
    expect_same_folder("dicom/wg04/REF", 4, 2);
}

/* Frame for frame, from an open file. */
static void test_one_frame_of_an_open_file(void **state)
{
    (void)state;
    size_t size = 0;
    void *bytes = sample_dicom(KIN_DICOM_RLE, 3, NULL, 0, &size);
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size); /* leaves the offset at the end */
    kin_decoder *decoder = new_decoder(NULL);
    kin_decode_sink sink = collect_into(&wanted);
    kin_error err;
    assert_int_equal(
        kin_decode_bytes(standard_extractor(), bytes, size, NULL, NULL, NULL, &sink, &err), KIN_OK);
    for (uint32_t i = 0; i < 3; i++) {
        const kin_decode_wish wish = {.one_frame = true, .frame = i};
        got.first = i;
        sink = collect_into(&got);
        if (kin_decoder_run_fd(decoder, fd, "a.dcm", &wish, &sink, &err) != KIN_OK)
            fail_msg("%s", err.message);
        assert_int_equal(got.frames, 1);
        assert_memory_equal(got.descriptors, wanted.descriptors + i * wanted.length,
                            wanted.length * sizeof(float));
        collected_release(&got);
    }
    const kin_decode_wish beyond = {.one_frame = true, .frame = 3};
    sink = collect_into(&got);
    assert_int_equal(kin_decoder_run_fd(decoder, fd, NULL, &beyond, &sink, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.message, "the file has no frame 3");
    assert_int_equal(got.headers, 1);
    collected_release(&got);
    collected_release(&wanted);
    assert_int_equal(kin_decoder_starts(decoder), 1); /* no error of the worker's */
    kin_decoder_free(decoder);
    close(fd);
    free(bytes);
}

/* Character sets whose tables the C library loads from files when first asked: that must have
 * happened before the sandbox closed. */
static void test_character_sets(void **state)
{
    (void)state;
    static const struct {
        const char *set, *stored, *utf8;
    } cases[] = {
        {"\\ISO 2022 IR 87", "\x1B$B;3ED\x1B(B", "山田"},
        {"ISO_IR 13", "\xD4\xCF\xC0\xDE", "ﾔﾏﾀﾞ"},
        {"ISO 2022 IR 13\\ISO 2022 IR 87", "\xD4\xCF\xC0\xDE \x1B$B;3ED\x1B(J", "ﾔﾏﾀﾞ 山田"},
        {"\\ISO 2022 IR 159", "\x1B$(D0!\x1B(B", "丂"},
        {"\\ISO 2022 IR 149", "\x1B$)C\xB1\xE8\xC8\xF1\xC1\xDF", "김희중"},
        {"GB18030", "\xCD\xF5\xD0\xA1\xB6\xAB", "王小东"},
        {"ISO_IR 144", "\xBB\xEE\xDA\xE1", "Люкс"},
        {"ISO_IR 166", "\xB9\xD2\xC1", "นาม"},
        {"ISO_IR 100", "M\xFCller", "Müller"},
        {"ISO_IR 192", "日本", "日本"},
        {"", "M\xFCller", NULL}};
    kin_decoder *decoder = new_decoder(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const kin_dicom_new_attribute attributes[] = {
            {.path = "SpecificCharacterSet", .value = cases[i].set},
            {.path = "SeriesDescription", .value = cases[i].stored}};
        kin_error err;
        size_t size = 0;
        void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 1, attributes, 2, &size);
        kin_status status = run(decoder, bytes, size, "a.dcm", &err);
        if (status != KIN_OK)
            fail_msg("%s: %s", cases[i].set, err.message);
        if (cases[i].utf8 != NULL)
            assert_string_equal(collected_value(&got, "series_description"), cases[i].utf8);
        collected_release(&got);
        free(bytes);
    }
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

static void test_every_syntax(void **state)
{
    (void)state;
    kin_decoder *decoder = new_decoder(NULL);
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_JPEG_LS; syntax++) {
        kin_error err;
        size_t size = 0;
        void *bytes = sample_dicom((kin_dicom_syntax)syntax, 5, NULL, 0, &size);
        kin_status status = run(decoder, bytes, size, "a.dcm", &err);
        if (status != KIN_OK)
            fail_msg("syntax %d: %s", syntax, err.message);
        assert_int_equal(got.frames, 5);
        collected_release(&got);
        free(bytes);
    }
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

static void expect_error(kin_decoder *decoder, void *bytes, size_t size, kin_status one,
                         kin_status another)
{
    kin_error err;
    kin_status status = run(decoder, bytes, size, "bad.dcm", &err);
    if ((status != one && status != another) || got.frames != 0)
        fail_msg("status %d, \"%s\"", status, err.message);
    print_message("  %s\n", err.message);
    collected_release(&got);
    free(bytes);
    expect_well(decoder);
}

/* DESIGN's two small files: one overflows DCMTK's stack, one made it take 12.6 GB and 49 s. */
static void test_small_bombs(void **state)
{
    (void)state;
    kin_decoder *decoder = new_decoder(NULL);
    size_t size = 0;
    void *bytes = dicom_nested(6000, &size);
    assert_in_range(size, 200000, 240000);
    expect_error(decoder, bytes, size, KIN_E_LIMIT, KIN_E_FORMAT);
    bytes = dicom_nested(100000, &size);
    expect_error(decoder, bytes, size, KIN_E_LIMIT, KIN_E_FORMAT);
    bytes = dicom_huge_claim(&size);
    assert_in_range(size, 300, 500);
    expect_error(decoder, bytes, size, KIN_E_LIMIT, KIN_E_FORMAT);
    assert_int_equal(kin_decoder_starts(decoder), 1); /* refused, not crashed */

    kin_error err;
    bytes = dicom_nested(10, &size); /* the same, within reason, is a picture */
    assert_int_equal(run(decoder, bytes, size, "good.dcm", &err), KIN_OK);
    collected_release(&got);
    free(bytes);
    kin_decoder_free(decoder);
}

#ifndef KIN_SANITIZE
/* A picture within all other limits that needs more than the worker's memory. */
static void test_memory_limit(void **state)
{
    (void)state;
    const kin_decode_limits tight = {.memory_bytes = (size_t)160 << 20};
    size_t size = 0;
    void *png = sample_png(5500, 5500, &size); /* 121 MB as floats, and the work on it */
    kin_decoder *decoder = new_decoder(&tight);
    kin_error err;
    kin_status status = run(decoder, png, size, "large.png", &err);
    collected_release(&got);
    assert_int_equal(status, KIN_E_LIMIT);
    assert_string_equal(err.message, "takes more memory than a worker may have (160 MiB)");
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 1); /* it did not come to a crash */
    kin_decoder_free(decoder);

    decoder = new_decoder(NULL);
    assert_int_equal(run(decoder, png, size, "large.png", &err), KIN_OK);
    collected_release(&got);
    kin_decoder_free(decoder);
    free(png);
}
#endif

/* Limits reach the worker. */
static void test_limits_arrive(void **state)
{
    (void)state;
    size_t size = 0;
    kin_error err;
    void *bytes = sample_dicom(KIN_DICOM_EXPLICIT_LE, 3, NULL, 0, &size);
    const kin_decode_limits cases[] = {
        {.max_frames = 2}, {.max_frame_bytes = 100}, {.max_total_bytes = 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_decoder *decoder = new_decoder(&cases[i]);
        assert_int_equal(run(decoder, bytes, size, "a.dcm", &err), KIN_E_LIMIT);
        collected_release(&got);
        kin_decoder_free(decoder);
    }
    free(bytes);
}

/* Thousands of files pass through several workers without anyone noticing. */
static void test_retirement(void **state)
{
    (void)state;
    static const char words[] = "no image";
    kin_decoder *decoder = new_decoder(NULL);
    kin_error err;
    for (int i = 0; i < KIN_WORKER_FILES_MAX + 100; i++)
        assert_int_equal(run(decoder, words, sizeof words, "a.txt", &err), KIN_E_NO_IMAGE);
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_frame_of_an_open_file),
        cmocka_unit_test(test_jpegs),
        cmocka_unit_test(test_pngs),
        cmocka_unit_test(test_dicom_files),
        cmocka_unit_test(test_zstandard_files),
        cmocka_unit_test(test_character_sets),
        cmocka_unit_test(test_every_syntax),
        cmocka_unit_test(test_small_bombs),
        cmocka_unit_test(test_limits_arrive),
        cmocka_unit_test(test_retirement),
#ifndef KIN_SANITIZE
        cmocka_unit_test(test_memory_limit),
#endif
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
