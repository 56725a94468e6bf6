#include "archive/eval_rank.h"

#include <math.h>

enum { SHORT_LIST = 10, FEW = 5, RELEVANCE_MAX = 2 };
static const size_t voters[KIN_VOTES] = {1, 3, 5};

/* The class most frequent among the first n; of equally frequent ones the better ranked. */
static int majority_of(const kin_ranked *ranked, size_t count, size_t n)
{
    int best = -1, best_votes = 0;
    if (n > count)
        n = count;
    for (size_t i = 0; i < n; i++) {
        int votes = 0;
        for (size_t j = 0; j < n; j++)
            votes += ranked[j].label == ranked[i].label;
        if (votes > best_votes) {
            best_votes = votes;
            best = ranked[i].label;
        }
    }
    return best;
}

static int relevance_of(kin_ranked image, kin_ranked query)
{
    if (image.label == query.label)
        return RELEVANCE_MAX;
    return image.grade >= 0 && image.grade == query.grade;
}

static double gain_at(int relevance, size_t rank_from_0)
{
    return (double)((1 << relevance) - 1) / log2((double)rank_from_0 + 2);
}

/* The ideal ranking has all images of the highest relevance first. */
static double ndcg(const kin_ranked *ranked, size_t count, kin_ranked query)
{
    size_t of[RELEVANCE_MAX + 1] = {0}, at = 0;
    double gain = 0, ideal = 0;
    for (size_t i = 0; i < count; i++) {
        int relevance = relevance_of(ranked[i], query);
        of[relevance]++;
        if (i < SHORT_LIST)
            gain += gain_at(relevance, i);
    }
    for (int relevance = RELEVANCE_MAX; relevance > 0; relevance--)
        for (size_t i = 0; i < of[relevance] && at < SHORT_LIST; i++)
            ideal += gain_at(relevance, at++);
    return gain / ideal;
}

bool kin_judge_ranking(const kin_ranked *ranked, size_t count, kin_ranked query, kin_judged *out)
{
    size_t relevant = 0, few_hits = 0, short_hits = 0;
    double precisions = 0, short_precisions = 0;
    for (size_t i = 0; i < count; i++) {
        if (ranked[i].label != query.label)
            continue;
        relevant++;
        precisions += (double)relevant / (double)(i + 1);
        few_hits += i < FEW;
        if (i < SHORT_LIST) {
            short_hits++;
            short_precisions = precisions;
        }
    }
    if (relevant == 0)
        return false;
    out->label = query.label;
    for (int v = 0; v < KIN_VOTES; v++)
        out->vote[v] = majority_of(ranked, count, voters[v]);
    out->value[KIN_P_AT_1] = ranked[0].label == query.label;
    out->value[KIN_P_AT_5] = (double)few_hits / FEW;
    out->value[KIN_P_AT_10] = (double)short_hits / SHORT_LIST;
    out->value[KIN_MMV_AT_5] = out->vote[KIN_VOTES - 1] == query.label;
    out->value[KIN_AP] = precisions / (double)relevant;
    out->value[KIN_AP_AT_10] =
        short_precisions / (double)(relevant < SHORT_LIST ? relevant : SHORT_LIST);
    out->value[KIN_NDCG_AT_10] = ndcg(ranked, count, query);
    return true;
}
