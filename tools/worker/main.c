/* kindred-worker: decodes files for another program, in a sandbox.  Not for people to run: it talks
 * over a socket that it inherits (see engine/decode/decoder.h). */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "decode/decode.h"
#include "decode/protocol.h"

const char *argp_program_version = "kindred-worker " KIN_VERSION;

static const char doc[] =
    "Decodes images for kindred and kindredd, in a sandbox.\v"
    "These programs start it by themselves, with a socket as its standard input; it is of no use "
    "when started by hand.  BYTES and COUNT are plain decimals; 0 means the default.";

static const struct argp_option options[] = {
    {"max-file-bytes", 'f', "BYTES", 0, "Largest file", 0},
    {"max-frame-bytes", 'r', "BYTES", 0, "Largest decoded frame", 0},
    {"max-total-bytes", 't', "BYTES", 0, "Most that a file's frames may claim together", 0},
    {"max-frames", 'n', "COUNT", 0, "Most frames of one file", 0},
    {"memory-bytes", 'm', "BYTES", 0, "Address space of this process", 0},
    {"nice", 'k', "COUNT", 0, "Added to this process's niceness", 0},
    {"features", 'e', "SPEC", 0, "What describes images: families and networks", 0},
    {0}};

static size_t number(const char *text, unsigned long long most, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > most)
        argp_error(state, "not a number that can be used: %s", text);
    return (size_t)value;
}

struct worker_options {
    kin_decode_limits limits;
    const char *features;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct worker_options *given = state->input;
    kin_decode_limits *limits = &given->limits;
    switch (key) {
    case 'f':
        limits->max_file_bytes = number(text, SIZE_MAX, state);
        return 0;
    case 'r':
        limits->max_frame_bytes = number(text, SIZE_MAX, state);
        return 0;
    case 't':
        limits->max_total_bytes = number(text, SIZE_MAX, state);
        return 0;
    case 'n':
        limits->max_frames = (int)number(text, INT_MAX, state);
        return 0;
    case 'm':
        limits->memory_bytes = number(text, SIZE_MAX, state);
        return 0;
    case 'k':
        limits->nice = (int)number(text, KIN_DECODE_NICE_MAX, state);
        return 0;
    case 'e':
        given->features = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_usage(state);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    struct worker_options given = {0};
    const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    argp_parse(&argp, argc, argv, 0, NULL, &given);
    struct stat st;
    if (fstat(KIN_WORKER_SOCKET_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        fputs("kindred-worker: standard input is not a socket; see --help\n", stderr);
        return 2;
    }
    return kin_decode_worker_run(KIN_WORKER_SOCKET_FD, KIN_WORKER_LIFELINE_FD, given.features,
                                 &given.limits);
}
