/* Access rules: who is let in with which role, what a file may look like, and that neither errors
 * nor times tell of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/access.h"
#include "temp_folder.h"
#include "write_file.h"

/* Made by another implementation: Python's hashlib.blake2b(…, digest_size=32). */
#define STAPLE_TOKEN      "correct-horse-battery-staple"
#define STAPLE_HASH       "116298b83155273eb5501979f37e77cab3d22a06649f9c4f53cdc401f26175a5"
#define ABC_HASH          "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
#define STAPLE_HASH_UPPER "116298B83155273EB5501979F37E77CAB3D22A06649F9C4F53CDC401F26175A5"

static char folder[PATH_MAX], path[PATH_MAX + 16];

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/access", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

static kin_status load_bytes(const void *bytes, size_t size, kin_access **out, kin_error *err)
{
    unlink(path);
    write_file(path, bytes, size);
    assert_int_equal(chmod(path, 0600), 0);
    return kin_access_load(path, out, err);
}

static kin_access *load(const char *text)
{
    kin_access *access = NULL;
    kin_error err = {0};
    if (load_bytes(text, strlen(text), &access, &err) != KIN_OK)
        fail_msg("refused: %s", err.message);
    return access;
}

static void refused(const char *text, kin_status wanted, const char *message)
{
    kin_access *access = NULL;
    kin_error err = {0};
    kin_status status = load_bytes(text, strlen(text), &access, &err);
    if (status != wanted || strstr(err.message, message) == NULL)
        fail_msg("\"%s\": status %d, \"%s\"", text, status, err.message);
    assert_null(access);
    assert_string_equal(err.subject, path);
    assert_int_equal(err.code, wanted);
}

static void tokens_have_their_rules_role_and_name(void **state)
{
    (void)state;
    char name[KIN_ACCESS_NAME_MAX];
    kin_access *access = load("# people\n\n"
                              "token ward-3 read " STAPLE_HASH "\n"
                              "\ttoken\tnight.job@site:1_a   admin " ABC_HASH "  # reindex\r\n");
    assert_int_equal(kin_access_by_token(access, STAPLE_TOKEN, name), KIN_ROLE_READ);
    assert_string_equal(name, "ward-3");
    assert_int_equal(kin_access_by_token(access, "abc", name), KIN_ROLE_ADMIN);
    assert_string_equal(name, "night.job@site:1_a");
    static const char *const strangers[] = {"", "ab", "abcd", "ABC", "ward-3", STAPLE_HASH, " abc"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(kin_access_by_token(access, strangers[i], name), KIN_ROLE_NONE);
        assert_string_equal(name, "");
    }
    kin_access_free(access);
}

static void certificates_have_their_rules_role_and_name(void **state)
{
    (void)state;
    char name[KIN_ACCESS_NAME_MAX];
    kin_access *access = load("certificate pacs.example.org write\n"
                              "certificate viewer read\n"
                              "token viewer admin " ABC_HASH);
    assert_int_equal(kin_access_by_certificate(access, "pacs.example.org", name), KIN_ROLE_WRITE);
    assert_string_equal(name, "pacs.example.org");
    assert_int_equal(kin_access_by_certificate(access, "viewer", name), KIN_ROLE_READ);
    assert_int_equal(kin_access_by_token(access, "abc", name), KIN_ROLE_ADMIN);
    static const char *const strangers[] = {
        "", "Viewer", "viewer ", "acs.example.org", "abc", "pacs.example.org.evil.example"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(kin_access_by_certificate(access, strangers[i], name), KIN_ROLE_NONE);
        assert_string_equal(name, "");
    }
    kin_access_free(access);
}

static void a_certificates_name_is_no_token_and_a_token_rules_name_no_certificate(void **state)
{
    (void)state;
    char name[KIN_ACCESS_NAME_MAX];
    kin_access *access = load("certificate abc admin\ntoken ward read " STAPLE_HASH "\n");
    assert_int_equal(kin_access_by_token(access, "abc", name), KIN_ROLE_NONE);
    assert_int_equal(kin_access_by_certificate(access, "ward", name), KIN_ROLE_NONE);
    /* The digest of a certificate's rule is all zero; no token may pass for it. */
    assert_int_equal(kin_access_by_token(access, "", name), KIN_ROLE_NONE);
    kin_access_free(access);
}

static void an_empty_file_lets_nobody_in(void **state)
{
    (void)state;
    char name[KIN_ACCESS_NAME_MAX];
    static const char *const texts[] = {"", "\n", "# nobody yet", " \t\r\n\n#\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        kin_access *access = load(texts[i]);
        assert_int_equal(kin_access_by_token(access, "abc", name), KIN_ROLE_NONE);
        assert_int_equal(kin_access_by_certificate(access, "abc", name), KIN_ROLE_NONE);
        kin_access_free(access);
    }
}

static void malformed_lines_are_refused_by_number(void **state)
{
    (void)state;
    refused("tokens a read " ABC_HASH, KIN_E_FORMAT, "line 1: a rule begins");
    refused("\n# c\nToken a read " ABC_HASH, KIN_E_FORMAT, "line 3: a rule begins");
    refused("token", KIN_E_FORMAT, "line 1: wanted is token NAME ROLE HASH");
    refused("token a read", KIN_E_FORMAT, "line 1: wanted is token NAME ROLE HASH");
    refused("token a read " ABC_HASH " b", KIN_E_FORMAT, "line 1: wanted is token");
    refused("token a read " ABC_HASH " b c d e", KIN_E_FORMAT, "line 1: it has more fields");
    refused("certificate a", KIN_E_FORMAT, "line 1: wanted is certificate NAME ROLE");
    refused("certificate a read " ABC_HASH, KIN_E_FORMAT, "line 1: wanted is certificate");
    refused("certificate a none", KIN_E_FORMAT, "line 1: the role");
    refused("certificate a reads", KIN_E_FORMAT, "line 1: the role");
    refused("certificate a rea", KIN_E_FORMAT, "line 1: the role");
    refused("certificate a READ", KIN_E_FORMAT, "line 1: the role");
    refused("certificate a/b read", KIN_E_FORMAT, "line 1: a name is made of");
    refused("certificate a\xc3\xa4 read", KIN_E_FORMAT, "line 1: a name is made of");
    refused("token a read 00" ABC_HASH, KIN_E_FORMAT, "line 1: the hash");
    refused("token a read 0" ABC_HASH, KIN_E_FORMAT, "line 1: the hash");
    refused("token a read 0123abcd", KIN_E_FORMAT, "line 1: the hash");
    refused("token a read " ABC_HASH "-", KIN_E_FORMAT, "line 1: the hash");
    refused("certificate a\"b read", KIN_E_FORMAT, "line 1: a name is made of");
    refused("certificate a\x1b[2J read", KIN_E_FORMAT, "line 1: a name is made of");
    refused("certificate a read\vadmin", KIN_E_FORMAT, "line 1: the role");
}

static void names_and_tokens_are_unique(void **state)
{
    (void)state;
    refused("certificate a read\n\ncertificate a admin", KIN_E_FORMAT, "line 3: an earlier rule");
    refused("token a read " ABC_HASH "\ntoken a read " STAPLE_HASH, KIN_E_FORMAT,
            "line 2: an earlier rule has this name");
    refused("token a read " STAPLE_HASH "\ntoken b admin " STAPLE_HASH_UPPER, KIN_E_FORMAT,
            "line 2: an earlier rule has this token");
    kin_access_free(load("token a read " ABC_HASH "\ncertificate a admin\n"));
}

static void a_zero_byte_ends_no_line(void **state)
{
    (void)state;
    kin_access *access = NULL;
    kin_error err = {0};
    static const char in_name[] = "certificate a\0b read\n", after[] = "certificate a read\0\n",
                      alone[] = "\0";
    assert_int_equal(load_bytes(in_name, sizeof in_name - 1, &access, &err), KIN_E_FORMAT);
    assert_int_equal(load_bytes(after, sizeof after - 1, &access, &err), KIN_E_FORMAT);
    assert_int_equal(load_bytes(alone, 1, &access, &err), KIN_E_FORMAT);
    assert_null(access);
}

/* A token in the hash's place, or anywhere else, stays out of what is logged. */
static void errors_never_show_what_stands_on_the_line(void **state)
{
    (void)state;
    static const char secret[] = "S3cretS3cretS3cret";
    static const char *const lines[] = {
        "token a read %s",
        "token a %s read",
        "token %s",
        "%s",
        "token %s~ read x",
        "certificate %s admin admin",
        "certificate a %s",
        "token a read %s %s",
        "token %s read %s%s%s%s",
        "token a admin 0123%s",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[512];
        kin_access *access = NULL;
        kin_error err = {0};
        int size = snprintf(text, sizeof text, lines[i], secret, secret, secret, secret, secret);
        assert_int_equal(load_bytes(text, (size_t)size, &access, &err), KIN_E_FORMAT);
        assert_non_null(strstr(err.message, "line 1"));
        assert_null(strstr(err.message, "S3cret"));
        assert_string_equal(err.subject, path);
    }
}

static void bounds_hold(void **state)
{
    (void)state;
    char text[4096], long_name[KIN_ACCESS_NAME_MAX + 1], name[KIN_ACCESS_NAME_MAX];
    memset(long_name, 'n', sizeof long_name);
    long_name[KIN_ACCESS_NAME_MAX] = '\0';
    snprintf(text, sizeof text, "certificate %s read", long_name);
    refused(text, KIN_E_LIMIT, "line 1: the name is over 127 characters");
    long_name[KIN_ACCESS_NAME_MAX - 1] = '\0';
    snprintf(text, sizeof text, "certificate %s read", long_name);
    kin_access *access = load(text);
    assert_int_equal(kin_access_by_certificate(access, long_name, name), KIN_ROLE_READ);
    assert_string_equal(name, long_name);
    kin_access_free(access);

    memset(text, '#', sizeof text);
    text[KIN_ACCESS_LINE_MAX] = '\0';
    kin_access_free(load(text));
    text[KIN_ACCESS_LINE_MAX] = '#';
    text[KIN_ACCESS_LINE_MAX + 1] = '\0';
    refused(text, KIN_E_LIMIT, "line 1: it is over");
}

static void a_file_has_a_number_of_rules_and_a_size(void **state)
{
    (void)state;
    kin_access *access = NULL;
    kin_error err = {0};
    char *text = NULL, name[KIN_ACCESS_NAME_MAX];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int i = 0; i < KIN_ACCESS_RULES_MAX; i++)
        fprintf(out, "certificate c%d read\n", i);
    fflush(out);
    assert_int_equal(load_bytes(text, size, &access, &err), KIN_OK);
    assert_int_equal(kin_access_by_certificate(access, "c4095", name), KIN_ROLE_READ);
    kin_access_free(access);
    fprintf(out, "certificate more read\n");
    fclose(out);
    assert_int_equal(load_bytes(text, size, &access, &err), KIN_E_LIMIT);
    assert_non_null(strstr(err.message, "line 4097"));
    free(text);

    text = malloc(KIN_ACCESS_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', KIN_ACCESS_FILE_MAX + 1);
    assert_int_equal(load_bytes(text, KIN_ACCESS_FILE_MAX + 1, &access, &err), KIN_E_LIMIT);
    access = NULL;
    assert_int_equal(load_bytes(text, KIN_ACCESS_FILE_MAX, &access, &err), KIN_OK);
    kin_access_free(access);
    free(text);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    static const mode_t good[] = {0600, 0400, 0640, 0644}, bad[] = {0620, 0602, 0666, 0660};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kin_access *access = load("certificate a read");
        kin_access_free(access);
        assert_int_equal(chmod(path, good[i]), 0);
        assert_int_equal(kin_access_load(path, &access, NULL), KIN_OK);
        kin_access_free(access);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kin_access *access = NULL;
        kin_error err = {0};
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_int_equal(kin_access_load(path, &access, &err), KIN_E_ARG);
        assert_non_null(strstr(err.message, "may write"));
        assert_null(access);
    }
}

static void a_file_of_somebody_else_is_refused(void **state)
{
    (void)state;
    kin_access *access = load("certificate a read");
    kin_error err = {0};
    kin_access_free(access);
    if (geteuid() != 0) {
        print_message("skipped: only root can give files away\n");
        skip();
    }
    assert_int_equal(chown(path, 12345, 0), 0);
    assert_int_equal(kin_access_load(path, &access, &err), KIN_E_ARG);
    assert_non_null(strstr(err.message, "belongs to neither"));
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    kin_access *access = NULL;
    kin_error err = {0};
    unlink(path);
    assert_int_equal(kin_access_load(path, &access, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, path);
    assert_int_equal(kin_access_load(folder, &access, &err), KIN_E_UNSUPPORTED);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(kin_access_load(path, &access, &err), KIN_E_UNSUPPORTED); /* and no waiting */
    assert_null(access);
}

static void a_new_token_opens_what_its_hash_says(void **state)
{
    (void)state;
    char token[KIN_ACCESS_TOKEN_MAX], other[KIN_ACCESS_TOKEN_MAX], name[KIN_ACCESS_NAME_MAX];
    char hash[KIN_ACCESS_HASH_SIZE], again[KIN_ACCESS_HASH_SIZE], text[256];
    kin_access_new_token(token, hash);
    assert_int_equal(strlen(token), 43); /* 256 bits, 6 a character */
    assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_"),
                     43);
    assert_int_equal(strspn(hash, "0123456789abcdef"), KIN_ACCESS_HASH_SIZE - 1);
    kin_access_hash_token(token, again);
    assert_string_equal(hash, again);
    kin_access_new_token(other, again);
    assert_string_not_equal(token, other);
    assert_string_not_equal(hash, again);
    snprintf(text, sizeof text, "token new write %s\n", hash);
    kin_access *access = load(text);
    assert_int_equal(kin_access_by_token(access, token, name), KIN_ROLE_WRITE);
    assert_int_equal(kin_access_by_token(access, other, name), KIN_ROLE_NONE);
    kin_access_free(access);
    kin_access_hash_token(STAPLE_TOKEN, hash);
    assert_string_equal(hash, STAPLE_HASH);
}

static void a_token_has_a_longest_form(void **state)
{
    (void)state;
    char token[KIN_ACCESS_TOKEN_MAX + 1], hash[KIN_ACCESS_HASH_SIZE], text[256];
    char name[KIN_ACCESS_NAME_MAX];
    for (size_t length = KIN_ACCESS_TOKEN_MAX - 1; length <= KIN_ACCESS_TOKEN_MAX; length++) {
        memset(token, 't', length);
        token[length] = '\0';
        kin_access_hash_token(token, hash);
        snprintf(text, sizeof text, "token long read %s\n", hash);
        kin_access *access = load(text);
        assert_int_equal(kin_access_by_token(access, token, name),
                         length < KIN_ACCESS_TOKEN_MAX ? KIN_ROLE_READ : KIN_ROLE_NONE);
        kin_access_free(access);
    }
}

static void roles_have_names_and_an_order(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "read", "write", "admin"};
    for (int i = 0; i < 4; i++) {
        kin_role role = KIN_ROLE_NONE;
        assert_int_equal(kin_role_parse(names[i], &role, NULL), KIN_OK);
        assert_int_equal(role, i);
        assert_string_equal(kin_role_name(role), names[i]);
    }
    kin_role role = KIN_ROLE_WRITE;
    kin_error err = {0};
    assert_int_equal(kin_role_parse("root", &role, &err), KIN_E_ARG);
    assert_int_equal(kin_role_parse("", &role, &err), KIN_E_ARG);
    assert_int_equal(role, KIN_ROLE_WRITE);
    assert_string_equal(kin_role_name((kin_role)7), "unknown");
    assert_true(KIN_ROLE_NONE < KIN_ROLE_READ && KIN_ROLE_READ < KIN_ROLE_WRITE &&
                KIN_ROLE_WRITE < KIN_ROLE_ADMIN);
    kin_access_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_have_their_rules_role_and_name),
        cmocka_unit_test(certificates_have_their_rules_role_and_name),
        cmocka_unit_test(a_certificates_name_is_no_token_and_a_token_rules_name_no_certificate),
        cmocka_unit_test(an_empty_file_lets_nobody_in),
        cmocka_unit_test(malformed_lines_are_refused_by_number),
        cmocka_unit_test(names_and_tokens_are_unique),
        cmocka_unit_test(a_zero_byte_ends_no_line),
        cmocka_unit_test(errors_never_show_what_stands_on_the_line),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(a_file_has_a_number_of_rules_and_a_size),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_new_token_opens_what_its_hash_says),
        cmocka_unit_test(a_token_has_a_longest_form),
        cmocka_unit_test(roles_have_names_and_an_order),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
