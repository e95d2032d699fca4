/* Systems that couple each frame with the next two (`lsmpl_core/solver/banded.py`).

H is factorised as Uᵀ U, frame by frame. Of frame t, U has three blocks beside each other: U(t,t), upper
triangular, U(t,t+1), full, and U(t,t+2), lower triangular in blocks of three, for H(t,t+2) is
block-diagonal and nothing before it reaches that far. */

#include <string.h>

#include "dense.h"

enum { AXES = 3 };

/* The first row of the block of three that a row is in, and the first one after it. */
static int64_t block(int64_t row) { return row / AXES * AXES; }
static int64_t after(int64_t row) { return block(row) + AXES; }

/* out (n,n) += blocks (n/3,3,3) along its diagonal. */
static void add_blocks(const double *blocks, int64_t n, double *out) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < AXES; j++) out[i * n + block(i) + j] += blocks[i * AXES + j];
}

/* x (T,n) of H x = right (T,n), which x holds at first. diagonal (T,n,n), of which the upper triangle is
read and which is overwritten; first (T-1,n/3,3,3) and second (T-2,n/3,3,3): H(t,t+1) and H(t,t+2). next
and over (T,n,n) are room, for U(t,t+1) and U(t,t+2). */
PUBLIC int lsmpl_banded(int64_t frames, int64_t n, double *diagonal, const double *first, const double *second,
                        double *x, double *next, double *over) {
  if (frames < 0 || n < 0 || n % AXES || n > MOST_UNKNOWNS || frames > MOST_POSES) return BAD_SIZE;
  int64_t square = n * n, blocks = n * AXES;
  for (int64_t t = 0; t < frames; t++) {
    double *u = diagonal + t * square, *beside = next + t * square, *far = over + t * square;

    // What is left after the two frames before were eliminated, strip by strip of columns; W is lower
    // triangular in blocks, so that a strip of it begins with the block that its first column is in.
    double *v = beside - square, *w = far - 2 * square;
    for (int64_t c = 0; c < n; c += STRIP) {
      int64_t end = n - c < STRIP ? n : c + STRIP, from = block(c);
      Matrix turned_v = {v, 1, n}, turned_w = {w + from * n, 1, n};
      if (t > 1) add_product(u + c, n, -1.0, turned_w, w + from * n + c, n, end, n - from, end - c);
      if (t > 0) add_product(u + c, n, -1.0, turned_v, v + c, n, end, n, end - c);
    }
    if (t > 1) add_rows(x + t * n, -1.0, x + (t - 2) * n, 1, w, n, n, 0, n);
    if (t > 0) add_rows(x + t * n, -1.0, x + (t - 1) * n, 1, v, n, n, 0, n);
    memset(beside, 0, (size_t)square * sizeof(double));
    memset(far, 0, (size_t)square * sizeof(double));
    if (t + 1 < frames) add_blocks(first + t * blocks, n, beside);
    if (t > 0 && t + 1 < frames)
      for (int64_t c = 0; c < n; c += STRIP) {
        int64_t end = n - c < STRIP ? n : c + STRIP, from = block(c);
        Matrix turned_v = {v + from * n, 1, n};
        add_product(beside + c, n, -1.0, turned_v, far - square + from * n + c, n, n, n - from, end - c);
      }

    // The frame's own rows of U, and of the right side.
    factorise(u, n);
    if (t + 1 < frames) substitute(u, n, beside, n);
    if (t + 2 < frames) {
      add_blocks(second + t * blocks, n, far);
      for (int64_t c = 0; c < n; c += STRIP) substitute_strip(u, n, far, n, c, block(c));
    }
    substitute(u, n, x + t * n, 1);
  }

  // And back from the last frame.
  for (int64_t t = frames - 1; t >= 0; t--) {
    for (int64_t i = 0; i < n; i++) {
      double *one = x + t * n + i;
      if (t + 1 < frames) *one -= inner(next + t * square + i * n, x + (t + 1) * n, n);
      if (t + 2 < frames) *one -= inner(over + t * square + i * n, x + (t + 2) * n, after(i));
    }
    substitute_back(diagonal + t * square, n, x + t * n, 1);
  }
  return DONE;
}

/* x (T,S) of H x = right (T,S), which x holds at first: of H the main diagonal and the three below it are
the rows of diagonals (4,T), H(t,t-k) = diagonals(k,t). Cholesky's L D Lᵀ, row by row; below (3,T) and pivots
(T,) are room for it. */
PUBLIC int lsmpl_diagonals(int64_t frames, int64_t columns, const double *diagonals, double *x, double *below,
                           double *pivots) {
  if (frames < 0 || frames > MOST_POSES || columns < 0 || columns > MOST_POSES) return BAD_SIZE;
  double *l1 = below, *l2 = below + frames, *l3 = below + 2 * frames;
  for (int64_t t = 0; t < frames; t++) {
    double a0 = diagonals[t], a1 = diagonals[frames + t], a2 = diagonals[2 * frames + t], a3 = diagonals[3 * frames + t];
    double u3 = t > 2 ? a3 : 0.0, u2 = 0.0, u1 = 0.0;
    if (t > 1) u2 = a2 - u3 * l1[t - 2];
    if (t > 0) u1 = a1 - u2 * l1[t - 1];
    if (t > 1) u1 -= u3 * l2[t - 1];
    l1[t] = t > 0 ? u1 / pivots[t - 1] : 0.0;
    l2[t] = t > 1 ? u2 / pivots[t - 2] : 0.0;
    l3[t] = t > 2 ? u3 / pivots[t - 3] : 0.0;
    pivots[t] = a0 - l1[t] * u1 - l2[t] * u2 - l3[t] * u3;
    double *row = x + t * columns;
    for (int64_t c = 0; c < columns; c++) {
      if (t > 0) row[c] -= l1[t] * row[c - columns];
      if (t > 1) row[c] -= l2[t] * row[c - 2 * columns];
      if (t > 2) row[c] -= l3[t] * row[c - 3 * columns];
    }
  }
  for (int64_t t = frames - 1; t >= 0; t--) {
    double *row = x + t * columns;
    for (int64_t c = 0; c < columns; c++) {
      row[c] /= pivots[t];
      if (t + 1 < frames) row[c] -= l1[t + 1] * row[c + columns];
      if (t + 2 < frames) row[c] -= l2[t + 2] * row[c + 2 * columns];
      if (t + 3 < frames) row[c] -= l3[t + 3] * row[c + 3 * columns];
    }
  }
  return DONE;
}
