// Upward and downward Gaussian messages on a tree: the marginal likelihood of the leaves' locations
// and its gradient. A Brownian motion runs down the tree: the root's location is N(0, I), and each
// edge adds variance equal to its length. One scalar variance per node serves all dimensions, and
// depends on the times alone.
#ifndef TFSP_TMC_CORE_MESSAGES_H_
#define TFSP_TMC_CORE_MESSAGES_H_

#include <cstdint>
#include <vector>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/simd.h"
#include "custom_ops/tmc/core/special.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// Variance of the root's location before any leaf is seen. A tree of one leaf hangs by an edge of
// length 1 from a root at time 0 that is not among its nodes.
inline double RootPriorVariance(const Tree& tree) { return tree.num_leaves == 1 ? 2.0 : 1.0; }

inline double EdgeLength(const Tree& tree, int v) {
  return tree.time[v] - tree.time[tree.parent[v]];
}

// What the upward pass needs besides the leaves. With A, B = variance of the children's messages
// at the parent, A = nu_k + e_k:
struct UpwardVariances {
  std::vector<double> variance;   // [V] nu = A B / (A + B), 0 at leaves
  std::vector<double> weight;     // [V] alpha = B / (A + B), weight of child0's mean
  std::vector<double> precision;  // [V] 1 / (A + B)
  double root_precision = 0;      // 1 / (root prior variance + nu_root)
  double log_det = 0;             // sum of log 2 pi (A + B), and of the root's
};

inline void ComputeUpwardVariances(const Tree& tree, UpwardVariances* up) {
  const int num_nodes = tree.num_nodes;
  up->variance.resize(num_nodes);
  up->weight.resize(num_nodes);
  up->precision.resize(num_nodes);
  for (int v = 0; v < tree.num_leaves; ++v) up->variance[v] = 0.0;
  LogProduct product;
  for (int v : tree.internal_order) {
    const int k = tree.child0[v], l = tree.child1[v];
    const double a = up->variance[k] + (tree.time[k] - tree.time[v]);
    const double b = up->variance[l] + (tree.time[l] - tree.time[v]);
    const double sum = a + b, precision = 1.0 / sum, weight = b * precision;
    product.Multiply(sum);
    up->precision[v] = precision;
    up->weight[v] = weight;
    up->variance[v] = a * weight;
  }
  const double root = RootPriorVariance(tree) + up->variance[tree.root];
  product.Multiply(root);
  up->root_precision = 1.0 / root;
  up->log_det = tree.num_leaves * kLog2Pi + product.Log();
}

// What the downward pass adds.
struct DownwardVariances {
  std::vector<double> gain;       // [V] g = e / (e + nu); root 1 / (1 + nu); 1 at leaves
  std::vector<double> posterior;  // [V] variance of the location given all leaves, 0 at leaves
  std::vector<double> cavity;     // [V] variance of the parent's location without this subtree
};

inline void ComputeDownwardVariances(const Tree& tree, const UpwardVariances& up,
                                     DownwardVariances* down) {
  const int num_nodes = tree.num_nodes, root = tree.root;
  down->gain.resize(num_nodes);
  down->posterior.resize(num_nodes);
  down->cavity.resize(num_nodes);
  const double prior = RootPriorVariance(tree);
  down->gain[root] = prior * up.root_precision;
  down->posterior[root] = up.variance[root] * down->gain[root];
  down->cavity[root] = prior;  // of the root itself: it has no parent
  for (int i = tree.num_leaves - 2; i >= 0; --i) {
    const int u = tree.internal_order[i];
    // Variance of u's location seen from above: the prior at the root.
    const double above =
        u == root ? prior : down->cavity[u] + (tree.time[u] - tree.time[tree.parent[u]]);
    const int child[2] = {tree.child0[u], tree.child1[u]};
    double length[2], message[2];
    for (int j = 0; j < 2; ++j) {
      length[j] = tree.time[child[j]] - tree.time[u];
      message[j] = up.variance[child[j]] + length[j];
    }
    for (int j = 0; j < 2; ++j) {
      const int v = child[j];
      const double other = message[1 - j];
      down->cavity[v] = other * above / (other + above);
      const double gain = length[j] / message[j], rest = up.variance[v] / message[j];
      down->gain[v] = gain;  // 1 - gain = nu / (e + nu), without cancellation
      down->posterior[v] = up.variance[v] * gain + rest * rest * down->posterior[u];
    }
  }
}

namespace internal {

// means[v] for internal v (row v - N of `internal_means`); returns the sum of squares of log r.
struct UpwardMeansBody {
  TFSP_INLINE static double Run(const Tree* tree, const UpwardVariances* up, const double* leaves,
                                int64_t dim, double* internal_means) {
    const int n = tree->num_leaves;
    const int64_t vector_end = dim - dim % 4;
    Vec<double> total = {};
    double tail = 0.0;
    auto row = [&](int v) { return v < n ? leaves + v * dim : internal_means + (v - n) * dim; };
    for (int v : tree->internal_order) {
      const double *k = row(tree->child0[v]), *l = row(tree->child1[v]);
      double* mean = internal_means + (v - n) * dim;
      const double alpha = up->weight[v], precision = up->precision[v];
      Vec<double> squares = {};
      int64_t i = 0;
      for (; i < vector_end; i += 4) {
        const Vec<double> other = Load(l + i), difference = Load(k + i) - other;
        squares += difference * difference;
        Store(mean + i, other + alpha * difference);
      }
      total += squares * precision;
      for (; i < dim; ++i) {
        const double difference = k[i] - l[i];
        tail += difference * difference * precision;
        mean[i] = l[i] + alpha * difference;
      }
    }
    const double* root = row(tree->root);
    double root_squares = 0.0;
    for (int64_t i = 0; i < dim; ++i) root_squares += root[i] * root[i];
    return Sum<double>(total) + tail + root_squares * up->root_precision;
  }
};

// d log r / d leaf, root first. `gradient` [V, d]: internal rows are scratch.
struct LikelihoodGradientBody {
  TFSP_INLINE static void Run(const Tree* tree, const UpwardVariances* up, const double* leaves,
                              int64_t dim, const double* internal_means, double* internal_gradient,
                              double* gradient) {
    const int n = tree->num_leaves;
    const int64_t vector_end = dim - dim % 4;
    auto mean = [&](int v) { return v < n ? leaves + v * dim : internal_means + (v - n) * dim; };
    auto grad = [&](int v) {
      return v < n ? gradient + v * dim : internal_gradient + (v - n) * dim;
    };
    const double* root_mean = mean(tree->root);
    double* root_gradient = grad(tree->root);
    for (int64_t i = 0; i < dim; ++i) root_gradient[i] = -up->root_precision * root_mean[i];
    for (int j = tree->num_leaves - 2; j >= 0; --j) {
      const int v = tree->internal_order[j];
      const int k = tree->child0[v], l = tree->child1[v];
      const double *mean_k = mean(k), *mean_l = mean(l), *g = grad(v);
      double *g_k = grad(k), *g_l = grad(l);
      const double alpha = up->weight[v], precision = up->precision[v];
      int64_t i = 0;
      for (; i < vector_end; i += 4) {
        const Vec<double> pull = (Load(mean_k + i) - Load(mean_l + i)) * precision;
        const Vec<double> own = Load(g + i);
        const Vec<double> first = alpha * own - pull;
        Store(g_k + i, first);
        Store(g_l + i, own - first);
      }
      for (; i < dim; ++i) {
        const double first = alpha * g[i] - (mean_k[i] - mean_l[i]) * precision;
        g_k[i] = first;
        g_l[i] = g[i] - first;
      }
    }
  }
};

}  // namespace internal

// Means of the upward messages at the internal nodes, row v - N of `internal_means` [N-1, d].
// Returns log r(leaves | tree).
inline double UpwardMeans(const Tree& tree, const UpwardVariances& up, const double* leaves,
                          int64_t dim, double* internal_means, Isa isa = Isa::kAuto) {
  const double squares =
      Dispatch<internal::UpwardMeansBody>(isa, &tree, &up, leaves, dim, internal_means);
  return -0.5 * (squares + static_cast<double>(dim) * up.log_det);
}

// d log r / d leaves [N, d], given the means of `UpwardMeans`.
inline void LikelihoodGradient(const Tree& tree, const UpwardVariances& up, const double* leaves,
                               int64_t dim, const double* internal_means, double* gradient,
                               Isa isa = Isa::kAuto) {
  Buffer<double> scratch(static_cast<size_t>(tree.num_leaves - 1) * dim);
  Dispatch<internal::LikelihoodGradientBody>(isa, &tree, &up, leaves, dim, internal_means,
                                             scratch.data(), gradient);
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_MESSAGES_H_
