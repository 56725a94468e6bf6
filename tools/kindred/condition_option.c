#include "condition_option.h"
#include "cli.h"

enum { NAMES_SIZE = 256 };

int kin_condition_option(const char *text, kin_condition **out)
{
    kin_error err = {0};
    *out = NULL;
    if (text == NULL || kin_condition_parse(text, out, &err) == KIN_OK)
        return KIN_EXIT_DONE;
    kin_error_name(&err, "--where");
    kin_cli_error(&err);
    return err.code == KIN_E_NOMEM ? KIN_EXIT_FAILED : KIN_EXIT_USAGE;
}

void kin_condition_warn(kin_archive *archive, const kin_condition *condition)
{
    char names[NAMES_SIZE];
    /* A failure shows in what is done with the condition. */
    if (condition != NULL &&
        kin_archive_unknown_names(archive, condition, names, sizeof names, NULL) == KIN_OK &&
        names[0] != '\0')
        kin_cli_message("--where", "no image has a field or label named: %s", names);
}
