/* kindred - content-based medical image retrieval at the command line: finds the command and
 * runs it. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "text.h"

static const kin_command *const commands[] = {
    &kin_command_init,      &kin_command_ingest,  &kin_command_search, &kin_command_show,
    &kin_command_delete,    &kin_command_reindex, &kin_command_learn,  &kin_command_verify,
    &kin_command_stats,     &kin_command_backup,  &kin_command_export, &kin_command_eval,
    &kin_command_radiomics, &kin_command_serve,
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

/* What the words before the command's own have said. */
struct invocation {
    kin_cli *cli;
    const kin_command *command;
    int at; /* the command's place in argv */
    bool help;
};

static const kin_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static error_t parse_command(struct invocation *invocation, const char *name,
                             struct argp_state *state)
{
    if (!invocation->help && strcmp(name, "help") == 0) {
        invocation->help = true;
        return 0;
    }
    invocation->command = find_command(name);
    if (invocation->command == NULL)
        argp_error(state, "there is no command '%s'", name);
    invocation->at = state->next - 1;
    state->next = state->argc; /* the rest is the command's */
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct invocation *invocation = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = invocation->cli;
        return 0;
    case ARGP_KEY_ARG:
        return parse_command(invocation, arg, state);
    case ARGP_KEY_END:
        if (invocation->command == NULL && invocation->help)
            argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
        else if (invocation->command == NULL)
            argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Puts the list of commands behind the options (argp frees what is returned). */
static char *list_commands(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC || text == NULL)
        return (char *)text;
    char *list = NULL;
    size_t size;
    FILE *out = open_memstream(&list, &size);
    if (out == NULL)
        return (char *)text;
    fputs("Commands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s  %s\n", commands[i]->name, commands[i]->help);
    fprintf(out, "\n%s", text);
    return fclose(out) == 0 ? list : (char *)text;
}

static const struct argp_child children[] = {{&kin_cli_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    .parser = parse,
    .args_doc = "COMMAND [ARGUMENT...]",
    .doc =
        "Finds the medical images most similar to one, with their labels and outcomes."
        "\v`kindred COMMAND --help' tells of a command, `man kindred' of all.\n"
        "\n"
        "Examples:\n"
        "  kindred ingest scans/ --manifest scans/manifest.csv\n"
        "  kindred search query.dcm -k 5 --where 'modality = MR'\n"
        "\n"
        "Exit status: 0 done, 1 some inputs failed, 2 wrong usage, 3 the archive cannot be used.",
    .children = children,
    .help_filter = list_commands,
};

/* Runs the command with arguments "kindred NAME" ARGUMENT... */
static int run(struct invocation *invocation, int argc, char **argv)
{
    char name[64], help[] = "--help";
    snprintf(name, sizeof name, "kindred %s", invocation->command->name);
    if (invocation->help)
        return invocation->command->run(invocation->cli, 2, (char *[]){name, help, NULL});
    argv[invocation->at] = name;
    return invocation->command->run(invocation->cli, argc - invocation->at, argv + invocation->at);
}

/* getopt moves arguments, and messages want other names in them: another program that is to be
 * called the same way (become.h) gets them as they were.  NULL without memory. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof *copy);
    for (int i = 0; copy != NULL && i < argc; i++)
        copy[i] = argv[i];
    return copy;
}

int main(int argc, char **argv)
{
    kin_text_locale();
    argp_program_version = "kindred " KINDRED_VERSION;
    argp_err_exit_status = KIN_EXIT_USAGE;
    kin_cli cli = {.argv = copy_arguments(argc, argv)};
    kin_cli_environment(&cli);
    struct invocation invocation = {.cli = &cli};
    char name[] = "kindred";
    if (argc > 0)
        argv[0] = name; /* messages of getopt and argp begin with it */
    error_t error = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &invocation);
    if (error != 0) {
        kin_cli_message(NULL, "cannot read the arguments: %s", strerror(error));
        free(cli.argv);
        return KIN_EXIT_USAGE;
    }
    int exit_code = run(&invocation, argc, argv);
    free(cli.argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == KIN_EXIT_DONE) {
        kin_cli_message(NULL, "cannot write the output: %s", strerror(errno != 0 ? errno : EIO));
        exit_code = KIN_EXIT_FAILED;
    }
    return exit_code;
}
