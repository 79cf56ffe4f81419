// CPU kernels of the ops that draw trees, from the posterior and from the prior.
#include <algorithm>
#include <vector>

#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/core/simulate.h"
#include "custom_ops/tmc/kernel.h"

namespace tfsp::tmc {
namespace {

class SamplePosteriorOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Tree tree;
    std::vector<double> leaves;
    SamplerOptions options;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &tree));
    OP_REQUIRES_OK(ctx, ReadMatrix<double>("leaves", ctx->input(2), tree.num_leaves, &leaves));
    const Tensor& variance = ctx->input(3);
    const bool gaussian = variance.NumElements() > 0;
    if (gaussian) OP_REQUIRES_OK(ctx, ReadVector("leaf_variance", variance, tree.num_leaves));
    OP_REQUIRES_OK(
        ctx, ReadConcentrations(ctx->input(4), &options.concentration1, &options.concentration0));
    OP_REQUIRES_OK(ctx, ReadVector("mixture", ctx->input(5), kNumMoves));
    OP_REQUIRES(ctx, ctx->input(6).dims() == 0, Invalid("num_moves must be a scalar."));
    OP_REQUIRES_OK(ctx, ReadVector("seed", ctx->input(7), 2));
    for (int i = 0; i < kNumMoves; ++i) options.mixture[i] = ctx->input(5).vec<double>()(i);
    options.num_moves = ctx->input(6).scalar<int64_t>()();
    for (int i = 0; i < 2; ++i) {
      options.seed[i] = static_cast<uint32_t>(ctx->input(7).vec<int32_t>()(i));
    }
    const Tensor& triplets = ctx->input(8);
    OP_REQUIRES(ctx, triplets.dims() == 2 && triplets.dim_size(1) == 3,
                Invalid(absl::StrCat("triplets must have shape [M, 3]. Received: ",
                                     triplets.shape().DebugString(), ".")));
    const int32_t* triplet = triplets.flat<int32_t>().data();
    options.triplets.assign(triplet, triplet + triplets.NumElements());
    SamplerResult result;
    OP_REQUIRES_OK(
        ctx, Check(RunSampler(options, static_cast<int>(ctx->input(2).dim_size(1)), leaves.data(),
                              gaussian ? variance.vec<double>().data() : nullptr, &tree, &result)));
    Tensor* output[5];
    const TensorShape nodes({tree.num_nodes}), kinds({kNumMoves});
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, nodes, &output[0]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, nodes, &output[1]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(2, TensorShape({}), &output[2]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(3, kinds, &output[3]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(4, kinds, &output[4]));
    std::copy(tree.parent.begin(), tree.parent.end(), output[0]->vec<int32_t>().data());
    std::copy(tree.time.begin(), tree.time.end(), output[1]->vec<double>().data());
    output[2]->scalar<double>()() = result.log_joint;
    std::copy(result.accepted, result.accepted + kNumMoves, output[3]->vec<int64_t>().data());
    std::copy(result.proposed, result.proposed + kNumMoves, output[4]->vec<int64_t>().data());
  }
};

class SamplePriorOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    double a, b;
    OP_REQUIRES(ctx, ctx->input(0).dims() == 0, Invalid("num_leaves must be a scalar."));
    const int num_leaves = ctx->input(0).scalar<int32_t>()();
    OP_REQUIRES(ctx, num_leaves >= 1 && num_leaves <= (1 << 28),
                Invalid(absl::StrCat("num_leaves = ", num_leaves, " must lie in [1, 2^28].")));
    OP_REQUIRES_OK(ctx, ReadConcentrations(ctx->input(1), &a, &b));
    OP_REQUIRES_OK(ctx, ReadVector("seed", ctx->input(2), 2));
    Tree tree;
    const auto seed = ctx->input(2).vec<int32_t>();
    Random random(static_cast<uint32_t>(seed(0)), static_cast<uint32_t>(seed(1)));
    OP_REQUIRES_OK(ctx, Check(SamplePrior(num_leaves, a, b, &random, &tree)));
    Tensor *parent, *time;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({tree.num_nodes}), &parent));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, TensorShape({tree.num_nodes}), &time));
    std::copy(tree.parent.begin(), tree.parent.end(), parent->vec<int32_t>().data());
    std::copy(tree.time.begin(), tree.time.end(), time->vec<double>().data());
  }
};

TFSP_REGISTER("TfspTmcSamplePosterior", SamplePosteriorOp);
TFSP_REGISTER("TfspTmcSamplePrior", SamplePriorOp);

}  // namespace
}  // namespace tfsp::tmc
