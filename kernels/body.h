/* Forward kinematics and keypoints of one pose (`lsmpl_core/body/kinematics.py`). */

#ifndef BODY_H
#define BODY_H

#include "lsmpl.h"

extern const int PARENTS[JOINTS];

/* What a model says of its sites, in the order in which it is needed: `begin` (K+1,) and `order`
(P,), the parts of each keypoint; ancestors (24,), a bit for each joint that moves what is attached
to a joint; `moving` (K,), the same of keypoints. */
typedef struct {
  const Model *model;
  int64_t *begin, *order;
  uint32_t *moving;
  uint32_t ancestors[JOINTS];
} Sites;

/* A pose and what follows from it; parts (P,3) and keypoints (K,3). */
typedef struct {
  double rotations[JOINTS][9], trans[3], world[JOINTS][9], joints[JOINTS][3];
  double *parts, *keypoints;
} Pose;

/* Checks the model and fills sites. `free_sites` also after a failure. */
int make_sites(const Model *model, int64_t poses, Sites *sites);
void free_sites(Sites *sites);

int make_pose(const Model *model, Pose *pose);
void free_pose(Pose *pose);

/* What follows from rotations and trans, for the body shape of pose number b. */
void place(const Sites *sites, int64_t b, Pose *pose);
/* The pose moved so that the weighted mean of its keypoints is that of their targets. */
void centre(const Sites *sites, const double *positions, const double *weights, Pose *pose);

void read_pose(const State *state, int64_t b, Pose *pose);
void write_pose(const Model *model, const Pose *pose, int64_t b, const State *state);

/* Of `count` poses of a state those from `first` to `end`, with what follows from their rotations and trans,
one after the other. */
typedef void (*Visit)(const Sites *sites, const Pose *pose, int64_t b, void *context);
int for_each(int64_t count, int64_t first, int64_t end, const Model *model, const State *state, Visit visit,
             void *context);

/* How a keypoint changes as a joint turns about each axis of its own frame: out (3,3), rows x y z.
The joint is one of those that move it. */
void turning(const Sites *sites, const Pose *pose, int64_t keypoint, int joint, double *out);

#endif
