/* The terms of a pose's cost, as they add to half its Hessian (75,75), of which the upper triangle is
kept, and half its gradient (75,). */

#ifndef TERMS_H
#define TERMS_H

#include "body.h"

/* miss (K,3) of the keypoints in metres, with weights (K,). */
void add_keypoints(const Sites *sites, const Pose *pose, const double *miss, const double *weights, double *hessian,
                   double *gradient);
/* away (24,3) from the anchor in radians, which counts with `strength` (24,). */
void add_anchor(const double *strength, const double away[JOINTS][3], double *hessian, double *gradient);
void add_limbs(const Planes *planes, const double rotations[JOINTS][9], const double residual[LIMBS], double *hessian,
               double *gradient);

/* Of axis-angles bend (69,): pull = precision (bend - mean); returns what they cost. */
double prior_pull(const Prior *prior, const double *mean, const double *bend, double *pull);

#endif
