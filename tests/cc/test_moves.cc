// Moves of the sampler: the incremental messages against recomputation, and the chain's options.
#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/core/surgery.h"
#include "custom_ops/tmc/testing/full_recomputation.h"
#include "custom_ops/tmc/testing/joint_test.h"
#include "tests/cc/problems.h"

using check::MakeProblem;
using check::Problem;
using tfsp::tmc::FullRecomputation;
using tfsp::tmc::RunSampler;
using tfsp::tmc::SamplerOptions;
using tfsp::tmc::SamplerResult;
using tfsp::tmc::Tree;

namespace {

SamplerOptions Options(int64_t num_moves, int only = -1) {
  SamplerOptions options;
  options.num_moves = num_moves;
  options.seed[0] = 11;
  for (int kind = 0; kind < tfsp::tmc::kNumMoves; ++kind) {
    options.mixture[kind] = only < 0 || only == kind;
  }
  return options;
}

}  // namespace

CASE(EachMoveIsThatOfFullRecomputation) {
  for (int only = -1; only < tfsp::tmc::kNumMoves; ++only) {
    const Problem problem = MakeProblem(14, 5, only + 1);
    for (bool portable : {false, true}) {
      SamplerOptions options = Options(600, only);
      options.portable_kernels = portable;
      Tree fast = problem.tree, slow = problem.tree;
      SamplerResult one, other;
      CHECK(RunSampler(options, 5, problem.leaves.data(), nullptr, &fast, &one).ok());
      CHECK(RunSampler<FullRecomputation>(options, 5, problem.leaves.data(), nullptr, &slow, &other)
                .ok());
      CHECK(fast.parent == slow.parent && fast.time == slow.time);
      int64_t accepted = 0;
      for (int kind = 0; kind < tfsp::tmc::kNumMoves; ++kind) {
        CHECK(one.accepted[kind] == other.accepted[kind]);
        CHECK((one.proposed[kind] > 0) == (only < 0 || only == kind));
        accepted += one.accepted[kind];
      }
      CHECK(accepted > 5);
      CHECK(std::abs(one.drift) < 1e-9);
    }
  }
}

CASE(LogJointIsTheDenseOne) {
  Problem problem = MakeProblem(10, 3);
  SamplerResult result;
  CHECK(RunSampler(Options(500), 3, problem.leaves.data(), nullptr, &problem.tree, &result).ok());
  CHECK_NEAR(result.parts.likelihood, DenseLogLikelihood(problem), 1e-10);
  CHECK_NEAR(result.parts.topology, TopologyLogProb(problem.tree), 1e-12);
  CHECK_NEAR(result.parts.times, TimeLogProb(problem.tree, 2.0, 2.0), 1e-10);
}

CASE(SubtreesComeBackWithTheirMessages) {
  const Problem problem = MakeProblem(12, 4);
  const Tree& tree = problem.tree;
  for (int v = 0; v < tree.num_nodes; ++v) {
    if (tree.parent[v] < 0 || tree.parent[v] == tree.root) continue;
    tfsp::tmc::SamplerState state, fresh;
    state.Init(tree, 4, problem.leaves.data(), nullptr, 2.0, 2.0);
    fresh.Init(tree, 4, problem.leaves.data(), nullptr, 2.0, 2.0);
    AttachSubtree(&state, PruneSubtree(&state, v));
    for (int w = 0; w < tree.num_nodes; ++w) {
      CHECK(state.node(w).parent == fresh.node(w).parent);
      CHECK(state.node(w).count == fresh.node(w).count);
      CHECK_NEAR(state.Variance(w), fresh.Variance(w), 1e-14);
      for (int k = 0; k < 4; ++k) CHECK_NEAR(state.Mean(w)[k], fresh.Mean(w)[k], 1e-13);
    }
    CHECK_NEAR(state.joint().Total(), fresh.joint().Total(), 1e-12);
  }
}

CASE(OptionsOfTheChainAreNamed) {
  Problem problem = MakeProblem(4, 2);
  SamplerResult result;
  const auto run = [&](const SamplerOptions& options) {
    return RunSampler(options, 2, problem.leaves.data(), nullptr, &problem.tree, &result);
  };
  SamplerOptions options = Options(-1);
  CHECK_ERROR(run(options), "num_moves = -1");
  options = Options(1);
  options.mixture[1] = -1.0;
  CHECK_ERROR(run(options), "mixture[1] = -1");
  options = Options(1);
  for (double& share : options.mixture) share = 0.0;
  CHECK_ERROR(run(options), "positive, finite sum");
  options = Options(1);
  options.min_remaining = 0.0;
  CHECK_ERROR(run(options), "min_remaining = 0 ");
  problem.leaves[3] = INFINITY;
  CHECK_ERROR(run(Options(1)), "leaves[1, 1] = inf");
}

CASE(OneAndTwoLeavesDoNotMove) {
  for (int num_leaves : {1, 2}) {
    Problem problem = MakeProblem(num_leaves, 2);
    const Tree before = problem.tree;
    SamplerResult result;
    CHECK(RunSampler(Options(50), 2, problem.leaves.data(), nullptr, &problem.tree, &result).ok());
    CHECK(problem.tree.parent == before.parent && problem.tree.time == before.time);
    for (int64_t count : result.proposed) CHECK(count == 0);
  }
}

CASE(JointTestSeesTheSameBeforeAndAfterWithoutMoves) {
  std::vector<double> statistics(20 * 2 * tfsp::tmc::kNumJointStatistics);
  CHECK(JointTest(Options(0), 5, 2, 20, statistics.data()).ok());
  const size_t row = tfsp::tmc::kNumJointStatistics;
  for (size_t r = 0; r < 20; ++r) {
    for (size_t i = 0; i < row; ++i) {
      CHECK(statistics[2 * r * row + i] == statistics[(2 * r + 1) * row + i]);
    }
  }
  CHECK_ERROR(JointTest(Options(0), 1, 2, 1, statistics.data()), "num_leaves = 1");
  CHECK_ERROR(JointTest(Options(0), 3, 0, 1, statistics.data()), "num_dims = 0");
}
