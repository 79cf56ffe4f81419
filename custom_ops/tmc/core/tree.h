// A binary tree with times: the arrays that every TMC routine reads, and their validation.
//
// N leaves are nodes 0..N-1 at time 1; the N-1 internal nodes N..V-1 (V = 2N-1) carry any
// labels. The root sits at time 0 (N >= 2). A tree of one leaf is a single node: root and leaf.
#ifndef TFSP_TMC_CORE_TREE_H_
#define TFSP_TMC_CORE_TREE_H_

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"

namespace tfsp::tmc {

struct Tree {
  int num_leaves = 0;
  int num_nodes = 0;
  int root = -1;
  std::vector<int32_t> parent;          // [V], -1 at the root
  std::vector<int32_t> child0, child1;  // [V], -1 at leaves; child0 < child1
  std::vector<double> time;             // [V]
  std::vector<int32_t> internal_below;  // [V], internal nodes at or below v, 0 at leaves
  std::vector<int32_t> postorder;       // [V], children before parents
  std::vector<int32_t> internal_order;  // [N-1], the internal nodes of `postorder`: passes over the
                                        // tree walk these without a branch that nobody can predict
};

inline int NumNodes(int num_leaves) { return 2 * num_leaves - 1; }

// A number as it reads best in an error message: 17 digits only where they are needed.
inline std::string FormatDouble(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.6g", value);
  double back = 0.0;
  if (std::sscanf(text, "%lf", &back) == 1 && back != value && value == value) {
    std::snprintf(text, sizeof(text), "%.17g", value);
  }
  return text;
}

namespace internal {

inline std::string At(const char* name, int index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

// Every node has a parent in range, and exactly one has none.
inline Error CheckParents(int num_leaves, const int32_t* parent, Tree* tree) {
  const int num_nodes = tree->num_nodes;
  for (int v = 0; v < num_nodes; ++v) {
    const int u = parent[v];
    if (u == -1) {
      if (tree->root >= 0) {
        return "parent must have one root. Received two: " + At("parent", tree->root) +
               " = -1 and " + At("parent", v) + " = -1.";
      }
      tree->root = v;
      continue;
    }
    if (u < -1 || u >= num_nodes) {
      return At("parent", v) + " = " + std::to_string(u) + " must lie in [" +
             std::to_string(num_leaves) + ", " + std::to_string(num_nodes) +
             ") or be -1 at the root.";
    }
    if (u < num_leaves) {
      return At("parent", v) + " = " + std::to_string(u) + " is a leaf: nodes 0.." +
             std::to_string(num_leaves - 1) + " are leaves and have no children.";
    }
    if (u == v) return At("parent", v) + " = " + std::to_string(u) + " is the node itself.";
  }
  if (tree->root < 0) {
    return "parent must be -1 at one node, the root. Received no -1 in " +
           std::to_string(num_nodes) + " entries.";
  }
  if (num_leaves > 1 && tree->root < num_leaves) {
    return At("parent", tree->root) + " = -1 makes a leaf the root of a tree of " +
           std::to_string(num_leaves) + " leaves.";
  }
  return Error();
}

inline Error CheckChildren(Tree* tree) {
  for (int v = 0; v < tree->num_nodes; ++v) {
    const int u = tree->parent[v];
    if (u < 0) continue;
    if (tree->child0[u] < 0) {
      tree->child0[u] = v;
    } else if (tree->child1[u] < 0) {
      tree->child1[u] = v;
    } else {
      return "Node " + std::to_string(u) +
             " has more than two children: " + At("parent", tree->child0[u]) + ", " +
             At("parent", tree->child1[u]) + " and " + At("parent", v) + " are all " +
             std::to_string(u) + ".";
    }
  }
  for (int v = tree->num_leaves; v < tree->num_nodes; ++v) {
    const int count = (tree->child0[v] >= 0) + (tree->child1[v] >= 0);
    if (count != 2) {
      return "Internal node " + std::to_string(v) + " must have two children. Received " +
             std::to_string(count) + " entries of parent equal to " + std::to_string(v) + ".";
    }
  }
  return Error();
}

// Runs from the root; what it does not reach hangs on a cycle.
inline Error OrderNodes(Tree* tree) {
  const int num_nodes = tree->num_nodes;
  std::vector<int32_t> stack = {tree->root};
  int end = num_nodes;  // filled from the back: a reversed preorder is a postorder
  while (!stack.empty()) {
    const int v = stack.back();
    stack.pop_back();
    tree->postorder[--end] = v;
    if (tree->child0[v] >= 0) {
      stack.push_back(tree->child0[v]);
      stack.push_back(tree->child1[v]);
    }
  }
  if (end != 0) {
    std::vector<bool> reached(num_nodes, false);
    for (int i = end; i < num_nodes; ++i) reached[tree->postorder[i]] = true;
    for (int v = 0; v < num_nodes; ++v) {
      if (!reached[v]) {
        return "parent has a cycle: node " + std::to_string(v) + " (" + At("parent", v) + " = " +
               std::to_string(tree->parent[v]) + ") does not lead to the root " +
               std::to_string(tree->root) + ".";
      }
    }
  }
  int count = 0;  // one place more: a leaf's number is written and then overwritten
  for (int v : tree->postorder) {
    tree->internal_order[count] = v;
    count += v >= tree->num_leaves;
  }
  tree->internal_order.resize(tree->num_leaves - 1);
  for (int v : tree->internal_order) {
    tree->internal_below[v] =
        1 + tree->internal_below[tree->child0[v]] + tree->internal_below[tree->child1[v]];
  }
  return Error();
}

inline Error CheckTimes(const Tree& tree) {
  for (int v = 0; v < tree.num_nodes; ++v) {
    const double t = tree.time[v];
    if (!std::isfinite(t)) return At("time", v) + " = " + FormatDouble(t) + " must be finite.";
    if (v < tree.num_leaves && t != 1.0) {
      return At("time", v) + " = " + FormatDouble(t) + " must be 1: node " + std::to_string(v) +
             " is a leaf.";
    }
    if (v >= tree.num_leaves && v == tree.root && t != 0.0) {
      return At("time", v) + " = " + FormatDouble(t) + " must be 0: node " + std::to_string(v) +
             " is the root.";
    }
  }
  for (int v = 0; v < tree.num_nodes; ++v) {
    const int u = tree.parent[v];
    if (u >= 0 && !(tree.time[u] < tree.time[v])) {
      return "Times must increase from parent to child. Received " + At("time", v) + " = " +
             FormatDouble(tree.time[v]) + " below its parent's " + At("time", u) + " = " +
             FormatDouble(tree.time[u]) + ".";
    }
    // Possible only beside the root, at 0; squares and products of lengths must not underflow.
    if (u >= 0 && tree.time[v] - tree.time[u] < 1e-100) {
      return "Edges must be at least 1e-100 long. Received " + At("time", v) + " = " +
             FormatDouble(tree.time[v]) + " and its parent's " + At("time", u) + " = " +
             FormatDouble(tree.time[u]) + ".";
    }
  }
  return Error();
}

}  // namespace internal

// Fills `tree`. Returns an error that names the index and the value; `tree` is then
// unusable. `parent` and `time` hold 2 * num_leaves - 1 entries (the caller compares lengths:
// `CheckLengths`). With `time` null the tree has a shape only: `tree->time` stays empty.
inline Error BuildTree(int num_leaves, const int32_t* parent, const double* time, Tree* tree) {
  if (num_leaves < 1) {
    return "A tree needs at least one leaf. Received num_leaves = " + std::to_string(num_leaves) +
           ".";
  }
  if (num_leaves > (1 << 29)) {
    return "num_leaves = " + std::to_string(num_leaves) + " must be at most 536870912.";
  }
  const int num_nodes = NumNodes(num_leaves);
  tree->num_leaves = num_leaves;
  tree->num_nodes = num_nodes;
  tree->root = -1;
  Error error = internal::CheckParents(num_leaves, parent, tree);
  if (!error.ok()) return error;
  tree->parent.assign(parent, parent + num_nodes);
  tree->time.clear();
  if (time != nullptr) tree->time.assign(time, time + num_nodes);
  tree->child0.assign(num_nodes, -1);
  tree->child1.assign(num_nodes, -1);
  tree->internal_below.assign(num_nodes, 0);
  tree->postorder.assign(num_nodes, -1);
  tree->internal_order.assign(num_leaves, -1);
  error = internal::CheckChildren(tree);
  if (error.ok()) error = internal::OrderNodes(tree);
  if (error.ok() && time != nullptr) error = internal::CheckTimes(*tree);
  return error;
}

// Lengths as they came from the caller; `num_leaf_rows` < 0 when there are no leaves to compare.
// On success `num_leaves` holds N.
inline Error CheckLengths(int64_t parent_length, int64_t time_length, int64_t num_leaf_rows,
                          int* num_leaves) {
  if (parent_length < 1 || parent_length % 2 == 0 || parent_length > (int64_t{1} << 30)) {
    return "parent must have 2 * N - 1 entries for N leaves. Received length " +
           std::to_string(parent_length) + ".";
  }
  if (time_length != parent_length) {
    return "time must have as many entries as parent, " + std::to_string(parent_length) +
           ". Received length " + std::to_string(time_length) + ".";
  }
  const int64_t n = (parent_length + 1) / 2;
  if (num_leaf_rows >= 0 && num_leaf_rows != n) {
    return "leaves must have one row per leaf, " + std::to_string(n) + " for a tree of " +
           std::to_string(parent_length) + " nodes. Received " + std::to_string(num_leaf_rows) +
           " rows.";
  }
  *num_leaves = static_cast<int>(n);
  return Error();
}

// An error naming row, column and value of the first entry that is not finite.
template <typename T>
Error CheckFinite(const char* name, const T* values, int64_t rows, int64_t columns) {
  // x * 0 is NaN exactly when x is not finite: eight partial sums, so that the compiler vectorises.
  const int64_t size = rows * columns;
  T probe[8] = {};
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (int j = 0; j < 8; ++j) probe[j] += values[i + j] * T(0);
  }
  for (; i < size; ++i) probe[0] += values[i] * T(0);
  T sum = 0;
  for (int j = 0; j < 8; ++j) sum += probe[j];
  if (sum == T(0)) return Error();
  for (i = 0; i < size; ++i) {
    if (!std::isfinite(values[i])) {
      return std::string(name) + "[" + std::to_string(i / columns) + ", " +
             std::to_string(i % columns) + "] = " + FormatDouble(values[i]) + " must be finite.";
    }
  }
  return Error();
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_TREE_H_
