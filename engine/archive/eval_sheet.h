/* eval_sheet.h - a contact sheet: queries and their nearest, right and wrong marked. */
#ifndef KIN_ARCHIVE_EVAL_SHEET_H
#define KIN_ARCHIVE_EVAL_SHEET_H

#include "archive/eval_set.h"

/*
 * Writes a PNG at path: a row a query, of the first model's answers.  At its left the query in a grey
 * frame, then its nearest, best first, in green frames where they have its label and red ones where
 * not; below each its label and its score.  Queries are of the classes in turn, drawn by the options'
 * seed, so that the sheet shows what is usual, not what is best.  rows: 0 for a dozen.
 */
kin_status kin_eval_sheet_write(const kin_eval_set *set, const kin_eval_report *report,
                                const char *path, int rows, kin_error *err);

#endif
