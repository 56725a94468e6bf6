/* random_condition.h - seeded random conditions over the samples' fields and labels, for tests. */
#ifndef KIN_TEST_CATALOG_RANDOM_CONDITION_H
#define KIN_TEST_CATALOG_RANDOM_CONDITION_H

#include "samples.h"

enum { RANDOM_CONDITION_SIZE = 128 << 10 };

static inline char *add_quoted(char *at, rng *random, const char *value)
{
    char quote = rng_below(random, 2) > 0 ? '\'' : '"';
    *at++ = quote;
    for (; *value != '\0'; value++) {
        if (*value == quote)
            *at++ = quote;
        *at++ = *value;
    }
    *at++ = quote;
    return at;
}

static inline char *add_value(char *at, rng *random)
{
    char value[SAMPLE_VALUE_SIZE];
    sample_value(random, value);
    if (rng_below(random, 20) == 0)
        value[0] = '\0';
    return add_quoted(at, random, value);
}

static inline char *add_comparison(char *at, rng *random)
{
    static const char *const fields[] = {
        "modality", "patient_id", "study_date",       "outcome", "width", "frame",
        "path",     "unknown",    "sop_instance_uid", "file",    "region"};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">="};
    bool field = rng_below(random, 2) > 0;
    at = add_quoted(at, random,
                    field ? fields[rng_below(random, FIELDS)]
                          : sample_names[rng_below(random, SAMPLE_NAMES)]);
    if (rng_below(random, 3) > 0) {
        at += sprintf(at, " %s ", operators[rng_below(random, 6)]);
        return add_value(at, random);
    }
    at += sprintf(at, "%s in (", rng_below(random, 2) > 0 ? " not" : "");
    for (unsigned i = rng_below(random, 5); i > 0; i--) {
        at = add_value(at, random);
        *at++ = ',';
    }
    at = add_value(at, random);
    *at++ = ')';
    return at;
}

static inline char *add_condition(char *at, rng *random, int depth)
{
    unsigned kind = depth > 0 ? rng_below(random, 6) : 5;
    if (kind == 0) {
        at += sprintf(at, "not ");
        return add_condition(at, random, depth - 1);
    }
    if (kind > 3)
        return add_comparison(at, random);
    *at++ = '(';
    at = add_condition(at, random, depth - 1);
    for (unsigned i = 1 + rng_below(random, 2); i > 0; i--) {
        at += sprintf(at, kind == 1 ? " and " : " or ");
        at = add_condition(at, random, depth - 1);
    }
    *at++ = ')';
    return at;
}

/* Up to three deep. */
static inline void random_condition(char text[RANDOM_CONDITION_SIZE], rng *random)
{
    *add_condition(text, random, (int)rng_below(random, 4)) = '\0';
}

#endif
