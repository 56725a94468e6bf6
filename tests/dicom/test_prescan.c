/* The walk over a file's structure, on data sets put together byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "builder.h"
#include "dicom/dicom.h"
#include "dicom/prescan.h"
#include "shared_data.h"

static void put_u32(builder *b, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
                              (uint8_t)(v >> 24)};
    put(b, bytes, 4);
}

static void put_tag(builder *b, unsigned group, unsigned element)
{
    const uint8_t bytes[4] = {(uint8_t)group, (uint8_t)(group >> 8), (uint8_t)element,
                              (uint8_t)(element >> 8)};
    put(b, bytes, 4);
}

/* Headers: explicit VR with a short or a long length, implicit VR (also items). */
static void put_short(builder *b, unsigned group, unsigned element, const char *vr, unsigned length)
{
    const uint8_t tail[2] = {(uint8_t)length, (uint8_t)(length >> 8)};
    put_tag(b, group, element);
    put(b, vr, 2);
    put(b, tail, 2);
}

static void put_long(builder *b, unsigned group, unsigned element, const char *vr, uint32_t length)
{
    put_tag(b, group, element);
    put(b, vr, 2);
    put(b, "\0", 2);
    put_u32(b, length);
}

static void put_implicit(builder *b, unsigned group, unsigned element, uint32_t length)
{
    put_tag(b, group, element);
    put_u32(b, length);
}

static void put_item(builder *b, uint32_t length)
{
    put_implicit(b, 0xfffe, 0xe000, length);
}

static const uint32_t undefined = 0xffffffff;

static kin_status walk(const builder *b, kin_dicom_encoding encoding, kin_dicom_layout *layout)
{
    kin_dicom_layout unused;
    uint8_t *exact = malloc(b->size > 0 ? b->size : 1); /* so that a sanitizer sees the end */
    if (b->size > 0)
        memcpy(exact, b->bytes, b->size);
    kin_status status =
        kin_dicom_walk(exact, b->size, encoding, layout != NULL ? layout : &unused, NULL);
    free(exact);
    return status;
}

/* `levels` sequences, each the only element of the item around it. */
static builder nest(int levels, bool is_explicit, bool bounded)
{
    builder b = {0};
    size_t header = is_explicit ? 12 : 8;
    for (int i = 0; i < levels; i++) {
        /* What lies within: an item header, and for each further level a sequence and an item. */
        uint32_t inner = (uint32_t)(8 + (size_t)(levels - 1 - i) * (header + 8));
        if (is_explicit)
            put_long(&b, 0x0040, 0xa730, "SQ", bounded ? inner : undefined);
        else
            put_implicit(&b, 0x0040, 0xa730, bounded ? inner : undefined);
        put_item(&b, bounded ? inner - 8 : undefined);
    }
    for (int i = 0; i < levels && !bounded; i++) {
        put_implicit(&b, 0xfffe, 0xe00d, 0);
        put_implicit(&b, 0xfffe, 0xe0dd, 0);
    }
    return b;
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    static const int levels[] = {1, KIN_DICOM_MAX_NESTING, KIN_DICOM_MAX_NESTING + 1, 6000, 100000};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        for (int is_explicit = 0; is_explicit < 2; is_explicit++)
            for (int bounded = 0; bounded < 2; bounded++) {
                builder b = nest(levels[i], is_explicit != 0, bounded != 0);
                kin_status status = walk(
                    &b, is_explicit ? KIN_DICOM_EXPLICIT_LITTLE : KIN_DICOM_IMPLICIT_LITTLE, NULL);
                assert_int_equal(status, levels[i] <= KIN_DICOM_MAX_NESTING ? KIN_OK : KIN_E_LIMIT);
                free(b.bytes);
            }
}

/* A whole file of it: 216 kB that overflowed the stack of a parser without a bound. */
static void deep_files_are_refused(void **state)
{
    (void)state;
    kin_error err = {0};
    kin_dicom *dicom = NULL;
    builder b = {0}, nested = nest(6000, true, false);
    for (int i = 0; i < 128; i++)
        put(&b, "\0", 1);
    put(&b, "DICM", 4);
    put_short(&b, 0x0002, 0x0010, "UI", 20);
    put(&b, "1.2.840.10008.1.2.1\0", 20);
    put(&b, nested.bytes, nested.size);
    assert_int_equal(kin_dicom_prescan(b.bytes, b.size, &err), KIN_E_LIMIT);
    assert_int_equal(kin_dicom_open(b.bytes, b.size, NULL, &dicom, &err), KIN_E_LIMIT);
    assert_non_null(strstr(err.message, "nested"));
    assert_null(dicom);
    free(b.bytes);
    free(nested.bytes);
}

static void lengths_must_fit(void **state)
{
    (void)state;
    builder b = {0};
    put_short(&b, 0x0008, 0x0060, "CS", 2);
    put(&b, "C", 1);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    put(&b, "T", 1);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_OK);
    put(&b, "\x08", 1); /* a header that is cut off */
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    b.size = 0;
    put_long(&b, 0x0040, 0xa730, "SQ", 16); /* an item that is longer than its sequence */
    put_item(&b, 24);
    put_short(&b, 0x0008, 0x0060, "CS", 0);
    put_short(&b, 0x0008, 0x0061, "CS", 0);
    put_short(&b, 0x0008, 0x0062, "CS", 0);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    b.size = 0;
    put_long(&b, 0x0040, 0xa730, "SQ", undefined); /* no delimiter */
    put_item(&b, 0);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    free(b.bytes);
}

static void delimiters_must_match(void **state)
{
    (void)state;
    builder b = {0};
    put_implicit(&b, 0xfffe, 0xe00d, 0);
    assert_int_equal(walk(&b, KIN_DICOM_IMPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    b.size = 0;
    put_implicit(&b, 0x0040, 0xa730, undefined);
    put_implicit(&b, 0xfffe, 0xe00d, 0);
    assert_int_equal(walk(&b, KIN_DICOM_IMPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    b.size = 0;
    put_implicit(&b, 0x0040, 0xa730, undefined);
    put_item(&b, undefined);
    put_implicit(&b, 0xfffe, 0xe0dd, 0); /* the item is still open */
    assert_int_equal(walk(&b, KIN_DICOM_IMPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    free(b.bytes);
}

/* Implicit VR: a value that begins like an item may be private bytes; what is behind it still
 * counts. */
static void opaque_values_are_skipped(void **state)
{
    (void)state;
    builder b = {0};
    kin_dicom_layout layout;
    put_implicit(&b, 0x0009, 0x1001, 12);
    put_item(&b, 100); /* no such item */
    put(&b, "abcd", 4);
    put_implicit(&b, 0x0010, 0x0020, 2);
    put(&b, "P1", 2);
    assert_int_equal(walk(&b, KIN_DICOM_IMPLICIT_LITTLE, &layout), KIN_OK);
    assert_int_equal(layout.end, b.size);
    put_implicit(&b, 0x0010, 0x0021, 3);
    assert_int_equal(walk(&b, KIN_DICOM_IMPLICIT_LITTLE, NULL), KIN_E_FORMAT);
    free(b.bytes);
}

/* UN of undefined length is a sequence in implicit VR, whatever is around it. */
static void unknown_vr_is_implicit_inside(void **state)
{
    (void)state;
    builder b = {0};
    put_long(&b, 0x0009, 0x1001, "UN", undefined);
    put_item(&b, undefined);
    put_implicit(&b, 0x0009, 0x1002, 4);
    put(&b, "data", 4);
    put_implicit(&b, 0xfffe, 0xe00d, 0);
    put_implicit(&b, 0xfffe, 0xe0dd, 0);
    put_short(&b, 0x0010, 0x0020, "LO", 2);
    put(&b, "P1", 2);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_OK);
    free(b.bytes);
}

static void pixel_data_end_the_walk(void **state)
{
    (void)state;
    builder b = {0};
    kin_dicom_layout layout;
    put_short(&b, 0x0028, 0x0010, "US", 2);
    put(&b, "\1\0", 2);
    size_t before = b.size;
    put_long(&b, 0x7fe0, 0x0010, "OB", undefined);
    size_t value = b.size;
    put_item(&b, 0);
    put_item(&b, 4);
    put(&b, "abcd", 4);
    put_item(&b, 2);
    put(&b, "ef", 2);
    put_implicit(&b, 0xfffe, 0xe0dd, 0);
    size_t behind = b.size;
    put(&b, "rubbish behind the pixels", 25);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, &layout), KIN_OK);
    assert_true(layout.has_pixels && layout.encapsulated);
    assert_int_equal(layout.end, before);
    assert_int_equal(layout.pixel_tag, 0x7fe00010);
    assert_int_equal(layout.pixel_offset, value);
    assert_int_equal(layout.pixel_size, behind - value);
    assert_int_equal(layout.item_count, 3);
    b.size = behind - 8; /* without the delimiter */
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, &layout), KIN_E_FORMAT);
    b.size = before;
    put_long(&b, 0x7fe0, 0x0010, "OW", 5); /* one byte is missing */
    put(&b, "abcd", 4);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, &layout), KIN_E_FORMAT);
    put(&b, "e", 1);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, &layout), KIN_OK);
    assert_true(!layout.encapsulated && layout.pixel_size == 5);
    free(b.bytes);
}

/* Pixel data within an icon are not the image's. */
static void icons_are_not_the_image(void **state)
{
    (void)state;
    builder b = {0};
    kin_dicom_layout layout;
    put_long(&b, 0x0088, 0x0200, "SQ", undefined);
    put_item(&b, undefined);
    put_long(&b, 0x7fe0, 0x0010, "OB", undefined);
    put_item(&b, 0);
    put_item(&b, 2);
    put(&b, "ab", 2);
    put_implicit(&b, 0xfffe, 0xe0dd, 0);
    put_implicit(&b, 0xfffe, 0xe00d, 0);
    put_implicit(&b, 0xfffe, 0xe0dd, 0);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, &layout), KIN_OK);
    assert_false(layout.has_pixels);
    assert_int_equal(layout.end, b.size);
    assert_int_equal(layout.item_count, 0);
    free(b.bytes);
}

static void elements_are_counted(void **state)
{
    (void)state;
    builder b = {0};
    for (int i = 0; i <= KIN_DICOM_MAX_ELEMENTS; i++)
        put_short(&b, 0x0009, 0x1001, "LO", 0);
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_E_LIMIT);
    b.size -= 8;
    assert_int_equal(walk(&b, KIN_DICOM_EXPLICIT_LITTLE, NULL), KIN_OK);
    free(b.bytes);
}

static void other_files_are_not_dicom(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\x89PNG\r\n\x1a\n",
        "\xff\xd8\xff\xe0",
        "II*",
        "MM",
        "Some text that is longer than a header, not DICOM at all."};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_false(kin_dicom_recognise(texts[i], strlen(texts[i])));
        assert_int_equal(kin_dicom_prescan(texts[i], strlen(texts[i]), NULL), KIN_E_FORMAT);
    }
    uint8_t zeros[200] = {0};
    assert_false(kin_dicom_recognise(zeros, sizeof zeros));
    memcpy(zeros + 128, "DICM", 4);
    assert_true(kin_dicom_recognise(zeros, sizeof zeros));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(deep_files_are_refused),
        cmocka_unit_test(lengths_must_fit),
        cmocka_unit_test(delimiters_must_match),
        cmocka_unit_test(opaque_values_are_skipped),
        cmocka_unit_test(unknown_vr_is_implicit_inside),
        cmocka_unit_test(pixel_data_end_the_walk),
        cmocka_unit_test(icons_are_not_the_image),
        cmocka_unit_test(elements_are_counted),
        cmocka_unit_test(other_files_are_not_dicom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
