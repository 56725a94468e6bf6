/* kindred serve: becomes kindredd, the service, with the same archive and arguments. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "become.h"
#include "commands.h"

static int run(kin_cli *cli, int argc, char **argv)
{
    static const char *const beside[] = {"kindredd", "../sbin/kindredd", NULL};
    char name[] = "kindredd", archive[] = "-a";
    if (cli->remote_given)
        kin_cli_need_folder(cli);
    char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
    if (arguments == NULL)
        return kin_cli_no_memory();
    arguments[0] = name;
    arguments[1] = archive;
    arguments[2] = (char *)cli->archive;
    for (int i = 1; i < argc; i++)
        arguments[i + 2] = argv[i];
    kin_become(beside, KINDREDD_INSTALLED, arguments);
    if (errno == ENOENT)
        execvp(name, arguments);
    kin_cli_message(NULL, "cannot run kindredd: %s", strerror(errno));
    free(arguments);
    return KIN_EXIT_FAILED;
}

const kin_command kin_command_serve = {"serve",
                                       "serve the archive over gRPC (the same as kindredd)", run};
