/* fields.h - the fields of a record by name (internal to the catalog). */
#ifndef KIN_CATALOG_FIELDS_H
#define KIN_CATALOG_FIELDS_H

#include "catalog/record.h"

/* How a field is kept in kin_record. */
typedef enum kin_field_type {
    KIN_FIELD_TEXT,   /* char * */
    KIN_FIELD_NUMBER, /* uint32_t */
    KIN_FIELD_DIGEST  /* kin_digest */
} kin_field_type;

/* How conditions compare its values (condition.h). */
typedef enum kin_compare_as {
    KIN_COMPARE_AUTO,   /* as dates, numbers or text, as both sides look; labels too */
    KIN_COMPARE_NUMBER, /* as numbers, never as dates */
    KIN_COMPARE_TEXT    /* by bytes: patient 007 is not patient 7 */
} kin_compare_as;

typedef struct kin_field {
    const char *name;
    size_t offset; /* in kin_record */
    kin_field_type type;
    kin_compare_as compare;
} kin_field;

/* All fields; *count of them. */
const kin_field *kin_fields(size_t *count);

/* The field of that name, or NULL (it is a label's). */
const kin_field *kin_field_find(const char *name);

/* The field's value as text, in scratch where it is no string; NULL where unknown. */
const char *kin_field_text(const kin_record *record, const kin_field *field,
                           char scratch[KIN_RECORD_SCRATCH]);

/* The string of a KIN_FIELD_TEXT. */
char **kin_field_string(kin_record *record, const kin_field *field);

#endif
