/* bench_filter.h - `kindred-bench filter`: searches under conditions, beside others' filters. */
#ifndef KIN_BENCH_BENCH_FILTER_H
#define KIN_BENCH_BENCH_FILTER_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_filter_main(int argc, char **argv);

#endif
