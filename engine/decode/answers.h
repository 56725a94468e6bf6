/* answers.h - a worker's answers to one request, checked as words of a stranger. */
#ifndef KIN_DECODE_ANSWERS_H
#define KIN_DECODE_ANSWERS_H

#include <stdbool.h>

#include "decode/header.h"
#include "kindred/worker/v1/worker.pb-c.h"

/* Where the conversation about one request stands. */
typedef struct kin_answers {
    uint64_t serial;             /* of the request */
    size_t length;               /* floats that a descriptor must have */
    kin_decode_wish wish;        /* what was asked for; its region is borrowed */
    int max_frames;              /* bound of what a header may claim */
    kin_header_builder *builder; /* borrowed */
    const kin_decode_sink *sink; /* borrowed */
    bool has_header, done, sink_failed;
    int first, frames, frames_seen; /* of the frames asked for */
    uint32_t hidden_seen;           /* cells */
    bool retires;                   /* said with done */
} kin_answers;

/*
 * Takes the next answer: checks it and hands it on to the sink.  Once done is set the status is
 * that of the whole request.  KIN_E_INTERNAL with done unset: the answer makes no sense, and
 * nothing more from this worker is to be believed.  A sink's failure is returned with sink_failed
 * set.
 */
kin_status kin_answers_take(kin_answers *answers, const Kindred__Worker__V1__Answer *answer,
                            kin_error *err);

/* Checks the first words of a worker.  KIN_E_INTERNAL: it is of another version, or could not get
 * ready, for the reason that err has.  KIN_E_UNSUPPORTED: it has not got the features, or others of
 * that name. */
kin_status kin_answers_hello(const Kindred__Worker__V1__Answer *answer,
                             const kin_decode_features *features, kin_error *err);

#endif
