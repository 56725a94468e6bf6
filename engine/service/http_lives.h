/*
 * http_lives.h - connections that last too long are cut off.
 *
 * libmicrohttpd bounds a connection's silence, not its length: a client that sends a byte now and
 * then would keep its place for days.
 */
#ifndef KIN_SERVICE_HTTP_LIVES_H
#define KIN_SERVICE_HTTP_LIVES_H

#include <stddef.h>

#include "base/status.h"

typedef struct kin_http_lives kin_http_lives;
typedef struct kin_http_life kin_http_life;

/* For at most `most` connections at once, `seconds` each. */
kin_status kin_http_lives_new(size_t most, double seconds, kin_http_lives **out, kin_error *err);
/* All lives have ended.  NULL is fine. */
void kin_http_lives_free(kin_http_lives *lives);

/* A socket's life begins; NULL when there is no place.  Once it is over the socket is shut down,
 * which whoever polls it sees as its end. */
kin_http_life *kin_http_life_begin(kin_http_lives *lives, int fd);
/* Before the socket is closed, lest another gets its number.  NULL is fine. */
void kin_http_life_end(kin_http_lives *lives, kin_http_life *life);

#endif
