/*
 * json_record.h - records and results as JSON.
 *
 * Texts that are unknown are "", never null or absent, so that readers need no special case. JSON
 * is UTF-8: bytes of a path that are not become U+FFFD. All functions return a new reference, or
 * NULL without memory.
 */
#ifndef KINDRED_JSON_RECORD_H
#define KINDRED_JSON_RECORD_H

#include <jansson.h>

#include "catalog/record.h"

json_t *kin_json_text(const char *text);

/* {"name": "value", …} */
json_t *kin_json_labels(const kin_record *record);

/* {"number": 1, "label": "Tumor", "code": "SCT:108369006", "source": UID, "box": {"x", "y", "width",
 * "height"}} of a region of an image, null of a whole one. */
json_t *kin_json_region(const kin_record *record);

/* Every attribute (attributes.h; "region" as above) and "labels". */
json_t *kin_json_record(const kin_record *record);

/* One entry of a search's "results": rank (from 1), score, and the fields that name and place
 * the image, or the region of it. */
json_t *kin_json_result(size_t rank, double score, const kin_record *record);

#endif
