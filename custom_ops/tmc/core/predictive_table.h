// What the collapsed predictive density needs of a tree and its leaves, laid out for the kernel.
//
// With a = |z - M_u|^2, b = |z - M_v|^2, D = |M_u - M_v|^2 the squared distance to the mean at
// position x on edge (u, v) is (1 - x) a + x b - x (1 - x) D, so that one distance per tree node
// serves every edge and time.
#ifndef TFSP_TMC_CORE_PREDICTIVE_TABLE_H_
#define TFSP_TMC_CORE_PREDICTIVE_TABLE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/quadrature.h"
#include "custom_ops/tmc/core/simd.h"

namespace tfsp::tmc {

// Per entry (edge and node): log density = constant + slope_parent * a + slope_child * b.
template <typename T>
struct PredictiveTable {
  int64_t dim = 0;
  int num_tree_nodes = 0;  // V
  int num_edges = 0;
  int64_t num_entries = 0;
  std::vector<int32_t> child, parent;  // [edges] rows of M
  std::vector<int64_t> begin;          // [edges + 1] first entry of each edge
  // Views of `storage`, one block: malloc then keeps it for the next table, where many blocks
  // would go back to the system and be paged in again.
  T* constant = nullptr;      // log p(e) + log w - d/2 log 2 pi var + x (1-x) D / 2 var
  T* slope_parent = nullptr;  // -(1 - x) / (2 var)
  T* slope_child = nullptr;   // -x / (2 var)
  T* slope_spread = nullptr;  // x (1 - x) / (2 var), derivative of `constant` by D
  // Node means [V, d]; float keeps the rounding error beside the value, so that z - M stays exact
  // where variances are tiny.
  T* mean = nullptr;
  T* mean_low = nullptr;
  Buffer<T> storage;
  double mean_scale = 1.0;  // M = mean_scale * posterior mean: 1/2 for a tree of one leaf
};

namespace internal {

// |M_u - M_v|^2, four partial sums.
struct SquaredDistanceBody {
  TFSP_INLINE static double Run(const double* x, const double* y, int64_t dim) {
    Vec<double> sum = {};
    int64_t i = 0;
    for (; i + 4 <= dim; i += 4) {
      const Vec<double> difference = Load(x + i) - Load(y + i);
      sum += difference * difference;
    }
    double total = Sum<double>(sum);
    for (; i < dim; ++i) total += (x[i] - y[i]) * (x[i] - y[i]);
    return total;
  }
};

// Value and rounding error of each scaled mean.
template <typename T>
struct SplitMeansBody {
  TFSP_INLINE static void Run(const double* __restrict mean, int64_t size, double scale,
                              T* __restrict value, T* __restrict low) {
    for (int64_t i = 0; i < size; ++i) {
      const double m = mean[i] * scale;
      value[i] = static_cast<T>(m);
      low[i] = static_cast<T>(m - static_cast<double>(value[i]));
    }
  }
};

// One edge's entries into the table.
template <typename T>
struct FillEntriesBody {
  TFSP_INLINE static void Run(const EdgeNodes* nodes, double log_edge, double half_dim,
                              double spread, T* __restrict constant, T* __restrict slope_parent,
                              T* __restrict slope_child, T* __restrict slope_spread) {
    const double offset = log_edge - nodes->log_total - half_dim * kLog2Pi;
    for (int q = 0; q < nodes->count; ++q) {
      const double half = nodes->half_precision[q];
      const double x = nodes->position[q], rest = nodes->rest[q], bend = x * rest * half;
      constant[q] = static_cast<T>(nodes->log_weight[q] + offset -
                                   half_dim * nodes->log_variance[q] + bend * spread);
      slope_parent[q] = static_cast<T>(-rest * half);
      slope_child[q] = static_cast<T>(-x * half);
      slope_spread[q] = static_cast<T>(bend);
    }
  }
};

}  // namespace internal

// The part of the table that does not need the quadrature: sizes, the edges' nodes, and places for
// `num_entries` entries and the means. `SplitMeans` fills the means.
template <typename T>
void PlaceTable(const Tree& tree, int64_t dim, int64_t num_entries, PredictiveTable<T>* table) {
  const int num_nodes = tree.num_nodes, num_edges = std::max(1, num_nodes - 1);
  table->dim = dim;
  table->num_tree_nodes = num_nodes;
  table->num_edges = num_edges;
  table->mean_scale = tree.num_leaves == 1 ? 0.5 : 1.0;
  table->num_entries = num_entries;
  table->child.resize(num_edges);
  table->parent.resize(num_edges);
  table->begin.resize(num_edges + 1);
  table->child[0] = table->parent[0] = 0;
  for (int v = 0, edge = 0; v < num_nodes; ++v) {
    if (v == tree.root) continue;
    table->child[edge] = v;
    table->parent[edge++] = tree.parent[v];
  }
  const int64_t size = static_cast<int64_t>(num_nodes) * dim;
  table->storage.Resize(4 * num_entries + 2 * size);
  T* next = table->storage.data();
  for (T** view :
       {&table->constant, &table->slope_parent, &table->slope_child, &table->slope_spread}) {
    *view = next;
    next += num_entries;
  }
  table->mean = next;
  table->mean_low = next + size;
}

// Means of nodes [begin, end) into the table. `posterior_mean` [V, d].
template <typename T>
void SplitMeans(const double* posterior_mean, int64_t begin, int64_t end, PredictiveTable<T>* table,
                Isa isa = Isa::kAuto) {
  const int64_t first = begin * table->dim;
  Dispatch<internal::SplitMeansBody<T>>(isa, posterior_mean + first, (end - begin) * table->dim,
                                        table->mean_scale, table->mean + first,
                                        table->mean_low + first);
}

// `posterior_mean` [V, d]. Options must have passed CheckOptions.
template <typename T, typename Split = Serially>
void BuildPredictiveTable(const Tree& tree, const UpwardVariances& up,
                          const DownwardVariances& down, const double* posterior_mean, int64_t dim,
                          const QuadratureOptions& options, PredictiveTable<T>* table,
                          Isa isa = Isa::kAuto, const Split& split = {}) {
  const int num_nodes = tree.num_nodes;
  PlaceTable(tree, dim, NumQuadratureNodes(tree.num_leaves, options), table);
  SplitMeans(posterior_mean, tree.root, tree.root + 1, table, isa);
  std::vector<double> log_edge(num_nodes);
  EdgeLogProb(tree, options.edge_weights, options.concentration1, options.concentration0,
              log_edge.data());
  // Where an edge stands follows from its number alone: ranges of edges may be filled at once.
  const auto place = [&](int v, int* edge, int64_t* entry) {
    *edge = v - (v > tree.root ? 1 : 0);
    const int64_t leaf_edges = std::min(*edge, tree.num_leaves);
    *entry = leaf_edges * options.leaf_nodes + (*edge - leaf_edges) * options.internal_nodes;
  };
  const auto fill = [&](const EdgeNodes& nodes) {
    int edge = 0;
    int64_t entry = 0;
    if (tree.num_leaves > 1) place(nodes.child, &edge, &entry);
    table->begin[edge] = entry;
    if (nodes.child != tree.root) {
      SplitMeans(posterior_mean, nodes.child, nodes.child + 1, table, isa);
    }
    const double spread = Dispatch<internal::SquaredDistanceBody>(
        isa, posterior_mean + nodes.parent * dim, posterior_mean + nodes.child * dim, dim);
    Dispatch<internal::FillEntriesBody<T>>(isa, &nodes, log_edge[nodes.child],
                                           0.5 * static_cast<double>(dim), spread,
                                           table->constant + entry, table->slope_parent + entry,
                                           table->slope_child + entry, table->slope_spread + entry);
  };
  ForEachEdge(tree, up, down, options, isa, fill, split);
  table->begin[table->num_edges] = table->num_entries;
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_PREDICTIVE_TABLE_H_
