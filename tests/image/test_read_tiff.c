/* TIFF of many kinds, written by libtiff and read back to known values. */
#include <math.h>
#include <string.h>
#include <tiffio.h>

#include "encode.h"
#include "image/read.h"
#include "shared_data.h"

static const kin_image_format *tiff_of(const struct encoded *file)
{
    const kin_image_format *format = kin_image_format_of(file->bytes, file->size);
    assert_non_null(format);
    assert_string_equal(format->name, "tiff");
    return format;
}

static kin_raster read_page(const struct encoded *file, int page)
{
    kin_raster raster;
    kin_error err = {0};
    if (tiff_of(file)->read(file->bytes, file->size, page, NULL, &raster, &err) != KIN_OK)
        fail_msg("%s", err.message);
    return raster;
}

static void assert_read(const struct tiff_spec *spec, int channels, const float *expected,
                        double tolerance)
{
    struct encoded file = encode_tiff(spec, 1);
    kin_raster raster = read_page(&file, 0);
    assert_int_equal(raster.width, spec->width);
    assert_int_equal(raster.height, spec->height);
    assert_int_equal(raster.channels, channels);
    for (int i = 0; i < spec->width * spec->height * channels; i++)
        assert_float_equal(raster.px[i], expected[i], tolerance);
    kin_raster_release(&raster);
    encoded_free(&file);
}

static void grey_of_1_to_16_bits(void **state)
{
    static const uint8_t bits1[] = {0xA0, 0x40}, bits4[] = {0x0F, 0x5A},
                         bits8[] = {0, 51, 102, 255};
    static const uint8_t bits12[] = {0x00, 0x0F, 0xFF, 0x80, 0x01, 0x23};
    static const uint16_t bits16[] = {0, 1, 0x1234, 0xFFFF};
    (void)state;
    assert_read(&(struct tiff_spec){3, 2, 1, 1, .data = bits1}, 1, (float[]){1, 0, 1, 0, 1, 0}, 0);
    assert_read(&(struct tiff_spec){2, 2, 1, 4, .data = bits4}, 1,
                (float[]){0, 1, 5 / 15.0f, 10 / 15.0f}, 1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 8, .data = bits8}, 1, (float[]){0, 0.2f, 0.4f, 1},
                1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 12, .data = bits12}, 1,
                (float[]){0, 1, 0x800 / 4095.0f, 0x123 / 4095.0f}, 1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 16, .data = bits16}, 1,
                (float[]){0, 1 / 65535.0f, 0x1234 / 65535.0f, 1}, 1e-7);
}

static void white_at_zero_is_turned(void **state)
{
    static const uint8_t bits8[] = {0, 51, 102, 255};
    (void)state;
    assert_read(
        &(struct tiff_spec){2, 2, 1, 8, .photometric = PHOTOMETRIC_MINISWHITE + 1, .data = bits8},
        1, (float[]){1, 0.8f, 0.6f, 0}, 1e-6);
}

static void signed_and_real_samples_are_stretched(void **state)
{
    static const int16_t hounsfield[] = {-1000, 0, 1000, 3000};
    static const uint32_t wide[] = {10, 20, 30, 50};
    static const float unit[] = {0.1f, 0.9f, 0.5f, 0};
    static const float real[] = {-2, NAN, 6, INFINITY};
    static const double twice[] = {1e300, 0, -1e300, 0};
    (void)state;
    assert_read(&(struct tiff_spec){2, 2, 1, 16, SAMPLEFORMAT_INT, .data = hounsfield}, 1,
                (float[]){0, 0.25f, 0.5f, 1}, 1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 32, .data = wide}, 1, (float[]){0, 0.25f, 0.5f, 1},
                1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 32, SAMPLEFORMAT_IEEEFP, .data = unit}, 1, unit, 0);
    assert_read(&(struct tiff_spec){2, 2, 1, 32, SAMPLEFORMAT_IEEEFP, .data = real}, 1,
                (float[]){0, 0, 1, 1}, 1e-6);
    assert_read(&(struct tiff_spec){2, 2, 1, 64, SAMPLEFORMAT_IEEEFP, .data = twice}, 1,
                (float[]){1, 0.5f, 0, 0.5f}, 1e-6);
}

static void colours_in_either_planar_configuration(void **state)
{
    static const uint8_t mixed[] = {255, 0, 51, 0, 102, 255};
    static const uint8_t planes[] = {255, 0, 0, 102, 51, 255};
    static const float expected[] = {1, 0, 0.2f, 0, 0.4f, 1};
    (void)state;
    assert_read(&(struct tiff_spec){2, 1, 3, 8, .data = mixed}, 3, expected, 1e-6);
    assert_read(&(struct tiff_spec){2, 1, 3, 8, .planar = PLANARCONFIG_SEPARATE, .data = planes}, 3,
                expected, 1e-6);
}

static void alpha_lies_over_black(void **state)
{
    static const uint8_t mixed[] = {255, 0, 51, 51, 0, 102, 255, 255};
    static const uint8_t planes[] = {255, 0, 0, 102, 51, 255, 51, 255};
    static const float expected[] = {0.2f, 0, 0.04f, 0, 0.4f, 1};
    (void)state;
    struct tiff_spec spec = {2, 1, 4, 8, .alpha = 1, .data = mixed};
    assert_read(&spec, 3, expected, 1e-6);
    spec.planar = PLANARCONFIG_SEPARATE;
    spec.data = planes;
    assert_read(&spec, 3, expected, 1e-6);
}

static void palettes_become_colours(void **state)
{
    static const uint16_t red[16] = {65535, 0}, green[16] = {0, 13107}, blue[16] = {0, 65535};
    static const uint16_t old_red[16] = {255, 0}, old_green[16] = {0, 51}, old_blue[16] = {0, 255};
    static const uint8_t rows[] = {0x01, 0x10};
    static const float expected[] = {1, 0, 0, 0, 0.2f, 1, 0, 0.2f, 1, 1, 0, 0};
    (void)state;
    struct tiff_spec spec = {2, 2, 1, 4, .photometric = PHOTOMETRIC_PALETTE + 1, .data = rows};
    spec.palette[0] = red, spec.palette[1] = green, spec.palette[2] = blue;
    assert_read(&spec, 3, expected, 1e-6);
    spec.palette[0] = old_red, spec.palette[1] = old_green, spec.palette[2] = old_blue;
    assert_read(&spec, 3, expected, 1e-6);
}

/* A picture larger than its tiles, whose last row and column of tiles are cut. */
static void tiles_are_put_together(void **state)
{
    enum { W = 37, H = 21 };
    static const int compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                       COMPRESSION_PACKBITS};
    static uint16_t samples[W * H * 3];
    static float expected[W * H * 3];
    (void)state;
    for (int i = 0; i < W * H * 3; i++) {
        samples[i] = (uint16_t)(i * 7919);
        expected[i] = (float)samples[i] / 65535;
    }
    for (size_t c = 0; c < sizeof compressions / sizeof compressions[0]; c++) {
        for (int tile = 0; tile <= 16; tile += 16)
            assert_read(&(struct tiff_spec){W, H, 3, 16, .compression = compressions[c],
                                            .tile = tile, .data = samples},
                        3, expected, 1e-7);
    }
}

static void jpeg_inside_tiff(void **state)
{
    enum { SIDE = 32 };
    static uint8_t samples[SIDE * SIDE * 3];
    static float expected[SIDE * SIDE * 3];
    static const uint8_t colour[] = {200, 60, 120};
    (void)state;
    for (int i = 0; i < SIDE * SIDE * 3; i++) {
        samples[i] = colour[i % 3];
        expected[i] = (float)colour[i % 3] / 255;
    }
    struct tiff_spec spec = {SIDE, SIDE, 3, 8, .compression = COMPRESSION_JPEG, .data = samples};
    spec.tile = 16;
    spec.photometric = PHOTOMETRIC_YCBCR + 1;
    assert_read(&spec, 3, expected, 0.03);
    spec.photometric = PHOTOMETRIC_RGB + 1;
    assert_read(&spec, 3, expected, 0.03);
}

static void inks_become_colours(void **state)
{
    /* libtiff's own conversion: full cyan leaves no red; black takes its share of everything. */
    static const uint8_t inks[] = {255, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0};
    struct tiff_spec spec = {3, 1, 4, 8, .photometric = PHOTOMETRIC_SEPARATED + 1, .data = inks};
    (void)state;
    assert_read(&spec, 3, (float[]){0, 1, 1, 0, 0, 0, 1, 1, 1}, 0.01);
}

static void pages_are_counted_and_read(void **state)
{
    static const uint8_t one[] = {51, 51}, two[] = {102, 102, 102}, three[] = {255};
    const struct tiff_spec pages[] = {
        {2, 1, 1, 8, .data = one}, {1, 3, 1, 8, .data = two}, {1, 1, 1, 8, .data = three}};
    struct encoded file = encode_tiff(pages, 3);
    const kin_image_format *format = tiff_of(&file);
    kin_image_limits limits = {.max_frames = 2};
    kin_raster raster;
    int count;
    (void)state;
    assert_int_equal(format->pages(file.bytes, file.size, NULL, &count, NULL), KIN_OK);
    assert_int_equal(count, 3);
    assert_int_equal(format->pages(file.bytes, file.size, &limits, &count, NULL), KIN_E_LIMIT);
    limits = (kin_image_limits){.max_total_bytes = 5 * sizeof(float)};
    assert_int_equal(format->pages(file.bytes, file.size, &limits, &count, NULL), KIN_E_LIMIT);
    limits.max_total_bytes = 6 * sizeof(float);
    assert_int_equal(format->pages(file.bytes, file.size, &limits, &count, NULL), KIN_OK);
    raster = read_page(&file, 1);
    assert_int_equal(raster.height, 3);
    assert_float_equal(raster.px[2], 0.4, 1e-6);
    kin_raster_release(&raster);
    raster = read_page(&file, 2);
    assert_true(raster.px[0] == 1);
    kin_raster_release(&raster);
    assert_int_equal(format->read(file.bytes, file.size, 3, NULL, &raster, NULL), KIN_E_ARG);
    assert_int_equal(format->read(file.bytes, file.size, -1, NULL, &raster, NULL), KIN_E_ARG);
    encoded_free(&file);
}

static void resolution_becomes_spacing(void **state)
{
    static const uint8_t row[] = {1, 2};
    struct tiff_spec spec = {2, 1, 1, 8, .data = row};
    (void)state;
    spec.resolution_x = 50;
    spec.resolution_y = 20;
    struct encoded file = encode_tiff(&spec, 1);
    kin_raster raster = read_page(&file, 0);
    assert_float_equal(raster.spacing_x_mm, 0.2, 1e-6);
    assert_float_equal(raster.spacing_y_mm, 0.5, 1e-6);
    kin_raster_release(&raster);
    encoded_free(&file);
}

static void big_endian_and_big_tiff_are_recognised(void **state)
{
    static const uint8_t mm[] = {'M', 'M', 0, 42, 0, 0, 0, 8},
                         big[] = {'I', 'I', 43, 0, 8, 0, 0, 0};
    static const uint8_t other[] = {'I', 'I', 44, 0, 8, 0, 0, 0};
    (void)state;
    assert_non_null(kin_image_format_of(mm, sizeof mm));
    assert_non_null(kin_image_format_of(big, sizeof big));
    assert_null(kin_image_format_of(other, sizeof other));
    assert_null(kin_image_format_of(mm, 7));
    assert_null(kin_image_format_of("", 0));
    assert_null(kin_image_format_of("GIF89a..", 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_of_1_to_16_bits),
        cmocka_unit_test(white_at_zero_is_turned),
        cmocka_unit_test(signed_and_real_samples_are_stretched),
        cmocka_unit_test(colours_in_either_planar_configuration),
        cmocka_unit_test(alpha_lies_over_black),
        cmocka_unit_test(palettes_become_colours),
        cmocka_unit_test(tiles_are_put_together),
        cmocka_unit_test(jpeg_inside_tiff),
        cmocka_unit_test(inks_become_colours),
        cmocka_unit_test(pages_are_counted_and_read),
        cmocka_unit_test(resolution_becomes_spacing),
        cmocka_unit_test(big_endian_and_big_tiff_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
