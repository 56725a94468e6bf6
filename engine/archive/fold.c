#include "archive/fold.h"

#include <string.h>

static const char *group_of(const kin_record *record, kin_level level)
{
    switch (level) {
    case KIN_LEVEL_SERIES:
        return record->series_instance_uid;
    case KIN_LEVEL_STUDY:
        return record->study_instance_uid;
    case KIN_LEVEL_PATIENT:
        return record->patient_id;
    case KIN_LEVEL_IMAGE:
        break;
    }
    return "";
}

/* k is small (what a person reads): comparing with each kept group beats a hash table. */
static bool is_known(const kin_result *items, size_t kept, const char *group, kin_level level)
{
    if (group[0] == '\0')
        return false;
    for (size_t i = 0; i < kept; i++)
        if (strcmp(group_of(&items[i].record, level), group) == 0)
            return true;
    return false;
}

kin_status kin_fold(kin_txn *txn, const kin_hit *hits, size_t count, kin_level level, size_t k,
                    kin_result *items, size_t *kept, kin_error *err)
{
    *kept = 0;
    for (size_t i = 0; i < count && *kept < k; i++) {
        kin_result *item = &items[*kept];
        kin_status status = kin_catalog_get(txn, hits[i].id, &item->record, err);
        if (status != KIN_OK)
            return status;
        item->score = hits[i].score;
        if (is_known(items, *kept, group_of(&item->record, level), level))
            kin_record_release(&item->record);
        else
            (*kept)++;
    }
    return KIN_OK;
}
