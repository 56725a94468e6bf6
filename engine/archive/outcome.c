/* outcome.c - what became of the patients: set for all images of one, in bounded transactions. */
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "decode/text.h"

/* Images of one transaction: other writers wait for less than a second. */
enum { OUTCOME_IMAGES = 4096 };

/* One transaction's share of a change of outcome. */
struct outcome_change {
    const char *uid, *outcome;
    kin_level level;
    const uint32_t *ids;
    size_t count;
    uint64_t changed, images;
};

/* Gives a record the outcome; one that left the group or went since the ids were read is passed
 * over. */
static kin_status set_outcome(kin_txn *txn, struct outcome_change *change, uint32_t id,
                              kin_error *err)
{
    kin_record record;
    char scratch[KIN_RECORD_SCRATCH];
    kin_status status = kin_catalog_get(txn, id, &record, err);
    if (status != KIN_OK)
        return status == KIN_E_NOT_FOUND ? KIN_OK : status;
    const char *group = kin_record_value(&record, kin_level_field(change->level), scratch);
    if (group != NULL && strcmp(group, change->uid) == 0) {
        bool whole = record.region == 0; /* regions go along, uncounted */
        change->images += whole;
        if (strcmp(record.outcome, change->outcome) != 0) {
            change->changed += whole;
            status = kin_record_set(&record.outcome, change->outcome, err);
            if (status == KIN_OK)
                status = kin_catalog_update(txn, &record, err);
        }
    }
    kin_record_release(&record);
    return status;
}

static kin_status outcome_body(kin_txn *txn, void *ctx, kin_error *err)
{
    struct outcome_change *change = ctx;
    kin_status status = KIN_OK;
    change->changed = change->images = 0;
    for (size_t i = 0; status == KIN_OK && i < change->count; i++)
        status = set_outcome(txn, change, change->ids[i], err);
    return status;
}

/* The ids that uid stands for now, from malloc. */
static kin_status read_ids(kin_archive *archive, const char *uid, uint32_t **out, size_t *count,
                           kin_level *level, kin_error *err)
{
    kin_txn *txn = NULL;
    roaring_bitmap_t *ids = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, err);
    if (status != KIN_OK)
        return status;
    status = kin_ids_named(txn, uid, &ids, level, err);
    kin_txn_end(txn);
    if (status == KIN_OK && *level == KIN_LEVEL_REGION) {
        roaring_bitmap_free(ids);
        status = kin_fail(err, KIN_E_NOT_FOUND, uid, "an object that marks regions has no outcome");
    }
    if (status != KIN_OK)
        return status;
    *count = (size_t)roaring_bitmap_get_cardinality(ids);
    *out = malloc(*count * sizeof **out);
    if (*out != NULL)
        roaring_bitmap_to_uint32_array(ids, *out);
    else
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu ids", *count);
    roaring_bitmap_free(ids);
    return status;
}

/* A line that is clean already stays as it is: kin_text_clean() changes nothing else. */
static kin_status check_outcome(const char *outcome, kin_error *err)
{
    char clean[KIN_OUTCOME_MAX + 1];
    if (strlen(outcome) > KIN_OUTCOME_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "the outcome is longer than %d bytes",
                        KIN_OUTCOME_MAX);
    kin_text_clean(clean, sizeof clean, outcome);
    if (strcmp(clean, outcome) != 0)
        return kin_fail(err, KIN_E_ARG, NULL,
                        "the outcome is no single line of UTF-8 text, or has spaces at its ends");
    return KIN_OK;
}

kin_status kin_archive_set_outcome(kin_archive *archive, const char *uid, const char *outcome,
                                   uint64_t *changed, uint64_t *images, kin_level *level,
                                   kin_error *err)
{
    struct outcome_change change = {.uid = uid, .outcome = outcome};
    uint32_t *ids = NULL;
    size_t count = 0;
    *changed = *images = 0;
    kin_status status = check_outcome(outcome, err);
    if (status == KIN_OK)
        status = read_ids(archive, uid, &ids, &count, level, err);
    if (status == KIN_OK)
        change.level = *level;
    for (size_t from = 0; status == KIN_OK && from < count; from += OUTCOME_IMAGES) {
        change.ids = ids + from;
        change.count = count - from < OUTCOME_IMAGES ? count - from : OUTCOME_IMAGES;
        status = kin_catalog_write(archive->catalog, outcome_body, &change, err);
        if (status != KIN_OK)
            break;
        *changed += change.changed;
        *images += change.images;
    }
    free(ids);
    return status;
}
