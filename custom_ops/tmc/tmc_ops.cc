// Signatures and static shapes of the TMC ops. Values are checked in the kernels.
//
// Letters: N leaves, V = 2N - 1 nodes, d dimensions, B rows, Q quadrature nodes of all edges.
// `concentrations` are a, b of the Beta of the times; `parameters` are a, b, the variance floor and
// the added variance (inputs, not attributes: attributes are float32, and these may be annealed).
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace tfsp::tmc {
namespace {

using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// parent [V] and time [V] at two inputs in a row; gives V.
absl::Status TreeShape(InferenceContext* c, int first, DimensionHandle* num_nodes) {
  ShapeHandle parent, time, merged;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(first), 1, &parent));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(first + 1), 1, &time));
  TF_RETURN_IF_ERROR(c->Merge(parent, time, &merged));
  *num_nodes = c->Dim(merged, 0);
  if (c->ValueKnown(*num_nodes) && c->Value(*num_nodes) % 2 == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "parent must have 2 N - 1 entries, an odd number. Received ", c->Value(*num_nodes), "."));
  }
  return absl::OkStatus();
}

// leaves [N, d] at an input, with N = (V + 1) / 2; gives N and d.
absl::Status LeavesShape(InferenceContext* c, int input, DimensionHandle num_nodes,
                         DimensionHandle* num_leaves, DimensionHandle* dim) {
  ShapeHandle leaves;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(input), 2, &leaves));
  *num_leaves = c->Dim(leaves, 0);
  *dim = c->Dim(leaves, 1);
  if (c->ValueKnown(num_nodes)) {
    TF_RETURN_IF_ERROR(c->WithValue(*num_leaves, (c->Value(num_nodes) + 1) / 2, num_leaves));
  }
  return absl::OkStatus();
}

absl::Status VectorOf(InferenceContext* c, int input, int64_t size) {
  ShapeHandle vector;
  DimensionHandle unused;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(input), 1, &vector));
  return c->WithValue(c->Dim(vector, 0), size, &unused);
}

absl::Status TopologyShape(InferenceContext* c) {
  ShapeHandle unused;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 1, &unused));
  c->set_output(0, c->Scalar());
  return absl::OkStatus();
}

absl::Status TimesShape(InferenceContext* c) {
  DimensionHandle num_nodes;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(VectorOf(c, 2, 2));
  c->set_output(0, c->Scalar());
  return absl::OkStatus();
}

absl::Status LeaveOneOutShape(InferenceContext* c) {
  DimensionHandle num_nodes, num_leaves = c->UnknownDim();
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  if (c->ValueKnown(num_nodes)) num_leaves = c->MakeDim((c->Value(num_nodes) + 1) / 2);
  c->set_output(0, c->Vector(num_leaves));
  return absl::OkStatus();
}

absl::Status EdgeVariancesShape(InferenceContext* c) {
  DimensionHandle num_nodes;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  c->set_output(0, c->Vector(num_nodes));
  c->set_output(1, c->Vector(num_nodes));
  return absl::OkStatus();
}

absl::Status LogLikelihoodShape(InferenceContext* c) {
  DimensionHandle num_nodes, num_leaves, dim;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(LeavesShape(c, 2, num_nodes, &num_leaves, &dim));
  c->set_output(0, c->Scalar());
  c->set_output(1, c->Matrix(num_leaves, dim));
  return absl::OkStatus();
}

absl::Status NodePosteriorShape(InferenceContext* c) {
  DimensionHandle num_nodes, num_leaves, dim;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(LeavesShape(c, 2, num_nodes, &num_leaves, &dim));
  c->set_output(0, c->Matrix(num_nodes, dim));
  c->set_output(1, c->Vector(num_nodes));
  return absl::OkStatus();
}

absl::Status NodePosteriorGradShape(InferenceContext* c) {
  DimensionHandle num_nodes;
  ShapeHandle gradient;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(2), 2, &gradient));
  DimensionHandle num_leaves = c->UnknownDim();
  if (c->ValueKnown(num_nodes)) num_leaves = c->MakeDim((c->Value(num_nodes) + 1) / 2);
  c->set_output(0, c->Matrix(num_leaves, c->Dim(gradient, 1)));
  return absl::OkStatus();
}

absl::Status EdgeLogProbShape(InferenceContext* c) {
  DimensionHandle num_nodes;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(VectorOf(c, 2, 2));
  c->set_output(0, c->Vector(num_nodes));
  return absl::OkStatus();
}

absl::Status QuadratureShape(InferenceContext* c) {
  DimensionHandle num_nodes;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(VectorOf(c, 2, 4));
  DimensionHandle count = c->UnknownDim();
  for (int i = 0; i < 5; ++i) c->set_output(i, c->Vector(count));
  return absl::OkStatus();
}

// z [B, d], parent, time, leaves, parameters: the inputs of everything about the predictive.
absl::Status PredictiveInputs(InferenceContext* c, DimensionHandle* rows, DimensionHandle* dim,
                              DimensionHandle* num_nodes, DimensionHandle* num_leaves) {
  ShapeHandle z;
  DimensionHandle leaf_dim;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 2, &z));
  TF_RETURN_IF_ERROR(TreeShape(c, 1, num_nodes));
  TF_RETURN_IF_ERROR(LeavesShape(c, 3, *num_nodes, num_leaves, &leaf_dim));
  TF_RETURN_IF_ERROR(c->Merge(c->Dim(z, 1), leaf_dim, dim));
  TF_RETURN_IF_ERROR(VectorOf(c, 4, 4));
  *rows = c->Dim(z, 0);
  return absl::OkStatus();
}

absl::Status PredictiveShape(InferenceContext* c) {
  DimensionHandle rows, dim, num_nodes, num_leaves;
  TF_RETURN_IF_ERROR(PredictiveInputs(c, &rows, &dim, &num_nodes, &num_leaves));
  bool gradients;
  TF_RETURN_IF_ERROR(c->GetAttr("gradients", &gradients));
  DimensionHandle kept = gradients ? rows : c->MakeDim(0);
  c->set_output(0, c->Vector(rows));
  c->set_output(1, c->Matrix(kept, dim));
  c->set_output(2, c->Matrix(kept, num_nodes));
  c->set_output(3, c->Matrix(kept, num_nodes));
  return absl::OkStatus();
}

absl::Status PredictiveLeavesGradShape(InferenceContext* c) {
  DimensionHandle rows, dim, num_nodes, num_leaves;
  TF_RETURN_IF_ERROR(PredictiveInputs(c, &rows, &dim, &num_nodes, &num_leaves));
  c->set_output(0, c->Matrix(num_leaves, dim));
  return absl::OkStatus();
}

absl::Status AttachmentShape(InferenceContext* c) {
  DimensionHandle rows, dim, num_nodes, num_leaves;
  TF_RETURN_IF_ERROR(PredictiveInputs(c, &rows, &dim, &num_nodes, &num_leaves));
  c->set_output(0, c->Matrix(rows, num_nodes));
  return absl::OkStatus();
}

absl::Status SamplePosteriorShape(InferenceContext* c) {
  DimensionHandle num_nodes, num_leaves, dim;
  ShapeHandle unused;
  TF_RETURN_IF_ERROR(TreeShape(c, 0, &num_nodes));
  TF_RETURN_IF_ERROR(LeavesShape(c, 2, num_nodes, &num_leaves, &dim));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(3), 1, &unused));
  TF_RETURN_IF_ERROR(VectorOf(c, 4, 2));
  TF_RETURN_IF_ERROR(VectorOf(c, 5, 4));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(6), 0, &unused));
  TF_RETURN_IF_ERROR(VectorOf(c, 7, 2));
  TF_RETURN_IF_ERROR(c->WithRank(c->input(8), 2, &unused));
  TF_RETURN_IF_ERROR(c->WithValue(c->Dim(unused, 1), 3, &dim));
  c->set_output(0, c->Vector(num_nodes));
  c->set_output(1, c->Vector(num_nodes));
  c->set_output(2, c->Scalar());
  c->set_output(3, c->Vector(4));
  c->set_output(4, c->Vector(4));
  return absl::OkStatus();
}

absl::Status SamplePriorShape(InferenceContext* c) {
  ShapeHandle unused;
  TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 0, &unused));
  TF_RETURN_IF_ERROR(VectorOf(c, 1, 2));
  TF_RETURN_IF_ERROR(VectorOf(c, 2, 2));
  DimensionHandle num_nodes = c->UnknownDim();
  const tensorflow::Tensor* num_leaves = c->input_tensor(0);
  if (num_leaves != nullptr && num_leaves->scalar<int32_t>()() > 0) {
    num_nodes = c->MakeDim(int64_t{2} * num_leaves->scalar<int32_t>()() - 1);
  }
  c->set_output(0, c->Vector(num_nodes));
  c->set_output(1, c->Vector(num_nodes));
  return absl::OkStatus();
}

}  // namespace

REGISTER_OP("TfspTmcTopologyLogProb")
    .Input("parent: int32")
    .Output("log_prob: float64")
    .SetShapeFn(TopologyShape);

REGISTER_OP("TfspTmcTimeLogProb")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("concentrations: float64")
    .Output("log_prob: float64")
    .SetShapeFn(TimesShape);

REGISTER_OP("TfspTmcLeaveOneOutVariance")
    .Input("parent: int32")
    .Input("time: float64")
    .Output("variance: float64")
    .SetShapeFn(LeaveOneOutShape);

REGISTER_OP("TfspTmcEdgeVariances")
    .Input("parent: int32")
    .Input("time: float64")
    .Output("cavity: float64")
    .Output("upward: float64")
    .SetShapeFn(EdgeVariancesShape);

REGISTER_OP("TfspTmcLogLikelihood")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: T")
    .Output("log_likelihood: float64")
    .Output("gradient: T")
    .Attr("T: {float32, float64}")
    .SetShapeFn(LogLikelihoodShape);

REGISTER_OP("TfspTmcNodePosterior")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: T")
    .Output("mean: T")
    .Output("variance: float64")
    .Attr("T: {float32, float64}")
    .SetShapeFn(NodePosteriorShape);

REGISTER_OP("TfspTmcNodePosteriorGrad")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("mean_gradient: T")
    .Output("leaves_gradient: T")
    .Attr("T: {float32, float64}")
    .SetShapeFn(NodePosteriorGradShape);

REGISTER_OP("TfspTmcEdgeLogProb")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("concentrations: float64")
    .Output("log_prob: float64")
    .Attr("edge_weights: {'prior', 'bayes'} = 'prior'")
    .SetShapeFn(EdgeLogProbShape);

#define TFSP_QUADRATURE_ATTRS           \
  Attr("leaf_nodes: int = 24")          \
      .Attr("internal_nodes: int = 12") \
      .Attr("edge_weights: {'prior', 'bayes'} = 'prior'")

REGISTER_OP("TfspTmcQuadrature")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("parameters: float64")
    .Output("edge: int32")
    .Output("attachment_time: float64")
    .Output("log_weight: float64")
    .Output("position: float64")
    .Output("variance: float64")
    .TFSP_QUADRATURE_ATTRS.SetShapeFn(QuadratureShape);

REGISTER_OP("TfspTmcPredictive")
    .Input("z: T")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: T")
    .Input("parameters: float64")
    .Output("log_prob: T")
    .Output("z_gradient: T")
    .Output("node_weight: T")
    .Output("spread_weight: T")
    .Attr("T: {float32, float64}")
    .Attr("gradients: bool")
    .TFSP_QUADRATURE_ATTRS.SetShapeFn(PredictiveShape);

REGISTER_OP("TfspTmcPredictiveLeavesGrad")
    .Input("z: T")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: T")
    .Input("parameters: float64")
    .Input("node_weight: T")
    .Input("spread_weight: T")
    .Input("upstream: T")
    .Output("leaves_gradient: T")
    .Attr("T: {float32, float64}")
    .TFSP_QUADRATURE_ATTRS.SetShapeFn(PredictiveLeavesGradShape);

REGISTER_OP("TfspTmcAttachment")
    .Input("z: T")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: T")
    .Input("parameters: float64")
    .Output("log_prob: T")
    .Attr("T: {float32, float64}")
    .TFSP_QUADRATURE_ATTRS.SetShapeFn(AttachmentShape);

REGISTER_OP("TfspTmcSamplePosterior")
    .Input("parent: int32")
    .Input("time: float64")
    .Input("leaves: float64")
    .Input("leaf_variance: float64")
    .Input("concentrations: float64")
    .Input("mixture: float64")
    .Input("num_moves: int64")
    .Input("seed: int32")
    .Input("triplets: int32")
    .Output("new_parent: int32")
    .Output("new_time: float64")
    .Output("log_joint: float64")
    .Output("accepted: int64")
    .Output("proposed: int64")
    .SetShapeFn(SamplePosteriorShape);

REGISTER_OP("TfspTmcSamplePrior")
    .Input("num_leaves: int32")
    .Input("concentrations: float64")
    .Input("seed: int32")
    .Output("parent: int32")
    .Output("time: float64")
    .SetShapeFn(SamplePriorShape);

}  // namespace tfsp::tmc
