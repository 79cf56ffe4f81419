// Clustering of graphs: parts that are linked most merge first, ties and rounding end no chain.
#include <cmath>

#include "custom_ops/tmc/core/linkage.h"
#include "custom_ops/tmc/core/random.h"
#include "tests/cc/check.h"

using tfsp::tmc::LinkGraph;
using tfsp::tmc::Merge;

namespace {

struct Graph {
  std::vector<int64_t> start{0};
  std::vector<int32_t> indices;
  std::vector<double> weights;
};

// Dense, symmetric, in compressed rows.
Graph Compress(const std::vector<double>& dense, int n) {
  Graph graph;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      if (dense[i * n + j] == 0.0) continue;
      graph.indices.push_back(j);
      graph.weights.push_back(dense[i * n + j]);
    }
    graph.start.push_back(static_cast<int64_t>(graph.indices.size()));
  }
  return graph;
}

std::vector<Merge> Merges(const std::vector<double>& dense, int n) {
  const Graph graph = Compress(dense, n);
  std::vector<Merge> merges;
  LinkGraph(n, graph.start.data(), graph.indices.data(), graph.weights.data(), &merges);
  return merges;
}

}  // namespace

CASE(TwoPairs) {
  // 0 and 1 by 4, 2 and 3 by 2, 1 and 2 by 1: W = 14.
  const std::vector<Merge> merges =
      Merges({0, 4, 0, 0, 4, 0, 1, 0, 0, 1, 0, 2, 0, 0, 2, 0}, 4);
  CHECK(merges.size() == 3);
  CHECK_NEAR(merges[0].distance, 4.0 * 5.0 / (14.0 * 4.0), 1e-15);
  CHECK_NEAR(merges[1].distance, 3.0 * 2.0 / (14.0 * 2.0), 1e-15);
  CHECK_NEAR(merges[2].distance, 9.0 * 5.0 / (14.0 * 1.0), 1e-15);
}

CASE(NothingToMerge) {
  CHECK(Merges({0.0}, 1).empty());
  CHECK(Merges(std::vector<double>(9, 0.0), 3).empty());
}

// Weights that are all alike up to a rounding: chains that took the nearest by that would go round.
CASE(EqualWeightsUpToRounding) {
  for (int n : {2, 3, 7, 40}) {
    std::vector<double> dense(n * n, 0.0);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < i; ++j) {
        dense[i * n + j] = dense[j * n + i] = 0.1 * (1.0 + 2e-16 * ((i * 7 + j * 3) % 4));
      }
    }
    const std::vector<Merge> merges = Merges(dense, n);
    CHECK(static_cast<int>(merges.size()) == n - 1);
    std::vector<double> height(n, 0.0);
    std::vector<int> gone(n, 0);
    for (const Merge& merge : merges) {
      CHECK(merge.distance >= height[merge.gone] && merge.distance >= height[merge.kept]);
      CHECK(!gone[merge.gone] && !gone[merge.kept]);
      gone[merge.gone] = 1;
      height[merge.kept] = merge.distance;
    }
  }
}
