/*
 * mutate.h - damage at random, by seeds: a bounded fuzzer that needs no engine.
 *
 * A fuzz program hands fuzz_run() a body that makes one input from a seed, feeds it to an entry
 * point and checks what comes back.  Bodies run in child processes, so that a crash, a sanitizer's
 * report or a hang in whatever library stands behind the entry point costs one input, is told with
 * its seed, and fails the test.
 *
 * The seeds are 1, 2, 3, …  KINDRED_FUZZ_ITERATIONS sets how many (the programs' own numbers take
 * some seconds); KINDRED_FUZZ_SEED sets the first.  So a reported seed is tried again by
 *
 *     KINDRED_FUZZ_SEED=<seed> KINDRED_FUZZ_ITERATIONS=1 build/tests/fuzz_…
 */
#ifndef KIN_TEST_MUTATE_H
#define KIN_TEST_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes from malloc. */
typedef struct sample {
    uint8_t *bytes;
    size_t size;
} sample;

/*
 * A copy of `from` with one to four changes: bits flipped, bytes and integers of 2 to 8 bytes set to
 * what is often a boundary, ranges deleted, doubled, moved or made up, the end cut off, a range of
 * `with` laid in.  The allocation is exact, so that a sanitizer sees a read past its end; it has
 * one byte where the copy is empty.
 */
sample mutate(uint64_t *random, const sample *from, const sample *with);

/* The same without a change of size: for formats that say their own. */
sample mutate_in_place(uint64_t *random, const sample *from, size_t first, size_t end);

/* What became of the inputs. */
typedef struct fuzz_tally {
    unsigned accepted, refused, deaths;
} fuzz_tally;

/* One input.  Tells what became of it: true when the entry point took it for good. */
typedef bool (*fuzz_body)(void *ctx, uint64_t seed);

/* Runs the body for each seed (a quarter of `iterations` under sanitizers), prints the tally and
 * every seed that was fatal, and fails the running cmocka test when one was. */
fuzz_tally fuzz_run(const char *name, fuzz_body body, void *ctx, unsigned iterations);

/* Runs body(ctx) in a child process: for what must not leave threads in this one, which later
 * children would lack. */
void fuzz_apart(void (*body)(void *ctx), void *ctx);

/* In a body: what must hold; else the child dies, saying so. */
#define FUZZ_CHECK(holds) ((holds) ? (void)0 : fuzz_die(__FILE__, __LINE__, #holds))
void fuzz_die(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
