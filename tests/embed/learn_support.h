/* What the tests of supervised learning share: images in near-duplicate groups, with classes. */
#ifndef KIN_TEST_LEARN_SUPPORT_H
#define KIN_TEST_LEARN_SUPPORT_H

#include "descriptors_support.h"
#include "embed/learn.h"

enum { LEARN_INPUT = 40, LEARN_SIGNATURE_FIRST = 24 };
#define LEARN_SIGNATURE "a/1:24 bc/2:16"

struct labelled_images {
    struct descriptors data;
    int *label, *group;
};

/* Groups of `each` near-duplicates: strong factors that tell nothing of the class, and a weak one
 * that does (times `signal`), which an unsupervised projection has last.  Group g is of class
 * g % classes. */
static inline struct labelled_images labelled_images_new(size_t groups, size_t each, int classes,
                                                         double signal, uint64_t seed)
{
    size_t count = groups * each;
    struct labelled_images images = {descriptors_of_images(groups, LEARN_INPUT, seed),
                                     calloc(count, sizeof(int)), calloc(count, sizeof(int))};
    struct descriptors spread = descriptors_new(count, LEARN_INPUT);
    uint64_t shape = 7, state = seed + 1000;
    double direction[8][LEARN_INPUT];
    assert_true(classes <= 8);
    for (int c = 0; c < classes; c++)
        for (size_t i = 0; i < LEARN_INPUT; i++)
            direction[c][i] = signal * random_normal(&shape);
    for (size_t r = 0; r < count; r++) {
        images.group[r] = (int)(r / each);
        images.label[r] = images.group[r] % classes;
        for (size_t i = 0; i < LEARN_INPUT; i++)
            spread.data[r * LEARN_INPUT + i] =
                (float)(images.data.data[r / each * LEARN_INPUT + i] +
                        direction[images.label[r]][i] + 0.02 * random_normal(&state));
    }
    free(images.data.data);
    images.data = spread;
    return images;
}

static inline void labelled_images_free(struct labelled_images *images)
{
    free(images->data.data);
    free(images->label);
    free(images->group);
}

static inline kin_learn_rows labelled_rows(struct labelled_images *images, size_t classes)
{
    return (kin_learn_rows){
        .rows = {images->data.count, images->data.input, descriptors_row, &images->data},
        .label = images->label,
        .group = images->group,
        .classes = classes};
}

#endif
