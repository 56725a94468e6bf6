#include "search/estimate.h"

#include <math.h>
#include <string.h>

enum {
    TUNED_HITS = 10,        /* that tunings are for */
    CANDIDATES_PER_HIT = 4, /* of a two-stage scan that has not been tuned… */
    CANDIDATES_MORE = 24,   /* …and besides */
    WIDEST = 1 << 20
};

/* Nanoseconds that every answer takes before anything is compared. */
static const double beginning = 300;
/* How the beam widens with the hits wanted. */
static const double width_power = 0.7;
/* Share of widenings that may come to nothing. */
static const double futile = 0.25;
/* Members rarer than this are too far apart for a beam to go from one to the next. */
static const double selectivity_min = 0.002;

/* How an index's work grows with the rarity of members, 1 / s: the powers of it. */
struct growth {
    double filtered, widening; /* the time of */
    double codes;              /* those scored by either */
    bool asks;                 /* the bitmap, about each code */
};
static const struct growth growth_of_graph = {1, 1, 2.0 / 3, true},
                           growth_of_lists = {0.7, 0.85, 0.6, false};

static const struct growth *growth_of(const kin_index *index)
{
    return strcmp(kin_index_kind_borrow(index), "ivfpq") == 0 ? &growth_of_lists : &growth_of_graph;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* Members among so many, one by one or all in a run of which only they count (exact.c, scan.c). */
static double each_of(uint64_t members, uint64_t among, double run, double scatter)
{
    double dense = among > 0 ? smaller(1, (double)members / (double)among) : 0;
    return dense > 0 ? smaller(scatter, run / dense) : scatter;
}

double kin_estimate_rows(const kin_corpus *corpus, uint64_t members, uint64_t among)
{
    const kin_costs *costs = corpus->costs;
    return (double)members *
           (costs->next_member + each_of(members, among, costs->scan_row, costs->scatter_row));
}

double kin_estimate_codes_scan(const kin_corpus *corpus, uint64_t members, uint64_t among)
{
    const kin_costs *costs = corpus->costs;
    return (double)members *
           (costs->next_member + each_of(members, among, costs->scan_code, costs->scatter_code));
}

/* What scanning takes, divided among threads where that pays. */
static double scan_time(const kin_corpus *corpus, double nanoseconds)
{
    if (!kin_plan_worth_threads(corpus, nanoseconds))
        return nanoseconds;
    return nanoseconds / kin_plan_threads(corpus) + corpus->costs->thread;
}

static double tail_time(const kin_corpus *corpus, const struct plan_facts *facts)
{
    return scan_time(corpus, kin_estimate_rows(corpus, facts->tail, facts->tail));
}

/* How many of n scores in no order enter a heap of the best c on their way: c (1 + ln(n / c)). */
static double entries(double candidates, double n)
{
    return n <= candidates ? n : candidates * (1 + log(n / candidates));
}

static double two_stage_time(const kin_corpus *corpus, const kin_ask *ask,
                             const struct plan_facts *facts)
{
    const kin_costs *costs = corpus->costs;
    uint64_t older = facts->members - facts->tail;
    double kept = kin_estimate_setting(corpus, ask, facts, WAY_TWO_STAGE).candidates;
    return scan_time(corpus, kin_estimate_codes_scan(corpus, older, facts->codes)) +
           entries(kept, (double)older) * costs->keep +
           smaller(kept, (double)older) * costs->scatter_row + tail_time(corpus, facts);
}

/* How many times as wide as tuned a beam has to be for k hits. */
static double wider_for(size_t k)
{
    return k > TUNED_HITS ? pow((double)k / TUNED_HITS, width_power) : 1;
}

static uint32_t scaled(uint32_t figure, double by)
{
    double result = ceil((double)figure * by);
    return result < WIDEST ? (uint32_t)result : WIDEST;
}

double kin_estimate_plain(const kin_ask *ask, const struct plan_facts *facts)
{
    return facts->tuning != NULL ? 1e3 * facts->tuning->microseconds * wider_for(ask->k) : 0;
}

static double index_time(const kin_corpus *corpus, const kin_ask *ask,
                         const struct plan_facts *facts, enum way way)
{
    double plain = kin_estimate_plain(ask, facts), s = facts->selectivity;
    double scored = facts->tuning != NULL ? facts->tuning->scored * wider_for(ask->k) : 0;
    bool possible = facts->members > facts->tail && !kin_index_is_flat(corpus->index) &&
                    (facts->tuning != NULL || ask->setting != NULL);
    if (!possible || (way == WAY_INDEX ? facts->excluded > PLAN_EXCLUDED_MAX
                                       : facts->excluded == 0 || s < selectivity_min))
        return -1;
    if (way == WAY_INDEX) {
        uint32_t tuned = facts->tuning != NULL ? facts->tuning->setting.width : 1;
        return plain * (1 + (double)facts->excluded / (tuned > 0 ? tuned : 1));
    }
    const struct growth *growth = growth_of(corpus->index);
    double asking = growth->asks ? scored / pow(s, growth->codes) * corpus->costs->member : 0;
    double filtered = plain / pow(s, growth->filtered) + asking;
    return way == WAY_FILTERED ? filtered : plain / pow(s, growth->widening) + futile * filtered;
}

double kin_estimate(const kin_corpus *corpus, const kin_ask *ask, const struct plan_facts *facts,
                    enum way way)
{
    double time;
    if (way == WAY_SCAN)
        return beginning + scan_time(corpus, kin_estimate_rows(corpus, facts->members,
                                                               kin_rows_count(corpus->rows)));
    if (corpus->index == NULL)
        return -1;
    if (way == WAY_TWO_STAGE)
        return facts->codes > 0 && kin_index_codes_borrow(corpus->index).rows != NULL
                   ? beginning + two_stage_time(corpus, ask, facts)
                   : -1;
    time = index_time(corpus, ask, facts, way);
    return time < 0 ? -1 : beginning + time + tail_time(corpus, facts);
}

/* At least as many candidates as mostly make sure that codes can tell (nearest.c): falling back costs
 * more than ranking some more. */
static kin_index_setting two_stage_setting(const kin_corpus *corpus, const kin_ask *ask,
                                           const struct plan_facts *facts)
{
    size_t candidates = ask->k * CANDIDATES_PER_HIT + CANDIDATES_MORE;
    kin_index_setting setting = {0, candidates < WIDEST ? (uint32_t)candidates : WIDEST};
    if (facts->tuning != NULL && kin_index_is_flat(corpus->index)) {
        double factor = ask->k > TUNED_HITS ? (double)ask->k / TUNED_HITS : 1;
        uint32_t tuned = scaled(facts->tuning->setting.candidates, factor);
        setting.candidates = setting.candidates > tuned ? setting.candidates : tuned;
    }
    return setting;
}

kin_index_setting kin_estimate_setting(const kin_corpus *corpus, const kin_ask *ask,
                                       const struct plan_facts *facts, enum way way)
{
    kin_index_setting setting;
    if (way == WAY_TWO_STAGE && ask->setting == NULL)
        return two_stage_setting(corpus, ask, facts);
    if (ask->setting != NULL) {
        setting = *ask->setting;
    } else {
        double more = ask->k > TUNED_HITS ? (double)ask->k / TUNED_HITS : 1;
        setting.width = scaled(facts->tuning->setting.width, wider_for(ask->k));
        setting.candidates = scaled(facts->tuning->setting.candidates, more);
    }
    if (way == WAY_WIDENING) {
        setting.width = scaled(setting.width, 1 / facts->selectivity);
        setting.candidates = scaled(setting.candidates, 1 / facts->selectivity);
    } else if (way == WAY_INDEX) { /* those that are left out may be the nearest of all */
        setting.width += (uint32_t)facts->excluded;
        setting.candidates += (uint32_t)facts->excluded;
    }
    return setting;
}

size_t kin_estimate_codes(const kin_corpus *corpus, const struct plan_facts *facts, enum way way,
                          double nanoseconds)
{
    const kin_costs *costs = corpus->costs;
    const kin_index_tuning *tuning = facts->tuning;
    double each = tuning != NULL && tuning->scored > 0 && tuning->microseconds > 0
                      ? 1e3 * tuning->microseconds / tuning->scored
                      : costs->beam_code;
    const struct growth *growth = growth_of(corpus->index);
    double s = facts->selectivity > 0 ? facts->selectivity : 1;
    if (way != WAY_INDEX)
        each /= pow(s, (way == WAY_FILTERED ? growth->filtered : growth->widening) - growth->codes);
    if (way == WAY_FILTERED && growth->asks)
        each += costs->member;
    return (size_t)(nanoseconds / each) + 1;
}
