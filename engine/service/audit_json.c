#include "service/audit_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"

enum { FIRST_BYTES = 4096, FIRST_PARTS = 64 };

int kin_audit_json_append(kin_audit_json *json, const char *bytes, size_t size)
{
    size_t wanted;
    if (!kin_add_size(json->size, size, &wanted))
        return -1;
    if (wanted > json->capacity) {
        size_t capacity = json->capacity > 0 ? json->capacity : FIRST_BYTES;
        while (capacity < wanted)
            if (!kin_mul_size(capacity, 2, &capacity))
                return -1;
        char *grown = realloc(json->bytes, capacity);
        if (grown == NULL)
            return -1;
        json->bytes = grown;
        json->capacity = capacity;
    }
    memcpy(json->bytes + json->size, bytes, size);
    json->size = wanted;
    return 0;
}

int kin_audit_json_end(kin_audit_json *json)
{
    if (json->count == json->ends_capacity) {
        size_t capacity = json->ends_capacity > 0 ? 2 * json->ends_capacity : FIRST_PARTS;
        size_t *grown = reallocarray(json->ends, capacity, sizeof *grown);
        if (grown == NULL)
            return -1;
        json->ends = grown;
        json->ends_capacity = capacity;
    }
    json->ends[json->count++] = json->size;
    return 0;
}

static int take_dump(const char *bytes, size_t size, void *json)
{
    return kin_audit_json_append(json, bytes, size);
}

int kin_audit_json_dump(kin_audit_json *json, json_t *value)
{
    if (value == NULL)
        return -1;
    int failed = json_dump_callback(value, take_dump, json, KIN_AUDIT_JSON_FLAGS | JSON_ENCODE_ANY);
    json_decref(value);
    return failed;
}

void kin_audit_json_release(kin_audit_json *json)
{
    free(json->bytes);
    free(json->ends);
    *json = (kin_audit_json){0};
}

void kin_audit_text(const char *text, char *out, size_t size)
{
    static const char more[] = "...", broken[] = KIN_UTF8_REPLACEMENT;
    size_t used = 0, whole = 0; /* whole: what may stay when there is no room for all */
    for (const char *at = text != NULL ? text : ""; *at != '\0';) {
        uint32_t character;
        size_t length = kin_utf8_decode(at, &character);
        const char *from = length > 0 ? at : broken;
        size_t bytes = length > 0 ? length : sizeof broken - 1;
        if (used + bytes >= size) {
            memcpy(out + whole, more, sizeof more);
            return;
        }
        memcpy(out + used, from, bytes);
        used += bytes;
        if (used + sizeof more <= size)
            whole = used;
        at += length > 0 ? length : 1;
    }
    out[used] = '\0';
}

/* Bytes of the text's first piece, which ends between two characters. */
static size_t piece_length(const char *text, size_t size)
{
    size_t length = size < KIN_AUDIT_PIECE_MAX ? size : KIN_AUDIT_PIECE_MAX;
    while (length < size && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    return length;
}

static size_t count_pieces(const char *text, size_t size)
{
    size_t count = 1;
    for (size_t length; (length = piece_length(text, size)) < size; count++) {
        text += length;
        size -= length;
    }
    return count;
}

/* Is it itself in JSON?  UIDs, most ids and all names of types are. */
static bool is_plain(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

/* Well-formed text as a JSON string.  Answers have many plain ones, for which a detour through
 * jansson's values would take most of the time that a line takes. */
static int append_string(kin_audit_json *json, const char *text, size_t size)
{
    if (!is_plain(text, size))
        return kin_audit_json_dump(json, json_stringn(text, size));
    return kin_audit_json_append(json, "\"", 1) != 0 ||
                   kin_audit_json_append(json, text, size) != 0 ||
                   kin_audit_json_append(json, "\"", 1) != 0
               ? -1
               : 0;
}

static int append_text(kin_audit_json *json, const char *text)
{
    return kin_audit_json_append(json, text, strlen(text));
}

/* The pieces of a value; all texts are well-formed. */
static int append_value(kin_audit_json *json, const char *type, const char *value, const char *role)
{
    size_t size = strlen(value), pieces = count_pieces(value, size);
    for (size_t piece = 1; piece <= pieces; piece++) {
        size_t length = piece_length(value, size);
        char numbers[64] = "";
        if (pieces > 1)
            snprintf(numbers, sizeof numbers, ",\"piece\":[%zu,%zu]", piece, pieces);
        if (append_text(json, "{\"type\":") != 0 || append_string(json, type, strlen(type)) != 0 ||
            append_text(json, ",\"value\":") != 0 || append_string(json, value, length) != 0 ||
            append_text(json, ",\"role\":") != 0 || append_string(json, role, strlen(role)) != 0 ||
            append_text(json, numbers) != 0 || append_text(json, "}") != 0 ||
            kin_audit_json_end(json) != 0)
            return -1;
        value += length;
        size -= length;
    }
    return 0;
}

int kin_audit_json_objects(kin_audit_json *json, const kin_audit_object *objects, size_t count,
                           const char *role)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = objects[i].value != NULL ? objects[i].value : "";
        char type[KIN_AUDIT_TYPE_MAX], *repaired = NULL;
        if (!kin_utf8_is_valid(value) && (value = repaired = kin_utf8_repair(value)) == NULL)
            return -1;
        kin_audit_text(objects[i].type, type, sizeof type);
        int failed = append_value(json, type, value, role);
        free(repaired);
        if (failed != 0)
            return -1;
    }
    return 0;
}
