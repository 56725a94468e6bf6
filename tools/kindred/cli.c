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

enum { KEY_REMOTE = 2048, KEY_TLS, KEY_TLS_CA, KEY_TLS_CERT, KEY_TLS_KEY, KEY_TOKEN_FILE };

static const struct argp_option global_options[] = {
    {"archive", 'a', "DIR", 0, "Archive folder (default: $KINDRED_ARCHIVE, else ./kindred-archive)",
     0},
    {"remote", KEY_REMOTE, "HOST:PORT", 0,
     "Work on the archive of a server, kindredd, instead (default: $KINDRED_REMOTE)", 0},
    {"tls", KEY_TLS, NULL, 0, "Speak TLS; trust the system's authorities", 0},
    {"tls-ca", KEY_TLS_CA, "PEM", 0, "Speak TLS; trust these authorities ($KINDRED_TLS_CA)", 0},
    {"tls-cert", KEY_TLS_CERT, "PEM", 0, "Show this certificate to the server ($KINDRED_TLS_CERT)",
     0},
    {"tls-key", KEY_TLS_KEY, "PEM", 0, "The certificate's key ($KINDRED_TLS_KEY)", 0},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0, "Send the token in this file ($KINDRED_TOKEN_FILE)",
     0},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1},
    {0}};

/* Options that only a server makes sense of. */
static bool parse_secrets(int key, const char *arg, kin_cli *cli)
{
    switch (key) {
    case KEY_TLS:
        cli->tls = true;
        break;
    case KEY_TLS_CA:
        cli->tls_ca = arg;
        break;
    case KEY_TLS_CERT:
        cli->tls_certificate = arg;
        break;
    case KEY_TLS_KEY:
        cli->tls_key = arg;
        break;
    case KEY_TOKEN_FILE:
        cli->token_file = arg;
        break;
    default:
        return false;
    }
    cli->tls_given = true;
    return true;
}

static error_t parse_global(int key, char *arg, struct argp_state *state)
{
    kin_cli *cli = state->input;
    switch (key) {
    case 'a':
        if (arg[0] == '\0')
            argp_error(state, "the archive's folder has an empty name");
        cli->archive = arg;
        cli->archive_given = true;
        return 0;
    case KEY_REMOTE:
        cli->remote = arg;
        cli->remote_given = true;
        return 0;
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        return 0;
    default:
        return parse_secrets(key, arg, cli) ? 0 : ARGP_ERR_UNKNOWN;
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

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

void kin_cli_environment(kin_cli *cli)
{
    const char *archive = from_environment("KINDRED_ARCHIVE");
    cli->archive = archive != NULL ? archive : "kindred-archive";
    cli->remote = from_environment("KINDRED_REMOTE");
    cli->tls_ca = from_environment("KINDRED_TLS_CA");
    cli->tls_certificate = from_environment("KINDRED_TLS_CERT");
    cli->tls_key = from_environment("KINDRED_TLS_KEY");
    cli->token_file = from_environment("KINDRED_TOKEN_FILE");
}

static void usage_error(const char *text)
{
    kin_cli_message(NULL, "%s", text);
    exit(KIN_EXIT_USAGE);
}

/* One archive, here or there: an option wins over the environment. */
static void choose_archive(kin_cli *cli)
{
    if (cli->archive_given && cli->remote_given)
        usage_error("--archive names a folder and --remote a server: one of them");
    if (cli->archive_given)
        cli->remote = NULL;
    if (cli->remote == NULL && cli->tls_given)
        usage_error("options of TLS and tokens are for a server (--remote)");
}

void kin_cli_need_folder(const kin_cli *cli)
{
    if (cli->remote != NULL && !cli->archive_given)
        usage_error(cli->remote_given
                        ? "this command works on an archive's folder (-a), not on a server"
                        : "this command works on an archive's folder (-a), not on the server that "
                          "KINDRED_REMOTE names");
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
    choose_archive(cli);
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
    kin_cli_need_folder(cli);
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
