/*
 * phantom.h - a body part of one synthetic patient, as a function of space.
 *
 * Values are what a perfect scanner would measure: Hounsfield units for CT, signal from 0 to about
 * 1000 for MR.  Everything follows from the subject's seed: the same patient has the same anatomy
 * at each examination, but for the lesion's size and the contrast medium.
 */
#ifndef SAMPLES_PHANTOM_H
#define SAMPLES_PHANTOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "shape.h"

typedef enum finding {
    FINDING_NONE,
    FINDING_SOLID_NODULE,
    FINDING_SPICULATED_NODULE,
    FINDING_GROUND_GLASS_NODULE,
    FINDING_LIVER_METASTASIS,
    FINDING_LIVER_CYST,
    FINDING_GLIOMA,
    FINDING_MENINGIOMA,
    FINDING_PITUITARY
} finding;

typedef struct subject {
    uint64_t seed; /* of the patient */
    char sex;      /* 'F' or 'M' */
    int age;
    finding finding;
    double growth;   /* the lesion's size at this examination, relative to the first */
    double contrast; /* 0: none given, 1: strong */
    bool low;        /* brain: slices at the skull base rather than above */
} subject;

typedef struct phantom phantom;
struct phantom {
    double (*value)(const phantom *self, vec3 p);
    void (*free)(phantom *self);
    vec3 focus;                    /* the lesion's centre, or where the slices are to be */
    double lesion_mm;              /* the lesion's diameter; 0 without one */
    double half_width, half_depth; /* of the body, mm */
};

kin_status chest_new(const subject *who, phantom **out, kin_error *err);
kin_status abdomen_new(const subject *who, phantom **out, kin_error *err);
kin_status brain_new(const subject *who, phantom **out, kin_error *err);

/* Frees what one of these made; NULL is fine. */
void phantom_free(phantom *self);

#endif
