/* print_config.h - a configuration as the file that makes it, with what each option means. */
#ifndef KINDREDD_PRINT_CONFIG_H
#define KINDREDD_PRINT_CONFIG_H

#include <stdio.h>

#include "service/config.h"

/* Options at their defaults are printed as comments. */
void kin_print_config(const kin_config *config, FILE *out);

#endif
