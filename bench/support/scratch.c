#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "kindred-bench-"

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Folders of measurements that were killed: the process in their name is no more. */
static void remove_orphans(const char *where)
{
    char path[PATH_MAX];
    DIR *dir = opendir(where);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char *end;
        if (strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        long pid = strtol(entry->d_name + sizeof PREFIX - 1, &end, 10);
        if (*end != '-' || pid <= 1 || pid > INT_MAX || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        int written = snprintf(path, sizeof path, "%s/%s", where, entry->d_name);
        if (written > 0 && (size_t)written < sizeof path)
            bench_scratch_remove(path); /* another user's stays: it cannot be */
    }
    if (dir != NULL)
        closedir(dir);
}

kin_status bench_scratch_make(char path[BENCH_SCRATCH_SIZE], kin_error *err)
{
    const char *where = getenv("TMPDIR");
    where = where != NULL && where[0] != '\0' ? where : "/tmp";
    remove_orphans(where);
    int written =
        snprintf(path, BENCH_SCRATCH_SIZE, "%s/" PREFIX "%d-XXXXXX", where, (int)getpid());
    kin_status status = KIN_OK;
    if (written < 0 || written >= BENCH_SCRATCH_SIZE)
        status = kin_fail(err, KIN_E_ARG, where, "the path is too long");
    else if (mkdtemp(path) == NULL)
        status = kin_fail_errno(err, path, "cannot make a folder");
    if (status != KIN_OK)
        path[0] = '\0';
    return status;
}

void bench_scratch_remove(const char *path)
{
    if (path[0] != '\0')
        nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}
