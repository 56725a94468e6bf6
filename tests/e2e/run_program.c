#include "run_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 64, PATIENCE_SECONDS = 300 };

extern char **environ;

/* One of the two streams being read. */
struct stream {
    int fd;
    char *text;
    size_t size, capacity;
};

struct running {
    pid_t pid;
    struct stream streams[2];
};

static void stream_read(struct stream *stream)
{
    if (stream->capacity - stream->size < 4096) {
        stream->capacity = stream->capacity * 2 + 8192;
        stream->text = realloc(stream->text, stream->capacity);
        assert_non_null(stream->text);
    }
    ssize_t got =
        read(stream->fd, stream->text + stream->size, stream->capacity - stream->size - 1);
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0) {
        close(stream->fd);
        stream->fd = -1;
        got = 0;
    }
    stream->size += (size_t)got;
    stream->text[stream->size] = '\0';
}

static pid_t start(const char *const *arguments, struct stream streams[2])
{
    const char *vector[ARGUMENTS_MAX + 2] = {KIN_TEST_BIN_DIR "/kindred"};
    posix_spawn_file_actions_t actions;
    int ends[2][2];
    pid_t pid;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i < ARGUMENTS_MAX);
        vector[i + 1] = arguments[i];
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
        posix_spawn_file_actions_adddup2(&actions, ends[i][1], STDOUT_FILENO + i);
        streams[i] = (struct stream){.fd = ends[i][0]};
    }
    int failed = posix_spawn(&pid, vector[0], &actions, NULL, (char *const *)vector, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0][1]);
    close(ends[1][1]);
    assert_int_equal(failed, 0);
    return pid;
}

/* Reads both streams to their ends, or kills the program when patience runs out. */
static void read_streams(pid_t pid, struct stream streams[2])
{
    time_t until = time(NULL) + PATIENCE_SECONDS;
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd polls[2] = {{.fd = streams[0].fd, .events = POLLIN},
                                  {.fd = streams[1].fd, .events = POLLIN}};
        if (time(NULL) > until)
            kill(pid, SIGKILL);
        if (poll(polls, 2, 1000) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (polls[i].revents != 0)
                stream_read(&streams[i]);
    }
}

running *run_start(const char *const *arguments)
{
    running *program = malloc(sizeof *program);
    assert_non_null(program);
    program->pid = start(arguments, program->streams);
    return program;
}

bool run_is_over(running *program)
{
    siginfo_t info = {0};
    assert_int_equal(waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid == program->pid;
}

run run_finish(running *program)
{
    int status;
    read_streams(program->pid, program->streams);
    assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
    const struct stream *out = &program->streams[0], *err = &program->streams[1];
    run done = {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                .out = out->text,
                .out_size = out->size,
                .err = err->text,
                .err_size = err->size};
    free(program);
    return done;
}

run run_kindred_with(const char *const *arguments)
{
    return run_finish(run_start(arguments));
}

run run_kindred(const char *first, ...)
{
    const char *arguments[ARGUMENTS_MAX + 1] = {first};
    va_list rest;
    size_t count = 1;
    va_start(rest, first);
    while ((arguments[count] = va_arg(rest, const char *)) != NULL) {
        count++;
        assert_true(count < ARGUMENTS_MAX);
    }
    va_end(rest);
    return run_kindred_with(arguments);
}

json_t *run_json(const run *done)
{
    json_error_t error;
    json_t *value = json_loadb(done->out, done->out_size, JSON_DECODE_ANY, &error);
    if (value == NULL)
        print_error("not JSON (%s): %.400s\n%.400s\n", error.text, done->out, done->err);
    assert_non_null(value);
    return value;
}

void run_release(run *done)
{
    free(done->out);
    free(done->err);
    memset(done, 0, sizeof *done);
}
