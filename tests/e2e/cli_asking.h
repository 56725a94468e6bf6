/* cli_asking.h - kindred asked about an archive, and its answers taken apart. */
#ifndef KIN_TEST_CLI_ASKING_H
#define KIN_TEST_CLI_ASKING_H

#include <jansson.h>
#include <stdbool.h>

/* Runs `kindred -a ARCHIVE FIRST … --json` (NULL ends the arguments), asserts the exit code and
 * gives what it printed; freed with json_decref(). */
json_t *ask(const char *archive, int exit_code, const char *first, ...) __attribute__((sentinel));

/* The same without --json; asserts that it speaks on standard error exactly when it fails, and
 * that `said` (NULL: anything) is part of what it says there, or on standard output when done. */
void tell(const char *archive, int exit_code, const char *said, const char *first, ...)
    __attribute__((sentinel));

/* All records that meet the condition (NULL: all), as `export --format ndjson` gives them. */
json_t *exported_records(const char *archive, const char *where);

/* A text, a whole number, or a real one of the object, which must have it. */
const char *text_of(const json_t *object, const char *key);
long long number_of(const json_t *object, const char *key);
double real_of(const json_t *object, const char *key);

/* The label's value, "" where the record or result has none. */
const char *label_of(const json_t *record, const char *name);

/* The array "results" of a search's answer. */
json_t *results_of(const json_t *answer);

/* Are the two, results or records, the same frame of the same instance? */
bool same_image(const json_t *a, const json_t *b);

/* Asserts that the results are these records, each once, in any order. */
void assert_same_images(const json_t *results, const json_t *records);

#endif
