#include "decode/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static kin_status set_limit(int resource, rlim_t value, const char *name, kin_error *err)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return kin_fail_errno(err, NULL, "cannot read the limit of %s", name);
    /* A stricter limit that is there already stays. */
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < value)
        value = limit.rlim_max;
    limit = (struct rlimit){.rlim_cur = value, .rlim_max = value};
    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return kin_fail_errno(err, NULL, "cannot limit %s", name);
    return KIN_OK;
}

static kin_status limit_always(kin_error *err)
{
    kin_status status = set_limit(RLIMIT_CORE, 0, "core dumps", err);
    if (status == KIN_OK)
        status = set_limit(RLIMIT_NOFILE, KIN_SANDBOX_DESCRIPTORS, "descriptors", err);
    if (status == KIN_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        status = kin_fail_errno(err, NULL, "cannot give up gaining privileges");
    return status;
}

#ifndef KIN_SANITIZE

#include <seccomp.h>

/* Calls allowed with any arguments, by what needs them. */
static const int allowed[] = {
    /* the conversation, the file, and errors that libraries print (to /dev/null) */
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(write),
    SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(lseek),
    /* memory; mmap and mprotect are below */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    /* locks, time, random seeds of hash tables */
    SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(getrandom),
    /* qsort() asks for the memory that there is */
    SCMP_SYS(sysinfo),
    /* abort(): see also allow_abort() */
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    /* interrupted calls, the end */
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit), SCMP_SYS(exit_group)};

/* Memory, but none that is executable. */
static int allow_memory(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp plain = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &plain);
    if (rc == 0)
        rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &plain);
    return rc;
}

/* SIGABRT to itself, so that an abort is reported as one. */
static int allow_abort(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp own[] = {SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0),
                                       SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0)};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2, own);
}

/* The C library's fstat() (2.33 and later) is newfstatat with an empty path.  No filter sees
 * whether it is empty; with another one the call tells a file's size and times, and no more. */
static int allow_fstat(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp open_file = SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH);
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1, &open_file);
}

static kin_status filter_calls(kin_error *err)
{
    int rc = -ENOMEM;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        goto out;
    rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; rc == 0 && i < sizeof allowed / sizeof allowed[0]; i++) {
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
        if (rc == -EDOM) /* this architecture has no such call */
            rc = 0;
    }
    if (rc == 0)
        rc = allow_memory(filter);
    if (rc == 0)
        rc = allow_abort(filter);
    if (rc == 0)
        rc = allow_fstat(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
out:
    if (rc != 0) {
        char reason[128];
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "cannot filter system calls: %s",
                        strerror_r(-rc, reason, sizeof reason));
    }
    return KIN_OK;
}

kin_status kin_sandbox_enter(size_t memory_bytes, kin_error *err)
{
    kin_status status = limit_always(err);
    if (status == KIN_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        status = kin_fail_errno(err, NULL, "cannot forbid tracing");
    if (status == KIN_OK)
        status = set_limit(RLIMIT_FSIZE, 0, "file sizes", err);
    if (status == KIN_OK)
        status = set_limit(RLIMIT_NPROC, 0, "processes", err);
    if (status == KIN_OK)
        status = set_limit(RLIMIT_AS, (rlim_t)memory_bytes, "memory", err);
    if (status == KIN_OK)
        status = filter_calls(err);
    return status;
}

#else

kin_status kin_sandbox_enter(size_t memory_bytes, kin_error *err)
{
    (void)memory_bytes;
    return limit_always(err);
}

#endif

kin_status kin_sandbox_tie(int lifeline, kin_error *err)
{
    /* O_ASYNC raises SIGIO, whose default is to end the process, when the pipe changes its
     * state. */
    if (signal(SIGIO, SIG_DFL) == SIG_ERR || fcntl(lifeline, F_SETOWN, getpid()) != 0 ||
        fcntl(lifeline, F_SETFL, O_RDONLY | O_ASYNC) != 0)
        return kin_fail_errno(err, NULL, "cannot tie the process to its lifeline");
    struct pollfd end = {.fd = lifeline};
    if (poll(&end, 1, 0) > 0) /* it was cut before we held on to it */
        return kin_fail(err, KIN_E_CANCELLED, NULL, "the program that started this one is gone");
    return KIN_OK;
}
