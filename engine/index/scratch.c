#include "index/scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct scratch_pool {
    size_t words, stride;
    pthread_mutex_t lock;
    search_scratch *idle;
};

kin_status kin_scratch_pool_new(size_t count, size_t stride, scratch_pool **out, kin_error *err)
{
    scratch_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to search the index");
    }
    pool->words = count / 32 + 1;
    pool->stride = stride;
    *out = pool;
    return KIN_OK;
}

static void scratch_free(search_scratch *scratch)
{
    free(scratch->met);
    free(scratch->beam.at);
    free(scratch->results.at);
    free(scratch->query);
    free(scratch);
}

void kin_scratch_pool_free(scratch_pool *pool)
{
    if (pool == NULL)
        return;
    for (search_scratch *scratch = pool->idle, *next; scratch != NULL; scratch = next) {
        next = scratch->next;
        scratch_free(scratch);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static search_scratch *scratch_new(const scratch_pool *pool)
{
    search_scratch *scratch = calloc(1, sizeof *scratch);
    if (scratch == NULL)
        return NULL;
    scratch->met = calloc(pool->words, sizeof *scratch->met);
    scratch->query = malloc(pool->stride);
    if (scratch->met == NULL || scratch->query == NULL) {
        scratch_free(scratch);
        return NULL;
    }
    return scratch;
}

search_scratch *kin_scratch_take(scratch_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    search_scratch *scratch = pool->idle;
    if (scratch != NULL)
        pool->idle = scratch->next;
    pthread_mutex_unlock(&pool->lock);
    if (scratch == NULL)
        scratch = scratch_new(pool);
    if (scratch == NULL)
        return NULL;
    if (++scratch->epoch == 0) { /* after four thousand million searches */
        memset(scratch->met, 0, pool->words * sizeof *scratch->met);
        scratch->epoch = 1;
    }
    scratch->beam.count = scratch->results.count = 0;
    return scratch;
}

void kin_scratch_give(scratch_pool *pool, search_scratch *scratch)
{
    pthread_mutex_lock(&pool->lock);
    scratch->next = pool->idle;
    pool->idle = scratch;
    pthread_mutex_unlock(&pool->lock);
}

bool kin_keys_reserve(struct keys *keys, size_t room)
{
    if (room <= keys->room)
        return true;
    if (room < 2 * keys->room)
        room = 2 * keys->room;
    uint64_t *at = reallocarray(keys->at, room, sizeof *at);
    if (at == NULL)
        return false;
    keys->at = at;
    keys->room = room;
    return true;
}
