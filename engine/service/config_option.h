/* config_option.h - a row of the table of options, and what its kind means. */
#ifndef KIN_SERVICE_CONFIG_OPTION_H
#define KIN_SERVICE_CONFIG_OPTION_H

#include "service/config.h"

typedef enum kin_option_kind {
    KIN_OPTION_TEXT,    /* char[] */
    KIN_OPTION_CHOICE,  /* char[]: one of `choices` */
    KIN_OPTION_FLAG,    /* bool */
    KIN_OPTION_COUNT,   /* unsigned */
    KIN_OPTION_SIZE,    /* uint64_t, bytes */
    KIN_OPTION_SECONDS, /* double */
    KIN_OPTION_SHARE    /* double from 0 to 1 */
} kin_option_kind;

typedef struct kin_option {
    const char *section, *name;
    kin_option_kind kind;
    size_t offset, size; /* of its field in kin_config */
    const char *value_default;
    double low, high;    /* bounds of numbers, both allowed */
    const char *choices; /* "auto, on, off" */
    const char *meaning;
} kin_option;

/* The table, of at most KIN_OPTION_MAX rows. */
enum { KIN_OPTION_MAX = 128 };
size_t kin_option_count(void);
const kin_option *kin_option_at(size_t at);

/* KIN_E_ARG: value is none of the option's; the message begins with "section.name". */
kin_status kin_option_set(const kin_option *option, kin_config *config, const char *value,
                          kin_error *err);
/* The value as text that kin_option_set() takes. */
void kin_option_print(const kin_option *option, const kin_config *config, char *buffer,
                      size_t size);
/* What it takes, for people: "a size from 64K to 2G". */
void kin_option_accepts(const kin_option *option, char *buffer, size_t size);

#endif
