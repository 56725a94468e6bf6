/* The worker by itself, over a socket that this test holds: how it greets, answers, retires and
 * ends. Under the sanitizers its exit status also tells that it leaked nothing. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "decode/decode.h"
#include "decode/protocol.h"
#include "dicom_bytes.h"
#include "kindred/worker/v1/worker.pb-c.h"
#include "samples.h"

typedef struct talk {
    pid_t pid;
    int lifeline;
    kin_channel channel;
} talk;

static const Kindred__Worker__V1__Answer *hear(talk *t)
{
    ProtobufCMessage *message = NULL;
    kin_error err;
    if (kin_channel_receive(&t->channel, &kindred__worker__v1__answer__descriptor,
                            kin_clock_monotonic() + 60.0, &message, NULL, &err) != KIN_OK)
        fail_msg("no answer: %s", err.message);
    return (const Kindred__Worker__V1__Answer *)message;
}

static void start_with(talk *t, const char *option)
{
    int sockets[2], pipes[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], KIN_WORKER_SOCKET_FD);
    posix_spawn_file_actions_adddup2(&actions, pipes[0], KIN_WORKER_LIFELINE_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, KIN_WORKER_LIFELINE_FD + 1);
    char *const arguments[] = {(char *)WORKER, (char *)option, NULL};
    /* dup2() to the lifeline's number must not hit a socket that is still needed. */
    assert_true(sockets[1] != KIN_WORKER_LIFELINE_FD && pipes[0] != KIN_WORKER_SOCKET_FD);
    if (pipes[0] == KIN_WORKER_LIFELINE_FD)
        fcntl(pipes[0], F_SETFD, 0);
    assert_int_equal(posix_spawn(&t->pid, WORKER, &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(sockets[1]);
    close(pipes[0]);
    t->lifeline = pipes[1];
    kin_channel_init(&t->channel, sockets[0]);
    const Kindred__Worker__V1__Answer *hello = hear(t);
    assert_int_equal(hello->body_case, KINDRED__WORKER__V1__ANSWER__BODY_HELLO);
    assert_string_equal(hello->hello->message, "");
    assert_int_equal(hello->hello->status, 0);
    assert_int_equal(hello->hello->protocol, KIN_PROTOCOL_VERSION);
    assert_true(hello->hello->descriptor_length > 0);
}

static void start(talk *t)
{
    start_with(t, NULL);
}

/* Hangs up and expects the worker to end in order. */
static void finish(talk *t)
{
    close(t->channel.fd);
    kin_channel_release(&t->channel);
    int wait_status = 0;
    assert_int_equal(waitpid(t->pid, &wait_status, 0), t->pid);
    close(t->lifeline);
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        fail_msg("the worker ended with wait status %#x", wait_status);
}

/* Has bytes decoded as request says; returns the status, and whether the worker retires. */
static kin_status ask(talk *t, const Kindred__Worker__V1__Request *request, const void *bytes,
                      size_t size, bool *retires)
{
    int file = memfd_create("test", MFD_CLOEXEC);
    uint64_t serial = request->serial;
    assert_int_equal(write(file, bytes, size), (ssize_t)size);
    assert_int_equal(kin_channel_send(&t->channel, &request->base, file, true, NULL), KIN_OK);
    close(file);
    for (;;) {
        const Kindred__Worker__V1__Answer *answer = hear(t);
        assert_int_equal(answer->serial, serial);
        if (answer->body_case == KINDRED__WORKER__V1__ANSWER__BODY_DONE) {
            *retires = answer->done->retires;
            return (kin_status) - (int)answer->done->status;
        }
    }
}

static kin_status decode(talk *t, uint64_t serial, const void *bytes, size_t size, bool *retires)
{
    Kindred__Worker__V1__Request request = KINDRED__WORKER__V1__REQUEST__INIT;
    request.serial = serial;
    return ask(t, &request, bytes, size, retires);
}

static void test_leaves_nothing_behind(void **state)
{
    (void)state;
    talk t;
    bool retires = false;
    size_t sizes[7];
    void *files[7] = {sample_png(20, 20, &sizes[0]),
                      sample_tiff(2, &sizes[1]),
                      sample_dicom(KIN_DICOM_RLE, 3, NULL, 0, &sizes[2]),
                      sample_dicom(KIN_DICOM_JPEG, 3, NULL, 0, &sizes[3]),
                      dicom_nested(6000, &sizes[4]),
                      dicom_huge_claim(&sizes[5]),
                      sample_dicom_of("1.2.840.10008.5.1.4.1.1.88.11", 0, &sizes[6])};
    start(&t);
    uint64_t serial = 1;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 7; i++) {
            kin_status status = decode(&t, serial++, files[i], sizes[i], &retires);
            assert_true((status == KIN_OK) == (i < 4));
            assert_false(retires);
            decode(&t, serial++, files[i], sizes[i] / 2, &retires); /* cut in the middle */
        }
    finish(&t);
    for (size_t i = 0; i < 7; i++)
        free(files[i]);
}

static void test_retires_in_order(void **state)
{
    (void)state;
    talk t;
    start(&t);
    bool retires = false;
    for (uint64_t i = 1; i <= KIN_WORKER_FILES_MAX; i++) {
        assert_false(retires);
        assert_int_equal(decode(&t, i, "words", 5, &retires), KIN_E_NO_IMAGE);
    }
    assert_true(retires);
    finish(&t);
}

/* A request without a file, or one that is no request, ends the worker, since it cannot be
 * answered. */
static void test_bad_requests(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        talk t;
        start(&t);
        Kindred__Worker__V1__Request request = KINDRED__WORKER__V1__REQUEST__INIT;
        request.serial = 1;
        if (kind == 0)
            assert_int_equal(kin_channel_send(&t.channel, &request.base, -1, true, NULL), KIN_OK);
        else
            assert_int_equal(send(t.channel.fd, "\xFF\xFF\xFF\xFF", 4, 0), 4);
        int wait_status = 0;
        assert_int_equal(waitpid(t.pid, &wait_status, 0), t.pid);
        assert_true(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EXIT_FAILURE);
        close(t.channel.fd);
        close(t.lifeline);
        kin_channel_release(&t.channel);
    }
}

/* Wishes that the program would never send get an answer, and leave nothing behind. */
static void test_odd_wishes(void **state)
{
    (void)state;
    static const struct {
        uint32_t x, y, width, height, side, frame;
        kin_status status;
    } cases[] = {
        {0, 0, 10, 10, 16, 0, KIN_OK},
        {0, 0, 0, 10, 16, 0, KIN_E_ARG},
        {0, 0, 21, 10, 16, 0, KIN_E_ARG},
        {UINT32_MAX, 0, UINT32_MAX, 10, 16, 0, KIN_E_ARG},
        {0, 0, 10, 10, UINT32_MAX, 0, KIN_E_ARG},
        {0, 0, 10, 10, 16, UINT32_MAX, KIN_E_NOT_FOUND},
        {0, 0, 20, 20, 256, 0, KIN_OK},
    };
    talk t;
    bool retires = false;
    size_t size = 0;
    void *png = sample_png(20, 20, &size);
    start(&t);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Kindred__Worker__V1__Region region = KINDRED__WORKER__V1__REGION__INIT;
        region.x = cases[i].x;
        region.y = cases[i].y;
        region.width = cases[i].width;
        region.height = cases[i].height;
        Kindred__Worker__V1__Request request = KINDRED__WORKER__V1__REQUEST__INIT;
        request.serial = i + 1;
        request.region = &region;
        request.preview_side = cases[i].side;
        request.one_frame = 1;
        request.frame = cases[i].frame;
        assert_int_equal(ask(&t, &request, png, size, &retires), cases[i].status);
        assert_false(retires);
    }
    finish(&t);
    free(png);
}

static void test_is_nice_when_told(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        int more;
    } cases[] = {{NULL, 0}, {"--nice=0", 0}, {"--nice=7", 7}, {"--nice=19", 19}};
    errno = 0;
    int own = getpriority(PRIO_PROCESS, 0);
    assert_int_equal(errno, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int wanted = own + cases[i].more < 19 ? own + cases[i].more : 19;
        talk t;
        start_with(&t, cases[i].option); /* it has greeted: it is as nice as it will be */
        assert_int_equal(getpriority(PRIO_PROCESS, (id_t)t.pid), wanted);
        finish(&t);
    }
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own); /* and nobody else is */
}

/* The program dies: so does its worker, although nobody closes the conversation. */
static void test_dies_with_the_program(void **state)
{
    (void)state;
    talk t;
    start(&t);
    close(t.lifeline);
    int wait_status = 0;
    assert_int_equal(waitpid(t.pid, &wait_status, 0), t.pid);
    assert_true(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGIO);
    close(t.channel.fd);
    kin_channel_release(&t.channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_nothing_behind), cmocka_unit_test(test_retires_in_order),
        cmocka_unit_test(test_bad_requests),          cmocka_unit_test(test_odd_wishes),
        cmocka_unit_test(test_is_nice_when_told),     cmocka_unit_test(test_dies_with_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
