/* Scans of whichever rows may answer, however they lie; damage; several threads; being stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "corpus_support.h"
#include "search/exact.h"

/* More rows than a segment has, so that runs end at its border. */
enum { COUNT = KIN_SEGMENT_ROWS + 3000, DIM = 8, K = 12, QUERIES = 4 };

static struct corpus_fixture corpus;

static int set_up(void **state)
{
    (void)state;
    corpus_make(&corpus, COUNT, DIM, 50, kin_codec_fp32, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_free(&corpus);
    return 0;
}

static void make_query(size_t number, size_t dim, float *out)
{
    uint64_t state = 4242 + number;
    corpus_vector(number, 0.8f, dim, &state, out);
}

static roaring_bitmap_t *draw(double share, uint64_t seed)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t r = 0; r < COUNT; r++)
        if (corpus_random(&seed) + 0.5 < share)
            roaring_bitmap_add(bitmap, r);
    return bitmap;
}

/* Every so-manieth row beside long runs: dense here and sparse there. */
static roaring_bitmap_t *draw_patches(void)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t r = 0; r < COUNT; r++)
        if (r / 700 % 3 == 0 || (r / 700 % 3 == 1 && r % 50 == 0) || r >= KIN_SEGMENT_ROWS - 9)
            roaring_bitmap_add(bitmap, r);
    return bitmap;
}

static void check(const struct corpus_fixture *f, const kin_members *members, const char *way,
                  float slack)
{
    for (size_t q = 0; q < QUERIES; q++) {
        float query[DIM];
        kin_hit exact[K], hits[K];
        kin_search_plan plan;
        kin_error err = {0};
        size_t found;
        make_query(q, DIM, query);
        kin_ask ask = {.vector = query,
                       .k = K,
                       .members = *members,
                       .member_count = kin_members_count(members, 0, f->count),
                       .way = way};
        size_t count = corpus_brute_force(f, query, members, K, exact);
        assert_int_equal(kin_search_nearest(&f->corpus, &ask, hits, &found, &plan, &err), KIN_OK);
        assert_int_equal(found, count);
        assert_true(plan.scanned > 0 || count == 0);
        for (size_t i = 0; i < count; i++) {
            assert_true(fabsf(hits[i].score - exact[i].score) <= slack);
            assert_true(kin_members_have(members, hits[i].id));
        }
    }
}

/* Members of each density, those left out given as such and as what is left. */
static void check_members(const struct corpus_fixture *f, const char *way, float slack)
{
    static const double shares[] = {0.0005, 0.05, 0.5, 0.7, 0.97, 1};
    roaring_bitmap_t *patches = draw_patches(), *half = draw(0.5, 77);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        roaring_bitmap_t *drawn = draw(shares[i], 9 + i);
        check(f, &(kin_members){.only = drawn}, way, slack);
        check(f, &(kin_members){.without = drawn}, way, slack);
        check(f, &(kin_members){.only = drawn, .without = half}, way, slack);
        roaring_bitmap_free(drawn);
    }
    check(f, &(kin_members){.only = patches}, way, slack);
    check(f, &(kin_members){.without = patches}, way, slack);
    check(f, &(kin_members){.only = half, .without = patches}, way, slack);
    check(f, &(kin_members){0}, way, slack);
    roaring_bitmap_free(patches);
    roaring_bitmap_free(half);
}

static void test_rows_are_found_wherever_they_lie(void **state)
{
    (void)state;
    check_members(&corpus, "scan", 1e-5f);
}

static void test_codes_are_found_though_the_index_has_gaps(void **state)
{
    (void)state;
    roaring_bitmap_t *most = draw(0.9, 3), *dead = roaring_bitmap_flip(most, 0, COUNT - 500);
    corpus_index(&corpus, "flat", COUNT, NULL, NULL);
    check_members(&corpus, "two-stage scan", 1e-5f);
    /* Deleted before the index was built, and rows that came after it. */
    corpus_index(&corpus, "flat", COUNT - 500, most, NULL);
    check(&corpus, &(kin_members){.without = dead}, "two-stage scan", 1e-5f);
    roaring_bitmap_t *few = draw(0.02, 21);
    check(&corpus, &(kin_members){.only = few, .without = dead}, "two-stage scan", 1e-5f);
    roaring_bitmap_free(few);
    roaring_bitmap_free(dead);
    roaring_bitmap_free(most);
    kin_index_free(corpus.index);
    corpus.index = NULL;
    corpus.corpus.index = NULL;
    corpus.corpus.index_rows = 0;
}

static void test_several_threads_find_the_same(void **state)
{
    (void)state;
    corpus.costs.thread = 1; /* worth it at once */
    corpus.costs.threads = 3;
    corpus.corpus.threads = 3;
    check_members(&corpus, "scan", 1e-5f);
    corpus.costs = kin_costs_default(DIM, kin_codec_fp32);
    corpus.corpus.threads = 0;
}

static void test_rows_of_each_codec_are_scanned(void **state)
{
    (void)state;
    const kin_codec *codecs[] = {kin_codec_fp16, kin_codec_int8};
    static const float slacks[] = {1e-3f, 2e-2f};
    for (size_t c = 0; c < 2; c++) {
        struct corpus_fixture f;
        corpus_make(&f, COUNT, DIM, 50, codecs[c], NULL, 0);
        check_members(&f, "scan", slacks[c]);
        corpus_free(&f);
    }
}

struct patience {
    atomic_int left;
};

static bool has_ended(void *ctx)
{
    struct patience *patience = ctx;
    return atomic_fetch_sub(&patience->left, 1) <= 0;
}

static void test_a_scan_asks_every_few_thousand_rows(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    kin_error err = {0};
    size_t found;
    make_query(1, DIM, query);
    for (int threads = 1; threads <= 3; threads += 2) {
        corpus.costs.thread = 1;
        corpus.costs.threads = corpus.corpus.threads = threads;
        struct patience patience = {.left = 1000000};
        kin_ask ask = {.vector = query,
                       .k = K,
                       .recall = 1,
                       .member_count = COUNT,
                       .stop = {has_ended, &patience}};
        assert_int_equal(kin_search_nearest(&corpus.corpus, &ask, hits, &found, &plan, &err),
                         KIN_OK);
        int asked = 1000000 - atomic_load(&patience.left);
        assert_true(asked > COUNT / 8192);
        for (int before = 0; before < asked; before += asked / 3 + 1) {
            atomic_store(&patience.left, before);
            assert_int_equal(kin_search_nearest(&corpus.corpus, &ask, hits, &found, &plan, &err),
                             KIN_E_CANCELLED);
        }
        float *queries = calloc(3, sizeof query);
        kin_hit *many = calloc(3 * K, sizeof *many);
        size_t counts[3];
        memcpy(queries, query, sizeof query);
        atomic_store(&patience.left, 0);
        assert_int_equal(kin_search_batch(&corpus.corpus, queries, 3, K, &ask.members, many, counts,
                                          &ask.stop, &err),
                         KIN_E_CANCELLED);
        free(queries);
        free(many);
    }
    corpus.costs = kin_costs_default(DIM, kin_codec_fp32);
    corpus.corpus.threads = 0;
}

static void flip_byte(const char *path, off_t at)
{
    unsigned char byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static uint64_t *kept_hashes;

static kin_status kept_hash(void *ctx, uint64_t block, uint64_t *hash, kin_error *err)
{
    (void)ctx;
    (void)err;
    *hash = kept_hashes[block];
    return KIN_OK;
}

/* A damaged row is no answer: the search says so.  Unless nobody asked about it. */
static void test_damaged_rows_are_told_where_they_matter(void **state)
{
    (void)state;
    enum { ROWS = 1000, DAMAGED = 320 /* of a block of 64 */ };
    struct corpus_fixture f;
    kin_error err = {0};
    char path[PATH_MAX];
    float query[DIM];
    kin_hit hits[K];
    kin_search_plan plan;
    size_t found;
    corpus_make(&f, ROWS, DIM, 5, kin_codec_fp32, "hnsw", ROWS);
    kept_hashes = calloc(ROWS / KIN_BLOCK_ROWS + 1, sizeof *kept_hashes);
    for (uint64_t b = 0; b * KIN_BLOCK_ROWS < ROWS; b++)
        assert_int_equal(corpus_hash(&f, b, &kept_hashes[b], &err), KIN_OK);
    kin_rows_close(f.rows);
    snprintf(path, sizeof path, "%.4000s/000000.seg", f.dir);
    flip_byte(path, 4096 + DAMAGED * (off_t)kin_codec_stride(kin_codec_fp32, DIM) + 3);
    assert_int_equal(kin_rows_open(f.set, ROWS, kept_hash, NULL, &f.rows, &err), KIN_OK);
    f.corpus.rows = f.rows;
    make_query(1, DIM, query);
    /* The other rows lie closely around the damaged block. */
    roaring_bitmap_t *sound = roaring_bitmap_from_range(0, ROWS, 1);
    roaring_bitmap_remove_range(sound, DAMAGED, DAMAGED + KIN_BLOCK_ROWS);
    kin_ask ask = {.vector = query,
                   .k = K,
                   .members = {.only = sound},
                   .member_count = roaring_bitmap_get_cardinality(sound),
                   .way = "scan"};
    assert_int_equal(kin_search_nearest(&f.corpus, &ask, hits, &found, &plan, &err), KIN_OK);
    assert_int_equal(found, K);
    const kin_index_setting all = {ROWS, ROWS};
    for (size_t way = 0; way < 3; way++) { /* scan, two-stage scan, index */
        ask = (kin_ask){.vector = query,
                        .k = K,
                        .member_count = ROWS,
                        .setting = &all,
                        .way = kin_way_name(way)};
        assert_int_equal(kin_search_nearest(&f.corpus, &ask, hits, &found, &plan, &err),
                         KIN_E_CORRUPT);
        assert_string_equal(err.subject, path);
    }
    assert_int_equal(
        kin_search_batch(&f.corpus, query, 1, K, &ask.members, hits, &found, NULL, &err),
        KIN_E_CORRUPT);
    roaring_bitmap_free(sound);
    free(kept_hashes);
    corpus_free(&f);
}

static void test_scores_can_be_made_exact_afterwards(void **state)
{
    (void)state;
    float query[DIM];
    kin_hit exact[K], hits[K];
    kin_error err = {0};
    make_query(2, DIM, query);
    size_t count = corpus_brute_force(&corpus, query, &(kin_members){0}, K, exact);
    kin_probe *probe = NULL;
    assert_int_equal(kin_probe_new(kin_rows_codec(corpus.rows), query, DIM, &probe, &err), KIN_OK);
    for (size_t i = 0; i < count; i++)
        hits[i] = (kin_hit){exact[count - 1 - i].id, -1};
    assert_int_equal(kin_exact_rescore(corpus.rows, probe, hits, count, &err), KIN_OK);
    for (size_t i = 0; i < count; i++)
        assert_true(fabsf(hits[count - 1 - i].score - exact[i].score) < 1e-5f);
    hits[0].id = COUNT;
    assert_int_equal(kin_exact_rescore(corpus.rows, probe, hits, count, &err), KIN_E_ARG);
    kin_probe_free(probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_found_wherever_they_lie),
        cmocka_unit_test(test_codes_are_found_though_the_index_has_gaps),
        cmocka_unit_test(test_several_threads_find_the_same),
        cmocka_unit_test(test_rows_of_each_codec_are_scanned),
        cmocka_unit_test(test_a_scan_asks_every_few_thousand_rows),
        cmocka_unit_test(test_damaged_rows_are_told_where_they_matter),
        cmocka_unit_test(test_scores_can_be_made_exact_afterwards),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
