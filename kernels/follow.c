/* Poses that go through a take, each along frames of its own (`lsmpl_core/solver/tracking.py`). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"
#include "polish.h"

#define LOST_AGAIN 1.25

/* What a walk along a course goes by, and room for it. */
typedef struct {
  const Sites *sites;
  const Course *course;
  const Prior *prior;
  const Steps *steps;
  Room room;
  Point points[2], *here, *there;
} Walk;

static int64_t frame_of(const Course *course, int64_t count, int64_t step, int64_t b) {
  return course->path[step * count + b];
}

static void read_course(const Course *course, int64_t b, Pose *pose) {
  memcpy(pose->rotations, course->rotations + b * JOINTS * 9, sizeof pose->rotations);
  memcpy(pose->trans, course->trans + b * 3, sizeof pose->trans);
}

/* Moved onto the next frame's keypoints, as the network is to see it. */
static void look(Walk *walk, int64_t b, int64_t frame, int64_t row) {
  const Course *course = walk->course;
  Pose *pose = &walk->here->pose;
  int64_t K = walk->sites->model->keypoints;
  const double *positions = course->positions + frame * 3 * K, *seen = course->seen + frame * K;
  read_course(course, b, pose);
  place(walk->sites, b, pose);
  centre(walk->sites, positions, seen, pose);
  memcpy(course->trans + b * 3, pose->trans, sizeof pose->trans);
  put_features(walk->sites, &walk->room, pose, positions, seen, b, course->noise, row);
}

/* As predicted, and polished from there. */
static void go(Walk *walk, int64_t b, int64_t frame, int64_t row) {
  const Course *course = walk->course;
  Pose *pose = &walk->here->pose;
  int64_t K = walk->sites->model->keypoints;
  double sigma[JOINTS], strength[JOINTS], anchor[JOINTS][9];
  read_course(course, b, pose);
  turn_as_predicted(&walk->room, row, pose, sigma);
  place(walk->sites, b, pose);
  centre(walk->sites, course->positions + frame * 3 * K, course->seen + frame * K, pose);

  memcpy(anchor, pose->rotations, sizeof anchor);
  for (int joint = 0; joint < JOINTS; joint++) strength[joint] = course->trust / (sigma[joint] * sigma[joint]);
  Goal goal = {walk->sites, b};
  goal.positions = course->positions + frame * 3 * K;
  goal.weights = course->weights + frame * K;
  goal.anchor = anchor[0], goal.strength = strength;
  goal.mean = walk->prior->mean, goal.prior = walk->prior;
  polish_pose(&goal, walk->steps, &walk->here, &walk->there);
  memcpy(course->rotations + b * JOINTS * 9, walk->here->pose.rotations, sizeof anchor);
  memcpy(course->trans + b * 3, walk->here->pose.trans, sizeof walk->here->pose.trans);
}

/* What a step came to: the pose is written down, with its mean residual in metres, NaN where the frame
shows no keypoint. */
static void record(Walk *walk, int64_t count, int64_t step, int64_t b, int64_t frame) {
  const Course *course = walk->course;
  Pose *pose = &walk->here->pose;
  int64_t K = walk->sites->model->keypoints, at = step * count + b, seen = 0;
  const double *positions = course->positions + frame * 3 * K, *weights = course->weights + frame * K;
  double sum = 0.0;
  read_course(course, b, pose);
  place(walk->sites, b, pose);
  for (int64_t k = 0; k < K; k++) {
    if (!(weights[k] > 0.0)) continue;
    double square = 0.0;
    for (int i = 0; i < 3; i++) {
      double miss = pose->keypoints[3 * k + i] - positions[3 * k + i];
      square += miss * miss;
    }
    sum += sqrt(square);
    seen++;
  }
  course->residual[at] = seen ? sum / (double)seen : NAN;
  memcpy(course->all_rotations + at * JOINTS * 9, pose->rotations, sizeof pose->rotations);
  memcpy(course->all_trans + at * 3, pose->trans, sizeof pose->trans);
}

/* One step of the poses from `begin` to `end`, POSES_AT_ONCE at most, that are to take it; returns whether
one is lost. */
static int take_step(Walk *walk, int64_t count, int64_t step, int64_t begin, int64_t end) {
  const Course *course = walk->course;
  int64_t rows = 0, moving[POSES_AT_ONCE];
  int lost = 0;
  for (int64_t b = begin; b < end; b++) {
    int64_t frame = frame_of(course, count, step, b);
    if (course->done[b] != step || frame == course->at[b]) continue;
    look(walk, b, frame, rows);
    moving[rows++] = b;
  }
  if (rows) predict_rows(&walk->room, rows);
  for (int64_t row = 0; row < rows; row++)
    go(walk, moving[row], frame_of(course, count, step, moving[row]), row);

  for (int64_t b = begin; b < end; b++) {
    if (course->done[b] != step) continue;
    int64_t frame = frame_of(course, count, step, b);
    double *accepted = course->accepted + b;
    record(walk, count, step, b, frame);
    double residual = course->residual[step * count + b];
    course->lost[b] = frame != course->at[b] && residual > fmax(course->limit, LOST_AGAIN * *accepted);
    if (!course->lost[b] && residual < course->limit) *accepted = 0.0;
    lost |= course->lost[b];
    course->at[b] = frame;
    course->done[b] = step + 1;
  }
  return lost;
}

static int check(const Course *course, int64_t count, int64_t first, int64_t end) {
  if (course->frames < 1 || course->frames > MOST_POSES || course->steps < 0 || course->steps > MOST_POSES)
    return BAD_SIZE;
  for (int64_t b = first; b < end; b++) {
    if (course->done[b] < 0) return BAD_INDEX;
    for (int64_t step = 0; step < course->steps; step++)
      if (frame_of(course, count, step, b) < 0 || frame_of(course, count, step, b) >= course->frames)
        return BAD_INDEX;
  }
  return DONE;
}

/* Of `count` poses those from `first` to `end`, step by step of the course, until all have taken all of its
steps, or one of them is lost. */
PUBLIC int lsmpl_follow(int64_t count, int64_t first, int64_t end, const Model *model, const Network *network,
                        const Prior *prior, const Steps *steps, const Course *course) {
  if (first < 0 || first > end || end > count || prior->rows != 1) return BAD_SIZE;
  Sites sites;
  Walk walk = {&sites, course, prior, steps};
  int failure = make_sites(model, count, &sites);
  if (!failure) failure = check(course, count, first, end);
  if (!failure) failure = make_room(network, model, POSES_AT_ONCE, &walk.room);
  if (!failure) failure = make_point(model, &walk.points[0]);
  if (!failure) failure = make_point(model, &walk.points[1]);
  walk.here = &walk.points[0], walk.there = &walk.points[1];

  int lost = 0;
  for (int64_t step = 0; step < course->steps && !lost && !failure; step++)
    for (int64_t begin = first; begin < end; begin += POSES_AT_ONCE)
      lost |= take_step(&walk, count, step, begin, end - begin < POSES_AT_ONCE ? end : begin + POSES_AT_ONCE);
  free_point(&walk.points[0]);
  free_point(&walk.points[1]);
  free_room(&walk.room);
  free_sites(&sites);
  return failure;
}
