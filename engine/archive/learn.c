#include "archive/learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/learn_table.h"
#include "archive/learn_work.h"
#include "base/clock.h"

static const char *const methods[] = {"lda", "mlp", KIN_LEARN_NONE};

bool kin_learn_is_method(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(name, methods[i]) == 0)
            return true;
    return false;
}

struct teaching {
    const kin_archive_learn_options *options;
    kin_archive_learn_report *report;
};

static const char *label_of(const kin_archive_learn_options *options)
{
    return options->label != NULL ? options->label : KIN_LEARN_DEFAULT_LABEL;
}

static int learn_progress(void *ctx, const char *stage, double done)
{
    return kin_reindex_step(ctx,
                            strcmp(stage, "validating") == 0 ? "validating" : "learning the metric",
                            done, NULL) != KIN_OK;
}

/* A table as rows to learn from. */
static kin_learn_rows rows_of(kin_reindex *re, const kin_learn_table *table)
{
    return (kin_learn_rows){.rows = kin_reindex_rows(re),
                            .label = table->label,
                            .group = table->group,
                            .classes = table->classes};
}

static uint64_t count_labelled(const kin_learn_table *table)
{
    uint64_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        count += table->label[i] >= 0;
    return count;
}

/* What the catalog is to remember; its text ends no line. */
static void note_texts(kin_reindex *re, const kin_embedder *embedder, const char *label,
                       const char *where)
{
    kin_learn_note *note = &re->note;
    snprintf(note->model, sizeof note->model, "%s", kin_embedder_id_borrow(embedder));
    snprintf(note->label, sizeof note->label, "%s", label);
    snprintf(note->where, sizeof note->where, "%s", where != NULL ? where : "");
    for (char *at = note->where; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
}

/* Labels' names and conditions are kept as lines of bounded length (learn_note.c). */
static kin_status check_texts(const char *label, const char *where, kin_error *err)
{
    if (label[0] == '\0' || strlen(label) >= KIN_LEARN_LABEL_SIZE || strpbrk(label, "\n\r") != NULL)
        return kin_fail(err, KIN_E_ARG, NULL, "no label has such a name");
    if (where != NULL && strlen(where) >= KIN_LEARN_WHERE_SIZE)
        return kin_fail(err, KIN_E_LIMIT, NULL, "a condition to learn by has at most %d bytes",
                        KIN_LEARN_WHERE_SIZE - 1);
    return KIN_OK;
}

/* --- again --- */

kin_status kin_learn_again(kin_reindex *re, kin_error *err)
{
    const char *method = kin_embedder_kind_borrow(re->state->embedder);
    kin_embedder *embedder = NULL;
    kin_learn_table table = {0};
    kin_learn_note note;
    kin_txn *txn = NULL;
    kin_status status = kin_reindex_step(re, "learning the metric", 0, err);
    if (status == KIN_OK)
        status = kin_catalog_read(re->archive->catalog, &txn, err);
    if (status == KIN_OK)
        status = kin_learn_note_read(txn, &note, err);
    kin_txn_end(txn);
    if (status == KIN_OK)
        status = kin_learn_table_read(re->archive, re->ids, re->count,
                                      note.label[0] != '\0' ? note.label : KIN_LEARN_DEFAULT_LABEL,
                                      note.where, false, re->options->threads, &table, err);
    if (status == KIN_OK) {
        kin_learn_rows rows = rows_of(re, &table);
        kin_embed_options options = {.dim = re->archive->dim, .threads = re->options->threads};
        status = kin_embedder_learn_method(kin_embedder_signature_borrow(re->state->embedder),
                                           &rows, method, &options, &embedder, err);
    }
    if (status == KIN_OK) {
        note_texts(re, embedder, note.label, note.where);
        re->note.images = kin_embedder_trained_on(embedder);
        re->note.classes = table.classes;
        re->note.map = re->note.base_map = -1;
        kin_reindex_take_model(re, embedder);
    } else if (status == KIN_E_ARG) { /* too few labels are left */
        re->report->metric_due = true;
        status = KIN_OK;
        if (err != NULL)
            *err = (kin_error){0};
    }
    kin_learn_table_release(&table);
    return status;
}

/* --- learn --- */

/* The classes of a table, for the report, which takes their names. */
static kin_status report_classes(kin_learn_table *table, kin_archive_learn_report *report,
                                 kin_error *err)
{
    report->images = table->images;
    report->by_patient = table->by_patient;
    report->classes = calloc(table->classes + 1, sizeof *report->classes);
    if (report->classes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu classes", table->classes);
    uint64_t *images = calloc(table->classes + 1, sizeof *images);
    if (images == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu classes", table->classes);
    for (size_t i = 0; i < table->count; i++)
        if (table->label[i] >= 0)
            images[table->label[i]]++;
    for (size_t c = 0; c < table->classes; c++)
        if (images[c] > 0) {
            report->classes[report->class_count++] =
                (kin_archive_learn_class){table->names[c], images[c]};
            table->names[c] = NULL;
        }
    free(images);
    return KIN_OK;
}

/* Takes the embedder that was learnt over, unless there is none or nothing is to be changed. */
static void take(struct teaching *teaching, kin_reindex *re, kin_embedder *embedder)
{
    const kin_archive_learn_options *options = teaching->options;
    const kin_learn_report *learn = &teaching->report->learn;
    teaching->report->changed = embedder != NULL;
    re->stop = embedder == NULL || options->dry_run;
    if (re->stop) {
        kin_embedder_free(embedder);
        return;
    }
    note_texts(re, embedder, label_of(options), options->where);
    re->note.images = learn->labelled;
    re->note.classes = learn->classes;
    re->note.groups = learn->groups;
    re->note.map = learn->candidates[learn->taken].map;
    re->note.base_map = learn->base.map;
    kin_reindex_take_model(re, embedder);
}

static kin_status teach_metric(struct teaching *teaching, kin_reindex *re, kin_error *err)
{
    const kin_archive_learn_options *options = teaching->options;
    kin_learn_options learn = {.embed = {.dim = re->archive->dim, .threads = re->options->threads},
                               .folds = options->folds,
                               .seed = options->seed,
                               .method = options->method,
                               .force = options->force,
                               .progress = learn_progress,
                               .progress_ctx = re};
    kin_embedder *embedder = NULL;
    kin_learn_table table = {0};
    kin_status status = kin_reindex_step(re, "reading labels", 0, err);
    if (status == KIN_OK)
        status = kin_learn_table_read(re->archive, re->ids, re->count, label_of(options),
                                      options->where, true, re->options->threads, &table, err);
    if (status == KIN_OK)
        status = report_classes(&table, teaching->report, err);
    if (status == KIN_OK && count_labelled(&table) == 0)
        status = kin_fail(err, KIN_E_ARG, label_of(options), "no image has a value of it%s",
                          options->where != NULL ? " and meets the condition" : "");
    if (status == KIN_OK) {
        kin_learn_rows rows = rows_of(re, &table);
        status = kin_embedder_learn(kin_embedder_signature_borrow(re->state->embedder), &rows,
                                    &learn, &embedder, &teaching->report->learn, err);
    }
    if (status == KIN_OK)
        take(teaching, re, embedder);
    kin_learn_table_release(&table);
    return status;
}

static kin_status teach(void *ctx, kin_reindex *re, kin_error *err)
{
    struct teaching *teaching = ctx;
    const char *method = teaching->options->method;
    if (method == NULL || strcmp(method, KIN_LEARN_NONE) != 0)
        return teach_metric(teaching, re, err);
    teaching->report->images = re->count;
    teaching->report->changed = true;
    re->stop = teaching->options->dry_run;
    return re->stop ? KIN_OK : kin_reindex_learn_unsupervised(re, err);
}

kin_status kin_archive_learn(kin_archive *archive, const kin_archive_learn_options *options,
                             kin_archive_learn_report *report, kin_error *err)
{
    struct teaching teaching = {options, report};
    double began = kin_clock_monotonic();
    *report = (kin_archive_learn_report){.learn = {.taken = -1}};
    kin_status status = check_texts(label_of(options), options->where, err);
    if (status == KIN_OK && options->method != NULL && !kin_learn_is_method(options->method))
        status =
            kin_fail(err, KIN_E_ARG, NULL, "no method of learning is named '%s'", options->method);
    if (status == KIN_OK)
        status =
            kin_reindex_taught(archive, &options->reindex, teach, &teaching, &report->reindex, err);
    report->seconds = kin_clock_monotonic() - began;
    return status;
}

void kin_archive_learn_release(kin_archive_learn_report *report)
{
    for (size_t c = 0; c < report->class_count; c++)
        free(report->classes[c].name);
    free(report->classes);
    report->classes = NULL;
    report->class_count = 0;
}
