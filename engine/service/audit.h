/*
 * audit.h - the audit trail: who asked what of which patients, when, and with what outcome.
 *
 * One JSON object a line, appended to a file of its own, in the terms of the DICOM audit message
 * (PS3.15 A.5; RFC 3881; IHE ATNA): event (id, action, time, outcome), active participants, audit
 * source, participant objects:
 *
 *   {"event":{"id":"110112","name":"Query","action":"E","time":"2026-11-24T11:22:33.456789Z",
 *             "outcome":0,"sequence":17,"method":"/kindred.v1.KindredService/Search","code":"OK",
 *             "seconds":0.0123,"text":"","part":[1,2]},
 *    "participants":[{"user":"ward-3","authentication":"token",
 *                     "network_access_point":"ipv4:10.0.0.7:40312","requestor":true}],
 *    "source":{"id":"kindredd","host":"pacs-ai","pid":812},
 *    "objects":[{"type":"condition","value":"modality = CT","role":"asked"},
 *               {"type":"sop_instance_uid","value":"1.2.3","role":"answered"}]}
 *
 * - Lines have at most KIN_AUDIT_LINE_MAX bytes, all of them ASCII (other characters are \u escapes;
 *   bytes that are not UTF-8 become U+FFFD).  An event with more objects takes several lines: part
 *   says which of how many, and all the rest of "event" is the same.  A value that is too long for
 *   one object goes on in the next, "piece" says which of how many.  Nothing that was asked or
 *   answered is left out.
 * - sequence counts the events since the trail was opened, so that one that could not be written
 *   (and one that somebody took out) shows as a gap.
 * - A line is whole or it is not JSON: it is one write(2) in append mode, and a torn end left by a
 *   crash or a full disk is closed by a line break before the next.
 * - Lines are written before the answer goes out, and one that cannot be written turns the answer
 *   into UNAVAILABLE.  A written line survives the process (kill -9); it is synced to the disk at
 *   rotation and at the end only, since a sync for each call would bound the service by the disk's
 *   latency.  Where power losses must cost nothing the file belongs on a volume mounted with `sync`.
 * - The file is made with mode 0600; one that others may read, or group or others may write, is
 *   refused.  (Its group may be let to read it, for whoever ships it.)
 */
#ifndef KIN_SERVICE_AUDIT_H
#define KIN_SERVICE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct kin_audit kin_audit;

enum {
    KIN_AUDIT_LINE_MAX = 64 * 1024, /* bytes with the line's end */
    KIN_AUDIT_HEAD_TEXT_MAX = 1000  /* bytes of a method, a user, a failure's text; more is cut */
};

/* DICOM PS3.15 A.5.3: the kinds of events that the service has. */
typedef enum kin_audit_event {
    KIN_AUDIT_QUERY,  /* 110112: Search, SearchMany, Stats */
    KIN_AUDIT_ACCESS, /* 110103 DICOM Instances Accessed: Get, Thumbnail; Delete, SetOutcome with
                              actions D, U */
    KIN_AUDIT_IMPORT, /* 110107: Ingest */
    KIN_AUDIT_EXPORT, /* 110106: Backup */
    KIN_AUDIT_APPLICATION, /* 110100: start, stop, reindex */
    KIN_AUDIT_SECURITY     /* 110113: refused callers */
} kin_audit_event;

/* One object: a UID or patient id and what it is. */
typedef struct kin_audit_object {
    const char *type; /* "sop_instance_uid", "study_instance_uid", "patient_id", "uid", "query",
                         "condition", "file", "backup", "values_of", or a label's name */
    const char *value;
} kin_audit_object;

/* Texts may be NULL, which is "". */
typedef struct kin_audit_entry {
    kin_audit_event event;
    char action;        /* C create, R read, U update, D delete, E execute */
    const char *method; /* "/kindred.v1.KindredService/Search" */
    const char *code;   /* "OK", "NOT_FOUND", … ; outcome 0 for OK, 4 for the caller's faults, 8
                                 for ours */
    const char *user, *how; /* the rule's name, "" when unknown; "token", "certificate", "open" */
    const char *peer;       /* network access point */
    double seconds;         /* that the call took */
    const kin_audit_object *asked; /* what was asked … */
    size_t asked_count;
    const kin_audit_object *answered; /* … and which images came back */
    size_t answered_count;
    const char *text; /* of the failure, "" */
} kin_audit_entry;

/* path "" gives an audit that takes everything and writes nothing.  KIN_E_ARG: others may read or
 * write the file. */
kin_status kin_audit_open(const char *path, kin_audit **out, kin_error *err);
/* Opens the path anew (after a rotation); the old file stays when that fails.  Any thread: every
 * event is wholly in one file or in the other. */
kin_status kin_audit_reopen(kin_audit *audit, kin_error *err);
/* Any thread.  On failure (KIN_E_IO: the disk is full) nothing or a part of the event is there; the
 * next one may succeed. */
kin_status kin_audit_write(kin_audit *audit, const kin_audit_entry *entry, kin_error *err);
void kin_audit_close(kin_audit *audit); /* NULL is fine */

#endif
