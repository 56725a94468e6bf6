#include "decode/region_wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "decode/decode.h"
#include "decode/text.h"

typedef Kindred__Worker__V1__Lesion lesion_message;
typedef Kindred__Worker__V1__Shape shape_message;

enum { PLANE_NUMBERS = 12 };

/* One shape's message and its numbers. */
typedef struct kin_wire_shape {
    shape_message message;
    Kindred__Worker__V1__Plane plane;
    double numbers[PLANE_NUMBERS];
    uint32_t *runs; /* owned */
} kin_wire_shape;

struct kin_wire_region {
    lesion_message message;
    kin_wire_shape *shapes;   /* owned */
    shape_message **pointers; /* owned */
    size_t count;
};

static size_t numbers_of(kin_shape_kind kind)
{
    return kind == KIN_SHAPE_OUTLINE_MM ? 3 : 2;
}

/* Writes the lengths of a mask's runs into runs (NULL: only counts them), the last one left out
 * when it lies outside. */
static size_t list_runs(const kin_mask *mask, uint32_t *runs)
{
    size_t n = (size_t)mask->width * (size_t)mask->height, count = 0, from = 0;
    for (uint8_t inside = 0; from < n; inside ^= 1) {
        const uint8_t *next = memchr(mask->in + from, 1 - inside, n - from);
        size_t to = next != NULL ? (size_t)(next - mask->in) : n;
        if (to == n && !inside)
            break;
        if (runs != NULL)
            runs[count] = (uint32_t)(to - from);
        count++;
        from = to;
    }
    return count;
}

static void write_plane(const kin_plane *plane, kin_wire_shape *out)
{
    out->message.matrix_column = (uint32_t)plane->matrix_column;
    out->message.matrix_row = (uint32_t)plane->matrix_row;
    if (!plane->known)
        return;
    memcpy(out->numbers, plane->origin, sizeof plane->origin);
    memcpy(out->numbers + 3, plane->along_row, sizeof plane->along_row);
    memcpy(out->numbers + 6, plane->along_column, sizeof plane->along_column);
    out->numbers[9] = plane->spacing_x_mm;
    out->numbers[10] = plane->spacing_y_mm;
    out->numbers[11] = plane->thickness_mm;
    kindred__worker__v1__plane__init(&out->plane);
    out->plane.n_numbers = PLANE_NUMBERS;
    out->plane.numbers = out->numbers;
    out->message.plane = &out->plane;
}

static bool write_shape(const kin_shape *shape, kin_wire_shape *out)
{
    shape_message *m = &out->message;
    kindred__worker__v1__shape__init(m);
    m->kind = (uint32_t)shape->kind;
    if (shape->kind != KIN_SHAPE_MASK) {
        m->n_points = shape->count * numbers_of(shape->kind);
        m->points = shape->points;
        return true;
    }
    m->width = (uint32_t)shape->mask.width;
    m->height = (uint32_t)shape->mask.height;
    m->of_frame = shape->of_frame;
    write_plane(&shape->plane, out);
    m->n_runs = list_runs(&shape->mask, NULL);
    if (m->n_runs == 0)
        return true;
    out->runs = calloc(m->n_runs, sizeof *out->runs);
    if (out->runs == NULL)
        return false;
    list_runs(&shape->mask, out->runs);
    m->runs = out->runs;
    return true;
}

/* protobuf-c takes texts as not const, and does not write to them. */
static char *text_or_empty(const char *text)
{
    static char empty[] = "";
    return text != NULL ? (char *)(uintptr_t)text : empty;
}

static void write_texts(const kin_region *region, lesion_message *m)
{
    m->sop_instance_uid = text_or_empty(region->sop_instance_uid);
    m->series_instance_uid = text_or_empty(region->series_instance_uid);
    m->frame_of_reference_uid = text_or_empty(region->frame_of_reference_uid);
    m->label = text_or_empty(region->label);
    m->code = text_or_empty(region->code);
    m->site = text_or_empty(region->site);
    m->tracking_uid = text_or_empty(region->tracking_uid);
    m->segmentation_uid = text_or_empty(region->segmentation_uid);
}

kin_status kin_wire_region_new(const kin_region *region, bool texts, kin_wire_region **out,
                               kin_error *err)
{
    size_t count = region->shape_count;
    kin_wire_region *wire = calloc(1, sizeof *wire);
    *out = NULL;
    if (wire == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    kindred__worker__v1__lesion__init(&wire->message);
    wire->shapes = calloc(count > 0 ? count : 1, sizeof *wire->shapes);
    wire->pointers = calloc(count > 0 ? count : 1, sizeof(shape_message *));
    wire->count = wire->shapes != NULL ? count : 0;
    bool fine = wire->shapes != NULL && wire->pointers != NULL;
    for (size_t i = 0; fine && i < count; i++) {
        fine = write_shape(&region->shapes[i], &wire->shapes[i]);
        wire->pointers[i] = &wire->shapes[i].message;
    }
    if (!fine) {
        kin_wire_region_free(wire);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    }
    wire->message.frame = region->frame;
    wire->message.number = region->number;
    wire->message.segment = region->segment;
    wire->message.n_shapes = count;
    wire->message.shapes = wire->pointers;
    if (texts)
        write_texts(region, &wire->message);
    *out = wire;
    return KIN_OK;
}

void kin_wire_region_free(kin_wire_region *wire)
{
    if (wire == NULL)
        return;
    for (size_t i = 0; i < wire->count; i++)
        free(wire->shapes[i].runs);
    free(wire->shapes);
    free(wire->pointers);
    free(wire);
}

lesion_message *kin_wire_region_borrow(kin_wire_region *wire)
{
    return &wire->message;
}

/* --- and back --- */

static bool all_finite(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static kin_status nonsense(kin_error *err, const char *what)
{
    return kin_fail(err, KIN_E_FORMAT, NULL, "%s", what);
}

static kin_status read_plane(const shape_message *m, kin_plane *out, kin_error *err)
{
    if (m->matrix_column > INT32_MAX || m->matrix_row > INT32_MAX)
        return nonsense(err, "a mask at an impossible place");
    *out = (kin_plane){.matrix_column = (int)m->matrix_column, .matrix_row = (int)m->matrix_row};
    if (m->plane == NULL)
        return KIN_OK;
    const double *numbers = m->plane->numbers;
    if (m->plane->n_numbers != PLANE_NUMBERS || !all_finite(numbers, PLANE_NUMBERS) ||
        !(numbers[9] > 0) || !(numbers[10] > 0) || numbers[11] < 0)
        return nonsense(err, "an impossible plane");
    memcpy(out->origin, numbers, sizeof out->origin);
    memcpy(out->along_row, numbers + 3, sizeof out->along_row);
    memcpy(out->along_column, numbers + 6, sizeof out->along_column);
    out->spacing_x_mm = numbers[9];
    out->spacing_y_mm = numbers[10];
    out->thickness_mm = numbers[11];
    out->known = true;
    return KIN_OK;
}

/* *left: pixels that the region's masks may still have. */
static kin_status read_mask(const shape_message *m, size_t *left, kin_mask *out, kin_error *err)
{
    size_t pixels, at = 0;
    if (m->width < 1 || m->height < 1 || m->width > INT32_MAX || m->height > INT32_MAX ||
        !kin_mul_size(m->width, m->height, &pixels) || pixels > *left)
        return nonsense(err, "a mask of an impossible size");
    *left -= pixels;
    kin_status status = kin_mask_init(out, (int)m->width, (int)m->height, err);
    for (size_t i = 0; status == KIN_OK && i < m->n_runs; i++) {
        if (m->runs[i] > pixels - at)
            return nonsense(err, "a mask of more pixels than its size");
        if (i % 2 == 1)
            memset(out->in + at, 1, m->runs[i]);
        at += m->runs[i];
    }
    return status;
}

static kin_status read_outline(const shape_message *m, kin_shape *out, kin_error *err)
{
    size_t each = numbers_of(out->kind);
    if (m->n_points == 0 || m->n_points % each != 0 || !all_finite(m->points, m->n_points))
        return nonsense(err, "an impossible outline");
    out->points = malloc(m->n_points * sizeof *out->points); /* as many as arrived in memory */
    if (out->points == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an outline");
    memcpy(out->points, m->points, m->n_points * sizeof *out->points);
    out->count = m->n_points / each;
    return KIN_OK;
}

static kin_status read_shape(const shape_message *m, size_t *left, kin_shape *out, kin_error *err)
{
    if (m->kind > KIN_SHAPE_OUTLINE_MM)
        return nonsense(err, "a shape of no known kind");
    out->kind = (kin_shape_kind)m->kind;
    if (out->kind != KIN_SHAPE_MASK)
        return read_outline(m, out, err);
    out->of_frame = m->of_frame != 0;
    kin_status status = read_plane(m, &out->plane, err);
    return status == KIN_OK ? read_mask(m, left, &out->mask, err) : status;
}

static char *clean_text(const char *text)
{
    char clean[KIN_DECODE_TEXT_MAX];
    kin_text_clean(clean, sizeof clean, text);
    return strdup(clean);
}

static char *clean_uid(const char *text)
{
    char clean[KIN_UID_SIZE];
    kin_text_clean_uid(clean, text);
    return strdup(clean);
}

static kin_status read_texts(const lesion_message *m, kin_region *out, kin_error *err)
{
    out->sop_instance_uid = clean_uid(m->sop_instance_uid);
    out->series_instance_uid = clean_uid(m->series_instance_uid);
    out->frame_of_reference_uid = clean_uid(m->frame_of_reference_uid);
    out->label = clean_text(m->label);
    out->code = clean_text(m->code);
    out->site = clean_text(m->site);
    out->tracking_uid = clean_uid(m->tracking_uid);
    out->segmentation_uid = clean_uid(m->segmentation_uid);
    if (out->sop_instance_uid != NULL && out->series_instance_uid != NULL &&
        out->frame_of_reference_uid != NULL && out->label != NULL && out->code != NULL &&
        out->site != NULL && out->tracking_uid != NULL && out->segmentation_uid != NULL)
        return KIN_OK;
    return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
}

kin_status kin_region_of_wire(const lesion_message *message, size_t most_pixels, kin_region *out,
                              kin_error *err)
{
    *out = (kin_region){
        .frame = message->frame, .number = message->number, .segment = message->segment};
    kin_status status = read_texts(message, out, err);
    if (status == KIN_OK && message->n_shapes > 0) {
        out->shapes = calloc(message->n_shapes, sizeof *out->shapes);
        if (out->shapes == NULL)
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    }
    for (size_t i = 0; status == KIN_OK && i < message->n_shapes; i++) {
        out->shape_count++; /* what is half made is released, too */
        status = read_shape(message->shapes[i], &most_pixels, &out->shapes[i], err);
    }
    if (status != KIN_OK)
        kin_region_release(out);
    return status;
}
