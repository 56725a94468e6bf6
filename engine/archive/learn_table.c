#include "archive/learn_table.h"

#include <stdlib.h>
#include <string.h>

#include "archive/learn.h"
#include "archive/near_groups.h"
#include "catalog/condition.h"

/* A table in the making. */
struct reading {
    kin_txn *txn;
    const uint32_t *ids;
    kin_learn_table *table;
    const char *name;              /* of the field whose values are visited */
    const roaring_bitmap_t *among; /* images that may have a label */
    bool *patient;                 /* [count]: is the patient known? */
    int *parent;                   /* [count]: groups as trees; the root is the smallest */
    kin_status status;
    kin_error *err;
};

/* --- sets that grow together, as in near_groups.c --- */

static int root_of(int *parent, int i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void unite(int *parent, int a, int b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* --- images that share a value --- */

static int compare_ids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Where an id is among those of the table; -1 for one that came later. */
static int place_of(const struct reading *reading, uint32_t id)
{
    const uint32_t *at =
        bsearch(&id, reading->ids, reading->table->count, sizeof *reading->ids, compare_ids);
    return at != NULL ? (int)(at - reading->ids) : -1;
}

/* Calls member for each image of the table that has the value. */
static kin_status each_member(struct reading *reading, const char *value,
                              void (*member)(struct reading *reading, int place, int first))
{
    roaring_bitmap_t *ids = NULL;
    int first = -1;
    kin_status status =
        kin_catalog_with_value(reading->txn, reading->name, value, &ids, reading->err);
    if (status != KIN_OK)
        return status;
    roaring_uint32_iterator_t *at = roaring_create_iterator(ids);
    for (; at->has_value; roaring_advance_uint32_iterator(at)) {
        int place = place_of(reading, at->current_value);
        if (place < 0)
            continue;
        first = first < 0 ? place : first;
        member(reading, place, first);
    }
    roaring_free_uint32_iterator(at);
    roaring_bitmap_free(ids);
    return KIN_OK;
}

/* --- classes --- */

static void label_member(struct reading *reading, int place, int first)
{
    (void)first;
    if (roaring_bitmap_contains(reading->among, reading->ids[place]))
        reading->table->label[place] = (int)reading->table->classes;
}

static kin_status add_class(struct reading *reading, const char *value)
{
    kin_learn_table *table = reading->table;
    if (table->classes == KIN_LEARN_CLASSES_MAX)
        return kin_fail(reading->err, KIN_E_ARG, reading->name,
                        "has more than %d values: that is no class to learn",
                        KIN_LEARN_CLASSES_MAX);
    table->names[table->classes] = strdup(value);
    if (table->names[table->classes] == NULL)
        return kin_fail(reading->err, KIN_E_NOMEM, NULL, "no memory for a class");
    kin_status status = each_member(reading, value, label_member);
    table->classes++;
    return status;
}

static int visit_class(void *ctx, const char *value, uint64_t images)
{
    struct reading *reading = ctx;
    (void)images;
    if (value[0] != '\0')
        reading->status = add_class(reading, value);
    return reading->status != KIN_OK;
}

/* --- groups --- */

static void unite_member(struct reading *reading, int place, int first)
{
    unite(reading->parent, first, place);
}

static void unite_patient(struct reading *reading, int place, int first)
{
    reading->patient[place] = true;
    unite(reading->parent, first, place);
}

static int visit_group(void *ctx, const char *value, uint64_t images)
{
    struct reading *reading = ctx;
    bool patient = strcmp(reading->name, "patient_id") == 0;
    if (value[0] != '\0' && (patient || images > 1))
        reading->status = each_member(reading, value, patient ? unite_patient : unite_member);
    return reading->status != KIN_OK;
}

static kin_status each_value(struct reading *reading, const char *name,
                             int (*visit)(void *ctx, const char *value, uint64_t images))
{
    reading->name = name;
    reading->status = KIN_OK;
    kin_status status =
        kin_catalog_each_value(reading->txn, name, NULL, visit, reading, reading->err);
    return status != KIN_OK ? status : reading->status;
}

/* Unites the near-duplicates among labelled images without a patient.  No transaction is held: it
 * takes its own, and its time. */
static kin_status unite_near(kin_archive *archive, struct reading *reading, int threads)
{
    const kin_learn_table *table = reading->table;
    const kin_near_options options = {.threads = threads};
    uint64_t *ids = malloc((table->count + 1) * sizeof *ids);
    int *place = malloc((table->count + 1) * sizeof *place);
    int *group = malloc((table->count + 1) * sizeof *group);
    int *first = malloc((table->count + 1) * sizeof *first);
    size_t count = 0, groups = 0;
    kin_status status = KIN_OK;
    if (ids == NULL || place == NULL || group == NULL || first == NULL) {
        status = kin_fail(reading->err, KIN_E_NOMEM, NULL, "no memory for near-duplicates");
        goto out;
    }
    for (size_t i = 0; i < table->count; i++)
        if (table->label[i] >= 0 && !reading->patient[i]) {
            ids[count] = reading->ids[i];
            place[count++] = (int)i;
        }
    if (count > 0)
        status = kin_near_groups(archive, ids, count, &options, group, &groups, reading->err);
    for (size_t g = 0; g < groups; g++)
        first[g] = -1;
    for (size_t i = 0; i < count && status == KIN_OK; i++) {
        if (first[group[i]] < 0)
            first[group[i]] = place[i];
        unite(reading->parent, first[group[i]], place[i]);
    }
out:
    free(ids);
    free(place);
    free(group);
    free(first);
    return status;
}

/* --- the table --- */

static kin_status allocate(struct reading *reading, size_t count)
{
    kin_learn_table *table = reading->table;
    table->count = count;
    table->label = malloc((count + 1) * sizeof *table->label);
    table->group = malloc((count + 1) * sizeof *table->group);
    table->names = calloc(KIN_LEARN_CLASSES_MAX, sizeof *table->names);
    reading->patient = calloc(count + 1, sizeof *reading->patient);
    reading->parent = malloc((count + 1) * sizeof *reading->parent);
    if (table->label == NULL || table->group == NULL || table->names == NULL ||
        reading->patient == NULL || reading->parent == NULL)
        return kin_fail(reading->err, KIN_E_NOMEM, NULL, "no memory for %zu labels", count);
    for (size_t i = 0; i < count; i++) {
        table->label[i] = -1;
        reading->parent[i] = (int)i;
    }
    return KIN_OK;
}

/* The images that may have a label. */
static kin_status find_among(struct reading *reading, const char *where, roaring_bitmap_t **out)
{
    kin_condition *condition = NULL;
    if (where == NULL || where[0] == '\0')
        return kin_catalog_live(reading->txn, out, reading->err);
    kin_status status = kin_condition_parse(where, &condition, reading->err);
    if (status == KIN_OK)
        status = kin_condition_evaluate(condition, reading->txn, out, reading->err);
    kin_condition_free(condition);
    return status;
}

/* What the catalog says. */
static kin_status read_values(struct reading *reading, const char *label, const char *where,
                              bool groups)
{
    static const char *const shared[] = {"patient_id", "study_instance_uid", "series_instance_uid",
                                         "sop_instance_uid"};
    roaring_bitmap_t *among = NULL;
    kin_status status = find_among(reading, where, &among);
    if (status != KIN_OK)
        return status;
    reading->among = among;
    for (size_t i = 0; i < reading->table->count; i++)
        reading->table->images += roaring_bitmap_contains(among, reading->ids[i]);
    status = each_value(reading, label, visit_class);
    for (size_t s = 0; s < sizeof shared / sizeof shared[0] && groups && status == KIN_OK; s++)
        status = each_value(reading, shared[s], visit_group);
    roaring_bitmap_free(among);
    reading->among = NULL;
    return status;
}

kin_status kin_learn_table_read(kin_archive *archive, const uint32_t *ids, size_t count,
                                const char *label, const char *where, bool groups, int threads,
                                kin_learn_table *out, kin_error *err)
{
    struct reading reading = {.ids = ids, .table = out, .err = err};
    *out = (kin_learn_table){0};
    kin_status status = allocate(&reading, count);
    if (status == KIN_OK)
        status = kin_catalog_read(archive->catalog, &reading.txn, err);
    if (status == KIN_OK) {
        status = read_values(&reading, label, where, groups);
        kin_txn_end(reading.txn);
    }
    if (status == KIN_OK && groups)
        status = unite_near(archive, &reading, threads);
    for (size_t i = 0; i < count && status == KIN_OK; i++) {
        out->group[i] = root_of(reading.parent, (int)i);
        out->by_patient += reading.patient[i] && out->label[i] >= 0;
    }
    free(reading.patient);
    free(reading.parent);
    return status;
}

void kin_learn_table_release(kin_learn_table *table)
{
    for (size_t c = 0; c < table->classes; c++)
        free(table->names[c]);
    free(table->names);
    free(table->label);
    free(table->group);
    *table = (kin_learn_table){0};
}
