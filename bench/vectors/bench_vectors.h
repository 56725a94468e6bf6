/* bench_vectors.h - `kindred-bench vectors`: sets of embeddings of real images, for the others. */
#ifndef KIN_BENCH_BENCH_VECTORS_H
#define KIN_BENCH_BENCH_VECTORS_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_vectors(int argc, char **argv);

#endif
