/* The perceptual hash: against one computed by hand, under what pictures go through, and found again
 * by the index. */
#include "image/phash.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "image/phash_index.h"
#include "image/read.h"
#include "image/write.h"
#include "random.h"
#include "shared_data.h"

enum { NEAR = 6 }; /* bits: what makes a group of near-duplicates */

/* A smooth picture of a seed's own: blobs, as organs are. */
static kin_raster blobs(uint64_t seed, int width, int height)
{
    enum { BLOBS = 12 };
    kin_raster raster;
    float at[BLOBS][4];
    assert_int_equal(kin_raster_init(&raster, width, height, 1, NULL), KIN_OK);
    for (int b = 0; b < BLOBS; b++)
        for (int i = 0; i < 4; i++)
            at[b][i] = random_unit(&seed);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            float sum = 0;
            for (int b = 0; b < BLOBS; b++) {
                float dx = ((float)x + 0.5f) / (float)width - at[b][0];
                float dy = ((float)y + 0.5f) / (float)height - at[b][1];
                float reach = 0.05f + 0.1f * at[b][2];
                sum += at[b][3] * expf(-(dx * dx + dy * dy) / (2 * reach * reach));
            }
            raster.px[y * width + x] = fminf(sum / 2, 1);
        }
    }
    return raster;
}

/* Many small blobs, as cells are: hundreds of them in a square picture. */
static kin_raster tissue(uint64_t seed)
{
    enum { SIDE = 160, CELLS = 160 };
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int i = 0; i < SIDE * SIDE; i++)
        raster.px[i] = 0.9f;
    for (int cell = 0; cell < CELLS; cell++) {
        float at_x = random_unit(&seed) * SIDE, at_y = random_unit(&seed) * SIDE;
        float reach = 3 + 6 * random_unit(&seed);
        for (int i = 0; i < SIDE * SIDE; i++) {
            float dx = (float)(i % SIDE) - at_x, dy = (float)(i / SIDE) - at_y;
            if (dx * dx + dy * dy < reach * reach)
                raster.px[i] *= 0.6f;
        }
    }
    return raster;
}

static uint64_t hash(const kin_raster *raster)
{
    uint64_t out;
    assert_int_equal(kin_phash(raster, &out, NULL), KIN_OK);
    return out;
}

/* One wave across and nothing else: of the 64 coefficients that one alone is not zero. */
static void test_a_wave_sets_its_own_bit(void **state)
{
    (void)state;
    for (int frequency = 1; frequency <= 8; frequency++) {
        kin_raster raster;
        assert_int_equal(kin_raster_init(&raster, 32, 32, 1, NULL), KIN_OK);
        /* Amplitudes that leave the zeros' rounding far below: bits of the zeros are anybody's. */
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                raster.px[y * 32 + x] =
                    0.5f + 0.4f * (float)(cos(M_PI * (2 * x + 1) * frequency / 64) *
                                          cos(M_PI * (2 * y + 1) * 3 / 64));
        assert_true(hash(&raster) >> (8 * 2 + frequency - 1) & 1);
        for (int i = 0; i < 32 * 32; i++)
            raster.px[i] = 1 - raster.px[i];
        assert_false(hash(&raster) >> (8 * 2 + frequency - 1) & 1);
        kin_raster_release(&raster);
    }
}

/* The definition, spelt out naively and in double precision. */
static uint64_t hash_by_definition(const kin_raster *raster)
{
    double values[64], sorted[64];
    uint64_t out = 0;
    for (int v = 1; v <= 8; v++) {
        for (int u = 1; u <= 8; u++) {
            double sum = 0;
            for (int y = 0; y < 32; y++)
                for (int x = 0; x < 32; x++)
                    sum += (double)raster->px[y * 32 + x] * cos(M_PI * (2 * x + 1) * u / 64) *
                           cos(M_PI * (2 * y + 1) * v / 64);
            values[8 * (v - 1) + u - 1] = sum;
        }
    }
    memcpy(sorted, values, sizeof sorted);
    for (int i = 1; i < 64; i++)
        for (int j = i; j > 0 && sorted[j - 1] > sorted[j]; j--) {
            double kept = sorted[j];
            sorted[j] = sorted[j - 1];
            sorted[j - 1] = kept;
        }
    for (int i = 0; i < 64; i++)
        out |= (uint64_t)(values[i] > (sorted[31] + sorted[32]) / 2) << i;
    return out;
}

static void test_the_definition(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        kin_raster raster = blobs(seed, 32, 32);
        uint64_t got = hash(&raster);
        assert_int_equal(got, hash_by_definition(&raster));
        assert_int_equal(__builtin_popcountll(got), 32); /* half of them are above the median */
        kin_raster_release(&raster);
    }
}

static kin_raster recompressed(const kin_raster *raster, int quality)
{
    kin_raster out;
    void *bytes;
    size_t size;
    assert_int_equal(kin_image_encode_jpeg(raster, quality, &bytes, &size, NULL), KIN_OK);
    assert_int_equal(kin_image_format_of(bytes, size)->read(bytes, size, 0, NULL, &out, NULL),
                     KIN_OK);
    free(bytes);
    return out;
}

static void test_copies_stay_near_and_others_far(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        kin_raster picture = blobs(seed, 200, 160), other = blobs(seed + 100, 200, 160), copy;
        uint64_t before = hash(&picture);
        assert_true(kin_phash_distance(before, hash(&other)) > 10);

        copy = recompressed(&picture, 40);
        assert_true(kin_phash_distance(before, hash(&copy)) <= NEAR);
        kin_raster_release(&copy);

        assert_int_equal(kin_raster_resample(&picture, 77, 90, &copy, NULL), KIN_OK);
        assert_true(kin_phash_distance(before, hash(&copy)) <= 2);
        for (int i = 0; i < 77 * 90; i++)
            copy.px[i] = 0.1f + 0.6f * copy.px[i];
        assert_true(kin_phash_distance(before, hash(&copy)) <= 2);
        kin_raster_release(&copy);

        /* 1% cut away on every side. */
        assert_int_equal(kin_raster_crop(&picture, (kin_box){2, 2, 196, 156}, &copy, NULL), KIN_OK);
        assert_true(kin_phash_distance(before, hash(&copy)) <= NEAR);
        kin_raster_release(&copy);
        kin_raster_release(&picture);
        kin_raster_release(&other);
    }
}

/* The pixel of the turned picture, by what the forms are: mirrored, then transposed. */
static kin_raster turned(const kin_raster *from, int form)
{
    kin_raster out;
    bool across = form & 4;
    int width = from->width, height = from->height;
    assert_int_equal(
        kin_raster_init(&out, across ? height : width, across ? width : height, 1, NULL), KIN_OK);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int to_x = form & 1 ? width - 1 - x : x, to_y = form & 2 ? height - 1 - y : y;
            out.px[across ? to_x * height + to_y : to_y * width + to_x] = from->px[y * width + x];
        }
    }
    return out;
}

static void test_forms_are_the_hashes_of_turned_pictures(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        kin_raster picture = blobs(seed, 96, 64);
        uint64_t forms[KIN_PHASH_FORMS];
        assert_int_equal(kin_phash_forms(&picture, forms, NULL), KIN_OK);
        assert_int_equal(forms[0], hash(&picture));
        for (int form = 0; form < KIN_PHASH_FORMS; form++) {
            kin_raster other = turned(&picture, form);
            /* Sums in another order: a value at the median may fall to its other side. */
            assert_true(kin_phash_distance(forms[form], hash(&other)) <= 1);
            for (int before = 0; before < form; before++)
                assert_true(kin_phash_distance(forms[before], forms[form]) > 6);
            kin_raster_release(&other);
        }
        kin_raster_release(&picture);
    }
}

/* As augmentation makes copies: turned by the angle about the middle, then the largest upright
 * rectangle without empty corners enlarged to the old size; maybe mirrored. */
static kin_raster augmented(const kin_raster *from, double degrees, bool mirrored)
{
    kin_raster out;
    double angle = degrees * M_PI / 180, side = from->width;
    double scale = 1 / (fabs(cos(angle)) + fabs(sin(angle)));
    assert_int_equal(kin_raster_init(&out, from->width, from->width, 1, NULL), KIN_OK);
    for (int y = 0; y < from->width; y++) {
        for (int x = 0; x < from->width; x++) {
            double right = (x + 0.5 - side / 2) * scale, down = (y + 0.5 - side / 2) * scale;
            int column = (int)(side / 2 + cos(angle) * right - sin(angle) * down);
            int row = (int)(side / 2 + sin(angle) * right + cos(angle) * down);
            out.px[y * from->width + (mirrored ? from->width - 1 - x : x)] =
                from->px[row * from->width + column];
        }
    }
    return out;
}

static int turned_distance(const kin_raster *a, const kin_raster *b)
{
    static uint64_t forms[KIN_PHASH_TURNED];
    kin_phash_thumb thumb;
    uint64_t middle;
    int best = KIN_PHASH_BITS;
    assert_int_equal(kin_phash_thumb_of(b, &thumb, NULL), KIN_OK);
    assert_true(kin_phash_middle(&thumb, &middle));
    assert_int_equal(kin_phash_thumb_of(a, &thumb, NULL), KIN_OK);
    kin_phash_turned(&thumb, forms);
    for (int i = 0; i < KIN_PHASH_TURNED; i++)
        if (kin_phash_distance(forms[i], middle) < best)
            best = kin_phash_distance(forms[i], middle);
    return best;
}

/* Two copies of one picture, turned apart by up to 50 degrees, and of another. */
static void test_copies_turned_by_any_angle_stay_near(void **state)
{
    (void)state;
    static const double angles[][2] = {{0, 25}, {-25, 25}, {13, -7}, {90 + 17, 4}};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        kin_raster picture = tissue(seed), other = tissue(seed + 50);
        kin_raster a = augmented(&picture, angles[seed - 1][0], seed % 2);
        kin_raster b = augmented(&picture, angles[seed - 1][1], false);
        assert_true(turned_distance(&a, &b) <= 8);
        assert_true(turned_distance(&b, &a) <= 8);
        assert_true(turned_distance(&a, &other) > 8);
        uint64_t upright = hash(&a);
        assert_true(kin_phash_distance(upright, hash(&b)) > 8); /* nothing that hash would find */
        kin_raster_release(&a);
        kin_raster_release(&b);
        kin_raster_release(&picture);
        kin_raster_release(&other);
    }
}

static void test_a_flat_middle_is_told(void **state)
{
    (void)state;
    kin_raster raster;
    kin_phash_thumb thumb;
    uint64_t middle;
    assert_int_equal(kin_raster_init(&raster, 90, 60, 3, NULL), KIN_OK);
    for (int i = 0; i < 90 * 5 * 3; i++)
        raster.px[i] = 1; /* only its upper edge has anything */
    assert_int_equal(kin_phash_thumb_of(&raster, &thumb, NULL), KIN_OK);
    assert_int_equal(thumb.px[0], 255);
    assert_false(kin_phash_middle(&thumb, &middle));
    kin_raster_release(&raster);
}

static void test_flat_and_tiny_pictures_have_hashes(void **state)
{
    (void)state;
    kin_raster raster;
    uint64_t forms[KIN_PHASH_FORMS];
    assert_int_equal(kin_raster_init(&raster, 1, 1, 3, NULL), KIN_OK);
    assert_int_equal(kin_phash_forms(&raster, forms, NULL), KIN_OK);
    assert_int_equal(forms[0], 0);
    kin_raster_release(&raster);
    assert_int_equal(kin_raster_init(&raster, 5000, 1, 1, NULL), KIN_OK);
    assert_int_equal(kin_phash_forms(&raster, forms, NULL), KIN_OK);
    kin_raster_release(&raster);
}

/* --- the index --- */

struct found {
    bool *is;
    const uint64_t *hashes;
    uint64_t hash;
};

static void note(void *ctx, size_t number, int distance)
{
    struct found *found = ctx;
    assert_int_equal(distance, kin_phash_distance(found->hashes[number], found->hash));
    found->is[number] = true;
}

static void test_the_index_finds_what_comparing_all_finds(void **state)
{
    (void)state;
    enum { COUNT = 2000, ASKED = 40 };
    static uint64_t hashes[COUNT];
    kin_phash_index *index;
    uint64_t random = 7;
    for (int i = 0; i < COUNT; i++) {
        /* Families of ten, whose members differ in some of a dozen bits. */
        hashes[i] = i % 10 == 0 ? random_bits(&random) : hashes[i - i % 10];
        for (int flips = 0; flips < i % 10 * 2; flips++)
            hashes[i] ^= UINT64_C(1) << random_bits(&random) % 64;
    }
    assert_int_equal(kin_phash_index_new(hashes, COUNT, &index, NULL), KIN_OK);
    size_t near = 0;
    for (int asked = 0; asked < ASKED; asked++) {
        for (int distance = 0; distance <= KIN_PHASH_INDEX_DISTANCE_MAX; distance++) {
            bool is[COUNT] = {false};
            struct found found = {is, hashes, hashes[asked * 37]};
            kin_phash_index_each(index, found.hash, distance, note, &found);
            for (int i = 0; i < COUNT; i++)
                assert_int_equal(is[i], kin_phash_distance(hashes[i], found.hash) <= distance);
            for (int i = 0; i < COUNT; i++)
                near += is[i];
        }
    }
    assert_true(near > 16 * ASKED * 2);
    kin_phash_index_free(index);

    assert_int_equal(kin_phash_index_new(NULL, 0, &index, NULL), KIN_OK);
    kin_phash_index_each(index, 5, 15, note, NULL);
    kin_phash_index_free(index);
    kin_phash_index_free(NULL);
    assert_int_equal(kin_phash_index_new(NULL, (size_t)KIN_PHASH_INDEX_MAX + 1, &index, NULL),
                     KIN_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wave_sets_its_own_bit),
        cmocka_unit_test(test_the_definition),
        cmocka_unit_test(test_copies_stay_near_and_others_far),
        cmocka_unit_test(test_forms_are_the_hashes_of_turned_pictures),
        cmocka_unit_test(test_copies_turned_by_any_angle_stay_near),
        cmocka_unit_test(test_a_flat_middle_is_told),
        cmocka_unit_test(test_flat_and_tiny_pictures_have_hashes),
        cmocka_unit_test(test_the_index_finds_what_comparing_all_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
