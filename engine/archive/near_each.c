/* near_each.c - the pairs of near pictures, by an index of their hashes. */
#include <pthread.h>
#include <stdlib.h>

#include "archive/near_groups.h"
#include "base/parallel.h"
#include "image/phash_index.h"

enum { GRAIN = 16 };

/* Hashes that are looked for, and whose they are. */
struct hash_table {
    uint64_t *hashes;
    size_t *owners;
    size_t count;
    kin_phash_index *index;
};

/* A comparison of all with all, shared by its threads. */
struct comparing {
    const kin_near_set *set;
    int bits, turned_bits;
    struct hash_table upright, middle;
    pthread_mutex_t lock; /* over visits */
    kin_near_visit *visit;
    void *ctx;
};

static void table_release(struct hash_table *table)
{
    free(table->hashes);
    free(table->owners);
    kin_phash_index_free(table->index);
}

static kin_status table_init(struct hash_table *table, size_t count, kin_error *err)
{
    table->hashes = calloc(count + 1, sizeof *table->hashes);
    table->owners = calloc(count + 1, sizeof *table->owners);
    return table->hashes != NULL && table->owners != NULL
               ? KIN_OK
               : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu hashes", count);
}

static void table_add(struct hash_table *table, uint64_t hash, size_t owner)
{
    table->hashes[table->count] = hash;
    table->owners[table->count++] = owner;
}

static kin_status fill_tables(struct comparing *comparing, kin_error *err)
{
    const kin_near_set *set = comparing->set;
    kin_status status = table_init(&comparing->upright, set->count, err);
    if (status == KIN_OK)
        status = table_init(&comparing->middle, set->count, err);
    for (size_t i = 0; status == KIN_OK && i < set->count; i++) {
        const kin_near_picture *picture = &set->pictures[i];
        if (picture->known)
            table_add(&comparing->upright, picture->forms[0], i);
        if (picture->known && picture->has_middle)
            table_add(&comparing->middle, picture->middle, i);
    }
    if (comparing->middle.count > KIN_NEAR_TURNED_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL,
                        "%zu pictures: at most %d are compared at any angle",
                        comparing->middle.count, KIN_NEAR_TURNED_MAX);
    if (status == KIN_OK)
        status = kin_phash_index_new(comparing->upright.hashes, comparing->upright.count,
                                     &comparing->upright.index, err);
    if (status == KIN_OK)
        status = kin_phash_index_new(comparing->middle.hashes, comparing->middle.count,
                                     &comparing->middle.index, err);
    return status;
}

/* One picture's search in one of the tables. */
struct looking {
    struct comparing *comparing;
    const struct hash_table *table;
    size_t from;
    int close; /* bits */
};

static void found(void *ctx, size_t number, int distance)
{
    const struct looking *looking = ctx;
    size_t owner = looking->table->owners[number];
    if (owner == looking->from)
        return;
    pthread_mutex_lock(&looking->comparing->lock);
    looking->comparing->visit(looking->comparing->ctx, looking->from, owner,
                              distance <= looking->close);
    pthread_mutex_unlock(&looking->comparing->lock);
}

static void compare_range(void *ctx, size_t from, size_t to)
{
    struct comparing *comparing = ctx;
    uint64_t turned[KIN_PHASH_TURNED];
    for (size_t i = from; i < to; i++) {
        const kin_near_picture *picture = &comparing->set->pictures[i];
        struct looking upright = {comparing, &comparing->upright, i, KIN_NEAR_BITS};
        struct looking middle = {comparing, &comparing->middle, i, KIN_NEAR_TURNED_BITS};
        if (!picture->known)
            continue;
        for (int form = 0; form < (picture->thumb != NULL ? KIN_PHASH_FORMS : 1); form++)
            kin_phash_index_each(upright.table->index, picture->forms[form], comparing->bits, found,
                                 &upright);
        if (!picture->has_middle)
            continue;
        kin_phash_turned(picture->thumb, turned);
        for (int form = 0; form < KIN_PHASH_TURNED; form++)
            kin_phash_index_each(middle.table->index, turned[form], comparing->turned_bits, found,
                                 &middle);
    }
}

kin_status kin_near_each(const kin_near_set *set, const kin_near_options *options,
                         kin_near_visit *visit, void *ctx, kin_error *err)
{
    bool wide = options != NULL && options->wide;
    struct comparing comparing = {
        .set = set,
        .bits = wide ? KIN_NEAR_BITS_WIDE : KIN_NEAR_BITS,
        .turned_bits = wide ? KIN_NEAR_TURNED_BITS_WIDE : KIN_NEAR_TURNED_BITS,
        .visit = visit,
        .ctx = ctx,
    };
    pthread_mutex_init(&comparing.lock, NULL);
    kin_status status = fill_tables(&comparing, err);
    if (status == KIN_OK)
        kin_parallel_for(set->count, GRAIN, options != NULL ? options->threads : 0, compare_range,
                         &comparing);
    table_release(&comparing.upright);
    table_release(&comparing.middle);
    pthread_mutex_destroy(&comparing.lock);
    return status;
}
