// The state of a tree sampler: the tree, its upward messages in two slots per node, and the parts
// of the log joint that change little by little.
//
// A proposal writes new messages into the free slot of every node on the path and flips the node's
// slot; rejecting flips back. Nothing is copied.
//
// Upward messages N(mu, nu I): leaf (z, 0); above children k, l with A = nu_k + e_k, B = nu_l +
// e_l: nu = A B / (A + B), mu = (B mu_k + A mu_l) / (A + B), and the factor log Z = -1/2 [|mu_k -
// mu_l|^2 / (A + B) + d log 2 pi (A + B)]. The root meets N(0, I). With Gaussian beliefs about the
// leaves, V_leaf = sum_k s_nk^2 and V = (B^2 V_k + A^2 V_l) / (A + B)^2 are carried along, and V_k
// + V_l joins |mu_k - mu_l|^2: the expected log likelihood.
#ifndef TFSP_TMC_CORE_SAMPLER_STATE_H_
#define TFSP_TMC_CORE_SAMPLER_STATE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/sampler_kernels.h"
#include "custom_ops/tmc/core/special.h"
#include "custom_ops/tmc/core/tree.h"

namespace tfsp::tmc {

// One node: what a walk to the root reads comes first, and fills one cache line.
struct alignas(64) SamplerNode {
  int32_t parent;
  int32_t child[2];
  int32_t count;  // c(v): internal nodes at or below v
  double time;
  double variance[2];  // nu, one per slot
  uint32_t slot;       // 0 or 1, the slot in force
  uint32_t stamp;      // marks the nodes of a path
  double spare;
  double log_left;  // log(1 - t); 0 at leaves, never read there
  // Second line.
  double inverse[2];   // 1 / (A + B) with A, B the two variances that meet here
  double quad[2];      // (|mu_k - mu_l|^2 + V_k + V_l) / (A + B)
  double expected[2];  // V, 0 unless leaves carry variances
};

// log joint in its three parts, in nats.
struct LogJointParts {
  double likelihood = 0.0;
  double topology = 0.0;
  double times = 0.0;
  double Total() const { return likelihood + topology + times; }
};

class Triplets;

class SamplerState {
 public:
  // Copies tree and leaves; `leaf_variance` [N] may be null. All messages are computed here.
  void Init(const Tree& tree, int dims, const double* leaves, const double* leaf_variance,
            double concentration1, double concentration0, bool portable_kernels = false) {
    num_leaves_ = tree.num_leaves;
    num_nodes_ = tree.num_nodes;
    root_ = tree.root;
    dims_ = dims;
    stride_ = (dims + 7) / 8 * 8;
    a_ = concentration1;
    b_ = concentration0;
    kernels_ = ChooseSamplerKernels(portable_kernels);
    nodes_.assign(num_nodes_, SamplerNode());
    mean_.Resize(static_cast<size_t>(num_nodes_) * 2 * stride_);
    std::fill(mean_.data(), mean_.data() + mean_.size(), 0.0);
    log_integer_.resize(num_leaves_ + 1);
    for (int i = 0; i <= num_leaves_; ++i) log_integer_[i] = i > 0 ? std::log(i) : 0.0;
    for (int v = 0; v < num_nodes_; ++v) {
      SamplerNode& node = nodes_[v];
      node.parent = tree.parent[v];
      node.child[0] = tree.child0[v];
      node.child[1] = tree.child1[v];
      node.count = tree.internal_below[v];
      node.time = tree.time[v];
      node.log_left = v < num_leaves_ ? 0.0 : std::log(1.0 - node.time);
      if (v < num_leaves_) {
        const double* leaf = leaves + static_cast<size_t>(v) * dims;
        std::copy(leaf, leaf + dims, MeanInSlot(v, 0));
        if (leaf_variance != nullptr) node.expected[0] = leaf_variance[v];
      }
    }
    affected_.resize(num_nodes_);
    weight_.resize(num_nodes_);
    RecomputeMessages(tree.postorder);
    joint_ = FullLogJoint();
  }

  int num_leaves() const { return num_leaves_; }
  int num_nodes() const { return num_nodes_; }
  int root() const { return root_; }
  int dims() const { return dims_; }
  int stride() const { return stride_; }
  double a() const { return a_; }
  double b() const { return b_; }
  const SamplerKernels& kernels() const { return kernels_; }
  SamplerNode& node(int v) { return nodes_[v]; }
  const SamplerNode& node(int v) const { return nodes_[v]; }
  bool IsLeaf(int v) const { return v < num_leaves_; }
  double LogInteger(int i) const { return log_integer_[i]; }

  double* MeanInSlot(int v, uint32_t slot) {
    return mean_.data() + (static_cast<size_t>(v) * 2 + slot) * stride_;
  }
  const double* Mean(int v) const {
    return mean_.data() + (static_cast<size_t>(v) * 2 + nodes_[v].slot) * stride_;
  }
  double Variance(int v) const { return nodes_[v].variance[nodes_[v].slot]; }

  int Sibling(int v) const {
    const SamplerNode& up = nodes_[nodes_[v].parent];
    return up.child[0] == v ? up.child[1] : up.child[0];
  }

  // log Z_v, an internal node's share of the log likelihood.
  double LogZ(int v) const {
    const SamplerNode& node = nodes_[v];
    return -0.5 * node.quad[node.slot] +
           0.5 * dims_ * (std::log(node.inverse[node.slot]) - kLog2Pi);
  }

  const LogJointParts& joint() const { return joint_; }
  void set_joint(const LogJointParts& joint) { joint_ = joint; }

  // Constraints on the topology, which the tree satisfies; null without any.
  const Triplets* triplets() const { return triplets_; }
  void set_triplets(const Triplets* triplets) { triplets_ = triplets; }

  // The share of the virtual neighbour above the root, N(0, I).
  double RootQuad() const {
    const SamplerNode& top = nodes_[root_];
    const double squared = kernels_.squared_norm(Mean(root_), stride_);
    return (squared + top.expected[top.slot]) / (1.0 + top.variance[top.slot]);
  }

  // Variance part of the message of v, into its free slot, which then is in force. Returns the
  // weight of child 0 in the mean.
  double UpdateVariance(int v) {
    SamplerNode& node = nodes_[v];
    const SamplerNode& k = nodes_[node.child[0]];
    const SamplerNode& l = nodes_[node.child[1]];
    const uint32_t slot = node.slot ^ 1;
    const double above_k = k.variance[k.slot] + (k.time - node.time);
    const double above_l = l.variance[l.slot] + (l.time - node.time);
    const double inverse = 1.0 / (above_k + above_l);
    const double weight = above_l * inverse;
    node.variance[slot] = above_k * weight;
    node.inverse[slot] = inverse;
    node.expected[slot] =
        weight * weight * k.expected[k.slot] + (1.0 - weight) * (1.0 - weight) * l.expected[l.slot];
    node.slot = slot;
    return weight;
  }

  // Mean part of the message of v, after UpdateVariance. Returns the new quadratic term.
  double UpdateMean(int v, double weight) {
    SamplerNode& node = nodes_[v];
    const SamplerNode& k = nodes_[node.child[0]];
    const SamplerNode& l = nodes_[node.child[1]];
    const double squared = kernels_.combine(Mean(node.child[0]), Mean(node.child[1]), weight,
                                            MeanInSlot(v, node.slot), stride_);
    const double quad =
        (squared + k.expected[k.slot] + l.expected[l.slot]) * node.inverse[node.slot];
    node.quad[node.slot] = quad;
    return quad;
  }

  void Flip(int v) { nodes_[v].slot ^= 1; }

  // Every message from the leaves up; the order has children before parents.
  void RecomputeMessages(const std::vector<int32_t>& postorder) {
    for (int v : postorder) {
      if (!IsLeaf(v)) UpdateMean(v, UpdateVariance(v));
    }
    root_quad_ = RootQuad();
  }

  // Recomputes everything from the tree as it stands.
  void Refresh() {
    RecomputeMessages(Postorder());
    joint_ = FullLogJoint();
  }

  std::vector<int32_t> Postorder() const {
    std::vector<int32_t> order(num_nodes_), stack = {root_};
    int end = num_nodes_;
    while (!stack.empty()) {
      const int v = stack.back();
      stack.pop_back();
      order[--end] = v;
      if (!IsLeaf(v)) {
        stack.push_back(nodes_[v].child[0]);
        stack.push_back(nodes_[v].child[1]);
      }
    }
    return order;
  }

  // The log joint summed over all nodes from the messages in force.
  LogJointParts FullLogJoint() const {
    LogJointParts parts;
    const double log_beta = LogBeta(a_, b_);
    parts.likelihood = -0.5 * RootQuad() - 0.5 * dims_ * (std::log1p(Variance(root_)) + kLog2Pi);
    if (num_leaves_ == 1) {
      // The leaf at time 1 hangs from a virtual root at time 0: N(0, 2 I), no topology, no times.
      parts.likelihood = -0.25 * (kernels_.squared_norm(Mean(0), stride_) + nodes_[0].expected[0]) -
                         0.5 * dims_ * (std::log(2.0) + kLog2Pi);
      return parts;
    }
    for (int i = 2; i <= num_leaves_; ++i) {
      // (N-1)! over the product of binomial(i, 2), factor by factor.
      parts.topology += log_integer_[i - 1] - std::log(0.5 * i * (i - 1.0));
    }
    for (int v = num_leaves_; v < num_nodes_; ++v) {
      parts.likelihood += LogZ(v);
      parts.topology -= log_integer_[nodes_[v].count];
      if (v == root_) continue;
      const SamplerNode& up = nodes_[nodes_[v].parent];
      parts.times += (a_ - 1.0) * std::log(nodes_[v].time - up.time) +
                     (b_ - 1.0) * nodes_[v].log_left - (a_ + b_ - 1.0) * up.log_left - log_beta;
    }
    return parts;
  }

  // Writes the tree back.
  Error Export(Tree* tree) const {
    std::vector<int32_t> parent(num_nodes_);
    std::vector<double> time(num_nodes_);
    for (int v = 0; v < num_nodes_; ++v) {
      parent[v] = nodes_[v].parent;
      time[v] = nodes_[v].time;
    }
    return BuildTree(num_leaves_, parent.data(), time.data(), tree);
  }

  void ReplaceChild(int up, int from, int to) {
    SamplerNode& node = nodes_[up];
    node.child[node.child[0] == from ? 0 : 1] = to;
  }

  // Scratch of one proposal.
  std::vector<int32_t>& affected() { return affected_; }
  std::vector<double>& weight() { return weight_; }
  // Leaves at or below v; the list stands until the next call.
  const std::vector<int32_t>& LeavesBelow(int v) {
    below_.assign(1, v);
    for (size_t i = 0; i < below_.size(); ++i) {
      while (!IsLeaf(below_[i])) {
        const SamplerNode& node = nodes_[below_[i]];
        below_[i] = node.child[0];
        below_.push_back(node.child[1]);
      }
    }
    return below_;
  }
  uint32_t NextStamp() {
    if (++stamp_ == 0) {  // 2^32 proposals later every old mark is wiped
      for (SamplerNode& node : nodes_) node.stamp = 0;
      stamp_ = 1;
    }
    return stamp_;
  }
  double root_quad() const { return root_quad_; }
  void set_root_quad(double quad) { root_quad_ = quad; }

 private:
  int num_leaves_ = 0, num_nodes_ = 0, root_ = -1, dims_ = 0, stride_ = 0;
  double a_ = 2.0, b_ = 2.0;
  SamplerKernels kernels_;
  std::vector<SamplerNode> nodes_;
  Buffer<double> mean_;
  std::vector<double> log_integer_;
  LogJointParts joint_;
  double root_quad_ = 0.0;
  uint32_t stamp_ = 0;
  std::vector<int32_t> affected_;
  std::vector<double> weight_;
  std::vector<int32_t> below_;
  const Triplets* triplets_ = nullptr;
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SAMPLER_STATE_H_
