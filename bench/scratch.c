#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

kin_status bench_scratch_make(char path[BENCH_SCRATCH_SIZE], kin_error *err)
{
    snprintf(path, BENCH_SCRATCH_SIZE, "/tmp/kindred-bench-XXXXXX");
    if (mkdtemp(path) != NULL)
        return KIN_OK;
    kin_status status = kin_fail_errno(err, path, "cannot make a folder");
    path[0] = '\0';
    return status;
}

void bench_scratch_remove(const char *path)
{
    if (path[0] != '\0')
        nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}
