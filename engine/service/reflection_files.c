#include "service/reflection_files.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "google/protobuf/descriptor.pb-c.h"

typedef Google__Protobuf__FileDescriptorSet file_set;
typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;

struct symbol {
    char *name;
    size_t file;
    kin_reflection_kind kind;
};

struct kin_reflection_files {
    file_set *set; /* the files' order is that of the arrays below */
    ProtobufCBinaryData *packed;
    kin_reflection_closure *closures;
    struct symbol *symbols; /* sorted by name */
    size_t symbol_count, symbol_room;
};

/* --- symbols --- */

/* Notes that `file` declares scope.name; returns the full name, borrowed, or NULL without memory.
 * An empty scope stands for a file without a package. */
static const char *declare(kin_reflection_files *files, size_t file, kin_reflection_kind kind,
                           const char *scope, const char *name)
{
    if (files->symbol_count == files->symbol_room) {
        size_t room = files->symbol_room == 0 ? 256 : files->symbol_room * 2, size;
        if (!kin_mul_size(room, sizeof *files->symbols, &size))
            return NULL;
        struct symbol *more = realloc(files->symbols, size);
        if (more == NULL)
            return NULL;
        files->symbols = more;
        files->symbol_room = room;
    }
    char *full = NULL;
    if (asprintf(&full, "%s%s%s", scope, scope[0] != '\0' ? "." : "", name) < 0)
        return NULL;
    files->symbols[files->symbol_count++] = (struct symbol){full, file, kind};
    return full;
}

/* Values of an enum are its siblings, as in C++: pkg.VALUE, not pkg.Enum.VALUE. */
static bool declare_enum(kin_reflection_files *files, size_t file, const char *scope,
                         const enum_proto *declared)
{
    bool ok = declare(files, file, KIN_REFLECTION_OTHER, scope, declared->name) != NULL;
    for (size_t i = 0; ok && i < declared->n_value; i++)
        ok = declare(files, file, KIN_REFLECTION_OTHER, scope, declared->value[i]->name) != NULL;
    return ok;
}

static bool declare_service(kin_reflection_files *files, size_t file, const char *scope,
                            const service_proto *declared)
{
    const char *full = declare(files, file, KIN_REFLECTION_SERVICE, scope, declared->name);
    bool ok = full != NULL;
    for (size_t i = 0; ok && i < declared->n_method; i++)
        ok = declare(files, file, KIN_REFLECTION_OTHER, full, declared->method[i]->name) != NULL;
    return ok;
}

/* The recursion is as deep as the messages of our own files are nested. */
static bool declare_message(kin_reflection_files *files, size_t file, const char *scope,
                            const message_proto *declared)
{
    const char *full = declare(files, file, KIN_REFLECTION_MESSAGE, scope, declared->name);
    bool ok = full != NULL;
    for (size_t i = 0; ok && i < declared->n_field; i++)
        ok = declare(files, file, KIN_REFLECTION_OTHER, full, declared->field[i]->name) != NULL;
    for (size_t i = 0; ok && i < declared->n_oneof_decl; i++)
        ok =
            declare(files, file, KIN_REFLECTION_OTHER, full, declared->oneof_decl[i]->name) != NULL;
    for (size_t i = 0; ok && i < declared->n_enum_type; i++)
        ok = declare_enum(files, file, full, declared->enum_type[i]);
    for (size_t i = 0; ok && i < declared->n_nested_type; i++)
        ok = declare_message(files, file, full, declared->nested_type[i]);
    return ok;
}

static bool declare_file(kin_reflection_files *files, size_t file)
{
    const file_proto *proto = files->set->file[file];
    const char *package = proto->package != NULL ? proto->package : "";
    bool ok = true;
    for (size_t i = 0; ok && i < proto->n_message_type; i++)
        ok = declare_message(files, file, package, proto->message_type[i]);
    for (size_t i = 0; ok && i < proto->n_enum_type; i++)
        ok = declare_enum(files, file, package, proto->enum_type[i]);
    for (size_t i = 0; ok && i < proto->n_service; i++)
        ok = declare_service(files, file, package, proto->service[i]);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static kin_status make_symbols(kin_reflection_files *files, kin_error *err)
{
    for (size_t i = 0; i < files->set->n_file; i++)
        if (!declare_file(files, i))
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's names");
    if (files->symbol_count > 0)
        qsort(files->symbols, files->symbol_count, sizeof *files->symbols, by_name);
    return KIN_OK;
}

static const struct symbol *find_symbol(const kin_reflection_files *files, const char *name)
{
    struct symbol wanted = {.name = (char *)name};
    return files->symbol_count == 0 ? NULL
                                    : bsearch(&wanted, files->symbols, files->symbol_count,
                                              sizeof *files->symbols, by_name);
}

/* --- files --- */

enum { NO_FILE = -1 };

static ptrdiff_t find_file(const kin_reflection_files *files, const char *path)
{
    for (size_t i = 0; i < files->set->n_file; i++)
        if (files->set->file[i]->name != NULL && strcmp(files->set->file[i]->name, path) == 0)
            return (ptrdiff_t)i;
    return NO_FILE;
}

/* Packs each file again.  protobuf-c keeps fields that it does not know, so nothing is lost. */
static kin_status pack_files(kin_reflection_files *files, kin_error *err)
{
    for (size_t i = 0; i < files->set->n_file; i++) {
        const file_proto *proto = files->set->file[i];
        size_t size = google__protobuf__file_descriptor_proto__get_packed_size(proto);
        files->packed[i].data = malloc(size > 0 ? size : 1);
        if (files->packed[i].data == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's files");
        files->packed[i].len =
            google__protobuf__file_descriptor_proto__pack(proto, files->packed[i].data);
    }
    return KIN_OK;
}

/* Breadth first from `start`; order holds the files found so far, each once. */
static kin_status walk_imports(const kin_reflection_files *files, size_t start, size_t *order,
                               size_t *count, kin_error *err)
{
    *count = 1;
    order[0] = start;
    for (size_t at = 0; at < *count; at++) {
        const file_proto *proto = files->set->file[order[at]];
        for (size_t i = 0; i < proto->n_dependency; i++) {
            ptrdiff_t import = find_file(files, proto->dependency[i]);
            if (import == NO_FILE)
                return kin_fail(err, KIN_E_FORMAT, proto->dependency[i],
                                "the descriptor set lacks this imported file");
            size_t seen = 0;
            while (seen < *count && order[seen] != (size_t)import)
                seen++;
            if (seen == *count)
                order[(*count)++] = (size_t)import;
        }
    }
    return KIN_OK;
}

static kin_status make_closures(kin_reflection_files *files, kin_error *err)
{
    size_t all = files->set->n_file, count = 0;
    kin_status status = KIN_OK;
    size_t *order = calloc(all + 1, sizeof *order);
    if (order == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's imports");
    for (size_t i = 0; i < all; i++) {
        status = walk_imports(files, i, order, &count, err);
        if (status != KIN_OK)
            break;
        kin_reflection_closure *closure = &files->closures[i];
        closure->files = calloc(count, sizeof *closure->files);
        if (closure->files == NULL) {
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's imports");
            break;
        }
        closure->count = count;
        for (size_t j = 0; j < count; j++)
            closure->files[j] = files->packed[order[j]];
    }
    free(order);
    return status;
}

kin_status kin_reflection_files_new(const void *set, size_t size, kin_reflection_files **out,
                                    kin_error *err)
{
    *out = NULL;
    kin_status status = KIN_OK;
    kin_reflection_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's files");
    files->set = google__protobuf__file_descriptor_set__unpack(NULL, size, set);
    if (files->set == NULL) {
        status = kin_fail(err, KIN_E_FORMAT, NULL, "the protocol's descriptors cannot be read");
        goto out;
    }
    files->packed = calloc(files->set->n_file + 1, sizeof *files->packed);
    files->closures = calloc(files->set->n_file + 1, sizeof *files->closures);
    if (files->packed == NULL || files->closures == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the protocol's files");
        goto out;
    }
    status = pack_files(files, err);
    if (status == KIN_OK)
        status = make_closures(files, err);
    if (status == KIN_OK)
        status = make_symbols(files, err);
out:
    if (status != KIN_OK)
        kin_reflection_files_free(files);
    else
        *out = files;
    return status;
}

void kin_reflection_files_free(kin_reflection_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; files->packed != NULL && i < files->set->n_file; i++)
        free(files->packed[i].data);
    for (size_t i = 0; files->closures != NULL && i < files->set->n_file; i++)
        free(files->closures[i].files);
    for (size_t i = 0; i < files->symbol_count; i++)
        free(files->symbols[i].name);
    free(files->packed);
    free(files->closures);
    free(files->symbols);
    if (files->set != NULL)
        google__protobuf__file_descriptor_set__free_unpacked(files->set, NULL);
    free(files);
}

const kin_reflection_closure *kin_reflection_files_by_path(const kin_reflection_files *files,
                                                           const char *path)
{
    ptrdiff_t file = find_file(files, path);
    return file == NO_FILE ? NULL : &files->closures[file];
}

const kin_reflection_closure *kin_reflection_files_by_symbol(const kin_reflection_files *files,
                                                             const char *symbol)
{
    const struct symbol *found = find_symbol(files, symbol);
    return found == NULL ? NULL : &files->closures[found->file];
}

kin_reflection_kind kin_reflection_files_kind(const kin_reflection_files *files, const char *symbol)
{
    const struct symbol *found = find_symbol(files, symbol);
    return found == NULL ? KIN_REFLECTION_UNKNOWN : found->kind;
}
