#include "embed/head.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "embed/allocate.h"
#include "simd/kernels.h"

/* Rows that share one product; the activations of more would leave the cache. */
enum { ROWS = 256 };

/* A part that is shorter than this says nothing, and is left out. */
static const float norm_min = 1e-6f;

kin_status kin_embed_head_new(size_t components, size_t hidden, size_t learnt, size_t plain,
                              struct embed_head **out, kin_error *err)
{
    struct embed_head *head = calloc(1, sizeof *head);
    if (head == NULL)
        return kin_embed_no_memory(err);
    head->components = components;
    head->hidden = hidden;
    head->learnt = learnt;
    head->plain = plain;
    head->in = kin_embed_allocate(hidden, components, sizeof *head->in);
    head->in_bias = kin_embed_allocate(hidden, 1, sizeof *head->in_bias);
    head->out = kin_embed_allocate(learnt, kin_embed_head_width(head), sizeof *head->out);
    head->out_bias = kin_embed_allocate(learnt, 1, sizeof *head->out_bias);
    if (head->in == NULL || head->in_bias == NULL || head->out == NULL || head->out_bias == NULL) {
        kin_embed_head_free(head);
        return kin_embed_no_memory(err);
    }
    *out = head;
    return KIN_OK;
}

void kin_embed_head_free(struct embed_head *head)
{
    if (head == NULL)
        return;
    free(head->in);
    free(head->in_bias);
    free(head->out);
    free(head->out_bias);
    free(head);
}

void kin_embed_head_arrays(const struct embed_head *head,
                           struct embed_head_array arrays[EMBED_HEAD_ARRAYS])
{
    arrays[0] = (struct embed_head_array){head->in, head->hidden * head->components};
    arrays[1] = (struct embed_head_array){head->in_bias, head->hidden};
    arrays[2] = (struct embed_head_array){head->out, head->learnt * kin_embed_head_width(head)};
    arrays[3] = (struct embed_head_array){head->out_bias, head->learnt};
}

/* to = from weights' + bias, for rows of `width` floats. */
static void layer(const float *from, size_t stride, size_t count, size_t width,
                  const float *weights, const float *bias, size_t out, float *to)
{
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < out; i++)
            to[r * out + i] = bias[i];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)out, (int)width, 1.0f,
                from, (int)stride, weights, (int)width, 1.0f, to, (int)out);
}

/* to = gain * from / |from|, or zeros where there is next to nothing. */
static void put_unit(const float *from, size_t count, float gain, float *to)
{
    float norm = sqrtf(kin_kernels_best()->dot(from, from, count));
    for (size_t i = 0; i < count; i++)
        to[i] = norm <= norm_min ? 0.0f : gain * (from[i] / norm);
}

kin_status kin_embed_head_apply(const struct embed_head *head, const float *components,
                                size_t stride, size_t count, float *y, kin_error *err)
{
    const size_t rank = head->learnt + head->plain, width = kin_embed_head_width(head);
    float *active = kin_embed_allocate(ROWS, head->hidden, sizeof *active);
    float *learnt = kin_embed_allocate(ROWS, head->learnt, sizeof *learnt);
    if (active == NULL || learnt == NULL) {
        free(active);
        free(learnt);
        return kin_fail(err, KIN_E_NOMEM, NULL, "no memory to embed");
    }
    for (size_t done = 0; done < count; done += ROWS) {
        size_t n = count - done < ROWS ? count - done : ROWS;
        const float *from = components + done * stride;
        if (head->hidden > 0) {
            layer(from, stride, n, head->components, head->in, head->in_bias, head->hidden, active);
            for (size_t i = 0; i < n * head->hidden; i++)
                active[i] = active[i] < 0 ? 0 : active[i]; /* NaN stays */
        }
        layer(head->hidden > 0 ? active : from, head->hidden > 0 ? width : stride, n, width,
              head->out, head->out_bias, head->learnt, learnt);
        for (size_t r = 0; r < n; r++) {
            float *to = y + (done + r) * rank;
            put_unit(learnt + r * head->learnt, head->learnt, 1.0f, to);
            put_unit(from + r * stride, head->plain, head->blend, to + head->learnt);
        }
    }
    free(active);
    free(learnt);
    return KIN_OK;
}
