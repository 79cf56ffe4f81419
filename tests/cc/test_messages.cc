// Messages: likelihood, gradient, posterior and variances, against dense Gaussians.
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/posterior.h"
#include "tests/cc/problems.h"

using check::Covariance;
using check::Forward;
using check::LeafCholesky;
using check::MakeProblem;
using check::Problem;
using tfsp::tmc::DownwardVariances;
using tfsp::tmc::Isa;
using tfsp::tmc::UpwardVariances;

namespace {

struct Sweeps {
  explicit Sweeps(const Problem& problem) {
    ComputeUpwardVariances(problem.tree, &up);
    ComputeDownwardVariances(problem.tree, up, &down);
    inner.resize(static_cast<size_t>(problem.tree.num_leaves) * problem.dim);
  }
  double LogLikelihood(const Problem& problem, Isa isa) {
    return UpwardMeans(problem.tree, up, problem.leaves.data(), problem.dim, inner.data(), isa);
  }
  UpwardVariances up;
  DownwardVariances down;
  std::vector<double> inner;
};

constexpr Isa kBoth[] = {Isa::kPortable, Isa::kAuto};

}  // namespace

CASE(LikelihoodIsTheDenseOne) {
  for (int num_leaves : {1, 2, 3, 30}) {
    for (int dim : {1, 4, 7}) {
      const Problem problem = MakeProblem(num_leaves, dim);
      Sweeps sweeps(problem);
      for (Isa isa : kBoth) {
        CHECK_NEAR(sweeps.LogLikelihood(problem, isa), DenseLogLikelihood(problem), 1e-10);
      }
    }
  }
}

CASE(GradientIsTheSlopeOfTheLikelihood) {
  Problem problem = MakeProblem(9, 5);
  Sweeps sweeps(problem);
  for (Isa isa : kBoth) {
    std::vector<double> gradient(problem.leaves.size());
    sweeps.LogLikelihood(problem, isa);
    LikelihoodGradient(problem.tree, sweeps.up, problem.leaves.data(), problem.dim,
                       sweeps.inner.data(), gradient.data(), isa);
    for (size_t i = 0; i < gradient.size(); ++i) {
      const double x = problem.leaves[i], h = 1e-3;  // a quadratic: exact but for rounding
      problem.leaves[i] = x + h;
      const double above = sweeps.LogLikelihood(problem, isa);
      problem.leaves[i] = x - h;
      const double below = sweeps.LogLikelihood(problem, isa);
      problem.leaves[i] = x;
      CHECK_NEAR(gradient[i], (above - below) / (2 * h), 1e-7);
    }
  }
}

CASE(PosteriorIsTheConditionedGaussian) {
  const Problem problem = MakeProblem(11, 6);
  const tfsp::tmc::Tree& tree = problem.tree;
  Sweeps sweeps(problem);
  const check::Matrix l = LeafCholesky(tree);
  std::vector<double> mean(static_cast<size_t>(tree.num_nodes) * problem.dim);
  for (Isa isa : kBoth) {
    NodePosteriorMeans(tree, sweeps.up, sweeps.down, problem.leaves.data(), problem.dim,
                       mean.data(), isa);
    for (int v = tree.num_leaves; v < tree.num_nodes; ++v) {
      std::vector<double> to_leaves(tree.num_leaves);
      for (int n = 0; n < tree.num_leaves; ++n) to_leaves[n] = Covariance(tree, v, n);
      const std::vector<double> half = Forward(l, to_leaves);
      double variance = Covariance(tree, v, v);
      for (double x : half) variance -= x * x;
      CHECK_NEAR(sweeps.down.posterior[v], variance, 1e-11);
      for (int k = 0; k < problem.dim; ++k) {
        const std::vector<double> other = Forward(l, Column(problem, k));
        double expected = 0.0;
        for (size_t n = 0; n < half.size(); ++n) expected += half[n] * other[n];
        CHECK_NEAR(mean[static_cast<size_t>(v) * problem.dim + k], expected, 1e-10);
      }
    }
  }
}

CASE(AdjointIsTheTransposeOfTheMeans) {
  const Problem problem = MakeProblem(10, 3);
  const tfsp::tmc::Tree& tree = problem.tree;
  Sweeps sweeps(problem);
  const size_t size = static_cast<size_t>(tree.num_nodes) * problem.dim;
  tfsp::tmc::Random random(3, 4);
  std::vector<double> mean(size), upstream(size), pulled(problem.leaves.size());
  for (double& x : upstream) x = random.Normal();
  NodePosteriorMeans(tree, sweeps.up, sweeps.down, problem.leaves.data(), problem.dim, mean.data());
  NodePosteriorAdjoint(tree, sweeps.up, sweeps.down, upstream.data(), problem.dim, pulled.data());
  double one = 0.0, other = 0.0;
  for (size_t i = 0; i < size; ++i) one += mean[i] * upstream[i];
  for (size_t i = 0; i < pulled.size(); ++i) other += problem.leaves[i] * pulled[i];
  CHECK_NEAR(one, other, 1e-11);
}

CASE(LeaveOneOutVariancesAreOfTheInverse) {
  const Problem problem = MakeProblem(8, 1);
  Sweeps sweeps(problem);
  std::vector<double> variance(8);
  LeaveOneOutVariances(problem.tree, sweeps.down, variance.data());
  const check::Matrix l = LeafCholesky(problem.tree);
  for (int n = 0; n < 8; ++n) {  // 1 / (covariance^-1)_nn
    std::vector<double> unit(8, 0.0);
    unit[n] = 1.0;
    double precision = 0.0;
    for (double x : Forward(l, unit)) precision += x * x;
    CHECK_NEAR(variance[n], 1.0 / precision, 1e-11);
  }
}
