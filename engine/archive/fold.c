#include "archive/fold.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* of a failed addition the element's `tbl` tells */
#include <uthash.h>

/* A group that has its best row already. */
struct group {
    UT_hash_handle hh;
    char key[]; /* what names it; of an image its UID, behind the frame's four bytes */
};

static const char *name_of(const kin_record *record, kin_level level)
{
    switch (level) {
    case KIN_LEVEL_IMAGE:
        return record->sop_instance_uid;
    case KIN_LEVEL_SERIES:
        return record->series_instance_uid;
    case KIN_LEVEL_STUDY:
        return record->study_instance_uid;
    case KIN_LEVEL_PATIENT:
        return record->patient_id;
    case KIN_LEVEL_REGION:
        break;
    }
    return "";
}

/* Notes the record's group; *known when it was noted before. */
static kin_status note_group(struct group **groups, const kin_record *record, kin_level level,
                             bool *known, kin_error *err)
{
    const char *name = name_of(record, level);
    uint32_t frame = level == KIN_LEVEL_IMAGE ? record->frame : 0;
    size_t length = strlen(name), size = sizeof frame + length;
    struct group *found = NULL;
    *known = false;
    if (length == 0)
        return KIN_OK;
    struct group *group = malloc(sizeof *group + size);
    if (group == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to fold the results");
    memcpy(group->key, &frame, sizeof frame);
    memcpy(group->key + sizeof frame, name, length);
    HASH_FIND(hh, *groups, group->key, size, found);
    *known = found != NULL;
    if (!*known)
        HASH_ADD(hh, *groups, key, size, group);
    bool added = !*known && group->hh.tbl != NULL;
    if (!added)
        free(group);
    return added || *known ? KIN_OK
                           : kin_fail(err, KIN_E_NOMEM, NULL, "no memory to fold the results");
}

static void groups_free(struct group *groups)
{
    struct group *group, *next;
    HASH_ITER(hh, groups, group, next)
    {
        HASH_DEL(groups, group);
        free(group);
    }
}

kin_status kin_fold(kin_txn *txn, const kin_hit *hits, size_t count, kin_level level, size_t k,
                    kin_result *items, size_t *kept, kin_error *err)
{
    struct group *groups = NULL;
    kin_status status = KIN_OK;
    *kept = 0;
    for (size_t i = 0; status == KIN_OK && i < count && *kept < k; i++) {
        kin_result *item = &items[*kept];
        bool known = true;
        status = kin_catalog_get(txn, hits[i].id, &item->record, err);
        if (status != KIN_OK)
            break;
        item->score = hits[i].score;
        status = note_group(&groups, &item->record, level, &known, err);
        if (status != KIN_OK || known)
            kin_record_release(&item->record);
        else
            (*kept)++;
    }
    groups_free(groups);
    return status;
}
