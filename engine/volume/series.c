#include "volume/series.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Which frame of which file a slice is. */
typedef struct kin_frame_of {
    size_t file;
    int frame;
} kin_frame_of;

typedef struct kin_stack {
    kin_slice *slices;
    kin_frame_of *frames; /* slices[i].number is a place in here */
    size_t count, capacity;
    char series_uid[65]; /* of the first picture taken */
    size_t at;           /* the file that is being read */
} kin_stack;

static kin_status reserve(kin_stack *stack, size_t more, kin_error *err)
{
    size_t needed;
    if (!kin_add_size(stack->count, more, &needed) || needed > KIN_VOLUME_VOXELS_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "it has too many frames");
    if (stack->slices != NULL && needed <= stack->capacity)
        return KIN_OK;
    size_t capacity = 2 * needed + 16;
    kin_slice *slices = reallocarray(stack->slices, capacity, sizeof *slices);
    if (slices != NULL)
        stack->slices = slices;
    kin_frame_of *frames = reallocarray(stack->frames, capacity, sizeof *frames);
    if (frames != NULL)
        stack->frames = frames;
    if (slices == NULL || frames == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu slices", capacity);
    stack->capacity = capacity;
    return KIN_OK;
}

static kin_status add_frames(kin_stack *stack, kin_dicom *dicom, size_t file, kin_error *err)
{
    const kin_dicom_header *header = kin_dicom_header_borrow(dicom);
    kin_status status = reserve(stack, (size_t)header->frames, err);
    for (int frame = 0; status == KIN_OK && frame < header->frames; frame++) {
        kin_slice *slice = &stack->slices[stack->count];
        *slice =
            (kin_slice){.columns = header->columns, .rows = header->rows, .number = stack->count};
        kin_dicom_plane(dicom, frame, &slice->plane);
        stack->frames[stack->count++] = (kin_frame_of){.file = file, .frame = frame};
    }
    return status;
}

/* Takes a picture of the wanted series; two series at once are an error. */
static kin_status add_picture(kin_stack *stack, kin_dicom *dicom, size_t file,
                              const char *series_uid, kin_error *err)
{
    const kin_dicom_header *header = kin_dicom_header_borrow(dicom);
    const char *uid = header->series_instance_uid;
    if (header->kind != KIN_DICOM_IMAGE)
        return KIN_OK;
    if (series_uid != NULL && series_uid[0] != '\0' && strcmp(series_uid, uid) != 0)
        return KIN_OK;
    if (header->samples_per_pixel != 1)
        return kin_fail(err, KIN_E_UNSUPPORTED, NULL, "its pictures are in colour");
    if (stack->count == 0) {
        if (strlen(uid) >= sizeof stack->series_uid)
            return kin_fail(err, KIN_E_FORMAT, NULL, "its series' UID is no UID");
        memcpy(stack->series_uid, uid, strlen(uid) + 1);
    } else if (strcmp(stack->series_uid, uid) != 0) {
        return kin_fail(err, KIN_E_ARG, NULL,
                        "pictures of more than one series, %s and %s among them: name one",
                        stack->series_uid, uid);
    }
    return add_frames(stack, dicom, file, err);
}

static kin_status collect(kin_stack *stack, const kin_series_file *files, size_t count,
                          const char *series_uid, const kin_image_limits *limits, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < count; i++) {
        kin_dicom *dicom = NULL;
        stack->at = i;
        if (!kin_dicom_recognise(files[i].bytes, files[i].size))
            continue;
        status = kin_dicom_open(files[i].bytes, files[i].size, limits, &dicom, err);
        if (status == KIN_OK)
            status = add_picture(stack, dicom, i, series_uid, err);
        kin_dicom_close(dicom);
    }
    if (status == KIN_OK)
        stack->at = count;
    if (status == KIN_OK && stack->count == 0)
        status = kin_fail(err, KIN_E_NOT_FOUND, NULL, "there is no DICOM picture%s",
                          series_uid != NULL && series_uid[0] != '\0' ? " of that series" : "");
    return status;
}

/* Decodes the slices, of each file in one go. */
static kin_status read_values(kin_stack *stack, const kin_series_file *files,
                              const kin_image_limits *limits, kin_volume *out, kin_error *err)
{
    kin_status status = KIN_OK;
    size_t each = (size_t)out->size[0] * (size_t)out->size[1], open_file = SIZE_MAX;
    kin_dicom *dicom = NULL;
    for (size_t k = 0; status == KIN_OK && k < stack->count; k++) {
        const kin_frame_of *from = &stack->frames[stack->slices[k].number];
        stack->at = from->file;
        if (from->file != open_file) {
            kin_dicom_close(dicom);
            dicom = NULL;
            open_file = from->file;
            status =
                kin_dicom_open(files[open_file].bytes, files[open_file].size, limits, &dicom, err);
        }
        if (status == KIN_OK)
            status = kin_dicom_read_values(dicom, from->frame, out->voxels + k * each, err);
    }
    kin_dicom_close(dicom);
    return status;
}

kin_status kin_series_read(const kin_series_file *files, size_t count, const char *series_uid,
                           const kin_image_limits *limits, kin_volume *out, size_t *which,
                           kin_error *err)
{
    kin_stack stack = {0};
    kin_volume grid = {0};
    *out = (kin_volume){0};
    kin_status status = collect(&stack, files, count, series_uid, limits, err);
    if (status == KIN_OK)
        status = kin_slices_order(stack.slices, stack.count, &grid, err);
    if (status == KIN_OK)
        status = kin_volume_init(out, grid.size, err);
    if (status == KIN_OK) {
        grid.voxels = out->voxels;
        *out = grid;
        status = read_values(&stack, files, limits, out, err);
    }
    if (status != KIN_OK)
        kin_volume_release(out);
    if (which != NULL)
        *which = stack.at;
    free(stack.slices);
    free(stack.frames);
    return status;
}
