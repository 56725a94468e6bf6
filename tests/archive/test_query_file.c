/* Queries from files and from bytes, whole and in part, through a real worker process. */
#include "archive_support.h"

#include <math.h>

#include "features/parts.h"
#include "write_file.h"

static char folder[PATH_MAX], dir[PATH_MAX], path[PATH_MAX];
static kin_archive *archive;
static kin_decoder *decoder;
static void *png;
static size_t png_size;

enum { WIDTH = 120, HEIGHT = 90 };
static const kin_query_part part = {.box = {.x = 30, .y = 10, .width = 64, .height = 48}};
static kin_query_regions box; /* the part, read */

/* What the picture shows at a pixel: another texture in each corner. */
static float shade(int x, int y)
{
    float wave = x < WIDTH / 2 ? sinf(0.3f * (float)x) : sinf(0.7f * (float)y);
    return 0.5f + 0.3f * wave + (y < HEIGHT / 2 ? 0.2f : -0.2f);
}

static kin_raster make_picture(void)
{
    kin_error err;
    kin_raster raster;
    assert_ok(kin_raster_init(&raster, WIDTH, HEIGHT, 1, &err), err);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            raster.px[y * WIDTH + x] = (float)(int)(255 * shade(x, y)) / 255;
    return raster;
}

static void *encode(const kin_raster *raster, size_t *size)
{
    kin_error err;
    void *bytes = NULL;
    assert_ok(kin_image_encode_png(raster, &bytes, size, &err), err);
    return bytes;
}

/* A mask of the box, dim as it is: white is where others are 1. */
static void *encode_mask(int width, int height, kin_decode_region inside, size_t *size)
{
    kin_error err;
    kin_raster raster;
    assert_ok(kin_raster_init(&raster, width, height, 1, &err), err);
    for (uint32_t y = inside.y; y < inside.y + inside.height; y++)
        for (uint32_t x = inside.x; x < inside.x + inside.width; x++)
            raster.px[(int)y * width + (int)x] = 1.0f / 255;
    void *bytes = encode(&raster, size);
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
    kin_raster picture = make_picture();
    png = encode(&picture, &png_size);
    kin_raster_release(&picture);
    write_file(path, png, png_size);
    assert_ok(kin_query_regions_read(decoder, &part, 1, &box, &err), err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kin_query_regions_release(&box);
    free(png);
    kin_decoder_free(decoder);
    kin_archive_close(archive);
    temp_folder_remove(folder);
    return 0;
}

static kin_query from_file(const kin_query_regions *region)
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

static kin_query from_bytes(const void *bytes, size_t size, const kin_query_regions *region)
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
    for (size_t i = 0; i < standard_length(); i++)
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

/* As a stored region is described, to the last bit. */
static void test_a_lesion_asks_as_its_region_is_described(void **state)
{
    (void)state;
    kin_error err;
    kin_raster picture = make_picture();
    kin_mask mask;
    assert_ok(kin_mask_init(&mask, WIDTH, HEIGHT, &err), err);
    kin_mask_add_box(&mask, (kin_box){30, 10, 64, 48});
    float *wanted = calloc(standard_length(), sizeof *wanted);
    assert_non_null(wanted);
    assert_ok(kin_describe_region(standard_extractor(), &picture, &mask, kin_part_weights_default(),
                                  NULL, wanted, &err),
              err);
    kin_query whole = from_file(NULL), region = from_file(&box),
              region_of_bytes = from_bytes(png, png_size, &box);
    assert_memory_equal(region.descriptor, wanted, standard_length() * sizeof *wanted);
    assert_true(distance(&region, &region_of_bytes) == 0);
    assert_true(distance(&region, &whole) > 1);
    const kin_query_regions none = {0};
    kin_query of_none = from_file(&none);
    assert_true(distance(&of_none, &whole) == 0);
    kin_query_release(&of_none);
    kin_query_release(&whole);
    kin_query_release(&region);
    kin_query_release(&region_of_bytes);
    free(wanted);
    kin_mask_release(&mask);
    kin_raster_release(&picture);
}

static void test_a_mask_asks_as_the_box_that_it_fills(void **state)
{
    (void)state;
    kin_error err;
    size_t size;
    char mask_path[PATH_MAX];
    void *mask = encode_mask(WIDTH, HEIGHT, part.box, &size);
    snprintf(mask_path, sizeof mask_path, "%.4000s/mask.png", folder);
    write_file(mask_path, mask, size);
    const kin_query_part parts[] = {{.mask = mask_path},
                                    {.mask = "sent", .bytes = mask, .size = size}};
    kin_query of_box = from_file(&box);
    for (size_t i = 0; i < 2; i++) {
        kin_query_regions regions;
        assert_ok(kin_query_regions_read(decoder, &parts[i], 1, &regions, &err), err);
        kin_query of_mask = from_file(&regions);
        assert_true(distance(&of_mask, &of_box) == 0);
        kin_query_release(&of_mask);
        kin_query_regions_release(&regions);
    }
    kin_query_release(&of_box);
    free(mask);
}

static void test_several_ask_by_their_mean(void **state)
{
    (void)state;
    kin_error err;
    const kin_query_part parts[] = {part, {.box = {2, 50, 30, 20}}};
    kin_query_regions both, second;
    assert_ok(kin_query_regions_read(decoder, parts, 2, &both, &err), err);
    assert_ok(kin_query_regions_read(decoder, &parts[1], 1, &second, &err), err);
    kin_query mean = from_file(&both), a = from_file(&box), b = from_file(&second);
    for (size_t i = 0; i < standard_length(); i++)
        assert_float_equal(mean.descriptor[i], (a.descriptor[i] + b.descriptor[i]) / 2, 1e-5f);
    assert_true(distance(&a, &b) > 1);
    kin_query_release(&mean);
    kin_query_release(&a);
    kin_query_release(&b);
    kin_query_regions_release(&second);
    kin_query_regions_release(&both);
}

/* A query with the one part that is given, wherever it fails. */
static kin_status try_part(const kin_query_part *given, kin_error *err)
{
    kin_query_regions regions;
    kin_query query = {0};
    kin_error_clear(err);
    kin_status status = kin_query_regions_read(decoder, given, 1, &regions, err);
    if (status == KIN_OK)
        status =
            kin_query_from_bytes(archive, decoder, png, png_size, "", 0, &regions, &query, err);
    kin_query_regions_release(&regions);
    assert_null(query.descriptor);
    return status;
}

static void test_lesions_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const kin_query_part wrong[] = {
        {.box = {0, 0, WIDTH + 1, 1}},  {.box = {WIDTH, 0, 1, 1}},
        {.box = {0, HEIGHT, 1, 1}},     {.box = {0, 0, 0, 10}},
        {.box = {0, 0, 10, 0}},         {.box = {1, 1, WIDTH, HEIGHT}},
        {.box = {UINT32_MAX, 0, 2, 2}}, {.box = {0, UINT32_MAX, 1, UINT32_MAX}},
    };
    kin_error err;
    size_t size;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(try_part(&wrong[i], &err), KIN_E_ARG);
        assert_memory_equal(err.message, "region: ", 8);
    }
    void *other = encode_mask(HEIGHT, WIDTH, (kin_decode_region){5, 5, 9, 9}, &size);
    assert_int_equal(try_part(&(kin_query_part){.mask = "m", .bytes = other, .size = size}, &err),
                     KIN_E_ARG);
    assert_memory_equal(err.message, "region: ", 8);
    free(other);
    void *black = encode_mask(WIDTH, HEIGHT, (kin_decode_region){0}, &size);
    assert_int_equal(try_part(&(kin_query_part){.mask = "m", .bytes = black, .size = size}, &err),
                     KIN_E_FORMAT);
    assert_string_equal(err.subject, "m");
    free(black);
    assert_int_equal(try_part(&(kin_query_part){.mask = "m", .bytes = "x", .size = 1}, &err),
                     KIN_E_NO_IMAGE);
    assert_int_equal(try_part(&(kin_query_part){.mask = "/nowhere.png"}, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, "/nowhere.png");
    kin_query_part many[KIN_QUERY_PARTS_MAX + 1];
    for (size_t i = 0; i <= KIN_QUERY_PARTS_MAX; i++)
        many[i] = part;
    kin_query_regions regions;
    assert_int_equal(kin_query_regions_read(decoder, many, KIN_QUERY_PARTS_MAX + 1, &regions, &err),
                     KIN_E_ARG);
    assert_int_equal(regions.count, 0);
    /* And the decoder is none the worse. */
    kin_query query = from_file(&box);
    kin_query_release(&query);
}

static void test_what_is_not_there_is_refused(void **state)
{
    (void)state;
    kin_error err;
    kin_query query;
    assert_int_equal(
        kin_query_from_bytes(archive, decoder, png, png_size, "", 1, NULL, &query, &err),
        KIN_E_NOT_FOUND);
    assert_int_equal(kin_query_from_file(archive, decoder, path, 7, &box, &query, &err),
                     KIN_E_NOT_FOUND);
    assert_int_equal(
        kin_query_from_bytes(archive, decoder, png, png_size / 2, "", 0, NULL, &query, &err),
        KIN_E_FORMAT);
    assert_int_not_equal(kin_query_from_bytes(archive, decoder, NULL, 0, "", 0, NULL, &query, &err),
                         KIN_OK);
    assert_int_equal(kin_query_from_file(archive, decoder, "/nowhere.png", 0, NULL, &query, &err),
                     KIN_E_NOT_FOUND);
    /* And the decoder is none the worse. */
    query = from_file(&box);
    kin_query_release(&query);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_ask_as_their_file_does),
        TEST(test_a_lesion_asks_as_its_region_is_described),
        TEST(test_a_mask_asks_as_the_box_that_it_fills),
        TEST(test_several_ask_by_their_mean),
        TEST(test_lesions_that_cannot_be_are_refused),
        TEST(test_what_is_not_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
