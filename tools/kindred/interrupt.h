/* interrupt.h - stopping cleanly on SIGINT and SIGTERM. */
#ifndef KINDRED_INTERRUPT_H
#define KINDRED_INTERRUPT_H

#include <stdbool.h>

/* From now on the first SIGINT or SIGTERM only makes kin_interrupted() true; the next one ends
 * the program at once. */
void kin_interrupt_watch(void);
bool kin_interrupted(void);

#endif
