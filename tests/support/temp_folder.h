/* A folder for one test, removed with all that is in it. */
#ifndef KIN_TEST_TEMP_FOLDER_H
#define KIN_TEST_TEMP_FOLDER_H

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static inline int temp_folder_drop(const char *path, const struct stat *st, int kind,
                                   struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* Removes the folder and everything below it; symbolic links are not followed. */
static inline void temp_folder_remove(const char *path)
{
    nftw(path, temp_folder_drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes an empty folder under $TMPDIR or /tmp and writes its path, free of symbolic links, into
 * path; ends the test program where that is not possible. */
static inline void temp_folder_make(char path[PATH_MAX])
{
    const char *base = getenv("TMPDIR");
    char made[PATH_MAX];
    snprintf(made, sizeof made, "%s/kindred-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(made) == NULL || realpath(made, path) == NULL) {
        perror(made);
        exit(2);
    }
}

#endif
