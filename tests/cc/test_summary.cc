// What many trees have in common, against sets and paths.
#include <algorithm>
#include <set>

#include "custom_ops/tmc/core/summary.h"
#include "tests/cc/problems.h"

using check::MakeProblem;
using tfsp::tmc::LeafOrder;
using tfsp::tmc::Tree;

namespace {

std::vector<std::set<int>> Clades(const Tree& tree) {
  std::vector<std::set<int>> clades(tree.num_nodes);
  for (int n = 0; n < tree.num_leaves; ++n) {
    for (int v = n; v >= 0; v = tree.parent[v]) clades[v].insert(n);
  }
  return clades;
}

LeafOrder Order(const Tree& tree) {
  LeafOrder leaves;
  OrderLeaves(tree, &leaves);
  return leaves;
}

int Difference(const std::set<int>& a, const std::set<int>& b) {
  int shared = 0;
  for (int n : a) shared += static_cast<int>(b.count(n));
  return static_cast<int>(a.size() + b.size()) - 2 * shared;
}

}  // namespace

CASE(LeavesOfACladeStandTogether) {
  for (int num_leaves : {1, 2, 3, 30}) {
    const Tree tree = MakeProblem(num_leaves, 1).tree;
    const LeafOrder leaves = Order(tree);
    const std::vector<std::set<int>> clades = Clades(tree);
    for (int v = 0; v < tree.num_nodes; ++v) {
      const int32_t* first = leaves.order.data() + leaves.start[v];
      CHECK(std::set<int>(first, first + leaves.count[v]) == clades[v]);
      CHECK(leaves.count[v] == static_cast<int>(clades[v].size()));
    }
  }
}

CASE(TimesOfPairsAreAddedOnce) {
  for (int num_leaves : {1, 2, 3, 30}) {
    std::vector<double> sum(num_leaves * num_leaves, 0.0), squares = sum, alone = sum;
    std::vector<double> expected = sum, second = sum;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const Tree tree = MakeProblem(num_leaves, 1, seed).tree;
      AddLcaTimes(tree, Order(tree), sum.data(), squares.data());
      AddLcaTimes(tree, Order(tree), alone.data(), nullptr);
      for (int i = 0; i < num_leaves; ++i) {
        for (int j = 0; j < i; ++j) {
          const double time = check::MeetingTime(tree, i, j);
          expected[i * num_leaves + j] += time;
          second[i * num_leaves + j] += time * time;
        }
      }
    }
    for (int i = 0; i < num_leaves; ++i) {
      CHECK(sum[i * num_leaves + i] == 0.0);
      for (int j = 0; j < i; ++j) {
        const int here = i * num_leaves + j, there = j * num_leaves + i;
        CHECK_NEAR(sum[here] + sum[there], expected[here], 1e-13);
        CHECK_NEAR(squares[here] + squares[there], second[here], 1e-13);
        CHECK(alone[here] == sum[here] && alone[there] == sum[there]);
      }
    }
  }
}

CASE(TransferDistancesAreThoseOfSets) {
  for (int num_leaves : {1, 2, 3, 20}) {
    const Tree tree = MakeProblem(num_leaves, 1).tree;
    const std::vector<std::set<int>> clades = Clades(tree);
    std::vector<int32_t> shared, distance(tree.num_nodes, -1);
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const Tree other = MakeProblem(num_leaves, 1, seed).tree;
      TransferDistances(tree, Order(tree), other, Order(other), &shared, distance.data());
      const std::vector<std::set<int>> others = Clades(other);
      for (int v = 0; v < tree.num_nodes; ++v) {
        int least = 2 * num_leaves;
        for (const std::set<int>& clade : others) {
          least = std::min(least, Difference(clades[v], clade));
        }
        CHECK(distance[v] == least);
        if (seed == 0) CHECK(distance[v] == 0);
      }
    }
  }
}
