/* PNG of every kind, written by libpng and read back to known values. */
#include <png.h>
#include <string.h>

#include "read_back.h"

static kin_raster read_back(const struct png_spec *spec)
{
    kin_raster raster = read_only_page(encode_png(spec), "png", 1);
    assert_int_equal(raster.width, spec->width);
    assert_int_equal(raster.height, spec->height);
    return raster;
}

static void assert_read(const struct png_spec *spec, int channels, const float *expected)
{
    for (int interlaced = 0; interlaced <= 1; interlaced++) {
        struct png_spec variant = *spec;
        variant.interlaced = interlaced;
        kin_raster raster = read_back(&variant);
        assert_int_equal(raster.channels, channels);
        for (int i = 0; i < spec->width * spec->height * channels; i++)
            assert_float_equal(raster.px[i], expected[i], 1e-6);
        kin_raster_release(&raster);
    }
}

static void grey_of_1_to_8_bits(void **state)
{
    static const uint8_t rows1[] = {0xA0, 0x40}, rows2[] = {0x1B, 0xE4}, rows4[] = {0x0F, 0x5A};
    static const uint8_t rows8[] = {0, 51, 102, 255};
    (void)state;
    assert_read(&(struct png_spec){3, 2, 1, PNG_COLOR_TYPE_GRAY, .rows = rows1}, 1,
                (float[]){1, 0, 1, 0, 1, 0});
    assert_read(&(struct png_spec){4, 2, 2, PNG_COLOR_TYPE_GRAY, .rows = rows2}, 1,
                (float[]){0, 1 / 3.0f, 2 / 3.0f, 1, 1, 2 / 3.0f, 1 / 3.0f, 0});
    assert_read(&(struct png_spec){2, 2, 4, PNG_COLOR_TYPE_GRAY, .rows = rows4}, 1,
                (float[]){0, 1, 5 / 15.0f, 10 / 15.0f});
    assert_read(&(struct png_spec){2, 2, 8, PNG_COLOR_TYPE_GRAY, .rows = rows8}, 1,
                (float[]){0, 0.2f, 0.4f, 1});
}

static void grey_of_16_bits_keeps_its_precision(void **state)
{
    static const uint8_t rows[] = {0x00, 0x01, 0x12, 0x34, 0xFF, 0xFF, 0x80, 0x00};
    (void)state;
    assert_read(&(struct png_spec){4, 1, 16, PNG_COLOR_TYPE_GRAY, .rows = rows}, 1,
                (float[]){1 / 65535.0f, 0x1234 / 65535.0f, 1, 0x8000 / 65535.0f});
}

static void colour_of_8_and_16_bits(void **state)
{
    static const uint8_t rows8[] = {255, 0, 51, 0, 102, 255};
    static const uint8_t rows16[] = {0, 2, 0, 3, 0, 5, 255, 255, 1, 0, 0, 0};
    (void)state;
    assert_read(&(struct png_spec){2, 1, 8, PNG_COLOR_TYPE_RGB, .rows = rows8}, 3,
                (float[]){1, 0, 0.2f, 0, 0.4f, 1});
    assert_read(&(struct png_spec){2, 1, 16, PNG_COLOR_TYPE_RGB, .rows = rows16}, 3,
                (float[]){2 / 65535.0f, 3 / 65535.0f, 5 / 65535.0f, 1, 256 / 65535.0f, 0});
}

static void alpha_lies_over_black(void **state)
{
    static const uint8_t grey[] = {255, 51, 102, 255};
    static const uint8_t rgba[] = {255, 0, 51, 0, 51, 255, 0, 51};
    (void)state;
    assert_read(&(struct png_spec){2, 1, 8, PNG_COLOR_TYPE_GRAY_ALPHA, .rows = grey}, 1,
                (float[]){0.2f, 0.4f});
    assert_read(&(struct png_spec){2, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, .rows = rgba}, 3,
                (float[]){0, 0, 0, 0.04f, 0.2f, 0});
}

static void palettes_become_colours(void **state)
{
    static const uint8_t palette[] = {255, 0, 0, 0, 51, 255, 102, 102, 102};
    static const uint8_t alphas[] = {255, 51};
    static const uint8_t rows[] = {0x18, 0x80}; /* 2 bits: 0, 1, 2; 2, 0, 0 */
    struct png_spec spec = {3, 2, 2, PNG_COLOR_TYPE_PALETTE, .rows = rows};
    (void)state;
    spec.palette = palette;
    spec.palette_size = 3;
    assert_read(
        &spec, 3,
        (float[]){1, 0, 0, 0, 0.2f, 1, 0.4f, 0.4f, 0.4f, 0.4f, 0.4f, 0.4f, 1, 0, 0, 1, 0, 0});
    spec.alphas = alphas;
    spec.alphas_size = 2;
    assert_read(
        &spec, 3,
        (float[]){1, 0, 0, 0, 0.04f, 0.2f, 0.4f, 0.4f, 0.4f, 0.4f, 0.4f, 0.4f, 1, 0, 0, 1, 0, 0});
}

static void colour_without_colour_is_grey(void **state)
{
    static const uint8_t rows[] = {7, 7, 7, 200, 200, 200};
    (void)state;
    assert_read(&(struct png_spec){2, 1, 8, PNG_COLOR_TYPE_RGB, .rows = rows}, 1,
                (float[]){7 / 255.0f, 200 / 255.0f});
}

static void resolution_becomes_spacing(void **state)
{
    static const uint8_t rows[] = {1, 2};
    (void)state;
    struct png_spec spec = {2, 1, 8, PNG_COLOR_TYPE_GRAY, .rows = rows};
    spec.pixels_per_metre_x = 2000;
    spec.pixels_per_metre_y = 500;
    kin_raster raster = read_back(&spec);
    assert_float_equal(raster.spacing_x_mm, 0.5, 1e-12);
    assert_float_equal(raster.spacing_y_mm, 2, 1e-12);
    kin_raster_release(&raster);
    spec.pixels_per_metre_x = 0;
    raster = read_back(&spec);
    assert_true(raster.spacing_x_mm == 0 && raster.spacing_y_mm == 0);
    kin_raster_release(&raster);
}

/* libpng's simplified interface, which shares no code of ours, on a real file. */
static void real_file_equals_libpngs_own_reading(void **state)
{
    char path[512];
    png_image image = {.version = PNG_IMAGE_VERSION};
    (void)state;
    shared_data(path, sizeof path, "organs-histology/bladder/TCGA-DK-A2I6-01A-01-TS1_t0.png");
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    static uint8_t bytes[8 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    assert_true(png_image_begin_read_from_memory(&image, bytes, size));
    image.format = PNG_FORMAT_RGB;
    uint8_t *expected = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(expected);
    assert_true(png_image_finish_read(&image, NULL, expected, 0, NULL));
    kin_raster raster;
    assert_int_equal(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &raster, NULL),
                     KIN_OK);
    assert_int_equal(raster.width, (int)image.width);
    assert_int_equal(raster.height, (int)image.height);
    assert_int_equal(raster.channels, 3);
    for (size_t i = 0; i < PNG_IMAGE_SIZE(image); i++)
        assert_float_equal(raster.px[i], expected[i] / 255.0, 1e-6);
    kin_raster_release(&raster);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_of_1_to_8_bits),
        cmocka_unit_test(grey_of_16_bits_keeps_its_precision),
        cmocka_unit_test(colour_of_8_and_16_bits),
        cmocka_unit_test(alpha_lies_over_black),
        cmocka_unit_test(palettes_become_colours),
        cmocka_unit_test(colour_without_colour_is_grey),
        cmocka_unit_test(resolution_becomes_spacing),
        cmocka_unit_test(real_file_equals_libpngs_own_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
