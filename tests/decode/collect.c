#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kin_status keep_header(void *ctx, const kin_decode_header *h, kin_error *err)
{
    collected *c = ctx;
    (void)err;
    c->headers++;
    c->announced = h->frames;
    free(c->text);
    size_t size = 0;
    FILE *out = open_memstream(&c->text, &size);
    fprintf(out,
            "format=%s\nsop_instance_uid=%s\nseries_instance_uid=%s\nstudy_instance_uid=%s\n"
            "patient_id=%s\nmodality=%s\nbody_part=%s\nstudy_date=%s\nframes=%d\n",
            h->format, h->sop_instance_uid, h->series_instance_uid, h->study_instance_uid,
            h->patient_id, h->modality, h->body_part, h->study_date, h->frames);
    for (size_t i = 0; i < h->attribute_count; i++)
        fprintf(out, "%s=%s\n", h->attributes[i].name, h->attributes[i].value);
    fclose(out);
    return KIN_OK;
}

static kin_status keep_preview(collected *c, const kin_decode_frame *frame, kin_error *err)
{
    size_t size = (size_t)frame->preview_width * frame->preview_height * frame->preview_channels;
    free(c->preview);
    c->preview = malloc(size);
    if (c->preview == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory in the test");
    memcpy(c->preview, frame->preview, size);
    c->preview_width = frame->preview_width;
    c->preview_height = frame->preview_height;
    c->preview_channels = frame->preview_channels;
    c->previews++;
    return KIN_OK;
}

static kin_status keep_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    collected *c = ctx;
    if (c->frames + 1 == c->fail_at)
        return kin_fail(err, KIN_E_CANCELLED, NULL, "enough");
    if (c->frames == COLLECT_FRAMES_MAX || frame->index != c->first + (uint32_t)c->frames)
        return kin_fail(err, KIN_E_ARG, NULL, "the test did not expect this frame");
    c->length = frame->length;
    c->width[c->frames] = frame->width;
    c->height[c->frames] = frame->height;
    size_t bytes = frame->length * sizeof(float);
    float *grown = realloc(c->descriptors, bytes * (size_t)(c->frames + 1));
    if (grown == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory in the test");
    c->descriptors = grown;
    memcpy(c->descriptors + c->length * (size_t)c->frames, frame->descriptor, bytes);
    c->frames++;
    return frame->preview != NULL ? keep_preview(c, frame, err) : KIN_OK;
}

kin_decode_sink collect_into(collected *c)
{
    int fail_at = c->fail_at;
    uint32_t first = c->first;
    memset(c, 0, sizeof *c);
    c->fail_at = fail_at;
    c->first = first;
    return (kin_decode_sink){.header = keep_header, .frame = keep_frame, .ctx = c};
}

void collected_release(collected *c)
{
    free(c->text);
    free(c->descriptors);
    free(c->preview);
    memset(c, 0, sizeof *c);
}

bool collected_equal(const collected *a, const collected *b)
{
    if (a->headers != b->headers || a->frames != b->frames || a->length != b->length)
        return false;
    if (a->headers > 0 && strcmp(a->text, b->text) != 0)
        return false;
    for (int i = 0; i < a->frames; i++)
        if (a->width[i] != b->width[i] || a->height[i] != b->height[i])
            return false;
    size_t preview = (size_t)a->preview_width * a->preview_height * a->preview_channels;
    if (a->previews != b->previews || a->preview_width != b->preview_width ||
        a->preview_height != b->preview_height || a->preview_channels != b->preview_channels ||
        (preview > 0 && memcmp(a->preview, b->preview, preview) != 0))
        return false;
    return a->frames == 0 || memcmp(a->descriptors, b->descriptors,
                                    a->length * sizeof(float) * (size_t)a->frames) == 0;
}

const char *collected_value(const collected *c, const char *name)
{
    static char value[KIN_DECODE_TEXT_MAX];
    size_t length = strlen(name);
    value[0] = '\0';
    for (const char *line = c->text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (strncmp(line, name, length) == 0 && line[length] == '=') {
            snprintf(value, sizeof value, "%.*s", (int)(end - line - (long)length - 1),
                     line + length + 1);
            return value;
        }
        line = end + 1;
    }
    return value;
}
