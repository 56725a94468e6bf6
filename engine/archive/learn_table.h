/* learn_table.h - which class and which group each image of a snapshot belongs to. */
#ifndef KIN_ARCHIVE_LEARN_TABLE_H
#define KIN_ARCHIVE_LEARN_TABLE_H

#include "archive/internal.h"

typedef struct kin_learn_table {
    size_t count;
    int *label;   /* [count]: number of the class in names, or -1 */
    int *group;   /* [count]: from 0 to below count */
    char **names; /* [classes], in the order of their bytes */
    size_t classes;
    uint64_t images;     /* that meet the condition */
    uint64_t by_patient; /* labelled ones whose patient is known */
} kin_learn_table;

/*
 * Reads the classes of the images with the given ids (ascending) by a label; where (NULL: all) says
 * which of them may have one.  With groups, those too: images of one patient, study, series or
 * instance are one group, and labelled ones without a patient also with their near-duplicates;
 * without, each image is a group of its own.  Release it also on failure.
 */
kin_status kin_learn_table_read(kin_archive *archive, const uint32_t *ids, size_t count,
                                const char *label, const char *where, bool groups, int threads,
                                kin_learn_table *out, kin_error *err);
void kin_learn_table_release(kin_learn_table *table);

#endif
