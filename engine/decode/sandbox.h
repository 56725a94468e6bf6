/*
 * sandbox.h - what a worker process gives up before it meets its first file.
 *
 * In the order in which it is done:
 *  - no core dumps (they would hold patients' images), no tracing by others (PR_SET_DUMPABLE 0), no
 *    gain of privileges (PR_SET_NO_NEW_PRIVS);
 *  - limits: address space, no growing of files, a handful of descriptors, no new processes;
 *  - a system-call filter (libseccomp): an allow-list of what computing in memory, reading
 *    descriptors that were passed in and talking over an open socket take.  Opening, connecting,
 *    executing, forking, signalling others, and making memory executable end the process with
 *    SIGSYS.
 *
 * Libraries must have opened whatever they need before.  Built with KINDRED_SANITIZE only core
 * dumps, descriptors and privileges are limited: the sanitizers reserve terabytes of addresses,
 * trace their own process to find leaks and start a program to name functions.
 */
#ifndef KIN_DECODE_SANDBOX_H
#define KIN_DECODE_SANDBOX_H

#include <stddef.h>

#include "base/status.h"

enum { KIN_SANDBOX_DESCRIPTORS = 32 /* RLIMIT_NOFILE */ };

/* Closes the sandbox about the calling process, which must have one thread.  memory_bytes: bound of
 * its address space.  KIN_E_UNSUPPORTED where the kernel has no filters: then it is not safe to go
 * on. */
kin_status kin_sandbox_enter(size_t memory_bytes, kin_error *err);

/*
 * Ties the process's life to a pipe: when the last writing end is closed (its holder's death closes
 * it) the process ends by SIGIO, whatever it is doing.  lifeline: the reading end; nothing may ever
 * be written.  PR_SET_PDEATHSIG would not do: it acts when the starting *thread* ends.
 */
kin_status kin_sandbox_tie(int lifeline, kin_error *err);

#endif
