/* Building: which kind, what it takes, progress and cancelling, sources that fail. */
#include "vectors_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 21000, DIM = 48 };

static const char *const kinds[] = {"flat", "hnsw", "ivfpq"};
enum { KINDS = 3 };

static struct vectors data;

static int setup(void **unused)
{
    (void)unused;
    data = vectors_new(COUNT, DIM, 7);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    vectors_free(&data);
    return 0;
}

static const char *chosen(size_t count, size_t dim, kin_index_options options,
                          kin_index_forecast *forecast)
{
    assert_int_equal(kin_index_forecast_build(count, dim, &options, forecast, NULL), KIN_OK);
    return forecast->kind;
}

static void test_auto_chooses_by_size_and_memory(void **unused)
{
    (void)unused;
    kin_index_forecast f;
    kin_index_options plenty = {.memory_max = (size_t)1 << 50, .threads = 2};
    assert_string_equal(chosen(0, 256, plenty, &f), "flat");
    assert_string_equal(chosen(20000, 256, plenty, &f), "flat");
    assert_string_equal(chosen(20001, 256, plenty, &f), "hnsw");
    assert_string_equal(chosen(1000000, 256, plenty, &f), "hnsw");
    assert_string_equal(chosen(100000000, 256, plenty, &f), "ivfpq"); /* days on two cores */
    plenty.threads = 64;
    assert_string_equal(chosen(100000000, 256, plenty, &f), "hnsw");

    /* Where the graph does not fit, what is smaller. */
    kin_index_forecast hnsw, ivfpq, flat;
    kin_index_options named = {.kind = "hnsw", .threads = 2, .memory_max = (size_t)1 << 50};
    chosen(1000000, 256, named, &hnsw);
    named.kind = "ivfpq";
    chosen(1000000, 256, named, &ivfpq);
    named.kind = "flat";
    chosen(1000000, 256, named, &flat);
    assert_true(flat.peak_bytes < ivfpq.peak_bytes && flat.peak_bytes < hnsw.peak_bytes);
    kin_index_options tight = {.kind = "auto", .threads = 2, .memory_max = hnsw.peak_bytes};
    assert_string_equal(chosen(1000000, 256, tight, &f), "hnsw");
    tight.memory_max = hnsw.peak_bytes - 1;
    assert_true(strcmp(chosen(1000000, 256, tight, &f), "hnsw") != 0);
    assert_true(f.peak_bytes <= tight.memory_max);
    tight.memory_max = 1;
    assert_string_equal(chosen(1000000, 256, tight, &f), "flat");

    named.kind = "hnsw";
    named.memory_max = hnsw.peak_bytes - 1;
    kin_error err = {0};
    assert_int_equal(kin_index_forecast_build(1000000, 256, &named, &f, &err), KIN_E_LIMIT);
    kin_index *index = NULL;
    kin_index_source source = vectors_source(&data);
    named.memory_max = 1000;
    assert_int_equal(kin_index_build(&source, &named, &index, NULL, &err), KIN_E_LIMIT);
    assert_null(index);
}

static void test_builds_what_was_forecast(void **unused)
{
    (void)unused;
    struct vectors few = data;
    few.count = 500;
    kin_index *index = vectors_index(&few, "auto");
    assert_string_equal(kin_index_kind_borrow(index), "flat");
    kin_index_free(index);
    index = vectors_index(&data, NULL);
    assert_string_equal(kin_index_kind_borrow(index), "hnsw");
    kin_index_free(index);
}

/* The most that the process has held in memory since it last asked to forget (clear_refs). */
static size_t peak(void)
{
    char line[256];
    unsigned long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = strtoul(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kilobytes * 1024;
}

static bool forget_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    bool done = fd >= 0 && write(fd, "5", 1) == 1;
    if (fd >= 0)
        close(fd);
    return done;
}

enum { OVER = 1, CANNOT_TELL = 2 };

/* In a process of its own: builds, and compares what it took with the forecast. */
static int build_and_measure(struct vectors *v, const char *kind)
{
    kin_index_forecast forecast;
    kin_index *index = NULL;
    kin_index_options options = {.kind = kind, .threads = 2};
    kin_index_source source = vectors_source(v);
    if (!forget_peak())
        return CANNOT_TELL;
    size_t before = peak();
    if (kin_index_forecast_build(v->count, v->dim, &options, &forecast, NULL) != KIN_OK ||
        kin_index_build(&source, &options, &index, NULL, NULL) != KIN_OK)
        return OVER;
    size_t taken = peak() - before;
    fprintf(stderr, "%s: %zu bytes taken, %zu forecast\n", kind, taken,
            (size_t)forecast.peak_bytes);
    kin_index_free(index);
    /* And it does not forecast the world. */
    return taken <= forecast.peak_bytes && taken + (24 << 20) > forecast.peak_bytes / 2 ? 0 : OVER;
}

static void test_peak_memory_is_kept(void **unused)
{
    (void)unused;
#ifdef KIN_SANITIZE
    skip(); /* the sanitizer's own memory is counted with ours */
#endif
    struct vectors many = vectors_new(40000, 128, 21);
    for (size_t k = 0; k < KINDS; k++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(build_and_measure(&many, kinds[k]));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == CANNOT_TELL)
            print_message("skipped: the system does not tell a process its peak memory\n");
        else
            assert_int_equal(WEXITSTATUS(status), 0);
    }
    vectors_free(&many);
}

struct progress {
    double last, cancel_at;
    size_t calls;
};

static int on_progress(void *ctx, double done)
{
    struct progress *p = ctx;
    p->calls++;
    assert_true(done >= p->last && done <= 1.0);
    p->last = done;
    return done >= p->cancel_at;
}

static void test_progress_and_cancelling(void **unused)
{
    (void)unused;
    struct vectors few = data;
    few.count = 6000;
    kin_index_source source = vectors_source(&few);
    static const double at[] = {0, 0.02, 0.5, 0.99};
    for (size_t k = 0; k < KINDS; k++) {
        struct progress p = {.cancel_at = 2};
        kin_index_options options = {
            .kind = kinds[k], .threads = 2, .progress = on_progress, .progress_ctx = &p};
        kin_index *index = NULL;
        assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL), KIN_OK);
        assert_true(p.calls >= 3 && p.last == 1.0);
        kin_index_free(index);
        index = NULL;
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
            p = (struct progress){.cancel_at = at[i]};
            assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL),
                             KIN_E_CANCELLED);
            assert_null(index);
        }
    }
}

struct threads_seen {
    size_t most;
};

static int count_threads(void *ctx, double done)
{
    struct threads_seen *seen = ctx;
    size_t threads = 0;
    DIR *tasks = opendir("/proc/self/task");
    (void)done;
    while (tasks != NULL && readdir(tasks) != NULL)
        threads++;
    if (tasks != NULL)
        closedir(tasks);
    seen->most = threads > seen->most ? threads : seen->most;
    return 0;
}

/* A graph is built by as many threads as are asked for. */
static void test_threads_build_a_graph(void **unused)
{
    (void)unused;
    size_t most[2];
    for (int threads = 1; threads <= 3; threads += 2) {
        struct threads_seen seen = {0};
        kin_index_source source = vectors_source(&data);
        kin_index_options options = {
            .kind = "hnsw", .threads = threads, .progress = count_threads, .progress_ctx = &seen};
        kin_index *index = NULL;
        assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL), KIN_OK);
        kin_index_free(index);
        most[threads / 2] = seen.most;
    }
    assert_int_equal(most[1], most[0] + 2);
}

struct second_call {
    size_t calls;
};

static int cancel_in_training(void *ctx, double done)
{
    struct second_call *call = ctx;
    return done == 0 && ++call->calls == 3;
}

/* FAISS's k-means is left in the middle. */
static void test_training_is_cancelled(void **unused)
{
    (void)unused;
    struct second_call call = {0};
    kin_index_source source = vectors_source(&data);
    kin_index_options options = {
        .kind = "ivfpq", .progress = cancel_in_training, .progress_ctx = &call};
    kin_index *index = NULL;
    assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL), KIN_E_CANCELLED);
    assert_int_equal(call.calls, 3);
    assert_null(index);
}

static const float *fail_at_7000(void *ctx, size_t i, kin_error *err)
{
    if (i != 7000)
        return vectors_read(ctx, i, err);
    kin_fail(err, KIN_E_CORRUPT, "000000.seg", "rows fail their checksum");
    return NULL;
}

static void check_refused(kin_index_source source, const char *kind, kin_status expected)
{
    kin_index *index = NULL;
    kin_error err = {0};
    kin_index_options options = {.kind = kind};
    assert_int_equal(kin_index_build(&source, &options, &index, NULL, &err), expected);
    assert_true(err.code == expected && err.message[0] != '\0');
    assert_int_equal(kin_index_build(&source, &options, &index, NULL, NULL), expected);
    assert_null(index);
}

static void test_bad_sources(void **unused)
{
    (void)unused;
    kin_index_source source = vectors_source(&data);
    source.count = 8000;
    source.vector = fail_at_7000;
    for (size_t k = 0; k < KINDS; k++)
        check_refused(source, kinds[k], KIN_E_CORRUPT);
    source.vector = vectors_read;

    float kept = data.data[7500 * DIM + 5];
    data.data[7500 * DIM + 5] = NAN;
    for (size_t k = 0; k < KINDS; k++)
        check_refused(source, kinds[k], KIN_E_CORRUPT);
    data.data[7500 * DIM + 5] = kept;

    check_refused(source, "tree", KIN_E_ARG);
    source.count = 1023;
    check_refused(source, "ivfpq", KIN_E_ARG);
    source.count = 0;
    check_refused(source, "hnsw", KIN_E_ARG);
    source.count = 10;
    source.dim = 0;
    check_refused(source, "hnsw", KIN_E_ARG);
    source.dim = KIN_INDEX_DIM_MAX + 1;
    check_refused(source, "flat", KIN_E_ARG);
    source.dim = DIM;
    uint64_t swapped = data.ids[3];
    data.ids[3] = data.ids[2];
    check_refused(source, "hnsw", KIN_E_ARG);
    data.ids[3] = swapped;
    kin_index_free(NULL);
}

static void test_an_empty_archive(void **unused)
{
    (void)unused;
    struct vectors none = data;
    none.count = 0;
    kin_index *index = vectors_index(&none, "auto");
    size_t position;
    assert_true(kin_index_is_flat(index));
    assert_int_equal(kin_index_codes_borrow(index).count, 0);
    assert_false(kin_index_position(index, 0, &position));
    kin_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auto_chooses_by_size_and_memory),
        cmocka_unit_test(test_peak_memory_is_kept), /* before this process starts any thread */
        cmocka_unit_test(test_builds_what_was_forecast),
        cmocka_unit_test(test_progress_and_cancelling),
        cmocka_unit_test(test_threads_build_a_graph),
        cmocka_unit_test(test_training_is_cancelled),
        cmocka_unit_test(test_bad_sources),
        cmocka_unit_test(test_an_empty_archive),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
