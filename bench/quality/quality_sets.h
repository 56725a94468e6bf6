/* quality_sets.h - the labelled sets of images that quality is measured on. */
#ifndef KIN_BENCH_QUALITY_SETS_H
#define KIN_BENCH_QUALITY_SETS_H

#include <stddef.h>

#include "archive/manifest.h"
#include "base/status.h"

typedef struct bench_quality_set {
    const char *name;      /* in tables */
    const char *folder;    /* under the data's folder */
    const char *leave_out; /* kin_eval_options.leave_out */
    const char *grouped;   /* for people: what keeps images together */
} bench_quality_set;

/* All of them; *count. */
const bench_quality_set *bench_quality_sets(size_t *count);

/*
 * The set's manifest.  A set whose files are numbered along the scans that they were cut from has,
 * beside what looks alike, a second reading: "by sequence" takes runs of BENCH_SEQUENCE files of one
 * name and folder as if they were a patient's, in a column of that name.  Its manifest is written
 * into `scratch`.  KIN_E_NOT_FOUND: the data are not there.
 */
enum { BENCH_SEQUENCE = 64 };
kin_status bench_quality_manifest(const bench_quality_set *set, const char *data,
                                  const char *scratch, kin_manifest **out, kin_error *err);

#endif
