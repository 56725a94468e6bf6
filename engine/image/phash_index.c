#include "image/phash_index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "image/phash.h"

enum { WORDS = 4, WORD_BITS = KIN_PHASH_BITS / WORDS, VALUES = 1 << WORD_BITS };

struct kin_phash_index {
    size_t count;
    uint64_t *hashes;
    uint32_t *first[WORDS];   /* [VALUES + 1]: where each value's members begin */
    uint32_t *members[WORDS]; /* [count]: numbers of hashes, by their word's value */
};

static unsigned word_of(uint64_t hash, int word)
{
    return (unsigned)(hash >> (WORD_BITS * word)) % VALUES;
}

/* A counting sort of the hashes by one word. */
static void fill_table(kin_phash_index *index, int word)
{
    uint32_t *first = index->first[word];
    for (size_t i = 0; i < index->count; i++)
        first[word_of(index->hashes[i], word) + 1]++;
    for (size_t value = 0; value < VALUES; value++)
        first[value + 1] += first[value];
    for (size_t i = 0; i < index->count; i++)
        index->members[word][first[word_of(index->hashes[i], word)]++] = (uint32_t)i;
    /* Each has moved on to its end, which is where the next one began. */
    memmove(first + 1, first, VALUES * sizeof *first);
    first[0] = 0;
}

kin_status kin_phash_index_new(const uint64_t *hashes, size_t count, kin_phash_index **out,
                               kin_error *err)
{
    *out = NULL;
    if (count > KIN_PHASH_INDEX_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "%zu pictures: at most %d are compared", count,
                        KIN_PHASH_INDEX_MAX);
    kin_phash_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu hashes", count);
    index->count = count;
    index->hashes = calloc(count + 1, sizeof *index->hashes);
    bool made = index->hashes != NULL;
    for (int word = 0; word < WORDS; word++) {
        index->first[word] = calloc(VALUES + 1, sizeof **index->first);
        index->members[word] = calloc(count + 1, sizeof **index->members);
        made = made && index->first[word] != NULL && index->members[word] != NULL;
    }
    if (!made) {
        kin_phash_index_free(index);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu hashes", count);
    }
    if (count > 0)
        memcpy(index->hashes, hashes, count * sizeof *hashes);
    for (int word = 0; word < WORDS; word++)
        fill_table(index, word);
    *out = index;
    return KIN_OK;
}

void kin_phash_index_free(kin_phash_index *index)
{
    if (index == NULL)
        return;
    free(index->hashes);
    for (int word = 0; word < WORDS; word++) {
        free(index->first[word]);
        free(index->members[word]);
    }
    free(index);
}

/* What is looked for. */
struct search {
    const kin_phash_index *index;
    uint64_t hash;
    int distance;
    void (*visit)(void *ctx, size_t number, int distance);
    void *ctx;
};

static void look_at(const struct search *search, int word, unsigned value)
{
    const kin_phash_index *index = search->index;
    for (uint32_t i = index->first[word][value]; i < index->first[word][value + 1]; i++) {
        size_t number = index->members[word][i];
        int distance = kin_phash_distance(index->hashes[number], search->hash);
        if (distance <= search->distance)
            search->visit(search->ctx, number, distance);
    }
}

/* Looks at value and at all that differ from it in up to `flips` of the bits from `from` on. */
static void look_around(const struct search *search, int word, unsigned value, int from, int flips)
{
    look_at(search, word, value);
    for (int bit = from; flips > 0 && bit < WORD_BITS; bit++)
        look_around(search, word, value ^ 1u << bit, bit + 1, flips - 1);
}

void kin_phash_index_each(const kin_phash_index *index, uint64_t hash, int distance,
                          void (*visit)(void *ctx, size_t number, int distance), void *ctx)
{
    if (distance > KIN_PHASH_INDEX_DISTANCE_MAX)
        distance = KIN_PHASH_INDEX_DISTANCE_MAX;
    if (distance < 0)
        return;
    const struct search search = {index, hash, distance, visit, ctx};
    for (int word = 0; word < WORDS; word++)
        look_around(&search, word, word_of(hash, word), 0, distance / WORDS);
}
