/* Rendering compared with DCMTK's own programs (dcm2pnm, dcmj2pnm, dcml2pnm), whose imaging code is
 * not part of Kindred: window, VOI LUT, modality LUT, palette, YCbCr, single bits.  Levels of 8
 * bits may differ by one and a little (DCMTK cuts to whole numbers on its way), in YCbCr by two. */
#include "dicom_files.h"

#include <math.h>
#include <string.h>

#include "shared_data.h"

static const struct comparison {
    const char *program, *options, *name;
    double largest;
} comparisons[] = {
    {"dcm2pnm", "+Wi 1", "pydicom/693_UNCI.dcm", 1},
    {"dcm2pnm", "+Wi 1", "pydicom/693_UNCR.dcm", 1},
    {"dcm2pnm", "+Wi 1", "pydicom/MR_small.dcm", 1},
    {"dcm2pnm", "+Wi 1", "pydicom/MR_small_RLE.dcm", 1},
    {"dcm2pnm", "+Wi 1", "pydicom/MR_small_bigendian.dcm", 1},
    {"dcm2pnm", "+Wi 1", "pydicom/MR_small_implicit.dcm", 1},
    {"dcm2pnm", "+Wi 1 -O", "pydicom/MR-SIEMENS-DICOM-WithOverlays.dcm", 1},
    {"dcml2pnm", "+Wi 1", "pydicom/MR_small_jpeg_ls_lossless.dcm", 1},
    {"dcm2pnm", "+Wi 1", "wsi-and-seg/dx_image.dcm", 1},
    {"dcmj2pnm", "+Wi 1", "pydicom/bad_sequence.dcm", 1},
    {"dcmj2pnm", "+Wi 1", "pydicom/JPGLosslessP14SV1_1s_1f_8b.dcm", 1},
    {"dcm2pnm", "+Wl 1", "pydicom/vlut_04.dcm", 1},
    {"dcm2pnm", "+Wm", "pydicom/mlut_18.dcm", 1},
    {"dcm2pnm", "+Wm", "pydicom/image_dfl.dcm", 1},
    {"dcm2pnm", "+Wm", "pydicom/liver.dcm", 1},
    {"dcm2pnm", "+Wm", "pydicom/rtdose.dcm", 1},
    {"dcm2pnm", "", "pydicom/ExplVR_BigEnd.dcm", 0},
    {"dcm2pnm", "", "pydicom/OBXXXX1A.dcm", 1},
    {"dcm2pnm", "", "pydicom/OBXXXX1A_expb.dcm", 1},
    {"dcm2pnm", "", "pydicom/OBXXXX1A_rle.dcm", 1},
    {"dcm2pnm", "", "pydicom/OT-PAL-8-face.dcm", 1},
    {"dcm2pnm", "", "pydicom/SC_rgb.dcm", 0},
    {"dcm2pnm", "", "pydicom/SC_rgb_16bit.dcm", 1},
    {"dcm2pnm", "", "pydicom/SC_rgb_rle_32bit.dcm", 1},
    {"dcm2pnm", "", "pydicom/SC_ybr_full_uncompressed.dcm", 2},
    {"dcm2pnm", "", "pydicom/SC_ybr_full_422_uncompressed.dcm", 2},
    {"dcm2pnm", "", "pydicom/color-pl.dcm", 0},
    {"dcm2pnm", "", "pydicom/color-px.dcm", 0},
    {"dcmj2pnm", "", "pydicom/SC_rgb_dcmtk_+eb+cr.dcm", 1},
    {"dcmj2pnm", "", "pydicom/SC_rgb_dcmtk_+eb+cy+n1.dcm", 1},
    {"dcmj2pnm", "", "pydicom/SC_rgb_dcmtk_+eb+cy+s4.dcm", 1},
    {"dcmj2pnm", "", "pydicom/SC_rgb_jpeg_gdcm.dcm", 0},
    {"dcmj2pnm", "", "pydicom/SC_rgb_small_odd_jpeg.dcm", 1},
    {"dcm2pnm", "+Wi 1", "wg04/RLE/MR1_RLE", 1},
    {"dcmj2pnm", "+Wi 1", "wg04/JPLY/MR1_JPLY", 1},
    {"dcmj2pnm", "+Wi 1", "wg04/JPLL/MR4_JPLL", 1},
    {"dcml2pnm", "+Wi 1", "wg04/JLSN/CT2_JLSN", 1},
};

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

/* The program's picture as binary PNM; *channels is 1 or 3. */
static uint8_t *run_program(const struct comparison *c, int *width, int *height, int *channels)
{
    char path[4096], below[512], command[8192];
    int kind = 0, largest = 0;
    snprintf(below, sizeof below, "dicom/%s", c->name);
    shared_data(path, sizeof path, below);
    snprintf(command, sizeof command, "%s --write-raw-pnm %s '%s' 2>/dev/null", c->program,
             c->options, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    if (fscanf(pipe, "P%d %d %d %d", &kind, width, height, &largest) != 4 || largest != 255)
        fail_msg("%s made no picture of %s", c->program, c->name);
    fgetc(pipe);
    *channels = kind == 6 ? 3 : 1;
    size_t size = (size_t)*width * (size_t)*height * (size_t)*channels;
    uint8_t *pixels = malloc(size);
    assert_non_null(pixels);
    assert_int_equal(fread(pixels, 1, size, pipe), size);
    pclose(pipe);
    return pixels;
}

static void compare(const struct comparison *c)
{
    int width, height, channels;
    uint8_t *theirs = run_program(c, &width, &height, &channels);
    test_file file;
    kin_error err = {0};
    kin_raster ours;
    kin_dicom *dicom = test_dicom_open(c->name, &file);
    if (kin_dicom_render(dicom, 0, &ours, &err) != KIN_OK)
        fail_msg("%s: %s", c->name, err.message);
    assert_int_equal(ours.width, width);
    assert_int_equal(ours.height, height);
    assert_int_equal(ours.channels, channels);
    double largest = 0;
    for (size_t i = 0; i < (size_t)width * (size_t)height * (size_t)channels; i++)
        largest = fmax(largest, fabs((double)ours.px[i] * 255 - theirs[i]));
    if (largest > c->largest + 0.1)
        fail_msg("%s differs from %s by %.3f levels", c->name, c->program, largest);
    kin_raster_release(&ours);
    kin_dicom_close(dicom);
    test_file_free(&file);
    free(theirs);
}

static void pictures_agree(void **state)
{
    (void)state;
    if (system("dcm2pnm --version >/dev/null 2>&1") != 0) {
        print_message("skipped: dcm2pnm (package dcmtk) is not installed\n");
        skip();
    }
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
        compare(&comparisons[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pictures_agree)};
    return cmocka_run_group_tests(tests, prepare, NULL);
}
