/* sandbox.h: what a process in the sandbox can still do, and that everything else ends it. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "decode/sandbox.h"

enum { MEMORY = 256 * 1024 * 1024 };

/* Runs deed in a sandboxed child; returns the wait status.  The child exits with what deed
 * returns. */
static int in_sandbox(int (*deed)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (kin_sandbox_enter(MEMORY, NULL) != KIN_OK)
            _exit(99);
        _exit(deed());
    }
    int wait_status = 0;
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    return wait_status;
}

#ifndef KIN_SANITIZE

static int null_fd, full_fd;

static int do_open(void)
{
    return open("/dev/null", O_RDONLY) < 0;
}

static int do_open_self(void)
{
    return (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR) < 0;
}

static int do_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int do_execve(void)
{
    char *arguments[] = {(char *)"/bin/true", NULL};
    return execv("/bin/true", arguments);
}

static int do_fork(void)
{
    return fork() < 0;
}

static int do_kill(void)
{
    return kill(getppid(), 0);
}

static int do_kill_init(void)
{
    return (int)syscall(SYS_tgkill, 1, 1, SIGABRT);
}

static int do_unlink(void)
{
    return unlink("/nonexistent");
}

static int do_ptrace(void)
{
    return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int do_prctl(void)
{
    return (int)syscall(SYS_prctl, 4, 1, 0, 0, 0); /* dumpable again */
}

static int do_executable_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}

static int do_make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void test_forbidden_calls_end_the_process(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int (*deed)(void);
    } deeds[] = {{"open", do_open},
                 {"openat /proc/self/mem", do_open_self},
                 {"socket", do_socket},
                 {"execve", do_execve},
                 {"fork", do_fork},
                 {"kill", do_kill},
                 {"tgkill of another", do_kill_init},
                 {"unlink", do_unlink},
                 {"ptrace", do_ptrace},
                 {"prctl", do_prctl},
                 {"mmap executable", do_executable_memory},
                 {"mprotect executable", do_make_executable}};
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        int wait_status = in_sandbox(deeds[i].deed);
        if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGSYS)
            fail_msg("%s: wait status %#x, not killed by SIGSYS", deeds[i].name, wait_status);
    }
}

static int do_ordinary_work(void)
{
    char *bytes = malloc(50 << 20); /* by mmap */
    char *small[1000];
    if (bytes == NULL)
        return 1;
    memset(bytes, 1, 50 << 20);
    for (size_t i = 0; i < 1000; i++) /* by brk */
        if ((small[i] = malloc(5000)) == NULL)
            return 2;
    for (size_t i = 0; i < 1000; i++)
        free(small[i]);
    bytes = realloc(bytes, 60 << 20);
    free(bytes);
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 3;
    char text[64];
    if (snprintf(text, sizeof text, "%.17g", 0.1) < 3 || strtod("1.5", NULL) != 1.5)
        return 4;
    if (pread(null_fd, text, 1, 0) != 0 || write(full_fd, "x", 1) != -1)
        return 5;
    return 0;
}

static void test_ordinary_work_goes_on(void **state)
{
    (void)state;
    null_fd = open("/dev/null", O_RDONLY);
    full_fd = open("/dev/full", O_WRONLY);
    assert_true(null_fd >= 0 && full_fd >= 0);
    int wait_status = in_sandbox(do_ordinary_work);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
    close(null_fd);
    close(full_fd);
}

static int do_abort(void)
{
    abort();
}

static void test_an_abort_is_seen_as_one(void **state)
{
    (void)state;
    int wait_status = in_sandbox(do_abort);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGABRT);
    assert_false(WCOREDUMP(wait_status));
}

static int do_take_memory(void)
{
    return malloc((size_t)MEMORY * 2) == NULL && malloc(MEMORY / 4) != NULL ? 0 : 1;
}

static void test_memory_is_bounded(void **state)
{
    (void)state;
    int wait_status = in_sandbox(do_take_memory);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

#else

static int do_nothing(void)
{
    return 0;
}

static void test_sanitized_sandbox(void **state)
{
    (void)state;
    int wait_status = in_sandbox(do_nothing);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

#endif

/* A process tied to a lifeline ends with its holder, even in the middle of an endless loop. */
static void test_lifeline(void **state)
{
    (void)state;
    int lifeline[2], ready[2];
    assert_int_equal(pipe(lifeline), 0);
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(lifeline[1]);
        if (kin_sandbox_tie(lifeline[0], NULL) != KIN_OK || write(ready[1], "x", 1) != 1)
            _exit(99);
        for (volatile int spin = 0;; spin = spin + 1)
            ;
    }
    close(lifeline[0]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    int wait_status = 0;
    assert_int_equal(waitpid(child, &wait_status, WNOHANG), 0); /* it lives */
    close(lifeline[1]);
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFSIGNALED(wait_status));
    assert_int_equal(WTERMSIG(wait_status), SIGIO);
    close(ready[0]);
    close(ready[1]);
}

static void test_lifeline_cut_before(void **state)
{
    (void)state;
    int lifeline[2];
    assert_int_equal(pipe(lifeline), 0);
    close(lifeline[1]);
    assert_int_equal(kin_sandbox_tie(lifeline[0], NULL), KIN_E_CANCELLED);
    close(lifeline[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef KIN_SANITIZE
        cmocka_unit_test(test_forbidden_calls_end_the_process),
        cmocka_unit_test(test_ordinary_work_goes_on),
        cmocka_unit_test(test_an_abort_is_seen_as_one),
        cmocka_unit_test(test_memory_is_bounded),
#else
        cmocka_unit_test(test_sanitized_sandbox),
#endif
        cmocka_unit_test(test_lifeline),
        cmocka_unit_test(test_lifeline_cut_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
