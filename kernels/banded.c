/* Systems that couple each frame with the next two (`lsmpl_core/solver/banded.py`).

H is factorised as Uᵀ U, frame by frame. Of frame t, U has three blocks beside each other: U(t,t), upper
triangular, U(t,t+1), full, and U(t,t+2), lower triangular in blocks of three, for H(t,t+2) is
block-diagonal and nothing before it reaches that far. */

#include <stdlib.h>
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

/* x (n,n), lower triangular in blocks of three, becomes U⁻ᵀ x, which is that, too. */
static void substitute_lower(const double *u, int64_t n, double *x) {
  for (int64_t i = 0; i < n; i++) {
    double *row = x + i * n, by = inverse(u[i * n + i]);
    add_rows(row, -1.0, u + i, n, x, n, i, 0, after(i));
    for (int64_t c = 0; c < after(i); c++) row[c] *= by;
  }
}

/* x (T,n) of H x = right (T,n), which x holds at first. diagonal (T,n,n), of which the upper triangle is
read and which is overwritten; first (T-1,n/3,3,3) and second (T-2,n/3,3,3): H(t,t+1) and H(t,t+2). */
PUBLIC int lsmpl_banded(int64_t frames, int64_t n, double *diagonal, const double *first, const double *second,
                        double *x) {
  if (frames < 0 || n < 0 || n % AXES || n > MOST_PARTS || frames > MOST_POSES) return BAD_SIZE;
  int64_t square = n * n, blocks = n * AXES;
  double *next = calloc((size_t)(frames * square) + 1, sizeof(double));
  double *over = calloc((size_t)(frames * square) + 1, sizeof(double));
  double *turned = malloc((size_t)square * sizeof(double) + 1);
  int failure = next && over && turned ? DONE : NO_MEMORY;

  for (int64_t t = 0; t < frames && !failure; t++) {
    double *u = diagonal + t * square, *beside = next + t * square, *far = over + t * square;

    // What is left after the two frames before were eliminated.
    if (t > 1)
      for (int64_t i = 0; i < n; i++) {
        const double *w = far - 2 * square + block(i) * n;
        add_rows(u + i * n, -1.0, w + i, n, w, n, n - block(i), i, n);
        add_rows(x + t * n + i, -1.0, x + (t - 2) * n + block(i), 1, w + i, n, n - block(i), 0, 1);
      }
    if (t > 0)
      for (int64_t i = 0; i < n; i++) {
        const double *v = beside - square;
        add_rows(u + i * n, -1.0, v + i, n, v, n, n, i, n);
        add_rows(x + t * n + i, -1.0, x + (t - 1) * n, 1, v + i, n, n, 0, 1);
      }
    if (t + 1 < frames) add_blocks(first + t * blocks, n, beside);
    if (t > 0 && t + 1 < frames) {
      memset(turned, 0, (size_t)square * sizeof(double));
      for (int64_t c = 0; c < n; c++) {
        const double *w = far - square + block(c) * n, *v = beside - square + block(c) * n;
        add_rows(turned + c * n, -1.0, w + c, n, v, n, n - block(c), 0, n);
      }
      for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < n; c++) beside[i * n + c] += turned[c * n + i];
    }

    // The frame's own rows of U, and of the right side.
    factorise(u, n);
    if (t + 1 < frames) substitute(u, n, beside, n);
    if (t + 2 < frames) {
      add_blocks(second + t * blocks, n, far);
      substitute_lower(u, n, far);
    }
    substitute(u, n, x + t * n, 1);
  }

  // And back from the last frame.
  for (int64_t t = frames - 1; t >= 0 && !failure; t--) {
    for (int64_t i = 0; i < n; i++) {
      double *one = x + t * n + i;
      if (t + 1 < frames) add_rows(one, -1.0, next + t * square + i * n, 1, x + (t + 1) * n, 1, n, 0, 1);
      if (t + 2 < frames) add_rows(one, -1.0, over + t * square + i * n, 1, x + (t + 2) * n, 1, after(i), 0, 1);
    }
    substitute_back(diagonal + t * square, n, x + t * n, 1);
  }
  free(next);
  free(over);
  free(turned);
  return failure;
}
