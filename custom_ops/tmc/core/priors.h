// The time-marginalized coalescent's priors over topologies and times, and the prior of the place
// where a new leaf attaches. Formulas: Vikram, Hoffman and Johnson 2018 (arXiv:1810.06891) with
// the corrections named below. c(v) = internal nodes at or below v; t_u = time of the parent.
#ifndef TFSP_TMC_CORE_PRIORS_H_
#define TFSP_TMC_CORE_PRIORS_H_

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/special.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// Which weights the edges get before the new point is seen.
enum class EdgeWeights {
  kPrior,  // topology alone: p(e) = w_e / W
  kBayes,  // given the times as well: p(e) = w_e Z_e / sum
};

inline Error CheckConcentrations(double concentration1, double concentration0) {
  const double values[2] = {concentration1, concentration0};
  for (int i = 0; i < 2; ++i) {
    if (!(values[i] > 0.0 && values[i] <= 1e4)) {
      return std::string(i == 0 ? "concentration1" : "concentration0") + " = " +
             FormatDouble(values[i]) + " must lie in (0, 10000].";
    }
  }
  return Error();
}

// Eq. (1): log[ (N-1)! / prod_v c(v) * prod_{i=1}^{N-1} 1 / C(i+1, 2) ].
inline double TopologyLogProb(const Tree& tree) {
  LogProduct sizes;
  for (int v = tree.num_leaves; v < tree.num_nodes; ++v) sizes.Multiply(tree.internal_below[v]);
  return (tree.num_leaves - 1) * kLog2 - LogGamma(tree.num_leaves + 1.0) - sizes.Log();
}

// log f(t | t_u) of one time: t = t_u + beta (1 - t_u), beta ~ Beta(a, b). (Eq. (2) has the
// opposite sign.)
inline double TimeLogDensity(double t, double parent_time, double a, double b) {
  return (a - 1) * std::log(t - parent_time) + (b - 1) * std::log(1 - t) -
         (a + b - 1) * std::log(1 - parent_time) - LogBeta(a, b);
}

// Sum of log f(t_v | t_u) over the internal nodes other than the root.
inline double TimeLogProb(const Tree& tree, double a, double b) {
  if (tree.num_leaves < 3) return 0.0;
  LogProduct lengths, above, below;
  for (int v = tree.num_leaves; v < tree.num_nodes; ++v) {
    const int u = tree.parent[v];
    if (u < 0) continue;
    const double t = tree.time[v], parent_time = tree.time[u];
    lengths.Multiply(t - parent_time);
    above.Multiply(1 - t);
    below.Multiply(1 - parent_time);
  }
  return (a - 1) * lengths.Log() + (b - 1) * above.Log() - (a + b - 1) * below.Log() -
         (tree.num_leaves - 2) * LogBeta(a, b);
}

// log Z_e of an internal edge, Z_e = integral of f(t | t_u) f(t_v | t) / f(t_v | t_u) over t.
inline double LogEdgeEvidence(double parent_time, double time, double a, double b) {
  const double span = 1 - parent_time, share = (time - parent_time) / span;
  return a * std::log(share) + LogBeta(a, a) - LogBeta(a, b) +
         LogHypergeometric(a, share, (1 - time) / span);
}

// log p(e_v) of a new leaf on the edge above v; -inf at the root [V]. With one leaf its only
// place, the edge from the virtual root, has probability 1.
//   w(v) = 2 / (N+1) * P(v) / (c(v) + 1),   P(root) = 1,   P(child) = P(u) c(u) / (c(u) + 1),
//   W = 1 - 2 / (N (N+1)): the missing mass lies above the root.
inline void EdgeLogProb(const Tree& tree, EdgeWeights weights, double a, double b,
                        double* log_prob) {
  const int n = tree.num_leaves, num_nodes = tree.num_nodes;
  if (n == 1) {
    log_prob[0] = 0.0;
    return;
  }
  const double scale = 2.0 / (n + 1.0) / (1.0 - 2.0 / (static_cast<double>(n) * (n + 1.0)));
  std::vector<double> passing(num_nodes);  // P(v)
  double max_log = -std::numeric_limits<double>::infinity();
  for (int i = num_nodes - 1; i >= 0; --i) {
    const int v = tree.postorder[i], u = tree.parent[v];
    if (u < 0) {
      passing[v] = 1.0;
      log_prob[v] = -std::numeric_limits<double>::infinity();
      continue;
    }
    const double above = tree.internal_below[u];
    passing[v] = passing[u] * (above / (above + 1.0));
    log_prob[v] = std::log(scale * passing[v] / (tree.internal_below[v] + 1.0));
    if (weights == EdgeWeights::kBayes && v >= n) {
      log_prob[v] += LogEdgeEvidence(tree.time[u], tree.time[v], a, b);
    }
    max_log = std::fmax(max_log, log_prob[v]);
  }
  if (weights == EdgeWeights::kPrior) return;
  double sum = 0.0;
  for (int v = 0; v < num_nodes; ++v) sum += std::exp(log_prob[v] - max_log);
  const double normalizer = max_log + std::log(sum);
  for (int v = 0; v < num_nodes; ++v) log_prob[v] -= normalizer;
}

// log p(t | e_v), the density of the attachment time on the edge above v, normalised on
// (t_u, t_v); -inf outside. (Eq. (C.16) as printed is no density: it misses 1 / (1 - t).)
inline double AttachmentTimeLogProb(const Tree& tree, int v, double t, double a, double b) {
  const double none = -std::numeric_limits<double>::infinity();
  const int u = tree.parent[v];
  if (u < 0) return none;
  const double parent_time = tree.time[u], end = tree.time[v];
  if (!(t > parent_time && t < end)) return none;
  if (v < tree.num_leaves) return TimeLogDensity(t, parent_time, a, b);
  const double length = end - parent_time, span = 1 - parent_time;
  const double normalizer = (2 * a - 1) * std::log(length) - a * std::log(span) + LogBeta(a, a) +
                            LogHypergeometric(a, length / span, (1 - end) / span);
  return (a - 1) * (std::log(t - parent_time) + std::log(end - t)) - a * std::log(1 - t) -
         normalizer;
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_PRIORS_H_
