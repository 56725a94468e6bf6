/* An archive whose images a network describes beside the built-in families, as its user meets it:
 * made, filled, asked, verified, copied; and on a machine that has no ONNX Runtime. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_asking.h"
#include "features/network_folder.h"
#include "run_program.h"
#include "temp_folder.h"

#define SAMPLES KIN_TEST_SOURCE_DIR "/data-samples/SYN-0001"
#define ONE     SAMPLES "/study-1/series-1/image-1.dcm"
#define OTHER   KIN_TEST_SOURCE_DIR "/data-samples/SYN-0002/study-1/series-1/image-1.dcm"

/* Each channel of the CT samples is a window. */
#define WINDOWED                                                                                   \
    "\"kindred_network\": 1, \"name\": \"windowed\", \"version\": 7, \"width\": 8, \"height\": "   \
    "8, "                                                                                          \
    "\"channels\": 3, \"windows\": [[40, 400], [-600, 1500], [400, 1800]], \"output\": "           \
    "\"embedding\", \"length\": 5, \"weight\": 0.5"

static char folder[PATH_MAX], archive[PATH_MAX], network[PATH_MAX], spec[PATH_MAX + 64];

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(archive, sizeof archive, "%.4000s/archive", folder);
    make_network(folder, "mine", "tiny.onnx", WINDOWED, network);
    snprintf(spec, sizeof spec, "classic net:%s", network);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* The network's own name within the archive's layout. */
static void id_of(const json_t *stats, char id[KIN_NETWORK_ID_SIZE])
{
    const char *at = text_of(json_object_get(stats, "model"), "layout");
    kin_layout_part part;
    bool found = false;
    while (!found && kin_layout_next(&at, &part))
        found = kin_layout_is_network(&part, id);
    assert_true(found);
    assert_int_equal(part.version, 7);
    assert_int_equal(part.length, 5);
    assert_true(part.weight == 0.5f);
}

/* Asserts that a file of the archive finds itself first. */
static void check_search(const char *dir)
{
    json_t *answer = ask(dir, 0, "search", ONE, "-k", "3", NULL);
    assert_int_equal(json_array_size(results_of(answer)), 3);
    assert_string_equal(text_of(json_array_get(results_of(answer), 0), "path"), ONE);
    assert_true(real_of(json_array_get(results_of(answer), 0), "score") > 0.999);
    json_decref(answer);
}

/* Networks or not: images that are stored are found by their UIDs, and new ones are not taken in,
 * for a reason that is said. */
static void check_without(const char *said)
{
    json_t *records = exported_records(archive, NULL);
    const char *uid = text_of(json_array_get(records, 0), "sop_instance_uid");
    json_t *answer = ask(archive, 0, "search", "--uid", uid, "-k", "2", NULL);
    assert_int_equal(json_array_size(results_of(answer)), 2);
    json_decref(answer);
    json_decref(records);
    tell(archive, 1, said, "search", OTHER, NULL);
    tell(archive, 3, said, "ingest", OTHER, NULL);
}

static void test_a_life_with_a_network(void **state)
{
    (void)state;
    char copy[PATH_MAX], path[PATH_MAX], id[KIN_NETWORK_ID_SIZE];
    if (!networks_run(network))
        skip();
    tell(archive, 0, "made an empty archive", "init", "--features", spec, NULL);
    temp_folder_remove(network); /* the archive has its own copy */
    json_t *summary = ask(archive, 0, "ingest", SAMPLES, NULL);
    assert_true(number_of(summary, "stored") > 3);
    assert_int_equal(number_of(summary, "failed"), 0);
    json_decref(summary);
    check_search(archive);

    json_t *stats = ask(archive, 0, "stats", NULL);
    id_of(stats, id);
    json_decref(stats);
    assert_int_equal(strncmp(id, "windowed.", strlen("windowed.")), 0);
    tell(archive, 0, id, "stats", NULL);
    tell(archive, 0, "sound", "verify", NULL);

    snprintf(copy, sizeof copy, "%.4000s/copy", folder);
    tell(archive, 0, NULL, "backup", copy, NULL);
    tell(copy, 0, "sound", "verify", NULL);
    check_search(copy);

    setenv("KINDRED_ONNXRUNTIME", "/nowhere/libonnxruntime.so", 1);
    check_without("/nowhere/libonnxruntime.so");
    unsetenv("KINDRED_ONNXRUNTIME");

    snprintf(path, sizeof path, "%.2000s/networks/%s/model.onnx", archive, id);
    assert_int_equal(unlink(path), 0);
    check_without("model.onnx");
    tell(copy, 0, "sound", "verify", NULL);
}

static void test_what_cannot_be_is_refused(void **state)
{
    (void)state;
    tell(archive, 2, "no family named hogwash", "init", "--features", "hogwash", NULL);
    tell(archive, 2, "twice", "init", "--features", "hog hog", NULL);
    tell(archive, 3, "network.json", "init", "--features", "net:/nowhere", NULL);
    assert_int_not_equal(access(archive, F_OK), 0);
    tell(archive, 0, NULL, "init", "--features", "hog  lbp", NULL);
    json_t *stats = ask(archive, 0, "stats", NULL);
    const char *layout = text_of(json_object_get(stats, "model"), "layout");
    assert_int_equal(strncmp(layout, "hog/", 4), 0);
    assert_non_null(strstr(layout, " lbp/"));
    json_decref(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_life_with_a_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
