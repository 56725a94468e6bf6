/* process.h - the worker as a process: found, started, stopped, and what became of it. */
#ifndef KIN_DECODE_PROCESS_H
#define KIN_DECODE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "decode/decode.h"

typedef struct kin_process {
    pid_t pid;    /* 0: none runs */
    int socket;   /* our end of the conversation */
    int lifeline; /* writing end: while it is open the worker lives */
} kin_process;

/* Where kindred-worker is, in memory from malloc: `given` when not NULL, else beside the running
 * program, in ../libexec/kindred from there, or where it was installed.  KIN_E_NOT_FOUND. */
kin_status kin_process_find(const char *given, char **out, kin_error *err);

/* Starts the program with limits and, where not NULL, the features' spec as its arguments.  It gets its ends of socket and lifeline,
 * nothing else that is open here, no terminal, and a process group of its own, so that a Ctrl-C is
 * the program's to handle. */
kin_status kin_process_start(kin_process *process, const char *program,
                             const kin_decode_limits *limits, const char *features, kin_error *err);

/* True when the worker, with no request before it, has died or speaks unasked. */
bool kin_process_is_lost(const kin_process *process);

/* Ends the worker by force, if it has not ended already; returns its wait status, or -1 when the
 * system no longer knows it.  *process becomes "none runs". */
int kin_process_kill(kin_process *process);

/* Ends the worker by closing the conversation; by force after a second or so. */
void kin_process_end(kin_process *process);

/* Says in err (KIN_E_CRASHED) how the worker ended; returns that code. */
kin_status kin_process_obituary(int wait_status, kin_error *err);

#endif
