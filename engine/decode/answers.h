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
    int first, frames, frames_seen; /* of the frames asked for; seen or left out */
    uint32_t hidden_seen;           /* cells */
    int words;                      /* that it is at work */
    bool retires;                   /* said with done */
    size_t mask_pixels;             /* bound of one region's masks */
    bool is_annotation;
    size_t regions_seen;
    /* What was marked on the frame that comes next; descriptors owned. */
    kin_decode_marked *marked;
    size_t marked_count, marked_room;
} kin_answers;

/* Frees what the conversation gathered. */
void kin_answers_release(kin_answers *answers);

/*
 * Takes the next answer: checks it and hands it on to the sink.  Once done is set the status is
 * that of the whole request.  KIN_E_INTERNAL with done unset: the answer makes no sense, and
 * nothing more from this worker is to be believed.  A sink's failure is returned with sink_failed
 * set.
 */
kin_status kin_answers_take(kin_answers *answers, const Kindred__Worker__V1__Answer *answer,
                            kin_error *err);

/* answers_regions.c: a region of an annotation or a mask; what was marked on the next frame; why what
 * was marked cannot be on the frame that has come (NULL: it can); and what it was is gone. */
kin_status kin_answers_lesion(kin_answers *answers, const Kindred__Worker__V1__Lesion *lesion,
                              kin_error *err);
kin_status kin_answers_marked(kin_answers *answers, const Kindred__Worker__V1__Marked *marked,
                              kin_error *err);
const char *kin_answers_marked_fault(const kin_answers *answers,
                                     const Kindred__Worker__V1__Frame *frame);
void kin_answers_forget_marked(kin_answers *answers);

/* For all of these: KIN_E_INTERNAL, and a message that says what was wrong. */
kin_status kin_answers_nonsense(kin_error *err, const char *what);

/* Checks the first words of a worker.  KIN_E_INTERNAL: it is of another version, or could not get
 * ready, for the reason that err has.  KIN_E_UNSUPPORTED: it has not got the features, or others of
 * that name. */
kin_status kin_answers_hello(const Kindred__Worker__V1__Answer *answer,
                             const kin_decode_features *features, kin_error *err);

#endif
