#include "terms.h"

#include "geometry.h"
#include "limb_planes.h"

void add_keypoints(const Sites *sites, const Pose *pose, const double *miss, const double *weights, double *hessian,
                   double *gradient) {
  const double one[9] = {1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0};
  for (int64_t k = 0; k < sites->model->keypoints; k++) {
    double weight = weights[k];
    if (weight == 0.0) continue;

    // The blocks of the keypoint's Jacobian: of the joints that move it, and of the translation.
    double blocks[JOINTS + 1][9];
    int at[JOINTS + 1], count = 0;
    for (int joint = 0; joint < JOINTS; joint++)
      if (sites->moving[k] >> joint & 1u) {
        turning(sites, pose, k, joint, blocks[count]);
        at[count++] = 3 * joint;
      }
    memcpy(blocks[count], one, sizeof one);
    at[count++] = 3 * JOINTS;

    for (int a = 0; a < count; a++) {
      double pull[3], product[9];
      turn_back(blocks[a], miss + 3 * k, pull);
      for (int i = 0; i < 3; i++) gradient[at[a] + i] += weight * pull[i];
      for (int b = a; b < count; b++) {
        multiply_transposed(blocks[a], blocks[b], product);
        for (int i = 0; i < 3; i++)
          for (int j = 0; j < 3; j++) hessian[(at[a] + i) * UNKNOWNS + at[b] + j] += weight * product[3 * i + j];
      }
    }
  }
}

void add_anchor(const double *strength, const double away[JOINTS][3], double *hessian, double *gradient) {
  for (int joint = 0; joint < JOINTS; joint++)
    for (int i = 0; i < 3; i++) {
      int at = 3 * joint + i;
      hessian[at * UNKNOWNS + at] += strength[joint];
      gradient[at] += strength[joint] * away[joint][i];
    }
}

void add_limbs(const Planes *planes, const double rotations[JOINTS][9], const double residual[LIMBS], double *hessian,
               double *gradient) {
  double slopes[LIMBS][3][3];
  limb_gradient(planes, rotations, slopes);
  for (int limb = 0; limb < LIMBS; limb++)
    for (int a = 0; a < 3; a++) {
      const int *joints = LIMB_JOINTS[limb];
      if (joints[a] < 0) continue;
      for (int i = 0; i < 3; i++) {
        double pull = planes->precision[limb] * slopes[limb][a][i];
        gradient[3 * joints[a] + i] += pull * residual[limb];
        for (int b = a; b < 3; b++)
          for (int j = 0; j < 3; j++)
            hessian[(3 * joints[a] + i) * UNKNOWNS + 3 * joints[b] + j] += pull * slopes[limb][b][j];
      }
    }
}

double prior_pull(const Prior *prior, const double *mean, const double *bend, double *restrict pull) {
  double cost = 0.0;
  memset(pull, 0, BODY * sizeof(double));
  for (int i = 0; i < BODY; i++) {
    const double *restrict row = prior->precision + i * BODY;
    double error = bend[i] - mean[i];
    for (int j = 0; j < BODY; j++) pull[j] += error * row[j];
  }
  for (int i = 0; i < BODY; i++) cost += (bend[i] - mean[i]) * pull[i];
  return cost;
}
