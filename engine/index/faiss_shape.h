/*
 * faiss_shape.h - what FAISS 1.7.3 reads of an index, field by field; private to this folder.
 *
 * FAISS believes its files: the four letters that name the kind of index (or of a part) choose among
 * dozens of readers, a zero divides, a count or a number of bits makes it ask for gigabytes before
 * the next field is looked at.  So the fields of our one kind are listed here, in the order in which
 * faiss/impl/index_read.cpp and faiss/invlists/BlockInvertedLists.cpp read them, with the values that
 * they may have; each read is held against its field before FAISS sees the bytes.
 */
#ifndef KIN_INDEX_FAISS_SHAPE_H
#define KIN_INDEX_FAISS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { FAISS_SHAPE_FIELDS = 48 };

struct faiss_shape {
    struct faiss_field {
        enum faiss_field_kind { FAISS_NUMBER, FAISS_COUNT, FAISS_ITEMS } kind;
        size_t size;          /* bytes of the number or of one item */
        uint64_t least, most; /* of a number or count */
        size_t counted;       /* bytes of what a count counts */
    } fields[FAISS_SHAPE_FIELDS];
    size_t count, next;
    size_t again; /* the field that follows the last one; count: none */
};

/* An IVF with PQ fast scan over inner product, of `count` vectors of `dim` floats. */
struct faiss_shape kin_faiss_shape(size_t dim, size_t count);

/* Is that the next field: `items` of `size` bytes? */
bool kin_faiss_shape_expects(const struct faiss_shape *shape, size_t size, size_t items);

/* Goes past the next field.  May it have this value, with `left` bytes behind it? */
bool kin_faiss_shape_accepts(struct faiss_shape *shape, const void *bytes, size_t left);

#ifdef __cplusplus
}
#endif

#endif
