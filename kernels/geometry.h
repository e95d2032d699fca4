/* Vectors and rotations, as in `lsmpl_core/rotation.py`, which has the sources of the formulas.
Matrices are nine numbers, row by row. */

#ifndef GEOMETRY_H
#define GEOMETRY_H

#include <math.h>
#include <string.h>

#define SMALL_SQUARED 1e-12
#define NEAR_HALF_TURN (-0.95)
#define PI 3.14159265358979323846

static inline double dot(const double *a, const double *b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void cross(const double *a, const double *b, double *out) {
  double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
  out[0] = x;
  out[1] = y;
}

/* out = r v */
static inline void turn(const double *r, const double *v, double *out) {
  double x = dot(r, v), y = dot(r + 3, v), z = dot(r + 6, v);
  out[0] = x, out[1] = y, out[2] = z;
}

/* out = rᵀ v */
static inline void turn_back(const double *r, const double *v, double *out) {
  double x = r[0] * v[0] + r[3] * v[1] + r[6] * v[2];
  double y = r[1] * v[0] + r[4] * v[1] + r[7] * v[2];
  double z = r[2] * v[0] + r[5] * v[1] + r[8] * v[2];
  out[0] = x, out[1] = y, out[2] = z;
}

/* out = a b; out is none of them */
static inline void multiply(const double *a, const double *b, double *out) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
}

/* out = aᵀ b; out is none of them */
static inline void multiply_transposed(const double *a, const double *b, double *out) {
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      out[3 * i + j] = a[i] * b[j] + a[3 + i] * b[3 + j] + a[6 + i] * b[6 + j];
}

/* out = 1 + a K + b K², K the matrix of v × */
static inline void series(const double *v, double a, double b, double *out) {
  double x = v[0], y = v[1], z = v[2], square = dot(v, v);
  out[0] = 1.0 + b * (x * x - square), out[1] = b * x * y - a * z, out[2] = b * x * z + a * y;
  out[3] = b * x * y + a * z, out[4] = 1.0 + b * (y * y - square), out[5] = b * y * z - a * x;
  out[6] = b * x * z - a * y, out[7] = b * y * z + a * x, out[8] = 1.0 + b * (z * z - square);
}

static inline void exp_map(const double *v, double *out) {
  double square = dot(v, v);
  if (square < SMALL_SQUARED) {
    series(v, 1.0 - square / 6.0, 0.5 - square / 24.0, out);
    return;
  }
  double angle = sqrt(square);
  series(v, sin(angle) / angle, (1.0 - cos(angle)) / square, out);
}

/* exp(v + d) = exp(v) exp(Jr d), for small d */
static inline void right_jacobian(const double *v, double *out) {
  double square = dot(v, v), angle = sqrt(square);
  if (square < SMALL_SQUARED)
    series(v, square / 24.0 - 0.5, 1.0 / 6.0 - square / 120.0, out);
  else
    series(v, (cos(angle) - 1.0) / square, (angle - sin(angle)) / (square * angle), out);
}

/* d log(exp(v) exp(d)) / d d at d = 0 */
static inline void right_jacobian_inverse(const double *v, double *out) {
  double square = dot(v, v), half = 0.5 * sqrt(square);
  double c = square < SMALL_SQUARED ? 1.0 / 12.0 + square / 720.0
                                    : (1.0 - half * cos(half) / sin(half)) / square;
  series(v, 0.5, c, out);
}

/* Near half a turn, by way of the quaternion: the row of its products that is largest. */
static inline void log_map_by_quaternion(const double *r, double *out) {
  double rows[4][4] = {
      {1.0 + r[0] + r[4] + r[8], r[7] - r[5], r[2] - r[6], r[3] - r[1]},
      {r[7] - r[5], 1.0 + r[0] - r[4] - r[8], r[1] + r[3], r[2] + r[6]},
      {r[2] - r[6], r[1] + r[3], 1.0 - r[0] + r[4] - r[8], r[5] + r[7]},
      {r[3] - r[1], r[2] + r[6], r[5] + r[7], 1.0 - r[0] - r[4] + r[8]},
  };
  int best = 0;
  for (int i = 1; i < 4; i++)
    if (rows[i][i] > rows[best][best]) best = i;
  const double *q = rows[best];
  double size = sqrt(q[0] * q[0] + dot(q + 1, q + 1));
  size = q[0] < 0.0 ? -size : size;
  double w = q[0] / size, v[3] = {q[1] / size, q[2] / size, q[3] / size};
  double square = dot(v, v), norm = sqrt(square);
  double factor = square < SMALL_SQUARED ? 2.0 / w : 2.0 * atan2(norm, w) / norm;
  for (int i = 0; i < 3; i++) out[i] = factor * v[i];
}

static inline void log_map(const double *r, double *out) {
  double cosine = 0.5 * (r[0] + r[4] + r[8] - 1.0);
  if (!(cosine >= NEAR_HALF_TURN)) {
    log_map_by_quaternion(r, out);
    return;
  }
  double v[3] = {0.5 * (r[7] - r[5]), 0.5 * (r[2] - r[6]), 0.5 * (r[3] - r[1])};
  double square = dot(v, v), sine = sqrt(square);
  double factor = square < SMALL_SQUARED ? 1.0 + square / 6.0 : atan2(sine, cosine) / sine;
  for (int i = 0; i < 3; i++) out[i] = factor * v[i];
}

/* The rotation whose first columns two vectors roughly are, by Gram-Schmidt. */
static inline void from_columns(const double *first, const double *second, double *out) {
  double x[3], y[3], z[3], size = sqrt(dot(first, first));
  for (int i = 0; i < 3; i++) x[i] = first[i] / size;
  double along = dot(x, second);
  for (int i = 0; i < 3; i++) y[i] = second[i] - along * x[i];
  size = sqrt(dot(y, y));
  for (int i = 0; i < 3; i++) y[i] /= size;
  cross(x, y, z);
  for (int i = 0; i < 3; i++) out[3 * i] = x[i], out[3 * i + 1] = y[i], out[3 * i + 2] = z[i];
}

#endif
