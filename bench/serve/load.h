/*
 * load.h - closed-loop clients of a Kindred server: each asks, waits for the answer, looks at it, and
 * asks again.
 */
#ifndef KIN_BENCH_LOAD_H
#define KIN_BENCH_LOAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "kindred/v1/search.pb-c.h"
#include "rpc/channel.h"

enum { BENCH_K = 10 };

/* A query and its right answer. */
typedef struct bench_query {
    Kindred__V1__SearchRequest request;
    Kindred__V1__Vector vector; /* what the request may point to */
    void *bytes;                /* the same, from malloc */
    uint64_t right[BENCH_K];    /* ids, best first */
    float scores[BENCH_K];
    size_t right_count;
} bench_query;

typedef struct bench_load {
    const char *target; /* host:port */
    const bench_query *queries;
    size_t query_count;
    uint64_t first_new_id; /* images from here on came after the right answers were made: they may
                              stand among the results, which without them must be the beginning of
                              the right answer */
    int clients;
    double seconds;
    atomic_bool *until; /* NULL, or goes on beyond `seconds` until it is set */
} bench_load;

typedef struct bench_figures {
    size_t answers, failed, wrong;
    double seconds;         /* that the clients ran */
    double p50, p99, worst; /* of a call, in milliseconds */
    double search_p50;      /* of the search itself, as the server's plan says, in ms */
    double outside_p50;     /* median of each call's share outside the search */
    char first_failure[256];
} bench_figures;

/* One client that asks for the server's health: a call that costs nothing but its way. */
kin_status bench_floor_run(const char *target, double seconds, bench_figures *out, kin_error *err);

/* Runs the clients, each on a connection of its own. */
kin_status bench_load_run(const bench_load *load, bench_figures *out, kin_error *err);

#endif
