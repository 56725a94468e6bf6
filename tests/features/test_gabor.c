/* Gabor filters, against gratings whose answer is known. */
#include "features/gabor.h"

#include "views.h"

enum { SIDE = 64, DIRECTIONS = 6, GRID = 16 };

static kin_raster grating(double wavelength, double angle, double mean, double amplitude)
{
    kin_raster image;
    assert_int_equal(kin_raster_init(&image, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++)
            image.px[y * SIDE + x] =
                (float)(mean +
                        amplitude * cos(2 * M_PI * (x * cos(angle) + y * sin(angle)) / wavelength));
    }
    return image;
}

/* The magnitude in the middle, which no edge reaches. */
static double response(const kin_raster *image, double wavelength, double angle)
{
    static float scratch[3 * SIDE * SIDE], out[SIDE * SIDE];
    kin_gabor gabor;
    kin_gabor_init(&gabor, wavelength, 2, angle);
    kin_gabor_magnitude(&gabor, image, scratch, out);
    return out[SIDE / 2 * SIDE + SIDE / 2];
}

static void a_constant_has_no_response(void **state)
{
    kin_raster image = grating(4, 0, 0.7, 0);
    (void)state;
    for (int d = 0; d < DIRECTIONS; d++)
        assert_float_equal(response(&image, 4, M_PI * d / DIRECTIONS), 0, 1e-6);
    kin_raster_release(&image);
}

/* A cosine of amplitude A is half of each of two complex waves, of which the matching filter, whose
 * envelope sums to 1, passes one: A / 2.  The other is 2 k away, where the Gaussian's spectrum
 * exp(-2 pi^2 sigma^2 f^2) at f = 2 / 4 is exp(-2 pi^2) and nothing. */
static void its_own_grating_gives_half_the_amplitude(void **state)
{
    (void)state;
    for (int d = 0; d < DIRECTIONS; d++) {
        double angle = M_PI * d / DIRECTIONS;
        kin_raster image = grating(4, angle, 0.5, 0.3);
        assert_float_equal(response(&image, 4, angle), 0.15, 0.002);
        kin_raster_release(&image);
    }
}

/* Off its direction or wavelength the response is A / 2 exp(-2 pi^2 sigma^2 |k - k0|^2). */
static void other_gratings_fall_off_as_a_gaussian(void **state)
{
    static const double cases[][2] = {{4, 20}, {4, 90}, {6, 0}, {8, 0}, {4, 40}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double wavelength = cases[i][0], angle = cases[i][1] * M_PI / 180;
        kin_raster image = grating(wavelength, angle, 0.5, 0.3);
        double dx = cos(angle) / wavelength - 0.25, dy = sin(angle) / wavelength;
        double expected = 0.15 * exp(-2 * M_PI * M_PI * 4 * (dx * dx + dy * dy));
        assert_float_equal(response(&image, 4, 0), expected, 0.004);
        kin_raster_release(&image);
    }
}

/* The two-dimensional sum of the definition, with no separation. */
static void agrees_with_the_definition(void **state)
{
    kin_raster image = grating(5.3, 0.4, 0.4, 0.2);
    const double wavelength = 4, sigma = 2, angle = 0.9;
    double re = 0, im = 0, norm = 0, dc = 0, mean = 0;
    (void)state;
    image.px[30 * SIDE + 33] = 1; /* and something that is no wave */
    for (int y = -KIN_GABOR_RADIUS; y <= KIN_GABOR_RADIUS; y++) {
        for (int x = -KIN_GABOR_RADIUS; x <= KIN_GABOR_RADIUS; x++) {
            double g = exp(-(x * x + y * y) / (2 * sigma * sigma));
            double phase = 2 * M_PI * (x * cos(angle) + y * sin(angle)) / wavelength;
            double v = image.px[(SIDE / 2 + y) * SIDE + SIDE / 2 + x];
            norm += g;
            dc += g * cos(phase);
            mean += g * v;
            re += g * cos(phase) * v;
            im += g * sin(phase) * v;
        }
    }
    re = re / norm - dc / norm * mean / norm;
    im /= norm;
    assert_float_equal(response(&image, wavelength, angle), hypot(re, im), 1e-5);
    kin_raster_release(&image);
}

static float fine_stripes(int x, int y)
{
    (void)y;
    return (float)(0.5 + 0.4 * cos(2 * M_PI * x / 4));
}

/* Stripes of wavelength 4 across: direction 0 of the first octave answers, on all of the grid. */
static void the_family_finds_the_stripes(void **state)
{
    kin_view *view = view_of(fine_stripes);
    float *out = described(&kin_family_gabor, view);
    (void)state;
    assert_int_equal(kin_family_gabor.length, 4 * DIRECTIONS * GRID);
    for (int cell = 0; cell < GRID; cell++) {
        assert_float_equal(out[cell], sqrt(0.2), 0.05);
        for (size_t other = 2; other <= 4; other++)
            assert_true(out[other * GRID + (size_t)cell] < 0.15f);
    }
    free(out);
    kin_view_free(view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_has_no_response),
        cmocka_unit_test(its_own_grating_gives_half_the_amplitude),
        cmocka_unit_test(other_gratings_fall_off_as_a_gaussian),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(the_family_finds_the_stripes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
