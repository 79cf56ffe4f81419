// Draws from the model: trees from the prior, leaves given a tree, new leaves given tree and
// leaves.
#ifndef TFSP_TMC_CORE_SIMULATE_H_
#define TFSP_TMC_CORE_SIMULATE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/posterior.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// A topology of Kingman's coalescent, eq. (1): pairs of lineages merge uniformly at random.
// Internal nodes are numbered in the order of the merges, the root is 2N - 2.
inline void SampleTopology(int num_leaves, Random* random, std::vector<int32_t>* parent) {
  const int num_nodes = NumNodes(num_leaves);
  parent->assign(num_nodes, -1);
  std::vector<int32_t> lineage(num_leaves);
  for (int n = 0; n < num_leaves; ++n) lineage[n] = n;
  for (int v = num_leaves; v < num_nodes; ++v) {
    for (int side = 0; side < 2; ++side) {
      const uint32_t i = random->Below(lineage.size());
      (*parent)[lineage[i]] = v;
      lineage[i] = lineage.back();
      lineage.pop_back();
    }
    lineage.push_back(v);
  }
}

// x = logit(beta) for beta ~ Beta(a, b) given beta < most, for any a, b > 0: the density
// sigmoid(x)^a sigmoid(-x)^b is log-concave, and is thinned from a flat top of width 2 A with
// exponential tails, A at least its area (Devroye 1986, section VII.2.3): about half are kept.
inline double SampleTruncatedLogit(double a, double b, double most, Random* random) {
  const double limit = std::log(most) - std::log1p(-most);
  const double mode = std::fmin(std::log(a / b), limit);
  const auto log_density = [a, b](double x) {
    const double tail = std::log1p(std::exp(-std::fabs(x)));
    return x > 0 ? -a * tail - b * (x + tail) : a * (x - tail) - b * tail;
  };
  const double top = log_density(mode);
  const double p = 1.0 / (1.0 + std::exp(-mode));
  const double scale = std::fmax(std::sqrt((a + b) * p * (1.0 - p)), std::fabs(a - (a + b) * p));
  // Area on either side of the mode from above: steps that grow, each at the height of its start.
  double area = 0.0;
  for (int side = -1; side <= 1; side += 2) {
    double x = mode, step = 0.1 / scale;
    for (int i = 0; i < 400; ++i, step *= 1.2) {
      const double height = std::exp(log_density(x) - top);
      if (height < 1e-14 || (side > 0 && x >= limit)) break;
      area += height * (side > 0 ? std::fmin(step, limit - x) : step);
      x += side * step;
    }
  }
  const double right = limit - mode;  // room above the mode
  const double right_area =
      right <= area ? right : area + area * -std::expm1(-(right - area) / area);
  for (;;) {
    const double u = random->Uniform() * (2.0 * area + right_area);
    const double v = u < 2.0 * area ? u : u - 2.0 * area;  // area of the hat between mode and x
    const double distance = v <= area ? v : area - area * std::log1p(-(v - area) / area);
    const double x = u < 2.0 * area ? mode - distance : mode + distance;
    const double hat = distance <= area ? 0.0 : 1.0 - distance / area;
    if (x < limit && std::log(random->Uniform()) + hat <= log_density(x) - top) return x;
  }
}

// Share beta of what remains, Beta(a, b) cut off at `most`: exact by rejection.
inline double SampleStick(double a, double b, double most, Random* random) {
  double beta, rest;
  for (int attempt = 0; attempt < 16; ++attempt) {
    random->Beta(a, b, &beta, &rest);
    if (beta < most) return beta;
  }
  beta = 1.0 / (1.0 + std::exp(-SampleTruncatedLogit(a, b, most, random)));
  return std::fmin(beta, most);
}

// Times by stick breaking, t_v = t_u + Beta(a, b) (1 - t_u) (eq. (2) with its sign mended). Sticks
// that would leave less than `min_remaining` to the leaves are cut off: far below the resolution of
// float64 times could not increase any more.
inline void SampleTimes(int num_leaves, const int32_t* parent, double a, double b,
                        double min_remaining, Random* random, std::vector<double>* time) {
  const int num_nodes = NumNodes(num_leaves);
  time->assign(num_nodes, 1.0);
  // Topologies from SampleTopology: parents have larger numbers.
  for (int v = num_nodes - 1; v >= num_leaves; --v) {
    const int u = parent[v];
    if (u < 0) {
      (*time)[v] = 0.0;
      continue;
    }
    const double start = (*time)[u], remaining = 1.0 - start;
    const double most = std::max(0.0, 1.0 - min_remaining / remaining);
    double t = start;
    // Shares below 1e-90, which concentrations near 0 bring, would leave edges without a length.
    if (most > 0.0) t += std::fmax(SampleStick(a, b, most, random), 1e-90) * remaining;
    // Only after dozens of nodes at the cut does this matter; the order is then kept by one bit.
    (*time)[v] = t > start ? t : std::nextafter(start, 1.0);
  }
}

constexpr double kMinRemaining = 1e-12;

// A tree from the prior TMC_N(a, b). Returns an error, or none.
inline Error SamplePrior(int num_leaves, double a, double b, Random* random, Tree* tree,
                         double min_remaining = kMinRemaining) {
  Error error = CheckConcentrations(a, b);
  if (!error.ok()) return error;
  if (num_leaves < 1 || num_leaves > (1 << 29)) {
    return "num_leaves = " + std::to_string(num_leaves) + " must lie in [1, 536870912].";
  }
  if (!(min_remaining >= kMinRemaining && min_remaining < 1.0)) {
    return "min_remaining = " + FormatDouble(min_remaining) + " must lie in [1e-12, 1).";
  }
  std::vector<int32_t> parent;
  std::vector<double> time;
  SampleTopology(num_leaves, random, &parent);
  SampleTimes(num_leaves, parent.data(), a, b, min_remaining, random, &time);
  return BuildTree(num_leaves, parent.data(), time.data(), tree);
}

// Locations by the Gaussian random walk from N(0, I) at the root; `leaves` [N, dims]. The leaf of a
// tree of one leaf is N(0, 2 I).
inline void SampleLeaves(const Tree& tree, int64_t dims, Random* random, double* leaves) {
  std::vector<double> location(static_cast<size_t>(tree.num_nodes - tree.num_leaves) * dims);
  const auto at = [&](int v) {
    return v < tree.num_leaves ? leaves + v * dims
                               : location.data() + static_cast<size_t>(v - tree.num_leaves) * dims;
  };
  for (int i = tree.num_nodes - 1; i >= 0; --i) {
    const int v = tree.postorder[i], u = tree.parent[v];
    double* here = at(v);
    if (u < 0) {
      const double scale = std::sqrt(RootPriorVariance(tree));
      for (int64_t k = 0; k < dims; ++k) here[k] = scale * random->Normal();
      continue;
    }
    const double* above = at(u);
    const double scale = std::sqrt(tree.time[v] - tree.time[u]);
    for (int64_t k = 0; k < dims; ++k) here[k] = above[k] + scale * random->Normal();
  }
}

// Time of a new leaf on the edge above v, from p(t | e). On a leaf's edge a stick. On an internal
// edge p(t) ~ (t - t_u)^(a-1) (t_v - t)^(a-1) (1 - t)^(-a): with s = (t_v - t) / (t_v - t_u),
// eps = (1 - t_v) / (1 - t_u) and y = logit(s) - log(eps) / 2 it becomes
//   (1 + eps + 2 sqrt(eps) cosh y)^(-a),
// symmetric and log-concave in y: rejection from a flat top with exponential tails, which accepts
// at least 46% for every a and every edge.
inline double SampleAttachmentTime(const Tree& tree, int v, double a, double b, Random* random) {
  const double start = tree.time[tree.parent[v]], end = tree.time[v];
  double time;
  if (v < tree.num_leaves) {
    double beta, rest;
    random->Beta(a, b, &beta, &rest);
    time = beta < 0.5 ? start + beta * (1.0 - start) : 1.0 - rest * (1.0 - start);
  } else {
    const double eps = (1.0 - end) / (1.0 - start), root = std::sqrt(eps);
    const double peak = (1.0 + root) * (1.0 + root);
    // f falls to 1/e of its peak at y = width.
    const double width = std::acosh(1.0 + peak * std::expm1(1.0 / a) / (2.0 * root));
    double y;
    for (;;) {
      const bool top = random->Uniform() * (1.0 + std::exp(-1.0)) < 1.0;
      double log_bound = 0.0;
      if (top) {
        y = width * random->Uniform();
      } else {
        const double beyond = random->Exponential();
        y = width * (1.0 + beyond);
        log_bound = -1.0 - beyond;
      }
      // log of f(y) / f(0); log1p keeps it exact near the peak.
      const double half = std::sinh(0.5 * std::min(y, 1400.0));
      const double log_ratio = -a * std::log1p(4.0 * root * half * half / peak);
      if (log_bound + std::log(random->Uniform()) <= log_ratio) break;
    }
    if (random->Bits() >> 63) y = -y;
    const double logit = y + 0.5 * std::log(eps);
    const double s = 1.0 / (1.0 + std::exp(-logit));
    time = s < 0.5 ? end - s * (end - start) : start + (end - start) / (1.0 + std::exp(logit));
  }
  // The open edge, whatever rounding did; t_u if no float64 lies inside.
  return std::min(std::max(time, std::nextafter(start, 1.0)), std::nextafter(end, 0.0));
}

// `count` new leaves given tree and leaves: the edge from p(e) (EdgeWeights), the time from
// p(t | e), the location from N(m(t), var(t) I).
//   edge [count], time [count], location [count, dims]
// A tree of one leaf has one place, the top of its edge, at time 0.
inline Error SamplePredictive(const Tree& tree, int64_t dims, const double* leaves, double a,
                              double b, EdgeWeights weights, int64_t count, Random* random,
                              int32_t* edge, double* time, double* location) {
  Error error = CheckConcentrations(a, b);
  if (error.ok()) error = CheckFinite("leaves", leaves, tree.num_leaves, dims);
  if (!error.ok()) return error;
  if (tree.num_leaves == 1) {
    for (int64_t i = 0; i < count; ++i) {
      edge[i] = 0;
      time[i] = 0.0;
      for (int64_t k = 0; k < dims; ++k) {
        location[i * dims + k] = 0.5 * leaves[k] + std::sqrt(1.5) * random->Normal();
      }
    }
    return Error();
  }
  UpwardVariances up;
  DownwardVariances down;
  ComputeUpwardVariances(tree, &up);
  ComputeDownwardVariances(tree, up, &down);
  std::vector<double> mean(static_cast<size_t>(tree.num_nodes) * dims);
  NodePosteriorMeans(tree, up, down, leaves, dims, mean.data());
  std::vector<double> cumulative(tree.num_nodes);
  EdgeLogProb(tree, weights, a, b, cumulative.data());
  double total = 0.0;
  for (double& c : cumulative) c = total += std::exp(c);
  for (int64_t i = 0; i < count; ++i) {
    const double draw = random->Uniform() * total;
    int v = static_cast<int>(std::upper_bound(cumulative.begin(), cumulative.end(), draw) -
                             cumulative.begin());
    v = std::min(v, tree.num_nodes - 1);
    if (v == tree.root) v = v > 0 ? v - 1 : v + 1;  // rounding at the very end
    const int u = tree.parent[v];
    const double t = SampleAttachmentTime(tree, v, a, b, random);
    const double from_above = down.cavity[v] + (t - tree.time[u]);
    const double from_below = up.variance[v] + (tree.time[v] - t);
    const double scale = std::sqrt((1.0 - t) + from_above * from_below / (from_above + from_below));
    const double x = (t - tree.time[u]) / (tree.time[v] - tree.time[u]);
    const double* mean_u = mean.data() + static_cast<size_t>(u) * dims;
    const double* mean_v = mean.data() + static_cast<size_t>(v) * dims;
    for (int64_t k = 0; k < dims; ++k) {
      location[i * dims + k] = (1.0 - x) * mean_u[k] + x * mean_v[k] + scale * random->Normal();
    }
    edge[i] = v;
    time[i] = t;
  }
  return Error();
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SIMULATE_H_
