#include "manifest.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

enum { COLUMNS = 15, ROW_MAX = 2048 };

static const char *const HEADER[COLUMNS] = {
    "path",     "diagnosis",        "outcome", "treatment", "patient_id", "study_uid",
    "modality", "body_part",        "split",   "lesion_id", "lesion_mm",  "accession",
    "study",    "follow_up_months", "event"};

static kin_status append(manifest *m, const char *const fields[COLUMNS], kin_error *err)
{
    if (m->room - m->size < ROW_MAX) {
        size_t room = 2 * m->room + ROW_MAX;
        char *text = realloc(m->text, room);
        if (text == NULL) {
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the manifest");
        }
        m->text = text;
        m->room = room;
    }
    char *row = m->text + m->size;
    size_t used = 0;
    for (int i = 0; i < COLUMNS; i++) {
        if (i > 0) {
            row[used++] = ',';
        }
        size_t length = strlen(fields[i]);
        if (used + 2 * length + 4 > ROW_MAX) {
            return kin_fail(err, KIN_E_LIMIT, NULL, "a row of the manifest is too long");
        }
        if (strpbrk(fields[i], ",\"\r\n") != NULL) {
            used += csv_write(row + used, ROW_MAX - used, fields[i], length);
        } else {
            memcpy(row + used, fields[i], length);
            used += length;
        }
    }
    row[used++] = '\n';
    m->size += used;
    return KIN_OK;
}

kin_status manifest_add(manifest *m, const study *s, kin_error *err)
{
    const patient *who = s->exam.who;
    char lesion_mm[32] = "", months[16], number[16];
    if (s->lesion_mm > 0.0) {
        snprintf(lesion_mm, sizeof lesion_mm, "%.1f", s->lesion_mm);
    }
    snprintf(months, sizeof months, "%d", who->months);
    snprintf(number, sizeof number, "%d", s->exam.number);
    kin_status status = m->size == 0 ? append(m, HEADER, err) : KIN_OK;
    for (int i = 0; i < s->images && status == KIN_OK; i++) {
        const char *const fields[COLUMNS] = {s->paths[i],
                                             cohort_diagnosis(&s->exam),
                                             who->outcome,
                                             who->treatment,
                                             s->patient_id,
                                             s->study_uid,
                                             cohort_modality(&s->exam),
                                             cohort_body_part(&s->exam),
                                             who->test ? "test" : "train",
                                             s->lesion_id,
                                             lesion_mm,
                                             s->accession,
                                             number,
                                             months,
                                             who->event ? "1" : "0"};
        status = append(m, fields, err);
        m->rows += status == KIN_OK;
    }
    return status;
}

kin_status manifest_write(const manifest *m, const char *folder, kin_error *err)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/manifest.csv", folder);
    if (length < 0 || (size_t)length >= sizeof path) {
        return kin_fail(err, KIN_E_LIMIT, folder, "the folder's name is too long");
    }
    return kin_fs_replace(kin_fs_posix(), path, m->text, m->size, err);
}

void manifest_release(manifest *m)
{
    free(m->text);
    *m = (manifest){0};
}
