/*
 * The cost model.  With m members, t of them in the tail, s the share of the index's vectors that
 * are members, and w codes scored by an unfiltered search of the tuned setting in T microseconds:
 *
 *   scan            m rows
 *   two-stage scan  (m - t) codes, then the candidates' rows and t rows
 *   index           T, and t rows                                      (nothing is filtered out)
 *   filtered index  w / s codes, each with its share of the walk and a question to the bitmap: a beam
 *                   must meet 1 / s nodes for each member                (Malkov and Yashunin's beam
 *                   ends by what it has found, not by what it has seen)
 *   widening        the unfiltered search made 1 / s as wide, and filtered afterwards
 *
 * Rows and codes cost by whether they follow each other; a scan that is long enough is divided among
 * threads.  What a code costs the index comes from the tuning: T / w, measured on the archive itself.
 */
#include "search/plan.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "search/members_cursor.h"

enum {
    CANDIDATES_PER_HIT = 4, /* of a two-stage scan… */
    CANDIDATES_MORE = 24,   /* …and besides */
    THREADS_WORTH = 8,      /* times what starting them costs */
    WIDEST = 1 << 20
};

/* A range of rows of which more than this are members is read through, one after the other. */
#define DENSE 0.9
/* Members rarer than this are too far apart for a beam to go from one to the next. */
#define SELECTIVITY_MIN 0.002
/* The budget over the estimate, where the scan would cost less. */
#define BUDGET_OVER_ESTIMATE 4.0

static const char *const names[KIN_PLAN_WAYS] = {
    [WAY_SCAN] = "scan",         [WAY_TWO_STAGE] = "two-stage scan",
    [WAY_INDEX] = "index",       [WAY_FILTERED] = "filtered index",
    [WAY_WIDENING] = "widening",
};

const char *kin_way_name(size_t way)
{
    return way < KIN_PLAN_WAYS ? names[way] : NULL;
}

static int threads_of(const kin_corpus *corpus)
{
    int threads = corpus->threads > 0 ? corpus->threads : kin_cpu_count();
    return threads < corpus->costs->threads ? threads : corpus->costs->threads;
}

bool kin_plan_worth_threads(const kin_corpus *corpus, double nanoseconds)
{
    return threads_of(corpus) > 1 && nanoseconds > THREADS_WORTH * corpus->costs->thread;
}

/* The first tuning that promises the recall asked for. */
static const kin_index_tuning *tuning_for(const kin_index *index, double recall)
{
    size_t count = 0;
    const kin_index_tuning *tunings = kin_index_tunings_borrow(index, &count);
    for (size_t i = 0; i < count; i++)
        if (tunings[i].target >= recall)
            return &tunings[i];
    return NULL;
}

static double recall_of(const kin_ask *ask)
{
    return ask->recall > 0 ? ask->recall : KIN_RECALL_DEFAULT;
}

void kin_plan_facts(const kin_corpus *corpus, const kin_ask *ask, struct plan_facts *out)
{
    *out = (struct plan_facts){.members = ask->member_count, .tail = ask->member_count};
    if (corpus->index == NULL)
        return;
    out->codes = kin_index_count(corpus->index);
    out->tail = kin_members_count(&ask->members, corpus->index_rows, kin_rows_count(corpus->rows));
    if (out->tail > out->members)
        out->tail = out->members;
    out->selectivity = out->codes > 0 ? (double)(out->members - out->tail) / (double)out->codes : 0;
    if (out->selectivity > 1)
        out->selectivity = 1;
    out->filtered = out->members - out->tail < out->codes;
    out->tuning = tuning_for(corpus->index, recall_of(ask));
}

/* What scanning takes, divided among threads where that pays. */
static double scan_time(const kin_corpus *corpus, double nanoseconds)
{
    if (!kin_plan_worth_threads(corpus, nanoseconds))
        return nanoseconds;
    return nanoseconds / threads_of(corpus) + corpus->costs->thread;
}

static double density(const kin_corpus *corpus, uint64_t members)
{
    uint64_t rows = kin_rows_count(corpus->rows);
    return rows > 0 ? (double)members / (double)rows : 0;
}

/* Nanoseconds for the rows of so many members. */
static double rows_cost(const kin_corpus *corpus, uint64_t members, double dense)
{
    const kin_costs *costs = corpus->costs;
    double each = costs->next_member + (dense > DENSE ? costs->scan_row : costs->scatter_row);
    return scan_time(corpus, (double)members * each);
}

static double codes_cost(const kin_corpus *corpus, uint64_t members, double dense)
{
    const kin_costs *costs = corpus->costs;
    double each = costs->next_member + (dense > DENSE ? costs->scan_code : costs->scatter_code);
    return scan_time(corpus, (double)members * each);
}

/* Tuned for 10 hits; more want as much more of everything. */
static uint32_t scaled(uint32_t figure, double by)
{
    double result = ceil((double)figure * by);
    return result < WIDEST ? (uint32_t)result : WIDEST;
}

/* At least as many candidates as mostly make sure that codes can tell (nearest.c): falling back costs
 * more than ranking some more. */
static kin_index_setting two_stage_setting(const kin_corpus *corpus, const kin_ask *ask,
                                           const struct plan_facts *facts)
{
    size_t candidates = ask->k * CANDIDATES_PER_HIT + CANDIDATES_MORE;
    kin_index_setting setting = {0, candidates < WIDEST ? (uint32_t)candidates : WIDEST};
    if (ask->setting != NULL)
        return *ask->setting;
    if (facts->tuning != NULL && kin_index_is_flat(corpus->index)) {
        uint32_t tuned =
            scaled(facts->tuning->setting.candidates, ask->k > 10 ? (double)ask->k / 10 : 1);
        setting.candidates = setting.candidates > tuned ? setting.candidates : tuned;
    }
    return setting;
}

/* The tuned setting for k, made `wider` times as wide. */
static kin_index_setting index_setting(const kin_ask *ask, const struct plan_facts *facts,
                                       double wider)
{
    double factor = ask->k > 10 ? (double)ask->k / 10 : 1;
    kin_index_setting setting =
        ask->setting != NULL
            ? *ask->setting
            : (kin_index_setting){scaled(facts->tuning->setting.width, factor),
                                  scaled(facts->tuning->setting.candidates, factor)};
    if (wider > 1) {
        setting.width = scaled(setting.width, wider);
        setting.candidates = scaled(setting.candidates, wider);
    }
    return setting;
}

/* Nanoseconds of one code in a beam, by the tuning. */
static double beam_code(const kin_corpus *corpus, const struct plan_facts *facts)
{
    const kin_index_tuning *tuning = facts->tuning;
    return tuning != NULL && tuning->scored > 0 ? 1e3 * tuning->microseconds / tuning->scored
                                                : corpus->costs->beam_code;
}

/* Nanoseconds of a way, or a negative number where it cannot be gone. */
static double estimate(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                       enum way way)
{
    const kin_costs *costs = corpus->costs;
    uint64_t older = facts->members - facts->tail;
    double dense = density(corpus, facts->members), s = facts->selectivity;
    double factor = ask->k > 10 ? (double)ask->k / 10 : 1;
    double tail = rows_cost(corpus, facts->tail, 1);
    bool index = corpus->index != NULL && !kin_index_is_flat(corpus->index) && older > 0 &&
                 (facts->tuning != NULL || ask->setting != NULL);
    double scored = facts->tuning != NULL ? facts->tuning->scored * factor : 0;
    switch (way) {
    case WAY_SCAN:
        return rows_cost(corpus, facts->members, dense);
    case WAY_TWO_STAGE:
        if (corpus->index == NULL || kin_index_codes_borrow(corpus->index).rows == NULL)
            return -1;
        return codes_cost(corpus, older, dense) +
               two_stage_setting(corpus, ask, facts).candidates *
                   (costs->scatter_row + costs->keep) +
               tail;
    case WAY_INDEX:
        return index && !facts->filtered ? scored * beam_code(corpus, facts) + tail : -1;
    case WAY_FILTERED:
        if (!index || !facts->filtered || s < SELECTIVITY_MIN)
            return -1;
        return scored / s * (beam_code(corpus, facts) + costs->member) + tail;
    case WAY_WIDENING:
        if (!index || !facts->filtered || s < SELECTIVITY_MIN)
            return -1;
        return scored / s * beam_code(corpus, facts) * 1.5 + tail;
    }
    return -1;
}

static void set_up(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                   enum way way, double scan, double own, struct plan_choice *choice)
{
    choice->way = way;
    choice->threads = false;
    choice->budget = 0;
    if (way == WAY_SCAN || way == WAY_TWO_STAGE) {
        double each = way == WAY_SCAN ? corpus->costs->scan_row : corpus->costs->scan_code;
        choice->threads = kin_plan_worth_threads(corpus, (double)facts->members * each);
        if (way == WAY_TWO_STAGE)
            choice->setting = two_stage_setting(corpus, ask, facts);
        return;
    }
    choice->setting = index_setting(ask, facts, way == WAY_WIDENING ? 1 / facts->selectivity : 1);
    double allowed = fmax(scan, BUDGET_OVER_ESTIMATE * own);
    if (ask->setting == NULL)
        choice->budget = (size_t)(allowed / beam_code(corpus, facts)) + 1;
}

kin_status kin_plan_choose(const kin_corpus *corpus, const kin_ask *ask,
                           const struct plan_facts *facts, struct plan_choice *choice,
                           kin_search_plan *plan, kin_error *err)
{
    double times[KIN_PLAN_WAYS], best = -1, cheapest_scan;
    int chosen = -1;
    bool exact = recall_of(ask) >= 1;
    for (int way = 0; way < KIN_PLAN_WAYS; way++) {
        times[way] = exact && way != WAY_SCAN ? -1 : estimate(corpus, ask, facts, way);
        plan->considered[way].way = names[way];
        plan->considered[way].microseconds = times[way] < 0 ? -1 : times[way] / 1e3;
        bool wanted = ask->way == NULL || strcmp(ask->way, names[way]) == 0;
        if (wanted && times[way] >= 0 && (best < 0 || times[way] < best)) {
            best = times[way];
            chosen = way;
        }
    }
    plan->considered_count = KIN_PLAN_WAYS;
    if (chosen < 0)
        return kin_fail(err, KIN_E_ARG, NULL, "there is no way \"%s\" to this answer",
                        ask->way != NULL ? ask->way : "");
    cheapest_scan = times[WAY_TWO_STAGE] >= 0 && times[WAY_TWO_STAGE] < times[WAY_SCAN]
                        ? times[WAY_TWO_STAGE]
                        : times[WAY_SCAN];
    set_up(corpus, ask, facts, chosen, cheapest_scan, best, choice);
    plan->way = names[chosen];
    plan->estimated_microseconds = best / 1e3;
    plan->setting = choice->setting;
    plan->recall = recall_of(ask);
    plan->expected_recall = chosen != WAY_SCAN && facts->tuning != NULL &&
                                    (chosen != WAY_TWO_STAGE || kin_index_is_flat(corpus->index))
                                ? facts->tuning->recall
                                : 1;
    return KIN_OK;
}
