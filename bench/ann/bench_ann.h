/* bench_ann.h - `kindred-bench ann`: recall against queries per second, Kindred beside others. */
#ifndef KIN_BENCH_ANN_H
#define KIN_BENCH_ANN_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_ann(int argc, char **argv);

#endif
