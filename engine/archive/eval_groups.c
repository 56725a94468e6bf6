/* eval_groups.c - which images of an evaluation belong together, and the folds that keep them so. */
#include <stdlib.h>
#include <string.h>

#include "archive/eval_set.h"

/* --- near-duplicates --- */

struct pair {
    uint32_t a, b;
};

struct pairs {
    struct pair *items;
    size_t count, capacity;
    bool failed; /* without memory */
    const kin_eval_set *set;
    int *parent; /* of groups by the narrower bound */
};

/* Patients say more than looks: images of two known ones are not the same, however alike.  A site or
 * a scanner says less: near-duplicates are looked for all the same. */
static bool by_patient(const kin_eval_set *set)
{
    return set->options->leave_out == NULL || strcmp(set->options->leave_out, "patient_id") == 0;
}

static bool known_apart(const kin_eval_set *set, size_t a, size_t b)
{
    return by_patient(set) && set->images[a].value >= 0 && set->images[b].value >= 0;
}

static void keep_one(struct pairs *pairs, size_t a, size_t b)
{
    if (pairs->count == pairs->capacity) {
        size_t capacity = pairs->capacity > 0 ? pairs->capacity * 2 : 256;
        struct pair *larger = reallocarray(pairs->items, capacity, sizeof *larger);
        pairs->failed = pairs->failed || larger == NULL;
        if (larger == NULL)
            return;
        pairs->items = larger;
        pairs->capacity = capacity;
    }
    pairs->items[pairs->count++] = (struct pair){(uint32_t)a, (uint32_t)b};
}

static void keep_pair(void *ctx, size_t a, size_t b, bool close)
{
    struct pairs *pairs = ctx;
    if (close && !known_apart(pairs->set, a, b))
        kin_near_join(pairs->parent, a, b);
    if (pairs->failed || known_apart(pairs->set, a, b))
        return;
    keep_one(pairs, a, b);
    keep_one(pairs, b, a);
}

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

/* The lists of each image's near-duplicates, without repetitions. */
static kin_status make_lists(kin_eval_set *set, struct pairs *pairs, kin_error *err)
{
    size_t kept = 0;
    if (pairs->count > 1)
        qsort(pairs->items, pairs->count, sizeof *pairs->items, by_pair);
    set->near = calloc(pairs->count + 1, sizeof *set->near);
    if (pairs->failed || set->near == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for near-duplicates");
    for (size_t i = 0; i < pairs->count; i++) {
        if (i > 0 && by_pair(&pairs->items[i - 1], &pairs->items[i]) == 0)
            continue;
        set->near_first[pairs->items[i].a + 1]++;
        set->near[kept++] = pairs->items[i].b;
    }
    for (size_t i = 0; i < set->count; i++) {
        set->near_images += set->near_first[i + 1] > 0;
        set->near_first[i + 1] += set->near_first[i];
    }
    return KIN_OK;
}

static kin_status read_pictures(const kin_eval_set *set, const kin_near_options *options,
                                kin_near_set *pictures, kin_error *err)
{
    uint64_t *ids = calloc(set->count + 1, sizeof *ids);
    if (ids == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", set->count);
    for (size_t i = 0; i < set->count; i++)
        ids[i] = set->images[i].id;
    kin_status status = KIN_OK;
    if (set->stored > 0)
        status = kin_near_set_read(pictures, 0, set->archive, ids, set->stored, options, err);
    if (status == KIN_OK && set->stored < set->count)
        status = kin_near_set_read(pictures, set->stored, set->scratch, ids + set->stored,
                                   set->count - set->stored, options, err);
    free(ids);
    return status;
}

/* Finds near-duplicates: group[i] by the narrower bounds, the lists by the wider. */
static kin_status find_near(kin_eval_set *set, int *group, kin_error *err)
{
    kin_near_set pictures = {0};
    struct pairs pairs = {.set = set, .parent = calloc(set->count + 1, sizeof *pairs.parent)};
    const kin_near_options options = {
        .turned = set->options->turned, .wide = true, .threads = set->options->threads};
    kin_status status = pairs.parent != NULL ? kin_near_set_init(&pictures, set->count, err)
                                             : kin_fail(err, KIN_E_NOMEM, NULL,
                                                        "no memory for %zu images", set->count);
    for (size_t i = 0; status == KIN_OK && i < set->count; i++)
        pairs.parent[i] = (int)i;
    if (status == KIN_OK)
        status = read_pictures(set, &options, &pictures, err);
    if (status == KIN_OK)
        status = kin_near_each(&pictures, &options, keep_pair, &pairs, err);
    if (status == KIN_OK)
        status = make_lists(set, &pairs, err);
    if (status == KIN_OK)
        kin_near_number(pairs.parent, set->count, group);
    kin_near_set_release(&pictures);
    free(pairs.items);
    free(pairs.parent);
    return status;
}

/* --- groups --- */

/* Groups by value; those without one by looks, or each by itself. */
static void assign_groups(kin_eval_set *set, const int *near_group, int *number_of_near,
                          int *number_of_value)
{
    for (size_t i = 0; i < set->count; i++) {
        kin_eval_image *image = &set->images[i];
        int *number = image->value >= 0    ? &number_of_value[image->value]
                      : near_group != NULL ? &number_of_near[near_group[i]]
                                           : NULL;
        if (number != NULL && *number > 0) {
            image->group = *number - 1;
            continue;
        }
        image->group = (int)set->groups++;
        if (number != NULL)
            *number = image->group + 1;
    }
}

static const char *name_of_groups(const kin_eval_set *set, bool by_value, bool by_looks)
{
    if (by_value)
        return set->options->leave_out != NULL ? set->options->leave_out : "patient_id";
    return by_looks ? "near-duplicates" : "images";
}

kin_status kin_eval_groups_make(kin_eval_set *set, kin_error *err)
{
    size_t valued = 0;
    for (size_t i = 0; i < set->count; i++)
        valued += set->images[i].value >= 0;
    bool by_looks = !set->options->keep_near && (valued < set->count || !by_patient(set));
    int *near_group = calloc(set->count + 1, sizeof *near_group);
    int *near_numbers = calloc(set->count + 1, sizeof *near_numbers);
    int *value_numbers = calloc(set->values.count + 1, sizeof *value_numbers);
    set->near_first = calloc(set->count + 2, sizeof *set->near_first);
    kin_status status = KIN_OK;
    if (near_group == NULL || near_numbers == NULL || value_numbers == NULL ||
        set->near_first == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu images", set->count);
    if (status == KIN_OK && by_looks)
        status = find_near(set, near_group, err);
    if (status == KIN_OK)
        assign_groups(set, by_looks ? near_group : NULL, near_numbers, value_numbers);
    set->grouping = name_of_groups(set, valued > 0, by_looks);
    free(near_group);
    free(near_numbers);
    free(value_numbers);
    return status;
}

bool kin_eval_apart(const kin_eval_set *set, size_t query, size_t image)
{
    if (query == image || set->images[query].group == set->images[image].group)
        return true;
    size_t low = set->near_first[query], high = set->near_first[query + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->near[middle] == image)
            return true;
        if (set->near[middle] < image)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* --- folds --- */

struct group {
    int number, label; /* label: of its first image */
    size_t size;
    uint64_t order; /* seeded */
};

static int largest_first(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Of the folds the one with the fewest images of the class, then the fewest at all. */
static int emptiest(const size_t *of_class, const size_t *of_all, int folds)
{
    int best = 0;
    for (int f = 1; f < folds; f++)
        if (of_class[f] < of_class[best] ||
            (of_class[f] == of_class[best] && of_all[f] < of_all[best]))
            best = f;
    return best;
}

static void deal(kin_eval_set *set, struct group *groups, int folds, int *fold_of, size_t *of_class,
                 size_t *of_all)
{
    uint64_t seed = set->options->seed;
    for (size_t g = 0; g < set->groups; g++)
        groups[g].number = (int)g;
    for (size_t i = set->count; i-- > 0;) {
        struct group *group = &groups[set->images[i].group];
        group->size++;
        group->label = set->images[i].label;
    }
    for (size_t g = 0; g < set->groups; g++)
        groups[g].order = kin_digest_of(&(uint64_t[]){seed, g}, 2 * sizeof seed).low;
    qsort(groups, set->groups, sizeof *groups, largest_first);
    for (size_t g = 0; g < set->groups; g++) {
        size_t *row = of_class + (size_t)groups[g].label * (size_t)folds;
        int fold = emptiest(row, of_all, folds);
        fold_of[groups[g].number] = fold;
        row[fold] += groups[g].size;
        of_all[fold] += groups[g].size;
    }
    for (size_t i = 0; i < set->count; i++)
        set->images[i].fold = fold_of[set->images[i].group];
}

kin_status kin_eval_folds_deal(kin_eval_set *set, int *folds, kin_error *err)
{
    if (set->groups < 2)
        return kin_fail(err, KIN_E_ARG, set->grouping,
                        "all images belong to one group: none may ask for another");
    if ((size_t)*folds > set->groups)
        *folds = (int)set->groups;
    struct group *groups = calloc(set->groups, sizeof *groups);
    int *fold_of = calloc(set->groups, sizeof *fold_of);
    size_t *of_class = calloc(set->classes.count * (size_t)*folds, sizeof *of_class);
    size_t *of_all = calloc((size_t)*folds, sizeof *of_all);
    kin_status status = KIN_OK;
    if (groups == NULL || fold_of == NULL || of_class == NULL || of_all == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu groups", set->groups);
    else
        deal(set, groups, *folds, fold_of, of_class, of_all);
    free(groups);
    free(fold_of);
    free(of_class);
    free(of_all);
    return status;
}
