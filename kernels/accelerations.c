/* What joints accelerate, in the normal equations of a whole sequence (`lsmpl_core/solver/accelerations.py`). */

#include "geometry.h"
#include "lsmpl.h"

enum { BLOCKS = JOINTS + 1 };

/* From a frame to the next, of each joint and last of the translation: the turn or the way, and how it
changes with a step of the next frame. With one of the frame itself it does so by minus the transpose. */
typedef struct {
  double by[BLOCKS][3], ahead[BLOCKS][9];
} Velocity;

static void set_velocity(const double *rotations, const double *trans, Velocity *out) {
  for (int joint = 0; joint < JOINTS; joint++) {
    double relative[9];
    multiply_transposed(rotations + 9 * joint, rotations + 9 * (JOINTS + joint), relative);
    log_map(relative, out->by[joint]);
    right_jacobian_inverse(out->by[joint], out->ahead[joint]);
  }
  for (int i = 0; i < 3; i++) out->by[JOINTS][i] = trans[3 + i] - trans[i];
}

/* out (3,3), whose rows are `stride` apart, += by a b */
static void add_squares(double by, const double *a, const double *b, double *out, int64_t stride) {
  double product[9];
  multiply(a, b, product);
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) out[i * stride + j] += by * product[3 * i + j];
}

/* Of T frames with rotations (T,24,3,3) and trans (T,3): to half the Hessians (T,75,75) and half the gradients
(T,75), joint by joint and then the translation, is added what the accelerations cost; first (T-1,25,3,3) and
second (T-2,25,3,3) are how each frame goes with the next one and the one after that. expected (25,): how much
velocities change; freedom (T-2,25) of Student's t; noise in metres. */
PUBLIC int lsmpl_accelerations(int64_t frames, const double *rotations, const double *trans, const double *expected,
                               const double *freedom, double noise, double *hessians, double *gradients,
                               double *first, double *second) {
  if (frames < 0 || frames > MOST_POSES) return BAD_SIZE;
  if (frames > 1) memset(first, 0, (size_t)(frames - 1) * BLOCKS * 9 * sizeof(double));
  if (frames < 3) return DONE;
  Velocity velocities[2] = {{.ahead[JOINTS] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0}}};
  Velocity *now = velocities, *next = velocities + 1;
  memcpy(next->ahead[JOINTS], now->ahead[JOINTS], sizeof now->ahead[JOINTS]);
  set_velocity(rotations, trans, now);
  for (int64_t t = 0; t + 2 < frames; t++) {
    set_velocity(rotations + (t + 1) * JOINTS * 9, trans + (t + 1) * 3, next);
    for (int block = 0; block < BLOCKS; block++) {
      // How much the velocity changes, and how much that is worth saying.
      double change[3], nu = freedom[t * BLOCKS + block], wide = expected[block] * expected[block];
      for (int i = 0; i < 3; i++) change[i] = next->by[block][i] - now->by[block][i];
      double surprise = dot(change, change) / wide;
      double weight = noise * noise / wide / ((1.0 + surprise / nu) / (1.0 + 3.0 / nu));

      // How it changes with a step of each of the three frames, and the transposes of that.
      double with[3][9], turned[3][9];
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
          with[0][3 * i + j] = now->ahead[block][3 * j + i];
          with[1][3 * i + j] = -(next->ahead[block][3 * j + i] + now->ahead[block][3 * i + j]);
          with[2][3 * i + j] = next->ahead[block][3 * i + j];
        }
      for (int frame = 0; frame < 3; frame++)
        for (int i = 0; i < 3; i++)
          for (int j = 0; j < 3; j++) turned[frame][3 * i + j] = with[frame][3 * j + i];

      for (int frame = 0; frame < 3; frame++) {
        int64_t row = (t + frame) * UNKNOWNS + 3 * block;
        double pull[3];
        turn(turned[frame], change, pull);
        for (int i = 0; i < 3; i++) gradients[row + i] += weight * pull[i];
        add_squares(weight, turned[frame], with[frame], hessians + row * UNKNOWNS + 3 * block, UNKNOWNS);
      }
      double *beside = first + (t * BLOCKS + block) * 9, *beyond = second + (t * BLOCKS + block) * 9;
      add_squares(weight, turned[0], with[1], beside, 3);
      add_squares(weight, turned[1], with[2], beside + BLOCKS * 9, 3);
      memset(beyond, 0, 9 * sizeof(double));
      add_squares(weight, turned[0], with[2], beyond, 3);
    }
    Velocity *last = now;
    now = next;
    next = last;
  }
  return DONE;
}
