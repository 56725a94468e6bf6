/* Messages from strangers: their memory, their texts, their damage. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo.pb-c.h"
#include "kindred/v1/kindred.pb-c.h"
#include "random.h"
#include "rpc/message.h"

typedef Kindred__Test__Echo echo_message;
typedef Kindred__Test__Note note_message;
static const ProtobufCMessageDescriptor *const KIND = &kindred__test__echo__descriptor;

/* --- allocations that fail on demand (the program is linked with --wrap=malloc) --- */

static size_t fail_at;   /* counts down; 0: never */
static size_t asked_for; /* bytes, since it was last cleared */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    asked_for += size;
    if (fail_at > 0 && --fail_at == 0)
        return NULL;
    return __real_malloc(size);
}

/* --- helpers --- */

static size_t pack(const echo_message *message, uint8_t **out)
{
    size_t size = protobuf_c_message_get_packed_size(&message->base);
    *out = malloc(size + 1);
    assert_non_null(*out);
    protobuf_c_message_pack(&message->base, *out);
    return size;
}

static kin_status unpack(const void *bytes, size_t size, echo_message **out, kin_error *err)
{
    ProtobufCMessage *message;
    kin_status status = kin_rpc_message_unpack(KIND, bytes, size, &message, err);
    if (status == KIN_OK)
        assert_non_null(message);
    else
        assert_null(message);
    *out = (echo_message *)message;
    return status;
}

/* A message with something in every kind of field. */
typedef struct full {
    echo_message echo;
    note_message notes[2], chosen;
    note_message *note_at[2];
    char *words[3];
    Kindred__Test__Empty empty;
    Kindred__Test__Empty *empties[1];
    float numbers[4];
} full;

static void fill(full *out)
{
    kindred__test__echo__init(&out->echo);
    kindred__test__empty__init(&out->empty);
    kindred__test__note__init(&out->chosen);
    for (size_t i = 0; i < 2; i++) {
        kindred__test__note__init(&out->notes[i]);
        out->note_at[i] = &out->notes[i];
    }
    out->words[0] = "eins";
    out->words[1] = "zw\xC3\xB6lf"; /* not German, but UTF-8 */
    out->words[2] = "";
    out->notes[1].text = "\xE2\x82\xAC";
    out->notes[1].words = out->words;
    out->notes[1].n_words = 3;
    out->chosen.text = "chosen";
    out->empties[0] = &out->empty;
    memcpy(out->numbers, (float[]){1, 2, 3, 4}, sizeof out->numbers);
    out->echo.text = "text";
    out->echo.payload = (ProtobufCBinaryData){4, (uint8_t *)"\x00\xFF\x00\xFE"};
    out->echo.notes = out->note_at;
    out->echo.n_notes = 2;
    out->echo.choice_case = KINDRED__TEST__ECHO__CHOICE_NOTE;
    out->echo.note = &out->chosen;
    out->echo.empties = out->empties;
    out->echo.n_empties = 1;
    out->echo.numbers = out->numbers;
    out->echo.n_numbers = 4;
}

/* --- tests --- */

static void a_message_comes_back(void **state)
{
    (void)state;
    full sent;
    echo_message *got;
    kin_error err = {0};
    uint8_t *bytes;
    fill(&sent);
    size_t size = pack(&sent.echo, &bytes);
    assert_int_equal(unpack(bytes, size, &got, &err), KIN_OK);
    assert_string_equal(got->text, "text");
    assert_int_equal(got->payload.len, 4);
    assert_memory_equal(got->payload.data, "\x00\xFF\x00\xFE", 4);
    assert_int_equal(got->n_notes, 2);
    assert_string_equal(got->notes[1]->words[1], sent.words[1]);
    assert_string_equal(got->note->text, "chosen");
    assert_int_equal(got->n_numbers, 4);
    kin_rpc_message_free(&got->base);
    free(bytes);
    kin_rpc_message_free(NULL);
}

static void an_empty_message_is_one(void **state)
{
    (void)state;
    echo_message *got;
    assert_int_equal(unpack("", 0, &got, NULL), KIN_OK);
    assert_string_equal(got->text, "");
    kin_rpc_message_free(&got->base);
}

/* DESIGN: 4 MiB of empty sub-messages become 218 MB in protobuf-c. */
static void empty_submessages_are_not_blown_up(void **state)
{
    (void)state;
    enum { SIZE = 4 * 1024 * 1024 };
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i += 2) {
        bytes[i] = 9 << 3 | 2; /* empties */
        bytes[i + 1] = 0;
    }
    kin_error err = {0};
    echo_message *got;
    asked_for = 0;
    assert_int_equal(unpack(bytes, SIZE, &got, &err), KIN_E_LIMIT);
    assert_true(asked_for < 80u * 1024 * 1024); /* requests, not all held at once */
    free(bytes);
}

/* A sub-message that comes again and again is merged, by copying its lists each time: that grows with
 * the square of the message's size, and is bounded as a whole. */
static void submessages_are_not_merged_without_end(void **state)
{
    (void)state;
    /* SearchResult{image{labels{name "a"}}} */
    static const uint8_t piece[] = {3 << 3 | 2, 6, 0x8A, 0x01, 3, 1 << 3 | 2, 1, 'a'};
    enum { COUNT = 256 * 1024 };
    uint8_t *bytes = malloc(COUNT * sizeof piece);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + i * sizeof piece, piece, sizeof piece);
    kin_error err = {0};
    ProtobufCMessage *got = NULL;
    asked_for = 0;
    assert_int_equal(kin_rpc_message_unpack(&kindred__v1__search_result__descriptor, bytes,
                                            COUNT * sizeof piece, &got, &err),
                     KIN_E_LIMIT);
    assert_true(asked_for < 100u * 1024 * 1024);
    /* A few times is what a client of another library may do. */
    assert_int_equal(kin_rpc_message_unpack(&kindred__v1__search_result__descriptor, bytes,
                                            5 * sizeof piece, &got, &err),
                     KIN_OK);
    assert_int_equal(((Kindred__V1__SearchResult *)got)->image->n_labels, 5);
    kin_rpc_message_free(got);
    free(bytes);
}

/* What a client may well send: thousands of small labels, a long vector, a large picture. */
static void honest_messages_are_within_the_budget(void **state)
{
    (void)state;
    enum { NOTES = 4096, NUMBERS = 1 << 20 };
    note_message *notes = calloc(NOTES, sizeof notes[0]);
    note_message **at = calloc(NOTES, sizeof at[0]);
    float *numbers = calloc(NUMBERS, sizeof numbers[0]);
    assert_true(notes != NULL && at != NULL && numbers != NULL);
    char *words[] = {"value"};
    for (size_t i = 0; i < NOTES; i++) {
        kindred__test__note__init(&notes[i]);
        notes[i].text = "label 7";
        notes[i].words = words;
        notes[i].n_words = 1;
        at[i] = &notes[i];
    }
    echo_message labels = KINDRED__TEST__ECHO__INIT, vector = KINDRED__TEST__ECHO__INIT;
    labels.notes = at;
    labels.n_notes = NOTES;
    vector.numbers = numbers;
    vector.n_numbers = NUMBERS;
    vector.payload = (ProtobufCBinaryData){NUMBERS, (uint8_t *)numbers};
    const echo_message *const honest[] = {&labels, &vector};
    for (size_t i = 0; i < 2; i++) {
        uint8_t *bytes;
        echo_message *got;
        kin_error err = {0};
        size_t size = pack(honest[i], &bytes);
        if (unpack(bytes, size, &got, &err) != KIN_OK)
            fail_msg("%zu: %s", i, err.message);
        kin_rpc_message_free(&got->base);
        free(bytes);
    }
    free(notes);
    free(at);
    free(numbers);
}

static void expect_bad_text(const full *message, const char *field)
{
    uint8_t *bytes;
    echo_message *got;
    kin_error err = {0};
    size_t size = pack(&message->echo, &bytes);
    assert_int_equal(unpack(bytes, size, &got, &err), KIN_E_FORMAT);
    assert_non_null(strstr(err.message, field));
    free(bytes);
}

static void texts_must_be_utf8(void **state)
{
    (void)state;
    full message;
    fill(&message);
    message.echo.text = "caf\xE9";
    expect_bad_text(&message, "text is not UTF-8");
    fill(&message);
    message.words[2] = "\xC0\x80"; /* zero, the long way */
    expect_bad_text(&message, "notes.words is not UTF-8");
    fill(&message);
    message.chosen.text = "\xED\xA0\x80"; /* half a surrogate pair */
    expect_bad_text(&message, "note.text is not UTF-8");
    fill(&message);
    message.echo.choice_case = KINDRED__TEST__ECHO__CHOICE_NAME;
    message.echo.name = "\xF5\x80\x80\x80";
    expect_bad_text(&message, "name is not UTF-8");
}

static void texts_hold_no_zero_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1 << 3 | 2, 5, 'a', 'b', 0, 'c', 'd'};
    echo_message *got;
    kin_error err = {0};
    assert_int_equal(unpack(bytes, sizeof bytes, &got, &err), KIN_E_FORMAT);
    assert_non_null(strstr(err.message, "text"));
}

/* The member of a oneof that was not chosen is another one's memory: it must not be looked at. */
static void only_the_chosen_of_a_oneof_is_looked_at(void **state)
{
    (void)state;
    full message;
    uint8_t *bytes;
    echo_message *got;
    kin_error err = {0};
    fill(&message);
    message.echo.choice_case = KINDRED__TEST__ECHO__CHOICE_RAW;
    message.echo.raw = (ProtobufCBinaryData){3, (uint8_t *)"\xFF\xFE\x00"};
    size_t size = pack(&message.echo, &bytes);
    assert_int_equal(unpack(bytes, size, &got, &err), KIN_OK);
    assert_int_equal(got->raw.len, 3);
    kin_rpc_message_free(&got->base);
    free(bytes);
}

static void damage_is_no_more_than_an_error(void **state)
{
    (void)state;
    full message;
    uint8_t *bytes;
    uint64_t seed = 3;
    size_t refused = 0;
    fill(&message);
    size_t size = pack(&message.echo, &bytes);
    for (size_t round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(size); /* of its own size, so that a sanitizer sees a byte too far */
        assert_non_null(copy);
        memcpy(copy, bytes, size);
        size_t length = round < size ? round : size;
        for (size_t i = 0; i < round % 4; i++)
            copy[random_bits(&seed) % size] = (uint8_t)random_bits(&seed);
        echo_message *got;
        kin_error err = {0};
        kin_status status = unpack(copy, length, &got, &err);
        assert_true(status == KIN_OK || status == KIN_E_FORMAT || status == KIN_E_LIMIT);
        refused += status != KIN_OK;
        if (status == KIN_OK)
            kin_rpc_message_free(&got->base);
        free(copy);
    }
    assert_true(refused > 1000);
    free(bytes);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    full message;
    uint8_t *bytes;
    echo_message *got;
    fill(&message);
    size_t size = pack(&message.echo, &bytes), failures = 0;
    for (size_t n = 1;; n++) {
        kin_error err = {0};
        fail_at = n;
        kin_status status = unpack(bytes, size, &got, &err);
        bool failed = fail_at == 0;
        fail_at = 0;
        if (!failed) {
            assert_int_equal(status, KIN_OK);
            kin_rpc_message_free(&got->base);
            break;
        }
        assert_int_equal(status, KIN_E_NOMEM);
        failures++;
    }
    assert_true(failures > 10);
    free(bytes);
}

/* --- the service's own messages --- */

enum { NESTING_MAX = 16 };

static size_t nesting(const ProtobufCMessageDescriptor *kind, size_t depth)
{
    size_t deepest = depth;
    assert_true(depth < NESTING_MAX);
    for (unsigned i = 0; i < kind->n_fields; i++)
        if (kind->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
            size_t below = nesting(kind->fields[i].descriptor, depth + 1);
            deepest = below > deepest ? below : deepest;
        }
    return deepest;
}

/* DESIGN: protobuf-c follows nested messages by recursion without a bound. */
static void no_message_of_the_service_nests_in_itself(void **state)
{
    (void)state;
    const ProtobufCServiceDescriptor *service = &kindred__v1__kindred_service__descriptor;
    assert_true(service->n_methods > 0);
    for (unsigned i = 0; i < service->n_methods; i++) {
        assert_true(nesting(service->methods[i].input, 0) < NESTING_MAX);
        assert_true(nesting(service->methods[i].output, 0) < NESTING_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back),
        cmocka_unit_test(an_empty_message_is_one),
        cmocka_unit_test(empty_submessages_are_not_blown_up),
        cmocka_unit_test(submessages_are_not_merged_without_end),
        cmocka_unit_test(honest_messages_are_within_the_budget),
        cmocka_unit_test(texts_must_be_utf8),
        cmocka_unit_test(texts_hold_no_zero_bytes),
        cmocka_unit_test(only_the_chosen_of_a_oneof_is_looked_at),
        cmocka_unit_test(damage_is_no_more_than_an_error),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(no_message_of_the_service_nests_in_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
