/*
 * corpus_index.h - an index generation over a store, made as reindex makes one: built, tuned, saved,
 * loaded again; and what each of these took.
 */
#ifndef KIN_BENCH_CORPUS_INDEX_H
#define KIN_BENCH_CORPUS_INDEX_H

#include "corpus_store.h"
#include "search/search.h"

typedef struct bench_generation_wish {
    const char *kind;             /* NULL: "auto" */
    const roaring_bitmap_t *gone; /* rows to leave out; NULL: none */
    const kin_index *previous;    /* to extend, or NULL */
    int threads;                  /* 0: all */
    uint64_t memory_max;          /* 0: Kindred's default */
    bool tune;
} bench_generation_wish;

typedef struct bench_generation {
    kin_index *index; /* as loaded from its file */
    uint64_t rows;    /* of the store at its snapshot */
    bool extended;
    uint64_t forecast_bytes; /* peak of the build, foretold */
    uint64_t peak_bytes;     /* and measured: beyond what the process had before */
    uint64_t file_bytes;
    double build_seconds, tune_seconds, save_seconds;
    double build_cpu_seconds; /* of all threads: what a busy machine does not change much */
    double load_seconds;      /* mapping and verifying, the file's pages being in memory */
    double
        cold_load_seconds; /* the same, after they were dropped from it; negative where the system
                                 keeps them */
    char folder[BENCH_SCRATCH_SIZE];
} bench_generation;

/* Released with bench_generation_release(), also after a failure. */
kin_status bench_generation_make(const bench_store *store, const bench_generation_wish *wish,
                                 bench_generation *out, kin_error *err);
void bench_generation_release(bench_generation *generation);

/* What kin_search_…() asks for; generation may be NULL.  It points into both.  threads: 0: all. */
kin_corpus bench_corpus(const bench_store *store, const bench_generation *generation, int threads);

#endif
