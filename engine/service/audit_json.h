/* audit_json.h - the pieces that audit lines are made of. */
#ifndef KIN_SERVICE_AUDIT_JSON_H
#define KIN_SERVICE_AUDIT_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "service/audit.h"

enum {
    KIN_AUDIT_TYPE_MAX = 64,    /* bytes of an object's type, with its NUL */
    KIN_AUDIT_PIECE_MAX = 2048, /* bytes of a value in one object */
    KIN_AUDIT_JSON_FLAGS = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9),
    KIN_AUDIT_ESCAPE_MAX = 6 /* bytes in JSON for one of text, at worst: \u0001 */
};

/* JSON that grows.  Zero-initialised is empty. */
typedef struct kin_audit_json {
    char *bytes;
    size_t size, capacity;
    size_t *ends; /* where each of its parts ends */
    size_t count, ends_capacity;
} kin_audit_json;

/* These return 0, or -1 without memory. */
int kin_audit_json_append(kin_audit_json *json, const char *bytes, size_t size);
/* Ends a part. */
int kin_audit_json_end(kin_audit_json *json);
/* A value as text, which is freed; NULL is taken for missing memory. */
int kin_audit_json_dump(kin_audit_json *json, json_t *value);
/* Objects as parts of their own, with this role; long values as several. */
int kin_audit_json_objects(kin_audit_json *json, const kin_audit_object *objects, size_t count,
                           const char *role);
void kin_audit_json_release(kin_audit_json *json);

/* A text (NULL is "") as well-formed UTF-8 into out, cut between two characters (and saying so by
 * "...") where it has no room. */
void kin_audit_text(const char *text, char *out, size_t size);

#endif
