/* asking.h - one query of kindred.v1, answered: what Search and SearchMany share. */
#ifndef KIN_SERVICE_ASKING_H
#define KIN_SERVICE_ASKING_H

#include "kindred/v1/search.pb-c.h"
#include "service/arena.h"
#include "service/internal.h"

/* A query's answer and what it borrows from. */
typedef struct kin_asking {
    kin_query query;
    kin_results results;
    kin_arena arena;
    Kindred__V1__SearchResponse *response;
} kin_asking;

/* Answers a request into *out, to be released whatever is returned.  A failure's text is the call's
 * (kin_rpc_call_text_borrow). */
kin_rpc_code kin_asking_answer(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__SearchRequest *request, kin_asking *out);
void kin_asking_release(kin_asking *asking);

#endif
