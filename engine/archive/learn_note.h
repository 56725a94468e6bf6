/* learn_note.h - what the catalog remembers of a model that was learnt from labels. */
#ifndef KIN_ARCHIVE_LEARN_NOTE_H
#define KIN_ARCHIVE_LEARN_NOTE_H

#include "catalog/catalog.h"

enum { KIN_LEARN_LABEL_SIZE = 256, KIN_LEARN_WHERE_SIZE = 1024 };

/* Of the model with that id; a note of another one is out of date. */
typedef struct kin_learn_note {
    char model[17];
    char label[KIN_LEARN_LABEL_SIZE]; /* "": no note */
    char where[KIN_LEARN_WHERE_SIZE]; /* the condition's text; "": all images */
    uint64_t images, classes, groups; /* that it was learnt from */
    double map, base_map;             /* by validation; negative: learnt again without one */
} kin_learn_note;

kin_status kin_learn_note_write(kin_txn *txn, const kin_learn_note *note, kin_error *err);

/* *note is empty where there is none, or what is written cannot be read. */
kin_status kin_learn_note_read(kin_txn *txn, kin_learn_note *note, kin_error *err);

#endif
