/*
 * An embedder's file:
 *
 *     header      struct header
 *     signature   signature_size bytes, padded with zeros to a multiple of 8
 *     mean        input floats
 *     projection  rank x input floats
 *     checksum    XXH3-64 of everything before it; in hexadecimal, the embedder's id
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "embed/embedder.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "model files are little-endian");

static const char magic[8] = {'K', 'I', 'N', 'E', 'M', 'B', '\r', '\n'};

enum { VERSION = 1, FLAG_UNIT_FAMILIES = 1 };

struct header {
    char magic[8];
    uint32_t version, flags;
    char kind[EMBED_KIND_SIZE];
    uint64_t input, dim, rank, trained_on;
    uint64_t signature_size, file_size; /* bytes */
};
_Static_assert(sizeof(struct header) == 80, "no padding in the header");

/* The largest model there can be. */
static const size_t file_size_max =
    sizeof(struct header) + KIN_EMBED_SIGNATURE_MAX +
    (KIN_EMBED_DIM_MAX + (size_t)1) * KIN_EMBED_INPUT_MAX * sizeof(float) + sizeof(XXH64_hash_t);

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

/* Bytes of a model's file; false when the numbers are beyond all limits. */
static bool size_of(const struct header *h, size_t *size)
{
    if (h->input == 0 || h->input > KIN_EMBED_INPUT_MAX || h->dim == 0 ||
        h->dim > KIN_EMBED_DIM_MAX || h->rank == 0 || h->rank > h->dim || h->signature_size == 0 ||
        h->signature_size >= KIN_EMBED_SIGNATURE_MAX)
        return false;
    *size = sizeof *h + padded(h->signature_size) + (h->rank + 1) * h->input * sizeof(float) +
            sizeof(XXH64_hash_t);
    return true;
}

/* The file's bytes, from malloc. */
static kin_status encode(const kin_embedder *embedder, unsigned char **out, size_t *size,
                         kin_error *err)
{
    struct header header = {
        .version = VERSION,
        .flags = embedder->unit_families ? FLAG_UNIT_FAMILIES : 0,
        .input = embedder->input,
        .dim = embedder->dim,
        .rank = embedder->rank,
        .trained_on = embedder->trained_on,
        .signature_size = strlen(embedder->signature),
    };
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.kind, embedder->kind, sizeof header.kind);
    if (!size_of(&header, size))
        return kin_fail(err, KIN_E_INTERNAL, NULL, "embedder is out of all limits");
    header.file_size = *size;
    unsigned char *bytes = calloc(1, *size), *at = bytes;
    if (bytes == NULL)
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to write an embedder");
    memcpy(at, &header, sizeof header);
    at += sizeof header;
    memcpy(at, embedder->signature, header.signature_size);
    at += padded(header.signature_size);
    memcpy(at, embedder->mean, embedder->input * sizeof(float));
    at += embedder->input * sizeof(float);
    memcpy(at, embedder->projection, embedder->rank * embedder->input * sizeof(float));
    at += embedder->rank * embedder->input * sizeof(float);
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

static bool kind_is_known(const struct header *h)
{
    return strncmp(h->kind, h->flags == FLAG_UNIT_FAMILIES ? EMBED_KIND_BOOTSTRAP : EMBED_KIND_PCA,
                   sizeof h->kind) == 0;
}

/* Are the bytes a whole model whose numbers fit its size? */
static kin_status verify(const unsigned char *bytes, size_t size, const char *path,
                         struct header *header, kin_error *err)
{
    size_t expected;
    XXH64_hash_t checksum;
    if (size < sizeof *header + sizeof checksum)
        return kin_fail(err, KIN_E_CORRUPT, path, "model file ends early");
    memcpy(header, bytes, sizeof *header);
    memcpy(&checksum, bytes + size - sizeof checksum, sizeof checksum);
    if (memcmp(header->magic, magic, sizeof magic) != 0)
        return kin_fail(err, KIN_E_CORRUPT, path, "file is no model");
    if (XXH3_64bits(bytes, size - sizeof checksum) != checksum)
        return kin_fail(err, KIN_E_CORRUPT, path, "model fails its checksum");
    if (header->version != VERSION || header->flags > FLAG_UNIT_FAMILIES)
        return kin_fail(err, KIN_E_CORRUPT, path, "model is of version %u",
                        (unsigned)header->version);
    if (!size_of(header, &expected) || expected != size || header->file_size != size)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's sizes contradict the file's");
    if (!kind_is_known(header) ||
        memchr(bytes + sizeof *header, '\0', (size_t)header->signature_size) != NULL)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's kind or signature is unknown");
    return KIN_OK;
}

static bool all_finite(const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static kin_status decode(const unsigned char *bytes, size_t size, const char *path,
                         kin_embedder **out, kin_error *err)
{
    struct header header = {0};
    char signature[KIN_EMBED_SIGNATURE_MAX] = {0};
    kin_embedder *embedder = NULL;
    kin_status status = verify(bytes, size, path, &header, err);
    if (status != KIN_OK)
        return status;
    const unsigned char *at = bytes + sizeof header;
    memcpy(signature, at, (size_t)header.signature_size);
    at += padded((size_t)header.signature_size);
    status = kin_embedder_new(header.kind, signature, (size_t)header.input, (size_t)header.dim,
                              (size_t)header.rank, &embedder, err);
    if (status == KIN_E_ARG)
        return kin_fail(err, KIN_E_CORRUPT, path, "model's signature does not fit its size");
    if (status != KIN_OK)
        return status;
    size_t input = embedder->input, count = embedder->rank * input;
    memcpy(embedder->mean, at, input * sizeof(float));
    memcpy(embedder->projection, at + input * sizeof(float), count * sizeof(float));
    embedder->unit_families = (header.flags & FLAG_UNIT_FAMILIES) != 0;
    embedder->trained_on = (size_t)header.trained_on;
    set_id(embedder, bytes, size);
    if (!all_finite(embedder->mean, input) || !all_finite(embedder->projection, count)) {
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
