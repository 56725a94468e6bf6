/* The WG-04 compression set: every lossless file must hold exactly the samples of its uncompressed
 * original, every lossy one differ from them within a bound. */
#include "dicom_files.h"

#include <math.h>
#include <string.h>

#include "shared_data.h"

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

/* What is different between a file's first frame and that of its reference. */
typedef struct difference {
    size_t count;   /* samples */
    size_t unequal; /* of them */
    double largest; /* absolute */
    double psnr;    /* decibels, against the reference's own range; infinity when equal */
} difference;

static difference compare(const kin_samples *a, const kin_samples *b)
{
    difference d = {test_sample_count(a), 0, 0, INFINITY};
    double squares = 0, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < d.count; i++) {
        double v = test_sample(b, i), by = fabs(test_sample(a, i) - v);
        d.unequal += by != 0;
        d.largest = fmax(d.largest, by);
        squares += by * by;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    if (squares > 0)
        d.psnr = 10 * log10((high - low) * (high - low) * (double)d.count / squares);
    return d;
}

static difference compare_to_reference(const char *image, const char *codec)
{
    char name[64], reference[64];
    snprintf(name, sizeof name, "wg04/%s/%s_%s", codec, image, codec);
    snprintf(reference, sizeof reference, "wg04/REF/%s_UNC.zst", image);
    test_file a_file, b_file;
    kin_dicom *a = test_dicom_open(name, &a_file), *b = test_dicom_open(reference, &b_file);
    kin_samples a_samples = test_samples(a, 0, name), b_samples = test_samples(b, 0, reference);
    assert_int_equal(a_samples.width, b_samples.width);
    assert_int_equal(a_samples.height, b_samples.height);
    assert_int_equal(a_samples.channels, b_samples.channels);
    difference d = compare(&a_samples, &b_samples);
    free(a_samples.data);
    free(b_samples.data);
    kin_dicom_close(a);
    kin_dicom_close(b);
    test_file_free(&a_file);
    test_file_free(&b_file);
    return d;
}

static void check_lossless(const char *codec, const char *const *images)
{
    for (; *images != NULL; images++) {
        difference d = compare_to_reference(*images, codec);
        if (d.unequal != 0)
            fail_msg("%s_%s: %zu of %zu samples differ, by up to %g", *images, codec, d.unequal,
                     d.count, d.largest);
    }
}

static const char *const all[] = {"CT1", "CT2", "MR1", "MR2", "MR3", "MR4", "NM1",
                                  "US1", "VL1", "VL2", "VL3", "XA1", NULL};
static const char *const grey[] = {"CT1", "CT2", "MR1", "MR2", "MR3", "MR4", "NM1", "XA1", NULL};

static void rle_is_exact(void **state)
{
    (void)state;
    check_lossless("RLE", all);
}

static void jpeg_2000_lossless_is_exact(void **state)
{
    (void)state;
    check_lossless("J2KR", all);
}

static void jpeg_ls_lossless_is_exact(void **state)
{
    (void)state;
    check_lossless("JLSL", grey);
}

static void jpeg_lossless_is_exact(void **state)
{
    (void)state;
    check_lossless("JPLL", grey);
}

/* The NEAR parameter of a JPEG-LS stream: in its scan header (T.87 C.2.3), behind the
 * components. */
static int near_of(const char *image)
{
    static const uint8_t frame[2] = {0xff, 0xf7}, scan[2] = {0xff, 0xda};
    char name[64];
    snprintf(name, sizeof name, "wg04/JLSN/%s_JLSN", image);
    test_file file = test_file_load(name);
    const uint8_t *p = memmem(file.bytes, file.size, frame, 2);
    assert_non_null(p);
    p = memmem(p, (size_t)(file.bytes + file.size - p), scan, 2);
    assert_non_null(p);
    int near = p[5 + 2 * p[4]];
    test_file_free(&file);
    return near;
}

static void jpeg_ls_near_lossless_keeps_its_promise(void **state)
{
    (void)state;
    for (const char *const *image = grey; *image != NULL; image++) {
        int near = near_of(*image);
        difference d = compare_to_reference(*image, "JLSN");
        assert_true(near > 0);
        print_message("%s_JLSN: NEAR %d, largest difference %g\n", *image, near, d.largest);
        if (d.largest > near || d.unequal == 0)
            fail_msg("%s_JLSN differs by up to %g, its bound is %d", *image, d.largest, near);
    }
}

static void check_lossy(const char *codec, const char *const *images, double least_psnr)
{
    for (; *images != NULL; images++) {
        difference d = compare_to_reference(*images, codec);
        print_message("%s_%s: %.1f dB, largest difference %g\n", *images, codec, d.psnr, d.largest);
        if (d.psnr < least_psnr)
            fail_msg("%s_%s: %.1f dB, at least %.1f expected", *images, codec, d.psnr, least_psnr);
    }
}

static void jpeg_lossy_is_close(void **state)
{
    (void)state;
    static const char *const images[] = {"MR1", "MR2", "MR3", "MR4", "NM1", "XA1", NULL};
    check_lossy("JPLY", images, 0);
}

static void jpeg_2000_lossy_is_close(void **state)
{
    (void)state;
    check_lossy("J2KI", all, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rle_is_exact),
        cmocka_unit_test(jpeg_2000_lossless_is_exact),
        cmocka_unit_test(jpeg_ls_lossless_is_exact),
        cmocka_unit_test(jpeg_lossless_is_exact),
        cmocka_unit_test(jpeg_ls_near_lossless_keeps_its_promise),
        cmocka_unit_test(jpeg_lossy_is_close),
        cmocka_unit_test(jpeg_2000_lossy_is_close),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
