/* serve.c - the side of kindred-measure: takes a task and its files, answers with figures. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/protocol.h"
#include "decode/sandbox.h"
#include "dicom/dicom.h"
#include "kindred/measure/v1/measure.pb-c.h"
#include "measure/inputs.h"

typedef struct kin_server {
    kin_channel channel;
    kin_radiomics_settings settings;
    char series_uid[65];
    kin_inputs inputs;
} kin_server;

static void take_settings(const Kindred__Measure__V1__Task *task, kin_radiomics_settings *out)
{
    *out = (kin_radiomics_settings){.spacing_mm = task->spacing_mm,
                                    .round_values = task->round_values != 0,
                                    .by_slice = task->by_slice != 0,
                                    .has_range = task->has_range != 0,
                                    .low = task->low,
                                    .high = task->high,
                                    .outlier_sigma = task->outlier_sigma,
                                    .discretisation = (kin_discretisation)task->discretisation,
                                    .bins = task->bins,
                                    .bin_width = task->bin_width,
                                    .has_bin_from = task->has_bin_from != 0,
                                    .bin_from = task->bin_from,
                                    .ivh_bin_width = task->ivh_bin_width};
}

/* Receives a message; its descriptor, if any, is the caller's. */
static kin_status receive(kin_server *server, const ProtobufCMessageDescriptor *kind,
                          ProtobufCMessage **out, int *fd, kin_error *err)
{
    return kin_channel_receive(&server->channel, kind, 0.0, out, fd, err);
}

/* Reads all that a descriptor holds.  Not by mmap: a file that is cut short meanwhile would mean
 * SIGBUS. */
static kin_status read_all(int fd, size_t limit, kin_content *out, kin_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return kin_fail_errno(err, NULL, "cannot stat the file");
    if (st.st_size < 0 || (size_t)st.st_size > limit)
        return kin_fail(err, KIN_E_LIMIT, NULL, "the file is over the limit of %zu bytes", limit);
    size_t have = 0, size = (size_t)st.st_size;
    char *bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file of %zu bytes", size);
    while (have < size) {
        ssize_t got = pread(fd, bytes + have, size - have, (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            free(bytes);
            return kin_fail(err, KIN_E_IO, NULL, "cannot read all of the file");
        }
        have += (size_t)got;
    }
    *out = (kin_content){.bytes = bytes, .size = size};
    return KIN_OK;
}

static kin_status take_file(kin_server *server, kin_content *out, kin_error *err)
{
    ProtobufCMessage *message;
    int fd = -1;
    kin_status status =
        receive(server, &kindred__measure__v1__file__descriptor, &message, &fd, err);
    if (status == KIN_OK && fd < 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "a file that belongs to it is not there");
    if (status == KIN_OK)
        status = read_all(fd, server->inputs.limits.max_file_bytes, out, err);
    if (fd >= 0)
        close(fd);
    return status;
}

static kin_status ask_companion(void *ctx, bool mask, const char *name, kin_content *out,
                                kin_error *err)
{
    kin_server *server = ctx;
    Kindred__Measure__V1__Want want = KINDRED__MEASURE__V1__WANT__INIT;
    Kindred__Measure__V1__Answer answer = KINDRED__MEASURE__V1__ANSWER__INIT;
    want.mask = mask;
    want.name = (char *)name;
    answer.body_case = KINDRED__MEASURE__V1__ANSWER__BODY_WANT;
    answer.want = &want;
    kin_status status = kin_channel_send(&server->channel, &answer.base, -1, true, err);
    return status == KIN_OK ? take_file(server, out, err) : status;
}

static kin_status take_task(kin_server *server, kin_error *err)
{
    ProtobufCMessage *message;
    kin_status status =
        receive(server, &kindred__measure__v1__task__descriptor, &message, NULL, err);
    if (status != KIN_OK)
        return status;
    const Kindred__Measure__V1__Task *task = (const Kindred__Measure__V1__Task *)message;
    if (task->image_files == 0 || task->image_files > KIN_MEASURE_FILES_MAX ||
        task->mask_files != 1 || strlen(task->series_uid) >= sizeof server->series_uid)
        return kin_fail(err, KIN_E_ARG, NULL, "this task cannot be");
    take_settings(task, &server->settings);
    memcpy(server->series_uid, task->series_uid, strlen(task->series_uid) + 1);
    server->inputs.series_uid = server->series_uid;
    server->inputs.label = task->label;
    server->inputs.image_count = task->image_files;
    server->inputs.mask_count = task->mask_files;
    server->inputs.files =
        calloc(server->inputs.image_count + server->inputs.mask_count, sizeof(kin_content));
    return server->inputs.files != NULL ? KIN_OK
                                        : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a task");
}

static kin_status take_files(kin_server *server, int *about, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t count = server->inputs.image_count + server->inputs.mask_count;
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        *about = i < server->inputs.image_count ? KIN_ABOUT_IMAGE : KIN_ABOUT_MASK;
        status = take_file(server, &server->inputs.files[i], err);
    }
    return status;
}

static kin_status measure(kin_server *server, kin_radiomics *out, int *about, kin_error *err)
{
    kin_volume image = {0}, mask = {0};
    kin_status status = take_task(server, err);
    if (status == KIN_OK)
        status = take_files(server, about, err);
    if (status == KIN_OK)
        status = kin_inputs_read(&server->inputs, &image, &mask, about, err);
    if (status == KIN_OK) {
        status =
            kin_radiomics_compute(&image, &mask, server->inputs.label, &server->settings, out, err);
        *about = status == KIN_E_NOT_FOUND ? KIN_ABOUT_MASK : KIN_ABOUT_IMAGE;
    }
    kin_volume_release(&image);
    kin_volume_release(&mask);
    /* Memory that this process cannot have is a bound that we set. */
    if (status == KIN_E_NOMEM)
        status = kin_fail(err, KIN_E_LIMIT, NULL, "takes more memory than is allowed (%zu MiB)",
                          server->inputs.limits.memory_bytes >> 20);
    return status;
}

static void fill_figures(const kin_radiomics *radiomics, Kindred__Measure__V1__Figure *figures,
                         Kindred__Measure__V1__Figure **pointers)
{
    for (size_t i = 0; i < radiomics->count; i++) {
        kindred__measure__v1__figure__init(&figures[i]);
        figures[i].family = radiomics->values[i].family;
        figures[i].feature = radiomics->values[i].feature;
        figures[i].aggregation = radiomics->values[i].aggregation;
        figures[i].value = radiomics->values[i].value;
        pointers[i] = &figures[i];
    }
}

static kin_status send_result(kin_server *server, kin_status outcome, int about,
                              const kin_error *reason, const kin_radiomics *radiomics,
                              kin_error *err)
{
    Kindred__Measure__V1__Result result = KINDRED__MEASURE__V1__RESULT__INIT;
    Kindred__Measure__V1__Answer answer = KINDRED__MEASURE__V1__ANSWER__INIT;
    Kindred__Measure__V1__Figure *figures = calloc(radiomics->count + 1, sizeof *figures);
    Kindred__Measure__V1__Figure **pointers = calloc(radiomics->count + 1, sizeof(void *));
    kin_status status = KIN_E_NOMEM;
    if (figures != NULL && pointers != NULL) {
        fill_figures(radiomics, figures, pointers);
        result.status = (uint32_t) - (int)outcome;
        result.message = outcome != KIN_OK ? (char *)reason->message : (char *)"";
        result.about = (uint32_t)about;
        result.file = (uint32_t)server->inputs.failed_file;
        result.n_figures = radiomics->count;
        result.figures = pointers;
        result.voxels = radiomics->voxels;
        result.shape_voxels = radiomics->shape_voxels;
        result.levels = (uint32_t)radiomics->levels;
        result.n_spacing_mm = 3;
        result.spacing_mm = (double *)radiomics->spacing;
        answer.body_case = KINDRED__MEASURE__V1__ANSWER__BODY_RESULT;
        answer.result = &result;
        status = kin_channel_send(&server->channel, &answer.base, -1, true, err);
    }
    free(figures);
    free(pointers);
    return status;
}

int kin_measure_serve(int fd, int lifeline, const kin_decode_limits *limits)
{
    kin_server server = {.inputs = {.limits = kin_decode_limits_effective(limits)}};
    kin_radiomics radiomics = {0};
    kin_error err = {0};
    int about = KIN_ABOUT_NEITHER;
    server.inputs.companion = ask_companion;
    server.inputs.companion_ctx = &server;
    kin_channel_init(&server.channel, fd);
    kin_status status = lifeline >= 0 ? kin_sandbox_tie(lifeline, &err) : KIN_OK;
    if (status == KIN_OK)
        status = kin_dicom_prepare(&err);
    if (status == KIN_OK)
        status = kin_sandbox_enter(server.inputs.limits.memory_bytes, &err);
    if (status == KIN_OK)
        status = measure(&server, &radiomics, &about, &err);
    kin_status sent = send_result(&server, status, about, &err, &radiomics, NULL);
    kin_radiomics_release(&radiomics);
    for (size_t i = 0;
         server.inputs.files != NULL && i < server.inputs.image_count + server.inputs.mask_count;
         i++)
        free(server.inputs.files[i].bytes);
    free(server.inputs.files);
    kin_channel_release(&server.channel);
    return sent == KIN_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
