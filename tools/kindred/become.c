#include "become.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/program.h"

void kin_become(const char *const *beside, const char *installed, char **argv)
{
    enum { NAME_MAX_BESIDE = 64 };
    char folder[PATH_MAX], path[PATH_MAX + NAME_MAX_BESIDE];
    if (kin_program_folder(folder))
        for (; *beside != NULL; beside++) {
            snprintf(path, sizeof path, "%s/%s", folder, *beside);
            execv(path, argv);
            if (errno != ENOENT)
                return;
        }
    execv(installed, argv);
}
