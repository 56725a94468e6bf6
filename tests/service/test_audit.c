/* The audit trail: what stands on a line, that none is lost, doubled or mixed with another, and
 * what happens when the file cannot take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/audit.h"
#include "temp_folder.h"
#include "write_file.h"

static char folder[PATH_MAX], path[PATH_MAX + 16];

static int make_folder(void **state)
{
    (void)state;
    temp_folder_make(folder);
    snprintf(path, sizeof path, "%s/audit", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temp_folder_remove(folder);
    return 0;
}

/* --- reading a trail --- */

/* The file's lines as JSON; what is none (a torn line) counts as torn. */
struct trail {
    json_t *lines; /* array */
    size_t torn, longest;
    char *text;
};

static struct trail read_trail(const char *from)
{
    struct trail trail = {.lines = json_array()};
    struct stat st;
    FILE *in = fopen(from, "rb");
    assert_non_null(in);
    assert_int_equal(fstat(fileno(in), &st), 0);
    size_t size = (size_t)st.st_size;
    trail.text = malloc(size + 1);
    assert_non_null(trail.text);
    assert_int_equal(fread(trail.text, 1, size, in), size);
    trail.text[size] = '\0';
    fclose(in);
    for (char *at = trail.text, *end; at < trail.text + size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(trail.text + size - at));
        if (end == NULL)
            end = trail.text + size;
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        if (line == NULL)
            trail.torn++;
        else
            json_array_append_new(trail.lines, line);
        if ((size_t)(end - at) + 1 > trail.longest)
            trail.longest = (size_t)(end - at) + 1;
    }
    return trail;
}

static void release(struct trail *trail)
{
    json_decref(trail->lines);
    free(trail->text);
}

static json_t *line_at(const struct trail *trail, size_t at, const char *member)
{
    json_t *value = json_object_get(json_array_get(trail->lines, at), member);
    assert_non_null(value);
    return value;
}

static const char *text_at(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static kin_audit *open_audit(const char *at)
{
    kin_audit *audit = NULL;
    kin_error err = {0};
    if (kin_audit_open(at, &audit, &err) != KIN_OK)
        fail_msg("cannot open: %s", err.message);
    return audit;
}

static void write_entry(kin_audit *audit, const kin_audit_entry *entry)
{
    kin_error err = {0};
    if (kin_audit_write(audit, entry, &err) != KIN_OK)
        fail_msg("cannot write: %s", err.message);
}

static const kin_audit_entry plain = {
    .event = KIN_AUDIT_QUERY,
    .action = 'E',
    .method = "/kindred.v1.KindredService/Search",
    .code = "OK",
    .user = "ward-3",
    .how = "token",
    .peer = "ipv4:10.0.0.7:40312",
    .seconds = 0.0125,
    .text = "",
};

/* Opens an empty file, writes these and reads the trail. */
static struct trail trail_of(const kin_audit_entry *entries, size_t count)
{
    unlink(path);
    kin_audit *audit = open_audit(path);
    for (size_t i = 0; i < count; i++)
        write_entry(audit, &entries[i]);
    kin_audit_close(audit);
    return read_trail(path);
}

/* --- what stands on a line --- */

static void a_line_says_who_what_when_and_how_it_ended(void **state)
{
    (void)state;
    static const kin_audit_object asked[] = {{"condition", "modality = CT"}},
                                  answered[] = {{"sop_instance_uid", "1.2.3"},
                                                {"patient_id", "P-7"}};
    kin_audit_entry entry = plain;
    char host[256] = "";
    entry.asked = asked;
    entry.asked_count = 1;
    entry.answered = answered;
    entry.answered_count = 2;
    struct trail trail = trail_of(&entry, 1);
    assert_int_equal(json_array_size(trail.lines), 1);
    assert_int_equal(trail.torn, 0);

    json_t *event = line_at(&trail, 0, "event");
    assert_string_equal(text_at(event, "id"), "110112");
    assert_string_equal(text_at(event, "name"), "Query");
    assert_string_equal(text_at(event, "action"), "E");
    assert_string_equal(text_at(event, "method"), "/kindred.v1.KindredService/Search");
    assert_string_equal(text_at(event, "code"), "OK");
    assert_string_equal(text_at(event, "text"), "");
    assert_int_equal(json_integer_value(json_object_get(event, "outcome")), 0);
    assert_int_equal(json_integer_value(json_object_get(event, "sequence")), 1);
    assert_true(fabs(json_real_value(json_object_get(event, "seconds")) - 0.0125) < 1e-9);
    assert_null(json_object_get(event, "part"));

    json_t *participants = line_at(&trail, 0, "participants");
    assert_int_equal(json_array_size(participants), 1);
    json_t *participant = json_array_get(participants, 0);
    assert_string_equal(text_at(participant, "user"), "ward-3");
    assert_string_equal(text_at(participant, "authentication"), "token");
    assert_string_equal(text_at(participant, "network_access_point"), "ipv4:10.0.0.7:40312");
    assert_true(json_is_true(json_object_get(participant, "requestor")));

    json_t *source = line_at(&trail, 0, "source");
    assert_string_equal(text_at(source, "id"), "kindredd");
    gethostname(host, sizeof host - 1);
    assert_string_equal(text_at(source, "host"), host);
    assert_int_equal(json_integer_value(json_object_get(source, "pid")), getpid());

    json_t *wanted = json_loads("[{\"type\":\"condition\",\"value\":\"modality = CT\","
                                "\"role\":\"asked\"},"
                                "{\"type\":\"sop_instance_uid\",\"value\":\"1.2.3\","
                                "\"role\":\"answered\"},"
                                "{\"type\":\"patient_id\",\"value\":\"P-7\","
                                "\"role\":\"answered\"}]",
                                0, NULL);
    assert_true(json_equal(line_at(&trail, 0, "objects"), wanted));
    json_decref(wanted);
    release(&trail);
}

static void the_time_is_utc_with_microseconds(void **state)
{
    (void)state;
    struct trail trail = trail_of(&plain, 1);
    const char *text = text_at(line_at(&trail, 0, "event"), "time");
    struct tm utc = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int micros = -1, used = 0;
    assert_non_null(rest);
    assert_int_equal(sscanf(rest, ".%6dZ%n", &micros, &used), 1);
    assert_int_equal(used, 8);
    assert_string_equal(rest + used, "");
    time_t then = timegm(&utc), now = time(NULL);
    assert_true(then <= now && then > now - 600);
    release(&trail);
}

static void events_have_the_standards_codes(void **state)
{
    (void)state;
    static const struct {
        kin_audit_event event;
        const char *id, *name;
    } wanted[] = {
        {KIN_AUDIT_QUERY, "110112", "Query"},
        {KIN_AUDIT_ACCESS, "110103", "DICOM Instances Accessed"},
        {KIN_AUDIT_IMPORT, "110107", "Import"},
        {KIN_AUDIT_EXPORT, "110106", "Export"},
        {KIN_AUDIT_APPLICATION, "110100", "Application Activity"},
        {KIN_AUDIT_SECURITY, "110113", "Security Alert"},
    };
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    kin_audit_entry entries[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        entries[i] = plain;
        entries[i].event = wanted[i].event;
        entries[i].action = "CRUDEE"[i];
    }
    struct trail trail = trail_of(entries, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        json_t *event = line_at(&trail, i, "event");
        const char action[] = {"CRUDEE"[i], '\0'};
        assert_string_equal(text_at(event, "id"), wanted[i].id);
        assert_string_equal(text_at(event, "name"), wanted[i].name);
        assert_string_equal(text_at(event, "action"), action);
        assert_int_equal(json_integer_value(json_object_get(event, "sequence")), i + 1);
    }
    release(&trail);
}

static void outcomes_tell_the_callers_faults_from_ours(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int outcome;
    } wanted[] = {
        {"OK", 0},
        {"CANCELLED", 4},
        {"UNKNOWN", 8},
        {"INVALID_ARGUMENT", 4},
        {"DEADLINE_EXCEEDED", 4},
        {"NOT_FOUND", 4},
        {"ALREADY_EXISTS", 4},
        {"PERMISSION_DENIED", 4},
        {"RESOURCE_EXHAUSTED", 4},
        {"FAILED_PRECONDITION", 4},
        {"ABORTED", 4},
        {"OUT_OF_RANGE", 4},
        {"UNIMPLEMENTED", 4},
        {"INTERNAL", 8},
        {"UNAVAILABLE", 8},
        {"DATA_LOSS", 8},
        {"UNAUTHENTICATED", 4},
        {"", 8},
    };
    enum { COUNT = sizeof wanted / sizeof wanted[0] };
    kin_audit_entry entries[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        entries[i] = plain;
        entries[i].code = wanted[i].code;
    }
    struct trail trail = trail_of(entries, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        json_t *event = line_at(&trail, i, "event");
        assert_string_equal(text_at(event, "code"), wanted[i].code);
        assert_int_equal(json_integer_value(json_object_get(event, "outcome")), wanted[i].outcome);
    }
    release(&trail);
}

static void texts_cannot_forge_lines_or_steer_terminals(void **state)
{
    (void)state;
    static const char nasty[] = "a\n{\"event\":{}}\r\x1b[2J\"\\\x7f\xc2\x9b"
                                "31m\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80";
    static const char mended[] = "a\n{\"event\":{}}\r\x1b[2J\"\\\x7f\xc2\x9b"
                                 "31m\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                 "\xf0\x9f\x98\x80";
    const kin_audit_object object = {nasty, nasty};
    const kin_audit_entry entry = {
        .event = KIN_AUDIT_SECURITY,
        .action = 'E',
        .method = nasty,
        .code = nasty,
        .user = nasty,
        .how = nasty,
        .peer = nasty,
        .text = nasty,
        .asked = &object,
        .asked_count = 1,
    };
    struct trail trail = trail_of(&entry, 1);
    assert_int_equal(json_array_size(trail.lines), 1);
    assert_int_equal(trail.torn, 0);
    json_t *event = line_at(&trail, 0, "event");
    json_t *participant = json_array_get(line_at(&trail, 0, "participants"), 0);
    json_t *asked = json_array_get(line_at(&trail, 0, "objects"), 0);
    assert_string_equal(text_at(event, "method"), mended);
    assert_string_equal(text_at(event, "code"), mended);
    assert_string_equal(text_at(event, "text"), mended);
    assert_string_equal(text_at(participant, "user"), mended);
    assert_string_equal(text_at(participant, "authentication"), mended);
    assert_string_equal(text_at(participant, "network_access_point"), mended);
    assert_string_equal(text_at(asked, "type"), mended);
    assert_string_equal(text_at(asked, "value"), mended);
    for (const char *at = trail.text; *at != '\0'; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at <= '\x7f')); /* plain ASCII */
    release(&trail);
}

/* Each of the characters that JSON must escape, alone in a text that needs nothing else. */
static void every_value_is_read_as_it_was_written(void **state)
{
    (void)state;
    enum { VALUES = 255 };
    char values[VALUES][4];
    kin_audit_object objects[VALUES];
    for (size_t i = 0; i < VALUES; i++) {
        snprintf(values[i], sizeof values[i], "a%cb", (char)(i + 1));
        objects[i] = (kin_audit_object){"query", values[i]};
    }
    kin_audit_entry entry = plain;
    entry.asked = objects;
    entry.asked_count = VALUES;
    struct trail trail = trail_of(&entry, 1);
    json_t *list = line_at(&trail, 0, "objects");
    assert_int_equal(json_array_size(list), VALUES);
    for (size_t i = 0; i < VALUES; i++)
        assert_string_equal(text_at(json_array_get(list, i), "value"), i + 1 < 0x80
                                                                           ? values[i]
                                                                           : "a\xef\xbf\xbd"
                                                                             "b");
    release(&trail);
}

static void what_is_missing_or_no_number_is_empty(void **state)
{
    (void)state;
    const kin_audit_object object = {NULL, NULL};
    const kin_audit_entry entry = {
        .action = 'R', .seconds = NAN, .answered = &object, .answered_count = 1};
    struct trail trail = trail_of(&entry, 1);
    json_t *event = line_at(&trail, 0, "event");
    assert_string_equal(text_at(event, "method"), "");
    assert_true(json_real_value(json_object_get(event, "seconds")) == 0);
    assert_string_equal(text_at(json_array_get(line_at(&trail, 0, "objects"), 0), "value"), "");
    release(&trail);
}

static void long_heads_are_cut_between_characters(void **state)
{
    (void)state;
    char text[4096];
    for (size_t offset = 0; offset < 3; offset++) {
        kin_audit_entry entry = plain;
        size_t used = 0;
        for (; used < offset; used++)
            text[used] = 'x';
        while (used + 4 < sizeof text) {
            memcpy(text + used, "\xe2\x82\xac", 3); /* a euro sign */
            used += 3;
        }
        text[used] = '\0';
        entry.method = text;
        struct trail trail = trail_of(&entry, 1);
        const char *got = text_at(line_at(&trail, 0, "event"), "method");
        size_t length = strlen(got);
        assert_in_range(length, KIN_AUDIT_HEAD_TEXT_MAX - 2, KIN_AUDIT_HEAD_TEXT_MAX);
        assert_string_equal(got + length - 3, "...");
        assert_memory_equal(got, text, length - 3);
        assert_int_equal((length - 3 - offset) % 3, 0);
        release(&trail);
    }
    /* The longest that has room is whole. */
    kin_audit_entry entry = plain;
    memset(text, 'm', KIN_AUDIT_HEAD_TEXT_MAX);
    text[KIN_AUDIT_HEAD_TEXT_MAX] = '\0';
    entry.text = text;
    struct trail trail = trail_of(&entry, 1);
    assert_string_equal(text_at(line_at(&trail, 0, "event"), "text"), text);
    release(&trail);
}

/* --- several lines --- */

/* Joins the values of an event's objects again, pieces included, in their order, separated by
 * blanks; checks the parts' numbers and that the rest of the event is the same on all lines. */
static char *joined(const struct trail *trail, size_t from, size_t count, const char *role)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_t *first = json_deep_copy(line_at(trail, from, "event"));
    assert_non_null(out);
    json_object_del(first, "part");
    for (size_t i = 0; i < count; i++) {
        json_t *event = json_deep_copy(line_at(trail, from + i, "event"));
        json_t *part = json_object_get(event, "part"), *object;
        size_t at;
        if (count > 1) {
            assert_int_equal(json_integer_value(json_array_get(part, 0)), i + 1);
            assert_int_equal(json_integer_value(json_array_get(part, 1)), count);
        }
        json_object_del(event, "part");
        assert_true(json_equal(event, first));
        json_decref(event);
        assert_true(json_array_size(line_at(trail, from + i, "objects")) > 0);
        json_array_foreach(line_at(trail, from + i, "objects"), at, object)
        {
            json_t *piece = json_object_get(object, "piece");
            if (strcmp(text_at(object, "role"), role) != 0)
                continue;
            fputs(text_at(object, "value"), out);
            if (piece == NULL || json_equal(json_array_get(piece, 0), json_array_get(piece, 1)))
                fputc(' ', out);
        }
    }
    json_decref(first);
    fclose(out);
    return text;
}

static void many_objects_take_several_lines_and_none_is_left_out(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    static char uids[COUNT][65];
    static kin_audit_object answered[COUNT];
    static char wanted[COUNT * 66];
    const kin_audit_object asked[] = {{"uid", "9.8.7"}};
    size_t used = 0;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(uids[i], sizeof uids[i], "2.25.%039zu", i);
        answered[i] = (kin_audit_object){"sop_instance_uid", uids[i]};
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s ", uids[i]);
    }
    kin_audit_entry entries[] = {plain, plain};
    entries[0].asked = asked;
    entries[0].asked_count = 1;
    entries[0].answered = answered;
    entries[0].answered_count = COUNT;
    struct trail trail = trail_of(entries, 2);
    size_t lines = json_array_size(trail.lines) - 1;
    assert_in_range(lines, 10, 40);
    assert_int_equal(trail.torn, 0);
    assert_in_range(trail.longest, KIN_AUDIT_LINE_MAX - 512, KIN_AUDIT_LINE_MAX);
    char *all = joined(&trail, 0, lines, "answered"), *one = joined(&trail, 0, lines, "asked");
    assert_string_equal(all, wanted);
    assert_string_equal(one, "9.8.7 ");
    json_t *next = line_at(&trail, lines, "event");
    assert_null(json_object_get(next, "part"));
    assert_int_equal(json_integer_value(json_object_get(next, "sequence")), 2);
    free(all);
    free(one);
    release(&trail);
}

/* Around each length at which another piece or another line begins. */
static void long_values_go_on_in_the_next_object(void **state)
{
    (void)state;
    static char value[400000], wanted[sizeof value + 16];
    static const size_t lengths[] = {0,    1,    2047,  2048,  2049,  4095,
                                     4096, 4097, 60000, 70000, 399999};
    static const char *const characters[] = {"v", "\x01", "\xc3\xa4", "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80"};
    for (size_t c = 0; c < sizeof characters / sizeof characters[0]; c++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            size_t used = 0, unit = strlen(characters[c]);
            for (; used + unit <= lengths[i]; used += unit)
                memcpy(value + used, characters[c], unit);
            value[used] = '\0';
            const kin_audit_object asked[] = {{"condition", value}, {"uid", "1.2"}};
            kin_audit_entry entry = plain;
            entry.asked = asked;
            entry.asked_count = 2;
            struct trail trail = trail_of(&entry, 1);
            char *all = joined(&trail, 0, json_array_size(trail.lines), "asked");
            snprintf(wanted, sizeof wanted, "%s 1.2 ", value);
            assert_string_equal(all, wanted);
            assert_true(trail.longest <= KIN_AUDIT_LINE_MAX);
            assert_int_equal(trail.torn, 0);
            free(all);
            release(&trail);
        }
}

/* The longest head together with the longest objects: no line may be too long, and none empty. */
static void the_worst_of_everything_has_room(void **state)
{
    (void)state;
    static char text[8192];
    kin_audit_object objects[20];
    memset(text, '\x01', sizeof text - 1);
    for (size_t i = 0; i < 20; i++)
        objects[i] = (kin_audit_object){text, text};
    const kin_audit_entry entry = {
        .event = KIN_AUDIT_ACCESS,
        .action = 'E',
        .method = text,
        .code = text,
        .user = text,
        .how = text,
        .peer = text,
        .text = text,
        .seconds = -1.23456789e300,
        .answered = objects,
        .answered_count = 20,
    };
    struct trail trail = trail_of(&entry, 1);
    char *all = joined(&trail, 0, json_array_size(trail.lines), "answered");
    assert_int_equal(strlen(all), 20 * sizeof text);
    assert_true(trail.longest <= KIN_AUDIT_LINE_MAX);
    free(all);
    release(&trail);
}

/* --- the file --- */

static void the_file_is_for_its_owner_alone(void **state)
{
    (void)state;
    static const mode_t good[] = {0600, 0640}, bad[] = {0644, 0602, 0620, 0666, 0660};
    struct stat st;
    kin_audit *audit = NULL;
    kin_error err = {0};
    mode_t mask = umask(0);
    unlink(path);
    kin_audit_close(open_audit(path));
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(chmod(path, good[i]), 0);
        kin_audit_close(open_audit(path));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(path, bad[i]), 0);
        assert_int_equal(kin_audit_open(path, &audit, &err), KIN_E_ARG);
        assert_non_null(strstr(err.message, "others"));
        assert_null(audit);
    }
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    kin_audit *audit = NULL;
    kin_error err = {0};
    char missing[PATH_MAX + 32];
    snprintf(missing, sizeof missing, "%s/none/audit", folder);
    assert_int_equal(kin_audit_open(missing, &audit, &err), KIN_E_NOT_FOUND);
    assert_string_equal(err.subject, missing);
    assert_int_equal(kin_audit_open(folder, &audit, &err), KIN_E_IO);
    assert_int_equal(kin_audit_open("/dev/null", &audit, &err), KIN_E_UNSUPPORTED);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(kin_audit_open(path, &audit, &err), KIN_E_UNSUPPORTED); /* and no waiting */
    unlink(path);
    assert_null(audit);
}

static void without_a_path_nothing_is_written(void **state)
{
    (void)state;
    kin_audit *audit = open_audit("");
    write_entry(audit, &plain);
    assert_int_equal(kin_audit_reopen(audit, NULL), KIN_OK);
    write_entry(audit, &plain);
    kin_audit_close(audit);
    kin_audit_close(NULL);
}

static void lines_are_appended_and_a_torn_end_is_closed(void **state)
{
    (void)state;
    static const char before[] = "{\"event\":{\"id\":\"old\"}}\n{\"event\":{\"id\":\"to";
    unlink(path);
    write_file(path, before, sizeof before - 1);
    assert_int_equal(chmod(path, 0600), 0);
    for (int i = 0; i < 2; i++) {
        kin_audit *audit = open_audit(path);
        write_entry(audit, &plain);
        write_entry(audit, &plain);
        kin_audit_close(audit);
    }
    struct trail trail = read_trail(path);
    assert_int_equal(json_array_size(trail.lines), 5);
    assert_int_equal(trail.torn, 1);
    assert_memory_equal(trail.text, before, sizeof before - 1);
    assert_int_equal(trail.text[sizeof before - 1], '\n');
    assert_null(strstr(trail.text, "\n\n"));
    release(&trail);
}

static void a_rotated_trail_goes_on_in_a_new_file(void **state)
{
    (void)state;
    char old[PATH_MAX + 32];
    kin_error err = {0};
    snprintf(old, sizeof old, "%s/audit.1", folder);
    unlink(path);
    kin_audit *audit = open_audit(path);
    write_entry(audit, &plain);
    assert_int_equal(rename(path, old), 0);
    write_entry(audit, &plain);
    assert_int_equal(kin_audit_reopen(audit, &err), KIN_OK);
    write_entry(audit, &plain);
    assert_int_equal(kin_audit_reopen(audit, &err), KIN_OK); /* the same file again */
    write_entry(audit, &plain);

    /* What cannot be opened leaves the old file in use. */
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(kin_audit_reopen(audit, &err), KIN_E_ARG);
    write_entry(audit, &plain);
    kin_audit_close(audit);
    struct trail first = read_trail(old), second = read_trail(path);
    assert_int_equal(json_array_size(first.lines), 2);
    assert_int_equal(json_array_size(second.lines), 3);
    assert_int_equal(json_integer_value(json_object_get(line_at(&second, 2, "event"), "sequence")),
                     5);
    release(&first);
    release(&second);
    unlink(old);
}

/* --- failures --- */

static void set_room(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A disk that fills up in the midst of a line: simulated by a bound on the file's size, which gives
 * short writes and failures as a disk does. */
static void a_full_disk_is_told_and_later_lines_are_whole(void **state)
{
    (void)state;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    struct trail trail = trail_of(&plain, 1);
    const size_t line = trail.longest;
    release(&trail);
    for (size_t room = 0; room <= line + 1; room += room < line - 2 ? 7 : 1) {
        kin_error err = {0};
        unlink(path);
        kin_audit *audit = open_audit(path);
        write_entry(audit, &plain);
        set_room(line + room);
        kin_status status = kin_audit_write(audit, &plain, &err);
        kin_status again = kin_audit_write(audit, &plain, NULL);
        set_room(RLIM_INFINITY);
        assert_int_equal(status, room >= line ? KIN_OK : KIN_E_IO);
        assert_int_equal(again, KIN_E_IO);
        if (status != KIN_OK)
            assert_string_equal(err.subject, path);
        write_entry(audit, &plain);
        write_entry(audit, &plain);
        kin_audit_close(audit);
        trail = read_trail(path);
        /* One byte short of a line is all of its JSON: refused, but there. */
        bool whole = room + 1 >= line, cut = room % line != 0 && room + 1 != line;
        assert_int_equal(json_array_size(trail.lines), whole ? 4 : 3);
        assert_int_equal(trail.torn, cut ? 1 : 0);
        /* The lost events show as a gap. */
        size_t last = json_array_size(trail.lines) - 1;
        assert_int_equal(
            json_integer_value(json_object_get(line_at(&trail, last, "event"), "sequence")), 5);
        release(&trail);
    }
    signal(SIGXFSZ, old);
}

/* --- threads and processes --- */

enum { WRITERS = 4, ENTRIES_EACH = 150, OBJECTS_EACH = 900 };

struct writer {
    pthread_t thread;
    kin_audit *audit;
    char user[32];
};

static void *write_many(void *ctx)
{
    struct writer *writer = ctx;
    kin_audit_object objects[OBJECTS_EACH];
    kin_audit_entry entry = plain;
    for (size_t i = 0; i < OBJECTS_EACH; i++)
        objects[i] = (kin_audit_object){"sop_instance_uid", "1.2.840.99999.1.2.3.4.5.6.7.8.9"};
    entry.user = writer->user;
    for (int i = 0; i < ENTRIES_EACH; i++) {
        entry.answered = objects;
        entry.answered_count = i % 10 == 0 ? OBJECTS_EACH : 1; /* two lines, or one */
        if (kin_audit_write(writer->audit, &entry, NULL) != KIN_OK)
            return writer;
    }
    return NULL;
}

static void events_of_threads_stay_whole_through_rotations(void **state)
{
    (void)state;
    struct writer writers[WRITERS];
    char rotated[PATH_MAX + 32];
    static bool seen[WRITERS * ENTRIES_EACH + 1];
    size_t events = 0, files = 0;
    unlink(path);
    kin_audit *audit = open_audit(path);
    for (int i = 0; i < WRITERS; i++) {
        writers[i].audit = audit;
        snprintf(writers[i].user, sizeof writers[i].user, "user-%d", i);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_many, &writers[i]), 0);
    }
    for (; files < 5; files++) {
        snprintf(rotated, sizeof rotated, "%s/audit.%zu", folder, files);
        usleep(5000);
        assert_int_equal(rename(path, rotated), 0);
        assert_int_equal(kin_audit_reopen(audit, NULL), KIN_OK);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        pthread_join(writers[i].thread, &failed);
        assert_null(failed);
    }
    kin_audit_close(audit);
    for (size_t file = 0; file <= files; file++) {
        snprintf(rotated, sizeof rotated, "%s/audit.%zu", folder, file);
        struct trail trail = read_trail(file < files ? rotated : path);
        assert_int_equal(trail.torn, 0);
        size_t lines = json_array_size(trail.lines);
        for (size_t at = 0, parts; at < lines; at += parts, events++) {
            json_t *event = line_at(&trail, at, "event");
            json_t *part = json_object_get(event, "part");
            parts = part != NULL ? (size_t)json_integer_value(json_array_get(part, 1)) : 1;
            free(joined(&trail, at, parts, "answered")); /* checks that the parts are together */
            size_t number = (size_t)json_integer_value(json_object_get(event, "sequence"));
            assert_true(number >= 1 && number <= WRITERS * ENTRIES_EACH && !seen[number]);
            seen[number] = true;
        }
        release(&trail);
        unlink(rotated);
    }
    assert_int_equal(events, WRITERS * ENTRIES_EACH);
}

/* Processes share a file: lines do not mix, whatever their number. */
static void processes_may_share_a_trail(void **state)
{
    (void)state;
    enum { PROCESSES = 3, EACH = 200 };
    pid_t children[PROCESSES];
    unlink(path);
    kin_audit_close(open_audit(path));
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            kin_audit *audit = NULL;
            int failed = kin_audit_open(path, &audit, NULL) != KIN_OK;
            for (int n = 0; n < EACH && !failed; n++)
                failed = kin_audit_write(audit, &plain, NULL) != KIN_OK;
            kin_audit_close(audit);
            _exit(failed);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct trail trail = read_trail(path);
    assert_int_equal(trail.torn, 0);
    assert_int_equal(json_array_size(trail.lines), PROCESSES * EACH);
    release(&trail);
}

/* A written line needs no orderly end of its writer. */
static void lines_survive_a_killed_writer(void **state)
{
    (void)state;
    int told[2], status;
    char byte;
    unlink(path);
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        kin_audit *audit = NULL;
        if (kin_audit_open(path, &audit, NULL) == KIN_OK)
            for (int n = 0; n < 10; n++)
                kin_audit_write(audit, &plain, NULL);
        if (write(told[1], "", 1) == 1)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    close(told[0]);
    close(told[1]);
    struct trail trail = read_trail(path);
    assert_int_equal(json_array_size(trail.lines), 10);
    assert_int_equal(trail.torn, 0);
    release(&trail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_who_what_when_and_how_it_ended),
        cmocka_unit_test(the_time_is_utc_with_microseconds),
        cmocka_unit_test(events_have_the_standards_codes),
        cmocka_unit_test(outcomes_tell_the_callers_faults_from_ours),
        cmocka_unit_test(texts_cannot_forge_lines_or_steer_terminals),
        cmocka_unit_test(every_value_is_read_as_it_was_written),
        cmocka_unit_test(what_is_missing_or_no_number_is_empty),
        cmocka_unit_test(long_heads_are_cut_between_characters),
        cmocka_unit_test(many_objects_take_several_lines_and_none_is_left_out),
        cmocka_unit_test(long_values_go_on_in_the_next_object),
        cmocka_unit_test(the_worst_of_everything_has_room),
        cmocka_unit_test(the_file_is_for_its_owner_alone),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(without_a_path_nothing_is_written),
        cmocka_unit_test(lines_are_appended_and_a_torn_end_is_closed),
        cmocka_unit_test(a_rotated_trail_goes_on_in_a_new_file),
        cmocka_unit_test(a_full_disk_is_told_and_later_lines_are_whole),
        cmocka_unit_test(events_of_threads_stay_whole_through_rotations),
        cmocka_unit_test(processes_may_share_a_trail),
        cmocka_unit_test(lines_survive_a_killed_writer),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
