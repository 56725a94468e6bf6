/* steady_run.h - the measurements of `kindred-bench steady`: each appends rows to its tables. */
#ifndef KIN_BENCH_STEADY_RUN_H
#define KIN_BENCH_STEADY_RUN_H

#include <jansson.h>
#include <limits.h>

#include "scratch.h"
#include "steady_images.h"
#include "steady_searches.h"

typedef struct bench_steady {
    const char *source; /* NULL: made up */
    const char *index_kind, *codec;
    size_t images, questions_wanted, batch, swaps, seed;
    double rate, seconds; /* of inserts; of each phase */
    char folder[BENCH_SCRATCH_SIZE], dir[PATH_MAX];
    kin_archive *archive; /* in dir */
    bench_image_maker *maker;
    bench_questions questions;
    kin_archive_stats stats; /* before the phases */
    double idle_p99;
    json_t *phases, *opens, *swap_rows; /* tables */
} bench_steady;

/* All of it: makes or copies the archive, opens it, goes through the phases. */
kin_status bench_steady_run(bench_steady *steady, kin_error *err);

/* What the other process does: puts images into the archive at `dir`. */
kin_status bench_steady_insert_into(bench_steady *steady, const char *dir, kin_error *err);

void bench_steady_release(bench_steady *steady);

#endif
