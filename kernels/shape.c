/* What another shape, or sites elsewhere, would explain of keypoints that no other pose explains
(`lsmpl_core/solver/shape_equations.py`). */

#include <stdlib.h>

#include "dense.h"
#include "geometry.h"
#include "terms.h"

enum { MOST_BETAS = 32 };

/* What all frames go by, and room for one: its pose's Hessian; how each coordinate of a keypoint changes
with the betas, by_betas (K,3,D); all columns (75, D + 3 K) of how the poses pull along with betas and
sites, and of these the free ones (75,M). */
typedef struct {
  const Sites *sites;
  const Targets *targets;
  const Prior *prior;
  const Shape *shape;
  double hold;
  double *hessian, *gradient, *miss, *by_betas, *columns, *free;
} Work;

static int64_t all_columns(const Work *work) { return work->shape->directions + 3 * work->sites->model->keypoints; }
static int64_t free_columns(const Shape *shape) { return shape->directions + 3 * shape->free; }

/* by_betas: joints stand as the pose turns them, on bones that are what a beta adds to them. */
static void put_directions(const Work *work, const Pose *pose) {
  const Model *model = work->sites->model;
  const Shape *shape = work->shape;
  int64_t D = shape->directions;
  memset(work->by_betas, 0, (size_t)(3 * model->keypoints * D) * sizeof(double));
  for (int64_t d = 0; d < D; d++) {
    const double *rest = shape->joints + d * JOINTS * 3, *offsets = shape->parts + d * model->parts * 3;
    double joints[JOINTS][3];
    memcpy(joints[0], rest, sizeof joints[0]);
    for (int joint = 1; joint < JOINTS; joint++) {
      int up = PARENTS[joint];
      double bone[3];
      for (int i = 0; i < 3; i++) bone[i] = rest[3 * joint + i] - rest[3 * up + i];
      turn(pose->world[up], bone, joints[joint]);
      for (int i = 0; i < 3; i++) joints[joint][i] += joints[up][i];
    }
    for (int64_t p = 0; p < model->parts; p++) {
      int64_t joint = model->joint[p];
      double part[3], *keypoint = work->by_betas + 3 * model->keypoint[p] * D + d;
      turn(pose->world[joint], offsets + 3 * p, part);
      for (int i = 0; i < 3; i++) keypoint[i * D] += part[i] + model->mass[p] * joints[joint][i];
    }
  }
}

/* What a keypoint's own block of the pose's Jacobian, rows (3,3) for three unknowns from `at` on, pulls
along with the betas and with its site. */
static void put_pull(const Work *work, const Pose *pose, int64_t k, double weight, const double *block, int at) {
  int64_t D = work->shape->directions, wide = all_columns(work);
  const double *by_betas = work->by_betas + 3 * k * D;
  double turned[9];
  multiply_transposed(block, pose->world[work->shape->parent_joint[k]], turned);
  for (int axis = 0; axis < 3; axis++) {
    double *row = work->columns + (at + axis) * wide;
    for (int64_t d = 0; d < D; d++)
      for (int i = 0; i < 3; i++) row[d] += weight * block[3 * i + axis] * by_betas[i * D + d];
    for (int i = 0; i < 3; i++) row[D + 3 * k + i] = weight * turned[3 * axis + i];
  }
}

/* U⁻ᵀ of what all poses' unknowns pull along, the pose's Hessian being Uᵀ U. */
static void put_columns(const Work *work, const Pose *pose, const double *weights) {
  const double one[9] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
  const double *precision = work->prior->precision;
  memset(work->hessian, 0, UNKNOWNS * UNKNOWNS * sizeof(double));
  memset(work->gradient, 0, UNKNOWNS * sizeof(double));
  memset(work->columns, 0, (size_t)(UNKNOWNS * all_columns(work)) * sizeof(double));
  add_keypoints(work->sites, pose, work->miss, weights, work->hessian, work->gradient);
  for (int i = 0; i < BODY; i++)
    for (int j = i; j < BODY; j++) work->hessian[(3 + i) * UNKNOWNS + 3 + j] += precision[i * BODY + j];
  for (int i = 0; i < UNKNOWNS; i++) work->hessian[i * UNKNOWNS + i] += work->hold;

  for (int64_t k = 0; k < work->sites->model->keypoints; k++) {
    double block[9];
    if (weights[k] == 0.0) continue;
    for (int joint = 0; joint < JOINTS; joint++) {
      if (!(work->sites->moving[k] >> joint & 1u)) continue;
      turning(work->sites, pose, k, joint, block);
      put_pull(work, pose, k, weights[k], block, 3 * joint);
    }
    put_pull(work, pose, k, weights[k], one, 3 * JOINTS);
  }
  factorise(work->hessian, UNKNOWNS);
  substitute(work->hessian, UNKNOWNS, work->columns, all_columns(work));
}

/* How many coordinates of its keypoints a pose follows: the trace of its hat matrix. */
static double traced(const Work *work, const double *weights) {
  int64_t D = work->shape->directions, wide = all_columns(work);
  double sum = 0.0;
  for (int64_t k = 0; k < work->sites->model->keypoints; k++)
    if (weights[k] > 0.0)
      for (int row = 0; row < UNKNOWNS; row++) {
        const double *three = work->columns + row * wide + D + 3 * k;
        sum += dot(three, three) / weights[k];
      }
  return sum;
}

/* Adds to hessian (M,M) and gradient (M,) what the keypoints say of betas and free sites, the pose as it
is. */
static void add_direct(const Work *work, const Pose *pose, const double *weights, double *hessian, double *gradient) {
  const Shape *shape = work->shape;
  int64_t D = shape->directions, M = free_columns(shape), K = work->sites->model->keypoints;
  for (int64_t k = 0; k < K; k++) {
    const double *by_betas = work->by_betas + 3 * k * D, *miss = work->miss + 3 * k;
    for (int i = 0; i < 3; i++)
      for (int64_t a = 0; a < D; a++) {
        double pull = weights[k] * by_betas[i * D + a];
        gradient[a] -= pull * miss[i];
        for (int64_t b = 0; b < D; b++) hessian[a * M + b] += pull * by_betas[i * D + b];
      }
  }
  for (int64_t f = 0; f < shape->free; f++) {
    int64_t k = shape->site[f], at = D + 3 * f;
    const double *world = pose->world[shape->parent_joint[k]], *by_betas = work->by_betas + 3 * k * D;
    double pull[3];
    turn_back(world, work->miss + 3 * k, pull);
    for (int j = 0; j < 3; j++) {
      gradient[at + j] -= weights[k] * pull[j];
      hessian[(at + j) * M + at + j] += weights[k];
      for (int64_t d = 0; d < D; d++) {
        double both = 0.0;
        for (int i = 0; i < 3; i++) both += world[3 * i + j] * by_betas[i * D + d];
        hessian[(at + j) * M + d] += weights[k] * both;
        hessian[d * M + at + j] += weights[k] * both;
      }
    }
  }
}

/* Takes off what another pose would explain as well. */
static void take_off(const Work *work, double *hessian) {
  const Shape *shape = work->shape;
  int64_t D = shape->directions, M = free_columns(shape), wide = all_columns(work);
  for (int row = 0; row < UNKNOWNS; row++) {
    const double *from = work->columns + row * wide;
    double *to = work->free + row * M;
    if (D) memcpy(to, from, (size_t)D * sizeof(double));
    for (int64_t f = 0; f < shape->free; f++)
      memcpy(to + D + 3 * f, from + D + 3 * shape->site[f], 3 * sizeof(double));
  }
  Matrix transposed = {work->free, 1, M};
  add_product(hessian, M, -1.0, transposed, work->free, M, M, UNKNOWNS, M);
}

static int check(const Work *work) {
  const Shape *shape = work->shape;
  int64_t K = work->sites->model->keypoints;
  /* Betas, and three directions for each keypoint that carries others. */
  if (shape->directions < 0 || shape->directions > MOST_BETAS + 3 * K || shape->free < 0 || shape->free > K)
    return BAD_SIZE;
  for (int64_t k = 0; k < K; k++)
    if (shape->parent_joint[k] < 0 || shape->parent_joint[k] >= JOINTS) return BAD_INDEX;
  for (int64_t f = 0; f < shape->free; f++)
    if (shape->site[f] < 0 || shape->site[f] >= K) return BAD_INDEX;
  return DONE;
}

static int make_work(Work *work) {
  size_t K = (size_t)work->sites->model->keypoints, D = (size_t)work->shape->directions;
  work->hessian = calloc(UNKNOWNS * UNKNOWNS, sizeof(double));
  work->gradient = calloc(UNKNOWNS, sizeof(double));
  work->miss = calloc(3 * K + 1, sizeof(double));
  work->by_betas = calloc(3 * K * D + 1, sizeof(double));
  work->columns = calloc(UNKNOWNS * (D + 3 * K) + 1, sizeof(double));
  work->free = calloc(UNKNOWNS * (D + 3 * K) + 1, sizeof(double));
  return work->hessian && work->gradient && work->miss && work->by_betas && work->columns && work->free ? DONE
                                                                                                       : NO_MEMORY;
}

static void free_work(const Work *work) {
  free(work->hessian);
  free(work->gradient);
  free(work->miss);
  free(work->by_betas);
  free(work->columns);
  free(work->free);
}

/* Of B frames in `groups`, one after the other, those of the groups from `first` to `end`: the normal
equations over D betas and the free sites, hessians (groups,M,M) and gradients (groups,M) with M = D + 3 free,
summed over a group's frames, each frame's pose eliminated; and followed (B,), the trace of its hat matrix.
Of the state rotations and trans are read; `hold` is added to the diagonal of the poses' Hessians. */
PUBLIC int lsmpl_shape_equations(int64_t groups, int64_t first, int64_t end, int64_t count, const Model *model,
                                 const State *state, const Targets *targets, const Prior *prior, const Shape *shape,
                                 double hold, double *hessians, double *gradients, double *followed) {
  if (first < 0 || first > end || end > groups || count < 0) return BAD_SIZE;
  Sites sites;
  Pose pose = {0};
  Work work = {&sites, targets, prior, shape, hold};
  int failure = make_sites(model, count, &sites);
  if (!failure) failure = check(&work);
  if (!failure) failure = make_work(&work);
  if (!failure) failure = make_pose(model, &pose);
  for (int64_t group = first; group < end && !failure; group++) {
    int64_t K = model->keypoints, M = free_columns(shape);
    double *hessian = hessians + group * M * M, *gradient = gradients + group * M;
    memset(hessian, 0, (size_t)(M * M) * sizeof(double));
    memset(gradient, 0, (size_t)M * sizeof(double));
    for (int64_t b = count * group / groups; b < count * (group + 1) / groups; b++) {
      const double *weights = targets->weights + b * K;
      read_pose(state, b, &pose);
      place(&sites, b, &pose);
      for (int64_t i = 0; i < 3 * K; i++) work.miss[i] = pose.keypoints[i] - targets->positions[b * 3 * K + i];
      put_directions(&work, &pose);
      put_columns(&work, &pose, weights);
      followed[b] = traced(&work, weights);
      add_direct(&work, &pose, weights, hessian, gradient);
      take_off(&work, hessian);
    }
  }
  free_pose(&pose);
  free_work(&work);
  free_sites(&sites);
  return failure;
}
