/* bench_steady.h - `kindred-bench steady`: searches while images come in and generations change. */
#ifndef KIN_BENCH_BENCH_STEADY_H
#define KIN_BENCH_BENCH_STEADY_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_steady_main(int argc, char **argv);

#endif
