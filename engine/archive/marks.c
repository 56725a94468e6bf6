#include "archive/marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum { FIRST_REGIONS = 16 };

static const char *text(const char *field)
{
    return field != NULL ? field : "";
}

kin_status kin_marks_add(kin_marks *marks, kin_region *region, kin_error *err)
{
    if (marks->count == marks->capacity) {
        size_t capacity = marks->capacity > 0 ? marks->capacity * 2 : FIRST_REGIONS;
        kin_region *larger = reallocarray(marks->regions, capacity, sizeof *larger);
        if (larger == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu regions", capacity);
        marks->regions = larger;
        marks->capacity = capacity;
    }
    marks->regions[marks->count++] = *region;
    memset(region, 0, sizeof *region);
    return KIN_OK;
}

static int compare_images(const kin_region *a, const kin_region *b)
{
    int order = strcmp(text(a->sop_instance_uid), text(b->sop_instance_uid));
    if (order != 0 || text(a->sop_instance_uid)[0] != '\0')
        return order;
    order = strcmp(text(a->series_instance_uid), text(b->series_instance_uid));
    if (order != 0 || text(a->series_instance_uid)[0] != '\0')
        return order;
    return strcmp(text(a->frame_of_reference_uid), text(b->frame_of_reference_uid));
}

bool kin_marks_same_image(const kin_region *a, const kin_region *b)
{
    return compare_images(a, b) == 0;
}

static int compare_regions(const void *left, const void *right)
{
    const kin_region *a = left, *b = right;
    int order = compare_images(a, b);
    if (order != 0)
        return order;
    if (a->frame != b->frame)
        return a->frame < b->frame ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Moves the shapes of `from` behind those of `to`; `from` stays to be released. */
static kin_status join(kin_region *to, kin_region *from, kin_error *err)
{
    size_t count;
    if (from->shape_count == 0)
        return KIN_OK;
    kin_shape *shapes = kin_add_size(to->shape_count, from->shape_count, &count)
                            ? reallocarray(to->shapes, count, sizeof *shapes)
                            : NULL;
    if (shapes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region's shapes");
    memcpy(shapes + to->shape_count, from->shapes, from->shape_count * sizeof *shapes);
    to->shapes = shapes;
    to->shape_count = count;
    from->shape_count = 0;
    return KIN_OK;
}

kin_status kin_marks_merge(kin_marks *marks, kin_error *err)
{
    size_t kept = 0;
    kin_status status = KIN_OK;
    if (marks->count > 1)
        qsort(marks->regions, marks->count, sizeof *marks->regions, compare_regions);
    for (size_t i = 0; i < marks->count; i++) {
        kin_region *region = &marks->regions[i];
        if (status == KIN_OK && kept > 0 &&
            compare_regions(&marks->regions[kept - 1], region) == 0) {
            status = join(&marks->regions[kept - 1], region, err);
            kin_region_release(region);
            continue;
        }
        if (kept != i) {
            marks->regions[kept] = *region;
            memset(region, 0, sizeof *region);
        }
        kept++;
    }
    marks->count = kept;
    return status;
}

void kin_marks_release(kin_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++)
        kin_region_release(&marks->regions[i]);
    free(marks->regions);
    memset(marks, 0, sizeof *marks);
}

/* --- records --- */

static kin_status set_number(kin_record *record, const char *name, uint64_t number, kin_error *err)
{
    char value[24];
    snprintf(value, sizeof value, "%" PRIu64, number);
    return kin_record_set_label(record, name, value, err);
}

static kin_status describe(kin_record *record, const kin_region *region,
                           const kin_decode_marked *marked, const kin_marking *marking,
                           kin_error *err)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {KIN_LABEL_REGION_LABEL, text(region->label)},
        {KIN_LABEL_REGION_CODE, text(region->code)},
        {KIN_LABEL_REGION_SITE, text(region->site)},
        {KIN_LABEL_REGION_TRACKING, text(region->tracking_uid)},
        {KIN_LABEL_REGION_SOURCE, marking->source},
        {KIN_LABEL_REGION_FILE, marking->file},
    };
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {KIN_LABEL_REGION_NUMBER, region->number}, {KIN_LABEL_REGION_X, marked->x},
        {KIN_LABEL_REGION_Y, marked->y},           {KIN_LABEL_REGION_WIDTH, marked->width},
        {KIN_LABEL_REGION_HEIGHT, marked->height}, {KIN_LABEL_REGION_AREA, marked->area},
    };
    kin_status status = KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < sizeof texts / sizeof texts[0]; i++)
        status = kin_record_set_label(record, texts[i].name, texts[i].value, err);
    for (size_t i = 0; status == KIN_OK && i < sizeof numbers / sizeof numbers[0]; i++)
        status = set_number(record, numbers[i].name, numbers[i].value, err);
    return status;
}

kin_status kin_marked_item(const char *sop_instance_uid, uint32_t frame, const kin_region *region,
                           const kin_decode_marked *marked, size_t length,
                           const kin_marking *marking, kin_item *item, kin_error *err)
{
    size_t bytes = length * sizeof *item->descriptor;
    kin_status status = kin_record_init(&item->record, err);
    if (status == KIN_OK)
        status = kin_record_set(&item->record.sop_instance_uid, sop_instance_uid, err);
    if (status == KIN_OK)
        status = describe(&item->record, region, marked, marking, err);
    if (status != KIN_OK)
        return status;
    item->descriptor = malloc(bytes);
    if (item->descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a descriptor");
    memcpy(item->descriptor, marked->descriptor, bytes);
    item->record.frame = frame;
    item->record.content = kin_digest_of(marked->descriptor, bytes);
    return KIN_OK;
}

static bool label_is(const kin_record *record, const char *name, const char *value)
{
    char scratch[KIN_RECORD_SCRATCH];
    const char *has = kin_record_value(record, name, scratch);
    return has != NULL && strcmp(has, value) == 0;
}

bool kin_marks_is_stored(const kin_region *region, const kin_marking *marking,
                         const kin_record *records, size_t count)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, region->number);
    for (size_t i = 0; i < count; i++)
        if (records[i].region > 0 &&
            (region->frame == KIN_REGION_ANY_FRAME || records[i].frame == region->frame) &&
            label_is(&records[i], KIN_LABEL_REGION_SOURCE, marking->source) &&
            label_is(&records[i], KIN_LABEL_REGION_FILE, marking->file) &&
            label_is(&records[i], KIN_LABEL_REGION_NUMBER, number))
            return true;
    return false;
}
