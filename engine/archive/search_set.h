/*
 * search_set.h - searching with several images as one: a slide's mosaic, a volume's slices.
 *
 * Stored series (or studies, or patients) are ranked by how alike their images are to those of the
 * query as sets (search/set_score.h).  Every image of the query proposes the series that its
 * nearest images belong to; these series are then compared exactly, with all their images.  A
 * series that none of the query's images came near is not looked at, unless the search is to be
 * exact.
 */
#ifndef KIN_ARCHIVE_SEARCH_SET_H
#define KIN_ARCHIVE_SEARCH_SET_H

#include "archive/archive.h"
#include "search/set_score.h"

enum {
    KIN_QUERY_SET_MAX = 4096, /* images of a query; of more, evenly spread ones are taken */
    KIN_SET_NEAREST = 64      /* images that each of them asks for, or four times k */
};

/* Released with kin_query_set_release(). */
typedef struct kin_query_set {
    char *name;         /* the file or the UID, for people */
    char *patient_id;   /* "" where unknown */
    float *descriptors; /* count rows of the archive's features */
    size_t count;
    uint64_t
        *ids;   /* of the stored images that they are (results leave them out); NULL: of a file */
    bool slide; /* they are tiles: KIN_SET_MEDIAN is theirs, of other sets it is KIN_SET_MEAN */
} kin_query_set;

/* All frames of the file at path: of a slide its mosaic. */
kin_status kin_query_set_from_file(kin_archive *archive, kin_decoder *decoder, const char *path,
                                   kin_query_set *out, kin_error *err);
/* All stored images that a SOP instance, series or study UID or a patient id stands for (regions
 * are none).  KIN_E_NOT_FOUND. */
kin_status kin_query_set_from_uid(kin_archive *archive, const char *uid, kin_query_set *out,
                                  kin_error *err);
void kin_query_set_release(kin_query_set *set);

/*
 * Ranks what the options' fold says (KIN_LEVEL_SERIES, …_STUDY or …_PATIENT; else KIN_E_ARG): each
 * result is the image that is most like one of the query's, with the score of its whole series
 * (study, patient).  Images without a name at that level are left out, as are those that the
 * options leave out: of a series only images that meet options->where count.  options->exact: every
 * series is compared. options->way is for searches of single images: KIN_E_ARG.
 */
kin_status kin_archive_search_set(kin_archive *archive, const kin_query_set *set, kin_set_rule rule,
                                  const kin_search_options *options, kin_results *out,
                                  kin_error *err);

#endif
