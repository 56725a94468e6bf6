/* bench_quality.h - how good retrieval is on every labelled set, by every model and extractor. */
#ifndef KIN_BENCH_QUALITY_H
#define KIN_BENCH_QUALITY_H

int bench_quality_main(int argc, char **argv);

#endif
