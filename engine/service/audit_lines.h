/* audit_lines.h - an audit entry as the lines of the trail. */
#ifndef KIN_SERVICE_AUDIT_LINES_H
#define KIN_SERVICE_AUDIT_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "service/audit_json.h"

/* What the entry itself does not say. */
typedef struct kin_audit_stamp {
    int64_t time_us; /* since 1970, UTC */
    uint64_t sequence;
    const char *host;
    long pid;
} kin_audit_stamp;

/* Appends the entry's lines to `lines`, a part each.  A line is led by a line break of its own, so
 * that a writer can close a torn line with the same write; others leave that byte out.  -1 without
 * memory. */
int kin_audit_lines_make(const kin_audit_entry *entry, const kin_audit_stamp *stamp,
                         kin_audit_json *lines);

#endif
