#include "decode/protocol.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    PREFIX = 4, /* bytes of length before a message */
    /* An honest message unpacks to a few times its packed size; small ones need some slack. */
    ARENA_FACTOR = 8, /* runs of a mask are a byte or two, and four unpacked */
    ARENA_SLACK = 64 * 1024,
    ARENA_ALIGN = 16
};

/* Room for one passed descriptor, aligned as cmsg(3) asks. */
typedef union kin_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
} kin_control;

void kin_channel_init(kin_channel *channel, int fd)
{
    *channel = (kin_channel){.fd = fd};
}

void kin_channel_release(kin_channel *channel)
{
    free(channel->bytes);
    free(channel->arena);
    *channel = (kin_channel){.fd = -1};
}

/* Makes *buffer at least `size` bytes; its content is not kept. */
static kin_status reserve(void **buffer, size_t *capacity, size_t size, kin_error *err)
{
    if (size <= *capacity)
        return KIN_OK;
    free(*buffer);
    *capacity = 0;
    *buffer = malloc(size);
    if (*buffer == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a message of %zu bytes", size);
    *capacity = size;
    return KIN_OK;
}

static kin_status reserve_bytes(kin_channel *channel, size_t size, kin_error *err)
{
    void *buffer = channel->bytes;
    kin_status status = reserve(&buffer, &channel->bytes_capacity, size, err);
    channel->bytes = buffer;
    return status;
}

static kin_status hung_up(kin_error *err)
{
    return kin_fail(err, KIN_E_CRASHED, NULL, "the other side hung up");
}

static void attach(struct msghdr *message, kin_control *control, int passed_fd)
{
    memset(control, 0, sizeof *control);
    message->msg_control = control->bytes;
    message->msg_controllen = sizeof control->bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed_fd, sizeof passed_fd);
}

/* Waits until the socket has something to say (POLLIN; its end included), or room (POLLOUT), or the
 * deadline has passed. */
static kin_status wait_for(int fd, short events, double deadline, kin_error *err)
{
    for (;;) {
        double left = deadline - kin_clock_monotonic();
        if (left <= 0.0)
            return kin_fail(err, KIN_E_TIMEOUT, NULL,
                            events == POLLIN ? "no answer in time"
                                             : "the other side does not listen");
        struct pollfd wait = {.fd = fd, .events = events};
        int ready = poll(&wait, 1, left < 3600.0 ? (int)ceil(left * 1000.0) : 3600 * 1000);
        if (ready > 0)
            return KIN_OK;
        if (ready < 0 && errno != EINTR)
            return kin_fail_errno(err, NULL, "cannot wait for the other side");
    }
}

kin_status kin_channel_send(kin_channel *channel, const ProtobufCMessage *message, int passed_fd,
                            bool wait, kin_error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > KIN_PROTOCOL_MESSAGE_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a message of %zu bytes is over the bound", size);
    kin_status status = reserve_bytes(channel, PREFIX + size, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < PREFIX; i++)
        channel->bytes[i] = (uint8_t)(size >> (8 * i));
    protobuf_c_message_pack(message, channel->bytes + PREFIX);

    double deadline = kin_clock_monotonic() + channel->patience;
    kin_control control;
    struct iovec part = {.iov_base = channel->bytes, .iov_len = PREFIX + size};
    while (part.iov_len > 0) {
        struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
        if (passed_fd >= 0)
            attach(&envelope, &control, passed_fd);
        ssize_t sent = sendmsg(channel->fd, &envelope, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return hung_up(err);
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            status = wait_for(channel->fd, POLLOUT, deadline, err);
            if (status != KIN_OK)
                return status;
            continue;
        }
        if (sent < 0)
            return kin_fail_errno(err, NULL, "cannot send");
        passed_fd = -1; /* went with the first bytes */
        part.iov_base = (uint8_t *)part.iov_base + sent;
        part.iov_len -= (size_t)sent;
    }
    return KIN_OK;
}

bool kin_channel_has_word(const kin_channel *channel, double deadline)
{
    /* What cannot be waited for is left to the receiving, which says why. */
    return wait_for(channel->fd, POLLIN, deadline, NULL) != KIN_E_TIMEOUT;
}

/* Keeps the first descriptor that came with a message in *passed_fd and closes any other. */
static void take_descriptors(struct msghdr *envelope, int *passed_fd)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(envelope); c != NULL; c = CMSG_NXTHDR(envelope, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (*passed_fd < 0)
                *passed_fd = fd;
            else
                close(fd);
        }
    }
}

/* Reads exactly size bytes.  Descriptors are taken only where passed_fd is given; the kernel drops
 * those that nobody has room for. */
static kin_status receive_exactly(int fd, uint8_t *to, size_t size, double deadline, int *passed_fd,
                                  kin_error *err)
{
    while (size > 0) {
        kin_control control;
        struct iovec part = {.iov_base = to, .iov_len = size};
        struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
        if (passed_fd != NULL) {
            envelope.msg_control = control.bytes;
            envelope.msg_controllen = sizeof control.bytes;
        }
        ssize_t got =
            recvmsg(fd, &envelope, MSG_CMSG_CLOEXEC | (deadline > 0.0 ? MSG_DONTWAIT : 0));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            kin_status status = wait_for(fd, POLLIN, deadline, err);
            if (status != KIN_OK)
                return status;
            continue;
        }
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return hung_up(err);
        if (got < 0)
            return kin_fail_errno(err, NULL, "cannot receive");
        if (passed_fd != NULL)
            take_descriptors(&envelope, passed_fd);
        to += got;
        size -= (size_t)got;
    }
    return KIN_OK;
}

/* protobuf-c's allocator over a block of fixed size: refuses when it is used up, frees nothing. */
typedef struct kin_arena {
    uint8_t *base;
    size_t used, size;
} kin_arena;

static void *arena_alloc(void *data, size_t size)
{
    kin_arena *arena = data;
    size_t start = (arena->used + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (start > arena->size || size > arena->size - start)
        return NULL;
    arena->used = start + size;
    return arena->base + start;
}

static void arena_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

static kin_status unpack(kin_channel *channel, const ProtobufCMessageDescriptor *kind, size_t size,
                         ProtobufCMessage **out, kin_error *err)
{
    size_t budget = ARENA_SLACK + ARENA_FACTOR * size;
    kin_status status = reserve(&channel->arena, &channel->arena_capacity, budget, err);
    if (status != KIN_OK)
        return status;
    kin_arena arena = {.base = channel->arena, .size = budget};
    ProtobufCAllocator allocator = {
        .alloc = arena_alloc, .free = arena_free, .allocator_data = &arena};
    *out = protobuf_c_message_unpack(kind, &allocator, size, channel->bytes);
    if (*out == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "not a message of %s", kind->name);
    return KIN_OK;
}

kin_status kin_channel_receive(kin_channel *channel, const ProtobufCMessageDescriptor *kind,
                               double deadline, ProtobufCMessage **out, int *passed_fd,
                               kin_error *err)
{
    uint8_t prefix[PREFIX];
    if (passed_fd != NULL)
        *passed_fd = -1;
    kin_status status = receive_exactly(channel->fd, prefix, PREFIX, deadline, passed_fd, err);
    if (status != KIN_OK)
        goto out;
    size_t size = 0;
    for (size_t i = 0; i < PREFIX; i++)
        size |= (size_t)prefix[i] << (8 * i);
    if (size > KIN_PROTOCOL_MESSAGE_MAX) {
        status = kin_fail(err, KIN_E_FORMAT, NULL, "a message claims %zu bytes", size);
        goto out;
    }
    status = reserve_bytes(channel, size, err);
    if (status == KIN_OK)
        status = receive_exactly(channel->fd, channel->bytes, size, deadline, passed_fd, err);
    if (status == KIN_OK)
        status = unpack(channel, kind, size, out, err);
out:
    if (status != KIN_OK && passed_fd != NULL && *passed_fd >= 0) {
        close(*passed_fd);
        *passed_fd = -1;
    }
    return status;
}
