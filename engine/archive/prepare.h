/* prepare.h - one file to arrivals: known already, or decoded and described. */
#ifndef KIN_ARCHIVE_PREPARE_H
#define KIN_ARCHIVE_PREPARE_H

#include "archive/queue.h"

/*
 * Prepares the file at path (absolute) and puts one or more arrivals into queue, the last of them
 * marked.  A file whose very bytes are stored is not decoded again: its records are laid anew under
 * the manifest.  `failed` is what the walk already found wrong (KIN_OK when nothing).  Returns
 * false when the queue was shut.
 */
bool kin_prepare_file(kin_archive *archive, kin_decoder *decoder, const kin_manifest *manifest,
                      const char *path, kin_status failed, const kin_error *why, kin_queue *queue);

#endif
