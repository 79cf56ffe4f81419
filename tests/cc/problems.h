// Trees with leaves, and dense algebra on them that shares no code with the core.
#ifndef TFSP_TESTS_CC_PROBLEMS_H_
#define TFSP_TESTS_CC_PROBLEMS_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/simulate.h"
#include "custom_ops/tmc/core/tree.h"
#include "tests/cc/check.h"

namespace check {

using Matrix = std::vector<std::vector<double>>;

struct Problem {
  tfsp::tmc::Tree tree;
  std::vector<double> leaves;  // [N, dim]
  int dim = 0;
};

inline Problem MakeProblem(int num_leaves, int dim, uint64_t seed = 0) {
  Problem out;
  out.dim = dim;
  tfsp::tmc::Random random(seed, num_leaves);
  CHECK(tfsp::tmc::SamplePrior(num_leaves, 1.5, 2.0, &random, &out.tree).ok());
  out.leaves.resize(static_cast<size_t>(num_leaves) * dim);
  tfsp::tmc::SampleLeaves(out.tree, dim, &random, out.leaves.data());
  return out;
}

// Time at which the paths to two nodes part.
inline double MeetingTime(const tfsp::tmc::Tree& tree, int v, int w) {
  std::vector<bool> above(tree.num_nodes, false);
  for (int u = v; u >= 0; u = tree.parent[u]) above[u] = true;
  while (!above[w]) w = tree.parent[w];
  return tree.time[w];
}

// Covariance of one coordinate of nodes v and w: N(0, 1) at the root and the shared path.
inline double Covariance(const tfsp::tmc::Tree& tree, int v, int w) {
  return 1.0 + MeetingTime(tree, v, w);
}

// Lower Cholesky factor of the leaves' covariance.
inline Matrix LeafCholesky(const tfsp::tmc::Tree& tree) {
  const int n = tree.num_leaves;
  Matrix l(n, std::vector<double>(n, 0.0));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j <= i; ++j) {
      double sum = Covariance(tree, i, j);
      for (int k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      l[i][j] = i == j ? std::sqrt(sum) : sum / l[j][j];
    }
  }
  return l;
}

// Solves L x = b.
inline std::vector<double> Forward(const Matrix& l, std::vector<double> b) {
  for (size_t i = 0; i < b.size(); ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= l[i][k] * b[k];
    b[i] /= l[i][i];
  }
  return b;
}

inline std::vector<double> Column(const Problem& problem, int k) {
  std::vector<double> column(problem.tree.num_leaves);
  for (size_t n = 0; n < column.size(); ++n) column[n] = problem.leaves[n * problem.dim + k];
  return column;
}

// log N(leaves; 0, covariance), coordinates independent.
inline double DenseLogLikelihood(const Problem& problem) {
  const Matrix l = LeafCholesky(problem.tree);
  double total = 0.0;
  for (int k = 0; k < problem.dim; ++k) {
    for (double x : Forward(l, Column(problem, k))) total -= 0.5 * x * x;
    for (size_t n = 0; n < l.size(); ++n) {
      total -= std::log(l[n][n]) + 0.5 * std::log(2.0 * std::acos(-1.0));
    }
  }
  return total;
}

}  // namespace check

#endif  // TFSP_TESTS_CC_PROBLEMS_H_
