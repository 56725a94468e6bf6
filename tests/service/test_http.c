/* The pages for machines that look after us, asked over raw sockets: right and wrong requests, and
 * clients that are slow, silent, many or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/http.h"
#include "service/http_address.h"
#include "service/http_lives.h"

/* For what must come: far beyond any delay of a busy machine. */
enum { PATIENCE_MS = 60000, BIG = 8 << 20 };

/* --- pages --- */

static unsigned make_small(void *ctx, char **body, size_t *size)
{
    atomic_fetch_add((atomic_uint *)ctx, 1);
    *body = strdup("kindred_up 1\n");
    *size = strlen(*body);
    return 200;
}

static unsigned make_sick(void *ctx, char **body, size_t *size)
{
    (void)ctx;
    *body = strdup("draining\n");
    *size = strlen(*body);
    return 503;
}

static unsigned make_nothing(void *ctx, char **body, size_t *size)
{
    (void)ctx;
    (void)body;
    (void)size;
    return 200;
}

static unsigned make_big(void *ctx, char **body, size_t *size)
{
    (void)ctx;
    *body = malloc(BIG);
    *size = BIG;
    if (*body != NULL)
        memset(*body, 'b', BIG);
    return 200;
}

static unsigned make_empty(void *ctx, char **body, size_t *size)
{
    (void)ctx;
    *body = calloc(1, 1);
    *size = 0;
    return 200;
}

static atomic_uint made;
static const kin_http_page pages[] = {
    {"/metrics", "text/plain; version=0.0.4", make_small, &made},
    {"/live", "text/plain", make_sick, NULL},
    {"/nothing", "text/plain", make_nothing, NULL},
    {"/big", "text/plain", make_big, NULL},
    {"/empty", "text/plain", make_empty, NULL},
};
enum { PAGES = sizeof pages / sizeof pages[0] };

static kin_http *start(const char *address, const kin_http_bounds *bounds)
{
    kin_http *http = NULL;
    kin_error err = {0};
    if (kin_http_start_bounded(address, pages, PAGES, bounds, &http, &err) != KIN_OK)
        fail_msg("cannot start: %s", err.message);
    assert_in_range(kin_http_port(http), 1, 65535);
    return http;
}

static kin_http *start_plain(void)
{
    return start("127.0.0.1:0", &kin_http_bounds_default);
}

/* --- raw clients --- */

/* From the loopback address 127.0.0.`from`. */
static int connect_from(const kin_http *http, int from)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)from);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((in_port_t)kin_http_port(http));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void put(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* refused half-way: what came back tells */
        text += sent;
        size -= (size_t)sent;
    }
}

static void put_text(int fd, const char *text)
{
    put(fd, text, strlen(text));
}

/* All that comes until the connection ends, within `patience` ms; NULL when it does not end. */
static char *take_all(int fd, int patience, size_t *size)
{
    char *text = NULL, chunk[65536];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    double end = kin_clock_monotonic() + patience / 1e3;
    FILE *out = open_memstream(&text, size);
    assert_non_null(out);
    for (;;) {
        int left = (int)(1e3 * (end - kin_clock_monotonic()));
        if (left <= 0 || poll(&wait, 1, left) == 0) {
            fclose(out);
            free(text);
            return NULL;
        }
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0)
            break;
        fwrite(chunk, 1, (size_t)got, out);
    }
    fclose(out);
    return text;
}

static char *ask_sized(const kin_http *http, const char *request, size_t request_size, size_t *size)
{
    int fd = connect_from(http, 1);
    put(fd, request, request_size);
    char *answer = take_all(fd, PATIENCE_MS, size);
    close(fd);
    if (answer == NULL)
        fail_msg("no end of the answer to \"%s\"", request);
    return answer;
}

static char *ask(const kin_http *http, const char *request)
{
    size_t size;
    return ask_sized(http, request, strlen(request), &size);
}

static char *get_from(const kin_http *http, int from)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t size;
    int fd = connect_from(http, from);
    put(fd, request, sizeof request - 1);
    char *answer = take_all(fd, PATIENCE_MS, &size);
    close(fd);
    return answer;
}

static void answers(const kin_http *http, const char *request, const char *begin,
                    const char *within)
{
    char *answer = ask(http, request);
    if (strncmp(answer, begin, strlen(begin)) != 0 || strstr(answer, within) == NULL)
        fail_msg("\"%s\" was answered \"%s\"", request, answer);
    free(answer);
}

/* --- requests --- */

static void pages_are_made_anew_for_each_request(void **state)
{
    (void)state;
    kin_http *http = start_plain();
    unsigned before = atomic_load(&made);
    for (unsigned i = 1; i <= 3; i++) {
        char *answer = ask(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
        assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4\r\n"));
        assert_non_null(strstr(answer, "Content-Length: 13\r\n"));
        assert_non_null(strstr(answer, "Cache-Control: no-store\r\n"));
        assert_non_null(strstr(answer, "\r\n\r\nkindred_up 1\n"));
        assert_int_equal(atomic_load(&made) - before, i);
        free(answer);
    }
    answers(http, "GET /metrics?a=b HTTP/1.0\r\n\r\n", "HTTP/1.", "\r\n\r\nkindred_up 1\n");
    answers(http, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 503 ", "\r\n\r\ndraining\n");
    answers(http, "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ",
            "Content-Length: 0\r\n");
    kin_http_stop(http);
}

static void a_big_page_comes_whole(void **state)
{
    (void)state;
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t size;
    kin_http *http = start_plain();
    char *answer = ask_sized(http, request, sizeof request - 1, &size);
    const char *body = strstr(answer, "\r\n\r\n") + 4;
    assert_int_equal(size - (size_t)(body - answer), BIG);
    assert_int_equal(strspn(body, "b"), BIG);
    free(answer);
    kin_http_stop(http);
}

static void head_has_no_body(void **state)
{
    (void)state;
    kin_http *http = start_plain();
    char *answer = ask(http, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    assert_non_null(strstr(answer, "Content-Length: 13\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    free(answer);
    kin_http_stop(http);
}

static void other_pages_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"/",           "/metrics/",  "/Metrics",    "//metrics",
                                        "/metric",     "/metricss",  "/../metrics", "/%2e%2e/x",
                                        "/etc/passwd", "/metrics%2f"};
    kin_http *http = start_plain();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        answers(http, request, "HTTP/1.1 404 ", "\r\n\r\nnot found\n");
    }
    kin_http_stop(http);
}

static void other_methods_are_not_allowed(void **state)
{
    (void)state;
    static const char *const methods[] = {"POST",  "PUT",   "DELETE", "OPTIONS",
                                          "TRACE", "PATCH", "get",    "GETT"};
    kin_http *http = start_plain();
    unsigned before = atomic_load(&made);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char request[128];
        snprintf(request, sizeof request,
                 "%s /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", methods[i]);
        answers(http, request, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
    }
    /* A body that never comes is not waited for. */
    answers(http, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n",
            "HTTP/1.1 405 ", "only GET");
    assert_int_equal(atomic_load(&made), before);
    kin_http_stop(http);
}

static void missing_memory_is_said(void **state)
{
    (void)state;
    kin_http *http = start_plain();
    answers(http, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 500 ", "out of memory");
    kin_http_stop(http);
}

/* Whatever comes: a refusal or a closed connection, never a page, and others are served. */
static void malformed_requests_get_no_page(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /metrics\r\nHost: a\r\n\r\n",
        "GET /metrics HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /metrics SPDY/1\r\nHost: a\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n\r\n", /* no host */
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    };
    kin_http_bounds bounds = kin_http_bounds_default;
    bounds.silence_seconds = 1; /* some of them may be taken for a beginning */
    kin_http *http = start("127.0.0.1:0", &bounds);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        size_t size;
        int fd = connect_from(http, 1);
        put_text(fd, requests[i]);
        shutdown(fd, SHUT_WR);
        char *answer = take_all(fd, PATIENCE_MS, &size);
        close(fd);
        assert_non_null(answer);
        if (strncmp(answer, "HTTP/1.1 200", 12) == 0)
            fail_msg("\"%s\" got the page", requests[i]);
        free(answer);
    }
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    kin_http_stop(http);
}

static void endless_headers_are_refused(void **state)
{
    (void)state;
    kin_http *http = start_plain();
    char line[1024];
    size_t size;
    memset(line, 'x', sizeof line);
    memcpy(line, "x: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    int fd = connect_from(http, 1);
    put_text(fd, "GET /metrics HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 64; i++)
        put(fd, line, sizeof line);
    put_text(fd, "\r\n");
    char *answer = take_all(fd, PATIENCE_MS, &size);
    assert_non_null(answer);
    if (size > 0 && strncmp(answer, "HTTP/1.1 4", 10) != 0)
        fail_msg("answered \"%s\"", answer);
    free(answer);
    close(fd);
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    kin_http_stop(http);
}

static void a_connection_gets_one_answer(void **state)
{
    (void)state;
    kin_http *http = start_plain();
    unsigned before = atomic_load(&made);
    char *answer = ask(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
                             "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_int_equal(atomic_load(&made) - before, 1);
    free(answer);
    kin_http_stop(http);
}

/* --- difficult clients --- */

static void clients_that_vanish_do_no_harm(void **state)
{
    (void)state;
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    kin_http *http = start_plain();
    for (size_t i = 0; i < 60; i++) {
        int fd = connect_from(http, 2 + (int)i % 5);
        put(fd, request, i % sizeof request);
        struct linger hard = {.l_onoff = 1}; /* a reset instead of an orderly end */
        if (i % 2 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(fd);
    }
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    kin_http_stop(http);
}

static void silent_connections_hold_up_nobody_else(void **state)
{
    (void)state;
    enum { IDLE = 200 };
    int idle[IDLE], from_one = 2, refused = 0;
    kin_http_bounds bounds = kin_http_bounds_default;
    bounds.silence_seconds = 600; /* however slow this machine is */
    bounds.life_seconds = 3600;
    kin_http *http = start("127.0.0.1:0", &bounds);
    for (int i = 0; i < IDLE; i++)
        idle[i] = connect_from(http, from_one);
    /* Another address is answered while they are there. */
    for (int i = 0; i < 5; i++) {
        char *answer = get_from(http, 1);
        assert_non_null(answer);
        assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
        free(answer);
    }
    /* Of the 200 all but 16 have been turned away. */
    for (int i = 0; i < IDLE; i++) {
        struct pollfd wait = {.fd = idle[i], .events = POLLIN};
        refused += poll(&wait, 1, 0) == 1;
    }
    assert_int_equal(refused, IDLE - 16);
    for (int i = 0; i < IDLE; i++)
        close(idle[i]);
    /* Once they are gone there is room for their address again. */
    char *answer = NULL;
    for (int i = 0; i < 600 && (answer == NULL || answer[0] == '\0'); i++) {
        free(answer);
        answer = get_from(http, from_one);
        usleep(1000);
    }
    assert_non_null(answer);
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    free(answer);
    kin_http_stop(http);
}

/* With all places taken others wait until the silent ones are closed. */
static void silence_ends_a_connection(void **state)
{
    (void)state;
    static const kin_http_bounds bounds = {
        .connections = 8, .connections_per_address = 8, .silence_seconds = 1, .life_seconds = 3600};
    int idle[8];
    size_t size;
    kin_http *http = start("127.0.0.1:0", &bounds);
    for (int i = 0; i < 8; i++) {
        idle[i] = connect_from(http, 2);
        put(idle[i], "GET /metrics HTTP/1.1\r\nHo", (size_t)i * 3);
    }
    char *answer = get_from(http, 1);
    assert_non_null(answer);
    assert_memory_equal(answer, "HTTP/1.1 200 ", 13);
    free(answer);
    for (int i = 0; i < 8; i++) {
        free(take_all(idle[i], PATIENCE_MS, &size));
        close(idle[i]);
    }
    kin_http_stop(http);
}

/* A client that trickles bytes is never silent; its life ends nevertheless. */
static void trickling_ends_a_connection(void **state)
{
    (void)state;
    static const kin_http_bounds bounds = {.connections = 8,
                                           .connections_per_address = 8,
                                           .silence_seconds = 600,
                                           .life_seconds = 0.5};
    kin_http *http = start("127.0.0.1:0", &bounds);
    double began = kin_clock_monotonic(), end = began + PATIENCE_MS / 1e3;
    int fd = connect_from(http, 1);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    put_text(fd, "GET /metrics HTTP/1.1\r\nHost: a\r\nx: ");
    while (poll(&wait, 1, 20) == 0 && kin_clock_monotonic() < end)
        put_text(fd, "x");
    assert_true(kin_clock_monotonic() < end);
    assert_true(kin_clock_monotonic() - began >= 0.5);
    close(fd);
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    kin_http_stop(http);
}

/* The next connection mostly gets the number of one that is over, but never its end. */
static void a_connection_does_not_inherit_an_end(void **state)
{
    (void)state;
    static const kin_http_bounds bounds = {
        .connections = 8, .connections_per_address = 8, .silence_seconds = 600, .life_seconds = 1};
    kin_http *http = start("127.0.0.1:0", &bounds);
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    usleep(500000);
    size_t size;
    double began = kin_clock_monotonic();
    int fd = connect_from(http, 1);
    char *answer = take_all(fd, PATIENCE_MS, &size);
    assert_non_null(answer);
    assert_true(kin_clock_monotonic() - began >= 1);
    free(answer);
    close(fd);
    kin_http_stop(http);
}

/* A client that asks and does not read gets its end as well, and others their pages meanwhile. */
static void a_reader_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    static const kin_http_bounds bounds = {
        .connections = 8, .connections_per_address = 8, .silence_seconds = 600, .life_seconds = 1};
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    size_t size = 0;
    kin_http *http = start("127.0.0.1:0", &bounds);
    int fd = connect_from(http, 1);
    put(fd, request, sizeof request - 1);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1); /* the answer has begun */
    answers(http, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 ", "kindred_up");
    wait.events = POLLRDHUP;
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    char *answer = take_all(fd, PATIENCE_MS, &size);
    assert_non_null(answer);
    assert_true(size < BIG);
    free(answer);
    close(fd);
    kin_http_stop(http);
}

struct asker {
    pthread_t thread;
    const kin_http *http;
    int good;
};

static void *ask_often(void *ctx)
{
    struct asker *asker = ctx;
    for (int i = 0; i < 50; i++) {
        char *answer = get_from(asker->http, 1);
        asker->good += answer != NULL && strstr(answer, "\r\n\r\nkindred_up 1\n") != NULL;
        free(answer);
    }
    return NULL;
}

static void several_are_served_at_once(void **state)
{
    (void)state;
    struct asker askers[8];
    kin_http *http = start_plain();
    for (int i = 0; i < 8; i++) {
        askers[i] = (struct asker){.http = http};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].good, 50);
    }
    kin_http_stop(http);
}

/* --- addresses --- */

static void a_taken_port_is_told(void **state)
{
    (void)state;
    char address[64];
    kin_http *first = start_plain(), *second = NULL;
    kin_error err = {0};
    snprintf(address, sizeof address, "127.0.0.1:%d", kin_http_port(first));
    assert_int_equal(kin_http_start(address, pages, PAGES, &second, &err), KIN_E_IO);
    assert_null(second);
    assert_string_equal(err.subject, address);
    if (strstr(err.message, "in use") == NULL)
        fail_msg("\"%s\"", err.message);
    kin_http_stop(first);
    /* And free again, at once. */
    assert_int_equal(kin_http_start(address, pages, PAGES, &second, &err), KIN_OK);
    kin_http_stop(second);
    assert_int_equal(kin_http_start("203.0.113.7:0", pages, PAGES, &second, &err), KIN_E_IO);
    assert_int_equal(err.code, KIN_E_IO);
    kin_http_stop(NULL);
}

static void the_sixth_version_is_served(void **state)
{
    (void)state;
    kin_http *http = NULL;
    kin_error err = {0};
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    size_t size;
    if (kin_http_start("[::1]:0", pages, PAGES, &http, &err) != KIN_OK) {
        print_message("skipped: no IPv6 here: %s\n", err.message);
        skip();
    }
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    at.sin6_port = htons((in_port_t)kin_http_port(http));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    put_text(fd, "GET /metrics HTTP/1.0\r\n\r\n");
    char *answer = take_all(fd, PATIENCE_MS, &size);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "kindred_up 1"));
    free(answer);
    close(fd);
    kin_http_stop(http);
}

static void addresses_are_read_strictly(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ":",
        ":80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 80",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999",
        "127.0.0.1:80 ",
        "127.1:80",
        "1:80",
        "0x7f.0.0.1:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:",
        "[::1:80",
        "[]:80",
        "[127.0.0.1]:80",
        "[::1%lo]:80",
        "example.org:80",
        "localhost",
        "[localhost]:80",
        "256.0.0.1:80",
        " 127.0.0.1:80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333]:80",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kin_http_address at;
        kin_error err = {0};
        if (kin_http_address_parse(wrong[i], &at, &err) != KIN_E_ARG)
            fail_msg("\"%s\" passes for an address", wrong[i]);
        assert_string_equal(err.subject, wrong[i]);
    }
    kin_http *http = NULL;
    assert_int_equal(kin_http_start("nowhere", pages, PAGES, &http, NULL), KIN_E_ARG);
    assert_null(http);
}

static void addresses_mean_what_they_say(void **state)
{
    (void)state;
    kin_http_address at;
    char host[INET6_ADDRSTRLEN];
    assert_int_equal(kin_http_address_parse("10.1.2.3:65535", &at, NULL), KIN_OK);
    assert_int_equal(at.any.sa_family, AF_INET);
    assert_int_equal(ntohs(at.v4.sin_port), 65535);
    assert_string_equal(inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof host), "10.1.2.3");
    assert_int_equal(kin_http_address_parse("localhost:0", &at, NULL), KIN_OK);
    assert_int_equal(at.v4.sin_port, 0);
    assert_int_equal(ntohl(at.v4.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(kin_http_address_parse("[2001:db8::7]:0007480", &at, NULL), KIN_OK);
    assert_int_equal(at.any.sa_family, AF_INET6);
    assert_int_equal(ntohs(at.v6.sin6_port), 7480);
    assert_string_equal(inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof host), "2001:db8::7");
}

static void bounds_are_checked(void **state)
{
    (void)state;
    kin_http_bounds bounds = kin_http_bounds_default;
    kin_http *http = NULL;
    bounds.connections = 0;
    assert_int_equal(kin_http_start_bounded("127.0.0.1:0", pages, PAGES, &bounds, &http, NULL),
                     KIN_E_ARG);
    bounds.connections = KIN_HTTP_CONNECTIONS_MAX + 1;
    assert_int_equal(kin_http_start_bounded("127.0.0.1:0", pages, PAGES, &bounds, &http, NULL),
                     KIN_E_ARG);
    assert_null(http);
}

/* --- lives --- */

static void lives_end_in_their_order_and_only_theirs(void **state)
{
    (void)state;
    kin_http_lives *lives = NULL;
    int pairs[3][2];
    kin_http_life *life[3];
    char byte;
    assert_int_equal(kin_http_lives_new(2, 1, &lives, NULL), KIN_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
    life[0] = kin_http_life_begin(lives, pairs[0][0]);
    life[1] = kin_http_life_begin(lives, pairs[1][0]);
    life[2] = kin_http_life_begin(lives, pairs[2][0]);
    assert_true(life[0] != NULL && life[1] != NULL);
    assert_null(life[2]); /* no place */
    kin_http_life_end(lives, life[1]);
    assert_int_equal(recv(pairs[0][1], &byte, 1, 0), 0); /* waits for the end */
    kin_http_life_end(lives, life[0]);
    kin_http_life_end(lives, life[2]);
    /* A place serves again; what is not in any is left alone. */
    life[2] = kin_http_life_begin(lives, pairs[2][0]);
    assert_non_null(life[2]);
    assert_int_equal(recv(pairs[2][1], &byte, 1, 0), 0);
    assert_int_equal(recv(pairs[1][1], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    kin_http_life_end(lives, life[2]);
    kin_http_lives_free(lives);
    kin_http_lives_free(NULL);
    for (int i = 0; i < 3; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_made_anew_for_each_request),
        cmocka_unit_test(a_big_page_comes_whole),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(other_pages_are_not_found),
        cmocka_unit_test(other_methods_are_not_allowed),
        cmocka_unit_test(missing_memory_is_said),
        cmocka_unit_test(malformed_requests_get_no_page),
        cmocka_unit_test(endless_headers_are_refused),
        cmocka_unit_test(a_connection_gets_one_answer),
        cmocka_unit_test(clients_that_vanish_do_no_harm),
        cmocka_unit_test(silent_connections_hold_up_nobody_else),
        cmocka_unit_test(silence_ends_a_connection),
        cmocka_unit_test(trickling_ends_a_connection),
        cmocka_unit_test(a_connection_does_not_inherit_an_end),
        cmocka_unit_test(a_reader_that_does_not_read_is_cut_off),
        cmocka_unit_test(several_are_served_at_once),
        cmocka_unit_test(a_taken_port_is_told),
        cmocka_unit_test(the_sixth_version_is_served),
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(addresses_mean_what_they_say),
        cmocka_unit_test(bounds_are_checked),
        cmocka_unit_test(lives_end_in_their_order_and_only_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
