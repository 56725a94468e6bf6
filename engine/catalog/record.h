/*
 * record.h - what the catalog knows of one image (one frame of one instance), or of one region of it.
 */
#ifndef KIN_CATALOG_RECORD_H
#define KIN_CATALOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/uid.h"

enum {
    KIN_RECORD_MAX_NAME = 200,      /* bytes of a label's name */
    KIN_RECORD_MAX_LABELS = 4096,   /* labels of one image */
    KIN_RECORD_MAX_BYTES = 1 << 20, /* a packed record */
    KIN_RECORD_SCRATCH = 40         /* a number or a digest as text, with its NUL */
};

/* The field that tells regions of an image from each other and from the whole. */
#define KIN_FIELD_REGION "region"

/* The label that has the value of a label called "region", as there could be before that was a
 * field. */
#define KIN_LABEL_OLD_REGION "region_name"

/* What a region of an image is: how its object or manifest calls it, its type as "SCHEME:VALUE", the
 * UID of the object that marks it, its number in there, the digest of that object's bytes, the
 * box around it, in pixels as stored, and its pixels' number. */
#define KIN_LABEL_REGION_LABEL  "region_label"
#define KIN_LABEL_REGION_CODE   "region_code"
#define KIN_LABEL_REGION_SOURCE "region_source"
#define KIN_LABEL_REGION_NUMBER "region_number"
#define KIN_LABEL_REGION_FILE   "region_file"
#define KIN_LABEL_REGION_X      "region_x"
#define KIN_LABEL_REGION_Y      "region_y"
#define KIN_LABEL_REGION_WIDTH  "region_width"
#define KIN_LABEL_REGION_HEIGHT "region_height"
#define KIN_LABEL_REGION_AREA   "region_area"
/* Where in the body it is, as "SCHEME:VALUE", and the UID by which it is followed over time. */
#define KIN_LABEL_REGION_SITE     "region_site"
#define KIN_LABEL_REGION_TRACKING "region_tracking"

/* A named value: a manifest's column or a DICOM attribute. */
typedef struct kin_label {
    char *name, *value;
} kin_label;

/*
 * All strings are owned, and never NULL after kin_record_init(): "" where unknown.  They are meant
 * to be UTF-8; that is not checked, since a path holds whatever bytes its file system allows.
 */
typedef struct kin_record {
    uint64_t id; /* the row in the store; assigned by kin_catalog_put() */
    char *sop_instance_uid, *series_instance_uid, *study_instance_uid;
    char *patient_id, *modality, *body_part;
    char *study_date; /* YYYYMMDD or "" */
    char *outcome;
    char *path;             /* where the file was, absolute */
    bool uploaded;          /* path is the name that a client gave: no file of this machine */
    uint32_t frame;         /* from 0 */
    uint32_t region;        /* 0: the whole image; from 1 on: a region of it, such as a lesion */
    uint32_t width, height; /* of the image, also where this is a region of it */
    kin_digest file;        /* of the file's bytes; both halves 0 where unknown */
    kin_digest content;     /* of the descriptor: equal digests are equal to Kindred's eye */
    int64_t ingested_us;    /* kin_clock_wall_us() when it was put, set by whoever puts it */
    kin_label *labels;      /* further values, names unique, sorted by name (bytes) */
    size_t label_count;
} kin_record;

/* Empty strings everywhere; KIN_E_NOMEM leaves a record that needs no release. */
kin_status kin_record_init(kin_record *record, kin_error *err);

/* Frees what the record owns and zeroes it: releasing twice is harmless. */
void kin_record_release(kin_record *record);

/* Replaces a string field by a copy of value (NULL counts as ""); on failure the old one stays. */
kin_status kin_record_set(char **field, const char *value, kin_error *err);

/*
 * Sets or replaces a label; an empty or NULL value removes it.  KIN_E_ARG: the name is empty or
 * that of a field ("modality", …: set the field instead).  KIN_E_LIMIT: KIN_RECORD_MAX_NAME or
 * _LABELS.
 */
kin_status kin_record_set_label(kin_record *record, const char *name, const char *value,
                                kin_error *err);

/* True for the name of a field, which no label may have: sop_instance_uid, series_instance_uid,
 * study_instance_uid, patient_id, modality, body_part, study_date, outcome, path, frame, region,
 * width, height, file. */
bool kin_record_is_field(const char *name);

/* True for the name of a label that says something of a region ("region_label", …), and not of its image;
 * KIN_LABEL_OLD_REGION is not one. */
bool kin_record_is_region_label(const char *name);

/*
 * The value of a field or label by name, or NULL where the image has none.  Numbers are written
 * into scratch in decimal, "file" as 32 hexadecimal digits; other values are borrowed from the
 * record.
 */
const char *kin_record_value(const kin_record *record, const char *name,
                             char scratch[KIN_RECORD_SCRATCH]);

/* Calls visit for each field that has a value, in the order above, then for each label; stops at
 * the first status other than KIN_OK, and returns it. */
kin_status kin_record_each_value(const kin_record *record,
                                 kin_status (*visit)(void *ctx, const char *name,
                                                     const char *value),
                                 void *ctx);

/* A deep copy into out, whose former content is not looked at. */
kin_status kin_record_copy(const kin_record *record, kin_record *out, kin_error *err);

/*
 * The protobuf message kindred.store.v1.Image (without the id, which is its key in the catalog) in
 * memory from malloc, which the caller frees.  KIN_E_LIMIT: over KIN_RECORD_MAX_BYTES or _LABELS.
 */
kin_status kin_record_pack(const kin_record *record, void **out, size_t *out_size, kin_error *err);

/*
 * The other way round; out's former content is not looked at, its id is 0.  Memory is bounded by a
 * few times KIN_RECORD_MAX_BYTES whatever the bytes say, since protobuf-c has no limits of its own.
 * What is broken, or over the limits above, is KIN_E_CORRUPT, and leaves nothing to release.
 */
kin_status kin_record_unpack(const void *bytes, size_t size, kin_record *out, kin_error *err);

#endif
