/*
 * One query from the plan to the ranked hits.  What the index or the codes propose is ranked by the
 * rows themselves; members that came after the index are scanned; an index that falls short of what
 * it promised gives way to a scan.
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "search/by_index.h"
#include "search/estimate.h"
#include "search/exact.h"
#include "search/plan.h"
#include "search/scan.h"

enum {
    WIDER = 8, /* times as many candidates, where so many did not do */
    LEAST = 64
};

struct nearest {
    const kin_corpus *corpus;
    const kin_ask *ask;
    struct plan_facts facts;
    struct plan_choice choice;
    kin_search_plan *plan;
    kin_probe *probe; /* for the rows */
    kin_topk *top;    /* of exact scores */
};

static kin_status check(const kin_corpus *corpus, const kin_ask *ask, kin_error *err)
{
    if (ask->k == 0)
        return kin_fail(err, KIN_E_ARG, NULL, "no hits are wanted");
    if (!(ask->recall >= 0 && ask->recall <= 1))
        return kin_fail(err, KIN_E_ARG, NULL, "a recall is above 0 and at most 1");
    for (size_t i = 0; i < corpus->dim; i++)
        if (!isfinite(ask->vector[i]))
            return kin_fail(err, KIN_E_ARG, NULL, "query is not finite");
    return KIN_OK;
}

/* Scans the members' rows from row `from` on. */
static kin_status scan_rows(struct nearest *nearest, uint64_t from, bool threads, kin_error *err)
{
    const kin_corpus *corpus = nearest->corpus;
    kin_scan scan = {.corpus = corpus,
                     .probe = nearest->probe,
                     .members = &nearest->ask->members,
                     .from = from,
                     .end = kin_rows_count(corpus->rows),
                     .threads = threads ? corpus->threads : 1,
                     .stop = &nearest->ask->stop};
    return kin_scan_run(&scan, nearest->top, &nearest->plan->scanned, err);
}

static kin_status scan_tail(struct nearest *nearest, kin_error *err)
{
    if (nearest->facts.tail == 0)
        return KIN_OK;
    double time = kin_estimate_rows(nearest->corpus, nearest->facts.tail, nearest->facts.tail);
    return scan_rows(nearest, nearest->corpus->index_rows,
                     kin_plan_worth_threads(nearest->corpus, time), err);
}

/* Ranks what was proposed, in any order, by the rows themselves.  *certain: whether what was not
 * proposed, though it could have been, is worse by more than a code has been seen to err.  Codes
 * cannot tell apart what is about as similar, and a filter may leave nothing else: all but the
 * query's own kind, say, in a shell around it. */
static kin_status rank(struct nearest *nearest, kin_hit *hits, size_t count, bool *certain,
                       kin_error *err)
{
    const kin_topk *top = nearest->top;
    float worst = INFINITY, error = 0;
    float *codes = reallocarray(NULL, count > 0 ? count : 1, sizeof *codes);
    if (codes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu candidates", count);
    for (size_t i = 0; i < count; i++) {
        codes[i] = hits[i].score;
        worst = fminf(worst, codes[i]);
    }
    kin_status status = kin_exact_rescore(nearest->corpus->rows, nearest->probe, hits, count, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        error = fmaxf(error, fabsf(hits[i].score - codes[i]));
        kin_topk_offer(nearest->top, hits[i].id, hits[i].score);
    }
    free(codes);
    nearest->plan->scanned += count;
    *certain = count < nearest->choice.setting.candidates || worst + error < kin_topk_bar(top);
    return status;
}

/* The best codes among the members. */
static kin_status scan_codes(struct nearest *nearest, kin_topk *best, kin_error *err)
{
    const kin_corpus *corpus = nearest->corpus;
    kin_index_codes codes = kin_index_codes_borrow(corpus->index);
    kin_scan scan = {.corpus = corpus,
                     .members = &nearest->ask->members,
                     .codes = &codes,
                     .end = corpus->index_rows,
                     .threads = nearest->choice.threads ? corpus->threads : 1,
                     .stop = &nearest->ask->stop};
    kin_probe *probe = NULL;
    kin_status status =
        kin_probe_new(kin_codec_int8, nearest->ask->vector, corpus->dim, &probe, err);
    scan.probe = probe;
    if (status == KIN_OK)
        status = kin_scan_run(&scan, best, &nearest->plan->scored, err);
    kin_probe_free(probe);
    return status;
}

static kin_status answer_by_scan(struct nearest *nearest, kin_error *err)
{
    nearest->plan->exact = true;
    return scan_rows(nearest, 0, nearest->choice.threads, err);
}

/* Answers from candidates: those of the codes, or those of the index. */
static kin_status answer_by_candidates(struct nearest *nearest, bool *enough, kin_error *err)
{
    size_t capacity = nearest->choice.setting.candidates;
    uint64_t older = nearest->facts.members - nearest->facts.tail;
    bool certain = true, scanned = nearest->choice.way == WAY_TWO_STAGE;
    kin_topk best = {.capacity = capacity};
    kin_status status = KIN_OK;
    *enough = true;
    nearest->top->count = 0;
    best.hits = reallocarray(NULL, capacity > 0 ? capacity : 1, sizeof *best.hits);
    if (best.hits == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu candidates", capacity);
    if (scanned)
        status = scan_codes(nearest, &best, err);
    else
        status = kin_by_index(nearest->corpus, nearest->ask, &nearest->facts, &nearest->choice,
                              best.hits, &best.count, enough, nearest->plan, err);
    if (status == KIN_OK && *enough)
        status = rank(nearest, best.hits, best.count, &certain, err);
    /* A tuned, unfiltered search has promised a recall, not certainty. */
    if (nearest->choice.way != WAY_INDEX && nearest->ask->setting == NULL)
        *enough = *enough && certain;
    nearest->plan->exact = scanned && capacity >= older; /* each was ranked by its row, then */
    if (status == KIN_OK && *enough)
        status = scan_tail(nearest, err);
    free(best.hits);
    return status;
}

/* A wider scan of codes, where that is cheaper than the rows. */
static kin_status scan_wider(struct nearest *nearest, bool *enough, kin_error *err)
{
    uint64_t older = nearest->facts.members - nearest->facts.tail;
    size_t candidates = (size_t)nearest->choice.setting.candidates * WIDER;
    const kin_search_plan *plan = nearest->plan;
    if (candidates < WIDER * (size_t)LEAST)
        candidates = WIDER * (size_t)LEAST;
    if (candidates >= older / WIDER ||
        plan->considered[WAY_TWO_STAGE].microseconds > plan->considered[WAY_SCAN].microseconds ||
        !kin_plan_instead(nearest->corpus, nearest->ask, &nearest->facts, WAY_TWO_STAGE, plan,
                          &nearest->choice))
        return KIN_OK;
    nearest->choice.setting.candidates = (uint32_t)candidates;
    return answer_by_candidates(nearest, enough, err);
}

/* After a way that came to nothing the next surer one: the filter inside the index after one outside,
 * then more candidates of a scan of codes, then the rows. */
static kin_status fall_back(struct nearest *nearest, kin_error *err)
{
    bool enough = false;
    kin_status status = KIN_OK;
    nearest->plan->fell_back = true;
    if (nearest->choice.way == WAY_WIDENING &&
        kin_plan_instead(nearest->corpus, nearest->ask, &nearest->facts, WAY_FILTERED,
                         nearest->plan, &nearest->choice))
        status = answer_by_candidates(nearest, &enough, err);
    if (status == KIN_OK && !enough)
        status = scan_wider(nearest, &enough, err);
    if (status != KIN_OK || enough)
        return status;
    kin_plan_instead(nearest->corpus, nearest->ask, &nearest->facts, WAY_SCAN, nearest->plan,
                     &nearest->choice);
    nearest->top->count = 0;
    return answer_by_scan(nearest, err);
}

static kin_status answer(struct nearest *nearest, kin_error *err)
{
    bool enough = true;
    kin_status status = nearest->choice.way == WAY_SCAN
                            ? answer_by_scan(nearest, err)
                            : answer_by_candidates(nearest, &enough, err);
    if (status == KIN_OK && !enough)
        status = fall_back(nearest, err);
    return status;
}

static kin_status choose(struct nearest *nearest, kin_error *err)
{
    const kin_corpus *corpus = nearest->corpus;
    const kin_ask *ask = nearest->ask;
    struct plan_facts *facts = &nearest->facts;
    kin_plan_facts(corpus, ask, facts);
    nearest->plan->tail = facts->tail;
    kin_status status = kin_plan_choose(corpus, ask, facts, &nearest->choice, nearest->plan, err);
    if (status != KIN_OK || !kin_plan_is_unsure(ask, facts, nearest->plan))
        return status;
    status = kin_look_around(corpus, ask, facts, nearest->plan, err);
    return status == KIN_OK
               ? kin_plan_choose(corpus, ask, facts, &nearest->choice, nearest->plan, err)
               : status;
}

kin_status kin_search_nearest(const kin_corpus *corpus, const kin_ask *ask, kin_hit *hits,
                              size_t *found, kin_search_plan *plan, kin_error *err)
{
    double began = kin_clock_monotonic();
    kin_topk top = {.hits = hits, .capacity = ask->k};
    struct nearest nearest = {.corpus = corpus, .ask = ask, .plan = plan, .top = &top};
    *found = 0;
    *plan = (kin_search_plan){.way = kin_way_name(WAY_SCAN)};
    kin_status status = check(corpus, ask, err);
    if (status == KIN_OK)
        status = kin_stop_ask(&ask->stop, err);
    if (status != KIN_OK)
        return status;
    status = choose(&nearest, err);
    if (status == KIN_OK)
        status = kin_probe_new(kin_rows_codec(corpus->rows), ask->vector, corpus->dim,
                               &nearest.probe, err);
    if (status == KIN_OK)
        status = answer(&nearest, err);
    kin_probe_free(nearest.probe);
    if (status != KIN_OK)
        return status;
    kin_topk_sort(&top);
    *found = top.count;
    plan->microseconds = 1e6 * (kin_clock_monotonic() - began);
    return KIN_OK;
}
