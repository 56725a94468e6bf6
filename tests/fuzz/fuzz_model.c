/*
 * Model files damaged under a checksum that is right.  What loads must be usable: its vectors are
 * unit vectors or zero, or it says that it cannot; and saved again it is the same model.
 */
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "embed/descriptors_support.h"
#include "mutate.h"
#include "temp_folder.h"
#include "write_file.h"

enum { INPUT = 24, DIM = 8, COUNT = 60, BATCH = 5, MODELS = 2, ITERATIONS = 12000 };
enum { HEADER = 80, FILE_SIZE_AT = 72 }; /* engine/embed/model_file.c */

static char root[PATH_MAX], path[PATH_MAX + 16], copy_path[PATH_MAX + 16];
static sample models[MODELS];

static sample saved(kin_embedder *embedder)
{
    sample s = {0};
    void *bytes = NULL;
    assert_int_equal(kin_embedder_save(embedder, kin_fs_posix(), path, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, &s.size, NULL),
                     KIN_OK);
    kin_embedder_free(embedder);
    s.bytes = bytes;
    return s;
}

static int set_up(void **state)
{
    (void)state;
    kin_embedder *bootstrap = NULL;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/model", root);
    snprintf(copy_path, sizeof copy_path, "%s/copy", root);
    struct descriptors data = descriptors_of_images(COUNT, INPUT, 1);
    kin_embed_options options = {.dim = DIM};
    models[0] = saved(must_train(&data, "a/1:10 bc/2:14", &options));
    free(data.data);
    if (kin_embedder_bootstrap("hog/1:24", INPUT, DIM, &bootstrap, NULL) != KIN_OK)
        return -1;
    models[1] = saved(bootstrap);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < MODELS; i++)
        free(models[i].bytes);
    temp_folder_remove(root);
    return 0;
}

/* A damaged model with a right checksum; two seeds in three keep its size or correct what it says
 * of it, so that the damage is looked at. */
static sample damaged_model(uint64_t seed)
{
    uint64_t random = seed, checksum;
    const sample *from = &models[random_bits(&random) % MODELS];
    sample s = seed % 3 == 0
                   ? mutate_in_place(&random, from, 0, seed % 2 == 0 ? HEADER + 16 : from->size)
                   : mutate(&random, from, &models[random_bits(&random) % MODELS]);
    if (s.size < HEADER + sizeof checksum)
        return s;
    uint64_t size = s.size;
    if (seed % 3 == 1)
        memcpy(s.bytes + FILE_SIZE_AT, &size, sizeof size);
    checksum = XXH3_64bits(s.bytes, s.size - sizeof checksum);
    memcpy(s.bytes + s.size - sizeof checksum, &checksum, sizeof checksum);
    return s;
}

static void check_vectors(const kin_embedder *embedder)
{
    size_t input = kin_embedder_input(embedder), dim = kin_embedder_dim(embedder);
    struct descriptors x = descriptors_new(BATCH, input);
    float *y = malloc(BATCH * dim * sizeof *y);
    kin_error err = {0};
    uint64_t random = 3;
    FUZZ_CHECK(y != NULL);
    for (size_t i = 0; i < BATCH * input; i++)
        x.data[i] = (float)random_normal(&random);
    kin_status status = kin_embedder_apply(embedder, x.data, BATCH, y, &err);
    for (size_t i = 0; status == KIN_OK && i < BATCH; i++) {
        double square = inner(y + i * dim, y + i * dim, dim);
        FUZZ_CHECK(square == 0 || fabs(square - 1) < 1e-4);
    }
    FUZZ_CHECK(status == KIN_OK || err.message[0] != '\0');
    free(x.data);
    free(y);
}

static void check_saved_again(const kin_embedder *embedder)
{
    kin_embedder *again = NULL;
    FUZZ_CHECK(kin_embedder_save(embedder, kin_fs_posix(), copy_path, NULL) == KIN_OK);
    FUZZ_CHECK(kin_embedder_load(kin_fs_posix(), copy_path, &again, NULL) == KIN_OK);
    FUZZ_CHECK(kin_embedder_dim(again) == kin_embedder_dim(embedder));
    FUZZ_CHECK(kin_embedder_rank(again) == kin_embedder_rank(embedder));
    FUZZ_CHECK(
        strcmp(kin_embedder_signature_borrow(again), kin_embedder_signature_borrow(embedder)) == 0);
    kin_embedder_free(again);
}

static bool try_model(void *ctx, uint64_t seed)
{
    kin_embedder *embedder = NULL;
    kin_error err = {0};
    (void)ctx;
    sample s = damaged_model(seed);
    unlink(path); /* a file anew: some file systems wait for the disk when one is rewritten */
    write_file(path, s.bytes, s.size);
    free(s.bytes);
    kin_status status = kin_embedder_load(kin_fs_posix(), path, &embedder, &err);
    if (status == KIN_OK) {
        check_vectors(embedder);
        if (seed % 8 == 0) /* saving waits for the disk */
            check_saved_again(embedder);
        kin_embedder_free(embedder);
    } else {
        FUZZ_CHECK(embedder == NULL && status == KIN_E_CORRUPT && err.message[0] != '\0');
        FUZZ_CHECK(strcmp(err.subject, path) == 0);
    }
    return status == KIN_OK;
}

static void fuzz_models(void **state)
{
    (void)state;
    fuzz_tally tally = fuzz_run("model", try_model, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_models)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
