/* options.h - the command line of kindredd. */
#ifndef KINDREDD_OPTIONS_H
#define KINDREDD_OPTIONS_H

#include "service/config.h"

enum {
    KIN_EXIT_DONE = 0,
    KIN_EXIT_FAILED = 1,  /* calls were cut off, or output could not be written */
    KIN_EXIT_USAGE = 2,   /* wrong usage or configuration */
    KIN_EXIT_ARCHIVE = 3, /* the archive, or an address to serve at, cannot be used */
};

/* The configuration file that is read, where it exists, unless another one is named. */
#define KIN_CONFIG_FILE "/etc/kindred/kindredd.conf"

typedef enum kin_action {
    KIN_ACTION_SERVE,
    KIN_ACTION_PRINT_CONFIG,
    KIN_ACTION_CHECK_CONFIG,
    KIN_ACTION_NEW_TOKEN
} kin_action;

/* An option of the table that the command line sets. */
typedef struct kin_setting {
    const char *name, *value;
} kin_setting;

enum { KIN_OPTION_NAME_MAX = 128 };

/* Texts are argv's; released with kin_options_release(). */
typedef struct kin_options {
    kin_action action;
    const char *config_file; /* NULL: KIN_CONFIG_FILE; "": none */
    bool ignore_environment;
    const char *port_file;               /* NULL: none */
    const char *token_name, *token_role; /* of KIN_ACTION_NEW_TOKEN */
    kin_setting *settings;               /* in their order */
    size_t setting_count;
    char (*names)[KIN_OPTION_NAME_MAX]; /* "section.name" of each row of the table */
} kin_options;

/* Parses; wrong usage, --help and --version end the program.  KIN_E_NOMEM. */
kin_status kin_options_parse(int argc, char **argv, kin_options *out, kin_error *err);
void kin_options_release(kin_options *options);

/* The configuration that file, environment and command line make, unchecked. */
kin_status kin_options_config(const kin_options *options, char *const *envp, kin_config *out,
                              kin_error *err);

#endif
