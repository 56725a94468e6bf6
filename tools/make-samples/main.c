/* kindred-make-samples - writes the synthetic studies of data-samples/. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/parallel.h"
#include "manifest.h"
#include "study.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, DEFAULT_SEED = 20240229 };

const char *argp_program_version = "kindred-make-samples 1";

typedef struct options {
    uint64_t seed;
    const char *folder;
    int threads;
} options;

static const struct argp_option OPTIONS[] = {
    {"seed", 's', "NUMBER", 0, "Other patients and images (default 20240229, as in data-samples)",
     0},
    {"threads", 'j', "N", 0, "Threads (default: one per processor)", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    options *o = state->input;
    char *end = NULL;
    switch (key) {
    case 's':
        errno = 0;
        o->seed = strtoull(arg, &end, 10);
        if (*arg == '\0' || *arg == '-' || *end != '\0' || errno != 0) {
            argp_error(state, "--seed wants a whole number");
        }
        return 0;
    case 'j':
        o->threads = (int)strtol(arg, &end, 10);
        if (*arg == '\0' || *end != '\0' || o->threads < 0) {
            argp_error(state, "--threads wants a number");
        }
        return 0;
    case ARGP_KEY_ARG:
        if (o->folder != NULL) {
            argp_error(state, "one folder only");
        }
        o->folder = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "name the folder to write to");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTIONS,
    .parser = parse_option,
    .args_doc = "FOLDER",
    .doc = "Writes synthetic DICOM studies (CT, MR, slides) and their manifest.csv below FOLDER. "
           "The same seed "
           "gives the same bytes.\vExample: kindred-make-samples data-samples",
};

/* One examination's turn. */
typedef struct job {
    exam exam;
    study study;
    kin_status status;
    kin_error error;
} job;

typedef struct work {
    output to;
    job *jobs;
} work;

static void run_jobs(void *ctx, size_t from, size_t to)
{
    work *w = ctx;
    for (size_t i = from; i < to; i++) {
        job *j = &w->jobs[i];
        j->status = study_write(&w->to, &j->exam, &j->study, &j->error);
    }
}

static size_t plan_jobs(job *jobs)
{
    size_t patients = 0, count = 0;
    const patient *all = cohort(&patients);
    for (size_t i = 0; i < patients; i++) {
        exam exams[MAX_EXAMS];
        int n = cohort_exams(&all[i], exams);
        for (int k = 0; k < n; k++) {
            jobs[count++].exam = exams[k];
        }
    }
    return count;
}

static kin_status make_samples(const options *o, kin_error *err)
{
    size_t patients = 0;
    cohort(&patients);
    job *jobs = calloc(patients * MAX_EXAMS, sizeof *jobs);
    if (jobs == NULL) {
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory");
    }
    size_t count = plan_jobs(jobs);
    work w = {.to = {o->seed, o->folder, PTHREAD_MUTEX_INITIALIZER}, .jobs = jobs};
    kin_parallel_for(count, 1, o->threads, run_jobs, &w);
    kin_status status = KIN_OK;
    manifest m = {0};
    for (size_t i = 0; i < count && status == KIN_OK; i++) {
        status = jobs[i].status;
        if (status != KIN_OK) {
            *err = jobs[i].error;
        } else {
            status = manifest_add(&m, &jobs[i].study, err);
        }
    }
    if (status == KIN_OK) {
        status = manifest_write(&m, o->folder, err);
    }
    if (status == KIN_OK) {
        printf("%zu patients, %zu studies, %zu files in %s\n", patients, count, m.rows, o->folder);
    }
    manifest_release(&m);
    free(jobs);
    return status;
}

int main(int argc, char **argv)
{
    options o = {.seed = DEFAULT_SEED};
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&ARGP, argc, argv, 0, NULL, &o) != 0) {
        return EXIT_USAGE;
    }
    kin_error err;
    kin_error_clear(&err);
    if (make_samples(&o, &err) != KIN_OK) {
        fprintf(stderr, "kindred-make-samples: %s%s%s\n", err.subject,
                err.subject[0] != '\0' ? ": " : "", err.message);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
