/* Explanations: the place that two images share is where the heat is highest. */
#include "archive/explain.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/file_digest.h"
#include "archive/ingest.h"
#include "archive_support.h"
#include "random.h"
#include "write_file.h"

enum { SIDE = 160, CELL = SIDE / KIN_EXPLAIN_GRID, PATCH = 2 * CELL, STORED = 24 };

static char folder[PATH_MAX], dir[PATH_MAX];
static kin_archive *archive;
static kin_decoder *decoder;

/* What a picture has with its corner at column, row of the grid. */
enum patch { NO_PATCH, CHEQUERED, STRIPED };

/* A picture of grain (even seeds) or of a slope (odd ones), with a patch. */
static void write_picture(const char *path, uint64_t seed, enum patch patch, int column, int row)
{
    kin_raster raster;
    void *png;
    size_t size;
    kin_error err;
    float tilt = (float)(seed % 7) / 10.0f;
    bool grain = seed % 2 == 0;
    assert_ok(kin_raster_init(&raster, SIDE, SIDE, 1, &err), err);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            raster.px[y * SIDE + x] =
                grain ? 0.4f + 0.2f * random_unit(&seed)
                      : 0.3f + 0.4f * (tilt * (float)x + (1 - tilt) * (float)y) / SIDE;
    for (int y = 0; patch != NO_PATCH && y < PATCH; y++)
        for (int x = 0; x < PATCH; x++)
            raster.px[(row * CELL + y) * SIDE + column * CELL + x] =
                ((patch == CHEQUERED ? x / 5 + y / 5 : (x + y) / 8) % 2) ? 0.1f : 0.95f;
    assert_ok(kin_image_encode_png(&raster, &png, &size, &err), err);
    write_file(path, png, size);
    free(png);
    kin_raster_release(&raster);
}

static void path_of(const char *name, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.4000s/%s", folder, name);
}

static int set_up(void **state)
{
    (void)state;
    kin_error err;
    char path[PATH_MAX], name[32], pictures[PATH_MAX];
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    path_of("pictures", pictures);
    assert_int_equal(mkdir(pictures, 0700), 0);
    for (int i = 0; i < STORED; i++) {
        snprintf(name, sizeof name, "pictures/%d.png", i);
        path_of(name, path);
        write_picture(path, 100 + (uint64_t)i, (enum patch)((i + 1) % 3), (5 + i) % 7, (4 + i) % 7);
    }
    archive = new_archive(dir);
    const char *paths[] = {pictures};
    const kin_ingest_options options = {.worker = KIN_TEST_BIN_DIR "/kindred-worker"};
    kin_ingest_summary summary = {0};
    assert_ok(kin_ingest(archive, paths, 1, &options, &summary, &err), err);
    /* A model that knows what all have in common, and takes it off. */
    const kin_reindex_options learn = {.model = KIN_REINDEX_LEARN, .threads = 1};
    kin_reindex_report report;
    assert_ok(kin_archive_reindex(archive, &learn, &report, &err), err);
    assert_ok(kin_decoder_new(KIN_TEST_BIN_DIR "/kindred-worker",
                              kin_archive_features_borrow(archive), NULL, &decoder, &err),
              err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kin_decoder_free(decoder);
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

/* The stored picture of that file; released by the caller. */
static kin_record record_of(const char *name)
{
    char path[PATH_MAX];
    kin_digest digest;
    kin_record *records = NULL, out;
    size_t count;
    kin_error err;
    path_of(name, path);
    assert_ok(kin_file_digest(path, &digest, &err), err);
    assert_ok(kin_archive_find_file(archive, digest, &records, &count, &err), err);
    assert_int_equal(count, 1);
    assert_ok(kin_record_copy(&records[0], &out, &err), err);
    kin_records_free(records, count);
    return out;
}

/* Whether the middle of the hottest cell lies in the patch with its corner at column, row of the
 * picture's own grid. */
static void expect_hottest_within(const kin_explained *shown, const float *falls, int column,
                                  int row)
{
    int best = 0;
    for (int i = 1; i < KIN_EXPLAIN_CELLS; i++)
        best = falls[i] > falls[best] ? i : best;
    double x = shown->x + (best % KIN_EXPLAIN_GRID + 0.5) * shown->width / KIN_EXPLAIN_GRID;
    double y = shown->y + (best / KIN_EXPLAIN_GRID + 0.5) * shown->height / KIN_EXPLAIN_GRID;
    if (x < column * CELL || x > column * CELL + PATCH || y < row * CELL || y > row * CELL + PATCH)
        fail_msg("hottest at %g, %g, not at the patch at %d, %d", x, y, column * CELL, row * CELL);
    assert_true(falls[best] > 0);
}

/* The share of warm colour of the picture's pixels in a box of a tile. */
static double warmth(const kin_raster *sheet, int tile, int left, int top, int side)
{
    double sum = 0;
    for (int y = top; y < top + side; y++)
        for (int x = left; x < left + side; x++) {
            const float *px = sheet->px + 3 * ((8 + y) * sheet->width + 8 + tile * 264 + x);
            sum += px[0] - px[2];
        }
    return sum / (side * side);
}

static void test_a_common_patch_is_where_the_heat_is(void **state)
{
    char path[PATH_MAX];
    kin_error err;
    kin_explained query, result;
    float falls[KIN_EXPLAIN_CELLS];
    (void)state;
    path_of("query.png", path);
    write_picture(path, 7, CHEQUERED, 1, 2);
    kin_record record = record_of("pictures/0.png");
    assert_ok(kin_explain_file(archive, decoder, path, 0, NULL, 0, &query, &err), err);
    assert_ok(kin_explain_stored(archive, decoder, &record, &result, &err), err);
    assert_false(query.from_preview);
    assert_false(result.from_preview);
    assert_int_equal(query.picture.width, SIDE);
    assert_float_equal(query.x, 0, 1e-6);
    assert_float_equal(query.width, SIDE, 1e-6);
    kin_explain_agreement(&query, &result, falls);
    expect_hottest_within(&query, falls, 1, 2);
    kin_explain_agreement(&result, &query, falls);
    expect_hottest_within(&result, falls, 5, 4);
    /* Drawn: warm in the patches, in either heat, and nowhere in the pictures themselves. */
    kin_raster sheet;
    assert_ok(kin_explain_draw(&query, &result, 1, &sheet, &err), err);
    assert_int_equal(sheet.width, 8 + 4 * 264);
    assert_int_equal(sheet.height, 8 + 264);
    const int cell = 256 / KIN_EXPLAIN_GRID;
    assert_true(warmth(&sheet, 1, cell, 2 * cell, 2 * cell) > 0.2);
    assert_true(warmth(&sheet, 2, 5 * cell, 4 * cell, 2 * cell) > 4 * warmth(&sheet, 2, 0, 0, 256));
    assert_true(warmth(&sheet, 1, 5 * cell, 4 * cell, 2 * cell) <
                warmth(&sheet, 1, cell, 2 * cell, 2 * cell));
    assert_float_equal(warmth(&sheet, 0, 0, 0, 256), 0, 1e-6);
    assert_float_equal(warmth(&sheet, 3, 0, 0, 256), 0, 1e-6);
    kin_raster_release(&sheet);
    kin_record_release(&record);
    kin_explained_release(&query);
    kin_explained_release(&result);
}

static void test_the_whole_is_the_stored_embedding(void **state)
{
    kin_error err;
    kin_explained explained;
    char model[17];
    (void)state;
    kin_record record = record_of("pictures/3.png");
    float *stored = malloc(kin_archive_dim(archive) * sizeof *stored);
    assert_non_null(stored);
    assert_ok(kin_archive_embeddings(archive, &record.id, 1, stored, model, &err), err);
    assert_ok(kin_explain_stored(archive, decoder, &record, &explained, &err), err);
    assert_int_equal(explained.dim, kin_archive_dim(archive));
    for (size_t i = 0; i < explained.dim; i++)
        assert_float_equal(explained.whole[i], stored[i], 1e-5f);
    free(stored);
    kin_explained_release(&explained);
    kin_record_release(&record);
}

static void test_a_file_that_is_gone_or_another_leaves_the_preview(void **state)
{
    char path[PATH_MAX];
    kin_error err;
    kin_explained before, after;
    (void)state;
    kin_record record = record_of("pictures/1.png");
    path_of("pictures/1.png", path);
    assert_ok(kin_explain_stored(archive, decoder, &record, &before, &err), err);
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            write_picture(path, 999, CHEQUERED, 0, 0); /* another picture at its place */
        else
            assert_int_equal(unlink(path), 0);
        assert_ok(kin_explain_stored(archive, decoder, &record, &after, &err), err);
        assert_true(after.from_preview);
        assert_int_equal(after.picture.width, before.picture.width);
        double same = 0;
        for (size_t i = 0; i < after.dim; i++)
            same += (double)before.whole[i] * after.whole[i];
        assert_true(same > 0.95); /* the preview is a JPEG */
        kin_explained_release(&after);
    }
    record.sop_instance_uid[0] = '9'; /* of which nothing is stored */
    assert_int_equal(kin_explain_stored(archive, decoder, &record, &after, &err), KIN_E_NOT_FOUND);
    assert_null(after.whole);
    kin_explained_release(&before);
    kin_record_release(&record);
}

static void test_broken_files_and_counts_are_refused(void **state)
{
    char path[PATH_MAX];
    kin_error err;
    kin_explained explained;
    kin_raster sheet;
    (void)state;
    path_of("broken.png", path);
    write_file(path, "no picture", 10);
    assert_int_equal(kin_explain_file(archive, decoder, path, 0, NULL, 0, &explained, &err),
                     KIN_E_FORMAT);
    kin_record record = record_of("pictures/2.png");
    assert_int_equal(kin_explain_file(archive, decoder, record.path, 3, NULL, 0, &explained, &err),
                     KIN_E_NOT_FOUND);
    assert_ok(kin_explain_stored(archive, decoder, &record, &explained, &err), err);
    assert_int_equal(kin_explain_draw(&explained, &explained, 0, &sheet, &err), KIN_E_ARG);
    assert_int_equal(
        kin_explain_draw(&explained, &explained, KIN_EXPLAIN_RESULTS_MAX + 1, &sheet, &err),
        KIN_E_ARG);
    kin_explained_release(&explained);
    kin_record_release(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_common_patch_is_where_the_heat_is),
        cmocka_unit_test(test_the_whole_is_the_stored_embedding),
        cmocka_unit_test(test_a_file_that_is_gone_or_another_leaves_the_preview),
        cmocka_unit_test(test_broken_files_and_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
