/* commands.h - the commands of `kindred`, one file each. */
#ifndef KINDRED_COMMANDS_H
#define KINDRED_COMMANDS_H

#include "cli.h"

extern const kin_command kin_command_init;
extern const kin_command kin_command_ingest;
extern const kin_command kin_command_search;
extern const kin_command kin_command_show;
extern const kin_command kin_command_delete;
extern const kin_command kin_command_reindex;
extern const kin_command kin_command_learn;
extern const kin_command kin_command_verify;
extern const kin_command kin_command_stats;
extern const kin_command kin_command_backup;
extern const kin_command kin_command_export;
extern const kin_command kin_command_eval;
extern const kin_command kin_command_radiomics;
extern const kin_command kin_command_serve;

#endif
