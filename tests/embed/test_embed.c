/* Projections: hand-computed components, whitening, small archives, both makers' promises. */
#include "descriptors_support.h"

#include <pthread.h>
#include <stdio.h>

#define NEAR(a, b, tolerance) assert_true(fabs((double)(a) - (double)(b)) <= (tolerance))

static void embed(const kin_embedder *embedder, const float *x, float *y)
{
    assert_int_equal(kin_embedder_apply(embedder, x, 1, y, NULL), KIN_OK);
}

/*
 * Four points m +- 3u, m +- v with u = (0.6, 0.8), v = (-0.8, 0.6): the covariance is 9/2 uu' + 1/2
 * vv'.  The family's total variance 5 is scaled to 1, so the components' variances are 0.9 and 0.1,
 * their mean 0.5.  u's largest component is positive as it stands, v's negative, so the second
 * direction is -v.
 */
static void test_two_dimensions_by_hand(void **unused)
{
    (void)unused;
    const float m[2] = {10, -7}, u[2] = {0.6f, 0.8f}, v[2] = {-0.8f, 0.6f};
    struct descriptors d = descriptors_new(4, 2);
    for (int i = 0; i < 2; i++) {
        d.data[0 + i] = m[i] + 3 * u[i];
        d.data[2 + i] = m[i] - 3 * u[i];
        d.data[4 + i] = m[i] + v[i];
        d.data[6 + i] = m[i] - v[i];
    }
    const struct {
        double whitening, damping;
    } cases[] = {{KIN_EMBED_NONE, 0}, {1, KIN_EMBED_NONE},  {0, 0}, {0.5, 1},
                 {0.25, 3},           {0.5, KIN_EMBED_NONE}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        kin_embed_options options = {
            .dim = 2, .whitening = cases[c].whitening, .damping = cases[c].damping};
        kin_embedder *embedder = must_train(&d, "a/1:2", &options);
        double w = cases[c].whitening == 0 ? 0.5 : cases[c].whitening < 0 ? 0 : cases[c].whitening;
        double g = cases[c].damping == 0 ? 3 : cases[c].damping < 0 ? 0 : cases[c].damping;
        assert_int_equal(kin_embedder_rank(embedder), 2);
        assert_int_equal(kin_embedder_trained_on(embedder), 4);
        float y[2], x[2] = {m[0] + 3 * u[0] + 2 * v[0], m[1] + 3 * u[1] + 2 * v[1]};
        embed(embedder, x, y);
        double first = 3 * pow(0.9 + g * 0.5, -w / 2), second = -2 * pow(0.1 + g * 0.5, -w / 2);
        double norm = sqrt(first * first + second * second);
        NEAR(y[0], first / norm, 1e-5);
        NEAR(y[1], second / norm, 1e-5);
        embed(embedder, d.data, y); /* on an axis */
        NEAR(y[0], 1, 1e-5);
        NEAR(y[1], 0, 1e-5);
        embed(embedder, m, y); /* the mean is similar to none */
        assert_true(y[0] == 0 && y[1] == 0);
        kin_embedder_free(embedder);
    }
    free(d.data);
}

/*
 * Family a varies by 10 along its one float, family b by 0.1 and 0.2 along its two, all
 * independent: rows are the eight corners.  Scaled to the same total, a's variance is 1 and b's
 * 0.01 / 0.05 = 0.2 and 0.8.
 */
static void test_families_weigh_the_same(void **unused)
{
    (void)unused;
    struct descriptors d = descriptors_new(8, 3);
    for (int r = 0; r < 8; r++) {
        d.data[r * 3] = (r & 1 ? 10.0f : -10.0f) + 100.0f;
        d.data[r * 3 + 1] = r & 2 ? 0.1f : -0.1f;
        d.data[r * 3 + 2] = (r & 4 ? 0.2f : -0.2f) - 3.0f;
    }
    kin_embed_options options = {.dim = 3, .whitening = KIN_EMBED_NONE};
    kin_embedder *embedder = must_train(&d, "a/1:1 b/2:2", &options);
    float y[3];
    embed(embedder, d.data + 7 * 3,
          y); /* (1, sqrt 0.8, sqrt 0.2) / sqrt 2: largest variance first */
    NEAR(y[0], sqrt(0.5), 1e-5);
    NEAR(y[1], sqrt(0.4), 1e-5);
    NEAR(y[2], sqrt(0.1), 1e-5);
    kin_embedder_free(embedder);
    free(d.data);
}

/* A family that never varies (colour in a grey archive) takes no part, whatever its value. */
static void test_constant_family(void **unused)
{
    (void)unused;
    for (int constant = 0; constant < 2; constant++) {
        struct descriptors d = descriptors_of_images(60, 20, 3), shorter = descriptors_new(60, 17);
        for (size_t r = 0; r < 60; r++) {
            for (size_t i = 17; i < 20; i++)
                d.data[r * 20 + i] = constant ? 0.3f : 0.0f;
            memcpy(shorter.data + r * 17, d.data + r * 20, 17 * sizeof(float));
        }
        kin_embed_options options = {.dim = 8};
        kin_embedder *with = must_train(&d, "x/1:17 colour-none/1:3", &options);
        kin_embedder *without = must_train(&shorter, "x/1:17", &options);
        float a[8], b[8];
        for (size_t r = 0; r < 60; r++) {
            embed(with, d.data + r * 20, a);
            embed(without, shorter.data + r * 17, b);
            for (size_t i = 0; i < 8; i++)
                NEAR(a[i], b[i], 1e-4);
        }
        d.data[18] = 1e6f; /* nor can it, once it does vary */
        embed(with, d.data, a);
        embed(without, shorter.data, b);
        for (size_t i = 0; i < 8; i++)
            NEAR(a[i], b[i], 1e-4);
        kin_embedder_free(with);
        kin_embedder_free(without);
        free(d.data);
        free(shorter.data);
    }
}

static void test_whitening_gives_unit_variance(void **unused)
{
    (void)unused;
    enum { COUNT = 1024, INPUT = 40, DIM = 16 };
    struct descriptors d = descriptors_of_images(COUNT, INPUT, 5);
    kin_embed_options options = {.dim = DIM, .whitening = 1, .damping = KIN_EMBED_NONE};
    kin_embedder *embedder = must_train(&d, "a/1:30 b/1:10", &options);
    static float y[COUNT * DIM];
    for (size_t r = 0; r < COUNT; r += EMBED_BATCH)
        assert_int_equal(
            kin_embedder_project(embedder, d.data + r * INPUT, EMBED_BATCH, y + r * DIM, NULL),
            KIN_OK);
    for (size_t i = 0; i < DIM; i++)
        for (size_t j = i; j < DIM; j++) {
            double mean = 0, product = 0;
            for (size_t r = 0; r < COUNT; r++) {
                mean += (double)y[r * DIM + i] / COUNT;
                product += (double)y[r * DIM + i] * (double)y[r * DIM + j] / COUNT;
            }
            NEAR(mean, 0, 1e-4);
            NEAR(product, i == j ? 1 : 0, 1e-3);
        }
    kin_embedder_free(embedder);
    free(d.data);
}

/* The same rows once (by Gram's matrix) and twice (by the covariance) have the same components. */
static void test_both_ways_agree(void **unused)
{
    (void)unused;
    enum { COUNT = 50, INPUT = 60, DIM = 20 };
    struct descriptors once = descriptors_of_images(COUNT, INPUT, 8),
                       twice = descriptors_new(2 * COUNT, INPUT);
    memcpy(twice.data, once.data, COUNT * INPUT * sizeof(float));
    memcpy(twice.data + COUNT * INPUT, once.data, COUNT * INPUT * sizeof(float));
    kin_embed_options options = {.dim = DIM};
    kin_embedder *gram = must_train(&once, "a/1:25 b/1:35", &options);
    kin_embedder *covariance = must_train(&twice, "a/1:25 b/1:35", &options);
    for (size_t r = 0; r < COUNT; r++) {
        float a[DIM], b[DIM];
        embed(gram, once.data + r * INPUT, a);
        embed(covariance, once.data + r * INPUT, b);
        for (size_t i = 0; i < DIM; i++)
            NEAR(a[i], b[i], 2e-3);
    }
    kin_embedder_free(gram);
    kin_embedder_free(covariance);
    free(once.data);
    free(twice.data);
}

/* Every image has a near copy.  In archives down to ten images, where full whitening would make all
 * of them equidistant, the copy must be the nearest, and farther ones must differ in similarity. */
static void test_near_duplicates_stay_nearest(void **unused)
{
    (void)unused;
    static const size_t pairs[] = {5, 15, 50, 150};
    enum { INPUT = 300 };
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++) {
        struct descriptors d = descriptors_of_images(2 * pairs[p], INPUT, 20 + p);
        uint64_t state = 77;
        for (size_t r = 1; r < d.count; r += 2)
            for (size_t i = 0; i < INPUT; i++)
                d.data[r * INPUT + i] =
                    d.data[(r - 1) * INPUT + i] + (float)(0.3 * random_normal(&state));
        kin_embedder *embedder = must_train(&d, "a/1:100 b/1:200", NULL);
        float *y = malloc(d.count * KIN_EMBED_DEFAULT_DIM * sizeof *y);
        assert_int_equal(kin_embedder_apply(embedder, d.data, d.count, y, NULL), KIN_OK);
        double lowest_copy = 1, spread = 0;
        for (size_t r = 0; r < d.count; r++) {
            size_t best = r, dim = KIN_EMBED_DEFAULT_DIM;
            double best_score = -2, others = 0, squares = 0;
            NEAR(inner(y + r * dim, y + r * dim, dim), 1, 1e-5);
            for (size_t o = 0; o < d.count; o++) {
                double score = inner(y + r * dim, y + o * dim, dim);
                if (o != r && score > best_score) {
                    best_score = score;
                    best = o;
                }
                if (o / 2 != r / 2) {
                    others += score / (double)(d.count - 2);
                    squares += score * score / (double)(d.count - 2);
                }
            }
            assert_int_equal(best, r ^ 1);
            lowest_copy = best_score < lowest_copy ? best_score : lowest_copy;
            spread += sqrt(squares - others * others) / (double)d.count;
        }
        print_message("%zu images: copies at least %.3f alike, others spread by %.3f\n", d.count,
                      lowest_copy, spread);
        assert_true(lowest_copy > 0.8 && spread > 0.1);
        kin_embedder_free(embedder);
        free(y);
        free(d.data);
    }
}

static void test_rank_of_few_images(void **unused)
{
    (void)unused;
    for (size_t count = 2; count < 12; count++) {
        struct descriptors d = descriptors_of_images(count, 50, count);
        kin_embed_options options = {.dim = 8};
        kin_embedder *embedder = must_train(&d, "a/1:50", &options);
        float y[8];
        assert_int_equal(kin_embedder_dim(embedder), 8);
        assert_int_equal(kin_embedder_input(embedder), 50);
        assert_int_equal(kin_embedder_rank(embedder), count - 1 < 8 ? count - 1 : 8);
        embed(embedder, d.data, y);
        NEAR(inner(y, y, 8), 1, 1e-5);
        for (size_t i = kin_embedder_rank(embedder); i < 8; i++)
            assert_true(y[i] == 0);
        kin_embedder_free(embedder);
        free(d.data);
    }
}

/* The sample is spread over all rows: half the rows, every second of them, teach what they would
 * alone. */
static void test_sample_is_spread(void **unused)
{
    (void)unused;
    struct descriptors all = descriptors_of_images(200, 30, 4), half = descriptors_new(100, 30);
    for (size_t r = 0; r < 100; r++)
        memcpy(half.data + r * 30, all.data + 2 * r * 30, 30 * sizeof(float));
    kin_embed_options options = {.dim = 10, .sample_max = 100};
    kin_embedder *sampled = must_train(&all, "a/1:30", &options);
    kin_embedder *alone = must_train(&half, "a/1:30", &options);
    assert_int_equal(kin_embedder_trained_on(sampled), 100);
    assert_string_equal(kin_embedder_id_borrow(sampled), kin_embedder_id_borrow(alone));
    kin_embedder_free(sampled);
    kin_embedder_free(alone);
    free(all.data);
    free(half.data);
}

static void test_training_is_repeatable(void **unused)
{
    (void)unused;
    struct descriptors d = descriptors_of_images(300, 80, 6);
    kin_embedder *a = must_train(&d, "a/1:80", NULL), *b = must_train(&d, "a/1:80", NULL);
    assert_int_equal(strlen(kin_embedder_id_borrow(a)), KIN_EMBED_ID_SIZE - 1);
    assert_string_equal(kin_embedder_id_borrow(a), kin_embedder_id_borrow(b));
    assert_string_equal(kin_embedder_kind_borrow(a), "pca-whitened");
    assert_string_equal(kin_embedder_signature_borrow(a), "a/1:80");
    kin_embedder_free(b);
    d.data[5] += 0.5f;
    b = must_train(&d, "a/1:80", NULL);
    assert_string_not_equal(kin_embedder_id_borrow(a), kin_embedder_id_borrow(b));
    kin_embedder_free(a);
    kin_embedder_free(b);
    free(d.data);
}

static void test_batches_equal_single_vectors(void **unused)
{
    (void)unused;
    enum { COUNT = 150, INPUT = 90, DIM = 32 };
    struct descriptors d = descriptors_of_images(COUNT, INPUT, 9);
    kin_embed_options options = {.dim = DIM};
    kin_embedder *embedder = must_train(&d, "a/1:90", &options);
    static float together[COUNT * DIM];
    assert_int_equal(kin_embedder_apply(embedder, d.data, COUNT, together, NULL), KIN_OK);
    for (size_t r = 0; r < COUNT; r++) {
        float y[DIM];
        embed(embedder, d.data + r * INPUT, y);
        for (size_t i = 0; i < DIM; i++)
            NEAR(y[i], together[r * DIM + i], 1e-5);
    }
    assert_int_equal(kin_embedder_apply(embedder, d.data, 0, together, NULL), KIN_OK);
    kin_embedder_free(embedder);
    free(d.data);
}

struct applying {
    const kin_embedder *embedder;
    const struct descriptors *d;
    float *out;
};

static void *apply_all(void *argument)
{
    struct applying *a = argument;
    for (int i = 0; i < 10; i++)
        if (kin_embedder_apply(a->embedder, a->d->data, a->d->count, a->out, NULL) != KIN_OK)
            a->out[0] = 99;
    return NULL;
}

static void test_apply_from_several_threads(void **unused)
{
    (void)unused;
    enum { THREADS = 4, COUNT = 100, INPUT = 200, DIM = 32 };
    struct descriptors d = descriptors_of_images(COUNT, INPUT, 10);
    kin_embed_options options = {.dim = DIM};
    kin_embedder *embedder = must_train(&d, "a/1:200", &options);
    static float alone[COUNT * DIM], out[THREADS][COUNT * DIM];
    pthread_t threads[THREADS];
    struct applying a[THREADS];
    assert_int_equal(kin_embedder_apply(embedder, d.data, COUNT, alone, NULL), KIN_OK);
    for (size_t t = 0; t < THREADS; t++) {
        a[t] = (struct applying){embedder, &d, out[t]};
        assert_int_equal(pthread_create(&threads[t], NULL, apply_all, &a[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (size_t t = 0; t < THREADS; t++)
        assert_memory_equal(out[t], alone, sizeof alone);
    kin_embedder_free(embedder);
    free(d.data);
}

static void test_bootstrap(void **unused)
{
    (void)unused;
    enum { COUNT = 40, INPUT = 500, DIM = 256 };
    struct descriptors d = descriptors_of_images(COUNT, INPUT, 12);
    kin_embedder *a = NULL, *b = NULL;
    const char *signature = "a/1:100 b/1:400";
    assert_int_equal(kin_embedder_bootstrap(signature, INPUT, 0, &a, NULL), KIN_OK);
    assert_int_equal(kin_embedder_bootstrap(signature, INPUT, DIM, &b, NULL), KIN_OK);
    assert_string_equal(kin_embedder_id_borrow(a), kin_embedder_id_borrow(b));
    assert_string_equal(kin_embedder_kind_borrow(a), "bootstrap");
    assert_int_equal(kin_embedder_trained_on(a), 0);
    kin_embedder_free(b);
    assert_int_equal(kin_embedder_bootstrap("a/2:100 b/1:400", INPUT, DIM, &b, NULL), KIN_OK);
    assert_string_not_equal(kin_embedder_id_borrow(a), kin_embedder_id_borrow(b));
    kin_embedder_free(b);
    /* Cosines over two families of equal weight, to within the projection's error (4 sigma). */
    static float y[COUNT * DIM];
    memset(d.data + 3 * INPUT, 0, 100 * sizeof(float)); /* one lacks a family */
    assert_int_equal(kin_embedder_apply(a, d.data, COUNT, y, NULL), KIN_OK);
    for (size_t r = 0; r < COUNT; r++)
        for (size_t o = 0; o < COUNT; o++) {
            const float *x = d.data + r * INPUT, *z = d.data + o * INPUT;
            double first = inner(x, z, 100) == 0
                               ? 0
                               : inner(x, z, 100) / sqrt(inner(x, x, 100) * inner(z, z, 100));
            double second = inner(x + 100, z + 100, 400) /
                            sqrt(inner(x + 100, x + 100, 400) * inner(z + 100, z + 100, 400));
            double sizes = (r == 3 ? 1 : 2) * (o == 3 ? 1 : 2);
            NEAR(inner(y + r * DIM, y + o * DIM, DIM), (first + second) / sqrt(sizes), 4.0 / 16.0);
        }
    /* Extreme values neither overflow nor vanish. */
    for (size_t i = 0; i < INPUT; i++) {
        d.data[i] *= 1e30f;
        d.data[INPUT + i] *= 1e-30f;
    }
    static float same[2 * DIM];
    assert_int_equal(kin_embedder_apply(a, d.data, 2, same, NULL), KIN_OK);
    for (size_t i = 0; i < 2 * DIM; i++)
        NEAR(same[i], y[i], 1e-5);
    memset(d.data, 0, INPUT * sizeof(float)); /* nothing at all is similar to none */
    embed(a, d.data, same);
    for (size_t i = 0; i < DIM; i++)
        assert_true(same[i] == 0);
    kin_embedder_free(a);
    free(d.data);
}

/* Weights come from the registry of families. */
static void test_registered_weights(void **unused)
{
    (void)unused;
    struct descriptors d = descriptors_new(4, 2);
    const float corners[8] = {1, 1, 1, -1, -1, 1, -1, -1};
    memcpy(d.data, corners, sizeof corners);
    struct embed_layout layout;
    assert_int_equal(kin_embed_layout_parse("pixels/1:1 other/1:1", 2, &layout, NULL), KIN_OK);
    double weight = (double)layout.weight[0];
    assert_true(weight > 0 && layout.weight[1] == 1.0f);
    kin_embed_options options = {.dim = 2, .whitening = KIN_EMBED_NONE};
    kin_embedder *embedder = must_train(&d, "pixels/1:1 other/1:1", &options);
    float y[2];
    embed(embedder, d.data, y);
    size_t pixels = weight > 1 ? 0 : 1; /* the larger variance comes first */
    NEAR(y[pixels], weight / sqrt(weight * weight + 1), 1e-5);
    kin_embedder_free(embedder);
    free(d.data);
}

static const float *fail_at_30(void *ctx, size_t i, kin_error *err)
{
    if (i != 30)
        return descriptors_row(ctx, i, err);
    kin_fail(err, KIN_E_CORRUPT, "000000.seg", "rows fail their checksum");
    return NULL;
}

static void test_bad_rows(void **unused)
{
    (void)unused;
    struct descriptors d = descriptors_of_images(50, 10, 2);
    kin_embedder *embedder = NULL;
    kin_error err = {0};
    kin_embed_rows rows = {50, 10, fail_at_30, &d};
    assert_int_equal(kin_embedder_train("a/1:10", &rows, NULL, &embedder, &err), KIN_E_CORRUPT);
    assert_string_equal(err.subject, "000000.seg");
    assert_int_equal(kin_embedder_train("a/1:10", &rows, NULL, &embedder, NULL), KIN_E_CORRUPT);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        float kept = d.data[33 * 10 + 4], y[10];
        kin_embed_options options = {.dim = 10};
        kin_embedder *good = must_train(&d, "a/1:10", &options);
        d.data[33 * 10 + 4] = bad[i];
        assert_int_equal(train(&d, "a/1:10", NULL, &embedder, &err), KIN_E_CORRUPT);
        assert_int_equal(kin_embedder_apply(good, d.data + 330, 1, y, &err), KIN_E_ARG);
        d.data[33 * 10 + 4] = kept;
        kin_embedder_free(good);
    }
    d.count = 1;
    assert_int_equal(train(&d, "a/1:10", NULL, &embedder, &err), KIN_E_ARG);
    d.count = 0;
    assert_int_equal(train(&d, "a/1:10", NULL, &embedder, &err), KIN_E_ARG);
    d.count = 50;
    for (size_t r = 1; r < 50; r++)
        memcpy(d.data + r * 10, d.data, 10 * sizeof(float));
    assert_int_equal(train(&d, "a/1:10", NULL, &embedder, &err), KIN_E_ARG); /* all alike */
    d.count = 5;
    assert_int_equal(train(&d, "a/1:10", NULL, &embedder, &err), KIN_E_ARG);
    assert_null(embedder);
    free(d.data);
    kin_embedder_free(NULL);
}

static void test_bad_signatures_and_options(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"",
                                      "a",
                                      "a/1",
                                      "a/1:",
                                      "a/1:0",
                                      "a/1:9",
                                      "a/1:11",
                                      "/1:10",
                                      "a/:10",
                                      "a/1:10 ",
                                      " a/1:10",
                                      "a/1:5  b/1:5",
                                      "a/1:-10",
                                      "a/1:+10",
                                      "a/1:10x",
                                      "a/1:5 b",
                                      "a:1/10",
                                      "a/1:5 b:5",
                                      "a/1:99999999999999999999",
                                      "a/1:05 b/1:5"};
    struct descriptors d = descriptors_of_images(20, 10, 2);
    kin_embedder *embedder = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (kin_embedder_bootstrap(bad[i], 10, 4, &embedder, NULL) != KIN_E_ARG)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(train(&d, bad[i], NULL, &embedder, NULL), KIN_E_ARG);
    }
    char many[1024] = "a/1:1";
    for (int i = 0; i < 64; i++)
        strcat(many, " a/1:1");
    assert_int_equal(kin_embedder_bootstrap(many, 65, 4, &embedder, NULL), KIN_E_ARG);
    assert_int_equal(kin_embedder_bootstrap("a/1:10", 10, KIN_EMBED_DIM_MAX + 1, &embedder, NULL),
                     KIN_E_ARG);
    assert_int_equal(kin_embedder_bootstrap("a/1:99999", 99999, 4, &embedder, NULL), KIN_E_ARG);
    static const kin_embed_options options[] = {{.dim = KIN_EMBED_DIM_MAX + 1},
                                                {.sample_max = 1},
                                                {.sample_max = SIZE_MAX},
                                                {.whitening = 1.5},
                                                {.whitening = NAN},
                                                {.damping = NAN},
                                                {.damping = INFINITY}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_int_equal(train(&d, "a/1:10", &options[i], &embedder, NULL), KIN_E_ARG);
    assert_null(embedder);
    free(d.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_dimensions_by_hand),
        cmocka_unit_test(test_families_weigh_the_same),
        cmocka_unit_test(test_constant_family),
        cmocka_unit_test(test_whitening_gives_unit_variance),
        cmocka_unit_test(test_both_ways_agree),
        cmocka_unit_test(test_near_duplicates_stay_nearest),
        cmocka_unit_test(test_rank_of_few_images),
        cmocka_unit_test(test_sample_is_spread),
        cmocka_unit_test(test_training_is_repeatable),
        cmocka_unit_test(test_batches_equal_single_vectors),
        cmocka_unit_test(test_apply_from_several_threads),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_registered_weights),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_bad_signatures_and_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
