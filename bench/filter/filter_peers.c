#include "filter_peers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HNSWLIB, FAISS_HNSW, FAISS_IVF };
enum { WIDTH_MOST = 4096, FACTORY_SIZE = 32 };
#define RECALL_WITHOUT_CONDITION 0.99

const char *bench_filter_peer_name(size_t which)
{
    static const char *const names[BENCH_FILTER_PEERS] = {
        "hnswlib, filtered afterwards", "FAISS HNSW, selector", "FAISS IVF, selector"};
    return names[which];
}

/* --- answering --- */

struct answering {
    const bench_filter_peers *peers;
    size_t which;
    uint64_t *many; /* room for peers->ask_most */
};

/* What there would be k members among, were they spread evenly. */
static size_t ask_for(const bench_filter_peers *peers, const bench_cell *cell, size_t query)
{
    uint64_t members = bench_cell_members(cell, query);
    double wanted = members > 0 ? ceil((double)cell->k * (double)cell->set->count / (double)members)
                                : (double)peers->ask_most;
    size_t most = peers->ask_most < cell->set->count ? peers->ask_most : cell->set->count;
    return wanted < (double)most ? (size_t)wanted : most;
}

static kin_status filter_afterwards(const struct answering *answering, const bench_cell *cell,
                                    size_t query, uint64_t *ids, size_t *found, kin_error *err)
{
    const bench_filter_peers *peers = answering->peers;
    size_t wanted = ask_for(peers, cell, query), width = peers->width[HNSWLIB], came = 0;
    peer_set(peers->of[HNSWLIB], width > wanted ? width : wanted, 0);
    kin_status status = peer_search(peers->of[HNSWLIB], cell->set->queries + query * cell->set->dim,
                                    wanted, NULL, answering->many, &came, err);
    *found = 0;
    for (size_t i = 0; status == KIN_OK && i < came && *found < cell->k; i++)
        if (bench_cell_may((void *)cell, query, (size_t)answering->many[i]))
            ids[(*found)++] = answering->many[i];
    return status;
}

static kin_status answer(void *ctx, const bench_cell *cell, size_t query, uint64_t *ids,
                         size_t *found, kin_error *err)
{
    const struct answering *answering = ctx;
    const bench_cohort *cohort = cell->cohorts[query];
    if (cohort != NULL && answering->which == HNSWLIB)
        return filter_afterwards(answering, cell, query, ids, found, err);
    return peer_search(answering->peers->of[answering->which],
                       cell->set->queries + query * cell->set->dim, cell->k,
                       cohort != NULL ? cohort->bits : NULL, ids, found, err);
}

static kin_status ask(const bench_filter_peers *peers, size_t which, const bench_cell *cell,
                      bool all, double seconds, bench_answers *out, kin_error *err)
{
    size_t room = peers->ask_most > cell->k ? peers->ask_most : cell->k;
    struct answering answering = {peers, which, calloc(room, sizeof *answering.many)};
    kin_status status = answering.many != NULL
                            ? bench_cell_ask(cell, answer, &answering, all, seconds, out, err)
                            : kin_fail(err, KIN_E_NOMEM, NULL, "no memory to filter afterwards");
    free(answering.many);
    return status;
}

kin_status bench_filter_peer_ask(const bench_filter_peers *peers, size_t which,
                                 const bench_cell *cell, double seconds, bench_answers *out,
                                 kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (peers->of[which] == NULL)
        return KIN_OK;
    peer_set(peers->of[which], peers->width[which], 0);
    return ask(peers, which, cell, false, seconds, out, err);
}

/* --- making --- */

/* The narrowest of widths 10, 12, 14, … (each about a fifth wider) that reaches the recall. */
static kin_status set_width(bench_filter_peers *peers, size_t which, const bench_cell *plain,
                            kin_error *err)
{
    bench_answers answers;
    size_t most = plain->set->count < WIDTH_MOST ? plain->set->count : WIDTH_MOST;
    for (size_t width = which == FAISS_IVF ? 1 : plain->k;; width += width / 5 + 1) {
        width = width < most ? width : most;
        peers->width[which] = width;
        peer_set(peers->of[which], width, 0);
        kin_status status = ask(peers, which, plain, true, 0, &answers, err);
        if (status != KIN_OK)
            return status;
        peers->recall[which] = answers.recall;
        if (answers.recall >= RECALL_WITHOUT_CONDITION || width == most)
            return KIN_OK;
    }
}

static kin_status build(const bench_set *set, size_t which, size_t m, size_t ef_construction,
                        int threads, peer **out, kin_error *err)
{
    char factory[FACTORY_SIZE];
    /* Lists: 4 sqrt(n), as FAISS's guide says; never so many that there is nothing to train on. */
    size_t lists = (size_t)(4 * sqrt((double)set->count));
    if (which == HNSWLIB)
        return peer_hnswlib_new(set, m, ef_construction, threads, out, err);
    if (which == FAISS_HNSW)
        snprintf(factory, sizeof factory, "HNSW%zu", m);
    else
        snprintf(factory, sizeof factory, "IVF%zu,Flat",
                 lists < set->count / 40 ? lists
                 : set->count > 40       ? set->count / 40
                                         : 1);
    return peer_faiss_new(set, factory, ef_construction, threads, out, err);
}

kin_status bench_filter_peers_make(const bench_cell *plain, size_t m, size_t ef_construction,
                                   size_t ask_most, int threads, bench_filter_peers *out,
                                   kin_error *err)
{
    kin_status status = KIN_OK;
    memset(out, 0, sizeof *out);
    out->ask_most = ask_most;
    for (size_t which = 0; status == KIN_OK && which < BENCH_FILTER_PEERS; which++) {
        if (which == HNSWLIB && !peer_has_hnswlib())
            continue;
        status = build(plain->set, which, m, ef_construction, threads, &out->of[which], err);
        if (status == KIN_OK)
            status = set_width(out, which, plain, err);
    }
    return status;
}

void bench_filter_peers_release(bench_filter_peers *peers)
{
    for (size_t which = 0; which < BENCH_FILTER_PEERS; which++)
        peer_free(peers->of[which]);
    memset(peers, 0, sizeof *peers);
}

json_t *bench_filter_peers_describe(const bench_filter_peers *peers)
{
    json_t *rows = json_array();
    for (size_t which = 0; which < BENCH_FILTER_PEERS; which++)
        if (peers->of[which] != NULL)
            json_array_append_new(
                rows,
                json_pack("{s:s, s:I, s:f, s:I}", "peer", bench_filter_peer_name(which), "width",
                          (json_int_t)peers->width[which], "recall_without_condition",
                          peers->recall[which], "bytes", (json_int_t)peer_bytes(peers->of[which])));
    return rows;
}
