/* The files of the pydicom project's tests: what each is, and that files which hold the same
 * picture in different ways give the same samples. */
#include "dicom_files.h"

#include <math.h>
#include <string.h>

#include "dicom/prescan.h"
#include "shared_data.h"

#define IMAGE KIN_DICOM_IMAGE
#define NOTE  KIN_DICOM_ANNOTATION
#define NONE  KIN_DICOM_NO_PIXELS

/* Sizes are those that dcmdump prints.  no_meta.dcm has a stray byte before its first element;
 * DCMTK does not read it either. */
static const struct expectation {
    const char *name;
    kin_status status;
    kin_dicom_kind kind;
    int columns, rows, samples, frames;
} expectations[] = {
    {"693_J2KI.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"693_J2KR.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"693_UNCI.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"693_UNCR.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"CT_small.dcm", KIN_OK, IMAGE, 128, 128, 1, 1},
    {"ExplVR_BigEnd.dcm", KIN_OK, IMAGE, 80, 60, 3, 1},
    {"ExplVR_BigEndNoMeta.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"ExplVR_LitEndNoMeta.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"JPEG-LL.dcm", KIN_OK, IMAGE, 256, 1024, 1, 1},
    {"JPEG-lossy.dcm", KIN_OK, IMAGE, 256, 1024, 1, 1},
    {"JPEG2000.dcm", KIN_OK, IMAGE, 256, 1024, 1, 1},
    {"JPEG2000_UNC.dcm", KIN_OK, IMAGE, 256, 1024, 1, 1},
    {"JPGLosslessP14SV1_1s_1f_8b.dcm", KIN_OK, IMAGE, 1024, 768, 1, 1},
    {"MR-SIEMENS-DICOM-WithOverlays.dcm", KIN_OK, IMAGE, 484, 484, 1, 1},
    {"MR2_J2KI.dcm", KIN_OK, IMAGE, 1024, 1024, 1, 1},
    {"MR2_J2KR.dcm", KIN_OK, IMAGE, 1024, 1024, 1, 1},
    {"MR_small.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_RLE.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_bigendian.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_expb.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_implicit.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_jp2klossless.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_jpeg_ls_lossless.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_small_padded.dcm", KIN_OK, IMAGE, 64, 64, 1, 1},
    {"MR_truncated.dcm", KIN_E_FORMAT, 0, 0, 0, 0, 0},
    {"OBXXXX1A.dcm", KIN_OK, IMAGE, 800, 600, 1, 1},
    {"OBXXXX1A_2frame.dcm", KIN_OK, IMAGE, 800, 600, 1, 2},
    {"OBXXXX1A_expb.dcm", KIN_OK, IMAGE, 800, 600, 1, 1},
    {"OBXXXX1A_expb_2frame.dcm", KIN_OK, IMAGE, 800, 600, 1, 2},
    {"OBXXXX1A_rle.dcm", KIN_OK, IMAGE, 800, 600, 1, 1},
    {"OBXXXX1A_rle_2frame.dcm", KIN_OK, IMAGE, 800, 600, 1, 2},
    {"OT-PAL-8-face.dcm", KIN_OK, IMAGE, 640, 480, 1, 1},
    {"RG1_J2KI.dcm", KIN_OK, IMAGE, 1841, 1955, 1, 1},
    {"RG3_J2KI.dcm", KIN_OK, IMAGE, 1760, 1760, 1, 1},
    {"RG3_J2KR.dcm", KIN_OK, IMAGE, 1760, 1760, 1, 1},
    {"SC_rgb.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_16bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_16bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_32bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_32bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_dcmtk_+eb+cr.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_+eb+cy+n1.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_+eb+cy+n2.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_+eb+cy+np.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_+eb+cy+s2.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_+eb+cy+s4.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcr_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcyn1_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcyn2_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcynp_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcys2_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_dcmtk_ebcys4_dcmd.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_expb.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_expb_16bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_expb_16bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_expb_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_expb_32bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_expb_32bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_gdcm2k_uncompressed.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_gdcm_KY.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_jpeg_dcmtk.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_jpeg_gdcm.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_jpeg_lossy_gdcm.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_rle.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_rle_16bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_rle_16bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_rle_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_rle_32bit.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_rgb_rle_32bit_2frame.dcm", KIN_OK, IMAGE, 100, 100, 3, 2},
    {"SC_rgb_small_odd.dcm", KIN_OK, IMAGE, 3, 3, 3, 1},
    {"SC_rgb_small_odd_jpeg.dcm", KIN_OK, IMAGE, 3, 3, 3, 1},
    {"SC_ybr_full_422_uncompressed.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"SC_ybr_full_uncompressed.dcm", KIN_OK, IMAGE, 100, 100, 3, 1},
    {"US1_J2KI.dcm", KIN_OK, IMAGE, 640, 480, 3, 1},
    {"US1_J2KR.dcm", KIN_OK, IMAGE, 640, 480, 3, 1},
    {"US1_UNCI.dcm", KIN_OK, IMAGE, 640, 480, 3, 1},
    {"US1_UNCR.dcm", KIN_OK, IMAGE, 640, 480, 3, 1},
    {"badVR.dcm", KIN_OK, NOTE, 10, 10, 1, 1},
    {"bad_sequence.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"color-pl.dcm", KIN_OK, IMAGE, 256, 120, 3, 1},
    {"color-px.dcm", KIN_OK, IMAGE, 256, 120, 3, 1},
    {"eCT_Supplemental.dcm", KIN_OK, IMAGE, 512, 512, 1, 2},
    {"empty_charset_LEI.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"emri_small.dcm", KIN_OK, IMAGE, 64, 64, 1, 10},
    {"emri_small_RLE.dcm", KIN_OK, IMAGE, 64, 64, 1, 10},
    {"emri_small_big_endian.dcm", KIN_OK, IMAGE, 64, 64, 1, 10},
    {"emri_small_jpeg_2k_lossless.dcm", KIN_OK, IMAGE, 64, 64, 1, 10},
    {"emri_small_jpeg_2k_lossless_too_short.dcm", KIN_E_FORMAT, 0, 0, 0, 0, 0},
    {"emri_small_jpeg_ls_lossless.dcm", KIN_OK, IMAGE, 64, 64, 1, 10},
    {"explicit_VR-UN.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"gdcm-US-ALOKA-16.dcm", KIN_OK, IMAGE, 640, 480, 1, 1},
    {"gdcm-US-ALOKA-16_big.dcm", KIN_OK, IMAGE, 640, 480, 1, 1},
    {"image_dfl.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"liver.dcm", KIN_OK, NOTE, 512, 512, 1, 3},
    {"liver_1frame.dcm", KIN_OK, NOTE, 512, 512, 1, 1},
    {"liver_expb.dcm", KIN_OK, NOTE, 512, 512, 1, 3},
    {"liver_expb_1frame.dcm", KIN_OK, NOTE, 512, 512, 1, 1},
    {"meta_missing_tsyntax.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"mlut_18.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
    {"nested_priv_SQ.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"no_meta.dcm", KIN_E_FORMAT, 0, 0, 0, 0, 0},
    {"no_meta_group_length.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"priv_SQ.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"reportsi.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"reportsi_with_empty_number_tags.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"rtdose.dcm", KIN_OK, NOTE, 10, 10, 1, 15},
    {"rtdose_1frame.dcm", KIN_OK, NOTE, 10, 10, 1, 1},
    {"rtdose_expb.dcm", KIN_OK, NOTE, 10, 10, 1, 15},
    {"rtdose_expb_1frame.dcm", KIN_OK, NOTE, 10, 10, 1, 1},
    {"rtdose_rle.dcm", KIN_OK, NOTE, 10, 10, 1, 15},
    {"rtdose_rle_1frame.dcm", KIN_OK, NOTE, 10, 10, 1, 1},
    {"rtplan.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"rtplan_truncated.dcm", KIN_E_FORMAT, 0, 0, 0, 0, 0},
    {"rtstruct.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"test-SR.dcm", KIN_OK, NONE, 0, 0, 0, 0},
    {"vlut_04.dcm", KIN_OK, IMAGE, 512, 512, 1, 1},
};

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

static const char *below_pydicom(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s%s", strchr(name, '/') != NULL ? "" : "pydicom/", name);
    return path;
}

static void check_frames(kin_dicom *dicom, const struct expectation *e)
{
    for (int frame = 0; frame < e->frames; frame++) {
        kin_error err = {0};
        kin_raster raster;
        if (kin_dicom_render(dicom, frame, &raster, &err) != KIN_OK)
            fail_msg("%s, frame %d: %s", e->name, frame, err.message);
        assert_int_equal(raster.width, e->columns);
        assert_int_equal(raster.height, e->rows);
        size_t count = (size_t)raster.width * (size_t)raster.height * (size_t)raster.channels;
        for (size_t i = 0; i < count; i++)
            if (!(raster.px[i] >= 0 && raster.px[i] <= 1))
                fail_msg("%s, frame %d: a display value of %g", e->name, frame,
                         (double)raster.px[i]);
        kin_raster_release(&raster);
    }
}

static void every_file_is_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *e = &expectations[i];
        char path[256];
        kin_error err = {0};
        kin_dicom *dicom = NULL;
        test_file file = test_file_load(below_pydicom(path, sizeof path, e->name));
        kin_status status = kin_dicom_open(file.bytes, file.size, NULL, &dicom, &err);
        if (status != e->status)
            fail_msg("%s: %s (%s), expected %s", e->name, kin_status_text(status), err.message,
                     kin_status_text(e->status));
        assert_int_equal(kin_dicom_prescan(file.bytes, file.size, NULL), e->status);
        if (status == KIN_OK) {
            const kin_dicom_header *h = kin_dicom_header_borrow(dicom);
            if (h->kind != e->kind || h->columns != e->columns || h->rows != e->rows ||
                h->samples_per_pixel != e->samples || h->frames != e->frames)
                fail_msg("%s: kind %d, %d x %d x %d, %d frames", e->name, (int)h->kind, h->columns,
                         h->rows, h->samples_per_pixel, h->frames);
            check_frames(dicom, e);
            kin_dicom_close(dicom);
        } else {
            assert_int_equal(err.code, status);
            assert_true(err.message[0] != '\0');
        }
        test_file_free(&file);
    }
}

static void reasons_are_clear(void **state)
{
    (void)state;
    static const char *const truncated[] = {"MR_truncated.dcm", "rtplan_truncated.dcm",
                                            "emri_small_jpeg_2k_lossless_too_short.dcm"};
    for (size_t i = 0; i < sizeof truncated / sizeof truncated[0]; i++) {
        char path[256];
        kin_error err = {0};
        kin_dicom *dicom = NULL;
        test_file file = test_file_load(below_pydicom(path, sizeof path, truncated[i]));
        kin_dicom_open(file.bytes, file.size, NULL, &dicom, &err);
        assert_non_null(strstr(err.message, "truncated"));
        test_file_free(&file);
    }
}

/* Opens a file and decodes one of its frames. */
static kin_samples samples_of(const char *name, int frame)
{
    char path[256];
    test_file file;
    kin_dicom *dicom = test_dicom_open(below_pydicom(path, sizeof path, name), &file);
    kin_samples samples = test_samples(dicom, frame, name);
    kin_dicom_close(dicom);
    test_file_free(&file);
    return samples;
}

static kin_raster raster_of(const char *name, int frame)
{
    char path[256];
    test_file file;
    kin_error err = {0};
    kin_raster raster;
    kin_dicom *dicom = test_dicom_open(below_pydicom(path, sizeof path, name), &file);
    if (kin_dicom_render(dicom, frame, &raster, &err) != KIN_OK)
        fail_msg("%s, frame %d: %s", name, frame, err.message);
    kin_dicom_close(dicom);
    test_file_free(&file);
    return raster;
}

/* Files with the same samples; frames from 0 on are compared. */
static void lossless_variants_are_equal(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int frames;
    } pairs[] = {
        {"MR_small.dcm", "MR_small_RLE.dcm", 1},
        {"MR_small.dcm", "MR_small_bigendian.dcm", 1},
        {"MR_small.dcm", "MR_small_expb.dcm", 1},
        {"MR_small.dcm", "MR_small_implicit.dcm", 1},
        {"MR_small.dcm", "MR_small_jp2klossless.dcm", 1},
        {"MR_small.dcm", "MR_small_jpeg_ls_lossless.dcm", 1},
        {"MR_small.dcm", "MR_small_padded.dcm", 1},
        {"emri_small.dcm", "emri_small_RLE.dcm", 10},
        {"emri_small.dcm", "emri_small_big_endian.dcm", 10},
        {"emri_small.dcm", "emri_small_jpeg_2k_lossless.dcm", 10},
        {"emri_small.dcm", "emri_small_jpeg_ls_lossless.dcm", 10},
        {"SC_rgb.dcm", "SC_rgb_expb.dcm", 1},
        {"SC_rgb.dcm", "SC_rgb_rle.dcm", 1},
        {"SC_rgb.dcm", "SC_rgb_2frame.dcm", 1},
        {"SC_rgb.dcm", "SC_rgb_gdcm2k_uncompressed.dcm", 1},
        {"SC_rgb.dcm", "SC_rgb_gdcm_KY.dcm", 1},
        {"SC_rgb.dcm", "SC_rgb_jpeg_gdcm.dcm", 1},
        {"SC_rgb_2frame.dcm", "SC_rgb_expb_2frame.dcm", 2},
        {"SC_rgb_2frame.dcm", "SC_rgb_rle_2frame.dcm", 2},
        {"SC_rgb_16bit.dcm", "SC_rgb_expb_16bit.dcm", 1},
        {"SC_rgb_16bit.dcm", "SC_rgb_rle_16bit.dcm", 1},
        {"SC_rgb_16bit_2frame.dcm", "SC_rgb_expb_16bit_2frame.dcm", 2},
        {"SC_rgb_16bit_2frame.dcm", "SC_rgb_rle_16bit_2frame.dcm", 2},
        {"SC_rgb_32bit.dcm", "SC_rgb_expb_32bit.dcm", 1},
        {"SC_rgb_32bit.dcm", "SC_rgb_rle_32bit.dcm", 1},
        {"SC_rgb_32bit_2frame.dcm", "SC_rgb_expb_32bit_2frame.dcm", 2},
        {"SC_rgb_32bit_2frame.dcm", "SC_rgb_rle_32bit_2frame.dcm", 2},
        {"OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", 1},
        {"OBXXXX1A.dcm", "OBXXXX1A_2frame.dcm", 1},
        {"OBXXXX1A_2frame.dcm", "OBXXXX1A_rle_2frame.dcm", 2},
        {"liver.dcm", "liver_expb.dcm", 3},
        {"liver.dcm", "dcmqi/segmentations/liver.dcm.zst", 3},
        {"liver_1frame.dcm", "liver_expb_1frame.dcm", 1},
        {"liver.dcm", "liver_1frame.dcm", 1},
        {"rtdose.dcm", "rtdose_expb.dcm", 15},
        {"rtdose.dcm", "rtdose_rle.dcm", 15},
        {"rtdose_1frame.dcm", "rtdose_expb_1frame.dcm", 1},
        {"rtdose_1frame.dcm", "rtdose_rle_1frame.dcm", 1},
        {"rtdose.dcm", "rtdose_1frame.dcm", 1},
        {"gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm", 1},
        {"color-pl.dcm", "color-px.dcm", 1},
        {"693_UNCR.dcm", "693_J2KR.dcm", 1},
        {"US1_UNCR.dcm", "US1_J2KR.dcm", 1},
        {"US1_UNCR.dcm", "US1_UNCI.dcm", 1},
        {"US1_UNCR.dcm", "wg04/REF/US1_UNC.zst", 1},
        {"MR2_J2KR.dcm", "wg04/REF/MR2_UNC.zst", 1},
        {"JPEG-LL.dcm", "wg04/REF/NM1_UNC.zst", 1},
        {"CT_small.dcm", "wsi-and-seg/ct_image.dcm", 1},
        {"wsi-and-seg/sm_image.dcm", "wsi-and-seg/sm_image_jpegls.dcm", 25},
        {"wsi-and-seg/sm_image.dcm", "wsi-and-seg/sm_image_jpegls_nobot.dcm", 25},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (int frame = 0; frame < pairs[i].frames; frame++) {
            kin_samples a = samples_of(pairs[i].a, frame), b = samples_of(pairs[i].b, frame);
            if (a.size != b.size || a.type != b.type || memcmp(a.data, b.data, a.size) != 0)
                fail_msg("%s and %s differ in frame %d", pairs[i].a, pairs[i].b, frame);
            free(a.data);
            free(b.data);
        }
}

/* 8-bit pixels in VR OW, big endian: each word has its bytes exchanged (PS3.5 7.3, and so DCMTK
 * reads them).  The script that made this file left them as they were, so that its pixels come out
 * in exchanged pairs. */
static void big_endian_words_are_exchanged(void **state)
{
    (void)state;
    kin_samples a = samples_of("OBXXXX1A.dcm", 0), b = samples_of("OBXXXX1A_expb.dcm", 0);
    const uint8_t *plain = a.data, *exchanged = b.data;
    assert_int_equal(a.size, b.size);
    for (size_t i = 0; i < a.size; i++)
        assert_int_equal(plain[i], exchanged[i ^ 1]);
    free(a.data);
    free(b.data);
}

/* Lossy files and their decompressed twins, which another decoder made (GDCM with Kakadu or
 * OpenJPEG): decoders may round differently. */
static void lossy_variants_are_close(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        double largest;
    } pairs[] = {
        {"693_UNCI.dcm", "693_J2KI.dcm", 1},
        {"JPEG2000_UNC.dcm", "JPEG2000.dcm", 1},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        kin_samples a = samples_of(pairs[i].a, 0), b = samples_of(pairs[i].b, 0);
        double largest = 0;
        assert_int_equal(test_sample_count(&a), test_sample_count(&b));
        for (size_t k = 0; k < test_sample_count(&a); k++)
            largest = fmax(largest, fabs(test_sample(&a, k) - test_sample(&b, k)));
        print_message("%s: largest difference %g\n", pairs[i].b, largest);
        if (largest > pairs[i].largest)
            fail_msg("%s and %s differ by %g", pairs[i].a, pairs[i].b, largest);
        free(a.data);
        free(b.data);
    }
}

/* The same colour bars through RGB, YCbCr with and without subsampling, labelled rightly and
 * wrongly.  Bars are flat, but chroma subsampling and JPEG's quantisation blur their edges: the
 * mean of the difference is bounded, in steps of 1/255. */
static void colours_are_close(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double mean;
    } variants[] = {
        {"SC_ybr_full_uncompressed.dcm", 0.6}, {"SC_ybr_full_422_uncompressed.dcm", 0.6},
        {"SC_rgb_jpeg_dcmtk.dcm", 0.6},        {"SC_rgb_jpeg_lossy_gdcm.dcm", 3},
        {"SC_rgb_dcmtk_+eb+cr.dcm", 0.2},      {"SC_rgb_dcmtk_+eb+cy+n1.dcm", 3},
        {"SC_rgb_dcmtk_+eb+cy+n2.dcm", 0.6},   {"SC_rgb_dcmtk_+eb+cy+np.dcm", 3},
        {"SC_rgb_dcmtk_+eb+cy+s2.dcm", 0.6},   {"SC_rgb_dcmtk_+eb+cy+s4.dcm", 0.6},
        {"SC_rgb_dcmtk_ebcr_dcmd.dcm", 0.2},   {"SC_rgb_dcmtk_ebcyn1_dcmd.dcm", 3},
        {"SC_rgb_dcmtk_ebcyn2_dcmd.dcm", 0.6}, {"SC_rgb_dcmtk_ebcynp_dcmd.dcm", 3},
        {"SC_rgb_dcmtk_ebcys2_dcmd.dcm", 0.6}, {"SC_rgb_dcmtk_ebcys4_dcmd.dcm", 0.6},
    };
    kin_raster plain = raster_of("SC_rgb.dcm", 0);
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        kin_raster other = raster_of(variants[i].name, 0);
        double sum = 0;
        assert_int_equal(other.channels, 3);
        for (size_t k = 0; k < 3 * 100 * 100; k++)
            sum += fabs((double)plain.px[k] - (double)other.px[k]) * 255;
        print_message("%s: mean difference %.2f\n", variants[i].name, sum / 30000);
        if (sum / 30000 > variants[i].mean)
            fail_msg("%s is off by %.2f on average", variants[i].name, sum / 30000);
        kin_raster_release(&other);
    }
    kin_raster_release(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_what_it_is),
        cmocka_unit_test(reasons_are_clear),
        cmocka_unit_test(lossless_variants_are_equal),
        cmocka_unit_test(big_endian_words_are_exchanged),
        cmocka_unit_test(lossy_variants_are_close),
        cmocka_unit_test(colours_are_close),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
