/* put.h - what storing images and storing their regions share. */
#ifndef KIN_ARCHIVE_PUT_H
#define KIN_ARCHIVE_PUT_H

#include "archive/internal.h"

/* One call of kin_archive_put(), through every run of its transaction. */
typedef struct kin_put {
    kin_archive *archive;
    kin_instance *instances;
    size_t count;
    kin_state *state; /* the model that made `vectors` */
    float *vectors;   /* an embedding for each item, in order; dim floats each */
    int64_t now;
} kin_put;

/* What is stored of one instance's UID: whole images and regions. */
typedef struct kin_known {
    kin_record *records;
    size_t count;
} kin_known;

/* The stored image of a frame, or NULL. */
const kin_record *kin_known_frame(const kin_known *known, uint32_t frame);

/* Equal in all that a search could show or ask for, where it lies aside. */
bool kin_put_same_description(const kin_record *a, const kin_record *b);
/* … and where it lies. */
bool kin_put_same_place(const kin_record *a, const kin_record *b);

/* Adds a row with the record (which gets its id), the descriptor and the embedding. */
kin_status kin_put_row(kin_put *put, kin_txn *txn, kin_record *record, const float *descriptor,
                       const float *vector, kin_error *err);

/* The more telling of two outcomes: an instance's is that of the item that changed most. */
kin_put_outcome kin_put_outcome_of(kin_put_outcome a, kin_put_outcome b);

/* --- put_regions.c --- */

/* Puts an instance whose items are regions (kin_instance.regions); known: what is stored of its UID. */
kin_status kin_put_regions(kin_put *put, kin_txn *txn, kin_instance *instance,
                           const kin_known *known, const float *vectors, kin_error *err);

/* Brings the stored regions of an image whose description has changed after it. */
kin_status kin_put_follow(kin_put *put, kin_txn *txn, const kin_known *known,
                          const kin_record *image, kin_error *err);

/* Takes the regions of a frame out. */
kin_status kin_put_drop_regions(kin_txn *txn, const kin_known *known, uint32_t frame,
                                kin_error *err);

#endif
