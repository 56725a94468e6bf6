/* The registry: names, lengths, signature and the order of concatenation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features/features.h"
#include "shared_data.h"

static void signature_spells_the_layout(void **state)
{
    char expected[KIN_LAYOUT_SIGNATURE_SIZE] = "";
    size_t count, length = 0, used = 0;
    const kin_family *const *families = kin_families(&count);
    kin_extractor *extractor = NULL;
    (void)state;
    assert_int_equal(kin_extractor_new(NULL, &extractor, NULL), KIN_OK);
    assert_true(count >= 8);
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s/%d:%zu",
                                 i > 0 ? " " : "", families[i]->name, families[i]->version,
                                 families[i]->length);
        length += families[i]->length;
    }
    assert_string_equal(kin_extractor_signature_borrow(extractor), expected);
    assert_int_equal(kin_extractor_length(extractor), length);
    kin_extractor_free(extractor);
}

static void families_are_sound(void **state)
{
    size_t count;
    const kin_family *const *families = kin_families(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        const kin_family *family = families[i];
        assert_true(family->version >= 1 && family->length > 0 && family->weight > 0);
        assert_non_null(family->describe);
        assert_int_equal(strspn(family->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(family->name));
        assert_ptr_equal(kin_family_named(family->name, strlen(family->name)), family);
    }
    assert_null(kin_family_named("hogwash", 7));
    assert_ptr_equal(kin_family_named("hogwash", 3), kin_family_named("hog", 3));
    assert_null(kin_family_named("", 0));
}

static void colour_families_are_zero_for_grey(void **state)
{
    size_t count, at = 0;
    const kin_family *const *families = kin_families(&count);
    kin_extractor *standard = NULL;
    assert_int_equal(kin_extractor_new("standard", &standard, NULL), KIN_OK);
    float *out = malloc(kin_extractor_length(standard) * sizeof *out);
    kin_raster grey, rgb;
    (void)state;
    assert_non_null(out);
    assert_int_equal(kin_raster_init(&grey, 40, 30, 1, NULL), KIN_OK);
    assert_int_equal(kin_raster_init(&rgb, 40, 30, 3, NULL), KIN_OK);
    for (int i = 0; i < 40 * 30; i++) {
        grey.px[i] = (float)(i * 37 % 100) / 100;
        rgb.px[3 * i] = grey.px[i];
        rgb.px[3 * i + 1] = 0.5f;
    }
    assert_int_equal(kin_extractor_describe(standard, &grey, out, NULL), KIN_OK);
    for (size_t i = 0; i < count; at += families[i++]->length) {
        for (size_t k = 0; families[i]->colour && k < families[i]->length; k++)
            assert_true(out[at + k] == 0);
    }
    at = 0;
    assert_int_equal(kin_extractor_describe(standard, &rgb, out, NULL), KIN_OK);
    for (size_t i = 0; i < count; at += families[i++]->length) {
        double sum = 0;
        for (size_t k = 0; k < families[i]->length; k++)
            sum += fabs(out[at + k]);
        assert_true(sum > 0);
    }
    kin_raster_release(&grey);
    kin_raster_release(&rgb);
    free(out);
    kin_extractor_free(standard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_spells_the_layout),
        cmocka_unit_test(families_are_sound),
        cmocka_unit_test(colour_families_are_zero_for_grey),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
