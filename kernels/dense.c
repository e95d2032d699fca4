#include "dense.h"

#include <math.h>
#include <string.h>

/* ---- Products, in tiles whose sums stay in registers ---- */

/* As many sums as registers hold beside a row of the strip and a number of a. */
#if defined(__AVX__)
enum { LANES = 4, ROWS = 5 };
#elif defined(__aarch64__)
enum { LANES = 2, ROWS = 5 };
#else
enum { LANES = 2, ROWS = 2 };
#endif
enum { VECTORS = STRIP / LANES };
typedef double Vector __attribute__((vector_size(LANES * sizeof(double)), may_alias));

/* Rows of x whose strip stays in the nearest cache. */
enum { DEPTH = 128 };

/* y (rows, columns) += by a (rows, depth) strip (depth, STRIP), of which `columns` count. */
static inline __attribute__((always_inline)) void tile(double *y, int64_t stride, double by, Matrix a,
                                                       const Vector *strip, int64_t depth, int64_t columns,
                                                       const int rows) {
  Vector sums[ROWS][VECTORS];
  memset(sums, 0, sizeof sums);
  for (int64_t q = 0; q < depth; q++)
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < VECTORS; v++) sums[r][v] += a.at[r * a.row + q * a.column] * strip[q * VECTORS + v];
  for (int r = 0; r < rows; r++) {
    double row[STRIP];
    memcpy(row, sums[r], sizeof row);
    if (columns == STRIP)
      for (int c = 0; c < STRIP; c++) y[r * stride + c] += by * row[c];
    else
      for (int64_t c = 0; c < columns; c++) y[r * stride + c] += by * row[c];
  }
}

/* The same of any number of rows. */
static void tiles(double *y, int64_t stride, double by, Matrix a, const Vector *strip, int64_t rows, int64_t depth,
                  int64_t columns) {
  int64_t r = 0;
  for (; r + ROWS <= rows; r += ROWS, y += ROWS * stride, a.at += ROWS * a.row)
    tile(y, stride, by, a, strip, depth, columns, ROWS);
  if (rows - r == 1) tile(y, stride, by, a, strip, depth, columns, 1);
  if (ROWS > 2 && rows - r == 2) tile(y, stride, by, a, strip, depth, columns, 2);
  if (ROWS > 3 && rows - r == 3) tile(y, stride, by, a, strip, depth, columns, 3);
  if (ROWS > 4 && rows - r == 4) tile(y, stride, by, a, strip, depth, columns, 4);
}

/* The strip of x (depth, columns), filled up with zeros. */
static void pack(const double *x, int64_t x_stride, int64_t depth, int64_t columns, Vector *strip) {
  double *out = (double *)strip;
  for (int64_t q = 0; q < depth; q++) {
    if (columns == STRIP)
      memcpy(out + q * STRIP, x + q * x_stride, STRIP * sizeof(double));
    else
      for (int64_t c = 0; c < STRIP; c++) out[q * STRIP + c] = c < columns ? x[q * x_stride + c] : 0.0;
  }
}

void add_product(double *y, int64_t stride, double by, Matrix a, const double *x, int64_t x_stride, int64_t rows,
                 int64_t depth, int64_t columns) {
  Vector strip[DEPTH * VECTORS];
  for (int64_t q = 0; q < depth; q += DEPTH) {
    int64_t deep = depth - q < DEPTH ? depth - q : DEPTH;
    for (int64_t c = 0; c < columns; c += STRIP) {
      int64_t wide = columns - c < STRIP ? columns - c : STRIP;
      Matrix some = {a.at + q * a.column, a.row, a.column};
      pack(x + q * x_stride + c, x_stride, deep, wide, strip);
      tiles(y + c, stride, by, some, strip, rows, deep, wide);
    }
  }
}

/* ---- Systems, STRIP rows of the factor at a time ---- */

double inverse(double pivot) { return pivot > 0.0 ? 1.0 / pivot : 0.0; }

static int64_t strip_end(int64_t first, int64_t n) { return n - first < STRIP ? n : first + STRIP; }

void factorise(double *a, int64_t n) {
  for (int64_t first = 0; first < n; first += STRIP) {
    int64_t end = strip_end(first, n);
    for (int64_t i = first; i < end; i++) {
      double *row = a + i * n;
      add_rows(row, -1.0, a + first * n + i, n, a + first * n, n, i - first, i, n);
      double by = inverse(row[i] > 0.0 ? sqrt(row[i]) : 0.0);
      for (int64_t c = i; c < n; c++) row[c] *= by;
    }

    // What is left for the rows below, strip by strip of columns down to the diagonal.
    for (int64_t c = end; c < n; c += STRIP) {
      int64_t below = strip_end(c, n);
      Matrix transposed = {a + first * n + end, 1, n};
      add_product(a + end * n + c, n, -1.0, transposed, a + first * n + c, n, below - end, end - first, below - c);
    }
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
    x[i] = (x[i] - inner(row + i + 1, x + i + 1, n - 1 - i)) * inverse(row[i]);
  }
}

/* A strip of x (n,m) that is worked on where it stays in the nearest cache, and put back. */
static void unpack(const Vector *strip, int64_t rows, int64_t columns, double *x, int64_t m) {
  const double *from = (const double *)strip;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t c = 0; c < columns; c++) x[i * m + c] = from[i * STRIP + c];
}

/* Rows of a strip, of which `beyond` (depth rows) are known already and `beside` (rows, depth) says how
they count: less these, and with the corner (rows,rows) of U where they meet solved, from the last one on
where `back`, in registers. */
static inline __attribute__((always_inline)) void solve_tile(Vector *y, Matrix beside, const Vector *beyond,
                                                             int64_t depth, const double *corner, int64_t n,
                                                             const int rows, const int back) {
  Vector sums[ROWS][VECTORS];
  memcpy(sums, y, (size_t)rows * sizeof sums[0]);
  for (int64_t q = 0; q < depth; q++)
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < VECTORS; v++) sums[r][v] -= beside.at[r * beside.row + q * beside.column] * beyond[q * VECTORS + v];
  for (int s = 0; s < rows; s++) {
    int i = back ? rows - 1 - s : s;
    double by = inverse(corner[i * n + i]);
    for (int t = 0; t < s; t++) {
      int q = back ? rows - 1 - t : t;
      for (int v = 0; v < VECTORS; v++) sums[i][v] -= corner[back ? i * n + q : q * n + i] * sums[q][v];
    }
    for (int v = 0; v < VECTORS; v++) sums[i][v] *= by;
  }
  memcpy(y, sums, (size_t)rows * sizeof sums[0]);
}

void substitute_strip(const double *u, int64_t n, double *x, int64_t m, int64_t c, int64_t from) {
  Vector strip[MOST_UNKNOWNS * VECTORS];
  int64_t wide = m - c < STRIP ? m - c : STRIP, i = from;
  pack(x + from * m + c, m, n - from, wide, strip);
  for (; i + ROWS <= n; i += ROWS) {
    Matrix above = {u + from * n + i, 1, n};
    solve_tile(strip + (i - from) * VECTORS, above, strip, i - from, u + i * n + i, n, ROWS, 0);
  }
  for (; i < n; i++) {
    Matrix above = {u + from * n + i, 1, n};
    solve_tile(strip + (i - from) * VECTORS, above, strip, i - from, u + i * n + i, n, 1, 0);
  }
  unpack(strip, n - from, wide, x + from * m + c, m);
}

static void substitute_strip_back(const double *u, int64_t n, double *x, int64_t m, int64_t c) {
  Vector strip[MOST_UNKNOWNS * VECTORS];
  int64_t wide = m - c < STRIP ? m - c : STRIP, end = n;
  pack(x + c, m, n, wide, strip);
  for (; end >= ROWS; end -= ROWS) {
    int64_t i = end - ROWS;
    Matrix beside = {u + i * n + end, n, 1};
    solve_tile(strip + i * VECTORS, beside, strip + end * VECTORS, n - end, u + i * n + i, n, ROWS, 1);
  }
  for (; end > 0; end--) {
    int64_t i = end - 1;
    Matrix beside = {u + i * n + end, n, 1};
    solve_tile(strip + i * VECTORS, beside, strip + end * VECTORS, n - end, u + i * n + i, n, 1, 1);
  }
  unpack(strip, n, wide, x + c, m);
}

void substitute(const double *u, int64_t n, double *x, int64_t m) {
  if (m == 1)
    substitute_one(u, n, x);
  else
    for (int64_t c = 0; c < m; c += STRIP) substitute_strip(u, n, x, m, c, 0);
}

void substitute_back(const double *u, int64_t n, double *x, int64_t m) {
  if (m == 1)
    substitute_one_back(u, n, x);
  else
    for (int64_t c = 0; c < m; c += STRIP) substitute_strip_back(u, n, x, m, c);
}

/* x (B,n,m) of a (B,n,n) x = right (B,n,m), which x holds at first; a is overwritten. */
PUBLIC int lsmpl_solve(int64_t count, int64_t first, int64_t end, int64_t n, int64_t m, double *a, double *x) {
  if (first < 0 || first > end || end > count || n < 0 || n > MOST_UNKNOWNS || m < 0) return BAD_SIZE;
  for (int64_t b = first; b < end; b++) {
    factorise(a + b * n * n, n);
    substitute(a + b * n * n, n, x + b * n * m, m);
    substitute_back(a + b * n * n, n, x + b * n * m, m);
  }
  return DONE;
}

/* x (B,n,m) becomes U⁻ᵀ x, of a = Uᵀ U (B,n,n), which is overwritten. */
PUBLIC int lsmpl_half_solve(int64_t count, int64_t first, int64_t end, int64_t n, int64_t m, double *a, double *x) {
  if (first < 0 || first > end || end > count || n < 0 || n > MOST_UNKNOWNS || m < 0) return BAD_SIZE;
  for (int64_t b = first; b < end; b++) {
    factorise(a + b * n * n, n);
    substitute(a + b * n * n, n, x + b * n * m, m);
  }
  return DONE;
}

/* out (B,n,m) = a (B,n,k) b (B,k,m). */
PUBLIC int lsmpl_multiply(int64_t count, int64_t first, int64_t end, int64_t n, int64_t k, int64_t m, const double *a,
                          const double *b, double *out) {
  if (first < 0 || first > end || end > count || n < 0 || k < 0 || m < 0) return BAD_SIZE;
  for (int64_t at = first; at < end; at++) {
    Matrix left = {a + at * n * k, k, 1};
    memset(out + at * n * m, 0, (size_t)(n * m) * sizeof(double));
    add_product(out + at * n * m, m, 1.0, left, b + at * k * m, m, n, k, m);
  }
  return DONE;
}
