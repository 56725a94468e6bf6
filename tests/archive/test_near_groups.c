/* Groups of near-duplicates among stored images, by pictures made for it. */
#include "archive/near_groups.h"

#include <math.h>

#include "one_archive.h"

enum { SIDE = 128 };

/* A smooth picture of a seed's own. */
static kin_raster blobs(uint64_t seed)
{
    enum { BLOBS = 12 };
    kin_raster raster;
    float at[BLOBS][4];
    assert_int_equal(kin_raster_init(&raster, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int b = 0; b < BLOBS; b++)
        for (int i = 0; i < 4; i++)
            at[b][i] = random_unit(&seed);
    for (int i = 0; i < SIDE * SIDE; i++) {
        float sum = 0;
        for (int b = 0; b < BLOBS; b++) {
            float dx = ((float)(i % SIDE) + 0.5f) / SIDE - at[b][0];
            float dy = ((float)(i / SIDE) + 0.5f) / SIDE - at[b][1];
            float reach = 0.05f + 0.1f * at[b][2];
            sum += at[b][3] * expf(-(dx * dx + dy * dy) / (2 * reach * reach));
        }
        raster.px[i] = fminf(sum / 2, 1);
    }
    return raster;
}

/* Stores an image with that preview, which it releases; quality 0: without one. */
static void store(unsigned number, kin_raster picture, int quality)
{
    kin_error err;
    kin_instance instance = make_instance(number, 1, 0, number);
    free(instance.items[0].preview);
    instance.items[0].preview = NULL;
    instance.items[0].preview_size = 0;
    if (quality > 0)
        assert_ok(kin_image_encode_jpeg(&picture, quality, &instance.items[0].preview,
                                        &instance.items[0].preview_size, &err),
                  err);
    kin_raster_release(&picture);
    assert_int_equal(put_one(archive, instance), KIN_PUT_STORED);
}

static kin_raster scaled(kin_raster picture)
{
    kin_raster out;
    assert_int_equal(kin_raster_resample(&picture, 70, 90, &out, NULL), KIN_OK);
    kin_raster_release(&picture);
    return out;
}

static kin_raster cropped(kin_raster picture)
{
    kin_raster out;
    const kin_box inner = {1, 2, SIDE - 2, SIDE - 3};
    assert_int_equal(kin_raster_crop(&picture, inner, &out, NULL), KIN_OK);
    kin_raster_release(&picture);
    return out;
}

/* By a quarter to the right, then mirrored or not. */
static kin_raster turned(kin_raster picture, bool mirrored)
{
    kin_raster out;
    assert_int_equal(kin_raster_init(&out, SIDE, SIDE, 1, NULL), KIN_OK);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            out.px[x * SIDE + (mirrored ? y : SIDE - 1 - y)] = picture.px[y * SIDE + x];
    kin_raster_release(&picture);
    return out;
}

/* Ids in order of storing are 0, 1, 2, … */
static void assert_groups(const int *wanted, size_t count, const kin_near_options *options)
{
    enum { MOST = 16 };
    kin_error err;
    uint64_t ids[MOST] = {0};
    int group[MOST];
    size_t groups = 0;
    int most = -1;
    for (size_t i = 0; i < count; i++) {
        ids[i] = i;
        most = wanted[i] > most ? wanted[i] : most;
    }
    assert_ok(kin_near_groups(archive, ids, count, options, group, &groups, &err), err);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(group[i], wanted[i]);
    assert_int_equal(groups, most + 1);
}

static int set_up(void **state)
{
    (void)state;
    make_archive();
    return 0;
}

static void test_copies_are_a_group(void **state)
{
    (void)state;
    store(0, blobs(1), 88);
    store(1, blobs(2), 88);
    store(2, blobs(1), 35); /* stored again */
    store(3, scaled(blobs(2)), 88);
    store(4, blobs(3), 0); /* no preview: a group of its own, whatever else there is */
    store(5, blobs(3), 88);
    store(6, cropped(blobs(1)), 88);
    store(7, turned(blobs(1), false), 88);
    store(8, turned(blobs(2), true), 60);
    store(9, blobs(3), 0);
    const int upright[] = {0, 1, 0, 1, 2, 3, 0, 4, 5, 6};
    assert_groups(upright, 10, NULL);
    const kin_near_options whichever_way = {.turned = KIN_NEAR_TURNED_ALL, .threads = 1};
    const int any[] = {0, 1, 0, 1, 2, 3, 0, 0, 1, 4};
    assert_groups(any, 10, &whichever_way);
}

/* Pictures of these hashes, upright. */
static kin_near_set set_of(const uint64_t *hashes, size_t count)
{
    kin_error err;
    kin_near_set set;
    assert_ok(kin_near_set_init(&set, count, &err), err);
    for (size_t i = 0; i < count; i++) {
        set.pictures[i].forms[0] = hashes[i];
        set.pictures[i].known = true;
    }
    return set;
}

/* Hashes that are a chain: each as far from the next as the bound, the ends far apart. */
static void test_single_linkage_chains(void **state)
{
    (void)state;
    kin_error err;
    int group[5];
    size_t groups;
    const uint64_t chain[5] = {0x0, 0xFFFFFF, 0x3F, 0xFFF, 0x3FFFF};
    kin_near_set set = set_of(chain, 5);
    assert_ok(kin_near_set_groups(&set, NULL, group, &groups, &err), err);
    assert_int_equal(groups, 1);
    set.pictures[3].known = false; /* the link in the middle is gone */
    assert_ok(kin_near_set_groups(&set, NULL, group, &groups, &err), err);
    const int wanted[] = {0, 1, 0, 2, 1};
    assert_memory_equal(group, wanted, sizeof wanted);
    set.pictures[4].forms[0] ^= 1; /* one bit too far */
    set.pictures[4].forms[0] ^= 1ull << 63;
    assert_ok(kin_near_set_groups(&set, NULL, group, &groups, &err), err);
    assert_int_equal(groups, 4);
    const kin_near_options wide = {.wide = true};
    assert_ok(kin_near_set_groups(&set, &wide, group, &groups, &err), err);
    assert_memory_equal(group, wanted, sizeof wanted);
    kin_near_set_release(&set);
}

/* A thousand equal hashes and a thousand others: one group and a thousand. */
static void test_many_equal_ones(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static int group[COUNT];
    static uint64_t hashes[COUNT];
    kin_error err;
    size_t groups;
    uint64_t random = 3;
    for (int i = 0; i < COUNT; i++)
        hashes[i] = i % 2 == 0 ? 0x0123456789ABCDEF : random_bits(&random);
    kin_near_set set = set_of(hashes, COUNT);
    assert_ok(kin_near_set_groups(&set, NULL, group, &groups, &err), err);
    assert_int_equal(groups, 1 + COUNT / 2);
    for (int i = 0; i < COUNT; i += 2)
        assert_int_equal(group[i], 0);
    kin_near_set_release(&set);
}

/* Which pairs of four were met. */
static void note_pair(void *ctx, size_t a, size_t b, bool close)
{
    bool(*met)[4] = ctx;
    assert_true(a != b);
    met[a < b ? a : b][a < b ? b : a] = true;
    assert_int_equal(close, a != 2 && b != 2);
}

static void test_pairs_are_those_within_the_bound(void **state)
{
    (void)state;
    kin_error err;
    bool met[4][4] = {{false}};
    /* Pairwise distances: 0-1 6, 0-2 10, 1-2 16, 3 equal to 0. */
    const uint64_t hashes[4] = {0x0, 0x3F, 0xFFC0, 0x0};
    kin_near_set set = set_of(hashes, 4);
    assert_ok(kin_near_each(&set, NULL, note_pair, met, &err), err);
    assert_true(met[0][1] && met[1][3] && met[0][3]);
    assert_false(met[0][2] || met[1][2] || met[2][3]);
    const kin_near_options wide = {.wide = true};
    assert_ok(kin_near_each(&set, &wide, note_pair, met, &err), err);
    assert_true(met[0][2] && met[2][3]);
    assert_false(met[1][2]);
    kin_near_set_release(&set);
}

/* Colour pictures are compared at any angle unasked: a quarter turn of one is in its group. */
static void test_pictures_in_colour_have_no_upright(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        kin_raster grey = i == 0 ? blobs(5) : turned(blobs(5), false), colour;
        assert_int_equal(kin_raster_init(&colour, SIDE, SIDE, 3, NULL), KIN_OK);
        for (int p = 0; p < SIDE * SIDE * 3; p++)
            colour.px[p] = p % 3 == 1 ? grey.px[p / 3] / 2 : grey.px[p / 3];
        kin_raster_release(&grey);
        store(i, colour, 88);
    }
    const int together[] = {0, 0}, apart[] = {0, 1};
    assert_groups(together, 2, NULL);
    const kin_near_options upright = {.turned = KIN_NEAR_TURNED_NONE};
    assert_groups(apart, 2, &upright);
}

static void test_what_cannot_be_compared(void **state)
{
    (void)state;
    kin_error err;
    kin_near_set set;
    int group[2];
    uint64_t removed;
    const uint64_t ids[] = {0, 1}, unknown[] = {0, UINT64_MAX};
    store(0, blobs(1), 88);
    store(1, blobs(1), 88);
    assert_int_equal(kin_near_groups(archive, unknown, 2, NULL, group, NULL, &err),
                     KIN_E_NOT_FOUND);
    assert_ok(kin_archive_delete(archive, "1.2.3.1", &removed, NULL, &err), err);
    assert_int_equal(kin_near_groups(archive, ids, 2, NULL, group, NULL, &err), KIN_E_NOT_FOUND);
    assert_ok(kin_near_groups(archive, ids, 1, NULL, group, NULL, &err), err);
    assert_ok(kin_near_groups(archive, ids, 0, NULL, group, NULL, &err), err);
    assert_int_equal(kin_near_set_init(&set, (size_t)KIN_NEAR_IMAGES_MAX + 1, &err), KIN_E_LIMIT);

    /* A preview that is no picture is told, not passed over. */
    kin_instance instance = make_instance(2, 1, 0, 2);
    memset(instance.items[0].preview, 'x', instance.items[0].preview_size);
    put_one(archive, instance);
    const uint64_t broken[] = {0, 2};
    assert_int_equal(kin_near_groups(archive, broken, 2, NULL, group, NULL, &err), KIN_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copies_are_a_group, set_up, tear_down),
        cmocka_unit_test(test_single_linkage_chains),
        cmocka_unit_test(test_many_equal_ones),
        cmocka_unit_test(test_pairs_are_those_within_the_bound),
        cmocka_unit_test_setup_teardown(test_pictures_in_colour_have_no_upright, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_compared, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
