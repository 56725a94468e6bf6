/* csv_export.h - an archive's records as CSV: a column for each attribute, then one for each
 * label in use. */
#ifndef KINDRED_CSV_EXPORT_H
#define KINDRED_CSV_EXPORT_H

#include <stdio.h>

#include "archive/archive.h"

/* Writes the records that meet where (NULL: all).  Labels are found in a first pass, so
 * KIN_E_BUSY when a new one appears before the second has ended: the export is to be made again.
 * A label whose name is also an attribute's gets the heading "label.NAME".  Write errors show in
 * ferror(out). */
kin_status kin_csv_export(kin_archive *archive, const kin_condition *where, FILE *out,
                          kin_error *err);

#endif
