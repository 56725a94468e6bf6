/*
 * An embedder's file:
 *
 *     header      struct header
 *     head        struct head, in version 2
 *     signature   signature_size bytes, padded with zeros to a multiple of 8
 *     mean        input floats
 *     projection  components x input floats
 *     parameters  of the head, in version 2: in, in_bias, out, out_bias (head.h)
 *     checksum    XXH3-64 of everything before it; in hexadecimal, the embedder's id
 *
 * An embedder without a head is written as version 1, which knows none and has as many components
 * as its rank: its id stays what it was.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "embed/embedder.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model files are little-endian");

static const char magic[8] = {'K', 'I', 'N', 'E', 'M', 'B', '\r', '\n'};

enum { VERSION_PLAIN = 1, VERSION_HEAD = 2, FLAG_UNIT_FAMILIES = 1 };

struct header {
    char magic[8];
    uint32_t version, flags;
    char kind[EMBED_KIND_SIZE];
    uint64_t input, dim, rank, trained_on;
    uint64_t signature_size, file_size; /* bytes */
};
_Static_assert(sizeof(struct header) == 80, "no padding in the header");

struct head {
    uint64_t components, hidden, learnt, plain;
    float blend, unused;
};
_Static_assert(sizeof(struct head) == 40, "no padding in the head's sizes");

/* All that stands before the signature. */
struct sizes {
    struct header header;
    struct head head; /* zeros in version 1 */
};

/* The largest model there can be. */
static const size_t file_size_max =
    sizeof(struct sizes) + KIN_EMBED_SIGNATURE_MAX + sizeof(XXH64_hash_t) +
    sizeof(float) * ((KIN_EMBED_DIM_MAX + (size_t)1) * KIN_EMBED_INPUT_MAX +
                     (KIN_EMBED_DIM_MAX + (size_t)1) * 2 * EMBED_HIDDEN_MAX);

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

static bool has_head(const struct sizes *sizes)
{
    return sizes->header.version == VERSION_HEAD;
}

static size_t head_floats(const struct head *h)
{
    size_t width = (size_t)(h->hidden > 0 ? h->hidden : h->components);
    return (size_t)(h->hidden * (h->components + 1) + h->learnt * (width + 1));
}

static bool head_fits(const struct sizes *sizes)
{
    const struct head *h = &sizes->head;
    return h->components > 0 && h->components <= KIN_EMBED_DIM_MAX &&
           h->hidden <= EMBED_HIDDEN_MAX && h->learnt > 0 && h->learnt <= sizes->header.rank &&
           h->plain == sizes->header.rank - h->learnt && h->plain <= h->components &&
           isfinite(h->blend) && h->blend >= 0;
}

static size_t components_of(const struct sizes *sizes)
{
    return (size_t)(has_head(sizes) ? sizes->head.components : sizes->header.rank);
}

/* Where the signature begins. */
static size_t prefix_of(const struct sizes *sizes)
{
    return sizeof sizes->header + (has_head(sizes) ? sizeof sizes->head : 0);
}

/* Bytes of a model's file; false when the numbers are beyond all limits. */
static bool size_of(const struct sizes *sizes, size_t *size)
{
    const struct header *h = &sizes->header;
    if (h->input == 0 || h->input > KIN_EMBED_INPUT_MAX || h->dim == 0 ||
        h->dim > KIN_EMBED_DIM_MAX || h->rank == 0 || h->rank > h->dim || h->signature_size == 0 ||
        h->signature_size >= KIN_EMBED_SIGNATURE_MAX || (has_head(sizes) && !head_fits(sizes)))
        return false;
    size_t floats = (components_of(sizes) + 1) * (size_t)h->input;
    if (has_head(sizes))
        floats += head_floats(&sizes->head);
    *size = prefix_of(sizes) + padded((size_t)h->signature_size) + floats * sizeof(float) +
            sizeof(XXH64_hash_t);
    return true;
}

static struct sizes sizes_of(const kin_embedder *embedder)
{
    const struct embed_head *head = embedder->head;
    struct sizes sizes = {
        .header = {.version = head != NULL ? VERSION_HEAD : VERSION_PLAIN,
                   .flags = embedder->unit_families ? FLAG_UNIT_FAMILIES : 0,
                   .input = embedder->input,
                   .dim = embedder->dim,
                   .rank = embedder->rank,
                   .trained_on = embedder->trained_on,
                   .signature_size = strlen(embedder->signature)},
    };
    memcpy(sizes.header.magic, magic, sizeof magic);
    memcpy(sizes.header.kind, embedder->kind, sizeof sizes.header.kind);
    if (head != NULL)
        sizes.head = (struct head){.components = head->components,
                                   .hidden = head->hidden,
                                   .learnt = head->learnt,
                                   .plain = head->plain,
                                   .blend = head->blend};
    return sizes;
}

static unsigned char *append(unsigned char *at, const void *from, size_t size)
{
    memcpy(at, from, size);
    return at + size;
}

/* The file's bytes, from malloc. */
static kin_status encode(const kin_embedder *embedder, unsigned char **out, size_t *size,
                         kin_error *err)
{
    struct sizes sizes = sizes_of(embedder);
    struct embed_head_array arrays[EMBED_HEAD_ARRAYS] = {{0}};
    if (!size_of(&sizes, size))
        return kin_fail(err, KIN_E_INTERNAL, NULL, "embedder is out of all limits");
    sizes.header.file_size = *size;
    unsigned char *bytes = calloc(1, *size);
    if (bytes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to write an embedder");
    unsigned char *at = append(bytes, &sizes, prefix_of(&sizes));
    memcpy(at, embedder->signature, sizes.header.signature_size);
    at += padded(sizes.header.signature_size);
    at = append(at, embedder->mean, embedder->input * sizeof(float));
    at = append(at, embedder->projection, embedder->components * embedder->input * sizeof(float));
    if (embedder->head != NULL)
        kin_embed_head_arrays(embedder->head, arrays);
    for (size_t a = 0; a < EMBED_HEAD_ARRAYS; a++)
        if (arrays[a].count > 0)
            at = append(at, arrays[a].data, arrays[a].count * sizeof(float));
    XXH64_hash_t checksum = XXH3_64bits(bytes, (size_t)(at - bytes));
    memcpy(at, &checksum, sizeof checksum);
    *out = bytes;
    return KIN_OK;
}

static void set_id(kin_embedder *embedder, const unsigned char *bytes, size_t size)
{
    XXH64_hash_t checksum;
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    snprintf(embedder->id, sizeof embedder->id, "%016llx", (unsigned long long)checksum);
}

kin_status kin_embedder_seal(kin_embedder *embedder, kin_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    kin_status status = encode(embedder, &bytes, &size, err);
    if (status != KIN_OK)
        return status;
    set_id(embedder, bytes, size);
    free(bytes);
    return KIN_OK;
}

kin_status kin_embedder_save(const kin_embedder *embedder, const kin_fs *fs, const char *path,
                             kin_error *err)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    kin_status status = encode(embedder, &bytes, &size, err);
    if (status != KIN_OK)
        return status;
    status = kin_fs_replace(fs, path, bytes, size, err);
    free(bytes);
    return status;
}

static bool is_kind(const struct header *h, const char *kind)
{
    return strncmp(h->kind, kind, sizeof h->kind) == 0;
}

/* Is the kind one that such a file can be of? */
static bool kind_is_known(const struct sizes *sizes)
{
    const struct header *h = &sizes->header;
    if (has_head(sizes))
        return h->flags == 0 && (is_kind(h, EMBED_KIND_LDA) || is_kind(h, EMBED_KIND_MLP));
    return is_kind(h, h->flags == FLAG_UNIT_FAMILIES ? EMBED_KIND_BOOTSTRAP : EMBED_KIND_PCA);
}

/* Are the bytes a whole model whose numbers fit its size? */
static kin_status verify(const unsigned char *bytes, size_t size, const char *path,
                         struct sizes *sizes, kin_error *err)
{
    size_t expected;
    XXH64_hash_t checksum;
    struct header *header = &sizes->header;
    if (size < sizeof *header + sizeof checksum)
        return kin_fail(err, KIN_E_CORRUPT, path, "model file ends early");
    memcpy(header, bytes, sizeof *header);
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return kin_fail(err, KIN_E_CORRUPT, path, "file is no model");
    if (XXH3_64bits(bytes, size - sizeof checksum) != checksum)
        return kin_fail(err, KIN_E_CORRUPT, path, "model fails its checksum");
    if ((header->version != VERSION_PLAIN && header->version != VERSION_HEAD) ||
        header->flags > FLAG_UNIT_FAMILIES)
        return kin_fail(err, KIN_E_CORRUPT, path, "model is of version %u",
                        (unsigned)header->version);
    if (has_head(sizes) && size >= sizeof *sizes + sizeof checksum)
        memcpy(&sizes->head, bytes + sizeof *header, sizeof sizes->head);
    if (!size_of(sizes, &expected) || expected != size || header->file_size != size)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's sizes contradict the file's");
    if (!kind_is_known(sizes) ||
        memchr(bytes + prefix_of(sizes), '\0', (size_t)header->signature_size) != NULL)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's kind or signature is unknown");
    return KIN_OK;
}

/* Copies floats from *at and moves past them; are they all finite? */
static bool take(const unsigned char **at, float *to, size_t count)
{
    bool finite = true;
    memcpy(to, *at, count * sizeof *to);
    *at += count * sizeof *to;
    for (size_t i = 0; i < count; i++)
        finite = finite && isfinite(to[i]);
    return finite;
}

static bool take_head(const unsigned char **at, const struct embed_head *head)
{
    struct embed_head_array arrays[EMBED_HEAD_ARRAYS];
    bool finite = true;
    kin_embed_head_arrays(head, arrays);
    for (size_t a = 0; a < EMBED_HEAD_ARRAYS; a++)
        finite = take(at, arrays[a].data, arrays[a].count) && finite;
    return finite;
}

/* An embedder of those sizes, its parameters not yet filled in. */
static kin_status make(const struct sizes *sizes, const char *signature, const char *path,
                       kin_embedder **out, kin_error *err)
{
    const struct header *h = &sizes->header;
    struct embed_head *head = NULL;
    kin_status status = KIN_OK;
    if (has_head(sizes))
        status =
            kin_embed_head_new((size_t)sizes->head.components, (size_t)sizes->head.hidden,
                               (size_t)sizes->head.learnt, (size_t)sizes->head.plain, &head, err);
    if (status == KIN_OK && head != NULL)
        head->blend = sizes->head.blend;
    if (status == KIN_OK)
        status = kin_embedder_new(h->kind, signature, (size_t)h->input, (size_t)h->dim,
                                  components_of(sizes), head, out, err);
    if (status == KIN_E_ARG)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's signature does not fit its size");
    return status;
}

static kin_status decode(const unsigned char *bytes, size_t size, const char *path,
                         kin_embedder **out, kin_error *err)
{
    struct sizes sizes = {0};
    char signature[KIN_EMBED_SIGNATURE_MAX] = {0};
    kin_embedder *embedder = NULL;
    kin_status status = verify(bytes, size, path, &sizes, err);
    if (status != KIN_OK)
        return status;
    const unsigned char *at = bytes + prefix_of(&sizes);
    memcpy(signature, at, (size_t)sizes.header.signature_size);
    at += padded((size_t)sizes.header.signature_size);
    status = make(&sizes, signature, path, &embedder, err);
    if (status != KIN_OK)
        return status;
    bool finite = take(&at, embedder->mean, embedder->input);
    finite = take(&at, embedder->projection, embedder->components * embedder->input) && finite;
    if (embedder->head != NULL)
        finite = take_head(&at, embedder->head) && finite;
    embedder->unit_families = (sizes.header.flags & FLAG_UNIT_FAMILIES) != 0;
    embedder->trained_on = (size_t)sizes.header.trained_on;
    set_id(embedder, bytes, size);
    if (!finite) {
        kin_embedder_free(embedder);
        return kin_fail(err, KIN_E_CORRUPT, path, "model has parameters that are not finite");
    }
    *out = embedder;
    return KIN_OK;
}

kin_status kin_embedder_load(const kin_fs *fs, const char *path, kin_embedder **out, kin_error *err)
{
    void *bytes = NULL;
    size_t size;
    kin_status status = kin_fs_read_file(fs, path, file_size_max, &bytes, &size, err);
    if (status == KIN_E_LIMIT ||
        status == KIN_E_UNSUPPORTED) /* no model is that large, or a folder */
        return kin_fail(err, KIN_E_CORRUPT, path, "file is no model");
    if (status != KIN_OK)
        return status;
    status = decode(bytes, size, path, out, err);
    free(bytes);
    return status;
}
