/* Only members are answers, whatever share of all they are and wherever they lie, and filters cost
 * no recall. */
#include "vectors_support.h"

enum { COUNT = 12000, DIM = 32, QUERIES = 80, K = 10, CANDIDATES = 40 };

static const char *const kinds[] = {"hnsw", "ivfpq"};
static struct vectors data, queries;
static kin_index *built[2];

static int setup(void **unused)
{
    (void)unused;
    data = vectors_new_asked(COUNT, QUERIES, DIM, 7, &queries);
    for (size_t k = 0; k < 2; k++)
        built[k] = vectors_index(&data, kinds[k]);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < 2; k++)
        kin_index_free(built[k]);
    vectors_free(&data);
    return 0;
}

static const kin_index_setting settings[] = {{64, CANDIDATES}, {32, CANDIDATES}};

/* Each 1 of 10,000 ids by a hash. */
static roaring_bitmap_t *share_of_all(unsigned share)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (size_t i = 0; i < COUNT; i++)
        if ((data.ids[i] * UINT64_C(0x9E3779B97F4A7C15) >> 32) % 10000 < share)
            roaring_bitmap_add(bitmap, (uint32_t)data.ids[i]);
    return bitmap;
}

static void test_shares(void **unused)
{
    (void)unused;
    static const unsigned shares[] = {9900, 9000, 5000, 1000, 100, 10};
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++) {
        roaring_bitmap_t *bitmap = share_of_all(shares[s]);
        const kin_members ways[] = {{.only = bitmap}, {.without = bitmap}};
        for (size_t k = 0; k < 2; k++)
            for (size_t w = 0; w < 2; w++) {
                double r = recall_of(built[k], &data, &queries, K, settings[k], &ways[w]);
                print_message("%s, %s %.2f%%: recall@%d %.4f\n", kinds[k],
                              w == 0 ? "only" : "without", shares[s] / 100.0, K, r);
                assert_true(r >= 0.98);
            }
        roaring_bitmap_free(bitmap);
    }
}

/* All answers are there when fewer than k members are. */
static void test_few_members(void **unused)
{
    (void)unused;
    for (uint32_t there_are = 0; there_are < 12; there_are++) {
        roaring_bitmap_t *bitmap = roaring_bitmap_create();
        for (uint32_t i = 0; i < there_are; i++)
            roaring_bitmap_add(bitmap, (uint32_t)data.ids[i * 1013]);
        roaring_bitmap_add(bitmap, (uint32_t)data.ids[0] + 1); /* and one that there is not */
        kin_members members = {.only = bitmap};
        for (size_t k = 0; k < 2; k++)
            for (size_t q = 0; q < 10; q++) {
                kin_hit hits[CANDIDATES];
                assert_int_equal(
                    search(built[k], queries.data + q * DIM, settings[k], &members, hits),
                    there_are);
            }
        roaring_bitmap_free(bitmap);
    }
}

/* The nearest tenth of all, or anything but it: where a beam arrives is then full of members, or
 * empty of them.  The nearest of the others are many at nearly the same distance, and more of them
 * must be ranked exactly, as codes cannot tell them apart. */
static void test_members_by_nearness(void **unused)
{
    (void)unused;
    enum { NEAR = COUNT / 10, MANY = 200 };
    static kin_hit nearest[NEAR];
    double sums[2][2] = {{0}};
    const size_t asked = 25;
    for (size_t q = 0; q < asked; q++) {
        struct vectors one = {.count = 1, .dim = DIM, .data = queries.data + q * DIM};
        roaring_bitmap_t *near = roaring_bitmap_create();
        size_t found = exact(&data, one.data, NEAR, NULL, nearest);
        for (size_t i = 0; i < found; i++)
            roaring_bitmap_add(near, (uint32_t)nearest[i].id);
        const kin_members ways[] = {{.only = near}, {.without = near}};
        for (size_t k = 0; k < 2; k++)
            for (size_t w = 0; w < 2; w++)
                sums[k][w] += recall_of(built[k], &data, &one, K,
                                        (kin_index_setting){settings[k].width, MANY}, &ways[w]);
        roaring_bitmap_free(near);
    }
    for (size_t k = 0; k < 2; k++) {
        print_message("%s: recall@%d %.4f among the nearest tenth, %.4f among all others\n",
                      kinds[k], K, sums[k][0] / (double)asked, sums[k][1] / (double)asked);
        assert_true(sums[k][0] / (double)asked >= 0.98);
        assert_true(sums[k][1] / (double)asked >= 0.98);
    }
}

static void test_both_bitmaps_and_none(void **unused)
{
    (void)unused;
    roaring_bitmap_t *half = share_of_all(5000), *tenth = share_of_all(1000);
    kin_members both = {.only = half, .without = tenth}, none = {0};
    for (size_t k = 0; k < 2; k++) {
        assert_true(recall_of(built[k], &data, &queries, K, settings[k], &both) >= 0.98);
        kin_hit with[CANDIDATES], plain[CANDIDATES];
        size_t found = search(built[k], queries.data, settings[k], &none, with);
        assert_int_equal(found, search(built[k], queries.data, settings[k], NULL, plain));
        for (size_t i = 0; i < found; i++)
            assert_int_equal(with[i].id, plain[i].id);
    }
    roaring_bitmap_free(half);
    roaring_bitmap_free(tenth);
}

/* A search for what is rare ends by its budget. */
static void test_budget_of_rare_members(void **unused)
{
    (void)unused;
    roaring_bitmap_t *rare = share_of_all(5);
    kin_members members = {.only = rare};
    for (size_t k = 0; k < 2; k++) {
        kin_hit hits[CANDIDATES];
        size_t found;
        kin_index_work work;
        kin_index_query asked = {
            .vector = queries.data, .setting = settings[k], .members = &members, .budget = 3000};
        assert_int_equal(kin_index_search(built[k], &asked, hits, &found, &work, NULL), KIN_OK);
        assert_true(work.gave_up && work.scored < 3000 + 2 * 64);
        for (size_t i = 0; i < found; i++)
            assert_true(kin_members_have(&members, hits[i].id));
    }
    roaring_bitmap_free(rare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_few_members),
        cmocka_unit_test(test_members_by_nearness),
        cmocka_unit_test(test_both_bitmaps_and_none),
        cmocka_unit_test(test_budget_of_rare_members),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
