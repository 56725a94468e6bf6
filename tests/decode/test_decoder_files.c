/* decoder.h: what may be handed to a worker at all, and what becomes of workers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect.h"
#include "decode/decoder.h"
#include "temp_folder.h"

enum { LENGTH = 8, LIMIT = 1000 };

static const kin_decode_features features = {.length = LENGTH};

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static kin_decoder *new_decoder(void)
{
    kin_decoder *decoder = NULL;
    setenv("KIN_EVIL", "clean", 1);
    const kin_decode_limits limits = {.max_file_bytes = LIMIT};
    assert_int_equal(kin_decoder_new(EVIL_WORKER, &features, &limits, &decoder, NULL), KIN_OK);
    return decoder;
}

static const char *inside(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_file(const char *name, size_t size)
{
    int fd = open(inside(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static void expect(kin_decoder *decoder, const char *path, kin_status wanted, const char *says)
{
    static collected c;
    kin_error err;
    kin_decode_sink sink = collect_into(&c);
    kin_status status = kin_decoder_run(decoder, path, NULL, &sink, &err);
    if (status != wanted || strstr(err.message, says) == NULL)
        fail_msg("%s: status %d, \"%s\"", path, status, err.message);
    assert_int_equal(c.frames, status == KIN_OK ? 2 : 0);
    if (status != KIN_OK)
        assert_string_equal(err.subject, path);
    collected_release(&c);
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 200; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void test_kinds_of_files(void **state)
{
    (void)state;
    int before = open_descriptors();
    kin_decoder *decoder = new_decoder();
    make_file("plain", 10);
    expect(decoder, inside("plain"), KIN_OK, "");
    int running = open_descriptors();

    expect(decoder, folder, KIN_E_UNSUPPORTED, "not a regular file (folder)");
    assert_int_equal(mkfifo(inside("fifo"), 0644), 0);
    expect(decoder, inside("fifo"), KIN_E_UNSUPPORTED, "not a regular file (FIFO)");
    expect(decoder, "/dev/null", KIN_E_UNSUPPORTED, "not a regular file (device)");
    expect(decoder, "/dev/zero", KIN_E_UNSUPPORTED, "not a regular file (device)");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/socket", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    expect(decoder, inside("socket"), KIN_E_UNSUPPORTED, "not a regular file (socket)");
    close(listener);

    expect(decoder, inside("missing"), KIN_E_NOT_FOUND, "cannot open: No such file");
    assert_int_equal(symlink("loop", inside("loop")), 0);
    expect(decoder, inside("loop"), KIN_E_IO, "Too many levels of symbolic links");
    assert_int_equal(symlink("plain", inside("link")), 0);
    expect(decoder, inside("link"), KIN_OK, "");

    make_file("largest", LIMIT);
    expect(decoder, inside("largest"), KIN_OK, "");
    make_file("larger", LIMIT + 1);
    expect(decoder, inside("larger"), KIN_E_LIMIT, "1001 bytes are over the limit of 1000");

    assert_int_equal(kin_decoder_starts(decoder), 1);
    assert_int_equal(open_descriptors(), running); /* nothing stays open */
    kin_decoder_free(decoder);
    assert_int_equal(open_descriptors(), before);
}

static void test_unreadable_file(void **state)
{
    (void)state;
    kin_decoder *decoder = new_decoder();
    make_file("secret", 10);
    assert_int_equal(chmod(inside("secret"), 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    uid_t self = geteuid();
    if (self == 0) /* root may read everything: be somebody else for this call */
        assert_int_equal(seteuid(65534), 0);
    expect(decoder, inside("secret"), KIN_E_IO, "Permission denied");
    if (self == 0)
        assert_int_equal(seteuid(0), 0);
    kin_decoder_free(decoder);
}

static void test_bytes_in_memory(void **state)
{
    (void)state;
    static collected c;
    char bytes[LIMIT + 1] = {0};
    kin_error err;
    kin_decoder *decoder = new_decoder();
    kin_decode_sink sink = collect_into(&c);
    assert_int_equal(kin_decoder_run_bytes(decoder, bytes, LIMIT, "q.png", NULL, &sink, &err),
                     KIN_OK);
    collected_release(&c);
    assert_int_equal(kin_decoder_run_bytes(decoder, bytes, 0, NULL, NULL, &sink, &err), KIN_OK);
    collected_release(&c);
    assert_int_equal(kin_decoder_run_bytes(decoder, bytes, LIMIT + 1, "q.png", NULL, &sink, &err),
                     KIN_E_LIMIT);
    assert_string_equal(err.subject, "q.png");
    kin_decoder_free(decoder);
}

/* What the worker was told and given, in the words of evil_worker's "repeat". */
static void expect_repeated(kin_decoder *decoder, int fd, const kin_decode_wish *wish,
                            const char *wanted)
{
    static collected c;
    kin_error err;
    kin_decode_sink sink = collect_into(&c);
    kin_status status = kin_decoder_run_fd(decoder, fd, "upload", wish, &sink, &err);
    collected_release(&c);
    if (status != KIN_E_FORMAT || strcmp(err.message, wanted) != 0)
        fail_msg("status %d, \"%s\"", status, err.message);
    assert_string_equal(err.subject, "upload");
}

static void test_open_file(void **state)
{
    (void)state;
    static const kin_decode_region region = {1, 2, 3, UINT32_MAX};
    static const kin_decode_wish wish = {
        .region = &region, .preview_side = 100, .one_frame = true, .frame = UINT32_MAX};
    char content[11] = "";
    kin_decoder *decoder = new_decoder();
    setenv("KIN_EVIL", "repeat", 1);
    int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); /* as of an upload: has no name */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    expect_repeated(decoder, fd, NULL, "01234567 at 0, read; side 0, 0 frame 0; --nice=0");
    int running = open_descriptors();
    assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
    expect_repeated(decoder, fd, &wish,
                    "01234567 at 0, read; side 100, 1 frame 4294967295, region 1 2 3 4294967295; "
                    "--nice=0");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 7); /* stays where it was, whatever the worker did */
    assert_int_equal(pread(fd, content, 10, 0), 10);
    assert_string_equal(content, "0123456789");
    assert_int_equal(open_descriptors(), running);
    close(fd);

    fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, "memory", 6), 6);
    expect_repeated(decoder, fd, NULL, "memory at 0, read; side 0, 0 frame 0; --nice=0");
    close(fd);
    make_file("plain", 0);
    fd = open(inside("plain"), O_WRONLY | O_CLOEXEC); /* opened anew, it can be read */
    assert_int_equal(write(fd, "for writing", 11), 11);
    expect_repeated(decoder, fd, NULL, "for writ at 0, read; side 0, 0 frame 0; --nice=0");
    close(fd);
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

static void expect_refused(kin_decoder *decoder, int fd, kin_status wanted, const char *says)
{
    static collected c;
    kin_error err;
    kin_decode_sink sink = collect_into(&c);
    kin_status status = kin_decoder_run_fd(decoder, fd, "upload", NULL, &sink, &err);
    if (status != wanted || strstr(err.message, says) == NULL)
        fail_msg("descriptor %d: status %d, \"%s\"", fd, status, err.message);
    assert_string_equal(err.subject, "upload");
    assert_int_equal(c.headers, 0);
}

static void test_what_is_no_open_file(void **state)
{
    (void)state;
    kin_decoder *decoder = new_decoder();
    int before = open_descriptors(), pipes[2], fds[3];
    expect_refused(decoder, -1, KIN_E_ARG, "is not open");
    expect_refused(decoder, 12345, KIN_E_ARG, "is not open");
    assert_int_equal(pipe(pipes), 0);
    expect_refused(decoder, pipes[0], KIN_E_UNSUPPORTED, "not a regular file (FIFO)");
    fds[0] = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    expect_refused(decoder, fds[0], KIN_E_UNSUPPORTED, "not a regular file (folder)");
    fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
    expect_refused(decoder, fds[1], KIN_E_UNSUPPORTED, "not a regular file (device)");
    make_file("larger", LIMIT + 1);
    fds[2] = open(inside("larger"), O_RDONLY | O_CLOEXEC);
    expect_refused(decoder, fds[2], KIN_E_LIMIT, "1001 bytes are over the limit of 1000");
    for (int i = 0; i < 3; i++)
        assert_int_equal(close(fds[i]), 0); /* all still the caller's */
    for (int i = 0; i < 2; i++)
        assert_int_equal(close(pipes[i]), 0);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(kin_decoder_starts(decoder), 0); /* no worker was troubled */
    kin_decoder_free(decoder);
}

/* The niceness is passed on, within what a process can have. */
static void test_niceness(void **state)
{
    (void)state;
    static const struct {
        int asked;
        const char *told;
    } cases[] = {{7, "--nice=7"}, {INT_MAX, "--nice=19"}, {-5, "--nice=0"}, {INT_MIN, "--nice=0"}};
    setenv("KIN_EVIL", "repeat", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const kin_decode_limits limits = {.nice = cases[i].asked};
        static collected c;
        kin_error err;
        kin_decoder *decoder = NULL;
        kin_decode_sink sink = collect_into(&c);
        assert_int_equal(kin_decoder_new(EVIL_WORKER, &features, &limits, &decoder, NULL), KIN_OK);
        assert_int_equal(kin_decoder_run_bytes(decoder, "x", 1, "x", NULL, &sink, &err),
                         KIN_E_FORMAT);
        assert_non_null(strstr(err.message, cases[i].told));
        kin_decoder_free(decoder);
    }
}

static void test_no_worker(void **state)
{
    (void)state;
    kin_decoder *decoder = NULL;
    kin_error err;
    assert_int_equal(kin_decoder_new(inside("no-such-worker"), &features, NULL, &decoder, &err),
                     KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, inside("no-such-worker"));
    assert_int_equal(
        kin_decoder_new(EVIL_WORKER, &(kin_decode_features){.length = 0}, NULL, &decoder, &err),
        KIN_E_ARG);
    assert_int_equal(kin_decoder_new(EVIL_WORKER,
                                     &(kin_decode_features){.length = KIN_DECODER_LENGTH_MAX + 1},
                                     NULL, &decoder, &err),
                     KIN_E_ARG);
    assert_null(decoder);

    /* A program that is no worker at all. */
    assert_int_equal(kin_decoder_new("/bin/true", &features, NULL, &decoder, &err), KIN_OK);
    make_file("plain", 10);
    expect(decoder, inside("plain"), KIN_E_CRASHED, "exit status 0");
    kin_decoder_free(decoder);
    kin_decoder_free(NULL);
}

static void test_no_process_is_left(void **state)
{
    (void)state;
    make_file("plain", 10);
    kin_decoder *decoder = new_decoder();
    expect(decoder, inside("plain"), KIN_OK, "");
    kin_decoder_free(decoder);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, not even a dead one */
    assert_int_equal(errno, ECHILD);
}

/* A host that closed its standard streams gives descriptors 0 to 2 to sockets and pipes. */
static void test_without_standard_streams(void **state)
{
    (void)state;
    make_file("plain", 10);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (int fd = 0; fd < 4; fd++)
            close(fd);
        static collected c;
        kin_decoder *decoder = NULL;
        kin_decode_sink sink = collect_into(&c);
        kin_status status = kin_decoder_new(EVIL_WORKER, &features, NULL, &decoder, NULL);
        if (status == KIN_OK)
            status = kin_decoder_run(decoder, inside("plain"), NULL, &sink, NULL);
        kin_decoder_free(decoder);
        _exit(status == KIN_OK && c.frames == 2 ? 0 : 1);
    }
    int wait_status = 0;
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
}

static void *use_decoder(void *result)
{
    static const char bytes[] = "bytes";
    collected *c = calloc(1, sizeof *c);
    kin_decoder *decoder = NULL;
    const kin_decode_limits limits = {.seconds = 20.0};
    kin_status status = c == NULL ? KIN_E_NOMEM : KIN_OK;
    for (int i = 0; status == KIN_OK && i < 4; i++) {
        status = kin_decoder_new(EVIL_WORKER, &features, &limits, &decoder, NULL);
        for (int j = 0; status == KIN_OK && j < 25; j++) {
            kin_decode_sink sink = collect_into(c);
            status = kin_decoder_run_bytes(decoder, bytes, sizeof bytes, "x", NULL, &sink, NULL);
            collected_release(c);
        }
        if (status == KIN_OK)
            kin_decoder_free(decoder);
    }
    free(c);
    *(kin_status *)result = status;
    return NULL;
}

static void test_several_at_once(void **state)
{
    (void)state;
    enum { THREADS = 6 };
    setenv("KIN_EVIL", "clean", 1);
    pthread_t threads[THREADS];
    kin_status results[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_decoder, &results[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], KIN_OK);
    }
}

/* The thread that started a worker may end: others go on with it. */
static void *start_worker(void *decoder)
{
    static collected c;
    kin_decode_sink sink = collect_into(&c);
    kin_status status = kin_decoder_run_bytes(decoder, "x", 1, "x", NULL, &sink, NULL);
    collected_release(&c);
    return status == KIN_OK ? decoder : NULL;
}

static void test_worker_outlives_thread(void **state)
{
    (void)state;
    kin_decoder *decoder = new_decoder();
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        void *result = NULL;
        assert_int_equal(pthread_create(&thread, NULL, start_worker, decoder), 0);
        pthread_join(thread, &result);
        assert_non_null(result);
    }
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds_of_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_unreadable_file, make_folder, remove_folder),
        cmocka_unit_test(test_bytes_in_memory),
        cmocka_unit_test_setup_teardown(test_open_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_what_is_no_open_file, make_folder, remove_folder),
        cmocka_unit_test(test_niceness),
        cmocka_unit_test_setup_teardown(test_no_worker, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_no_process_is_left, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_without_standard_streams, make_folder, remove_folder),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_worker_outlives_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
