/* A CT on its way to a network: what the decoder hands on is the CT in Hounsfield units, and of the
 * region that is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collect.h"
#include "decode/decode.h"
#include "decode/decoder.h"
#include "dicom/dicom.h"
#include "features/network_folder.h"
#include "temp_folder.h"

#define CT KIN_TEST_SOURCE_DIR "/data-samples/SYN-0001/study-1/series-1/image-1.dcm"

/* Its three channels are three windows. */
#define WINDOWED                                                                                   \
    "\"kindred_network\": 1, \"name\": \"ct\", \"version\": 1, \"width\": 8, \"height\": 8, "      \
    "\"channels\": 3, \"windows\": [[40, 400], [-600, 1500], [400, 1800]], \"output\": "           \
    "\"embedding\", \"length\": 5"

static char scratch[PATH_MAX], spec[PATH_MAX + 8];
static void *bytes;
static size_t size;

static int set_up(void **state)
{
    (void)state;
    char folder[PATH_MAX];
    kin_error err;
    temp_folder_make(scratch);
    make_network(scratch, "ct", "tiny.onnx", WINDOWED, folder);
    snprintf(spec, sizeof spec, "net:%s", folder);
    assert_int_equal(kin_dicom_prepare(&err), KIN_OK);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), CT, 1 << 24, &bytes, &size, &err), KIN_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(bytes);
    temp_folder_remove(scratch);
    return 0;
}

static kin_extractor *make_extractor(void)
{
    kin_error err;
    kin_extractor *extractor = NULL;
    if (!networks_run(spec + strlen("net:")))
        skip();
    if (kin_extractor_new(spec, &extractor, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return extractor;
}

/* The part of a raster that region stands for. */
static kin_raster part_of(const kin_raster *raster, const kin_decode_region *region)
{
    kin_raster part;
    const kin_box box = {(int)region->x, (int)region->y, (int)region->width, (int)region->height};
    assert_int_equal(kin_raster_crop(raster, box, &part, NULL), KIN_OK);
    return part;
}

static void a_ct_comes_in_hounsfield_units(void **state)
{
    (void)state;
    kin_dicom *dicom = NULL;
    kin_raster display, values;
    kin_error err;
    assert_int_equal(kin_dicom_open(bytes, size, NULL, &dicom, &err), KIN_OK);
    assert_string_equal(kin_dicom_header_borrow(dicom)->modality, "CT");
    assert_int_equal(kin_dicom_render(dicom, 0, &display, &err), KIN_OK);
    assert_int_equal(kin_dicom_hounsfield(dicom, 0, &values, &err), KIN_OK);
    assert_int_equal(values.width, display.width);
    assert_int_equal(values.height, display.height);
    float lowest = values.px[0], highest = values.px[0];
    for (int i = 0; i < values.width * values.height; i++) {
        lowest = values.px[i] < lowest ? values.px[i] : lowest;
        highest = values.px[i] > highest ? values.px[i] : highest;
    }
    assert_true(lowest < -500 && highest > 100); /* air and what is denser than water */
    kin_raster_release(&display);
    kin_raster_release(&values);
    kin_dicom_close(dicom);
}

static void the_decoder_hands_them_on(void **state)
{
    (void)state;
    kin_extractor *extractor = make_extractor();
    const kin_decode_region region = {10, 12, 30, 20};
    const kin_decode_wish part = {.region = &region}, whole = {0};
    float wanted[5], shown[5];
    kin_dicom *dicom = NULL;
    kin_raster display, values;
    kin_error err;
    assert_true(kin_extractor_wants_hounsfield(extractor));
    assert_int_equal(kin_dicom_open(bytes, size, NULL, &dicom, &err), KIN_OK);
    assert_int_equal(kin_dicom_render(dicom, 0, &display, &err), KIN_OK);
    assert_int_equal(kin_dicom_hounsfield(dicom, 0, &values, &err), KIN_OK);
    for (int cropped = 0; cropped < 2; cropped++) {
        static collected got;
        kin_decode_sink sink = collect_into(&got);
        kin_raster d = cropped ? part_of(&display, &region) : display;
        kin_raster v = cropped ? part_of(&values, &region) : values;
        const kin_picture picture = {.display = &d, .hounsfield = &v};
        assert_int_equal(kin_extractor_describe_picture(extractor, &picture, wanted, &err), KIN_OK);
        assert_int_equal(kin_extractor_describe(extractor, &d, shown, &err), KIN_OK);
        assert_memory_not_equal(wanted, shown, sizeof wanted);
        assert_int_equal(kin_decode_bytes(extractor, bytes, size, NULL, NULL,
                                          cropped ? &part : &whole, &sink, &err),
                         KIN_OK);
        assert_memory_equal(got.descriptors, wanted, sizeof wanted);
        collected_release(&got);
        if (cropped) {
            kin_raster_release(&d);
            kin_raster_release(&v);
        }
    }
    kin_raster_release(&display);
    kin_raster_release(&values);
    kin_dicom_close(dicom);
    kin_extractor_free(extractor);
}

/* A worker in its sandbox gives what this process does. */
static void a_worker_gives_the_same(void **state)
{
    (void)state;
    kin_extractor *extractor = make_extractor();
    kin_decoder *decoder = NULL;
    static collected here, there;
    kin_decode_sink sink = collect_into(&here), worker_sink = collect_into(&there);
    kin_error err;
    kin_decode_features features = {.spec = spec,
                                    .signature = kin_extractor_signature_borrow(extractor),
                                    .length = kin_extractor_length(extractor)};
    assert_int_equal(kin_decode_bytes(extractor, bytes, size, NULL, NULL, NULL, &sink, &err),
                     KIN_OK);
    assert_int_equal(kin_decoder_new(WORKER, &features, NULL, &decoder, &err), KIN_OK);
    if (kin_decoder_run_bytes(decoder, bytes, size, "a.dcm", NULL, &worker_sink, &err) != KIN_OK)
        fail_msg("%s", err.message);
    assert_memory_equal(here.descriptors, there.descriptors, 5 * sizeof(float));
    collected_release(&here);
    collected_release(&there);
    kin_decoder_free(decoder);

    /* the files are others than those that the archive was made with */
    features.signature = "net:ct.0123456789abcdef/1:5@1000";
    assert_int_equal(kin_decoder_new(WORKER, &features, NULL, &decoder, &err), KIN_OK);
    assert_int_equal(kin_decoder_start(decoder, &err), KIN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "have changed"));
    kin_decoder_free(decoder);
    kin_extractor_free(extractor);
}

/* What is missing is said by the worker's first words. */
static void a_worker_without_its_network_says_so(void **state)
{
    (void)state;
    static const char *const missing[] = {"net:/nowhere", "hogwash", "pixels\\"};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        const kin_decode_features features = {.spec = missing[i], .length = 5};
        kin_decoder *decoder = NULL;
        kin_error err;
        assert_int_equal(kin_decoder_new(WORKER, &features, NULL, &decoder, &err), KIN_OK);
        assert_int_equal(kin_decoder_start(decoder, &err), KIN_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, "images cannot be described"));
        kin_decoder_free(decoder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ct_comes_in_hounsfield_units),
        cmocka_unit_test(the_decoder_hands_them_on),
        cmocka_unit_test(a_worker_gives_the_same),
        cmocka_unit_test(a_worker_without_its_network_says_so),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
