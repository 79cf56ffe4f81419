// CPU kernels of the collapsed density: log p(z), its gradient to the leaves, the attachment. They
// spread the table and the rows over threads.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "custom_ops/tmc/core/posterior.h"
#include "custom_ops/tmc/core/predictive.h"
#include "custom_ops/tmc/kernel.h"
#include "custom_ops/tmc/team.h"

namespace tfsp::tmc {
namespace {

// What the three ops about the collapsed density share: z, the sweeps, the means, the options.
template <typename T>
class PredictiveBase : public Kernel {
 public:
  explicit PredictiveBase(OpKernelConstruction* ctx) : Kernel(ctx) {
    OP_REQUIRES_OK(ctx, ReadAttributes(ctx, &options_));
  }

 protected:
  struct Inputs {
    QuadratureOptions options;
    Sweeps sweeps;
    std::vector<double> mean;  // [V, d]
    PredictiveTable<T> table;
    const T* z = nullptr;
    int64_t rows = 0;
  };

  // What a call would cost on one thread, in nanoseconds with AVX2: a guess from the sizes alone,
  // before anything has been checked.
  struct Cost {
    double rows, entries, tree_nodes, mean_size;
    static constexpr double kWidth = sizeof(T) / 4;

    Cost(OpKernelContext* ctx, const QuadratureOptions& options)
        : rows(ctx->input(0).dims() == 2 ? ctx->input(0).dim_size(0) : 0),
          tree_nodes(ctx->input(1).NumElements()),
          mean_size(2.0 * ctx->input(3).NumElements()) {
      const int64_t leaves = std::clamp<int64_t>((tree_nodes + 1) / 2, 1, int64_t{1} << 30);
      entries = NumQuadratureNodes(static_cast<int>(leaves), options);
    }
    double Table() const { return 6.0 * entries; }
    double Rows(bool exponentials_once) const {
      const double row = 0.2 * entries + 0.05 * mean_size;
      return kWidth * rows * row * (exponentials_once ? 1.0 : 1.5);
    }
    double MeansGradient() const { return kWidth * rows * (0.35 * tree_nodes + 0.025 * mean_size); }
  };
  Cost CostOf(OpKernelContext* ctx) const { return Cost(ctx, options_); }

  absl::Status Read(OpKernelContext* ctx, Inputs* in) const {
    in->options = options_;
    TF_RETURN_IF_ERROR(in->sweeps.template Read<T>(ctx, 1, 3));
    TF_RETURN_IF_ERROR(ReadParameters(ctx->input(4), &in->options));
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
    return absl::OkStatus();
  }

  static void BuildTable(Team* team, Inputs* in) {
    const Sweeps& s = in->sweeps;
    constexpr int64_t kEdges = 16;  // some 2 us
    BuildPredictiveTable(
        s.tree, s.up, s.down, in->mean.data(), s.dim, in->options, &in->table, Isa::kAuto,
        [team](int64_t total, const auto& work) { team->Run(total, kEdges, work); });
  }

  // Calls work(begin, end) for ranges of rows that fill the vector lanes.
  template <typename Work>
  static void ForRows(Team* team, const Inputs& in, const Work& work) {
    team->Run(in.rows, kLanes<T>, work);
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
    const auto cost = this->CostOf(ctx);
    Team team(ctx, cost.Table() + cost.Rows(!gradients_));
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
    this->BuildTable(&team, &in);
    this->ForRows(&team, in, [&](int64_t begin, int64_t end) {
      PredictiveRows(in.table, in.z, begin, end, outputs);
      for (int64_t i = begin; i < end; ++i) {
        // A point that is no number has no density: NaN, not the -inf of a far one.
        const T* point = in.z + i * in.sweeps.dim;
        bool missing = false;
        for (int64_t k = 0; k < in.sweeps.dim; ++k) missing |= std::isnan(point[k]);
        if (missing) outputs.log_prob[i] = std::numeric_limits<T>::quiet_NaN();
      }
    });
  }

 private:
  bool gradients_;
};

template <typename T>
class PredictiveLeavesGradOp : public PredictiveBase<T> {
 public:
  using PredictiveBase<T>::PredictiveBase;

  void Run(OpKernelContext* ctx) override {
    Team team(ctx, this->CostOf(ctx).MeansGradient());
    typename PredictiveBase<T>::Inputs in;
    OP_REQUIRES_OK(ctx, this->Read(ctx, &in));
    const Sweeps& s = in.sweeps;
    const int64_t num_nodes = s.tree.num_nodes;
    const TensorShape weights({in.rows, num_nodes});
    const char* names[2] = {"node_weight", "spread_weight"};
    for (int i = 0; i < 2; ++i) {
      OP_REQUIRES(
          ctx, ctx->input(5 + i).shape() == weights,
          Invalid(absl::StrCat(names[i], " must have shape ", weights.DebugString(), ". Received ",
                               ctx->input(5 + i).shape().DebugString(), ".")));
    }
    OP_REQUIRES_OK(ctx, ReadVector("upstream", ctx->input(7), in.rows));
    const T* node_weight = ctx->input(5).flat<T>().data();
    const T* spread_weight = ctx->input(6).flat<T>().data();
    const T* upstream = ctx->input(7).flat<T>().data();
    Tensor* output;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, ctx->input(3).shape(), &output));
    PlaceTable(s.tree, s.dim, /*num_entries=*/0, &in.table);  // the means are all that is needed
    std::vector<double> mean_gradient(in.mean.size()), spread(num_nodes);
    constexpr int64_t kNodes = 16;  // a cache line of `spread_weight`, some 2 us
    team.Run(num_nodes, kNodes, [&](int64_t begin, int64_t end) {
      SplitMeans(in.mean.data(), begin, end, &in.table);
      MeansGradient(in.table, in.z, upstream, in.rows, node_weight, begin, end,
                    mean_gradient.data());
      SpreadTotals(num_nodes, upstream, in.rows, spread_weight, begin, end, spread.data());
    });
    team.Dismiss();
    AddSpreadTotals(in.table, in.mean.data(), spread.data(), mean_gradient.data());
    std::vector<double> gradient(s.leaves.size());
    NodePosteriorAdjoint(s.tree, s.up, s.down, mean_gradient.data(), s.dim, gradient.data());
    std::copy(gradient.begin(), gradient.end(), output->flat<T>().data());
  }
};

template <typename T>
class AttachmentOp : public PredictiveBase<T> {
 public:
  using PredictiveBase<T>::PredictiveBase;

  void Run(OpKernelContext* ctx) override {
    const auto cost = this->CostOf(ctx);
    Team team(ctx, cost.Table() + cost.Rows(/*exponentials_once=*/false));
    typename PredictiveBase<T>::Inputs in;
    OP_REQUIRES_OK(ctx, this->Read(ctx, &in));
    Tensor* output;
    OP_REQUIRES_OK(
        ctx, ctx->allocate_output(0, TensorShape({in.rows, in.sweeps.tree.num_nodes}), &output));
    PredictiveOutputs<T> outputs;
    outputs.edge_log_prob = output->flat<T>().data();
    this->BuildTable(&team, &in);
    this->ForRows(&team, in, [&](int64_t begin, int64_t end) {
      PredictiveRows(in.table, in.z, begin, end, outputs);
    });
  }
};

TFSP_REGISTER_TYPED("TfspTmcPredictive", PredictiveOp);
TFSP_REGISTER_TYPED("TfspTmcPredictiveLeavesGrad", PredictiveLeavesGradOp);
TFSP_REGISTER_TYPED("TfspTmcAttachment", AttachmentOp);

}  // namespace
}  // namespace tfsp::tmc
