// Trees: what is accepted, what is refused and in which words, and their priors.
#include <algorithm>

#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/surgery.h"
#include "tests/cc/problems.h"

using check::MakeProblem;
using tfsp::tmc::BuildTree;
using tfsp::tmc::Error;
using tfsp::tmc::Tree;

namespace {

Error Build(std::vector<int32_t> parent, std::vector<double> time) {
  Tree tree;
  int num_leaves = 0;
  const Error error =
      tfsp::tmc::CheckLengths(parent.size(), time.size(), /*num_leaf_rows=*/-1, &num_leaves);
  if (!error.ok()) return error;
  return BuildTree(num_leaves, parent.data(), time.data(), &tree);
}

}  // namespace

CASE(AnErrorIsEmptyOrAMessage) {
  CHECK(Error().ok());
  CHECK(!Error("a").ok());
  CHECK(Error(std::string("b")).message() == "b");
}

CASE(MalformedTreesAreNamed) {
  CHECK(Build({3, 3, 4, 4, -1}, {1, 1, 1, 0.5, 0}).ok());
  CHECK(Build({-1}, {1}).ok());
  CHECK_ERROR(Build({3, 3, 4, -1}, {1, 1, 1, 0}), "2 * N - 1 entries");
  CHECK_ERROR(Build({3, 3, 4, 4, -1}, {1, 1, 1, 0.5}), "length 4");
  CHECK_ERROR(Build({3, 3, 9, 4, -1}, {1, 1, 1, 0.5, 0}), "parent[2] = 9");
  CHECK_ERROR(Build({3, 3, 1, 4, -1}, {1, 1, 1, 0.5, 0}), "parent[2] = 1 is a leaf");
  CHECK_ERROR(Build({3, 3, 4, -1, -1}, {1, 1, 1, 0, 0}), "parent[3] = -1 and parent[4]");
  CHECK_ERROR(Build({4, 4, 5, 6, -1, 6, 5}, {1, 1, 1, 1, 0, 0.3, 0.5}), "cycle");
  CHECK_ERROR(Build({3, 3, 4, 4, -1}, {1, 1, 0.9, 0.5, 0}), "time[2] = 0.9 must be 1");
  CHECK_ERROR(Build({3, 3, 4, 4, -1}, {1, 1, 1, 0.5, 0.1}), "time[4] = 0.1 must be 0");
  CHECK_ERROR(Build({3, 3, 4, 4, -1}, {1, 1, 1, 1.0, 0}), "below its parent's");
  CHECK_ERROR(Build({3, 3, 4, 4, -1}, {1, 1, 1, std::nan(""), 0}), "must be finite");
}

CASE(OrdersAreOfChildrenBeforeParents) {
  for (int num_leaves : {1, 2, 3, 17, 200}) {
    const Tree tree = MakeProblem(num_leaves, 1).tree;
    std::vector<int> place(tree.num_nodes, -1);
    for (int i = 0; i < tree.num_nodes; ++i) place[tree.postorder[i]] = i;
    CHECK(*std::min_element(place.begin(), place.end()) == 0);
    for (int v = 0; v < tree.num_nodes; ++v) {
      const int u = tree.parent[v];
      if (u >= 0) CHECK(place[v] < place[u] && tree.time[v] > tree.time[u]);
      if (v < num_leaves) CHECK(tree.internal_below[v] == 0);
    }
    CHECK(tree.internal_below[tree.root] == num_leaves - 1);
    CHECK(static_cast<int>(tree.internal_order.size()) == num_leaves - 1);
  }
}

CASE(TopologiesOfFourLeavesHaveProbabilityOne) {
  // 12 caterpillars and 3 balanced trees, each kind of one probability.
  Tree caterpillar, balanced;
  const std::vector<int32_t> deep = {4, 4, 5, 6, 5, 6, -1}, flat = {4, 4, 5, 5, 6, 6, -1};
  CHECK(BuildTree(4, deep.data(), nullptr, &caterpillar).ok());
  CHECK(BuildTree(4, flat.data(), nullptr, &balanced).ok());
  CHECK_NEAR(12 * std::exp(TopologyLogProb(caterpillar)) + 3 * std::exp(TopologyLogProb(balanced)),
             1.0, 1e-14);
}

CASE(EdgesHaveProbabilityOne) {
  for (int num_leaves : {1, 2, 3, 40}) {
    const Tree tree = MakeProblem(num_leaves, 1).tree;
    for (auto weights : {tfsp::tmc::EdgeWeights::kPrior, tfsp::tmc::EdgeWeights::kBayes}) {
      std::vector<double> log_prob(tree.num_nodes);
      tfsp::tmc::EdgeLogProb(tree, weights, 1.5, 0.8, log_prob.data());
      double total = 0.0;
      for (double x : log_prob) total += std::exp(x);
      CHECK_NEAR(total, 1.0, 1e-12);
    }
  }
}

CASE(AttachedLeavesComeOffAgain) {
  const Tree tree = MakeProblem(12, 1).tree;
  for (int v = 0; v < tree.num_nodes; ++v) {
    if (v == tree.root) continue;
    Tree larger, back;
    tfsp::tmc::LeafPlace place;
    place.edge = v;
    place.time = 0.5 * (tree.time[v] + tree.time[tree.parent[v]]);
    place.leaf = 3;
    CHECK(AttachLeaf(tree, place, &larger).ok());
    CHECK(PruneLeaf(larger, 3, &back, &place).ok());
    CHECK(back.parent == tree.parent && back.time == tree.time);
  }
  Tree larger;
  tfsp::tmc::LeafPlace outside;
  outside.edge = 0;
  outside.time = 1.5;
  CHECK(!AttachLeaf(tree, outside, &larger).ok());
}
