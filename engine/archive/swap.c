/* swap.c - the end of a reindex: from the old generation to the new one. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "archive/reindex_work.h"

enum { FOLLOW_ROWS = 256 /* rows that the swap's transaction may have to make itself */ };

static bool makes_sets(const kin_reindex *re)
{
    return re->new_vectors.set != NULL || re->new_descriptors.set != NULL;
}

/* Brings the new sets, where there are any, up to the rows that txn knows. */
static kin_status advance(kin_reindex *re, kin_txn *txn, uint64_t *rows, kin_error *err)
{
    if (!makes_sets(re))
        return KIN_OK;
    kin_expected expected = {txn, re->state->descriptors_name};
    roaring_bitmap_t *live = NULL;
    kin_rows *descriptors = NULL;
    kin_status status = kin_catalog_rows(txn, rows, err);
    if (status == KIN_OK)
        status = kin_catalog_live(txn, &live, err);
    if (status == KIN_OK)
        status = kin_rows_open(re->state->descriptors, *rows, kin_expected_hash, &expected,
                               &descriptors, err);
    if (status == KIN_OK && re->new_vectors.set != NULL)
        status = kin_rewrite_advance(&re->new_vectors, descriptors, live, *rows, err);
    if (status == KIN_OK && re->new_descriptors.set != NULL)
        status = kin_rewrite_advance(&re->new_descriptors, descriptors, live, *rows, err);
    kin_rows_close(descriptors);
    if (live != NULL)
        roaring_bitmap_free(live);
    return status;
}

/* Follows the writers without holding them up, until so little is left that the swap's transaction
 * can do the rest. */
static kin_status follow_writers(kin_reindex *re, kin_error *err)
{
    uint64_t before, rows = re->rows;
    if (!makes_sets(re))
        return KIN_OK;
    re->new_vectors.progress = re->new_descriptors.progress = NULL;
    do {
        kin_txn *txn = NULL;
        before = rows;
        kin_status status = kin_catalog_read(re->archive->catalog, &txn, err);
        if (status != KIN_OK)
            return status;
        status = advance(re, txn, &rows, err);
        kin_txn_end(txn);
        if (status != KIN_OK)
            return status;
    } while (rows - before > FOLLOW_ROWS);
    return KIN_OK;
}

/* Puts a set's name in the place of the one that serves, which is kept as the previous one; the one
 * before that is forgotten. */
static kin_status name_set(kin_txn *txn, const kin_rewrite *made, const char *key,
                           const char *previous_key, kin_error *err)
{
    char previous[KIN_SET_NAME_SIZE], oldest[KIN_SET_NAME_SIZE];
    kin_status status = kin_rewrite_record(made, txn, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, key, previous, sizeof previous, err);
    if (status == KIN_OK)
        status = kin_meta_get_text(txn, previous_key, oldest, sizeof oldest, err);
    if (status == KIN_OK && oldest[0] != '\0' && strcmp(oldest, made->name) != 0 &&
        strcmp(oldest, previous) != 0)
        status = kin_block_drop_set(txn, oldest, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, previous_key, previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, key, made->name, err);
    return status;
}

static kin_status name_sets(kin_reindex *re, kin_txn *txn, kin_error *err)
{
    kin_status status = KIN_OK;
    if (re->new_vectors.set != NULL)
        status = name_set(txn, &re->new_vectors, KIN_META_MODEL, KIN_META_PREVIOUS_MODEL, err);
    if (status == KIN_OK && re->new_descriptors.set != NULL) {
        status = name_set(txn, &re->new_descriptors, KIN_META_DESCRIPTORS,
                          KIN_META_PREVIOUS_DESCRIPTORS, err);
        if (status == KIN_OK)
            status = kin_meta_set_u64(txn, KIN_META_SCRUBBED, kin_reindex_dead_rows(re), err);
    }
    return status;
}

static kin_status name_generation(kin_reindex *re, kin_txn *txn, kin_error *err)
{
    char text[32];
    uint64_t previous;
    time_t now = time(NULL);
    struct tm utc;
    kin_status status = kin_meta_get_u64(txn, KIN_META_GENERATION, 0, &previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_PREVIOUS_GENERATION, previous, err);
    if (status == KIN_OK)
        status = kin_meta_set_u64(txn, KIN_META_GENERATION, re->generation, err);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_GENERATION_TIME, text, err);
    snprintf(text, sizeof text, "%.6f", re->report->recall_at_10);
    if (status == KIN_OK)
        status = kin_meta_set_text(txn, KIN_META_GENERATION_RECALL, text, err);
    return status;
}

/* What searches cost here, and what the model was learnt from. */
static kin_status name_findings(kin_reindex *re, kin_txn *txn, kin_error *err)
{
    char costs[KIN_COSTS_TEXT_SIZE];
    kin_costs_print(&re->costs, costs);
    kin_status status = kin_meta_set_text(txn, KIN_META_COSTS, costs, err);
    if (status == KIN_OK && re->learnt != NULL)
        status = kin_meta_set_u64(txn, KIN_META_MODEL_ROWS, re->rows, err);
    if (status == KIN_OK && re->learnt != NULL)
        status = kin_learn_note_write(txn, &re->note, err);
    return status;
}

static kin_status swap_body(kin_txn *txn, void *ctx, kin_error *err)
{
    kin_reindex *re = ctx;
    uint64_t rows = 0;
    kin_status status = advance(re, txn, &rows, err);
    if (status == KIN_OK)
        status = name_findings(re, txn, err);
    if (status == KIN_OK)
        status = name_sets(re, txn, err);
    return status == KIN_OK ? name_generation(re, txn, err) : status;
}

kin_status kin_reindex_swap(kin_reindex *re, kin_error *err)
{
    kin_status status = follow_writers(re, err);
    return status == KIN_OK ? kin_catalog_write(re->archive->catalog, swap_body, re, err) : status;
}
