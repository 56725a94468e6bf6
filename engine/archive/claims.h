/*
 * claims.h - which annotation objects are being stored: of two files of one object the second waits for
 * the first, since each takes out what the other marks.
 */
#ifndef KIN_ARCHIVE_CLAIMS_H
#define KIN_ARCHIVE_CLAIMS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/uid.h"

typedef struct kin_claims {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct kin_claim *first;
    bool shut;
} kin_claims;

void kin_claims_init(kin_claims *claims);
void kin_claims_destroy(kin_claims *claims);

/* Claims the object of that UID, as soon as nobody has it.  False: the claims are shut, or there is no
 * memory. */
bool kin_claims_take(kin_claims *claims, const char *uid);

/* Gives it up; one that was not claimed is fine. */
void kin_claims_give_back(kin_claims *claims, const char *uid);

/* Makes every claim fail from now on. */
void kin_claims_shut(kin_claims *claims);

#endif
