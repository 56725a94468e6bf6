/* The parts of supervised learning against independent computations. */
#include "learn_support.h"

#include "embed/learn_judge.h"
#include "embed/learn_methods.h"
#include "embed/mlp_net.h"

enum { ROWS = 15, WIDTH = 4 };

static const float table[ROWS * WIDTH] = {
    5, 1, 0, 2, 6,  3, 1, 0, 4,  2, -1, 1, 7,  2,  2, 3,  5,  4, 0, -1,
    6, 1, 1, 1, 3,  5, 4, 0, 2,  7, 3,  1, 4,  6,  5, -2, 3,  4, 4, 2,
    1, 6, 6, 1, -4, 0, 2, 5, -3, 1, 0,  7, -5, -1, 1, 6,  -2, 2, 3, 4,
};
static const int table_label[ROWS] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2};

/* The same by scikit-learn 1.2's ledoit_wolf() (shrinkage 0.84056) and numpy's Cholesky and singular
 * value decompositions: each row's two discriminants over their root mean square length. */
static const double discriminants[ROWS][2] = {
    {-0.419339, 0.685433},  {-0.826696, 0.297637},  {-0.388222, 0.599665},  {-0.693081, 0.445533},
    {-0.795578, 0.211869},  {-0.658236, 0.582283},  {-0.381204, -0.536799}, {-0.228401, -0.687231},
    {-0.745514, -0.797804}, {-0.173425, -0.347881}, {0.012505, -1.019762},  {1.393236, 0.092819},
    {1.327394, 0.354625},   {1.675179, 0.32276},    {0.901383, -0.203148},
};

static void test_lda_by_another_library(void **unused)
{
    (void)unused;
    static const double gain[WIDTH] = {0.5, 2, 1, 4}, variance[WIDTH] = {4, 3, 2, 1};
    float tempered[ROWS * WIDTH], y[ROWS][7];
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        tempered[i] = table[i] * (float)gain[i % WIDTH];
    struct learn_set set = {.count = ROWS,
                            .width = WIDTH,
                            .components = tempered,
                            .label = table_label,
                            .classes = 4, /* one of which has no row */
                            .dim = 8,
                            .variance = variance,
                            .gain = gain};
    struct embed_head *head = NULL;
    assert_int_equal(kin_learn_lda.fit(&set, &head, NULL), KIN_OK);
    assert_int_equal(head->learnt, 3); /* two discriminants and the constant */
    assert_int_equal(head->plain, WIDTH);
    assert_int_equal(kin_embed_head_apply(head, tempered, WIDTH, ROWS, y[0], NULL), KIN_OK);
    for (size_t d = 0; d < 2; d++) {
        double sign = y[0][d] * discriminants[0][d] > 0 ? 1 : -1;
        for (size_t r = 0; r < ROWS; r++) {
            const double *expected = discriminants[r];
            double length = sqrt(expected[0] * expected[0] + expected[1] * expected[1] + 0.25);
            assert_true(fabs(sign * y[r][d] - expected[d] / length) < 2e-5);
            assert_true(fabs(y[r][2] - 0.5 / length) < 2e-5);
        }
    }
    kin_embed_head_free(head);
}

static void test_lda_of_means_that_are_alike(void **unused)
{
    (void)unused;
    static const double ones[WIDTH] = {1, 1, 1, 1};
    float rows[8 * WIDTH] = {0};
    static const int label[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    for (size_t r = 0; r < 8; r++)
        rows[r * WIDTH + r % 4] = 1; /* the same four in either class */
    struct learn_set set = {8, WIDTH, rows, label, 2, 8, ones, ones, 1, NULL, NULL};
    struct embed_head *head = NULL;
    kin_status status = kin_learn_lda.fit(&set, &head, NULL);
    assert_true(status == KIN_E_ARG);
    assert_null(head);
    /* no scatter at all: a row a class */
    static const int own[3] = {0, 1, 2};
    set.label = own;
    set.count = 3;
    set.classes = 3;
    assert_int_equal(kin_learn_lda.fit(&set, &head, NULL), KIN_OK);
    kin_embed_head_free(head);
}

/* Slopes by differences of the loss. */
static void test_slopes_of_the_network(void **unused)
{
    (void)unused;
    enum { IN = 5, HIDDEN = 7, OUT = 3, BATCH = 9 };
    struct embed_head *net = NULL;
    struct mlp_batch *batch = NULL;
    uint64_t random = 11;
    assert_int_equal(kin_embed_head_new(IN, HIDDEN, OUT, 0, &net, NULL), KIN_OK);
    assert_int_equal(kin_mlp_batch_new(net, BATCH, &batch, NULL), KIN_OK);
    kin_mlp_start(net, &random);
    batch->count = BATCH;
    for (size_t i = 0; i < BATCH * IN; i++)
        batch->input[i] = (float)random_normal(&random);
    for (size_t r = 0; r < BATCH; r++)
        batch->label[r] = r == 8 ? 7 : (int)(r % 3); /* one alone in its class */
    kin_mlp_drop(batch, net, 40, 90, &random);
    struct embed_head_array x[EMBED_HEAD_ARRAYS], slope[EMBED_HEAD_ARRAYS];
    kin_embed_head_arrays(net, x);
    kin_embed_head_arrays(batch->slope, slope);
    double loss = kin_mlp_loss(net, 0.5f, batch);
    assert_true(loss > 0.5 && loss < 10);
    size_t steep = 0;
    for (size_t a = 0; a < EMBED_HEAD_ARRAYS; a++) {
        float *expected = calloc(x[a].count, sizeof *expected);
        memcpy(expected, slope[a].data, x[a].count * sizeof *expected);
        for (size_t i = 0; i < x[a].count; i++) {
            const float h = 2e-3f, held = x[a].data[i];
            x[a].data[i] = held + h;
            double up = kin_mlp_loss(net, 0.5f, batch);
            x[a].data[i] = held - h;
            double down = kin_mlp_loss(net, 0.5f, batch);
            x[a].data[i] = held;
            double found = (up - down) / (2 * (double)h);
            if (fabs(found - (double)expected[i]) > 2e-3)
                fail_msg("array %zu, parameter %zu: %f and %f", a, i, found, (double)expected[i]);
            steep += fabs(found) > 0.01;
        }
        free(expected);
    }
    assert_true(steep > 20);
    kin_mlp_batch_free(batch);
    kin_embed_head_free(net);
}

/* Adam's first steps by its paper's formulas. */
static void test_steps_of_adam(void **unused)
{
    (void)unused;
    struct embed_head *net = NULL, *slope = NULL;
    struct mlp_adam adam;
    assert_int_equal(kin_embed_head_new(2, 0, 1, 0, &net, NULL), KIN_OK);
    assert_int_equal(kin_embed_head_new(2, 0, 1, 0, &slope, NULL), KIN_OK);
    assert_int_equal(kin_mlp_adam_new(net, &adam, NULL), KIN_OK);
    double x = 0.75, mean = 0, square = 0;
    net->out[1] = (float)x;
    for (int t = 1; t <= 5; t++) {
        double g = 0.3 * t - 0.7;
        slope->out[1] = (float)g;
        kin_mlp_adam_step(&adam, slope, 0.01, 0.1, net);
        mean = 0.9 * mean + 0.1 * g;
        square = 0.999 * square + 0.001 * g * g;
        x = x * (1 - 0.01 * 0.1) -
            0.01 * (mean / (1 - pow(0.9, t))) / (sqrt(square / (1 - pow(0.999, t))) + 1e-8);
        assert_true(fabs((double)net->out[1] - x) < 1e-5);
    }
    assert_true(net->out[0] == 0);
    kin_mlp_adam_release(&adam);
    kin_embed_head_free(net);
    kin_embed_head_free(slope);
}

static void test_folds_divide_no_group(void **unused)
{
    (void)unused;
    enum { COUNT = 300, GROUPS = 60, FOLDS = 5, KINDS = 3 };
    int label[COUNT], group[COUNT], fold[COUNT], of_group[GROUPS];
    size_t of_class[FOLDS][KINDS] = {{0}};
    uint64_t random = 12;
    for (size_t i = 0; i < COUNT; i++) {
        group[i] = i < 40 ? 7 : (int)(random_bits(&random) % GROUPS); /* one of them large */
        label[i] = group[i] % 4 < KINDS ? group[i] % 4 : -1;
    }
    assert_int_equal(kin_learn_folds(label, group, COUNT, KINDS, FOLDS, 3, fold, NULL), KIN_OK);
    memset(of_group, -1, sizeof of_group);
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(fold[i], 0, FOLDS - 1);
        if (of_group[group[i]] >= 0)
            assert_int_equal(of_group[group[i]], fold[i]);
        of_group[group[i]] = fold[i];
        if (label[i] >= 0)
            of_class[fold[i]][label[i]]++;
    }
    for (size_t f = 0; f < FOLDS; f++)
        for (size_t c = 0; c < KINDS; c++)
            assert_in_range(of_class[f][c], 7, 20); /* about 60 of each class, over 5 folds */
}

static void test_rankings(void **unused)
{
    (void)unused;
    static const float query[] = {1, 0, 0, 1, 1, 0},
                       database[] = {0.9f, 0.1f, 0.5f, 0.5f, 0.5f, 0.4f, 0.1f, 0.9f, 0.5f, 0.9f};
    static const int query_label[] = {1, 0, 5}, label[] = {1, 0, 1, 1, 0};
    static const double share[6] = {0.25, 0.5, 0, 0, 0, 0.25};
    struct learn_database rows = {database, label, 5, 2, 6, share};
    struct learn_judged judged[3];
    assert_int_equal(kin_learn_judge(&rows, query, query_label, 3, judged, NULL), KIN_OK);
    /* 0.9; three of 0.5, of which the two of the other class come first; 0.1 */
    double own = (1 + 2.0 / 4 + 3.0 / 5) / 3, other = (1.0 / 2 + 2.0 / 3) / 2;
    assert_true(fabs(judged[0].precision - own) < 1e-12 && judged[0].first == 1);
    /* class 5 has no row: the others' shares are a third and two thirds */
    assert_true(fabs(judged[0].chance - (other + 2 * own) / 3) < 1e-12);
    /* 0.9 twice, another class first; 0.5; 0.4; 0.1 */
    assert_true(fabs(judged[1].precision - (1.0 / 2 + 2.0 / 3) / 2) < 1e-12);
    assert_true(judged[1].first == 0 && judged[2].precision == -1);
}

/* Three classes in blocks, queries of random class: precision is far above the random order's, and
 * no further than chance says. */
static void test_blocks_gain_nothing_beyond_chance(void **unused)
{
    (void)unused;
    enum { EACH = 300, QUERIES = 3000 };
    static float database[3 * EACH * 3], query[QUERIES * 3];
    static int label[3 * EACH], query_label[QUERIES];
    static struct learn_judged judged[QUERIES];
    static const double share[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    uint64_t random = 14;
    for (size_t i = 0; i < 3 * EACH; i++) {
        label[i] = (int)(i % 3);
        database[i * 3 + i % 3] = 1 - 0.001f * random_unit(&random);
    }
    for (size_t q = 0; q < QUERIES; q++) {
        query_label[q] = (int)(random_bits(&random) % 3);
        for (size_t i = 0; i < 3; i++)
            query[q * 3 + i] = random_unit(&random);
    }
    struct learn_database rows = {database, label, 3 * EACH, 3, 3, share};
    double precision = 0, chance = 0;
    assert_int_equal(kin_learn_judge(&rows, query, query_label, QUERIES, judged, NULL), KIN_OK);
    for (size_t q = 0; q < QUERIES; q++) {
        precision += judged[q].precision / QUERIES;
        chance += judged[q].chance / QUERIES;
    }
    /* the classes' means 1, 1 - ln 2 and 1 - 2 ln 1.5 */
    assert_true(fabs(chance - (1 + 0.3069 + 0.1891) / 3) < 0.01);
    assert_true(fabs(precision - chance) < 0.02);
}

static void test_gains(void **unused)
{
    (void)unused;
    enum { COUNT = 900 };
    double gain[COUNT], mean, low, high, square = 0;
    int group[COUNT];
    uint64_t random = 13;
    /* groups of 3 that gain alike: the interval is that of 300 values, not of 900 */
    for (size_t i = 0; i < COUNT; i++) {
        group[i] = (int)(i / 3);
        gain[i] = i % 3 == 0 ? 0.1 + 0.5 * random_normal(&random) : gain[i - 1];
    }
    assert_int_equal(kin_learn_gain(gain, group, COUNT, 1, &mean, &low, &high, NULL), KIN_OK);
    for (size_t i = 0; i < COUNT; i++)
        square += (gain[i] - mean) * (gain[i] - mean) / COUNT;
    double half = 1.968 * sqrt(square / 300);
    assert_true(fabs(low - (mean - half)) < 0.12 * half);
    assert_true(fabs(high - (mean + half)) < 0.12 * half);

    /* Few groups: as wide as Student's interval (t = 2.365 for 8 of them), or nothing known. */
    for (size_t i = 0; i < COUNT; i++)
        group[i] = (int)(i % 8);
    double sum[8] = {0}, of_means = 0;
    for (size_t i = 0; i < 8; i++)
        sum[i] = (double)i / 10;
    for (size_t i = 0; i < COUNT; i++)
        gain[i] = sum[group[i]];
    assert_int_equal(kin_learn_gain(gain, group, 800, 1, &mean, &low, &high, NULL), KIN_OK);
    for (size_t i = 0; i < 8; i++)
        of_means += (sum[i] - 0.35) * (sum[i] - 0.35) / 7;
    half = 2.365 * sqrt(of_means / 8);
    assert_true(fabs(mean - 0.35) < 1e-9);
    assert_true(fabs(low - (mean - half)) < 0.2 * half);
    assert_true(fabs(high - (mean + half)) < 0.2 * half);
    for (size_t i = 0; i < COUNT; i++)
        group[i] = (int)(i % 5);
    assert_int_equal(kin_learn_gain(gain, group, COUNT, 1, &mean, &low, &high, NULL), KIN_OK);
    assert_true(low == -1 && high == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lda_by_another_library),
        cmocka_unit_test(test_lda_of_means_that_are_alike),
        cmocka_unit_test(test_slopes_of_the_network),
        cmocka_unit_test(test_steps_of_adam),
        cmocka_unit_test(test_folds_divide_no_group),
        cmocka_unit_test(test_rankings),
        cmocka_unit_test(test_blocks_gain_nothing_beyond_chance),
        cmocka_unit_test(test_gains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
