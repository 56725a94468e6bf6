#include "archive/near_groups.h"

#include <stdlib.h>
#include <string.h>

#include "image/phash_index.h"

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
static void unite(int *parent, size_t a, size_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    if (a < b)
        parent[b] = (int)a;
    else
        parent[a] = (int)b;
}

/* --- groups --- */

/* What a search through the index's hashes finds near. */
struct linking {
    const size_t *image; /* of each hash in the index */
    int *parent;
    size_t from;
};

static void link_to(void *ctx, size_t number, int distance)
{
    struct linking *linking = ctx;
    (void)distance;
    unite(linking->parent, linking->from, linking->image[number]);
}

struct keyed {
    uint64_t hash;
    size_t image;
};

static int by_hash(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

/* The different hashes and an image of each; images of one hash are united at once, since a thousand
 * equal ones would otherwise be compared a million times. */
static size_t gather_distinct(const kin_near_hashes *hashes, struct keyed *keyed,
                              uint64_t *distinct, size_t *image, int *parent)
{
    size_t known = 0, count = 0;
    for (size_t i = 0; i < hashes->count; i++)
        if (hashes->known[i])
            keyed[known++] = (struct keyed){hashes->forms[i][0], i};
    qsort(keyed, known, sizeof *keyed, by_hash);
    for (size_t i = 0; i < known; i++) {
        if (count == 0 || distinct[count - 1] != keyed[i].hash) {
            distinct[count] = keyed[i].hash;
            image[count++] = keyed[i].image;
        }
        unite(parent, image[count - 1], keyed[i].image);
    }
    return count;
}

static void link_all(const kin_near_hashes *hashes, const kin_phash_index *index,
                     const size_t *image, size_t count, int distance, int *parent)
{
    int forms = hashes->turned ? KIN_PHASH_FORMS : 1;
    for (size_t i = 0; i < count; i++) {
        struct linking linking = {image, parent, image[i]};
        for (int form = 0; form < forms; form++)
            kin_phash_index_each(index, hashes->forms[image[i]][form], distance, link_to, &linking);
    }
}

/* From roots to numbers in order of appearance. */
static size_t number_groups(int *parent, size_t count, int *group)
{
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        size_t root = root_of(parent, i);
        group[i] = root == i ? (int)groups++ : group[root]; /* a root comes before its members */
    }
    return groups;
}

kin_status kin_near_groups_of(const kin_near_hashes *hashes, const kin_near_options *options,
                              int *group, size_t *groups, kin_error *err)
{
    size_t count = hashes->count, found = 0;
    int distance = options != NULL && options->distance > 0 ? options->distance : KIN_NEAR_DISTANCE;
    if (distance > KIN_PHASH_INDEX_DISTANCE_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "a distance of %d bits: at most %d", distance,
                        KIN_PHASH_INDEX_DISTANCE_MAX);
    struct keyed *keyed = calloc(count + 1, sizeof *keyed);
    uint64_t *distinct = calloc(count + 1, sizeof *distinct);
    size_t *image = calloc(count + 1, sizeof *image);
    int *parent = calloc(count + 1, sizeof *parent);
    kin_phash_index *index = NULL;
    kin_status status = KIN_OK;
    if (keyed == NULL || distinct == NULL || image == NULL || parent == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory to compare %zu pictures", count);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        parent[i] = (int)i;
    if (status == KIN_OK) {
        found = gather_distinct(hashes, keyed, distinct, image, parent);
        status = kin_phash_index_new(distinct, found, &index, err);
    }
    if (status == KIN_OK) {
        link_all(hashes, index, image, found, distance, parent);
        found = number_groups(parent, count, group);
        if (groups != NULL)
            *groups = found;
    }
    kin_phash_index_free(index);
    free(keyed);
    free(distinct);
    free(image);
    free(parent);
    return status;
}

kin_status kin_near_groups(kin_archive *archive, const uint64_t *ids, size_t count,
                           const kin_near_options *options, int *group, size_t *groups,
                           kin_error *err)
{
    kin_near_hashes hashes = {0};
    kin_status status = kin_near_hashes_read(archive, ids, count, options, &hashes, err);
    if (status == KIN_OK)
        status = kin_near_groups_of(&hashes, options, group, groups, err);
    kin_near_hashes_release(&hashes);
    return status;
}
