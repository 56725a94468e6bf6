/* Extractors: what a spec stands for, what a signature says, and that both belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "features/features.h"

static kin_extractor *extractor_of(const char *spec)
{
    kin_error err;
    kin_extractor *made = NULL;
    if (kin_extractor_new(spec, &made, &err) != KIN_OK)
        fail_msg("%s: %s", spec, err.message);
    return made;
}

static void a_spec_orders_the_families(void **state)
{
    (void)state;
    enum { WIDTH = 40, HEIGHT = 30 };
    kin_raster raster;
    kin_extractor *both = extractor_of("  lbp   pixels "), *one = extractor_of("pixels");
    size_t length = kin_extractor_length(both), last = kin_extractor_length(one);
    float *all = calloc(length, sizeof *all), *part = calloc(last, sizeof *part);
    assert_true(all != NULL && part != NULL);
    assert_int_equal(kin_raster_init(&raster, WIDTH, HEIGHT, 1, NULL), KIN_OK);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        raster.px[i] = (float)(i * 37 % 100) / 100;
    assert_int_equal(kin_extractor_describe(both, &raster, all, NULL), KIN_OK);
    assert_int_equal(kin_extractor_describe(one, &raster, part, NULL), KIN_OK);
    assert_memory_equal(all + length - last, part, last * sizeof *part);
    assert_int_equal(strncmp(kin_extractor_signature_borrow(both), "lbp/", 4), 0);
    assert_non_null(strstr(kin_extractor_signature_borrow(both), " pixels/"));
    kin_raster_release(&raster);
    kin_extractor_free(both);
    kin_extractor_free(one);
    free(all);
    free(part);
}

static void standard_is_the_default(void **state)
{
    (void)state;
    kin_extractor *none = extractor_of(NULL), *standard = extractor_of("standard");
    kin_extractor *classic = extractor_of("classic");
    const char *whole = kin_extractor_signature_borrow(standard);
    const char *part = kin_extractor_signature_borrow(classic);
    assert_string_equal(kin_extractor_signature_borrow(none), whole);
    /* The older layout is the beginning of it. */
    assert_int_equal(strncmp(part, whole, strlen(part)), 0);
    assert_true(kin_extractor_length(classic) < kin_extractor_length(standard));
    kin_extractor_free(standard);
    kin_extractor_free(none);
    kin_extractor_free(classic);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       " ",           "hogwash",     "pixels pixels",
                                      "Pixels", "classic hog", "pixels\thog", "pixels\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_extractor *made = NULL;
        kin_error err;
        assert_int_equal(kin_extractor_new(bad[i], &made, &err), KIN_E_ARG);
        assert_non_null(strstr(err.message, "features"));
        assert_null(made);
    }
    char *longest = malloc(10000);
    assert_non_null(longest);
    memset(longest, 'x', 9999);
    longest[9999] = '\0';
    kin_extractor *made = NULL;
    assert_int_equal(kin_extractor_new(longest, &made, NULL), KIN_E_ARG);
    free(longest);
}

static void a_signature_comes_apart(void **state)
{
    (void)state;
    const char *at = "pixels/1:256 net:brain.0123/12:3@1500 x/3:7";
    kin_layout_part part;
    assert_true(kin_layout_next(&at, &part));
    assert_int_equal(part.name_length, strlen("pixels"));
    assert_int_equal(part.version, 1);
    assert_int_equal(part.length, 256);
    assert_true(part.weight == kin_family_named("pixels", strlen("pixels"))->weight);
    assert_true(kin_layout_next(&at, &part));
    assert_memory_equal(part.name, "net:brain.0123", part.name_length);
    assert_int_equal(part.version, 12);
    assert_int_equal(part.length, 3);
    assert_true(part.weight == 1.5f);
    assert_true(kin_layout_next(&at, &part));
    assert_true(part.weight == 1.0f);
    assert_false(kin_layout_next(&at, &part));
    assert_string_equal(at, "");
}

static void lengths_add_up(void **state)
{
    (void)state;
    size_t length = 0;
    kin_extractor *classic = extractor_of(NULL);
    assert_int_equal(kin_layout_length(kin_extractor_signature_borrow(classic), &length, NULL),
                     KIN_OK);
    assert_int_equal(length, kin_extractor_length(classic));
    kin_extractor_free(classic);
    static const char *const bad[] = {"",
                                      " ",
                                      "a",
                                      "a/1",
                                      "a/1:",
                                      "a/:5",
                                      "/1:5",
                                      "a/1:0",
                                      "a/0:5",
                                      "a/1:05",
                                      "a/1:5 ",
                                      " a/1:5",
                                      "a/1:5  b/1:5",
                                      "a/1:-5",
                                      "a/1:65537",
                                      "a/1:5@",
                                      "a/1:5@0",
                                      "a/1:5@x",
                                      "a/1:5@5@5",
                                      "a/1:99999999999999999999",
                                      "a b/1:5",
                                      "a/1:40000 b/1:40000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kin_layout_length(bad[i], &length, NULL) != KIN_E_FORMAT)
            fail_msg("\"%s\" was taken for a signature", bad[i]);
}

/* What an archive does: keep the signature, make the extractor from it. */
static void a_signature_gives_its_spec(void **state)
{
    (void)state;
    kin_extractor *first = extractor_of("gabor hog");
    char *spec = NULL;
    assert_int_equal(
        kin_layout_spec(kin_extractor_signature_borrow(first), "networks", &spec, NULL), KIN_OK);
    assert_string_equal(spec, "gabor hog");
    kin_extractor *second = extractor_of(spec);
    assert_string_equal(kin_extractor_signature_borrow(first),
                        kin_extractor_signature_borrow(second));
    free(spec);
    kin_extractor_free(first);
    kin_extractor_free(second);

    assert_int_equal(kin_layout_spec("hog/1:9 net:brain.0123/1:3", "/a b\\c", &spec, NULL), KIN_OK);
    assert_string_equal(spec, "hog net:/a\\ b\\\\c/brain.0123");
    free(spec);
    assert_int_equal(kin_layout_spec("hog", "", &spec, NULL), KIN_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_orders_the_families),
        cmocka_unit_test(standard_is_the_default),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_signature_comes_apart),
        cmocka_unit_test(lengths_add_up),
        cmocka_unit_test(a_signature_gives_its_spec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
