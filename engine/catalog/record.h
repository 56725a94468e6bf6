/*
 * record.h - what the catalog knows of one image (one frame of one instance).
 */
#ifndef KIN_CATALOG_RECORD_H
#define KIN_CATALOG_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/uid.h"

/* A named value: a manifest's column or a DICOM attribute. */
typedef struct kin_label {
    char *name, *value;
} kin_label;

/* All strings are UTF-8, owned, never NULL after kin_record_init() ("" where unknown). */
typedef struct kin_record {
    uint64_t id; /* the row in the store; assigned by kin_catalog_put() */
    char *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    char *patient_id, *modality, *body_part;
    char *study_date; /* YYYYMMDD or "" */
    char *outcome;
    char *path;     /* where the file was, absolute */
    uint32_t frame; /* from 0 */
    uint32_t width, height;
    kin_digest file;    /* of the file's bytes */
    kin_digest content; /* of the descriptor: equal digests are equal to Kindred's eye */
    int64_t ingested_us; /* kin_clock_wall_us() at commit */
    kin_label *labels;   /* further values, names unique, sorted by name */
    size_t label_count;
} kin_record;

/* Empty strings everywhere; KIN_E_NOMEM. */
kin_status kin_record_init(kin_record *record, kin_error *err);
void kin_record_release(kin_record *record);

/* Replaces a string field by a copy of value (NULL counts as ""). */
kin_status kin_record_set(char **field, const char *value, kin_error *err);

/* Sets or replaces a label; an empty value removes it. */
kin_status kin_record_set_label(kin_record *record, const char *name, const char *value, kin_error *err);

/* The value of a field ("modality", "frame", …) or label by name, or NULL.  Numbers are written into
 * scratch (32 bytes). */
const char *kin_record_value(const kin_record *record, const char *name, char scratch[32]);

/* A deep copy. */
kin_status kin_record_copy(const kin_record *record, kin_record *out, kin_error *err);

/* The protobuf message kindred.store.v1.Image: packed into malloc'ed memory; unpacked with a bounded
 * allocator (protobuf-c has no limits of its own).  Broken bytes are KIN_E_CORRUPT. */
kin_status kin_record_pack(const kin_record *record, void **out, size_t *out_size, kin_error *err);
kin_status kin_record_unpack(const void *bytes, size_t size, kin_record *out, kin_error *err);

#endif
