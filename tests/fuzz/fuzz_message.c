/*
 * Messages of every method of the service, both ways, and of health checking and reflection: made at
 * random from their descriptors, damaged, joined, laid into each other, or blown up by thousands of
 * tiny fields.  Good ones are taken; of the others, whatever is taken is UTF-8 and packs again, into
 * the same; none takes more memory than its size allows; no error shows what stood in them.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "kindred/v1/kindred.pb-c.h"
#include "mutate.h"
#include "random.h"
#include "rpc/message.h"

enum {
    ITERATIONS = 200000,
    ITEMS_MAX = 4,            /* of a repeated field */
    BLOWN_UP_IN = 64,         /* one seed of so many */
    BLOWN_UP_MAX = 96 * 1024, /* bytes */
    KINDS_MAX = 64
};

/* What message.c promises: eight times the packed size and 256 KiB.  The header that it puts before
 * each piece, and what malloc rounds up to, at most triple that: the cheapest piece is an empty text,
 * nine bytes with its place in the array, for which malloc gives 24 more. */
enum { BUDGET_FACTOR = 8, BUDGET_SLACK = 256 * 1024, WITH_OVERHEAD = 3 };

/* Stands in every text, so that an error that shows one is found out. */
static const char marker[] = "Zx9Q";

/* --- memory (the program is linked with --wrap=malloc and --wrap=free) --- */

static bool counting;
static size_t held, most_held;
void *__real_malloc(size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void __wrap_free(void *pointer);

void *__wrap_malloc(size_t size)
{
    void *out = __real_malloc(size);
    if (counting && out != NULL) {
        held += malloc_usable_size(out);
        most_held = held > most_held ? held : most_held;
    }
    return out;
}

void __wrap_free(void *pointer)
{
    if (counting)
        held -= malloc_usable_size(pointer);
    __real_free(pointer);
}

static size_t memory_bound(size_t size)
{
    return WITH_OVERHEAD * (BUDGET_FACTOR * size + BUDGET_SLACK);
}

/* --- kinds --- */

typedef const ProtobufCMessageDescriptor message_kind;

static message_kind *kinds[KINDS_MAX];
static size_t kind_count;

static void add_kind(message_kind *kind)
{
    assert_true(kind_count < KINDS_MAX);
    kinds[kind_count++] = kind;
}

static void list_kinds(void)
{
    const ProtobufCServiceDescriptor *service = &kindred__v1__kindred_service__descriptor;
    for (unsigned i = 0; i < service->n_methods; i++) {
        add_kind(service->methods[i].input);
        add_kind(service->methods[i].output);
    }
    add_kind(&grpc__health__v1__health_check_request__descriptor);
    add_kind(&grpc__health__v1__health_check_response__descriptor);
    add_kind(&grpc__reflection__v1__server_reflection_request__descriptor);
    add_kind(&grpc__reflection__v1__server_reflection_response__descriptor);
    add_kind(&grpc__reflection__v1alpha__server_reflection_request__descriptor);
    add_kind(&grpc__reflection__v1alpha__server_reflection_response__descriptor);
}

/* --- good messages, from protobuf-c's own allocator --- */

static ProtobufCMessage *random_message(uint64_t *random, message_kind *kind);

static void *obtain(size_t size)
{
    void *out = calloc(1, size > 0 ? size : 1);
    FUZZ_CHECK(out != NULL);
    return out;
}

static char *random_text(uint64_t *random)
{
    static const char *const some[] = {"",
                                       "1.2.840.10008.5.1.4.1.1.4",
                                       "modality = MR and diagnosis in (glioma, metastasis)",
                                       "gr\xC3\xB6\xC3\x9F"
                                       "er",
                                       "\xE2\x82\xAC\xF0\x9F\xA9\xBB",
                                       "\xF4\x8F\xBF\xBF\xEF\xBF\xBD"};
    char text[128];
    snprintf(text, sizeof text, "%s%s", some[random_bits(random) % 6], marker);
    char *out = strdup(text);
    FUZZ_CHECK(out != NULL);
    return out;
}

static size_t value_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        fuzz_die(__FILE__, __LINE__, "the service's messages have a new type of field: add it");
    }
}

static void random_value(uint64_t *random, const ProtobufCFieldDescriptor *field, void *out)
{
    uint64_t bits = random_bits(random) >> random_bits(random) % 64;
    size_t size = value_size(field->type);
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        *(char **)out = random_text(random);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)out = random_message(random, field->descriptor);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *bytes = out;
        bytes->len = bits % 100;
        bytes->data = bytes->len > 0 ? obtain(bytes->len) : NULL;
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        *(protobuf_c_boolean *)out = (protobuf_c_boolean)(bits % 2);
    } else if (size == 4) {
        const uint32_t half = (uint32_t)bits;
        memcpy(out, &half, size);
    } else {
        memcpy(out, &bits, size);
    }
}

static void random_field(uint64_t *random, const ProtobufCFieldDescriptor *field,
                         ProtobufCMessage *message)
{
    char *member = (char *)message + field->offset;
    char *quantifier = (char *)message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = random_bits(random) % (ITEMS_MAX + 1), size = value_size(field->type);
        char *items = obtain(count * size);
        for (size_t i = 0; i < count; i++)
            random_value(random, field, items + i * size);
        memcpy(quantifier, &count, sizeof count);
        memcpy(member, &items, sizeof items);
        return;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t chosen;
        memcpy(&chosen, quantifier, sizeof chosen);
        if (chosen != 0) /* the first to be taken stays */
            return;
        memcpy(quantifier, &field->id, sizeof field->id);
    }
    random_value(random, field, member);
}

/* A third of the fields is left out. */
static ProtobufCMessage *random_message(uint64_t *random, message_kind *kind)
{
    ProtobufCMessage *message = obtain(kind->sizeof_message);
    protobuf_c_message_init(kind, message);
    for (unsigned i = 0; i < kind->n_fields; i++)
        if (random_bits(random) % 3 > 0)
            random_field(random, &kind->fields[i], message);
    return message;
}

static sample packed(const ProtobufCMessage *message)
{
    sample s = {.size = protobuf_c_message_get_packed_size(message)};
    s.bytes = obtain(s.size);
    FUZZ_CHECK(protobuf_c_message_pack(message, s.bytes) == s.size);
    return s;
}

static sample random_sample(uint64_t *random, message_kind *kind)
{
    ProtobufCMessage *message = random_message(random, kind);
    sample s = packed(message);
    protobuf_c_message_free_unpacked(message, NULL);
    return s;
}

/* --- what must hold --- */

/* protobuf-c takes a field of number 0 when the number is written the long way, as one that it does
 * not know, and then writes it the short way, which it does not take. */
static bool has_field_zero(const ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (message->unknown_fields[i].tag == 0)
            return true;
    return false;
}

/* False: it has a field of number 0 somewhere. */
static bool check_message(const ProtobufCMessage *message);

static bool check_value(const ProtobufCFieldDescriptor *field, const void *value)
{
    const void *pointer = *(const void *const *)value;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return pointer == NULL || check_message(pointer);
    FUZZ_CHECK(pointer != NULL && kin_utf8_is_valid(pointer));
    return true;
}

static bool check_message(const ProtobufCMessage *message)
{
    message_kind *kind = message->descriptor;
    bool good = !has_field_zero(message);
    for (unsigned i = 0; i < kind->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &kind->fields[i];
        const char *member = (const char *)message + field->offset;
        const char *quantifier = (const char *)message + field->quantifier_offset;
        size_t count = 1;
        if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, quantifier, sizeof count);
            memcpy(&member, member, sizeof member);
        } else if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            uint32_t chosen;
            memcpy(&chosen, quantifier, sizeof chosen);
            count = chosen == field->id;
        }
        for (size_t n = 0; n < count; n++)
            good = check_value(field, member + n * sizeof(void *)) && good;
    }
    return good;
}

static kin_status unpack(message_kind *kind, const sample *s, ProtobufCMessage **out)
{
    kin_error err = {0};
    held = most_held = 0;
    counting = true;
    kin_status status = kin_rpc_message_unpack(kind, s->bytes, s->size, out, &err);
    counting = false;
    FUZZ_CHECK(most_held <= memory_bound(s->size));
    FUZZ_CHECK((status == KIN_OK) == (*out != NULL));
    if (status == KIN_OK)
        return status;
    FUZZ_CHECK(status == KIN_E_FORMAT || status == KIN_E_LIMIT);
    FUZZ_CHECK(held == 0);
    FUZZ_CHECK(err.code == status && err.message[0] != '\0' && err.subject[0] == '\0');
    FUZZ_CHECK(strstr(err.message, marker) == NULL);
    return status;
}

/* The bytes may differ from those that came (fields twice, numbers written the long way), but not
 * once they are ours. */
static void check_round_trip(message_kind *kind, const ProtobufCMessage *message, size_t size)
{
    ProtobufCMessage *again;
    sample first = packed(message);
    kin_status status = unpack(kind, &first, &again);
    /* The same memory for fewer bytes may be too much. */
    FUZZ_CHECK(status == KIN_OK || (status == KIN_E_LIMIT && first.size < size));
    if (status == KIN_OK) {
        sample second = packed(again);
        FUZZ_CHECK(second.size == first.size);
        FUZZ_CHECK(memcmp(first.bytes, second.bytes, first.size) == 0);
        kin_rpc_message_free(again);
        free(second.bytes);
    }
    free(first.bytes);
}

static bool try_bytes(message_kind *kind, const sample *s)
{
    ProtobufCMessage *message;
    if (unpack(kind, s, &message) != KIN_OK)
        return false;
    FUZZ_CHECK(message->descriptor == kind);
    if (check_message(message))
        check_round_trip(kind, message, s->size);
    kin_rpc_message_free(message);
    return true;
}

/* --- bodies --- */

static void append(sample *s, const sample *more)
{
    s->bytes = realloc(s->bytes, s->size + more->size + 1);
    FUZZ_CHECK(s->bytes != NULL);
    memcpy(s->bytes + s->size, more->bytes, more->size);
    s->size += more->size;
}

/* One piece again and again: a whole message, or a field with nothing in it. */
static sample blown_up(uint64_t *random, message_kind *kind, const sample *message)
{
    uint8_t empty[2] = {0};
    const void *unit = empty;
    size_t size = sizeof empty;
    if (kind->n_fields > 0)
        empty[0] = (uint8_t)(kind->fields[random_bits(random) % kind->n_fields].id << 3 | 2);
    if (message->size > 0 && random_bits(random) % 2 == 0) {
        unit = message->bytes;
        size = message->size;
    }
    size_t times = size < BLOWN_UP_MAX ? BLOWN_UP_MAX / size : 1;
    sample s = {.bytes = obtain(times * size), .size = times * size};
    for (size_t i = 0; i < times; i++)
        memcpy(s.bytes + i * size, unit, size);
    return s;
}

static bool try_message(void *ctx, uint64_t seed)
{
    (void)ctx;
    uint64_t random = seed;
    message_kind *kind = kinds[random_bits(&random) % kind_count];
    message_kind *other = kinds[random_bits(&random) % kind_count];
    sample good = random_sample(&random, kind), made;
    FUZZ_CHECK(try_bytes(kind, &good));

    /* What is laid in is of the same kind half of the time, and of any kind else. */
    sample with = random_sample(&random, random_bits(&random) % 2 == 0 ? kind : other);
    if (random_bits(&random) % BLOWN_UP_IN == 0) {
        made = blown_up(&random, kind, &good);
    } else {
        /* protobuf takes two messages in a row for one with fields repeated. */
        if (random_bits(&random) % 4 == 0)
            append(&good, &with);
        made = mutate(&random, &good, &with);
    }
    bool taken = try_bytes(kind, &made);
    free(made.bytes);
    free(good.bytes);
    free(with.bytes);
    return taken;
}

static void fuzz_messages(void **state)
{
    (void)state;
    list_kinds();
    fuzz_tally tally = fuzz_run("message", try_message, NULL, ITERATIONS);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_messages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
