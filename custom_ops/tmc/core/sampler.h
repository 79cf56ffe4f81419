// Markov chain Monte Carlo over trees: the posterior r(tree | leaves).
//
// `RunSampler` is stateless: the same tree, leaves, options and seed give the same chain, bit for
// bit, on one machine, with or without AVX2. (Another C library may round a logarithm otherwise.)
// It may be called from many threads at once.
#ifndef TFSP_TMC_CORE_SAMPLER_H_
#define TFSP_TMC_CORE_SAMPLER_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/moves.h"
#include "custom_ops/tmc/core/moves_gibbs.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/sampler_state.h"
#include "custom_ops/tmc/core/tree.h"
#include "custom_ops/tmc/core/triplets.h"

namespace tfsp::tmc {

enum MoveKind { kSpr = 0, kLocal = 1, kSlide = 2, kGibbs = 3, kNumMoves = 4 };

struct SamplerOptions {
  double concentration1 = 2.0;                          // a of Beta(a, b)
  double concentration0 = 2.0;                          // b
  double mixture[kNumMoves] = {50.0, 25.0, 25.0, 1.0};  // proportions, any scale
  int64_t num_moves = 0;
  uint64_t seed[2] = {0, 0};
  // Internal times are kept at 1 - t >= min_remaining: with two equal leaves the posterior is
  // improper without a cap.
  double min_remaining = 1e-6;
  // All messages anew every so many moves; 0 means only at the start and at the end. Incremental
  // messages do not drift, the running log joint by about 1e-10 in 1e7 moves.
  int64_t refresh_every = 0;
  bool portable_kernels = false;
  // [M, 3], rows a, b, c: a and b meet strictly below the node where c joins them. The chain then
  // samples the posterior given that the tree satisfies all of them, as the starting tree must.
  std::vector<int32_t> triplets;
};

struct SamplerResult {
  double log_joint = 0.0;  // of the tree returned, computed afresh at the end
  double drift = 0.0;      // running log joint minus that
  LogJointParts parts;
  int64_t accepted[kNumMoves] = {0, 0, 0, 0};
  int64_t proposed[kNumMoves] = {0, 0, 0, 0};
};

// What to keep along the way, every `every` moves (0: nothing). Row i is the state after
// (i + 1) * every moves; parents and times only if `trees`.
struct SamplerTrace {
  int64_t every = 0;
  bool trees = false;
  std::vector<double> log_joint;
  std::vector<int32_t> parent;  // [rows, V]
  std::vector<double> time;     // [rows, V]
};

// An error naming the option and its value, or none.
inline Error CheckSamplerOptions(const SamplerOptions& options) {
  const Error error = CheckConcentrations(options.concentration1, options.concentration0);
  if (!error.ok()) return error;
  double total = 0.0;
  for (int kind = 0; kind < kNumMoves; ++kind) {
    const double share = options.mixture[kind];
    if (!(share >= 0.0) || !std::isfinite(share)) {
      return "mixture[" + std::to_string(kind) + "] = " + FormatDouble(share) +
             " must be finite and not negative.";
    }
    total += share;
  }
  if (!(total > 0.0) || !std::isfinite(total)) {
    return "mixture must have a positive, finite sum. Received " + FormatDouble(total) + ".";
  }
  if (options.num_moves < 0) {
    return "num_moves = " + std::to_string(options.num_moves) + " must not be negative.";
  }
  if (!(options.min_remaining > 0.0 && options.min_remaining < 1.0)) {
    return "min_remaining = " + FormatDouble(options.min_remaining) + " must lie in (0, 1).";
  }
  return Error();
}

// An error naming the first triplet that is none, or that the tree does not satisfy; or none.
inline Error CheckStart(const std::vector<int32_t>& triplet, const Tree& tree) {
  const int64_t count = static_cast<int64_t>(triplet.size()) / 3;
  const Error error = CheckTriplets(triplet.data(), count, tree.num_leaves);
  if (!error.ok()) return error;
  const std::unique_ptr<bool[]> satisfied(new bool[count]);
  Satisfied(tree, triplet.data(), count, satisfied.get());
  const bool* wrong = std::find(satisfied.get(), satisfied.get() + count, false);
  if (wrong == satisfied.get() + count) return Error();
  const int64_t i = wrong - satisfied.get();
  const std::string a = std::to_string(triplet[3 * i]), b = std::to_string(triplet[3 * i + 1]),
                    c = std::to_string(triplet[3 * i + 2]);
  return "The starting tree must satisfy all triplets. Received triplets[" + std::to_string(i) +
         "] = (" + a + ", " + b + ", " + c + "), but in the tree leaves " + a + " and " + b +
         " do not meet below the node where leaf " + c +
         " joins them. tfsp.tmc.constraints.follow moves what is in the way.";
}

// One chain over a state that the caller keeps: what RunSampler does between entry and exit.
template <typename Judge = Incremental>
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options)
      : options_(options), random_(options.seed[0], options.seed[1]) {
    double total = 0.0;
    for (double share : options.mixture) total += share;
    double sum = 0.0;
    for (int kind = 0; kind < kNumMoves; ++kind) {
      sum += options.mixture[kind];
      // 2^64 times the cumulative share; kinds of share 0 are never reached.
      const double scaled = sum / total * 0x1p64;
      limit_[kind] = scaled >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(scaled);
      if (options.mixture[kind] > 0.0) last_ = kind;
    }
  }

  void Run(SamplerState* state, int64_t num_moves, SamplerResult* result) {
    const double cap = 1.0 - options_.min_remaining;
    for (int64_t i = 0; i < num_moves; ++i) {
      const uint64_t bits = random_.Bits();
      int kind = 0;
      while (kind < last_ && bits >= limit_[kind]) ++kind;
      bool accepted = false;
      switch (kind) {
        case kSpr:
          accepted = SprMove(state, cap, &random_, &judge_);
          break;
        case kLocal:
          accepted = LocalMove(state, cap, &random_, &judge_);
          break;
        case kSlide:
          accepted = SlideMove(state, cap, &random_, &judge_);
          break;
        default:
          accepted = gibbs_.Move(state, cap, &random_, &judge_);
      }
      ++result->proposed[kind];
      result->accepted[kind] += accepted;
    }
  }

  Random* random() { return &random_; }

 private:
  SamplerOptions options_;
  Random random_;
  GibbsRegraft gibbs_;
  Judge judge_;
  uint64_t limit_[kNumMoves];
  int last_ = 0;
};

// Runs `options.num_moves` moves from `*tree`, which is replaced by the last tree of the chain.
//   tree           validated by BuildTree; node labels are kept, the root stays the root
//   leaves         [N, dims], finite
//   leaf_variance  null, or [N], sum_k s_nk^2 >= 0 of a Gaussian posterior of each leaf; the chain
//                  then samples exp E_q[log r(z, tree)], eq. (9) of the paper
// Trees of one or two leaves have nothing to move: no move is proposed. Returns an error, or none.
template <typename Judge = Incremental>
Error RunSampler(const SamplerOptions& options, int dims, const double* leaves,
                 const double* leaf_variance, Tree* tree, SamplerResult* result,
                 SamplerTrace* trace = nullptr) {
  Error error = CheckSamplerOptions(options);
  if (!error.ok()) return error;
  if (dims < 1) {
    return "leaves must have at least one column. Received " + std::to_string(dims) + ".";
  }
  error = CheckFinite("leaves", leaves, tree->num_leaves, dims);
  if (!error.ok()) return error;
  if (leaf_variance != nullptr) {
    for (int n = 0; n < tree->num_leaves; ++n) {
      if (!(leaf_variance[n] >= 0.0) || !std::isfinite(leaf_variance[n])) {
        return "leaf_variance[" + std::to_string(n) + "] = " + FormatDouble(leaf_variance[n]) +
               " must be finite and not negative.";
      }
    }
  }
  error = CheckStart(options.triplets, *tree);
  if (!error.ok()) return error;
  Triplets triplets;
  SamplerState state;
  state.Init(*tree, dims, leaves, leaf_variance, options.concentration1, options.concentration0,
             options.portable_kernels);
  if (!options.triplets.empty()) {
    triplets.Init(options.triplets, tree->num_leaves);
    state.set_triplets(&triplets);
  }
  *result = SamplerResult();
  Sampler<Judge> sampler(options);
  const int64_t moves = tree->num_leaves >= 3 ? options.num_moves : 0;
  const int64_t every = trace != nullptr ? trace->every : 0;
  int64_t done = 0, next_trace = every, next_refresh = options.refresh_every;
  while (done < options.num_moves) {
    int64_t stop = options.num_moves;
    if (every > 0) stop = std::min(stop, next_trace);
    if (options.refresh_every > 0) stop = std::min(stop, next_refresh);
    if (moves > 0) sampler.Run(&state, stop - done, result);
    done = stop;
    if (options.refresh_every > 0 && done == next_refresh) {
      state.Refresh();
      next_refresh += options.refresh_every;
    }
    if (every > 0 && done == next_trace) {
      trace->log_joint.push_back(state.joint().Total());
      if (trace->trees) {
        for (int v = 0; v < state.num_nodes(); ++v) {
          trace->parent.push_back(state.node(v).parent);
          trace->time.push_back(state.node(v).time);
        }
      }
      next_trace += every;
    }
  }
  const double running = state.joint().Total();
  state.Refresh();
  result->parts = state.joint();
  result->log_joint = result->parts.Total();
  result->drift = running - result->log_joint;
  return state.Export(tree);
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SAMPLER_H_
