#include "archive/marking.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "archive/batch.h"
#include "archive/put.h"

kin_status kin_marking_new(kin_marking **out, kin_error *err)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a file's regions");
    atomic_init(&(*out)->references, 1);
    (*out)->outcome = KIN_PUT_DUPLICATE;
    return KIN_OK;
}

kin_marking *kin_marking_share(kin_marking *marking)
{
    if (marking != NULL)
        atomic_fetch_add(&marking->references, 1);
    return marking;
}

void kin_marking_free(kin_marking *marking)
{
    if (marking != NULL && atomic_fetch_sub(&marking->references, 1) == 1)
        free(marking);
}

void kin_marking_note(kin_marking *marking, kin_put_outcome outcome, kin_status status,
                      const char *reason)
{
    if (status == KIN_OK) {
        marking->outcome = kin_put_outcome_of(marking->outcome, outcome);
    } else if (!marking->refused) {
        marking->refused = true;
        snprintf(marking->refusal, sizeof marking->refusal, "%s", reason);
    }
}

/* Of an annotation nothing of which could be put. */
static kin_ingest_event judge_nothing(const kin_marking *marking,
                                      char reason[KIN_ERROR_MESSAGE_MAX])
{
    if (marking->images == 0 && marking->elsewhere == 0) {
        snprintf(reason, KIN_ERROR_MESSAGE_MAX, "Annotation that marks nothing");
        return KIN_INGEST_SKIPPED;
    }
    if (marking->images == 0)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "its findings are segments of another object: that one brings the regions");
    else if (marking->stored == 0 && marking->images == 1)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX, "the image that it marks is not stored");
    else if (marking->stored == 0)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "none of the %" PRIu64 " images that it marks is stored", marking->images);
    else if (marking->unreadable > 0)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "%" PRIu64 " of the %" PRIu64 " stored images that it marks cannot be read again: "
                 "%.100s",
                 marking->unreadable, marking->stored, marking->trouble);
    else
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "what it marks lies beside the stored images, or in other planes");
    return KIN_INGEST_FAILED;
}

/* What is missing of a file of which something is stored. */
static void tell_missing(const kin_marking *marking, char reason[KIN_ERROR_MESSAGE_MAX])
{
    if (marking->unreadable > 0)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "%" PRIu64 " of the %" PRIu64 " images that it marks are stored, %" PRIu64
                 " of them cannot be read again: %.100s",
                 marking->stored, marking->images, marking->unreadable, marking->trouble);
    else if (marking->stored < marking->images)
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "%" PRIu64 " of the %" PRIu64 " images that it marks are stored", marking->stored,
                 marking->images);
    else
        snprintf(reason, KIN_ERROR_MESSAGE_MAX, "%s", marking->trouble);
}

kin_status kin_marking_finish(kin_marking *marking, kin_archive *archive, kin_ingest_event *event,
                              char reason[KIN_ERROR_MESSAGE_MAX], kin_error *err)
{
    uint64_t retired = 0, left = 0;
    reason[0] = '\0';
    if (marking->refused) {
        *event = KIN_INGEST_FAILED;
        snprintf(reason, KIN_ERROR_MESSAGE_MAX, "%s", marking->refusal);
        return KIN_OK;
    }
    if (marking->source[0] != '\0') {
        kin_status status = kin_archive_retire_regions(archive, marking->source, marking->file,
                                                       &retired, &left, err);
        if (status != KIN_OK)
            return status;
    }
    if (marking->regions > 0 && left == 0) {
        *event = KIN_INGEST_FAILED;
        snprintf(reason, KIN_ERROR_MESSAGE_MAX,
                 "another version of the object, or its images' deletion, came in between: ingest "
                 "it again");
        return KIN_OK;
    }
    if (marking->annotation && marking->regions == 0 && retired == 0) {
        *event = judge_nothing(marking, reason);
        return KIN_OK;
    }
    *event = kin_ingest_event_of(
        retired > 0 ? kin_put_outcome_of(marking->outcome, KIN_PUT_REPLACED) : marking->outcome);
    tell_missing(marking, reason);
    return KIN_OK;
}
