#include "bench_ann_contender.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command_line.h"
#include "report.h"

enum { EF_CONSTRUCTION = 200 };

/* Beams of a graph: fine enough that no recall is much overshot. */
static const size_t beams[] = {10,  12,  14,  16,  18,  20,  24,  28,  32,  36,  40,
                               48,  56,  64,  72,  80,  96,  112, 128, 144, 160, 192,
                               224, 256, 320, 384, 448, 512, 640, 768, 1024};
static const size_t probes[] = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256};
/* Candidates for the exact ranking, for one answer each. */
static const size_t refinements[] = {4, 10, 20, 40, 80};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* --- asking --- */

void ann_prepare(ann_contender *contender, const ann_point *point)
{
    if (contender->other != NULL)
        peer_set(contender->other, point->width, point->candidates);
}

static kin_status ask_ours(const ann_contender *contender, const ann_point *point,
                           const float *query, size_t k, uint64_t *ids, size_t *found,
                           kin_error *err)
{
    const kin_corpus corpus = bench_corpus(contender->store, contender->generation, 1);
    const kin_index_setting setting = {(uint32_t)point->width, (uint32_t)point->candidates};
    const kin_ask ask = {
        .vector = query,
        .k = k,
        .recall = point->target,
        .member_count = contender->store->count,
        .way = point->target > 0 ? NULL : contender->way,
        .setting = point->target > 0 || point->candidates == 0 ? NULL : &setting,
    };
    kin_hit hits[ANN_K_MAX];
    kin_search_plan plan;
    kin_status status = kin_search_nearest(&corpus, &ask, hits, found, &plan, err);
    for (size_t i = 0; status == KIN_OK && i < *found; i++)
        ids[i] = hits[i].id;
    return status;
}

kin_status ann_ask(const ann_contender *contender, const ann_point *point, const float *query,
                   size_t k, uint64_t *ids, size_t *found, kin_error *err)
{
    return contender->other != NULL ? peer_search(contender->other, query, k, NULL, ids, found, err)
                                    : ask_ours(contender, point, query, k, ids, found, err);
}

/* --- making --- */

static bool is_wanted(const ann_wish *wish, const char *name)
{
    const char *at = wish->only;
    if (at == NULL)
        return true;
    while (*at != '\0') {
        char part[ANN_NAME_SIZE];
        size_t length = strcspn(at, ",");
        snprintf(part, sizeof part, "%.*s", (int)length, at);
        if (length > 0 && strstr(name, part) != NULL)
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}

static void add_point(ann_contender *contender, size_t width, size_t candidates, double target)
{
    if (contender->point_count < ANN_POINTS_MAX)
        contender->points[contender->point_count++] =
            (ann_point){.width = width, .candidates = candidates, .target = target};
}

/* The next contender, when it is wanted and there is room; else NULL. */
static ann_contender *enter(const ann_wish *wish, ann_field *field, const char *name,
                            const char *family)
{
    if (field->count == ANN_CONTENDERS_MAX || !is_wanted(wish, name))
        return NULL;
    ann_contender *contender = &field->contenders[field->count++];
    snprintf(contender->name, sizeof contender->name, "%s", name);
    snprintf(contender->family, sizeof contender->family, "%s", family);
    return contender;
}

static size_t memory_now(void)
{
    malloc_trim(0); /* what was only working memory */
    return bench_memory_anonymous() + bench_memory_file();
}

static void tell(const char *what, double seconds)
{
    bench_say("made %s in %.1f s", what, seconds);
}

/* --- ours --- */

static const char *const kinds[] = {"flat", "hnsw", "ivfpq"};
static const char *const kind_ways[] = {"two-stage scan", "index", "index"};

static void add_settings(ann_contender *contender, size_t k)
{
    const kin_index *index = contender->generation->index;
    kin_index_setting setting;
    size_t count;
    for (size_t i = 0; kin_index_setting_at(index, k, i, &setting); i++)
        add_point(contender, setting.width, setting.candidates, 0);
    const kin_index_tuning *tunings = kin_index_tunings_borrow(index, &count);
    for (size_t i = 0; i < count; i++)
        add_point(contender, tunings[i].setting.width, tunings[i].setting.candidates,
                  tunings[i].target);
}

static void enter_generation(const ann_wish *wish, ann_field *field, size_t kind, size_t codec)
{
    char name[ANN_NAME_SIZE];
    bench_generation *generation = &field->generations[kind];
    snprintf(name, sizeof name, "Kindred %s, %s rows", kinds[kind], wish->codecs[codec]);
    ann_contender *contender = enter(wish, field, name, name);
    if (contender == NULL)
        return;
    contender->ours = true;
    contender->store = &field->stores[codec];
    contender->generation = generation;
    contender->way = kind_ways[kind];
    contender->build_seconds = generation->build_seconds;
    contender->tune_seconds = generation->tune_seconds;
    contender->index_bytes = generation->file_bytes;
    contender->row_bytes = contender->store->bytes;
    add_settings(contender, wish->k);
}

static kin_status make_generation(const ann_wish *wish, ann_field *field, size_t kind,
                                  kin_error *err)
{
    bench_generation *generation = &field->generations[kind];
    const bench_generation_wish how = {
        .kind = kinds[kind], .threads = wish->threads, .memory_max = SIZE_MAX, .tune = true};
    char name[ANN_NAME_SIZE];
    size_t before = memory_now(), first = field->count;
    snprintf(name, sizeof name, "Kindred %s", kinds[kind]);
    kin_status status = bench_generation_make(&field->stores[0], &how, generation, err);
    if (status != KIN_OK)
        return status;
    tell(name, generation->build_seconds + generation->tune_seconds);
    size_t after = memory_now();
    for (size_t codec = 0; codec < wish->codec_count; codec++)
        enter_generation(wish, field, kind, codec);
    if (field->count > first)
        field->contenders[first].grown_bytes = after > before ? after - before : 0;
    return KIN_OK;
}

/* The scan of all rows: what every index is there to beat. */
static void enter_scan(const ann_wish *wish, ann_field *field, size_t codec)
{
    char name[ANN_NAME_SIZE];
    snprintf(name, sizeof name, "Kindred scan, %s rows", wish->codecs[codec]);
    ann_contender *contender = enter(wish, field, name, name);
    if (contender == NULL)
        return;
    contender->ours = true;
    contender->store = &field->stores[codec];
    contender->way = "scan";
    contender->row_bytes = contender->store->bytes;
    add_point(contender, 0, 0, 0);
}

static bool wants_kind(const ann_wish *wish, size_t kind)
{
    char name[ANN_NAME_SIZE];
    for (size_t codec = 0; codec < wish->codec_count; codec++) {
        snprintf(name, sizeof name, "Kindred %s, %s rows", kinds[kind], wish->codecs[codec]);
        if (is_wanted(wish, name))
            return true;
    }
    return false;
}

static kin_status make_ours(const ann_wish *wish, ann_field *field, kin_error *err)
{
    kin_status status = KIN_OK;
    if (!is_wanted(wish, "Kindred") && !wants_kind(wish, 0) && !wants_kind(wish, 1) &&
        !wants_kind(wish, 2))
        return KIN_OK;
    for (size_t codec = 0; status == KIN_OK && codec < wish->codec_count; codec++) {
        status = bench_store_make(wish->set, wish->codecs[codec], &field->stores[codec], err);
        if (status == KIN_OK)
            enter_scan(wish, field, codec);
    }
    for (size_t kind = 0; status == KIN_OK && kind < COUNT_OF(kinds); kind++)
        if (wants_kind(wish, kind))
            status = make_generation(wish, field, kind, err);
    return status;
}

/* --- others --- */

/* Enters what was made, or nothing. */
static void enter_other(const ann_wish *wish, ann_field *field, const char *name,
                        const char *family, peer *other, double seconds, size_t before)
{
    size_t after = memory_now();
    ann_contender *contender = enter(wish, field, name, family);
    if (contender == NULL) {
        peer_free(other);
        return;
    }
    tell(name, seconds);
    contender->other = other;
    contender->build_seconds = seconds;
    contender->index_bytes = peer_bytes(other);
    contender->grown_bytes = after > before ? after - before : 0;
}

static void add_beams(ann_contender *contender, size_t k)
{
    for (size_t i = 0; i < COUNT_OF(beams); i++)
        if (beams[i] >= k || i + 1 == COUNT_OF(beams))
            add_point(contender, beams[i], 0, 0);
}

static kin_status make_hnswlib(const ann_wish *wish, ann_field *field, kin_error *err)
{
    static const size_t links[] = {8, 16, 24, 32};
    kin_status status = KIN_OK;
    if (!peer_has_hnswlib()) {
        bench_say("built without hnswlib (libhnswlib-dev): it takes no part");
        return KIN_OK;
    }
    for (size_t i = 0; status == KIN_OK && i < COUNT_OF(links); i++) {
        char name[ANN_NAME_SIZE];
        snprintf(name, sizeof name, "hnswlib M=%zu", links[i]);
        if (!is_wanted(wish, name))
            continue;
        peer *other = NULL;
        size_t before = memory_now(), entered = field->count;
        double began = kin_clock_monotonic();
        status = peer_hnswlib_new(wish->set, links[i], EF_CONSTRUCTION, wish->threads, &other, err);
        if (status == KIN_OK)
            enter_other(wish, field, name, "hnswlib", other, kin_clock_monotonic() - began, before);
        if (field->count > entered)
            add_beams(&field->contenders[entered], wish->k);
    }
    return status;
}

static void add_probes(ann_contender *contender, size_t k)
{
    for (size_t p = 0; p < COUNT_OF(probes); p++)
        for (size_t r = 0; r < COUNT_OF(refinements); r++)
            add_point(contender, probes[p], refinements[r] * k, 0);
}

static kin_status make_faiss(const ann_wish *wish, ann_field *field, const char *factory,
                             const char *family, void (*add)(ann_contender *, size_t),
                             kin_error *err)
{
    char name[ANN_NAME_SIZE];
    peer *other = NULL;
    snprintf(name, sizeof name, "FAISS %.50s", factory);
    if (!is_wanted(wish, name))
        return KIN_OK;
    size_t before = memory_now(), entered = field->count;
    double began = kin_clock_monotonic();
    kin_status status =
        peer_faiss_new(wish->set, factory, EF_CONSTRUCTION, wish->threads, &other, err);
    if (status != KIN_OK)
        return status;
    enter_other(wish, field, name, family, other, kin_clock_monotonic() - began, before);
    if (field->count > entered)
        add(&field->contenders[entered], wish->k);
    return KIN_OK;
}

static void add_only(ann_contender *contender, size_t k)
{
    (void)k;
    add_point(contender, 0, 0, 0);
}

/* FAISS's advice: 4 to 16 times the root of the count, a power of two. */
static size_t list_count(size_t count)
{
    size_t lists = 1;
    while ((double)(2 * lists) <= 5.7 * sqrt((double)count))
        lists *= 2;
    return lists;
}

static kin_status make_faiss_all(const ann_wish *wish, ann_field *field, kin_error *err)
{
    char factory[ANN_NAME_SIZE];
    size_t lists = list_count(wish->set->count);
    kin_status status = make_faiss(wish, field, "HNSW32", "FAISS HNSW32", add_beams, err);
    for (size_t share = 2; status == KIN_OK && share <= 4; share *= 2) { /* dimensions a code */
        if (wish->set->dim % share != 0)
            continue;
        snprintf(factory, sizeof factory, "IVF%zu,PQ%zux4fs,RFlat", lists, wish->set->dim / share);
        status = make_faiss(wish, field, factory, "FAISS IVF,PQfs,RFlat", add_probes, err);
    }
    return status == KIN_OK ? make_faiss(wish, field, "Flat", "FAISS Flat", add_only, err) : status;
}

kin_status ann_field_make(const ann_wish *wish, ann_field *out, kin_error *err)
{
    memset(out, 0, sizeof *out);
    if (wish->k > ANN_K_MAX)
        return kin_fail(err, KIN_E_LIMIT, NULL, "k is at most %d", ANN_K_MAX);
    out->contenders = calloc(ANN_CONTENDERS_MAX, sizeof *out->contenders);
    if (out->contenders == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory");
    kin_status status = make_ours(wish, out, err);
    if (status == KIN_OK)
        status = make_hnswlib(wish, out, err);
    if (status == KIN_OK)
        status = make_faiss_all(wish, out, err);
    if (status == KIN_OK && out->count == 0)
        status = kin_fail(err, KIN_E_ARG, NULL, "nothing is left to measure");
    return status;
}

void ann_field_release(ann_field *field)
{
    for (size_t i = 0; i < field->count; i++)
        peer_free(field->contenders[i].other);
    for (size_t i = 0; i < COUNT_OF(field->generations); i++)
        bench_generation_release(&field->generations[i]);
    for (size_t i = 0; i < ANN_CODECS_MAX; i++)
        bench_store_release(&field->stores[i]);
    free(field->contenders);
    memset(field, 0, sizeof *field);
}
