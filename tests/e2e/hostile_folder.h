/* A folder of everything that an ingest should survive, with a few good files among it. */
#ifndef KIN_TEST_HOSTILE_FOLDER_H
#define KIN_TEST_HOSTILE_FOLDER_H

#include <stddef.h>

/* Whose picture some of the broken files are: no message may say it. */
#define HOSTILE_PATIENT_NAME "Quillon^Zzyzx"
#define HOSTILE_PATIENT_ID   "PID-7731-XQ"

/* A name of legal bytes that no terminal and no JSON should see as they are. */
#define HOSTILE_ODD_NAME "odd\nline\x1b[31m\xff\xfe\".png"

/* A file that cannot be ingested, and words of the reason that is owed. */
struct hostile_file {
    const char *name;
    const char *says;
};

/* Makes all of it in `folder`, which exists and is empty. */
void hostile_folder_make(const char *folder);

/* The bad ones of the folder, as a list ended by a NULL name; unreadable.png is not among them, as
 * root may read it. */
extern const struct hostile_file hostile_bad_files[];

/* The good ones, ended by NULL. */
extern const char *const hostile_good_files[];

#endif
