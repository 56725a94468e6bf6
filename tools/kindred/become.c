#include "become.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running program; false when it cannot be told. */
static bool own_folder(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length <= 0)
        return false;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

void kin_become(const char *const *beside, const char *installed, char **argv)
{
    enum { NAME_MAX_BESIDE = 64 };
    char folder[PATH_MAX], path[PATH_MAX + NAME_MAX_BESIDE];
    if (own_folder(folder))
        for (; *beside != NULL; beside++) {
            snprintf(path, sizeof path, "%s/%s", folder, *beside);
            execv(path, argv);
            if (errno != ENOENT)
                return;
        }
    execv(installed, argv);
}
