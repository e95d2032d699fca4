#include "limb_planes.h"

#include "geometry.h"

const int LIMB_JOINTS[LIMBS][3] = {{13, 16, 18}, {14, 17, 19}, {-1, 1, 4}, {-1, 2, 5}};

#define TINY 1e-6

/* Of a rotation about b: X and V·b, whose quotient is the tangent of half the twist, and V. */
typedef struct {
  double along, across, vector[3];
} Twist;

typedef struct {
  Twist twist, own;
  double cosine, sine, point[2], size, azimuth;
} Limb;

static Twist twist_of(const double *r, const double *b) {
  Twist twist = {1.0 + TINY + r[0] + r[4] + r[8], 0.0, {r[7] - r[5], r[2] - r[6], r[3] - r[1]}};
  twist.across = dot(twist.vector, b);
  return twist;
}

static double angle_of(const Twist *twist) { return 2.0 * atan2(twist->across, twist->along); }

static void twist_gradient(const Twist *twist, const double *b, double *out) {
  double aside[3], x = twist->along, y = twist->across;
  cross(b, twist->vector, aside);
  for (int i = 0; i < 3; i++) out[i] = (x * (x * b[i] + aside[i]) + y * twist->vector[i]) / (x * x + y * y);
}

static double wrapped(double angle) { return angle - 2.0 * PI * nearbyint(angle / (2.0 * PI)); }

static Limb limb_of(const Planes *planes, const double rotations[JOINTS][9], int limb) {
  const int *joints = LIMB_JOINTS[limb];
  const double *upper = rotations[joints[1]], *lower = rotations[joints[2]], *b = planes->upper[limb];
  Limb out;
  if (joints[0] >= 0) {
    double both[9];
    multiply(rotations[joints[0]], upper, both);
    out.twist = twist_of(both, b);
  } else {
    out.twist = twist_of(upper, b);
  }
  out.own = twist_of(lower, b);

  // Where the lower bone points in the plane across the upper one, blended with its joint's twist.
  double angle = angle_of(&out.own), blend = planes->straight[limb], points[3];
  out.cosine = cos(angle), out.sine = sin(angle);
  turn(lower, planes->lower[limb], points);
  out.point[0] = dot(points, planes->bent[limb]) + blend * out.cosine;
  out.point[1] = dot(points, planes->across[limb]) + blend * out.sine;
  out.size = out.point[0] * out.point[0] + out.point[1] * out.point[1] + TINY;
  out.azimuth = atan2(out.point[1], out.point[0]);
  return out;
}

void limb_residual(const Planes *planes, const double rotations[JOINTS][9], double out[LIMBS]) {
  for (int i = 0; i < LIMBS; i++) {
    Limb limb = limb_of(planes, rotations, i);
    double tau = wrapped((angle_of(&limb.twist) + limb.azimuth) * planes->side[i]);
    out[i] = wrapped(limb.azimuth * planes->side[i] - planes->offset[i] - planes->share[i] * tau);
  }
}

void limb_gradient(const Planes *planes, const double rotations[JOINTS][9], double out[LIMBS][3][3]) {
  for (int i = 0; i < LIMBS; i++) {
    const int *joints = LIMB_JOINTS[i];
    Limb limb = limb_of(planes, rotations, i);
    double(*by)[3] = out[i], side = planes->side[i], share = planes->share[i];

    twist_gradient(&limb.twist, planes->upper[i], by[1]);
    for (int j = 0; j < 3; j++) by[1][j] *= -side * share;
    memset(by[0], 0, sizeof by[0]);
    if (joints[0] >= 0) turn(rotations[joints[1]], by[1], by[0]);

    double own[3], axis[3], bent[3], across[3];
    twist_gradient(&limb.own, planes->upper[i], own);
    turn_back(rotations[joints[2]], planes->bent[i], axis);
    cross(planes->lower[i], axis, bent);
    turn_back(rotations[joints[2]], planes->across[i], axis);
    cross(planes->lower[i], axis, across);
    for (int j = 0; j < 3; j++) {
      double blended = planes->straight[i] * own[j];
      double along = bent[j] - limb.sine * blended, aside = across[j] + limb.cosine * blended;
      by[2][j] = side * (1.0 - share) * (limb.point[0] * aside - limb.point[1] * along) / limb.size;
    }
  }
}
