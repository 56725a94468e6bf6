/*
 * A note is kept as lines "name value" in one of the catalog's settings, so that it is written with
 * the model's name or not at all.
 */
#include "archive/learn_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"

enum { NOTE_SIZE = KIN_LEARN_LABEL_SIZE + KIN_LEARN_WHERE_SIZE + 512 };

kin_status kin_learn_note_write(kin_txn *txn, const kin_learn_note *note, kin_error *err)
{
    char text[NOTE_SIZE] = "";
    if (note->label[0] != '\0')
        snprintf(text, sizeof text,
                 "model %s\nimages %" PRIu64 "\nclasses %" PRIu64 "\ngroups %" PRIu64
                 "\nmap %.6f\nbase_map %.6f\nlabel %s\nwhere %s\n",
                 note->model, note->images, note->classes, note->groups, note->map, note->base_map,
                 note->label, note->where);
    return kin_meta_set_text(txn, KIN_META_LEARNT, text, err);
}

/* The value of a line, up to its end, into out; "" when there is none. */
static void value_of(const char *text, const char *name, char *out, size_t size)
{
    size_t length = strlen(name);
    out[0] = '\0';
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (end != NULL && strncmp(line, name, length) == 0 && line[length] == ' ') {
            snprintf(out, size, "%.*s", (int)(end - line - (ptrdiff_t)length - 1),
                     line + length + 1);
            return;
        }
        line = end != NULL ? end + 1 : NULL;
    }
}

static double number_of(const char *text, const char *name)
{
    char value[64];
    value_of(text, name, value, sizeof value);
    return strtod(value, NULL);
}

static uint64_t count_of(const char *text, const char *name)
{
    char value[64];
    value_of(text, name, value, sizeof value);
    return strtoull(value, NULL, 10);
}

kin_status kin_learn_note_read(kin_txn *txn, kin_learn_note *note, kin_error *err)
{
    char text[NOTE_SIZE];
    *note = (kin_learn_note){.map = -1, .base_map = -1};
    kin_status status = kin_meta_get_text(txn, KIN_META_LEARNT, text, sizeof text, err);
    if (status != KIN_OK || text[0] == '\0')
        return status;
    value_of(text, "model", note->model, sizeof note->model);
    value_of(text, "label", note->label, sizeof note->label);
    value_of(text, "where", note->where, sizeof note->where);
    note->images = count_of(text, "images");
    note->classes = count_of(text, "classes");
    note->groups = count_of(text, "groups");
    note->map = number_of(text, "map");
    note->base_map = number_of(text, "base_map");
    return KIN_OK;
}
