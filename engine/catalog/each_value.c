/*
 * The distinct values of a name with their numbers of images, in the order of their bytes.
 *
 * The index yields them in that order, except that values which were cut sort by their digests
 * among those that begin alike.  Such values, and the uncut ones that are long enough to stand
 * among them, are gathered until the beginning changes, and sorted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "catalog/internal.h"

struct counted {
    char *value;
    uint64_t images;
};

struct tally {
    int (*visit)(void *ctx, const char *value, uint64_t images);
    void *ctx;
    kin_error *err;
    const roaring_bitmap_t *without; /* ids that do not count; NULL: none */
    size_t cut_length;               /* bytes that a cut key has of its value */
    struct counted *gathered;        /* in the order they came */
    size_t count, capacity;
    bool stopped; /* visit said so */
};

static int compare_counted(const void *a, const void *b)
{
    return strcmp(((const struct counted *)a)->value, ((const struct counted *)b)->value);
}

static void forget(struct tally *tally)
{
    for (size_t i = 0; i < tally->count; i++)
        free(tally->gathered[i].value);
    tally->count = 0;
}

/* Visits what was gathered.  Equal values may have come apart when digests collide. */
static kin_status flush(struct tally *tally)
{
    struct counted *all = tally->gathered;
    if (tally->count > 1)
        qsort(all, tally->count, sizeof all[0], compare_counted);
    for (size_t from = 0, to; from < tally->count && !tally->stopped; from = to) {
        uint64_t images = 0;
        for (to = from; to < tally->count && strcmp(all[to].value, all[from].value) == 0; to++)
            images += all[to].images;
        tally->stopped = tally->visit(tally->ctx, all[from].value, images) != 0;
    }
    forget(tally);
    return tally->stopped ? KIN_E_CANCELLED : KIN_OK;
}

static kin_status gather(struct tally *tally, const char *value, uint64_t images)
{
    if (tally->count == tally->capacity) {
        size_t size, capacity = tally->capacity > 0 ? 2 * tally->capacity : 16;
        struct counted *grown =
            kin_mul_size(capacity, sizeof grown[0], &size) ? realloc(tally->gathered, size) : NULL;
        if (grown == NULL)
            return kin_fail(tally->err, KIN_E_NOMEM, NULL, "no memory to list values");
        tally->gathered = grown;
        tally->capacity = capacity;
    }
    char *copy = strdup(value);
    if (copy == NULL)
        return kin_fail(tally->err, KIN_E_NOMEM, NULL, "no memory to list values");
    tally->gathered[tally->count++] = (struct counted){.value = copy, .images = images};
    return KIN_OK;
}

/* Those of a value's ids that count. */
struct counting {
    const roaring_bitmap_t *without;
    uint64_t images;
};

static kin_status count_others(void *ctx, const uint32_t *ids, size_t count)
{
    struct counting *counting = ctx;
    for (size_t i = 0; i < count; i++)
        counting->images += !roaring_bitmap_contains(counting->without, ids[i]);
    return KIN_OK;
}

static kin_status count_ids(const struct tally *tally, const kin_value_ids *ids, uint64_t *images)
{
    struct counting counting = {.without = tally->without};
    if (tally->without == NULL)
        return kin_value_ids_count(ids, images);
    kin_status status = kin_value_ids_visit(ids, count_others, &counting);
    *images = counting.images;
    return status;
}

static kin_status count_value(void *ctx, const char *value, const kin_value_ids *ids)
{
    struct tally *tally = ctx;
    uint64_t images = 0;
    kin_status status = count_ids(tally, ids, &images);
    if (status != KIN_OK || images == 0)
        return status;
    if (tally->count > 0) {
        struct counted *last = &tally->gathered[tally->count - 1];
        if (strcmp(last->value, value) == 0) {
            last->images += images;
            return KIN_OK;
        }
        /* strncmp() also ends at a value that is shorter than a cut one: it waits for nothing. */
        if (strncmp(last->value, value, tally->cut_length) != 0) {
            status = flush(tally);
            if (status != KIN_OK)
                return status;
        }
    }
    return gather(tally, value, images);
}

kin_status kin_catalog_each_value(kin_txn *txn, const char *name, const roaring_bitmap_t *without,
                                  int (*visit)(void *ctx, const char *value, uint64_t images),
                                  void *ctx, kin_error *err)
{
    struct tally tally = {.visit = visit, .ctx = ctx, .err = err, .without = without};
    if (strlen(name) > KIN_RECORD_MAX_NAME)
        return KIN_OK;
    tally.cut_length = kin_value_cut_length(name);
    kin_status status = kin_values_walk(txn, name, 0, count_value, &tally, err);
    if (status == KIN_OK)
        status = flush(&tally);
    forget(&tally);
    free(tally.gathered);
    return tally.stopped ? KIN_OK : status;
}
