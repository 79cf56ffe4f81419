// Quadrature over attachment times: the rules, the options, the nodes on every edge.
#include "custom_ops/tmc/core/messages.h"
#include "custom_ops/tmc/core/quadrature.h"
#include "tests/cc/problems.h"

using check::MakeProblem;
using tfsp::tmc::CheckOptions;
using tfsp::tmc::QuadratureOptions;

namespace {

QuadratureOptions With(int leaf_nodes, int internal_nodes, double floor = 1e-3,
                       double added = 0.0) {
  QuadratureOptions options;
  options.leaf_nodes = leaf_nodes;
  options.internal_nodes = internal_nodes;
  options.variance_floor = floor;
  options.added_variance = added;
  return options;
}

}  // namespace

CASE(GaussLegendreIsExactForPolynomials) {
  for (int num_nodes : {1, 2, 3, 12, 24, 100, 256}) {
    std::vector<double> node(num_nodes), weight(num_nodes);
    tfsp::tmc::GaussLegendre(num_nodes, node.data(), weight.data());
    for (int degree = 0; degree < std::min(2 * num_nodes, 60); ++degree) {
      double sum = 0.0;
      for (int q = 0; q < num_nodes; ++q) sum += weight[q] * std::pow(node[q], degree);
      CHECK_NEAR(sum, 1.0 / (degree + 1), 1e-13);
    }
  }
}

CASE(OptionsOutOfBoundsAreNamed) {
  CHECK(CheckOptions(QuadratureOptions()).ok());
  CHECK_ERROR(CheckOptions(With(0, 12)), "num_nodes[0] = 0 must lie in [1, 256]");
  CHECK_ERROR(CheckOptions(With(24, 257)), "num_nodes[1] = 257");
  CHECK_ERROR(CheckOptions(With(24, 12, 0.0)), "variance_floor = 0 ");
  CHECK_ERROR(CheckOptions(With(24, 12, 1.0)), "variance_floor = 1 ");
  CHECK_ERROR(CheckOptions(With(24, 12, std::nan(""))), "variance_floor = ");
  CHECK_ERROR(CheckOptions(With(24, 12, 1e-3, -0.1)), "added_variance = -0.1");
  QuadratureOptions options;
  options.concentration0 = 0.0;
  CHECK_ERROR(CheckOptions(options), "concentration0 = 0 ");
}

CASE(NodesStandOnTheirEdgesWithWeightOne) {
  for (int num_leaves : {2, 3, 25}) {
    const check::Problem problem = MakeProblem(num_leaves, 1);
    const tfsp::tmc::Tree& tree = problem.tree;
    tfsp::tmc::UpwardVariances up;
    tfsp::tmc::DownwardVariances down;
    ComputeUpwardVariances(tree, &up);
    ComputeDownwardVariances(tree, up, &down);
    for (auto isa : {tfsp::tmc::Isa::kPortable, tfsp::tmc::Isa::kAuto}) {
      const QuadratureOptions options = With(9, 4, 1e-6, 0.25);
      const int64_t size = NumQuadratureNodes(num_leaves, options);
      std::vector<int32_t> edge(size);
      std::vector<double> time(size), log_weight(size), position(size), variance(size);
      WriteQuadrature(tree, up, down, options, edge.data(), time.data(), log_weight.data(),
                      position.data(), variance.data(), isa);
      std::vector<double> total(tree.num_nodes, 0.0);
      for (int64_t i = 0; i < size; ++i) {
        const int v = edge[i], u = tree.parent[v];
        total[v] += std::exp(log_weight[i]);
        const double start = tree.time[u], length = tree.time[v] - start;
        CHECK(time[i] > start && time[i] < tree.time[v]);
        CHECK_NEAR(position[i], (time[i] - start) / length, 1e-9);
        // (1 - t_u + A0) - (A0 + s)^2 / (A0 + nu + l), s the time since u.
        const double above = down.cavity[v] + time[i] - start;
        const double whole = down.cavity[v] + up.variance[v] + length;
        CHECK_NEAR(variance[i], 1 - start + down.cavity[v] - above * above / whole + 0.25, 1e-10);
      }
      for (int v = 0; v < tree.num_nodes; ++v) CHECK_NEAR(total[v], v != tree.root, 1e-12);
    }
  }
}
