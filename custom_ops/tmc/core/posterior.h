// Locations of all nodes given the leaves (means and variances), the adjoint of that linear map,
// and the expected log likelihood of Gaussian leaves.
#ifndef TFSP_TMC_CORE_POSTERIOR_H_
#define TFSP_TMC_CORE_POSTERIOR_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "custom_ops/tmc/core/messages.h"

namespace tfsp::tmc {

namespace internal {

// M_v = g_v mu_v + (1 - g_v) M_u, in place: rows of internal nodes hold mu on entry.
struct DownwardMeansBody {
  TFSP_INLINE static void Run(const Tree* tree, const DownwardVariances* down, int64_t dim,
                              double* mean) {
    const int64_t vector_end = dim - dim % 4;
    double* root = mean + tree->root * dim;
    for (int64_t i = 0; i < dim; ++i) root[i] *= down->gain[tree->root];
    for (int j = tree->num_leaves - 3; j >= 0; --j) {  // the root is the last
      const int v = tree->internal_order[j];
      const double* above = mean + tree->parent[v] * dim;
      double* own = mean + v * dim;
      const double gain = down->gain[v];
      int64_t i = 0;
      for (; i < vector_end; i += 4) {
        const Vec<double> m = Load(above + i);
        Store(own + i, m + gain * (Load(own + i) - m));
      }
      for (; i < dim; ++i) own[i] = above[i] + gain * (own[i] - above[i]);
    }
  }
};

// Transpose of the map leaves -> M. Children first, G_v += (1 - g_c) G_c for internal children c;
// then parents first, m_v = g_v G_v + (weight of v in its parent's mean) m_u. At a leaf g = 1, so
// that leaves need no branch: up, they add nothing; down, they get what is asked for.
// `work` [N-1, d]: rows of the internal nodes.
struct AdjointBody {
  TFSP_INLINE static void Run(const Tree* tree, const UpwardVariances* up,
                              const DownwardVariances* down, int64_t dim, const double* mean_grad,
                              double* work, double* leaf_grad) {
    const int n = tree->num_leaves;
    const int64_t vector_end = dim - dim % 4;
    for (int v : tree->internal_order) {
      const int k = tree->child0[v], l = tree->child1[v];
      const double* direct = mean_grad + v * dim;
      const double* first = k < n ? direct : work + (k - n) * dim;
      const double* second = l < n ? direct : work + (l - n) * dim;
      const double pass_k = 1.0 - down->gain[k], pass_l = 1.0 - down->gain[l];
      double* own = work + (v - n) * dim;
      int64_t i = 0;
      for (; i < vector_end; i += 4) {
        Store(own + i, Load(direct + i) + pass_k * Load(first + i) + pass_l * Load(second + i));
      }
      for (; i < dim; ++i) own[i] = direct[i] + pass_k * first[i] + pass_l * second[i];
    }
    double* root = work + (tree->root - n) * dim;
    for (int64_t i = 0; i < dim; ++i) root[i] *= down->gain[tree->root];
    for (int j = tree->num_leaves - 2; j >= 0; --j) {
      const int v = tree->internal_order[j];
      const double* own = work + (v - n) * dim;
      const int k = tree->child0[v], l = tree->child1[v];
      const double* from_k = k < n ? mean_grad + k * dim : work + (k - n) * dim;
      const double* from_l = l < n ? mean_grad + l * dim : work + (l - n) * dim;
      double* to_k = k < n ? leaf_grad + k * dim : work + (k - n) * dim;
      double* to_l = l < n ? leaf_grad + l * dim : work + (l - n) * dim;
      const double gain_k = down->gain[k], gain_l = down->gain[l];
      const double weight_k = up->weight[v], weight_l = 1.0 - weight_k;
      int64_t i = 0;
      for (; i < vector_end; i += 4) {
        const Vec<double> m = Load(own + i);
        Store(to_k + i, gain_k * Load(from_k + i) + weight_k * m);
        Store(to_l + i, gain_l * Load(from_l + i) + weight_l * m);
      }
      for (; i < dim; ++i) {
        to_k[i] = gain_k * from_k[i] + weight_k * own[i];
        to_l[i] = gain_l * from_l[i] + weight_l * own[i];
      }
    }
  }
};

}  // namespace internal

// Posterior means of all nodes, `mean` [V, d]; a leaf's is the leaf. Returns log r(leaves | tree).
inline double NodePosteriorMeans(const Tree& tree, const UpwardVariances& up,
                                 const DownwardVariances& down, const double* leaves, int64_t dim,
                                 double* mean, Isa isa = Isa::kAuto) {
  const size_t leaf_size = static_cast<size_t>(tree.num_leaves) * dim;
  std::memcpy(mean, leaves, leaf_size * sizeof(double));
  const double log_likelihood = UpwardMeans(tree, up, leaves, dim, mean + leaf_size, isa);
  if (tree.num_leaves > 1) Dispatch<internal::DownwardMeansBody>(isa, &tree, &down, dim, mean);
  return log_likelihood;
}

// Vector-Jacobian product of the posterior means: from dL/dM [V, d] to dL/dleaves [N, d]. Needs
// the times only, since the map is linear.
inline void NodePosteriorAdjoint(const Tree& tree, const UpwardVariances& up,
                                 const DownwardVariances& down, const double* mean_grad,
                                 int64_t dim, double* leaf_grad, Isa isa = Isa::kAuto) {
  const size_t leaf_size = static_cast<size_t>(tree.num_leaves) * dim;
  if (tree.num_leaves == 1) {
    std::memcpy(leaf_grad, mean_grad, leaf_size * sizeof(double));
    return;
  }
  Buffer<double> work(static_cast<size_t>(tree.num_leaves - 1) * dim);
  Dispatch<internal::AdjointBody>(isa, &tree, &up, &down, dim, mean_grad, work.data(), leaf_grad);
}

// Variance of a leaf's location given all other leaves, nu_n^loo [N].
inline void LeaveOneOutVariances(const Tree& tree, const DownwardVariances& down,
                                 double* variance) {
  for (int v = 0; v < tree.num_leaves; ++v) {
    variance[v] = v == tree.root ? RootPriorVariance(tree) : down.cavity[v] + EdgeLength(tree, v);
  }
}

// E_q log r(z | tree) - log r(m | tree) for q(z_n) = N(m_n, diag s_n^2):
// -1/2 sum_n sum_k s_nk^2 / nu_n^loo, exact. `leaf_variance` [N, d] holds s^2.
inline double ExpectedLikelihoodOffset(const Tree& tree, const double* leave_one_out,
                                       const double* leaf_variance, int64_t dim) {
  double total = 0.0;
  for (int v = 0; v < tree.num_leaves; ++v) {
    double sum = 0.0;
    for (int64_t k = 0; k < dim; ++k) sum += leaf_variance[v * dim + k];
    total += sum / leave_one_out[v];
  }
  return -0.5 * total;
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_POSTERIOR_H_
