/*
 * Access files: good ones, made at random, must let in whom they name and nobody else; damaged ones
 * must be refused with a line and without showing what stands there, or be rules that hold.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mutate.h"
#include "random.h"
#include "service/access.h"
#include "temp_folder.h"
#include "write_file.h"

enum { RULES_MAX = 12, ITERATIONS = 20000 };

/* Stands in every good file, in a comment and in a token's name: no error may show it. */
static const char marker[] = "Zx9Q";

static char folder[PATH_MAX], path[PATH_MAX];

struct rule {
    bool certificate;
    kin_role role;
    char name[KIN_ACCESS_NAME_MAX], token[64];
};

struct rules {
    struct rule at[RULES_MAX];
    size_t count;
};

static void random_rules(uint64_t *random, struct rules *rules)
{
    rules->count = random_bits(random) % (RULES_MAX + 1);
    for (size_t i = 0; i < rules->count; i++) {
        struct rule *rule = &rules->at[i];
        rule->certificate = random_bits(random) % 2 == 0;
        rule->role = (kin_role)(KIN_ROLE_READ + random_bits(random) % 3);
        /* The number makes names and tokens unique. */
        snprintf(rule->name, sizeof rule->name, "%s.%c@:%zu_-", marker,
                 "aZ09"[random_bits(random) % 4], i);
        snprintf(rule->token, sizeof rule->token, "%zu-%016llx", i,
                 (unsigned long long)random_bits(random));
    }
}

static const char *blanks(uint64_t *random)
{
    static const char *const some[] = {" ", "\t", "  ", " \t "};
    return some[random_bits(random) % 4];
}

static sample written(uint64_t *random, const struct rules *rules)
{
    static const char *const between[] = {"", "\n", "# Zx9Q token x admin\n", " \t\r\n"};
    sample s = {0};
    FILE *out = open_memstream((char **)&s.bytes, &s.size);
    FUZZ_CHECK(out != NULL);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->at[i];
        char hash[KIN_ACCESS_HASH_SIZE] = "";
        if (!rule->certificate)
            kin_access_hash_token(rule->token, hash);
        fputs(between[random_bits(random) % 4], out);
        fputs(rule->certificate ? "certificate" : "token", out);
        fprintf(out, "%s%s", blanks(random), rule->name);
        fprintf(out, "%s%s", blanks(random), kin_role_name(rule->role));
        fprintf(out, "%s%s%s", blanks(random), hash, random_bits(random) % 2 ? "\n" : " # c\r\n");
    }
    FUZZ_CHECK(fclose(out) == 0);
    return s;
}

static kin_status load(const sample *bytes, kin_access **out, kin_error *err)
{
    unlink(path);
    write_file(path, bytes->bytes, bytes->size);
    FUZZ_CHECK(chmod(path, 0600) == 0);
    return kin_access_load(path, out, err);
}

static void check_says(const kin_access *access, const struct rules *rules)
{
    char name[KIN_ACCESS_NAME_MAX];
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->at[i];
        kin_role by_token = kin_access_by_token(access, rule->token, name);
        FUZZ_CHECK(by_token == (rule->certificate ? KIN_ROLE_NONE : rule->role));
        FUZZ_CHECK(strcmp(name, rule->certificate ? "" : rule->name) == 0);
        kin_role by_certificate = kin_access_by_certificate(access, rule->name, name);
        FUZZ_CHECK(by_certificate == (rule->certificate ? rule->role : KIN_ROLE_NONE));
        FUZZ_CHECK(strcmp(name, rule->certificate ? rule->name : "") == 0);
    }
}

/* What holds for every set of rules: names are names, and strangers get nothing. */
static void check_sound(const kin_access *access, const struct rules *rules)
{
    static const char good[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@:-";
    char name[KIN_ACCESS_NAME_MAX];
    FUZZ_CHECK(kin_access_by_token(access, "", name) == KIN_ROLE_NONE && name[0] == '\0');
    FUZZ_CHECK(kin_access_by_token(access, "stranger", name) == KIN_ROLE_NONE);
    FUZZ_CHECK(kin_access_by_certificate(access, "", name) == KIN_ROLE_NONE && name[0] == '\0');
    for (size_t i = 0; i < rules->count; i++) {
        kin_role role = kin_access_by_token(access, rules->at[i].token, name);
        FUZZ_CHECK(role >= KIN_ROLE_NONE && role <= KIN_ROLE_ADMIN);
        FUZZ_CHECK((role == KIN_ROLE_NONE) == (name[0] == '\0'));
        FUZZ_CHECK(name[strspn(name, good)] == '\0');
    }
}

static bool try_access(void *ctx, uint64_t seed)
{
    struct rules rules, other;
    uint64_t random = seed;
    kin_access *access = NULL;
    kin_error err = {0};
    (void)ctx;
    random_rules(&random, &rules);
    random_rules(&random, &other);
    sample good = written(&random, &rules), with = written(&random, &other);
    FUZZ_CHECK(load(&good, &access, &err) == KIN_OK);
    check_says(access, &rules);
    check_sound(access, &rules);
    kin_access_free(access);
    access = NULL;

    sample damaged = mutate(&random, &good, &with);
    kin_status status = load(&damaged, &access, &err);
    if (status == KIN_OK) {
        check_sound(access, &rules);
        kin_access_free(access);
    } else {
        FUZZ_CHECK(status == KIN_E_FORMAT || status == KIN_E_LIMIT);
        FUZZ_CHECK(access == NULL);
        FUZZ_CHECK(strcmp(err.subject, path) == 0);
        FUZZ_CHECK(strncmp(err.message, "line ", 5) == 0);
        FUZZ_CHECK(strstr(err.message, marker) == NULL);
    }
    free(damaged.bytes);
    free(good.bytes);
    free(with.bytes);
    return status == KIN_OK;
}

static void fuzz_access_files(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(path, sizeof path, "%.4000s/access", folder);
    fuzz_tally tally = fuzz_run("access", try_access, NULL, ITERATIONS);
    temp_folder_remove(folder);
    assert_true(tally.accepted > 0 && tally.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fuzz_access_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
