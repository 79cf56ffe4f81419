// Options of the quadrature over attachment times, and Gauss-Legendre rules.
#ifndef TFSP_TMC_CORE_QUADRATURE_RULE_H_
#define TFSP_TMC_CORE_QUADRATURE_RULE_H_

#include <cmath>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/special.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

constexpr int kMaxQuadratureNodes = 256;
// Length of arrays over nodes: eight more than needed, so that neighbouring arrays do not start at
// the same place of a memory page.
constexpr int kQuadratureStride = kMaxQuadratureNodes + 8;

struct QuadratureOptions {
  double concentration1 = 2.0, concentration0 = 2.0;  // a, b of the time prior
  int leaf_nodes = 24, internal_nodes = 12;           // nodes on a leaf's edge, on another edge
  double variance_floor = 1e-3;                       // in (0, 1), relative to var(t_u)
  double added_variance = 0.0;                        // added to every var(t)
  EdgeWeights edge_weights = EdgeWeights::kPrior;
};

inline Error CheckOptions(const QuadratureOptions& o) {
  Error error = CheckConcentrations(o.concentration1, o.concentration0);
  if (!error.ok()) return error;
  const int counts[2] = {o.leaf_nodes, o.internal_nodes};
  for (int i = 0; i < 2; ++i) {
    if (counts[i] < 1 || counts[i] > kMaxQuadratureNodes) {
      return "num_nodes[" + std::to_string(i) + "] = " + std::to_string(counts[i]) +
             " must lie in [1, " + std::to_string(kMaxQuadratureNodes) + "].";
    }
  }
  if (!(o.variance_floor >= 1e-12 && o.variance_floor < 1.0)) {
    return "variance_floor = " + FormatDouble(o.variance_floor) + " must lie in [1e-12, 1).";
  }
  if (!(o.added_variance >= 0.0 && std::isfinite(o.added_variance))) {
    return "added_variance = " + FormatDouble(o.added_variance) + " must be finite and >= 0.";
  }
  return Error();
}

// Gauss-Legendre rule on (0, 1), nodes ascending, weights summing to 1.
inline void GaussLegendre(int num_nodes, double* node, double* weight) {
  for (int i = 0; i < (num_nodes + 1) / 2; ++i) {
    double x = std::cos(kPi * (i + 0.75) / (num_nodes + 0.5)), slope = 1.0;
    for (int step = 0; step < 100; ++step) {
      double p = 1.0, before = 0.0;
      for (int k = 1; k <= num_nodes; ++k) {
        const double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;
        before = p;
        p = next;
      }
      slope = num_nodes * (x * p - before) / (x * x - 1);
      const double change = p / slope;
      x -= change;
      if (std::abs(change) < 1e-15) break;
    }
    const double w = 1.0 / ((1 - x * x) * slope * slope);
    node[i] = 0.5 * (1 - x);
    node[num_nodes - 1 - i] = 0.5 * (1 + x);
    weight[i] = weight[num_nodes - 1 - i] = w;
  }
}

// Gauss-Legendre nodes and weights, padded to whole vectors.
struct RuleTable {
  int count = 0, padded = 0;
  alignas(64) double node[kQuadratureStride];
  alignas(64) double log_weight[kQuadratureStride];
  alignas(64) double weight[kQuadratureStride];

  // Rules of up to 64 nodes are made once per process.
  static const RuleTable& Get(int num_nodes, RuleTable* own) {
    constexpr int kKept = 64;
    static const std::vector<RuleTable> kept = [] {
      std::vector<RuleTable> rules;
      rules.reserve(kKept);
      for (int n = 1; n <= kKept; ++n) rules.emplace_back(n);
      return rules;
    }();
    if (num_nodes <= kKept) return kept[num_nodes - 1];
    *own = RuleTable(num_nodes);
    return *own;
  }

  RuleTable() = default;
  explicit RuleTable(int num_nodes) : count(num_nodes), padded((num_nodes + 3) / 4 * 4) {
    GaussLegendre(num_nodes, node, weight);
    for (int q = 0; q < num_nodes; ++q) log_weight[q] = std::log(weight[q]);
    for (int q = num_nodes; q < padded; ++q) {
      node[q] = 0.5;
      weight[q] = 0.0;
      log_weight[q] = -1e30;
    }
  }
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_QUADRATURE_RULE_H_
