/* search.c - Search and SearchMany. */
#include "base/clock.h"
#include "service/asking.h"

kin_rpc_code kin_method_search(kin_rpc_call *call, void *ctx)
{
    kin_service *service = ctx;
    const ProtobufCMessage *request;
    kin_asking asking;
    kin_error err = {0};
    if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
        return kin_gate_fail(call, &err);
    kin_rpc_code code =
        kin_asking_answer(service, call, (const Kindred__V1__SearchRequest *)request, &asking);
    if (code == KIN_RPC_OK && kin_rpc_call_send(call, &asking.response->base, &err) != KIN_OK)
        code = kin_gate_fail(call, &err);
    kin_asking_release(&asking);
    return code;
}

/* Whether a failed query leaves the stream fit for the next one. */
static bool is_the_querys_own(kin_rpc_code code)
{
    return code != KIN_RPC_CANCELLED && code != KIN_RPC_DEADLINE_EXCEEDED &&
           code != KIN_RPC_UNAVAILABLE;
}

/* Answers one query of a stream; anything but OK ends the stream. */
static kin_rpc_code answer_one(kin_service *service, kin_rpc_call *call,
                               const Kindred__V1__SearchManyRequest *request)
{
    double began = kin_clock_monotonic();
    Kindred__V1__SearchManyResponse response = KINDRED__V1__SEARCH_MANY_RESPONSE__INIT;
    Kindred__V1__Status failure = KINDRED__V1__STATUS__INIT;
    kin_asking asking = {0};
    kin_error err = {0};
    kin_rpc_code code =
        request->search != NULL
            ? kin_asking_answer(service, call, request->search, &asking)
            : kin_rpc_call_fail(call, KIN_RPC_INVALID_ARGUMENT, "search: is not set");
    kin_rpc_code noted = kin_gate_note(service, call, code, kin_clock_monotonic() - began);
    if (noted != code || !is_the_querys_own(code)) {
        kin_asking_release(&asking);
        return noted;
    }
    response.tag = request->tag;
    if (code == KIN_RPC_OK) {
        response.outcome_case = KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_RESPONSE;
        response.response = asking.response;
    } else {
        failure.code = (int32_t)code;
        failure.message = (char *)kin_rpc_call_text_borrow(call);
        response.outcome_case = KINDRED__V1__SEARCH_MANY_RESPONSE__OUTCOME_ERROR;
        response.error = &failure;
    }
    kin_status sent = kin_rpc_call_send(call, &response.base, &err);
    kin_asking_release(&asking);
    return sent == KIN_OK ? KIN_RPC_OK : kin_gate_fail(call, &err);
}

kin_rpc_code kin_method_search_many(kin_rpc_call *call, void *ctx)
{
    const ProtobufCMessage *request;
    kin_error err = {0};
    kin_rpc_code code = KIN_RPC_OK;
    while (code == KIN_RPC_OK) {
        if (kin_rpc_call_receive(call, &request, &err) != KIN_OK)
            return kin_gate_fail(call, &err);
        if (request == NULL)
            break;
        code = kin_gate_check_again(call);
        if (code == KIN_RPC_OK)
            code = answer_one(ctx, call, (const Kindred__V1__SearchManyRequest *)request);
    }
    return code;
}
