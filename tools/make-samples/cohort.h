/* cohort.h - who the synthetic patients are, and what was found, done and seen afterwards. */
#ifndef SAMPLES_COHORT_H
#define SAMPLES_COHORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phantom.h"
#include "slide.h"

typedef enum region { REGION_CHEST, REGION_ABDOMEN, REGION_BRAIN, REGION_BREAST } region;

typedef struct patient {
    int number; /* from 1: SYN-0001 … */
    char sex;
    int age; /* at the first examination */
    region region;
    finding finding; /* in CT or MR; FINDING_NONE too for patients with a slide only */
    bool low;        /* brain: at the skull base */
    bool slide_only; /* no CT or MR */
    bool slide;      /* a section of the lesion, or of the breast, taken after the first study */
    tissue tissue;
    double growth; /* the lesion's size at a second study; 0: there was none */
    int series;    /* of the first study */
    const char *treatment, *outcome;
    int months; /* from the first study to the outcome or the last contact */
    bool event; /* the outcome is a recurrence, a progression or death */
    bool test;  /* the manifest's split */
} patient;

/* The table, `*count` patients. */
const patient *cohort(size_t *count);

/* One examination of one patient: a study of its own. */
typedef struct exam {
    const patient *who;
    int number; /* of the patient's studies, from 1 */
    bool slide;
    double growth;
    int months; /* since the patient's first study */
    int series;
} exam;

enum { MAX_EXAMS = 3 }; /* of one patient */

/* Fills `exams` in the order of time; returns how many. */
int cohort_exams(const patient *who, exam exams[MAX_EXAMS]);

/* The manifest's words. */
const char *cohort_diagnosis(const exam *e);
const char *cohort_modality(const exam *e);
const char *cohort_body_part(const exam *e);

/* The patient's own stream of random numbers. */
uint64_t cohort_seed(uint64_t seed, const patient *who);

#endif
