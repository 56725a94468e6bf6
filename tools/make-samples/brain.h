/* brain.h - what the files that paint heads share (private to them). */
#ifndef SAMPLES_BRAIN_H
#define SAMPLES_BRAIN_H

#include "lesion.h"
#include "phantom.h"

/* T1-weighted signal, with contrast medium in blood and where its barrier is open. */
enum {
    SIGNAL_AIR = 12,
    SIGNAL_BONE = 60,
    SIGNAL_WATER = 125,
    SIGNAL_GREY = 415,
    SIGNAL_WHITE = 560,
    SIGNAL_MUSCLE = 330,
    SIGNAL_MARROW = 430,
    SIGNAL_SKIN = 480,
    SIGNAL_FAT = 860,
    SIGNAL_DURA = 560,
    SIGNAL_BLOOD = 900
};

#define BRAIN_EDGE    1.3     /* mm over which borders blur */
#define BRAIN_SELLA_Y (-22.0) /* of the pituitary gland */

typedef struct brain {
    phantom base;
    uint64_t seed;
    finding finding;
    bool low;
    double width, length; /* half axes of the head at its widest */
    double square;
    double scalp, skull; /* thickness, mm */
    double ventricles;   /* size, 1: of a young adult */
    double sulci;        /* half the width of their fluid, mm */
    double falx_bend;
    lesion tumour;
    double rim;         /* thickness of the enhancing rim; 0: none */
    double oedema;      /* how far it reaches, mm */
    double uptake;      /* signal of the enhancing tumour */
    double mass_effect; /* 0 … 0.6 */
    bool falcine;
} brain;

double brain_at_least(double a, double b);
double brain_at_most(double a, double b);
double brain_layer(double v, double signal, double distance);

/* How far p lies under the inner table of the skull (positive: within the cranial cavity). */
double brain_depth(const brain *b, vec3 p);

/* Scalp, skull and all without, for both levels; the cavity is left as water. */
double brain_shell(const brain *b, vec3 p);

/* Cortex and white matter: `pia` is the depth under the surface of that part of the brain. */
double brain_cortex(const brain *b, vec3 p, double pia, double split);

double hemispheres_value(const brain *b, vec3 p);
double skull_base_value(const brain *b, vec3 p);

#endif
