#include "catalog/collect.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/internal.h"

enum {
    MANY = 64, /* more ids than one row in so many go into the array */
    WORD_BITS = 64,
    /* Of CRoaring's portable format, https://github.com/RoaringBitmap/RoaringFormatSpec */
    COOKIE_WITHOUT_RUNS = 12346,
    CONTAINER_ROWS = 1 << 16,
    CONTAINER_WORDS = CONTAINER_ROWS / WORD_BITS,
    CONTAINER_BYTES = CONTAINER_ROWS / 8,
    ARRAY_MAX = 4096 /* ids that a container holds as an array of 16 bits each; more, as bits */
};

kin_status kin_collector_begin(kin_collector *collector, uint64_t rows, kin_error *err)
{
    *collector = (kin_collector){.rows = rows, .few = roaring_bitmap_create(), .err = err};
    return collector->few != NULL ? KIN_OK
                                  : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}

void kin_collector_abandon(kin_collector *collector)
{
    if (collector->few != NULL)
        roaring_bitmap_free(collector->few);
    free(collector->words);
    collector->few = NULL;
    collector->words = NULL;
}

/* Whole containers, so that each can be read without asking where the rows end. */
static size_t container_count(const kin_collector *collector)
{
    return (size_t)((collector->rows + CONTAINER_ROWS - 1) / CONTAINER_ROWS);
}

/* --- collecting --- */

/* Neighbours share a word, which is written once. */
static void set_bits(uint64_t *words, const uint32_t *ids, size_t count)
{
    size_t at = ids[0] / WORD_BITS;
    uint64_t word = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] / WORD_BITS != at) {
            words[at] |= word;
            word = 0;
            at = ids[i] / WORD_BITS;
        }
        word |= UINT64_C(1) << ids[i] % WORD_BITS;
    }
    words[at] |= word;
}

static kin_status spread_out(kin_collector *collector)
{
    roaring_uint32_iterator_t at;
    collector->words = calloc(container_count(collector), CONTAINER_BYTES);
    if (collector->words == NULL)
        return kin_fail(collector->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
    roaring_init_iterator(collector->few, &at);
    for (; at.has_value; roaring_advance_uint32_iterator(&at))
        set_bits(collector->words, &at.current_value, 1);
    roaring_bitmap_free(collector->few);
    collector->few = NULL;
    return KIN_OK;
}

kin_status kin_collect(void *ctx, const uint32_t *ids, size_t count)
{
    kin_collector *collector = ctx;
    kin_status status = KIN_OK;
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= collector->rows)
            return kin_fail(collector->err, KIN_E_CORRUPT, NULL,
                            "the index of values holds an image that is not there");
    collector->collected += count;
    if (collector->words == NULL && collector->collected > collector->rows / MANY)
        status = spread_out(collector);
    if (status != KIN_OK || count == 0)
        return status;
    if (collector->words != NULL)
        set_bits(collector->words, ids, count);
    else
        roaring_bitmap_add_many(collector->few, count, ids);
    return KIN_OK;
}

/* --- from the array to a bitmap, by way of the portable format --- */

static uint32_t count_bits(const uint64_t words[CONTAINER_WORDS])
{
    uint32_t count = 0;
    for (size_t i = 0; i < CONTAINER_WORDS; i++)
        count += (uint32_t)__builtin_popcountll(words[i]);
    return count;
}

static char *write_16(char *at, uint32_t value)
{
    uint16_t little = htole16((uint16_t)value);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

static char *write_32(char *at, uint32_t value)
{
    uint32_t little = htole32(value);
    memcpy(at, &little, sizeof little);
    return at + sizeof little;
}

static char *write_array(char *at, const uint64_t words[CONTAINER_WORDS])
{
    for (size_t i = 0; i < CONTAINER_WORDS; i++)
        for (uint64_t word = words[i]; word != 0; word &= word - 1)
            at = write_16(at, (uint32_t)(i * WORD_BITS) + (uint32_t)__builtin_ctzll(word));
    return at;
}

static char *write_bits(char *at, const uint64_t words[CONTAINER_WORDS])
{
    for (size_t i = 0; i < CONTAINER_WORDS; i++) {
        uint64_t little = htole64(words[i]);
        memcpy(at + i * sizeof little, &little, sizeof little);
    }
    return at + CONTAINER_BYTES;
}

static size_t container_size(uint32_t ids)
{
    return ids > ARRAY_MAX ? CONTAINER_BYTES : ids * sizeof(uint16_t);
}

/* The ids of each container, whose number is returned of those that have any. */
static size_t count_all(const kin_collector *collector, uint32_t *counts)
{
    size_t filled = 0;
    for (size_t i = 0; i < container_count(collector); i++) {
        counts[i] = count_bits(collector->words + i * CONTAINER_WORDS);
        filled += counts[i] > 0;
    }
    return filled;
}

static size_t head_size(size_t filled)
{
    return 2 * sizeof(uint32_t) + filled * (2 * sizeof(uint16_t) + sizeof(uint32_t));
}

static size_t total_size(const kin_collector *collector, const uint32_t *counts, size_t filled)
{
    size_t size = head_size(filled);
    for (size_t i = 0; i < container_count(collector); i++)
        size += container_size(counts[i]);
    return size;
}

static void write_all(const kin_collector *collector, const uint32_t *counts, size_t filled,
                      char *out)
{
    char *numbers = write_32(write_32(out, COOKIE_WITHOUT_RUNS), (uint32_t)filled);
    char *offsets = numbers + filled * 2 * sizeof(uint16_t);
    char *at = out + head_size(filled);
    for (size_t i = 0; i < container_count(collector); i++) {
        const uint64_t *words = collector->words + i * CONTAINER_WORDS;
        if (counts[i] == 0)
            continue;
        numbers = write_16(write_16(numbers, (uint32_t)i), counts[i] - 1);
        offsets = write_32(offsets, (uint32_t)(at - out));
        at = counts[i] > ARRAY_MAX ? write_bits(at, words) : write_array(at, words);
    }
}

static roaring_bitmap_t *gather(const kin_collector *collector)
{
    roaring_bitmap_t *ids = NULL;
    char *bytes = NULL;
    uint32_t *counts = calloc(container_count(collector), sizeof *counts);
    if (counts == NULL)
        return NULL;
    size_t filled = count_all(collector, counts);
    size_t size = total_size(collector, counts, filled);
    bytes = malloc(size);
    if (bytes != NULL) {
        write_all(collector, counts, filled, bytes);
        ids = roaring_bitmap_portable_deserialize_safe(bytes, size);
    }
    free(bytes);
    free(counts);
    return ids;
}

kin_status kin_collector_finish(kin_collector *collector, roaring_bitmap_t **out)
{
    *out = collector->few;
    collector->few = NULL;
    if (collector->words != NULL)
        *out = gather(collector);
    kin_collector_abandon(collector);
    return *out != NULL ? KIN_OK
                        : kin_fail(collector->err, KIN_E_NOMEM, NULL, "no memory for a bitmap");
}
