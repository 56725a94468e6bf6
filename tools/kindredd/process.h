/* process.h - what a long-lived process with patients' data sets for itself. */
#ifndef KINDREDD_PROCESS_H
#define KINDREDD_PROCESS_H

#include "base/status.h"

/* Files are the owner's alone, no memory is ever written to a core file, as many descriptors as the
 * hard limit allows, and a client that hangs up is no signal. */
kin_status kin_process_prepare(kin_error *err);

#endif
