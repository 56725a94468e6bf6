#include "decode/header.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/text.h"

struct kin_header_builder {
    kin_decode_header header; /* its pointers lead into the arrays below */
    char sop[KIN_UID_SIZE], series[KIN_UID_SIZE], study[KIN_UID_SIZE];
    char patient_id[KIN_DECODE_TEXT_MAX], modality[KIN_DECODE_TEXT_MAX];
    char body_part[KIN_DECODE_TEXT_MAX], study_date[KIN_DATE_SIZE];
    kin_decode_attribute attributes[KIN_DECODE_ATTRIBUTES_MAX];
    char names[KIN_DECODE_ATTRIBUTES_MAX][KIN_DECODE_NAME_MAX];
    char values[KIN_DECODE_ATTRIBUTES_MAX][KIN_DECODE_TEXT_MAX];
};

kin_header_builder *kin_header_builder_new(void)
{
    return calloc(1, sizeof(kin_header_builder));
}

void kin_header_builder_free(kin_header_builder *builder)
{
    free(builder);
}

void kin_header_begin(kin_header_builder *b, const kin_decode_header *raw)
{
    kin_text_clean_uid(b->sop, raw->sop_instance_uid);
    kin_text_clean_uid(b->series, raw->series_instance_uid);
    kin_text_clean_uid(b->study, raw->study_instance_uid);
    kin_text_clean(b->patient_id, sizeof b->patient_id, raw->patient_id);
    kin_text_clean(b->modality, sizeof b->modality, raw->modality);
    kin_text_clean(b->body_part, sizeof b->body_part, raw->body_part);
    kin_text_clean_date(b->study_date, raw->study_date);
    b->header = (kin_decode_header){
        .format = raw->format,
        .sop_instance_uid = b->sop,
        .series_instance_uid = b->series,
        .study_instance_uid = b->study,
        .patient_id = b->patient_id,
        .modality = b->modality,
        .body_part = b->body_part,
        .study_date = b->study_date,
        .attributes = b->attributes,
        .frames = raw->frames,
    };
}

void kin_header_add(kin_header_builder *b, const char *name, const char *value)
{
    size_t at = b->header.attribute_count;
    if (at == KIN_DECODE_ATTRIBUTES_MAX || !kin_text_is_name(name, KIN_DECODE_NAME_MAX))
        return;
    for (size_t i = 0; i < at; i++)
        if (strcmp(b->names[i], name) == 0)
            return;
    kin_text_clean(b->values[at], sizeof b->values[at], value);
    if (b->values[at][0] == '\0')
        return;
    snprintf(b->names[at], sizeof b->names[at], "%s", name);
    b->attributes[at] = (kin_decode_attribute){.name = b->names[at], .value = b->values[at]};
    b->header.attribute_count++;
}

void kin_header_addf(kin_header_builder *b, const char *name, const char *fmt, ...)
{
    char value[KIN_DECODE_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(value, sizeof value, fmt, ap);
    va_end(ap);
    kin_header_add(b, name, value);
}

const kin_decode_header *kin_header_borrow(const kin_header_builder *builder)
{
    return &builder->header;
}
