#include "service/decoders.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/wait.h"

static const double ask_seconds = 0.02; /* between two questions whether to go on waiting */

struct kin_decoders {
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    size_t count, free_count;
    uint64_t restarts;
    kin_decoder **all, **free_ones;
    unsigned *starts; /* seen so far, of each in `all` */
};

kin_status kin_decoders_new(size_t count, const char *worker, const kin_decode_features *features,
                            const kin_decode_limits *limits, kin_decoders **out, kin_error *err)
{
    kin_decoders *decoders = calloc(1, sizeof *decoders);
    if (decoders == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for decoders");
    if (kin_cond_init(&decoders->given_back) != 0) {
        free(decoders);
        return kin_fail(err, KIN_E_NOMEM, NULL, "cannot make a condition variable");
    }
    pthread_mutex_init(&decoders->lock, NULL);
    decoders->all = calloc(count, sizeof *decoders->all);
    decoders->free_ones = calloc(count, sizeof *decoders->free_ones);
    decoders->starts = calloc(count, sizeof *decoders->starts);
    kin_status status = KIN_OK;
    if (decoders->all == NULL || decoders->free_ones == NULL || decoders->starts == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu decoders", count);
    while (status == KIN_OK && decoders->count < count) {
        kin_decoder **decoder = &decoders->all[decoders->count];
        status = kin_decoder_new(worker, features, limits, decoder, err);
        if (status == KIN_OK)
            decoders->free_ones[decoders->count++] = *decoder;
    }
    decoders->free_count = decoders->count;
    if (status != KIN_OK) {
        kin_decoders_free(decoders);
        return status;
    }
    *out = decoders;
    return KIN_OK;
}

void kin_decoders_free(kin_decoders *decoders)
{
    if (decoders == NULL)
        return;
    for (size_t i = 0; i < decoders->count; i++)
        kin_decoder_free(decoders->all[i]);
    free(decoders->all);
    free(decoders->free_ones);
    free(decoders->starts);
    pthread_cond_destroy(&decoders->given_back);
    pthread_mutex_destroy(&decoders->lock);
    free(decoders);
}

kin_status kin_decoders_take(kin_decoders *decoders, bool (*stop)(void *ctx), void *ctx,
                             kin_decoder **out, kin_error *err)
{
    kin_status status = KIN_OK;
    pthread_mutex_lock(&decoders->lock);
    while (status == KIN_OK && decoders->free_count == 0) {
        if (kin_cond_wait_until(&decoders->given_back, &decoders->lock,
                                kin_clock_monotonic() + ask_seconds))
            continue;
        pthread_mutex_unlock(&decoders->lock);
        if (stop(ctx))
            status = kin_fail(err, KIN_E_CANCELLED, NULL, "stopped while waiting for a decoder");
        pthread_mutex_lock(&decoders->lock);
    }
    if (status == KIN_OK)
        *out = decoders->free_ones[--decoders->free_count];
    pthread_mutex_unlock(&decoders->lock);
    if (status == KIN_OK)
        kin_decoder_set_stop(*out, stop, ctx);
    return status;
}

void kin_decoders_give_back(kin_decoders *decoders, kin_decoder *decoder)
{
    kin_decoder_set_stop(decoder, NULL, NULL);
    pthread_mutex_lock(&decoders->lock);
    for (size_t i = 0; i < decoders->count; i++) {
        if (decoders->all[i] != decoder)
            continue;
        unsigned starts = kin_decoder_starts(decoder);
        /* the first start is none after a crash */
        if (starts > decoders->starts[i] && starts > 1)
            decoders->restarts += starts - (decoders->starts[i] > 0 ? decoders->starts[i] : 1);
        decoders->starts[i] = starts;
    }
    decoders->free_ones[decoders->free_count++] = decoder;
    pthread_cond_signal(&decoders->given_back);
    pthread_mutex_unlock(&decoders->lock);
}

uint64_t kin_decoders_restarts(kin_decoders *decoders)
{
    pthread_mutex_lock(&decoders->lock);
    uint64_t restarts = decoders->restarts;
    pthread_mutex_unlock(&decoders->lock);
    return restarts;
}
