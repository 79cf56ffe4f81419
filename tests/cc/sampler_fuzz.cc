// Random problems, extreme ones among them, through every sampler entry point. Meant for
// sanitizers:
//   g++ -std=c++17 -O1 -g -I. -fsanitize=address,undefined -fno-sanitize-recover=all
//       tests/cc/sampler_fuzz.cc -o sampler_fuzz && ./sampler_fuzz 3000
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/core/simulate.h"
#include "custom_ops/tmc/core/surgery.h"

using tfsp::tmc::Random;

namespace {

void Fail(int64_t round, const std::string& what) {
  std::printf("round %lld: %s\n", static_cast<long long>(round), what.c_str());
  std::exit(1);
}

void Round(int64_t round) {
  Random random(round, 7);
  const int num_leaves = 1 + random.Below(round % 10 == 0 ? 300 : 12);
  const int dims = 1 + random.Below(20);
  const auto extreme = [&random](double span) {
    return std::pow(10.0, span * (2.0 * random.Uniform() - 1.0));
  };
  const double a = extreme(1.5), b = extreme(1.5);
  tfsp::tmc::Tree tree;
  tfsp::tmc::Error error = tfsp::tmc::SamplePrior(num_leaves, a, b, &random, &tree);
  if (!error.ok()) Fail(round, error.message());
  std::vector<double> leaves(static_cast<size_t>(num_leaves) * dims);
  tfsp::tmc::SampleLeaves(tree, dims, &random, leaves.data());
  const double scale = round % 3 == 0 ? extreme(200.0) : extreme(2.0);
  for (double& x : leaves) x *= scale;
  if (round % 5 == 0) std::fill(leaves.begin(), leaves.end(), scale);
  std::vector<double> variance(num_leaves);
  for (double& v : variance) v = extreme(5.0);

  tfsp::tmc::SamplerOptions options;
  options.concentration1 = a;
  options.concentration0 = b;
  options.num_moves = 300;
  options.seed[0] = round;
  options.portable_kernels = round % 2 == 0;
  options.refresh_every = random.Below(50);
  for (double& share : options.mixture) share = 0.01 + random.Uniform();
  if (num_leaves >= 3 && round % 2 == 0) {  // triplets that the tree satisfies
    for (int tries = random.Below(3 * num_leaves); tries > 0; --tries) {
      int32_t leaf[3];
      for (int32_t& n : leaf) n = random.Below(num_leaves);
      const std::vector<int32_t> triplet(leaf, leaf + 3);
      if (!tfsp::tmc::CheckStart(triplet, tree).ok()) continue;
      options.triplets.insert(options.triplets.end(), leaf, leaf + 3);
    }
  }
  tfsp::tmc::SamplerResult result;
  tfsp::tmc::SamplerTrace trace;
  trace.every = random.Below(20);
  trace.trees = true;
  error = tfsp::tmc::RunSampler(options, dims, leaves.data(),
                                round % 4 == 0 ? variance.data() : nullptr, &tree, &result, &trace);
  if (!error.ok()) Fail(round, error.message());
  error = tfsp::tmc::CheckStart(options.triplets, tree);
  if (!error.ok()) Fail(round, error.message());
  if (scale < 1e6 && !std::isfinite(result.log_joint)) Fail(round, "log joint is not finite");

  std::vector<int32_t> edge(20);
  std::vector<double> time(20), location(20 * dims);
  error = tfsp::tmc::SamplePredictive(
      tree, dims, leaves.data(), a, b,
      round % 2 ? tfsp::tmc::EdgeWeights::kPrior : tfsp::tmc::EdgeWeights::kBayes, 20, &random,
      edge.data(), time.data(), location.data());
  if (!error.ok()) Fail(round, error.message());
  for (int i = 0; i < 20 && num_leaves > 1; ++i) {
    if (tree.parent[edge[i]] < 0) Fail(round, "a new leaf above the root");
    // An edge one unit in the last place long has no time in its interior.
    if (!(time[i] > tree.time[tree.parent[edge[i]]])) continue;
    tfsp::tmc::Tree larger, smaller;
    tfsp::tmc::LeafPlace place;
    place.edge = edge[i];
    place.time = time[i];
    error = tfsp::tmc::AttachLeaf(tree, place, &larger);
    if (!error.ok()) Fail(round, error.message());
    error = tfsp::tmc::PruneLeaf(larger, random.Below(num_leaves + 1), &smaller, &place);
    if (!error.ok()) Fail(round, error.message());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t rounds = argc > 1 ? std::atoll(argv[1]) : 1000;
  for (int64_t round = 0; round < rounds; ++round) Round(round);
  std::printf("%lld rounds, no fault\n", static_cast<long long>(rounds));
  return 0;
}
