/* defaults.h - how a search asks the index unless told otherwise.  The self-check of a reindex asks the
 * same way: it must measure what searches will get. */
#ifndef KIN_ARCHIVE_DEFAULTS_H
#define KIN_ARCHIVE_DEFAULTS_H

enum { KIN_SEARCH_CANDIDATES = 128 /* for the exact ranking, at least */ };

#define KIN_SEARCH_EFFORT 0.5

#endif
