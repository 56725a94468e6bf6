/*
 * bench_ann_contender.h - what takes part in `kindred-bench ann`: an index, made, with the settings
 * to try; Kindred's own and others' behind one interface.
 */
#ifndef KIN_BENCH_ANN_CONTENDER_H
#define KIN_BENCH_ANN_CONTENDER_H

#include "corpus_index.h"
#include "corpus_store.h"
#include "peer.h"

enum {
    ANN_CONTENDERS_MAX = 32,
    ANN_POINTS_MAX = 96,
    ANN_ROUNDS_MAX = 15,
    ANN_NAME_SIZE = 64,
    ANN_CODECS_MAX = 3,
    ANN_K_MAX = 1000
};

/* A setting, and what came of it. */
typedef struct ann_point {
    size_t width, candidates;
    double
        target; /* a recall that is asked for, its setting found by tuning; 0: the setting above */
    bool measured; /* false: left out, a cheaper setting finds everything already */
    double recall;
    size_t rounds; /* in which it was asked */
    double rate[ANN_ROUNDS_MAX], p50[ANN_ROUNDS_MAX], p99[ANN_ROUNDS_MAX]; /* of each round */
    double cpu_rate[ANN_ROUNDS_MAX];
    /* The medians of the rounds: queries per second; latencies in microseconds; queries per second
     * of one processor's time, which does not count when other programs run. */
    double median_rate, median_p50, median_p99, median_cpu_rate;
} ann_point;

typedef struct ann_contender ann_contender;
struct ann_contender {
    char name[ANN_NAME_SIZE];   /* "hnswlib M=16" */
    char family[ANN_NAME_SIZE]; /* "hnswlib": of the family's points the best make one curve */
    bool ours;
    ann_point points[ANN_POINTS_MAX]; /* cheapest first, then those with a target */
    size_t point_count;
    double build_seconds, tune_seconds;
    uint64_t index_bytes; /* that a search may touch, without: */
    uint64_t row_bytes;   /* vectors that only the exact ranking reads; 0 where it is not apart */
    uint64_t grown_bytes; /* by which the process grew while it was made: memory of its own and
                             mapped; 0 where it shares what another made */
    /* What it is; not for users. */
    const bench_store *store;
    const bench_generation *generation;
    const char *way; /* NULL: the planner's choice */
    peer *other;
};

/* Who is to take part, of what is made with how many threads. */
typedef struct ann_wish {
    const bench_set *set;
    size_t k;
    int threads;                        /* for building; 0: all */
    const char *codecs[ANN_CODECS_MAX]; /* of the rows that Kindred ranks by */
    size_t codec_count;
    const char *only; /* names that contain one of these, between commas; NULL: all */
} ann_wish;

/* All of them, with the stores and generations that ours share. */
typedef struct ann_field {
    ann_contender *contenders; /* room for ANN_CONTENDERS_MAX */
    size_t count;
    bench_store stores[ANN_CODECS_MAX];
    bench_generation generations[3];
} ann_field;

/* Makes everything; tells on standard error what it is at.  Released also after a failure. */
kin_status ann_field_make(const ann_wish *wish, ann_field *out, kin_error *err);
void ann_field_release(ann_field *field);

/* Before queries with a setting; none may be under way. */
void ann_prepare(ann_contender *contender, const ann_point *point);

/* One query on the calling thread: up to k ids, best first. */
kin_status ann_ask(const ann_contender *contender, const ann_point *point, const float *query,
                   size_t k, uint64_t *ids, size_t *found, kin_error *err);

#endif
