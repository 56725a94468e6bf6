#include "archive/eval_items.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "archive/file_digest.h"

struct kin_name_entry {
    int number;
    UT_hash_handle hh; /* keyed by the name, which kin_names.names owns */
};

/* A content seen before. */
struct content {
    kin_digest digest;
    UT_hash_handle hh;
};

static bool names_grow(kin_names *names)
{
    if (names->count < names->capacity)
        return true;
    size_t capacity = names->capacity > 0 ? names->capacity * 2 : 16;
    char **larger = reallocarray(names->names, capacity, sizeof *larger);
    if (larger == NULL)
        return false;
    names->names = larger;
    names->capacity = capacity;
    return true;
}

int kin_names_number(kin_names *names, const char *name)
{
    struct kin_name_entry *entry = NULL;
    size_t length = strlen(name);
    HASH_FIND(hh, names->by_name, name, length, entry);
    if (entry != NULL)
        return entry->number;
    char *copy = strdup(name);
    entry = calloc(1, sizeof *entry);
    if (copy == NULL || entry == NULL || !names_grow(names)) {
        free(copy);
        free(entry);
        return -1;
    }
    entry->number = (int)names->count;
    names->names[names->count++] = copy;
    HASH_ADD_KEYPTR(hh, names->by_name, copy, length, entry);
    return entry->number;
}

void kin_names_release(kin_names *names)
{
    struct kin_name_entry *entry, *next;
    HASH_ITER(hh, names->by_name, entry, next)
    {
        HASH_DEL(names->by_name, entry);
        free(entry);
    }
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

/* Notes a content; *seen when it was noted before. */
static kin_status note_content(struct content **contents, kin_digest digest, bool *seen,
                               kin_error *err)
{
    struct content *content = NULL;
    HASH_FIND(hh, *contents, &digest, sizeof digest, content);
    *seen = content != NULL;
    if (*seen)
        return KIN_OK;
    content = calloc(1, sizeof *content);
    if (content == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a digest");
    content->digest = digest;
    HASH_ADD(hh, *contents, digest, sizeof digest, content);
    return KIN_OK;
}

static void contents_free(struct content *contents)
{
    struct content *content, *next;
    HASH_ITER(hh, contents, content, next)
    {
        HASH_DEL(contents, content);
        free(content);
    }
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
static kin_status ids_of_file(kin_txn *txn, const char *path, roaring_bitmap_t **ids,
                              kin_error *err)
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
                           struct content **contents, kin_eval_items *out, kin_error *err)
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
        if (record.region > 0) { /* whole images are judged */
            kin_record_release(&record);
            continue;
        }
        bool seen;
        status = note_content(contents, record.content, &seen, err);
        if (status == KIN_OK && seen)
            out->duplicates++;
        else if (status == KIN_OK)
            status = add_item(out, (kin_eval_item){record.id, label, group, record.content}, err);
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    return status;
}

static kin_status load_vectors(const kin_snapshot *snapshot, kin_eval_items *out, kin_error *err)
{
    const kin_state *state = snapshot->state;
    size_t dim = snapshot->archive->dim;
    out->vectors = calloc(out->count > 0 ? out->count : 1, dim * sizeof *out->vectors);
    uint64_t *ids = calloc(out->count > 0 ? out->count : 1, sizeof *ids);
    kin_status status = KIN_OK;
    if (out->vectors == NULL || ids == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors", out->count);
    for (size_t i = 0; status == KIN_OK && i < out->count; i++)
        ids[i] = out->items[i].id;
    if (status == KIN_OK)
        status = kin_read_rows(snapshot, state->vectors, state->model, ids, out->count,
                               out->vectors, err);
    free(ids);
    return status;
}

kin_status kin_eval_items_load(const kin_snapshot *snapshot, const kin_manifest *manifest,
                               int label, int leave_out, kin_names *classes, kin_names *groups,
                               kin_eval_items *out, kin_error *err)
{
    int duplicate_of = kin_manifest_find_column(manifest, "duplicate_of");
    struct content *contents = NULL;
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
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the classes");
        else
            status = add_file(snapshot, kin_manifest_path_borrow(manifest, row), number, group,
                              &contents, out, err);
    }
    contents_free(contents);
    return status == KIN_OK ? load_vectors(snapshot, out, err) : status;
}
