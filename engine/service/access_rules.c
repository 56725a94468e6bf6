#include "service/access_rules.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 5 /* one more than any rule has */ };

/* A piece of the text: not terminated. */
struct piece {
    const char *at;
    size_t size;
};

/* A line split at its blanks, up to a comment. */
struct line {
    size_t number;
    struct piece fields[FIELDS_MAX];
    size_t count;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is(struct piece field, const char *word)
{
    return field.size == strlen(word) && memcmp(field.at, word, field.size) == 0;
}

/* False where there are more fields than any rule has. */
static bool split(struct piece text, struct line *line)
{
    const char *at = text.at, *end = text.at + text.size;
    line->count = 0;
    for (;;) {
        while (at < end && is_blank(*at))
            at++;
        if (at == end || *at == '#')
            return true;
        if (line->count == FIELDS_MAX)
            return false;
        const char *from = at;
        while (at < end && !is_blank(*at))
            at++;
        line->fields[line->count++] = (struct piece){from, (size_t)(at - from)};
    }
}

static kin_status parse_name(const struct line *line, kin_access_rule *rule, kin_error *err)
{
    struct piece field = line->fields[1];
    if (field.size >= sizeof rule->name)
        return kin_fail(err, KIN_E_LIMIT, NULL, "line %zu: the name is over %zu characters long",
                        line->number, sizeof rule->name - 1);
    for (size_t i = 0; i < field.size; i++) {
        char c = field.at[i];
        bool good = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c != '\0' && strchr("._@:-", c) != NULL);
        if (!good)
            return kin_fail(err, KIN_E_FORMAT, NULL,
                            "line %zu: a name is made of letters, digits and . _ @ : -",
                            line->number);
    }
    memcpy(rule->name, field.at, field.size);
    rule->name[field.size] = '\0';
    return KIN_OK;
}

static kin_status parse_role(const struct line *line, kin_access_rule *rule, kin_error *err)
{
    for (int role = KIN_ROLE_READ; role <= KIN_ROLE_ADMIN; role++)
        if (is(line->fields[2], kin_role_name((kin_role)role))) {
            rule->role = (kin_role)role;
            return KIN_OK;
        }
    return kin_fail(err, KIN_E_FORMAT, NULL, "line %zu: the role is not read, write or admin",
                    line->number);
}

static kin_status parse_hash(const struct line *line, kin_access_rule *rule, kin_error *err)
{
    struct piece field = line->fields[3];
    size_t got = 0;
    /* It takes hexadecimal digits only, and no more than have room. */
    if (sodium_hex2bin(rule->digest, sizeof rule->digest, field.at, field.size, NULL, &got, NULL) !=
            0 ||
        got != sizeof rule->digest)
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "line %zu: the hash is not 64 hexadecimal digits (the token itself does "
                        "not belong here)",
                        line->number);
    return KIN_OK;
}

static kin_status parse_rule(const struct line *line, kin_access_rule *rule, kin_error *err)
{
    kin_status status;
    bool token = is(line->fields[0], "token");
    if (!token && !is(line->fields[0], "certificate"))
        return kin_fail(err, KIN_E_FORMAT, NULL,
                        "line %zu: a rule begins with token or certificate", line->number);
    if (line->count != (token ? 4u : 3u))
        return kin_fail(err, KIN_E_FORMAT, NULL, "line %zu: wanted is %s", line->number,
                        token ? "token NAME ROLE HASH" : "certificate NAME ROLE");
    *rule = (kin_access_rule){.kind = token ? KIN_ACCESS_TOKEN : KIN_ACCESS_CERTIFICATE};
    if ((status = parse_name(line, rule, err)) != KIN_OK ||
        (status = parse_role(line, rule, err)) != KIN_OK)
        return status;
    return token ? parse_hash(line, rule, err) : KIN_OK;
}

/* One token for two names would leave the audit trail with a guess. */
static kin_status check_unique(const struct kin_access *access, const kin_access_rule *rule,
                               size_t number, kin_error *err)
{
    for (size_t i = 0; i < access->count; i++) {
        const kin_access_rule *other = &access->rules[i];
        if (other->kind != rule->kind)
            continue;
        if (strcmp(other->name, rule->name) == 0)
            return kin_fail(err, KIN_E_FORMAT, NULL, "line %zu: an earlier rule has this name",
                            number);
        if (rule->kind == KIN_ACCESS_TOKEN &&
            memcmp(other->digest, rule->digest, sizeof rule->digest) == 0)
            return kin_fail(err, KIN_E_FORMAT, NULL, "line %zu: an earlier rule has this token",
                            number);
    }
    return KIN_OK;
}

static kin_status append(struct kin_access *access, const kin_access_rule *rule, size_t number,
                         kin_error *err)
{
    if (access->count == KIN_ACCESS_RULES_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "line %zu: there are more than %d rules", number,
                        KIN_ACCESS_RULES_MAX);
    if (access->count == access->capacity) {
        size_t capacity = access->capacity > 0 ? 2 * access->capacity : 16;
        kin_access_rule *grown = reallocarray(access->rules, capacity, sizeof *grown);
        if (grown == NULL)
            return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for the access rules");
        access->rules = grown;
        access->capacity = capacity;
    }
    access->rules[access->count++] = *rule;
    return KIN_OK;
}

static kin_status parse_line(struct kin_access *access, struct piece text, size_t number,
                             kin_error *err)
{
    kin_status status;
    kin_access_rule rule;
    struct line line = {.number = number};
    if (text.size > KIN_ACCESS_LINE_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "line %zu: it is over %d bytes long", number,
                        KIN_ACCESS_LINE_MAX);
    if (!split(text, &line))
        return kin_fail(err, KIN_E_FORMAT, NULL, "line %zu: it has more fields than any rule",
                        number);
    if (line.count == 0)
        return KIN_OK;
    if ((status = parse_rule(&line, &rule, err)) != KIN_OK ||
        (status = check_unique(access, &rule, number, err)) != KIN_OK)
        return status;
    return append(access, &rule, number, err);
}

kin_status kin_access_parse(struct kin_access *access, const char *text, size_t size,
                            kin_error *err)
{
    const char *end = text + size;
    for (size_t number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        if (stop == NULL)
            stop = end;
        kin_status status =
            parse_line(access, (struct piece){text, (size_t)(stop - text)}, number, err);
        if (status != KIN_OK)
            return status;
        text = stop < end ? stop + 1 : end;
    }
    return KIN_OK;
}
