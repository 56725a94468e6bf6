#include "service/reflection.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "descriptors.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "service/reflection_files.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;
typedef Grpc__Reflection__V1__ServiceResponse service_name;
#define REQUEST(field)  GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##field
#define RESPONSE(field) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##field

static const char *const own_services[] = {"grpc.reflection.v1.ServerReflection",
                                           "grpc.reflection.v1alpha.ServerReflection"};
enum { OWN_SERVICES = sizeof own_services / sizeof own_services[0] };

struct kin_reflection {
    kin_reflection_files *files;
    char **names; /* of the services, own copies */
    service_name *services;
    service_name **service_pointers; /* as the response wants them */
    size_t service_count;
};

/* The response and all that it may point to. */
struct answer {
    reflection_response response;
    Grpc__Reflection__V1__FileDescriptorResponse files;
    Grpc__Reflection__V1__ExtensionNumberResponse extensions;
    Grpc__Reflection__V1__ListServiceResponse services;
    Grpc__Reflection__V1__ErrorResponse error;
};

/* --- answers --- */

static void answer_error(struct answer *answer, kin_rpc_code code, const char *text)
{
    answer->error.error_code = code;
    answer->error.error_message = (char *)text;
    answer->response.error_response = &answer->error;
    answer->response.message_response_case = RESPONSE(ERROR_RESPONSE);
}

static void answer_files(struct answer *answer, const kin_reflection_closure *closure,
                         const char *missing)
{
    if (closure == NULL) {
        answer_error(answer, KIN_RPC_NOT_FOUND, missing);
        return;
    }
    answer->files.file_descriptor_proto = closure->files;
    answer->files.n_file_descriptor_proto = closure->count;
    answer->response.file_descriptor_response = &answer->files;
    answer->response.message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
}

/* Our protocol extends no message (proto3 cannot, but for options), so a message has none. */
static void answer_extension_numbers(struct answer *answer, const kin_reflection *reflection,
                                     char *type)
{
    if (kin_reflection_files_kind(reflection->files, type) != KIN_REFLECTION_MESSAGE) {
        answer_error(answer, KIN_RPC_NOT_FOUND, "all_extension_numbers_of_type: no such message");
        return;
    }
    answer->extensions.base_type_name = type;
    answer->response.all_extension_numbers_response = &answer->extensions;
    answer->response.message_response_case = RESPONSE(ALL_EXTENSION_NUMBERS_RESPONSE);
}

static void answer_services(struct answer *answer, const kin_reflection *reflection)
{
    answer->services.service = reflection->service_pointers;
    answer->services.n_service = reflection->service_count;
    answer->response.list_services_response = &answer->services;
    answer->response.message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
}

static void make_answer(const kin_reflection *reflection, reflection_request *request,
                        struct answer *answer)
{
    const kin_reflection_files *files = reflection->files;
    *answer = (struct answer){
        .response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT,
        .files = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT,
        .extensions = GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT,
        .services = GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT,
        .error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT,
    };
    answer->response.valid_host = request->host;
    answer->response.original_request = request;
    switch (request->message_request_case) {
    case REQUEST(FILE_BY_FILENAME):
        answer_files(answer, kin_reflection_files_by_path(files, request->file_by_filename),
                     "file_by_filename: no such file");
        return;
    case REQUEST(FILE_CONTAINING_SYMBOL):
        answer_files(answer, kin_reflection_files_by_symbol(files, request->file_containing_symbol),
                     "file_containing_symbol: nothing has this name");
        return;
    case REQUEST(FILE_CONTAINING_EXTENSION):
        answer_error(answer, KIN_RPC_NOT_FOUND, "file_containing_extension: no such extension");
        return;
    case REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE):
        answer_extension_numbers(answer, reflection, request->all_extension_numbers_of_type);
        return;
    case REQUEST(LIST_SERVICES):
        answer_services(answer, reflection);
        return;
    default:
        answer_error(answer, KIN_RPC_INVALID_ARGUMENT, "message_request: none is set");
        return;
    }
}

static kin_rpc_code run(kin_rpc_call *call, void *ctx)
{
    kin_error err = {0};
    for (;;) {
        const ProtobufCMessage *message = NULL;
        if (kin_rpc_call_receive(call, &message, &err) != KIN_OK)
            return kin_rpc_call_fail_with(call, &err);
        if (message == NULL)
            return KIN_RPC_OK;
        struct answer answer;
        make_answer(ctx, (reflection_request *)message, &answer);
        if (kin_rpc_call_send(call, &answer.response.base, &err) != KIN_OK)
            return kin_rpc_call_fail_with(call, &err);
    }
}

/* --- its life --- */

/* A service that is listed but not described would make every tool stumble. */
static kin_status add_service(kin_reflection *reflection, const char *name, kin_error *err)
{
    if (kin_reflection_files_kind(reflection->files, name) != KIN_REFLECTION_SERVICE)
        return kin_fail(err, KIN_E_ARG, name, "no protocol file declares this service");
    size_t at = reflection->service_count;
    reflection->names[at] = strdup(name);
    if (reflection->names[at] == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the list of services");
    reflection->services[at] = (service_name)GRPC__REFLECTION__V1__SERVICE_RESPONSE__INIT;
    reflection->services[at].name = reflection->names[at];
    reflection->service_pointers[at] = &reflection->services[at];
    reflection->service_count++;
    return KIN_OK;
}

static kin_status add_services(kin_reflection *reflection, const char *const *services,
                               size_t count, kin_error *err)
{
    size_t room;
    if (!kin_add_size(count, OWN_SERVICES, &room))
        return kin_fail(err, KIN_E_LIMIT, NULL, "too many services");
    reflection->names = calloc(room, sizeof *reflection->names);
    reflection->services = calloc(room, sizeof *reflection->services);
    reflection->service_pointers = calloc(room, sizeof *reflection->service_pointers);
    if (reflection->names == NULL || reflection->services == NULL ||
        reflection->service_pointers == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the list of services");
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = add_service(reflection, services[i], err);
    for (size_t i = 0; status == KIN_OK && i < OWN_SERVICES; i++)
        status = add_service(reflection, own_services[i], err);
    return status;
}

kin_status kin_reflection_new(const char *const *services, size_t count, kin_reflection **out,
                              kin_error *err)
{
    *out = NULL;
    kin_reflection *reflection = calloc(1, sizeof *reflection);
    if (reflection == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for server reflection");
    kin_status status = kin_reflection_files_new(
        kin_descriptors_begin, (size_t)(kin_descriptors_end - kin_descriptors_begin),
        &reflection->files, err);
    if (status == KIN_OK)
        status = add_services(reflection, services, count, err);
    if (status != KIN_OK)
        kin_reflection_free(reflection);
    else
        *out = reflection;
    return status;
}

void kin_reflection_free(kin_reflection *reflection)
{
    if (reflection == NULL)
        return;
    for (size_t i = 0; i < reflection->service_count; i++)
        free(reflection->names[i]);
    free(reflection->names);
    free(reflection->services);
    free(reflection->service_pointers);
    kin_reflection_files_free(reflection->files);
    free(reflection);
}

/* v1alpha is v1 under another name, byte for byte, so one method answers both. */
void kin_reflection_methods(kin_reflection *reflection, kin_rpc_method out[KIN_REFLECTION_METHODS])
{
    static const char *const paths[KIN_REFLECTION_METHODS] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
    for (size_t i = 0; i < KIN_REFLECTION_METHODS; i++)
        out[i] = (kin_rpc_method){.path = paths[i],
                                  .class = KIN_RPC_WATCH,
                                  .request =
                                      &grpc__reflection__v1__server_reflection_request__descriptor,
                                  .client_streams = true,
                                  .server_streams = true,
                                  .run = run,
                                  .ctx = reflection};
}
