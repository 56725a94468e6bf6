/* csv_write.h - CSV by RFC 4180: fields quoted where needed, quotes doubled, lines end in CR LF. */
#ifndef KINDRED_CSV_WRITE_H
#define KINDRED_CSV_WRITE_H

#include <stdio.h>

/* Writes one field, its content unchanged.  Quoted when it holds a comma, a quote, a line break,
 * or blanks at an end (which readers may strip).  Failures show in ferror(out). */
void kin_csv_field(FILE *out, const char *value);

/* What stands between fields, and at the end of a record. */
void kin_csv_comma(FILE *out);
void kin_csv_end(FILE *out);

#endif
