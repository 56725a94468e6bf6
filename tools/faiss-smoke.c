/* Proves a FAISS build: tools/setup compiles this with -lfaiss_c -lfaiss alone and runs it.
 * It builds an index by the factory, trains and fills it, and asks for two stored vectors, each
 * of which must come back first at distance 0. Prints nothing; exit code 0 means it works. */
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <stdio.h>

enum { DIM = 32, ROWS = 2000, ASKED = 2 };

static int check(int code)
{
    if (code != 0) {
        fprintf(stderr, "faiss-smoke: %s\n", faiss_get_last_error());
    }
    return code;
}

/* A fixed sequence (Numerical Recipes' congruential generator) in [0, 1). */
static float next_value(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.0f;
}

int main(void)
{
    static float rows[ROWS * DIM];
    unsigned state = 1;
    for (int i = 0; i < ROWS * DIM; i++) {
        rows[i] = next_value(&state);
    }
    FaissIndex *index = NULL;
    /* PCA needs LAPACK, IVF needs BLAS and OpenMP: a build that lacks one fails here. */
    if (check(faiss_index_factory(&index, DIM, "PCAR32,IVF8,Flat", METRIC_L2)) ||
        check(faiss_Index_train(index, ROWS, rows)) || check(faiss_Index_add(index, ROWS, rows))) {
        return 1;
    }
    float distances[ASKED];
    idx_t labels[ASKED];
    if (check(faiss_Index_search(index, ASKED, rows, 1, distances, labels))) {
        return 1;
    }
    faiss_Index_free(index);
    for (int i = 0; i < ASKED; i++) {
        if (labels[i] != i || distances[i] > 1e-3f) {
            fprintf(stderr, "faiss-smoke: row %d came back as %lld\n", i, (long long)labels[i]);
            return 1;
        }
    }
    return 0;
}
