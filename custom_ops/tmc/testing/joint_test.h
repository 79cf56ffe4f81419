// Geweke's joint distribution test in independent replicates (Geweke 2004; Gandy & Scott 2020).
//
// Draw a tree from the prior and leaves given the tree, then run the chain for the posterior of the
// tree: a chain that leaves the posterior invariant leaves the joint distribution as it was. Each
// replicate reports statistics of (tree, leaves) before and after; their expected difference is 0.
// Replicates are independent, so that the false-alarm rate of a test on them is known.
#ifndef TFSP_TMC_TESTING_JOINT_TEST_H_
#define TFSP_TMC_TESTING_JOINT_TEST_H_

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/core/simulate.h"

namespace tfsp::tmc {

constexpr int kNumJointStatistics = 12;

// Bounded statistics: the central limit theorem then holds from few replicates on.
inline void JointStatistics(const Tree& tree, const double* leaves, int dims, double log_likelihood,
                            double* out) {
  const int n = tree.num_leaves;
  double sum = 0.0, sum_squares = 0.0, latest = 0.0, earliest = 1.0;
  double balance = 0.0;
  for (int v = n; v < tree.num_nodes; ++v) {
    if (v == tree.root) continue;
    sum += tree.time[v];
    sum_squares += tree.time[v] * tree.time[v];
    latest = std::fmax(latest, tree.time[v]);
    earliest = std::fmin(earliest, tree.time[v]);
    balance += std::log(tree.internal_below[v]);
  }
  // Time of the last common ancestor of leaves 0 and 1.
  int u = 0, w = 1;
  while (u != w) {
    if (tree.time[u] > tree.time[w] || (tree.time[u] == tree.time[w] && u < n)) {
      u = tree.parent[u];
    } else {
      w = tree.parent[w];
    }
  }
  const double meet = tree.time[u];
  int depth = 0;
  for (int v = 0; tree.parent[v] >= 0; v = tree.parent[v]) ++depth;
  double squared = 0.0, inner = 0.0;
  for (int k = 0; k < dims; ++k) {
    const double x = leaves[k], y = leaves[dims + k];
    squared += (x - y) * (x - y);
    inner += x * y;
  }
  const int smaller = std::min(tree.internal_below[tree.child0[tree.root]],
                               tree.internal_below[tree.child1[tree.root]]);
  const double count = n > 2 ? n - 2.0 : 1.0;
  out[0] = sum / count;
  out[1] = sum_squares / count;
  out[2] = latest;
  out[3] = earliest;
  out[4] = meet;
  out[5] = depth / static_cast<double>(n);
  out[6] = smaller == 0 ? 1.0 : 0.0;
  out[7] = balance / n;
  out[8] = std::exp(-squared / dims) * meet;  // near pairs meet late: couples tree and leaves
  out[9] = std::tanh(inner / dims) * meet;
  out[10] = std::tanh(log_likelihood / (4.0 * n * dims));
  out[11] = std::tanh(log_likelihood / (4.0 * n * dims)) * latest;
}

// `statistics` [replicates, 2, kNumJointStatistics]. Needs N >= 2. The prior is conditioned on all
// times being at most 1 - min_remaining and on the triplets, the space on which the chain lives.
inline Error JointTest(const SamplerOptions& options, int num_leaves, int dims, int64_t replicates,
                       double* statistics) {
  Error error = CheckSamplerOptions(options);
  if (!error.ok()) return error;
  if (num_leaves < 2) return "num_leaves = " + std::to_string(num_leaves) + " must be at least 2.";
  if (dims < 1 || dims > (1 << 24)) {
    return "num_dims = " + std::to_string(dims) + " must lie in [1, 16777216].";
  }
  // Else no tree of the prior would do.
  error = CheckTriplets(options.triplets.data(),
                        static_cast<int64_t>(options.triplets.size()) / 3, num_leaves);
  if (!error.ok()) return error;
  Random random(options.seed[0], options.seed[1]);
  std::vector<double> leaves(static_cast<size_t>(num_leaves) * dims);
  SamplerResult result;
  for (int64_t r = 0; r < replicates; ++r) {
    Tree tree;
    bool inside = false;
    while (!inside) {
      error =
          SamplePrior(num_leaves, options.concentration1, options.concentration0, &random, &tree);
      if (!error.ok()) return error;
      inside = true;
      for (int v = num_leaves; v < tree.num_nodes; ++v) {
        inside = inside && tree.time[v] <= 1.0 - options.min_remaining;
      }
      inside = inside && CheckStart(options.triplets, tree).ok();
    }
    SampleLeaves(tree, dims, &random, leaves.data());
    SamplerOptions none = options;
    none.num_moves = 0;
    error = RunSampler(none, dims, leaves.data(), nullptr, &tree, &result);
    if (!error.ok()) return error;
    double* row = statistics + r * 2 * kNumJointStatistics;
    JointStatistics(tree, leaves.data(), dims, result.parts.likelihood, row);
    SamplerOptions chain = options;
    chain.seed[0] = random.Bits();
    chain.seed[1] = random.Bits();
    error = RunSampler(chain, dims, leaves.data(), nullptr, &tree, &result);
    if (!error.ok()) return error;
    JointStatistics(tree, leaves.data(), dims, result.parts.likelihood, row + kNumJointStatistics);
  }
  return Error();
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_TESTING_JOINT_TEST_H_
