/* A network's manifest: what is taken from it, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "features/network_manifest.h"
#include "random.h"

#define REQUIRED                                                                                   \
    "\"kindred_network\": 1, \"name\": \"a-b9\", \"version\": 2, \"width\": 7, \"height\": 5, "    \
    "\"length\": 11"

static kin_network_manifest parsed(const char *text)
{
    kin_network_manifest manifest;
    kin_error err;
    if (kin_network_manifest_parse(text, strlen(text), &manifest, &err) != KIN_OK)
        fail_msg("%s: %s", text, err.message);
    return manifest;
}

static void little_is_enough(void **state)
{
    (void)state;
    kin_network_manifest m = parsed("{" REQUIRED ", \"channels\": 3}");
    assert_string_equal(m.name, "a-b9");
    assert_string_equal(m.model, "model.onnx");
    assert_string_equal(m.input, "");
    assert_string_equal(m.output, "");
    assert_int_equal(m.version, 2);
    assert_int_equal(m.width, 7);
    assert_int_equal(m.height, 5);
    assert_int_equal(m.length, 11);
    assert_true(m.colour && m.normalise && !m.channels_last && !m.bgr && !m.foreground &&
                !m.robust);
    assert_int_equal(m.resize, KIN_RESIZE_FIT);
    assert_true(m.pad == 0 && m.weight == 1 && m.mean[2] == 0 && m.std[2] == 1);
    assert_int_equal(m.windows, 0);
    assert_false(parsed("{" REQUIRED ", \"channels\": 1}").colour);
}

static void everything_is_taken(void **state)
{
    (void)state;
    kin_network_manifest m = parsed(
        "{" REQUIRED ", \"channels\": 3, \"model\": \"w_1.onnx\", \"input\": \"x:0\", "
        "\"output\": \"y\", \"layout\": \"NHWC\", \"order\": \"BGR\", \"colour\": \"grey\", "
        "\"region\": \"foreground\", \"resize\": \"crop\", \"pad\": 1, \"intensity\": \"robust\", "
        "\"mean\": [1, 2, -3.5], \"std\": [1, -2, 0.5], \"normalise\": false, \"weight\": 2.5}");
    assert_string_equal(m.model, "w_1.onnx");
    assert_string_equal(m.input, "x:0");
    assert_string_equal(m.output, "y");
    assert_true(!m.colour && !m.normalise && m.channels_last && m.bgr && m.foreground && m.robust);
    assert_int_equal(m.resize, KIN_RESIZE_CROP);
    assert_true(m.pad == 1 && m.weight == 2.5f && m.mean[2] == -3.5f && m.std[1] == -2);
    m = parsed("{" REQUIRED ", \"channels\": 2, \"windows\": [[40, 400], [-600, 1500.5]]}");
    assert_int_equal(m.windows, 2);
    assert_true(m.centre[1] == -600 && m.range[0] == 400 && m.range[1] == 1500.5f && !m.colour);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{" REQUIRED "}",
        "{" REQUIRED ", \"channels\": 3} ?",
        "{" REQUIRED ", \"channels\": 3, \"channels\": 3}",
        "{" REQUIRED ", \"channels\": 3, \"normalize\": true}",
        "{" REQUIRED ", \"channels\": 3.0}",
        "{" REQUIRED ", \"channels\": \"3\"}",
        "{" REQUIRED ", \"channels\": 0}",
        "{" REQUIRED ", \"channels\": 2}",
        "{" REQUIRED ", \"channels\": -1}",
        "{" REQUIRED ", \"channels\": 9, \"windows\": [[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],"
        "[1,1],[1,1]]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": []}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": [40, 400]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": [[40]]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": [[40, 0]]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": [[40, -400]]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": [[40, 1e300]]}",
        "{" REQUIRED ", \"channels\": 1, \"windows\": {\"40\": 400}}",
        "{" REQUIRED ", \"channels\": 3, \"windows\": [[1,1],[1,1],[1,1]], \"colour\": \"rgb\"}",
        "{" REQUIRED ", \"channels\": 1, \"colour\": \"rgb\"}",
        "{" REQUIRED ", \"channels\": 3, \"colour\": \"RGB\"}",
        "{" REQUIRED ", \"channels\": 3, \"layout\": \"CHW\"}",
        "{" REQUIRED ", \"channels\": 3, \"order\": \"GBR\"}",
        "{" REQUIRED ", \"channels\": 3, \"resize\": \"\"}",
        "{" REQUIRED ", \"channels\": 3, \"region\": \"half\"}",
        "{" REQUIRED ", \"channels\": 3, \"intensity\": \"loud\"}",
        "{" REQUIRED ", \"channels\": 3, \"pad\": 1.01}",
        "{" REQUIRED ", \"channels\": 3, \"weight\": 0}",
        "{" REQUIRED ", \"channels\": 3, \"weight\": 1e9}",
        "{" REQUIRED ", \"channels\": 3, \"mean\": 0.5}",
        "{" REQUIRED ", \"channels\": 3, \"mean\": [0.5, 0.5]}",
        "{" REQUIRED ", \"channels\": 3, \"mean\": [0.5, 0.5, \"0.5\"]}",
        "{" REQUIRED ", \"channels\": 3, \"std\": [1, 1, 0]}",
        "{" REQUIRED ", \"channels\": 3, \"std\": [1, 1, 1e-30]}",
        "{" REQUIRED ", \"channels\": 3, \"model\": \"\"}",
        "{" REQUIRED ", \"channels\": 3, \"model\": \"../model.onnx\"}",
        "{" REQUIRED ", \"channels\": 3, \"model\": \".hidden\"}",
        "{" REQUIRED ", \"channels\": 3, \"model\": \"network.json\"}",
        "{" REQUIRED ", \"channels\": 3, \"model\": \"a b\"}",
        "{\"kindred_network\": 1, \"name\": \"\", \"version\": 1, \"width\": 1, \"height\": 1, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a/b\", \"version\": 1, \"width\": 1, \"height\": 1, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a.b\", \"version\": 1, \"width\": 1, \"height\": 1, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a23456789012345678901234567890123\", \"version\": 1, "
        "\"width\": 1, \"height\": 1, \"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a\", \"version\": 0, \"width\": 1, \"height\": 1, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a\", \"version\": 1, \"width\": 1025, \"height\": 1, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a\", \"version\": 1, \"width\": 1, \"height\": 0, "
        "\"length\": 1, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a\", \"version\": 1, \"width\": 1, \"height\": 1, "
        "\"length\": 8193, \"channels\": 1}",
        "{\"kindred_network\": 1, \"name\": \"a\", \"version\": 1, \"width\": 1, \"height\": 1, "
        "\"length\": 99999999999999999999, \"channels\": 1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_network_manifest manifest;
        kin_error err;
        if (kin_network_manifest_parse(bad[i], strlen(bad[i]), &manifest, &err) != KIN_E_FORMAT)
            fail_msg("taken for a manifest: %s", bad[i]);
        assert_non_null(strstr(err.message, "manifest"));
    }
    static const char later[] = "{\"kindred_network\": 2, \"name\": \"a\", \"version\": 1, "
                                "\"width\": 1, \"height\": 1, \"length\": 1, \"channels\": 1}";
    kin_network_manifest manifest;
    assert_int_equal(kin_network_manifest_parse(later, strlen(later), &manifest, NULL),
                     KIN_E_UNSUPPORTED);
}

/* Bytes changed at random: a manifest within its bounds, or an error. */
static void damage_is_an_error(void **state)
{
    (void)state;
    static const char whole[] =
        "{" REQUIRED ", \"channels\": 2, \"windows\": [[40, 400], [-600, 1500]], \"mean\": [0, 1], "
        "\"std\": [1, 2], \"layout\": \"NHWC\", \"resize\": \"fit\", \"weight\": 2}";
    uint64_t random = 7;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof whole];
        kin_network_manifest m;
        memcpy(text, whole, sizeof whole);
        for (uint64_t n = 1 + random_bits(&random) % 3; n > 0; n--)
            text[random_bits(&random) % (sizeof whole - 1)] = (char)random_bits(&random);
        if (kin_network_manifest_parse(text, sizeof whole - 1, &m, NULL) != KIN_OK)
            continue;
        assert_in_range(m.width, 1, KIN_NETWORK_SIDE_MAX);
        assert_in_range(m.height, 1, KIN_NETWORK_SIDE_MAX);
        assert_in_range(m.channels, 1, KIN_NETWORK_WINDOWS_MAX);
        assert_in_range(m.length, 1, KIN_NETWORK_LENGTH_MAX);
        assert_true(m.windows == 0 || m.windows == (size_t)m.channels);
        assert_null(strchr(m.model, '/'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_enough),
        cmocka_unit_test(everything_is_taken),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(damage_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
