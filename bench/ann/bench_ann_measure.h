/*
 * bench_ann_measure.h - the rounds: every setting of every contender in turn, again and again, so
 * that whatever else the machine does hits all alike.
 */
#ifndef KIN_BENCH_ANN_MEASURE_H
#define KIN_BENCH_ANN_MEASURE_H

#include "bench_ann_contender.h"

typedef struct ann_course {
    const bench_set *set;
    const bench_truth *truth;
    size_t k;
    int threads;    /* closed-loop callers */
    size_t rounds;  /* at most ANN_ROUNDS_MAX */
    double seconds; /* that a setting is asked for in each round, at least; all queries at least
                       once */
} ann_course;

/* Fills every point of the field; those that another of the family clearly beats have but one round.
 * The recall is the first round's: a setting gives the same answers
 * each time. */
kin_status ann_measure(const ann_course *course, ann_field *field, kin_error *err);

#endif
