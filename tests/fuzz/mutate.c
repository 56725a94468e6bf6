#include "mutate.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"

enum {
    CHANGES_MAX = 4,
    RANGE_MAX = 64, /* bytes of a range, most of the time */
    HEAD = 4096,    /* where headers are: half of the changes to a large input */
    SECONDS_OF_SILENCE = 60,
    DEATHS_MAX = 20, /* enough to see; then it stops */
    SLOWER_SANITIZED = 4
};

/* --- mutation --- */

static size_t below(uint64_t *random, size_t bound)
{
    return bound > 0 ? (size_t)(random_bits(random) % bound) : 0;
}

/* A place in [0, size], near the start more often than not. */
static size_t place(uint64_t *random, size_t size)
{
    return below(random, size > HEAD && random_bits(random) % 2 == 0 ? HEAD : size + 1);
}

static size_t range(uint64_t *random, size_t at, size_t size)
{
    size_t left = size - at;
    size_t most = random_bits(random) % 8 == 0 ? left / 2 + 1 : RANGE_MAX;
    size_t length = 1 + below(random, most);
    return length < left ? length : left;
}

/* A number at `at`, of 1, 2, 4 or 8 bytes in either order, becomes one that is often a boundary. */
static void set_number(uint64_t *random, uint8_t *bytes, size_t size, size_t at)
{
    static const uint64_t favourites[] = {
        0,         1,          2,           0x7f,       0x80,
        0xff,      0x100,      0x7fff,      0x8000,     0xffff,
        0x10000,   0x7fffffff, 0x80000000u, UINT32_MAX, UINT64_C(1) << 32,
        INT64_MAX, UINT64_MAX, 0xfffffffeu, 0xfffe,     0x0d0a,
    };
    size_t width = (size_t)1 << random_bits(random) % 4;
    uint64_t value = favourites[below(random, sizeof favourites / sizeof favourites[0])];
    bool big_endian = random_bits(random) % 2 == 0;
    for (size_t i = 0; i < width && at + i < size; i++)
        bytes[at + i] = (uint8_t)(value >> 8 * (big_endian ? width - 1 - i : i));
}

static void change_in_place(uint64_t *random, uint8_t *bytes, size_t size)
{
    size_t at = place(random, size - 1);
    switch (random_bits(random) % 4) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << random_bits(random) % 8);
        break;
    case 1:
        bytes[at] = (uint8_t)random_bits(random);
        break;
    case 2: {
        size_t length = range(random, at, size), from = below(random, size - length + 1);
        memmove(bytes + at, bytes + from, length);
        break;
    }
    default:
        set_number(random, bytes, size, at);
    }
}

/* Puts `length` bytes in at `at`. */
static void insert(sample *s, size_t at, const uint8_t *bytes, size_t length)
{
    size_t size;
    assert_false(__builtin_add_overflow(s->size, length, &size));
    uint8_t *larger = malloc(size > 0 ? size : 1);
    assert_non_null(larger);
    memcpy(larger, s->bytes, at);
    memcpy(larger + at, bytes, length);
    memcpy(larger + at + length, s->bytes + at, s->size - at);
    free(s->bytes);
    s->bytes = larger;
    s->size = size;
}

static void insert_random(uint64_t *random, sample *s, size_t at)
{
    uint8_t made_up[RANGE_MAX];
    size_t length = 1 + below(random, sizeof made_up);
    for (size_t i = 0; i < length; i++)
        made_up[i] = (uint8_t)random_bits(random);
    insert(s, at, made_up, length);
}

static void change(uint64_t *random, sample *s, const sample *with)
{
    size_t at = place(random, s->size);
    switch (random_bits(random) % 10) {
    case 0:
        s->size = at;
        break;
    case 1: {
        size_t length = range(random, at, s->size);
        memmove(s->bytes + at, s->bytes + at + length, s->size - at - length);
        s->size -= length;
        break;
    }
    case 2:
        insert(s, at, s->bytes + at, range(random, at, s->size));
        break;
    case 3:
        insert_random(random, s, at);
        break;
    case 4: {
        size_t from = place(random, with->size);
        insert(s, at, with->bytes + from, range(random, from, with->size));
        break;
    }
    default:
        if (s->size > 0)
            change_in_place(random, s->bytes, s->size);
    }
}

static sample copy(const uint8_t *bytes, size_t size)
{
    sample s = {.bytes = malloc(size > 0 ? size : 1), .size = size};
    assert_non_null(s.bytes);
    memcpy(s.bytes, bytes, size);
    return s;
}

sample mutate(uint64_t *random, const sample *from, const sample *with)
{
    sample s = copy(from->bytes, from->size);
    for (size_t n = 1 + below(random, CHANGES_MAX); n > 0; n--)
        change(random, &s, with);
    sample exact = copy(s.bytes, s.size);
    free(s.bytes);
    return exact;
}

sample mutate_in_place(uint64_t *random, const sample *from, size_t first, size_t end)
{
    sample s = copy(from->bytes, from->size);
    for (size_t n = 1 + below(random, CHANGES_MAX); n > 0; n--)
        change_in_place(random, s.bytes + first, end - first);
    return s;
}

/* --- running --- */

/* Where parent and children see the same. */
struct progress {
    uint64_t seed;
    fuzz_tally tally;
};

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

void fuzz_die(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

/* A child must die of what is wrong; cmocka's ways, a jump out of its assertions and out of signal
 * handlers, would end in the parent's test, its teardown included. */
static void leave_cmocka(void)
{
    static const int caught[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
    for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
        signal(caught[i], SIG_DFL);
    setenv("CMOCKA_TEST_ABORT", "1", 1);
}

static pid_t fork_child(void)
{
    fflush(NULL); /* else the child would print it again */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        leave_cmocka();
    return child;
}

void fuzz_apart(void (*body)(void *ctx), void *ctx)
{
    pid_t child = fork_child();
    if (child == 0) {
        body(ctx);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
}

/* In a child: every seed from the one in *progress on.  It ends as programs do, so that a leak
 * checker has its say. */
static void run_child(struct progress *progress, fuzz_body body, void *ctx, uint64_t end)
{
    for (; progress->seed < end; progress->seed++) {
        alarm(SECONDS_OF_SILENCE);
        if (body(ctx, progress->seed))
            progress->tally.accepted++;
        else
            progress->tally.refused++;
    }
    alarm(0);
    exit(0);
}

static void report(const char *name, const struct progress *progress, uint64_t end, int status)
{
    const char *how = WIFSIGNALED(status) ? "signal" : "exit code";
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (progress->seed == end)
        print_error("%s: %s %d at the end (a leak?)\n", name, how, number);
    else
        print_error("%s: seed %llu: %s %d\n", name, (unsigned long long)progress->seed, how,
                    number);
}

fuzz_tally fuzz_run(const char *name, fuzz_body body, void *ctx, unsigned iterations)
{
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(progress != MAP_FAILED);
#ifdef KIN_SANITIZE
    iterations /= SLOWER_SANITIZED;
#endif
    uint64_t first = number_from("KINDRED_FUZZ_SEED", 1);
    uint64_t end = first + number_from("KINDRED_FUZZ_ITERATIONS", iterations);
    progress->seed = first;
    for (bool over = false; !over && progress->tally.deaths < DEATHS_MAX;) {
        pid_t child = fork_child();
        if (child == 0)
            run_child(progress, body, ctx, end);
        int status = wait_for(child);
        over = progress->seed == end;
        if (status != 0) {
            report(name, progress, end, status);
            progress->tally.deaths++;
            progress->seed += !over;
        }
    }
    fuzz_tally tally = progress->tally;
    munmap(progress, sizeof *progress);
    print_message("%s: %u taken, %u refused, %u deaths\n", name, tally.accepted, tally.refused,
                  tally.deaths);
    assert_int_equal(tally.deaths, 0);
    return tally;
}
