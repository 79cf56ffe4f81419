// CPU kernels of the TMC ops: unpack tensors, check values, call the core, shard over rows.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/posterior.h"
#include "custom_ops/tmc/core/predictive.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/quadrature.h"
#include "custom_ops/tmc/core/sampler.h"
#include "custom_ops/tmc/core/simulate.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/tensor.h"
#include "tensorflow/core/util/work_sharder.h"

namespace tfsp::tmc {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

// An op kernel that answers a lack of memory with an error instead of the end of the process.
class Kernel : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* ctx) final {
    try {
      Run(ctx);
    } catch (const std::bad_alloc&) {
      ctx->CtxFailure(absl::ResourceExhaustedError("Out of memory in a TMC op."));
    } catch (const std::length_error&) {
      ctx->CtxFailure(absl::ResourceExhaustedError("Out of memory in a TMC op."));
    }
  }

  virtual void Run(OpKernelContext* ctx) = 0;
};

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

absl::Status Check(const std::string& error) {
  return error.empty() ? absl::OkStatus() : Invalid(error);
}

absl::Status CheckNumNodes(int64_t num_nodes) {
  if (num_nodes % 2 == 1 && num_nodes <= (int64_t{1} << 30)) return absl::OkStatus();
  return Invalid(absl::StrCat("parent must have 2 N - 1 entries, an odd number. Received ",
                              num_nodes, "."));
}

// The tree at inputs `first` (parent) and `first` + 1 (time).
absl::Status ReadTree(OpKernelContext* ctx, int first, Tree* tree) {
  const Tensor& parent = ctx->input(first);
  const Tensor& time = ctx->input(first + 1);
  if (parent.dims() != 1 || time.dims() != 1 || parent.dim_size(0) != time.dim_size(0)) {
    return Invalid(absl::StrCat("parent and time must be vectors of the same length. Received ",
                                "shapes ", parent.shape().DebugString(), " and ",
                                time.shape().DebugString(), "."));
  }
  TF_RETURN_IF_ERROR(CheckNumNodes(parent.dim_size(0)));
  return Check(BuildTree(static_cast<int>((parent.dim_size(0) + 1) / 2),
                         parent.vec<int32_t>().data(), time.vec<double>().data(), tree));
}

// A matrix with `rows` rows (any number if negative), in float64; its entries finite unless
// `any_value`.
template <typename T>
absl::Status ReadMatrix(const char* name, const Tensor& tensor, int64_t rows,
                        std::vector<double>* values, bool any_value = false) {
  if (tensor.dims() != 2 || tensor.dim_size(1) < 1 || (rows >= 0 && tensor.dim_size(0) != rows)) {
    return Invalid(absl::StrCat(
        name, " must be a matrix", rows >= 0 ? absl::StrCat(" of ", rows, " rows") : "",
        " with at least one column. Received shape ", tensor.shape().DebugString(), "."));
  }
  const T* data = tensor.flat<T>().data();
  const int64_t size = tensor.NumElements(), dim = tensor.dim_size(1);
  values->resize(size);
  for (int64_t i = 0; i < size; ++i) {
    (*values)[i] = static_cast<double>(data[i]);
    if (!any_value && !std::isfinite((*values)[i])) {
      return Invalid(absl::StrCat(name, "[", i / dim, ", ", i % dim, "] = ", (*values)[i],
                                  " must be finite."));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadVector(const char* name, const Tensor& tensor, int64_t size) {
  if (tensor.dims() != 1 || tensor.dim_size(0) != size) {
    return Invalid(absl::StrCat(name, " must be a vector of ", size, " numbers. Received shape ",
                                tensor.shape().DebugString(), "."));
  }
  return absl::OkStatus();
}

absl::Status ReadConcentrations(const Tensor& tensor, double* a, double* b) {
  TF_RETURN_IF_ERROR(ReadVector("concentrations", tensor, 2));
  *a = tensor.vec<double>()(0);
  *b = tensor.vec<double>()(1);
  return Check(CheckConcentrations(*a, *b));
}

EdgeWeights ReadEdgeWeights(OpKernelConstruction* ctx) {
  std::string name;
  const absl::Status status = ctx->GetAttr("edge_weights", &name);
  if (!status.ok()) ctx->CtxFailure(status);
  return name == "bayes" ? EdgeWeights::kBayes : EdgeWeights::kPrior;
}

// The static part of the options: attributes.
absl::Status ReadAttributes(OpKernelConstruction* ctx, QuadratureOptions* options) {
  TF_RETURN_IF_ERROR(ctx->GetAttr("leaf_nodes", &options->leaf_nodes));
  TF_RETURN_IF_ERROR(ctx->GetAttr("internal_nodes", &options->internal_nodes));
  options->edge_weights = ReadEdgeWeights(ctx);
  return Check(CheckOptions(*options));
}

// The rest: a, b, variance floor, added variance.
absl::Status ReadParameters(const Tensor& tensor, QuadratureOptions* options) {
  TF_RETURN_IF_ERROR(ReadVector("parameters", tensor, 4));
  const auto values = tensor.vec<double>();
  options->concentration1 = values(0);
  options->concentration0 = values(1);
  options->variance_floor = values(2);
  options->added_variance = values(3);
  return Check(CheckOptions(*options));
}

// Splits [0, total) over TensorFlow's threads, one piece for each. `cost` in cycles for each unit.
// With no more pieces than threads the calling thread works on one of them; with more it would hand
// the whole over and sleep, which takes longer than a small call. A lack of memory on any thread is
// thrown on this one.
template <typename Work>
void Parallel(OpKernelContext* ctx, int64_t total, int64_t cost, const Work& work) {
  const auto& workers = *ctx->device()->tensorflow_cpu_worker_threads();
  const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(workers.num_threads, total));
  std::atomic<bool> exhausted{false};
  const auto run = [&](int64_t begin, int64_t end) {
    try {
      work(total * begin / pieces, total * end / pieces);
    } catch (const std::bad_alloc&) {
      exhausted = true;
    }
  };
  tensorflow::Shard(workers.num_threads, workers.workers, pieces, cost * (total / pieces + 1), run);
  if (exhausted) throw std::bad_alloc();
}

// Tree, leaves and both sweeps of variances, as most kernels need them.
struct Sweeps {
  Tree tree;
  UpwardVariances up;
  DownwardVariances down;
  std::vector<double> leaves;
  int64_t dim = 0;

  template <typename T>
  absl::Status Read(OpKernelContext* ctx, int first_tree, int leaves_input) {
    TF_RETURN_IF_ERROR(ReadTree(ctx, first_tree, &tree));
    const Tensor& tensor = ctx->input(leaves_input);
    TF_RETURN_IF_ERROR(ReadMatrix<T>("leaves", tensor, tree.num_leaves, &leaves));
    dim = tensor.dim_size(1);
    Variances();
    return absl::OkStatus();
  }

  void Variances() {
    ComputeUpwardVariances(tree, &up);
    ComputeDownwardVariances(tree, up, &down);
  }
};

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
  explicit EdgeLogProbOp(OpKernelConstruction* ctx)
      : Kernel(ctx), edge_weights_(ReadEdgeWeights(ctx)) {}

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
  EdgeWeights edge_weights_;
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

// What the three ops about the collapsed density share: z, the sweeps, the table.
template <typename T>
class PredictiveBase : public Kernel {
 public:
  explicit PredictiveBase(OpKernelConstruction* ctx) : Kernel(ctx) {
    OP_REQUIRES_OK(ctx, ReadAttributes(ctx, &options_));
  }

 protected:
  struct Inputs {
    Sweeps sweeps;
    std::vector<double> mean;  // [V, d]
    PredictiveTable<T> table;
    const T* z = nullptr;
    int64_t rows = 0;
    // About 4 cycles a quadrature node and 1 for each entry of a distance, for one row.
    int64_t RowCost() const {
      return table.num_entries * 4 + table.num_tree_nodes * table.dim;
    }
  };

  absl::Status Read(OpKernelContext* ctx, Inputs* in) const {
    QuadratureOptions options = options_;
    TF_RETURN_IF_ERROR(in->sweeps.template Read<T>(ctx, 1, 3));
    TF_RETURN_IF_ERROR(ReadParameters(ctx->input(4), &options));
    Sweeps& s = in->sweeps;
    const Tensor& z = ctx->input(0);
    if (z.dims() != 2 || z.dim_size(1) != s.dim) {
      return Invalid(absl::StrCat("z must have shape [B, ", s.dim, "], as many columns as leaves. ",
                                  "Received shape ", z.shape().DebugString(), "."));
    }
    in->rows = z.dim_size(0);
    in->z = z.flat<T>().data();
    in->mean.resize(s.tree.num_nodes * s.dim);
    NodePosteriorMeans(s.tree, s.up, s.down, s.leaves.data(), s.dim, in->mean.data());
    // An edge's entries take some 500 cycles.
    const auto split = [ctx](int64_t total, const auto& work) { Parallel(ctx, total, 500, work); };
    BuildPredictiveTable(s.tree, s.up, s.down, in->mean.data(), s.dim, options, &in->table,
                         Isa::kAuto, split);
    return absl::OkStatus();
  }

  // Blocks of rows, so that every thread fills its vector lanes.
  void ForRows(OpKernelContext* ctx, const Inputs& in, const PredictiveOutputs<T>& outputs,
               int64_t cost_factor) const {
    constexpr int64_t kBlock = kLanes<T>;
    const int64_t blocks = (in.rows + kBlock - 1) / kBlock;
    Parallel(ctx, blocks, in.RowCost() * kBlock * cost_factor, [&](int64_t begin, int64_t end) {
      PredictiveRows(in.table, in.z, begin * kBlock, std::min(in.rows, end * kBlock), outputs);
    });
  }

 private:
  QuadratureOptions options_;
};

template <typename T>
class PredictiveOp : public PredictiveBase<T> {
 public:
  explicit PredictiveOp(OpKernelConstruction* ctx) : PredictiveBase<T>(ctx) {
    OP_REQUIRES_OK(ctx, ctx->GetAttr("gradients", &gradients_));
  }

  void Run(OpKernelContext* ctx) override {
    typename PredictiveBase<T>::Inputs in;
    OP_REQUIRES_OK(ctx, this->Read(ctx, &in));
    const int64_t kept = gradients_ ? in.rows : 0, num_nodes = in.sweeps.tree.num_nodes;
    Tensor* output[4];
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, TensorShape({in.rows}), &output[0]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(1, TensorShape({kept, in.sweeps.dim}), &output[1]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(2, TensorShape({kept, num_nodes}), &output[2]));
    OP_REQUIRES_OK(ctx, ctx->allocate_output(3, TensorShape({kept, num_nodes}), &output[3]));
    PredictiveOutputs<T> outputs;
    outputs.log_prob = output[0]->flat<T>().data();
    if (gradients_) {
      outputs.z_gradient = output[1]->flat<T>().data();
      outputs.node_weight = output[2]->flat<T>().data();
      outputs.spread_weight = output[3]->flat<T>().data();
    }
    this->ForRows(ctx, in, outputs, gradients_ ? 2 : 1);
    for (int64_t i = 0; i < in.rows; ++i) {
      // A point that is no number has no density: NaN, not the -inf of a far one.
      bool missing = false;
      for (int64_t k = 0; k < in.sweeps.dim; ++k) missing |= std::isnan(in.z[i * in.sweeps.dim + k]);
      if (missing) outputs.log_prob[i] = std::numeric_limits<T>::quiet_NaN();
    }
  }

 private:
  bool gradients_;
};

template <typename T>
class PredictiveLeavesGradOp : public PredictiveBase<T> {
 public:
  using PredictiveBase<T>::PredictiveBase;

  void Run(OpKernelContext* ctx) override {
    typename PredictiveBase<T>::Inputs in;
    OP_REQUIRES_OK(ctx, this->Read(ctx, &in));
    Sweeps& s = in.sweeps;
    const TensorShape weights({in.rows, s.tree.num_nodes});
    const char* names[2] = {"node_weight", "spread_weight"};
    for (int i = 0; i < 2; ++i) {
      OP_REQUIRES(ctx, ctx->input(5 + i).shape() == weights,
                  Invalid(absl::StrCat(names[i], " must have shape ", weights.DebugString(),
                                       ". Received ", ctx->input(5 + i).shape().DebugString(),
                                       ".")));
    }
    OP_REQUIRES_OK(ctx, ReadVector("upstream", ctx->input(7), in.rows));
    const T* node_weight = ctx->input(5).flat<T>().data();
    const T* spread_weight = ctx->input(6).flat<T>().data();
    const T* upstream = ctx->input(7).flat<T>().data();
    std::vector<double> mean_gradient(in.mean.size());
    Parallel(ctx, s.tree.num_nodes, in.rows * s.dim, [&](int64_t begin, int64_t end) {
      MeansGradient(in.table, in.z, upstream, in.rows, node_weight, begin, end,
                    mean_gradient.data());
    });
    AddSpreadGradient(in.table, in.mean.data(), upstream, in.rows, spread_weight,
                      mean_gradient.data());
    std::vector<double> gradient(s.leaves.size());
    NodePosteriorAdjoint(s.tree, s.up, s.down, mean_gradient.data(), s.dim, gradient.data());
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, ctx->input(3).shape(), &output));
    std::copy(gradient.begin(), gradient.end(), output->flat<T>().data());
  }
};

template <typename T>
class AttachmentOp : public PredictiveBase<T> {
 public:
  using PredictiveBase<T>::PredictiveBase;

  void Run(OpKernelContext* ctx) override {
    typename PredictiveBase<T>::Inputs in;
    OP_REQUIRES_OK(ctx, this->Read(ctx, &in));
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(
                            0, TensorShape({in.rows, in.sweeps.tree.num_nodes}), &output));
    PredictiveOutputs<T> outputs;
    outputs.edge_log_prob = output->flat<T>().data();
    this->ForRows(ctx, in, outputs, 2);
  }
};

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
    OP_REQUIRES_OK(ctx, ReadConcentrations(ctx->input(4), &options.concentration1,
                                           &options.concentration0));
    OP_REQUIRES_OK(ctx, ReadVector("mixture", ctx->input(5), kNumMoves));
    OP_REQUIRES(ctx, ctx->input(6).dims() == 0, Invalid("num_moves must be a scalar."));
    OP_REQUIRES_OK(ctx, ReadVector("seed", ctx->input(7), 2));
    for (int i = 0; i < kNumMoves; ++i) options.mixture[i] = ctx->input(5).vec<double>()(i);
    options.num_moves = ctx->input(6).scalar<int64_t>()();
    for (int i = 0; i < 2; ++i) {
      options.seed[i] = static_cast<uint32_t>(ctx->input(7).vec<int32_t>()(i));
    }
    SamplerResult result;
    OP_REQUIRES_OK(ctx, Check(RunSampler(options, static_cast<int>(ctx->input(2).dim_size(1)),
                                         leaves.data(),
                                         gaussian ? variance.vec<double>().data() : nullptr, &tree,
                                         &result)));
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

#define TFSP_REGISTER(NAME, CLASS) \
  REGISTER_KERNEL_BUILDER(Name(NAME).Device(DEVICE_CPU), CLASS)
#define TFSP_REGISTER_TYPED(NAME, CLASS)                                                         \
  REGISTER_KERNEL_BUILDER(Name(NAME).Device(DEVICE_CPU).TypeConstraint<float>("T"), CLASS<float>); \
  REGISTER_KERNEL_BUILDER(Name(NAME).Device(DEVICE_CPU).TypeConstraint<double>("T"), CLASS<double>)

TFSP_REGISTER("TfspTmcTopologyLogProb", TopologyLogProbOp);
TFSP_REGISTER("TfspTmcTimeLogProb", TimeLogProbOp);
TFSP_REGISTER("TfspTmcLeaveOneOutVariance", LeaveOneOutVarianceOp);
TFSP_REGISTER("TfspTmcEdgeVariances", EdgeVariancesOp);
TFSP_REGISTER("TfspTmcEdgeLogProb", EdgeLogProbOp);
TFSP_REGISTER("TfspTmcQuadrature", QuadratureOp);
TFSP_REGISTER("TfspTmcSamplePosterior", SamplePosteriorOp);
TFSP_REGISTER("TfspTmcSamplePrior", SamplePriorOp);
TFSP_REGISTER_TYPED("TfspTmcLogLikelihood", LogLikelihoodOp);
TFSP_REGISTER_TYPED("TfspTmcNodePosterior", NodePosteriorOp);
TFSP_REGISTER_TYPED("TfspTmcNodePosteriorGrad", NodePosteriorGradOp);
TFSP_REGISTER_TYPED("TfspTmcPredictive", PredictiveOp);
TFSP_REGISTER_TYPED("TfspTmcPredictiveLeavesGrad", PredictiveLeavesGradOp);
TFSP_REGISTER_TYPED("TfspTmcAttachment", AttachmentOp);

}  // namespace
}  // namespace tfsp::tmc
