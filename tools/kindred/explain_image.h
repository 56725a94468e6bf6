/* explain_image.h - kindred search --explain-image: the query and its best results side by side. */
#ifndef KINDRED_EXPLAIN_IMAGE_H
#define KINDRED_EXPLAIN_IMAGE_H

#include "target.h"

/* Draws the answer's best results into the PNG at path and says what is lacking; returns the exit
 * code.  Nothing is drawn where there is no result. */
int kin_explain_image(kin_target *target, const kin_search_request *request,
                      const kin_search_answer *answer, const char *path);

/* target_ops.explain for an archive of this machine. */
kin_status kin_explain_image_local(kin_archive *archive, const kin_search_request *request,
                                   const kin_search_answer *answer, kin_explanation *out,
                                   kin_error *err);

#endif
