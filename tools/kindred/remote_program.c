/*
 * remote_program.c - `kindred --remote` goes on as kindred-remote.
 *
 * That is the same program with target_remote.c in the place of this file, and so with gRPC, which
 * takes as long to load as all the rest: those who work on a folder need not wait for it.
 */
#include <errno.h>
#include <string.h>

#include "become.h"
#include "target.h"

int kin_target_open_remote(const kin_cli *cli, kin_target **out)
{
    static const char *const beside[] = {"kindred-remote", "../libexec/kindred/kindred-remote",
                                         NULL};
    *out = NULL;
    if (cli->argv == NULL)
        return kin_cli_no_memory();
    kin_become(beside, KINDRED_REMOTE_INSTALLED, cli->argv);
    kin_cli_message(NULL, "cannot run kindred-remote: %s", strerror(errno));
    return KIN_EXIT_FAILED;
}
