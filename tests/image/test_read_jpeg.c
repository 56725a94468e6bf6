/* JPEG: at quality 100 libjpeg's own coding is the reference, to within rounding. */
#include <math.h>
#include <string.h>

#include "read_back.h"

enum { SIDE = 24 };

/* A sample is off by the discrete cosine transform's and colour conversion's rounding at most. */
static const double ROUNDING = 3.0 / 255;

static kin_raster read_back(const struct jpeg_spec *spec)
{
    kin_raster raster = read_only_page(encode_jpeg(spec), "jpeg", -1);
    assert_int_equal(raster.width, spec->width);
    assert_int_equal(raster.height, spec->height);
    return raster;
}

/* Every pixel is the one colour that went in. */
static void assert_uniform(const struct jpeg_spec *spec, int channels, const double *expected)
{
    kin_raster raster = read_back(spec);
    assert_int_equal(raster.channels, channels);
    for (int i = 0; i < spec->width * spec->height * channels; i++)
        assert_float_equal(raster.px[i], expected[i % channels], ROUNDING);
    kin_raster_release(&raster);
}

static void fill(uint8_t *samples, int components, const uint8_t *colour)
{
    for (int i = 0; i < SIDE * SIDE * components; i++)
        samples[i] = colour[i % components];
}

static void grey_gradient(void **state)
{
    uint8_t samples[SIDE * SIDE];
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        samples[i] = (uint8_t)(i % SIDE * 5 + i / SIDE * 4);
    for (int progressive = 0; progressive <= 1; progressive++) {
        kin_raster raster = read_back(
            &(struct jpeg_spec){SIDE, SIDE, 1, .samples = samples, .progressive = progressive});
        assert_int_equal(raster.channels, 1);
        for (int i = 0; i < SIDE * SIDE; i++)
            assert_float_equal(raster.px[i], samples[i] / 255.0, ROUNDING);
        kin_raster_release(&raster);
    }
}

static void colours(void **state)
{
    uint8_t samples[SIDE * SIDE * 3];
    (void)state;
    fill(samples, 3, (uint8_t[]){200, 60, 120});
    assert_uniform(&(struct jpeg_spec){SIDE, SIDE, 3, .samples = samples}, 3,
                   (double[]){200 / 255.0, 60 / 255.0, 120 / 255.0});
    fill(samples, 3, (uint8_t[]){90, 90, 90});
    assert_uniform(&(struct jpeg_spec){SIDE, SIDE, 3, .samples = samples}, 1,
                   (double[]){90 / 255.0});
}

static void inks_become_colours(void **state)
{
    uint8_t samples[SIDE * SIDE * 4];
    (void)state;
    /* Adobe: 255 is no ink.  Light left: 0.8, 0.4, 0.6 of each, of which black leaves 0.5. */
    fill(samples, 4, (uint8_t[]){204, 102, 153, 128});
    assert_uniform(&(struct jpeg_spec){SIDE, SIDE, 4, .samples = samples}, 3,
                   (double[]){0.8 * 128 / 255, 0.4 * 128 / 255, 0.6 * 128 / 255});
    /* Without Adobe's marker 255 is full ink. */
    assert_uniform(
        &(struct jpeg_spec){SIDE, SIDE, 4, .samples = samples, .without_adobe_marker = 1}, 3,
        (double[]){0.2 * 127 / 255, 0.6 * 127 / 255, 0.4 * 127 / 255});
}

static void resolution_becomes_spacing(void **state)
{
    uint8_t samples[SIDE * SIDE] = {0};
    (void)state;
    struct jpeg_spec spec = {SIDE, SIDE, 1, samples, 0, 0, 1, 254, 127};
    kin_raster raster = read_back(&spec);
    assert_float_equal(raster.spacing_x_mm, 0.1, 1e-12);
    assert_float_equal(raster.spacing_y_mm, 0.2, 1e-12);
    kin_raster_release(&raster);
    spec.density_unit = 2;
    raster = read_back(&spec);
    assert_float_equal(raster.spacing_x_mm, 10.0 / 254, 1e-12);
    kin_raster_release(&raster);
    spec.density_unit = 0; /* only a ratio, or nothing */
    raster = read_back(&spec);
    assert_true(raster.spacing_x_mm == 0 && raster.spacing_y_mm == 0);
    kin_raster_release(&raster);
}

static void reads_a_real_slice(void **state)
{
    static uint8_t bytes[1 << 20];
    char path[512];
    kin_raster raster;
    (void)state;
    shared_data(path, sizeof path, "brain-mri/glioma_tumor/gg (1).jpg");
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    assert_int_equal(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &raster, NULL),
                     KIN_OK);
    assert_int_equal(raster.channels, 1);
    assert_int_equal(raster.width, 256);
    assert_int_equal(raster.height, 256);
    /* A head on black: dark corners, a brighter middle. */
    double corner = 0, middle = 0;
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 16; x++) {
            corner += raster.px[y * 256 + x];
            middle += raster.px[(120 + y) * 256 + 120 + x];
        }
    }
    assert_true(corner / 256 < 0.05 && middle / 256 > 0.1);
    kin_raster_release(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_gradient),       cmocka_unit_test(colours),
        cmocka_unit_test(inks_become_colours), cmocka_unit_test(resolution_becomes_spacing),
        cmocka_unit_test(reads_a_real_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
