/*
 * The images that meet a condition, through the cache.
 *
 * A bitmap that was exact for one snapshot becomes so for a later one by what happened in between,
 * as long as no image's values of its names changed: the dead since go, and of the new ids come
 * those that meet the condition.  So what is asked again costs what is new, not what there is.
 * With 500 images a second that is a handful of ids and one copy of the bitmap for each commit; and
 * for all who ask before the next commit, nothing.
 *
 * A snapshot older than the bitmap (someone has asked from a later one meanwhile) only leaves the
 * ids out that it does not know; where images died in between, it asks the index, and keeps
 * nothing.
 */
#include <stdlib.h>

#include "catalog/condition.h"
#include "catalog/condition_node.h"
#include "catalog/internal.h"

enum {
    /* What takes less (in nanoseconds) would only push other things out of the cache. */
    WORTH_KEEPING = 10000,
    /* A record is looked at for about as long as so many keys of the index. */
    KEYS_PER_RECORD = 16
};

/* --- snapshots --- */

static kin_status note_touched(kin_txn *txn, const kin_node *node, uint64_t *touched,
                               kin_error *err)
{
    uint64_t last;
    kin_status status = KIN_OK;
    if (node->kind == KIN_NODE_IN || node->kind == KIN_NODE_ORDER) {
        status = kin_changes_last(txn, node->name, &last, err);
        if (status == KIN_OK && last > *touched)
            *touched = last;
        return status;
    }
    for (const kin_node *child = node->child; child != NULL && status == KIN_OK;
         child = child->next)
        status = note_touched(txn, child, touched, err);
    return status;
}

/* The stamp of the snapshot for a node; `known`, of another snapshot, may spare a look. */
static kin_status make_stamp(const kin_evaluation *evaluation, const kin_node *node,
                             const kin_stamp *known, kin_stamp *out)
{
    kin_txn *txn = evaluation->txn;
    *out = (kin_stamp){.commit = kin_txn_commit_number(txn), .rows = evaluation->rows};
    kin_status status = kin_dead_count(txn, &out->dead, evaluation->err);
    if (status == KIN_OK)
        status = kin_changes_count(txn, &out->changes, evaluation->err);
    if (status == KIN_OK && known != NULL && known->changes == out->changes)
        out->touched = known->touched;
    else if (status == KIN_OK)
        status = note_touched(txn, node, &out->touched, evaluation->err);
    return status;
}

/* --- leaving the dead out --- */

/* Takes the dead out of ids that are the caller's.  Where nothing is negated the index, which has
 * only the living, has seen to that. */
static kin_status leave_dead_out(kin_evaluation *evaluation, const kin_node *node,
                                 roaring_bitmap_t *ids)
{
    kin_bitmap *dead;
    if (node->kind == KIN_NODE_ORDER ||
        (node->kind == KIN_NODE_IN && !kin_node_accepts_absence(node)))
        return KIN_OK;
    kin_status status = kin_catalog_dead(evaluation->txn, &dead, evaluation->err);
    if (status != KIN_OK)
        return status;
    if (kin_bitmap_count(dead) > 0) {
        roaring_bitmap_andnot_inplace(ids, kin_bitmap_borrow(dead));
        kin_evaluation_count_bitmap(evaluation, kin_bitmap_borrow(dead));
    }
    kin_bitmap_free(dead);
    return KIN_OK;
}

/* --- from the index --- */

/* The live ids from evaluation->from on, the caller's. */
static kin_status find(kin_evaluation *evaluation, const kin_node *node, roaring_bitmap_t **out)
{
    kin_node_ids ids = {0};
    kin_status status;
    /* A comparison asks the cache by way of kin_node_members(), which brought us here. */
    if (node->kind == KIN_NODE_IN || node->kind == KIN_NODE_ORDER)
        status = kin_node_compare(evaluation, node, &ids.own);
    else
        status = kin_node_evaluate(evaluation, node, &ids);
    if (status == KIN_OK && ids.own == NULL) {
        ids.own = roaring_bitmap_copy(kin_bitmap_borrow(ids.shared));
        if (ids.own == NULL)
            status = kin_fail(evaluation->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    }
    if (status == KIN_OK)
        status = leave_dead_out(evaluation, node, ids.own);
    if (status == KIN_OK) {
        *out = ids.own;
        ids.own = NULL;
    }
    kin_node_ids_release(&ids);
    return status;
}

static kin_status find_all(kin_evaluation *evaluation, const kin_node *node, kin_bitmap **out)
{
    roaring_bitmap_t *ids;
    kin_status status = find(evaluation, node, &ids);
    if (status != KIN_OK)
        return status;
    roaring_bitmap_shrink_to_fit(ids);
    return kin_bitmap_new(ids, out, evaluation->err);
}

/* --- from another snapshot's --- */

/* The ids that are new since `known`; NULL where there are none.  They are looked for where that
 * takes less: in their own records, or in the index. */
static kin_status find_new(const kin_evaluation *evaluation, const kin_node *node,
                           const kin_cached *known, roaring_bitmap_t **out)
{
    kin_evaluation newer = *evaluation;
    uint64_t count = newer.rows - known->stamp.rows;
    kin_status status = KIN_E_CORRUPT;
    *out = NULL;
    if (count == 0)
        return KIN_OK;
    newer.from = (uint32_t)known->stamp.rows;
    if (newer.from > 0 && count * KEYS_PER_RECORD <= known->keys) {
        *out = roaring_bitmap_create();
        if (*out == NULL)
            return kin_fail(newer.err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
        status = kin_node_match_rows(&newer, node, *out);
        if (status != KIN_OK)
            roaring_bitmap_free(*out);
    }
    /* A record that is damaged is no reason not to answer from the index. */
    return status == KIN_E_CORRUPT ? find(&newer, node, out) : status;
}

/* What is known, less `dead`, and `added`, which is freed; either may be NULL. */
static kin_status build_on(const kin_evaluation *evaluation, const kin_bitmap *known,
                           const kin_bitmap *dead, roaring_bitmap_t *added, kin_bitmap **out)
{
    const roaring_bitmap_t *ids = kin_bitmap_borrow(known);
    roaring_bitmap_t *made = dead != NULL ? roaring_bitmap_andnot(ids, kin_bitmap_borrow(dead))
                                          : roaring_bitmap_copy(ids);
    if (made != NULL && added != NULL)
        roaring_bitmap_or_inplace(made, added);
    if (added != NULL)
        roaring_bitmap_free(added);
    if (made == NULL)
        return kin_fail(evaluation->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    return kin_bitmap_new(made, out, evaluation->err);
}

/* Brings what is known of an earlier snapshot to this one. */
static kin_status advance(kin_evaluation *evaluation, const kin_node *node, const kin_cached *known,
                          const kin_stamp *stamp, kin_bitmap **out)
{
    kin_bitmap *dead = NULL;
    roaring_bitmap_t *added = NULL;
    kin_status status = find_new(evaluation, node, known, &added);
    if (status == KIN_OK && stamp->dead != known->stamp.dead)
        status = kin_catalog_dead(evaluation->txn, &dead, evaluation->err);
    if (status != KIN_OK) {
        if (added != NULL)
            roaring_bitmap_free(added);
        return status;
    }
    bool died = dead != NULL &&
                roaring_bitmap_intersect(kin_bitmap_borrow(known->bitmap), kin_bitmap_borrow(dead));
    if (added != NULL && roaring_bitmap_is_empty(added)) {
        roaring_bitmap_free(added);
        added = NULL;
    }
    if (died || added != NULL)
        status = build_on(evaluation, known->bitmap, died ? dead : NULL, added, out);
    else
        *out = kin_bitmap_share(known->bitmap);
    kin_bitmap_free(dead);
    return status;
}

/* The ids of an earlier snapshot, in which the same images are dead. */
static kin_status go_back(const kin_evaluation *evaluation, const kin_cached *known,
                          kin_bitmap **out)
{
    const roaring_bitmap_t *ids = kin_bitmap_borrow(known->bitmap);
    if (kin_bitmap_count(known->bitmap) == 0 || roaring_bitmap_maximum(ids) < evaluation->rows) {
        *out = kin_bitmap_share(known->bitmap);
        return KIN_OK;
    }
    roaring_bitmap_t *made = roaring_bitmap_copy(ids);
    if (made == NULL)
        return kin_fail(evaluation->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    roaring_bitmap_remove_range_closed(made, (uint32_t)evaluation->rows, UINT32_MAX);
    return kin_bitmap_new(made, out, evaluation->err);
}

/* --- through the cache --- */

static kin_status answer(kin_evaluation *evaluation, const kin_node *node, kin_cached *known,
                         kin_bitmap **out)
{
    kin_cached made = {0};
    kin_evaluation own = {evaluation->txn, evaluation->err, 0, evaluation->rows, 0, 0};
    bool is_known = known->bitmap != NULL, keep = true;
    kin_status status = make_stamp(evaluation, node, is_known ? &known->stamp : NULL, &made.stamp);
    if (status != KIN_OK)
        return status;
    made.keys = known->keys;
    is_known = is_known && known->stamp.touched == made.stamp.touched;
    if (is_known && made.stamp.commit >= known->stamp.commit) {
        status = advance(&own, node, known, &made.stamp, out);
    } else if (is_known && made.stamp.dead == known->stamp.dead) {
        status = go_back(&own, known, out);
        keep = false;
    } else {
        status = find_all(&own, node, out);
        made.keys = own.keys;
        keep = own.nanoseconds >= WORTH_KEEPING;
    }
    evaluation->nanoseconds += own.nanoseconds;
    evaluation->keys += made.keys;
    made.bitmap = *out;
    if (status == KIN_OK && keep)
        kin_cache_keep(evaluation->txn->catalog->cache, node->key, node->key_size, &made);
    return status;
}

bool kin_node_is_known(const kin_evaluation *evaluation, const kin_node *node)
{
    kin_cached known;
    if (node->kind == KIN_NODE_NOT)
        node = node->child;
    if (node->key == NULL || evaluation->from > 0 || evaluation->txn->writing ||
        !kin_cache_find(evaluation->txn->catalog->cache, node->key, node->key_size, &known))
        return false;
    kin_bitmap_free(known.bitmap);
    return true;
}

kin_status kin_node_members(kin_evaluation *evaluation, const kin_node *node, kin_bitmap **out)
{
    kin_txn *txn = evaluation->txn;
    kin_cached known = {0};
    /* What a write has changed so far is nobody else's, and may never be. */
    if (txn->writing)
        return find_all(evaluation, node, out);
    if (kin_cache_find(txn->catalog->cache, node->key, node->key_size, &known) &&
        known.stamp.commit == kin_txn_commit_number(txn)) {
        evaluation->keys += known.keys;
        *out = known.bitmap;
        return KIN_OK;
    }
    kin_status status = answer(evaluation, node, &known, out);
    kin_bitmap_free(known.bitmap);
    return status;
}

kin_status kin_condition_members(const kin_condition *condition, kin_txn *txn, kin_bitmap **out,
                                 kin_error *err)
{
    kin_evaluation evaluation = {.txn = txn, .err = err};
    kin_status status = kin_catalog_rows(txn, &evaluation.rows, err);
    return status == KIN_OK ? kin_node_members(&evaluation, condition->root, out) : status;
}

kin_status kin_condition_evaluate(const kin_condition *condition, kin_txn *txn,
                                  roaring_bitmap_t **out, kin_error *err)
{
    kin_bitmap *members;
    kin_status status = kin_condition_members(condition, txn, &members, err);
    if (status != KIN_OK)
        return status;
    *out = roaring_bitmap_copy(kin_bitmap_borrow(members));
    kin_bitmap_free(members);
    return *out != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}
