#include "service/audit_lines.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    TEXT_SIZE = KIN_AUDIT_HEAD_TEXT_MAX + 1,
    HEAD_TEXTS = 7,   /* method, code, text, user, how, peer, host */
    HEAD_REST = 1024, /* names and numbers */
    PART_ROOM = 64,   /* the text of "part", which is not known before all lines are laid out */
    OBJECT_REST = 128 /* names, role, "piece" */
};

_Static_assert(HEAD_TEXTS *TEXT_SIZE *KIN_AUDIT_ESCAPE_MAX + HEAD_REST + PART_ROOM +
                       (KIN_AUDIT_PIECE_MAX + KIN_AUDIT_TYPE_MAX) * KIN_AUDIT_ESCAPE_MAX +
                       OBJECT_REST <
                   KIN_AUDIT_LINE_MAX,
               "a line has room for the longest head and the longest object");

static const struct {
    const char *id, *name;
} events[] = {
    [KIN_AUDIT_QUERY] = {"110112", "Query"},
    [KIN_AUDIT_ACCESS] = {"110103", "DICOM Instances Accessed"},
    [KIN_AUDIT_IMPORT] = {"110107", "Import"},
    [KIN_AUDIT_EXPORT] = {"110106", "Export"},
    [KIN_AUDIT_APPLICATION] = {"110100", "Application Activity"},
    [KIN_AUDIT_SECURITY] = {"110113", "Security Alert"},
};

/* Event outcome indicators of PS3.15 A.5 (RFC 3881 section 5.1.4). */
enum { SUCCESS = 0, MINOR_FAILURE = 4, SERIOUS_FAILURE = 8 };

static int outcome_of(const char *code)
{
    /* What the caller did or asked for; all others are faults of ours. */
    static const char *const callers[] = {
        "CANCELLED",      "INVALID_ARGUMENT",  "DEADLINE_EXCEEDED",   "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",  "ABORTED",
        "OUT_OF_RANGE",   "UNIMPLEMENTED",     "FAILED_PRECONDITION", "UNAUTHENTICATED",
    };
    if (strcmp(code, "OK") == 0)
        return SUCCESS;
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++)
        if (strcmp(code, callers[i]) == 0)
            return MINOR_FAILURE;
    return SERIOUS_FAILURE;
}

static void time_text(int64_t time_us, char *out, size_t size)
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    size_t used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, size - used, ".%06dZ", (int)(time_us % 1000000));
}

static json_t *event_of(const kin_audit_entry *entry, const kin_audit_stamp *stamp)
{
    char time[64], method[TEXT_SIZE], code[TEXT_SIZE], text[TEXT_SIZE];
    const char action[] = {entry->action, '\0'};
    time_text(stamp->time_us, time, sizeof time);
    kin_audit_text(entry->method, method, sizeof method);
    kin_audit_text(entry->code, code, sizeof code);
    kin_audit_text(entry->text, text, sizeof text);
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:s, s:s, s:f, s:s}", "id",
                     events[entry->event].id, "name", events[entry->event].name, "action", action,
                     "time", time, "outcome", outcome_of(code), "sequence",
                     (json_int_t)stamp->sequence, "method", method, "code", code, "seconds",
                     isfinite(entry->seconds) ? entry->seconds : 0.0, "text", text);
}

static json_t *participant_of(const kin_audit_entry *entry)
{
    char user[TEXT_SIZE], how[TEXT_SIZE], peer[TEXT_SIZE];
    kin_audit_text(entry->user, user, sizeof user);
    kin_audit_text(entry->how, how, sizeof how);
    kin_audit_text(entry->peer, peer, sizeof peer);
    return json_pack("{s:s, s:s, s:s, s:b}", "user", user, "authentication", how,
                     "network_access_point", peer, "requestor", 1);
}

/* "objects" is empty and comes last: append_line() opens it again. */
static json_t *head_of(const kin_audit_entry *entry, const kin_audit_stamp *stamp)
{
    char host[TEXT_SIZE];
    kin_audit_text(stamp->host, host, sizeof host);
    return json_pack("{s:o, s:[o], s:{s:s, s:s, s:I}, s:[]}", "event", event_of(entry, stamp),
                     "participants", participant_of(entry), "source", "id", "kindredd", "host",
                     host, "pid", (json_int_t)stamp->pid, "objects");
}

/* How many objects from number `from` on have room in a line whose objects may take `room` bytes
 * together. */
static size_t count_fitting(const kin_audit_json *objects, size_t from, size_t room)
{
    size_t start = from > 0 ? objects->ends[from - 1] : 0, count = 0;
    while (from + count < objects->count &&
           objects->ends[from + count] - start + count /* commas */ <= room)
        count++;
    return count;
}

/* head: all of a line's JSON, with no objects. */
static int append_line(kin_audit_json *lines, const kin_audit_json *head,
                       const kin_audit_json *objects, size_t from, size_t count)
{
    static const char tail[] = "]}";
    const size_t tail_size = sizeof tail - 1;
    if (kin_audit_json_append(lines, "\n", 1) != 0 ||
        kin_audit_json_append(lines, head->bytes, head->size - tail_size) != 0)
        return -1;
    for (size_t i = from; i < from + count; i++) {
        size_t start = i > 0 ? objects->ends[i - 1] : 0;
        if ((i > from && kin_audit_json_append(lines, ",", 1) != 0) ||
            kin_audit_json_append(lines, objects->bytes + start, objects->ends[i] - start) != 0)
            return -1;
    }
    if (kin_audit_json_append(lines, tail, tail_size) != 0 ||
        kin_audit_json_append(lines, "\n", 1) != 0)
        return -1;
    return kin_audit_json_end(lines);
}

/* The head anew, with "part". */
static int number_head(kin_audit_json *text, json_t *head, size_t part, size_t parts)
{
    text->size = 0;
    if (json_object_set_new(json_object_get(head, "event"), "part",
                            json_pack("[I, I]", (json_int_t)part, (json_int_t)parts)) != 0)
        return -1;
    return kin_audit_json_dump(text, json_incref(head));
}

static int append_lines(kin_audit_json *lines, json_t *head, const kin_audit_json *objects)
{
    kin_audit_json text = {0};
    int failed = kin_audit_json_dump(&text, json_incref(head));
    const size_t room = KIN_AUDIT_LINE_MAX - text.size - PART_ROOM - 1 /* the line's end */;
    size_t parts = 0, from = 0;
    while (failed == 0 && from < objects->count) {
        from += count_fitting(objects, from, room);
        parts++;
    }
    from = 0;
    for (size_t part = 1; failed == 0 && part <= (parts > 0 ? parts : 1); part++) {
        size_t count = count_fitting(objects, from, room);
        if (parts > 1)
            failed = number_head(&text, head, part, parts);
        if (failed == 0)
            failed = append_line(lines, &text, objects, from, count);
        from += count;
    }
    kin_audit_json_release(&text);
    return failed;
}

int kin_audit_lines_make(const kin_audit_entry *entry, const kin_audit_stamp *stamp,
                         kin_audit_json *lines)
{
    kin_audit_json objects = {0};
    json_t *head = head_of(entry, stamp);
    int failed =
        head == NULL ||
        kin_audit_json_objects(&objects, entry->asked, entry->asked_count, "asked") != 0 ||
        kin_audit_json_objects(&objects, entry->answered, entry->answered_count, "answered") != 0 ||
        append_lines(lines, head, &objects) != 0;
    json_decref(head);
    kin_audit_json_release(&objects);
    return failed ? -1 : 0;
}
