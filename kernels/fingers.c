/* Fingers: three joints on a palm, nine unknowns each (`lsmpl_core/hands/finger_batch.py`). */

#include "dense.h"
#include "geometry.h"

enum { BONES = 3, BENDS = 3 * BONES, LIMITED = 4 };

/* The unknowns that have limits, and those of which one bends with the other. */
static const int LIMITS[LIMITED] = {0, 3, 6, 1};
enum { MIDDLE = 3, END = 6 };

/* What is minimised of a finger at some angles: half the gradient and Gauss-Newton's half Hessian, of which the
upper triangle is filled. */
typedef struct {
  double cost, gradient[BENDS], hessian[BENDS * BENDS];
} Terms;

/* The points beyond the first joint; of each joint where it is, and how the world turns by its angles. */
typedef struct {
  double points[BONES][3], at[BONES][3], moving[BONES][9];
} Chain;

static void bend(const Fingers *fingers, int64_t row, const double *q, Chain *chain) {
  double world[9], next[9], turned[9], at[3], bone[3];
  memcpy(world, fingers->axes + 9 * row, sizeof world);
  memcpy(at, fingers->base + 3 * row, sizeof at);
  for (int k = 0; k < BONES; k++) {
    if (k) {
      multiply(world, fingers->between + 9 * (2 * row + k - 1), next);
      memcpy(world, next, sizeof world);
    }
    exp_map(q + 3 * k, turned);
    multiply(world, turned, next);
    memcpy(world, next, sizeof world);
    right_jacobian(q + 3 * k, turned);
    multiply(world, turned, chain->moving[k]);
    memcpy(chain->at[k], at, sizeof at);
    turn(world, fingers->bones + 3 * (BONES * row + k), bone);
    for (int i = 0; i < 3; i++) chain->points[k][i] = at[i] += bone[i];
  }
}

/* A point moves by the turns of the joints before it. */
static void add_point(const Chain *chain, int point, const double *off, double root, Terms *terms) {
  double rows[3][BENDS], arm[3], column[3], moved[3];
  int used = 3 * (point + 1);
  for (int k = 0; k <= point; k++) {
    for (int i = 0; i < 3; i++) arm[i] = root * (chain->points[point][i] - chain->at[k][i]);
    for (int j = 0; j < 3; j++) {
      for (int i = 0; i < 3; i++) column[i] = chain->moving[k][3 * i + j];
      cross(column, arm, moved);
      for (int i = 0; i < 3; i++) rows[i][3 * k + j] = moved[i];
    }
  }
  for (int i = 0; i < 3; i++)
    for (int a = 0; a < used; a++) {
      terms->gradient[a] += rows[i][a] * root * off[i];
      for (int b = a; b < used; b++) terms->hessian[a * BENDS + b] += rows[i][a] * rows[i][b];
    }
}

static void find_terms(const Fingers *fingers, int64_t row, const double *q, Terms *terms) {
  Chain chain;
  memset(terms, 0, sizeof *terms);
  bend(fingers, row, q, &chain);
  for (int point = 0; point < BONES; point++) {
    double off[3], weight = fingers->confidence[BONES * row + point] * fingers->precision;
    for (int i = 0; i < 3; i++) off[i] = chain.points[point][i] - fingers->targets[3 * (BONES * row + point) + i];
    double square = dot(off, off), share = 1.0 / (1.0 + square * fingers->nearness);
    terms->cost += weight * square * share;
    add_point(&chain, point, off, sqrt(weight) * share, terms);
  }

  // What hands usually do; the end joint bends with the middle one; and what hands cannot.
  for (int u = 0; u < BENDS; u++) {
    double sigma = fingers->sigma[BENDS * row + u], firm = 1.0 / (sigma * sigma);
    double away = q[u] - fingers->relaxed[BENDS * row + u];
    terms->cost += firm * away * away;
    terms->gradient[u] += firm * away;
    terms->hessian[u * BENDS + u] += firm;
  }
  double share = fingers->end_share, weight = fingers->end_weight, apart = q[END] - share * q[MIDDLE] + fingers->ends[row];
  terms->cost += weight * apart * apart;
  terms->gradient[END] += weight * apart;
  terms->gradient[MIDDLE] -= weight * share * apart;
  terms->hessian[END * BENDS + END] += weight;
  terms->hessian[MIDDLE * BENDS + MIDDLE] += weight * share * share;
  terms->hessian[MIDDLE * BENDS + END] -= weight * share;
  for (int i = 0; i < LIMITED; i++) {
    int u = LIMITS[i];
    double low = fingers->low[LIMITED * row + i], high = fingers->high[LIMITED * row + i];
    double beyond = q[u] < low ? q[u] - low : q[u] > high ? q[u] - high : 0.0;
    if (beyond == 0.0) continue;
    terms->cost += fingers->limit * beyond * beyond;
    terms->gradient[u] += fingers->limit * beyond;
    terms->hessian[u * BENDS + u] += fingers->limit;
  }
}

/* Of `count` fingers those from `first` to `end`, at q (B,9): gradient (B,9) and hessian (B,9,9). */
PUBLIC int lsmpl_finger_terms(int64_t count, int64_t first, int64_t end, const Fingers *fingers, const double *q,
                              double *gradient, double *hessian) {
  if (first < 0 || first > end || end > count) return BAD_SIZE;
  for (int64_t row = first; row < end; row++) {
    Terms terms;
    double *square = hessian + row * BENDS * BENDS;
    find_terms(fingers, row, q + row * BENDS, &terms);
    memcpy(gradient + row * BENDS, terms.gradient, sizeof terms.gradient);
    for (int a = 0; a < BENDS; a++)
      for (int b = a; b < BENDS; b++)
        square[a * BENDS + b] = square[b * BENDS + a] = terms.hessian[a * BENDS + b];
  }
  return DONE;
}

/* Levenberg and Marquardt's way from q (B,9), in steps->steps steps at most, until one is smaller than
steps->enough in all angles; damping begins with steps->damping and is steps->tolerance at the least. */
PUBLIC int lsmpl_finger_polish(int64_t count, int64_t first, int64_t end, const Fingers *fingers, const Steps *steps,
                               double *q) {
  if (first < 0 || first > end || end > count) return BAD_SIZE;
  for (int64_t row = first; row < end; row++) {
    Terms here, there;
    double *at = q + row * BENDS, damping = steps->damping, largest = INFINITY;
    find_terms(fingers, row, at, &here);
    for (int64_t done = 0; done < steps->steps && largest > steps->enough; done++) {
      double square[BENDS * BENDS], step[BENDS], trial[BENDS];
      memcpy(square, here.hessian, sizeof square);
      memcpy(step, here.gradient, sizeof step);
      for (int u = 0; u < BENDS; u++) {
        double sigma = fingers->sigma[BENDS * row + u];
        square[u * BENDS + u] += damping / (sigma * sigma);
      }
      factorise(square, BENDS);
      substitute(square, BENDS, step, 1);
      substitute_back(square, BENDS, step, 1);
      largest = 0.0;
      for (int u = 0; u < BENDS; u++) {
        trial[u] = at[u] - step[u];
        largest = fmax(largest, fabs(step[u]));
      }
      find_terms(fingers, row, trial, &there);
      int better = there.cost < here.cost;
      damping = fmax(better ? damping / 8.0 : damping * 4.0, steps->tolerance);
      if (!better) continue;
      memcpy(at, trial, sizeof trial);
      here = there;
    }
  }
  return DONE;
}
