/* How much of images an embedder leaves out: by hand, of more of the same, of others. */
#include "descriptors_support.h"

#define NEAR(a, b, tolerance) assert_true(fabs((double)(a) - (double)(b)) <= (tolerance))

static kin_status residuals(const kin_embedder *embedder, struct descriptors *d, size_t known,
                            double *old_share, double *new_share, kin_error *err)
{
    kin_embed_rows rows = {d->count, d->input, descriptors_row, d};
    return kin_embedder_residuals(embedder, &rows, known, old_share, new_share, err);
}

/* Known rows lie on two axes, of which one component keeps the longer. */
static void test_shares_by_hand(void **unused)
{
    (void)unused;
    static const float known[4][3] = {{3, 0, 0}, {-3, 0, 0}, {0, 1, 0}, {0, -1, 0}};
    static const struct {
        float row[3];
        double share;
    } newer[] = {
        {{5, 0, 0}, 0}, {{0, 2, 0}, 1}, {{0, 0, -7}, 1}, {{1, 0, 1}, 0.5}, {{3, 4, 0}, 0.64}};
    kin_embed_options options = {.dim = 1};
    struct descriptors d = descriptors_new(4, 3);
    memcpy(d.data, known, sizeof known);
    kin_embedder *embedder = must_train(&d, "a/1:3", &options);
    free(d.data);
    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
        double old_share, new_share;
        kin_error err = {0};
        d = descriptors_new(5, 3);
        memcpy(d.data, known, sizeof known);
        memcpy(d.data + 12, newer[i].row, sizeof newer[i].row);
        assert_int_equal(residuals(embedder, &d, 4, &old_share, &new_share, &err), KIN_OK);
        NEAR(old_share, 0.5, 1e-5);
        NEAR(new_share, newer[i].share, 1e-5);
        free(d.data);
    }
    kin_embedder_free(embedder);
}

/* Puts rows of another set after those that a model was learnt from. */
static void compare(const kin_embedder *embedder, struct descriptors known,
                    struct descriptors newer, double *old_share, double *new_share)
{
    kin_error err = {0};
    struct descriptors both = descriptors_new(known.count + newer.count, known.input);
    memcpy(both.data, known.data, known.count * known.input * sizeof *both.data);
    memcpy(both.data + known.count * known.input, newer.data,
           newer.count * newer.input * sizeof *both.data);
    assert_int_equal(residuals(embedder, &both, known.count, old_share, new_share, &err), KIN_OK);
    free(both.data);
}

static void test_more_of_the_same_is_no_drift_and_other_images_are(void **unused)
{
    (void)unused;
    enum { INPUT = 60, ROWS = 1500 };
    double old_share, same, other;
    kin_embed_options options = {.dim = 12};
    struct descriptors known = descriptors_of_images(ROWS, INPUT, 1);
    struct descriptors more = descriptors_of_images(ROWS, INPUT, 2);
    struct descriptors noise = descriptors_new(ROWS, INPUT);
    uint64_t state = 3;
    for (size_t i = 0; i < (size_t)ROWS * INPUT; i++)
        noise.data[i] = (float)(5 + 3 * random_normal(&state));
    kin_embedder *embedder = must_train(&known, "a/1:20 b/1:40", &options);
    compare(embedder, known, more, &old_share, &same);
    compare(embedder, known, noise, &old_share, &other);
    print_message("outside: %.4f of the known, %.4f of more of them, %.4f of noise\n", old_share,
                  same, other);
    assert_true(old_share > 0.05 && old_share < 0.5);
    NEAR(same, old_share, 0.15 * old_share);
    assert_true(other > 1.5 * old_share);
    kin_embedder_free(embedder);
    free(known.data);
    free(more.data);
    free(noise.data);
}

static const float *broken_row(void *ctx, size_t i, kin_error *err)
{
    struct descriptors *d = ctx;
    if (i + 1 < d->count)
        return descriptors_row(ctx, i, err);
    kin_fail(err, KIN_E_IO, NULL, "this one cannot be read");
    return NULL;
}

static void test_what_cannot_be_judged_is_refused(void **unused)
{
    (void)unused;
    double old_share, new_share;
    kin_error err = {0};
    kin_embed_options options = {.dim = 4};
    struct descriptors d = descriptors_of_images(100, 20, 1);
    kin_embedder *embedder = must_train(&d, "a/1:20", &options);
    kin_embed_rows rows = {d.count, d.input, broken_row, &d};
    assert_int_equal(residuals(embedder, &d, 0, &old_share, &new_share, &err), KIN_E_ARG);
    assert_int_equal(residuals(embedder, &d, 100, &old_share, &new_share, &err), KIN_E_ARG);
    assert_int_equal(residuals(embedder, &d, 101, &old_share, &new_share, NULL), KIN_E_ARG);
    assert_int_equal(kin_embedder_residuals(embedder, &rows, 50, &old_share, &new_share, &err),
                     KIN_E_IO);
    assert_int_equal(kin_embedder_residuals(embedder, &rows, 50, &old_share, &new_share, NULL),
                     KIN_E_IO);
    d.data[99 * 20 + 3] = NAN;
    assert_int_equal(residuals(embedder, &d, 50, &old_share, &new_share, &err), KIN_E_CORRUPT);
    d.input = 19;
    assert_int_equal(residuals(embedder, &d, 50, &old_share, &new_share, &err), KIN_E_ARG);
    kin_embedder_free(embedder);
    free(d.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_by_hand),
        cmocka_unit_test(test_more_of_the_same_is_no_drift_and_other_images_are),
        cmocka_unit_test(test_what_cannot_be_judged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
