/* The committed data-samples: what the generator makes, what the manifest says, what Kindred reads. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include <dcmtk/config/osconfig.h>

#include "dicom/dicom.h"
#include "samples_files.h"
#include "shared_data.h"

#define SAMPLES   KIN_TEST_SOURCE_DIR "/data-samples"
#define GENERATOR KIN_TEST_BIN_DIR "/kindred-make-samples"

/* What encoded the committed files; others may pack the same pixels in other bytes. */
#define MADE_WITH_DCMTK "3.6.7"
#define MADE_WITH_ZLIB  "1.2.13"

enum {
    MOST_BYTES = 10 << 20, /* of all the samples */
    SLICE_SIDE = 176,
    TILE_SIDE = 128,
    TILES = 6,
    PATIENTS = 39,
    SYNTAXES = 6
};

static const char *const SYNTAX[SYNTAXES] = {"1.2.840.10008.1.2",      "1.2.840.10008.1.2.1",
                                             "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.70",
                                             "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"};

static samples_table manifest;

static int set_up(void **state)
{
    (void)state;
    samples_table_read(&manifest, SAMPLES "/manifest.csv");
    kin_error err;
    return kin_dicom_prepare(&err) == KIN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    samples_table_release(&manifest);
    return 0;
}

static kin_dicom *open_dicom(samples_bytes file, const char *name)
{
    kin_dicom *dicom = NULL;
    kin_error err;
    kin_error_clear(&err);
    if (kin_dicom_open(file.data, file.size, NULL, &dicom, &err) != KIN_OK)
        fail_msg("%s: %s", name, err.message);
    return dicom;
}

static const char *attribute(const kin_dicom_header *header, const char *name)
{
    for (size_t i = 0; i < header->attribute_count; i++)
        if (strcmp(header->attributes[i].name, name) == 0)
            return header->attributes[i].value;
    return "";
}

/* ---- The same pixels in other bytes ---- */

static void assert_same_header(const kin_dicom_header *a, const kin_dicom_header *b)
{
    assert_string_equal(a->sop_instance_uid, b->sop_instance_uid);
    assert_string_equal(a->transfer_syntax_uid, b->transfer_syntax_uid);
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->attribute_count, b->attribute_count);
    for (size_t i = 0; i < a->attribute_count; i++)
        assert_string_equal(a->attributes[i].value, attribute(b, a->attributes[i].name));
}

static void assert_same_content(samples_bytes one, samples_bytes other, const char *name)
{
    kin_dicom *a = open_dicom(one, name), *b = open_dicom(other, name);
    assert_same_header(kin_dicom_header_borrow(a), kin_dicom_header_borrow(b));
    for (int frame = 0; frame < kin_dicom_header_borrow(a)->frames; frame++) {
        kin_samples x, y;
        assert_int_equal(kin_dicom_read_samples(a, frame, &x, NULL), KIN_OK);
        assert_int_equal(kin_dicom_read_samples(b, frame, &y, NULL), KIN_OK);
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
        free(x.data);
        free(y.data);
    }
    kin_dicom_close(a);
    kin_dicom_close(b);
}

static bool same_encoders(void)
{
    return strcmp(PACKAGE_VERSION, MADE_WITH_DCMTK) == 0 &&
           strcmp(zlibVersion(), MADE_WITH_ZLIB) == 0;
}

static void compare_file(const char *folder, const char *name, bool exactly)
{
    samples_bytes made = samples_read(folder, name), kept = samples_read(SAMPLES, name);
    bool equal = made.size == kept.size && memcmp(made.data, kept.data, kept.size) == 0;
    if (!equal && exactly)
        fail_msg("%s is not what the generator makes: make data-samples again", name);
    if (!equal)
        assert_same_content(made, kept, name);
    free(made.data);
    free(kept.data);
}

static void generator_makes_the_committed_files(void **state)
{
    (void)state;
    char folder[SAMPLES_PATH_MAX];
    samples_make_folder(folder, sizeof folder);
    assert_int_equal(samples_run(GENERATOR, folder), 0);

    bool exactly = same_encoders();
    if (!exactly)
        print_message(
            "encoders are DCMTK %s and zlib %s, not %s and %s: comparing pixels, not bytes\n",
            PACKAGE_VERSION, zlibVersion(), MADE_WITH_DCMTK, MADE_WITH_ZLIB);
    compare_file(folder, "manifest.csv", true);
    for (size_t row = 1; row < manifest.rows; row++)
        compare_file(folder, samples_cell(&manifest, row, "path"), exactly);

    size_t made, bytes;
    samples_measure(folder, ".dcm", &made, &bytes);
    assert_int_equal(made, manifest.rows - 1);
    samples_remove(folder);
}

/* ---- What is committed ---- */

static void assert_header_agrees(const kin_dicom_header *h, size_t row)
{
    const char *modality = samples_cell(&manifest, row, "modality");
    bool slide = strcmp(modality, "SM") == 0;
    assert_int_equal(h->kind, KIN_DICOM_IMAGE);
    assert_string_equal(h->modality, modality);
    assert_string_equal(h->patient_id, samples_cell(&manifest, row, "patient_id"));
    assert_string_equal(h->study_instance_uid, samples_cell(&manifest, row, "study_uid"));
    assert_string_equal(h->body_part, samples_cell(&manifest, row, "body_part"));
    assert_string_equal(attribute(h, "accession_number"),
                        samples_cell(&manifest, row, "accession"));
    assert_int_equal(h->rows, slide ? TILE_SIDE : SLICE_SIDE);
    assert_int_equal(h->columns, slide ? TILE_SIDE : SLICE_SIDE);
    assert_int_equal(h->frames, slide ? TILES : 1);
    assert_int_equal(h->samples_per_pixel, slide ? 3 : 1);
    assert_true(slide ? h->spacing_x_mm > 0.0005 && h->spacing_x_mm < 0.002
                      : h->spacing_x_mm > 0.5 && h->spacing_x_mm < 3.0);
    assert_true(h->spacing_x_mm == h->spacing_y_mm);
    /* Nobody shall take these for a person's. */
    assert_int_equal(strncmp(h->patient_id, "SYN-", 4), 0);
    assert_non_null(strstr(attribute(h, "image_comments"), "Synthetic"));
}

/* Every frame renders to a picture with something in it. */
static void assert_frames_show(kin_dicom *dicom, int frames, const char *name)
{
    for (int frame = 0; frame < frames; frame++) {
        kin_raster raster;
        kin_error err;
        kin_error_clear(&err);
        if (kin_dicom_render(dicom, frame, &raster, &err) != KIN_OK)
            fail_msg("%s, frame %d: %s", name, frame, err.message);
        size_t count = (size_t)raster.width * (size_t)raster.height * (size_t)raster.channels;
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < count; i++) {
            sum += raster.px[i];
            squares += (double)raster.px[i] * raster.px[i];
        }
        double mean = sum / (double)count, variance = squares / (double)count - mean * mean;
        assert_true(mean > 0.02 && mean < 0.98);
        assert_true(variance > 0.005);
        kin_raster_release(&raster);
    }
}

static void manifest_and_files_agree(void **state)
{
    (void)state;
    size_t syntaxes[SYNTAXES] = {0};
    for (size_t row = 1; row < manifest.rows; row++) {
        const char *name = samples_cell(&manifest, row, "path");
        samples_bytes file = samples_read(SAMPLES, name);
        kin_dicom *dicom = open_dicom(file, name);
        const kin_dicom_header *h = kin_dicom_header_borrow(dicom);
        assert_header_agrees(h, row);
        assert_frames_show(dicom, h->frames, name);
        for (int i = 0; i < SYNTAXES; i++)
            syntaxes[i] += strcmp(h->transfer_syntax_uid, SYNTAX[i]) == 0;
        kin_dicom_close(dicom);
        free(file.data);
    }
    for (int i = 0; i < SYNTAXES; i++)
        assert_true(syntaxes[i] > 0);
}

static void nothing_else_and_not_too_much(void **state)
{
    (void)state;
    size_t count, bytes;
    samples_measure(SAMPLES, ".dcm", &count, &bytes);
    assert_int_equal(count, manifest.rows - 1);
    assert_true(bytes <= MOST_BYTES);
}

/* Evaluation needs each diagnosis in two patients at least, and a patient on one side of the split. */
static void cohort_can_be_evaluated(void **state)
{
    (void)state;
    size_t patients = 0;
    for (size_t row = 1; row < manifest.rows; row++) {
        const char *patient = samples_cell(&manifest, row, "patient_id");
        const char *diagnosis = samples_cell(&manifest, row, "diagnosis");
        bool first = true, another = false;
        for (size_t other = 1; other < manifest.rows; other++) {
            if (strcmp(samples_cell(&manifest, other, "patient_id"), patient) == 0) {
                first = first && other >= row;
                assert_string_equal(samples_cell(&manifest, other, "split"),
                                    samples_cell(&manifest, row, "split"));
                assert_string_equal(samples_cell(&manifest, other, "outcome"),
                                    samples_cell(&manifest, row, "outcome"));
            } else if (strcmp(samples_cell(&manifest, other, "diagnosis"), diagnosis) == 0) {
                another = true;
            }
        }
        patients += first;
        assert_true(another);
        assert_string_not_equal(samples_cell(&manifest, row, "outcome"), "");
    }
    assert_int_equal(patients, PATIENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_makes_the_committed_files),
        cmocka_unit_test(manifest_and_files_agree),
        cmocka_unit_test(nothing_else_and_not_too_much),
        cmocka_unit_test(cohort_can_be_evaluated),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
