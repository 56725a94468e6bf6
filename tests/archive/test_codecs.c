/* Archives that keep their vectors by each codec, from the making to the backup. */
#include "archive_support.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/internal.h"

static char folder[PATH_MAX];

enum { IMAGES = 300, CLASSES = 4, DIM = 32, ASKED = 40 };

static int set_up(void **state)
{
    (void)state;
    temp_folder_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static void path_of(const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.2000s/%s", folder, name);
}

/* An archive in the folder `name` that keeps its vectors by `codec`. */
static kin_archive *make(const char *name, const char *codec)
{
    char dir[PATH_MAX];
    kin_error err = {0};
    kin_archive *archive = NULL;
    path_of(name, dir);
    assert_ok(kin_archive_init(kin_fs_posix(), dir,
                               &(kin_archive_settings){.dim = DIM, .codec = codec}, &err),
              err);
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    return archive;
}

/* Each asked image is found first by its own picture, with the others of its class behind it. */
static void check_searches(kin_archive *archive)
{
    for (unsigned i = 0; i < ASKED; i++) {
        char uid[32], scratch[KIN_RECORD_SCRATCH];
        int class_number = (int)(i % CLASSES);
        kin_results results =
            search_picture(archive, class_number, i, (kin_search_options){.k = 10});
        assert_int_equal(results.count, 10);
        snprintf(uid, sizeof uid, "1.2.3.%u", i);
        assert_string_equal(results.items[0].record.sop_instance_uid, uid);
        assert_true(fabsf(results.items[0].score - 1) < 0.02f);
        for (size_t r = 1; r < results.count; r++) {
            char expected[32];
            snprintf(expected, sizeof expected, "class%d", class_number);
            assert_string_equal(kin_record_value(&results.items[r].record, "diagnosis", scratch),
                                expected);
            assert_true(results.items[r].score <= results.items[r - 1].score);
        }
        kin_results_release(&results);
    }
}

/* What is stored of the images [0, IMAGES), from both archives: within the codec's error. */
static void compare_embeddings(kin_archive *archive, kin_archive *plain, const kin_codec *codec)
{
    static float kept[IMAGES * DIM], exact[IMAGES * DIM];
    uint64_t ids[IMAGES];
    char model[17], plain_model[17];
    kin_error err = {0};
    for (size_t i = 0; i < IMAGES; i++)
        ids[i] = i;
    assert_ok(kin_archive_embeddings(archive, ids, IMAGES, kept, model, &err), err);
    assert_ok(kin_archive_embeddings(plain, ids, IMAGES, exact, plain_model, &err), err);
    assert_string_equal(model, plain_model); /* it is learnt from descriptors, which are floats */
    for (size_t i = 0; i < IMAGES; i++) {
        float through[DIM];
        unsigned char row[256];
        assert_ok(kin_codec_encode(codec, exact + i * DIM, DIM, row, &err), err);
        kin_codec_decode(codec, row, DIM, through);
        assert_memory_equal(kept + i * DIM, through, sizeof through);
    }
}

static uint64_t vector_bytes(kin_archive *archive)
{
    kin_error err = {0};
    kin_archive_stats stats;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    return stats.vector_bytes;
}

static void test_life_of_an_archive(void **state)
{
    const char *name = *state;
    const kin_codec *codec = kin_codec_named(name);
    static const char *const kinds[] = {"flat", "hnsw"};
    kin_archive *archive = make("archive", name), *plain = make("plain", NULL);
    kin_error err = {0};
    put_many(archive, 0, IMAGES, CLASSES);
    put_many(plain, 0, IMAGES, CLASSES);
    check_searches(archive);
    compare_embeddings(archive, plain, codec);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        kin_reindex_report report = reindex(archive, kinds[k]);
        assert_string_equal(report.index_kind, kinds[k]);
        assert_true(report.recall_at_10 >= 0.95);
        reindex(plain, kinds[k]);
        check_searches(archive);
        compare_embeddings(archive, plain, codec);
    }
    assert_true(strcmp(name, "fp32") == 0 || vector_bytes(archive) < vector_bytes(plain));
    put_many(archive, IMAGES, IMAGES + 90, CLASSES); /* a tail */
    uint64_t removed = 0, images = 0;
    assert_ok(kin_archive_delete(archive, "1.2.3.350", &removed, NULL, &err), err);
    check_searches(archive);
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, IMAGES + 89);

    char copy[PATH_MAX];
    path_of("copy", copy);
    assert_ok(kin_archive_backup(archive, copy, &err), err);
    kin_archive_close(archive);
    assert_ok(kin_archive_open(kin_fs_posix(), copy, &archive, &err), err);
    assert_int_equal(count_faults(archive, &images), 0);
    assert_int_equal(images, IMAGES + 89);
    check_searches(archive);
    compare_embeddings(archive, plain, codec);
    put_many(archive, 1000, 1010, CLASSES); /* it goes on */
    assert_int_equal(count_faults(archive, &images), 0);
    kin_archive_close(archive);
    kin_archive_close(plain);
}

/* The vectors' first segment of the archive in folder `name`. */
static void segment_of(kin_archive *archive, const char *name, char path[PATH_MAX])
{
    kin_error err = {0};
    kin_archive_stats stats;
    assert_ok(kin_archive_stats_read(archive, &stats, &err), err);
    snprintf(path, PATH_MAX, "%.2000s/%s/vectors/%s/000000.seg", folder, name, stats.model);
}

static void test_damage_is_found(void **state)
{
    const char *name = *state;
    char dir[PATH_MAX], path[PATH_MAX];
    kin_error err = {0};
    unsigned char byte;
    kin_archive *archive = make("archive", name);
    put_many(archive, 0, 100, CLASSES);
    segment_of(archive, "archive", path);
    kin_archive_close(archive);
    int fd = open(path, O_RDWR);
    off_t at = 4096 + 70 * (off_t)kin_codec_stride(kin_codec_named(name), DIM) + 3;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 8;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    path_of("archive", dir);
    assert_ok(kin_archive_open(kin_fs_posix(), dir, &archive, &err), err);
    assert_int_equal(count_faults(archive, NULL), 1);
    kin_results results;
    kin_query query = {.name = (char *)"picture",
                       .patient_id = (char *)"",
                       .descriptor = make_descriptor(0, 0),
                       .self = KIN_QUERY_NOT_STORED};
    kin_search_options options = {.exact = true};
    assert_int_equal(kin_archive_search(archive, &query, &options, &results, &err), KIN_E_CORRUPT);
    assert_string_equal(err.subject, path);
    free(query.descriptor);
    kin_archive_close(archive);
}

static kin_status set_codec(kin_txn *txn, void *ctx, kin_error *err)
{
    return kin_meta_set_text(txn, KIN_META_CODEC, ctx, err);
}

static void test_settings(void **state)
{
    (void)state;
    static char *const settings[] = {(char *)"", (char *)"fp8",
                                     (char *)"a codec with a name that is far too long"};
    char dir[PATH_MAX], catalog_dir[PATH_MAX + 16];
    kin_error err = {0};
    kin_archive *archive = NULL;
    struct stat st;
    path_of("archive", dir);
    snprintf(catalog_dir, sizeof catalog_dir, "%s/catalog", dir);
    assert_int_equal(
        kin_archive_init(kin_fs_posix(), dir, &(kin_archive_settings){.codec = "bf16"}, &err),
        KIN_E_ARG);
    assert_non_null(strstr(err.message, "fp32, fp16 or int8"));
    assert_int_equal(stat(dir, &st), -1);
    archive = make("archive", NULL);
    put_many(archive, 0, 10, 2);
    kin_archive_close(archive);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        kin_catalog *catalog = NULL;
        assert_ok(kin_catalog_open(catalog_dir, false, &catalog, &err), err);
        assert_ok(kin_catalog_write(catalog, set_codec, settings[i], &err), err);
        kin_catalog_close(catalog);
        kin_status status = kin_archive_open(kin_fs_posix(), dir, &archive, &err);
        if (settings[i][0] != '\0') {
            assert_int_not_equal(status, KIN_OK);
            continue;
        }
        assert_int_equal(status, KIN_OK); /* as archives of before, which say nothing: floats */
        assert_int_equal(count_faults(archive, NULL), 0);
        kin_archive_close(archive);
    }
}

int main(void)
{
#define TEST(f, codec)                                                                             \
    {                                                                                              \
#f ", " codec, f, set_up, tear_down, (char[])                                              \
        {                                                                                          \
            codec                                                                                  \
        }                                                                                          \
    }
    const struct CMUnitTest tests[] = {
        TEST(test_life_of_an_archive, "fp32"),
        TEST(test_life_of_an_archive, "fp16"),
        TEST(test_life_of_an_archive, "int8"),
        TEST(test_damage_is_found, "fp32"),
        TEST(test_damage_is_found, "fp16"),
        TEST(test_damage_is_found, "int8"),
        TEST(test_settings, ""),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
