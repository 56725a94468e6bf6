/* bench_grow.h - `kindred-bench grow`: how building and searching grow with the archive. */
#ifndef KIN_BENCH_BENCH_GROW_H
#define KIN_BENCH_BENCH_GROW_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_grow_main(int argc, char **argv);

#endif
