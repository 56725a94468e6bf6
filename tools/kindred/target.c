#include "target.h"

int kin_target_open(const kin_cli *cli, bool make, kin_target **out)
{
    return cli->remote != NULL ? kin_target_open_remote(cli, out)
                               : kin_target_open_local(cli, make, out);
}

void kin_target_close(kin_target *target)
{
    if (target != NULL)
        target->ops->close(target);
}

void kin_search_answer_release(kin_search_answer *answer)
{
    kin_results_release(&answer->results);
    kin_query_release(&answer->query);
}
