#include "archive/claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kin_claim {
    struct kin_claim *next;
    char uid[KIN_UID_SIZE];
};

void kin_claims_init(kin_claims *claims)
{
    memset(claims, 0, sizeof *claims);
    pthread_mutex_init(&claims->lock, NULL);
    pthread_cond_init(&claims->changed, NULL);
}

void kin_claims_destroy(kin_claims *claims)
{
    while (claims->first != NULL) {
        struct kin_claim *next = claims->first->next;
        free(claims->first);
        claims->first = next;
    }
    pthread_cond_destroy(&claims->changed);
    pthread_mutex_destroy(&claims->lock);
}

/* Where the claim is linked, or where a new one would be. */
static struct kin_claim **find(kin_claims *claims, const char *uid)
{
    struct kin_claim **at = &claims->first;
    while (*at != NULL && strcmp((*at)->uid, uid) != 0)
        at = &(*at)->next;
    return at;
}

bool kin_claims_take(kin_claims *claims, const char *uid)
{
    struct kin_claim *claim = calloc(1, sizeof *claim);
    if (claim == NULL)
        return false;
    snprintf(claim->uid, sizeof claim->uid, "%s", uid);
    pthread_mutex_lock(&claims->lock);
    while (!claims->shut && *find(claims, uid) != NULL)
        pthread_cond_wait(&claims->changed, &claims->lock);
    bool taken = !claims->shut;
    if (taken)
        *find(claims, uid) = claim;
    else
        free(claim);
    pthread_mutex_unlock(&claims->lock);
    return taken;
}

void kin_claims_give_back(kin_claims *claims, const char *uid)
{
    pthread_mutex_lock(&claims->lock);
    struct kin_claim **at = find(claims, uid), *claim = *at;
    if (claim != NULL)
        *at = claim->next;
    free(claim);
    pthread_cond_broadcast(&claims->changed);
    pthread_mutex_unlock(&claims->lock);
}

void kin_claims_shut(kin_claims *claims)
{
    pthread_mutex_lock(&claims->lock);
    claims->shut = true;
    pthread_cond_broadcast(&claims->changed);
    pthread_mutex_unlock(&claims->lock);
}
