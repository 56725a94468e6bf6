/* Fisher vectors, against the definition computed the slow way. */
#include <math.h>
#include <string.h>

#include "features/fisher.h"
#include "features/view.h"
#include "views.h"

enum { SIDE = 2, COMPONENTS = 2, WORDS = 2, NUMBERS = COMPONENTS + 2, WIDTH = 6, HEIGHT = 5 };

static const float offset[COMPONENTS] = {0.1f, -0.2f};
static const float basis[SIDE * SIDE * COMPONENTS] = {0.5f, 1, -0.5f, 1, 0.25f, 0, 1, -1};
static const float weight[WORDS] = {0.3f, 0.7f};
static const float mean[WORDS * NUMBERS] = {0.2f, 0.1f, -0.5f, 0, 0.6f, -0.3f, 0.5f, 0.1f};
static const float variance[WORDS * NUMBERS] = {0.1f, 0.2f, 0.4f, 0.3f, 0.2f, 0.1f, 0.5f, 0.4f};

static const kin_dictionary small = {.side = SIDE,
                                     .step = 1,
                                     .channels = 1,
                                     .components = COMPONENTS,
                                     .placed = true,
                                     .words = WORDS,
                                     .offset = offset,
                                     .basis = basis,
                                     .weight = weight,
                                     .mean = mean,
                                     .variance = variance};

static void numbers_of(const float *px, int x, int y, double numbers[NUMBERS])
{
    for (int c = 0; c < COMPONENTS; c++) {
        numbers[c] = -offset[c];
        for (int j = 0; j < SIDE; j++)
            for (int i = 0; i < SIDE; i++)
                numbers[c] += px[(y + j) * WIDTH + x + i] * basis[(j * SIDE + i) * COMPONENTS + c];
    }
    numbers[COMPONENTS] = (2.0 * x + 1) / (WIDTH - SIDE + 1) - 1;
    numbers[COMPONENTS + 1] = (2.0 * y + 1) / (HEIGHT - SIDE + 1) - 1;
}

static double density(const double numbers[NUMBERS], int word)
{
    double p = weight[word];
    for (int d = 0; d < NUMBERS; d++) {
        double v = variance[word * NUMBERS + d], off = numbers[d] - mean[word * NUMBERS + d];
        p *= exp(-off * off / (2 * v)) / sqrt(2 * M_PI * v);
    }
    return p;
}

/* The gradients of Perronnin, Sánchez and Mensink (2010), term by term. */
static void slow(const float *px, double *out)
{
    enum { PATCHES = (WIDTH - SIDE + 1) * (HEIGHT - SIDE + 1) };
    memset(out, 0, sizeof *out * 2 * WORDS * NUMBERS);
    for (int y = 0; y + SIDE <= HEIGHT; y++)
        for (int x = 0; x + SIDE <= WIDTH; x++) {
            double numbers[NUMBERS], all = 0;
            numbers_of(px, x, y, numbers);
            for (int w = 0; w < WORDS; w++)
                all += density(numbers, w);
            for (int w = 0; w < WORDS; w++)
                for (int d = 0; d < NUMBERS; d++) {
                    int at = w * NUMBERS + d;
                    double share = density(numbers, w) / all;
                    double u = (numbers[d] - mean[at]) / sqrt(variance[at]);
                    out[at] += share * u / (PATCHES * sqrt(weight[w]));
                    out[WORDS * NUMBERS + at] +=
                        share * (u * u - 1) / (PATCHES * sqrt(2 * weight[w]));
                }
        }
    double length = 0;
    for (int i = 0; i < 2 * WORDS * NUMBERS; i++)
        length += fabs(out[i]);
    for (int i = 0; i < 2 * WORDS * NUMBERS; i++)
        out[i] = copysign(sqrt(fabs(out[i]) / length), out[i]);
}

static void the_definition_comes_out(void **state)
{
    (void)state;
    float px[WIDTH * HEIGHT], out[2 * WORDS * NUMBERS];
    double expected[2 * WORDS * NUMBERS];
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        px[i] = (float)(i * 7 % 11) / 11;
    kin_fisher_encode(&small, &(kin_field){px, WIDTH, HEIGHT, 1}, out);
    slow(px, expected);
    for (int i = 0; i < 2 * WORDS * NUMBERS; i++)
        assert_true(fabs(out[i] - expected[i]) < 2e-3);
}

static void dictionaries_are_sound(void **state)
{
    (void)state;
    static const kin_dictionary *const all[] = {&kin_dictionary_colour, &kin_dictionary_stain};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        int numbers = all[i]->components + (all[i]->placed ? 2 : 0);
        double sum = 0;
        assert_in_range(all[i]->words, 1, KIN_FISHER_WORDS_MAX);
        assert_in_range(numbers, 1, KIN_FISHER_NUMBERS_MAX);
        for (int w = 0; w < all[i]->words; w++) {
            assert_true(all[i]->weight[w] > 0);
            sum += all[i]->weight[w];
            for (int d = 0; d < numbers; d++)
                assert_true(all[i]->variance[w * numbers + d] >= 1e-5f);
        }
        assert_true(fabs(sum - 1) < 1e-3);
    }
}

/* Another laboratory's stain (each amount scaled and shifted) leaves "fisher-stain" nearly as it
 * is. */
static void stains_are_relative(void **state)
{
    (void)state;
    enum { EDGE = 48 };
    kin_raster pale, dark;
    assert_int_equal(kin_raster_init(&pale, EDGE, EDGE, 3, NULL), KIN_OK);
    assert_int_equal(kin_raster_init(&dark, EDGE, EDGE, 3, NULL), KIN_OK);
    for (int i = 0; i < EDGE * EDGE; i++) {
        float amount = 0.3f + 0.2f * sinf((float)(i % EDGE) / 3) * cosf((float)i / EDGE / 5);
        for (int c = 0; c < 3; c++) {
            static const float haematoxylin[3] = {0.650f, 0.704f, 0.286f};
            pale.px[3 * i + c] = powf(10, -0.5f * amount * haematoxylin[c]);
            dark.px[3 * i + c] = powf(10, -0.9f * amount * haematoxylin[c]);
        }
    }
    const kin_family *family = kin_family_named("fisher-stain", strlen("fisher-stain"));
    float *one = malloc(family->length * sizeof *one),
          *other = malloc(family->length * sizeof *one);
    kin_view *view;
    assert_int_equal(kin_view_new(&pale, &view, NULL), KIN_OK);
    assert_int_equal(family->describe(view, one, NULL), KIN_OK);
    kin_view_free(view);
    assert_int_equal(kin_view_new(&dark, &view, NULL), KIN_OK);
    assert_int_equal(family->describe(view, other, NULL), KIN_OK);
    kin_view_free(view);
    double cosine = 0;
    for (size_t i = 0; i < family->length; i++)
        cosine += (double)one[i] * other[i];
    assert_true(cosine > 0.97);
    free(one);
    free(other);
    kin_raster_release(&pale);
    kin_raster_release(&dark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_definition_comes_out),
        cmocka_unit_test(dictionaries_are_sound),
        cmocka_unit_test(stains_are_relative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
