#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "neighbours.h"
#include "rescore.h"

enum { NEAREST = 20, STEPS = 20, GRAIN = 8 };
#define ALPHA 0.9f

/* The normalised affinities of the database, row by row: S = D^-1/2 W D^-1/2, W symmetric because it
 * is where either of two is among the other's nearest. */
struct graph {
    size_t count;
    size_t *first;    /* [count + 1] */
    uint32_t *column; /* [first[count]] */
    float *weight;
};

struct edge {
    uint32_t row, column;
    float weight;
};

struct diffusion {
    kin_eval_scores *scores;
    struct graph graph;
    atomic_bool failed;
};

static float affinity(float score)
{
    return score > 0 ? score * score * score : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static size_t list_edges(const bench_neighbour *nearest, size_t count, struct edge *edges)
{
    size_t made = 0, kept = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < NEAREST; n++) {
            const bench_neighbour *other = &nearest[i * NEAREST + n];
            if (other->score <= 0)
                continue;
            edges[made++] = (struct edge){(uint32_t)i, other->image, affinity(other->score)};
            edges[made++] = (struct edge){other->image, (uint32_t)i, affinity(other->score)};
        }
    }
    qsort(edges, made, sizeof *edges, by_place);
    for (size_t e = 0; e < made; e++)
        if (kept == 0 || by_place(&edges[kept - 1], &edges[e]) != 0)
            edges[kept++] = edges[e];
    return kept;
}

static void fill_graph(const struct edge *edges, size_t count, float *degree, struct graph *out)
{
    for (size_t e = 0; e < count; e++)
        degree[edges[e].row] += edges[e].weight;
    for (size_t e = 0; e < count; e++) {
        out->first[edges[e].row + 1]++;
        out->column[e] = edges[e].column;
        out->weight[e] = edges[e].weight / sqrtf(degree[edges[e].row] * degree[edges[e].column]);
    }
    for (size_t i = 0; i < out->count; i++)
        out->first[i + 1] += out->first[i];
}

static kin_status graph_make(const kin_eval_scores *scores, struct graph *out, kin_error *err)
{
    size_t count = scores->database, most = 2 * NEAREST * count + 1;
    bench_neighbour *nearest = malloc(most * sizeof *nearest);
    struct edge *edges = malloc(most * sizeof *edges);
    float *degree = calloc(count + 1, sizeof *degree);
    *out = (struct graph){count, calloc(count + 1, sizeof *out->first),
                          malloc(most * sizeof *out->column), malloc(most * sizeof *out->weight)};
    kin_status status = KIN_OK;
    if (nearest == NULL || edges == NULL || degree == NULL || out->first == NULL ||
        out->column == NULL || out->weight == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a graph of %zu images", count);
    if (status == KIN_OK)
        status = bench_neighbours_find(scores->database_vectors, count, scores->dim, NEAREST,
                                       scores->threads, nearest, err);
    if (status == KIN_OK)
        fill_graph(edges, list_edges(nearest, count, edges), degree, out);
    free(nearest);
    free(edges);
    free(degree);
    return status;
}

/* next = alpha S f + (1 - alpha) y */
static void step(const struct graph *graph, const float *y, const float *f, float *next)
{
    for (size_t i = 0; i < graph->count; i++) {
        float sum = 0;
        for (size_t e = graph->first[i]; e < graph->first[i + 1]; e++)
            sum += graph->weight[e] * f[graph->column[e]];
        next[i] = ALPHA * sum + (1 - ALPHA) * y[i];
    }
}

static void diffuse(const struct diffusion *diffusion, size_t q, float *room)
{
    const kin_eval_scores *scores = diffusion->scores;
    size_t count = scores->database;
    bench_neighbour nearest[NEAREST];
    float *row = scores->scores + q * count, *y = room, *f = room + count, *next = f + count;
    size_t found = bench_best(row, scores->left_out + q * count, SIZE_MAX, count, NEAREST, nearest);
    memset(y, 0, count * sizeof *y);
    for (size_t n = 0; n < found; n++)
        y[nearest[n].image] = affinity(nearest[n].score);
    memcpy(f, y, count * sizeof *f);
    for (int s = 0; s < STEPS; s++) {
        step(&diffusion->graph, y, f, next);
        float *swapped = f;
        f = next;
        next = swapped;
    }
    /* What diffusion does not reach stays in its old order, below. */
    for (size_t i = 0; i < count; i++)
        row[i] = f[i] > 0 ? 1 + f[i] : row[i] - 1;
}

static void diffuse_range(void *ctx, size_t from, size_t to)
{
    struct diffusion *diffusion = ctx;
    float *room = malloc((3 * diffusion->scores->database + 1) * sizeof *room);
    if (room == NULL)
        atomic_store(&diffusion->failed, true);
    for (size_t q = from; room != NULL && q < to; q++)
        diffuse(diffusion, q, room);
    free(room);
}

kin_status bench_rescore_diffusion(void *ctx, kin_eval_scores *scores, kin_error *err)
{
    struct diffusion diffusion = {.scores = scores};
    (void)ctx;
    kin_status status = graph_make(scores, &diffusion.graph, err);
    if (status == KIN_OK) {
        kin_parallel_for(scores->queries, GRAIN, scores->threads, diffuse_range, &diffusion);
        if (atomic_load(&diffusion.failed))
            status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a query");
    }
    free(diffusion.graph.first);
    free(diffusion.graph.column);
    free(diffusion.graph.weight);
    return status;
}
