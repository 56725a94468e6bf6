#include "formats_npy.h"

#include <stdint.h>
#include <string.h>

/* Where reading stands in the dictionary's text. */
struct text {
    const char *at, *end;
};

static void skip_spaces(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n' || *text->at == '\t'))
        text->at++;
}

/* Passes over c, with spaces before it; false where something else stands. */
static bool take(struct text *text, char c)
{
    skip_spaces(text);
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool take_word(struct text *text, const char *word)
{
    size_t length = strlen(word);
    skip_spaces(text);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

/* A quoted text without escapes, of less than size bytes. */
static bool take_string(struct text *text, char *out, size_t size)
{
    skip_spaces(text);
    if (text->at == text->end || (*text->at != '\'' && *text->at != '"'))
        return false;
    char quote = *text->at++;
    size_t length = 0;
    for (; text->at < text->end && *text->at != quote; text->at++) {
        if (*text->at == '\\' || length + 1 == size)
            return false;
        out[length++] = *text->at;
    }
    out[length] = '\0';
    return take(text, quote);
}

static bool take_number(struct text *text, size_t *out)
{
    size_t digits = 0;
    *out = 0;
    skip_spaces(text);
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++, digits++)
        if (__builtin_mul_overflow(*out, (size_t)10, out) ||
            __builtin_add_overflow(*out, (size_t)(*text->at - '0'), out))
            return false;
    return digits > 0;
}

static bool take_shape(struct text *text, bench_npy_head *out)
{
    bool right = take(text, '(') && take_number(text, &out->count) && take(text, ',') &&
                 take_number(text, &out->dim);
    if (right)
        take(text, ','); /* Python allows one */
    return right && take(text, ')');
}

enum { SAW_DESCR = 1, SAW_ORDER = 2, SAW_SHAPE = 4, SAW_ALL = 7 };

static kin_status take_entry(struct text *text, bench_npy_head *out, int *seen, kin_error *err)
{
    char key[16], kind[16];
    int which = 0;
    if (!take_string(text, key, sizeof key) || !take(text, ':'))
        return kin_fail(err, KIN_E_FORMAT, NULL, "the head of the .npy is no dictionary");
    if (strcmp(key, "descr") == 0) {
        which = SAW_DESCR;
        if (!take_string(text, kind, sizeof kind))
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "neither float32 nor bytes");
        out->bytes = strcmp(kind, "|u1") == 0;
        if (!out->bytes && strcmp(kind, "<f4") != 0)
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "neither float32 nor bytes");
    } else if (strcmp(key, "fortran_order") == 0) {
        which = SAW_ORDER;
        if (take_word(text, "True"))
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "the array lies by columns");
        if (!take_word(text, "False"))
            return kin_fail(err, KIN_E_FORMAT, NULL, "fortran_order is neither True nor False");
    } else if (strcmp(key, "shape") == 0) {
        which = SAW_SHAPE;
        if (!take_shape(text, out))
            return kin_fail(err, KIN_E_FORMAT, NULL, "the array has not two axes");
    }
    if (which == 0 || (*seen & which) != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a key too many in the head of the .npy");
    *seen |= which;
    return KIN_OK;
}

static kin_status read_dictionary(struct text *text, bench_npy_head *out, kin_error *err)
{
    int seen = 0;
    kin_status status = KIN_OK;
    if (!take(text, '{'))
        return kin_fail(err, KIN_E_FORMAT, NULL, "the head of the .npy is no dictionary");
    while (status == KIN_OK && !take(text, '}')) {
        status = take_entry(text, out, &seen, err);
        if (status == KIN_OK && !take(text, ',')) {
            if (!take(text, '}'))
                return kin_fail(err, KIN_E_FORMAT, NULL, "the head of the .npy does not end");
            break;
        }
    }
    skip_spaces(text);
    if (status == KIN_OK && (seen != SAW_ALL || text->at != text->end))
        status = kin_fail(err, KIN_E_FORMAT, NULL, "the head of the .npy is not whole");
    return status;
}

kin_status bench_npy_head_read(const void *bytes, size_t size, bench_npy_head *out, kin_error *err)
{
    const uint8_t *at = bytes;
    memset(out, 0, sizeof *out);
    if (size < 12 || memcmp(at, "\x93NUMPY", 6) != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "no .npy");
    if (at[6] < 1 || at[6] > 3)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "version %d of .npy", at[6]);
    size_t before = at[6] == 1 ? 10 : 12; /* the length takes two bytes in version 1, then four */
    size_t length = (size_t)at[8] | (size_t)at[9] << 8;
    if (at[6] > 1)
        length |= (size_t)at[10] << 16 | (size_t)at[11] << 24;
    if (length > size - before)
        return kin_fail(err, KIN_E_FORMAT, NULL, "the head of the .npy is longer than the file");
    struct text text = {(const char *)at + before, (const char *)at + before + length};
    out->size = before + length;
    return read_dictionary(&text, out, err);
}
