/* bench_serve.h - `kindred-bench serve`: searches through gRPC, by how many clients, how fast. */
#ifndef KIN_BENCH_SERVE_H
#define KIN_BENCH_SERVE_H

/* Arguments after the subcommand; returns the program's exit status. */
int bench_serve(int argc, char **argv);

#endif
