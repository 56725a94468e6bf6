/* A worker that misbehaves: KIN_EVIL names how.  Descriptors have 8 floats, or
 * KIN_EVIL_LENGTH.  The first file of every process but those of mode "clean" meets the misdeed; a
 * file named "*.ok" is always answered well. */
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "decode/decode.h"
#include "decode/protocol.h"
#include "kindred/worker/v1/worker.pb-c.h"

enum { LENGTH_MAX = 65536 };
static unsigned floats = 8; /* of a descriptor */

static kin_channel channel;
static uint64_t serial;

static void put(Kindred__Worker__V1__Answer *answer)
{
    answer->serial = serial;
    if (kin_channel_send(&channel, &answer->base, -1, true, NULL) != KIN_OK)
        _exit(3);
}

static void hello(unsigned protocol, unsigned length, unsigned status)
{
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    Kindred__Worker__V1__Hello body = KINDRED__WORKER__V1__HELLO__INIT;
    body.protocol = protocol;
    body.descriptor_length = length;
    body.status = status;
    body.message = (char *)(status != 0 ? "no \x1B[31mdictionary" : "");
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HELLO;
    answer.hello = &body;
    put(&answer);
}

static void header(const char *format, unsigned frames)
{
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    Kindred__Worker__V1__Header body = KINDRED__WORKER__V1__HEADER__INIT;
    Kindred__Worker__V1__Attribute attribute = KINDRED__WORKER__V1__ATTRIBUTE__INIT;
    Kindred__Worker__V1__Attribute *attributes[300];
    attribute.name = (char *)"station_name";
    attribute.value = (char *)"a\x1B]0;owned\x07"
                              "b\xFF";
    for (size_t i = 0; i < 300; i++)
        attributes[i] = &attribute;
    body.format = (char *)format;
    body.frames = frames;
    body.sop_instance_uid = (char *)"1.2.3";
    body.study_instance_uid = (char *)"no uid";
    body.patient_id = (char *)"P\n1";
    body.study_date = (char *)"yesterday";
    body.n_attributes = 300;
    body.attributes = attributes;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HEADER;
    answer.header = &body;
    put(&answer);
}

/* Of the next frames, where channels is not 0. */
static struct {
    unsigned width, height, channels;
    size_t bytes;
} preview;
static unsigned frame_height = 5;
static Kindred__Worker__V1__Tile *tile; /* of the next frames; NULL: none */

static void frame(unsigned index, unsigned width, size_t length, float value)
{
    static uint8_t samples[300 * 300 * 3];
    Kindred__Worker__V1__Preview picture = KINDRED__WORKER__V1__PREVIEW__INIT;
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    Kindred__Worker__V1__Frame body = KINDRED__WORKER__V1__FRAME__INIT;
    static float values[LENGTH_MAX + 1];
    for (size_t i = 0; i < length; i++)
        values[i] = value;
    body.index = index;
    body.width = width;
    body.height = frame_height;
    body.n_descriptor = length;
    body.descriptor = values;
    if (preview.channels != 0) {
        picture.width = preview.width;
        picture.height = preview.height;
        picture.channels = preview.channels;
        picture.samples = (ProtobufCBinaryData){.data = samples, .len = preview.bytes};
        body.preview = &picture;
    }
    body.tile = tile;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &body;
    put(&answer);
}

static void working(void)
{
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    Kindred__Worker__V1__Working body = KINDRED__WORKER__V1__WORKING__INIT;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_WORKING;
    answer.working = &body;
    put(&answer);
}

static void done(unsigned status, const char *message, int retires)
{
    Kindred__Worker__V1__Answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    Kindred__Worker__V1__Done body = KINDRED__WORKER__V1__DONE__INIT;
    body.status = status;
    body.message = (char *)message;
    body.retires = retires;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_DONE;
    answer.done = &body;
    put(&answer);
}

/* A frame with a place on a slide. */
static void placed(uint64_t x, double mpp)
{
    Kindred__Worker__V1__Tile place = KINDRED__WORKER__V1__TILE__INIT;
    place.x = x;
    place.mpp = mpp;
    tile = &place;
    header("slide", 1);
    frame(0, 4, floats, 0.5f);
    tile = NULL;
    done(0, "", 0);
}

static void raw(const void *bytes, size_t size)
{
    if (write(channel.fd, bytes, size) != (ssize_t)size)
        _exit(3);
}

static void behave(void)
{
    preview.channels = 0;
    frame_height = 5;
    header("png", 2);
    frame(0, 4, floats, 0.5f);
    frame(1, 4, floats, 0.5f);
    done(0, "", 0);
}

static void hang(void)
{
    for (;;)
        pause();
}

/* A byte now and then, so that the socket is never silent, but never a message. */
static void trickle(void)
{
    raw("\xFF\xFF\0\0", 4);
    for (;;) {
        raw("x", 1);
        usleep(20000);
    }
}

static void garbage(void)
{
    static const char noise[] = "\x20\0\0\0 this is no protobuf message, is it? ";
    raw(noise, sizeof noise);
    hang();
}

static void die_by(int number)
{
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* leaves no core file */
    signal(number, SIG_DFL);
    raise(number);
}

/* One frame of 1000 x 500 with a preview. */
static void show(unsigned width, unsigned height, unsigned channels, size_t bytes)
{
    preview.width = width;
    preview.height = height;
    preview.channels = channels;
    preview.bytes = bytes;
    frame_height = 500;
    header("png", 1);
    frame(0, 1000, floats, 0.5f);
    done(0, "", 0);
}

/* Lies about slides. */
static bool slide(const char *mode)
{
    if (strcmp(mode, "tile-nowhere") == 0)
        placed(UINT64_C(1) << 63, 1);
    else if (strcmp(mode, "tile-without-scale") == 0)
        placed(0, 0);
    else if (strcmp(mode, "tile-of-no-scale") == 0)
        placed(0, NAN);
    else if (strcmp(mode, "works-too-late") == 0) {
        header("slide", 1);
        working();
    } else if (strcmp(mode, "works-for-ever") == 0) {
        for (;;)
            working();
    } else
        return false;
    return true;
}

/* Answers to what was asked for, but not as asked; false: mode names no such misdeed. */
static bool misunderstand(const char *mode)
{
    if (strcmp(mode, "preview") == 0) /* an honest one */
        show(64, 32, 3, 64 * 32 * 3);
    else if (strcmp(mode, "preview-wide") == 0)
        show(65, 33, 1, 65 * 33);
    else if (strcmp(mode, "preview-empty") == 0)
        show(0, 0, 1, 0);
    else if (strcmp(mode, "preview-flat") == 0)
        show(64, 0, 1, 0);
    else if (strcmp(mode, "preview-two-channels") == 0)
        show(64, 32, 2, 64 * 32 * 2);
    else if (strcmp(mode, "preview-short") == 0)
        show(64, 32, 3, 64 * 32 * 3 - 1);
    else if (strcmp(mode, "preview-long") == 0)
        show(64, 32, 1, 64 * 32 + 1);
    else if (strcmp(mode, "preview-wraps") == 0) /* 2^32 samples, which 32 bits take for none */
        show(65536, 65536, 1, 0);
    else if (strcmp(mode, "preview-tower") == 0) /* of a frame twice as wide as high */
        show(2, 64, 1, 2 * 64);
    else if (strcmp(mode, "preview-enlarged") == 0) {
        preview.width = 8;
        preview.height = preview.channels = 1;
        preview.bytes = 8;
        header("png", 1);
        frame(0, 4, floats, 0.5f);
    } else if (strcmp(mode, "other-frame") == 0) {
        header("png", 2);
        frame(0, 4, floats, 0.5f);
    } else if (strcmp(mode, "another-frame") == 0) {
        header("png", 3);
        frame(1, 4, floats, 0.5f);
        frame(2, 4, floats, 0.5f);
    } else if (strcmp(mode, "frame-beyond") == 0) {
        header("png", 1);
        frame(1, 4, floats, 0.5f);
    } else if (strcmp(mode, "none-of-it") == 0) {
        header("png", 1);
        done(0, "", 0);
    } else if (strcmp(mode, "no-such-frame") == 0) {
        header("png", 1);
        done((unsigned)-KIN_E_NOT_FOUND, "the file has no frame 1", 0);
    } else
        return slide(mode);
    return true;
}

/* Fails with what this process was told, and what it was given: its arguments, the request, the
 * file's first bytes from where its offset stands.  Then moves that offset and tries to write. */
static void repeat(char **arguments, const Kindred__Worker__V1__Request *request, int file)
{
    char text[KIN_ERROR_MESSAGE_MAX], bytes[9] = "";
    long at = (long)lseek(file, 0, SEEK_CUR);
    if (pread(file, bytes, 8, 0) < 0 || lseek(file, 3, SEEK_SET) != 3)
        _exit(4);
    int wrote = write(file, "!", 1) == 1;
    int said = snprintf(text, sizeof text, "%s at %ld, %s; side %u, %d frame %u", bytes, at,
                        wrote ? "written" : "read", request->preview_side, request->one_frame,
                        request->frame);
    if (request->region != NULL)
        said += snprintf(text + said, sizeof text - (size_t)said, ", region %u %u %u %u",
                         request->region->x, request->region->y, request->region->width,
                         request->region->height);
    for (char **argument = arguments; *argument != NULL; argument++)
        if (strncmp(*argument, "--nice=", 7) == 0)
            snprintf(text + said, sizeof text - (size_t)said, "; %s", *argument);
    done((unsigned)-KIN_E_FORMAT, text, 0);
}

static void misbehave(const char *mode)
{
    if (strcmp(mode, "crash") == 0)
        die_by(SIGSEGV);
    else if (strcmp(mode, "killed") == 0)
        die_by(SIGKILL);
    else if (strcmp(mode, "forbidden") == 0)
        die_by(SIGSYS);
    else if (strcmp(mode, "exit") == 0)
        _exit(7);
    else if (strcmp(mode, "hang") == 0)
        hang();
    else if (strcmp(mode, "trickle") == 0)
        trickle();
    else if (strcmp(mode, "hang-up") == 0) {
        close(channel.fd);
        hang();
    } else if (strcmp(mode, "garbage") == 0)
        garbage();
    else if (strcmp(mode, "huge-length") == 0) {
        raw("\xFF\xFF\xFF\x7F", 4);
        hang();
    } else if (strcmp(mode, "empty-message") == 0)
        raw("\0\0\0\0", 4);
    else if (strcmp(mode, "endless-frames") == 0) {
        header("png", 2);
        for (unsigned i = 0;; i++)
            frame(i, 4, floats, 0.5f);
    } else if (strcmp(mode, "too-many-frames") == 0)
        header("png", 1000000);
    else if (strcmp(mode, "no-frames") == 0)
        header("png", 0);
    else if (strcmp(mode, "two-headers") == 0) {
        header("png", 2);
        header("png", 2);
    } else if (strcmp(mode, "unknown-format") == 0)
        header("%s%n", 1);
    else if (strcmp(mode, "no-header") == 0)
        frame(0, 4, floats, 0.5f);
    else if (strcmp(mode, "frame-order") == 0) {
        header("png", 2);
        frame(1, 4, floats, 0.5f);
    } else if (strcmp(mode, "short-descriptor") == 0) {
        header("png", 1);
        frame(0, 4, floats - 1, 0.5f);
    } else if (strcmp(mode, "long-descriptor") == 0) {
        header("png", 1);
        frame(0, 4, floats + 1, 0.5f);
    } else if (strcmp(mode, "not-finite") == 0) {
        header("png", 1);
        frame(0, 4, floats, 0.0f / 0.0f);
    } else if (strcmp(mode, "no-width") == 0) {
        header("png", 1);
        frame(0, 0, floats, 0.5f);
    } else if (strcmp(mode, "early-end") == 0) {
        header("png", 2);
        frame(0, 4, floats, 0.5f);
        done(0, "", 0);
    } else if (strcmp(mode, "claims-then-dies") == 0) {
        header("png", 3);
        frame(0, 4, floats, 0.5f);
        die_by(SIGABRT);
    } else if (strcmp(mode, "odd-status") == 0)
        done(12345, "", 0);
    else if (strcmp(mode, "parents-status") == 0)
        done((unsigned)-KIN_E_CANCELLED, "stop everything", 0);
    else if (strcmp(mode, "hello-again") == 0)
        hello(KIN_PROTOCOL_VERSION, floats, 0);
    else if (strcmp(mode, "other-serial") == 0) {
        serial++;
        header("png", 2);
    } else if (strcmp(mode, "bad-message") == 0)
        done((unsigned)-KIN_E_FORMAT, "\x1B[2Jbroken\nfile\xFE", 0);
    else if (strcmp(mode, "speaks-on") ==
             0) { /* answers well, then for a file nobody asked about */
        behave();
        behave();
    } else if (strcmp(mode, "retire") == 0) {
        header("png", 1);
        frame(0, 4, floats, 0.5f);
        done(0, "", 1);
        exit(0);
    } else if (strcmp(mode, "die-idle") == 0) {
        behave();
        exit(0);
    } else if (!misunderstand(mode))
        behave();
}

static void greet(const char *mode)
{
    if (strcmp(mode, "silent-start") == 0)
        _exit(9);
    else if (strcmp(mode, "other-length") == 0)
        hello(KIN_PROTOCOL_VERSION, floats + 1, 0);
    else if (strcmp(mode, "other-protocol") == 0)
        hello(KIN_PROTOCOL_VERSION + 1, floats, 0);
    else if (strcmp(mode, "not-ready") == 0)
        hello(KIN_PROTOCOL_VERSION, floats, (unsigned)-KIN_E_CORRUPT);
    else if (strcmp(mode, "unable") == 0)
        hello(KIN_PROTOCOL_VERSION, floats, (unsigned)-KIN_E_IO);
    else
        hello(KIN_PROTOCOL_VERSION, floats, 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *mode = getenv("KIN_EVIL");
    if (mode == NULL)
        mode = "clean";
    const char *wanted = getenv("KIN_EVIL_LENGTH");
    if (wanted != NULL)
        floats = (unsigned)strtoul(wanted, NULL, 10);
    if (floats > LENGTH_MAX)
        return 3;
    kin_channel_init(&channel, KIN_WORKER_SOCKET_FD);
    greet(mode);
    for (;;) {
        ProtobufCMessage *message = NULL;
        int file = -1;
        if (kin_channel_receive(&channel, &kindred__worker__v1__request__descriptor, 0.0, &message,
                                &file, NULL) != KIN_OK)
            break;
        const Kindred__Worker__V1__Request *request = (const Kindred__Worker__V1__Request *)message;
        serial = request->serial;
        size_t length = request->ending.len;
        if (strcmp(mode, "repeat") == 0) {
            repeat(argv, request, file);
            close(file);
            continue;
        }
        if (file >= 0)
            close(file);
        if (length >= 3 && memcmp(request->ending.data + length - 3, ".ok", 3) == 0)
            behave();
        else
            misbehave(mode);
    }
    kin_channel_release(&channel);
    return 0;
}
