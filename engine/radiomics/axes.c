#include "radiomics/axes.h"

#include <math.h>
#include <string.h>

enum { SWEEPS_MAX = 50, LEGENDRE_DEGREE = 20 };

/* Turns the matrix so that its entry (p, q) becomes 0. */
static void rotate(double m[3][3], int p, int q)
{
    if (m[p][q] == 0.0)
        return;
    double theta = (m[q][q] - m[p][p]) / (2.0 * m[p][q]);
    double t = (theta >= 0.0 ? 1.0 : -1.0) / (fabs(theta) + sqrt(theta * theta + 1.0));
    double c = 1.0 / sqrt(t * t + 1.0), s = t * c;
    for (int k = 0; k < 3; k++) {
        double kp = m[k][p], kq = m[k][q];
        m[k][p] = c * kp - s * kq;
        m[k][q] = s * kp + c * kq;
    }
    for (int k = 0; k < 3; k++) {
        double pk = m[p][k], qk = m[q][k];
        m[p][k] = c * pk - s * qk;
        m[q][k] = s * pk + c * qk;
    }
}

static void swap_if_less(double *a, double *b)
{
    if (*a < *b) {
        double c = *a;
        *a = *b;
        *b = c;
    }
}

void kin_symmetric_eigenvalues(const double matrix[3][3], double out[3])
{
    double m[3][3];
    memcpy(m, matrix, sizeof m);
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double off = fabs(m[0][1]) + fabs(m[0][2]) + fabs(m[1][2]);
        if (off <= 1e-15 * (fabs(m[0][0]) + fabs(m[1][1]) + fabs(m[2][2])))
            break;
        rotate(m, 0, 1);
        rotate(m, 0, 2);
        rotate(m, 1, 2);
    }
    for (int a = 0; a < 3; a++)
        out[a] = fmax(m[a][a], 0.0);
    swap_if_less(&out[0], &out[1]);
    swap_if_less(&out[1], &out[2]);
    swap_if_less(&out[0], &out[1]);
}

double kin_ellipsoid_area(double a, double b, double c)
{
    double alpha2 = 1.0 - b * b / (a * a), beta2 = 1.0 - c * c / (a * a);
    /* Terms T(n) = (alpha beta)^n P_n(x) with x = (alpha^2 + beta^2) / (2 alpha beta), by the
     * polynomials' recurrence, which needs no division by alpha beta then (0 for a sphere). */
    double half_sum = (alpha2 + beta2) / 2.0, product2 = alpha2 * beta2;
    double before = 1.0, term = half_sum, sum = 1.0;
    for (int n = 1; n <= LEGENDRE_DEGREE; n++) {
        sum += term / (1.0 - 4.0 * n * n);
        double after = ((2 * n + 1) * half_sum * term - n * product2 * before) / (n + 1);
        before = term;
        term = after;
    }
    return 4.0 * M_PI * a * b * sum;
}
