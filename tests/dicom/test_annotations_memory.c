/* Annotations and regions while memory runs out, at every allocation of ours in turn: an error, and
 * (AddressSanitizer sees it) nothing left behind. */
#include "dicom/annotations.h"

#include <string.h>

#include "data_set.h"
#include "failing_memory.h"
#include "shared_data.h"

enum { MOST_CALLS = 5000 };

static kin_region kept;

/* Keeps a copy of one region, as an archive would. */
static kin_status keep(void *ctx, kin_region *region, kin_error *err)
{
    (void)ctx;
    kin_region_release(&kept);
    return kin_region_copy(region, &kept, err);
}

/* Reads the file again and again until no allocation is left to fail; returns how many there
 * were. */
static size_t exhaust(builder *b)
{
    kin_dicom *dicom = NULL;
    size_t failures = 0;
    const kin_region_sink sink = {keep, NULL};
    assert_int_equal(kin_dicom_open(b->bytes, b->size, NULL, &dicom, NULL), KIN_OK);
    for (size_t at = 1; at < MOST_CALLS; at++) {
        kin_error err = {0};
        from_now_fail(at);
        kin_status status = kin_dicom_annotations_read(dicom, &sink, NULL, &err);
        from_now_fail(0);
        kin_region_release(&kept);
        if (status == KIN_OK)
            break;
        if (status != KIN_E_NOMEM)
            fail_msg("allocation %zu: status %d, %s", at, status, err.message);
        failures++;
    }
    kin_dicom_close(dicom);
    free(b->bytes);
    return failures;
}

static void put_source(builder *b)
{
    open_one(b, 0x00089124);
    open_sequence(b, 0x00082112);
    for (int i = 0; i < 2; i++) {
        open_item(b);
        put_text(b, 0x00081155, "UI", i == 0 ? "1.2.3" : "1.2.4");
        close_item(b);
    }
    close_sequence(b);
    close_one(b);
}

static void of_a_label_map(void **state)
{
    (void)state;
    static const uint8_t pixels[] = {0, 1, 2, 3};
    builder b = {0};
    begin_file(&b, "1.2.840.10008.5.1.4.1.1.66.7");
    put_us(&b, 0x00280002, 1);
    put_text(&b, 0x00280004, "CS", "MONOCHROME2");
    put_us(&b, 0x00280010, 2);
    put_us(&b, 0x00280011, 2);
    put_us(&b, 0x00280100, 8);
    put_text(&b, 0x00620001, "CS", "LABELMAP");
    open_one(&b, 0x00620002);
    put_us(&b, 0x00620004, 1);
    put_text(&b, 0x00620005, "LO", "one");
    close_one(&b);
    open_one(&b, 0x52009230);
    put_source(&b);
    close_one(&b);
    put_pixels(&b, "OB", pixels, sizeof pixels);
    assert_true(exhaust(&b) > 50);
}

static void of_a_structure_set(void **state)
{
    (void)state;
    builder b = {0};
    begin_file(&b, "1.2.840.10008.5.1.4.1.1.481.3");
    open_one(&b, 0x30060020);
    put_text(&b, 0x30060022, "IS", "5");
    put_text(&b, 0x30060024, "UI", "1.2.6");
    put_text(&b, 0x30060026, "LO", "GTV-1");
    close_one(&b);
    open_one(&b, 0x30060039);
    open_sequence(&b, 0x30060040);
    for (int i = 0; i < 20; i++) { /* more than the list has room for at first */
        open_item(&b);
        put_text(&b, 0x30060042, "CS", "CLOSED_PLANAR");
        put_text(&b, 0x30060050, "DS",
                 i % 2 == 0 ? "0\\0\\7\\9\\0\\7\\9\\9\\7" : "0\\0\\8\\9\\0\\8\\9\\9\\8");
        close_item(&b);
    }
    close_sequence(&b);
    put_text(&b, 0x30060084, "IS", "5");
    close_one(&b);
    assert_true(exhaust(&b) > 30);
}

static void of_a_report(void **state)
{
    (void)state;
    static const float square[] = {2, 2, 12, 2, 12, 12, 2, 12, 2, 2}, circle[] = {5, 5, 5, 9};
    builder b = {0};
    begin_file(&b, "1.2.840.10008.5.1.4.1.1.88.33");
    put_text(&b, 0x0040a040, "CS", "CONTAINER");
    open_sequence(&b, 0x0040a730);
    for (int i = 0; i < 2; i++) {
        open_item(&b);
        put_text(&b, 0x0040a040, "CS", "SCOORD");
        put_floats(&b, 0x00700022, i == 0 ? square : circle, i == 0 ? 10 : 4);
        put_text(&b, 0x00700023, "CS", i == 0 ? "POLYLINE" : "CIRCLE");
        open_one(&b, 0x0040a730);
        put_text(&b, 0x0040a040, "CS", "IMAGE");
        open_one(&b, 0x00081199);
        put_text(&b, 0x00081155, "UI", "1.2.3");
        close_one(&b);
        close_one(&b);
        close_item(&b);
    }
    open_item(&b);
    put_text(&b, 0x0040a040, "CS", "IMAGE");
    open_one(&b, 0x00081199);
    put_text(&b, 0x00081155, "UI", "1.2.9");
    put_us(&b, 0x0062000b, 3);
    close_one(&b);
    close_item(&b);
    close_sequence(&b);
    assert_true(exhaust(&b) > 30);
}

static void of_a_drawing(void **state)
{
    (void)state;
    static double points[] = {0, 0, 0, 9, 0, 0, 9, 9, 0};
    kin_shape shape = {.kind = KIN_SHAPE_OUTLINE_MM, .points = points, .count = 3};
    const kin_region region = {.shapes = &shape, .shape_count = 1};
    const kin_plane plane = {.known = true,
                             .along_row = {1, 0, 0},
                             .along_column = {0, 1, 0},
                             .spacing_x_mm = 1,
                             .spacing_y_mm = 1};
    for (size_t at = 1; at <= 3; at++) {
        kin_mask mask;
        bool empty;
        from_now_fail(at);
        kin_status status = kin_region_draw(&region, &plane, 10, 10, &mask, &empty, NULL);
        from_now_fail(0);
        assert_int_equal(status, at <= 2 ? KIN_E_NOMEM : KIN_OK);
        kin_mask_release(&mask);
    }
}

static int set_up(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL) == KIN_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_label_map),
        cmocka_unit_test(of_a_structure_set),
        cmocka_unit_test(of_a_report),
        cmocka_unit_test(of_a_drawing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
