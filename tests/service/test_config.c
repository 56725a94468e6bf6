/* What kindredd can be told: each option by each way, bounds, files that are wrong, what must not
 * go together, and that what is printed is read back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/config.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX];

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* Reads text as a configuration file. */
static kin_status read_bytes(kin_config *config, const void *text, size_t size, kin_error *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/kindredd.conf", folder);
    write_file(path, text, size);
    return kin_config_read_file(config, path, err);
}

static kin_status read_text(kin_config *config, const char *text, kin_error *err)
{
    return read_bytes(config, text, strlen(text), err);
}

static void assert_says(const kin_error *err, const char *part)
{
    if (strstr(err->message, part) == NULL)
        fail_msg("'%s' does not say '%s'", err->message, part);
}

static kin_config with_defaults(void)
{
    kin_config config;
    kin_config_init(&config);
    return config;
}

/* The name of option `at` as kin_config_set() takes it. */
static const char *name_of(size_t at, char name[128])
{
    kin_config_option option = kin_config_option_at(at);
    snprintf(name, 128, "%s.%s", option.section, option.name);
    return name;
}

static void the_defaults_are_those_of_the_table_and_pass_the_check(void **state)
{
    (void)state;
    kin_config config = with_defaults();
    kin_error err = {0};
    assert_int_equal(kin_config_check(&config, &err), KIN_OK);
    assert_string_equal(config.archive_path, "/var/lib/kindred/archive");
    assert_string_equal(config.server_listen, "127.0.0.1:7443");
    assert_string_equal(config.http_listen, "127.0.0.1:7480");
    assert_false(config.server_allow_remote);
    assert_string_equal(config.access_open, "admin");
    assert_int_equal(config.server_message_bytes, 64 << 20);
    assert_int_equal(config.decode_memory_bytes, (uint64_t)3 << 30);
    assert_true(config.decode_seconds == 60 && config.search_recall == 0);
    assert_int_equal(config.search_k_max, 10000);
    assert_true(kin_config_option_count() >= 35);
}

/* Each row: its default is within its own bounds and printed as it is written in the table; it has
 * a meaning, and no other row has its name. */
static void every_row_of_the_table_is_sound(void **state)
{
    (void)state;
    kin_config config = with_defaults();
    char name[128], other[128], value[PATH_MAX], accepts[200];
    for (size_t i = 0; i < kin_config_option_count(); i++) {
        kin_config_option option = kin_config_option_at(i);
        kin_error err = {0};
        kin_config copy = config;
        if (kin_config_set(&copy, name_of(i, name), option.value_default, &err) != KIN_OK)
            fail_msg("%s: %s", name, err.message);
        kin_config_value(&config, i, value, sizeof value);
        assert_string_equal(value, option.value_default);
        assert_true(strlen(option.meaning) > 10);
        assert_int_equal(option.meaning[strlen(option.meaning) - 1], '.');
        kin_config_accepts(i, accepts, sizeof accepts);
        assert_true(strlen(accepts) > 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(name_of(j, other), name);
        if (i > 0 && strcmp(kin_config_option_at(i - 1).section, option.section) != 0)
            for (size_t j = 0; j < i; j++) /* its section begins here */
                assert_string_not_equal(kin_config_option_at(j).section, option.section);
    }
}

/* A value of the option that is not its default. */
static const char *another_value(size_t at, char value[64])
{
    char accepts[200];
    kin_config_accepts(at, accepts, sizeof accepts);
    const char *given = kin_config_option_at(at).value_default;
    if (strcmp(accepts, "text") == 0)
        return "/some/where else";
    if (strcmp(accepts, "on or off") == 0)
        return strcmp(given, "on") == 0 ? "off" : "on";
    if (strncmp(accepts, "one of ", 7) == 0) {
        snprintf(value, 64, "%.*s", (int)strcspn(accepts + 7, ","), accepts + 7);
        if (strcmp(value, given) == 0)
            snprintf(value, 64, "%s", strrchr(accepts, ' ') + 1);
        return value;
    }
    if (strncmp(accepts, "a number", 8) == 0)
        return "0.75";
    if (strncmp(accepts, "a size", 6) == 0) {
        snprintf(value, 64, "%s", strrchr(accepts, ' ') + 1);
        return value;
    }
    return "7";
}

static void every_option_is_set_by_file_environment_and_command_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < kin_config_option_count(); i++) {
        kin_config_option option = kin_config_option_at(i);
        kin_config by_name = with_defaults(), by_file = by_name, by_environment = by_name;
        char name[128], space[64], text[512], variable[512], value[PATH_MAX];
        const char *wanted = another_value(i, space);
        kin_error err = {0};
        assert_int_equal(kin_config_set(&by_name, name_of(i, name), wanted, &err), KIN_OK);
        kin_config_value(&by_name, i, value, sizeof value);
        assert_string_equal(value, wanted);

        snprintf(text, sizeof text, "# first\n[%s]\n\n  %s = %s  \n", option.section, option.name,
                 wanted);
        assert_int_equal(read_text(&by_file, text, &err), KIN_OK);
        assert_memory_equal(&by_file, &by_name, sizeof by_name);

        int used =
            snprintf(variable, sizeof variable, "KINDREDD_%s_%s", option.section, option.name);
        for (char *at = variable; *at != '\0'; at++)
            *at = (char)toupper((unsigned char)*at);
        snprintf(variable + used, sizeof variable - (size_t)used, "=%s", wanted);
        char *const envp[] = {"HOME=/root", variable, "KINDRED_ARCHIVE=elsewhere", NULL};
        assert_int_equal(kin_config_read_environment(&by_environment, envp, &err), KIN_OK);
        assert_memory_equal(&by_environment, &by_name, sizeof by_name);
    }
}

struct value_case {
    const char *name, *value;
    double number; /* negative: refused */
};

static double number_of(const kin_config *config, const char *name)
{
    if (strcmp(name, "server.queries") == 0)
        return config->server_queries;
    if (strcmp(name, "server.message_bytes") == 0)
        return (double)config->server_message_bytes;
    if (strcmp(name, "server.stall") == 0)
        return config->server_stall;
    if (strcmp(name, "search.recall") == 0)
        return config->search_recall;
    return config->server_allow_remote;
}

static void numbers_are_taken_within_their_bounds_and_whole(void **state)
{
    (void)state;
    static const struct value_case cases[] = {
        {"server.queries", "1", 1},
        {"server.queries", "0100000", 100000},
        {"server.queries", "0", -1},
        {"server.queries", "100001", -1},
        {"server.queries", "99999999999999999999999", -1},
        {"server.queries", "4294967297", -1},
        {"server.queries", "-1", -1},
        {"server.queries", "+1", -1},
        {"server.queries", " 1", -1},
        {"server.queries", "1 ", -1},
        {"server.queries", "0x10", -1},
        {"server.queries", "1.5", -1},
        {"server.queries", "", -1},
        {"server.message_bytes", "65536", 65536},
        {"server.message_bytes", "64K", 65536},
        {"server.message_bytes", "64k", 65536},
        {"server.message_bytes", "1G", 1073741824},
        {"server.message_bytes", "2G", -1},
        {"server.message_bytes", "63K", -1},
        {"server.message_bytes", "64KB", -1},
        {"server.message_bytes", "64 K", -1},
        {"server.message_bytes", "K", -1},
        {"server.message_bytes", "1X", -1},
        {"server.message_bytes", "18446744073709551615T", -1},
        {"server.message_bytes", "18014398509481985K", -1},
        {"server.stall", "1", 1},
        {"server.stall", "1.25", 1.25},
        {"server.stall", "86400", 86400},
        {"server.stall", "0.9", -1},
        {"server.stall", "86401", -1},
        {"server.stall", "1e3", -1},
        {"server.stall", "inf", -1},
        {"server.stall", "nan", -1},
        {"server.stall", "0x5", -1},
        {"server.stall", "1.2.3", -1},
        {"server.stall", "-5", -1},
        {"search.recall", "0", 0},
        {"search.recall", "1", 1},
        {"search.recall", "0.5", 0.5},
        {"search.recall", "0.999", 0.999},
        {"search.recall", "-0.5", -1},
        {"search.recall", "1.01", -1},
        {"search.recall", ".5", -1},
        {"server.allow_remote", "on", 1},
        {"server.allow_remote", "YES", 1},
        {"server.allow_remote", "true", 1},
        {"server.allow_remote", "1", 1},
        {"server.allow_remote", "off", 0},
        {"server.allow_remote", "no", 0},
        {"server.allow_remote", "False", 0},
        {"server.allow_remote", "0", 0},
        {"server.allow_remote", "2", -1},
        {"server.allow_remote", "", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct value_case *at = &cases[i];
        kin_config config = with_defaults(), before = config;
        kin_error err = {0};
        kin_status status = kin_config_set(&config, at->name, at->value, &err);
        if (at->number < 0) {
            if (status != KIN_E_ARG)
                fail_msg("%s took '%s'", at->name, at->value);
            assert_memory_equal(&config, &before, sizeof config);
            assert_says(&err, at->name);
        } else if (status != KIN_OK || number_of(&config, at->name) != at->number) {
            fail_msg("%s = '%s' became %g: %s", at->name, at->value, number_of(&config, at->name),
                     err.message);
        }
    }
}

static void a_refusal_says_what_is_taken(void **state)
{
    (void)state;
    kin_config config = with_defaults();
    kin_error err = {0};
    kin_config_set(&config, "server.queries", "many", &err);
    assert_string_equal(err.message, "server.queries must be a whole number from 1 to 100000");
    kin_config_set(&config, "server.message_bytes", "1", &err);
    assert_string_equal(err.message, "server.message_bytes must be a size from 64K to 2047M");
    kin_config_set(&config, "server.reflection", "onn", &err);
    assert_string_equal(err.message, "server.reflection must be one of auto, on, off");
    kin_config_set(&config, "server.reflection", "auto, on", &err);
    assert_string_equal(err.message, "server.reflection must be one of auto, on, off");
    kin_config_set(&config, "server.port", "1", &err);
    assert_string_equal(err.message, "there is no option server.port");
    assert_int_equal(kin_config_set(&config, "server", "1", &err), KIN_E_ARG);
    assert_int_equal(kin_config_set(&config, "serve.rlisten", "1", &err), KIN_E_ARG);
    assert_int_equal(kin_config_set(&config, "listen", "1", NULL), KIN_E_ARG);
}

static void text_is_one_line_that_a_file_can_hold(void **state)
{
    (void)state;
    char path[PATH_MAX + 1];
    kin_config config = with_defaults();
    kin_error err = {0};
    assert_int_equal(kin_config_set(&config, "archive.path", "/a;b#c d=[e]:f", &err), KIN_OK);
    assert_string_equal(config.archive_path, "/a;b#c d=[e]:f");
    static const char *const bad[] = {"/a\nb", "/a\tb", " /a", "/a ", "/a ; the archive", "/a #1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kin_config_set(&config, "archive.path", bad[i], &err), KIN_E_ARG);
    memset(path, 'a', sizeof path);
    path[PATH_MAX] = '\0';
    assert_int_equal(kin_config_set(&config, "archive.path", path, &err), KIN_E_ARG);
    path[PATH_MAX - 1] = '\0';
    assert_int_equal(kin_config_set(&config, "archive.path", path, &err), KIN_OK);
    assert_int_equal(strlen(config.archive_path), PATH_MAX - 1);
}

struct file_case {
    const char *text;
    kin_status status;
    const char *says;
};

static void files_that_are_wrong_name_the_line(void **state)
{
    (void)state;
    static const struct file_case cases[] = {
        {"[server]\nlisten = 127.0.0.1:1\nqueries = lots\n", KIN_E_ARG,
         "line 3: server.queries must be"},
        {"# one\n\n[server]\nport = 1\n", KIN_E_ARG, "line 4: there is no option server.port"},
        {"[serve]\nlisten = x\n", KIN_E_ARG, "line 2: there is no option serve.listen"},
        {"listen = x\n", KIN_E_ARG, "line 1: no [section] comes before it"},
        {"[server]\nlisten\n", KIN_E_FORMAT, "line 2: it is neither"},
        {"[server\nlisten = a:1\n", KIN_E_FORMAT, "line 1: it is neither"},
        {"[log]\nlevel = info\nlevel = debug\n", KIN_E_ARG, "log.level is set in line 2 already"},
        {"[log]\nlevel = info\n[log]\n\nlevel = info", KIN_E_ARG,
         "line 5: log.level is set in line 2 already"},
        {"[log]\nlevel = info ; less\n", KIN_E_ARG, "line 2: log.level must be one of"},
        {"[archive]\npath = /a ; here\n", KIN_E_ARG, "a comment stands on a line of its own"},
        {"[log]\n  level = info\n  levels = debug\n", KIN_E_ARG,
         "line 3: there is no option log.levels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_config config = with_defaults();
        kin_error err = {0};
        assert_int_equal(read_text(&config, cases[i].text, &err), cases[i].status);
        assert_says(&err, cases[i].says);
        assert_non_null(strstr(err.subject, "/kindredd.conf"));
    }
}

static void files_of_every_shape_are_read(void **state)
{
    (void)state;
    kin_error err = {0};
    kin_config config = with_defaults();
    assert_int_equal(read_text(&config, "", &err), KIN_OK);
    assert_int_equal(read_text(&config, "\n\n; only\n# comments\n[log]\n", &err), KIN_OK);
    assert_int_equal(
        read_text(&config, "\xef\xbb\xbf[log]\r\nlevel=debug\r\n[audit]\r\nfile =\r\n", &err),
        KIN_OK);
    assert_string_equal(config.log_level, "debug");
    assert_int_equal(read_text(&config, "[server]\n  queries = 5\n  ingests = 6", &err), KIN_OK);
    assert_int_equal(config.server_queries, 5);
    assert_int_equal(config.server_ingests, 6);
}

/* The longest path fits on a line, a longer line is refused and not taken in parts. */
static void long_lines_are_whole_or_refused(void **state)
{
    (void)state;
    enum { MOST = 3 * PATH_MAX };
    static const char head[] = "[archive]\npath = ";
    char text[sizeof head + MOST + 32];
    kin_error err = {0};
    for (size_t length = 190; length < MOST; length += length < PATH_MAX - 10 ? 300 : 7) {
        kin_config config = with_defaults();
        memcpy(text, head, sizeof head - 1);
        memset(text + sizeof head - 1, 'a', length);
        snprintf(text + sizeof head - 1 + length, 32, "\n[log]\nlevel = debug\n");
        kin_status status = read_text(&config, text, &err);
        if (length < PATH_MAX) {
            assert_int_equal(status, KIN_OK);
            assert_int_equal(strlen(config.archive_path), length);
            assert_string_equal(config.log_level, "debug");
        } else {
            assert_true(status == KIN_E_ARG || status == KIN_E_FORMAT);
            assert_says(&err, "line 2: ");
            assert_says(&err, "too long");
        }
    }
}

static void what_is_no_text_file_is_refused(void **state)
{
    (void)state;
    kin_config config = with_defaults();
    kin_error err = {0};
    char path[PATH_MAX + 32];
    static const char nul[] = "[log]\nlevel = info\0\n[archive]\n";
    assert_int_equal(read_bytes(&config, nul, sizeof nul - 1, &err), KIN_E_FORMAT);
    snprintf(path, sizeof path, "%s/absent", folder);
    assert_int_equal(kin_config_read_file(&config, path, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, path);
    assert_int_equal(kin_config_read_file(&config, folder, &err), KIN_E_UNSUPPORTED);
    snprintf(path, sizeof path, "%s/huge", folder);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 30), 0);
    close(fd);
    assert_int_equal(kin_config_read_file(&config, path, &err), KIN_E_LIMIT);
}

static void unknown_variables_are_refused_and_others_left_alone(void **state)
{
    (void)state;
    kin_config config = with_defaults();
    kin_error err = {0};
    char *const typo[] = {"KINDREDD_SERVER_LISTENN=127.0.0.1:1", NULL};
    assert_int_equal(kin_config_read_environment(&config, typo, &err), KIN_E_ARG);
    assert_string_equal(err.subject, "KINDREDD_SERVER_LISTENN");
    char *const wrong[] = {"PATH=/bin", "KINDREDD_LOG_LEVEL=loud", NULL};
    err = (kin_error){0};
    assert_int_equal(kin_config_read_environment(&config, wrong, &err), KIN_E_ARG);
    assert_string_equal(err.subject, "KINDREDD_LOG_LEVEL");
    assert_says(&err, "log.level must be one of");
    char *const others[] = {"KINDRED_REMOTE=x", "KINDRED=", "kindredd_log_level=debug", NULL};
    assert_int_equal(kin_config_read_environment(&config, others, &err), KIN_OK);
    assert_string_equal(config.log_level, "notice");
}

struct address_case {
    const char *listen;
    int count; /* negative: refused */
};

static void addresses_are_split_and_looked_at(void **state)
{
    (void)state;
    static const struct address_case cases[] = {
        {"127.0.0.1:7443", 1},
        {" 127.0.0.1:7443,, [::1]:0 ,unix:/run/kindred.sock", 3},
        {"localhost:65535 example.org:1", 2},
        {"[fe80::1%eth0]:443", 1},
        {"1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 10:1 11:1 12:1 13:1 14:1 15:1 16:1", 16},
        {"1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 9:9 10:1 11:1 12:1 13:1 14:1 15:1 16:1 17:1", -1},
        {"", -1},
        {" , ", -1},
        {"127.0.0.1", -1},
        {"127.0.0.1:", -1},
        {"127.0.0.1:65536", -1},
        {"127.0.0.1:000001", -1},
        {"127.0.0.1:1x", -1},
        {"127.0.0.1:-1", -1},
        {":7443", -1},
        {"::1:7443", -1},
        {"[::1]", -1},
        {"[::1:7443", -1},
        {"[localhost]:1", -1},
        {"[]:1", -1},
        {"unix:", -1},
        {"dns:///example.org:1", -1},
        {"a_b:1", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_config config = with_defaults();
        char buffer[KIN_CONFIG_TEXT_MAX];
        const char *out[KIN_CONFIG_ADDRESSES_MAX];
        size_t count = 0;
        kin_error err = {0};
        snprintf(config.server_listen, sizeof config.server_listen, "%s", cases[i].listen);
        kin_status status = kin_config_addresses(&config, buffer, out, &count, &err);
        if (status != (cases[i].count < 0 ? KIN_E_ARG : KIN_OK) ||
            (status == KIN_OK && (int)count != cases[i].count))
            fail_msg("'%s': %d, %zu addresses", cases[i].listen, status, count);
    }
}

static void loopback_is_this_machine_and_nothing_that_looks_like_it(void **state)
{
    (void)state;
    static const char *const own[] = {"127.0.0.1:1",  "127.8.9.10:1",  "[::1]:1",  "localhost:1",
                                      "LocalHost:80", "unix:/run/k.s", "127.0.0.1"};
    static const char *const others[] = {"0.0.0.0:1",        "[::]:1",
                                         "10.0.0.1:1",       "127.0.0.1.example.org:1",
                                         "localhost.evil:1", "128.0.0.1:1",
                                         "[::2]:1",          "[fe80::1%lo]:1",
                                         "example.org:1",    "[::ffff:10.0.0.1]:1",
                                         "unixx:/run/k.s",   "",
                                         "127.1:1",          "[::1"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!kin_config_is_loopback(own[i]))
            fail_msg("%s", own[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (kin_config_is_loopback(others[i]))
            fail_msg("%s", others[i]);
}

/* Up to seven settings, and what the check says of them (NULL: nothing). */
struct check_case {
    const char *set[8][2];
    const char *says;
};

#define REMOTE                                                                                     \
    {                                                                                              \
        "server.listen", "127.0.0.1:1 0.0.0.0:7443"                                                \
    }
#define ALLOWED                                                                                    \
    {                                                                                              \
        "server.allow_remote", "on"                                                                \
    }
#define PAIR                                                                                       \
    {"tls.certificate", "/c.pem"},                                                                 \
    {                                                                                              \
        "tls.key", "/k.pem"                                                                        \
    }
#define CA                                                                                         \
    {                                                                                              \
        "tls.client_ca", "/ca.pem"                                                                 \
    }
#define ACCESS                                                                                     \
    {                                                                                              \
        "access.file", "/access"                                                                   \
    }

static void what_must_not_go_together_is_refused(void **state)
{
    (void)state;
    static const struct check_case cases[] = {
        {{{"server.listen", "unix:/run/k.sock [::1]:0"}}, NULL},
        {{ACCESS}, NULL},
        {{PAIR, ACCESS}, NULL},
        {{REMOTE, ALLOWED, PAIR, CA, ACCESS}, NULL},
        {{{"http.listen", ""}}, NULL},
        {{ALLOWED, {"http.listen", "0.0.0.0:7480"}}, NULL},
        {{{"archive.path", ""}}, "archive.path is missing"},
        {{{"server.listen", "nonsense"}}, "'nonsense' is neither"},
        {{REMOTE, PAIR, CA, ACCESS},
         "'0.0.0.0:7443' is beyond this machine and needs "
         "server.allow_remote = on"},
        {{REMOTE, ALLOWED, ACCESS}, "needs tls.certificate and tls.key"},
        {{REMOTE, ALLOWED, PAIR, ACCESS}, "needs tls.client_ca"},
        {{REMOTE, ALLOWED, PAIR, CA}, "needs access.file"},
        {{PAIR}, "access.file is missing"},
        {{{"tls.certificate", "/c.pem"}, ACCESS}, "tls.key is missing"},
        {{{"tls.key", "/k.pem"}, ACCESS}, "tls.certificate is missing"},
        {{CA, ACCESS}, "tls.client_ca needs"},
        {{{"http.listen", "0.0.0.0:7480"}}, "http.listen: '0.0.0.0:7480' is beyond"},
        {{{"http.listen", "unix:/x"}}, "http.listen: 'unix:/x' is neither"},
        {{{"http.listen", "127.0.0.1:1 127.0.0.1:2"}}, "http.listen"},
        {{{"server.message_bytes", "1G"}}, "more than server.memory_bytes"},
        {{{"decode.frame_bytes", "4G"}}, "more than decode.memory_bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_config config = with_defaults();
        kin_error err = {0};
        for (size_t j = 0; j < 8 && cases[i].set[j][0] != NULL; j++)
            assert_int_equal(kin_config_set(&config, cases[i].set[j][0], cases[i].set[j][1], &err),
                             KIN_OK);
        kin_status status = kin_config_check(&config, &err);
        if (status != (cases[i].says == NULL ? KIN_OK : KIN_E_ARG))
            fail_msg("case %zu: %s", i, err.message);
        if (cases[i].says != NULL)
            assert_says(&err, cases[i].says);
    }
}

/* Every option that the program has stands in the manual of its file, in its section's list. */
static void every_option_is_in_the_manual(void **state)
{
    (void)state;
    FILE *file = fopen(KIN_TEST_SOURCE_DIR "/tools/man/kindredd.conf.5", "r");
    assert_non_null(file);
    static char text[1 << 17];
    size_t got = fread(text, 1, sizeof text - 1, file);
    text[got] = '\0';
    fclose(file);
    for (size_t i = 0; i < kin_config_option_count(); i++) {
        kin_config_option option = kin_config_option_at(i);
        char section[128], item[128], value[512];
        snprintf(section, sizeof section, "\n.Ss [%s]\n", option.section);
        const char *begin = strstr(text, section);
        if (begin == NULL)
            fail_msg("no section [%s]", option.section);
        const char *end = strstr(begin, "\n.El\n");
        snprintf(item, sizeof item, "\n.It Cm %s ", option.name);
        const char *at = strstr(begin, item);
        if (at == NULL || end == NULL || at > end)
            fail_msg("no %s.%s", option.section, option.name);
        /* … and so does its default */
        if (option.value_default[0] == '\0')
            continue;
        const char *next = strstr(at + 1, "\n.It ");
        snprintf(value, sizeof value, "%s", option.value_default);
        const char *given = strstr(at, value);
        if (given == NULL || (next != NULL && given > next))
            fail_msg("%s.%s: no default %s", option.section, option.name, value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_table_and_pass_the_check),
        cmocka_unit_test(every_row_of_the_table_is_sound),
        cmocka_unit_test(every_option_is_set_by_file_environment_and_command_line),
        cmocka_unit_test(numbers_are_taken_within_their_bounds_and_whole),
        cmocka_unit_test(a_refusal_says_what_is_taken),
        cmocka_unit_test(text_is_one_line_that_a_file_can_hold),
        cmocka_unit_test(files_that_are_wrong_name_the_line),
        cmocka_unit_test(files_of_every_shape_are_read),
        cmocka_unit_test(long_lines_are_whole_or_refused),
        cmocka_unit_test(what_is_no_text_file_is_refused),
        cmocka_unit_test(unknown_variables_are_refused_and_others_left_alone),
        cmocka_unit_test(addresses_are_split_and_looked_at),
        cmocka_unit_test(loopback_is_this_machine_and_nothing_that_looks_like_it),
        cmocka_unit_test(what_must_not_go_together_is_refused),
        cmocka_unit_test(every_option_is_in_the_manual),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
