#include "dicom/charset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Sets that can be in force, and the converter each uses. */
enum {
    SET_NONE = -1,
    SET_ASCII,
    SET_ROMAJI,   /* JIS X 0201 lower half */
    SET_KATAKANA, /* JIS X 0201 upper half */
    SET_JIS_0208,
    SET_JIS_0212,
    SET_KS_1001,
    SET_GB_2312,
    SET_GB18030,
    SET_GBK,
    SET_UTF8,
    SET_LATIN1,
    SET_LATIN2,
    SET_LATIN3,
    SET_LATIN4,
    SET_CYRILLIC,
    SET_ARABIC,
    SET_GREEK,
    SET_HEBREW,
    SET_LATIN5,
    SET_LATIN9,
    SET_THAI,
    SET_COUNT
};

static const char *const converter_names[KIN_CHARSET_CONVERTERS] = {
    "EUC-JP",     "EUC-KR",     "GB2312",     "GB18030",    "GBK",        "ISO-8859-1",
    "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7",
    "ISO-8859-8", "ISO-8859-9", "TIS-620",    "ISO-8859-15"};

static const signed char converter_of_set[SET_COUNT] = {
    [SET_ASCII] = -1,   [SET_ROMAJI] = -1, [SET_KATAKANA] = 0, [SET_JIS_0208] = 0,
    [SET_JIS_0212] = 0, [SET_KS_1001] = 1, [SET_GB_2312] = 2,  [SET_GB18030] = 3,
    [SET_GBK] = 4,      [SET_UTF8] = -1,   [SET_LATIN1] = 5,   [SET_LATIN2] = 6,
    [SET_LATIN3] = 7,   [SET_LATIN4] = 8,  [SET_CYRILLIC] = 9, [SET_ARABIC] = 10,
    [SET_GREEK] = 11,   [SET_HEBREW] = 12, [SET_LATIN5] = 13,  [SET_THAI] = 14,
    [SET_LATIN9] = 15};

/* Defined terms (PS3.3 tables C.12-2 to C.12-5): by their number, "ISO_IR n" or "ISO 2022 IR n".
 * The sets that need an escape before their first character are not in force at the start. */
static const struct {
    const char *number;
    signed char g0, g1;
} terms[] = {
    {"6", SET_ASCII, SET_NONE},       {"100", SET_ASCII, SET_LATIN1},
    {"101", SET_ASCII, SET_LATIN2},   {"109", SET_ASCII, SET_LATIN3},
    {"110", SET_ASCII, SET_LATIN4},   {"144", SET_ASCII, SET_CYRILLIC},
    {"127", SET_ASCII, SET_ARABIC},   {"126", SET_ASCII, SET_GREEK},
    {"138", SET_ASCII, SET_HEBREW},   {"148", SET_ASCII, SET_LATIN5},
    {"203", SET_ASCII, SET_LATIN9},   {"166", SET_ASCII, SET_THAI},
    {"13", SET_ROMAJI, SET_KATAKANA}, {"87", SET_ASCII, SET_NONE},
    {"159", SET_ASCII, SET_NONE},     {"149", SET_ASCII, SET_KS_1001},
    {"58", SET_ASCII, SET_GB_2312},
};

/* Escape sequences behind ESC (PS3.3 tables C.12-3 and C.12-4), which half they set and to what. */
static const struct {
    const char *sequence;
    signed char half, set;
} escapes[] = {
    {"(B", 0, SET_ASCII},    {"(J", 0, SET_ROMAJI},   {")I", 1, SET_KATAKANA},
    {"$B", 0, SET_JIS_0208}, {"$@", 0, SET_JIS_0208}, {"$(D", 0, SET_JIS_0212},
    {"$)C", 1, SET_KS_1001}, {"$)A", 1, SET_GB_2312}, {"-A", 1, SET_LATIN1},
    {"-B", 1, SET_LATIN2},   {"-C", 1, SET_LATIN3},   {"-D", 1, SET_LATIN4},
    {"-L", 1, SET_CYRILLIC}, {"-G", 1, SET_ARABIC},   {"-F", 1, SET_GREEK},
    {"-H", 1, SET_HEBREW},   {"-M", 1, SET_LATIN5},   {"-T", 1, SET_THAI},
    {"-b", 1, SET_LATIN9},
};

enum { ESC = 0x1b, UTF8_MAX = 4 };
static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

void kin_dicom_charset_prepare(void)
{
    /* The C library keeps a converter's module only while a descriptor uses it: these stay open. */
    static iconv_t volatile kept[KIN_CHARSET_CONVERTERS];
    if (kept[0] != NULL)
        return;
    for (int i = 0; i < KIN_CHARSET_CONVERTERS; i++)
        kept[i] = iconv_open("UTF-8", converter_names[i]);
}

static bool equals(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* The number behind "ISO_IR " or "ISO 2022 IR "; some write "ISO-IR". */
static bool term_number(const char *text, size_t length, const char **number, size_t *digits)
{
    static const char *const prefixes[] = {"ISO_IR ", "ISO 2022 IR ", "ISO-IR ", "ISO IR "};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t n = strlen(prefixes[i]);
        if (length > n && memcmp(text, prefixes[i], n) == 0) {
            *number = text + n;
            *digits = length - n;
            return true;
        }
    }
    return false;
}

static void use_term(kin_charset *charset, const char *text, size_t length)
{
    const char *number;
    size_t digits;
    charset->stated = true;
    if (equals(text, length, "GB18030") || equals(text, length, "GBK")) {
        charset->whole = true;
        charset->g1 = equals(text, length, "GBK") ? SET_GBK : SET_GB18030;
        return;
    }
    if (term_number(text, length, &number, &digits)) {
        if (equals(number, digits, "192")) {
            charset->whole = true;
            charset->g1 = SET_UTF8;
            return;
        }
        for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
            if (equals(number, digits, terms[i].number)) {
                charset->g0 = terms[i].g0;
                charset->g1 = terms[i].g1;
                return;
            }
    }
    charset->stated = false;
}

void kin_dicom_charset_init(kin_charset *charset, const char *text, size_t length)
{
    memset(charset, 0, sizeof *charset);
    charset->g0 = SET_ASCII;
    charset->g1 = SET_NONE;
    for (int i = 0; i < KIN_CHARSET_CONVERTERS; i++)
        charset->converters[i] = (iconv_t)-1;
    if (text == NULL)
        return;
    const char *end = memchr(text, '\\', length);
    size_t first = end != NULL ? (size_t)(end - text) : length;
    while (first > 0 && text[0] == ' ')
        text++, first--;
    while (first > 0 && (text[first - 1] == ' ' || text[first - 1] == '\0'))
        first--;
    if (first == 0) /* an empty first value is ISO 646; code extensions may follow it */
        charset->stated = end != NULL;
    else
        use_term(charset, text, first);
}

void kin_dicom_charset_release(kin_charset *charset)
{
    for (int i = 0; i < KIN_CHARSET_CONVERTERS; i++)
        if (charset->converters[i] != (iconv_t)-1)
            iconv_close(charset->converters[i]);
}

/* Text being written; it has room for all that can come out of its source. */
typedef struct sink {
    char *text;
    size_t used;
} sink;

static void put(sink *out, const char *bytes, size_t count)
{
    memcpy(out->text + out->used, bytes, count);
    out->used += count;
}

static void put_replacement(sink *out)
{
    put(out, replacement, sizeof replacement - 1);
}

static void put_byte(sink *out, char byte)
{
    put(out, &byte, 1);
}

/* Converts one character of a set; U+FFFD where it has none. */
static void put_converted(kin_charset *charset, int set, const char *bytes, size_t count, sink *out)
{
    int converter = set >= 0 ? converter_of_set[set] : -1;
    char result[2 * UTF8_MAX], *to = result, *from = (char *)(uintptr_t)bytes;
    size_t room = sizeof result, rest = count;
    if (converter >= 0 && charset->converters[converter] == (iconv_t)-1)
        charset->converters[converter] = iconv_open("UTF-8", converter_names[converter]);
    if (converter < 0 || charset->converters[converter] == (iconv_t)-1 ||
        iconv(charset->converters[converter], &from, &rest, &to, &room) == (size_t)-1 ||
        rest != 0 || sizeof result - room > 3 * count) {
        if (converter >= 0 && charset->converters[converter] != (iconv_t)-1)
            iconv(charset->converters[converter], NULL, NULL, NULL, NULL);
        put_replacement(out);
        return;
    }
    put(out, result, sizeof result - room);
}

/* Length of the valid UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t utf8_length(const uint8_t *p, size_t size)
{
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n == 0 || n > size)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static bool is_utf8(const uint8_t *p, size_t size)
{
    for (size_t n; size > 0; p += n, size -= n)
        if ((n = utf8_length(p, size)) == 0)
            return false;
    return true;
}

/* Length of the GB18030 or GBK character at p, by its lead and second byte. */
static size_t gb_length(const uint8_t *p, size_t size, bool four_bytes)
{
    if (p[0] < 0x80 || size < 2)
        return 1;
    size_t n = four_bytes && p[1] >= 0x30 && p[1] <= 0x39 ? 4 : 2;
    return n <= size ? n : 1;
}

/* A multi-byte set without escapes, from the first byte to the last. */
static void convert_whole(kin_charset *charset, int set, const uint8_t *p, size_t size, sink *out)
{
    while (size > 0) {
        size_t n;
        if (set == SET_UTF8) {
            n = utf8_length(p, size);
            if (n > 0)
                put(out, (const char *)p, n);
            else
                put_replacement(out);
            n = n > 0 ? n : 1;
        } else {
            n = gb_length(p, size, set == SET_GB18030);
            if (p[0] < 0x80)
                put_byte(out, (char)p[0]);
            else
                put_converted(charset, set, (const char *)p, n, out);
        }
        p += n;
        size -= n;
    }
}

/* Bytes of the escape sequence at p (behind ESC) when it is a known one; sets the half it names. */
static size_t follow_escape(const uint8_t *p, size_t size, int *g0, int *g1)
{
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        size_t n = strlen(escapes[i].sequence);
        if (n <= size && memcmp(p, escapes[i].sequence, n) == 0) {
            *(escapes[i].half == 0 ? g0 : g1) = escapes[i].set;
            return n;
        }
    }
    return 0;
}

/* One character of the lower half; returns the bytes it took. */
static size_t convert_lower(kin_charset *charset, int set, const uint8_t *p, size_t size, sink *out)
{
    char euc[3] = {(char)0x8f, (char)(p[0] | 0x80), size > 1 ? (char)(p[1] | 0x80) : 0};
    if ((set == SET_JIS_0208 || set == SET_JIS_0212) && size > 1 && p[0] > 0x20) {
        bool plane_2 = set == SET_JIS_0212;
        put_converted(charset, set, plane_2 ? euc : euc + 1, plane_2 ? 3 : 2, out);
        return 2;
    }
    if (set == SET_ROMAJI && p[0] == 0x5c)
        put(out, "\xc2\xa5", 2); /* yen sign */
    else if (set == SET_ROMAJI && p[0] == 0x7e)
        put(out, "\xe2\x80\xbe", 3); /* overline */
    else
        put_byte(out, (char)p[0]);
    return 1;
}

static size_t convert_upper(kin_charset *charset, int set, const uint8_t *p, size_t size, sink *out)
{
    const char kana[2] = {(char)0x8e, (char)p[0]};
    if (set == SET_KATAKANA) {
        put_converted(charset, set, kana, 2, out);
        return 1;
    }
    bool pair = (set == SET_KS_1001 || set == SET_GB_2312) && size > 1 && p[1] >= 0x80;
    put_converted(charset, set, (const char *)p, pair ? 2 : 1, out);
    return pair ? 2 : 1;
}

/* Text with code extensions: the sets in force change at escapes and return at delimiters. */
static void convert_extended(kin_charset *charset, const uint8_t *p, size_t size,
                             bool backslash_divides, sink *out)
{
    int g0 = charset->g0, g1 = charset->g1;
    while (size > 0) {
        size_t n;
        if (p[0] == ESC) {
            n = 1 + follow_escape(p + 1, size - 1, &g0, &g1);
        } else if (p[0] < 0x20 || (p[0] == '\\' && backslash_divides && g0 == SET_ASCII)) {
            g0 = charset->g0;
            g1 = charset->g1;
            put_byte(out, (char)p[0]);
            n = 1;
        } else if (p[0] == '\\' && backslash_divides && g0 == SET_ROMAJI) {
            put_byte(out, '\\'); /* in ISO_IR 13 the delimiter is the byte of the yen sign */
            n = 1;
        } else if (p[0] < 0x80) {
            n = convert_lower(charset, g0, p, size, out);
        } else {
            n = convert_upper(charset, g1, p, size, out);
        }
        p += n;
        size -= n;
    }
}

char *kin_dicom_charset_utf8(kin_charset *charset, const char *text, size_t length,
                             bool backslash_divides)
{
    const uint8_t *p = (const uint8_t *)text;
    /* A byte becomes at most three: a replacement, or a character of the basic plane. */
    sink out = {malloc(3 * length + 1), 0};
    if (out.text == NULL)
        return NULL;
    if (charset->whole)
        convert_whole(charset, charset->g1, p, length, &out);
    else if (!charset->stated && is_utf8(p, length) && memchr(p, ESC, length) == NULL)
        put(&out, text, length);
    else {
        int stated_g1 = charset->g1;
        if (!charset->stated)
            charset->g1 = SET_LATIN1;
        convert_extended(charset, p, length, backslash_divides, &out);
        charset->g1 = stated_g1;
    }
    out.text[out.used] = '\0';
    return out.text;
}
