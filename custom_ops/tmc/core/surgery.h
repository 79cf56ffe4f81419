// Attach and prune: single leaves of a labelled tree, and subtrees inside a sampler's state, where
// only the messages on the path to the root are computed anew.
#ifndef TFSP_TMC_CORE_SURGERY_H_
#define TFSP_TMC_CORE_SURGERY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/moves.h"
#include "custom_ops/tmc/core/sampler_state.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// Where a leaf hangs: on the edge above node `edge` of the smaller tree, at `time`. In the larger
// tree the leaf is number `leaf` and its parent number `node`; all other nodes keep their order. At
// the smaller tree's root the leaf hangs from a new root at time 0, and the old root moves to
// `time` (1 if it is the only leaf).
struct LeafPlace {
  int edge = 0;
  double time = 0.0;
  int leaf = -1;  // -1: the last leaf
  int node = -1;  // -1: the last node
};

// `*larger` = `smaller` with one leaf more. Returns an error, or none.
inline Error AttachLeaf(const Tree& smaller, LeafPlace place, Tree* larger) {
  const int num_leaves = smaller.num_leaves + 1, num_nodes = smaller.num_nodes + 2;
  if (place.edge < 0 || place.edge >= smaller.num_nodes) {
    return "edge = " + std::to_string(place.edge) + " must lie in [0, " +
           std::to_string(smaller.num_nodes) + "), the nodes of the tree.";
  }
  if (place.leaf == -1) place.leaf = num_leaves - 1;
  if (place.node == -1) place.node = num_nodes - 1;
  if (place.leaf < 0 || place.leaf >= num_leaves) {
    return "leaf = " + std::to_string(place.leaf) + " must lie in [0, " +
           std::to_string(num_leaves) + "), the leaves of the larger tree.";
  }
  if (place.node < num_leaves || place.node >= num_nodes) {
    return "node = " + std::to_string(place.node) + " must lie in [" + std::to_string(num_leaves) +
           ", " + std::to_string(num_nodes) + "), the internal nodes of the larger tree.";
  }
  const int above = smaller.parent[place.edge];
  const double start = above >= 0 ? smaller.time[above] : 0.0;
  double end = smaller.time[place.edge];
  if (above < 0 && smaller.num_leaves > 1) {  // the old root may move up to its first child
    end = std::min(smaller.time[smaller.child0[place.edge]],
                   smaller.time[smaller.child1[place.edge]]);
  }
  const bool only_leaf = smaller.num_leaves == 1;
  if (only_leaf ? place.time != 1.0 : !(place.time > start && place.time < end)) {
    return "time = " + FormatDouble(place.time) +
           (only_leaf ? std::string(" must be 1, the time of the only leaf.")
                      : " must lie strictly between " + FormatDouble(start) + " and " +
                            FormatDouble(end) + " on the edge above node " +
                            std::to_string(place.edge) + ".");
  }
  std::vector<int32_t> label(smaller.num_nodes);
  int next = 0;
  for (int v = 0; v < smaller.num_nodes; ++v) {
    while (next == place.leaf || next == place.node) ++next;
    label[v] = next++;
  }
  std::vector<int32_t> parent(num_nodes, -1);
  std::vector<double> time(num_nodes, 1.0);
  for (int v = 0; v < smaller.num_nodes; ++v) {
    const int u = smaller.parent[v];
    parent[label[v]] = u >= 0 ? label[u] : -1;
    time[label[v]] = smaller.time[v];
  }
  const int below = label[place.edge];
  parent[place.node] = parent[below];
  parent[below] = parent[place.leaf] = place.node;
  if (above >= 0) {
    time[place.node] = place.time;
  } else {
    time[below] = place.time;
    time[place.node] = 0.0;
  }
  return BuildTree(num_leaves, parent.data(), time.data(), larger);
}

// `*smaller` = `larger` without `leaf` and its parent, whose other child takes the parent's place;
// if the parent was the root, that child becomes the root and moves to time 0. `*place` puts the
// leaf back: AttachLeaf(smaller, place) is `larger` again, to the last bit.
inline Error PruneLeaf(const Tree& larger, int leaf, Tree* smaller, LeafPlace* place) {
  if (larger.num_leaves < 2) return "The only leaf of a tree cannot be pruned.";
  if (leaf < 0 || leaf >= larger.num_leaves) {
    return "leaf = " + std::to_string(leaf) + " must lie in [0, " +
           std::to_string(larger.num_leaves) + "), the leaves of the tree.";
  }
  const int node = larger.parent[leaf], above = larger.parent[node];
  const int sibling = larger.child0[node] == leaf ? larger.child1[node] : larger.child0[node];
  std::vector<int32_t> label(larger.num_nodes, -1);
  int next = 0;
  for (int v = 0; v < larger.num_nodes; ++v) {
    if (v != leaf && v != node) label[v] = next++;
  }
  std::vector<int32_t> parent(next);
  std::vector<double> time(next);
  for (int v = 0; v < larger.num_nodes; ++v) {
    if (label[v] < 0) continue;
    const int u = v == sibling ? above : larger.parent[v];
    parent[label[v]] = u >= 0 ? label[u] : -1;
    time[label[v]] = larger.time[v];
  }
  place->edge = label[sibling];
  place->leaf = leaf;
  place->node = node;
  place->time = above >= 0 ? larger.time[node] : larger.time[sibling];
  if (above < 0 && larger.num_leaves > 2) time[label[sibling]] = 0.0;
  return BuildTree(larger.num_leaves - 1, parent.data(), time.data(), smaller);
}

// Takes the subtree at v, which is neither the root nor its child, with its parent out of the
// state: links, counts and messages of the rest are those of the tree without it. The nodes of the
// subtree keep theirs. The returned record names the place.
inline Regraft PruneSubtree(SamplerState* state, int v) {
  const Regraft place = StartRegraft(*state, v);
  state->ReplaceChild(place.g, place.w, place.s);
  state->node(place.s).parent = place.g;
  const int size = state->node(v).count + 1;
  for (int n = place.g; n >= 0; n = state->node(n).parent) {
    state->UpdateMean(n, state->UpdateVariance(n));
    state->node(n).count -= size;
  }
  return place;
}

// Puts a pruned subtree on the edge above `place.x` at `place.time`, with all messages.
inline void AttachSubtree(SamplerState* state, const Regraft& place) {
  SamplerNode& w = state->node(place.w);
  const int up = state->node(place.x).parent;
  state->ReplaceChild(up, place.x, place.w);
  w.parent = up;
  const int side = w.child[0] == place.v ? 1 : 0;
  w.child[side] = place.x;
  state->node(place.x).parent = place.w;
  w.time = place.time;
  w.log_left = std::log(1.0 - place.time);
  const int size = state->node(place.v).count + 1;
  w.count = state->node(place.x).count + size;
  state->UpdateMean(place.w, state->UpdateVariance(place.w));
  for (int n = up; n >= 0; n = state->node(n).parent) {
    state->UpdateMean(n, state->UpdateVariance(n));
    state->node(n).count += size;
  }
  state->set_root_quad(state->RootQuad());
  state->set_joint(state->FullLogJoint());
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SURGERY_H_
