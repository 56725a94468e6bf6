/* bench_parts.h - what the parts of a lesion's description gain. */
#ifndef KIN_BENCH_PARTS_H
#define KIN_BENCH_PARTS_H

int bench_parts_main(int argc, char **argv);

#endif
