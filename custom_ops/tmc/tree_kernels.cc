// CPU kernels of the ops about a tree and its leaves: priors, likelihood, locations, quadrature.
#include <algorithm>
#include <vector>

#include "custom_ops/tmc/core/posterior.h"
#include "custom_ops/tmc/kernel.h"

namespace tfsp::tmc {
namespace {

class TopologyLogProbOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    const Tensor& parent = ctx->input(0);
    OP_REQUIRES(ctx, parent.dims() == 1, Invalid("parent must be a vector."));
    OP_REQUIRES_OK(ctx, CheckNumNodes(parent.dim_size(0)));
    Tree tree;
    OP_REQUIRES_OK(ctx, Check(BuildTree(static_cast<int>((parent.dim_size(0) + 1) / 2),
                                        parent.vec<int32_t>().data(), nullptr, &tree)));
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({}), &output));
    output->scalar<double>()() = TopologyLogProb(tree);
  }
};

class TimeLogProbOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Tree tree;
    double a, b;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &tree));
    OP_REQUIRES_OK(ctx, ReadConcentrations(ctx->input(2), &a, &b));
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({}), &output));
    output->scalar<double>()() = TimeLogProb(tree, a, b);
  }
};

class LeaveOneOutVarianceOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Sweeps s;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &s.tree));
    s.Variances();
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({s.tree.num_leaves}), &output));
    LeaveOneOutVariances(s.tree, s.down, output->vec<double>().data());
  }
};

class EdgeVariancesOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Sweeps s;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &s.tree));
    s.Variances();
    const TensorShape shape({s.tree.num_nodes});
    Tensor *cavity, *upward;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, shape, &cavity));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, shape, &upward));
    std::copy(s.down.cavity.begin(), s.down.cavity.end(), cavity->vec<double>().data());
    std::copy(s.up.variance.begin(), s.up.variance.end(), upward->vec<double>().data());
    // The virtual neighbour above the root; the sweep adds the edge above a lone leaf to it.
    cavity->vec<double>()(s.tree.root) = 1.0;
  }
};

template <typename T>
class LogLikelihoodOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Tree tree;
    UpwardVariances up;
    std::vector<double> leaves;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &tree));
    OP_REQUIRES_OK(ctx, ReadMatrix<T>("leaves", ctx->input(2), tree.num_leaves, &leaves));
    const int64_t dim = ctx->input(2).dim_size(1);
    ComputeUpwardVariances(tree, &up);
    Tensor *value, *gradient;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({}), &value));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, ctx->input(2).shape(), &gradient));
    std::vector<double> means(std::max<int64_t>(1, (tree.num_leaves - 1) * dim));
    std::vector<double> leaf_gradient(leaves.size());
    value->scalar<double>()() = UpwardMeans(tree, up, leaves.data(), dim, means.data());
    LikelihoodGradient(tree, up, leaves.data(), dim, means.data(), leaf_gradient.data());
    std::copy(leaf_gradient.begin(), leaf_gradient.end(), gradient->flat<T>().data());
  }
};

template <typename T>
class NodePosteriorOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Sweeps s;
    OP_REQUIRES_OK(ctx, s.Read<T>(ctx, 0, 2));
    const int num_nodes = s.tree.num_nodes;
    Tensor *mean, *variance;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({num_nodes, s.dim}), &mean));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, TensorShape({num_nodes}), &variance));
    std::vector<double> means(num_nodes * s.dim);
    NodePosteriorMeans(s.tree, s.up, s.down, s.leaves.data(), s.dim, means.data());
    std::copy(means.begin(), means.end(), mean->flat<T>().data());
    std::copy(s.down.posterior.begin(), s.down.posterior.end(), variance->vec<double>().data());
  }
};

template <typename T>
class NodePosteriorGradOp : public Kernel {
 public:
  using Kernel::Kernel;

  void Run(OpKernelContext* ctx) override {
    Sweeps s;
    std::vector<double> mean_gradient;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &s.tree));
    // A gradient may overflow (loss scaling looks for that): it is passed on as it is.
    OP_REQUIRES_OK(ctx, ReadMatrix<T>("mean_gradient", ctx->input(2), s.tree.num_nodes,
                                      &mean_gradient, /*any_value=*/true));
    s.Variances();
    const int64_t dim = ctx->input(2).dim_size(1);
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({s.tree.num_leaves, dim}), &output));
    std::vector<double> gradient(s.tree.num_leaves * dim);
    NodePosteriorAdjoint(s.tree, s.up, s.down, mean_gradient.data(), dim, gradient.data());
    std::copy(gradient.begin(), gradient.end(), output->flat<T>().data());
  }
};

class EdgeLogProbOp : public Kernel {
 public:
  explicit EdgeLogProbOp(OpKernelConstruction* ctx) : Kernel(ctx) {
    OP_REQUIRES_OK(ctx, ReadEdgeWeights(ctx, &edge_weights_));
  }

  void Run(OpKernelContext* ctx) override {
    Tree tree;
    double a, b;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &tree));
    OP_REQUIRES_OK(ctx, ReadConcentrations(ctx->input(2), &a, &b));
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({tree.num_nodes}), &output));
    EdgeLogProb(tree, edge_weights_, a, b, output->vec<double>().data());
  }

 private:
  EdgeWeights edge_weights_ = EdgeWeights::kPrior;
};

class QuadratureOp : public Kernel {
 public:
  explicit QuadratureOp(OpKernelConstruction* ctx) : Kernel(ctx) {
    OP_REQUIRES_OK(ctx, ReadAttributes(ctx, &options_));
  }

  void Run(OpKernelContext* ctx) override {
    Sweeps s;
    QuadratureOptions options = options_;
    OP_REQUIRES_OK(ctx, ReadTree(ctx, 0, &s.tree));
    OP_REQUIRES_OK(ctx, ReadParameters(ctx->input(2), &options));
    s.Variances();
    const TensorShape shape({NumQuadratureNodes(s.tree.num_leaves, options)});
    Tensor* output[5];
    for (int i = 0; i < 5; ++i) OP_REQUIRES_OK(ctx, ctx->allocate_output(i, shape, &output[i]));
    WriteQuadrature(s.tree, s.up, s.down, options, output[0]->vec<int32_t>().data(),
                    output[1]->vec<double>().data(), output[2]->vec<double>().data(),
                    output[3]->vec<double>().data(), output[4]->vec<double>().data());
  }

 private:
  QuadratureOptions options_;
};

TFSP_REGISTER("TfspTmcTopologyLogProb", TopologyLogProbOp);
TFSP_REGISTER("TfspTmcTimeLogProb", TimeLogProbOp);
TFSP_REGISTER("TfspTmcLeaveOneOutVariance", LeaveOneOutVarianceOp);
TFSP_REGISTER("TfspTmcEdgeVariances", EdgeVariancesOp);
TFSP_REGISTER("TfspTmcEdgeLogProb", EdgeLogProbOp);
TFSP_REGISTER("TfspTmcQuadrature", QuadratureOp);
TFSP_REGISTER_TYPED("TfspTmcLogLikelihood", LogLikelihoodOp);
TFSP_REGISTER_TYPED("TfspTmcNodePosterior", NodePosteriorOp);
TFSP_REGISTER_TYPED("TfspTmcNodePosteriorGrad", NodePosteriorGradOp);

}  // namespace
}  // namespace tfsp::tmc
