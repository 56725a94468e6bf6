/*
 * status.h - what a function of Kindred returns, and the caller-owned error that says why.
 *
 * Every function that can fail returns a kin_status: KIN_OK (0) or a negative code.  The reason
 * goes into a kin_error that the caller owns (on its stack, usually); it needs no allocation, so
 * that it works when memory is gone.  A NULL kin_error is allowed everywhere and means "the code is
 * enough".
 *
 * Messages never hold patients' identifiers or pixel values.  The subject names the file or the UID
 * that the error concerns and is kept apart from the message, so that a caller may leave it out.
 */
#ifndef KIN_BASE_STATUS_H
#define KIN_BASE_STATUS_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kin_status {
    KIN_OK = 0,
    KIN_E_ARG = -1,         /* the caller's arguments make no sense (a usage error) */
    KIN_E_NOMEM = -2,       /* memory could not be had */
    KIN_E_IO = -3,          /* the operating system refused: the message has its reason */
    KIN_E_FORMAT = -4,      /* input is malformed, truncated or contradicts itself */
    KIN_E_UNSUPPORTED = -5, /* input is well-formed, but of a kind that is not handled */
    KIN_E_LIMIT = -6,       /* input asks for more than a configured bound */
    KIN_E_NO_IMAGE = -7,    /* well-formed and holds no picture (SR, RTSTRUCT, …): to skip */
    KIN_E_NOT_FOUND = -8,   /* no such UID, file or key */
    KIN_E_EXISTS = -9,      /* it is there already */
    KIN_E_CORRUPT = -10,    /* stored data fail their checksum or contradict the catalog */
    KIN_E_BUSY = -11,       /* another process holds the lock */
    KIN_E_CANCELLED = -12,  /* the caller asked to stop */
    KIN_E_TIMEOUT = -13,    /* it took longer than its bound */
    KIN_E_CRASHED = -14,    /* a worker process died */
    KIN_E_INTERNAL = -15,   /* a library misbehaved, or a bug of ours */
    KIN_E_FULL = -16        /* no room: on the disk, in a quota, for a file that large */
} kin_status;

enum { KIN_ERROR_MESSAGE_MAX = 256, KIN_ERROR_SUBJECT_MAX = 512 };

typedef struct kin_error {
    kin_status code;
    char message[KIN_ERROR_MESSAGE_MAX]; /* one line, no trailing newline */
    char subject[KIN_ERROR_SUBJECT_MAX]; /* file path or UID; empty when there is none */
} kin_error;

/* Fills *err (when not NULL) and returns code, so that `return kin_fail(err, KIN_E_IO, …)` is one
 * statement.  subject may be NULL; fmt is printf-like.  Long text is cut, never overrun. */
kin_status kin_fail(kin_error *err, kin_status code, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As kin_fail, with the text of errno behind the message ("cannot open: No such file").  ENOENT
 * gives KIN_E_NOT_FOUND, ENOMEM KIN_E_NOMEM, EEXIST KIN_E_EXISTS, ENOSPC, EDQUOT and EFBIG
 * KIN_E_FULL, every other one KIN_E_IO. */
kin_status kin_fail_errno(kin_error *err, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__
/* An analyser that sees one file at a time would go on as if these might return KIN_OK. */
#define kin_fail(err, code, ...) (kin_fail((err), (code), __VA_ARGS__), (code))
#define kin_fail_errno(err, ...) (kin_fail_errno((err), __VA_ARGS__), KIN_E_IO)
#endif

/* Sets the subject where none is set yet; returns err->code.  For callers that know the file's name
 * when the callee did not. */
kin_status kin_error_name(kin_error *err, const char *subject);

/* Clears *err to KIN_OK and empty texts. */
void kin_error_clear(kin_error *err);

/* A short fixed name, such as "out of memory" or "malformed input", for a status. */
const char *kin_status_text(kin_status code);

#ifdef __cplusplus
}
#endif

#endif
