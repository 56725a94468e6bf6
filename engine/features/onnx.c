#include "features/onnx.h"

#ifdef KIN_ONNXRUNTIME_HEADER

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>
#ifdef KIN_SANITIZE
#include <sanitizer/lsan_interface.h>
#endif

#include "base/checked.h"

enum { INPUT_DIMENSIONS = 4, OUTPUT_DIMENSIONS_MAX = 8 };

struct kin_onnx {
    const OrtApi *api;
    OrtEnv *env;
    OrtSession *session;
    OrtMemoryInfo *memory;
    char *input, *output;
    int64_t sizes[INPUT_DIMENSIONS]; /* of the input; the first is to be filled */
    size_t length;                   /* of the output for one picture */
    bool takes_many;
};

/* --- the library --- */

/* The file that is asked for, or else the first of those that may be there. */
static void *load_library(kin_error *err)
{
    static const char *const usual[] = {KIN_ONNXRUNTIME_LIBRARY, "libonnxruntime.so.1",
                                        "libonnxruntime.so.1.21", "libonnxruntime.so"};
    const char *wish = secure_getenv(KIN_ONNX_LIBRARY_VARIABLE);
    void *library = NULL;
    if (wish != NULL && wish[0] != '\0') {
        library = dlopen(wish, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    } else {
        for (size_t i = 0; library == NULL && i < sizeof usual / sizeof usual[0]; i++)
            if (usual[i][0] != '\0')
                library = dlopen(usual[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (library == NULL) {
        const char *reason = dlerror();
        kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                 "networks need ONNX Runtime, which is not here (tools/setup fetches "
                 "it; " KIN_ONNX_LIBRARY_VARIABLE " names another): %s",
                 reason != NULL ? reason : "not found");
    }
    return library;
}

static kin_status load_api(const OrtApi **out, kin_error *err)
{
    void *library = load_library(err);
    if (library == NULL)
        return KIN_E_UNSUPPORTED;
    void *symbol = dlsym(library, "OrtGetApiBase");
    const OrtApiBase *(*base)(void) = NULL;
    memcpy(&base, &symbol, sizeof base); /* C has no conversion from void * to a function */
    if (symbol == NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "networks need ONNX Runtime; the library found is none");
    *out = base()->GetApi(ORT_API_VERSION);
    if (*out == NULL)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                        "networks need ONNX Runtime 1.%d or later; the one found is %.32s",
                        ORT_API_VERSION, base()->GetVersionString());
    return KIN_OK;
}

/* Turns a failure of the library, which it frees, into one of ours. */
static kin_status checked(const OrtApi *api, OrtStatus *failure, kin_status status,
                          const char *what, kin_error *err)
{
    if (failure == NULL)
        return KIN_OK;
    kin_fail(err, status, NULL, "the network's model %s: %.150s", what,
             api->GetErrorMessage(failure));
    api->ReleaseStatus(failure);
    return status;
}

/* --- the session --- */

/* One thread: Kindred's workers, each with an image, are the better use of the cores.  No arena:
 * it would keep the largest sum of all tensors for good. */
static kin_status set_options(const OrtApi *api, OrtSessionOptions *options, kin_error *err)
{
    OrtStatus *failure = api->SetIntraOpNumThreads(options, 1);
    if (failure == NULL)
        failure = api->SetInterOpNumThreads(options, 1);
    if (failure == NULL)
        failure = api->SetSessionExecutionMode(options, ORT_SEQUENTIAL);
    if (failure == NULL)
        failure = api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL);
    if (failure == NULL)
        failure = api->DisableCpuMemArena(options);
    if (failure == NULL)
        failure = api->SetSessionLogSeverityLevel(options, ORT_LOGGING_LEVEL_FATAL);
    return checked(api, failure, KIN_E_INTERNAL, "cannot be set up", err);
}

static OrtStatus *make_environment(kin_onnx *onnx)
{
#ifdef KIN_SANITIZE
    /* ONNX Runtime 1.30 keeps 14 bytes of the first one for good: no leak of ours. */
    __lsan_disable();
#endif
    OrtStatus *failure = onnx->api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "kindred", &onnx->env);
#ifdef KIN_SANITIZE
    __lsan_enable();
#endif
    return failure;
}

static kin_status start_session(kin_onnx *onnx, const void *model, size_t size, kin_error *err)
{
    const OrtApi *api = onnx->api;
    OrtSessionOptions *options = NULL;
    kin_status status =
        checked(api, make_environment(onnx), KIN_E_INTERNAL, "cannot be set up", err);
    if (status == KIN_OK)
        status = checked(api, api->CreateSessionOptions(&options), KIN_E_INTERNAL,
                         "cannot be set up", err);
    if (status == KIN_OK)
        status = set_options(api, options, err);
    if (status == KIN_OK)
        status = checked(
            api, api->CreateSessionFromArray(onnx->env, model, size, options, &onnx->session),
            KIN_E_UNSUPPORTED, "cannot be loaded", err);
    if (status == KIN_OK)
        status = checked(
            api, api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &onnx->memory),
            KIN_E_INTERNAL, "cannot be set up", err);
    if (options != NULL)
        api->ReleaseSessionOptions(options);
    return status;
}

/* --- what the model's inputs and outputs are --- */

/* One side of a model: its inputs or its outputs. */
struct side {
    const char *word;
    OrtStatus *(ORT_API_CALL *count)(const OrtSession *, size_t *)NO_EXCEPTION;
    OrtStatus *(ORT_API_CALL *name)(const OrtSession *, size_t, OrtAllocator *,
                                    char **)NO_EXCEPTION;
    OrtStatus *(ORT_API_CALL *type)(const OrtSession *, size_t, OrtTypeInfo **)NO_EXCEPTION;
};

/* Whether tensor number `at` of a side has that name; its own copy of it. */
static kin_status name_at(const kin_onnx *onnx, const struct side *side, size_t at, char **out,
                          kin_error *err)
{
    OrtAllocator *allocator = NULL;
    char *name = NULL;
    kin_status status = checked(onnx->api, onnx->api->GetAllocatorWithDefaultOptions(&allocator),
                                KIN_E_INTERNAL, "cannot be asked", err);
    if (status == KIN_OK)
        status = checked(onnx->api, side->name(onnx->session, at, allocator, &name), KIN_E_FORMAT,
                         "cannot be asked", err);
    if (status != KIN_OK)
        return status;
    *out = strdup(name);
    checked(onnx->api, onnx->api->AllocatorFree(allocator, name), KIN_E_INTERNAL, "", NULL);
    return *out != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a name");
}

/* The place of the tensor that is wanted: by its name, or as the only one. */
static kin_status find(const kin_onnx *onnx, const struct side *side, const char *wanted,
                       size_t *at, char **out, kin_error *err)
{
    size_t count = 0;
    kin_status status = checked(onnx->api, side->count(onnx->session, &count), KIN_E_FORMAT,
                                "cannot be asked", err);
    if (status == KIN_OK && wanted[0] == '\0' && count != 1)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "the network's model has %zu %ss: the manifest must name one", count,
                        side->word);
    for (*at = 0; status == KIN_OK && *at < count; (*at)++) {
        status = name_at(onnx, side, *at, out, err);
        if (status == KIN_OK && (wanted[0] == '\0' || strcmp(*out, wanted) == 0))
            return KIN_OK;
        free(*out);
        *out = NULL;
    }
    return status == KIN_OK
               ? kin_fail(err, KIN_E_FORMAT, NULL, "the network's model has no %s \"%.64s\"",
                          side->word, wanted)
               : status;
}

/* Sizes of a tensor of floats, open ones negative. */
static kin_status read_sizes(const kin_onnx *onnx, const struct side *side,
                             const OrtTensorTypeAndShapeInfo *info, int64_t *sizes, size_t *count,
                             kin_error *err)
{
    const OrtApi *api = onnx->api;
    enum ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t room = *count;
    OrtStatus *failure = api->GetTensorElementType(info, &type);
    if (failure == NULL)
        failure = api->GetDimensionsCount(info, count);
    kin_status status = checked(api, failure, KIN_E_FORMAT, "cannot be asked", err);
    if (status != KIN_OK)
        return status;
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || *count == 0 || *count > room)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "the network's model: its %s is no tensor of 32-bit floats of 1 to %zu "
                        "dimensions",
                        side->word, room);
    return checked(api, api->GetDimensions(info, sizes, *count), KIN_E_FORMAT, "cannot be asked",
                   err);
}

static kin_status sizes_at(const kin_onnx *onnx, const struct side *side, size_t at, int64_t *sizes,
                           size_t *count, kin_error *err)
{
    const OrtApi *api = onnx->api;
    OrtTypeInfo *type = NULL;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    kin_status status =
        checked(api, side->type(onnx->session, at, &type), KIN_E_FORMAT, "cannot be asked", err);
    if (status == KIN_OK)
        status = checked(api, api->CastTypeInfoToTensorInfo(type, &info), KIN_E_FORMAT,
                         "cannot be asked", err);
    if (status == KIN_OK && info == NULL)
        status = kin_fail(err, KIN_E_FORMAT, NULL, "the network's model: its %s is no tensor",
                          side->word);
    if (status == KIN_OK)
        status = read_sizes(onnx, side, info, sizes, count, err);
    if (type != NULL)
        api->ReleaseTypeInfo(type);
    return status;
}

static kin_status check_input(kin_onnx *onnx, const kin_onnx_shape *shape, kin_error *err)
{
    const struct side inputs = {"input", onnx->api->SessionGetInputCount,
                                onnx->api->SessionGetInputName, onnx->api->SessionGetInputTypeInfo};
    int64_t sizes[INPUT_DIMENSIONS];
    size_t at = 0, dimensions = INPUT_DIMENSIONS, count = 0;
    kin_status status = checked(onnx->api, inputs.count(onnx->session, &count), KIN_E_FORMAT,
                                "cannot be asked", err);
    if (status == KIN_OK && count != 1)
        status = kin_fail(err, KIN_E_FORMAT, NULL,
                          "the network's model has %zu inputs: only one can be fed", count);
    if (status == KIN_OK)
        status = find(onnx, &inputs, shape->input, &at, &onnx->input, err);
    if (status == KIN_OK)
        status = sizes_at(onnx, &inputs, at, sizes, &dimensions, err);
    if (status != KIN_OK)
        return status;
    bool fits = dimensions == INPUT_DIMENSIONS && (sizes[0] < 0 || sizes[0] == 1);
    for (size_t i = 1; fits && i < INPUT_DIMENSIONS; i++) {
        onnx->sizes[i] = shape->input_sizes[i - 1];
        fits = sizes[i] < 0 || sizes[i] == onnx->sizes[i];
    }
    if (!fits)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "the network's model: its input has other sizes than the manifest says");
    onnx->takes_many = sizes[0] < 0;
    return KIN_OK;
}

static kin_status check_output(kin_onnx *onnx, const kin_onnx_shape *shape, kin_error *err)
{
    const struct side outputs = {"output", onnx->api->SessionGetOutputCount,
                                 onnx->api->SessionGetOutputName,
                                 onnx->api->SessionGetOutputTypeInfo};
    int64_t sizes[OUTPUT_DIMENSIONS_MAX];
    size_t at = 0, dimensions = OUTPUT_DIMENSIONS_MAX;
    size_t known = 1; /* floats for one picture, as far as sizes are not open */
    bool is_open = false;
    kin_status status = find(onnx, &outputs, shape->output, &at, &onnx->output, err);
    if (status == KIN_OK)
        status = sizes_at(onnx, &outputs, at, sizes, &dimensions, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 1; i < dimensions; i++) {
        is_open = is_open || sizes[i] < 0;
        if (sizes[i] >= 0 && !kin_mul_size(known, (size_t)sizes[i], &known))
            known = 0;
    }
    onnx->length = shape->length;
    if (known == 0 || (is_open ? onnx->length % known != 0 : onnx->length != known))
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "the network's model: its output has %s%zu floats, not the manifest's %zu",
                        is_open ? "multiples of " : "", known, onnx->length);
    return KIN_OK;
}

kin_status kin_onnx_open(const void *model, size_t size, const kin_onnx_shape *shape,
                         kin_onnx **out, kin_error *err)
{
    kin_onnx *onnx = calloc(1, sizeof *onnx);
    if (onnx == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a network");
    kin_status status = load_api(&onnx->api, err);
    if (status == KIN_OK)
        status = start_session(onnx, model, size, err);
    if (status == KIN_OK)
        status = check_input(onnx, shape, err);
    if (status == KIN_OK)
        status = check_output(onnx, shape, err);
    if (status != KIN_OK) {
        kin_onnx_close(onnx);
        return status;
    }
    *out = onnx;
    return KIN_OK;
}

void kin_onnx_close(kin_onnx *onnx)
{
    if (onnx == NULL)
        return;
    if (onnx->memory != NULL)
        onnx->api->ReleaseMemoryInfo(onnx->memory);
    if (onnx->session != NULL)
        onnx->api->ReleaseSession(onnx->session);
    if (onnx->env != NULL)
        onnx->api->ReleaseEnv(onnx->env);
    free(onnx->input);
    free(onnx->output);
    free(onnx);
}

bool kin_onnx_takes_many(const kin_onnx *onnx)
{
    return onnx->takes_many;
}

/* --- running --- */

/* Copies what the model gave, if it is what it should be. */
static kin_status take_output(const kin_onnx *onnx, OrtValue *value, size_t count, float *out,
                              kin_error *err)
{
    const OrtApi *api = onnx->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    enum ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t floats = 0;
    void *data = NULL;
    OrtStatus *failure = api->GetTensorTypeAndShape(value, &info);
    if (failure == NULL)
        failure = api->GetTensorElementType(info, &type);
    if (failure == NULL)
        failure = api->GetTensorShapeElementCount(info, &floats);
    if (failure == NULL)
        failure = api->GetTensorMutableData(value, &data);
    kin_status status = checked(api, failure, KIN_E_UNSUPPORTED, "gave no tensor", err);
    if (info != NULL)
        api->ReleaseTensorTypeAndShapeInfo(info);
    if (status == KIN_OK &&
        (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || floats != count * onnx->length))
        status = kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                          "the network's model gave %zu values for %zu pictures, not %zu each",
                          floats, count, onnx->length);
    if (status == KIN_OK)
        memcpy(out, data, floats * sizeof *out);
    return status;
}

kin_status kin_onnx_run(const kin_onnx *onnx, const float *input, size_t count, float *out,
                        kin_error *err)
{
    const OrtApi *api = onnx->api;
    const int64_t sizes[INPUT_DIMENSIONS] = {(int64_t)count, onnx->sizes[1], onnx->sizes[2],
                                             onnx->sizes[3]};
    size_t bytes = count * sizeof *input;
    OrtValue *fed = NULL, *given = NULL;
    const char *input_name = onnx->input, *output_name = onnx->output;
    for (size_t i = 1; i < INPUT_DIMENSIONS; i++)
        bytes *= (size_t)sizes[i];
    /* The library only reads what it is fed with. */
    OrtStatus *failure = api->CreateTensorWithDataAsOrtValue(
        onnx->memory, (void *)input, bytes, sizes, INPUT_DIMENSIONS,
        ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &fed);
    if (failure == NULL)
        failure = api->Run(onnx->session, NULL, &input_name, (const OrtValue *const *)&fed, 1,
                           &output_name, 1, &given);
    kin_status status = checked(api, failure, KIN_E_UNSUPPORTED, "cannot be run", err);
    if (status == KIN_OK)
        status = take_output(onnx, given, count, out, err);
    if (given != NULL)
        api->ReleaseValue(given);
    if (fed != NULL)
        api->ReleaseValue(fed);
    return status;
}

#else /* built without ONNX Runtime's header */

kin_status kin_onnx_open(const void *model, size_t size, const kin_onnx_shape *shape,
                         kin_onnx **out, kin_error *err)
{
    (void)model, (void)size, (void)shape, (void)out;
    return kin_fail(err, KIN_E_UNSUPPORTED, NULL,
                    "this program was built without ONNX Runtime, which networks need: run "
                    "tools/setup and build it again");
}

void kin_onnx_close(kin_onnx *onnx)
{
    (void)onnx;
}

bool kin_onnx_takes_many(const kin_onnx *onnx)
{
    (void)onnx;
    return false;
}

kin_status kin_onnx_run(const kin_onnx *onnx, const float *input, size_t count, float *out,
                        kin_error *err)
{
    (void)onnx, (void)input, (void)count, (void)out;
    return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "no ONNX Runtime");
}

#endif
