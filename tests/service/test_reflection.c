/* Reflection: every name that the protocol declares is found, with all that its file imports. */
#include "service/reflection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "descriptors.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "service/reflection_files.h"
#include "stub_call.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest request_message;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_message;
#define REQUEST(field)  GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##field
#define RESPONSE(field) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##field

static const char *const services[] = {"kindred.v1.KindredService", "grpc.health.v1.Health"};

struct fixture {
    kin_reflection *reflection;
    kin_rpc_method methods[KIN_REFLECTION_METHODS];
    kin_rpc_call call;
    response_message *response;
};

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(kin_reflection_new(services, 2, &f->reflection, NULL), KIN_OK);
    kin_reflection_methods(f->reflection, f->methods);
    stub_call_init(&f->call);
}

static void end(struct fixture *f)
{
    stub_call_release(&f->call);
    kin_reflection_free(f->reflection);
}

static request_message by_text(int which, const char *text)
{
    request_message request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    request.host = "a.host";
    request.message_request_case = which;
    request.file_by_filename = (char *)text; /* all texts share the union */
    return request;
}

/* Asks one question on a stream of its own; the answer is freed by forget(). */
static response_message *ask(struct fixture *f, request_message request)
{
    begin(f);
    stub_call_queue(&f->call, &request.base);
    assert_int_equal(f->methods[0].run(&f->call, f->methods[0].ctx), KIN_RPC_OK);
    assert_int_equal(f->call.response_count, 1);
    f->response = (void *)stub_call_response(
        &f->call, 0, &grpc__reflection__v1__server_reflection_response__descriptor);
    assert_string_equal(f->response->valid_host, request.host);
    assert_non_null(f->response->original_request);
    assert_int_equal(f->response->original_request->message_request_case,
                     request.message_request_case);
    return f->response;
}

static void forget(struct fixture *f)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(f->response, NULL);
    end(f);
}

static void assert_file(const ProtobufCBinaryData *packed, const char *path)
{
    Google__Protobuf__FileDescriptorProto *file =
        google__protobuf__file_descriptor_proto__unpack(NULL, packed->len, packed->data);
    assert_non_null(file);
    assert_string_equal(file->name, path);
    google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
}

/* The answer to the question is these files, in this order. */
static void assert_answer_is_files(request_message request, const char *const *paths, size_t count)
{
    struct fixture f;
    const response_message *response = ask(&f, request);
    assert_int_equal(response->message_response_case, RESPONSE(FILE_DESCRIPTOR_RESPONSE));
    const Grpc__Reflection__V1__FileDescriptorResponse *files = response->file_descriptor_response;
    assert_int_equal(files->n_file_descriptor_proto, count);
    for (size_t i = 0; i < count; i++)
        assert_file(&files->file_descriptor_proto[i], paths[i]);
    forget(&f);
}

static void assert_answer_is_error(request_message request, kin_rpc_code code, const char *text)
{
    struct fixture f;
    const response_message *response = ask(&f, request);
    assert_int_equal(response->message_response_case, RESPONSE(ERROR_RESPONSE));
    assert_int_equal(response->error_response->error_code, code);
    assert_non_null(strstr(response->error_response->error_message, text));
    forget(&f);
}

static void test_the_methods_are_the_standards(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_string_equal(f.methods[0].path,
                        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    assert_string_equal(f.methods[1].path,
                        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    for (size_t i = 0; i < KIN_REFLECTION_METHODS; i++)
        assert_true(f.methods[i].client_streams && f.methods[i].server_streams);
    end(&f);
}

static void test_services_are_listed(void **state)
{
    static const char *const expected[] = {"kindred.v1.KindredService", "grpc.health.v1.Health",
                                           "grpc.reflection.v1.ServerReflection",
                                           "grpc.reflection.v1alpha.ServerReflection"};
    struct fixture f;
    (void)state;
    const response_message *response = ask(&f, by_text(REQUEST(LIST_SERVICES), "*"));
    assert_int_equal(response->message_response_case, RESPONSE(LIST_SERVICES_RESPONSE));
    const Grpc__Reflection__V1__ListServiceResponse *list = response->list_services_response;
    assert_int_equal(list->n_service, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(list->service[i]->name, expected[i]);
    forget(&f);
}

static void test_a_file_comes_first_and_its_imports_once_each(void **state)
{
    static const char *const kindred[] = {"kindred/v1/kindred.proto", "kindred/v1/ingest.proto",
                                          "kindred/v1/manage.proto", "kindred/v1/search.proto",
                                          "kindred/v1/image.proto"};
    static const char *const search[] = {"kindred/v1/search.proto", "kindred/v1/image.proto"};
    static const char *const health[] = {"grpc/health/v1/health.proto"};
    (void)state;
    assert_answer_is_files(by_text(REQUEST(FILE_BY_FILENAME), kindred[0]), kindred, 5);
    assert_answer_is_files(by_text(REQUEST(FILE_BY_FILENAME), search[0]), search, 2);
    assert_answer_is_files(by_text(REQUEST(FILE_BY_FILENAME), health[0]), health, 1);
}

static void test_whatever_is_declared_is_found(void **state)
{
    static const struct {
        const char *symbol, *path;
        size_t files;
    } cases[] = {
        {"kindred.v1.KindredService", "kindred/v1/kindred.proto", 5},
        {"kindred.v1.KindredService.SearchMany", "kindred/v1/kindred.proto", 5},
        {"kindred.v1.Image", "kindred/v1/image.proto", 1},
        {"kindred.v1.Level", "kindred/v1/image.proto", 1},
        {"kindred.v1.LEVEL_STUDY", "kindred/v1/image.proto", 1},
        {"kindred.v1.SearchRequest", "kindred/v1/search.proto", 2},
        {"kindred.v1.SearchRequest.dicom", "kindred/v1/search.proto", 2},
        {"kindred.v1.SearchRequest.query", "kindred/v1/search.proto", 2},
        {"kindred.v1.StatsResponse", "kindred/v1/manage.proto", 2},
        {"grpc.health.v1.HealthCheckResponse.ServingStatus", "grpc/health/v1/health.proto", 1},
        {"grpc.health.v1.HealthCheckResponse.SERVICE_UNKNOWN", "grpc/health/v1/health.proto", 1},
        {"grpc.reflection.v1.ServerReflection", "grpc/reflection/v1/reflection.proto", 1},
        {"grpc.reflection.v1alpha.ServiceResponse.name", "grpc/reflection/v1alpha/reflection.proto",
         1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        const response_message *response =
            ask(&f, by_text(REQUEST(FILE_CONTAINING_SYMBOL), cases[i].symbol));
        assert_int_equal(response->message_response_case, RESPONSE(FILE_DESCRIPTOR_RESPONSE));
        assert_int_equal(response->file_descriptor_response->n_file_descriptor_proto,
                         cases[i].files);
        assert_file(&response->file_descriptor_response->file_descriptor_proto[0], cases[i].path);
        forget(&f);
    }
}

static void test_what_is_not_there_is_not_found(void **state)
{
    static const char *const symbols[] = {"",
                                          ".",
                                          "kindred",
                                          "kindred.v1",
                                          "Image",
                                          ".kindred.v1.Image",
                                          "kindred.v1.Image.",
                                          "kindred.v1.Level.LEVEL_STUDY",
                                          "kindred.v1.image",
                                          "kindred.worker.v1.Request"};
    static const char *const paths[] = {"", "kindred.proto", "/kindred/v1/kindred.proto",
                                        "kindred/store/v1/image.proto",
                                        "google/protobuf/descriptor.proto"};
    (void)state;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        assert_answer_is_error(by_text(REQUEST(FILE_CONTAINING_SYMBOL), symbols[i]),
                               KIN_RPC_NOT_FOUND, "file_containing_symbol");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_answer_is_error(by_text(REQUEST(FILE_BY_FILENAME), paths[i]), KIN_RPC_NOT_FOUND,
                               "file_by_filename");
}

static void test_messages_have_no_extensions(void **state)
{
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    request_message request = by_text(REQUEST(FILE_CONTAINING_EXTENSION), NULL);
    struct fixture f;
    (void)state;
    extension.containing_type = "kindred.v1.Image";
    extension.extension_number = 1000;
    request.file_containing_extension = &extension;
    assert_answer_is_error(request, KIN_RPC_NOT_FOUND, "file_containing_extension");

    const response_message *response =
        ask(&f, by_text(REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE), "kindred.v1.Image"));
    assert_int_equal(response->message_response_case, RESPONSE(ALL_EXTENSION_NUMBERS_RESPONSE));
    assert_string_equal(response->all_extension_numbers_response->base_type_name,
                        "kindred.v1.Image");
    assert_int_equal(response->all_extension_numbers_response->n_extension_number, 0);
    forget(&f);

    static const char *const no_messages[] = {"kindred.v1.Level", "kindred.v1.KindredService",
                                              "kindred.v1.Nothing", ""};
    for (size_t i = 0; i < sizeof no_messages / sizeof no_messages[0]; i++)
        assert_answer_is_error(by_text(REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE), no_messages[i]),
                               KIN_RPC_NOT_FOUND, "all_extension_numbers_of_type");
}

static void test_an_empty_question_is_answered_with_an_error(void **state)
{
    (void)state;
    assert_answer_is_error(by_text(REQUEST(_NOT_SET), NULL), KIN_RPC_INVALID_ARGUMENT,
                           "message_request");
}

static void test_a_stream_answers_in_order_and_goes_on_after_errors(void **state)
{
    static const int expected[] = {RESPONSE(ERROR_RESPONSE), RESPONSE(LIST_SERVICES_RESPONSE),
                                   RESPONSE(FILE_DESCRIPTOR_RESPONSE)};
    request_message requests[] = {by_text(REQUEST(FILE_BY_FILENAME), "nothing"),
                                  by_text(REQUEST(LIST_SERVICES), ""),
                                  by_text(REQUEST(FILE_CONTAINING_SYMBOL), "kindred.v1.Image")};
    struct fixture f;
    (void)state;
    begin(&f);
    for (size_t i = 0; i < 3; i++)
        stub_call_queue(&f.call, &requests[i].base);
    assert_int_equal(f.methods[1].run(&f.call, f.methods[1].ctx), KIN_RPC_OK);
    assert_int_equal(f.call.response_count, 3);
    for (size_t i = 0; i < 3; i++) {
        response_message *response = (void *)stub_call_response(
            &f.call, i, &grpc__reflection__v1__server_reflection_response__descriptor);
        assert_int_equal(response->message_response_case, expected[i]);
        grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
    }
    f.call.send_status = KIN_E_CANCELLED;
    f.call.request_next = 0;
    assert_int_equal(f.methods[0].run(&f.call, f.methods[0].ctx), KIN_RPC_CANCELLED);
    f.call.receive_status = KIN_E_TIMEOUT;
    assert_int_equal(f.methods[0].run(&f.call, f.methods[0].ctx), KIN_RPC_DEADLINE_EXCEEDED);
    end(&f);
}

static void test_a_service_without_a_file_is_refused(void **state)
{
    static const char *const wrong[] = {"kindred.v1.KindredService", "kindred.v1.Image"};
    kin_reflection *reflection;
    kin_error err = {0};
    (void)state;
    assert_int_equal(kin_reflection_new(wrong, 2, &reflection, &err), KIN_E_ARG);
    assert_null(reflection);
    assert_string_equal(err.subject, "kindred.v1.Image");
}

/* Packing again has lost nothing: the set's own bytes hold each file as it is given out. */
static void test_files_are_given_out_as_protoc_made_them(void **state)
{
    size_t size = (size_t)(kin_descriptors_end - kin_descriptors_begin);
    kin_reflection_files *files;
    (void)state;
    Google__Protobuf__FileDescriptorSet *set =
        google__protobuf__file_descriptor_set__unpack(NULL, size, kin_descriptors_begin);
    assert_non_null(set);
    assert_true(set->n_file >= 8);
    assert_int_equal(kin_reflection_files_new(kin_descriptors_begin, size, &files, NULL), KIN_OK);
    for (size_t i = 0; i < set->n_file; i++) {
        const kin_reflection_closure *closure =
            kin_reflection_files_by_path(files, set->file[i]->name);
        assert_non_null(closure);
        assert_non_null(
            memmem(kin_descriptors_begin, size, closure->files[0].data, closure->files[0].len));
    }
    kin_reflection_files_free(files);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

static void test_a_damaged_set_is_refused(void **state)
{
    size_t size = (size_t)(kin_descriptors_end - kin_descriptors_begin);
    kin_reflection_files *files;
    kin_error err = {0};
    (void)state;
    assert_int_equal(kin_reflection_files_new(kin_descriptors_begin, size - 1, &files, &err),
                     KIN_E_FORMAT);
    assert_null(files);
    /* one file that imports another, alone */
    Google__Protobuf__FileDescriptorSet *set =
        google__protobuf__file_descriptor_set__unpack(NULL, size, kin_descriptors_begin);
    assert_non_null(set);
    Google__Protobuf__FileDescriptorProto *importer = NULL;
    for (size_t i = 0; i < set->n_file; i++)
        if (set->file[i]->n_dependency > 0)
            importer = set->file[i];
    assert_non_null(importer);
    Google__Protobuf__FileDescriptorSet alone = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
    alone.file = &importer;
    alone.n_file = 1;
    unsigned char *bytes = malloc(google__protobuf__file_descriptor_set__get_packed_size(&alone));
    assert_non_null(bytes);
    size_t packed = google__protobuf__file_descriptor_set__pack(&alone, bytes);
    assert_int_equal(kin_reflection_files_new(bytes, packed, &files, &err), KIN_E_FORMAT);
    assert_string_equal(err.subject, importer->dependency[0]);
    free(bytes);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    /* nothing at all is a set of no files */
    assert_int_equal(kin_reflection_files_new("", 0, &files, &err), KIN_OK);
    assert_null(kin_reflection_files_by_symbol(files, "kindred.v1.Image"));
    kin_reflection_files_free(files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_methods_are_the_standards),
        cmocka_unit_test(test_services_are_listed),
        cmocka_unit_test(test_a_file_comes_first_and_its_imports_once_each),
        cmocka_unit_test(test_whatever_is_declared_is_found),
        cmocka_unit_test(test_what_is_not_there_is_not_found),
        cmocka_unit_test(test_messages_have_no_extensions),
        cmocka_unit_test(test_an_empty_question_is_answered_with_an_error),
        cmocka_unit_test(test_a_stream_answers_in_order_and_goes_on_after_errors),
        cmocka_unit_test(test_a_service_without_a_file_is_refused),
        cmocka_unit_test(test_files_are_given_out_as_protoc_made_them),
        cmocka_unit_test(test_a_damaged_set_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
