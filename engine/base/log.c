#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* A line is one write: up to this size it also is one where the other end is a pipe (PIPE_BUF). */
enum { LINE_MAX_BYTES = 2048 };

static const char *const names[] = {
    [KIN_LOG_ERROR] = "error", [KIN_LOG_WARNING] = "warning", [KIN_LOG_NOTICE] = "notice",
    [KIN_LOG_INFO] = "info",   [KIN_LOG_DEBUG] = "debug",
};

const char *kin_log_level_name(kin_log_level level)
{
    return level >= KIN_LOG_ERROR && level <= KIN_LOG_DEBUG ? names[level] : "unknown";
}

kin_status kin_log_level_parse(const char *text, kin_log_level *out, kin_error *err)
{
    for (int level = KIN_LOG_ERROR; level <= KIN_LOG_DEBUG; level++)
        if (strcmp(text, names[level]) == 0) {
            *out = (kin_log_level)level;
            return KIN_OK;
        }
    return kin_fail(err, KIN_E_ARG, NULL,
                    "a log's level is one of error, warning, notice, info, debug");
}

kin_log_style kin_log_style_for(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (stream == NULL || fstat(fd, &st) != 0)
        return KIN_LOG_PLAIN;
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0 ? KIN_LOG_JOURNAL : KIN_LOG_PLAIN;
}

/* What stands before a line's text: "<3>", or "2026-11-24T11:30:00.123Z error: ".  Returns its
 * length. */
static size_t put_prefix(const kin_log *log, kin_log_level level, char *line, size_t size)
{
    if (log->style == KIN_LOG_JOURNAL)
        return (size_t)snprintf(line, size, "<%d>", (int)level);
    int64_t now = kin_clock_wall_us();
    time_t seconds = (time_t)(now / 1000000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    size_t used = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    used += (size_t)snprintf(line + used, size - used, ".%03dZ %s: ", (int)(now / 1000 % 1000),
                             kin_log_level_name(level));
    return used;
}

/* Control characters would forge lines or steer a terminal. */
static void make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            *text = '?';
}

/* The whole line, or as much as the descriptor takes: there is nobody to tell. */
static void write_line(int fd, const char *line, size_t size)
{
    while (size > 0) {
        ssize_t put = write(fd, line, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        line += put;
        size -= (size_t)put;
    }
}

static void put_line(const kin_log *log, kin_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void put_line(const kin_log *log, kin_log_level level, const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];
    int number = errno; /* callers log and then look at it */
    size_t used = put_prefix(log, level, line, sizeof line);
    const size_t room = sizeof line - 1 - used; /* one byte is kept for the line's end */
    int wanted = vsnprintf(line + used, room, fmt, ap);
    make_one_line(line + used);
    if (wanted >= (int)room)
        snprintf(line + sizeof line - 5, 4, "...");
    used += strlen(line + used);
    line[used++] = '\n';
    write_line(log->fd, line, used);
    errno = number;
}

void kin_log_line(const kin_log *log, kin_log_level level, const char *fmt, ...)
{
    va_list ap;
    if (level > log->level)
        return;
    va_start(ap, fmt);
    put_line(log, level, fmt, ap);
    va_end(ap);
}

void kin_log_error(const kin_log *log, kin_log_level level, const char *what, const kin_error *err)
{
    kin_log_line(log, level, "%s: %s", what,
                 err->message[0] != '\0' ? err->message : kin_status_text(err->code));
}
