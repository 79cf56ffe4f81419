// Quadrature over the attachment time of a new leaf on every edge: times, weights, and the mean and
// variance of the new leaf's location at each. All of it depends on the tree alone.
//
// Edge (u, v), cavity variance A0 at u, l = t_v - t_u, C = A0 + nu_v + l:
//   lambda(t) = (A0 + t - t_u) / C,   x = (t - t_u) / l,
//   mean(t) = (1 - x) M_u + x M_v,    var(t) = (1 - t_u + A0) - C lambda(t)^2,
// decreasing in t. The nodes are Gauss-Legendre, uniform in log var(t), where in d dimensions the
// integrand is inverse-gamma of relative width sqrt(2 / d). A leaf edge, where var falls to 0,
// stops at var = floor * var(t_u). Weights are normalised per edge, so that the rule itself is an
// exactly normalised mixture for any number of nodes.
#ifndef TFSP_TMC_CORE_QUADRATURE_H_
#define TFSP_TMC_CORE_QUADRATURE_H_

#include <cmath>
#include <cstdint>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/quadrature_rule.h"
#include "custom_ops/tmc/core/simd.h"

namespace tfsp::tmc {

// One edge's nodes, padded to whole vectors; entries at and beyond `count` have no meaning.
struct EdgeNodes {
  static constexpr int kSize = kQuadratureStride;
  int child = 0, parent = 0, count = 0;  // edge (parent, child)
  double log_total = 0.0;                // log w = log_weight - log_total sums to one per edge
  alignas(64) double log_weight[kSize];
  alignas(64) double elapsed[kSize];         // t - t_u
  alignas(64) double position[kSize];        // x
  alignas(64) double rest[kSize];            // 1 - x, without cancellation
  alignas(64) double variance[kSize];        // var(t) + added_variance
  alignas(64) double half_precision[kSize];  // 1 / (2 variance)
  alignas(64) double log_variance[kSize];
};

namespace internal {

// Geometry of an edge: what fixes its nodes.
struct EdgeGeometry {
  double cavity;                        // A0
  double nu;                            // nu_v
  double length;                        // l
  double rest;                          // 1 - t_v, 0 on a leaf's edge
  double total;                         // C
  double start_ratio, end_ratio;        // lambda at t_u, t_v
  double start_variance, end_variance;  // var at t_u, t_v

  EdgeGeometry(const Tree& tree, const UpwardVariances& up, const DownwardVariances& down, int v)
      : cavity(down.cavity[v]),
        nu(up.variance[v]),
        length(EdgeLength(tree, v)),
        rest(v < tree.num_leaves ? 0.0 : 1.0 - tree.time[v]),
        total(cavity + nu + length),
        start_ratio(cavity / total),
        end_ratio((cavity + length) / total),
        // (1 - t_u + A0) - C lambda^2 at the ends, as sums of positive terms.
        start_variance(rest + length + cavity * (nu + length) / total),
        end_variance(rest + (cavity + length) * (nu / total)) {}
};

// 1 - exp(-x) for x < 0.01, where the difference would cancel.
TFSP_INLINE Vec<double> OneMinusExp(Vec<double> x) {
  return x * (1.0 - x * (0.5 - x * (1.0 / 6 - x * (1.0 / 24 - x * (1.0 / 120 - x * (1.0 / 720))))));
}

// exp(-delta), its reciprocal and 1 - exp(-delta) at the nodes of a leaf's edge: the same for
// every leaf.
struct LeafSteps {
  double span = 0.0;  // -log(variance_floor)
  alignas(64) double shrink[EdgeNodes::kSize];
  alignas(64) double grow[EdgeNodes::kSize];
  alignas(64) double drop[EdgeNodes::kSize];
};

struct LeafStepsBody {
  TFSP_INLINE static void Run(const RuleTable* rule, double variance_floor, LeafSteps* out) {
    out->span = -std::log(variance_floor);
    for (int i = 0; i < rule->padded; i += 4) {
      const Vec<double> delta = out->span * Load(rule->node + i);
      const Vec<double> shrink = Exp(-delta);
      Store(out->shrink + i, shrink);
      Store(out->grow + i, 1.0 / shrink);
      Store(out->drop + i, delta < 0.01 ? OneMinusExp(delta) : 1.0 - shrink);
    }
  }
};

// Logarithms of all edges at once: log var(t_u) and, given l (lambda_u + lambda_v) / var(t_v) in
// `span`, log var(t_u) / var(t_v). Arrays padded to whole vectors.
struct EdgeLogarithmsBody {
  TFSP_INLINE static void Run(int64_t padded, double* log_start, double* span) {
    for (int64_t i = 0; i < padded; i += 4) {
      Store(log_start + i, Log(Load(log_start + i)));
      // log1p(x) = log(y) x / (y - 1) with y = 1 + x as rounded.
      const Vec<double> x = Load(span + i), y = 1.0 + x, d = y - 1.0;
      Store(span + i, d > 0.0 ? Log(y) * x / d : x);
    }
  }
};

// Nodes of one edge. kSquare: a = b = 2, where powers are products and one logarithm serves.
template <bool kLeaf, bool kSquare>
struct EdgeNodesBody {
  TFSP_INLINE static void Run(const EdgeGeometry* geometry, const RuleTable* rule,
                              const LeafSteps* steps, const QuadratureOptions* options,
                              double log_start, double internal_span, EdgeNodes* out) {
    using V = Vec<double>;
    const EdgeGeometry& e = *geometry;
    const double a = options->concentration1, b = options->concentration0;
    // delta = log var(t_u) - log var(t) runs over (0, span).
    const double span = kLeaf ? steps->span : internal_span;
    const double inverse_length = 1.0 / e.length;
    const double inverse_total = 1.0 / e.total, half_start_precision = 0.5 / e.start_variance;
    const double start_square = e.start_ratio * e.start_ratio;
    V sum = {}, largest = Broadcast<double>(-1e300);
    for (int i = 0; i < rule->padded; i += 4) {
      const V delta = span * Load(rule->node + i);
      V shrink, drop;
      if constexpr (kLeaf) {
        shrink = Load(steps->shrink + i);
        drop = Load(steps->drop + i);
      } else {
        shrink = Exp(-delta);
        drop = delta < 0.01 ? OneMinusExp(delta) : 1.0 - shrink;
      }
      const V variance = e.start_variance * shrink;
      drop *= e.start_variance;
      const V ratio = Sqrt(start_square + drop * inverse_total);
      // t - t_u = drop / p and t_v - t = left / q from differences of var, each precise near its
      // own end; 1 - t = base / q. One division serves all, and the density.
      const V p = ratio + e.start_ratio, q = ratio + e.end_ratio;
      V left = variance, base = variance, inverse, elapsed, remaining, half_precision;
      if constexpr (kLeaf) {
        inverse = 1.0 / (p * q * ratio);
        elapsed = drop * (q * ratio) * inverse;
        remaining = left * (p * ratio) * inverse;
        half_precision = half_start_precision * Load(steps->grow + i);
      } else {
        const V gap = span - delta;
        left = gap < 0.01 ? variance * OneMinusExp(gap) : variance - e.end_variance;
        base = left + e.rest * q;
        const V others = ratio * base * base, pq = p * q;
        const V shared = 1.0 / (pq * others * variance);
        half_precision = 0.5 * (pq * others) * shared;
        inverse = variance * shared;
        elapsed = drop * (q * others) * inverse;
        remaining = left * (p * others) * inverse;
        inverse *= q * q;
      }
      Store(out->elapsed + i, elapsed);
      Store(out->position + i, elapsed * inverse_length);
      Store(out->rest + i, remaining * inverse_length);
      Store(out->variance + i, variance);
      Store(out->half_precision + i, half_precision);
      Store(out->log_variance + i, log_start - delta);
      // p(t | e) |dt / d log var|, up to a constant; dt / d log var = var / (2 lambda).
      if constexpr (kSquare) {
        const V w = Load(rule->weight + i) * (drop * left) * (variance * inverse);
        sum += w;
        Store(out->log_weight + i, Log(Max(w, Broadcast<double>(1e-300))));
      } else {
        V w = Load(rule->log_weight + i) - delta - Log(ratio) + (a - 1) * Log(elapsed);
        if constexpr (kLeaf) {
          w += (b - 1) * Log(remaining);
        } else {
          w += (a - 1) * Log(remaining) - a * Log(remaining + e.rest);
        }
        largest = Max(largest, w);
        Store(out->log_weight + i, w);
      }
    }
    if constexpr (kSquare) {
      out->log_total = std::log(Sum<double>(sum));
    } else {
      double top = largest[0];
      for (int i = 1; i < 4; ++i) top = largest[i] > top ? largest[i] : top;
      for (int i = 0; i < rule->padded; i += 4) sum += Exp(Load(out->log_weight + i) - top);
      out->log_total = top + std::log(Sum<double>(sum));
    }
    if (options->added_variance > 0.0) {
      for (int i = 0; i < rule->padded; i += 4) {
        const V variance = Load(out->variance + i) + options->added_variance;
        Store(out->variance + i, variance);
        Store(out->half_precision + i, 0.5 / variance);
        Store(out->log_variance + i, Log(variance));
      }
    }
  }
};

}  // namespace internal

inline int64_t NumQuadratureNodes(int num_leaves, const QuadratureOptions& options) {
  if (num_leaves == 1) return 1;
  return static_cast<int64_t>(num_leaves) * options.leaf_nodes +
         static_cast<int64_t>(num_leaves - 2) * options.internal_nodes;
}

// Runs work(begin, end) on [0, total) at once. A kernel passes a function that splits the range
// over its threads instead.
struct Serially {
  template <typename Work>
  void operator()(int64_t total, const Work& work) const {
    work(int64_t{0}, total);
  }
};

// Calls sink(const EdgeNodes&) for the edge above every node but the root, in the order of the
// nodes' numbers (within each range that `split` makes of them). With one leaf: its one place, at
// time 0 on the edge from the virtual root.
template <typename Sink, typename Split = Serially>
void ForEachEdge(const Tree& tree, const UpwardVariances& up, const DownwardVariances& down,
                 const QuadratureOptions& options, Isa isa, Sink&& sink, const Split& split = {}) {
  if (tree.num_leaves == 1) {
    EdgeNodes nodes;
    nodes.count = 1;
    nodes.log_weight[0] = nodes.elapsed[0] = nodes.position[0] = 0.0;
    nodes.rest[0] = 1.0;
    nodes.variance[0] = 1.5 + options.added_variance;
    nodes.half_precision[0] = 0.5 / nodes.variance[0];
    nodes.log_variance[0] = std::log(nodes.variance[0]);
    sink(static_cast<const EdgeNodes&>(nodes));
    return;
  }
  RuleTable own_leaf, own_internal;
  const RuleTable& leaf_rule = RuleTable::Get(options.leaf_nodes, &own_leaf);
  const RuleTable& internal_rule = RuleTable::Get(options.internal_nodes, &own_internal);
  internal::LeafSteps steps;
  Dispatch<internal::LeafStepsBody>(isa, &leaf_rule, options.variance_floor, &steps);
  const bool square = options.concentration1 == 2.0 && options.concentration0 == 2.0;
  const int64_t padded = (tree.num_nodes + 3) / 4 * 4;
  Buffer<double> log_start(padded), span(padded);
  for (int64_t v = 0; v < padded; ++v) log_start[v] = span[v] = 1.0;
  for (int v = 0; v < tree.num_nodes; ++v) {
    if (v == tree.root) continue;
    const internal::EdgeGeometry e(tree, up, down, v);
    log_start[v] = e.start_variance;
    if (v >= tree.num_leaves) {
      span[v] = e.length * (e.start_ratio + e.end_ratio) / e.end_variance;
    }
  }
  Dispatch<internal::EdgeLogarithmsBody>(isa, padded, log_start.data(), span.data());
  split(tree.num_nodes, [&](int64_t range_begin, int64_t range_end) {
    EdgeNodes nodes;
    for (int v = static_cast<int>(range_begin); v < range_end; ++v) {
      if (v == tree.root) continue;
      const bool leaf = v < tree.num_leaves;
      const RuleTable* rule = leaf ? &leaf_rule : &internal_rule;
      nodes.child = v;
      nodes.parent = tree.parent[v];
      nodes.count = rule->count;
      const internal::EdgeGeometry geometry(tree, up, down, v);
      const auto run = [&](auto body) {
        Dispatch<decltype(body)>(isa, &geometry, rule, &steps, &options, log_start[v], span[v],
                                 &nodes);
      };
      using internal::EdgeNodesBody;
      if (leaf && square) {
        run(EdgeNodesBody<true, true>());
      } else if (leaf) {
        run(EdgeNodesBody<true, false>());
      } else if (square) {
        run(EdgeNodesBody<false, true>());
      } else {
        run(EdgeNodesBody<false, false>());
      }
      sink(static_cast<const EdgeNodes&>(nodes));
    }
  });
}

// All nodes as flat arrays of NumQuadratureNodes entries: the edge (its lower node), t, log weight
// (summing to one per edge), x = (t - t_u) / (t_v - t_u), and the variance of the new leaf's
// location, whose mean is (1 - x) M_u + x M_v.
inline void WriteQuadrature(const Tree& tree, const UpwardVariances& up,
                            const DownwardVariances& down, const QuadratureOptions& options,
                            int32_t* edge, double* time, double* log_weight, double* position,
                            double* variance, Isa isa = Isa::kAuto) {
  int64_t i = 0;
  ForEachEdge(tree, up, down, options, isa, [&](const EdgeNodes& nodes) {
    const double start = tree.num_leaves == 1 ? 0.0 : tree.time[nodes.parent];
    for (int q = 0; q < nodes.count; ++q, ++i) {
      edge[i] = nodes.child;
      time[i] = start + nodes.elapsed[q];
      log_weight[i] = nodes.log_weight[q] - nodes.log_total;
      position[i] = nodes.position[q];
      variance[i] = nodes.variance[q];
    }
  });
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_QUADRATURE_H_
