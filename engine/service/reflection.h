/*
 * reflection.h - gRPC server reflection, v1 and v1alpha, so that generic tools can list and call the
 * service.  Answers come from the descriptors that protoc made of proto/ at build time, embedded in
 * the library.
 */
#ifndef KIN_SERVICE_REFLECTION_H
#define KIN_SERVICE_REFLECTION_H

#include "rpc/server.h"

typedef struct kin_reflection kin_reflection;

/* services: full names that list_services gives (reflection's own are added). */
kin_status kin_reflection_new(const char *const *services, size_t count, kin_reflection **out,
                              kin_error *err);
void kin_reflection_free(kin_reflection *reflection);

/* Its methods (v1 and v1alpha), whose ctx is the reflection. */
enum { KIN_REFLECTION_METHODS = 2 };
void kin_reflection_methods(kin_reflection *reflection, kin_rpc_method out[KIN_REFLECTION_METHODS]);

#endif
