/* protocol.h: messages go through a socket unharmed, and harmed ones do no harm. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "decode/protocol.h"
#include "kindred/worker/v1/worker.pb-c.h"
#include "random.h"

typedef struct pair {
    int fd[2];
    kin_channel channel[2];
} pair;

static void pair_open(pair *p)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->fd), 0);
    for (int i = 0; i < 2; i++)
        kin_channel_init(&p->channel[i], p->fd[i]);
}

static void pair_close(pair *p)
{
    for (int i = 0; i < 2; i++) {
        kin_channel_release(&p->channel[i]);
        close(p->fd[i]);
    }
}

/* Receives an answer at end 1 with a second's patience. */
static kin_status receive_answer(pair *p, Kindred__Worker__V1__Answer **out, kin_error *err)
{
    ProtobufCMessage *message = NULL;
    kin_status status =
        kin_channel_receive(&p->channel[1], &kindred__worker__v1__answer__descriptor,
                            kin_clock_monotonic() + 1.0, &message, NULL, err);
    *out = (Kindred__Worker__V1__Answer *)message;
    return status;
}

static void test_request_with_descriptor(void **state)
{
    (void)state;
    pair p;
    pair_open(&p);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    Kindred__Worker__V1__Request request = KINDRED__WORKER__V1__REQUEST__INIT;
    request.serial = 7;
    request.ending = (ProtobufCBinaryData){.data = (uint8_t *)"scan.dcm", .len = 8};
    assert_int_equal(kin_channel_send(&p.channel[0], &request.base, pipes[0], true, NULL), KIN_OK);

    ProtobufCMessage *message = NULL;
    int passed = -1;
    assert_int_equal(kin_channel_receive(&p.channel[1], &kindred__worker__v1__request__descriptor,
                                         0.0, &message, &passed, NULL),
                     KIN_OK);
    const Kindred__Worker__V1__Request *got = (const Kindred__Worker__V1__Request *)message;
    assert_int_equal(got->serial, 7);
    assert_int_equal(got->ending.len, 8);
    assert_memory_equal(got->ending.data, "scan.dcm", 8);
    assert_true(passed >= 0 && passed != pipes[0]);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    char byte = 0;
    assert_int_equal(read(passed, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(passed);
    close(pipes[0]);
    close(pipes[1]);
    pair_close(&p);
}

typedef struct sending {
    kin_channel *channel;
    const ProtobufCMessage *message;
    kin_status status;
} sending;

static void *send_all(void *argument)
{
    sending *job = argument;
    job->status = kin_channel_send(job->channel, job->message, -1, true, NULL);
    return NULL;
}

static void test_answers_round_trip(void **state)
{
    (void)state;
    pair p;
    pair_open(&p);
    float values[3000];
    for (size_t i = 0; i < 3000; i++)
        values[i] = (float)i * 0.25f - 3.0f;
    Kindred__Worker__V1__Frame frame = KINDRED__WORKER__V1__FRAME__INIT;
    frame.index = 3;
    frame.width = 512;
    frame.height = 65535;
    frame.n_descriptor = 3000;
    frame.descriptor = values;
    static uint8_t samples[256 * 256 * 3]; /* the largest preview there is */
    memset(samples, 0xA5, sizeof samples);
    Kindred__Worker__V1__Preview preview = KINDRED__WORKER__V1__PREVIEW__INIT;
    preview.width = preview.height = 256;
    preview.channels = 3;
    preview.samples = (ProtobufCBinaryData){.data = samples, .len = sizeof samples};
    frame.preview = &preview;
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.serial = UINT64_MAX;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &frame;
    for (int i = 0; i < 3; i++) { /* several in a row, through the same buffers */
        pthread_t sender;         /* more than a socket holds */
        sending job = {&p.channel[0], &answer.base, KIN_E_INTERNAL};
        assert_int_equal(pthread_create(&sender, NULL, send_all, &job), 0);
        Kindred__Worker__V1__Answer *got = NULL;
        assert_int_equal(receive_answer(&p, &got, NULL), KIN_OK);
        assert_int_equal(got->serial, UINT64_MAX);
        assert_int_equal(got->body_case, KINDRED__WORKER__V1__ANSWER__BODY_FRAME);
        assert_int_equal(got->frame->index, 3);
        assert_int_equal(got->frame->height, 65535);
        assert_int_equal(got->frame->n_descriptor, 3000);
        assert_memory_equal(got->frame->descriptor, values, sizeof values);
        assert_int_equal(got->frame->preview->width, 256);
        assert_int_equal(got->frame->preview->samples.len, sizeof samples);
        assert_memory_equal(got->frame->preview->samples.data, samples, sizeof samples);
        pthread_join(sender, NULL);
        assert_int_equal(job.status, KIN_OK);
    }
    pair_close(&p);
}

static void test_ends(void **state)
{
    (void)state;
    pair p;
    kin_error err;
    Kindred__Worker__V1__Answer *got = NULL;
    pair_open(&p);
    ProtobufCMessage *message = NULL;
    assert_int_equal(kin_channel_receive(&p.channel[1], &kindred__worker__v1__answer__descriptor,
                                         kin_clock_monotonic() + 0.02, &message, NULL, &err),
                     KIN_E_TIMEOUT);
    /* Half a message does not reset the clock. */
    assert_int_equal(send(p.fd[0], "\x05\0\0\0ab", 6, 0), 6);
    assert_int_equal(kin_channel_receive(&p.channel[1], &kindred__worker__v1__answer__descriptor,
                                         kin_clock_monotonic() + 0.02, &message, NULL, &err),
                     KIN_E_TIMEOUT);
    pair_close(&p);

    pair_open(&p);
    assert_int_equal(send(p.fd[0], "\x05\0\0\0ab", 6, 0), 6);
    shutdown(p.fd[0], SHUT_WR);
    assert_int_equal(receive_answer(&p, &got, &err), KIN_E_CRASHED);
    pair_close(&p);

    pair_open(&p);
    shutdown(p.fd[1], SHUT_RDWR);
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    assert_int_equal(kin_channel_send(&p.channel[0], &answer.base, -1, true, &err), KIN_E_CRASHED);
    pair_close(&p);
}

static void test_bounds(void **state)
{
    (void)state;
    pair p;
    kin_error err;
    Kindred__Worker__V1__Answer *got = NULL;
    static const uint8_t lengths[][4] = {{0xFF, 0xFF, 0xFF, 0xFF}, {0x01, 0x00, 0x40, 0x00}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        pair_open(&p);
        assert_int_equal(send(p.fd[0], lengths[i], 4, 0), 4);
        assert_int_equal(receive_answer(&p, &got, &err), KIN_E_FORMAT);
        assert_null(p.channel[1].bytes); /* nothing was allocated for it */
        pair_close(&p);
    }
    /* A message that is itself too large is not sent. */
    pair_open(&p);
    size_t many = KIN_PROTOCOL_MESSAGE_MAX / sizeof(float) + 1;
    Kindred__Worker__V1__Frame frame = KINDRED__WORKER__V1__FRAME__INIT;
    frame.n_descriptor = many;
    frame.descriptor = calloc(many, sizeof(float));
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &frame;
    assert_int_equal(kin_channel_send(&p.channel[0], &answer.base, -1, true, &err), KIN_E_LIMIT);
    free(frame.descriptor);
    pair_close(&p);
}

/* Half a million empty sub-messages in one megabyte would unpack to tens of megabytes. */
static void test_unpacking_has_a_budget(void **state)
{
    (void)state;
    pair p;
    kin_error err;
    pair_open(&p);
    enum { COUNT = 20000 };
    static uint8_t bytes[4 + 16 + 2 * COUNT];
    size_t inner = 2 * COUNT, at = 4;
    bytes[at++] = 3 << 3 | 2; /* Answer.header */
    for (size_t rest = inner; rest > 0 || at == 5; rest >>= 7)
        bytes[at++] = (uint8_t)((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    for (size_t i = 0; i < COUNT; i++) {
        bytes[at++] = 10 << 3 | 2; /* Header.attributes, of length 0 */
        bytes[at++] = 0;
    }
    size_t size = at - 4;
    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(size >> (8 * i));
    assert_int_equal(send(p.fd[0], bytes, at, 0), (int)at);
    Kindred__Worker__V1__Answer *got = NULL;
    assert_int_equal(receive_answer(&p, &got, &err), KIN_E_FORMAT);
    assert_true(p.channel[1].arena_capacity < 400000);
    pair_close(&p);
}

/* Mutated messages are refused or understood otherwise, under the sanitizers without complaint. */
static void mutate_answer(const Kindred__Worker__V1__Answer *answer)
{
    uint8_t packed[512];
    size_t size = kindred__worker__v1__answer__get_packed_size(answer);
    assert_true(size <= sizeof packed);
    kindred__worker__v1__answer__pack(answer, packed);
    uint64_t random = 99;
    int refused = 0, understood = 0;
    for (int round = 0; round < 5000; round++) {
        uint8_t bytes[4 + sizeof packed];
        memcpy(bytes + 4, packed, size);
        int changes = 1 + (int)(random_bits(&random) % 4);
        for (int i = 0; i < changes; i++) {
            uint64_t change = random_bits(&random);
            bytes[4 + (change >> 8) % size] ^= (uint8_t)(1u << (change & 7));
        }
        for (size_t i = 0; i < 4; i++)
            bytes[i] = (uint8_t)(size >> (8 * i));
        pair p;
        pair_open(&p);
        assert_int_equal(send(p.fd[0], bytes, 4 + size, 0), (int)(4 + size));
        Kindred__Worker__V1__Answer *got = NULL;
        kin_status status = receive_answer(&p, &got, NULL);
        assert_true(status == KIN_OK || status == KIN_E_FORMAT);
        if (status == KIN_OK)
            understood++;
        else
            refused++;
        pair_close(&p);
    }
    assert_true(refused > 100 && understood > 100);
}

static void test_mutations(void **state)
{
    (void)state;
    Kindred__Worker__V1__Attribute attribute = KINDRED__WORKER__V1__ATTRIBUTE__INIT;
    attribute.name = (char *)"series_description";
    attribute.value = (char *)"axial";
    Kindred__Worker__V1__Attribute *attributes[] = {&attribute, &attribute, &attribute};
    Kindred__Worker__V1__Header header = KINDRED__WORKER__V1__HEADER__INIT;
    header.format = (char *)"dicom";
    header.sop_instance_uid = (char *)"1.2.3";
    header.frames = 3;
    header.n_attributes = 3;
    header.attributes = attributes;
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HEADER;
    answer.header = &header;
    mutate_answer(&answer);

    uint8_t samples[6 * 4 * 3] = {0};
    float descriptor[20] = {0};
    Kindred__Worker__V1__Preview preview = KINDRED__WORKER__V1__PREVIEW__INIT;
    preview.width = 6;
    preview.height = 4;
    preview.channels = 3;
    preview.samples = (ProtobufCBinaryData){.data = samples, .len = sizeof samples};
    Kindred__Worker__V1__Frame frame = KINDRED__WORKER__V1__FRAME__INIT;
    frame.width = 600;
    frame.height = 400;
    frame.n_descriptor = 20;
    frame.descriptor = descriptor;
    frame.preview = &preview;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &frame;
    mutate_answer(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_with_descriptor),
        cmocka_unit_test(test_answers_round_trip),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_unpacking_has_a_budget),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
