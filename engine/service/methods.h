/* methods.h - the methods of kindred.v1.KindredService: which role each needs, and what kind of event
 * it is in the audit trail. */
#ifndef KIN_SERVICE_METHODS_H
#define KIN_SERVICE_METHODS_H

#include "service/internal.h"

/* What the audit trail says of a method. */
typedef struct kin_method_kind {
    kin_audit_event event;
    char action;
} kin_method_kind;

/* Fills service->methods with those of KindredService, Health and (if `reflects`) reflection. */
void kin_methods_fill(kin_service *service, bool reflects);
/* method is one of KindredService's. */
const kin_method_kind *kin_method_kind_of(const kin_service *service, const kin_rpc_method *method);

#endif
