#include "dense.h"

#include <math.h>
#include <string.h>

double inverse(double pivot) { return pivot > 0.0 ? 1.0 / pivot : 0.0; }

void factorise(double *a, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double *row = a + i * n;
    add_rows(row, -1.0, a + i, n, a, n, i, i, n);
    double by = inverse(row[i] > 0.0 ? sqrt(row[i]) : 0.0);
    for (int64_t c = i; c < n; c++) row[c] *= by;
  }
}

/* The same of a single column, by the rows of U, which lie in memory as they are read. */
static void substitute_one(const double *u, int64_t n, double *restrict x) {
  for (int64_t i = 0; i < n; i++) {
    const double *restrict row = u + i * n;
    double by = x[i] * inverse(row[i]);
    x[i] = by;
    for (int64_t c = i + 1; c < n; c++) x[c] -= by * row[c];
  }
}

static void substitute_one_back(const double *u, int64_t n, double *x) {
  for (int64_t i = n - 1; i >= 0; i--) {
    const double *row = u + i * n;
    double sums[4] = {x[i], 0.0, 0.0, 0.0};
    for (int64_t c = i + 1; c < n; c++) sums[c & 3] -= row[c] * x[c];
    x[i] = (sums[0] + sums[1] + (sums[2] + sums[3])) * inverse(row[i]);
  }
}

void substitute(const double *u, int64_t n, double *x, int64_t m) {
  if (m == 1) {
    substitute_one(u, n, x);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    double *row = x + i * m, by = inverse(u[i * n + i]);
    add_rows(row, -1.0, u + i, n, x, m, i, 0, m);
    for (int64_t c = 0; c < m; c++) row[c] *= by;
  }
}

void substitute_back(const double *u, int64_t n, double *x, int64_t m) {
  if (m == 1) {
    substitute_one_back(u, n, x);
    return;
  }
  for (int64_t i = n - 1; i >= 0; i--) {
    double *row = x + i * m, by = inverse(u[i * n + i]);
    add_rows(row, -1.0, u + i * n + i + 1, 1, row + m, m, n - 1 - i, 0, m);
    for (int64_t c = 0; c < m; c++) row[c] *= by;
  }
}

/* x (B,n,m) of a (B,n,n) x = right (B,n,m), which x holds at first; a is overwritten. */
PUBLIC int lsmpl_solve(int64_t count, int64_t first, int64_t end, int64_t n, int64_t m, double *a, double *x) {
  if (first < 0 || first > end || end > count || n < 0 || m < 0) return BAD_SIZE;
  for (int64_t b = first; b < end; b++) {
    factorise(a + b * n * n, n);
    substitute(a + b * n * n, n, x + b * n * m, m);
    substitute_back(a + b * n * n, n, x + b * n * m, m);
  }
  return DONE;
}

/* out (B,n,m) = a (B,n,k) b (B,k,m). */
PUBLIC int lsmpl_multiply(int64_t count, int64_t first, int64_t end, int64_t n, int64_t k, int64_t m, const double *a,
                          const double *b, double *out) {
  if (first < 0 || first > end || end > count || n < 0 || k < 0 || m < 0) return BAD_SIZE;
  for (int64_t at = first; at < end; at++)
    for (int64_t i = 0; i < n; i++) {
      double *row = out + (at * n + i) * m;
      memset(row, 0, (size_t)m * sizeof(double));
      add_rows(row, 1.0, a + (at * n + i) * k, 1, b + at * k * m, m, k, 0, m);
    }
  return DONE;
}
