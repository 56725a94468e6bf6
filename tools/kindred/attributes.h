/* attributes.h - the built-in attributes of a record, in the order in which they are shown and
 * exported. */
#ifndef KINDRED_ATTRIBUTES_H
#define KINDRED_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "catalog/record.h"

typedef enum kin_attribute_kind {
    KIN_ATTRIBUTE_TEXT,   /* char * */
    KIN_ATTRIBUTE_UINT32, /* uint32_t */
    KIN_ATTRIBUTE_UINT64, /* uint64_t */
    KIN_ATTRIBUTE_TIME,   /* int64_t, microseconds since 1970: as ISO 8601 UTC */
    KIN_ATTRIBUTE_DIGEST  /* kin_digest: as 32 hexadecimal digits */
} kin_attribute_kind;

typedef struct kin_attribute {
    const char *name;
    kin_attribute_kind kind;
    size_t offset; /* in kin_record */
} kin_attribute;

/* All attributes; *count of them. */
const kin_attribute *kin_attributes(size_t *count);

/* Is there an attribute of this name? */
bool kin_attribute_exists(const char *name);

enum { KIN_ATTRIBUTE_SCRATCH = 48 };

/* The attribute's value as text, in the record or in scratch. */
const char *kin_attribute_text(const kin_attribute *attribute, const kin_record *record,
                               char scratch[KIN_ATTRIBUTE_SCRATCH]);

/* The value of a label; "" where the record has none. */
const char *kin_label_text(const kin_record *record, const char *name);

#endif
