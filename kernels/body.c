#include "body.h"

#include <stdlib.h>

#include "geometry.h"

const int PARENTS[JOINTS] = {-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21};

int make_sites(const Model *model, int64_t poses, Sites *sites) {
  int64_t K = model->keypoints, P = model->parts;
  memset(sites, 0, sizeof *sites);
  if (K < 0 || K > MOST_KEYPOINTS || P < 0 || P > MOST_PARTS || poses < 0 || poses > MOST_POSES)
    return BAD_SIZE;
  if (model->shapes != 1 && model->shapes != poses) return BAD_SIZE;
  for (int64_t p = 0; p < P; p++)
    if (model->joint[p] < 0 || model->joint[p] >= JOINTS || model->keypoint[p] < 0 || model->keypoint[p] >= K)
      return BAD_INDEX;

  sites->model = model;
  sites->begin = calloc((size_t)K + 1, sizeof *sites->begin);
  sites->order = calloc((size_t)P + 1, sizeof *sites->order);
  sites->moving = calloc((size_t)K + 1, sizeof *sites->moving);
  if (!sites->begin || !sites->order || !sites->moving) return NO_MEMORY;

  for (int joint = 0; joint < JOINTS; joint++)
    sites->ancestors[joint] = 1u << joint | (joint ? sites->ancestors[PARENTS[joint]] : 0u);

  // The parts in the order of their keypoints, by counting.
  for (int64_t p = 0; p < P; p++) sites->begin[model->keypoint[p] + 1]++;
  for (int64_t k = 0; k < K; k++) sites->begin[k + 1] += sites->begin[k];
  for (int64_t p = P - 1; p >= 0; p--) {
    int64_t k = model->keypoint[p];
    sites->order[--sites->begin[k + 1]] = p;
    sites->moving[k] |= sites->ancestors[model->joint[p]];
  }
  for (int64_t k = 0; k < K; k++) sites->begin[k] = sites->begin[k + 1];
  sites->begin[K] = P;
  return DONE;
}

void free_sites(Sites *sites) {
  free(sites->begin);
  free(sites->order);
  free(sites->moving);
}

int make_pose(const Model *model, Pose *pose) {
  pose->parts = calloc(3 * (size_t)model->parts + 1, sizeof(double));
  pose->keypoints = calloc(3 * (size_t)model->keypoints + 1, sizeof(double));
  return pose->parts && pose->keypoints ? DONE : NO_MEMORY;
}

void free_pose(Pose *pose) {
  free(pose->parts);
  free(pose->keypoints);
}

/* World rotations and joints, from rotations and trans. */
static void stand(const double *rest, Pose *pose) {
  memcpy(pose->world[0], pose->rotations[0], sizeof pose->world[0]);
  for (int i = 0; i < 3; i++) pose->joints[0][i] = pose->trans[i] + rest[i];
  for (int joint = 1; joint < JOINTS; joint++) {
    int up = PARENTS[joint];
    double bone[3];
    for (int i = 0; i < 3; i++) bone[i] = rest[3 * joint + i] - rest[3 * up + i];
    turn(pose->world[up], bone, pose->joints[joint]);
    for (int i = 0; i < 3; i++) pose->joints[joint][i] += pose->joints[up][i];
    multiply(pose->world[up], pose->rotations[joint], pose->world[joint]);
  }
}

void place(const Sites *sites, int64_t b, Pose *pose) {
  const Model *model = sites->model;
  int64_t shape = model->shapes == 1 ? 0 : b;
  const double *rest = model->rest_joints + shape * JOINTS * 3;
  const double *offsets = model->offsets + shape * model->parts * 3;

  stand(rest, pose);
  memset(pose->keypoints, 0, 3 * (size_t)model->keypoints * sizeof(double));
  for (int64_t p = 0; p < model->parts; p++) {
    int64_t joint = model->joint[p];
    double *part = pose->parts + 3 * p, *keypoint = pose->keypoints + 3 * model->keypoint[p];
    turn(pose->world[joint], offsets + 3 * p, part);
    for (int i = 0; i < 3; i++) {
      part[i] += model->mass[p] * pose->joints[joint][i];
      keypoint[i] += part[i];
    }
  }
}

void centre(const Sites *sites, const double *positions, const double *weights, Pose *pose) {
  const Model *model = sites->model;
  double offset[3] = {0.0, 0.0, 0.0}, total = 0.0;
  for (int64_t k = 0; k < model->keypoints; k++) {
    total += weights[k];
    for (int i = 0; i < 3; i++)
      offset[i] += weights[k] * (positions[3 * k + i] - pose->keypoints[3 * k + i]);
  }
  for (int i = 0; i < 3; i++) {
    double by = offset[i] / (total + 1e-9);
    pose->trans[i] += by;
    for (int joint = 0; joint < JOINTS; joint++) pose->joints[joint][i] += by;
    for (int64_t p = 0; p < model->parts; p++) pose->parts[3 * p + i] += model->mass[p] * by;
    for (int64_t k = 0; k < model->keypoints; k++) pose->keypoints[3 * k + i] += by;
  }
}

void read_pose(const State *state, int64_t b, Pose *pose) {
  memcpy(pose->rotations, state->rotations + b * JOINTS * 9, sizeof pose->rotations);
  memcpy(pose->trans, state->trans + b * 3, sizeof pose->trans);
}

void write_pose(const Model *model, const Pose *pose, int64_t b, const State *state) {
  size_t parts = 3 * (size_t)model->parts, keypoints = 3 * (size_t)model->keypoints;
  memcpy(state->rotations + b * JOINTS * 9, pose->rotations, sizeof pose->rotations);
  memcpy(state->trans + b * 3, pose->trans, sizeof pose->trans);
  memcpy(state->world + b * JOINTS * 9, pose->world, sizeof pose->world);
  memcpy(state->joints + b * JOINTS * 3, pose->joints, sizeof pose->joints);
  memcpy(state->parts + (size_t)b * parts, pose->parts, parts * sizeof(double));
  memcpy(state->keypoints + (size_t)b * keypoints, pose->keypoints, keypoints * sizeof(double));
}

void turning(const Sites *sites, const Pose *pose, int64_t keypoint, int joint, double *out) {
  const Model *model = sites->model;
  double lever[3] = {0.0, 0.0, 0.0}, mass = 0.0;
  for (int64_t at = sites->begin[keypoint]; at < sites->begin[keypoint + 1]; at++) {
    int64_t p = sites->order[at];
    if (!(sites->ancestors[model->joint[p]] >> joint & 1u)) continue;
    mass += model->mass[p];
    for (int i = 0; i < 3; i++) lever[i] += pose->parts[3 * p + i];
  }
  for (int i = 0; i < 3; i++) lever[i] -= mass * pose->joints[joint][i];
  for (int axis = 0; axis < 3; axis++) {
    const double *world = pose->world[joint];
    double along[3] = {world[axis], world[3 + axis], world[6 + axis]}, moved[3];
    cross(along, lever, moved);
    for (int i = 0; i < 3; i++) out[3 * i + axis] = moved[i];
  }
}

int for_each(int64_t count, int64_t first, int64_t end, const Model *model, const State *state, Visit visit,
             void *context) {
  if (first < 0 || first > end || end > count) return BAD_SIZE;
  Sites sites;
  Pose pose = {0};
  int failure = make_sites(model, count, &sites);
  if (!failure) failure = make_pose(model, &pose);
  for (int64_t b = first; b < end && !failure; b++) {
    read_pose(state, b, &pose);
    place(&sites, b, &pose);
    visit(&sites, &pose, b, context);
  }
  free_pose(&pose);
  free_sites(&sites);
  return failure;
}

static void write(const Sites *sites, const Pose *pose, int64_t b, void *state) {
  write_pose(sites->model, pose, b, state);
}

/* What follows from rotations and trans of the poses from `first` to `end` of a state of `count`. */
PUBLIC int lsmpl_state(int64_t count, int64_t first, int64_t end, const Model *model, const State *state) {
  return for_each(count, first, end, model, state, write, (void *)state);
}

static void write_jacobian(const Sites *sites, const Pose *pose, int64_t b, void *jacobian) {
  int64_t K = sites->model->keypoints;
  for (int64_t k = 0; k < K; k++) {
    double *rows = (double *)jacobian + (b * K + k) * 3 * UNKNOWNS, block[9];
    memset(rows, 0, 3 * UNKNOWNS * sizeof(double));
    for (int joint = 0; joint < JOINTS; joint++) {
      if (!(sites->moving[k] >> joint & 1u)) continue;
      turning(sites, pose, k, joint, block);
      for (int i = 0; i < 3; i++)
        for (int axis = 0; axis < 3; axis++) rows[i * UNKNOWNS + axis * JOINTS + joint] = block[3 * i + axis];
    }
    for (int i = 0; i < 3; i++) rows[i * UNKNOWNS + 3 * JOINTS + i] = 1.0;
  }
}

/* How keypoints change with a step (`KeypointModel.jacobian`): jacobian (B,K,3,75), in the order
of all joints' turns about their x axes, then y, then z, and the translation. Of the state rotations and
trans are read. */
PUBLIC int lsmpl_jacobian(int64_t count, int64_t first, int64_t end, const Model *model, const State *state,
                          double *jacobian) {
  return for_each(count, first, end, model, state, write_jacobian, jacobian);
}

/* The rotations (B,24,3,3) of the poses from `first` to `end` of `count` are turned by steps (B,24,3), axis-angles in
the joints' own frames, and made exact. */
PUBLIC int lsmpl_turn(int64_t count, int64_t first, int64_t end, const double *steps, double *rotations) {
  if (first < 0 || first > end || end > count || count > MOST_POSES) return BAD_SIZE;
  for (int64_t at = first * JOINTS; at < end * JOINTS; at++) {
    double by[9], turned[9], columns[2][3];
    exp_map(steps + 3 * at, by);
    multiply(rotations + 9 * at, by, turned);
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 2; j++) columns[j][i] = turned[3 * i + j];
    from_columns(columns[0], columns[1], rotations + 9 * at);
  }
  return DONE;
}

/* World rotations (B,24,3,3) and joints (B,24,3) of the axis-angles poses (B,24,3) and trans (B,3), of one
body shape, rest_joints (24,3). */
PUBLIC int lsmpl_forward(int64_t count, int64_t first, int64_t end, const double *poses, const double *trans,
                         const double *rest_joints, double *world, double *joints) {
  if (first < 0 || first > end || end > count || count > MOST_POSES) return BAD_SIZE;
  Pose pose = {0};
  for (int64_t b = first; b < end; b++) {
    for (int joint = 0; joint < JOINTS; joint++) exp_map(poses + (b * JOINTS + joint) * 3, pose.rotations[joint]);
    memcpy(pose.trans, trans + 3 * b, sizeof pose.trans);
    stand(rest_joints, &pose);
    memcpy(world + b * JOINTS * 9, pose.world, sizeof pose.world);
    memcpy(joints + b * JOINTS * 3, pose.joints, sizeof pose.joints);
  }
  return DONE;
}
