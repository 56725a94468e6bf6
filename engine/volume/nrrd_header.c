#include "volume/nrrd_header.h"

#include <ctype.h>
#include <string.h>

enum { LINE_MAX_BYTES = 4096, HEADER_LINES_MAX = 4096 };

static const char magic[] = "NRRD000";

bool kin_nrrd_recognise(const void *bytes, size_t size)
{
    return size > sizeof magic && memcmp(bytes, magic, sizeof magic - 1) == 0;
}

/* Where the header is read. */
typedef struct kin_lines {
    const char *bytes;
    size_t size, at;
    int count;
} kin_lines;

/* The next line, without its end, as text; false at the end of the file or for one that is too
 * long. */
static bool next_line(kin_lines *lines, char line[LINE_MAX_BYTES])
{
    const char *from = lines->bytes + lines->at;
    size_t left = lines->size - lines->at;
    const char *end = left > 0 ? memchr(from, '\n', left) : NULL;
    size_t length = end != NULL ? (size_t)(end - from) : left;
    if (left == 0 || length >= LINE_MAX_BYTES || lines->count++ >= HEADER_LINES_MAX ||
        memchr(from, '\0', length) != NULL)
        return false;
    lines->at += length + (end != NULL ? 1 : 0);
    while (length > 0 && isspace((unsigned char)from[length - 1]))
        length--;
    memcpy(line, from, length);
    line[length] = '\0';
    return true;
}

static kin_status read_field(kin_nrrd_header *header, char *line, kin_error *err)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a line of its header is no field");
    if (colon[1] == '=') /* a key and its value, of no meaning to the format */
        return KIN_OK;
    *colon = '\0';
    return kin_nrrd_field_read(header, line, colon + 1, err);
}

static kin_status check(const kin_nrrd_header *header, kin_error *err)
{
    if (header->type == KIN_NRRD_TYPE_NONE || header->encoding == KIN_NRRD_ENCODING_NONE ||
        header->axes == 0 || header->size[0] == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "its header lacks its type, encoding, dimension or sizes");
    if (!header->has_endian && kin_nrrd_type_size(header->type) > 1 &&
        header->encoding != KIN_NRRD_TEXT)
        return kin_fail(err, KIN_E_FORMAT, NULL, "its header does not say its byte order");
    if (header->has_directions && header->space_axes == 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "its header has directions, but no space");
    if (header->byte_skip == -1 && header->encoding != KIN_NRRD_RAW)
        return kin_fail(err, KIN_E_FORMAT, NULL, "a byte skip of -1 is for raw data");
    return KIN_OK;
}

kin_status kin_nrrd_header_read(const void *bytes, size_t size, kin_nrrd_header *out,
                                kin_error *err)
{
    kin_lines lines = {.bytes = bytes, .size = size};
    char line[LINE_MAX_BYTES] = "";
    kin_status status = KIN_OK;
    *out = (kin_nrrd_header){.sign = {1.0, 1.0, 1.0}};
    if (!kin_nrrd_recognise(bytes, size) || !next_line(&lines, line))
        return kin_fail(err, KIN_E_FORMAT, NULL, "not an NRRD file");
    if (line[sizeof magic - 1] < '1' || line[sizeof magic - 1] > '5' || line[sizeof magic] != '\0')
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "NRRD of a version that is not known");
    while (status == KIN_OK && lines.at < lines.size) {
        if (!next_line(&lines, line))
            return kin_fail(err, KIN_E_FORMAT, NULL, "its header is broken or without an end");
        if (line[0] == '\0')
            break;
        if (line[0] != '#')
            status = read_field(out, line, err);
    }
    out->end = lines.at;
    return status == KIN_OK ? check(out, err) : status;
}

kin_status kin_nrrd_data_file(const void *bytes, size_t size, char name[KIN_NRRD_NAME_MAX],
                              kin_error *err)
{
    kin_nrrd_header header;
    kin_status status = kin_nrrd_header_read(bytes, size, &header, err);
    if (status == KIN_OK)
        memcpy(name, header.data_file, KIN_NRRD_NAME_MAX);
    return status;
}

size_t kin_nrrd_type_size(kin_nrrd_type type)
{
    switch (type) {
    case KIN_NRRD_I8:
    case KIN_NRRD_U8:
        return 1;
    case KIN_NRRD_I16:
    case KIN_NRRD_U16:
        return 2;
    case KIN_NRRD_I64:
    case KIN_NRRD_U64:
    case KIN_NRRD_F64:
        return 8;
    default:
        return 4;
    }
}
