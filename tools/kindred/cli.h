/*
 * cli.h - what the commands of `kindred` share.
 *
 * A command is a const struct with a name and a function; main.c has the list. run() gets its own
 * arguments, argv[0] being "kindred NAME", and returns the program's exit code.
 */
#ifndef KINDRED_CLI_H
#define KINDRED_CLI_H

#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#include "archive/archive.h"

enum {
    KIN_EXIT_DONE = 0,
    KIN_EXIT_FAILED = 1, /* some inputs failed, or a check found faults */
    KIN_EXIT_USAGE = 2,
    KIN_EXIT_ARCHIVE = 3 /* the archive cannot be used */
};

/* Key of the option --json, which has no short form: the same in every command. */
enum { KIN_KEY_JSON = 1024 };

/* What the options that every command takes, and the environment, have set. */
typedef struct kin_cli {
    const char *archive; /* folder; never NULL */
    const char *remote;  /* the server that takes its place, as HOST:PORT; NULL: none */
    bool archive_given, remote_given, tls_given; /* as options of this invocation */
    bool tls;                                    /* without files: with the system's authorities */
    const char *tls_ca, *tls_certificate, *tls_key, *token_file; /* each NULL for none */
    char **argv; /* of the program, as it was called */
} kin_cli;

/* What the environment says: KINDRED_ARCHIVE, KINDRED_REMOTE, KINDRED_TLS_CA, … */
void kin_cli_environment(kin_cli *cli);

typedef struct kin_command {
    const char *name;
    const char *help; /* one line, for the list of commands */
    int (*run)(kin_cli *cli, int argc, char **argv);
} kin_command;

/* The options that every command takes (-a, --remote, -h, …); their input is a kin_cli. */
extern const struct argp kin_cli_argp;

/* Parses a command's arguments by argp, whose parser gets `options` as input; adds kin_cli_argp.
 * Usage errors and --help end the program. */
void kin_cli_parse(kin_cli *cli, const struct argp *argp, int argc, char **argv, void *options);

/* Ends the program with a usage error: for ARGP_KEY_ARG in commands that take options only. */
error_t kin_cli_no_argument(const struct argp_state *state, const char *arg);

/* Ends the program with a usage error unless text is a number within bounds (numbers.h). */
long kin_cli_long(const struct argp_state *state, const char *what, const char *text, long low,
                  long high);
double kin_cli_double(const struct argp_state *state, const char *what, const char *text,
                      double low, double high);
size_t kin_cli_size(const struct argp_state *state, const char *what, const char *text);

/* Prints "kindred: SUBJECT: message" on standard error, made safe to print; subject may be NULL. */
void kin_cli_message(const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void kin_cli_error(const kin_error *err);

/* The exit code for a failure of the archive. */
int kin_cli_exit_code(kin_status status);

/* Prints the error and returns its exit code: `return kin_cli_fail(&err)`. */
int kin_cli_fail(const kin_error *err);
int kin_cli_no_memory(void);

/* Ends the program with a usage error when a server is named: for commands that work on a folder. */
void kin_cli_need_folder(const kin_cli *cli);

/* Opens the archive, of commands that need a folder; prints why it cannot and returns the exit code otherwise, with *out NULL. */
int kin_cli_open(const kin_cli *cli, kin_archive **out);

/* Prints a value, which it takes, on standard output and returns the exit code: `exit_code`, or
 * a failure without memory (value is NULL). The second form prints it on one line (NDJSON). */
int kin_cli_print_json(json_t *value, int exit_code);
int kin_cli_print_json_line(json_t *value, int exit_code);

#endif
