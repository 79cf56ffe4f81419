// What the kernels of the TMC ops share: their base class, and reading and checking of tensors.
#ifndef TFSP_TMC_KERNEL_H_
#define TFSP_TMC_KERNEL_H_

#include <cmath>
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "custom_ops/tmc/core/error.h"
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/priors.h"
#include "custom_ops/tmc/core/quadrature.h"
#include "custom_ops/tmc/core/tree.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/tensor.h"

namespace tfsp::tmc {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;

// An op kernel that answers a lack of memory with an error instead of the end of the process, and
// anything else that is thrown, too.
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
    } catch (const std::exception& error) {
      ctx->CtxFailure(absl::InternalError(absl::StrCat("A TMC op has failed: ", error.what())));
    }
  }

  virtual void Run(OpKernelContext* ctx) = 0;
};

inline absl::Status Invalid(const std::string& message) {
  return absl::InvalidArgumentError(message);
}

inline absl::Status Check(const Error& error) {
  return error.ok() ? absl::OkStatus() : Invalid(error.message());
}

inline absl::Status CheckNumNodes(int64_t num_nodes) {
  if (num_nodes % 2 == 1 && num_nodes <= (int64_t{1} << 30)) return absl::OkStatus();
  return Invalid(
      absl::StrCat("parent must have 2 N - 1 entries, an odd number. Received ", num_nodes, "."));
}

// The tree at inputs `first` (parent) and `first` + 1 (time).
inline absl::Status ReadTree(OpKernelContext* ctx, int first, Tree* tree) {
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

inline absl::Status ReadVector(const char* name, const Tensor& tensor, int64_t size) {
  if (tensor.dims() != 1 || tensor.dim_size(0) != size) {
    return Invalid(absl::StrCat(name, " must be a vector of ", size, " numbers. Received shape ",
                                tensor.shape().DebugString(), "."));
  }
  return absl::OkStatus();
}

inline absl::Status ReadConcentrations(const Tensor& tensor, double* a, double* b) {
  TF_RETURN_IF_ERROR(ReadVector("concentrations", tensor, 2));
  *a = tensor.vec<double>()(0);
  *b = tensor.vec<double>()(1);
  return Check(CheckConcentrations(*a, *b));
}

inline absl::Status ReadEdgeWeights(OpKernelConstruction* ctx, EdgeWeights* edge_weights) {
  std::string name;
  TF_RETURN_IF_ERROR(ctx->GetAttr("edge_weights", &name));
  *edge_weights = name == "bayes" ? EdgeWeights::kBayes : EdgeWeights::kPrior;
  return absl::OkStatus();
}

// The static part of the options: attributes.
inline absl::Status ReadAttributes(OpKernelConstruction* ctx, QuadratureOptions* options) {
  TF_RETURN_IF_ERROR(ctx->GetAttr("leaf_nodes", &options->leaf_nodes));
  TF_RETURN_IF_ERROR(ctx->GetAttr("internal_nodes", &options->internal_nodes));
  TF_RETURN_IF_ERROR(ReadEdgeWeights(ctx, &options->edge_weights));
  return Check(CheckOptions(*options));
}

// The rest: a, b, variance floor, added variance.
inline absl::Status ReadParameters(const Tensor& tensor, QuadratureOptions* options) {
  TF_RETURN_IF_ERROR(ReadVector("parameters", tensor, 4));
  const auto values = tensor.vec<double>();
  options->concentration1 = values(0);
  options->concentration0 = values(1);
  options->variance_floor = values(2);
  options->added_variance = values(3);
  return Check(CheckOptions(*options));
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

}  // namespace tfsp::tmc

// Register a kernel for the CPU; a template, for float32 and float64.
#define TFSP_REGISTER(NAME, CLASS) \
  REGISTER_KERNEL_BUILDER(Name(NAME).Device(tensorflow::DEVICE_CPU), CLASS)
#define TFSP_REGISTER_FOR(NAME, CLASS, T)                                                   \
  REGISTER_KERNEL_BUILDER(Name(NAME).Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          CLASS<T>)
#define TFSP_REGISTER_TYPED(NAME, CLASS) \
  TFSP_REGISTER_FOR(NAME, CLASS, float); \
  TFSP_REGISTER_FOR(NAME, CLASS, double)

#endif  // TFSP_TMC_KERNEL_H_
