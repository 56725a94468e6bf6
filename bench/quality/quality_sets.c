#include "quality_sets.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE "sequence"

static const bench_quality_set sets[] = {
    {"brain-mri", "brain-mri", NULL, "near-duplicates"},
    {"brain-mri by sequence", "brain-mri", SEQUENCE, "runs of 64 files"},
    {"breast-ultrasound", "breast-ultrasound", NULL, "near-duplicates"},
    {"lung-histology", "lung-histology", NULL, "near-duplicates"},
    {"breast-idc", "breast-idc", NULL, "patient"},
    {"organs-histology", "organs-histology", NULL, "patient"},
    {"mammography", "mammography", NULL, "patient"},
    {"mammography-roi", "mammography-roi", NULL, "patient"},
};

const bench_quality_set *bench_quality_sets(size_t *count)
{
    *count = sizeof sets / sizeof sets[0];
    return sets;
}

/* A path's last number, and in *stem the path without it and what follows: "a/m2 (17).jpg" is
 * 17 of "a/m2 (". */
static unsigned long number_of(const char *path, char stem[PATH_MAX])
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] != '/' && !isdigit((unsigned char)path[end - 1]))
        end--;
    size_t begin = end;
    while (begin > 0 && isdigit((unsigned char)path[begin - 1]))
        begin--;
    snprintf(stem, PATH_MAX, "%.*s", (int)begin, path);
    return begin < end ? strtoul(path + begin, NULL, 10) : 0;
}

static void write_field(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

static void write_row(FILE *file, const kin_manifest *manifest, size_t row, int label,
                      int duplicate_of)
{
    char stem[PATH_MAX], sequence[PATH_MAX + 32];
    const char *path = kin_manifest_path_borrow(manifest, row);
    unsigned long number = number_of(path, stem);
    snprintf(sequence, sizeof sequence, "%s%lu", stem, number / BENCH_SEQUENCE);
    write_field(file, path);
    fputc(',', file);
    write_field(file, label >= 0 ? kin_manifest_value_borrow(manifest, row, (size_t)label) : "");
    fputc(',', file);
    write_field(file, duplicate_of >= 0
                          ? kin_manifest_value_borrow(manifest, row, (size_t)duplicate_of)
                          : "");
    fputc(',', file);
    write_field(file, sequence);
    fputc('\n', file);
}

/* The manifest again, with a column that says which run of files a row belongs to. */
static kin_status with_sequences(const kin_manifest *manifest, const char *scratch,
                                 kin_manifest **out, kin_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/sequences.csv", scratch);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return kin_fail_errno(err, path, "cannot make the manifest");
    int label = kin_manifest_find_column(manifest, "diagnosis");
    int duplicate_of = kin_manifest_find_column(manifest, "duplicate_of");
    fputs("path,diagnosis,duplicate_of," SEQUENCE "\n", file);
    for (size_t row = 0; row < kin_manifest_rows(manifest); row++)
        write_row(file, manifest, row, label, duplicate_of);
    bool bad = ferror(file) != 0;
    if (fclose(file) != 0 || bad)
        return kin_fail_errno(err, path, "cannot write the manifest");
    return kin_manifest_read(path, out, err);
}

kin_status bench_quality_manifest(const bench_quality_set *set, const char *data,
                                  const char *scratch, kin_manifest **out, kin_error *err)
{
    char path[PATH_MAX];
    kin_manifest *manifest = NULL;
    snprintf(path, sizeof path, "%s/%s/manifest.csv", data, set->folder);
    kin_status status = kin_manifest_read(path, &manifest, err);
    if (status != KIN_OK || set->leave_out == NULL) {
        *out = manifest;
        return status;
    }
    status = with_sequences(manifest, scratch, out, err);
    kin_manifest_free(manifest);
    return status;
}
