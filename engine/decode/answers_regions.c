/* answers_regions.c - regions in a worker's answers, checked as words of a stranger. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/answers.h"
#include "decode/region_wire.h"
#include "dicom/annotations.h"

static kin_status nonsense(kin_error *err, const char *what)
{
    return kin_answers_nonsense(err, what);
}

/* Why a region cannot come now (NULL: it can). */
static const char *fault_of_lesion(const kin_answers *answers,
                                   const Kindred__Worker__V1__Lesion *lesion)
{
    if (!answers->has_header)
        return "a region without a header";
    if (answers->is_annotation)
        return answers->regions_seen < KIN_ANNOTATION_REGIONS_MAX ? NULL : "too many regions";
    if (!answers->wish.as_mask)
        return "a region that nobody asked for";
    if (answers->regions_seen >= (size_t)answers->frames)
        return "more masks than it announced";
    if (lesion->frame != (uint32_t)answers->first + answers->regions_seen)
        return "masks out of order";
    if (lesion->n_shapes != 1 || lesion->shapes[0]->kind != KIN_SHAPE_MASK)
        return "a mask of another kind";
    return NULL;
}

kin_status kin_answers_lesion(kin_answers *answers, const Kindred__Worker__V1__Lesion *lesion,
                              kin_error *err)
{
    kin_error reason;
    kin_region region;
    kin_error_clear(&reason);
    const char *fault = fault_of_lesion(answers, lesion);
    if (fault != NULL)
        return nonsense(err, fault);
    kin_status status = kin_region_of_wire(lesion, answers->mask_pixels, &region, &reason);
    if (status == KIN_E_FORMAT)
        return nonsense(err, reason.message);
    if (status != KIN_OK)
        return kin_fail(err, status, NULL, "%s", reason.message);
    answers->regions_seen++;
    if (answers->sink->region != NULL)
        status = answers->sink->region(answers->sink->ctx, &region, err);
    answers->sink_failed = status != KIN_OK;
    kin_region_release(&region);
    return status;
}

static bool all_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Why this cannot have been marked on the next frame (NULL: it can).  That it lies within the frame
 * is seen when that has come, and so is whether it is the region's. */
static const char *fault_of_marked(const kin_answers *answers,
                                   const Kindred__Worker__V1__Marked *marked)
{
    const kin_decode_wish *wish = &answers->wish;
    if (!answers->has_header || answers->frames_seen >= answers->frames)
        return "a mark without a frame";
    if (marked->index >= wish->region_count ||
        (answers->marked_count > 0 &&
         marked->index <= answers->marked[answers->marked_count - 1].index))
        return "a mark that nobody asked for";
    if (marked->width < 1 || marked->height < 1 || marked->area < 1 ||
        marked->area > (uint64_t)marked->width * marked->height)
        return "a mark of an impossible size";
    if (marked->n_descriptor != answers->length ||
        !all_finite(marked->descriptor, marked->n_descriptor))
        return "a mark's impossible descriptor";
    return NULL;
}

static bool make_room(kin_answers *answers)
{
    if (answers->marked_count < answers->marked_room)
        return true;
    size_t room = answers->marked_room > 0 ? 2 * answers->marked_room : 8;
    kin_decode_marked *list = realloc(answers->marked, room * sizeof *list);
    if (list == NULL)
        return false;
    answers->marked = list;
    answers->marked_room = room;
    return true;
}

kin_status kin_answers_marked(kin_answers *answers, const Kindred__Worker__V1__Marked *marked,
                              kin_error *err)
{
    const char *fault = fault_of_marked(answers, marked);
    if (fault != NULL)
        return nonsense(err, fault);
    float *descriptor = make_room(answers) ? malloc(answers->length * sizeof *descriptor) : NULL;
    if (descriptor == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    memcpy(descriptor, marked->descriptor, answers->length * sizeof *descriptor);
    answers->marked[answers->marked_count++] =
        (kin_decode_marked){.index = marked->index,
                            .number = answers->wish.regions[marked->index].number,
                            .x = marked->x,
                            .y = marked->y,
                            .width = marked->width,
                            .height = marked->height,
                            .area = marked->area,
                            .descriptor = descriptor};
    return KIN_OK;
}

const char *kin_answers_marked_fault(const kin_answers *answers,
                                     const Kindred__Worker__V1__Frame *frame)
{
    if (answers->wish.marked_only && answers->marked_count == 0)
        return "a frame that nothing is on";
    for (size_t i = 0; i < answers->marked_count; i++) {
        const kin_decode_marked *m = &answers->marked[i];
        uint32_t wanted = answers->wish.regions[m->index].frame;
        if (wanted != frame->index && wanted != KIN_REGION_ANY_FRAME)
            return "a mark on another frame";
        if ((uint64_t)m->x + m->width > frame->width || (uint64_t)m->y + m->height > frame->height)
            return "a mark outside its frame";
    }
    return NULL;
}

void kin_answers_forget_marked(kin_answers *answers)
{
    for (size_t i = 0; i < answers->marked_count; i++)
        free((void *)(uintptr_t)answers->marked[i].descriptor);
    answers->marked_count = 0;
}

void kin_answers_release(kin_answers *answers)
{
    kin_answers_forget_marked(answers);
    free(answers->marked);
    answers->marked = NULL;
    answers->marked_room = 0;
}
