/* Health: what Check and Watch say of each service, and when a watch ends. */
#include "service/health.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grpc/health/v1/health.pb-c.h"
#include "stub_call.h"

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct fixture {
    kin_health *health;
    kin_rpc_method check, watch;
    kin_rpc_call call;
    Grpc__Health__V1__HealthCheckRequest request;
};

static struct fixture *begin(struct fixture *fixture, char *service)
{
    kin_rpc_method methods[KIN_HEALTH_METHODS];
    assert_int_equal(kin_health_new(&fixture->health, NULL), KIN_OK);
    kin_health_methods(fixture->health, methods);
    fixture->check = methods[0];
    fixture->watch = methods[1];
    stub_call_init(&fixture->call);
    fixture->request =
        (Grpc__Health__V1__HealthCheckRequest)GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    fixture->request.service = service;
    stub_call_queue(&fixture->call, &fixture->request.base);
    return fixture;
}

static void end(struct fixture *fixture)
{
    stub_call_release(&fixture->call);
    kin_health_free(fixture->health);
}

static void assert_response(struct fixture *fixture, size_t at, int status)
{
    Grpc__Health__V1__HealthCheckResponse *response = (void *)stub_call_response(
        &fixture->call, at, &grpc__health__v1__health_check_response__descriptor);
    assert_int_equal(response->status, status);
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
}

static void test_the_methods_are_the_standards(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "");
    assert_string_equal(f->check.path, "/grpc.health.v1.Health/Check");
    assert_string_equal(f->watch.path, "/grpc.health.v1.Health/Watch");
    assert_false(f->check.client_streams || f->check.server_streams || f->watch.client_streams);
    assert_true(f->watch.server_streams);
    assert_string_equal(f->check.request->name, "grpc.health.v1.HealthCheckRequest");
    end(f);
}

static void test_check_says_what_was_set(void **state)
{
    static char *const services[] = {"", "kindred.v1.KindredService"};
    (void)state;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        for (int serving = 0; serving < 2; serving++) {
            struct fixture *f = begin(&(struct fixture){0}, services[i]);
            assert_true(kin_health_is_serving(f->health)); /* from the start */
            kin_health_set(f->health, serving);
            assert_int_equal(f->check.run(&f->call, f->check.ctx), KIN_RPC_OK);
            assert_int_equal(f->call.response_count, 1);
            assert_response(f, 0, serving ? STATUS(SERVING) : STATUS(NOT_SERVING));
            end(f);
        }
}

static void test_check_of_an_unknown_service_is_not_found(void **state)
{
    static char *const services[] = {"kindred.v1", "kindred.v1.KindredService2", "x"};
    (void)state;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        struct fixture *f = begin(&(struct fixture){0}, services[i]);
        assert_int_equal(f->check.run(&f->call, f->check.ctx), KIN_RPC_NOT_FOUND);
        assert_int_equal(f->call.response_count, 0);
        assert_non_null(strstr(f->call.text, "service"));
        end(f);
    }
}

static void test_failures_of_the_call_are_its_code(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "");
    f->call.receive_status = KIN_E_TIMEOUT;
    assert_int_equal(f->check.run(&f->call, f->check.ctx), KIN_RPC_DEADLINE_EXCEEDED);
    f->call.receive_status = KIN_E_CANCELLED;
    assert_int_equal(f->watch.run(&f->call, f->watch.ctx), KIN_RPC_CANCELLED);
    f->call.receive_status = KIN_OK;
    f->call.send_status = KIN_E_CANCELLED;
    assert_int_equal(f->watch.run(&f->call, f->watch.ctx), KIN_RPC_CANCELLED);
    /* the one request has been taken */
    assert_int_equal(f->watch.run(&f->call, f->watch.ctx), KIN_RPC_INVALID_ARGUMENT);
    end(f);
}

/* --- watches, each on a thread as in the server --- */

static void *run_watch(void *arg)
{
    struct fixture *f = arg;
    return (void *)(intptr_t)f->watch.run(&f->call, f->watch.ctx);
}

static pthread_t start_watch(struct fixture *f)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_watch, f), 0);
    return thread;
}

static kin_rpc_code join_watch(pthread_t thread)
{
    void *code;
    assert_int_equal(pthread_join(thread, &code), 0);
    return (kin_rpc_code)(intptr_t)code;
}

static void test_watch_tells_each_change_once(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "kindred.v1.KindredService");
    pthread_t thread = start_watch(f);
    assert_int_equal(stub_call_wait(&f->call, 1), 1);
    kin_health_set(f->health, true); /* no change */
    kin_health_set(f->health, false);
    assert_int_equal(stub_call_wait(&f->call, 2), 2);
    kin_health_set(f->health, false);
    kin_health_set(f->health, true);
    assert_int_equal(stub_call_wait(&f->call, 3), 3);
    atomic_store(&f->call.over, true);
    assert_int_equal(join_watch(thread), KIN_RPC_CANCELLED);
    assert_int_equal(f->call.response_count, 3);
    assert_response(f, 0, STATUS(SERVING));
    assert_response(f, 1, STATUS(NOT_SERVING));
    assert_response(f, 2, STATUS(SERVING));
    end(f);
}

static void test_watch_of_an_unknown_service_says_so_and_goes_on(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "no.such.Service");
    pthread_t thread = start_watch(f);
    assert_int_equal(stub_call_wait(&f->call, 1), 1);
    kin_health_set(f->health, false); /* is nothing to this watcher */
    kin_health_set(f->health, true);
    atomic_store(&f->call.over, true);
    assert_int_equal(join_watch(thread), KIN_RPC_CANCELLED);
    assert_int_equal(f->call.response_count, 1);
    assert_response(f, 0, STATUS(SERVICE_UNKNOWN));
    end(f);
}

static void test_watch_ends_when_the_server_stops_after_saying_that_it_will(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "");
    pthread_t thread = start_watch(f);
    assert_int_equal(stub_call_wait(&f->call, 1), 1);
    kin_health_set(f->health, false);
    atomic_store(&f->call.stopping, true);
    assert_int_equal(join_watch(thread), KIN_RPC_UNAVAILABLE);
    assert_int_equal(f->call.response_count, 2);
    assert_response(f, 1, STATUS(NOT_SERVING));
    end(f);
}

/* Whoever looks after the archive may still say that it can be read. */
static void test_an_end_is_for_good(void **state)
{
    (void)state;
    struct fixture *f = begin(&(struct fixture){0}, "");
    kin_health_end(f->watch.ctx);
    assert_false(kin_health_is_serving(f->watch.ctx));
    kin_health_set(f->watch.ctx, true);
    assert_false(kin_health_is_serving(f->watch.ctx));
    end(f);
}

static void test_many_watchers_all_hear(void **state)
{
    enum { WATCHERS = 16 };
    static struct fixture fixtures[WATCHERS];
    pthread_t threads[WATCHERS];
    (void)state;
    kin_health *health = NULL;
    assert_int_equal(kin_health_new(&health, NULL), KIN_OK);
    for (size_t i = 0; i < WATCHERS; i++) {
        begin(&fixtures[i], i % 2 == 0 ? "" : "kindred.v1.KindredService");
        fixtures[i].watch.ctx = health;
        threads[i] = start_watch(&fixtures[i]);
    }
    for (size_t i = 0; i < WATCHERS; i++)
        assert_int_equal(stub_call_wait(&fixtures[i].call, 1), 1);
    kin_health_set(health, false);
    for (size_t i = 0; i < WATCHERS; i++)
        assert_int_equal(stub_call_wait(&fixtures[i].call, 2), 2);
    for (size_t i = 0; i < WATCHERS; i++)
        atomic_store(&fixtures[i].call.over, true);
    for (size_t i = 0; i < WATCHERS; i++) {
        assert_int_equal(join_watch(threads[i]), KIN_RPC_CANCELLED);
        assert_response(&fixtures[i], 1, STATUS(NOT_SERVING));
        end(&fixtures[i]);
    }
    kin_health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_methods_are_the_standards),
        cmocka_unit_test(test_check_says_what_was_set),
        cmocka_unit_test(test_check_of_an_unknown_service_is_not_found),
        cmocka_unit_test(test_failures_of_the_call_are_its_code),
        cmocka_unit_test(test_watch_tells_each_change_once),
        cmocka_unit_test(test_watch_of_an_unknown_service_says_so_and_goes_on),
        cmocka_unit_test(test_watch_ends_when_the_server_stops_after_saying_that_it_will),
        cmocka_unit_test(test_an_end_is_for_good),
        cmocka_unit_test(test_many_watchers_all_hear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
