#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What an analyser is told of these (status.h) is not what is defined here. */
#undef kin_fail
#undef kin_fail_errno

static void fill(kin_error *err, kin_status code, const char *subject, const char *fmt, va_list ap)
{
    err->code = code;
    vsnprintf(err->message, sizeof err->message, fmt, ap);
    /* The subject may be the error's own field (when an error is wrapped): then it stays. */
    if (subject != err->subject)
        snprintf(err->subject, sizeof err->subject, "%s", subject != NULL ? subject : "");
}

kin_status kin_fail(kin_error *err, kin_status code, const char *subject, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, subject, fmt, ap);
        va_end(ap);
    }
    return code;
}

static kin_status status_of_errno(int number)
{
    switch (number) {
    case ENOENT:
        return KIN_E_NOT_FOUND;
    case ENOMEM:
        return KIN_E_NOMEM;
    case EEXIST:
        return KIN_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* over the process's own limit (RLIMIT_FSIZE), or the file system's */
        return KIN_E_FULL;
    default:
        return KIN_E_IO;
    }
}

kin_status kin_fail_errno(kin_error *err, const char *subject, const char *fmt, ...)
{
    int number = errno;
    kin_status code = status_of_errno(number);
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, subject, fmt, ap);
        va_end(ap);
        size_t used = strlen(err->message);
        char reason[128];
        snprintf(err->message + used, sizeof err->message - used, ": %s",
                 strerror_r(number, reason, sizeof reason));
    }
    return code;
}

kin_status kin_error_name(kin_error *err, const char *subject)
{
    if (err == NULL)
        return KIN_OK;
    if (err->subject[0] == '\0' && subject != NULL)
        snprintf(err->subject, sizeof err->subject, "%s", subject);
    return err->code;
}

void kin_error_clear(kin_error *err)
{
    if (err != NULL) {
        err->code = KIN_OK;
        err->message[0] = '\0';
        err->subject[0] = '\0';
    }
}

const char *kin_status_text(kin_status code)
{
    static const char *const text[] = {
        [0] = "ok",
        [-KIN_E_ARG] = "invalid argument",
        [-KIN_E_NOMEM] = "out of memory",
        [-KIN_E_IO] = "input/output error",
        [-KIN_E_FORMAT] = "malformed input",
        [-KIN_E_UNSUPPORTED] = "unsupported",
        [-KIN_E_LIMIT] = "over a limit",
        [-KIN_E_NO_IMAGE] = "no image",
        [-KIN_E_NOT_FOUND] = "not found",
        [-KIN_E_EXISTS] = "exists already",
        [-KIN_E_CORRUPT] = "corrupt data",
        [-KIN_E_BUSY] = "busy",
        [-KIN_E_CANCELLED] = "cancelled",
        [-KIN_E_TIMEOUT] = "timed out",
        [-KIN_E_CRASHED] = "worker crashed",
        [-KIN_E_INTERNAL] = "internal error",
        [-KIN_E_FULL] = "no room on the disk",
    };
    int at = -(int)code;
    if (at < 0 || at >= (int)(sizeof text / sizeof text[0]))
        return "unknown status";
    return text[at];
}
