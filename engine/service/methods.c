#include "service/methods.h"

#include "kindred/v1/kindred.pb-c.h"

#define METHOD(NAME, message, CLASS, takes_many, gives_many, ROLE, function)                       \
    {                                                                                              \
        .path = "/kindred.v1.KindredService/" NAME, .class = CLASS,                                \
        .request = &kindred__v1__##message##_request__descriptor, .client_streams = takes_many,    \
        .server_streams = gives_many, .role = ROLE, .run = function                                \
    }

static const struct {
    kin_rpc_method method;
    kin_method_kind kind;
} table[KIN_SERVICE_METHODS] = {
    {METHOD("Search", search, KIN_RPC_QUERY, false, false, KIN_ROLE_READ, kin_method_search),
     {KIN_AUDIT_QUERY, 'E'}},
    {METHOD("SearchMany", search_many, KIN_RPC_QUERY, true, true, KIN_ROLE_READ,
            kin_method_search_many),
     {KIN_AUDIT_QUERY, 'E'}},
    {METHOD("Ingest", ingest, KIN_RPC_INGEST, true, false, KIN_ROLE_WRITE, kin_method_ingest),
     {KIN_AUDIT_IMPORT, 'C'}},
    {METHOD("Get", get, KIN_RPC_QUERY, false, false, KIN_ROLE_READ, kin_method_get),
     {KIN_AUDIT_ACCESS, 'R'}},
    {METHOD("Thumbnail", thumbnail, KIN_RPC_QUERY, false, false, KIN_ROLE_READ,
            kin_method_thumbnail),
     {KIN_AUDIT_ACCESS, 'R'}},
    {METHOD("Delete", delete, KIN_RPC_QUERY, false, false, KIN_ROLE_WRITE, kin_method_delete),
     {KIN_AUDIT_ACCESS, 'D'}},
    {METHOD("SetOutcome", set_outcome, KIN_RPC_QUERY, false, false, KIN_ROLE_WRITE,
            kin_method_set_outcome),
     {KIN_AUDIT_ACCESS, 'U'}},
    {METHOD("Stats", stats, KIN_RPC_QUERY, false, false, KIN_ROLE_READ, kin_method_stats),
     {KIN_AUDIT_QUERY, 'E'}},
    {METHOD("Reindex", reindex, KIN_RPC_ADMIN, false, true, KIN_ROLE_ADMIN, kin_method_reindex),
     {KIN_AUDIT_APPLICATION, 'E'}},
    {METHOD("Backup", backup, KIN_RPC_ADMIN, false, false, KIN_ROLE_ADMIN, kin_method_backup),
     {KIN_AUDIT_EXPORT, 'R'}},
};

void kin_methods_fill(kin_service *service, bool reflects)
{
    for (size_t i = 0; i < KIN_SERVICE_METHODS; i++) {
        service->methods[i] = table[i].method;
        service->methods[i].ctx = service;
    }
    service->method_count = KIN_SERVICE_METHODS;
    kin_health_methods(service->health, service->methods + service->method_count);
    service->method_count += KIN_HEALTH_METHODS;
    if (!reflects)
        return;
    kin_reflection_methods(service->reflection, service->methods + service->method_count);
    service->method_count += KIN_REFLECTION_METHODS;
}

const kin_method_kind *kin_method_kind_of(const kin_service *service, const kin_rpc_method *method)
{
    return &table[method - service->methods].kind;
}
