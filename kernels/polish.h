/* Levenberg-Marquardt on the keypoint error of one pose (`lsmpl_core/solver/polish.py`). */

#ifndef POLISH_H
#define POLISH_H

#include "body.h"

/* A pose, its errors and its cost (`Evaluation`): miss (K,3), pull (69,) of the prior. */
typedef struct {
  Pose pose;
  double *miss, away[JOINTS][3], bend[BODY], pull[BODY], limbs[LIMBS], cost;
} Point;

/* What all steps of one pose go by: its number in the batch, its targets, anchor and prior. */
typedef struct {
  const Sites *sites;
  int64_t number;
  const double *positions, *weights, *anchor, *strength, *mean;
  const Prior *prior;
} Goal;

int make_point(const Model *model, Point *point);
void free_point(Point *point);

/* From rotations and trans of `*here`. The two points trade places as steps are taken; what is reached is
in `*here`. Whether the last step that was taken was negligible. */
int polish_pose(const Goal *goal, const Steps *steps, Point **here, Point **there);

#endif
