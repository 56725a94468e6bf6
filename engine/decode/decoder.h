/*
 * decoder.h - a worker process that decodes files, seen from the program that uses it.
 *
 * The worker (program kindred-worker) is started anew after a crash or a time-out, so that one
 * hostile file costs one error.  It gets an open file descriptor, never a path; it can open
 * nothing, start nothing and talk to nobody but us (system-call filter), has bounded address space,
 * and what it answers is checked as input from a stranger.  What no check can find: a file that
 * takes the worker over could make it lie about the files that the same worker decodes later.
 *
 * One decoder serves one thread at a time; a program makes as many as it wants files decoded at
 * once.  The library needs none of the decoding libraries.
 */
#ifndef KIN_DECODE_DECODER_H
#define KIN_DECODE_DECODER_H

#include <stdbool.h>

#include "decode/decode.h"

typedef struct kin_decoder kin_decoder;

/* Floats that a descriptor may have at most: one travels as one message. */
enum { KIN_DECODER_LENGTH_MAX = 65536 };

/*
 * worker: path of kindred-worker, or NULL for the one beside the running program, or in
 * ../libexec/kindred from there, or where it was installed (KIN_E_NOT_FOUND when it is nowhere).
 * features: what is to describe the images, copied; an archive's is kin_archive_features_borrow().
 * The process is started at the first use.
 */
kin_status kin_decoder_new(const char *worker, const kin_decode_features *features,
                           const kin_decode_limits *limits, kin_decoder **out, kin_error *err);

/* Starts the process where none runs, to find out whether it can be had: kin_decoder_run()'s
 * KIN_E_INTERNAL, and KIN_E_UNSUPPORTED where images cannot be described (below). */
kin_status kin_decoder_start(kin_decoder *decoder, kin_error *err);

/* Ends the worker, too.  NULL is fine. */
void kin_decoder_free(kin_decoder *decoder);

/*
 * Decodes the file at path, as wished (NULL: descriptors of all whole frames).  Errors are kin_decode_bytes()'s, and
 *   KIN_E_UNSUPPORTED  not a regular file: FIFO, device, socket, folder; or the worker has not got
 *                      the features: a network or its library is missing (the message says which),
 *                      or they are of another version
 *   KIN_E_LIMIT        the file is too large, or needs more memory than a worker may have
 *   KIN_E_CRASHED      the worker died (the message names the signal)
 *   KIN_E_TIMEOUT      the worker said nothing for limits.seconds
 *   KIN_E_INTERNAL     the worker's answers made no sense, or it could not get ready, or its program
 *                      is gone
 *   KIN_E_NOT_FOUND, KIN_E_IO  the file cannot be opened
 *   KIN_E_ARG          the wish makes no sense, whatever the file
 * Subject: the path (of the worker's program where that is the trouble).  After any of them the decoder is as good as new.  When the sink fails the
 * worker is stopped at once and the sink's error returned.
 */
kin_status kin_decoder_run(kin_decoder *decoder, const char *path, const kin_decode_wish *wish,
                           const kin_decode_sink *sink, kin_error *err);

/* The same for bytes in memory (a query that came over the network), handed over in a sealed memfd.
 * name: as in kin_decode_bytes(), and the error's subject. */
kin_status kin_decoder_run_bytes(kin_decoder *decoder, const void *bytes, size_t size,
                                 const char *name, const kin_decode_wish *wish,
                                 const kin_decode_sink *sink, kin_error *err);

/* The same for a regular file open at fd, which stays the caller's: its offset is neither used (the
 * file is read from its beginning) nor moved, and a worker can only read it.  KIN_E_ARG: fd is not
 * open. */
kin_status kin_decoder_run_fd(kin_decoder *decoder, int fd, const char *name,
                              const kin_decode_wish *wish, const kin_decode_sink *sink,
                              kin_error *err);

/* From now on stop(ctx) is asked several times a second while a worker is at work; once it says true
 * the worker is ended, and the decoding fails with KIN_E_CANCELLED.  NULL: nobody is asked. */
void kin_decoder_set_stop(kin_decoder *decoder, bool (*stop)(void *ctx), void *ctx);

/* Workers started so far, the first included: more than one tells of crashes, time-outs or
 * nonsense.  Starts after a worker's retirement, or after the sink's failure, are not counted. */
unsigned kin_decoder_starts(const kin_decoder *decoder);

#endif
