// A judge of proposals that trusts no incremental message: the reference chain of the tests,
// `RunSampler<FullRecomputation>`. Slow; the chain is the same.
#ifndef TFSP_TMC_TESTING_FULL_RECOMPUTATION_H_
#define TFSP_TMC_TESTING_FULL_RECOMPUTATION_H_

#include <algorithm>
#include <cmath>
#include <vector>

#include "custom_ops/tmc/core/moves.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/sampler_state.h"

namespace tfsp::tmc {

// The log joint by plain loops over the tree: no slots, no padding, no code of the incremental
// path.
class FullRecomputation {
 public:
  double Before(const SamplerState& state) { return LogJoint(state); }
  // The decision; messages are then rebuilt by the ordinary path update.
  bool Accepts(SamplerState* state, int count, double log_ratio, double log_prior, double log_u,
               double before, double* change) {
    const double likelihood_change = LogJoint(*state) - before - log_prior;
    if (!(log_ratio + likelihood_change >= log_u)) return false;
    double ignored;
    UpdatePath(state, count, 0.0, -INFINITY, &ignored);
    *change = likelihood_change;
    return true;
  }

  // All triplets, by the ancestors of their leaves.
  bool Allows(SamplerState* state, const Regraft&) {
    if (state->triplets() == nullptr) return true;
    const std::vector<int32_t>& all = state->triplets()->all();
    for (size_t i = 0; i < all.size(); i += 3) {
      std::vector<bool> above_a(state->num_nodes(), false), above_c = above_a;
      for (int n = all[i]; n >= 0; n = state->node(n).parent) above_a[n] = true;
      for (int n = all[i + 2]; n >= 0; n = state->node(n).parent) above_c[n] = true;
      int meet = all[i + 1];
      while (!above_a[meet]) meet = state->node(meet).parent;
      if (above_c[meet]) return false;
    }
    return true;
  }

  double LogJoint(const SamplerState& state) {
    const int num_leaves = state.num_leaves(), dims = state.dims();
    mean_.assign(static_cast<size_t>(state.num_nodes()) * dims, 0.0);
    variance_.assign(state.num_nodes(), 0.0);
    expected_.assign(state.num_nodes(), 0.0);
    internal_.assign(state.num_nodes(), 0);
    const double a = state.a(), b = state.b();
    const double log_beta = LogGamma(a) + LogGamma(b) - LogGamma(a + b);
    double total = 0.0;
    for (int i = 2; i <= num_leaves; ++i) {
      total += std::log(i - 1.0) - std::log(0.5 * i * (i - 1.0));
    }
    for (int v : state.Postorder()) {
      double* mean = &mean_[static_cast<size_t>(v) * dims];
      if (state.IsLeaf(v)) {
        std::copy(state.Mean(v), state.Mean(v) + dims, mean);
        expected_[v] = state.node(v).expected[0];
        continue;
      }
      const double t = state.node(v).time;
      const int k = state.node(v).child[0], l = state.node(v).child[1];
      const double from_k = variance_[k] + state.node(k).time - t;
      const double from_l = variance_[l] + state.node(l).time - t;
      const double sum = from_k + from_l;
      variance_[v] = from_k * from_l / sum;
      expected_[v] =
          (from_l * from_l * expected_[k] + from_k * from_k * expected_[l]) / (sum * sum);
      internal_[v] = 1 + internal_[k] + internal_[l];
      double squared = expected_[k] + expected_[l];
      for (int i = 0; i < dims; ++i) {
        const double x = mean_[static_cast<size_t>(k) * dims + i];
        const double y = mean_[static_cast<size_t>(l) * dims + i];
        mean[i] = (from_l * x + from_k * y) / sum;
        squared += (x - y) * (x - y);
      }
      total -= 0.5 * (squared / sum + dims * (kLog2Pi + std::log(sum)));
      total -= std::log(internal_[v]);
      if (v == state.root()) {
        squared = expected_[v];
        for (int i = 0; i < dims; ++i) squared += mean[i] * mean[i];
        total -= 0.5 *
                 (squared / (1.0 + variance_[v]) + dims * (kLog2Pi + std::log(1.0 + variance_[v])));
      } else {
        const double p = state.node(state.node(v).parent).time;
        total += (a - 1.0) * std::log(t - p) + (b - 1.0) * std::log(1.0 - t) -
                 (a + b - 1.0) * std::log(1.0 - p) - log_beta;
      }
    }
    return total;
  }

 private:
  std::vector<double> mean_, variance_, expected_;
  std::vector<int> internal_;
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_TESTING_FULL_RECOMPUTATION_H_
