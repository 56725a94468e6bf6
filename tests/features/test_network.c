/* Networks as families: against numbers computed without a network library (networks/make.py), and
 * against folders that lie. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "features/features.h"
#include "features/onnx.h"
#include "network_folder.h"
#include "temp_folder.h"

enum { SIDE = 8, EMBEDDING = 5, LAYER = 4, PICTURES = 3 };

static char scratch[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(scratch);
    return 0;
}

/* Leaves the test where networks cannot be run. */
static void need_networks(void)
{
    char folder[PATH_MAX];
    make_network(scratch, "need", "tiny.onnx", TINY_EMBEDDING, folder);
    if (!networks_run(folder))
        skip();
}

static kin_network *opened(const char *name, const char *model, const char *members)
{
    char folder[PATH_MAX];
    kin_error err;
    kin_network *network = NULL;
    make_network(scratch, name, model, members, folder);
    if (kin_network_open(folder, &network, &err) != KIN_OK)
        fail_msg("%s: %s", name, err.message);
    return network;
}

/* As networks/make.py draws it. */
static kin_raster picture(int seed)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 3, NULL), KIN_OK);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                raster.px[(y * SIDE + x) * 3 + c] =
                    (float)((x * 31 + y * 17 + c * 53 + seed * 7) % 97 / 97.0);
    return raster;
}

/* The kept numbers of a tensor. */
static void read_expected(const char *tensor, float *out, size_t length)
{
    char line[512], path[PATH_MAX];
    size_t filled = 0;
    snprintf(path, sizeof path, KIN_TEST_SOURCE_DIR "/tests/features/networks/expected.txt");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *at = line + strlen(tensor);
        if (strncmp(line, tensor, strlen(tensor)) != 0 || *at != ' ')
            continue;
        strtol(at, &at, 10);
        for (size_t i = 0; i < length; i++)
            out[filled++] = strtof(at, &at);
    }
    fclose(file);
    assert_int_equal(filled, PICTURES * length);
}

static void assert_near(const float *got, const float *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - wanted[i]) < 2e-5f))
            fail_msg("float %zu is %g, not %g", i, (double)got[i], (double)wanted[i]);
}

static void describe_all(const kin_network *network, float *out)
{
    kin_raster rasters[PICTURES];
    kin_picture pictures[PICTURES];
    kin_error err;
    for (int i = 0; i < PICTURES; i++) {
        rasters[i] = picture(i);
        pictures[i] = (kin_picture){.display = &rasters[i]};
    }
    if (kin_network_describe(network, pictures, PICTURES, out, &err) != KIN_OK)
        fail_msg("%s", err.message);
    for (int i = 0; i < PICTURES; i++)
        kin_raster_release(&rasters[i]);
}

static void gives_the_known_numbers(void **state)
{
    (void)state;
    float got[PICTURES * EMBEDDING], wanted[PICTURES * EMBEDDING];
    need_networks();
    read_expected("embedding", wanted, EMBEDDING);
    kin_network *network =
        opened("known", "tiny.onnx", TINY_EMBEDDING ", \"normalise\": false, \"weight\": 0.25");
    assert_int_equal(kin_network_length(network), EMBEDDING);
    assert_int_equal(kin_network_version(network), 3);
    assert_true(kin_network_weight(network) == 0.25f);
    assert_false(kin_network_wants_hounsfield(network));
    describe_all(network, got);
    assert_near(got, wanted, PICTURES * EMBEDDING);
    kin_network_close(network);

    /* a model that takes one picture at a time gives the same for several */
    network = opened("one", "one-at-a-time.onnx", TINY_EMBEDDING ", \"normalise\": false");
    describe_all(network, got);
    assert_near(got, wanted, PICTURES * EMBEDDING);
    kin_network_close(network);
}

static void any_layer_may_be_the_output(void **state)
{
    (void)state;
    float got[PICTURES * LAYER], wanted[PICTURES * LAYER];
    need_networks();
    read_expected("layer", wanted, LAYER);
    kin_network *network =
        opened("layer", "tiny.onnx",
               TINY_MANIFEST ", \"output\": \"layer\", \"length\": 4, \"normalise\": false");
    describe_all(network, got);
    assert_near(got, wanted, PICTURES * LAYER);
    kin_network_close(network);
}

static void outputs_are_normalised(void **state)
{
    (void)state;
    float got[PICTURES * EMBEDDING], wanted[PICTURES * EMBEDDING];
    need_networks();
    read_expected("embedding", wanted, EMBEDDING);
    for (int i = 0; i < PICTURES; i++) {
        double sum = 0;
        for (int k = 0; k < EMBEDDING; k++)
            sum += pow((double)wanted[i * EMBEDDING + k], 2);
        for (int k = 0; k < EMBEDDING; k++)
            wanted[i * EMBEDDING + k] = (float)(wanted[i * EMBEDDING + k] / sqrt(sum));
    }
    kin_network *network = opened("unit", "tiny.onnx", TINY_EMBEDDING);
    describe_all(network, got);
    assert_near(got, wanted, PICTURES * EMBEDDING);
    kin_network_close(network);
}

/* Behind a built-in family, under a name that tells of the files. */
static void an_extractor_has_networks(void **state)
{
    (void)state;
    char folder[PATH_MAX], spec[PATH_MAX + 32], id[KIN_NETWORK_ID_SIZE];
    float wanted[PICTURES * EMBEDDING];
    kin_error err;
    kin_extractor *extractor = NULL;
    kin_layout_part part;
    need_networks();
    read_expected("embedding", wanted, EMBEDDING);
    make_network(scratch, "a folder", "tiny.onnx",
                 TINY_EMBEDDING ", \"normalise\": false, \"weight\": 1.5", folder);
    snprintf(spec, sizeof spec, "pixels net:%.2000s/a\\ folder", scratch);
    if (kin_extractor_new(spec, &extractor, &err) != KIN_OK)
        fail_msg("%s", err.message);
    size_t pixels = kin_family_named("pixels", 6)->length;
    assert_int_equal(kin_extractor_length(extractor), pixels + EMBEDDING);
    const char *at = kin_extractor_signature_borrow(extractor);
    assert_true(kin_layout_next(&at, &part) && !kin_layout_is_network(&part, id));
    assert_true(kin_layout_next(&at, &part) && kin_layout_is_network(&part, id));
    assert_int_equal(strncmp(id, "tiny.", 5), 0);
    assert_int_equal(strlen(id), 5 + 16);
    assert_int_equal(part.length, EMBEDDING);
    assert_int_equal(part.version, 3);
    assert_true(part.weight == 1.5f);

    float *out = calloc(pixels + EMBEDDING, sizeof *out);
    kin_raster raster = picture(0);
    assert_non_null(out);
    assert_int_equal(kin_extractor_describe(extractor, &raster, out, &err), KIN_OK);
    assert_near(out + pixels, wanted, EMBEDDING);
    kin_raster_release(&raster);
    kin_extractor_free(extractor);
    free(out);

    snprintf(spec, sizeof spec, "net:%.1900s/a\\ folder net:%.1900s/a\\ folder", scratch, scratch);
    assert_int_equal(kin_extractor_new(spec, &extractor, &err), KIN_E_ARG);
}

/* Another weight, or one byte of the model, is another network. */
static void the_name_tells_of_the_files(void **state)
{
    (void)state;
    need_networks();
    kin_network *a = opened("a", "tiny.onnx", TINY_EMBEDDING),
                *b = opened("b", "tiny.onnx", TINY_EMBEDDING),
                *c = opened("c", "tiny.onnx", TINY_EMBEDDING ", \"weight\": 2"),
                *d = opened("d", "one-at-a-time.onnx", TINY_EMBEDDING);
    assert_string_equal(kin_network_id_borrow(a), kin_network_id_borrow(b));
    assert_string_not_equal(kin_network_id_borrow(a), kin_network_id_borrow(c));
    assert_string_not_equal(kin_network_id_borrow(a), kin_network_id_borrow(d));
    kin_network_close(a);
    kin_network_close(b);
    kin_network_close(c);
    kin_network_close(d);
}

static void copies_are_checked(void **state)
{
    (void)state;
    char from[PATH_MAX], to[PATH_MAX], path[PATH_MAX + 128];
    const kin_fs *fs = kin_fs_posix();
    kin_error err;
    need_networks();
    snprintf(to, sizeof to, "%.3000s/copies", scratch);
    kin_network *network = opened("original", "tiny.onnx", TINY_EMBEDDING);
    const char *id = kin_network_id_borrow(network);
    assert_int_equal(kin_network_check_files(fs, to, id, &err), KIN_E_NOT_FOUND);
    assert_int_equal(kin_network_copy(network, fs, to, &err), KIN_OK);
    assert_int_equal(kin_network_copy(network, fs, to, &err), KIN_OK);
    assert_int_equal(kin_network_check_files(fs, to, id, &err), KIN_OK);
    snprintf(from, sizeof from, "%s", to);
    snprintf(to, sizeof to, "%.3000s/again", scratch);
    assert_int_equal(kin_network_copy_files(fs, from, to, id, &err), KIN_OK);
    assert_int_equal(kin_network_check_files(fs, to, id, &err), KIN_OK);
    snprintf(path, sizeof path, "%.3000s/%s/model.onnx", to, id);
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(kin_network_check_files(fs, to, id, &err), KIN_E_CORRUPT);
    assert_int_equal(kin_network_copy_files(fs, to, from, id, &err), KIN_E_CORRUPT);
    kin_network_close(network);
}

struct hostile {
    const char *name, *model, *members;
    kin_status status;
    const char *message; /* part of it */
};

static void folders_that_lie_are_refused(void **state)
{
    (void)state;
    static const char means[] = TINY_MANIFEST ", \"length\": 3";
    static const struct hostile cases[] = {
        {"manifest", "tiny.onnx", "\"kindred_network\": 1", KIN_E_FORMAT, "manifest"},
        {"which-output", "tiny.onnx", TINY_MANIFEST ", \"length\": 5", KIN_E_FORMAT,
         "must name one"},
        {"no-output", "tiny.onnx", TINY_MANIFEST ", \"output\": \"x\", \"length\": 5", KIN_E_FORMAT,
         "no output \"x\""},
        {"no-input", "tiny.onnx", TINY_EMBEDDING ", \"input\": \"x\"", KIN_E_FORMAT,
         "no input \"x\""},
        {"length", "tiny.onnx", TINY_MANIFEST ", \"output\": \"embedding\", \"length\": 6",
         KIN_E_FORMAT, "not the manifest's 6"},
        {"sizes", "tiny.onnx",
         "\"kindred_network\": 1, \"name\": \"a\", \"version\": 1, \"width\": 9, \"height\": 8, "
         "\"channels\": 3, \"output\": \"embedding\", \"length\": 5",
         KIN_E_FORMAT, "other sizes"},
        {"order", "tiny.onnx", TINY_EMBEDDING ", \"layout\": \"NHWC\"", KIN_E_FORMAT,
         "other sizes"},
        {"nan", "nan.onnx", means, KIN_E_UNSUPPORTED, "not finite"},
        {"two", "two-inputs.onnx", means, KIN_E_FORMAT, "2 inputs"},
        {"integers", "integers.onnx", means, KIN_E_FORMAT, "32-bit floats"},
        {"open", "open-output.onnx", means, KIN_E_UNSUPPORTED, "192 values"},
        {"outside", "outside.onnx", means, KIN_E_UNSUPPORTED, "cannot be loaded"},
        {"no-model", "make.py", TINY_EMBEDDING, KIN_E_UNSUPPORTED, "cannot be loaded"},
        {"empty", "tiny.onnx", TINY_EMBEDDING ", \"model\": \"other.onnx\"", KIN_E_NOT_FOUND,
         "cannot open"},
    };
    need_networks();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char folder[PATH_MAX];
        kin_error err;
        kin_network *network = NULL;
        make_network(scratch, cases[i].name, cases[i].model, cases[i].members, folder);
        kin_status status = kin_network_open(folder, &network, &err);
        if (status != cases[i].status || strstr(err.message, cases[i].message) == NULL)
            fail_msg("%s: %d, %s", cases[i].name, status, err.message);
        assert_null(network);
    }
}

/* Models that were cut, or changed in one byte: an error, or numbers. */
static void damaged_models_are_survived(void **state)
{
    (void)state;
    char folder[PATH_MAX], path[PATH_MAX + 32];
    void *bytes = NULL;
    size_t size = 0;
    kin_error err;
    need_networks();
    make_network(scratch, "damaged", "tiny.onnx", TINY_EMBEDDING, folder);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, 1 << 20, &bytes, &size, &err), KIN_OK);
    for (size_t i = 0; i < size; i += 3) {
        kin_network *network = NULL;
        uint8_t *byte = (uint8_t *)bytes + i;
        *byte ^= (uint8_t)(1 << i % 8);
        write_file(path, bytes, i % 2 == 0 ? size : i);
        *byte ^= (uint8_t)(1 << i % 8);
        kin_status status = kin_network_open(folder, &network, &err);
        assert_true(status == KIN_OK || err.message[0] != '\0');
        kin_network_close(network);
    }
    free(bytes);
}

/* Whoever has no library gets told so, and which. */
static void no_library_is_said(void **state)
{
    (void)state;
    char folder[PATH_MAX], spec[PATH_MAX + 8];
    kin_error err;
    kin_network *network = NULL;
    kin_extractor *extractor = NULL;
    static const char *const wrong[] = {"/nowhere/libonnxruntime.so", "libm.so.6"};
    make_network(scratch, "plain", "tiny.onnx", TINY_EMBEDDING, folder);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv(KIN_ONNX_LIBRARY_VARIABLE, wrong[i], 1);
        assert_int_equal(kin_network_open(folder, &network, &err), KIN_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, "ONNX Runtime"));
    }
    snprintf(spec, sizeof spec, "net:%s", folder);
    assert_int_equal(kin_extractor_new(spec, &extractor, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(kin_extractor_new("classic", &extractor, &err), KIN_OK);
    kin_extractor_free(extractor);
    unsetenv(KIN_ONNX_LIBRARY_VARIABLE);
    assert_int_equal(kin_network_open("/nowhere", &network, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, "/nowhere/network.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_known_numbers),
        cmocka_unit_test(any_layer_may_be_the_output),
        cmocka_unit_test(outputs_are_normalised),
        cmocka_unit_test(an_extractor_has_networks),
        cmocka_unit_test(the_name_tells_of_the_files),
        cmocka_unit_test(copies_are_checked),
        cmocka_unit_test(folders_that_lie_are_refused),
        cmocka_unit_test(damaged_models_are_survived),
        cmocka_unit_test(no_library_is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
