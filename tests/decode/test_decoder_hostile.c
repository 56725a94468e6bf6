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

static const kin_decode_features features = {.length = LENGTH};

static kin_decoder *decoder_of(const char *mode, double seconds)
{
    kin_decoder *decoder = NULL;
    setenv("KIN_EVIL", mode, 1);
    const kin_decode_limits limits = {.seconds = seconds};
    assert_int_equal(kin_decoder_new(EVIL_WORKER, &features, &limits, &decoder, NULL), KIN_OK);
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
        {"tile-nowhere", KIN_E_INTERNAL, "impossible place", 0},
        {"tile-without-scale", KIN_E_INTERNAL, "impossible scale", 0},
        {"tile-of-no-scale", KIN_E_INTERNAL, "impossible scale", 0},
        {"works-too-late", KIN_E_INTERNAL, "after its header", 0},
        {"works-for-ever", KIN_E_INTERNAL, "without an end", 0},
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

static bool stop_at_third(void *ctx)
{
    int *asked = ctx;
    return ++*asked >= 3;
}

/* Whoever asked may change his mind while a worker hangs: no crash of its, and no time-out. */
static void test_stopped(void **state)
{
    static collected c;
    int asked = 0;
    kin_error err;
    (void)state;
    kin_decoder *decoder = decoder_of("hang", 3600.0);
    kin_decoder_set_stop(decoder, stop_at_third, &asked);
    assert_int_equal(run(decoder, "x.png", &c, &err), KIN_E_CANCELLED);
    assert_int_equal(asked, 3);
    assert_int_equal(c.frames, 0);
    collected_release(&c);
    kin_decoder_set_stop(decoder, NULL, NULL);
    expect_well(decoder);
    assert_int_equal(kin_decoder_starts(decoder), 1);
    kin_decoder_free(decoder);
}

/* Answers that would do for another wish. */
static void test_wishes_misunderstood(void **state)
{
    (void)state;
    static const kin_decode_region whole = {0, 0, 4, 5}, beyond = {1, 0, 4, 5};
    static const kin_decode_region large = {10, 20, 500, 400}, small = {10, 20, 30, 15};
    static const kin_decode_wish none = {0}, previews = {.preview_side = 64};
    static const kin_decode_wish second = {.one_frame = true, .frame = 1};
    static const kin_decode_wish within = {.region = &whole}, outside = {.region = &beyond};
    static const kin_decode_wish part = {.region = &large, .preview_side = 64};
    static const kin_decode_wish tiny = {.region = &small, .preview_side = 64};
    static const struct {
        const char *mode;
        const kin_decode_wish *wish;
        kin_status status;
        const char *says;
        int frames; /* that the sink got */
    } cases[] = {
        {"preview", &none, KIN_E_INTERNAL, "nobody asked for", 0},
        {"preview", NULL, KIN_E_INTERNAL, "nobody asked for", 0},
        {"preview", &previews, KIN_OK, "", 1},
        {"preview", &part, KIN_OK, "", 1},
        {"preview", &tiny, KIN_E_INTERNAL, "impossible size", 0}, /* larger than its region */
        {"clean", &previews, KIN_E_INTERNAL, "no preview", 0},
        {"preview-wide", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"preview-empty", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"preview-flat", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"preview-two-channels", &previews, KIN_E_INTERNAL, "impossible channels", 0},
        {"preview-short", &previews, KIN_E_INTERNAL, "another length than its size", 0},
        {"preview-long", &previews, KIN_E_INTERNAL, "another length than its size", 0},
        {"preview-wraps", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"preview-tower", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"preview-enlarged", &previews, KIN_E_INTERNAL, "impossible size", 0},
        {"clean", &second, KIN_E_INTERNAL, "out of order", 0},
        {"other-frame", &second, KIN_E_INTERNAL, "out of order", 0},
        {"another-frame", &second, KIN_E_INTERNAL, "more frames", 1},
        {"frame-beyond", &second, KIN_E_INTERNAL, "more frames", 0},
        {"none-of-it", &second, KIN_E_INTERNAL, "before its time", 0},
        {"no-such-frame", &second, KIN_E_NOT_FOUND, "the file has no frame 1", 0},
        {"clean", &within, KIN_OK, "", 2},
        {"clean", &outside, KIN_E_INTERNAL, "region does not fit in", 0},
    };
    static collected c;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_decoder *decoder = decoder_of(cases[i].mode, 5.0);
        kin_error err;
        c.first = cases[i].wish == &second ? 1 : 0;
        kin_decode_sink sink = collect_into(&c);
        kin_status status =
            kin_decoder_run_bytes(decoder, "bytes", 5, "x.png", cases[i].wish, &sink, &err);
        if (status != cases[i].status || strstr(err.message, cases[i].says) == NULL)
            fail_msg("%s (%zu): status %d, \"%s\"", cases[i].mode, i, status, err.message);
        assert_int_equal(c.frames, cases[i].frames);
        assert_int_equal(c.previews, status == KIN_OK && strcmp(cases[i].mode, "preview") == 0);
        collected_release(&c);
        expect_well(decoder);
        /* Nonsense costs the worker; an honest answer does not. */
        assert_int_equal(kin_decoder_starts(decoder), status == KIN_E_INTERNAL ? 2 : 1);
        kin_decoder_free(decoder);
    }
}

static void test_wishes_that_nobody_could_fulfil(void **state)
{
    (void)state;
    static const kin_decode_region no_width = {1, 1, 0, 5}, no_height = {1, 1, 5, 0};
    static const struct {
        kin_decode_wish wish;
        const char *says;
    } cases[] = {{{.region = &no_width}, "region: has no pixels"},
                 {{.region = &no_height}, "region: has no pixels"},
                 {{.preview_side = KIN_DECODE_PREVIEW_MAX + 1},
                  "preview: a side of 257 is over the limit of 256"},
                 {{.preview_side = UINT32_MAX}, "preview: a side of 4294967295 is over"}};
    static collected c;
    kin_decoder *decoder = decoder_of("crash", 5.0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kin_error err;
        kin_decode_sink sink = collect_into(&c);
        assert_int_equal(
            kin_decoder_run_bytes(decoder, "bytes", 5, "x.png", &cases[i].wish, &sink, &err),
            KIN_E_ARG);
        assert_non_null(strstr(err.message, cases[i].says));
        assert_string_equal(err.subject, "x.png");
        assert_int_equal(kin_decoder_run(decoder, "/dev/null", &cases[i].wish, &sink, &err),
                         KIN_E_ARG);
        assert_int_equal(kin_decoder_run_fd(decoder, 0, "x.png", &cases[i].wish, &sink, &err),
                         KIN_E_ARG);
    }
    assert_int_equal(kin_decoder_starts(decoder), 0); /* no worker was troubled */
    kin_decoder_free(decoder);
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
        cmocka_unit_test(test_misdeeds),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_wishes_misunderstood),
        cmocka_unit_test(test_wishes_that_nobody_could_fulfil),
        cmocka_unit_test(test_bad_starts),
        cmocka_unit_test(test_words_are_cleaned),
        cmocka_unit_test(test_between_requests),
        cmocka_unit_test(test_failing_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
