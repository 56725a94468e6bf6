/*
 * progress.h - one line at the bottom of a terminal that says how far the work is.
 *
 * Drawn on standard error, and only when that is a terminal that can move its cursor. Anything
 * else that is printed meanwhile calls kin_progress_clear() first; the line comes back with the
 * next step.
 */
#ifndef KINDRED_PROGRESS_H
#define KINDRED_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "archive/ingest.h"

typedef struct kin_progress {
    bool on;    /* there is a terminal */
    bool drawn; /* the line is on the screen */
    double drawn_at;
} kin_progress;

void kin_progress_start(kin_progress *progress);
void kin_progress_clear(kin_progress *progress);

/* Draws how far an ingest is: a bar once the number of files is known, images per second,
 * remaining time. */
void kin_progress_ingest(kin_progress *progress, const kin_ingest_progress *state);

/* Draws a stage of work and the share done of it, in [0, 1]. */
void kin_progress_stage(kin_progress *progress, const char *stage, double done);

/* The lines themselves, at most `width` columns of ASCII, into `size` bytes. */
void kin_progress_ingest_line(const kin_ingest_progress *state, char *line, size_t size,
                              size_t width);
void kin_progress_stage_line(const char *stage, double done, char *line, size_t size, size_t width);

#endif
