/*
 * health.h - grpc.health.v1.Health: Check and Watch, without a token.
 *
 * Services: "" (the server) and "kindred.v1.KindredService".  SERVING until the server drains
 * (NOT_SERVING) or the archive fails.
 */
#ifndef KIN_SERVICE_HEALTH_H
#define KIN_SERVICE_HEALTH_H

#include <stdbool.h>

#include "rpc/server.h"

typedef struct kin_health kin_health;

kin_status kin_health_new(kin_health **out, kin_error *err);
void kin_health_free(kin_health *health);
/* Any thread; watchers are told. */
void kin_health_set(kin_health *health, bool serving);
/* Never serving again, whatever is set later: the service is going down. */
void kin_health_end(kin_health *health);
bool kin_health_is_serving(kin_health *health);

/* Its methods, whose ctx is the health; two of them. */
enum { KIN_HEALTH_METHODS = 2 };
void kin_health_methods(kin_health *health, kin_rpc_method out[KIN_HEALTH_METHODS]);

#endif
