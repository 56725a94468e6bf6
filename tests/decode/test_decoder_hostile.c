/* decoder.h against a worker that a hostile file has taken over, or that dies: every misdeed costs
 * one error of the right kind, and the next file decodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect.h"
#include "decode/decoder.h"

enum { LENGTH = 8 };

static kin_decoder *decoder_of(const char *mode, double seconds)
{
    kin_decoder *decoder = NULL;
    setenv("KIN_EVIL", mode, 1);
    const kin_decode_limits limits = {.seconds = seconds};
    assert_int_equal(kin_decoder_new(EVIL_WORKER, LENGTH, &limits, &decoder, NULL), KIN_OK);
    return decoder;
}

static kin_status run(kin_decoder *decoder, const char *name, collected *c, kin_error *err)
{
    kin_decode_sink sink = collect_into(c);
    return kin_decoder_run_bytes(decoder, "bytes", 5, name, NULL, &sink, err);
}

static void expect_well(kin_decoder *decoder)
{
    static collected c;
    kin_error err;
    assert_int_equal(run(decoder, "x.ok", &c, &err), KIN_OK);
    assert_int_equal(c.headers, 1);
    assert_int_equal(c.frames, 2);
    collected_release(&c);
}

static void test_misdeeds(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        kin_status status;
        const char *says; /* a part of the message */
        int frames;       /* that the sink got before */
    } cases[] = {
        {"crash", KIN_E_CRASHED, "SIGSEGV", 0},
        {"killed", KIN_E_CRASHED, "SIGKILL", 0},
        {"forbidden", KIN_E_CRASHED, "SIGSYS", 0},
        {"exit", KIN_E_CRASHED, "exit status 7", 0},
        {"hang", KIN_E_TIMEOUT, "said nothing", 0},
        {"trickle", KIN_E_TIMEOUT, "said nothing", 0},
        {"hang-up", KIN_E_CRASHED, "SIGKILL", 0},
        {"garbage", KIN_E_INTERNAL, "nonsense", 0},
        {"huge-length", KIN_E_INTERNAL, "nonsense", 0},
        {"empty-message", KIN_E_INTERNAL, "nonsense", 0},
        {"endless-frames", KIN_E_INTERNAL, "more frames than it announced", 2},
        {"too-many-frames", KIN_E_INTERNAL, "impossible number of frames", 0},
        {"no-frames", KIN_E_INTERNAL, "impossible number of frames", 0},
        {"two-headers", KIN_E_INTERNAL, "second header", 0},
        {"unknown-format", KIN_E_INTERNAL, "unknown format", 0},
        {"no-header", KIN_E_INTERNAL, "without a header", 0},
        {"frame-order", KIN_E_INTERNAL, "out of order", 0},
        {"short-descriptor", KIN_E_INTERNAL, "another length", 0},
        {"long-descriptor", KIN_E_INTERNAL, "another length", 0},
        {"not-finite", KIN_E_INTERNAL, "not finite", 0},
        {"no-width", KIN_E_INTERNAL, "impossible size", 0},
        {"early-end", KIN_E_INTERNAL, "before its time", 1},
        {"claims-then-dies", KIN_E_CRASHED, "SIGABRT", 1},
        {"odd-status", KIN_E_INTERNAL, "unknown status", 0},
        {"parents-status", KIN_E_INTERNAL, "unknown status", 0},
        {"hello-again", KIN_E_INTERNAL, "no known kind", 0},
        {"other-serial", KIN_E_INTERNAL, "another request", 0},
    };
    static collected c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_decoder *decoder = decoder_of(cases[i].mode, 0.3);
        for (unsigned round = 0; round < 2; round++) {
            kin_error err;
            kin_status status = run(decoder, "x.png", &c, &err);
            if (status != cases[i].status || strstr(err.message, cases[i].says) == NULL)
                fail_msg("%s: status %d, \"%s\"", cases[i].mode, status, err.message);
            assert_int_equal(err.code, status);
            assert_string_equal(err.subject, "x.png");
            assert_int_equal(c.frames, cases[i].frames);
            collected_release(&c);
            assert_int_equal(kin_decoder_starts(decoder), round + 1);
        }
        expect_well(decoder);
        expect_well(decoder); /* by the same process */
        assert_int_equal(kin_decoder_starts(decoder), 3);
        kin_decoder_free(decoder);
    }
}

static void test_bad_starts(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        kin_status status;
        const char *says;
    } cases[] = {{"silent-start", KIN_E_CRASHED, "exit status 9"},
                 {"other-length", KIN_E_INTERNAL, "another version"},
                 {"other-protocol", KIN_E_INTERNAL, "another version"},
                 {"not-ready", KIN_E_INTERNAL, "no greeting"}, /* no status of a worker */
                 {"unable", KIN_E_INTERNAL, "cannot get ready: no [31mdictionary"}};
    static collected c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_decoder *decoder = decoder_of(cases[i].mode, 5.0);
        kin_error err;
        kin_status status = run(decoder, "x.png", &c, &err);
        if (status != cases[i].status || strstr(err.message, cases[i].says) == NULL)
            fail_msg("%s: status %d, \"%s\"", cases[i].mode, status, err.message);
        setenv("KIN_EVIL", "clean", 1);
        expect_well(decoder);
        kin_decoder_free(decoder);
    }
}

/* What a worker says is cleaned again on this side. */
static void test_words_are_cleaned(void **state)
{
    (void)state;
    static collected c;
    kin_error err;
    kin_decoder *decoder = decoder_of("bad-message", 5.0);
    assert_int_equal(run(decoder, "x.png", &c, &err), KIN_E_FORMAT);
    assert_string_equal(err.message, "[2Jbroken file\xEF\xBF\xBD");
    assert_int_equal(run(decoder, "x.ok", &c, &err), KIN_OK);
    assert_string_equal(collected_value(&c, "station_name"), "a]0;ownedb\xEF\xBF\xBD");
    assert_string_equal(collected_value(&c, "sop_instance_uid"), "1.2.3");
    assert_string_equal(collected_value(&c, "study_instance_uid"), "");
    assert_string_equal(collected_value(&c, "patient_id"), "P 1");
    assert_string_equal(collected_value(&c, "study_date"), "");
    collected_release(&c);
    assert_int_equal(kin_decoder_starts(decoder), 1); /* an error of the file is no crash */
    kin_decoder_free(decoder);
}

static void test_between_requests(void **state)
{
    (void)state;
    static collected c;
    kin_error err;
    /* Answers that nobody asked for are not taken for the next file's. */
    kin_decoder *decoder = decoder_of("speaks-on", 5.0);
    assert_int_equal(run(decoder, "x.png", &c, &err), KIN_OK);
    collected_release(&c);
    usleep(100000); /* so that the surplus has come */
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 2);
    kin_decoder_free(decoder);

    decoder = decoder_of("die-idle", 5.0);
    assert_int_equal(run(decoder, "x.png", &c, &err), KIN_OK);
    collected_release(&c);
    usleep(300000); /* so that it is dead */
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 2);
    kin_decoder_free(decoder);

    /* Retirement is in order. */
    decoder = decoder_of("retire", 5.0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(decoder, "x.png", &c, &err), KIN_OK);
        assert_int_equal(c.frames, 1);
        collected_release(&c);
    }
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

static void test_failing_sink(void **state)
{
    (void)state;
    static collected c;
    kin_error err;
    kin_decoder *decoder = decoder_of("endless-frames", 5.0);
    c.fail_at = 2;
    assert_int_equal(run(decoder, "x.png", &c, &err), KIN_E_CANCELLED);
    assert_string_equal(err.message, "enough");
    assert_int_equal(c.frames, 1);
    collected_release(&c);
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misdeeds),          cmocka_unit_test(test_bad_starts),
        cmocka_unit_test(test_words_are_cleaned), cmocka_unit_test(test_between_requests),
        cmocka_unit_test(test_failing_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
