#include "service/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/audit_lines.h"

/* Never on the trail's file: these must not be read or written by others, nor written by the
 * group. */
static const mode_t forbidden = S_IROTH | S_IWOTH | S_IWGRP;

struct kin_audit {
    char *path; /* "": nothing is written */
    char host[256];
    atomic_uint_fast64_t sequence; /* of the last event */
    pthread_mutex_t lock;          /* for what follows */
    int fd;
    bool torn; /* the file's last line has no end */
};

/* --- the file --- */

static kin_status check_file(int fd, const char *path, bool *torn, kin_error *err)
{
    struct stat st;
    char last = '\n';
    if (fstat(fd, &st) != 0)
        return kin_fail_errno(err, path, "cannot stat the audit file");
    if (!S_ISREG(st.st_mode))
        return kin_fail(err, KIN_E_UNSUPPORTED, path, "the audit trail wants a regular file");
    if ((st.st_mode & forbidden) != 0)
        return kin_fail(err, KIN_E_ARG, path,
                        "the audit file may be read or written by others: chmod g-w,o-rw it");
    if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) < 0)
        return kin_fail_errno(err, path, "cannot read the audit file's end");
    *torn = last != '\n';
    return KIN_OK;
}

static kin_status open_file(const char *path, int *out, bool *torn, kin_error *err)
{
    /* O_NONBLOCK: opening a FIFO must not wait for a reader. */
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return kin_fail_errno(err, path, "cannot open the audit file");
    kin_status status = check_file(fd, path, torn, err);
    if (status != KIN_OK)
        close(fd);
    else
        *out = fd;
    return status;
}

/* What was written is given to the disk as well; there is nobody left to tell of a failure. */
static void close_file(int fd)
{
    if (fd < 0)
        return;
    (void)fdatasync(fd);
    close(fd);
}

kin_status kin_audit_open(const char *path, kin_audit **out, kin_error *err)
{
    kin_status status = KIN_OK;
    kin_audit *audit = calloc(1, sizeof *audit);
    if (audit == NULL || (audit->path = strdup(path)) == NULL) {
        free(audit);
        return kin_fail(err, KIN_E_NOMEM, path, "no memory for the audit trail");
    }
    audit->fd = -1;
    atomic_init(&audit->sequence, 0);
    if (gethostname(audit->host, sizeof audit->host - 1) != 0)
        audit->host[0] = '\0';
    pthread_mutex_init(&audit->lock, NULL);
    if (path[0] != '\0')
        status = open_file(path, &audit->fd, &audit->torn, err);
    if (status != KIN_OK) {
        kin_audit_close(audit);
        return status;
    }
    *out = audit;
    return KIN_OK;
}

kin_status kin_audit_reopen(kin_audit *audit, kin_error *err)
{
    int fd = -1, old = -1;
    bool torn = false;
    if (audit->path[0] == '\0')
        return KIN_OK;
    /* Under the lock from the first look on: it may be the same file still, and a line torn behind
     * our back would go unnoticed. */
    pthread_mutex_lock(&audit->lock);
    kin_status status = open_file(audit->path, &fd, &torn, err);
    if (status == KIN_OK) {
        old = audit->fd;
        audit->fd = fd;
        audit->torn = torn;
    }
    pthread_mutex_unlock(&audit->lock);
    close_file(old);
    return status;
}

void kin_audit_close(kin_audit *audit)
{
    if (audit == NULL)
        return;
    close_file(audit->fd);
    pthread_mutex_destroy(&audit->lock);
    free(audit->path);
    free(audit);
}

/* --- writing --- */

/* A line and the line break before it, which is left out where the last line has its end. */
static kin_status write_line(kin_audit *audit, const char *line, size_t size, kin_error *err)
{
    ssize_t put;
    if (!audit->torn) {
        line++;
        size--;
    }
    do
        put = write(audit->fd, line, size);
    while (put < 0 && errno == EINTR);
    if (put == (ssize_t)size) {
        audit->torn = false;
        return KIN_OK;
    }
    if (put < 0) {
        kin_fail_errno(err, audit->path, "cannot write the audit trail");
        return err != NULL ? (err->code = KIN_E_IO) : KIN_E_IO;
    }
    if (put > 0)
        audit->torn = line[put - 1] != '\n';
    return kin_fail(err, KIN_E_IO, audit->path,
                    "cannot write the audit trail: a line was taken in part only");
}

kin_status kin_audit_write(kin_audit *audit, const kin_audit_entry *entry, kin_error *err)
{
    kin_status status = KIN_OK;
    kin_audit_json lines = {0};
    if (audit->path[0] == '\0')
        return KIN_OK;
    const kin_audit_stamp stamp = {
        .time_us = kin_clock_wall_us(),
        .sequence = atomic_fetch_add(&audit->sequence, 1) + 1,
        .host = audit->host,
        .pid = (long)getpid(),
    };
    if (kin_audit_lines_make(entry, &stamp, &lines) != 0) {
        status = kin_fail(err, KIN_E_NOMEM, audit->path, "no memory for the audit trail");
    } else {
        pthread_mutex_lock(&audit->lock);
        for (size_t i = 0, from = 0; i < lines.count && status == KIN_OK; from = lines.ends[i++])
            status = write_line(audit, lines.bytes + from, lines.ends[i] - from, err);
        pthread_mutex_unlock(&audit->lock);
    }
    kin_audit_json_release(&lines);
    return status;
}
