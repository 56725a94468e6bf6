#include "archive/manifest_regions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/file_digest.h"

static const char ROI[] = "roi", MASK[] = "mask", LABEL[] = "roi_label";

enum { SIDE_MAX = 10000000, CORNERS = 4, VALUES = 4, IDENTITY_PARTS = 3 };

/* What a row says, "" where it says nothing. */
struct row {
    const char *roi, *mask, *labels;
};

bool kin_manifest_marks(const char *column)
{
    return strcmp(column, ROI) == 0 || strcmp(column, MASK) == 0 || strcmp(column, LABEL) == 0;
}

static const char *column_value(const kin_source *source, const char *name)
{
    for (size_t i = 0; i < source->field_count; i++)
        if (strcmp(source->fields[i].name, name) == 0)
            return source->fields[i].value;
    if (source->manifest == NULL)
        return "";
    int column = kin_manifest_find_column(source->manifest, name);
    long row = column >= 0 ? kin_manifest_find_path(source->manifest, source->name) : -1;
    return row >= 0 ? kin_manifest_value_borrow(source->manifest, (size_t)row, (size_t)column) : "";
}

/* The number-th (from 0) of values divided by ";", without the spaces around it; *length. */
static const char *nth(const char *list, size_t number, size_t *length)
{
    const char *at = list;
    for (; number > 0 && at != NULL; number--) {
        at = strchr(at, ';');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL) {
        *length = 0;
        return "";
    }
    at += strspn(at, " ");
    *length = strcspn(at, ";");
    while (*length > 0 && at[*length - 1] == ' ')
        --*length;
    return at;
}

/* A region of the number, with its label. */
static kin_status begin_region(const struct row *row, size_t number, kin_region *out,
                               kin_error *err)
{
    size_t length;
    const char *label = nth(row->labels, number, &length);
    *out = (kin_region){.number = (uint32_t)number + 1, .frame = KIN_REGION_ANY_FRAME};
    out->label = strndup(label, length);
    return out->label != NULL ? KIN_OK : kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a label");
}

/* "x,y,w,h" at text, of `length` bytes. */
static bool parse_roi(const char *text, size_t length, double box[VALUES])
{
    const char *end = text + length;
    for (size_t i = 0; i < VALUES; i++) {
        char *behind;
        text += strspn(text, " ");
        if (text >= end || *text < '0' || *text > '9')
            return false;
        unsigned long value = strtoul(text, &behind, 10);
        while (behind < end && *behind == ' ')
            behind++;
        if (value > SIDE_MAX || (i >= 2 && value == 0) || behind > end)
            return false;
        box[i] = (double)value;
        if (i + 1 < VALUES ? behind == end || *behind != ',' : behind != end)
            return false;
        text = behind + 1;
    }
    return true;
}

static kin_status add_box(const struct row *row, size_t number, const double box[VALUES],
                          kin_marks *marks, kin_error *err)
{
    kin_region region;
    double right = box[0] + box[2], bottom = box[1] + box[3];
    const double corners[2 * CORNERS] = {box[0], box[1], right,  box[1],
                                         right,  bottom, box[0], bottom};
    kin_status status = begin_region(row, number, &region, err);
    if (status != KIN_OK)
        return status;
    region.shapes = calloc(1, sizeof *region.shapes);
    double *points = malloc(sizeof corners);
    if (region.shapes == NULL || points == NULL) {
        free(points);
        kin_region_release(&region);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    }
    memcpy(points, corners, sizeof corners);
    region.shape_count = 1;
    region.shapes[0] = (kin_shape){.kind = KIN_SHAPE_OUTLINE, .points = points, .count = CORNERS};
    status = kin_marks_add(marks, &region, err);
    kin_region_release(&region);
    return status;
}

static kin_status read_rois(const struct row *row, kin_marks *marks, kin_error *err)
{
    kin_status status = KIN_OK;
    for (size_t number = 0; status == KIN_OK; number++) {
        size_t length;
        double box[VALUES];
        const char *roi = nth(row->roi, number, &length);
        if (length == 0 && roi[0] == '\0') /* none, or a ";" at the end */
            break;
        if (number >= KIN_MANIFEST_ROIS_MAX)
            return kin_fail(err, KIN_E_LIMIT, NULL, "roi: more than %d", KIN_MANIFEST_ROIS_MAX);
        if (!parse_roi(roi, length, box))
            return kin_fail(err, KIN_E_FORMAT, NULL,
                            "roi: \"%.*s\" is not x,y,width,height in pixels",
                            (int)(length < 64 ? length : 64), roi);
        status = add_box(row, number, box, marks, err);
    }
    return status;
}

/* --- masks --- */

struct mask_reading {
    const struct row *row;
    size_t number; /* of the region that the mask is */
    uint32_t page;
    kin_marks *marks;
};

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)ctx;
    (void)frame;
    return kin_fail(err, KIN_E_INTERNAL, NULL, "a mask came as a picture");
}

static kin_status on_mask(void *ctx, kin_region *mask, kin_error *err)
{
    struct mask_reading *reading = ctx;
    kin_region region;
    kin_status status = begin_region(reading->row, reading->number, &region, err);
    if (status != KIN_OK)
        return status;
    region.frame = reading->page++;
    region.shapes = mask->shapes;
    region.shape_count = mask->shape_count;
    mask->shapes = NULL;
    mask->shape_count = 0;
    kin_region_release(mask);
    status = kin_marks_add(reading->marks, &region, err);
    kin_region_release(&region);
    return status;
}

static kin_status read_mask(const kin_source *source, kin_decoder *decoder, const struct row *row,
                            kin_marks *marks, kin_digest *digest, kin_error *err)
{
    char path[PATH_MAX];
    kin_error why;
    struct mask_reading reading = {.row = row, .number = marks->count, .marks = marks};
    const kin_decode_sink sink = {
        .header = on_header, .frame = on_frame, .region = on_mask, .ctx = &reading};
    const kin_decode_wish wish = {.as_mask = true};
    kin_error_clear(&why);
    kin_status status = kin_manifest_resolve(source->manifest, row->mask, path, &why);
    if (status == KIN_OK)
        status = kin_file_digest(path, digest, &why);
    if (status == KIN_OK)
        status = kin_decoder_run(decoder, path, &wish, &sink, &why);
    if (status == KIN_E_NO_IMAGE) /* a mask that is none is no reason to pass the image over */
        status = KIN_E_FORMAT;
    return status == KIN_OK
               ? KIN_OK
               : kin_fail(err, status, NULL, "mask %.100s: %.120s", row->mask, why.message);
}

/* --- both --- */

/* Which version of the marks it is: by what is said, and the mask's bytes. */
static kin_status identify(const struct row *row, kin_digest mask, kin_digest image,
                           kin_marking *marking, kin_error *err)
{
    char *text = NULL;
    int length = asprintf(&text, "%s\n%s\n%016" PRIx64 "%016" PRIx64, row->roi, row->labels,
                          mask.high, mask.low);
    if (length < 0)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for an image's regions");
    kin_digest digest = kin_digest_of(text, (size_t)length);
    free(text);
    snprintf(marking->file, sizeof marking->file, "%016" PRIx64 "%016" PRIx64, digest.high,
             digest.low);
    kin_uid_from_digest(image, "regions", marking->source);
    return KIN_OK;
}

kin_status kin_manifest_regions(const kin_source *source, kin_decoder *decoder, kin_digest file,
                                kin_marks *marks, kin_marking **marking, kin_error *err)
{
    struct row row = {column_value(source, ROI), column_value(source, MASK),
                      column_value(source, LABEL)};
    kin_digest mask = {0};
    bool travelled = row.mask[0] != '\0' && source->manifest == NULL;
    *marking = NULL;
    if (travelled)
        row.mask = "";
    if (row.roi[0] == '\0' && row.mask[0] == '\0' && !travelled)
        return KIN_OK;
    kin_status status = read_rois(&row, marks, err);
    if (status == KIN_OK && row.mask[0] != '\0')
        status = read_mask(source, decoder, &row, marks, &mask, err);
    if (status == KIN_OK)
        status = kin_marking_new(marking, err);
    if (status == KIN_OK)
        status = identify(&row, mask, file, *marking, err);
    if (status == KIN_OK && travelled)
        snprintf((*marking)->trouble, sizeof(*marking)->trouble,
                 "its mask is left out: masks do not travel to a server, roi does");
    return status;
}
