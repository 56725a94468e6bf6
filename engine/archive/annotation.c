#include "archive/annotation.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/file_digest.h"
#include "archive/marks.h"
#include "archive/regions.h"

/* One annotation under way. */
struct work {
    const kin_annotation *annotation;
    const kin_receiver *receiver;
    kin_digest digest;
    kin_marks marks;
    kin_marking *marking;
    bool shut; /* the receiver takes no more */
};

/* One stored image and the regions that are for it. */
struct image {
    struct work *work;
    const kin_record *records; /* of its UID: whole frames and regions */
    size_t record_count;
    const kin_region *regions; /* wished for */
    kin_instance instance;     /* found so far */
    uint64_t found;
};

/* --- the annotation's own file --- */

static kin_status on_annotation_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    struct work *work = ctx;
    char *source = work->marking->source;
    if (header->frames != 0)
        return kin_fail(err, KIN_E_FORMAT, work->annotation->source->name,
                        "an image came where an annotation had been");
    if (header->sop_instance_uid[0] != '\0')
        snprintf(source, sizeof work->marking->source, "%s", header->sop_instance_uid);
    else
        kin_uid_from_digest(work->digest, "instance", source);
    return KIN_OK;
}

static kin_status on_annotation_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    const struct work *work = ctx;
    (void)frame;
    return kin_fail(err, KIN_E_INTERNAL, work->annotation->source->name,
                    "an annotation has no frames");
}

static kin_status on_annotation_region(void *ctx, kin_region *region, kin_error *err)
{
    struct work *work = ctx;
    if (region->shape_count == 0) {
        work->marking->elsewhere +=
            region->segmentation_uid != NULL && region->segmentation_uid[0] != '\0';
        return KIN_OK;
    }
    return kin_marks_add(&work->marks, region, err);
}

static kin_status read_annotation(struct work *work, kin_error *err)
{
    const kin_source *source = work->annotation->source;
    const kin_decode_sink sink = {.header = on_annotation_header,
                                  .frame = on_annotation_frame,
                                  .region = on_annotation_region,
                                  .ctx = work};
    const kin_decode_wish wish = {.annotations = true};
    kin_status status = source->uploaded
                            ? kin_file_digest_fd(source->fd, source->name, &work->digest, err)
                            : kin_file_digest(source->name, &work->digest, err);
    if (status != KIN_OK)
        return status;
    snprintf(work->marking->file, sizeof work->marking->file, "%016" PRIx64 "%016" PRIx64,
             work->digest.high, work->digest.low);
    work->marking->annotation = true;
    status = source->uploaded
                 ? kin_decoder_run_fd(work->annotation->decoder, source->fd, source->name, &wish,
                                      &sink, err)
                 : kin_decoder_run(work->annotation->decoder, source->name, &wish, &sink, err);
    return status == KIN_OK ? kin_marks_merge(&work->marks, err) : status;
}

/* --- arrivals --- */

static void give(struct work *work, kin_instance *instance, bool last, kin_status status,
                 const char *reason)
{
    const kin_part part = {.name = work->annotation->source->name,
                           .instance = instance,
                           .last = last,
                           .status = status,
                           .reason = reason,
                           .marking = work->marking,
                           .floats =
                               kin_archive_features_borrow(work->annotation->archive)->length};
    if (!work->shut && !kin_part_give(&part, work->receiver))
        work->shut = true;
}

/* --- one image --- */

kin_status kin_open_stored(void *ctx, const kin_record *image, int *fd, kin_error *err)
{
    kin_digest digest;
    (void)ctx;
    if (image->uploaded)
        return kin_fail(err, KIN_E_NOT_FOUND, image->sop_instance_uid,
                        "its file came over the network and was not kept: send it along, in one "
                        "stream with what marks it");
    *fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return kin_fail_errno(err, image->path, "its file cannot be opened");
    kin_status status = kin_file_digest_fd(*fd, image->path, &digest, err);
    if (status == KIN_OK && !kin_digest_equal(digest, image->file))
        status = kin_fail(err, KIN_E_NOT_FOUND, image->path,
                          "its file has changed since it was stored: ingest it again");
    if (status != KIN_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

static const kin_record *whole_frame(const struct image *image, uint32_t frame)
{
    for (size_t i = 0; i < image->record_count; i++)
        if (image->records[i].region == 0 && image->records[i].frame == frame)
            return &image->records[i];
    return NULL;
}

static kin_status on_image_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

static kin_item *next_item(struct image *image, kin_error *err)
{
    kin_instance *instance = &image->instance;
    if (instance->count == KIN_PUT_INSTANCE_MAX)
        give(image->work, instance, false, KIN_OK, "");
    if (image->work->shut) {
        kin_fail(err, KIN_E_CANCELLED, NULL, "the ingest was stopped");
        return NULL;
    }
    instance->regions = true;
    kin_item *larger = reallocarray(instance->items, instance->count + 1, sizeof *instance->items);
    if (larger == NULL) {
        kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
        return NULL;
    }
    instance->items = larger;
    memset(&larger[instance->count], 0, sizeof *larger);
    return &larger[instance->count++];
}

static kin_status on_image_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    struct image *image = ctx;
    kin_status status = KIN_OK;
    if (whole_frame(image, frame->index) == NULL)
        return KIN_OK;
    for (size_t i = 0; status == KIN_OK && i < frame->region_count; i++) {
        const kin_decode_marked *marked = &frame->regions[i];
        kin_item *item = next_item(image, err);
        if (item == NULL)
            return err != NULL && err->code == KIN_E_CANCELLED ? KIN_E_CANCELLED : KIN_E_NOMEM;
        status = kin_marked_item(image->records[0].sop_instance_uid, frame->index,
                                 &image->regions[marked->index], marked, frame->length,
                                 image->work->marking, item, err);
        image->found++;
    }
    return status;
}

/* The one frame that all of the regions are for, or KIN_REGION_ANY_FRAME. */
static uint32_t common_frame(const kin_region *regions, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (regions[i].frame != regions[0].frame)
            return KIN_REGION_ANY_FRAME;
    return regions[0].frame;
}

/* Decodes the image's file with at most KIN_DECODE_REGIONS_MAX regions. */
static kin_status decode_with(struct image *image, int fd, const kin_region *regions, size_t count,
                              kin_error *err)
{
    const kin_decode_sink sink = {.header = on_image_header, .frame = on_image_frame, .ctx = image};
    uint32_t frame = common_frame(regions, count);
    const kin_decode_wish wish = {.regions = regions,
                                  .region_count = count,
                                  .marked_only = true,
                                  .one_frame = frame != KIN_REGION_ANY_FRAME,
                                  .frame = frame != KIN_REGION_ANY_FRAME ? frame : 0};
    image->regions = regions;
    return kin_decoder_run_fd(image->work->annotation->decoder, fd, image->records[0].path, &wish,
                              &sink, err);
}

/* A failure of one image's is told of the annotation; going on makes no sense after these alone. */
static bool ends_all(kin_status status)
{
    return status == KIN_E_CANCELLED || status == KIN_E_NOMEM;
}

static kin_status describe_image(struct image *image, const kin_region *regions, size_t count,
                                 kin_error *err)
{
    struct work *work = image->work;
    const kin_annotation *annotation = work->annotation;
    kin_open_image *open_image = annotation->open != NULL ? annotation->open : kin_open_stored;
    kin_error why;
    int fd = -1;
    kin_error_clear(&why);
    kin_status status = open_image(annotation->open_ctx, &image->records[0], &fd, &why);
    for (size_t from = 0; status == KIN_OK && from < count; from += KIN_DECODE_REGIONS_MAX) {
        size_t some = count - from;
        if (some > KIN_DECODE_REGIONS_MAX)
            some = KIN_DECODE_REGIONS_MAX;
        status = decode_with(image, fd, regions + from, some, &why);
    }
    if (fd >= 0)
        close(fd);
    if (status == KIN_OK && image->instance.count > 0)
        give(work, &image->instance, false, KIN_OK, "");
    kin_instance_release(&image->instance);
    if (ends_all(status))
        return kin_fail(err, status, NULL, "%s", why.message);
    if (status != KIN_OK && work->marking->unreadable++ == 0)
        snprintf(work->marking->trouble, sizeof work->marking->trouble, "%s", why.message);
    if (status == KIN_OK)
        work->marking->regions += image->found;
    return work->shut ? kin_fail(err, KIN_E_CANCELLED, NULL, "the ingest was stopped") : KIN_OK;
}

/* Whole records first: the first of them names the file. */
static int compare_records(const void *a, const void *b)
{
    const kin_record *x = a, *y = b;
    return (x->region > y->region) - (x->region < y->region);
}

/* Puts regions [from, to) of the marks, all for the image of that UID; *stored: whether it is. */
static kin_status mark_image(struct work *work, const char *uid, size_t from, size_t to,
                             bool *stored, kin_error *err)
{
    const kin_region *regions = work->marks.regions + from;
    size_t count = to - from, known = 0, record_count = 0;
    kin_record *records = NULL;
    kin_status status =
        kin_regions_load(work->annotation->archive, uid, &records, &record_count, err);
    *stored = status == KIN_OK && record_count > 0;
    if (!*stored) {
        kin_records_free(records, record_count);
        return status;
    }
    qsort(records, record_count, sizeof *records, compare_records);
    struct image image = {.work = work, .records = records, .record_count = record_count};
    while (known < count &&
           kin_marks_is_stored(&regions[known], work->marking, records, record_count))
        known++;
    work->marking->stored++;
    if (known == count)
        work->marking->regions += count;
    else
        status = describe_image(&image, regions, count, err);
    kin_records_free(records, record_count);
    return status;
}

/* --- all images --- */

/* The regions name no image: every one of the series, or of the frame of reference, may have them. */
static kin_status mark_others(struct work *work, size_t from, size_t to, kin_error *err)
{
    const kin_region *region = &work->marks.regions[from];
    const char *series = region->series_instance_uid, *reference = region->frame_of_reference_uid;
    bool by_series = series != NULL && series[0] != '\0', stored;
    char **uids = NULL;
    size_t count = 0;
    kin_status status = kin_regions_instances(
        work->annotation->archive, by_series ? "series_instance_uid" : "frame_of_reference_uid",
        by_series           ? series
        : reference != NULL ? reference
                            : "",
        &uids, &count, err);
    for (size_t i = 0; status == KIN_OK && i < count; i++)
        status = mark_image(work, uids[i], from, to, &stored, err);
    work->marking->images += count > 0 ? count : 1;
    for (size_t i = 0; i < count; i++)
        free(uids[i]);
    free(uids);
    return status;
}

static kin_status mark_all(struct work *work, kin_error *err)
{
    const kin_marks *marks = &work->marks;
    kin_status status = KIN_OK;
    for (size_t from = 0, to; status == KIN_OK && from < marks->count; from = to) {
        const char *uid = marks->regions[from].sop_instance_uid;
        bool stored;
        for (to = from + 1;
             to < marks->count && kin_marks_same_image(&marks->regions[from], &marks->regions[to]);)
            to++;
        if (uid == NULL || uid[0] == '\0') {
            status = mark_others(work, from, to, err);
            continue;
        }
        work->marking->images++;
        status = mark_image(work, uid, from, to, &stored, err);
    }
    return status;
}

bool kin_annotation_prepare(const kin_annotation *annotation, const kin_receiver *receiver)
{
    struct work work = {.annotation = annotation, .receiver = receiver};
    kin_instance none = {0};
    kin_error err;
    kin_error_clear(&err);
    kin_status status = kin_marking_new(&work.marking, &err);
    if (status != KIN_OK)
        return false;
    status = read_annotation(&work, &err);
    if (status == KIN_OK && annotation->claims != NULL &&
        !kin_claims_take(annotation->claims, work.marking->source))
        status = kin_fail(&err, KIN_E_CANCELLED, NULL, "the ingest was stopped");
    if (status == KIN_OK)
        status = mark_all(&work, &err);
    give(&work, &none, true, status, err.message);
    kin_marks_release(&work.marks);
    kin_marking_free(work.marking);
    return !work.shut;
}
