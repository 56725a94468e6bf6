#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/checked.h"
#include "base/utf8.h"

static const char REPLACEMENT[] = KIN_UTF8_REPLACEMENT;
static const char ELLIPSIS[] = "\xE2\x80\xA6";    /* U+2026 */

void kin_text_locale(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

/* Characters that change what is around them: controls, line separators, directions (Unicode
 * TR36). */
static bool is_unsafe(uint32_t character)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C}, {0x200E, 0x200F},
                  {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (character >= ranges[i].from && character <= ranges[i].to)
            return true;
    return false;
}

const char *kin_text_next(const char *text, kin_glyph *out)
{
    if (*text == '\0')
        return NULL;
    uint32_t character = 0;
    size_t size = kin_utf8_decode(text, &character);
    int width = size == 0 || is_unsafe(character) ? -1 : wcwidth((wchar_t)character);
    if (width < 0)
        *out = (kin_glyph){.bytes = REPLACEMENT, .size = sizeof REPLACEMENT - 1, .width = 1};
    else
        *out = (kin_glyph){.bytes = text, .size = size, .width = width};
    return text + (size > 0 ? size : 1);
}

size_t kin_text_width(const char *text)
{
    size_t width = 0;
    kin_glyph glyph;
    while ((text = kin_text_next(text, &glyph)) != NULL)
        width += (size_t)glyph.width;
    return width;
}

/* Prints glyphs until `width` columns are full; returns the columns used. */
static size_t put_first(FILE *out, const char *text, size_t width)
{
    size_t used = 0;
    kin_glyph glyph;
    while ((text = kin_text_next(text, &glyph)) != NULL && used + (size_t)glyph.width <= width) {
        fwrite(glyph.bytes, 1, glyph.size, out);
        used += (size_t)glyph.width;
    }
    return used;
}

void kin_text_put(FILE *out, const char *text)
{
    put_first(out, text, SIZE_MAX);
}

/* The longest end of text, which is `whole` columns wide, that fits in `width`.  Combining
 * characters at its start are dropped too: they belonged to what was cut off. */
static const char *last_fitting(const char *text, size_t whole, size_t width)
{
    kin_glyph glyph;
    const char *next;
    while ((next = kin_text_next(text, &glyph)) != NULL && (whole > width || glyph.width == 0)) {
        whole -= (size_t)glyph.width;
        text = next;
    }
    return text;
}

size_t kin_text_put_cut(FILE *out, const char *text, size_t width, kin_text_cut cut)
{
    size_t whole = kin_text_width(text);
    if (whole <= width)
        return put_first(out, text, width);
    if (width == 0)
        return 0;
    if (cut == KIN_CUT_END) {
        size_t used = put_first(out, text, width - 1);
        fputs(ELLIPSIS, out);
        return used + 1;
    }
    text = last_fitting(text, whole, width - 1);
    fputs(ELLIPSIS, out);
    return 1 + put_first(out, text, width - 1);
}

/* Room for a copy of text in which every byte may become a replacement; NULL without memory. */
static char *room_for(const char *text)
{
    size_t size;
    if (!kin_mul_size(strlen(text), sizeof REPLACEMENT - 1, &size) || !kin_add_size(size, 1, &size))
        return NULL;
    return malloc(size);
}

char *kin_text_safe(const char *text)
{
    char *out = room_for(text), *to = out;
    if (out == NULL)
        return NULL;
    kin_glyph glyph;
    while ((text = kin_text_next(text, &glyph)) != NULL)
        to = mempcpy(to, glyph.bytes, glyph.size);
    *to = '\0';
    return out;
}
