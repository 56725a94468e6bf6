/* labels_line.h - a record's labels for the one column that a table has for them. */
#ifndef KINDRED_LABELS_LINE_H
#define KINDRED_LABELS_LINE_H

#include "catalog/record.h"

/* What the labels say of a picture on one line, from malloc: the diagnosis, then "name=value" of
 * the others, words before numbers, without those of DICOM headers.  NULL without memory. */
char *kin_labels_line(const kin_record *record);

#endif
