#include "index/faiss_shape.h"

#include <string.h>

enum { INNER_PRODUCT = 0, BLOCK = 32 /* vectors that fast scan takes at once */ };

static void add(struct faiss_shape *shape, struct faiss_field field)
{
    shape->fields[shape->count++] = field;
}

static void number(struct faiss_shape *shape, size_t size, uint64_t least, uint64_t most)
{
    add(shape,
        (struct faiss_field){.kind = FAISS_NUMBER, .size = size, .least = least, .most = most});
}

static void exactly(struct faiss_shape *shape, size_t size, uint64_t value)
{
    number(shape, size, value, value);
}

/* Numbers that nothing is sized by before the whole has been checked. */
static void any(struct faiss_shape *shape, size_t size, int times)
{
    for (int i = 0; i < times; i++)
        number(shape, size, 0, UINT64_MAX);
}

/* A count of up to `most`, and as many items. */
static void array(struct faiss_shape *shape, size_t item, size_t counted, uint64_t most)
{
    add(shape,
        (struct faiss_field){
            .kind = FAISS_COUNT, .size = sizeof(uint64_t), .most = most, .counted = counted});
    add(shape, (struct faiss_field){.kind = FAISS_ITEMS, .size = item});
}

/* The four letters that name a kind, little-endian as FAISS's fourcc() has them. */
static void letters(struct faiss_shape *shape, const char name[4])
{
    uint32_t value;
    memcpy(&value, name, sizeof value);
    exactly(shape, sizeof value, value);
}

static void header(struct faiss_shape *shape, const char name[4], size_t dim, uint64_t least,
                   uint64_t most)
{
    letters(shape, name);
    exactly(shape, sizeof(int32_t), dim);
    number(shape, sizeof(uint64_t), least, most);
    any(shape, sizeof(uint64_t), 2); /* not used any more */
    exactly(shape, 1, 1);            /* is trained */
    exactly(shape, sizeof(int32_t), INNER_PRODUCT);
}

/* IndexFlatIP; its count is of floats, its items are bytes. */
static void flat(struct faiss_shape *shape, size_t dim, uint64_t least, uint64_t most)
{
    header(shape, "IxFI", dim, least, most);
    array(shape, 1, sizeof(float), UINT64_MAX);
}

static void ivfpq_fields(struct faiss_shape *shape, size_t dim, size_t count)
{
    header(shape, "IwPf", dim, count, count);
    number(shape, sizeof(uint64_t), 1, count); /* nlist */
    any(shape, sizeof(uint64_t), 1);           /* nprobe */
    flat(shape, dim, 1, count);                /* the lists' centres */
    exactly(shape, 1, 0);                      /* no map from ids to places… */
    array(shape, sizeof(uint64_t), sizeof(uint64_t), 0);
    exactly(shape, 1, 1);                                   /* by_residual */
    any(shape, sizeof(uint64_t), 1);                        /* code_size */
    exactly(shape, sizeof(int32_t), BLOCK);                 /* bbs */
    any(shape, sizeof(uint64_t), 1);                        /* M2 */
    exactly(shape, sizeof(int32_t), 0);                     /* implem */
    exactly(shape, sizeof(uint64_t), 0);                    /* qbs2 */
    exactly(shape, sizeof(uint64_t), dim);                  /* the product quantiser: d, */
    number(shape, sizeof(uint64_t), 1, dim);                /* M, */
    exactly(shape, sizeof(uint64_t), 4);                    /* nbits, */
    array(shape, sizeof(float), sizeof(float), UINT64_MAX); /* centroids */
    letters(shape, "ilbl");
    number(shape, sizeof(uint64_t), 1, count); /* nlist */
    any(shape, sizeof(uint64_t), 3);           /* code_size, n_per_block, block_size */
    shape->again = shape->count;               /* for each list */
    array(shape, sizeof(uint64_t), sizeof(uint64_t), UINT64_MAX);
    array(shape, 1, 1, UINT64_MAX);
}

struct faiss_shape kin_faiss_shape(size_t dim, size_t count)
{
    struct faiss_shape shape = {.again = FAISS_SHAPE_FIELDS};
    ivfpq_fields(&shape, dim, count);
    return shape;
}

bool kin_faiss_shape_expects(const struct faiss_shape *shape, size_t size, size_t items)
{
    if (shape->next >= shape->count)
        return false;
    const struct faiss_field *field = &shape->fields[shape->next];
    return size == field->size && (field->kind == FAISS_ITEMS || items == 1);
}

bool kin_faiss_shape_accepts(struct faiss_shape *shape, const void *bytes, size_t left)
{
    const struct faiss_field *field = &shape->fields[shape->next++];
    uint64_t value = 0;
    if (shape->next == shape->count)
        shape->next = shape->again;
    if (field->kind == FAISS_ITEMS)
        return true;
    memcpy(&value, bytes, field->size);
    if (field->kind == FAISS_COUNT && value > left / field->counted)
        return false;
    return value >= field->least && value <= field->most;
}
