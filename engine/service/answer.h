/* answer.h - what the archive returns as messages of kindred.v1. */
#ifndef KIN_SERVICE_ANSWER_H
#define KIN_SERVICE_ANSWER_H

#include "archive/archive.h"
#include "kindred/v1/image.pb-c.h"
#include "kindred/v1/manage.pb-c.h"
#include "kindred/v1/search.pb-c.h"
#include "service/arena.h"

/* All of these borrow texts from what they are given, and allocate from the arena; NULL without
 * memory. */
Kindred__V1__Image *kin_answer_image(kin_arena *arena, const kin_record *record);
Kindred__V1__SearchResponse *kin_answer_search(kin_arena *arena, const kin_results *results,
                                               bool explain);
Kindred__V1__Tuning **kin_answer_tunings(kin_arena *arena, const kin_tuning *tunings, size_t count);
Kindred__V1__ReindexReport *kin_answer_reindex(kin_arena *arena, const kin_reindex_report *report);

/* A level of a request (unspecified: images); KIN_E_ARG for a number that is none. */
kin_status kin_answer_level_parse(Kindred__V1__Level level, kin_level *out, kin_error *err);
Kindred__V1__Level kin_answer_level(kin_level level);

#endif
