/*
 * log.h - lines for operators: when, how grave, what.
 *
 * A log writes whole lines with one write(2) each, so that threads and processes may share a file.
 * Levels are syslog's; with the style KIN_LOG_JOURNAL lines begin with <N> as sd-daemon(3) says and
 * carry no time (the journal adds it).  Callers never put patients' identifiers, UIDs, conditions
 * or file names of images into a line: those belong into the audit trail only.
 */
#ifndef KIN_BASE_LOG_H
#define KIN_BASE_LOG_H

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kin_log_level {
    KIN_LOG_ERROR = 3,
    KIN_LOG_WARNING = 4,
    KIN_LOG_NOTICE = 5,
    KIN_LOG_INFO = 6,
    KIN_LOG_DEBUG = 7
} kin_log_level;

typedef enum kin_log_style { KIN_LOG_PLAIN, KIN_LOG_JOURNAL } kin_log_style;

/* Where lines go; a plain value, copied freely.  fd is borrowed. */
typedef struct kin_log {
    int fd;
    kin_log_level level; /* graver ones and this one are written */
    kin_log_style style;
} kin_log;

/* "error", "warning", "notice", "info", "debug"; KIN_E_ARG for anything else. */
kin_status kin_log_level_parse(const char *text, kin_log_level *out, kin_error *err);

/* Their names again; "unknown" for what is no level. */
const char *kin_log_level_name(kin_log_level level);

/* KIN_LOG_JOURNAL where fd leads to systemd's journal (it is the stream that $JOURNAL_STREAM
 * names), else KIN_LOG_PLAIN. */
kin_log_style kin_log_style_for(int fd);

/* One line: control characters in the text become '?', long text is cut.  Never fails. */
void kin_log_line(const kin_log *log, kin_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "WHAT: MESSAGE" of an error, without its subject. */
void kin_log_error(const kin_log *log, kin_log_level level, const char *what, const kin_error *err);

#ifdef __cplusplus
}
#endif

#endif
