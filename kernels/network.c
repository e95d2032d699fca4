/* The residual network (`lsmpl_core/solver/network.py`): from poses and the next frame's keypoints to
the next poses. In single precision but for what goes in and comes out. */

#include <stdlib.h>

#include "geometry.h"
#include "network.h"

#define FARTHEST_KEYPOINT 1.5
#define NEAR_MISS 0.1
#define SMALL_TURN 0.3
#define LEAST_INERTIA 0.01
#define TYPICAL_NOISE 0.02

enum { OUTPUTS = 7 * JOINTS };

/* Weights lie in panels of so many outputs, each of them with all its inputs in turn, so that they are
read one after the other; a strip of a panel is done for as many poses at a time as registers hold
sums of. A pose's sums are made in the same order whatever their number. */
enum { PANEL = 32 };
#if defined(__AVX__)
enum { LANES = 8, ROWS = 6, STRIP = 16 };
#elif defined(__aarch64__)
enum { LANES = 4, ROWS = 6, STRIP = 16 };
#else
enum { LANES = 4, ROWS = 6, STRIP = 8 };
#endif
typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));

/* Inputs whose weights in a panel stay in the nearest cache while all poses pass by. */
enum { INPUTS_AT_ONCE = 128 };

static int64_t padded(int64_t count) { return (count + PANEL - 1) / PANEL * PANEL; }

/* ---- The layers ---- */

/* out (rows, columns), whose rows are `outputs` apart, += x (rows, count) weights (count, PANEL), of which
the first columns are taken; rows of x are `inputs` apart. */
static inline __attribute__((always_inline)) void panel(const float *x, int64_t inputs, int64_t count,
                                                        const float *weights, float *out, int64_t outputs,
                                                        const int rows, const int columns) {
  Vector sums[ROWS][PANEL / LANES], part[PANEL / LANES];
  size_t size = (size_t)columns * sizeof(float);
  for (int r = 0; r < rows; r++) memcpy(sums[r], out + r * outputs, size);
  for (int64_t i = 0; i < count; i++) {
    memcpy(part, weights + i * PANEL, size);
    for (int r = 0; r < rows; r++)
      for (int v = 0; v < columns / LANES; v++) sums[r][v] += x[r * inputs + i] * part[v];
  }
  for (int r = 0; r < rows; r++) memcpy(out + r * outputs, sums[r], size);
}

/* Rows that are done together of those that are left: as many as registers hold sums of, but rather two
halves than a few at last, which would have the processor wait for each sum. */
static int64_t together(int64_t left) {
  if (left <= ROWS) return left;
  return left < 2 * ROWS ? (left + 1) / 2 : ROWS;
}

/* out (rows, padded outputs) = x (rows, inputs) weights + bias. Returns what lies behind the bias. */
static const float *linear(const float *x, int64_t rows, int64_t inputs, int64_t outputs, const float *weights,
                           float *out) {
  int64_t width = padded(outputs);
  const float *bias = weights + inputs * width;
  for (int64_t row = 0; row < rows; row++) memcpy(out + row * width, bias, (size_t)width * sizeof(float));
  for (int64_t at = 0; at < width; at += PANEL)
    for (int64_t i = 0; i < inputs; i += INPUTS_AT_ONCE) {
      const float *some = weights + at * inputs + i * PANEL, *from = x + i;
      int64_t count = inputs - i < INPUTS_AT_ONCE ? inputs - i : INPUTS_AT_ONCE, row = 0;
      while (row < rows) {
        int64_t number = together(rows - row);
        const float *given = from + row * inputs;
        float *to = out + row * width + at;
        if (number == 1) panel(given, inputs, count, some, to, width, 1, PANEL);
        for (int c = 0; c < PANEL && number > 1; c += STRIP) {
          if (number == 2) panel(given, inputs, count, some + c, to + c, width, 2, STRIP);
          if (number == 3) panel(given, inputs, count, some + c, to + c, width, 3, STRIP);
          if (number == 4) panel(given, inputs, count, some + c, to + c, width, 4, STRIP);
          if (number == 5) panel(given, inputs, count, some + c, to + c, width, 5, STRIP);
          if (number == ROWS) panel(given, inputs, count, some + c, to + c, width, ROWS, STRIP);
        }
        row += number;
      }
    }
  return bias + width;
}

/* exp(x) to a few units in the last place, in a form that compilers vectorise: 2^n exp(r) with |r| at
most half of ln 2. */
static inline float exponential(float x) {
  const float shift = 12582912.0f; /* 1.5 * 2^23: what is added to it is rounded to an integer */
  x = x > -87.0f ? x : -87.0f; /* what is no number, too */
  x = x < 87.0f ? x : 87.0f;
  float n = (x * 1.44269504f + shift) - shift;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
  float scale;
  memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

/* x / (1 + exp(-x)), without the padding of the rows of x. */
static void silu(const float *restrict x, int64_t rows, int64_t width, float *restrict out) {
  int64_t stride = padded(width);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t i = 0; i < width; i++) {
      float value = x[row * stride + i];
      out[row * width + i] = value / (1.0f + exponential(-value));
    }
}

void predict_rows(const Room *room, int64_t rows) {
  const Network *network = room->network;
  int64_t width = network->width, stride = padded(width);
  float *h = room->h, *active = room->active, *within = room->within;
  const float *weights = linear(room->in, rows, network->inputs, width, network->weights, h);
  for (int64_t block = 0; block < network->blocks; block++) {
    silu(h, rows, width, active);
    weights = linear(active, rows, width, width, weights, within);
    silu(within, rows, width, active);
    weights = linear(active, rows, width, width, weights, within);
    for (int64_t i = 0; i < rows * stride; i++) h[i] += within[i];
  }
  silu(h, rows, width, active);
  linear(active, rows, width, OUTPUTS, weights, room->out);
}

/* ---- What goes in ---- */

static double clipped(double x, double least, double most) { return fmin(fmax(x, least), most); }

static void put_squashed(const double *v, double size, float *out) {
  double by = 1.0 / (size + sqrt(dot(v, v)));
  for (int i = 0; i < 3; i++) out[i] = (float)(v[i] * by);
}

/* The turn (3,) about each joint that would undo the misses of the sites that it moves, were it to
turn alone: sum d × r / sum |d|², d from the joint to the site. */
static void lone_turn(const Sites *sites, const Network *network, const Seen *seen, int joint, const double *from,
                      double *out) {
  double torque[3] = {0.0, 0.0, 0.0}, inertia = LEAST_INERTIA;
  for (int64_t c = 0; c < network->sites; c++) {
    if (!(sites->ancestors[network->parent_joint[c]] >> joint & 1u)) continue;
    double lever[3], miss[3], product[3];
    for (int i = 0; i < 3; i++) {
      lever[i] = seen[c].at[i] - seen[c].seen * from[i];
      miss[i] = seen[c].where[i] - seen[c].at[i];
    }
    cross(lever, miss, product);
    for (int i = 0; i < 3; i++) torque[i] += product[i];
    inertia += dot(lever, lever);
  }
  for (int i = 0; i < 3; i++) out[i] = torque[i] / inertia;
}

void put_features(const Sites *sites, const Room *room, const Pose *pose, const double *positions,
                  const double *weights, int64_t b, double noise, int64_t row) {
  const Network *network = room->network;
  const double *rest = sites->model->rest_joints + (sites->model->shapes == 1 ? 0 : b) * JOINTS * 3;
  float *out = room->in + row * network->inputs;
  Seen *seen = room->seen;
  const Model *model = sites->model;
  const double *pelvis = pose->joints[0], *frame = pose->world[0];
  int64_t C = network->sites;

  // Keypoints and sites in the pelvis' frame, in the network's order, zero where nothing is seen.
  memset(seen, 0, (size_t)C * sizeof *seen);
  for (int64_t k = 0; k < model->keypoints; k++) {
    if (network->site[k] < 0 || !(weights[k] > 0.0)) continue;
    Seen *one = seen + network->site[k];
    double where[3], at[3];
    for (int i = 0; i < 3; i++) {
      where[i] = positions[3 * k + i] - pelvis[i];
      at[i] = pose->keypoints[3 * k + i] - pelvis[i];
    }
    turn_back(frame, where, where);
    turn_back(frame, at, at);
    for (int i = 0; i < 3; i++) one->where[i] += where[i], one->at[i] += at[i];
    one->seen += 1.0;
  }

  // Misses, also where they can be undone: in the frame of the joint that moves them.
  float *wheres = out, *misses = wheres + 3 * C, *local = misses + 3 * C, *mask = local + 3 * C;
  for (int64_t c = 0; c < C; c++) {
    double miss[3], turned[9], own[3];
    for (int i = 0; i < 3; i++) {
      wheres[3 * c + i] = (float)(2.0 * clipped(seen[c].where[i], -FARTHEST_KEYPOINT, FARTHEST_KEYPOINT));
      miss[i] = seen[c].where[i] - seen[c].at[i];
    }
    put_squashed(miss, NEAR_MISS, misses + 3 * c);
    multiply_transposed(frame, pose->world[network->parent_joint[c]], turned);
    turn_back(turned, miss, own);
    put_squashed(own, NEAR_MISS, local + 3 * c);
    mask[c] = (float)seen[c].seen;
  }

  // And as the turns of joints; the pose, the body and the noise.
  float *turns = mask + C, *columns = turns + 3 * JOINTS, *bones = columns + 6 * BODY_JOINTS;
  for (int joint = 0; joint < JOINTS; joint++) {
    double from[3], turned[9], by[3];
    for (int i = 0; i < 3; i++) from[i] = pose->joints[joint][i] - pelvis[i];
    turn_back(frame, from, from);
    lone_turn(sites, network, seen, joint, from, by);
    multiply_transposed(frame, pose->world[joint], turned);
    turn_back(turned, by, by);
    put_squashed(by, SMALL_TURN, turns + 3 * joint);
  }
  for (int joint = 1; joint < JOINTS; joint++)
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 2; j++) columns[6 * (joint - 1) + 2 * i + j] = (float)pose->rotations[joint][3 * i + j];
      bones[3 * (joint - 1) + i] = (float)(5.0 * (rest[3 * joint + i] - rest[3 * PARENTS[joint] + i]));
    }
  bones[BODY] = (float)(clipped(noise, 0.0, 2.0 * TYPICAL_NOISE) / TYPICAL_NOISE);
}

/* ---- What comes out ---- */

void turn_as_predicted(const Room *room, int64_t row, Pose *pose, double *sigma) {
  const float *out = room->out + row * padded(OUTPUTS);
  for (int joint = 0; joint < JOINTS; joint++) {
    double columns[2][3];
    for (int j = 0; j < 2; j++) {
      for (int i = 0; i < 3; i++) columns[j][i] = (double)out[6 * joint + 2 * i + j] + (i == j ? 1.0 : 0.0);
      turn(pose->rotations[joint], columns[j], columns[j]);
    }
    from_columns(columns[0], columns[1], pose->rotations[joint]);
    sigma[joint] = 0.1 * exp(clipped((double)out[6 * JOINTS + joint], -5.0, 3.0));
  }
}

static int check(const Network *network, const Model *model) {
  int64_t C = network->sites;
  if (C < 1 || C > MOST_KEYPOINTS || network->width < 1 || network->width > 1 << 14 || network->blocks < 0)
    return BAD_SIZE;
  if (network->inputs != 10 * C + 3 * JOINTS + 9 * BODY_JOINTS + 1) return BAD_SIZE;
  for (int64_t c = 0; c < C; c++)
    if (network->parent_joint[c] < 0 || network->parent_joint[c] >= JOINTS) return BAD_INDEX;
  for (int64_t k = 0; k < model->keypoints; k++)
    if (network->site[k] >= C) return BAD_INDEX;
  return DONE;
}

int make_room(const Network *network, const Model *model, int64_t rows, Room *room) {
  memset(room, 0, sizeof *room);
  int failure = check(network, model);
  if (failure) return failure;
  int64_t stride = padded(network->width), numbers = network->inputs + 3 * stride + padded(OUTPUTS);
  room->network = network;
  room->in = malloc((size_t)(rows * numbers) * sizeof(float) + 1);
  room->seen = malloc((size_t)network->sites * sizeof *room->seen);
  if (!room->in || !room->seen) return NO_MEMORY;
  room->h = room->in + rows * network->inputs;
  room->within = room->h + rows * stride;
  room->active = room->within + rows * stride;
  room->out = room->active + rows * stride;
  return DONE;
}

void free_room(Room *room) {
  free(room->in);
  free(room->seen);
}

/* Of `count` poses those from `first` to `end`: state is
read (rotations and trans) and written, moved onto the targets before and after; noise (B,) in metres;
sigma (B,24) in radians. */
PUBLIC int lsmpl_predict(int64_t count, int64_t first, int64_t end, const Model *model, const Network *network,
                         const State *state, const Targets *targets, const double *noise, double *sigma) {
  if (first < 0 || first > end || end > count) return BAD_SIZE;
  Sites sites;
  Room room = {0};
  Pose pose = {0};
  int64_t K = model->keypoints, most = end - first < POSES_AT_ONCE ? end - first : POSES_AT_ONCE;
  int failure = make_sites(model, count, &sites);
  if (!failure) failure = make_room(network, model, most, &room);
  if (!failure) failure = make_pose(model, &pose);

  for (int64_t begin = first; begin < end && !failure; begin += most) {
    int64_t rows = end - begin < most ? end - begin : most;
    for (int64_t row = 0; row < rows; row++) {
      int64_t b = begin + row;
      const double *positions = targets->positions + b * 3 * K, *weights = targets->weights + b * K;
      read_pose(state, b, &pose);
      place(&sites, b, &pose);
      centre(&sites, positions, weights, &pose);
      memcpy(state->trans + 3 * b, pose.trans, sizeof pose.trans);
      put_features(&sites, &room, &pose, positions, weights, b, noise[b], row);
    }
    predict_rows(&room, rows);
    for (int64_t row = 0; row < rows; row++) {
      int64_t b = begin + row;
      read_pose(state, b, &pose);
      turn_as_predicted(&room, row, &pose, sigma + b * JOINTS);
      place(&sites, b, &pose);
      centre(&sites, targets->positions + b * 3 * K, targets->weights + b * K, &pose);
      write_pose(model, &pose, b, state);
    }
  }
  free_pose(&pose);
  free_room(&room);
  free_sites(&sites);
  return failure;
}
