/*
 * costs.h - what each step of a search takes on this machine, measured once and kept as text.
 *
 * All figures are nanoseconds of one thread.  They are measured by running the steps on rows of the
 * archive's own dimension and codec (some tenths of a second in all), at each reindex; an archive
 * that has never been reindexed uses kin_costs_default(), figures of a plain machine.
 */
#ifndef KIN_SEARCH_COSTS_H
#define KIN_SEARCH_COSTS_H

#include <stddef.h>

#include "base/status.h"
#include "store/codec.h"

typedef struct kin_costs {
    double scan_row;     /* an exact score in a run of rows, from memory */
    double scatter_row;  /* the same for rows apart */
    double scan_code;    /* a code's score in a run */
    double scatter_code; /* the same for codes apart */
    double beam_code;    /* a code scored by a graph's beam, with its share of the walking */
    double member;       /* asking a bitmap about a row, rows in no order */
    double next_member;  /* the next row of a bitmap */
    double keep;         /* one more candidate to keep: its way into and out of a heap */
    double thread;       /* starting and joining one */
    int threads;         /* that a scan may use */
} kin_costs;

kin_costs kin_costs_default(size_t dim, const kin_codec *codec);

/* Measures; takes some tenths of a second and a hundred MB. */
kin_status kin_costs_measure(size_t dim, const kin_codec *codec, kin_costs *out, kin_error *err);

/* As a line of text for the catalog's settings, and back; false when text is no such line. */
enum { KIN_COSTS_TEXT_SIZE = 256 };
void kin_costs_print(const kin_costs *costs, char text[KIN_COSTS_TEXT_SIZE]);
bool kin_costs_parse(const char *text, kin_costs *out);

#endif
