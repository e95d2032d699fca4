/* Levenberg-Marquardt on the keypoint error of each of B poses (`lsmpl_core/solver/polish.py`).

Unknowns are in the order of the joints here, three of each, the translation last; that is the order
of the prior's axis-angles, too. Of Hessians the upper triangle is kept. */

#include <stdlib.h>

#include "dense.h"
#include "geometry.h"
#include "limb_planes.h"
#include "polish.h"
#include "terms.h"

#define WORTH_ANOTHER 0.02
#define KEPT_PROMISE 0.25
#define AFTER_REFUSAL 1e-4

int make_point(const Model *model, Point *point) {
  point->miss = calloc(3 * (size_t)model->keypoints + 1, sizeof(double));
  int failure = make_pose(model, &point->pose);
  return point->miss ? failure : NO_MEMORY;
}

void free_point(Point *point) {
  free(point->miss);
  free_pose(&point->pose);
}

static void evaluate(const Goal *goal, Point *point) {
  const Model *model = goal->sites->model;
  Pose *pose = &point->pose;
  double cost = 0.0, relative[9];
  for (int64_t k = 0; k < model->keypoints; k++) {
    double *miss = point->miss + 3 * k;
    for (int i = 0; i < 3; i++) miss[i] = pose->keypoints[3 * k + i] - goal->positions[3 * k + i];
    cost += goal->weights[k] * dot(miss, miss);
  }
  for (int joint = 0; joint < JOINTS; joint++) {
    multiply_transposed(goal->anchor + 9 * joint, pose->rotations[joint], relative);
    log_map(relative, point->away[joint]);
    cost += goal->strength[joint] * dot(point->away[joint], point->away[joint]);
  }
  if (goal->prior) {
    for (int joint = 1; joint < JOINTS; joint++) log_map(pose->rotations[joint], point->bend + 3 * (joint - 1));
    cost += prior_pull(goal->prior, goal->mean, point->bend, point->pull);
    if (goal->prior->planes) {
      limb_residual(goal->prior->planes, (const double(*)[9])pose->rotations, point->limbs);
      for (int i = 0; i < LIMBS; i++) cost += goal->prior->planes->precision[i] * point->limbs[i] * point->limbs[i];
    }
  }
  point->cost = cost;
}

/* Half the damped Hessian (75,75) and half the gradient (75,). */
static void normal_equations(const Goal *goal, const Point *point, double damping, double *hessian, double *gradient) {
  const double(*rotations)[9] = (const double(*)[9])point->pose.rotations;
  memset(hessian, 0, UNKNOWNS * UNKNOWNS * sizeof(double));
  memset(gradient, 0, UNKNOWNS * sizeof(double));
  add_keypoints(goal->sites, &point->pose, point->miss, goal->weights, hessian, gradient);
  add_anchor(goal->strength, point->away, hessian, gradient);
  if (goal->prior) {
    // A step of a joint is taken for the same step of its axis-angle in the Hessian, not in the gradient.
    const double *precision = goal->prior->precision;
    for (int i = 0; i < BODY; i++)
      for (int j = i; j < BODY; j++) hessian[(3 + i) * UNKNOWNS + 3 + j] += precision[i * BODY + j];
    for (int joint = 0; joint < BODY_JOINTS; joint++) {
      double jacobian[9], pull[3];
      right_jacobian_inverse(point->bend + 3 * joint, jacobian);
      turn_back(jacobian, point->pull + 3 * joint, pull);
      for (int i = 0; i < 3; i++) gradient[3 + 3 * joint + i] += pull[i];
    }
    if (goal->prior->planes) add_limbs(goal->prior->planes, rotations, point->limbs, hessian, gradient);
  }
  for (int i = 0; i < UNKNOWNS; i++) hessian[i * UNKNOWNS + i] += damping;
}

/* `there` after a step of -hessian⁻¹ gradient from `here`; both are overwritten. Returns what the linear model
promises that it gains. */
static double move(const Goal *goal, const Point *here, double *hessian, double *step, double damping, Point *there) {
  double by[9];
  factorise(hessian, UNKNOWNS);
  substitute(hessian, UNKNOWNS, step, 1);
  double promised = inner(step, step, UNKNOWNS);
  substitute_back(hessian, UNKNOWNS, step, 1);
  promised += damping * inner(step, step, UNKNOWNS);
  for (int i = 0; i < UNKNOWNS; i++) step[i] = -step[i];
  for (int joint = 0; joint < JOINTS; joint++) {
    exp_map(step + 3 * joint, by);
    multiply(here->pose.rotations[joint], by, there->pose.rotations[joint]);
  }
  for (int i = 0; i < 3; i++) there->pose.trans[i] = here->pose.trans[i] + step[3 * JOINTS + i];
  place(goal->sites, goal->number, &there->pose);
  evaluate(goal, there);
  return promised;
}

/* Whether keypoints are missed by more than `enough` in each axis, root mean square. */
static int missed(const Goal *goal, const Point *point, double enough) {
  double sum = 0.0, total = 0.0;
  for (int64_t k = 0; k < goal->sites->model->keypoints; k++) {
    sum += goal->weights[k] * dot(point->miss + 3 * k, point->miss + 3 * k);
    total += goal->weights[k];
  }
  return sum / (3.0 * total + 1e-9) > enough * enough;
}

int polish_pose(const Goal *goal, const Steps *steps, Point **here, Point **there) {
  double hessian[UNKNOWNS * UNKNOWNS], step[UNKNOWNS], damping = steps->damping;
  int converged = 0, going = 0;
  place(goal->sites, goal->number, &(*here)->pose);
  evaluate(goal, *here);
  for (int64_t done = 0; done < steps->steps + (steps->steps ? steps->more : 0); done++) {
    if (converged || (done >= steps->steps && !(going && missed(goal, *here, steps->enough)))) break;
    normal_equations(goal, *here, damping, hessian, step);
    double promised = move(goal, *here, hessian, step, damping, *there), gain = (*here)->cost - (*there)->cost;
    converged = promised < steps->tolerance;
    going = promised > WORTH_ANOTHER * (*here)->cost;
    if (gain > KEPT_PROMISE * promised) damping *= 0.3;
    else if (!(gain > 0.0)) damping = fmax(10.0 * damping, AFTER_REFUSAL);
    if (gain > 0.0) {
      Point *last = *here;
      *here = *there;
      *there = last;
    }
  }
  return converged;
}

/* Of `count` poses those from `first` to `end`: state is read (rotations and trans) and written; cost
(B,) in m², converged (B,). */
PUBLIC int lsmpl_polish(int64_t count, int64_t first, int64_t end, const Model *model, const State *state, const Targets *targets,
                        const Anchor *anchor, const Prior *prior, const Steps *steps, double *cost,
                        uint8_t *converged) {
  if (first < 0 || first > end || end > count) return BAD_SIZE;
  Sites sites;
  Point points[2] = {0}, *here = &points[0], *there = &points[1];
  int failure = make_sites(model, count, &sites);
  if (!failure && ((anchor->rows != 1 && anchor->rows != count) || (prior && prior->rows != 1 && prior->rows != count)))
    failure = BAD_SIZE;
  if (!failure) failure = make_point(model, here);
  if (!failure) failure = make_point(model, there);
  for (int64_t b = first; b < end && !failure; b++) {
    Goal goal = {&sites, b};
    goal.positions = targets->positions + b * 3 * model->keypoints;
    goal.weights = targets->weights + b * model->keypoints;
    goal.anchor = anchor->rotations + b * JOINTS * 9;
    goal.strength = anchor->weights + (anchor->rows == 1 ? 0 : b) * JOINTS;
    goal.mean = prior ? prior->mean + (prior->rows == 1 ? 0 : b) * BODY : 0;
    goal.prior = prior;
    read_pose(state, b, &here->pose);
    converged[b] = (uint8_t)polish_pose(&goal, steps, &here, &there);
    cost[b] = here->cost;
    write_pose(model, &here->pose, b, state);
  }
  free_point(&points[0]);
  free_point(&points[1]);
  free_sites(&sites);
  return failure;
}
