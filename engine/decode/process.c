#include "decode/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/program.h"
#include "decode/protocol.h"

enum { FIRST_FREE_FD = KIN_WORKER_LIFELINE_FD + 1 };

static const double end_patience = 1.0; /* seconds that a worker has to end by itself */

kin_status kin_process_find(const char *given, char **out, kin_error *err)
{
    static const char *const beside[] = {"kindred-worker", "../libexec/kindred/kindred-worker"};
    char folder[PATH_MAX], path[PATH_MAX + 64];
    const char *found = given;
    if (found == NULL && kin_program_folder(folder))
        for (size_t i = 0; found == NULL && i < sizeof beside / sizeof beside[0]; i++) {
            snprintf(path, sizeof path, "%s/%s", folder, beside[i]);
            if (access(path, X_OK) == 0)
                found = path;
        }
    if (found == NULL)
        found = KIN_WORKER_INSTALLED;
    if (access(found, X_OK) != 0)
        return kin_fail_errno(err, found, "cannot run the decoder's worker program");
    *out = strdup(found);
    return *out != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a path");
}

/* Moves fd out of the way of the numbers that the child's descriptors get (-1 on failure). */
static int raise_fd(int fd)
{
    if (fd < 0 || fd >= FIRST_FREE_FD)
        return fd;
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    close(fd);
    return raised;
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            close(pair[i]);
        pair[i] = -1;
    }
}

/* What happens in the child between fork and exec; returns 0 or an errno. */
static int child_actions(posix_spawn_file_actions_t *actions, int socket, int lifeline)
{
    int rc = posix_spawn_file_actions_adddup2(actions, socket, KIN_WORKER_SOCKET_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, lifeline, KIN_WORKER_LIFELINE_FD);
    /* Libraries print what files make them; that is not for the user's terminal. */
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
#ifndef KIN_SANITIZE /* the sanitizers' reports are */
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
#endif
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FREE_FD);
    return rc;
}

static int child_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    return rc;
}

enum { LIMIT_ARGUMENTS = 6, ARGUMENT_SIZE = 64 };

static void write_limits(char text[LIMIT_ARGUMENTS][ARGUMENT_SIZE], const kin_decode_limits *limits)
{
    snprintf(text[0], ARGUMENT_SIZE, "--max-file-bytes=%zu", limits->max_file_bytes);
    snprintf(text[1], ARGUMENT_SIZE, "--max-frame-bytes=%zu", limits->max_frame_bytes);
    snprintf(text[2], ARGUMENT_SIZE, "--max-total-bytes=%zu", limits->max_total_bytes);
    snprintf(text[3], ARGUMENT_SIZE, "--max-frames=%d", limits->max_frames);
    snprintf(text[4], ARGUMENT_SIZE, "--memory-bytes=%zu", limits->memory_bytes);
    snprintf(text[5], ARGUMENT_SIZE, "--nice=%d", limits->nice);
}

static int spawn(pid_t *pid, const char *program, char *const *arguments, int socket, int lifeline)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = child_actions(&actions, socket, lifeline);
        if (rc == 0)
            rc = child_attributes(&attributes);
        if (rc == 0)
            rc = posix_spawn(pid, program, &actions, &attributes, arguments, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* spawn() with the program's arguments; an errno. */
static int spawn_for(pid_t *pid, const char *program, const kin_decode_limits *limits,
                     const char *features, int socket, int lifeline)
{
    static const char option[] = "--features=";
    char text[LIMIT_ARGUMENTS][ARGUMENT_SIZE];
    char *spec = NULL;
    write_limits(text, limits);
    if (features != NULL) {
        size_t size;
        if (!kin_add_size(strlen(features), sizeof option, &size) || (spec = malloc(size)) == NULL)
            return ENOMEM;
        snprintf(spec, size, "%s%s", option, features);
    }
    char *const arguments[] = {(char *)program, text[0], text[1], text[2], text[3],
                               text[4],         text[5], spec,    NULL};
    int rc = spawn(pid, program, arguments, socket, lifeline);
    free(spec);
    return rc;
}

kin_status kin_process_start(kin_process *process, const char *program,
                             const kin_decode_limits *limits, const char *features, kin_error *err)
{
    kin_status status = KIN_OK;
    int sockets[2] = {-1, -1}, pipes[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(pipes, O_CLOEXEC) != 0) {
        status = kin_fail_errno(err, NULL, "cannot connect to a worker");
        goto out;
    }
    sockets[1] = raise_fd(sockets[1]);
    pipes[0] = raise_fd(pipes[0]);
    if (sockets[1] < 0 || pipes[0] < 0) {
        status = kin_fail_errno(err, NULL, "cannot connect to a worker");
        goto out;
    }
    pid_t pid = 0;
    int rc = spawn_for(&pid, program, limits, features, sockets[1], pipes[0]);
    if (rc != 0) {
        errno = rc;
        status = kin_fail_errno(err, program, "cannot start the decoder's worker");
        goto out;
    }
    *process = (kin_process){.pid = pid, .socket = sockets[0], .lifeline = pipes[1]};
    sockets[0] = pipes[1] = -1;
out:
    close_pair(sockets);
    close_pair(pipes);
    return status;
}

bool kin_process_is_lost(const kin_process *process)
{
    char byte;
    ssize_t got = recv(process->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Waits for a process that has ended or is about to. */
static int reap(kin_process *process)
{
    int wait_status = -1;
    while (waitpid(process->pid, &wait_status, 0) < 0)
        if (errno != EINTR) {
            wait_status = -1; /* someone else has waited for it, or SIGCHLD is ignored */
            break;
        }
    close(process->socket);
    close(process->lifeline);
    *process = (kin_process){.pid = 0, .socket = -1, .lifeline = -1};
    return wait_status;
}

int kin_process_kill(kin_process *process)
{
    if (process->pid == 0)
        return -1;
    /* To a process that has ended, and waits for us to ask, this does nothing. */
    kill(process->pid, SIGKILL);
    return reap(process);
}

void kin_process_end(kin_process *process)
{
    if (process->pid == 0)
        return;
    shutdown(process->socket, SHUT_WR);
    double deadline = kin_clock_monotonic() + end_patience;
    for (;;) {
        double left = deadline - kin_clock_monotonic();
        struct pollfd wait = {.fd = process->socket, .events = POLLIN};
        char rest[4096];
        if (left <= 0.0 || poll(&wait, 1, (int)(left * 1000.0) + 1) == 0)
            break;
        ssize_t got = recv(process->socket, rest, sizeof rest, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            break; /* its end of the socket is closed */
    }
    kin_process_kill(process);
}

kin_status kin_process_obituary(int wait_status, kin_error *err)
{
    if (wait_status >= 0 && WIFSIGNALED(wait_status)) {
        int number = WTERMSIG(wait_status);
        const char *name = sigabbrev_np(number);
        const char *comment = number == SIGSYS ? ": it tried a system call that its sandbox forbids"
                              : number == SIGKILL
                                  ? ": killed from outside, as happens when memory runs out"
                                  : "";
        return kin_fail(err, KIN_E_CRASHED, NULL, "the decoder's worker died of SIG%s%s",
                        name != NULL ? name : "?", comment);
    }
    if (wait_status >= 0 && WIFEXITED(wait_status))
        return kin_fail(err, KIN_E_CRASHED, NULL,
                        "the decoder's worker ended early with exit status %d",
                        WEXITSTATUS(wait_status));
    return kin_fail(err, KIN_E_CRASHED, NULL, "the decoder's worker is gone");
}
