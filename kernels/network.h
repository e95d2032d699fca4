/* The residual network (`lsmpl_core/solver/network.py`), some poses at a time. */

#ifndef NETWORK_H
#define NETWORK_H

#include "body.h"

/* Poses whose numbers stay in the cache while all weights pass by. */
enum { POSES_AT_ONCE = 48 };

/* Of one of the network's sites, in the pelvis' frame: the target, the site of the pose, and whether
it is seen. Sums, where a layout has a site more than once. */
typedef struct {
  double where[3], at[3], seen;
} Seen;

/* What passes through a network for some rows, each a pose. */
typedef struct {
  const Network *network;
  float *in, *h, *within, *active, *out;
  Seen *seen;
} Room;

/* Checks the network and makes room. `free_room` also after a failure. */
int make_room(const Network *network, const Model *model, int64_t rows, Room *room);
void free_room(Room *room);

/* Row `row`: pose number b of the batch, placed and centred, beside its targets; noise in metres. */
void put_features(const Sites *sites, const Room *room, const Pose *pose, const double *positions,
                  const double *weights, int64_t b, double noise, int64_t row);
void predict_rows(const Room *room, int64_t rows);
/* Rotations of the pose that row `row` was, as predicted; sigma (24,) in radians. */
void turn_as_predicted(const Room *room, int64_t row, Pose *pose, double *sigma);

#endif
