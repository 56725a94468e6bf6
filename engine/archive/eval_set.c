#include "archive/eval_set.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "archive/file_digest.h"

/* A content seen before. */
struct content {
    kin_digest digest;
    bool query; /* among the queries */
    UT_hash_handle hh;
};

/* What the columns of a manifest are to an evaluation; -1 for one that it lacks. */
struct columns {
    int label, grade, leave_out, duplicate_of;
};

struct paths {
    const char **items; /* borrowed from the manifests */
    size_t count, capacity;
};

/* Loading under way. */
struct loading {
    kin_eval_set *set;
    struct content *contents;
    struct paths unknown;
    kin_snapshot stored, scratch; /* archive NULL: not open */
};

/* --- contents --- */

/* Notes a content; *seen when it was noted before, with its entry. */
static kin_status note_content(struct loading *loading, kin_digest digest, bool query,
                               struct content **before, kin_error *err)
{
    HASH_FIND(hh, loading->contents, &digest, sizeof digest, *before);
    if (*before != NULL)
        return KIN_OK;
    struct content *content = calloc(1, sizeof *content);
    if (content == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a digest");
    content->digest = digest;
    content->query = query;
    HASH_ADD(hh, loading->contents, digest, sizeof digest, content);
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

/* --- images --- */

/* The stored images of a file: from this path, or from a copy of it elsewhere. */
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

static kin_status add_image(kin_eval_set *set, kin_eval_image image, kin_error *err)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity > 0 ? set->capacity * 2 : 256;
        kin_eval_image *larger = reallocarray(set->images, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", capacity);
        set->images = larger;
        set->capacity = capacity;
    }
    set->images[set->count++] = image;
    return KIN_OK;
}

/* The number of a text, -1 for an empty one. */
static kin_status number_of(kin_names *names, const char *text, int *number, kin_error *err)
{
    *number = text[0] != '\0' ? kin_names_number(names, text) : -1;
    return *number >= 0 || text[0] == '\0'
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the classes");
}

/* A manifest's value of a column, or else the record's own. */
static const char *value_of(const kin_manifest *manifest, size_t row, int column, const char *name,
                            const kin_record *record, char scratch[KIN_RECORD_SCRATCH])
{
    const char *value = column >= 0 ? kin_manifest_value_borrow(manifest, row, (size_t)column) : "";
    if (value[0] == '\0' && name != NULL)
        value = kin_record_value(record, name, scratch);
    return value != NULL ? value : "";
}

static const char *leave_out_name(const kin_eval_options *options)
{
    if (options->leave_out == NULL)
        return "patient_id";
    return strcmp(options->leave_out, KIN_EVAL_LEAVE_OUT_NONE) != 0 ? options->leave_out : NULL;
}

static const char *grade_name(const kin_eval_options *options)
{
    return options->grade != NULL ? options->grade : "grade";
}

/* One row of a manifest, and its images. */
struct row {
    const kin_manifest *manifest;
    size_t number;
    const struct columns *columns;
    bool query;
};

static kin_status add_record(struct loading *loading, const struct row *row,
                             const kin_record *record, bool scratch, kin_error *err)
{
    kin_eval_set *set = loading->set;
    char text[KIN_RECORD_SCRATCH];
    struct content *before = NULL;
    if (record->region != 0) /* a part of an image is no image */
        return KIN_OK;
    kin_eval_image image = {.id = record->id,
                            .scratch = scratch,
                            .query = row->query,
                            .group = -1,
                            .content = record->content};
    kin_status status = note_content(loading, record->content, row->query, &before, err);
    if (status != KIN_OK || before != NULL) {
        /* A query's own row in the manifest is no duplicate: it is not part of the database. */
        set->duplicates += before != NULL && (row->query || !before->query);
        return status;
    }
    status = number_of(
        &set->classes,
        kin_manifest_value_borrow(row->manifest, row->number, (size_t)row->columns->label),
        &image.label, err);
    if (status == KIN_OK)
        status = number_of(&set->grades,
                           value_of(row->manifest, row->number, row->columns->grade,
                                    grade_name(set->options), record, text),
                           &image.grade, err);
    if (status == KIN_OK)
        status = number_of(&set->values,
                           value_of(row->manifest, row->number, row->columns->leave_out,
                                    leave_out_name(set->options), record, text),
                           &image.value, err);
    return status == KIN_OK ? add_image(set, image, err) : status;
}

/* Adds the images of one archive; *found says whether there were any. */
static kin_status add_from(struct loading *loading, const kin_snapshot *snapshot,
                           const struct row *row, const char *path, bool *found, kin_error *err)
{
    roaring_bitmap_t *ids = NULL;
    kin_status status = ids_of_file(snapshot->txn, path, &ids, err);
    if (status != KIN_OK)
        return status;
    *found = !roaring_bitmap_is_empty(ids);
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; status == KIN_OK && at->has_value; roaring_advance_uint32_iterator(at)) {
        kin_record record;
        status = kin_catalog_get(snapshot->txn, at->current_value, &record, err);
        if (status != KIN_OK)
            break;
        status = add_record(loading, row, &record, snapshot == &loading->scratch, err);
        kin_record_release(&record);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    return status;
}

/* --- the two passes over the manifests --- */

/* Whether the archive has images of the row's file; notes it among the unknown otherwise. */
static kin_status look_up(struct loading *loading, const struct row *row, kin_error *err)
{
    const char *path = kin_manifest_path_borrow(row->manifest, row->number);
    struct paths *unknown = &loading->unknown;
    bool known = false;
    if (loading->stored.archive != NULL) {
        roaring_bitmap_t *ids = NULL;
        kin_status status = ids_of_file(loading->stored.txn, path, &ids, err);
        if (status != KIN_OK)
            return status;
        known = !roaring_bitmap_is_empty(ids);
        roaring_bitmap_free(ids);
    }
    if (known || access(path, R_OK) != 0)
        return KIN_OK;
    if (unknown->count == unknown->capacity) {
        size_t capacity = unknown->capacity > 0 ? unknown->capacity * 2 : 256;
        const char **larger = reallocarray(unknown->items, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu paths", capacity);
        unknown->items = larger;
        unknown->capacity = capacity;
    }
    unknown->items[unknown->count++] = path;
    return KIN_OK;
}

static kin_status add_row(struct loading *loading, const struct row *row, kin_error *err)
{
    const char *path = kin_manifest_path_borrow(row->manifest, row->number);
    bool found = false;
    kin_status status = KIN_OK;
    if (loading->stored.archive != NULL)
        status = add_from(loading, &loading->stored, row, path, &found, err);
    if (status == KIN_OK && !found && loading->scratch.archive != NULL)
        status = add_from(loading, &loading->scratch, row, path, &found, err);
    loading->set->missing += status == KIN_OK && !found;
    return status;
}

static kin_status find_columns(const kin_eval_options *options, const kin_manifest *manifest,
                               struct columns *out, kin_error *err)
{
    const char *label = options->label != NULL ? options->label : "diagnosis";
    const char *leave_out = leave_out_name(options);
    *out = (struct columns){
        .label = kin_manifest_find_column(manifest, label),
        .grade = kin_manifest_find_column(manifest, grade_name(options)),
        .leave_out = leave_out != NULL ? kin_manifest_find_column(manifest, leave_out) : -1,
        .duplicate_of = kin_manifest_find_column(manifest, "duplicate_of"),
    };
    if (out->label < 0)
        return kin_fail(err, KIN_E_ARG, label, "the manifest has no such column");
    if (options->leave_out != NULL && leave_out != NULL && out->leave_out < 0 &&
        manifest != options->queries && !kin_record_is_field(leave_out))
        return kin_fail(err, KIN_E_ARG, leave_out, "the manifest has no such column");
    if (options->grade != NULL && out->grade < 0 && manifest != options->queries)
        return kin_fail(err, KIN_E_ARG, options->grade, "the manifest has no such column");
    return KIN_OK;
}

/* Calls `each` for every row that has a label and is no duplicate. */
static kin_status walk(struct loading *loading, const kin_manifest *manifest, bool count_duplicates,
                       kin_status (*each)(struct loading *, const struct row *, kin_error *),
                       kin_error *err)
{
    struct columns columns;
    kin_status status = find_columns(loading->set->options, manifest, &columns, err);
    struct row row = {manifest, 0, &columns, manifest == loading->set->options->queries};
    for (; status == KIN_OK && row.number < kin_manifest_rows(manifest); row.number++) {
        if (kin_manifest_value_borrow(manifest, row.number, (size_t)columns.label)[0] == '\0')
            continue;
        if (columns.duplicate_of >= 0 &&
            kin_manifest_value_borrow(manifest, row.number, (size_t)columns.duplicate_of)[0] !=
                '\0')
            loading->set->duplicates += count_duplicates;
        else
            status = each(loading, &row, err);
    }
    return status;
}

/* The archive's images first. */
static kin_status put_in_order(kin_eval_set *set, kin_error *err)
{
    kin_eval_image *ordered = calloc(set->count + 1, sizeof *ordered);
    if (ordered == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", set->count);
    size_t at = 0;
    for (int scratch = 0; scratch < 2; scratch++) {
        for (size_t i = 0; i < set->count; i++)
            if (set->images[i].scratch == (scratch == 1))
                ordered[at++] = set->images[i];
        if (scratch == 0)
            set->stored = at;
    }
    free(set->images);
    set->images = ordered;
    set->capacity = set->count + 1;
    return KIN_OK;
}

static kin_status find_unknown(struct loading *loading, const kin_manifest *manifest,
                               kin_error *err)
{
    const kin_manifest *queries = loading->set->options->queries;
    kin_status status = KIN_OK;
    if (loading->set->archive != NULL)
        status = kin_snapshot_open(loading->set->archive, &loading->stored, err);
    if (status == KIN_OK && queries != NULL)
        status = walk(loading, queries, false, look_up, err);
    if (status == KIN_OK)
        status = walk(loading, manifest, false, look_up, err);
    if (loading->stored.archive != NULL)
        kin_snapshot_close(&loading->stored);
    loading->stored = (kin_snapshot){0};
    return status;
}

static kin_status add_all(struct loading *loading, const kin_manifest *manifest, kin_error *err)
{
    const kin_manifest *queries = loading->set->options->queries;
    kin_status status = KIN_OK;
    if (loading->set->archive != NULL)
        status = kin_snapshot_open(loading->set->archive, &loading->stored, err);
    if (status == KIN_OK && loading->set->scratch != NULL)
        status = kin_snapshot_open(loading->set->scratch, &loading->scratch, err);
    if (status == KIN_OK && queries != NULL)
        status = walk(loading, queries, true, add_row, err);
    if (status == KIN_OK)
        status = walk(loading, manifest, true, add_row, err);
    if (loading->stored.archive != NULL)
        kin_snapshot_close(&loading->stored);
    if (loading->scratch.archive != NULL)
        kin_snapshot_close(&loading->scratch);
    return status;
}

kin_status kin_eval_set_load(kin_eval_set *set, const kin_manifest *manifest, kin_error *err)
{
    struct loading loading = {.set = set};
    kin_status status = find_unknown(&loading, manifest, err);
    if (status == KIN_OK && loading.unknown.count > 0)
        status = kin_eval_describe(set, loading.unknown.items, loading.unknown.count, err);
    if (status == KIN_OK)
        status = add_all(&loading, manifest, err);
    contents_free(loading.contents);
    free(loading.unknown.items);
    if (status == KIN_OK && set->count < 2)
        status =
            kin_fail(err, KIN_E_NOT_FOUND, NULL, "fewer than 2 images of the manifest can be read");
    return status == KIN_OK ? put_in_order(set, err) : status;
}

void kin_eval_set_release(kin_eval_set *set)
{
    kin_eval_scratch_remove(set);
    free(set->images);
    free(set->descriptors);
    free(set->serving);
    free(set->near_first);
    free(set->near);
    kin_names_release(&set->classes);
    kin_names_release(&set->grades);
    kin_names_release(&set->values);
    memset(set, 0, sizeof *set);
}
