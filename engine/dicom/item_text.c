#include "dicom/item_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAG_CODE_VALUE = 0x00080100,
    TAG_CODE_SCHEME = 0x00080102,
    TAG_LONG_CODE_VALUE = 0x00080119,
    TAG_URN_CODE_VALUE = 0x00080120
};

/* Cuts at a character's start, and spaces and NULs off both ends. */
static void trim(char *text)
{
    size_t length = strlen(text), from = 0;
    if (length > KIN_TEXT_VALUE_MAX) {
        length = KIN_TEXT_VALUE_MAX;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    while (length > 0 && (unsigned char)text[length - 1] <= ' ')
        length--;
    while (from < length && (unsigned char)text[from] <= ' ')
        from++;
    memmove(text, text + from, length - from);
    text[length - from] = '\0';
}

char *kin_dicom_item_utf8(kin_item *item, kin_tag tag, kin_charset *charset, kin_text_values values)
{
    const char *raw;
    size_t length;
    if (!kin_dicom_item_text(item, tag, &raw, &length))
        return calloc(1, 1);
    const char *end = values == KIN_TEXT_FIRST_VALUE ? memchr(raw, '\\', length) : NULL;
    char *text =
        kin_dicom_charset_utf8(charset, raw, end != NULL ? (size_t)(end - raw) : length, true);
    if (text != NULL)
        trim(text);
    return text;
}

/* The first value of a text whose characters need no conversion, without spaces around it. */
static bool plain_text(kin_item *item, kin_tag tag, const char **text, size_t *length)
{
    if (!kin_dicom_item_text(item, tag, text, length))
        return false;
    const char *end = memchr(*text, '\\', *length);
    if (end != NULL)
        *length = (size_t)(end - *text);
    while (*length > 0 && (unsigned char)(*text)[*length - 1] <= ' ')
        (*length)--;
    for (; *length > 0 && (unsigned char)**text <= ' '; (*length)--)
        (*text)++;
    return *length > 0;
}

bool kin_dicom_item_uid(kin_item *item, kin_tag tag, char out[KIN_UID_SIZE])
{
    const char *text;
    size_t length;
    out[0] = '\0';
    if (!plain_text(item, tag, &text, &length) || length >= KIN_UID_SIZE)
        return false;
    for (size_t i = 0; i < length; i++)
        if (strchr("0123456789.", text[i]) == NULL)
            return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

bool kin_dicom_item_text_is(kin_item *item, kin_tag tag, const char *wanted)
{
    const char *text;
    size_t length;
    return plain_text(item, tag, &text, &length) && length == strlen(wanted) &&
           memcmp(text, wanted, length) == 0;
}

bool kin_dicom_item_code_is(kin_item *item, kin_tag sequence, const char *scheme, const char *value)
{
    kin_item *code = kin_dicom_item_at(item, sequence, 0);
    return kin_dicom_item_text_is(code, TAG_CODE_VALUE, value) &&
           kin_dicom_item_text_is(code, TAG_CODE_SCHEME, scheme);
}

char *kin_dicom_item_code(kin_item *item, kin_tag sequence, kin_charset *charset)
{
    static const kin_tag values[] = {TAG_CODE_VALUE, TAG_LONG_CODE_VALUE, TAG_URN_CODE_VALUE};
    kin_item *code = kin_dicom_item_at(item, sequence, 0);
    kin_tag tag = values[0];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (kin_dicom_item_has(code, values[i])) {
            tag = values[i];
            break;
        }
    char *scheme = kin_dicom_item_utf8(code, TAG_CODE_SCHEME, charset, KIN_TEXT_FIRST_VALUE);
    char *value = kin_dicom_item_utf8(code, tag, charset, KIN_TEXT_FIRST_VALUE);
    char *out = NULL;
    if (scheme != NULL && value != NULL) {
        size_t size = strlen(scheme) + strlen(value) + 2;
        out = calloc(size, 1);
        if (out != NULL && value[0] != '\0')
            snprintf(out, size, "%s%s%s", scheme, scheme[0] != '\0' ? ":" : "", value);
    }
    free(scheme);
    free(value);
    return out;
}
