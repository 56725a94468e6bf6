#include "bench_ann_measure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "command_line.h"
#include "report.h"

enum { THREADS_MAX = 64, LATENCIES_FIRST = 4096, ASKED_LEAST = 20 };

/* Beyond this a wider search finds nothing more that could be seen. */
#define RECALL_ENOUGH 0.9997

/* A setting that another of its family was so much faster than in the first round, at no less a
 * recall, is not asked again. */
#define CLEARLY_FASTER 1.5

/* --- one pass: one setting of one contender --- */

struct pass {
    const ann_course *course;
    const ann_contender *contender;
    const ann_point *point;
    size_t round;
    pthread_barrier_t start;
    uint64_t *ids; /* query_count * k: answers of the first time each query is asked */
    size_t *found;
};

/* One caller: queries first, first + step, … */
struct caller {
    struct pass *pass;
    size_t first, step;
    double *latencies;
    size_t count, capacity;
    double began, ended, cpu_seconds;
    kin_status status;
    kin_error err;
};

static bool keep_latency(struct caller *caller, double seconds)
{
    if (caller->count == caller->capacity) {
        size_t capacity = caller->capacity > 0 ? 2 * caller->capacity : LATENCIES_FIRST;
        double *larger = reallocarray(caller->latencies, capacity, sizeof *larger);
        if (larger == NULL)
            return false;
        caller->latencies = larger;
        caller->capacity = capacity;
    }
    caller->latencies[caller->count++] = seconds;
    return true;
}

/* One query; its latency runs from the end of the one before. */
static void ask_one(struct caller *caller, size_t q, uint64_t *ids, size_t *found, double *last)
{
    const struct pass *pass = caller->pass;
    const bench_set *set = pass->course->set;
    caller->status = ann_ask(pass->contender, pass->point, set->queries + q * set->dim,
                             pass->course->k, ids, found, &caller->err);
    double now = kin_clock_monotonic();
    if (!keep_latency(caller, now - *last))
        caller->status = kin_fail(&caller->err, KIN_E_NOMEM, NULL, "no memory for timings");
    *last = now;
}

/* Seconds that the calling thread has had a processor for. */
static double thread_cpu(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *call(void *ctx)
{
    struct caller *caller = ctx;
    struct pass *pass = caller->pass;
    size_t queries = pass->course->set->query_count, k = pass->course->k, found;
    uint64_t spare[ANN_K_MAX];
    pthread_barrier_wait(&pass->start);
    caller->began = kin_clock_monotonic();
    double last = caller->began, cpu = thread_cpu();
    if (pass->round == 0) /* every query once, and its answer kept */
        for (size_t q = caller->first; caller->status == KIN_OK && q < queries; q += caller->step)
            ask_one(caller, q, pass->ids + q * k, &pass->found[q], &last);
    /* Each round begins elsewhere: a slow index would never come to the last queries. */
    size_t at = caller->first + pass->round * queries / pass->course->rounds;
    for (; caller->status == KIN_OK &&
           (caller->count < ASKED_LEAST || last - caller->began < pass->course->seconds);
         at += caller->step)
        ask_one(caller, at % queries, spare, &found, &last);
    caller->ended = last;
    caller->cpu_seconds = thread_cpu() - cpu;
    return NULL;
}

/* Puts all callers' figures together into the round's. */
static kin_status sum_up(struct caller *callers, int count, ann_point *point, kin_error *err)
{
    size_t answers = 0, at = 0;
    double rate = 0, cpu_seconds = 0;
    for (int i = 0; i < count; i++) {
        answers += callers[i].count;
        cpu_seconds += callers[i].cpu_seconds;
        /* Each by its own time: they do not end in the same moment. */
        rate += (double)callers[i].count / (callers[i].ended - callers[i].began);
    }
    double *all = malloc(answers * sizeof *all);
    if (all == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for timings");
    for (int i = 0; i < count; i++) {
        memcpy(all + at, callers[i].latencies, callers[i].count * sizeof *all);
        at += callers[i].count;
    }
    point->rate[point->rounds] = rate;
    point->cpu_rate[point->rounds] = cpu_seconds > 0 ? (double)answers / cpu_seconds : 0;
    point->p50[point->rounds] = 1e6 * bench_percentile(all, answers, 0.50);
    point->p99[point->rounds++] = 1e6 * bench_percentile(all, answers, 0.99);
    free(all);
    return KIN_OK;
}

static kin_status run_pass(struct pass *pass, ann_point *point, kin_error *err)
{
    struct caller callers[THREADS_MAX] = {{0}};
    pthread_t threads[THREADS_MAX];
    int count = pass->course->threads, started = 0;
    kin_status status = KIN_OK;
    pthread_barrier_init(&pass->start, NULL, (unsigned)count);
    for (int i = 0; i < count; i++)
        callers[i] = (struct caller){.pass = pass, .first = (size_t)i, .step = (size_t)count};
    for (int i = 1; i < count; i++, started++)
        if (pthread_create(&threads[i], NULL, call, &callers[i]) != 0) {
            /* Those that wait at the barrier would wait for ever. */
            fprintf(stderr, "kindred-bench: cannot start a thread\n");
            exit(1);
        }
    call(&callers[0]);
    for (int i = 1; i <= started; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&pass->start);
    for (int i = 0; i < count && status == KIN_OK; i++)
        if (callers[i].status != KIN_OK) {
            status = callers[i].status;
            *err = callers[i].err;
        }
    if (status == KIN_OK)
        status = sum_up(callers, count, point, err);
    for (int i = 0; i < count; i++)
        free(callers[i].latencies);
    return status;
}

/* --- all of them --- */

static double mean_recall(const struct pass *pass)
{
    const ann_course *course = pass->course;
    double sum = 0;
    for (size_t q = 0; q < course->set->query_count; q++)
        sum += bench_recall(course->set, course->truth, q, pass->ids + q * course->k,
                            pass->found[q], NULL, NULL);
    return sum / (double)course->set->query_count;
}

/* True when a cheaper setting has found enough: wider in every respect, it would find no less. */
static bool is_needless(const ann_contender *contender, size_t which)
{
    const ann_point *point = &contender->points[which];
    if (point->target > 0)
        return false;
    for (size_t i = 0; i < which; i++) {
        const ann_point *other = &contender->points[i];
        if (other->measured && other->target == 0 && other->recall >= RECALL_ENOUGH &&
            other->width <= point->width && other->candidates <= point->candidates)
            return true;
    }
    return false;
}

/* True when another of the family beat it clearly in the first round. */
static bool is_beaten(const ann_field *field, const ann_contender *contender,
                      const ann_point *point)
{
    for (size_t c = 0; c < field->count; c++) {
        const ann_contender *other = &field->contenders[c];
        if (strcmp(other->family, contender->family) != 0)
            continue;
        for (size_t p = 0; p < other->point_count; p++)
            if (other->points[p].rounds > 0 && other->points[p].recall >= point->recall &&
                other->points[p].cpu_rate[0] > CLEARLY_FASTER * point->cpu_rate[0])
                return true;
    }
    return false;
}

static kin_status measure_point(struct pass *pass, const ann_field *field, ann_contender *contender,
                                size_t which, kin_error *err)
{
    ann_point *point = &contender->points[which];
    if (pass->round == 0)
        point->measured = !is_needless(contender, which);
    else if (point->measured && is_beaten(field, contender, point))
        return KIN_OK;
    if (!point->measured)
        return KIN_OK;
    ann_prepare(contender, point);
    pass->contender = contender;
    pass->point = point;
    kin_status status = run_pass(pass, point, err);
    if (status == KIN_OK && pass->round == 0)
        point->recall = mean_recall(pass);
    return status;
}

static double median(const double *values, size_t count)
{
    double sorted[ANN_ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    return bench_percentile(sorted, count, 0.5);
}

static void take_medians(ann_field *field)
{
    for (size_t c = 0; c < field->count; c++)
        for (size_t p = 0; p < field->contenders[c].point_count; p++) {
            ann_point *point = &field->contenders[c].points[p];
            point->median_rate = median(point->rate, point->rounds);
            point->median_cpu_rate = median(point->cpu_rate, point->rounds);
            point->median_p50 = median(point->p50, point->rounds);
            point->median_p99 = median(point->p99, point->rounds);
        }
}

/* The i-th setting of each contender in turn, then the next. */
static kin_status run_round(struct pass *pass, ann_field *field, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t p = 0; p < ANN_POINTS_MAX; p++)
        for (size_t c = 0; status == KIN_OK && c < field->count; c++)
            if (p < field->contenders[c].point_count)
                status = measure_point(pass, field, &field->contenders[c], p, err);
    return status;
}

kin_status ann_measure(const ann_course *course, ann_field *field, kin_error *err)
{
    struct pass pass = {.course = course};
    size_t queries = course->set->query_count;
    if (course->threads < 1 || course->threads > THREADS_MAX || course->rounds < 1 ||
        course->rounds > ANN_ROUNDS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "1 to %d threads, 1 to %d rounds", THREADS_MAX,
                        ANN_ROUNDS_MAX);
    pass.ids = calloc(queries * course->k, sizeof *pass.ids);
    pass.found = calloc(queries, sizeof *pass.found);
    kin_status status = pass.ids != NULL && pass.found != NULL
                            ? KIN_OK
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for answers");
    for (; status == KIN_OK && pass.round < course->rounds; pass.round++) {
        status = run_round(&pass, field, err);
        bench_say("round %zu of %zu is over", pass.round + 1, course->rounds);
    }
    if (status == KIN_OK)
        take_medians(field);
    free(pass.ids);
    free(pass.found);
    return status;
}
