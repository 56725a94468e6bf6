#include "bench_ann_report.h"

#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "report.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const double recalls[] = {0.90, 0.95, 0.99, 0.999};
#define HEADLINE_RECALL 0.99
#define BASELINE        "hnswlib"

/* The fastest setting of recall or better, among those of a family (NULL: any) that rank by a store
 * (NULL: any, or none of ours); NULL: there is none. */
static const ann_point *find_best(const ann_field *field, const char *family,
                                  const bench_store *store, double recall,
                                  const ann_contender **whose)
{
    const ann_point *best = NULL;
    for (size_t c = 0; c < field->count; c++) {
        const ann_contender *contender = &field->contenders[c];
        if ((family != NULL && strcmp(contender->family, family) != 0) ||
            (store != NULL && contender->store != store))
            continue;
        for (size_t p = 0; p < contender->point_count; p++) {
            const ann_point *point = &contender->points[p];
            if (point->measured && point->recall >= recall &&
                (best == NULL || point->median_rate > best->median_rate)) {
                best = point;
                *whose = contender;
            }
        }
    }
    return best;
}

/* --- JSON --- */

static json_t *describe_point(const ann_contender *contender, const ann_point *point)
{
    json_t *rates = json_array();
    for (size_t r = 0; r < point->rounds; r++)
        json_array_append_new(rates, json_real(point->rate[r]));
    json_t *row =
        json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "index", contender->name,
                  "width", (json_int_t)point->width, "candidates", (json_int_t)point->candidates,
                  "recall", point->recall, "queries_per_second", point->median_rate, "p50_us",
                  point->median_p50, "p99_us", point->median_p99, "queries_per_cpu_second",
                  point->median_cpu_rate, "rounds", rates);
    if (point->target > 0)
        json_object_set_new(row, "target", json_real(point->target));
    return row;
}

static json_t *describe_points(const ann_field *field)
{
    json_t *rows = json_array();
    for (size_t c = 0; c < field->count; c++)
        for (size_t p = 0; p < field->contenders[c].point_count; p++)
            if (field->contenders[c].points[p].measured)
                json_array_append_new(
                    rows, describe_point(&field->contenders[c], &field->contenders[c].points[p]));
    return rows;
}

static uint64_t total_bytes(const ann_contender *contender)
{
    return contender->index_bytes + contender->row_bytes;
}

static json_t *describe_contenders(const ann_field *field, size_t vectors)
{
    json_t *rows = json_array();
    for (size_t c = 0; c < field->count; c++) {
        const ann_contender *contender = &field->contenders[c];
        uint64_t total = total_bytes(contender);
        json_t *row =
            json_pack("{s:s, s:s, s:b, s:f, s:I, s:I, s:I, s:f}", "index", contender->name,
                      "family", contender->family, "ours", contender->ours, "build_seconds",
                      contender->build_seconds, "index_bytes", (json_int_t)contender->index_bytes,
                      "row_bytes", (json_int_t)contender->row_bytes, "bytes", (json_int_t)total,
                      "bytes_per_vector", (double)total / (double)vectors);
        if (contender->tune_seconds > 0)
            json_object_set_new(row, "tune_seconds", json_real(contender->tune_seconds));
        if (contender->grown_bytes > 0)
            json_object_set_new(row, "grown_bytes",
                                json_integer((json_int_t)contender->grown_bytes));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* Each family's best at each recall. */
static json_t *describe_best(const ann_field *field)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < COUNT_OF(recalls); r++)
        for (size_t c = 0; c < field->count; c++) {
            const char *family = field->contenders[c].family;
            const ann_contender *whose = NULL;
            size_t first = 0;
            while (strcmp(field->contenders[first].family, family) != 0)
                first++;
            if (first != c)
                continue; /* the family had its turn */
            const ann_point *best = find_best(field, family, NULL, recalls[r], &whose);
            if (best == NULL)
                continue;
            json_t *row = describe_point(whose, best);
            json_object_set_new(row, "at_least", json_real(recalls[r]));
            json_array_append_new(rows, row);
        }
    return rows;
}

static json_t *compare(double recall, const ann_contender *us, const ann_point *ours,
                       const ann_contender *them, const ann_point *theirs)
{
    return json_pack("{s:f, s:o, s:o, s:f, s:f, s:f, s:f}", "at_least", recall, "ours",
                     describe_point(us, ours), "theirs", describe_point(them, theirs),
                     "speed_ratio", ours->median_rate / theirs->median_rate, "cpu_speed_ratio",
                     ours->median_cpu_rate / theirs->median_cpu_rate, "memory_ratio",
                     (double)total_bytes(us) / (double)total_bytes(them), "index_memory_ratio",
                     (double)us->index_bytes / (double)total_bytes(them));
}

/* Ours over hnswlib's best, at each recall, for each codec of the rows that ours rank by. */
static json_t *describe_comparison(const ann_field *field)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < COUNT_OF(recalls); r++)
        for (size_t codec = 0; codec < COUNT_OF(field->stores); codec++) {
            const ann_contender *us = NULL, *them = NULL;
            const ann_point *ours = find_best(field, NULL, &field->stores[codec], recalls[r], &us);
            const ann_point *theirs = find_best(field, BASELINE, NULL, recalls[r], &them);
            if (ours != NULL && theirs != NULL)
                json_array_append_new(rows, compare(recalls[r], us, ours, them, theirs));
        }
    return rows;
}

json_t *ann_report_json(const ann_course *course, const ann_field *field)
{
    const bench_set *set = course->set;
    return json_pack("{s:o, s:{s:s, s:b, s:I, s:I, s:I}, s:I, s:i, s:I, s:o, s:o, s:o, s:o}",
                     "machine", bench_machine(), "set", "title", set->title, "synthetic",
                     set->synthetic, "vectors", (json_int_t)set->count, "dimensions",
                     (json_int_t)set->dim, "queries", (json_int_t)set->query_count, "k",
                     (json_int_t)course->k, "threads", course->threads, "rounds",
                     (json_int_t)course->rounds, "indexes", describe_contenders(field, set->count),
                     "best", describe_best(field), "points", describe_points(field), "comparison",
                     describe_comparison(field));
}

/* --- tables --- */

static const bench_column index_columns[] = {
    {"index", "index", BENCH_TEXT, 0},
    {"build_seconds", "build s", BENCH_NUMBER, 1},
    {"tune_seconds", "tune s", BENCH_NUMBER, 1},
    {"index_bytes", "index", BENCH_BYTES, 0},
    {"row_bytes", "rows apart", BENCH_BYTES, 0},
    {"bytes", "together", BENCH_BYTES, 0},
    {"bytes_per_vector", "B/vector", BENCH_NUMBER, 0},
    {"grown_bytes", "process grew", BENCH_BYTES, 0},
};

static const bench_column point_columns[] = {
    {"at_least", "recall >=", BENCH_NUMBER, 3},
    {"index", "index", BENCH_TEXT, 0},
    {"width", "width", BENCH_NUMBER, 0},
    {"candidates", "ranked", BENCH_NUMBER, 0},
    {"target", "asked", BENCH_NUMBER, 3},
    {"recall", "recall", BENCH_NUMBER, 4},
    {"queries_per_second", "queries/s", BENCH_GROUPED, 0},
    {"queries_per_cpu_second", "/cpu s", BENCH_GROUPED, 0},
    {"p50_us", "p50 us", BENCH_NUMBER, 0},
    {"p99_us", "p99 us", BENCH_NUMBER, 0},
};

static void print_comparison(FILE *out, const json_t *report)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(report, "comparison"), index, row)
    {
        const json_t *ours = json_object_get(row, "ours"), *theirs = json_object_get(row, "theirs");
        double at = json_number_value(json_object_get(row, "at_least"));
        fprintf(out,
                "%srecall >= %g: %s %.0f queries/s, %s %.0f: %.2f times as fast (by processor "
                "time %.2f), in %.2f of its memory (%.2f without the rows)\n",
                at == HEADLINE_RECALL ? "** " : "   ", at,
                json_string_value(json_object_get(ours, "index")),
                json_number_value(json_object_get(ours, "queries_per_second")),
                json_string_value(json_object_get(theirs, "index")),
                json_number_value(json_object_get(theirs, "queries_per_second")),
                json_number_value(json_object_get(row, "speed_ratio")),
                json_number_value(json_object_get(row, "cpu_speed_ratio")),
                json_number_value(json_object_get(row, "memory_ratio")),
                json_number_value(json_object_get(row, "index_memory_ratio")));
    }
}

void ann_report_print(FILE *out, const json_t *report, bool all)
{
    const json_t *set = json_object_get(report, "set");
    bench_machine_print(out, json_object_get(report, "machine"));
    fprintf(out, "%s; %lld queries of k = %lld, %lld threads, median of %lld rounds in turn\n\n",
            json_string_value(json_object_get(set, "title")),
            json_integer_value(json_object_get(set, "queries")),
            json_integer_value(json_object_get(report, "k")),
            json_integer_value(json_object_get(report, "threads")),
            json_integer_value(json_object_get(report, "rounds")));
    bench_table_print(out, "Indexes", json_object_get(report, "indexes"), index_columns,
                      COUNT_OF(index_columns));
    fputc('\n', out);
    bench_table_print(out, "The fastest setting of each at a recall",
                      json_object_get(report, "best"), point_columns, COUNT_OF(point_columns));
    if (all) {
        fputc('\n', out);
        bench_table_print(out, "All settings", json_object_get(report, "points"), point_columns + 1,
                          COUNT_OF(point_columns) - 1);
    }
    fputc('\n', out);
    print_comparison(out, report);
}

/* --- plot --- */

enum { CURVE_MAX = 512 };
#define RECALL_SHOWN 0.8

struct curve_points {
    double recall[CURVE_MAX], rate[CURVE_MAX];
    size_t count;
};

static int by_recall(const void *a, const void *b)
{
    const ann_point *const *x = a, *const *y = b;
    return (*x)->recall < (*y)->recall ? -1 : (*x)->recall > (*y)->recall;
}

/* The family's points that no other of it beats in both. */
static void find_frontier(const ann_field *field, const char *family, struct curve_points *out)
{
    const ann_point *all[CURVE_MAX];
    size_t count = 0;
    double fastest = 0;
    out->count = 0;
    for (size_t c = 0; c < field->count; c++)
        for (size_t p = 0; p < field->contenders[c].point_count; p++)
            if (strcmp(field->contenders[c].family, family) == 0 &&
                field->contenders[c].points[p].measured && count < CURVE_MAX)
                all[count++] = &field->contenders[c].points[p];
    qsort(all, count, sizeof *all, by_recall);
    bool kept[CURVE_MAX] = {false};
    for (size_t i = count; i-- > 0;)
        if (all[i]->median_rate > fastest) {
            fastest = all[i]->median_rate;
            kept[i] = true;
        }
    for (size_t i = 0; i < count; i++)
        if (kept[i]) {
            out->recall[out->count] = all[i]->recall;
            out->rate[out->count++] = all[i]->median_rate;
        }
}

static size_t find_curves(const ann_field *field, struct curve_points *points, bench_curve *curves)
{
    size_t count = 0;
    for (size_t c = 0; c < field->count && count < BENCH_CURVES_MAX; c++) {
        const ann_contender *contender = &field->contenders[c];
        size_t first = 0;
        while (strcmp(field->contenders[first].family, contender->family) != 0)
            first++;
        if (first != c)
            continue;
        find_frontier(field, contender->family, &points[count]);
        curves[count] = (bench_curve){
            .name = contender->family,
            .x = points[count].recall,
            .y = points[count].rate,
            .count = points[count].count,
            .apart = points[count].count == 1,
            .thin = !contender->ours,
        };
        count++;
    }
    return count;
}

kin_status ann_report_plot(const ann_course *course, const ann_field *field, const char *path,
                           kin_error *err)
{
    char subtitle[256], title[64];
    bench_curve curves[BENCH_CURVES_MAX];
    struct curve_points *points = calloc(BENCH_CURVES_MAX, sizeof *points);
    if (points == NULL)
        return kin_fail(err, KIN_E_NOMEM, path, "no memory for a plot");
    snprintf(title, sizeof title, "Recall@%zu against queries per second", course->k);
    snprintf(subtitle, sizeof subtitle, "%s; %zu queries, %d thread%s; the best settings of each",
             course->set->title, course->set->query_count, course->threads,
             course->threads == 1 ? "" : "s");
    const bench_plot plot = {
        .title = title,
        .subtitle = subtitle,
        .x_title = "recall (share of the right answers)",
        .y_title = "queries per second",
        .x_axis = BENCH_RECALL,
        .y_axis = BENCH_LOG,
        .x_from = RECALL_SHOWN,
        .x_to = 1,
        .curves = curves,
        .count = find_curves(field, points, curves),
    };
    kin_status status = bench_plot_write(&plot, path, err);
    free(points);
    return status;
}
