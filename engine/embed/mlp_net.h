/* mlp_net.h - one step of learning a head with a hidden layer; private to this folder and its
 * tests. */
#ifndef KIN_EMBED_MLP_NET_H
#define KIN_EMBED_MLP_NET_H

#include <stdint.h>

#include "embed/head.h"

/* Room for a batch: what the forward pass leaves for the backward one. */
struct mlp_batch {
    size_t room, count;       /* rows: at most; now */
    float *input;             /* [room][components], with dropout */
    float *keep;              /* [room][hidden]: 0, or what dropout scales by */
    float *active;            /* [room][hidden] */
    float *unit, *norm;       /* [room][learnt] of unit length; [room]: their lengths before */
    float *similar;           /* [room][room] */
    float *unit_slope;        /* [room][learnt]: of the loss; then by the outputs before scaling */
    float *active_slope;      /* [room][hidden] */
    int *label;               /* [room] */
    struct embed_head *slope; /* of the loss by each parameter */
};

kin_status kin_mlp_batch_new(const struct embed_head *net, size_t room, struct mlp_batch **out,
                             kin_error *err);
void kin_mlp_batch_free(struct mlp_batch *batch);

/* Makes the layers' first weights, uniform within 1 / sqrt(width before the layer). */
void kin_mlp_start(struct embed_head *net, uint64_t *random);

/* Drops inputs and hidden units at random and scales up those that stay (Srivastava et al., 2014):
 * shares in 256ths.  Without it every one is kept: shares of 0. */
void kin_mlp_drop(struct mlp_batch *batch, const struct embed_head *net, unsigned input_share,
                  unsigned hidden_share, uint64_t *random);

/*
 * The supervised contrastive loss (Khosla et al., 2020, L_out) of the batch's input and labels, and
 * its slope by every parameter in batch->slope: with unit outputs z and temperature t, a row's is
 *     the mean over its class's other rows p of -log(exp(z z_p / t) / sum over others of exp(z z_a / t))
 * and the loss the mean over rows; rows alone in their class count as zero.
 */
double kin_mlp_loss(const struct embed_head *net, float temperature, struct mlp_batch *batch);

/* Adam with decoupled weight decay (Kingma and Ba, 2015; Loshchilov and Hutter, 2019). */
struct mlp_adam {
    struct embed_head *mean, *square;
    size_t steps;
};
kin_status kin_mlp_adam_new(const struct embed_head *net, struct mlp_adam *out, kin_error *err);
void kin_mlp_adam_release(struct mlp_adam *adam);
void kin_mlp_adam_step(struct mlp_adam *adam, const struct embed_head *slope, double rate,
                       double decay, struct embed_head *net);

#endif
