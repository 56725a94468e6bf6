/* nrrd_fields.c - the fields of an NRRD header, one by one. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "volume/nrrd_header.h"

enum { SKIP_MAX = 1 << 30 };

static bool end_of_number(const char *end)
{
    return *end == '\0' || isspace((unsigned char)*end) || *end == ',' || *end == ')';
}

static bool take_long(const char **text, long low, long high, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(*text, &end, 10);
    if (end == *text || errno != 0 || !end_of_number(end) || *out < low || *out > high)
        return false;
    *text = end;
    return true;
}

static bool take_double(const char **text, double *out)
{
    char *end;
    *out = strtod(*text, &end);
    if (end == *text || !end_of_number(end))
        return false;
    *text = end;
    return true;
}

static void skip_spaces(const char **text)
{
    while (isspace((unsigned char)**text))
        (*text)++;
}

static bool take_char(const char **text, char c)
{
    skip_spaces(text);
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

/* "(x,y,z)" */
static bool take_vector(const char **text, double out[3])
{
    for (int a = 0; a < 3; a++)
        if (!take_char(text, a == 0 ? '(' : ',') || !take_double(text, &out[a]) ||
            !isfinite(out[a]))
            return false;
    return take_char(text, ')');
}

/* One name of a kind of thing, and what it stands for. */
typedef struct kin_word {
    const char *name;
    int value;
} kin_word;

static bool find_word(const kin_word *words, const char *text, int *out)
{
    for (; words->name != NULL; words++)
        if (strcasecmp(words->name, text) == 0) {
            *out = words->value;
            return true;
        }
    return false;
}

static const kin_word type_words[] = {{"signed char", KIN_NRRD_I8},
                                      {"int8", KIN_NRRD_I8},
                                      {"int8_t", KIN_NRRD_I8},
                                      {"uchar", KIN_NRRD_U8},
                                      {"unsigned char", KIN_NRRD_U8},
                                      {"uint8", KIN_NRRD_U8},
                                      {"uint8_t", KIN_NRRD_U8},
                                      {"short", KIN_NRRD_I16},
                                      {"short int", KIN_NRRD_I16},
                                      {"signed short", KIN_NRRD_I16},
                                      {"signed short int", KIN_NRRD_I16},
                                      {"int16", KIN_NRRD_I16},
                                      {"int16_t", KIN_NRRD_I16},
                                      {"ushort", KIN_NRRD_U16},
                                      {"unsigned short", KIN_NRRD_U16},
                                      {"unsigned short int", KIN_NRRD_U16},
                                      {"uint16", KIN_NRRD_U16},
                                      {"uint16_t", KIN_NRRD_U16},
                                      {"int", KIN_NRRD_I32},
                                      {"signed int", KIN_NRRD_I32},
                                      {"int32", KIN_NRRD_I32},
                                      {"int32_t", KIN_NRRD_I32},
                                      {"uint", KIN_NRRD_U32},
                                      {"unsigned int", KIN_NRRD_U32},
                                      {"uint32", KIN_NRRD_U32},
                                      {"uint32_t", KIN_NRRD_U32},
                                      {"longlong", KIN_NRRD_I64},
                                      {"long long", KIN_NRRD_I64},
                                      {"long long int", KIN_NRRD_I64},
                                      {"signed long long", KIN_NRRD_I64},
                                      {"signed long long int", KIN_NRRD_I64},
                                      {"int64", KIN_NRRD_I64},
                                      {"int64_t", KIN_NRRD_I64},
                                      {"ulonglong", KIN_NRRD_U64},
                                      {"unsigned long long", KIN_NRRD_U64},
                                      {"unsigned long long int", KIN_NRRD_U64},
                                      {"uint64", KIN_NRRD_U64},
                                      {"uint64_t", KIN_NRRD_U64},
                                      {"float", KIN_NRRD_F32},
                                      {"double", KIN_NRRD_F64},
                                      {NULL, 0}};

static kin_status read_type(kin_nrrd_header *header, const char *text, kin_error *err)
{
    int type;
    if (!find_word(type_words, text, &type))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "samples of the type '%.32s' are not read",
                        text);
    header->type = (kin_nrrd_type)type;
    return KIN_OK;
}

static kin_status read_encoding(kin_nrrd_header *header, const char *text, kin_error *err)
{
    static const kin_word words[] = {{"raw", KIN_NRRD_RAW},  {"gzip", KIN_NRRD_GZIP},
                                     {"gz", KIN_NRRD_GZIP},  {"text", KIN_NRRD_TEXT},
                                     {"txt", KIN_NRRD_TEXT}, {"ascii", KIN_NRRD_TEXT},
                                     {"hex", KIN_NRRD_HEX},  {NULL, 0}};
    int encoding;
    if (!find_word(words, text, &encoding))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "the encoding '%.32s' is not read", text);
    header->encoding = (kin_nrrd_encoding)encoding;
    return KIN_OK;
}

static kin_status read_space(kin_nrrd_header *header, const char *text, kin_error *err)
{
    enum { LPS, RAS, LAS };
    static const kin_word words[] = {{"left-posterior-superior", LPS},
                                     {"LPS", LPS},
                                     {"right-anterior-superior", RAS},
                                     {"RAS", RAS},
                                     {"left-anterior-superior", LAS},
                                     {"LAS", LAS},
                                     {NULL, 0}};
    int space;
    if (header->space_axes != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "its space is given twice");
    if (!find_word(words, text, &space))
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "the space '%.48s' is not a patient's", text);
    header->space_axes = 3;
    header->sign[0] = space == RAS ? -1.0 : 1.0;
    header->sign[1] = space == LPS ? 1.0 : -1.0;
    return KIN_OK;
}

static kin_status read_space_dimension(kin_nrrd_header *header, const char *text, kin_error *err)
{
    if (header->space_axes != 0)
        return kin_fail(err, KIN_E_FORMAT, NULL, "its space is given twice");
    if (strcmp(text, "3") != 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "a space of %.8s dimensions is not read",
                        text);
    header->space_axes = 3;
    return KIN_OK;
}

static kin_status broken(const char *field, kin_error *err)
{
    return kin_fail(err, KIN_E_FORMAT, NULL, "the header's '%s' cannot be read", field);
}

static kin_status read_dimension(kin_nrrd_header *header, const char *text, kin_error *err)
{
    long axes;
    if (!take_long(&text, 1, 16, &axes) || *text != '\0')
        return broken("dimension", err);
    if (axes < 2 || axes > KIN_NRRD_AXES_MAX)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "it has %ld dimensions: 2 and 3 are read",
                        axes);
    header->axes = (int)axes;
    return KIN_OK;
}

static kin_status read_sizes(kin_nrrd_header *header, const char *text, kin_error *err)
{
    for (int a = 0; a < header->axes; a++) {
        long size;
        if (!take_long(&text, 1, (long)KIN_VOLUME_VOXELS_MAX, &size))
            return broken("sizes", err);
        header->size[a] = (int)size;
    }
    return *text == '\0' ? KIN_OK : broken("sizes", err);
}

static kin_status read_endian(kin_nrrd_header *header, const char *text, kin_error *err)
{
    static const kin_word words[] = {{"little", 0}, {"big", 1}, {NULL, 0}};
    int big;
    if (!find_word(words, text, &big))
        return broken("endian", err);
    header->has_endian = true;
    header->big_endian = big != 0;
    return KIN_OK;
}

static kin_status read_skip(const char *text, const char *field, long low, long *out,
                            kin_error *err)
{
    return take_long(&text, low, SKIP_MAX, out) && *text == '\0' ? KIN_OK : broken(field, err);
}

static kin_status read_line_skip(kin_nrrd_header *header, const char *text, kin_error *err)
{
    return read_skip(text, "line skip", 0, &header->line_skip, err);
}

static kin_status read_byte_skip(kin_nrrd_header *header, const char *text, kin_error *err)
{
    return read_skip(text, "byte skip", -1, &header->byte_skip, err);
}

/* NaN stands for unknown. */
static kin_status read_spacings(kin_nrrd_header *header, const char *text, kin_error *err)
{
    for (int a = 0; a < header->axes; a++) {
        if (!take_double(&text, &header->spacing[a]) || isinf(header->spacing[a]))
            return broken("spacings", err);
        header->spacing[a] = fabs(header->spacing[a]);
        header->has_spacing[a] = header->spacing[a] > 0.0;
    }
    skip_spaces(&text);
    return *text == '\0' ? KIN_OK : broken("spacings", err);
}

static kin_status read_directions(kin_nrrd_header *header, const char *text, kin_error *err)
{
    for (int a = 0; a < header->axes; a++)
        if (!take_vector(&text, header->directions[a]))
            return broken("space directions", err);
    skip_spaces(&text);
    header->has_directions = true;
    return *text == '\0' ? KIN_OK : broken("space directions", err);
}

static kin_status read_origin(kin_nrrd_header *header, const char *text, kin_error *err)
{
    return take_vector(&text, header->origin) ? KIN_OK : broken("space origin", err);
}

/* Axes that are no places: colours, vectors, lists. */
static kin_status read_kinds(kin_nrrd_header *header, const char *text, kin_error *err)
{
    static const char *const places[] = {"domain", "space", "???", "none"};
    for (int a = 0; a < header->axes; a++) {
        skip_spaces(&text);
        size_t length = strcspn(text, " \t");
        bool place = false;
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
            place =
                place || (strlen(places[i]) == length && strncasecmp(text, places[i], length) == 0);
        if (!place)
            return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                            "its axis %d is no place in space but '%.*s'", a,
                            (int)(length < 32 ? length : 32), text);
        text += length;
    }
    return KIN_OK;
}

static kin_status read_data_file(kin_nrrd_header *header, const char *text, kin_error *err)
{
    if (strncmp(text, "LIST", 4) == 0 || strchr(text, '%') != NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "its data are in several files");
    if (strchr(text, '/') != NULL || strchr(text, '\\') != NULL || strcmp(text, "..") == 0 ||
        strcmp(text, ".") == 0)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "its data file must lie beside it, without a folder in its name");
    if (text[0] == '\0' || strlen(text) >= sizeof header->data_file)
        return broken("data file", err);
    memcpy(header->data_file, text, strlen(text) + 1);
    return KIN_OK;
}

/* The fields that matter; others (content, units, thicknesses, min, max …) are passed over. */
static const struct kin_field {
    const char *name;
    kin_status (*read)(kin_nrrd_header *header, const char *text, kin_error *err);
    bool needs_dimension;
} fields[] = {{"type", read_type, false},
              {"encoding", read_encoding, false},
              {"dimension", read_dimension, false},
              {"sizes", read_sizes, true},
              {"endian", read_endian, false},
              {"space", read_space, false},
              {"space dimension", read_space_dimension, false},
              {"space directions", read_directions, true},
              {"space origin", read_origin, false},
              {"spacings", read_spacings, true},
              {"kinds", read_kinds, true},
              {"line skip", read_line_skip, false},
              {"lineskip", read_line_skip, false},
              {"byte skip", read_byte_skip, false},
              {"byteskip", read_byte_skip, false},
              {"data file", read_data_file, false},
              {"datafile", read_data_file, false}};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

kin_status kin_nrrd_field_read(kin_nrrd_header *header, const char *name, const char *text,
                               kin_error *err)
{
    skip_spaces(&text);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcasecmp(fields[i].name, name) != 0)
            continue;
        if ((header->seen & (1u << i)) != 0)
            return kin_fail(err, KIN_E_FORMAT, NULL, "its header has two fields '%s'",
                            fields[i].name);
        if (fields[i].needs_dimension && header->axes == 0)
            return kin_fail(err, KIN_E_FORMAT, NULL, "its header has '%s' before the dimension",
                            fields[i].name);
        header->seen |= 1u << i;
        return fields[i].read(header, text, err);
    }
    return KIN_OK;
}
