/* nrrd_header.h - the text part of an NRRD file. */
#ifndef KIN_VOLUME_NRRD_HEADER_H
#define KIN_VOLUME_NRRD_HEADER_H

#include <stdint.h>

#include "volume/nrrd.h"

enum { KIN_NRRD_AXES_MAX = 3 };

typedef enum kin_nrrd_type {
    KIN_NRRD_TYPE_NONE,
    KIN_NRRD_I8,
    KIN_NRRD_U8,
    KIN_NRRD_I16,
    KIN_NRRD_U16,
    KIN_NRRD_I32,
    KIN_NRRD_U32,
    KIN_NRRD_I64,
    KIN_NRRD_U64,
    KIN_NRRD_F32,
    KIN_NRRD_F64
} kin_nrrd_type;

typedef enum kin_nrrd_encoding {
    KIN_NRRD_ENCODING_NONE,
    KIN_NRRD_RAW,
    KIN_NRRD_GZIP,
    KIN_NRRD_TEXT,
    KIN_NRRD_HEX
} kin_nrrd_encoding;

typedef struct kin_nrrd_header {
    kin_nrrd_type type;
    kin_nrrd_encoding encoding;
    int axes; /* 2 or 3 */
    int size[KIN_NRRD_AXES_MAX];
    bool has_endian, big_endian;
    long line_skip, byte_skip; /* byte_skip -1: the data are the file's last bytes */
    double spacing[KIN_NRRD_AXES_MAX];
    bool has_spacing[KIN_NRRD_AXES_MAX];
    double sign[3]; /* of the space's axes, to make them LPS */
    int space_axes; /* 0: no space */
    bool has_directions;
    double directions[KIN_NRRD_AXES_MAX][3];
    double origin[3];
    char data_file[KIN_NRRD_NAME_MAX];
    unsigned seen; /* which fields came: nrrd_fields.c's own */
    size_t end;    /* bytes of the header: where attached data begin */
} kin_nrrd_header;

/* Reads and checks the header. */
kin_status kin_nrrd_header_read(const void *bytes, size_t size, kin_nrrd_header *out,
                                kin_error *err);

/* Reads one field into *header; those that do not matter (content, units, thicknesses, min, max …)
 * are passed over. */
kin_status kin_nrrd_field_read(kin_nrrd_header *header, const char *name, const char *text,
                               kin_error *err);

/* Bytes of one sample. */
size_t kin_nrrd_type_size(kin_nrrd_type type);

#endif
