/* Files that lie: cut anywhere, flipped bits, absurd sizes, bombs, loops.  Nothing may crash, hang
 * or take more memory than its limit; what is returned is whole and finite. */
#include <png.h>
#include <stdbool.h>
#include <string.h>
#include <tiffio.h>

#include "encode.h"
#include "image/read.h"
#include "random.h"
#include "shared_data.h"

enum { W = 19, H = 13 };

/* Small enough that thousands of readings take no time. */
static const kin_image_limits LIMITS = {
    .max_frame_bytes = 4 << 20, .max_total_bytes = 16 << 20, .max_frames = 50};

static const uint8_t *noise(void)
{
    static uint8_t samples[W * H * 8];
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (uint8_t)random_bits(&random);
    return samples;
}

enum { KINDS = 9 };

static struct encoded make(int kind)
{
    const uint8_t *data = noise();
    const struct tiff_spec pages[] = {{W, H, 1, 8, .data = data},
                                      {W, H, 3, 16, .compression = COMPRESSION_LZW, .data = data}};
    const struct tiff_spec tiled = {
        W, H, 3, 8, .compression = COMPRESSION_ADOBE_DEFLATE, .tile = 16, .data = data};
    const struct tiff_spec jpeg = {W,
                                   H,
                                   3,
                                   8,
                                   .photometric = PHOTOMETRIC_YCBCR + 1,
                                   .compression = COMPRESSION_JPEG,
                                   .tile = 16,
                                   .data = data};
    switch (kind) {
    case 0:
        return encode_png(&(struct png_spec){W, H, 8, PNG_COLOR_TYPE_RGB, .rows = data});
    case 1:
        return encode_png(&(struct png_spec){W, H, 16, PNG_COLOR_TYPE_GRAY_ALPHA, 1, .rows = data});
    case 2:
        return encode_png(&(struct png_spec){W, H, 1, PNG_COLOR_TYPE_GRAY, .rows = data});
    case 3:
        return encode_jpeg(&(struct jpeg_spec){W, H, 3, .samples = data});
    case 4:
        return encode_jpeg(&(struct jpeg_spec){W, H, 1, .samples = data, .progressive = 1});
    case 5:
        return encode_jpeg(&(struct jpeg_spec){W, H, 4, .samples = data});
    case 6:
        return encode_tiff(pages, 2);
    case 7:
        return encode_tiff(&tiled, 1);
    default:
        return encode_tiff(&jpeg, 1);
    }
}

/* Reads what may be anything; true when an image came out, which must then be sound. */
static bool survives(const uint8_t *bytes, size_t size)
{
    const kin_image_format *format = kin_image_format_of(bytes, size);
    kin_error err = {0};
    kin_raster raster;
    int pages = 0;
    if (format == NULL)
        return false;
    if (format->pages(bytes, size, &LIMITS, &pages, &err) != KIN_OK) {
        assert_true(err.message[0] != '\0');
        pages = 1;
    }
    bool read = false;
    for (int page = 0; page < pages; page++) {
        kin_error_clear(&err);
        kin_status status = format->read(bytes, size, page, &LIMITS, &raster, &err);
        assert_int_equal(status, err.code);
        if (status != KIN_OK) {
            assert_true(err.message[0] != '\0');
            assert_null(raster.px);
            continue;
        }
        read = true;
        size_t n = (size_t)raster.width * (size_t)raster.height * (size_t)raster.channels;
        for (size_t i = 0; i < n; i++)
            assert_true(raster.px[i] >= 0 && raster.px[i] <= 1);
        kin_raster_release(&raster);
    }
    return read;
}

/* A copy of exactly `size` bytes, so that AddressSanitizer sees a read past the end. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void cut_at_every_byte(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct encoded file = make(kind);
        assert_true(survives(file.bytes, file.size));
        for (size_t size = 0; size < file.size; size++) {
            uint8_t *copy = exact_copy(file.bytes, size);
            bool read = survives(copy, size);
            if (kind < 6) /* a TIFF's last bytes may be a tag that is not needed */
                assert_false(read);
            free(copy);
        }
        encoded_free(&file);
    }
}

/* An image out of a TIFF cut short equals the whole one's: nothing is made up. */
static void a_cut_tiff_gives_the_same_image_or_none(void **state)
{
    (void)state;
    for (int kind = 6; kind < KINDS; kind++) {
        struct encoded file = make(kind);
        const kin_image_format *format = kin_image_format_of(file.bytes, file.size);
        kin_raster whole, cut;
        assert_int_equal(format->read(file.bytes, file.size, 0, &LIMITS, &whole, NULL), KIN_OK);
        size_t n = (size_t)whole.width * (size_t)whole.height * (size_t)whole.channels;
        for (size_t size = 8; size < file.size; size++) {
            if (format->read(file.bytes, size, 0, &LIMITS, &cut, NULL) != KIN_OK)
                continue;
            assert_int_equal(cut.channels, whole.channels);
            assert_memory_equal(cut.px, whole.px, n * sizeof(float));
            kin_raster_release(&cut);
        }
        kin_raster_release(&whole);
        encoded_free(&file);
    }
}

static void seeded_flips(void **state)
{
    enum { ROUNDS = 1500 };
    uint64_t random = 2024;
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct encoded file = make(kind);
        for (int round = 0; round < ROUNDS; round++) {
            uint8_t *copy = exact_copy(file.bytes, file.size);
            for (int k = 0; k <= round % 4; k++) {
                uint64_t change = random_bits(&random);
                copy[(change >> 8) % file.size] ^= (uint8_t)(1u << (change & 7));
            }
            survives(copy, file.size);
            free(copy);
        }
        encoded_free(&file);
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A PNG's header with another size, and its checksum right again (CRC-32 of PNG annex D). */
static void set_png_size(uint8_t *bytes, uint32_t width, uint32_t height)
{
    uint32_t crc = 0xFFFFFFFFu;
    put_u32(bytes + 16, width);
    put_u32(bytes + 20, height);
    for (int i = 12; i < 29; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? 0xEDB88320u ^ crc >> 1 : crc >> 1;
    }
    put_u32(bytes + 29, ~crc);
}

static kin_status read_status(const uint8_t *bytes, size_t size, const kin_image_limits *limits)
{
    kin_raster raster;
    kin_status status =
        kin_image_format_of(bytes, size)->read(bytes, size, 0, limits, &raster, NULL);
    assert_null(status == KIN_OK ? NULL : raster.px);
    kin_raster_release(&raster);
    return status;
}

static void absurd_png_sizes(void **state)
{
    struct encoded file = make(2);
    (void)state;
    set_png_size(file.bytes, 0x7FFFFFFF, 0x7FFFFFFF);
    assert_int_equal(read_status(file.bytes, file.size, NULL), KIN_E_LIMIT);
    set_png_size(file.bytes, 65535, 65535);
    assert_int_equal(read_status(file.bytes, file.size, NULL), KIN_E_LIMIT);
    /* Within the limit, but more than deflate could hold in so few bytes. */
    set_png_size(file.bytes, 8000, 8000);
    assert_int_equal(read_status(file.bytes, file.size, NULL), KIN_E_FORMAT);
    encoded_free(&file);
}

/* 64 million zero samples in some 60 kB. */
static void a_decompression_bomb_meets_its_limit(void **state)
{
    enum { SIDE = 8000 };
    uint8_t *zeros = calloc(SIDE, SIDE);
    (void)state;
    assert_non_null(zeros);
    struct encoded file =
        encode_png(&(struct png_spec){SIDE, SIDE, 8, PNG_COLOR_TYPE_GRAY, .rows = zeros});
    assert_true(file.size < 300000);
    assert_int_equal(read_status(file.bytes, file.size, &LIMITS), KIN_E_LIMIT);
    encoded_free(&file);
    free(zeros);
}

static void absurd_jpeg_sizes(void **state)
{
    struct encoded file = make(3);
    (void)state;
    for (size_t i = 0; i + 9 < file.size; i++) {
        if (file.bytes[i] == 0xFF && file.bytes[i + 1] == 0xC0) /* start of frame: height, width */
            memset(file.bytes + i + 5, 0xFE, 4);
    }
    assert_int_equal(read_status(file.bytes, file.size, NULL), KIN_E_LIMIT);
    encoded_free(&file);
}

/* A progressive JPEG whose AC scan comes 300 times: small to send, long to decode. */
static void endless_jpeg_scans(void **state)
{
    struct encoded file = make(4), bomb = {0};
    size_t scan = 0;
    (void)state;
    for (size_t i = 0; i + 1 < file.size; i++) {
        if (file.bytes[i] == 0xFF && file.bytes[i + 1] == 0xDA)
            scan = i;
    }
    size_t length = file.size - 2 - scan; /* up to the end-of-image marker */
    bomb.size = scan + 300 * length + 2;
    bomb.bytes = malloc(bomb.size);
    assert_non_null(bomb.bytes);
    memcpy(bomb.bytes, file.bytes, scan);
    for (size_t k = 0; k < 300; k++)
        memcpy(bomb.bytes + scan + k * length, file.bytes + scan, length);
    memcpy(bomb.bytes + bomb.size - 2, "\xFF\xD9", 2);
    assert_int_equal(read_status(bomb.bytes, bomb.size, NULL), KIN_E_LIMIT);
    encoded_free(&bomb);
    encoded_free(&file);
}

/* A little-endian TIFF directory by hand. */
struct entry {
    uint16_t tag, type; /* 3: 16 bits, 4: 32 bits */
    uint32_t count, value;
};

static size_t tiff_by_hand(uint8_t *bytes, const struct entry *entries, uint16_t count,
                           uint32_t next)
{
    size_t at = 8;
    memcpy(bytes, "II\x2A\0\x08\0\0\0", 8);
    memcpy(bytes + at, &count, 2);
    at += 2;
    for (uint16_t i = 0; i < count; i++, at += 12) {
        memcpy(bytes + at, &entries[i].tag, 2);
        memcpy(bytes + at + 2, &entries[i].type, 2);
        memcpy(bytes + at + 4, &entries[i].count, 4);
        memcpy(bytes + at + 8, &entries[i].value, 4);
    }
    memcpy(bytes + at, &next, 4);
    return at + 4;
}

static void tiff_pages_in_a_circle(void **state)
{
    static const struct entry entries[] = {{256, 3, 1, 2}, {257, 3, 1, 1}, {258, 3, 1, 8},
                                           {259, 3, 1, 1}, {262, 3, 1, 1}, {273, 4, 1, 8},
                                           {277, 3, 1, 1}, {278, 3, 1, 1}, {279, 4, 1, 2}};
    uint8_t bytes[256];
    int count;
    (void)state;
    size_t size = tiff_by_hand(bytes, entries, 9, 8);
    const kin_image_format *format = kin_image_format_of(bytes, size);
    assert_int_equal(format->pages(bytes, size, NULL, &count, NULL), KIN_E_FORMAT);
    size = tiff_by_hand(bytes, entries, 9, 0);
    assert_int_equal(format->pages(bytes, size, NULL, &count, NULL), KIN_OK);
    assert_int_equal(count, 1);
    size = tiff_by_hand(bytes, entries, 9, 0x7FFFFFF0); /* beyond the end */
    assert_int_equal(format->pages(bytes, size, NULL, &count, NULL), KIN_E_FORMAT);
}

static void absurd_tiff_sizes(void **state)
{
    uint8_t bytes[256];
    (void)state;
    struct entry image[] = {{256, 4, 1, 0xFFFFFFF0}, {257, 4, 1, 0xFFFFFFF0}, {258, 3, 1, 8},
                            {259, 3, 1, 1},          {262, 3, 1, 1},          {273, 4, 1, 8},
                            {277, 3, 1, 1},          {278, 4, 1, 0xFFFFFFFF}, {279, 4, 1, 2}};
    /* libtiff itself refuses some of these before our limits see them. */
    size_t size = tiff_by_hand(bytes, image, 9, 0);
    assert_int_not_equal(read_status(bytes, size, NULL), KIN_OK);
    image[0].value = image[1].value = 40000; /* 6.4 GB as floats, of 2 bytes */
    image[7].value = 40000;
    size = tiff_by_hand(bytes, image, 9, 0);
    assert_int_equal(read_status(bytes, size, NULL), KIN_E_LIMIT);
    /* One pixel under a tile of 2^30 pixels. */
    const struct entry tile[] = {
        {256, 3, 1, 1}, {257, 3, 1, 1},     {258, 3, 1, 8},     {259, 3, 1, 1}, {262, 3, 1, 1},
        {277, 3, 1, 1}, {322, 4, 1, 32768}, {323, 4, 1, 32768}, {324, 4, 1, 8}, {325, 4, 1, 100}};
    size = tiff_by_hand(bytes, tile, 10, 0);
    assert_int_equal(read_status(bytes, size, &LIMITS), KIN_E_LIMIT);
    /* More samples than a frame may have: separate planes without end. */
    image[0].value = image[1].value = 1;
    image[6].value = 65535;
    size = tiff_by_hand(bytes, image, 9, 0);
    assert_int_not_equal(read_status(bytes, size, &LIMITS), KIN_OK);
}

/* Whatever slides and pictures lie in the test data: an image or a reason. */
static void real_files_survive(void **state)
{
    static const char *const names[] = {"slides/openslide_python_fixtures/boxes.tiff",
                                        "slides/openslide_python_fixtures/unopenable.tiff"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        shared_data(path, sizeof path, names[i]);
        FILE *stream = fopen(path, "rb");
        assert_non_null(stream);
        uint8_t *bytes = malloc(16 << 20);
        assert_non_null(bytes);
        size_t size = fread(bytes, 1, 16 << 20, stream);
        fclose(stream);
        bool read = survives(bytes, size);
        if (i == 0)
            assert_true(read);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(a_cut_tiff_gives_the_same_image_or_none),
        cmocka_unit_test(seeded_flips),
        cmocka_unit_test(absurd_png_sizes),
        cmocka_unit_test(a_decompression_bomb_meets_its_limit),
        cmocka_unit_test(absurd_jpeg_sizes),
        cmocka_unit_test(endless_jpeg_scans),
        cmocka_unit_test(tiff_pages_in_a_circle),
        cmocka_unit_test(absurd_tiff_sizes),
        cmocka_unit_test(real_files_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
