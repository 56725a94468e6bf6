#include "search/plan.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "search/estimate.h"

enum {
    LOOKS_WORTH = 8,   /* times what looking around takes */
    THREADS_WORTH = 16 /* times what starting them costs: other queries want the processors, too */
};

/* A way that may fail has to promise as many times less than a scan, which never does: queries differ,
 * and one in whose surroundings members are rare costs the failure as well. */
static const double hedge = 1.2;
/* The budget over the estimate, where the caller would have this way. */
static const double forced_budget = 4;

static const char *const names[KIN_PLAN_WAYS] = {
    [WAY_SCAN] = "scan",         [WAY_TWO_STAGE] = "two-stage scan",
    [WAY_INDEX] = "index",       [WAY_FILTERED] = "filtered index",
    [WAY_WIDENING] = "widening",
};

const char *kin_way_name(size_t way)
{
    return way < KIN_PLAN_WAYS ? names[way] : NULL;
}

/* Microseconds for which an exact answer is not given up. */
static const double next_to_nothing = 50;

int kin_plan_threads(const kin_corpus *corpus)
{
    int threads = corpus->threads > 0 ? corpus->threads : kin_cpu_count();
    return threads < corpus->costs->threads ? threads : corpus->costs->threads;
}

bool kin_plan_worth_threads(const kin_corpus *corpus, double nanoseconds)
{
    return kin_plan_threads(corpus) > 1 && nanoseconds > THREADS_WORTH * corpus->costs->thread;
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
    size_t held = kin_index_count(corpus->index);
    out->codes = held - kin_index_gone(corpus->index);
    out->tail = kin_members_count(&ask->members, corpus->index_rows, kin_rows_count(corpus->rows));
    if (out->tail > out->members)
        out->tail = out->members;
    uint64_t older = out->members - out->tail;
    out->excluded = older < out->codes ? out->codes - (size_t)older : 0;
    out->selectivity = held > 0 ? fmin(1, (double)older / (double)held) : 0;
    out->tuning = tuning_for(corpus->index, recall_of(ask));
}

static double microseconds_of(const kin_search_plan *plan, enum way way)
{
    return plan->considered[way].microseconds;
}

/* The quicker of the scans. */
static double scan_microseconds(const kin_search_plan *plan)
{
    double rows = microseconds_of(plan, WAY_SCAN), codes = microseconds_of(plan, WAY_TWO_STAGE);
    return codes >= 0 && codes < rows ? codes : rows;
}

/* How a way is gone. */
static void set_up(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                   enum way way, double budget, struct plan_choice *choice)
{
    uint64_t older = facts->members - facts->tail;
    *choice = (struct plan_choice){.way = way};
    if (way == WAY_SCAN) {
        choice->threads = kin_plan_worth_threads(
            corpus, kin_estimate_rows(corpus, facts->members, kin_rows_count(corpus->rows)));
        return;
    }
    choice->setting = kin_estimate_setting(corpus, ask, facts, way);
    if (way == WAY_TWO_STAGE)
        choice->threads =
            kin_plan_worth_threads(corpus, kin_estimate_codes_scan(corpus, older, facts->codes));
    else if (ask->setting == NULL)
        choice->budget = kin_estimate_codes(corpus, facts, way, 1e3 * budget);
}

bool kin_plan_is_unsure(const kin_ask *ask, const struct plan_facts *facts,
                        const kin_search_plan *plan)
{
    return ask->way == NULL && ask->setting == NULL && !facts->looked &&
           microseconds_of(plan, WAY_FILTERED) >= 0 &&
           1e3 * plan->estimated_microseconds > LOOKS_WORTH * kin_estimate_plain(ask, facts);
}

bool kin_plan_instead(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                      enum way way, const kin_search_plan *plan, struct plan_choice *choice)
{
    if (microseconds_of(plan, way) < 0)
        return false;
    set_up(corpus, ask, facts, way, scan_microseconds(plan), choice);
    return true;
}

static void note_estimates(const kin_corpus *corpus, const kin_ask *ask,
                           const struct plan_facts *facts, kin_search_plan *plan)
{
    bool exact = recall_of(ask) >= 1;
    for (int way = 0; way < KIN_PLAN_WAYS; way++) {
        double time = exact && way != WAY_SCAN ? -1 : kin_estimate(corpus, ask, facts, way);
        plan->considered[way].way = names[way];
        plan->considered[way].microseconds = time < 0 ? -1 : time / 1e3;
    }
    plan->considered_count = KIN_PLAN_WAYS;
}

/* The cheapest way that is wanted, or -1.  Where comparing every row takes next to no time it is the
 * way: an exact answer is worth more than some microseconds. */
static int cheapest(const kin_ask *ask, const kin_search_plan *plan)
{
    if (ask->way == NULL && microseconds_of(plan, WAY_SCAN) <= next_to_nothing)
        return WAY_SCAN;
    double best = INFINITY;
    int chosen = -1;
    for (int way = 0; way < KIN_PLAN_WAYS; way++) {
        double time = microseconds_of(plan, way);
        if (time < 0 || (ask->way != NULL && strcmp(ask->way, names[way]) != 0))
            continue;
        if (way == WAY_FILTERED || way == WAY_WIDENING)
            time *= hedge;
        if (time < best) {
            best = time;
            chosen = way;
        }
    }
    return chosen;
}

kin_status kin_plan_choose(const kin_corpus *corpus, const kin_ask *ask,
                           const struct plan_facts *facts, struct plan_choice *choice,
                           kin_search_plan *plan, kin_error *err)
{
    note_estimates(corpus, ask, facts, plan);
    int chosen = cheapest(ask, plan);
    if (chosen < 0)
        return kin_fail(err, KIN_E_ARG, NULL, "there is no way \"%s\" to this answer",
                        ask->way != NULL ? ask->way : "");
    double budget = scan_microseconds(plan), own = microseconds_of(plan, chosen);
    if (ask->way != NULL)
        budget = fmax(budget, forced_budget * own);
    set_up(corpus, ask, facts, chosen, budget, choice);
    plan->way = names[chosen];
    plan->estimated_microseconds = own + facts->spent / 1e3;
    plan->setting = choice->setting;
    plan->recall = recall_of(ask);
    plan->expected_recall =
        chosen >= WAY_INDEX && facts->tuning != NULL ? facts->tuning->recall : 1;
    return KIN_OK;
}
