/* The law by which limbs share turns (`lsmpl_core/solver/limb_planes.py`). */

#ifndef LIMB_PLANES_H
#define LIMB_PLANES_H

#include "lsmpl.h"

/* Of a limb: its collar (-1: none), upper and lower joint. */
extern const int LIMB_JOINTS[LIMBS][3];

/* How far limbs are off the law, in radians, and how that changes with a turn of each of their
joints. */
void limb_residual(const Planes *planes, const double rotations[JOINTS][9], double out[LIMBS]);
void limb_gradient(const Planes *planes, const double rotations[JOINTS][9], double out[LIMBS][3][3]);

#endif
