#include "csv_export.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "csv_write.h"
#include "table.h"
#include "text.h"

/* The labels' names, sorted by bytes as a record's labels are. */
struct names {
    char **items;
    size_t count, capacity;
    bool failed; /* no memory */
};

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* Adds a name at place `at`; false without memory. */
static bool names_insert(struct names *names, size_t at, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity > 0 ? names->capacity * 2 : 32;
        char **grown = reallocarray(names->items, capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        names->items = grown;
        names->capacity = capacity;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return false;
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof *names->items);
    names->items[at] = copy;
    names->count++;
    return true;
}

/* Merges a record's labels, which are sorted too, into the names. */
static int collect(void *ctx, const kin_record *record)
{
    struct names *names = ctx;
    size_t at = 0;
    for (size_t i = 0; i < record->label_count; i++) {
        int order = -1;
        while (at < names->count && (order = strcmp(names->items[at], record->labels[i].name)) < 0)
            at++;
        if ((at == names->count || order != 0) &&
            !names_insert(names, at, record->labels[i].name)) {
            names->failed = true;
            return -1;
        }
    }
    return 0;
}

struct writing {
    const struct names *names;
    FILE *out;
    bool terminal;
    bool new_label; /* a record has a label that the first pass did not see */
};

/* Writes a field as it is, but to a terminal without what would steer it. */
static void put_field(const struct writing *writing, const char *value)
{
    if (!writing->terminal) {
        kin_csv_field(writing->out, value);
        return;
    }
    char *safe = kin_text_safe(value);
    kin_csv_field(writing->out, safe != NULL ? safe : "");
    free(safe);
}

static void write_header(const struct writing *writing)
{
    const struct names *names = writing->names;
    size_t count;
    const kin_attribute *attributes = kin_attributes(&count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            kin_csv_comma(writing->out);
        put_field(writing, attributes[i].name);
    }
    for (size_t i = 0; i < names->count; i++) {
        char heading[KIN_RECORD_MAX_NAME + sizeof "label."];
        snprintf(heading, sizeof heading, "%s%s",
                 kin_attribute_exists(names->items[i]) ? "label." : "", names->items[i]);
        kin_csv_comma(writing->out);
        put_field(writing, heading);
    }
    kin_csv_end(writing->out);
}

static int write_record(void *ctx, const kin_record *record)
{
    struct writing *writing = ctx;
    size_t count, label = 0;
    const kin_attribute *attributes = kin_attributes(&count);
    for (size_t i = 0; i < count; i++) {
        char scratch[KIN_ATTRIBUTE_SCRATCH];
        if (i > 0)
            kin_csv_comma(writing->out);
        put_field(writing, kin_attribute_text(&attributes[i], record, scratch));
    }
    for (size_t i = 0; i < writing->names->count; i++) {
        kin_csv_comma(writing->out);
        if (label < record->label_count &&
            strcmp(record->labels[label].name, writing->names->items[i]) == 0)
            put_field(writing, record->labels[label++].value);
    }
    kin_csv_end(writing->out);
    writing->new_label = label < record->label_count;
    return writing->new_label || ferror(writing->out);
}

kin_status kin_csv_export(kin_archive *archive, const kin_condition *where, FILE *out,
                          kin_error *err)
{
    struct names names = {0};
    struct writing writing = {.names = &names, .out = out, .terminal = kin_terminal_width(out) > 0};
    kin_status status = kin_archive_each_record(archive, where, collect, &names, err);
    if (names.failed)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the names of labels");
    if (status != KIN_OK)
        goto out;
    write_header(&writing);
    status = kin_archive_each_record(archive, where, write_record, &writing, err);
    if (writing.new_label)
        status = kin_fail(err, KIN_E_BUSY, NULL,
                          "new labels appeared during the export: please export again");
out:
    names_release(&names);
    return status;
}
