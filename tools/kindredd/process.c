#include "process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static kin_status forbid_core(kin_error *err)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return kin_fail_errno(err, NULL, "cannot forbid core files");
#ifndef KIN_SANITIZE /* the leak checker traces its own process */
    /* A core handler that is a pipe is called whatever the limit says. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return kin_fail_errno(err, NULL, "cannot forbid core dumps");
#endif
    return KIN_OK;
}

static kin_status raise_descriptors(kin_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return kin_fail_errno(err, NULL, "cannot read the limit of descriptors");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return kin_fail_errno(err, NULL, "cannot raise the limit of descriptors");
    return KIN_OK;
}

kin_status kin_process_prepare(kin_error *err)
{
    umask(S_IRWXG | S_IRWXO);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write that fails says so: EFBIG */
    kin_status status = forbid_core(err);
    if (status == KIN_OK)
        status = raise_descriptors(err);
    return status;
}
