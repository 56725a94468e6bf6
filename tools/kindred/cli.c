#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "numbers.h"
#include "text.h"

enum { JSON_DIGITS = 9 /* of real numbers: more than any score or measure means */ };

static const struct argp_option global_options[] = {
    {"archive", 'a', "DIR", 0, "Archive folder (default: $KINDRED_ARCHIVE, else ./kindred-archive)",
     0},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1},
    {0}};

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    kin_cli *cli = state->input;
    switch (key) {
    case 'a':
        if (arg[0] == '\0')
            argp_error(state, "the archive's folder has an empty name");
        cli->archive = arg;
        return 0;
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp kin_cli_argp = {.options = global_options, .parser = parse_global};

/* What the wrapper around a command's own argp hands to its two children. */
struct inputs {
    void *options;
    kin_cli *cli;
};

static error_t parse_wrapper(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    struct inputs *inputs = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = inputs->options;
    state->child_inputs[1] = inputs->cli;
    return 0;
}

void kin_cli_parse(kin_cli *cli, const struct argp *argp, int argc, char **argv, void *options)
{
    const struct argp_child children[] = {
        {argp, 0, NULL, 0}, {&kin_cli_argp, 0, "Options of every command:", -2}, {0}};
    const struct argp wrapper = {.parser = parse_wrapper, .children = children};
    struct inputs inputs = {.options = options, .cli = cli};
    error_t error = argp_parse(&wrapper, argc, argv, 0, NULL, &inputs);
    if (error != 0) { /* argp reports usage errors itself: this is memory */
        kin_cli_message(NULL, "cannot read the arguments: %s", strerror(error));
        exit(KIN_EXIT_USAGE);
    }
}

error_t kin_cli_no_argument(const struct argp_state *state, const char *arg)
{
    argp_error(state, "'%s'? This command takes options only", arg);
    return 0;
}

long kin_cli_long(const struct argp_state *state, const char *what, const char *text, long low,
                  long high)
{
    long number = 0;
    if (!kin_parse_long(text, low, high, &number))
        argp_error(state, "%s must be a whole number from %ld to %ld", what, low, high);
    return number;
}

double kin_cli_double(const struct argp_state *state, const char *what, const char *text,
                      double low, double high)
{
    double number = 0;
    if (!kin_parse_double(text, low, high, &number))
        argp_error(state, "%s must be a number from %g to %g", what, low, high);
    return number;
}

size_t kin_cli_size(const struct argp_state *state, const char *what, const char *text)
{
    size_t size = 0;
    if (!kin_parse_size(text, &size))
        argp_error(state, "%s must be a size such as 500M or 2G", what);
    return size;
}

void kin_cli_message(const char *subject, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fflush(stdout); /* in order, where both go to one place */
    if (kin_log_style_for(STDERR_FILENO) == KIN_LOG_JOURNAL)
        fprintf(stderr, "<%d>", KIN_LOG_ERROR); /* systemd's journal takes the level from it */
    fputs("kindred: ", stderr);
    if (subject != NULL && subject[0] != '\0') {
        kin_text_put(stderr, subject);
        fputs(": ", stderr);
    }
    kin_text_put(stderr, text);
    fputc('\n', stderr);
}

void kin_cli_error(const kin_error *err)
{
    kin_cli_message(err->subject, "%s",
                    err->message[0] != '\0' ? err->message : kin_status_text(err->code));
}

int kin_cli_exit_code(kin_status status)
{
    switch (status) {
    case KIN_OK:
        return KIN_EXIT_DONE;
    case KIN_E_ARG:
        return KIN_EXIT_USAGE;
    case KIN_E_NOT_FOUND:
    case KIN_E_CANCELLED:
        return KIN_EXIT_FAILED;
    default:
        return KIN_EXIT_ARCHIVE;
    }
}

int kin_cli_fail(const kin_error *err)
{
    kin_cli_error(err);
    return kin_cli_exit_code(err->code);
}

int kin_cli_no_memory(void)
{
    kin_cli_message(NULL, "out of memory");
    return KIN_EXIT_FAILED;
}

int kin_cli_open(const kin_cli *cli, kin_archive **out)
{
    kin_error err = {0};
    *out = NULL;
    if (kin_archive_open(kin_fs_posix(), cli->archive, out, &err) == KIN_OK)
        return KIN_EXIT_DONE;
    kin_error_name(&err, cli->archive);
    kin_cli_error(&err);
    return KIN_EXIT_ARCHIVE;
}

static int print_json(json_t *value, int exit_code, size_t flags)
{
    if (value == NULL)
        return kin_cli_no_memory();
    if (isatty(STDOUT_FILENO))
        flags |= JSON_ENSURE_ASCII; /* the same JSON, and nothing in it steers the terminal */
    if (json_dumpf(value, stdout, flags | JSON_REAL_PRECISION(JSON_DIGITS)) != 0 && !ferror(stdout))
        exit_code = kin_cli_no_memory();
    fputc('\n', stdout);
    json_decref(value);
    return exit_code;
}

int kin_cli_print_json(json_t *value, int exit_code)
{
    return print_json(value, exit_code, JSON_INDENT(2));
}

int kin_cli_print_json_line(json_t *value, int exit_code)
{
    return print_json(value, exit_code, JSON_COMPACT);
}
