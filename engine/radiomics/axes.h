/* axes.h - the principal axes of a cloud of points. */
#ifndef KIN_RADIOMICS_AXES_H
#define KIN_RADIOMICS_AXES_H

/* Eigenvalues of a symmetric matrix, descending, by Jacobi's rotations; those below 0 by rounding
 * are 0. */
void kin_symmetric_eigenvalues(const double matrix[3][3], double out[3]);

/* The area of an ellipsoid with semi-axes a >= b >= c > 0 by the manual's series of Legendre
 * polynomials (RDD2), up to degree 20.  Its eccentricities are those of b and c against a; the true
 * area's would be those of c against a and b (Keller 1979), and 4% larger for the digital phantom.
 * The published values are the manual's. */
double kin_ellipsoid_area(double a, double b, double c);

#endif
