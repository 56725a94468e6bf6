/* kindred serve: becomes kindredd, the service, with the same archive and arguments. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

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

/* Returns only when kindredd is nowhere or cannot be run, with errno set. */
static void become_kindredd(char **arguments)
{
    static const char *const beside[] = {"kindredd", "../sbin/kindredd"};
    char folder[PATH_MAX], path[PATH_MAX + 32];
    if (own_folder(folder))
        for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, beside[i]);
            execv(path, arguments);
            if (errno != ENOENT)
                return;
        }
    execv(KINDREDD_INSTALLED, arguments);
    if (errno == ENOENT)
        execvp("kindredd", arguments);
}

static int run(kin_cli *cli, int argc, char **argv)
{
    char name[] = "kindredd", archive[] = "-a";
    char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
    if (arguments == NULL)
        return kin_cli_no_memory();
    arguments[0] = name;
    arguments[1] = archive;
    arguments[2] = (char *)cli->archive;
    for (int i = 1; i < argc; i++)
        arguments[i + 2] = argv[i];
    become_kindredd(arguments);
    kin_cli_message(NULL, "cannot run kindredd: %s", strerror(errno));
    free(arguments);
    return KIN_EXIT_FAILED;
}

const kin_command kin_command_serve = {"serve",
                                       "serve the archive over gRPC (the same as kindredd)", run};
