#include "rpc/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/utf8.h"

/*
 * What a message may take while and after it is unpacked.  The worst that an honest one needs is
 * some 140 bytes for a label of 20: the structure, its place in the array, both strings, and the
 * list of scanned members that protobuf-c keeps meanwhile.  An empty sub-message takes 2 bytes and
 * unpacks to more than 60.
 */
enum {
    BUDGET_FACTOR = 8,
    BUDGET_SLACK = 256 * 1024,
    /* What it may ask for altogether, given back or not, in budgets: protobuf-c merges a sub-message
     * that comes twice by copying its lists, and one that comes a million times by copying them a
     * million times.  Honest messages ask for little more than one budget. */
    WORK_FACTOR = 4,
    DEPTH_MAX = 32, /* of messages in messages */
    PATH_SHOWN = 160
};

/* Stands before each piece of memory, so that giving it back needs no list. */
typedef union kin_piece {
    size_t size; /* that was asked for */
    max_align_t align;
} kin_piece;

struct budget {
    size_t left, work_left;
    bool spent, memory_gone;
};

static void *budget_alloc(void *data, size_t size)
{
    struct budget *budget = data;
    size_t total;
    if (size > budget->left || size > budget->work_left ||
        !kin_add_size(size, sizeof(kin_piece), &total)) {
        budget->spent = true;
        return NULL;
    }
    kin_piece *piece = malloc(total);
    if (piece == NULL) {
        budget->memory_gone = true;
        return NULL;
    }
    budget->left -= size;
    budget->work_left -= size;
    piece->size = size;
    return piece + 1;
}

static void budget_free(void *data, void *pointer)
{
    struct budget *budget = data;
    if (pointer == NULL)
        return;
    kin_piece *piece = (kin_piece *)pointer - 1;
    if (budget != NULL)
        budget->left += piece->size;
    free(piece);
}

/* The way to a field, for the error's sake. */
struct place {
    const struct place *above;
    const char *name;
    size_t depth;
};

static void place_name(const struct place *place, char *out, size_t size)
{
    const char *names[DEPTH_MAX];
    size_t count = 0, used = 0;
    for (; place->above != NULL && count < DEPTH_MAX; place = place->above)
        names[count++] = place->name;
    out[0] = '\0';
    while (count-- > 0 && used < size) {
        int wrote = snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "", names[count]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static kin_status check_text(const char *text, const struct place *place, kin_error *err)
{
    if (text == NULL || text == protobuf_c_empty_string)
        return KIN_OK;
    /* protobuf-c gives each text its own memory, one byte longer than what was sent. */
    bool whole = strlen(text) + 1 == ((const kin_piece *)(const void *)text - 1)->size;
    if (whole && kin_utf8_is_valid(text))
        return KIN_OK;
    char name[PATH_SHOWN];
    place_name(place, name, sizeof name);
    return kin_fail(err, KIN_E_FORMAT, NULL, "%s is not UTF-8%s", name,
                    whole ? "" : " without zero bytes");
}

static kin_status check_message(const ProtobufCMessage *message, const struct place *place,
                                kin_error *err);

static kin_status check_one(const ProtobufCFieldDescriptor *field, const void *value,
                            const struct place *place, kin_error *err)
{
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return check_text(value, place, err);
    return value != NULL ? check_message(value, place, err) : KIN_OK;
}

static kin_status check_field(const ProtobufCMessage *message,
                              const ProtobufCFieldDescriptor *field, const struct place *above,
                              kin_error *err)
{
    if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
        return KIN_OK;
    const struct place place = {above, field->name, above->depth + 1};
    const char *base = (const char *)message;
    const void *member = base + field->offset, *quantifier = base + field->quantifier_offset;
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        uint32_t chosen;
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            memcpy(&chosen, quantifier, sizeof chosen);
            if (chosen != field->id)
                return KIN_OK;
        }
        return check_one(field, *(void *const *)member, &place, err);
    }
    size_t count = *(const size_t *)quantifier;
    void *const *items = *(void *const *const *)member;
    kin_status status = KIN_OK;
    for (size_t i = 0; i < count && status == KIN_OK; i++)
        status = check_one(field, items[i], &place, err);
    return status;
}

/* proto3 demands UTF-8 of its texts; protobuf-c does not look. */
static kin_status check_message(const ProtobufCMessage *message, const struct place *place,
                                kin_error *err)
{
    if (place->depth >= DEPTH_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "messages are nested too deeply");
    const ProtobufCMessageDescriptor *kind = message->descriptor;
    kin_status status = KIN_OK;
    for (unsigned i = 0; i < kind->n_fields && status == KIN_OK; i++)
        status = check_field(message, &kind->fields[i], place, err);
    return status;
}

kin_status kin_rpc_message_unpack(const ProtobufCMessageDescriptor *kind, const void *bytes,
                                  size_t size, ProtobufCMessage **out, kin_error *err)
{
    *out = NULL;
    struct budget budget = {0};
    if (!kin_mul_size(size, BUDGET_FACTOR, &budget.left) ||
        !kin_add_size(budget.left, BUDGET_SLACK, &budget.left) ||
        !kin_mul_size(budget.left, WORK_FACTOR, &budget.work_left))
        return kin_fail(err, KIN_E_LIMIT, NULL, "a message of %zu bytes is too long", size);
    ProtobufCAllocator allocator = {
        .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    ProtobufCMessage *message = protobuf_c_message_unpack(kind, &allocator, size, bytes);
    if (message == NULL && budget.memory_gone)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a message of %zu bytes", size);
    if (message == NULL && budget.spent)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a message of %zu bytes would take too much memory",
                        size);
    if (message == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "not a message of %s", kind->name);
    kin_status status = check_message(message, &(struct place){0}, err);
    if (status != KIN_OK) {
        kin_rpc_message_free(message);
        return status;
    }
    *out = message;
    return KIN_OK;
}

void kin_rpc_message_free(ProtobufCMessage *message)
{
    ProtobufCAllocator allocator = {.alloc = budget_alloc, .free = budget_free};
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, &allocator);
}
