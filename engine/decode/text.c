#include "decode/text.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool is_break(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\v' || code == '\f' || code == '\r' ||
           code == 0x85 || code == 0x2028 || code == 0x2029;
}

static bool is_forbidden(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

void kin_text_clean(char *dst, size_t size, const char *src)
{
    const char *from = src != NULL ? src : "";
    size_t used = 0;
    while (*from != '\0') {
        uint32_t code = 0;
        size_t bytes = kin_utf8_decode(from, &code);
        const char *piece = from;
        size_t length = bytes;
        if (bytes == 0) {
            piece = KIN_UTF8_REPLACEMENT;
            length = sizeof KIN_UTF8_REPLACEMENT - 1;
            bytes = 1;
        } else if (is_break(code)) {
            piece = " ";
            length = 1;
        } else if (is_forbidden(code)) {
            length = 0;
        }
        from += bytes;
        if (used == 0 && length == 1 && *piece == ' ')
            continue;
        if (used + length >= size)
            break;
        memcpy(dst + used, piece, length);
        used += length;
    }
    while (used > 0 && dst[used - 1] == ' ')
        used--;
    dst[used] = '\0';
}

void kin_text_clean_uid(char dst[KIN_UID_SIZE], const char *src)
{
    dst[0] = '\0';
    if (src == NULL)
        return;
    src += strspn(src, " ");
    size_t length = strspn(src, "0123456789.");
    if (src[length + strspn(src + length, " ")] != '\0' || length >= KIN_UID_SIZE)
        return;
    if (strcspn(src, "0123456789") >= length)
        return;
    memcpy(dst, src, length);
    dst[length] = '\0';
}

void kin_text_clean_date(char dst[KIN_DATE_SIZE], const char *src)
{
    static const char *const forms[] = {"########", "####.##.##"};
    dst[0] = '\0';
    if (src == NULL)
        return;
    src += strspn(src, " ");
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        size_t used = 0, i = 0;
        for (; forms[f][i] != '\0'; i++) {
            bool digit = src[i] >= '0' && src[i] <= '9';
            if (forms[f][i] == '#' ? !digit : src[i] != forms[f][i])
                break;
            if (digit)
                dst[used++] = src[i];
        }
        dst[used] = '\0';
        if (forms[f][i] == '\0' && src[i + strspn(src + i, " ")] == '\0')
            return;
        dst[0] = '\0';
    }
}

bool kin_text_is_name(const char *name, size_t size)
{
    size_t length = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    return length > 0 && length < size && name[length] == '\0';
}
