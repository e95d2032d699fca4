/* Dense matrices, and symmetric positive definite systems of them. */

#ifndef DENSE_H
#define DENSE_H

#include "lsmpl.h"

/* Columns that are worked on at once, rows that a factor is made by, and how large a system may be. */
enum { STRIP = 8, MOST_UNKNOWNS = 512 };

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

/* a[0] b[0] + a[1] b[1] + ..., in sums that run side by side. */
static inline double inner(const double *restrict a, const double *restrict b, int64_t n) {
  double sums[8] = {0.0}, rest = 0.0;
  int64_t c = 0;
  for (; c + 8 <= n; c += 8)
    for (int i = 0; i < 8; i++) sums[i] += a[c + i] * b[c + i];
  for (; c < n; c++) rest += a[c] * b[c];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest;
}

/* A matrix as it lies in memory: where its first number is, and how far it is to the next row and to
the next column. A transposed one has them the other way round. */
typedef struct {
  const double *at;
  int64_t row, column;
} Matrix;

/* y (rows, columns), whose rows are `stride` apart, += by a (rows, depth) x (depth, columns), where the
columns of x lie beside each other. No two of them overlap. */
void add_product(double *y, int64_t stride, double by, Matrix a, const double *x, int64_t x_stride, int64_t rows,
                 int64_t depth, int64_t columns);

/* a (n,n), of which the upper triangle is read, becomes U with a = Uᵀ U. A pivot that is not positive
takes its unknown out: it will be 0. What is below the diagonal means nothing afterwards. */
void factorise(double *a, int64_t n);
/* x (n,m) becomes U⁻ᵀ x, and U⁻¹ x; n is MOST_UNKNOWNS at most. */
void substitute(const double *u, int64_t n, double *x, int64_t m);
void substitute_back(const double *u, int64_t n, double *x, int64_t m);
/* The same as `substitute` of a strip of columns, from c on, which is zero above row `from`. */
void substitute_strip(const double *u, int64_t n, double *x, int64_t m, int64_t c, int64_t from);
/* One over a pivot, 0 where there is none. */
double inverse(double pivot);

#endif
