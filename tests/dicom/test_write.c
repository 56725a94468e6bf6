/* The writer: what it writes is read back, in every syntax; and headers as they are described. */
#include <math.h>
#include <string.h>

#include "dicom_files.h"
#include "made_files.h"
#include "shared_data.h"

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

enum { ROWS = 16, COLUMNS = 24, FRAMES = 3, PIXELS = ROWS * COLUMNS };

/* A ramp with a pattern on it, smooth enough for a lossy codec. */
static void fill(uint16_t *pixels, size_t count, unsigned mask)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint16_t)((i * 5 + (i / 7) * 3) & mask);
}

static void grey_frames_come_back(void **state)
{
    (void)state;
    static uint16_t pixels[FRAMES * PIXELS];
    fill(pixels, FRAMES * PIXELS, 0xfff);
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_JPEG_LS; syntax++) {
        if (syntax == KIN_DICOM_JPEG)
            continue;
        made m = made_open((kin_dicom_new){.syntax = (kin_dicom_syntax)syntax,
                                           .pixels = pixels,
                                           .pixels_size = sizeof pixels,
                                           .rows = ROWS,
                                           .columns = COLUMNS,
                                           .frames = FRAMES,
                                           .bits_allocated = 16,
                                           .bits_stored = 12});
        assert_int_equal(kin_dicom_header_borrow(m.dicom)->frames, FRAMES);
        for (int frame = 0; frame < FRAMES; frame++) {
            kin_samples samples = test_samples(m.dicom, frame, "written");
            assert_int_equal(samples.size, 2 * PIXELS);
            assert_memory_equal(samples.data, pixels + frame * PIXELS, 2 * PIXELS);
            free(samples.data);
        }
        made_close(&m);
    }
}

static void signed_samples_come_back(void **state)
{
    (void)state;
    static int16_t pixels[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (int16_t)(i * 171 - 32768);
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_JPEG_LS; syntax++) {
        if (syntax == KIN_DICOM_JPEG)
            continue;
        made m = made_open((kin_dicom_new){.syntax = (kin_dicom_syntax)syntax,
                                           .pixels = pixels,
                                           .pixels_size = sizeof pixels,
                                           .rows = ROWS,
                                           .columns = COLUMNS,
                                           .bits_allocated = 16,
                                           .is_signed = true});
        kin_samples samples = test_samples(m.dicom, 0, "written");
        assert_int_equal(samples.type, KIN_SAMPLE_S16);
        assert_memory_equal(samples.data, pixels, sizeof pixels);
        free(samples.data);
        made_close(&m);
    }
}

static void colour_comes_back(void **state)
{
    (void)state;
    static uint8_t pixels[3 * PIXELS];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 7 + i / 3);
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_JPEG_LS; syntax++)
        for (int planar = 0; planar < 2; planar++) {
            if (syntax == KIN_DICOM_JPEG)
                continue;
            made m = made_open((kin_dicom_new){.syntax = (kin_dicom_syntax)syntax,
                                               .pixels = pixels,
                                               .pixels_size = sizeof pixels,
                                               .rows = ROWS,
                                               .columns = COLUMNS,
                                               .samples_per_pixel = 3,
                                               .planar = planar != 0});
            kin_samples samples = test_samples(m.dicom, 0, "written");
            assert_int_equal(samples.size, sizeof pixels);
            for (size_t i = 0; i < sizeof pixels; i++) {
                size_t from = planar ? i % 3 * PIXELS + i / 3 : i;
                assert_int_equal(((uint8_t *)samples.data)[i], pixels[from]);
            }
            free(samples.data);
            made_close(&m);
        }
}

/* Quality 100 of a smooth ramp: within two levels of 8 or 12 bits, in colour (4:2:2) within
 * four. */
static void lossy_jpeg_is_close(void **state)
{
    (void)state;
    static uint8_t grey[PIXELS], colour[3 * PIXELS];
    static uint16_t deep[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
        grey[i] = (uint8_t)(i % COLUMNS * 8 + i / COLUMNS * 3);
        deep[i] = (uint16_t)(i % COLUMNS * 120 + i / COLUMNS * 40);
        for (int c = 0; c < 3; c++)
            colour[3 * i + c] = (uint8_t)(100 + i % COLUMNS * 2 + c * 20);
    }
    kin_dicom_new specs[3] = {
        {.pixels = grey, .pixels_size = sizeof grey},
        {.pixels = deep, .pixels_size = sizeof deep, .bits_allocated = 16, .bits_stored = 12},
        {.pixels = colour, .pixels_size = sizeof colour, .samples_per_pixel = 3},
    };
    static const double largest[3] = {2, 2, 4};
    for (int k = 0; k < 3; k++) {
        specs[k].syntax = KIN_DICOM_JPEG;
        specs[k].rows = ROWS;
        specs[k].columns = COLUMNS;
        specs[k].jpeg_quality = 100;
        made m = made_open(specs[k]);
        if (k < 2) {
            kin_samples samples = test_samples(m.dicom, 0, "JPEG");
            for (size_t i = 0; i < PIXELS; i++) {
                double expected = k == 0 ? grey[i] : deep[i];
                assert_true(fabs(test_sample(&samples, i) - expected) <= largest[k]);
            }
            free(samples.data);
        } else {
            double expected[3 * PIXELS];
            for (size_t i = 0; i < 3 * PIXELS; i++)
                expected[i] = colour[i] / 255.0;
            made_expect(&m, 0, expected, 3 * PIXELS, largest[k] / 255);
        }
        made_close(&m);
    }
}

static void bytes_are_the_same_each_time(void **state)
{
    (void)state;
    static uint16_t pixels[PIXELS];
    fill(pixels, PIXELS, 0xff);
    for (int syntax = KIN_DICOM_EXPLICIT_LE; syntax <= KIN_DICOM_JPEG_LS; syntax++) {
        kin_dicom_new spec = {.syntax = (kin_dicom_syntax)syntax,
                              .sop_class_uid = TEST_SC_CLASS,
                              .sop_instance_uid = "1.2.3",
                              .pixels = pixels,
                              .pixels_size = sizeof pixels,
                              .rows = ROWS,
                              .columns = COLUMNS,
                              .bits_allocated = 16,
                              .bits_stored = 8};
        void *a, *b;
        size_t a_size, b_size;
        assert_int_equal(kin_dicom_write_memory(&spec, &a, &a_size, NULL), KIN_OK);
        assert_int_equal(kin_dicom_write_memory(&spec, &b, &b_size, NULL), KIN_OK);
        assert_int_equal(a_size, b_size);
        assert_memory_equal(a, b, a_size);
        free(a);
        free(b);
    }
}

static const char *attribute(const kin_dicom_header *h, const char *name)
{
    for (size_t i = 0; i < h->attribute_count; i++)
        if (strcmp(h->attributes[i].name, name) == 0)
            return h->attributes[i].value;
    return NULL;
}

static void headers_are_described(void **state)
{
    (void)state;
    const kin_dicom_new_attribute list[] = {
        {"SpecificCharacterSet", NULL, "ISO_IR 100", NULL, 0},
        {"ImageType", NULL, "ORIGINAL\\PRIMARY\\AXIAL", NULL, 0},
        {"StudyDate", NULL, "20240229", NULL, 0},
        {"StudyTime", NULL, "101112.5", NULL, 0},
        {"AccessionNumber", NULL, "A1", NULL, 0},
        {"Modality", NULL, "CT", NULL, 0},
        {"Manufacturer", NULL, "M\374ller ", NULL, 0},
        {"InstitutionName", NULL, "", NULL, 0},
        {"SeriesDescription", NULL, "Sch\344del", NULL, 0},
        {"PatientName", NULL, "Secret^Name", NULL, 0},
        {"PatientID", NULL, "P-17", NULL, 0},
        {"PatientBirthDate", NULL, "19700101", NULL, 0},
        {"PatientSex", NULL, "F", NULL, 0},
        {"PatientAge", NULL, "053Y", NULL, 0},
        {"BodyPartExamined", NULL, "HEAD", NULL, 0},
        {"KVP", NULL, "120", NULL, 0},
        {"ViewPosition", NULL, "MLO", NULL, 0},
        {"StudyInstanceUID", NULL, "1.2.3", NULL, 0},
        {"SeriesInstanceUID", NULL, "1.2.3.4", NULL, 0},
        {"InstanceNumber", NULL, "7", NULL, 0},
        {"WindowCenter", NULL, "40\\600", NULL, 0},
        {"AnatomicRegionSequence[0].CodeMeaning", NULL, "Brain", NULL, 0},
    };
    static const uint8_t pixels[6] = {0};
    made m = made_open((kin_dicom_new){.sop_class_uid = TEST_CT_CLASS,
                                       ATTRIBUTES(list),
                                       .pixels = pixels,
                                       .pixels_size = 6,
                                       .rows = 2,
                                       .columns = 3});
    const kin_dicom_header *h = kin_dicom_header_borrow(m.dicom);
    assert_int_equal(h->kind, KIN_DICOM_IMAGE);
    assert_string_equal(h->kind_reason, "CT Image");
    assert_string_equal(h->sop_class_uid, TEST_CT_CLASS);
    assert_string_equal(h->sop_instance_uid, "1.2.3.4.5.6");
    assert_string_equal(h->study_instance_uid, "1.2.3");
    assert_string_equal(h->series_instance_uid, "1.2.3.4");
    assert_string_equal(h->transfer_syntax_uid, "1.2.840.10008.1.2.1");
    assert_string_equal(h->patient_id, "P-17");
    assert_string_equal(h->modality, "CT");
    assert_string_equal(h->body_part, "HEAD");
    assert_string_equal(h->study_date, "20240229");
    assert_string_equal(attribute(h, "manufacturer"), "Müller");
    assert_string_equal(attribute(h, "series_description"), "Schädel");
    assert_string_equal(attribute(h, "image_type"), "ORIGINAL\\PRIMARY\\AXIAL");
    assert_string_equal(attribute(h, "accession_number"), "A1");
    assert_string_equal(attribute(h, "study_time"), "101112.5");
    assert_string_equal(attribute(h, "patient_sex"), "F");
    assert_string_equal(attribute(h, "patient_age"), "053Y");
    assert_string_equal(attribute(h, "kvp"), "120");
    assert_string_equal(attribute(h, "view_position"), "MLO");
    assert_string_equal(attribute(h, "instance_number"), "7");
    assert_string_equal(attribute(h, "window_center"), "40\\600");
    assert_string_equal(attribute(h, "anatomic_region"), "Brain");
    assert_string_equal(attribute(h, "sop_class"), "CT Image");
    assert_string_equal(attribute(h, "transfer_syntax"), "Explicit VR Little Endian");
    assert_string_equal(attribute(h, "photometric_interpretation"), "MONOCHROME2");
    assert_null(attribute(h, "institution_name")); /* empty: not listed */
    for (size_t i = 0; i < h->attribute_count; i++) {
        assert_null(strstr(h->attributes[i].value, "Secret"));
        assert_null(strstr(h->attributes[i].value, "1970"));
    }
    made_close(&m);
}

static void kinds_follow_the_class(void **state)
{
    (void)state;
    static const struct {
        const char *uid;
        kin_dicom_kind kind;
        const char *reason;
    } classes[] = {
        {"1.2.840.10008.5.1.4.1.1.88.11", KIN_DICOM_NO_PIXELS, "Basic Text SR"},
        {"1.2.840.10008.5.1.4.1.1.481.3", KIN_DICOM_NO_PIXELS, "RT Structure Set"},
        {"1.2.840.10008.5.1.4.1.1.481.5", KIN_DICOM_NO_PIXELS, "RT Plan"},
        {"1.2.840.10008.5.1.4.1.1.11.1", KIN_DICOM_NO_PIXELS,
         "Grayscale Softcopy Presentation State"},
        {"1.2.840.10008.5.1.4.1.1.88.59", KIN_DICOM_NO_PIXELS, "Key Object Selection Document"},
        {"1.2.840.10008.5.1.4.1.1.104.1", KIN_DICOM_NO_PIXELS, "Encapsulated PDF"},
        {"1.2.3.4", KIN_DICOM_NO_PIXELS, "No pixel data"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        kin_raster raster;
        kin_samples samples;
        made m = made_open((kin_dicom_new){.sop_class_uid = classes[i].uid});
        const kin_dicom_header *h = kin_dicom_header_borrow(m.dicom);
        assert_int_equal(h->kind, classes[i].kind);
        assert_string_equal(h->kind_reason, classes[i].reason);
        assert_int_equal(kin_dicom_render(m.dicom, 0, &raster, NULL), KIN_E_NO_IMAGE);
        assert_int_equal(kin_dicom_read_samples(m.dicom, 0, &samples, NULL), KIN_E_NO_IMAGE);
        made_close(&m);
    }
    static const uint8_t pixels[1] = {0};
    made m = made_open((kin_dicom_new){.sop_class_uid = "1.2.840.10008.5.1.4.1.1.66.4",
                                       .pixels = pixels,
                                       .pixels_size = 1,
                                       .rows = 1,
                                       .columns = 1});
    assert_int_equal(kin_dicom_header_borrow(m.dicom)->kind, KIN_DICOM_ANNOTATION);
    made_close(&m);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const uint8_t pixels[12] = {0};
    const kin_dicom_new_attribute unknown[] = {{"NoSuchKeyword", NULL, "x", NULL, 0}};
    const kin_dicom_new_attribute to_sequence[] = {
        {"AnatomicRegionSequence.CodeMeaning", NULL, "x", NULL, 0}};
    const kin_dicom_new bad[] = {
        {.sop_class_uid = NULL},
        {.pixels = pixels, .pixels_size = 11, .rows = 3, .columns = 4},
        {.pixels = pixels, .pixels_size = 12, .rows = 0, .columns = 4},
        {.pixels = pixels, .pixels_size = 12, .rows = 3, .columns = 2, .samples_per_pixel = 2},
        {.pixels = pixels, .pixels_size = 12, .rows = 3, .columns = 4, .bits_stored = 9},
        {.pixels = pixels,
         .pixels_size = 12,
         .rows = 3,
         .columns = 1,
         .bits_allocated = 32,
         .syntax = KIN_DICOM_JPEG_LS},
        {ATTRIBUTES(unknown)},
        {ATTRIBUTES(to_sequence)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_dicom_new spec = bad[i];
        kin_error err = {0};
        void *bytes = NULL;
        size_t size;
        if (i > 0)
            spec.sop_class_uid = TEST_SC_CLASS;
        spec.sop_instance_uid = "1.2.3";
        assert_int_equal(kin_dicom_write_memory(&spec, &bytes, &size, &err), KIN_E_ARG);
        assert_true(err.message[0] != '\0');
        assert_null(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_frames_come_back),
        cmocka_unit_test(signed_samples_come_back),
        cmocka_unit_test(colour_comes_back),
        cmocka_unit_test(lossy_jpeg_is_close),
        cmocka_unit_test(bytes_are_the_same_each_time),
        cmocka_unit_test(headers_are_described),
        cmocka_unit_test(kinds_follow_the_class),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
