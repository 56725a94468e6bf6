/* run_program.h - a program run as a user would, with all that it said. */
#ifndef KIN_TEST_RUN_PROGRAM_H
#define KIN_TEST_RUN_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What a run left: released with run_release(). */
typedef struct run {
    int exit_code;   /* or 128 + the signal that ended it */
    char *out, *err; /* standard output and error, each ended by NUL */
    size_t out_size, err_size;
} run;

/* Runs build/bin/kindred with the arguments (NULL ends them) and waits, at most five minutes.  Fails the
 * running cmocka test when it cannot be started. */
run run_kindred(const char *first, ...) __attribute__((sentinel));

/* The same for an array of arguments, without the program's name, ended by NULL. */
run run_kindred_with(const char *const *arguments);

/* The same in two steps, for programs at once.  What it says waits in its pipes until run_finish(),
 * which must follow: it should be less than a pipe holds. */
typedef struct running running;
running *run_start(const char *const *arguments);
bool run_is_over(running *program);
run run_finish(running *program);

/* Its standard output as JSON, which must be one value; freed with json_decref(). */
json_t *run_json(const run *done);

void run_release(run *done);

#endif
