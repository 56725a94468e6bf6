/* layout.c - what a signature says of the descriptors that it stands for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "features/features.h"
#include "features/spec.h"

enum { VERSION_MAX = 1000000, WEIGHT_MAX = 1000000 /* thousandths */ };

/* A number from 1 to most, without leading zeros, at *at. */
static bool take_number(const char **at, size_t most, size_t *out)
{
    const char *digit = *at;
    size_t value = 0;
    if (*digit < '1' || *digit > '9')
        return false;
    for (; *digit >= '0' && *digit <= '9' && value <= most; digit++)
        value = value * 10 + (size_t)(*digit - '0');
    *at = digit;
    *out = value;
    return value <= most;
}

static bool take_mark(const char **at, char mark)
{
    bool there = **at == mark;
    *at += there;
    return there;
}

static float registered_weight(const kin_layout_part *part)
{
    const kin_family *family = kin_family_named(part->name, part->name_length);
    return family != NULL ? family->weight : 1.0f;
}

bool kin_layout_next(const char **at, kin_layout_part *out)
{
    const char *next = *at;
    size_t thousandths;
    *out = (kin_layout_part){.name = next, .name_length = strcspn(next, "/ ")};
    next += out->name_length;
    if (out->name_length == 0 || !take_mark(&next, '/') ||
        !take_number(&next, VERSION_MAX, &out->version) || !take_mark(&next, ':') ||
        !take_number(&next, KIN_LAYOUT_LENGTH_MAX, &out->length))
        return false;
    out->weight = registered_weight(out);
    if (take_mark(&next, '@')) {
        if (!take_number(&next, WEIGHT_MAX, &thousandths))
            return false;
        out->weight = (float)thousandths / 1000.0f;
    }
    /* a space only between two families */
    if (*next != '\0' && (!take_mark(&next, ' ') || *next == '\0'))
        return false;
    *at = next;
    return true;
}

kin_status kin_layout_length(const char *signature, size_t *out, kin_error *err)
{
    kin_layout_part part;
    const char *at = signature;
    size_t length = 0;
    while (length <= KIN_LAYOUT_LENGTH_MAX && kin_layout_next(&at, &part))
        length += part.length;
    if (length == 0 || length > KIN_LAYOUT_LENGTH_MAX || *at != '\0')
        return kin_fail(err, KIN_E_FORMAT, NULL, "the descriptors' signature is malformed");
    *out = length;
    return KIN_OK;
}

bool kin_layout_is_network(const kin_layout_part *part, char id[KIN_NETWORK_ID_SIZE])
{
    size_t prefix = strlen(KIN_SPEC_NETWORK);
    if (part->name_length <= prefix || memcmp(part->name, KIN_SPEC_NETWORK, prefix) != 0 ||
        part->name_length - prefix >= KIN_NETWORK_ID_SIZE)
        return false;
    memcpy(id, part->name + prefix, part->name_length - prefix);
    id[part->name_length - prefix] = '\0';
    return strchr(id, '/') == NULL && id[0] != '.';
}

/* Writes a family as a spec names it. */
static void write_part(FILE *to, const kin_layout_part *part, const char *networks)
{
    char id[KIN_NETWORK_ID_SIZE];
    if (!kin_layout_is_network(part, id)) {
        fprintf(to, "%.*s", (int)part->name_length, part->name);
        return;
    }
    fputs(KIN_SPEC_NETWORK, to);
    kin_spec_escape(to, networks, strlen(networks));
    fputc('/', to);
    kin_spec_escape(to, id, strlen(id));
}

kin_status kin_layout_spec(const char *signature, const char *networks, char **out, kin_error *err)
{
    kin_layout_part part;
    size_t length, size = 0;
    char *text = NULL;
    const char *at = signature;
    kin_status status = kin_layout_length(signature, &length, err);
    if (status != KIN_OK)
        return status;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the names of families");
    while (kin_layout_next(&at, &part)) {
        if (part.name != signature)
            fputc(' ', to);
        write_part(to, &part, networks);
    }
    if (fclose(to) != 0) {
        free(text);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the names of families");
    }
    *out = text;
    return KIN_OK;
}
