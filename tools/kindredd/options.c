#include "options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_LISTEN = 256,
    KEY_PRINT_CONFIG,
    KEY_CHECK_CONFIG,
    KEY_NEW_TOKEN,
    KEY_PORT_FILE,
    KEY_IGNORE_ENVIRONMENT,
    KEY_TABLE = 1024 /* … and the row's number */
};

static const struct argp_option fixed[] = {
    {"config", 'c', "FILE", 0,
     "Configuration file (default: " KIN_CONFIG_FILE ", where it exists; empty: none)", 0},
    {"archive", 'a', "DIR", 0, "The archive's folder (--archive.path)", 0},
    {"listen", KEY_LISTEN, "ADDRESSES", 0, "Addresses to serve at (--server.listen)", 0},
    {"port-file", KEY_PORT_FILE, "FILE", 0,
     "Write the ports to FILE once they are served, as lines \"grpc PORT\" and \"http PORT\"", 0},
    {"ignore-environment", KEY_IGNORE_ENVIRONMENT, NULL, 0,
     "Take no options from KINDREDD_... variables", 0},
    {"print-config", KEY_PRINT_CONFIG, NULL, 0,
     "Print the configuration with what each option means, as a configuration file", 0},
    {"check-config", KEY_CHECK_CONFIG, NULL, 0, "Check the configuration and the files it names",
     0},
    {"new-token", KEY_NEW_TOKEN, NULL, 0,
     "Make a token for client NAME with the ROLE read, write or admin: print it, and its line for "
     "the access file",
     0},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1},
    {NULL, 0, NULL, 0,
     "Options of the configuration file, which may also be set by variables KINDREDD_SECTION_NAME:",
     1},
};
enum { FIXED_COUNT = sizeof fixed / sizeof fixed[0] };

static void add_setting(kin_options *options, const char *name, const char *value)
{
    options->settings[options->setting_count++] = (kin_setting){name, value};
}

static void choose_action(kin_options *options, kin_action action, struct argp_state *state)
{
    if (options->action != KIN_ACTION_SERVE && options->action != action)
        argp_error(state, "only one of --print-config, --check-config and --new-token can be done");
    options->action = action;
}

static void take_word(kin_options *options, const char *word, struct argp_state *state)
{
    if (options->token_name == NULL)
        options->token_name = word;
    else if (options->token_role == NULL)
        options->token_role = word;
    else
        argp_error(state, "'%s' is one word too many", word);
}

static void check_words(const kin_options *options, struct argp_state *state)
{
    if (options->action == KIN_ACTION_NEW_TOKEN && options->token_role == NULL)
        argp_error(state, "--new-token needs NAME and ROLE");
    if (options->action != KIN_ACTION_NEW_TOKEN && options->token_name != NULL)
        argp_error(state, "'%s'? Only options are taken", options->token_name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    kin_options *options = state->input;
    switch (key) {
    case 'c':
        options->config_file = arg;
        return 0;
    case 'a':
        add_setting(options, "archive.path", arg);
        return 0;
    case KEY_LISTEN:
        add_setting(options, "server.listen", arg);
        return 0;
    case KEY_PORT_FILE:
        options->port_file = arg;
        return 0;
    case KEY_IGNORE_ENVIRONMENT:
        options->ignore_environment = true;
        return 0;
    case KEY_PRINT_CONFIG:
        choose_action(options, KIN_ACTION_PRINT_CONFIG, state);
        return 0;
    case KEY_CHECK_CONFIG:
        choose_action(options, KIN_ACTION_CHECK_CONFIG, state);
        return 0;
    case KEY_NEW_TOKEN:
        choose_action(options, KIN_ACTION_NEW_TOKEN, state);
        return 0;
    case 'h':
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        return 0;
    case ARGP_KEY_ARG:
        take_word(options, arg, state);
        return 0;
    case ARGP_KEY_END:
        check_words(options, state);
        return 0;
    default:
        if (key < KEY_TABLE || key >= KEY_TABLE + (int)kin_config_option_count())
            return ARGP_ERR_UNKNOWN;
        add_setting(options, options->names[key - KEY_TABLE], arg);
        return 0;
    }
}

/* The table's own options behind the fixed ones; from malloc. */
static struct argp_option *make_list(char (*names)[KIN_OPTION_NAME_MAX])
{
    size_t count = kin_config_option_count();
    struct argp_option *list = calloc(FIXED_COUNT + count + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    memcpy(list, fixed, sizeof fixed);
    for (size_t i = 0; i < count; i++) {
        kin_config_option option = kin_config_option_at(i);
        snprintf(names[i], KIN_OPTION_NAME_MAX, "%s.%s", option.section, option.name);
        list[FIXED_COUNT + i] = (struct argp_option){.name = names[i],
                                                     .key = KEY_TABLE + (int)i,
                                                     .arg = "VALUE",
                                                     .doc = option.meaning,
                                                     .group = 1};
    }
    return list;
}

static const char doc[] =
    "Serves an archive of medical images over gRPC."
    "\vOptions are taken from the configuration file, then the environment, then the command line; "
    "later ones win.  SIGHUP reads certificates and the access file again and opens the audit file "
    "anew; SIGTERM and SIGINT let running calls end, a second one ends them at once.\n"
    "\n"
    "Examples:\n"
    "  kindredd -a archive\n"
    "  kindredd --config /etc/kindred/kindredd.conf --check-config\n"
    "  kindredd --print-config > kindredd.conf\n"
    "  kindredd --new-token viewer read\n"
    "\n"
    "Exit status: 0 stopped as told, 1 calls were cut off, 2 wrong usage or configuration, 3 the "
    "archive or an address cannot be used.";

kin_status kin_options_parse(int argc, char **argv, kin_options *out, kin_error *err)
{
    kin_status status = KIN_OK;
    struct argp_option *list = NULL;
    *out = (kin_options){.settings = calloc((size_t)argc + 1, sizeof(kin_setting)),
                         .names = calloc(kin_config_option_count(), sizeof *out->names)};
    if (out->settings != NULL && out->names != NULL)
        list = make_list(out->names);
    const struct argp argp = {
        .options = list, .parser = parse, .args_doc = "\n--new-token NAME ROLE", .doc = doc};
    argp_program_version = "kindredd " KINDRED_VERSION;
    argp_err_exit_status = KIN_EXIT_USAGE;
    if (list == NULL || argp_parse(&argp, argc, argv, 0, NULL, out) != 0)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the arguments");
    free(list);
    return status;
}

void kin_options_release(kin_options *options)
{
    free(options->settings);
    free(options->names);
    *options = (kin_options){0};
}

static kin_status read_file(const kin_options *options, kin_config *out, kin_error *err)
{
    const char *given = options->config_file;
    if (given != NULL && given[0] == '\0')
        return KIN_OK;
    kin_status status = kin_config_read_file(out, given != NULL ? given : KIN_CONFIG_FILE, err);
    if (status == KIN_E_NOT_FOUND && given == NULL) {
        kin_error_clear(err);
        status = KIN_OK;
    }
    return status;
}

kin_status kin_options_config(const kin_options *options, char *const *envp, kin_config *out,
                              kin_error *err)
{
    kin_config_init(out);
    kin_status status = read_file(options, out, err);
    if (status == KIN_OK && !options->ignore_environment)
        status = kin_config_read_environment(out, envp, err);
    for (size_t i = 0; status == KIN_OK && i < options->setting_count; i++)
        status = kin_config_set(out, options->settings[i].name, options->settings[i].value, err);
    return status;
}
