/*
 * decoder.h - a worker process that decodes files, seen from the program that uses it.
 *
 * The worker (program kindred-worker) is started anew after a crash or a time-out, so that one hostile file costs
 * one error.  It gets an open file descriptor, never a path; it can open nothing, start nothing and talk to nobody but us
 * (system-call filter), has bounded address space, and what it answers is checked as input from a stranger.
 *
 * One decoder serves one thread at a time; a program makes as many as it wants files decoded at once.
 */
#ifndef KIN_DECODE_DECODER_H
#define KIN_DECODE_DECODER_H

#include "decode/decode.h"

typedef struct kin_decoder kin_decoder;

/* worker: path of kindred-worker, or NULL for the one beside the running program (else the installed one).  length: floats of a
 * descriptor, for checking answers.  The process is started at the first use. */
kin_status kin_decoder_new(const char *worker, size_t length, const kin_decode_limits *limits, kin_decoder **out,
                           kin_error *err);
void kin_decoder_free(kin_decoder *decoder);

/* Decodes the file at path.  Errors are kin_decode_bytes()'s, and KIN_E_CRASHED (with the signal's name), KIN_E_TIMEOUT,
 * KIN_E_LIMIT (file too large, memory), KIN_E_UNSUPPORTED ("not a regular file": FIFO, device, socket, folder), KIN_E_IO.  Subject: the path. */
kin_status kin_decoder_run(kin_decoder *decoder, const char *path, const kin_decode_sink *sink, kin_error *err);

/* The same for bytes in memory (a query that came over the network): they are handed over in a memfd. */
kin_status kin_decoder_run_bytes(kin_decoder *decoder, const void *bytes, size_t size, const char *name,
                                 const kin_decode_sink *sink, kin_error *err);

/* Workers started so far, the first included: more than one tells of crashes. */
unsigned kin_decoder_starts(const kin_decoder *decoder);

#endif
