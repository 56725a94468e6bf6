/* bench_scan.h - `kindred-bench scan`: exact search beside the memory's bandwidth and OpenBLAS. */
#ifndef KIN_BENCH_BENCH_SCAN_H
#define KIN_BENCH_BENCH_SCAN_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_scan_main(int argc, char **argv);

#endif
