#include "archive/batch.h"

#include <stdlib.h>
#include <string.h>

void kin_batch_add(kin_batch *batch, kin_arrival *arrival)
{
    arrival->next = NULL;
    if (batch->last != NULL)
        batch->last->next = arrival;
    else
        batch->first = arrival;
    batch->last = arrival;
    batch->images += arrival->instance.count;
    batch->bytes += arrival->bytes;
}

void kin_batch_drop(kin_batch *batch)
{
    kin_arrivals_free(batch->first);
    memset(batch, 0, sizeof *batch);
}

kin_ingest_event kin_ingest_event_of(kin_put_outcome outcome)
{
    static const kin_ingest_event events[] = {
        [KIN_PUT_STORED] = KIN_INGEST_STORED,
        [KIN_PUT_DUPLICATE] = KIN_INGEST_DUPLICATE,
        [KIN_PUT_UPDATED] = KIN_INGEST_UPDATED,
        [KIN_PUT_REPLACED] = KIN_INGEST_REPLACED,
    };
    return events[outcome];
}

static kin_status put_singly(kin_batch *batch, kin_archive *archive, const kin_batch_sink *sink,
                             kin_error *err)
{
    for (kin_arrival *arrival = batch->first; arrival != NULL; arrival = arrival->next) {
        kin_error why;
        kin_error_clear(&why);
        kin_status status = kin_archive_put(archive, &arrival->instance, 1, &why);
        if (status != KIN_OK && status != KIN_E_LIMIT && status != KIN_E_ARG &&
            status != KIN_E_NOT_FOUND) {
            if (err != NULL)
                *err = why;
            return status;
        }
        sink->put(sink->ctx, arrival, status, why.message);
    }
    return KIN_OK;
}

static kin_status put_together(kin_batch *batch, size_t count, kin_archive *archive,
                               const kin_batch_sink *sink, kin_error *err)
{
    size_t at = 0;
    kin_instance *instances = calloc(count, sizeof *instances);
    if (instances == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to store %zu files", count);
    for (kin_arrival *arrival = batch->first; arrival != NULL; arrival = arrival->next)
        instances[at++] = arrival->instance; /* a loan: the arrivals go on owning the items */
    kin_status status = kin_archive_put(archive, instances, count, err);
    at = 0;
    for (kin_arrival *arrival = batch->first; status == KIN_OK && arrival != NULL;
         arrival = arrival->next) {
        arrival->instance.outcome = instances[at++].outcome;
        sink->put(sink->ctx, arrival, KIN_OK, "");
    }
    free(instances);
    return status;
}

kin_status kin_batch_commit(kin_batch *batch, kin_archive *archive, const kin_batch_sink *sink,
                            kin_error *err)
{
    size_t count = 0;
    for (const kin_arrival *arrival = batch->first; arrival != NULL; arrival = arrival->next)
        count++;
    if (count == 0)
        return KIN_OK;
    kin_status status = put_together(batch, count, archive, sink, err);
    if (status != KIN_OK)
        status = put_singly(batch, archive, sink, err);
    if (status == KIN_OK)
        kin_error_clear(err); /* of the batch that was refused */
    kin_batch_drop(batch);
    return status;
}
