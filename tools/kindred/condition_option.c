#include "condition_option.h"

/* The archive offers no look at a condition's names yet: its catalog does. */
#include "archive/internal.h"
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

/* Names of the condition that no live image has, into `names`. */
static kin_status unknown_names(kin_archive *archive, const kin_condition *condition, char *names,
                                size_t size)
{
    kin_txn *txn = NULL;
    kin_status status = kin_catalog_read(archive->catalog, &txn, NULL);
    if (status == KIN_OK) {
        status = kin_condition_unknown_names(condition, txn, names, size, NULL);
        kin_txn_end(txn);
    }
    return status;
}

void kin_condition_warn(kin_archive *archive, const kin_condition *condition)
{
    char names[NAMES_SIZE];
    if (condition != NULL && unknown_names(archive, condition, names, sizeof names) == KIN_OK &&
        names[0] != '\0') /* a failure shows in what is done with the condition */
        kin_cli_message("--where", "no image has a field or label named: %s", names);
}
