/* kindred-bench: measurements that anyone can run again. */
#include <stdio.h>
#include <string.h>

#include "bench_ann.h"
#include "bench_filter.h"
#include "bench_grow.h"
#include "bench_ingest.h"
#include "bench_parts.h"
#include "bench_quality.h"
#include "bench_scan.h"
#include "bench_serve.h"
#include "bench_steady.h"
#include "bench_vectors.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"ann", "recall against queries per second, beside hnswlib and FAISS", bench_ann},
    {"filter", "searches under conditions, beside hnswlib's and FAISS's filters",
     bench_filter_main},
    {"grow", "build, memory and searches over growing sets, and the exponents", bench_grow_main},
    {"ingest", "images per second by stage, beside DCMTK's bare decoding", bench_ingest},
    {"parts", "what lesion, ring and whole image give to the search for lesions", bench_parts_main},
    {"quality", "how good retrieval is, on every labelled set, by every model and extractor",
     bench_quality_main},
    {"scan", "exact search beside the memory's bandwidth and OpenBLAS", bench_scan_main},
    {"serve", "searches through gRPC by 1, 4 and 16 clients, also while the archive changes",
     bench_serve},
    {"steady", "searches in one process, idle, beside inserts and across swaps; opening",
     bench_steady_main},
    {"vectors", "makes sets of vectors for the others: embeddings of views of real images",
     bench_vectors},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "usage: kindred-bench COMMAND …\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(stderr, "  %-10s %s\n", commands[i].name, commands[i].help);
    return 2;
}
