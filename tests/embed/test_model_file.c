/* Model files: the same embedder comes back, and damage is found wherever it is. */
#include "descriptors_support.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "fault_fs.h"
#include "temp_folder.h"
#include "write_file.h"

enum { INPUT = 24, DIM = 8, COUNT = 60 };

static char root[PATH_MAX], path[PATH_MAX + 16];
static struct descriptors data;
static kin_embedder *models[2];

static int setup(void **unused)
{
    (void)unused;
    temp_folder_make(root);
    snprintf(path, sizeof path, "%s/model", root);
    data = descriptors_of_images(COUNT, INPUT, 1);
    kin_embed_options options = {.dim = DIM};
    models[0] = must_train(&data, "a/1:10 bc/2:14", &options);
    return kin_embedder_bootstrap("a/1:10 bc/2:14", INPUT, DIM, &models[1], NULL) != KIN_OK;
}

static int teardown(void **unused)
{
    (void)unused;
    kin_embedder_free(models[0]);
    kin_embedder_free(models[1]);
    free(data.data);
    temp_folder_remove(root);
    return 0;
}

static kin_status load(kin_error *err)
{
    kin_embedder *embedder = NULL;
    kin_status status = kin_embedder_load(kin_fs_posix(), path, &embedder, err);
    assert_true((status == KIN_OK) == (embedder != NULL));
    kin_embedder_free(embedder);
    return status;
}

static unsigned char *saved(const kin_embedder *embedder, size_t *size)
{
    void *bytes = NULL;
    assert_int_equal(kin_embedder_save(embedder, kin_fs_posix(), path, NULL), KIN_OK);
    assert_int_equal(kin_fs_read_file(kin_fs_posix(), path, SIZE_MAX, &bytes, size, NULL), KIN_OK);
    return bytes;
}

static void write_with_checksum(unsigned char *bytes, size_t size)
{
    XXH64_hash_t checksum = XXH3_64bits(bytes, size - sizeof checksum);
    memcpy(bytes + size - sizeof checksum, &checksum, sizeof checksum);
    write_file(path, bytes, size);
}

static void test_round_trip(void **unused)
{
    (void)unused;
    for (size_t m = 0; m < 2; m++) {
        kin_embedder *loaded = NULL;
        static float a[COUNT * DIM], b[COUNT * DIM];
        assert_int_equal(kin_embedder_save(models[m], kin_fs_posix(), path, NULL), KIN_OK);
        assert_int_equal(kin_embedder_load(kin_fs_posix(), path, &loaded, NULL), KIN_OK);
        assert_string_equal(kin_embedder_id_borrow(loaded), kin_embedder_id_borrow(models[m]));
        assert_string_equal(kin_embedder_kind_borrow(loaded), kin_embedder_kind_borrow(models[m]));
        assert_string_equal(kin_embedder_signature_borrow(loaded), "a/1:10 bc/2:14");
        assert_int_equal(kin_embedder_trained_on(loaded), kin_embedder_trained_on(models[m]));
        assert_int_equal(kin_embedder_rank(loaded), DIM);
        assert_int_equal(kin_embedder_apply(models[m], data.data, COUNT, a, NULL), KIN_OK);
        assert_int_equal(kin_embedder_apply(loaded, data.data, COUNT, b, NULL), KIN_OK);
        assert_memory_equal(a, b, sizeof a);
        kin_embedder_free(loaded);
    }
}

static void test_every_flipped_bit_is_found(void **unused)
{
    (void)unused;
    size_t size;
    unsigned char *bytes = saved(models[0], &size);
    for (size_t bit = 0; bit < size * 8; bit += bit < 1200 ? 1 : 7) {
        kin_error err = {0};
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        write_file(path, bytes, size);
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        if (load(&err) != KIN_E_CORRUPT)
            fail_msg("bit %zu", bit);
        assert_string_equal(err.subject, path);
    }
    for (size_t cut = 0; cut < size; cut++) {
        write_file(path, bytes, cut);
        assert_int_equal(load(NULL), KIN_E_CORRUPT);
    }
    free(bytes);
    unlink(path);
    assert_int_equal(load(NULL), KIN_E_NOT_FOUND);
}

/* Numbers that lie, under a checksum that is right. */
static void test_lies_with_valid_checksum(void **unused)
{
    (void)unused;
    static const uint64_t values[] = {0,
                                      1,
                                      7,
                                      9,
                                      23,
                                      25,
                                      4096,
                                      4097,
                                      UINT32_MAX,
                                      UINT64_MAX,
                                      UINT64_MAX / 4,
                                      UINT64_MAX / 96 + 1};
    size_t size, lied = 0;
    unsigned char *good = saved(models[0], &size), *bytes = malloc(size);
    /* version and flags, kind, input, dim, rank, (trained_on,) signature_size, file_size */
    static const size_t fields[] = {8, 16, 32, 40, 48, 64, 72};
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            memcpy(bytes, good, size);
            memcpy(bytes + fields[f], &values[v], sizeof values[v]);
            write_with_checksum(bytes, size);
            kin_status status = load(NULL);
            /* a dimension above the rank is no lie */
            if (fields[f] != 40 && !(fields[f] == 8 && values[v] == 1))
                assert_int_equal(status, KIN_E_CORRUPT);
            lied += status == KIN_E_CORRUPT;
        }
    assert_true(lied > 50);
    static const uint32_t not_finite[] = {0x7fc00000, 0x7f800000, 0xff800000};
    for (size_t i = 0; i < 3; i++)
        for (size_t at = size - 8 - 4; at >= 80 + 16; at -= 36) {
            memcpy(bytes, good, size);
            memcpy(bytes + at, &not_finite[i], sizeof not_finite[i]);
            write_with_checksum(bytes, size);
            assert_int_equal(load(NULL), KIN_E_CORRUPT);
        }
    memcpy(bytes, good, size);
    memcpy(bytes + 80, "a/1:11", 6); /* a signature that does not add up */
    write_with_checksum(bytes, size);
    assert_int_equal(load(NULL), KIN_E_CORRUPT);
    memcpy(bytes, good, size);
    memset(bytes + 16, 'k', 16); /* a kind without an end */
    write_with_checksum(bytes, size);
    assert_int_equal(load(NULL), KIN_E_CORRUPT);
    free(good);
    free(bytes);
}

/* Whichever operation of saving fails, the file holds one model or the other, whole. */
static void test_each_operation_fails(void **unused)
{
    (void)unused;
    for (size_t n = 1;; n++) {
        assert_int_equal(kin_embedder_save(models[0], kin_fs_posix(), path, NULL), KIN_OK);
        fault_fs *faults = fault_fs_new(root);
        kin_error err = {0};
        fault_fs_fail_at(faults, n, EIO, 1);
        kin_status status = kin_embedder_save(models[1], fault_fs_borrow(faults), path, &err);
        bool reached = fault_fs_operations(faults) >= n;
        for (uint64_t seed = 0; seed < 4; seed++) {
            char into[PATH_MAX], survived[PATH_MAX + 16];
            kin_embedder *loaded = NULL;
            temp_folder_make(into);
            fault_fs_power_loss(faults, into, seed);
            snprintf(survived, sizeof survived, "%s/model", into);
            assert_int_equal(kin_embedder_load(kin_fs_posix(), survived, &loaded, NULL), KIN_OK);
            bool is_new =
                strcmp(kin_embedder_id_borrow(loaded), kin_embedder_id_borrow(models[1])) == 0;
            assert_true(is_new || status != KIN_OK);
            kin_embedder_free(loaded);
            temp_folder_remove(into);
        }
        fault_fs_free(faults);
        assert_int_equal(load(NULL), KIN_OK);
        if (!reached) {
            assert_int_equal(status, KIN_OK);
            break;
        }
        if (status != KIN_OK) {
            assert_int_equal(status, KIN_E_IO);
            assert_true(err.message[0] != '\0' && err.subject[0] != '\0');
        }
    }
    fault_fs *faults = fault_fs_new(root);
    fault_fs_space(faults, 100);
    assert_int_equal(kin_embedder_save(models[1], fault_fs_borrow(faults), path, NULL), KIN_E_FULL);
    fault_fs_free(faults);
    assert_int_equal(load(NULL), KIN_OK);
}

static void test_each_operation_of_loading_fails(void **unused)
{
    (void)unused;
    assert_int_equal(kin_embedder_save(models[0], kin_fs_posix(), path, NULL), KIN_OK);
    for (size_t n = 1;; n++) {
        fault_fs *faults = fault_fs_new(root);
        kin_embedder *loaded = NULL;
        fault_fs_fail_at(faults, n, EIO, 0);
        kin_status status = kin_embedder_load(fault_fs_borrow(faults), path, &loaded, NULL);
        bool reached = fault_fs_operations(faults) >= n;
        assert_true(status == KIN_E_IO || (status == KIN_OK && loaded != NULL));
        kin_embedder_free(loaded);
        fault_fs_free(faults);
        if (!reached)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_lies_with_valid_checksum),
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_each_operation_of_loading_fails),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
