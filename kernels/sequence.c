/* What each frame adds to the normal equations of a whole sequence
(`lsmpl_core/solver/sequence_optimisation.py`). */

#include <stdlib.h>

#include "geometry.h"
#include "limb_planes.h"
#include "terms.h"

/* The prior without the polish's short cut: a step v of a joint changes its axis-angle e by Jr⁻¹(e) v. */
static void add_prior(const Prior *prior, const double *mean, const Pose *pose, double *hessian, double *gradient) {
  double bend[BODY], pull[BODY], jacobians[BODY_JOINTS][9];
  for (int joint = 0; joint < BODY_JOINTS; joint++) {
    log_map(pose->rotations[joint + 1], bend + 3 * joint);
    right_jacobian_inverse(bend + 3 * joint, jacobians[joint]);
  }
  prior_pull(prior, mean, bend, pull);
  for (int a = 0; a < BODY_JOINTS; a++) {
    double turned[3];
    turn_back(jacobians[a], pull + 3 * a, turned);
    for (int i = 0; i < 3; i++) gradient[3 + 3 * a + i] += turned[i];
    for (int b = a; b < BODY_JOINTS; b++) {
      double part[9], half[9], whole[9];
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) part[3 * i + j] = prior->precision[(3 * a + i) * BODY + 3 * b + j];
      multiply_transposed(jacobians[a], part, half);
      multiply(half, jacobians[b], whole);
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) hessian[(3 + 3 * a + i) * UNKNOWNS + 3 + 3 * b + j] += whole[3 * i + j];
    }
  }
}

/* Where a frame's terms come from, and go: room for the misses (K,3) and how much each counts (K,) besides. */
typedef struct {
  const Targets *targets;
  const Anchor *anchor;
  const Prior *prior;
  const double *outlier;
  double *miss, *weights, *hessians, *gradients;
} Terms;

/* The misses of frame b, and how much they count: outliers do little (Geman and McClure). */
static void look(const Terms *terms, const Pose *pose, int64_t K, int64_t b) {
  const double *positions = terms->targets->positions + b * 3 * K, *outlier = terms->outlier + b * K;
  for (int64_t k = 0; k < K; k++) {
    double *miss = terms->miss + 3 * k;
    for (int i = 0; i < 3; i++) miss[i] = pose->keypoints[3 * k + i] - positions[3 * k + i];
    double near = 1.0 + dot(miss, miss) / (outlier[k] * outlier[k]);
    terms->weights[k] = terms->targets->weights[b * K + k] / (near * near);
  }
}

static void add_terms(const Sites *sites, const Pose *pose, int64_t b, void *context) {
  const Terms *terms = context;
  const Anchor *anchor = terms->anchor;
  const Prior *prior = terms->prior;
  int64_t K = sites->model->keypoints;
  const double(*rotations)[9] = (const double(*)[9])pose->rotations;
  double *hessian = terms->hessians + b * UNKNOWNS * UNKNOWNS, *gradient = terms->gradients + b * UNKNOWNS;
  double relative[9], away[JOINTS][3], limbs[LIMBS];
  memset(hessian, 0, UNKNOWNS * UNKNOWNS * sizeof(double));
  memset(gradient, 0, UNKNOWNS * sizeof(double));

  look(terms, pose, K, b);
  add_keypoints(sites, pose, terms->miss, terms->weights, hessian, gradient);
  for (int joint = 0; joint < JOINTS; joint++) {
    multiply_transposed(anchor->rotations + (b * JOINTS + joint) * 9, rotations[joint], relative);
    log_map(relative, away[joint]);
  }
  add_anchor(anchor->weights + (anchor->rows == 1 ? 0 : b) * JOINTS, (const double(*)[3])away, hessian, gradient);
  add_prior(prior, prior->mean + (prior->rows == 1 ? 0 : b) * BODY, pose, hessian, gradient);
  if (prior->planes) {
    limb_residual(prior->planes, rotations, limbs);
    add_limbs(prior->planes, rotations, limbs, hessian, gradient);
  }
  for (int i = 0; i < UNKNOWNS; i++)
    for (int j = 0; j < i; j++) hessian[i * UNKNOWNS + j] = hessian[j * UNKNOWNS + i];
}

/* Of `count` frames those from `first` to `end`, whose rotations and trans are read: half the Hessians
(B,75,75) and half the gradients (B,75), joint by joint and then the translation. outlier (B,K): metres by which
keypoints are missed that count a quarter. */
PUBLIC int lsmpl_normal_equations(int64_t count, int64_t first, int64_t end, const Model *model, const State *state,
                                  const Targets *targets, const Anchor *anchor, const Prior *prior,
                                  const double *outlier, double *hessians, double *gradients) {
  if ((anchor->rows != 1 && anchor->rows != count) || (prior->rows != 1 && prior->rows != count)) return BAD_SIZE;
  if (model->keypoints < 0 || model->keypoints > MOST_KEYPOINTS) return BAD_SIZE;
  double *room = calloc(4 * (size_t)model->keypoints + 1, sizeof(double));
  Terms terms = {targets, anchor, prior, outlier, room, room + 3 * model->keypoints, hessians, gradients};
  int failure = room ? for_each(count, first, end, model, state, add_terms, &terms) : NO_MEMORY;
  free(room);
  return failure;
}
