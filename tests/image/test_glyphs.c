/* Small letters in pictures. */
#include "image/glyphs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static kin_raster canvas(int width, int height)
{
    kin_raster raster;
    assert_int_equal(kin_raster_init(&raster, width, height, 3, NULL), KIN_OK);
    return raster;
}

static const float red[3] = {1, 0, 0};

static size_t inked(const kin_raster *raster)
{
    size_t count = 0;
    for (int i = 0; i < raster->width * raster->height; i++) {
        assert_true(raster->px[3 * i + 1] == 0 && raster->px[3 * i + 2] == 0);
        count += raster->px[3 * i] == 1;
    }
    return count;
}

/* The picture of a word, as text. */
static void assert_looks(const char *word, const char *const rows[KIN_GLYPH_HEIGHT])
{
    int width = (int)strlen(rows[0]);
    kin_raster raster = canvas(width, KIN_GLYPH_HEIGHT);
    kin_glyphs_draw(&raster, 0, 0, word, red);
    for (int y = 0; y < KIN_GLYPH_HEIGHT; y++)
        for (int x = 0; x < width; x++)
            assert_int_equal(raster.px[3 * (y * width + x)] == 1, rows[y][x] == '#');
    kin_raster_release(&raster);
}

static void test_letters_look_like_letters(void **state)
{
    (void)state;
    static const char *const lung[] = {"#.....#...#.#...#..###.", "#.....#...#.#...#.#...#",
                                       "#.....#...#.##..#.#....", "#.....#...#.#.#.#.#.###",
                                       "#.....#...#.#..##.#...#", "#.....#...#.#...#.#...#",
                                       "#####..###..#...#..####"};
    static const char *const box[] = {".....", "#####", "#...#", "#...#",
                                      "#...#", "#####", "....."};
    assert_looks("Lung", lung);
    assert_looks("\x01", box);
}

static void test_what_lies_outside_is_cut(void **state)
{
    (void)state;
    kin_raster raster = canvas(9, 5);
    kin_glyphs_draw(&raster, -3, -3, "888", red);
    kin_glyphs_draw(&raster, 1000, 1000, "8", red);
    assert_true(inked(&raster) > 0);
    kin_raster_release(&raster);
}

static void test_every_printable_character_leaves_a_mark(void **state)
{
    (void)state;
    for (int c = '!'; c <= '~'; c++) {
        kin_raster raster = canvas(KIN_GLYPH_STEP, KIN_GLYPH_HEIGHT);
        const char text[2] = {(char)c, '\0'};
        kin_glyphs_draw(&raster, 0, 0, text, red);
        assert_true(inked(&raster) > 2);
        kin_raster_release(&raster);
    }
    kin_raster raster = canvas(KIN_GLYPH_STEP, KIN_GLYPH_HEIGHT);
    kin_glyphs_draw(&raster, 0, 0, " ", red);
    assert_int_equal(inked(&raster), 0);
    kin_raster_release(&raster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_look_like_letters),
        cmocka_unit_test(test_what_lies_outside_is_cut),
        cmocka_unit_test(test_every_printable_character_leaves_a_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
