#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

size_t kin_utf8_decode(const char *text, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *at = (const unsigned char *)text;
    if (at[0] < 0x80) {
        *character = at[0];
        return 1;
    }
    if (at[0] < 0xC2 || at[0] > 0xF4)
        return 0;
    size_t size = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    uint32_t code = at[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xC0) != 0x80) /* the terminating NUL ends here too */
            return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
    if (code < least[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    *character = code;
    return size;
}

/* The first byte that is no ASCII character, or the NUL: most text never gets past this. */
static const char *skip_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return text;
}

bool kin_utf8_is_valid(const char *text)
{
    uint32_t character;
    for (text = skip_ascii(text); *text != '\0'; text = skip_ascii(text)) {
        size_t size = kin_utf8_decode(text, &character);
        if (size == 0)
            return false;
        text += size;
    }
    return true;
}

char *kin_utf8_repair(const char *text)
{
    static const size_t unit = sizeof KIN_UTF8_REPLACEMENT - 1;
    size_t size;
    char *out = kin_mul_size(strlen(text), unit, &size) && kin_add_size(size, 1, &size)
                    ? malloc(size)
                    : NULL;
    char *to = out;
    if (out == NULL)
        return NULL;
    while (*text != '\0') {
        uint32_t character;
        size_t length = kin_utf8_decode(text, &character);
        to = length > 0 ? mempcpy(to, text, length) : mempcpy(to, KIN_UTF8_REPLACEMENT, unit);
        text += length > 0 ? length : 1;
    }
    *to = '\0';
    return out;
}
