/*
 * audit.h - the audit trail: who asked what of which patients, when, and with what outcome.
 *
 * One JSON object a line, appended to a file of its own (mode 0600), in the terms of the DICOM audit
 * message (PS3.15 A.5; IHE ATNA): event (id, action, time, outcome), active participants, audit
 * source, participant objects.  A line is whole or absent: one write(2), and a torn end left by a
 * crash or a full disk is closed by a line break before the next.  Lines are written before the
 * answer goes out; one that cannot be written turns the answer into UNAVAILABLE.
 */
#ifndef KIN_SERVICE_AUDIT_H
#define KIN_SERVICE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_audit kin_audit;

/* DICOM PS3.15 A.5.3: the kinds of events that the service has. */
typedef enum kin_audit_event {
    KIN_AUDIT_QUERY,       /* 110112: Search, SearchMany, Stats */
    KIN_AUDIT_ACCESS,      /* 110103 DICOM Instances Accessed: Get, Thumbnail; Delete, SetOutcome with
                              actions D, U */
    KIN_AUDIT_IMPORT,      /* 110107: Ingest */
    KIN_AUDIT_EXPORT,      /* 110106: Backup */
    KIN_AUDIT_APPLICATION, /* 110100: start, stop, reindex */
    KIN_AUDIT_SECURITY     /* 110113: refused callers */
} kin_audit_event;

/* One object: a UID or patient id and what it is. */
typedef struct kin_audit_object {
    const char *type; /* "sop_instance_uid", "study_instance_uid", "patient_id", "uid", "query",
                         "condition", "file", "backup" */
    const char *value;
} kin_audit_object;

typedef struct kin_audit_entry {
    kin_audit_event event;
    char action;              /* C create, R read, U update, D delete, E execute */
    const char *method;       /* "/kindred.v1.KindredService/Search" */
    const char *code;         /* "OK", "NOT_FOUND", … ; outcome 0 for OK, 4 for the caller's faults, 8
                                 for ours */
    const char *user, *how;   /* the rule's name, "" when unknown; "token", "certificate", "open" */
    const char *peer;         /* network access point */
    double seconds;           /* that the call took */
    const kin_audit_object *asked; /* what was asked … */
    size_t asked_count;
    const kin_audit_object *answered; /* … and which images came back */
    size_t answered_count;
    const char *text; /* of the failure, "" */
} kin_audit_entry;

/* path "" gives an audit that takes everything and writes nothing. */
kin_status kin_audit_open(const char *path, kin_audit **out, kin_error *err);
/* Opens the path anew (after a rotation); the old file stays when that fails. */
kin_status kin_audit_reopen(kin_audit *audit, kin_error *err);
/* Any thread. */
kin_status kin_audit_write(kin_audit *audit, const kin_audit_entry *entry, kin_error *err);
void kin_audit_close(kin_audit *audit);

#endif
