/* LSMPL's kernels: what a solve spends its time on, for many poses at once.

Each function does what a function of `lsmpl_core` does with NumPy, which is the reference: its
docstrings say what is computed and why, and the tests hold both to the same results. Here it is
done pose by pose, so that a pose's result does not depend on which others are in the batch, and
what a pose needs stays in the cache.

Arrays are dense, row by row, of doubles; B poses, K keypoints, P parts, metres and radians. The
caller has checked pointers and sizes (`lsmpl_core/backends/kernels.py`); what indices say is checked
here. Functions return 0, or one of the codes below, and then leave what they were to fill undefined.
*/

#ifndef LSMPL_H
#define LSMPL_H

#include <stdint.h>

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

enum { VERSION = 5 };
enum { DONE = 0, BAD_SIZE = 1, BAD_INDEX = 2, NO_MEMORY = 3 };

enum { JOINTS = 24, BODY_JOINTS = JOINTS - 1, BODY = 3 * BODY_JOINTS, LIMBS = 4 };
enum { UNKNOWNS = 3 * JOINTS + 3 };
enum { MOST_KEYPOINTS = 4096, MOST_PARTS = 65536, MOST_POSES = 1 << 24 };

/* `KeypointModel`: rest_joints (shapes,24,3), offsets (shapes,P,3), mass (P,), and of each part the
joint and the keypoint (P,); shapes is 1 or B. */
typedef struct {
  int64_t keypoints, parts, shapes;
  const double *rest_joints, *offsets, *mass;
  const int64_t *joint, *keypoint;
} Model;

/* `State`: rotations (B,24,3,3) and trans (B,3), and what follows from them. */
typedef struct {
  double *rotations, *trans, *world, *joints, *parts, *keypoints;
} State;

/* `Targets`: positions (B,K,3), weights (B,K). */
typedef struct {
  const double *positions, *weights;
} Targets;

/* `Anchor`: rotations (B,24,3,3), weights (1|B,24). */
typedef struct {
  const double *rotations, *weights;
  int64_t rows;
} Anchor;

/* `LimbPlanes`, of four limbs. */
typedef struct {
  double upper[LIMBS][3], lower[LIMBS][3], bent[LIMBS][3], across[LIMBS][3];
  double side[LIMBS], straight[LIMBS], offset[LIMBS], share[LIMBS], precision[LIMBS];
} Planes;

/* `Prior`: mean (1|B,69), precision (69,69); planes may be null. */
typedef struct {
  const double *mean, *precision;
  int64_t rows;
  const Planes *planes;
} Prior;

/* `Freedom`: of the betas that are free how they move joints (D,24,3) and parts (D,P,3), as `offsets` of a
model are meant; of each keypoint the joint that its displacement goes with (K,); and the sites that are
free (free,). */
typedef struct {
  int64_t directions, free;
  const double *joints, *parts;
  const int64_t *parent_joint, *site;
} Shape;

/* Keywords of `polish`. */
typedef struct {
  int64_t steps, more;
  double enough, damping, tolerance;
} Steps;

/* What B poses go along (`Tracker.follow`), and how far they are: positions (T,K,3) of all frames, weights
(T,K), and seen (T,K), as they count before the polish; path (S,B), the frame of each pose in each step;
noise of the keypoints in metres; trust: a prediction's weight times its sigma squared; limit: metres of
mean residual from which on a pose is lost, where it was not already.

Read and written, of each pose: done (B,), steps that it has taken, at (B,), the frame that it is at,
rotations (B,24,3,3), trans (B,3), and accepted (B,), the residual with which it was last let go on though
lost. Written: lost (B,), and of all steps all_rotations (S,B,24,3,3), all_trans (S,B,3), residual (S,B). */
typedef struct {
  int64_t frames, steps;
  const double *positions, *weights, *seen;
  const int64_t *path;
  double noise, trust, limit;
  int64_t *done, *at;
  double *rotations, *trans, *accepted;
  uint8_t *lost;
  double *all_rotations, *all_trans, *residual;
} Course;

/* `FingerBatch`, of B fingers: axes (B,3,3), between (B,2,3,3), base (B,3), bones (B,3,3), targets (B,3,3),
confidence (B,3), relaxed and sigma (B,9), ends (B,), low and high (B,4); one over the squares of the points'
noise, of where a point counts half, and of the limits' sigma. */
typedef struct {
  const double *axes, *between, *base, *bones, *targets, *confidence, *relaxed, *sigma, *ends, *low, *high;
  double precision, nearness, limit, end_weight, end_share;
} Fingers;

/* `Network`: blocks of `width`, weights in panels (`network.c`), of each of the network's sites the
joint that moves it, and of each keypoint the site that it is (K,), -1 for none. */
typedef struct {
  int64_t inputs, width, blocks, sites;
  const float *weights;
  const int64_t *parent_joint, *site;
} Network;

#endif
