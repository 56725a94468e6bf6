/* Local binary patterns, against neighbourhoods worked by hand. */
#include "features/lbp.h"

#include "random.h"
#include "views.h"

static void uniform_codes_have_bins_of_their_own(void **state)
{
    uint8_t bins[256];
    int shared = 0, seen[KIN_LBP_BINS] = {0};
    (void)state;
    kin_lbp_u2_bins(bins);
    for (int code = 0; code < 256; code++) {
        assert_in_range(bins[code], 0, KIN_LBP_BINS - 1);
        seen[bins[code]]++;
        shared += bins[code] == KIN_LBP_BINS - 1;
    }
    /* Ojala et al.: 58 of the 256 patterns of 8 neighbours have at most two changes. */
    assert_int_equal(shared, 256 - 58);
    for (int b = 0; b < KIN_LBP_BINS - 1; b++)
        assert_int_equal(seen[b], 1);
    /* 00000000, 00000001, 11111111 and 00111100 are uniform; 00000101 has four changes. */
    assert_int_equal(bins[0x00], 0);
    assert_int_equal(bins[0x01], 1);
    assert_int_equal(bins[0xFF], 57);
    assert_true(bins[0x3C] < KIN_LBP_BINS - 1);
    assert_int_equal(bins[0x05], KIN_LBP_BINS - 1);
}

static void codes_of_neighbourhoods(void **state)
{
    /* Bits from the right, against the clock: right 1, up right 2, up 4, up left 8, left 16, … */
    static const float right[9] = {0, 0, 0.0f, 0.0f, 0.5f, 1, 0, 0, 0};
    static const float above[9] = {1, 1, 1, 0.5f, 0.5f, 0.5f, 0, 0, 0};
    static const float peak[9] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    static const float pit[9] = {1, 1, 1, 1, 0, 1, 1, 1, 1};
    static const float level[9] = {0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f, 0.3f};
    (void)state;
    /* The diagonals beside a bright right neighbour: 0.293 0.293 0.5 + 0.207 (1 + 0) = 0.25 <
     * 0.5. */
    assert_int_equal(kin_lbp_code(right + 4, 3, 1), 0x01);
    /* Right and left equal the centre, and count; the diagonals above are brighter. */
    assert_int_equal(kin_lbp_code(above + 4, 3, 1), 0x1F);
    assert_int_equal(kin_lbp_code(peak + 4, 3, 1), 0x00);
    assert_int_equal(kin_lbp_code(pit + 4, 3, 1), 0xFF);
    assert_int_equal(kin_lbp_code(level + 4, 3, 1), 0xFF);
}

static void a_wider_circle_looks_further(void **state)
{
    float image[9 * 9] = {0};
    (void)state;
    image[4 * 9 + 4] = 0.5f;
    image[4 * 9 + 8] = 1; /* four to the right */
    image[0 * 9 + 4] = 1; /* four up */
    assert_int_equal(kin_lbp_code(image + 4 * 9 + 4, 9, 1), 0x00);
    assert_int_equal(kin_lbp_code(image + 4 * 9 + 4, 9, 4), 0x01 | 0x04);
    /* Radius 2's diagonal: (1.41, 1.41) from the centre, between pixels 1 and 2 away. */
    image[2 * 9 + 6] = image[3 * 9 + 6] = image[2 * 9 + 5] = image[3 * 9 + 5] = 0.6f;
    assert_int_equal(kin_lbp_code(image + 4 * 9 + 4, 9, 2), 0x02);
}

/* An independent, slow reading of the definition: bilinear interpolation at angle and radius. */
static unsigned code_by_definition(const float *image, int stride, int x, int y, int radius)
{
    unsigned code = 0;
    for (int k = 0; k < 8; k++) {
        double px = x + radius * cos(k * M_PI / 4), py = y - radius * sin(k * M_PI / 4);
        px = fabs(px - round(px)) < 1e-9 ? round(px) : px;
        py = fabs(py - round(py)) < 1e-9 ? round(py) : py;
        int x0 = (int)floor(px), y0 = (int)floor(py);
        double fx = px - x0, fy = py - y0, value = 0;
        for (int j = 0; j < 2; j++) {
            for (int i = 0; i < 2; i++) {
                double weight = (i ? fx : 1 - fx) * (j ? fy : 1 - fy);
                if (weight > 0)
                    value += weight * image[(y0 + j) * stride + x0 + i];
            }
        }
        if (value - image[y * stride + x] >= -0.004)
            code |= 1u << k;
    }
    return code;
}

static void agrees_with_the_definition(void **state)
{
    enum { SIDE = 32 };
    float image[SIDE * SIDE];
    uint64_t random = 9;
    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        image[i] = (float)(random_bits(&random) & 0xFF) / 255;
    for (int radius = 1; radius <= 4; radius++) {
        int unequal = 0;
        for (int y = 5; y < SIDE - 5; y++) {
            for (int x = 5; x < SIDE - 5; x++)
                unequal += kin_lbp_code(image + y * SIDE + x, SIDE, radius) !=
                           code_by_definition(image, SIDE, x, y, radius);
        }
        assert_int_equal(unequal, 0);
    }
}

static float checks(int x, int y)
{
    return (x + y) % 2 ? 0.9f : 0.1f;
}

static float ramp(int x, int y)
{
    return (float)(x + 2 * y) / (3 * KIN_VIEW_SIDE);
}

static float brighter_ramp(int x, int y)
{
    return 0.1f + 0.9f * ramp(x, y);
}

/* Of a ramp all pixels have one code: each cell's histogram has a single entry of 1. */
static void histograms_are_unit_vectors(void **state)
{
    kin_view *views[] = {view_of(checks), view_of(ramp)};
    (void)state;
    for (int v = 0; v < 2; v++) {
        float *out = described(&kin_family_lbp, views[v]);
        assert_int_equal(kin_family_lbp.length % KIN_LBP_BINS, 0);
        for (size_t at = 0; at < kin_family_lbp.length; at += KIN_LBP_BINS) {
            assert_float_equal(squared_norm(out + at, KIN_LBP_BINS), 1, 1e-4);
            float largest = 0;
            for (int b = 0; b < KIN_LBP_BINS; b++)
                largest = fmaxf(largest, out[at + (size_t)b]);
            if (v == 1)
                assert_float_equal(largest, 1, 1e-6);
        }
        free(out);
        kin_view_free(views[v]);
    }
}

static void brightness_does_not_matter(void **state)
{
    kin_view *one = view_of(ramp), *two = view_of(brighter_ramp);
    float *a = described(&kin_family_lbp, one), *b = described(&kin_family_lbp, two);
    (void)state;
    assert_memory_equal(a, b, kin_family_lbp.length * sizeof *a);
    free(a);
    free(b);
    kin_view_free(one);
    kin_view_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_codes_have_bins_of_their_own),
        cmocka_unit_test(codes_of_neighbourhoods),
        cmocka_unit_test(a_wider_circle_looks_further),
        cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(histograms_are_unit_vectors),
        cmocka_unit_test(brightness_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
