/*
 * Inverted lists with 4-bit product quantisation, scanned by shuffles within registers (André,
 * Kermarrec and Le Scouarnec, "Accelerated nearest neighbor search with Quick ADC", ICMR 2017;
 * FAISS's "fast scan").
 *
 * A vector takes half a byte for each pair of its floats.  What is coded is its difference from its
 * list's centre, which for inner products costs nothing at search time.  Scores are rough all the
 * same: several times as many codes as candidates are wanted are fetched, and ranked by the int8
 * codes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "index/faiss_ivf_bridge.h"
#include "index/kinds.h"
#include "store/codec.h"

enum {
    COUNT_MIN = 1024,    /* fewer cannot train the quantisers */
    ROWS_PER_LIST = 40,  /* FAISS's k-means asks for 39 points a centroid at least */
    LEARN_PER_LIST = 32, /* enough for centres; more cost memory and minutes at 10^7 */
    LEARN_MIN = 16384,
    ITERATIONS = 10,     /* of k-means: later ones move the centres by a percent or so */
    LISTS_MAX = 16384,   /* the coarse search is exact: 16 MiB of 256 floats, read for each query */
    SUBSPACES_MAX = 256, /* sums of more 8-bit table entries than that do not fit in 16 bits */
    BATCH_ROWS = 8192,   /* added at a time, between which progress is told */
    BLOCK = 32,          /* a list's codes are in blocks of so many */
    FETCH = 8,           /* codes fetched for each candidate wanted */
    FETCH_MIN = 32,
    ENOUGH = 2,  /* members for each candidate wanted, or a filtered search looks further */
    CROWDED = 2, /* see is_enough() */
    WIDENING = 4
};

/* Of as many members as there should be among what was fetched; see is_enough(). */
static const double fair_share = 0.8;

/* Share of the progress that training is given. */
static const double training_share = 0.3;

/* About 4 sqrt(n) lists, as FAISS's guidelines have it. */
static size_t list_count(size_t count)
{
    size_t lists = (size_t)(4.0 * sqrt((double)count));
    if (lists > count / ROWS_PER_LIST)
        lists = count / ROWS_PER_LIST;
    if (lists > LISTS_MAX)
        lists = LISTS_MAX;
    return lists > 0 ? lists : 1;
}

/* Floats that share a code: 2 where that divides the dimension, more for very long vectors. */
static size_t subspace_length(size_t dim)
{
    size_t length = dim % 2 == 0 ? 2 : 1;
    while (dim / length > SUBSPACES_MAX && dim % (2 * length) == 0)
        length *= 2;
    return length;
}

static size_t training_rows(size_t count)
{
    size_t rows = list_count(count) * LEARN_PER_LIST;
    if (rows < LEARN_MIN)
        rows = LEARN_MIN;
    return rows < count ? rows : count;
}

static struct index_needs needs(size_t count, size_t dim, int threads)
{
    uint64_t lists = list_count(count), vector = dim * sizeof(float);
    uint64_t code = (dim / subspace_length(dim) + 1) / 2;
    uint64_t centres = lists * vector + 16 * vector;
    uint64_t codes = (count + lists * BLOCK / 2) * code, labels = (uint64_t)count * 8;
    /* k-means: the sample, and the centres twice; adding: lists grow by doubling, and a batch is
     * held as floats three times; both: blocks of products, and what BLAS has for each thread. */
    uint64_t training = training_rows(count) * (vector + 16) + 3 * centres;
    uint64_t adding = centres + 2 * (codes + labels) + BATCH_ROWS * (3 * vector + 64);
    uint64_t products = (UINT64_C(20) << 20) + (uint64_t)threads * (UINT64_C(4) << 20);
    return (struct index_needs){.structure = centres + codes + labels + lists * 16,
                                .building = (training > adding ? training : adding) + products};
}

static int on_training(void *ctx)
{
    const struct index_build *build = ctx;
    return build->options->progress == NULL
               ? 0
               : build->options->progress(build->options->progress_ctx, 0);
}

/* Copies vectors first, first + step … (n of them) to `to`. */
static kin_status gather(const struct index_build *build, size_t first, double step, size_t n,
                         float *to, kin_error *err)
{
    size_t dim = build->source->dim;
    for (size_t i = 0; i < n; i++, to += dim) {
        const float *vector = kin_build_vector(build, first + (size_t)((double)i * step), err);
        if (vector == NULL)
            return err->code;
        memcpy(to, vector, dim * sizeof *to);
    }
    return KIN_OK;
}

/* Trains on rows evenly spread over the source. */
static kin_status train(kin_index *index, const struct index_build *build, kin_error *err)
{
    size_t count = build->source->count, n = training_rows(count);
    float *rows = reallocarray(NULL, n, index->dim * sizeof *rows);
    if (rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %zu vectors to train on", n);
    kin_status status = gather(build, 0, (double)count / (double)n, n, rows, err);
    if (status == KIN_OK)
        status = kin_ivf_new(index->dim, list_count(count),
                             index->dim / subspace_length(index->dim), &index->ivf, err);
    if (status == KIN_OK)
        status = kin_ivf_train(index->ivf, n, rows, ITERATIONS, LEARN_PER_LIST, build->threads,
                               on_training, (void *)build, err);
    free(rows);
    return status;
}

/* Codes the source's new vectors and puts them into their lists. */
static kin_status add_all(kin_index *index, const struct index_build *build, double done,
                          kin_error *err)
{
    size_t to = build->source->count, old = index->count - (to - build->kept);
    float *rows = reallocarray(NULL, BATCH_ROWS, index->dim * sizeof *rows);
    if (rows == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory for %d vectors", BATCH_ROWS);
    kin_status status = kin_build_report(build, done, err);
    for (size_t from = build->kept; status == KIN_OK && from < to;) {
        size_t n = to - from < BATCH_ROWS ? to - from : BATCH_ROWS;
        status = gather(build, from, 1.0, n, rows, err);
        int8_t *code = (int8_t *)index->sections[SECTION_CODES].bytes +
                       (old + from - build->kept) * index->stride;
        for (size_t i = 0; status == KIN_OK && i < n; i++, code += index->stride)
            status = kin_codec_encode(kin_codec_int8, rows + i * index->dim, index->dim, code, err);
        if (status == KIN_OK)
            status = kin_ivf_add(index->ivf, n, rows, build->threads, err);
        from += n;
        if (status == KIN_OK)
            status = kin_build_report(
                build,
                done + (1 - done) * (double)(from - build->kept) / (double)(to - build->kept), err);
    }
    free(rows);
    return status;
}

static kin_status build(kin_index *index, const struct index_build *build, kin_error *err)
{
    const kin_index *previous = build->previous;
    if (previous == NULL) {
        kin_status status = train(index, build, err);
        return status == KIN_OK ? add_all(index, build, training_share, err) : status;
    }
    memcpy(index->sections[SECTION_CODES].bytes, previous->codes, previous->count * index->stride);
    kin_status status = kin_ivf_copy(previous->ivf, &index->ivf, err);
    return status == KIN_OK ? add_all(index, build, 0, err) : status;
}

static kin_status attach(kin_index *index, kin_error *err)
{
    const struct section *section = &index->sections[SECTION_FAISS];
    kin_status status =
        kin_ivf_read(section->bytes, section->size, index->dim, index->count, &index->ivf, err);
    madvise(section->bytes, section->size, MADV_DONTNEED); /* FAISS has its own copy now */
    return status;
}

static void drop(kin_index *index)
{
    kin_ivf_free(index->ivf);
}

static bool sizes_are_right(const kin_index *index)
{
    return index->sections[SECTION_FAISS].size > 0;
}

/* --- searching --- */

/* What one search works with; room for `fetch` of each. */
struct fetched {
    int64_t *labels;
    uint32_t *positions;
    float *scores;
};

static bool reserve(struct fetched *fetched, size_t fetch)
{
    free(fetched->labels);
    free(fetched->positions);
    free(fetched->scores);
    fetched->labels = reallocarray(NULL, fetch, sizeof *fetched->labels);
    fetched->positions = reallocarray(NULL, fetch, sizeof *fetched->positions);
    fetched->scores = reallocarray(NULL, fetch, sizeof *fetched->scores);
    return fetched->labels != NULL && fetched->positions != NULL && fetched->scores != NULL;
}

/* One filtered or unfiltered search under way. */
struct search {
    const kin_index *index;
    const struct index_query *query;
    const kin_probe *probe;
    struct fetched fetched;
    kin_topk top;
    double rare;         /* so many must be fetched for one to be a member, were members anywhere */
    size_t got, members; /* of the last scan */
};

/* One scan of `probes` lists for `fetch` codes; those that may be answers are ranked by their int8
 * codes. */
static kin_status scan(struct search *search, size_t probes, size_t fetch, kin_error *err)
{
    const kin_index *index = search->index;
    struct fetched *fetched = &search->fetched;
    search->got = search->members = search->top.count = 0;
    if (!reserve(fetched, fetch))
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to search the index");
    kin_status status = kin_ivf_search(index->ivf, search->query->vector, probes, fetch,
                                       fetched->labels, fetched->scores, err);
    if (status != KIN_OK)
        return status;
    for (size_t i = 0; i < fetch; i++) {
        if (fetched->labels[i] < 0 || (size_t)fetched->labels[i] >= index->count)
            continue;
        search->got++;
        if (kin_generation_may_answer(index, search->query->members, (size_t)fetched->labels[i]))
            fetched->positions[search->members++] = (uint32_t)fetched->labels[i];
    }
    kin_probe_score_gather(search->probe, index->codes, fetched->positions, search->members,
                           fetched->scores);
    for (size_t i = 0; i < search->members; i++)
        kin_topk_offer(&search->top, index->ids[fetched->positions[i]], fetched->scores[i]);
    return KIN_OK;
}

/* How many times as many must be fetched for one to be a member: by the sizes of the bitmaps. */
static double rarity(const kin_index *index, const kin_members *members)
{
    double count = (double)index->count, left = count;
    if (members != NULL && members->only != NULL)
        left = fmin(left, (double)roaring_bitmap_get_cardinality(members->only));
    if (members != NULL && members->without != NULL)
        left -= fmin(left, (double)roaring_bitmap_get_cardinality(members->without));
    return left >= 1 ? count / left : count;
}

/* Has the last scan met as many members as it should, and as large a share of them as there is of
 * all?  A smaller one means that others crowd around the query, and members lie all around
 * those, in lists far from each other. */
static bool is_enough(const struct search *search)
{
    size_t wanted = search->query->setting.candidates;
    if (search->query->members == NULL)
        return search->members >= wanted;
    return search->members >= ENOUGH * wanted &&
           (double)search->members * search->rare >= fair_share * (double)search->got;
}

/* The same from more lists until it is enough, or all of them.  When the first scan is not, then one
 * step beyond the one that is. */
static kin_status widen(struct search *search, kin_index_work *work, kin_error *err)
{
    const kin_index_setting *setting = &search->query->setting;
    size_t lists = kin_ivf_lists(search->index->ivf), count = search->index->count;
    double wanted = (double)setting->candidates * FETCH * search->rare;
    size_t fetch = wanted < (double)count ? (size_t)wanted : count;
    size_t probes = setting->width > 0 ? setting->width : 1, steps = 0;
    probes = (size_t)((double)probes * sqrt(search->rare)); /* the nearest members lie farther */
    for (bool last = false; !last; steps++) {
        probes = probes < lists ? probes : lists;
        fetch = fetch < FETCH_MIN ? FETCH_MIN : fetch < count ? fetch : count;
        last = (steps > 0 && is_enough(search)) || (probes == lists && fetch >= count);
        size_t codes = (size_t)((double)count * (double)probes / (double)lists) + fetch;
        if (codes > search->query->budget - work->scored) {
            work->gave_up = true;
            return KIN_OK;
        }
        work->scored += codes;
        kin_status status = scan(search, probes, fetch, err);
        if (status != KIN_OK)
            return status;
        last = last || (steps == 0 && is_enough(search));
        probes *= WIDENING;
        fetch *= WIDENING;
    }
    return KIN_OK;
}

static kin_status search(const kin_index *index, const struct index_query *query, kin_hit *hits,
                         size_t *found, kin_index_work *work, kin_error *err)
{
    kin_probe *probe = NULL;
    kin_status status = kin_probe_new(kin_codec_int8, query->vector, index->dim, &probe, err);
    struct search search = {.index = index,
                            .query = query,
                            .probe = probe,
                            .top = {.hits = hits, .capacity = query->setting.candidates},
                            .rare = rarity(index, query->members)};
    if (status == KIN_OK)
        status = widen(&search, work, err);
    if (status == KIN_OK) {
        kin_topk_sort(&search.top);
        *found = search.top.count;
    }
    kin_probe_free(probe);
    free(search.fetched.labels);
    free(search.fetched.positions);
    free(search.fetched.scores);
    return status;
}

/* Twice as many probes each time, and between them twice as many candidates: these decide how many
 * rough codes are ranked by the int8 ones. */
static bool setting_at(const kin_index *index, size_t k, size_t i, kin_index_setting *out)
{
    size_t lists = kin_ivf_lists(index->ivf), probes = (size_t)1 << (i / 2 < 31 ? i / 2 : 31);
    if (k == 0 || k > KIN_INDEX_COUNT_MAX / 64 || probes >= 2 * lists)
        return false;
    out->width = (uint32_t)(probes < lists ? probes : lists);
    out->candidates = (uint32_t)(k + k / 2 + (i % 2 == 0 ? 0 : k + k / 2));
    return true;
}

static kin_status errors(const kin_index *index, const float *vectors, size_t count, double *error,
                         double *square, kin_error *err)
{
    return kin_ivf_errors(index->ivf, count, vectors, error, square, err);
}

const struct index_kind kin_index_ivfpq = {
    .name = "ivfpq",
    .count_min = COUNT_MIN,
    .keeps_gone = true,
    .trains = true,
    .needs = needs,
    .build = build,
    .attach = attach,
    .drop = drop,
    .sizes_are_right = sizes_are_right,
    .search = search,
    .setting_at = setting_at,
    .errors = errors,
};
