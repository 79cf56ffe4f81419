// Constraints on the topology: triplets ({a, b}, c) of leaves, which say that a and b meet strictly
// below the node where c joins them. The sampler then draws from the posterior given that the tree
// satisfies all of them.
//
// A move that carries a subtree S elsewhere changes only the triplets that have one leaf in S: with
// three leaves in S, or none, the tree that they span stays as it is; with two in S these are a and
// b, as the tree satisfied the triplet before, and they meet inside S. Of the others each bounds
// the edge above x on which S may hang, whatever the time:
//   c in S:  x is not strictly below the node where a and b meet;
//   a in S:  x is at or below k, the child on b's side of the node where b and c meet.
// Source: Vikram & Dasgupta 2016, "Interactive Bayesian hierarchical clustering", arXiv:1602.03258.
#ifndef TFSP_TMC_CORE_TRIPLETS_H_
#define TFSP_TMC_CORE_TRIPLETS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/sampler_state.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// Every leaf of `triplet` [count, 3] is one of the tree's, and the three are distinct.
inline Error CheckTriplets(const int32_t* triplet, int64_t count, int num_leaves) {
  for (int64_t i = 0; i < count; ++i) {
    const int32_t* leaf = triplet + 3 * i;
    const std::string name = "triplets[" + std::to_string(i);
    for (int j = 0; j < 3; ++j) {
      if (leaf[j] < 0 || leaf[j] >= num_leaves) {
        return name + ", " + std::to_string(j) + "] = " + std::to_string(leaf[j]) +
               " must lie in [0, " + std::to_string(num_leaves) + "), the leaves of the tree.";
      }
    }
    if (leaf[0] == leaf[1] || leaf[0] == leaf[2] || leaf[1] == leaf[2]) {
      return name + "] = (" + std::to_string(leaf[0]) + ", " + std::to_string(leaf[1]) + ", " +
             std::to_string(leaf[2]) + ") must name three distinct leaves.";
    }
  }
  return Error();
}

// satisfied[i] says whether the tree satisfies triplet i. Only its shape is read.
inline void Satisfied(const Tree& tree, const int32_t* triplet, int64_t count, bool* satisfied) {
  std::vector<int32_t> depth(tree.num_nodes, 0);
  for (int i = tree.num_nodes - 2; i >= 0; --i) {  // without the root, parents first
    const int v = tree.postorder[i];
    depth[v] = depth[tree.parent[v]] + 1;
  }
  const auto depth_of_meeting = [&](int v, int w) {
    while (v != w) {
      int& lower = depth[v] >= depth[w] ? v : w;
      lower = tree.parent[lower];
    }
    return depth[v];
  };
  for (int64_t i = 0; i < count; ++i) {
    const int32_t* leaf = triplet + 3 * i;
    satisfied[i] = depth_of_meeting(leaf[0], leaf[1]) > depth_of_meeting(leaf[0], leaf[2]);
  }
}

class Triplets {
 public:
  // `triplet` [count, 3], checked.
  void Init(const std::vector<int32_t>& triplet, int num_leaves) {
    all_ = triplet;
    const int64_t count = static_cast<int64_t>(triplet.size()) / 3;
    start_.assign(num_leaves + 1, 0);
    for (int32_t leaf : triplet) ++start_[leaf + 1];
    for (int n = 0; n < num_leaves; ++n) start_[n + 1] += start_[n];
    role_.resize(triplet.size());
    std::vector<int64_t> next(start_.begin(), start_.end() - 1);
    for (int64_t i = 0; i < count; ++i) {
      const int32_t a = triplet[3 * i], b = triplet[3 * i + 1], c = triplet[3 * i + 2];
      role_[next[a]++] = {b, c, false};
      role_[next[b]++] = {a, c, false};
      role_[next[c]++] = {a, b, true};
    }
  }

  const std::vector<int32_t>& all() const { return all_; }

  // Whether the subtree at v may hang on the edge above x. The state may be the tree before the
  // move, after it, or without v.
  bool Allows(SamplerState* state, int v, int x) const {
    const uint32_t stamp = state->NextStamp();
    // Not x itself, which may be a leaf: the stamp of a leaf says that it is below v.
    for (int n = state->node(x).parent; n >= 0; n = state->node(n).parent) {
      state->node(n).stamp = stamp;
    }
    const auto above_x = [&](int n) { return state->node(n).stamp == stamp; };
    return ForEachBound(
        state, v, stamp, [&](int meet) { return !above_x(meet); },
        [&](int k) { return k == x || above_x(k); });
  }

  // Calls `not_below`(m) and `within`(k) for the bounds of the subtree at v: the head of this file.
  // Stops, and returns false, as soon as one returns false. `stamp` must be a new one: it marks the
  // leaves below v, and may stand at inner nodes already.
  template <typename NotBelow, typename Within>
  bool ForEachBound(SamplerState* state, int v, uint32_t stamp, const NotBelow& not_below,
                    const Within& within) const {
    const std::vector<int32_t>& inside = state->LeavesBelow(v);
    for (int leaf : inside) state->node(leaf).stamp = stamp;
    for (int leaf : inside) {
      for (int64_t i = start_[leaf]; i < start_[leaf + 1]; ++i) {
        const Role& role = role_[i];
        if (state->node(role.first).stamp == stamp || state->node(role.second).stamp == stamp) {
          continue;
        }
        int below_first;
        const int meet = Meet(*state, role.first, role.second, &below_first);
        if (!(role.odd ? not_below(meet) : within(below_first))) return false;
      }
    }
    return true;
  }

 private:
  // The other two leaves of a triplet: a and b if this one is the odd one out, else its partner
  // and the odd one.
  struct Role {
    int32_t first, second;
    bool odd;
  };

  // Where two leaves meet, and its child on the side of v. Times grow downwards: the later of two
  // nodes is not above the other.
  static int Meet(const SamplerState& state, int v, int w, int* below_v) {
    *below_v = v;
    while (v != w) {
      if (state.node(v).time >= state.node(w).time) {
        *below_v = v;
        v = state.node(v).parent;
      } else {
        w = state.node(w).parent;
      }
    }
    return v;
  }

  std::vector<int32_t> all_;    // [M, 3]
  std::vector<int64_t> start_;  // [N + 1]
  std::vector<Role> role_;      // [3 M], by leaf
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_TRIPLETS_H_
