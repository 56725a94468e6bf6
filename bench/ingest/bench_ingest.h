/* bench_ingest.h - `kindred-bench ingest`: images per second, and where the time goes. */
#ifndef KIN_BENCH_INGEST_H
#define KIN_BENCH_INGEST_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_ingest(int argc, char **argv);

#endif
