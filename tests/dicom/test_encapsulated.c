/* Encapsulated pixel data put together anew: how fragments are divided among frames, and code
 * streams that no file of the shared data holds. */
#include <string.h>

#include "builder.h"
#include "dicom/prescan.h"
#include "dicom/wire.h"
#include "dicom_files.h"
#include "htj2k_vectors.h"
#include "made_files.h"
#include "shared_data.h"

static int prepare(void **state)
{
    (void)state;
    return kin_dicom_prepare(NULL);
}

static void put_number(builder *b, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++, v >>= 8) {
        const uint8_t byte = (uint8_t)v;
        put(b, &byte, 1);
    }
}

/* Tag, and length of 32 bits (an item), or VR and length of 32 bits (an element). */
static void put_header(builder *b, unsigned group, unsigned element, const char *vr,
                       uint32_t length)
{
    put_number(b, group, 2);
    put_number(b, element, 2);
    if (vr != NULL) {
        put(b, vr, 2);
        put_number(b, 0, 2);
    }
    put_number(b, length, 4);
}

/* One frame's bytes. */
typedef struct piece {
    const uint8_t *bytes;
    size_t size;
} piece;

enum { FRAMES = 10, META_END = 132 };

/* The offset of the data set in a file with preamble and explicit little endian meta group. */
static size_t data_set_at(const test_file *file)
{
    size_t at = META_END;
    while (kin_wire_16(file->bytes + at, false) == 2)
        at += memcmp(file->bytes + at + 4, "OB", 2) == 0
                  ? 12 + kin_wire_32(file->bytes + at + 8, false)
                  : 8u + kin_wire_16(file->bytes + at + 6, false);
    return at;
}

/* Splits a file with one fragment per frame: *head gets what is before the pixel data. */
static void take_apart(const test_file *file, builder *head, piece frames[FRAMES])
{
    size_t start = data_set_at(file);
    kin_dicom_layout layout;
    assert_int_equal(kin_dicom_walk(file->bytes + start, file->size - start,
                                    KIN_DICOM_EXPLICIT_LITTLE, &layout, NULL),
                     KIN_OK);
    assert_int_equal(layout.item_count, FRAMES + 1);
    put(head, file->bytes, start + layout.end);
    size_t at = start + layout.pixel_offset;
    at += 8 + kin_wire_32(file->bytes + at + 4, false);
    for (int i = 0; i < FRAMES; i++) {
        frames[i].size = kin_wire_32(file->bytes + at + 4, false);
        frames[i].bytes = file->bytes + at + 8;
        at += 8 + frames[i].size;
    }
}

/* How pixel data are put together. */
typedef enum table { NO_TABLE, BASIC_TABLE, WRONG_TABLE, EXTENDED_TABLE } table;

/* Frame i in 1 + i % parts fragments of even size. */
static void put_together(builder *b, const piece frames[FRAMES], unsigned parts, table kind)
{
    builder items = {0};
    uint64_t offsets[FRAMES];
    for (unsigned i = 0; i < FRAMES; i++) {
        offsets[i] = items.size;
        unsigned n = 1 + i % parts;
        size_t done = 0;
        for (unsigned k = 0; k < n; k++) {
            size_t size = k + 1 < n ? frames[i].size / n & ~(size_t)1 : frames[i].size - done;
            put_header(&items, 0xfffe, 0xe000, NULL, (uint32_t)size);
            put(&items, frames[i].bytes + done, size);
            done += size;
        }
    }
    if (kind == EXTENDED_TABLE) {
        put_header(b, 0x7fe0, 0x0001, "OV", 8 * FRAMES);
        for (int i = 0; i < FRAMES; i++)
            put_number(b, offsets[i], 8);
        put_header(b, 0x7fe0, 0x0002, "OV", 8 * FRAMES);
        for (int i = 0; i < FRAMES; i++)
            put_number(b, frames[i].size, 8);
    }
    bool basic = kind == BASIC_TABLE || kind == WRONG_TABLE;
    put_header(b, 0x7fe0, 0x0010, "OB", 0xffffffff);
    put_header(b, 0xfffe, 0xe000, NULL, basic ? 4 * FRAMES : 0);
    for (int i = 0; basic && i < FRAMES; i++)
        put_number(b, offsets[i] + (kind == WRONG_TABLE ? 2 : 0), 4);
    put(b, items.bytes, items.size);
    put_header(b, 0xfffe, 0xe0dd, NULL, 0);
    free(items.bytes);
}

/* Puts a file's frames together anew, and compares its samples with those of another. */
static kin_status compare_rebuilt(const char *name, unsigned parts, table kind,
                                  const char *reference)
{
    test_file file = test_file_load(name), reference_file;
    builder b = {0};
    piece frames[FRAMES];
    kin_error err = {0};
    kin_dicom *dicom = NULL;
    take_apart(&file, &b, frames);
    put_together(&b, frames, parts, kind);
    kin_status status = kin_dicom_open(b.bytes, b.size, NULL, &dicom, &err);
    if (status == KIN_OK) {
        kin_dicom *other = test_dicom_open(reference, &reference_file);
        for (int frame = 0; frame < FRAMES; frame++) {
            kin_samples ours = test_samples(dicom, frame, name);
            kin_samples theirs = test_samples(other, frame, reference);
            assert_int_equal(ours.size, theirs.size);
            assert_memory_equal(ours.data, theirs.data, ours.size);
            free(ours.data);
            free(theirs.data);
        }
        kin_dicom_close(other);
        test_file_free(&reference_file);
    }
    kin_dicom_close(dicom);
    free(b.bytes);
    test_file_free(&file);
    return status;
}

static void fragments_find_their_frames(void **state)
{
    (void)state;
    static const char *const names[] = {"pydicom/emri_small_jpeg_ls_lossless.dcm",
                                        "pydicom/emri_small_jpeg_2k_lossless.dcm",
                                        "pydicom/emri_small_RLE.dcm"};
    static const table kinds[] = {NO_TABLE, BASIC_TABLE, WRONG_TABLE, EXTENDED_TABLE};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (unsigned parts = 1; parts <= 3; parts++)
            for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                kin_status status =
                    compare_rebuilt(names[i], parts, kinds[k], "pydicom/emri_small.dcm");
                /* RLE streams have no markers: in several fragments they need a table. */
                bool lost = strstr(names[i], "RLE") != NULL && parts > 1 &&
                            (kinds[k] == NO_TABLE || kinds[k] == WRONG_TABLE);
                if (status != (lost ? KIN_E_FORMAT : KIN_OK))
                    fail_msg("%s in up to %u parts, table %zu: %s", names[i], parts, k,
                             kin_status_text(status));
            }
}

/* A file of one frame in a transfer syntax that the writer does not know: the meta group's UID is
 * replaced, and the pixel data are put behind what is before them. */
static made encapsulate(kin_dicom_new spec, const char *syntax_uid, const uint8_t *stream,
                        size_t size)
{
    void *native;
    size_t native_size, pixels = (size_t)spec.pixels_size + 12;
    builder b = {0};
    made m = {0};
    kin_error err = {0};
    spec.sop_class_uid = TEST_SC_CLASS;
    spec.sop_instance_uid = "1.2.3";
    assert_int_equal(kin_dicom_write_memory(&spec, &native, &native_size, NULL), KIN_OK);
    test_file file = {native, native_size};
    size_t start = data_set_at(&file);
    put(&b, native, META_END);
    put(&b, "\2\0\x10\0UI", 6);
    put_number(&b, strlen(syntax_uid) + strlen(syntax_uid) % 2, 2);
    put(&b, syntax_uid, strlen(syntax_uid) + strlen(syntax_uid) % 2);
    put(&b, file.bytes + start, native_size - start - pixels);
    put_header(&b, 0x7fe0, 0x0010, "OB", 0xffffffff);
    put_header(&b, 0xfffe, 0xe000, NULL, 0);
    put_header(&b, 0xfffe, 0xe000, NULL, (uint32_t)size);
    put(&b, stream, size);
    put_header(&b, 0xfffe, 0xe0dd, NULL, 0);
    free(native);
    m.bytes = b.bytes;
    m.size = b.size;
    if (kin_dicom_open(m.bytes, m.size, NULL, &m.dicom, &err) != KIN_OK)
        fail_msg("%s: %s", syntax_uid, err.message);
    return m;
}

enum { WIDTH = 40, HEIGHT = 24 };

static unsigned grey_formula(unsigned x, unsigned y)
{
    return (x * 97 + y * y * 13 + (x * y) % 31 * 5) % 4096;
}

static unsigned colour_formula(unsigned x, unsigned y, unsigned c)
{
    return (x * 5 + y * 3 * (c + 1) + c * 60) % 256;
}

static void high_throughput_jpeg_2000(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {"1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202",
                                           "1.2.840.10008.1.2.4.203"};
    static const uint16_t grey[WIDTH * HEIGHT];
    static const uint8_t colour[3 * WIDTH * HEIGHT];
    for (size_t i = 0; i < sizeof syntaxes / sizeof syntaxes[0]; i++) {
        made m = encapsulate((kin_dicom_new){.pixels = grey,
                                             .pixels_size = sizeof grey,
                                             .rows = HEIGHT,
                                             .columns = WIDTH,
                                             .bits_allocated = 16,
                                             .bits_stored = 12},
                             syntaxes[i], htj2k_grey, sizeof htj2k_grey);
        kin_samples samples = test_samples(m.dicom, 0, "HTJ2K grey");
        for (unsigned k = 0; k < WIDTH * HEIGHT; k++)
            assert_int_equal(((uint16_t *)samples.data)[k], grey_formula(k % WIDTH, k / WIDTH));
        free(samples.data);
        made_close(&m);
        m = encapsulate((kin_dicom_new){.pixels = colour,
                                        .pixels_size = sizeof colour,
                                        .rows = HEIGHT,
                                        .columns = WIDTH,
                                        .samples_per_pixel = 3,
                                        .photometric = "YBR_RCT"},
                        syntaxes[i], htj2k_colour, sizeof htj2k_colour);
        samples = test_samples(m.dicom, 0, "HTJ2K colour");
        for (unsigned k = 0; k < 3 * WIDTH * HEIGHT; k++)
            assert_int_equal(((uint8_t *)samples.data)[k],
                             colour_formula(k / 3 % WIDTH, k / 3 / WIDTH, k % 3));
        free(samples.data);
        made_close(&m);
    }
}

/* SIZ segments that lie: the size of the picture, no size of tiles, millions of tiles. */
static void jpeg_2000_sizes_are_checked(void **state)
{
    (void)state;
    static const struct {
        size_t at; /* in the code stream */
        uint8_t bytes[4];
        kin_status expected;
    } lies[] = {
        {8, {0, 0, 0, 41}, KIN_E_FORMAT},     {8, {0xff, 0xff, 0xff, 0xff}, KIN_E_FORMAT},
        {12, {0, 0, 0, 0}, KIN_E_FORMAT},     {24, {0, 0, 0, 0}, KIN_E_FORMAT},
        {24, {0, 0, 0, 1}, KIN_E_LIMIT},      {40, {0, 3, 11, 1}, KIN_E_FORMAT},
        {42, {31, 1, 1, 0xff}, KIN_E_FORMAT},
    };
    static const uint16_t grey[WIDTH * HEIGHT];
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        uint8_t stream[sizeof htj2k_grey];
        kin_samples samples;
        memcpy(stream, htj2k_grey, sizeof stream);
        memcpy(stream + lies[i].at, lies[i].bytes, 4);
        if (lies[i].expected == KIN_E_LIMIT) /* both ways: 960 tiles of one pixel */
            memcpy(stream + lies[i].at + 4, lies[i].bytes, 4);
        made m = encapsulate((kin_dicom_new){.pixels = grey,
                                             .pixels_size = sizeof grey,
                                             .rows = HEIGHT,
                                             .columns = WIDTH,
                                             .bits_allocated = 16,
                                             .bits_stored = 12},
                             "1.2.840.10008.1.2.4.201", stream, sizeof stream);
        assert_int_equal(kin_dicom_read_samples(m.dicom, 0, &samples, NULL), lies[i].expected);
        made_close(&m);
    }
    for (size_t size = 0; size < sizeof htj2k_grey; size += 3) {
        kin_samples samples;
        made m = encapsulate((kin_dicom_new){.pixels = grey,
                                             .pixels_size = sizeof grey,
                                             .rows = HEIGHT,
                                             .columns = WIDTH,
                                             .bits_allocated = 16,
                                             .bits_stored = 12},
                             "1.2.840.10008.1.2.4.201", htj2k_grey, size);
        if (kin_dicom_read_samples(m.dicom, 0, &samples, NULL) == KIN_OK)
            free(samples.data);
        made_close(&m);
    }
}

/* A frame whose stream is cut off within a fragment that is whole. */
static void streams_cut_off_are_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"pydicom/emri_small_jpeg_ls_lossless.dcm",
                                        "pydicom/emri_small_jpeg_2k_lossless.dcm",
                                        "pydicom/emri_small_RLE.dcm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t eighths = 1; eighths < 8; eighths++) {
            test_file file = test_file_load(names[i]);
            builder b = {0};
            piece frames[FRAMES];
            kin_dicom *dicom = NULL;
            kin_samples samples;
            take_apart(&file, &b, frames);
            frames[4].size = frames[4].size * eighths / 8 & ~(size_t)1;
            put_together(&b, frames, 1, NO_TABLE);
            assert_int_equal(kin_dicom_open(b.bytes, b.size, NULL, &dicom, NULL), KIN_OK);
            kin_status status = kin_dicom_read_samples(dicom, 4, &samples, NULL);
            if (status != KIN_E_FORMAT)
                fail_msg("%s, %zu/8 of a frame: %s", names[i], eighths, kin_status_text(status));
            assert_int_equal(kin_dicom_read_samples(dicom, 5, &samples, NULL), KIN_OK);
            free(samples.data);
            kin_dicom_close(dicom);
            free(b.bytes);
            test_file_free(&file);
        }
}

/* The same for JPEG, whose stream is the last thing in its file. */
static void jpeg_streams_cut_off_are_an_error(void **state)
{
    (void)state;
    static const char *const names[] = {"pydicom/SC_rgb_jpeg_dcmtk.dcm",
                                        "pydicom/SC_rgb_jpeg_gdcm.dcm", "pydicom/JPEG-lossy.dcm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        test_file file = test_file_load(names[i]);
        kin_dicom_layout layout;
        kin_dicom *dicom = NULL;
        kin_samples samples;
        size_t start = data_set_at(&file);
        assert_int_equal(kin_dicom_walk(file.bytes + start, file.size - start,
                                        KIN_DICOM_EXPLICIT_LITTLE, &layout, NULL),
                         KIN_OK);
        size_t fragment = start + layout.pixel_offset; /* behind the offset table */
        fragment += 8 + kin_wire_32(file.bytes + fragment + 4, false);
        builder b = {0};
        uint32_t half = kin_wire_32(file.bytes + fragment + 4, false) / 4 * 2;
        put(&b, file.bytes, fragment);
        put_header(&b, 0xfffe, 0xe000, NULL, half);
        put(&b, file.bytes + fragment + 8, half);
        put_header(&b, 0xfffe, 0xe0dd, NULL, 0);
        assert_int_equal(kin_dicom_open(b.bytes, b.size, NULL, &dicom, NULL), KIN_OK);
        kin_status status = kin_dicom_read_samples(dicom, 0, &samples, NULL);
        if (status != KIN_E_FORMAT)
            fail_msg("half of %s: %s", names[i], kin_status_text(status));
        kin_dicom_close(dicom);
        free(b.bytes);
        test_file_free(&file);
    }
}

/* Video and private syntaxes are well-formed, but not ours. */
static void other_syntaxes_are_named(void **state)
{
    (void)state;
    static const char *const syntaxes[] = {"1.2.840.10008.1.2.4.94", "1.2.3.4.5"};
    static const uint8_t grey[WIDTH * HEIGHT], stream[4];
    for (size_t i = 0; i < sizeof syntaxes / sizeof syntaxes[0]; i++) {
        kin_error err = {0};
        kin_dicom *dicom = NULL;
        kin_dicom_new spec = {
            .pixels = grey, .pixels_size = sizeof grey, .rows = HEIGHT, .columns = WIDTH};
        made m = encapsulate(spec, "1.2.840.10008.1.2.4.50", stream, sizeof stream);
        uint8_t *uid = memmem(m.bytes, m.size, "1.2.840.10008.1.2.4.50", 22);
        assert_non_null(uid);
        memset(uid, 0, 22);
        memcpy(uid, syntaxes[i], strlen(syntaxes[i]));
        assert_int_equal(kin_dicom_open(m.bytes, m.size, NULL, &dicom, &err), KIN_E_UNSUPPORTED);
        assert_non_null(strstr(err.message, syntaxes[i]));
        assert_null(dicom);
        made_close(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_find_their_frames),
        cmocka_unit_test(high_throughput_jpeg_2000),
        cmocka_unit_test(jpeg_2000_sizes_are_checked),
        cmocka_unit_test(streams_cut_off_are_an_error),
        cmocka_unit_test(jpeg_streams_cut_off_are_an_error),
        cmocka_unit_test(other_syntaxes_are_named),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
