/*
 * search.h - vectors in, the most similar rows out: the planner and what it chooses among.
 *
 * Knows rows, codes, an index generation and bitmaps; nothing of images or catalogs.  Ways to an
 * answer:
 *   scan            every member's row, exactly
 *   two-stage scan  every member's int8 code, then the best exactly (codes of the generation; what
 *                   is newer is scanned exactly)
 *   index           the index proposes, the tail is scanned, all are ranked exactly
 *   filtered index  the same with members selected inside the index
 *   widening        the index without a filter, candidates filtered afterwards, more of them until
 *                   enough are members
 * Each has a cost model (estimate.h) whose constants are measured on the machine (costs.h, tune.h);
 * the cheapest that promises the recall asked for is taken.  The last four may fall short of what
 * they promised (a budget spent, fewer members found than wanted, candidates that their codes cannot
 * tell from the rest): then the next surer way answers, in the end the scan, so a filter never costs
 * recall, only time; and since the index's budget is what a scan would take, at most about twice
 * that.
 */
#ifndef KIN_SEARCH_SEARCH_H
#define KIN_SEARCH_SEARCH_H

#include "index/index.h"
#include "search/costs.h"
#include "store/segments.h"

enum { KIN_PLAN_WAYS = 5 };

#define KIN_RECALL_DEFAULT 0.99

/* What is searched; all borrowed. */
typedef struct kin_corpus {
    kin_rows *rows; /* exact, encoded by the set's codec */
    size_t dim;
    const kin_index *index; /* NULL: none */
    uint64_t index_rows;    /* rows from here on came after the index: the tail */
    const kin_costs *costs; /* of this machine */
    int threads;            /* for one query's scan; 0: all */
} kin_corpus;

/* How a caller ends work under way: asked(ctx), from whichever threads do the work. */
typedef struct kin_stop {
    bool (*asked)(void *ctx); /* NULL: never */
    void *ctx;
} kin_stop;

/* KIN_E_CANCELLED once the caller has asked for the end; stop may be NULL. */
kin_status kin_stop_ask(const kin_stop *stop, kin_error *err);

typedef struct kin_ask {
    const float *vector; /* dim floats, finite */
    size_t k;            /* hits wanted, at least 1 */
    double recall;       /* share of the exact k nearest that must come back on average, in (0, 1];
                            0: KIN_RECALL_DEFAULT; 1: the exact scan */
    kin_members members;
    uint64_t member_count;            /* exact */
    const char *way;                  /* NULL: the planner's choice; else one of kin_way_name(), for
                              comparing.  KIN_E_ARG where it cannot be gone */
    const kin_index_setting *setting; /* NULL: what the tuning found for `recall`; else how hard the
                                         index (or a two-stage scan) looks, whatever comes of it */
    const uint64_t *unseen;           /* NULL, or see kin_index_query */
    kin_stop stop;
} kin_ask;

/* Exact number of members among rows [from, end). */
uint64_t kin_members_count(const kin_members *members, uint64_t from, uint64_t end);

/* "scan", "two-stage scan", "index", "filtered index", "widening"; NULL past the last. */
const char *kin_way_name(size_t way);

/* How the answer was found. */
typedef struct kin_search_plan {
    const char *way;        /* first taken (static text) */
    bool fell_back;         /* …and given up: a surer way answered */
    bool exact;             /* every member was compared exactly: the answer is the exact one */
    double recall;          /* asked for */
    double expected_recall; /* of the setting, as tuning measured it; 1 for scans */
    kin_index_setting setting;
    struct {
        const char *way;
        double microseconds; /* estimated; negative: cannot be gone */
    } considered[KIN_PLAN_WAYS];
    size_t considered_count;
    double estimated_microseconds, microseconds; /* of the whole answer; the truth */
    uint64_t tail;                               /* members newer than the index */
    uint64_t scored;                             /* codes compared */
    uint64_t scanned;                            /* rows compared exactly */
} kin_search_plan;

/* The best k members into hits (room for k), best first, with exact scores; *found < k only where no
 * more exist (or where their rows are damaged: KIN_E_CORRUPT). */
kin_status kin_search_nearest(const kin_corpus *corpus, const kin_ask *ask, kin_hit *hits,
                              size_t *found, kin_search_plan *plan, kin_error *err);

/* The exact k nearest of `count` queries (packed, dim floats each) at once: queries share each pass
 * over memory.  hits: count * k, *found (count of them) each at most k.  stop may be NULL. */
kin_status kin_search_batch(const kin_corpus *corpus, const float *queries, size_t count, size_t k,
                            const kin_members *members, kin_hit *hits, size_t *found,
                            const kin_stop *stop, kin_error *err);

#endif
