/*
 * reflection_files.h - compiled protocol files, found by their names and by what they declare.
 *
 * Built once from a trusted FileDescriptorSet (our own, see descriptors.h) and never changed after:
 * threads may share it.
 */
#ifndef KIN_SERVICE_REFLECTION_FILES_H
#define KIN_SERVICE_REFLECTION_FILES_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "base/status.h"

typedef struct kin_reflection_files kin_reflection_files;

/* A file and all that it imports, directly or not, each a packed FileDescriptorProto: first the
 * file itself, then imports in the order of their distance.  Borrowed from the files. */
typedef struct kin_reflection_closure {
    ProtobufCBinaryData *files;
    size_t count;
} kin_reflection_closure;

/* What a name stands for. */
typedef enum kin_reflection_kind {
    KIN_REFLECTION_UNKNOWN, /* nothing: no file declares it */
    KIN_REFLECTION_MESSAGE,
    KIN_REFLECTION_SERVICE,
    KIN_REFLECTION_OTHER /* a field, oneof, enum, enum value or method */
} kin_reflection_kind;

/* KIN_E_FORMAT: no descriptor set, or one that lacks an import; KIN_E_NOMEM. */
kin_status kin_reflection_files_new(const void *set, size_t size, kin_reflection_files **out,
                                    kin_error *err);
void kin_reflection_files_free(kin_reflection_files *files); /* NULL is fine */

/* By path ("kindred/v1/search.proto"); NULL when there is no such file. */
const kin_reflection_closure *kin_reflection_files_by_path(const kin_reflection_files *files,
                                                           const char *path);
/* By the full name of anything declared ("kindred.v1.SearchRequest.uid"), without a leading dot;
 * NULL when nothing has this name. */
const kin_reflection_closure *kin_reflection_files_by_symbol(const kin_reflection_files *files,
                                                             const char *symbol);
kin_reflection_kind kin_reflection_files_kind(const kin_reflection_files *files,
                                              const char *symbol);

#endif
