// Agglomerative clustering of a weighted graph: the two parts that are linked most, for what they
// are linked in all, become one.
#ifndef TFSP_TMC_CORE_LINKAGE_H_
#define TFSP_TMC_CORE_LINKAGE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

namespace tfsp::tmc {

struct Merge {
  int32_t gone, kept;  // nodes of the graph that stand for the two parts; `kept` then for both
  double distance;     // w_a w_b / (W w_ab)
};

// Merges of a symmetric graph in compressed rows without loops: the neighbours of node i are
// indices[start[i]] .. indices[start[i + 1]), with positive weights. w_a is the weight of all edges
// that end in part a, W the sum of w_a, w_ab the weight of the edges between a and b. As in one
// part w_a and w_ab add up, w_a w_b / w_ab never falls below the least of both before (a mediant):
// chains of nearest neighbours find the same merges as always taking the closest two. Nodes of
// other components are left apart: there are n less the number of components merges, in the order
// in which they were found. Of equally close parts the one before in the chain, else that of the
// smallest node.
// Source: Bonald et al. 2018, arXiv:1806.01664 ("Paris").
inline void LinkGraph(int32_t n, const int64_t* start, const int32_t* indices,
                      const double* weights, std::vector<Merge>* merges) {
  std::vector<std::unordered_map<int32_t, double>> links(n);
  std::vector<double> weight(n, 0.0), height(n, 0.0);
  double total = 0.0;
  for (int32_t i = 0; i < n; ++i) {
    links[i].reserve(start[i + 1] - start[i]);
    for (int64_t k = start[i]; k < start[i + 1]; ++k) {
      links[i][indices[k]] += weights[k];
      weight[i] += weights[k];
    }
    total += weight[i];
  }
  merges->clear();
  merges->reserve(n);
  std::vector<int32_t> chain;
  std::vector<bool> waits(n, false);  // whether a part is in the chain
  for (int32_t next = 0; next < n; ++next) {
    // What is merged already, or a whole component, has no links.
    if (links[next].empty()) continue;
    chain.push_back(next);
    waits[next] = true;
    while (true) {
      const int32_t a = chain.back();
      const int32_t before = chain.size() > 1 ? chain[chain.size() - 2] : -1;
      int32_t b = -1;
      double least = std::numeric_limits<double>::infinity();
      for (const auto& [other, link] : links[a]) {
        // Symmetric to the last bit, so that chains end where distances are equal.
        const double distance = weight[a] * weight[other] / link;
        const bool tie = distance == least && b != before && (other == before || other < b);
        if (b < 0 || distance < least || tie) {
          least = distance;
          b = other;
        }
      }
      // Nearer than its own nearest only by rounding.
      if (waits[b]) b = before;
      if (b != before) {
        chain.push_back(b);
        waits[b] = true;
        continue;
      }
      chain.resize(chain.size() - 2);
      waits[a] = waits[b] = false;
      // The links of the part that has fewer move to the other.
      const int32_t kept = links[a].size() < links[b].size() ? b : a, gone = a + b - kept;
      // Below those of its parts only by rounding.
      const double distance = weight[a] * weight[b] / links[a][b] / total;
      height[kept] = std::max({distance, height[a], height[b]});
      merges->push_back({gone, kept, height[kept]});
      weight[kept] += weight[gone];
      links[kept].erase(gone);
      for (const auto& [other, link] : links[gone]) {
        if (other == kept) continue;
        links[other].erase(gone);
        links[other][kept] += link;
        links[kept][other] += link;
      }
      std::unordered_map<int32_t, double>().swap(links[gone]);
      if (!chain.empty()) continue;
      if (links[kept].empty()) break;  // the whole of its component
      chain.push_back(kept);
      waits[kept] = true;
    }
  }
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_LINKAGE_H_
