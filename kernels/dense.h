/* Dense matrices, and symmetric positive definite systems of them. */

#ifndef DENSE_H
#define DENSE_H

#include "lsmpl.h"

/* y += by (a[0] x[0] + a[1] x[1] + ...) with `rows` rows of x, in columns from `first` to `end`.

Four rows at a time, so that y is read and written a quarter as often. */
static inline void add_rows(double *restrict y, double by, const double *restrict a, int64_t a_stride,
                            const double *restrict x, int64_t x_stride, int64_t rows, int64_t first, int64_t end) {
  int64_t q = 0;
  for (; q + 4 <= rows; q += 4) {
    const double *x0 = x + q * x_stride, *x1 = x0 + x_stride, *x2 = x1 + x_stride, *x3 = x2 + x_stride;
    const double *some = a + q * a_stride;
    double a0 = by * some[0], a1 = by * some[a_stride], a2 = by * some[2 * a_stride], a3 = by * some[3 * a_stride];
    for (int64_t c = first; c < end; c++) y[c] += a0 * x0[c] + a1 * x1[c] + a2 * x2[c] + a3 * x3[c];
  }
  for (; q < rows; q++) {
    const double *x0 = x + q * x_stride, a0 = by * a[q * a_stride];
    for (int64_t c = first; c < end; c++) y[c] += a0 * x0[c];
  }
}

/* a (n,n), of which the upper triangle is read, becomes U with a = Uᵀ U. A pivot that is not positive
takes its unknown out: it will be 0. */
void factorise(double *a, int64_t n);
/* x (n,m) becomes U⁻ᵀ x, and U⁻¹ x. */
void substitute(const double *u, int64_t n, double *x, int64_t m);
void substitute_back(const double *u, int64_t n, double *x, int64_t m);
/* One over a pivot, 0 where there is none. */
double inverse(double pivot);

#endif
