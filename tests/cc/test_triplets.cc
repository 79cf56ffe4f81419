// Triplets: which a tree satisfies, what they allow a subtree, and the chain that keeps them.
#include "custom_ops/tmc/core/triplets.h"

#include <algorithm>
#include <vector>

#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/testing/full_recomputation.h"
#include "tests/cc/problems.h"

using check::MakeProblem;
using check::Problem;
using tfsp::tmc::FullRecomputation;
using tfsp::tmc::Random;
using tfsp::tmc::RunSampler;
using tfsp::tmc::SamplerOptions;
using tfsp::tmc::SamplerResult;
using tfsp::tmc::SamplerState;
using tfsp::tmc::Tree;
using tfsp::tmc::Triplets;

namespace {

// By times: the covariances of the three pairs.
bool Displays(const Tree& tree, const int32_t* leaf) {
  return check::MeetingTime(tree, leaf[0], leaf[1]) > check::MeetingTime(tree, leaf[0], leaf[2]);
}

// Random triplets that the tree satisfies.
std::vector<int32_t> Given(const Tree& tree, int count, uint64_t seed) {
  Random random(seed, 3);
  std::vector<int32_t> out;
  while (static_cast<int>(out.size()) < 3 * count) {
    int32_t leaf[3];
    for (int32_t& n : leaf) n = random.Below(tree.num_leaves);
    if (leaf[0] == leaf[1] || leaf[0] == leaf[2] || leaf[1] == leaf[2]) continue;
    if (Displays(tree, leaf)) out.insert(out.end(), leaf, leaf + 3);
  }
  return out;
}

}  // namespace

CASE(SatisfiedIsWhatTimesSay) {
  for (int seed = 0; seed < 5; ++seed) {
    const Problem problem = MakeProblem(9, 1, seed);
    int yes = 0;
    for (int32_t a = 0; a < 9; ++a) {
      for (int32_t b = 0; b < 9; ++b) {
        for (int32_t c = 0; c < 9; ++c) {
          if (a == b || a == c || b == c) continue;
          const int32_t leaf[3] = {a, b, c};
          bool satisfied;
          Satisfied(problem.tree, leaf, 1, &satisfied);
          CHECK(satisfied == Displays(problem.tree, leaf));
          yes += satisfied;
        }
      }
    }
    CHECK(yes == 9 * 8 * 7 / 3);  // one of three leaves is the odd one
  }
}

// Every subtree on every edge, by the tree that comes of it.
CASE(AllowedEdgesAreThoseThatKeepAllTriplets) {
  for (int seed = 0; seed < 12; ++seed) {
    const Problem problem = MakeProblem(10, 1, seed);
    const Tree& tree = problem.tree;
    const std::vector<int32_t> given = Given(tree, 1 + seed, seed);
    Triplets triplets;
    triplets.Init(given, 10);
    SamplerState state;
    state.Init(tree, 1, problem.leaves.data(), nullptr, 2.0, 2.0);
    int allowed = 0, refused = 0;
    for (int v = 0; v < tree.num_nodes; ++v) {
      const int w = tree.parent[v];
      if (v == tree.root || w == tree.root) continue;
      const int s = state.Sibling(v), g = tree.parent[w];
      for (int x = 0; x < tree.num_nodes; ++x) {
        bool inside = x == tree.root || x == w;
        for (int n = x; n >= 0 && !inside; n = tree.parent[n]) inside = n == v;
        if (inside) continue;
        std::vector<int32_t> parent = tree.parent;
        parent[s] = g;
        parent[w] = parent[x];
        parent[x] = w;
        Tree moved;
        CHECK(tfsp::tmc::BuildTree(10, parent.data(), nullptr, &moved).ok());
        std::vector<char> kept(given.size() / 3);
        Satisfied(moved, given.data(), kept.size(), reinterpret_cast<bool*>(kept.data()));
        const bool all = std::all_of(kept.begin(), kept.end(), [](char k) { return k; });
        CHECK(triplets.Allows(&state, v, x) == all);
        (all ? allowed : refused) += 1;
      }
    }
    CHECK(allowed > 10 && refused > 10);
  }
}

CASE(EachConstrainedMoveIsThatOfFullRecomputation) {
  for (int only = -1; only < tfsp::tmc::kNumMoves; ++only) {
    const Problem problem = MakeProblem(14, 5, only + 1);
    SamplerOptions options;
    options.num_moves = 600;
    options.seed[0] = 11;
    options.triplets = Given(problem.tree, 8, only + 1);
    for (int kind = 0; kind < tfsp::tmc::kNumMoves; ++kind) {
      options.mixture[kind] = only < 0 || only == kind;
    }
    Tree fast = problem.tree, slow = problem.tree;
    SamplerResult one, other;
    CHECK(RunSampler(options, 5, problem.leaves.data(), nullptr, &fast, &one).ok());
    CHECK(RunSampler<FullRecomputation>(options, 5, problem.leaves.data(), nullptr, &slow, &other)
              .ok());
    CHECK(fast.parent == slow.parent && fast.time == slow.time);
    CHECK(std::abs(one.drift) < 1e-9);
    CHECK(CheckStart(options.triplets, fast).ok());
  }
}

CASE(BadTripletsAreNamed) {
  Problem problem = MakeProblem(4, 2);
  SamplerResult result;
  const auto run = [&](std::vector<int32_t> triplets) {
    SamplerOptions options;
    options.num_moves = 1;
    options.triplets = std::move(triplets);
    return RunSampler(options, 2, problem.leaves.data(), nullptr, &problem.tree, &result);
  };
  CHECK_ERROR(run({0, 1, 2, 0, 4, 1}), "triplets[1, 1] = 4");
  CHECK_ERROR(run({0, 1, 2, 0, -1, 1}), "triplets[1, 1] = -1");
  CHECK_ERROR(run({0, 1, 0}), "three distinct leaves");
  const std::vector<int32_t> right = Given(problem.tree, 1, 0);
  CHECK(run(right).ok());
  CHECK_ERROR(run({right[0], right[2], right[1]}), "starting tree must satisfy");
}
