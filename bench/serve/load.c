#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rpc/message.h"

enum { CALL_SECONDS = 60, CLIENTS_MAX = 256 };

/* Equal scores may come in either order; near-equal ones differ by rounding alone. */
#define SCORE_TOLERANCE 1e-6f

/* One client's life. */
struct client {
    const bench_load *load;
    int number;
    pthread_t thread;
    kin_rpc_channel *channel;
    double *calls, *searches; /* milliseconds */
    size_t count, capacity, failed, wrong;
    char first_failure[256];
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(double *sorted, size_t count, double share)
{
    return count > 0 ? sorted[(size_t)(share * (double)(count - 1) + 0.5)] : 0;
}

static bool is_right(const bench_load *load, const bench_query *query,
                     const Kindred__V1__SearchResponse *response)
{
    size_t at = 0;
    for (size_t i = 0; i < response->n_results; i++) {
        const Kindred__V1__SearchResult *result = response->results[i];
        if (result->image->id >= load->first_new_id)
            continue;
        if (at == query->right_count)
            return false;
        float difference = result->score - query->scores[at];
        bool same_place = result->image->id == query->right[at];
        if (!same_place && (difference > SCORE_TOLERANCE || difference < -SCORE_TOLERANCE))
            return false;
        at++;
    }
    return response->n_results >= query->right_count && response->complete;
}

static bool keep(struct client *client, double call_ms, double search_ms)
{
    if (client->count == client->capacity) {
        size_t capacity = client->capacity > 0 ? client->capacity * 2 : 4096;
        double *calls = reallocarray(client->calls, capacity, sizeof *calls);
        if (calls != NULL)
            client->calls = calls;
        double *searches = reallocarray(client->searches, capacity, sizeof *searches);
        if (searches != NULL)
            client->searches = searches;
        if (calls == NULL || searches == NULL)
            return false;
        client->capacity = capacity;
    }
    client->calls[client->count] = call_ms;
    client->searches[client->count++] = search_ms;
    return true;
}

/* Asks once; false when there is no memory to note it. */
static bool ask(struct client *client, const bench_query *query)
{
    ProtobufCMessage *message = NULL;
    kin_error err = {0};
    double began = kin_clock_monotonic();
    kin_status status = kin_rpc_unary(
        client->channel, "/kindred.v1.KindredService/Search", &query->request.base,
        &kindred__v1__search_response__descriptor, CALL_SECONDS, &message, NULL, &err);
    double call_ms = 1e3 * (kin_clock_monotonic() - began);
    if (status != KIN_OK) {
        if (client->failed++ == 0)
            snprintf(client->first_failure, sizeof client->first_failure, "%s", err.message);
        return true;
    }
    const Kindred__V1__SearchResponse *response = (const Kindred__V1__SearchResponse *)message;
    bool right = is_right(client->load, query, response);
    if (!right && client->wrong++ == 0)
        snprintf(client->first_failure, sizeof client->first_failure,
                 "a wrong answer of %zu results from generation %llu", response->n_results,
                 (unsigned long long)(response->plan != NULL ? response->plan->generation : 0));
    bool kept = keep(client, call_ms, response->plan != NULL ? response->plan->milliseconds : 0);
    kin_rpc_message_free(message);
    return kept;
}

static void *run_client(void *ctx)
{
    struct client *client = ctx;
    const bench_load *load = client->load;
    double end = kin_clock_monotonic() + load->seconds;
    /* Clients begin in different places and walk in steps that share no factor with most counts. */
    size_t at = (size_t)client->number * 7919 % load->query_count;
    while (kin_clock_monotonic() < end || (load->until != NULL && !atomic_load(load->until))) {
        if (!ask(client, &load->queries[at]))
            break;
        at = (at + 1) % load->query_count;
    }
    return NULL;
}

static kin_status gather(struct client *clients, int count, bench_figures *out, kin_error *err)
{
    size_t total = 0, at = 0;
    for (int i = 0; i < count; i++)
        total += clients[i].count;
    double *calls = calloc(total + 1, sizeof *calls);
    double *searches = calloc(total + 1, sizeof *searches);
    double *outside = calloc(total + 1, sizeof *outside);
    kin_status status = KIN_OK;
    if (calls == NULL || searches == NULL || outside == NULL) {
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu latencies", total);
        goto out;
    }
    for (int i = 0; i < count; i++) {
        for (size_t j = 0; j < clients[i].count; j++, at++) {
            calls[at] = clients[i].calls[j];
            searches[at] = clients[i].searches[j];
            outside[at] = calls[at] > 0 ? 1 - searches[at] / calls[at] : 0;
        }
        out->failed += clients[i].failed;
        out->wrong += clients[i].wrong;
        if (out->first_failure[0] == '\0')
            memcpy(out->first_failure, clients[i].first_failure, sizeof out->first_failure);
    }
    qsort(calls, total, sizeof *calls, by_value);
    qsort(searches, total, sizeof *searches, by_value);
    qsort(outside, total, sizeof *outside, by_value);
    out->answers = total;
    out->p50 = quantile(calls, total, 0.5);
    out->p99 = quantile(calls, total, 0.99);
    out->worst = quantile(calls, total, 1);
    out->search_p50 = quantile(searches, total, 0.5);
    out->outside_p50 = quantile(outside, total, 0.5);
out:
    free(calls);
    free(searches);
    free(outside);
    return status;
}

kin_status bench_floor_run(const char *target, double seconds, bench_figures *out, kin_error *err)
{
    static const kin_rpc_channel_options plain = {0};
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct client client = {0};
    memset(out, 0, sizeof *out);
    kin_status status = kin_rpc_channel_open(target, &plain, &client.channel, err);
    double began = kin_clock_monotonic(), now = began;
    while (status == KIN_OK && now - began < seconds) {
        ProtobufCMessage *response = NULL;
        status = kin_rpc_unary(client.channel, "/grpc.health.v1.Health/Check", &request.base,
                               &grpc__health__v1__health_check_response__descriptor, CALL_SECONDS,
                               &response, NULL, err);
        kin_rpc_message_free(response);
        double after = kin_clock_monotonic();
        if (status == KIN_OK && !keep(&client, 1e3 * (after - now), 0))
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for latencies");
        now = after;
    }
    out->seconds = now - began;
    if (status == KIN_OK)
        status = gather(&client, 1, out, err);
    kin_rpc_channel_close(client.channel);
    free(client.calls);
    free(client.searches);
    return status;
}

kin_status bench_load_run(const bench_load *load, bench_figures *out, kin_error *err)
{
    static const kin_rpc_channel_options plain = {0};
    struct client clients[CLIENTS_MAX] = {0};
    kin_status status = KIN_OK;
    int opened = 0, started = 0;
    memset(out, 0, sizeof *out);
    if (load->clients < 1 || load->clients > CLIENTS_MAX)
        return kin_fail(err, KIN_E_ARG, NULL, "1 to %d clients", CLIENTS_MAX);
    for (; status == KIN_OK && opened < load->clients; opened++) {
        clients[opened].load = load;
        clients[opened].number = opened;
        status = kin_rpc_channel_open(load->target, &plain, &clients[opened].channel, err);
    }
    double began = kin_clock_monotonic();
    for (; status == KIN_OK && started < load->clients; started++)
        if (pthread_create(&clients[started].thread, NULL, run_client, &clients[started]) != 0) {
            status = kin_fail_errno(err, NULL, "cannot start a client");
            break;
        }
    for (int i = 0; i < started; i++)
        pthread_join(clients[i].thread, NULL);
    out->seconds = kin_clock_monotonic() - began;
    if (status == KIN_OK)
        status = gather(clients, load->clients, out, err);
    for (int i = 0; i < opened; i++) {
        kin_rpc_channel_close(clients[i].channel);
        free(clients[i].calls);
        free(clients[i].searches);
    }
    return status;
}
