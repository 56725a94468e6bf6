#include "dataset.h"

#include <stdarg.h>
#include <stdio.h>

static void add(dataset *d, const char *path, const char *vr, const char *fmt, va_list args)
{
    size_t room = DATASET_TEXT - d->used;
    int length = vsnprintf(d->text + d->used, room, fmt, args);
    if (d->count == DATASET_MAX || length < 0 || (size_t)length >= room) {
        d->full = true;
        return;
    }
    d->items[d->count++] =
        (kin_dicom_new_attribute){.path = path, .vr = vr, .value = d->text + d->used};
    d->used += (size_t)length + 1;
}

void dataset_add(dataset *d, const char *path, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(d, path, NULL, fmt, args);
    va_end(args);
}

void dataset_add_as(dataset *d, const char *path, const char *vr, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(d, path, vr, fmt, args);
    va_end(args);
}

void dataset_add_empty(dataset *d, const char *path)
{
    dataset_add(d, path, "%s", "");
}

void dataset_add_words(dataset *d, const char *path, const unsigned short *words, size_t count)
{
    if (d->count == DATASET_MAX) {
        d->full = true;
        return;
    }
    d->items[d->count++] =
        (kin_dicom_new_attribute){.path = path, .words = words, .word_count = count};
}
