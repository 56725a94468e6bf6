#include "archive/eval_items.h"

#include <stdlib.h>
#include <string.h>

#include "archive/file_digest.h"

int kin_names_number(kin_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return (int)i;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? names->capacity * 2 : 16;
        char **larger = reallocarray(names->names, capacity, sizeof *larger);
        if (larger == NULL)
            return -1;
        names->names = larger;
        names->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return -1;
    names->names[names->count] = copy;
    return (int)names->count++;
}

void kin_names_release(kin_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    memset(names, 0, sizeof *names);
}

void kin_eval_items_release(kin_eval_items *items)
{
    free(items->items);
    free(items->vectors);
    memset(items, 0, sizeof *items);
}

static bool seen_content(const kin_eval_items *items, kin_digest content)
{
    for (size_t i = 0; i < items->count; i++)
        if (kin_digest_equal(items->items[i].content, content))
            return true;
    return false;
}

static kin_status add_item(kin_eval_items *items, kin_eval_item item, kin_error *err)
{
    if (items->count == items->capacity) {
        size_t capacity = items->capacity > 0 ? items->capacity * 2 : 256;
        kin_eval_item *larger = reallocarray(items->items, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", capacity);
        items->items = larger;
        items->capacity = capacity;
    }
    items->items[items->count++] = item;
    return KIN_OK;
}

/* The images of a file: stored from this path, or from a copy of it elsewhere. */
static kin_status ids_of_file(kin_txn *txn, const char *path, roaring_bitmap_t **ids, kin_error *err)
{
    kin_record copy = {0};
    char scratch[KIN_RECORD_SCRATCH];
    kin_status status = kin_catalog_with_value(txn, "path", path, ids, err);
    if (status != KIN_OK || !roaring_bitmap_is_empty(*ids) ||
        kin_file_digest(path, &copy.file, NULL) != KIN_OK)
        return status;
    roaring_bitmap_free(*ids);
    *ids = NULL;
    return kin_catalog_with_value(txn, "file", kin_record_value(&copy, "file", scratch), ids, err);
}

/* Adds the images (frames) of one file. */
static kin_status add_file(const kin_snapshot *snapshot, const char *path, int label, int group,
                           kin_eval_items *out, kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    kin_status status = ids_of_file(snapshot->txn, path, &ids, err);
    if (status != KIN_OK)
        return status;
    out->missing += roaring_bitmap_is_empty(ids);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        kin_record record;
        status = kin_catalog_get(snapshot->txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        if (seen_content(out, record.content))
            out->duplicates++;
        else
            status = add_item(out, (kin_eval_item){record.id, label, group, record.content}, err);
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    return status;
}

static kin_status load_vectors(const kin_snapshot *snapshot, kin_eval_items *out, kin_error *err)
{
    size_t dim = snapshot->archive->dim;
    kin_expected expected = {snapshot->txn, snapshot->state->model};
    kin_rows *rows = NULL;
    out->vectors = calloc(out->count > 0 ? out->count : 1, dim * sizeof *out->vectors);
    if (out->vectors == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors", out->count);
    kin_status status = kin_rows_open(snapshot->state->vectors, snapshot->rows, kin_expected_hash,
                                      &expected, &rows, err);
    for (size_t i = 0; status == KIN_OK && i < out->count; i++) {
        const float *row;
        size_t got;
        status = kin_rows_run(rows, out->items[i].id, 1, &row, &got, err);
        if (status == KIN_OK)
            memcpy(out->vectors + i * dim, row, dim * sizeof *row);
    }
    kin_rows_close(rows);
    return status;
}

kin_status kin_eval_items_load(const kin_snapshot *snapshot, const kin_manifest *manifest,
                               int label, int leave_out, kin_names *classes, kin_names *groups,
                               kin_eval_items *out, kin_error *err)
{
    int duplicate_of = kin_manifest_find_column(manifest, "duplicate_of");
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    for (size_t row = 0; status == KIN_OK && row < kin_manifest_rows(manifest); row++) {
        const char *class_name = kin_manifest_value_borrow(manifest, row, (size_t)label);
        const char *group_name =
            leave_out >= 0 ? kin_manifest_value_borrow(manifest, row, (size_t)leave_out) : "";
        if (class_name[0] == '\0')
            continue;
        if (duplicate_of >= 0 &&
            kin_manifest_value_borrow(manifest, row, (size_t)duplicate_of)[0] != '\0') {
            out->duplicates++;
            continue;
        }
        int number = kin_names_number(classes, class_name);
        int group = group_name[0] != '\0' ? kin_names_number(groups, group_name) : -1;
        if (number < 0 || (group < 0 && group_name[0] != '\0'))
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the classes");
        status =
            add_file(snapshot, kin_manifest_path_borrow(manifest, row), number, group, out, err);
    }
    return status == KIN_OK ? load_vectors(snapshot, out, err) : status;
}
