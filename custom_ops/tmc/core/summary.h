// What many trees over the same leaves have in common: moments of the times at which leaves part,
// and how far the clades of one tree are from those of the others.
#ifndef TFSP_TMC_CORE_SUMMARY_H_
#define TFSP_TMC_CORE_SUMMARY_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// Leaves from left to right: those below node v are order[start[v]] .. order[start[v] + count[v]).
struct LeafOrder {
  std::vector<int32_t> order;         // [N]
  std::vector<int32_t> start, count;  // [V]
};

inline void OrderLeaves(const Tree& tree, LeafOrder* out) {
  out->order.resize(tree.num_leaves);
  out->start.assign(tree.num_nodes, 0);
  out->count.assign(tree.num_nodes, 1);
  for (int v : tree.internal_order) {
    out->count[v] = out->count[tree.child0[v]] + out->count[tree.child1[v]];
  }
  for (auto v = tree.internal_order.rbegin(); v != tree.internal_order.rend(); ++v) {
    out->start[tree.child0[*v]] = out->start[*v];
    out->start[tree.child1[*v]] = out->start[*v] + out->count[tree.child0[*v]];
  }
  for (int n = 0; n < tree.num_leaves; ++n) out->order[out->start[n]] = n;
}

// Adds t_lca(i, j) to one of sum[i, j] and sum[j, i], and its square likewise, for all i != j: half
// the work of filling both, which the caller does once, after all trees, by adding the transpose.
// `squares` may be null. Row-major [N, N].
inline void AddLcaTimes(const Tree& tree, const LeafOrder& leaves, double* sum, double* squares) {
  const int64_t n = tree.num_leaves;
  const int32_t* order = leaves.order.data();
  for (int v : tree.internal_order) {
    const double time = tree.time[v], square = time * time;
    int a = tree.child0[v], b = tree.child1[v];
    // The longer run inside: it is the one that streams.
    if (leaves.count[a] > leaves.count[b]) std::swap(a, b);
    const int32_t* inside = order + leaves.start[b];
    const int length = leaves.count[b];
    for (int i = 0; i < leaves.count[a]; ++i) {
      double* row = sum + order[leaves.start[a] + i] * n;
      for (int j = 0; j < length; ++j) row[inside[j]] += time;
      if (squares == nullptr) continue;
      row = squares + order[leaves.start[a] + i] * n;
      for (int j = 0; j < length; ++j) row[inside[j]] += square;
    }
  }
}

// For each internal node v of `tree` the least number of leaves by which its clade A differs from
// a clade B of `other`, |A \ B| + |B \ A|, single leaves among them: at most |A| - 1, and 0 if A is
// a clade of `other`. Both trees have the same leaves. distance: [V], 0 at leaves.
// O(N V) in time; `shared` is work space.
// Source: the transfer distance of Lemoine et al. 2018, doi:10.1038/s41586-018-0043-0, for rooted
// trees, where a clade is not the same as its complement.
inline void TransferDistances(const Tree& tree, const LeafOrder& leaves, const Tree& other,
                              const LeafOrder& other_leaves, std::vector<int32_t>* shared,
                              int32_t* distance) {
  std::fill(distance, distance + tree.num_nodes, 0);
  shared->assign(other.num_nodes, 0);
  int32_t* common = shared->data();
  for (int v : tree.internal_order) {
    const int size = leaves.count[v];
    const int32_t* members = leaves.order.data() + leaves.start[v];
    for (int i = 0; i < size; ++i) common[members[i]] = 1;
    int least = size - 1;  // from any leaf of its own
    for (int w : other.internal_order) {
      common[w] = common[other.child0[w]] + common[other.child1[w]];
      least = std::min(least, size + other_leaves.count[w] - 2 * common[w]);
    }
    distance[v] = least;
    for (int i = 0; i < size; ++i) common[members[i]] = 0;
  }
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SUMMARY_H_
