#include "archive/eval_rank.h"

#include <math.h>

enum { SHORT_LIST = 10, VOTERS = 5 };

/* The class most frequent among the first VOTERS; of equally frequent ones the better ranked. */
static int majority_of(const int *labels, size_t count)
{
    int best = -1, best_votes = 0;
    size_t voters = count < VOTERS ? count : VOTERS;
    for (size_t i = 0; i < voters; i++) {
        int votes = 0;
        for (size_t j = 0; j < voters; j++)
            votes += labels[j] == labels[i];
        if (votes > best_votes) {
            best_votes = votes;
            best = labels[i];
        }
    }
    return best;
}

bool kin_judge_ranking(const int *labels, size_t count, int label, kin_judged *out)
{
    size_t relevant = 0, short_hits = 0;
    double precision_sum = 0, gain = 0, ideal = 0;
    for (size_t i = 0; i < count; i++) {
        if (labels[i] != label)
            continue;
        relevant++;
        precision_sum += (double)relevant / (double)(i + 1);
        if (i < SHORT_LIST) {
            short_hits++;
            gain += 1 / log2((double)i + 2);
        }
    }
    if (relevant == 0)
        return false;
    for (size_t i = 0; i < SHORT_LIST && i < relevant; i++)
        ideal += 1 / log2((double)i + 2);
    out->majority = majority_of(labels, count);
    out->value[KIN_P_AT_1] = labels[0] == label;
    out->value[KIN_P_AT_10] = (double)short_hits / SHORT_LIST;
    out->value[KIN_MMV_AT_5] = out->majority == label;
    out->value[KIN_AP] = precision_sum / (double)relevant;
    out->value[KIN_NDCG_AT_10] = gain / ideal;
    return true;
}
