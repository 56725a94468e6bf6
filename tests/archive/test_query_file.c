/* Queries from files and from bytes, whole and in part, through a real worker process. */
#include "archive_support.h"

#include <math.h>

#include "write_file.h"

static char folder[PATH_MAX], dir[PATH_MAX], path[PATH_MAX];
static kin_archive *archive;
static kin_decoder *decoder;
static void *png;
static size_t png_size;

enum { WIDTH = 120, HEIGHT = 90 };
static const kin_decode_region part = {.x = 30, .y = 10, .width = 64, .height = 48};

/* What the picture shows at a pixel: another texture in each corner. */
static float shade(int x, int y)
{
    float wave = x < WIDTH / 2 ? sinf(0.3f * (float)x) : sinf(0.7f * (float)y);
    return 0.5f + 0.3f * wave + (y < HEIGHT / 2 ? 0.2f : -0.2f);
}

/* A rectangle of the picture as a PNG, from malloc. */
static void *encode(kin_decode_region region, size_t *size)
{
    kin_error err;
    kin_raster raster;
    void *bytes = NULL;
    assert_ok(kin_raster_init(&raster, (int)region.width, (int)region.height, 1, &err), err);
    for (int y = 0; y < raster.height; y++)
        for (int x = 0; x < raster.width; x++)
            raster.px[y * raster.width + x] = shade((int)region.x + x, (int)region.y + y);
    assert_ok(kin_image_encode_png(&raster, &bytes, size, &err), err);
    kin_raster_release(&raster);
    return bytes;
}

static int set_up(void **state)
{
    (void)state;
    kin_error err;
    temp_folder_make(folder);
    snprintf(dir, sizeof dir, "%.4000s/archive", folder);
    snprintf(path, sizeof path, "%.4000s/picture.png", folder);
    archive = new_archive(dir);
    assert_ok(kin_decoder_new(KIN_TEST_BIN_DIR "/kindred-worker",
                              kin_archive_features_borrow(archive), NULL, &decoder, &err),
              err);
    png = encode((kin_decode_region){0, 0, WIDTH, HEIGHT}, &png_size);
    write_file(path, png, png_size);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(png);
    kin_decoder_free(decoder);
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

static kin_query from_file(const kin_decode_region *region)
{
    kin_error err;
    kin_query query;
    assert_ok(kin_query_from_file(archive, decoder, path, 0, region, &query, &err), err);
    assert_string_equal(query.name, path);
    assert_string_equal(query.patient_id, "");
    assert_true(query.self == KIN_QUERY_NOT_STORED);
    assert_null(query.embedding);
    return query;
}

static kin_query from_bytes(const void *bytes, size_t size, const kin_decode_region *region)
{
    kin_error err;
    kin_query query;
    assert_ok(
        kin_query_from_bytes(archive, decoder, bytes, size, "sent.png", 0, region, &query, &err),
        err);
    assert_string_equal(query.name, "sent.png");
    return query;
}

static double distance(const kin_query *a, const kin_query *b)
{
    double sum = 0;
    for (size_t i = 0; i < classic_length(); i++)
        sum += fabs((double)a->descriptor[i] - (double)b->descriptor[i]);
    return sum;
}

static void test_bytes_ask_as_their_file_does(void **state)
{
    (void)state;
    kin_query file = from_file(NULL), bytes = from_bytes(png, png_size, NULL);
    assert_true(distance(&file, &bytes) == 0);
    kin_query_release(&file);
    kin_query_release(&bytes);
}

static void test_a_part_asks_as_if_cut_out(void **state)
{
    (void)state;
    size_t size;
    void *cut = encode(part, &size);
    kin_query whole = from_file(NULL), region = from_file(&part),
              region_of_bytes = from_bytes(png, png_size, &part),
              alone = from_bytes(cut, size, NULL);
    free(cut);
    assert_true(distance(&region, &alone) == 0);
    assert_true(distance(&region, &region_of_bytes) == 0);
    assert_true(distance(&region, &whole) > 1);
    kin_query_release(&whole);
    kin_query_release(&region);
    kin_query_release(&region_of_bytes);
    kin_query_release(&alone);
    const kin_decode_region all = {0, 0, WIDTH, HEIGHT};
    whole = from_file(NULL);
    region = from_file(&all);
    assert_true(distance(&region, &whole) == 0);
    kin_query_release(&whole);
    kin_query_release(&region);
}

static void test_what_is_not_there_is_refused(void **state)
{
    (void)state;
    static const kin_decode_region wrong[] = {
        {0, 0, WIDTH + 1, 1},  {WIDTH, 0, 1, 1},
        {0, HEIGHT, 1, 1},     {0, 0, 0, 10},
        {0, 0, 10, 0},         {1, 1, WIDTH, HEIGHT},
        {UINT32_MAX, 0, 2, 2}, {0, UINT32_MAX, 1, UINT32_MAX},
    };
    kin_error err;
    kin_query query;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            kin_query_from_bytes(archive, decoder, png, png_size, "", 0, &wrong[i], &query, &err),
            KIN_E_ARG);
        assert_null(query.descriptor);
    }
    assert_int_equal(
        kin_query_from_bytes(archive, decoder, png, png_size, "", 1, NULL, &query, &err),
        KIN_E_NOT_FOUND);
    assert_int_equal(kin_query_from_file(archive, decoder, path, 7, &part, &query, &err),
                     KIN_E_NOT_FOUND);
    assert_int_equal(
        kin_query_from_bytes(archive, decoder, png, png_size / 2, "", 0, NULL, &query, &err),
        KIN_E_FORMAT);
    assert_int_not_equal(kin_query_from_bytes(archive, decoder, NULL, 0, "", 0, NULL, &query, &err),
                         KIN_OK);
    assert_int_equal(kin_query_from_file(archive, decoder, "/nowhere.png", 0, NULL, &query, &err),
                     KIN_E_NOT_FOUND);
    /* And the decoder is none the worse. */
    query = from_file(&part);
    kin_query_release(&query);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_ask_as_their_file_does),
        TEST(test_a_part_asks_as_if_cut_out),
        TEST(test_what_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
