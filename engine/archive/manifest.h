/*
 * manifest.h - a CSV file that says what is known of images.
 *
 * The header names the columns.  `path` (relative to the CSV's folder) says which file a row is
 * about.  The columns patient_id, modality, body_part, study_date, outcome, study_uid (or
 * study_instance_uid) and series_uid (or series_instance_uid) fill those fields of the record;
 * every other column becomes a label of its own name (one named like a fact of the image, such as
 * frame, width or format, is passed over; `region` becomes the label region_name).  `roi`, `mask` and
 * `roi_label` mark regions of the image: see manifest_regions.h.  For DICOM files UIDs stay the file's own; other fields
 * of the manifest win over the file's.
 */
#ifndef KIN_ARCHIVE_MANIFEST_H
#define KIN_ARCHIVE_MANIFEST_H

#include <limits.h>
#include <stddef.h>

#include "base/status.h"

typedef struct kin_manifest kin_manifest;

/* Bounds: a manifest is input like any other. */
enum {
    KIN_MANIFEST_COLUMNS_MAX = 256,
    KIN_MANIFEST_ROWS_MAX = 20000000,
    KIN_MANIFEST_FIELD_MAX = 65536
};

/* Reads the whole file.  KIN_E_FORMAT names the line: no `path` column, a row longer than the
 * header, a quote without an end… */
kin_status kin_manifest_read(const char *csv, kin_manifest **out, kin_error *err);
void kin_manifest_free(kin_manifest *manifest);

size_t kin_manifest_rows(const kin_manifest *manifest);
size_t kin_manifest_columns(const kin_manifest *manifest);
const char *kin_manifest_column_borrow(const kin_manifest *manifest, size_t column);
/* Value of a column in a row; "" where the row is short. */
const char *kin_manifest_value_borrow(const kin_manifest *manifest, size_t row, size_t column);
/* The file that a row is about, absolute, links resolved where the file exists. */
const char *kin_manifest_path_borrow(const kin_manifest *manifest, size_t row);
/* A path that a value names, relative to the CSV's folder or absolute, into buf; KIN_E_ARG: too long. */
kin_status kin_manifest_resolve(const kin_manifest *manifest, const char *path, char buf[PATH_MAX],
                                kin_error *err);
/* Column number of a name, or -1. */
int kin_manifest_find_column(const kin_manifest *manifest, const char *name);
/* Row about the file at (absolute, resolved) path, or -1. The last row wins where several name one
 * file. */
long kin_manifest_find_path(const kin_manifest *manifest, const char *path);

#endif
