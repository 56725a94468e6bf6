/* gate.c - every call comes in and goes out here: its caller's role, and its line in the audit
 * trail. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "service/arena.h"
#include "service/internal.h"
#include "service/methods.h"

/* Objects noted for the audit trail. */
struct notes {
    kin_audit_object *objects;
    size_t count, capacity;
};

/* What hangs on a call. */
struct session {
    kin_service *service;
    kin_role role;
    char user[KIN_ACCESS_NAME_MAX];
    const char *how;  /* "token", "certificate", "open", "" */
    unsigned reloads; /* of the access rules that the role is by */
    kin_arena texts;
    struct notes asked, answered;
    bool noted; /* lines of its own were written: the call's end adds only what is left */
};

/* --- who calls --- */

static const char *bearer(const char *header)
{
    static const char scheme[] = "bearer ";
    if (header == NULL || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return NULL;
    header += sizeof scheme - 1;
    return header + strspn(header, " ");
}

static int try_certificate(void *ctx, const char *name)
{
    struct session *session = ctx;
    session->role = kin_access_by_certificate(session->service->access, name, session->user);
    return session->role != KIN_ROLE_NONE;
}

static int take_name(void *ctx, const char *name)
{
    struct session *session = ctx;
    strncpy(session->user, name, sizeof session->user - 1);
    return 1;
}

static void identify(struct session *session, kin_rpc_call *call)
{
    kin_service *service = session->service;
    const char *token = bearer(kin_rpc_call_metadata_borrow(call, "authorization"));
    pthread_rwlock_rdlock(&service->access_lock);
    session->reloads = atomic_load(&service->access_reloads);
    if (service->access == NULL) {
        session->role = service->open_role;
        session->how = "open";
        kin_rpc_call_each_identity(call, take_name, session);
    } else if (token != NULL) {
        session->role = kin_access_by_token(service->access, token, session->user);
        session->how = "token";
    } else {
        kin_rpc_call_each_identity(call, try_certificate, session);
        session->how = session->role != KIN_ROLE_NONE ? "certificate" : "";
    }
    pthread_rwlock_unlock(&service->access_lock);
}

/* Whether the role is enough for the call's method. */
static kin_rpc_code judge(const struct session *session, kin_rpc_call *call)
{
    int needed = kin_rpc_call_method(call)->role;
    if (session->role == KIN_ROLE_NONE)
        return kin_rpc_call_fail(call, KIN_RPC_UNAUTHENTICATED,
                                 session->how[0] != '\0'
                                     ? "authorization: the token is not known"
                                     : "authorization: a bearer token is needed");
    if ((int)session->role < needed)
        return kin_rpc_call_fail(call, KIN_RPC_PERMISSION_DENIED,
                                 "the role %s is needed, yours is %s",
                                 kin_role_name((kin_role)needed), kin_role_name(session->role));
    return KIN_RPC_OK;
}

kin_rpc_code kin_gate_admit(void *ctx, kin_rpc_call *call)
{
    const kin_rpc_method *method = kin_rpc_call_method(call);
    if (method == NULL || method->role == KIN_ROLE_NONE)
        return KIN_RPC_OK; /* health and reflection are anybody's */
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED, "no memory for the call");
    session->service = ctx;
    session->how = "";
    kin_rpc_call_set_data(call, session);
    identify(session, call);
    return judge(session, call);
}

kin_rpc_code kin_gate_no_memory(kin_rpc_call *call)
{
    return kin_rpc_call_fail(call, KIN_RPC_RESOURCE_EXHAUSTED, "no memory for the answer");
}

kin_rpc_code kin_gate_check_again(kin_rpc_call *call)
{
    struct session *session = kin_rpc_call_data(call);
    char before[KIN_ACCESS_NAME_MAX];
    if (session == NULL || session->reloads == atomic_load(&session->service->access_reloads))
        return KIN_RPC_OK;
    memcpy(before, session->user, sizeof before);
    session->role = KIN_ROLE_NONE;
    identify(session, call);
    if (session->role == KIN_ROLE_NONE) /* the trail says whose call ended */
        memcpy(session->user, before, sizeof before);
    return judge(session, call);
}

/* --- what callers hear of failures --- */

/* What no request could have caused. */
static bool is_our_fault(kin_status status)
{
    return status == KIN_E_IO || status == KIN_E_FULL || status == KIN_E_CORRUPT ||
           status == KIN_E_INTERNAL;
}

/* Whether a subject is the archive's folder or a path in it. */
static bool is_in_archive(const kin_service *service, const char *subject)
{
    const char *folder = service->config.archive_path;
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    return strncmp(subject, folder, length) == 0 &&
           (subject[length] == '\0' || subject[length] == '/');
}

kin_rpc_code kin_gate_fail(kin_rpc_call *call, const kin_error *err)
{
    const struct session *session = kin_rpc_call_data(call);
    kin_error told = *err;
    if (session != NULL && is_our_fault(err->code))
        kin_log_error(&session->service->log, KIN_LOG_ERROR, kin_rpc_call_path_borrow(call), err);
    if (session != NULL && is_in_archive(session->service, err->subject))
        told.subject[0] = '\0';
    return kin_rpc_call_fail_with(call, &told);
}

/* --- the trail --- */

static void note(kin_rpc_call *call, bool answer, const char *type, const char *value)
{
    struct session *session = kin_rpc_call_data(call);
    if (session == NULL || !session->service->audits || value[0] == '\0')
        return;
    struct notes *notes = answer ? &session->answered : &session->asked;
    if (notes->count == notes->capacity) {
        size_t capacity = notes->capacity > 0 ? notes->capacity * 2 : 16;
        kin_audit_object *objects = reallocarray(notes->objects, capacity, sizeof *objects);
        if (objects == NULL) {
            session->texts.failed = true; /* the call fails at its end: no trail, no answer */
            return;
        }
        notes->objects = objects;
        notes->capacity = capacity;
    }
    char *copy = kin_arena_copy(&session->texts, value);
    if (copy != NULL)
        notes->objects[notes->count++] = (kin_audit_object){type, copy};
}

void kin_gate_asked(kin_rpc_call *call, const char *type, const char *value)
{
    note(call, false, type, value);
}

void kin_gate_answered(kin_rpc_call *call, const char *type, const char *value)
{
    note(call, true, type, value);
}

void kin_gate_answered_record(kin_rpc_call *call, const kin_record *record)
{
    note(call, true, "sop_instance_uid", record->sop_instance_uid);
    note(call, true, "patient_id", record->patient_id);
}

static void forget_notes(struct session *session)
{
    session->asked.count = session->answered.count = 0;
    kin_arena_release(&session->texts);
}

static kin_rpc_code write_line(struct session *session, kin_rpc_call *call, kin_rpc_code code,
                               double seconds)
{
    kin_service *service = session->service;
    const kin_method_kind *kind = kin_method_kind_of(service, kin_rpc_call_method(call));
    bool refused = code == KIN_RPC_UNAUTHENTICATED || code == KIN_RPC_PERMISSION_DENIED;
    const kin_audit_entry entry = {
        .event = refused ? KIN_AUDIT_SECURITY : kind->event,
        .action = kind->action,
        .method = kin_rpc_call_path_borrow(call),
        .code = kin_rpc_code_name(code),
        .user = session->user,
        .how = session->how,
        .peer = kin_rpc_call_peer_borrow(call),
        .seconds = seconds,
        .asked = session->asked.objects,
        .asked_count = session->asked.count,
        .answered = session->answered.objects,
        .answered_count = session->answered.count,
        .text = kin_rpc_call_text_borrow(call),
    };
    kin_error err = {0};
    if (session->texts.failed)
        kin_fail(&err, KIN_E_NOMEM, NULL, "no memory for the audit trail");
    else
        kin_audit_write(service->audit, &entry, &err);
    if (err.code == KIN_OK)
        return code;
    kin_metrics_audit_failure(service->metrics);
    kin_log_error(&service->log, KIN_LOG_ERROR, "the audit trail cannot be written", &err);
    return code == KIN_RPC_OK
               ? kin_rpc_call_fail(call, KIN_RPC_UNAVAILABLE, "the audit trail cannot be written")
               : code;
}

kin_rpc_code kin_gate_note(kin_service *service, kin_rpc_call *call, kin_rpc_code code,
                           double seconds)
{
    struct session *session = kin_rpc_call_data(call);
    if (session == NULL || !service->audits)
        return code;
    code = write_line(session, call, code, seconds);
    session->noted = true;
    forget_notes(session);
    return code;
}

kin_rpc_code kin_gate_finish(void *ctx, kin_rpc_call *call, kin_rpc_code code)
{
    kin_service *service = ctx;
    struct session *session = kin_rpc_call_data(call);
    double seconds = kin_clock_monotonic() - kin_rpc_call_began(call);
    if (session != NULL) {
        bool tells_more = !session->noted || code != KIN_RPC_OK || session->asked.count > 0;
        if (service->audits && tells_more)
            code = write_line(session, call, code, seconds);
        forget_notes(session);
        free(session->asked.objects);
        free(session->answered.objects);
        free(session);
        kin_rpc_call_set_data(call, NULL);
    }
    kin_metrics_call(service->metrics, kin_rpc_call_method(call), code, seconds);
    return code;
}
