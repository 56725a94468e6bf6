#include "server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/program.h"

extern char **environ;

enum { START_SECONDS = 60 };

/* The path of a program beside this one. */
static kin_status beside(const char *name, char path[PATH_MAX], kin_error *err)
{
    char folder[PATH_MAX];
    if (!kin_program_folder(folder))
        return kin_fail(err, KIN_E_IO, NULL, "cannot find this program");
    int written = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return written >= 0 && written < PATH_MAX
               ? KIN_OK
               : kin_fail(err, KIN_E_ARG, name, "the path is too long");
}

static kin_status spawn(char *const argv[], pid_t *pid, kin_error *err)
{
    char path[PATH_MAX];
    posix_spawn_file_actions_t actions;
    kin_status status = beside(argv[0], path, err);
    if (status != KIN_OK)
        return status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    errno = posix_spawn(pid, path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return errno == 0 ? KIN_OK : kin_fail_errno(err, path, "cannot start the program");
}

static kin_status wait_for(pid_t pid, const char *name, kin_error *err)
{
    int state;
    while (waitpid(pid, &state, 0) < 0)
        if (errno != EINTR)
            return kin_fail_errno(err, name, "cannot wait for the program");
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return KIN_OK;
    return kin_fail(err, KIN_E_CRASHED, name,
                    WIFEXITED(state) ? "ended with %d" : "died of signal %d",
                    WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
}

kin_status bench_run(char *const argv[], kin_error *err)
{
    pid_t pid;
    kin_status status = spawn(argv, &pid, err);
    return status == KIN_OK ? wait_for(pid, argv[0], err) : status;
}

/* Reads "grpc PORT" from the file that kindredd writes once it serves; 0 while there is none. */
static int read_port(const char *path)
{
    int port = 0;
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 0;
    if (fscanf(in, "grpc %d", &port) != 1)
        port = 0;
    fclose(in);
    return port;
}

kin_status bench_server_start(const char *archive, const char *folder, bench_server *out,
                              kin_error *err)
{
    char port_file[PATH_MAX];
    int state;
    snprintf(port_file, sizeof port_file, "%s/port", folder);
    char *argv[] = {
        "kindredd",          "--archive",   (char *)archive, "--listen",
        "127.0.0.1:0",       "--port-file", port_file,       "--http.listen=127.0.0.1:0",
        "--log.level=error", NULL};
    unlink(port_file);
    kin_status status = spawn(argv, &out->pid, err);
    if (status != KIN_OK)
        return status;
    double end = kin_clock_monotonic() + START_SECONDS;
    while ((out->port = read_port(port_file)) == 0) {
        if (waitpid(out->pid, &state, WNOHANG) == out->pid)
            return kin_fail(err, KIN_E_CRASHED, "kindredd", "ended before it served");
        if (kin_clock_monotonic() > end) {
            kill(out->pid, SIGKILL);
            return kin_fail(err, KIN_E_TIMEOUT, "kindredd", "does not serve");
        }
        usleep(10000);
    }
    return KIN_OK;
}

kin_status bench_server_stop(bench_server *server, kin_error *err)
{
    kill(server->pid, SIGTERM);
    return wait_for(server->pid, "kindredd", err);
}

uint64_t bench_server_peak(const bench_server *server)
{
    char path[64], line[256];
    unsigned long long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1)
            break;
    if (in != NULL)
        fclose(in);
    return (uint64_t)kilobytes * 1024;
}
