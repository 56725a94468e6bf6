#include "embed/mlp_net.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "embed/allocate.h"
#include "embed/random.h"

/* Shorter outputs are taken as of this length: no slope may be infinite. */
static const float norm_min = 1e-6f;

static const double mean_decay = 0.9, square_decay = 0.999, square_min = 1e-8;

kin_status kin_mlp_batch_new(const struct embed_head *net, size_t room, struct mlp_batch **out,
                             kin_error *err)
{
    struct mlp_batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return kin_embed_no_memory(err);
    b->room = room;
    b->input = kin_embed_allocate(room, net->components, sizeof *b->input);
    b->keep = kin_embed_allocate(room, net->hidden, sizeof *b->keep);
    b->active = kin_embed_allocate(room, net->hidden, sizeof *b->active);
    b->unit = kin_embed_allocate(room, net->learnt, sizeof *b->unit);
    b->norm = kin_embed_allocate(room, 1, sizeof *b->norm);
    b->similar = kin_embed_allocate(room, room, sizeof *b->similar);
    b->unit_slope = kin_embed_allocate(room, net->learnt, sizeof *b->unit_slope);
    b->active_slope = kin_embed_allocate(room, net->hidden, sizeof *b->active_slope);
    b->label = kin_embed_allocate(room, 1, sizeof *b->label);
    kin_status status =
        kin_embed_head_new(net->components, net->hidden, net->learnt, net->plain, &b->slope, err);
    if (status == KIN_OK && (b->input == NULL || b->keep == NULL || b->active == NULL ||
                             b->unit == NULL || b->norm == NULL || b->similar == NULL ||
                             b->unit_slope == NULL || b->active_slope == NULL || b->label == NULL))
        status = kin_embed_no_memory(err);
    if (status != KIN_OK) {
        kin_mlp_batch_free(b);
        return status;
    }
    *out = b;
    return KIN_OK;
}

void kin_mlp_batch_free(struct mlp_batch *b)
{
    if (b == NULL)
        return;
    free(b->input);
    free(b->keep);
    free(b->active);
    free(b->unit);
    free(b->norm);
    free(b->similar);
    free(b->unit_slope);
    free(b->active_slope);
    free(b->label);
    kin_embed_head_free(b->slope);
    free(b);
}

static void start(float *x, size_t count, size_t width, uint64_t *random)
{
    float scale = 1 / sqrtf((float)width);
    for (size_t i = 0; i < count; i++)
        x[i] = scale * kin_random_uniform(random);
}

void kin_mlp_start(struct embed_head *net, uint64_t *random)
{
    start(net->in, net->hidden * net->components, net->components, random);
    start(net->in_bias, net->hidden, net->components, random);
    start(net->out, net->learnt * net->hidden, net->hidden, random);
    start(net->out_bias, net->learnt, net->hidden, random);
}

/* Factors 0 (for `share` of 256) or what makes up for it. */
static void draw_factors(float *factors, size_t count, unsigned share, uint64_t *random)
{
    const float kept = 256.0f / (float)(256 - share);
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++, bits >>= 8) {
        if (i % 8 == 0)
            bits = kin_random_next(random);
        factors[i] = (bits & 0xff) < share ? 0.0f : kept;
    }
}

void kin_mlp_drop(struct mlp_batch *b, const struct embed_head *net, unsigned input_share,
                  unsigned hidden_share, uint64_t *random)
{
    draw_factors(b->keep, b->count * net->hidden, hidden_share, random);
    for (size_t r = 0; r < b->count && input_share > 0; r++) {
        float factors[64], *input = b->input + r * net->components;
        for (size_t i = 0; i < net->components; i += 64) {
            size_t n = net->components - i < 64 ? net->components - i : 64;
            draw_factors(factors, n, input_share, random);
            for (size_t j = 0; j < n; j++)
                input[i + j] *= factors[j];
        }
    }
}

/* to = from weights' + bias. */
static void layer(const float *from, size_t count, size_t width, const float *weights,
                  const float *bias, size_t out, float *to)
{
    for (size_t r = 0; r < count; r++)
        memcpy(to + r * out, bias, out * sizeof *to);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)out, (int)width, 1.0f,
                from, (int)width, weights, (int)width, 1.0f, to, (int)out);
}

static void forward(const struct embed_head *net, struct mlp_batch *b)
{
    layer(b->input, b->count, net->components, net->in, net->in_bias, net->hidden, b->active);
    for (size_t i = 0; i < b->count * net->hidden; i++)
        b->active[i] = b->active[i] > 0 ? b->active[i] * b->keep[i] : 0;
    layer(b->active, b->count, net->hidden, net->out, net->out_bias, net->learnt, b->unit);
    for (size_t r = 0; r < b->count; r++) {
        float *z = b->unit + r * net->learnt;
        b->norm[r] = fmaxf(cblas_snrm2((int)net->learnt, z, 1), norm_min);
        cblas_sscal((int)net->learnt, 1 / b->norm[r], z, 1);
    }
}

/* A row of similarities becomes the slope of the row's loss by each, times the batch's count; returns
 * the loss. */
static double contrast(const struct mlp_batch *b, size_t row)
{
    float *s = b->similar + row * b->count;
    size_t kin = 0;
    float largest = -INFINITY;
    double sum = 0, loss = 0;
    for (size_t i = 0; i < b->count; i++) {
        kin += i != row && b->label[i] == b->label[row];
        largest = i != row && s[i] > largest ? s[i] : largest;
    }
    for (size_t i = 0; i < b->count && kin > 0; i++)
        sum += i != row ? exp((double)(s[i] - largest)) : 0;
    for (size_t i = 0; i < b->count; i++) {
        bool same = i != row && b->label[i] == b->label[row];
        double share = i != row && kin > 0 ? exp((double)(s[i] - largest)) / sum : 0;
        if (same)
            loss -= ((double)(s[i] - largest) - log(sum)) / (double)kin;
        s[i] = (float)(share - (same ? 1.0 / (double)kin : 0));
    }
    return loss;
}

/* The slope by the unit outputs becomes that by the outputs before scaling: what lies along the
 * output falls away. */
static void unscale_slope(const struct embed_head *net, struct mlp_batch *b)
{
    for (size_t r = 0; r < b->count; r++) {
        const float *z = b->unit + r * net->learnt;
        float *slope = b->unit_slope + r * net->learnt;
        float along = cblas_sdot((int)net->learnt, z, 1, slope, 1);
        for (size_t i = 0; i < net->learnt; i++)
            slope[i] = (slope[i] - along * z[i]) / b->norm[r];
    }
}

/* Slopes of a layer's weights and bias from those of its outputs. */
static void layer_slope(const float *from, size_t count, size_t width, const float *out_slope,
                        size_t out, float *weights, float *bias)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)out, (int)width, (int)count, 1.0f,
                out_slope, (int)out, from, (int)width, 0.0f, weights, (int)width);
    memset(bias, 0, out * sizeof *bias);
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < out; i++)
            bias[i] += out_slope[r * out + i];
}

static void backward(const struct embed_head *net, struct mlp_batch *b)
{
    unscale_slope(net, b);
    layer_slope(b->active, b->count, net->hidden, b->unit_slope, net->learnt, b->slope->out,
                b->slope->out_bias);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)b->count, (int)net->hidden,
                (int)net->learnt, 1.0f, b->unit_slope, (int)net->learnt, net->out, (int)net->hidden,
                0.0f, b->active_slope, (int)net->hidden);
    for (size_t i = 0; i < b->count * net->hidden; i++)
        b->active_slope[i] = b->active[i] > 0 ? b->active_slope[i] * b->keep[i] : 0;
    layer_slope(b->input, b->count, net->components, b->active_slope, net->hidden, b->slope->in,
                b->slope->in_bias);
}

double kin_mlp_loss(const struct embed_head *net, float temperature, struct mlp_batch *b)
{
    const int n = (int)b->count, learnt = (int)net->learnt;
    const float scale = 1 / (temperature * (float)n);
    double loss = 0;
    forward(net, b);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, learnt, 1 / temperature, b->unit,
                learnt, b->unit, learnt, 0.0f, b->similar, n);
    for (size_t r = 0; r < b->count; r++)
        loss += contrast(b, r) / (double)n;
    /* each similarity is of two outputs: (slope + slope') unit */
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, learnt, n, scale, b->similar, n,
                b->unit, learnt, 0.0f, b->unit_slope, learnt);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, learnt, n, scale, b->similar, n,
                b->unit, learnt, 1.0f, b->unit_slope, learnt);
    backward(net, b);
    return loss;
}

kin_status kin_mlp_adam_new(const struct embed_head *net, struct mlp_adam *out, kin_error *err)
{
    *out = (struct mlp_adam){0};
    kin_status status =
        kin_embed_head_new(net->components, net->hidden, net->learnt, net->plain, &out->mean, err);
    if (status == KIN_OK)
        status = kin_embed_head_new(net->components, net->hidden, net->learnt, net->plain,
                                    &out->square, err);
    if (status != KIN_OK)
        kin_mlp_adam_release(out);
    return status;
}

void kin_mlp_adam_release(struct mlp_adam *adam)
{
    kin_embed_head_free(adam->mean);
    kin_embed_head_free(adam->square);
    *adam = (struct mlp_adam){0};
}

void kin_mlp_adam_step(struct mlp_adam *adam, const struct embed_head *slope, double rate,
                       double decay, struct embed_head *net)
{
    struct embed_head_array x[EMBED_HEAD_ARRAYS], g[EMBED_HEAD_ARRAYS], m[EMBED_HEAD_ARRAYS],
        v[EMBED_HEAD_ARRAYS];
    kin_embed_head_arrays(net, x);
    kin_embed_head_arrays(slope, g);
    kin_embed_head_arrays(adam->mean, m);
    kin_embed_head_arrays(adam->square, v);
    adam->steps++;
    const float by_mean = (float)(rate / (1 - pow(mean_decay, (double)adam->steps)));
    const float by_square = (float)(1 / (1 - pow(square_decay, (double)adam->steps)));
    const float stay = (float)(1 - rate * decay);
    const float b1 = (float)mean_decay, b2 = (float)square_decay, least = (float)square_min;
    for (size_t a = 0; a < EMBED_HEAD_ARRAYS; a++)
        for (size_t i = 0; i < x[a].count; i++) {
            float d = g[a].data[i];
            float mean = m[a].data[i] = b1 * m[a].data[i] + (1 - b1) * d;
            float square = v[a].data[i] = b2 * v[a].data[i] + (1 - b2) * d * d;
            x[a].data[i] =
                stay * x[a].data[i] - by_mean * mean / (sqrtf(square * by_square) + least);
        }
}
