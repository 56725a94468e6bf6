/* Display values computed by hand from the formulas of PS3.3: Hounsfield units, windows, lookup
 * tables, MONOCHROME1, padding, palettes, colour, functional groups, floating-point pixels,
 * spacing. */
#include <math.h>
#include <string.h>

#include "dicom/palette.h"
#include "dicom/voi.h"
#include "dicom_files.h"
#include "made_files.h"
#include "shared_data.h"

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

/* CT_small: slope 1, intercept -1024.  Its first stored pixels are, in the file's bytes, af 00, b4
 * 00, a6 00 (175, 180, 166). */
static void hounsfield_units_of_a_ct(void **state)
{
    (void)state;
    test_file file;
    kin_error err = {0};
    float *values = malloc(128 * 128 * sizeof *values);
    kin_dicom *dicom = test_dicom_open("pydicom/CT_small.dcm", &file);
    kin_samples samples = test_samples(dicom, 0, "CT_small.dcm");
    assert_int_equal(samples.type, KIN_SAMPLE_S16);
    assert_int_equal(kin_dicom_read_values(dicom, 0, values, &err), KIN_OK);
    assert_true(test_sample(&samples, 0) == 175 && values[0] == -849);
    assert_true(test_sample(&samples, 1) == 180 && values[1] == -844);
    assert_true(test_sample(&samples, 2) == 166 && values[2] == -858);
    free(values);
    free(samples.data);
    kin_dicom_close(dicom);
    test_file_free(&file);
}

static const kin_dicom_new_attribute ct_rescale[] = {
    {"Modality", NULL, "CT", NULL, 0},
    {"RescaleIntercept", NULL, "-1024", NULL, 0},
    {"RescaleSlope", NULL, "1", NULL, 0},
};

/* Without a window CT is shown from -160 to 240 HU: LINEAR with center 40 and width 400, which
 * begins at 39.5 - 199.5 = -160 and ends at 39.5 + 199.5 = 239. */
static void ct_has_a_soft_tissue_default(void **state)
{
    (void)state;
    const uint16_t stored[6] = {0, 1024 - 160, 1024 - 159, 1024 + 40, 1024 + 239, 3000};
    const double expected[6] = {0, 0, 1 / 399.0, 200 / 399.0, 1, 1};
    made m = made_open((kin_dicom_new){.sop_class_uid = TEST_CT_CLASS,
                                       ATTRIBUTES(ct_rescale),
                                       .pixels = stored,
                                       .pixels_size = sizeof stored,
                                       .rows = 2,
                                       .columns = 3,
                                       .bits_allocated = 16,
                                       .bits_stored = 12});
    made_expect(&m, 0, expected, 6, 1e-6);
    made_close(&m);
}

/* A picture of 1 x n 16-bit signed values with a window. */
static made windowed(const int16_t *stored, int n, const char *center, const char *width,
                     const char *function)
{
    const kin_dicom_new_attribute attributes[] = {
        {"WindowCenter", NULL, center, NULL, 0},
        {"WindowWidth", NULL, width, NULL, 0},
        {"VOILUTFunction", NULL, function, NULL, 0},
    };
    return made_open((kin_dicom_new){ATTRIBUTES(attributes), .pixels = stored,
                                     .pixels_size = (size_t)n * 2, .rows = 1, .columns = n,
                                     .bits_allocated = 16, .is_signed = true});
}

/* The example of PS3.3 C.11.2.1.2.1: c 2048, w 4096: black up to 0, white above 4095, and
 * x / 4095 in between. */
static void linear_windows(void **state)
{
    (void)state;
    const int16_t stored[5] = {-1, 0, 1, 2048, 4095};
    const double expected[5] = {0, 0, 1 / 4095.0, 2048 / 4095.0, 1};
    made m = windowed(stored, 5, "2048", "4096", NULL);
    made_expect(&m, 0, expected, 5, 1e-6);
    made_close(&m);
    /* c 0, w 100: from -50 to 49; at 0 it is (0 + 0.5) / 99 + 0.5. */
    const int16_t around[4] = {-50, 0, 49, 50};
    const double grey[4] = {0, 0.5 / 99 + 0.5, 1, 1};
    m = windowed(around, 4, "0", "100", "LINEAR");
    made_expect(&m, 0, grey, 4, 1e-6);
    made_close(&m);
    /* c 0, w 1: a step above -0.5. */
    const double step[4] = {0, 1, 1, 1};
    m = windowed(around, 4, "0", "1", "LINEAR");
    made_expect(&m, 0, step, 4, 0);
    made_close(&m);
    /* Of several windows the first counts. */
    m = windowed(around, 4, "0\\1000", "100\\1", NULL);
    made_expect(&m, 0, grey, 4, 1e-6);
    made_close(&m);
}

/* LINEAR_EXACT, C.11.2.1.3.2: c 0, w 100: (x - c) / w + 0.5 from -50 to 50. */
static void linear_exact_windows(void **state)
{
    (void)state;
    const int16_t stored[5] = {-51, -50, 0, 25, 50};
    const double expected[5] = {0, 0, 0.5, 0.75, 1};
    made m = windowed(stored, 5, "0", "100", "LINEAR_EXACT");
    made_expect(&m, 0, expected, 5, 1e-6);
    made_close(&m);
}

/* SIGMOID, C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)). */
static void sigmoid_windows(void **state)
{
    (void)state;
    const int16_t stored[3] = {-75, 25, 125};
    const double expected[3] = {1 / (1 + exp(4.0)), 0.5, 0.98201379003790845};
    made m = windowed(stored, 3, "25", "100", "SIGMOID");
    made_expect(&m, 0, expected, 3, 1e-6);
    made_close(&m);
}

/* A width that is not allowed counts as none: the percentiles of five different values are the
 * lowest (at rank 0.02) and the one before the highest (rank 3.98, cut to 3). */
static void bad_windows_are_ignored(void **state)
{
    (void)state;
    const int16_t stored[5] = {0, 10, 20, 30, 40};
    const double expected[5] = {0, 1 / 3.0, 2 / 3.0, 1, 1};
    made m = windowed(stored, 5, "20", "0", NULL);
    made_expect(&m, 0, expected, 5, 1e-6);
    made_close(&m);
    m = windowed(stored, 5, "20", "-3", "SIGMOID");
    made_expect(&m, 0, expected, 5, 1e-6);
    made_close(&m);
}

/* 1,000 values 0 to 999: the 0.5th percentile is at rank 4.995 (4), the 99.5th at 994.005 (994). */
static void percentiles_are_the_default(void **state)
{
    (void)state;
    static uint16_t stored[1000];
    static double expected[1000];
    for (int i = 0; i < 1000; i++) {
        int v = i * 7 % 1000; /* all of 0 … 999, out of order */
        stored[i] = (uint16_t)v;
        expected[i] = v <= 4 ? 0 : v >= 994 ? 1 : (v - 4) / 990.0;
    }
    made m = made_open((kin_dicom_new){.pixels = stored,
                                       .pixels_size = sizeof stored,
                                       .rows = 10,
                                       .columns = 100,
                                       .bits_allocated = 16});
    made_expect(&m, 0, expected, 1000, 1e-6);
    made_close(&m);
}

/* The same of 32-bit samples, of 16-bit ones with a negative slope, and through a modality LUT that
 * turns the order of its inputs around: by another way, with the same ranks. */
static void percentiles_by_other_ways(void **state)
{
    (void)state;
    static uint32_t wide[1000];
    static uint16_t narrow[1000];
    static unsigned short falling[1000];
    static double expected[1000], inverse[1000];
    static const unsigned short descriptor[3] = {1000, 0, 16};
    for (int i = 0; i < 1000; i++) {
        int v = i * 7 % 1000;
        wide[i] = (uint32_t)v * 4000000;
        narrow[i] = (uint16_t)v;
        falling[i] = (unsigned short)(999 - i);
        expected[i] = v <= 4 ? 0 : v >= 994 ? 1 : (v - 4) / 990.0;
        v = 999 - v;
        inverse[i] = v <= 4 ? 0 : v >= 994 ? 1 : (v - 4) / 990.0;
    }
    made m = made_open((kin_dicom_new){.pixels = wide,
                                       .pixels_size = sizeof wide,
                                       .rows = 10,
                                       .columns = 100,
                                       .bits_allocated = 32});
    made_expect(&m, 0, expected, 1000, 1e-6);
    made_close(&m);
    const kin_dicom_new_attribute slope[] = {
        {"RescaleIntercept", NULL, "999", NULL, 0},
        {"RescaleSlope", NULL, "-1", NULL, 0},
    };
    m = made_open((kin_dicom_new){ATTRIBUTES(slope), .pixels = narrow, .pixels_size = sizeof narrow,
                                  .rows = 10, .columns = 100, .bits_allocated = 16});
    made_expect(&m, 0, inverse, 1000, 1e-6);
    made_close(&m);
    const kin_dicom_new_attribute table[] = {
        {"ModalityLUTSequence[0].LUTDescriptor", "US", NULL, descriptor, 3},
        {"ModalityLUTSequence[0].LUTData", "US", NULL, falling, 1000},
    };
    m = made_open((kin_dicom_new){ATTRIBUTES(table), .pixels = narrow, .pixels_size = sizeof narrow,
                                  .rows = 10, .columns = 100, .bits_allocated = 16});
    made_expect(&m, 0, inverse, 1000, 1e-6);
    made_close(&m);
}

static void monochrome1_is_inverted(void **state)
{
    (void)state;
    const kin_dicom_new_attribute window[] = {
        {"WindowCenter", NULL, "128", NULL, 0},
        {"WindowWidth", NULL, "256", NULL, 0},
    };
    const uint8_t stored[4] = {0, 51, 204, 255};
    const double expected[4] = {1, 0.8, 0.2, 0};
    made m = made_open((kin_dicom_new){ATTRIBUTES(window), .pixels = stored, .pixels_size = 4,
                                       .rows = 2, .columns = 2, .photometric = "MONOCHROME1"});
    made_expect(&m, 0, expected, 4, 1e-6);
    made_close(&m);
}

/* Padding is black, also where small values are white, and does not count for the percentiles. */
static void padding_is_black(void **state)
{
    (void)state;
    const kin_dicom_new_attribute padded[] = {
        {"PixelPaddingValue", "SS", "-2000", NULL, 0},
        {"PixelPaddingRangeLimit", "SS", "-1990", NULL, 0},
    };
    const int16_t stored[6] = {-2000, -1995, -1990, 0, 50, 100};
    /* Of 0, 50, 100 the ranks are 0.01 and 1.99, cut to 0 and 1: from 0 to 50. */
    const double expected[6] = {0, 0, 0, 1, 0, 0};
    made m = made_open((kin_dicom_new){
        ATTRIBUTES(padded), .pixels = stored, .pixels_size = sizeof stored, .rows = 1, .columns = 6,
        .bits_allocated = 16, .is_signed = true, .photometric = "MONOCHROME1"});
    made_expect(&m, 0, expected, 6, 1e-6);
    made_close(&m);
    /* The same value coded as unsigned: 63536 is -2000. */
    const kin_dicom_new_attribute as_unsigned[] = {{"PixelPaddingValue", "US", "63536", NULL, 0}};
    const int16_t other[4] = {-2000, 0, 50, 100};
    const double grey[4] = {0, 0, 1, 1};
    m = made_open((kin_dicom_new){ATTRIBUTES(as_unsigned), .pixels = other,
                                  .pixels_size = sizeof other, .rows = 1, .columns = 4,
                                  .bits_allocated = 16, .is_signed = true});
    made_expect(&m, 0, grey, 4, 1e-6);
    made_close(&m);
}

/* Stored bits above or below the others: 12 stored bits with high bit 13 lie in bits 2 to 13. */
static void stored_bits_are_cut_out(void **state)
{
    (void)state;
    const kin_dicom_new_attribute shifted[] = {{"HighBit", "US", "13", NULL, 0}};
    const uint16_t cells[3] = {0xc000 | 5 << 2 | 3, 0x7ff << 2, 0x800 << 2};
    made m = made_open((kin_dicom_new){ATTRIBUTES(shifted), .pixels = cells,
                                       .pixels_size = sizeof cells, .rows = 1, .columns = 3,
                                       .bits_allocated = 16, .bits_stored = 12, .is_signed = true});
    kin_samples samples = test_samples(m.dicom, 0, "shifted");
    assert_true(test_sample(&samples, 0) == 5);
    assert_true(test_sample(&samples, 1) == 2047);
    assert_true(test_sample(&samples, 2) == -2048);
    free(samples.data);
    made_close(&m);
}

/* Modality LUT: four entries for inputs from 10 on; VOI LUT on its outputs, from 100 on. */
static void lookup_tables(void **state)
{
    (void)state;
    static const unsigned short modality_descriptor[3] = {4, 10, 16};
    static const unsigned short modality_data[4] = {100, 101, 102, 110};
    static const unsigned short voi_descriptor[3] = {3, 100, 8};
    static const unsigned short voi_data[3] = {0, 51, 255};
    const kin_dicom_new_attribute tables[] = {
        {"ModalityLUTSequence[0].LUTDescriptor", "US", NULL, modality_descriptor, 3},
        {"ModalityLUTSequence[0].ModalityLUTType", NULL, "US", NULL, 0},
        {"ModalityLUTSequence[0].LUTData", "US", NULL, modality_data, 4},
        {"VOILUTSequence[0].LUTDescriptor", "US", NULL, voi_descriptor, 3},
        {"VOILUTSequence[0].LUTData", "US", NULL, voi_data, 3},
        {"WindowCenter", NULL, "1", NULL, 0}, /* the table goes before the window */
        {"WindowWidth", NULL, "1", NULL, 0},
    };
    const uint8_t stored[5] = {0, 10, 11, 12, 200};
    const float values_expected[5] = {100, 100, 101, 102, 110};
    const double expected[5] = {0, 0, 0.2, 1, 1};
    made m = made_open((kin_dicom_new){ATTRIBUTES(tables), .pixels = stored, .pixels_size = 5,
                                       .rows = 1, .columns = 5});
    float values[5];
    assert_int_equal(kin_dicom_read_values(m.dicom, 0, values, NULL), KIN_OK);
    assert_memory_equal(values, values_expected, sizeof values);
    made_expect(&m, 0, expected, 5, 1e-6);
    made_close(&m);
}

/* The test images of IHE's MESA project: mlut_18 has a modality LUT of 4,096 entries from -2,048
 * on; vlut_04 a VOI LUT.  Tables and formula are followed here by reading the file's own words. */
static void lookup_tables_of_real_files(void **state)
{
    (void)state;
    test_file file;
    kin_dicom *dicom = test_dicom_open("pydicom/mlut_18.dcm", &file);
    kin_samples samples = test_samples(dicom, 0, "mlut_18.dcm");
    float *values = malloc(512 * 512 * sizeof *values);
    assert_int_equal(kin_dicom_read_values(dicom, 0, values, NULL), KIN_OK);
    /* (0028,3006) US or OW in explicit little endian: find its value. */
    static const uint8_t tag[4] = {0x28, 0x00, 0x06, 0x30};
    const uint8_t *data = memmem(file.bytes, file.size, tag, 4);
    assert_non_null(data);
    const uint8_t *words = data[4] == 'O' ? data + 12 : data + 8;
    for (size_t i = 0; i < 512 * 512; i += 97) {
        long at = (long)test_sample(&samples, i) + 2048;
        assert_true(at >= 0 && at < 4096);
        assert_true(values[i] == (float)(words[2 * at] | words[2 * at + 1] << 8));
    }
    free(values);
    free(samples.data);
    kin_dicom_close(dicom);
    test_file_free(&file);
}

static void palettes(void **state)
{
    (void)state;
    static const unsigned short descriptor[3] = {4, 0, 16};
    static const unsigned short red[4] = {0, 0xffff, 0, 0x8000};
    static const unsigned short green[4] = {0, 0, 0xffff, 0x4000};
    static const unsigned short blue[4] = {0, 0, 0, 0xffff};
    const kin_dicom_new_attribute tables[] = {
        {"RedPaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"GreenPaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"BluePaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"RedPaletteColorLookupTableData", "OW", NULL, red, 4},
        {"GreenPaletteColorLookupTableData", "OW", NULL, green, 4},
        {"BluePaletteColorLookupTableData", "OW", NULL, blue, 4},
    };
    const uint8_t stored[4] = {0, 1, 2, 250}; /* beyond the table: its last entry */
    const double expected[12] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0x8000 / 65535.0, 0x4000 / 65535.0, 1};
    made m = made_open((kin_dicom_new){ATTRIBUTES(tables), .pixels = stored, .pixels_size = 4,
                                       .rows = 2, .columns = 2, .photometric = "PALETTE COLOR"});
    made_expect(&m, 0, expected, 12, 1e-6);
    made_close(&m);
}

/* Two 8-bit entries in a word, the first in its low byte. */
static void packed_palettes(void **state)
{
    (void)state;
    static const unsigned short descriptor[3] = {4, 0, 8};
    static const unsigned short ramp[2] = {0x5500, 0xffaa};
    const kin_dicom_new_attribute tables[] = {
        {"RedPaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"GreenPaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"BluePaletteColorLookupTableDescriptor", "US", NULL, descriptor, 3},
        {"RedPaletteColorLookupTableData", "OW", NULL, ramp, 2},
        {"GreenPaletteColorLookupTableData", "OW", NULL, ramp, 2},
        {"BluePaletteColorLookupTableData", "OW", NULL, ramp, 2},
    };
    const uint8_t stored[4] = {0, 1, 2, 3};
    double expected[12];
    for (int i = 0; i < 12; i++)
        expected[i] = i / 3 / 3.0;
    made m = made_open((kin_dicom_new){ATTRIBUTES(tables), .pixels = stored, .pixels_size = 4,
                                       .rows = 2, .columns = 2, .photometric = "PALETTE COLOR"});
    made_expect(&m, 0, expected, 12, 1e-6);
    made_close(&m);
}

/* Segments (PS3.3 C.7.9.2): three entries, a line of four up to 110, then both once more. */
static void segmented_palettes(void **state)
{
    (void)state;
    static const uint16_t units[] = {0, 3, 5, 6, 70, 1, 4, 110, 2, 2, 0, 0};
    static const uint16_t expected[14] = {5, 6, 70, 80, 90, 100, 110, 5, 6, 70, 80, 90, 100, 110};
    uint16_t entries[14];
    assert_true(kin_dicom_palette_expand(units, 12, 2, entries, 14));
    assert_memory_equal(entries, expected, sizeof expected);
    assert_false(kin_dicom_palette_expand(units, 8, 2, entries, 14));  /* too few */
    assert_false(kin_dicom_palette_expand(units, 11, 2, entries, 14)); /* cut off */
    static const uint16_t line_first[] = {1, 4, 110};
    assert_false(kin_dicom_palette_expand(line_first, 3, 2, entries, 4));
    static const uint16_t to_itself[] = {0, 1, 5, 2, 1, 6, 0};
    assert_false(kin_dicom_palette_expand(to_itself, 7, 2, entries, 4));
    static const uint16_t far_away[] = {0, 1, 5, 2, 1, 60000, 60000};
    assert_false(kin_dicom_palette_expand(far_away, 7, 2, entries, 4));
}

/* Red, green, blue and grey in every coding of colour that has samples of its own. */
static void colours(void **state)
{
    (void)state;
    const double expected[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0.50196, 0.50196, 0.50196};
    const uint8_t rgb[12] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 128, 128, 128};
    const uint8_t planes[12] = {255, 0, 0, 128, 0, 255, 0, 128, 0, 0, 255, 128};
    /* Y = 0.299 R + 0.587 G + 0.114 B, Cb = 128 + (B - Y) / 1.772, Cr = 128 + (R - Y) / 1.402 */
    const uint8_t ybr[12] = {76, 85, 255, 150, 44, 21, 29, 255, 107, 128, 128, 128};
    made m = made_open((kin_dicom_new){
        .pixels = rgb, .pixels_size = 12, .rows = 2, .columns = 2, .samples_per_pixel = 3});
    made_expect(&m, 0, expected, 12, 1e-4);
    made_close(&m);
    m = made_open((kin_dicom_new){.pixels = planes,
                                  .pixels_size = 12,
                                  .rows = 2,
                                  .columns = 2,
                                  .samples_per_pixel = 3,
                                  .planar = true});
    made_expect(&m, 0, expected, 12, 1e-4);
    made_close(&m);
    m = made_open((kin_dicom_new){.pixels = ybr,
                                  .pixels_size = 12,
                                  .rows = 2,
                                  .columns = 2,
                                  .samples_per_pixel = 3,
                                  .photometric = "YBR_FULL"});
    made_expect(&m, 0, expected, 12, 0.008);
    kin_samples samples = test_samples(m.dicom, 0, "YBR_FULL"); /* samples stay as coded */
    assert_memory_equal(samples.data, ybr, 12);
    free(samples.data);
    made_close(&m);
}

/* 4:2:2 holds half as many bytes: the writer cannot make it, so that the pixel data are filled with
 * as much again.  YBR_PARTIAL_422: 16 is black, 235 white, chroma around 128. */
static void partial_range_colours(void **state)
{
    (void)state;
    const uint8_t pairs[12] = {16, 235, 128, 128, 81, 81, 90, 240};
    const double expected[12] = {0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0};
    made m = made_open((kin_dicom_new){.pixels = pairs,
                                       .pixels_size = 12,
                                       .rows = 2,
                                       .columns = 2,
                                       .samples_per_pixel = 3,
                                       .photometric = "YBR_PARTIAL_422"});
    made_expect(&m, 0, expected, 12, 0.01);
    made_close(&m);
}

/* Two frames with their own rescale, window and spacing. */
static void functional_groups(void **state)
{
    (void)state;
    const kin_dicom_new_attribute groups[] = {
        {"SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing", NULL, "2\\3",
         NULL, 0},
        {"PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence[0].RescaleSlope",
         NULL, "2", NULL, 0},
        {"PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence[0].RescaleIntercept",
         NULL, "-10", NULL, 0},
        {"PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0].WindowCenter", NULL, "40",
         NULL, 0},
        {"PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0].WindowWidth", NULL, "100",
         NULL, 0},
        {"PerFrameFunctionalGroupsSequence[0].FrameVOILUTSequence[0].VOILUTFunction", NULL,
         "LINEAR_EXACT", NULL, 0},
        {"PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence[0].PixelSpacing", NULL,
         "0.5\\0.25", NULL, 0},
        {"WindowCenter", NULL, "128", NULL, 0},
        {"WindowWidth", NULL, "256", NULL, 0},
    };
    const uint8_t stored[4] = {0, 50, 51, 255};
    const double first[2] = {0, 1}, second[2] = {0.2, 1}; /* 50 is 90, the window's end */
    made m = made_open((kin_dicom_new){.sop_class_uid = "1.2.840.10008.5.1.4.1.1.4.1",
                                       ATTRIBUTES(groups),
                                       .pixels = stored,
                                       .pixels_size = 4,
                                       .rows = 1,
                                       .columns = 2,
                                       .frames = 2});
    float values[2];
    made_expect(&m, 0, first, 2, 1e-6);
    made_expect(&m, 1, second, 2, 1e-6);
    assert_int_equal(kin_dicom_read_values(m.dicom, 0, values, NULL), KIN_OK);
    assert_true(values[0] == -10 && values[1] == 90);
    assert_int_equal(kin_dicom_read_values(m.dicom, 1, values, NULL), KIN_OK);
    assert_true(values[0] == 51 && values[1] == 255);
    kin_raster raster;
    assert_int_equal(kin_dicom_render(m.dicom, 0, &raster, NULL), KIN_OK);
    assert_true(raster.spacing_y_mm == 2 && raster.spacing_x_mm == 3);
    kin_raster_release(&raster);
    assert_int_equal(kin_dicom_render(m.dicom, 1, &raster, NULL), KIN_OK);
    assert_true(raster.spacing_y_mm == 0.5 && raster.spacing_x_mm == 0.25);
    kin_raster_release(&raster);
    assert_int_equal(kin_dicom_render(m.dicom, 2, &raster, NULL), KIN_E_ARG);
    made_close(&m);
}

static void check_spacing(const kin_dicom_new_attribute *list, size_t count, double x, double y)
{
    const uint8_t stored[1] = {0};
    made m = made_open((kin_dicom_new){.attributes = list,
                                       .attribute_count = count,
                                       .pixels = stored,
                                       .pixels_size = 1,
                                       .rows = 1,
                                       .columns = 1});
    const kin_dicom_header *h = kin_dicom_header_borrow(m.dicom);
    assert_float_equal(h->spacing_x_mm, x, 1e-9);
    assert_float_equal(h->spacing_y_mm, y, 1e-9);
    made_close(&m);
}

static void spacing_has_many_sources(void **state)
{
    (void)state;
    const kin_dicom_new_attribute both[] = {
        {"ImagerPixelSpacing", NULL, "0.2\\0.1", NULL, 0},
        {"PixelSpacing", NULL, "0.4\\0.3", NULL, 0},
    };
    check_spacing(both, 2, 0.3, 0.4);
    check_spacing(both, 1, 0.1, 0.2);
    const kin_dicom_new_attribute ratio[] = {{"PixelAspectRatio", NULL, "4\\3", NULL, 0}};
    check_spacing(ratio, 1, 1, 4 / 3.0);
    const kin_dicom_new_attribute zero[] = {{"PixelSpacing", NULL, "0\\0", NULL, 0}};
    check_spacing(zero, 1, 0, 0);
    const kin_dicom_new_attribute ultrasound[] = {
        {"SequenceOfUltrasoundRegions[0].PhysicalUnitsXDirection", "US", "3", NULL, 0},
        {"SequenceOfUltrasoundRegions[0].PhysicalUnitsYDirection", "US", "3", NULL, 0},
        {"SequenceOfUltrasoundRegions[0].PhysicalDeltaX", "FD", "0.05", NULL, 0},
        {"SequenceOfUltrasoundRegions[0].PhysicalDeltaY", "FD", "-0.04", NULL, 0},
    };
    check_spacing(ultrasound, 4, 0.5, 0.4);
    /* A second region of another scale leaves nothing to say; one of a spectrum does not matter. */
    const kin_dicom_new_attribute regions[] = {
        ultrasound[0],
        ultrasound[1],
        ultrasound[2],
        ultrasound[3],
        {"SequenceOfUltrasoundRegions[1].PhysicalDeltaX", "FD", "0.01", NULL, 0},
        {"SequenceOfUltrasoundRegions[1].PhysicalDeltaY", "FD", "0.01", NULL, 0},
        {"SequenceOfUltrasoundRegions[1].PhysicalUnitsYDirection", "US", "3", NULL, 0},
        {"SequenceOfUltrasoundRegions[1].PhysicalUnitsXDirection", "US", "3", NULL, 0},
    };
    check_spacing(regions, 8, 0, 0);
    check_spacing(regions, 7, 0.5, 0.4);
}

/* 32-bit samples of either sign, in every uncompressed syntax. */
static void wide_samples(void **state)
{
    (void)state;
    const int32_t stored[4] = {-2000000000, -1, 0, 2000000000};
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_DEFLATED; syntax++) {
        made m = made_open((kin_dicom_new){.syntax = (kin_dicom_syntax)syntax,
                                           .pixels = stored,
                                           .pixels_size = sizeof stored,
                                           .rows = 2,
                                           .columns = 2,
                                           .bits_allocated = 32,
                                           .is_signed = true});
        kin_samples samples = test_samples(m.dicom, 0, "wide");
        assert_int_equal(samples.type, KIN_SAMPLE_S32);
        assert_memory_equal(samples.data, stored, sizeof stored);
        free(samples.data);
        made_close(&m);
    }
}

/* A parametric map's pixels are floats: (7FE0,0008).  The writer makes only integer ones, so that
 * the file is put together here: the data set of a file without pixels, and the element behind
 * it. */
static void floating_point_pixels(void **state)
{
    (void)state;
    const kin_dicom_new_attribute shape[] = {
        {"SamplesPerPixel", NULL, "1", NULL, 0},
        {"PhotometricInterpretation", NULL, "MONOCHROME2", NULL, 0},
        {"Rows", NULL, "1", NULL, 0},
        {"Columns", NULL, "4", NULL, 0},
        {"BitsAllocated", NULL, "32", NULL, 0},
        {"WindowCenter", NULL, "0", NULL, 0},
        {"WindowWidth", NULL, "2", NULL, 0},
        {"VOILUTFunction", NULL, "LINEAR_EXACT", NULL, 0},
    };
    const float pixels[4] = {-1, 0.5f, NAN, 1};
    const double expected[4] = {0, 0.75, 0, 1};
    const uint8_t header[12] = {0xe0, 0x7f, 0x08, 0x00, 'O', 'F', 0, 0, 16, 0, 0, 0};
    made m = {0};
    void *head;
    size_t head_size;
    kin_dicom_new spec = {.sop_class_uid = "1.2.840.10008.5.1.4.1.1.30",
                          .sop_instance_uid = "1.2.3",
                          ATTRIBUTES(shape)};
    assert_int_equal(kin_dicom_write_memory(&spec, &head, &head_size, NULL), KIN_OK);
    m.size = head_size + sizeof header + sizeof pixels;
    m.bytes = malloc(m.size);
    memcpy(m.bytes, head, head_size);
    memcpy((char *)m.bytes + head_size, header, sizeof header);
    memcpy((char *)m.bytes + head_size + sizeof header, pixels, sizeof pixels);
    free(head);
    assert_int_equal(kin_dicom_open(m.bytes, m.size, NULL, &m.dicom, NULL), KIN_OK);
    kin_samples samples = test_samples(m.dicom, 0, "float");
    assert_int_equal(samples.type, KIN_SAMPLE_F32);
    assert_memory_equal(samples.data, pixels, sizeof pixels);
    free(samples.data);
    made_expect(&m, 0, expected, 4, 1e-6);
    made_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hounsfield_units_of_a_ct),
        cmocka_unit_test(ct_has_a_soft_tissue_default),
        cmocka_unit_test(linear_windows),
        cmocka_unit_test(linear_exact_windows),
        cmocka_unit_test(sigmoid_windows),
        cmocka_unit_test(bad_windows_are_ignored),
        cmocka_unit_test(percentiles_are_the_default),
        cmocka_unit_test(percentiles_by_other_ways),
        cmocka_unit_test(monochrome1_is_inverted),
        cmocka_unit_test(padding_is_black),
        cmocka_unit_test(stored_bits_are_cut_out),
        cmocka_unit_test(lookup_tables),
        cmocka_unit_test(lookup_tables_of_real_files),
        cmocka_unit_test(palettes),
        cmocka_unit_test(packed_palettes),
        cmocka_unit_test(segmented_palettes),
        cmocka_unit_test(colours),
        cmocka_unit_test(partial_range_colours),
        cmocka_unit_test(functional_groups),
        cmocka_unit_test(spacing_has_many_sources),
        cmocka_unit_test(wide_samples),
        cmocka_unit_test(floating_point_pixels),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
