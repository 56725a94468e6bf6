#include "measure/measure.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/program.h"
#include "decode/process.h"
#include "decode/protocol.h"
#include "decode/source_file.h"
#include "kindred/measure/v1/measure.pb-c.h"
#include "measure/file_list.h"

/* What Result.about says. */
enum { ABOUT_IMAGE = 1, ABOUT_MASK = 2 };

/* One task's conversation. */
typedef struct kin_measuring {
    const kin_measure_task *task;
    kin_decode_limits limits;
    kin_file_list image;
    kin_process process;
    kin_channel channel;
    double deadline;
} kin_measuring;

static kin_status find_program(const char *given, char path[PATH_MAX + 64], kin_error *err)
{
    static const char *const beside[] = {"kindred-measure", "../libexec/kindred/kindred-measure"};
    char folder[PATH_MAX];
    const char *found = given;
    if (found == NULL && kin_program_folder(folder))
        for (size_t i = 0; found == NULL && i < sizeof beside / sizeof beside[0]; i++) {
            snprintf(path, PATH_MAX + 64, "%s/%s", folder, beside[i]);
            if (access(path, X_OK) == 0)
                return KIN_OK;
        }
    if (found == NULL)
        found = KIN_MEASURE_INSTALLED;
    if (strlen(found) >= PATH_MAX)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "the path of kindred-measure is too long");
    memcpy(path, found, strlen(found) + 1);
    return access(path, X_OK) == 0 ? KIN_OK
                                   : kin_fail_errno(err, path, "cannot run kindred-measure");
}

static kin_status send_task(kin_measuring *m, kin_error *err)
{
    const kin_radiomics_settings *settings = &m->task->settings;
    Kindred__Measure__V1__Task task = KINDRED__MEASURE__V1__TASK__INIT;
    task.spacing_mm = settings->spacing_mm;
    task.round_values = settings->round_values;
    task.by_slice = settings->by_slice;
    task.has_range = settings->has_range;
    task.low = settings->low;
    task.high = settings->high;
    task.outlier_sigma = settings->outlier_sigma;
    task.discretisation = settings->discretisation;
    task.bins = settings->bins;
    task.bin_width = settings->bin_width;
    task.has_bin_from = settings->has_bin_from;
    task.bin_from = settings->bin_from;
    task.ivh_bin_width = settings->ivh_bin_width;
    task.label = m->task->label;
    if (m->task->series_uid != NULL)
        task.series_uid = (char *)m->task->series_uid;
    task.image_files = (uint32_t)m->image.count;
    task.mask_files = 1;
    return kin_channel_send(&m->channel, &task.base, -1, true, err);
}

/* Sends a file's descriptor. */
static kin_status send_file(kin_measuring *m, const char *path, kin_error *err)
{
    Kindred__Measure__V1__File file = KINDRED__MEASURE__V1__FILE__INIT;
    int fd = -1;
    kin_status status = kin_source_open(path, m->limits.max_file_bytes, &fd, err);
    if (status != KIN_OK) {
        kin_error_name(err, path);
        return status;
    }
    status = kin_channel_send(&m->channel, &file.base, fd, true, err);
    close(fd);
    return status;
}

static kin_status send_files(kin_measuring *m, kin_error *err)
{
    kin_status status = send_task(m, err);
    for (size_t i = 0; status == KIN_OK && i < m->image.count; i++)
        status = send_file(m, m->image.paths[i], err);
    if (status == KIN_OK)
        status = send_file(m, m->task->mask, err);
    return status;
}

/* Sends the data file that a header named: only one that lies beside it. */
static kin_status send_companion(kin_measuring *m, const Kindred__Measure__V1__Want *want,
                                 kin_error *err)
{
    char path[PATH_MAX];
    const char *beside = want->mask ? m->task->mask : m->image.paths[0];
    const char *slash = strrchr(beside, '/');
    int folder = slash != NULL ? (int)(slash + 1 - beside) : 0;
    if (want->name[0] == '\0' || strchr(want->name, '/') != NULL || strcmp(want->name, ".") == 0 ||
        strcmp(want->name, "..") == 0)
        return kin_fail(err, KIN_E_INTERNAL, beside, "kindred-measure asked for no file's name");
    int length = snprintf(path, sizeof path, "%.*s%s", folder, beside, want->name);
    if (length < 0 || (size_t)length >= sizeof path)
        return kin_fail(err, KIN_E_LIMIT, beside, "its data file's path is too long");
    return send_file(m, path, err);
}

static kin_status take_figures(const Kindred__Measure__V1__Result *result, kin_radiomics *out,
                               kin_error *err)
{
    kin_radiomics_description description;
    if (result->n_figures == 0 || result->n_figures > KIN_MEASURE_FIGURES_MAX ||
        result->n_spacing_mm != 3 || result->levels > KIN_RADIOMICS_LEVELS_MAX)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "kindred-measure answered nonsense");
    out->values = calloc(result->n_figures, sizeof *out->values);
    if (out->values == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for figures");
    for (size_t i = 0; i < result->n_figures; i++) {
        const Kindred__Measure__V1__Figure *figure = result->figures[i];
        kin_radiomics_value *value = &out->values[out->count++];
        *value = (kin_radiomics_value){.family = (uint16_t)figure->family,
                                       .feature = (uint16_t)figure->feature,
                                       .aggregation = figure->aggregation,
                                       .value = figure->value};
        if (figure->family > UINT16_MAX || figure->feature > UINT16_MAX ||
            !kin_radiomics_describe(value, &description))
            return kin_fail(err, KIN_E_INTERNAL, NULL, "kindred-measure answered nonsense");
    }
    out->voxels = (size_t)result->voxels;
    out->shape_voxels = (size_t)result->shape_voxels;
    out->levels = (int)result->levels;
    for (int a = 0; a < 3; a++)
        out->spacing[a] = result->spacing_mm[a];
    return KIN_OK;
}

/* The failure that the other side tells of. */
static kin_status take_failure(const kin_measuring *m, const Kindred__Measure__V1__Result *result,
                               kin_error *err)
{
    const char *subject = result->about == ABOUT_IMAGE  ? m->task->image
                          : result->about == ABOUT_MASK ? m->task->mask
                                                        : NULL;
    if (result->about == ABOUT_IMAGE && result->file > 0 && result->file <= m->image.count)
        subject = m->image.paths[result->file - 1];
    if (result->status > (uint32_t)-KIN_E_FULL)
        return kin_fail(err, KIN_E_INTERNAL, NULL, "kindred-measure answered nonsense");
    return kin_fail(err, (kin_status) - (int)result->status, subject, "%s", result->message);
}

static kin_status converse(kin_measuring *m, kin_radiomics *out, kin_error *err)
{
    kin_status status = send_files(m, err);
    /* It may have hung up on what it did not like, with its reason said before. */
    bool hung_up = status == KIN_E_CRASHED;
    for (int wants = 0; status == KIN_OK || hung_up;) {
        ProtobufCMessage *message = NULL;
        status = kin_channel_receive(&m->channel, &kindred__measure__v1__answer__descriptor,
                                     m->deadline, &message, NULL, err);
        if (status != KIN_OK)
            break;
        const Kindred__Measure__V1__Answer *answer = (const Kindred__Measure__V1__Answer *)message;
        if (answer->body_case == KINDRED__MEASURE__V1__ANSWER__BODY_RESULT)
            return answer->result->status != 0 ? take_failure(m, answer->result, err)
                                               : take_figures(answer->result, out, err);
        if (answer->body_case != KINDRED__MEASURE__V1__ANSWER__BODY_WANT || wants++ >= 2)
            return kin_fail(err, KIN_E_INTERNAL, NULL, "kindred-measure answered nonsense");
        status = send_companion(m, answer->want, err);
    }
    return status;
}

kin_status kin_measure_run(const kin_measure_task *task, kin_radiomics *out, kin_error *err)
{
    kin_measuring m = {.task = task, .limits = kin_decode_limits_effective(NULL)};
    char program[PATH_MAX + 64];
    double seconds = task->seconds > 0.0 ? task->seconds : KIN_MEASURE_SECONDS;
    *out = (kin_radiomics){0};
    m.process = (kin_process){.socket = -1, .lifeline = -1};
    kin_error_clear(err);
    kin_channel_init(&m.channel, -1);
    kin_status status = find_program(task->program, program, err);
    if (status == KIN_OK)
        status = kin_file_list_make(task->image, &m.image, err);
    if (status == KIN_OK)
        status = kin_process_start(&m.process, program, &m.limits, NULL, err);
    if (status == KIN_OK) {
        m.channel.fd = m.process.socket;
        m.deadline = kin_clock_monotonic() + seconds;
        status = converse(&m, out, err);
        int ended = -1;
        if (status == KIN_OK)
            kin_process_end(&m.process);
        else
            ended = kin_process_kill(&m.process);
        if (status == KIN_E_CRASHED)
            status = kin_process_obituary(ended, err);
    }
    if (status != KIN_OK)
        kin_radiomics_release(out);
    kin_channel_release(&m.channel);
    kin_file_list_release(&m.image);
    return status;
}
