/*
 * plot.h - curves as an SVG picture, without anything else to draw with.
 *
 * The legend stands beside the plot, one curve a line, in the order given, so that no label can lie
 * over another or over a curve.  Curves are told apart by colour and by the shape of their points.
 */
#ifndef KIN_BENCH_PLOT_H
#define KIN_BENCH_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { BENCH_CURVES_MAX = 16 };

enum bench_axis {
    BENCH_LINEAR,
    BENCH_LOG,   /* powers of ten; every value must be above 0 */
    BENCH_RECALL /* 0 to 1, drawn by how far from 1: 0.9, 0.99 and 0.999 are equally far apart */
};

typedef struct bench_curve {
    const char *name;
    const double *x, *y; /* count of each, in the order in which they are joined */
    size_t count;
    bool apart; /* points alone, not joined: single measurements */
    bool thin;  /* of the others, which ours is measured against */
} bench_curve;

typedef struct bench_plot {
    const char *title, *subtitle; /* subtitle: what it was measured on; may be NULL */
    const char *x_title, *y_title;
    enum bench_axis x_axis, y_axis;
    double x_from, x_to; /* both 0: all there is */
    double y_from, y_to;
    const bench_curve *curves;
    size_t count; /* at most BENCH_CURVES_MAX */
} bench_plot;

/* Points outside the ranges are left out.  KIN_E_ARG: no point to draw. */
kin_status bench_plot_write(const bench_plot *plot, const char *path, kin_error *err);

#endif
