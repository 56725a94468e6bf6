#include "archive/near_groups.h"

#include <stdlib.h>
#include <string.h>

/* --- sets that grow together (Tarjan 1975, with path halving) --- */

static size_t root_of(int *parent, size_t i)
{
    while ((size_t)parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = (size_t)parent[i];
    }
    return i;
}

/* The smaller number is the root, so that groups are numbered by their first member. */
void kin_near_join(int *parent, size_t a, size_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = (int)a;
    else
        parent[a] = (int)b;
}

static void join_pair(void *ctx, size_t a, size_t b, bool close)
{
    (void)close;
    kin_near_join(ctx, a, b);
}

/* From roots to numbers in order of appearance. */
size_t kin_near_number(int *parent, size_t count, int *group)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        size_t root = root_of(parent, i);
        group[i] = root == i ? (int)groups++ : group[root]; /* a root comes before its members */
    }
    return groups;
}

/* --- groups --- */

struct keyed {
    uint64_t hash;
    size_t number;
};

static int by_hash(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Unites pictures of one hash, and leaves one of them known: a hundred thousand equal ones would
 * otherwise be ten thousand million pairs. */
static void unite_equal(kin_near_set *set, struct keyed *keyed, int *parent)
{
    size_t known = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->pictures[i].known)
            keyed[known++] = (struct keyed){set->pictures[i].forms[0], i};
    qsort(keyed, known, sizeof *keyed, by_hash);
    for (size_t i = 1; i < known; i++) {
        if (keyed[i].hash != keyed[i - 1].hash)
            continue;
        kin_near_join(parent, keyed[i - 1].number, keyed[i].number);
        set->pictures[keyed[i].number].known = false;
    }
}

kin_status kin_near_set_groups(const kin_near_set *set, const kin_near_options *options, int *group,
                               size_t *groups, kin_error *err)
{
    size_t count = set->count, found;
    struct keyed *keyed = calloc(count + 1, sizeof *keyed);
    int *parent = calloc(count + 1, sizeof *parent);
    kin_near_set different = {count, calloc(count + 1, sizeof *different.pictures)};
    kin_status status = KIN_OK;
    if (keyed == NULL || parent == NULL || different.pictures == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to compare %zu pictures", count);
        goto end;
    }
    for (size_t i = 0; i < count; i++) {
        parent[i] = (int)i;
        different.pictures[i] = set->pictures[i]; /* thumbs stay the set's */
    }
    unite_equal(&different, keyed, parent);
    status = kin_near_each(&different, options, join_pair, parent, err);
    if (status != KIN_OK)
        goto end;
    found = kin_near_number(parent, count, group);
    if (groups != NULL)
        *groups = found;
end:
    free(keyed);
    free(parent);
    free(different.pictures);
    return status;
}

kin_status kin_near_groups(kin_archive *archive, const uint64_t *ids, size_t count,
                           const kin_near_options *options, int *group, size_t *groups,
                           kin_error *err)
{
    kin_near_set set;
    kin_status status = kin_near_set_init(&set, count, err);
    if (status == KIN_OK)
        status = kin_near_set_read(&set, 0, archive, ids, count, options, err);
    if (status == KIN_OK)
        status = kin_near_set_groups(&set, options, group, groups, err);
    kin_near_set_release(&set);
    return status;
}
