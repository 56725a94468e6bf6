/*
 * sealed_fopen.c - a file that is open already, for libraries that open by name.
 *
 * OpenSlide takes a path and opens it anew for every read.  Where a system-call filter forbids
 * opening (decode/sandbox.h) the program that links this file has its own fopen(), which the linker
 * puts in the place of the C library's for all shared libraries of the process: for
 * "/proc/self/fd/NUMBER" it makes a stream over pread() of that descriptor, with a position of its
 * own, and no other name below that folder exists.  No system call is made that reading an open
 * file does not take, so the filter stays as closed as it is, and a library that is taken over by a
 * hostile file wins nothing by it.
 *
 * (Trapping the call instead, and answering with a duplicate of the descriptor, would let all
 * streams share one position.)  Every other name goes to open(), as ever: behind the filter that
 * ends the process.
 *
 * One of OpenSlide's formats (Sakura) is a database, and any file that no other format takes is
 * tried as one; SQLite looks its path up by calls that the filter forbids.  So there is a
 * sqlite3_open_v2() here, too, which opens nothing.
 *
 * Not for builds with sanitizers, which have an fopen() of their own, and no filter: there the path
 * is opened for what it says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's, which this file has no other use for than to keep it shut. */
int sqlite3_open_v2(const char *name, void **database, int flags, const char *vfs);
enum { SQLITE_CANNOT_OPEN = 14 /* SQLITE_CANTOPEN */ };

static const char folder[] = "/proc/self/fd/";
static const mode_t new_file_mode = 0666; /* fopen()'s, before the umask */

typedef struct sealed {
    int fd; /* borrowed */
    off64_t at;
} sealed;

static ssize_t read_sealed(void *cookie, char *buf, size_t size)
{
    sealed *file = cookie;
    ssize_t got;
    do
        got = pread(file->fd, buf, size, file->at);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        file->at += got;
    return got;
}

static int seek_sealed(void *cookie, off64_t *offset, int whence)
{
    sealed *file = cookie;
    off64_t base = whence == SEEK_CUR ? file->at : 0, to;
    if (whence == SEEK_END) {
        struct stat st;
        if (fstat(file->fd, &st) != 0)
            return -1;
        base = st.st_size;
    }
    if (__builtin_add_overflow(base, *offset, &to) || to < 0) {
        errno = EINVAL;
        return -1;
    }
    *offset = file->at = to;
    return 0;
}

static int close_sealed(void *cookie)
{
    free(cookie);
    return 0;
}

static FILE *open_sealed(const char *number, const char *mode)
{
    char *end = NULL;
    unsigned long fd = strtoul(number, &end, 10);
    if (number[0] < '0' || number[0] > '9' || *end != '\0' || fd > 0x7fffffff || mode[0] != 'r' ||
        strchr(mode, '+') != NULL) {
        errno = ENOENT;
        return NULL;
    }
    sealed *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->fd = (int)fd;
    FILE *stream = fopencookie(
        file, mode, (cookie_io_functions_t){read_sealed, NULL, seek_sealed, close_sealed});
    if (stream == NULL)
        free(file);
    return stream;
}

/* open()'s flags for fopen()'s mode (C17 7.21.5.3, and glibc's 'e'); -1 for none. */
static int flags_of(const char *mode)
{
    bool both = strchr(mode, '+') != NULL;
    int flags = both ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
    if (mode[0] == 'w')
        flags |= O_CREAT | O_TRUNC;
    else if (mode[0] == 'a')
        flags |= O_CREAT | O_APPEND;
    else if (mode[0] != 'r')
        return -1;
    if (strchr(mode, 'x') != NULL)
        flags |= O_EXCL;
    if (strchr(mode, 'e') != NULL)
        flags |= O_CLOEXEC;
    return flags;
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
    if (strncmp(path, folder, sizeof folder - 1) == 0)
        return open_sealed(path + sizeof folder - 1, mode);
    int flags = flags_of(mode);
    if (flags < 0) {
        errno = EINVAL;
        return NULL;
    }
    int fd = open(path, flags, new_file_mode);
    FILE *stream = fd >= 0 ? fdopen(fd, mode) : NULL;
    if (fd >= 0 && stream == NULL)
        close(fd);
    return stream;
}

int sqlite3_open_v2(const char *name, void **database, int flags, const char *vfs)
{
    (void)name;
    (void)flags;
    (void)vfs;
    *database = NULL;
    return SQLITE_CANNOT_OPEN;
}
