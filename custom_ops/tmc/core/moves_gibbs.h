// Gibbs regraft: a subtree is pruned and put back on an edge drawn from its conditional
// distribution given the rest of the tree, computed for all edges by quadrature, and an accept step
// that makes up for the quadrature.
//
// The proposal depends on the pruned tree alone, so forward and reverse densities share all tables.
// Work is O(N d): one pass down the tree for the posterior means, one vector pass over the edges
// for a rough weight, and a fine rule only on edges whose rough weight is within e^-12 of the best.
// Constraints on the topology leave edges out, which are those of the pruned tree again.
#ifndef TFSP_TMC_CORE_MOVES_GIBBS_H_
#define TFSP_TMC_CORE_MOVES_GIBBS_H_

#include <algorithm>
#include <cmath>
#include <vector>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/moves.h"
#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/sampler_state.h"

namespace tfsp::tmc {

class GibbsRegraft {
 public:
  // One move. Returns whether it was accepted.
  template <typename Judge>
  bool Move(SamplerState* state, double cap, Random* random, Judge* judge) {
    Reserve(*state);
    Regraft move = StartRegraft(*state, DrawPrunable(*state, random));
    Prune(state, move);
    Restrict(state, move.v);
    CollectEdges(state, move, cap);
    Unprune(state, move);
    const int old_edge = edge_of_[move.s];
    const double choice = random->Uniform();
    const double uniform_cell = random->Uniform();
    const double uniform_in_cell = random->Uniform();
    const double log_u = std::log(random->Uniform());
    if (old_edge < 0 || !WeighEdges(*state)) return false;
    const int new_edge = DrawEdge(choice);
    double log_new, log_old;
    move.x = node_[new_edge];
    move.u = above_[new_edge];
    SetGrid(*state, new_edge);
    move.time = DrawTime(new_edge, uniform_cell, uniform_in_cell, &log_new);
    if (old_edge != new_edge) SetGrid(*state, old_edge);
    log_old = LogTimeDensity(old_edge, state->node(move.w).time);
    if (!(move.time > lower_[new_edge] && move.time < upper_[new_edge])) return false;
    log_new += log_weight_[new_edge];
    log_old += log_weight_[old_edge];
    if (!std::isfinite(log_new) || !std::isfinite(log_old)) return false;
    return TryRegraft(state, move, log_old - log_new, log_u, judge);
  }

 private:
  static constexpr int kRule = 8;           // Gauss-Legendre nodes of the fine rule
  static constexpr int kGrid = 40;          // points of the grid from which a time is drawn
  static constexpr double kUniform = 0.01;  // share of the time proposal spread over the whole edge
  static constexpr double kFine = 12.0;     // edges this close to the best, in nats, are integrated
  static constexpr double kSpan = 4.0;      // half-width of the integrated window, in widths

  void Reserve(const SamplerState& state) {
    const size_t nodes = state.num_nodes();
    if (edge_of_.size() == nodes) return;
    edge_of_.assign(nodes, -1);
    path_stamp_.assign(nodes, 0);
    barrier_stamp_.assign(nodes, 0);
    node_.resize(nodes);
    above_.resize(nodes);
    path_.reserve(nodes);
    stack_.reserve(nodes);
    cavity_.resize(nodes);
    expected_.resize(nodes);
    position_.resize(nodes);
    mean_.Resize(nodes * state.stride());
    std::vector<double>* arrays[] = {&offset_, &sum_,      &top_,        &lower_,       &upper_,
                                     &bottom_, &internal_, &dist_lower_, &dist_bottom_, &dist_edge_,
                                     &slope_,  &constant_, &centre_,     &log_weight_,  &weight_};
    for (std::vector<double>* array : arrays) array->assign(nodes + 4, 1.0);
    edges_ = {offset_.data(),      sum_.data(),       top_.data(),      lower_.data(),
              upper_.data(),       bottom_.data(),    internal_.data(), dist_lower_.data(),
              dist_bottom_.data(), dist_edge_.data(), slope_.data(),    constant_.data(),
              centre_.data(),      log_weight_.data()};
    terms_.shape = state.a() - 1.0;
    terms_.half_dims = 0.5 * state.dims();
    terms_.inverse_dims = 1.0 / state.dims();
    // The integrand over log variance is close to exp(-d/2 (y + exp(-y))): standard deviation
    // sqrt(2 / d), integral sqrt(2 pi) times that.
    deviation_ = std::sqrt(2.0 / state.dims());
    terms_.width = 2.5 * deviation_;
  }

  // Messages of the tree without v and w, in the free slots of the old path.
  void Prune(SamplerState* state, const Regraft& move) {
    state->ReplaceChild(move.g, move.w, move.s);
    state->node(move.s).parent = move.g;
    path_.clear();
    for (int n = move.g; n >= 0; n = state->node(n).parent) path_.push_back(n);
    for (int n : path_) {
      state->UpdateMean(n, state->UpdateVariance(n));
      state->node(n).count -= state->node(move.v).count + 1;
    }
  }

  void Unprune(SamplerState* state, const Regraft& move) {
    state->ReplaceChild(move.g, move.s, move.w);
    state->node(move.s).parent = move.w;
    for (int n : path_) {
      state->Flip(n);
      state->node(n).count += state->node(move.v).count + 1;
    }
  }

  // The edges that the constraints leave to the subtree at v: those at or below `within_` (-1: any)
  // that do not hang below a barrier. All bounds `within` hold where v is, so that they lie on one
  // way from the root, and the latest decides.
  void Restrict(SamplerState* state, int v) {
    ++round_;
    within_ = -1;
    const Triplets* triplets = state->triplets();
    if (triplets == nullptr) return;
    double latest = -1.0;
    triplets->ForEachBound(
        state, v, state->NextStamp(),
        [&](int meet) {
          barrier_stamp_[meet] = round_;
          return true;
        },
        [&](int k) {
          if (state->node(k).time > latest) {
            latest = state->node(k).time;
            within_ = k;
          }
          return true;
        });
    for (int n = within_; n >= 0; n = state->node(n).parent) path_stamp_[n] = round_;
  }

  // Down the pruned tree through the edges that start before v: posterior means, cavity variances
  // and topology weights: with n internal nodes that travel, log weight of the edge above x =
  // -log(c(x) + n) + sum over ancestors a of log c(a) / (c(a) + n).
  void CollectEdges(SamplerState* state, const Regraft& move, double cap) {
    const SamplerNode& v = state->node(move.v);
    const bool v_internal = !state->IsLeaf(move.v);
    const int size = v.count + 1;
    const double variance_v = state->Variance(move.v);
    const double expected_v = v.expected[v.slot];
    const double* z = state->Mean(move.v);
    const int stride = state->stride();
    const double a = state->a(), b = state->b();
    const double now = state->node(move.w).time;
    const double limit = now <= cap ? cap : std::max(cap, std::nextafter(1.0, 0.0));
    terms_.subtree_time = v.time;
    terms_.subtree_internal = v_internal ? 1.0 : 0.0;
    num_edges_ = 0;
    edge_of_[move.s] = -1;
    const int root = state->root();
    double ignored;
    zero_.assign(stride, 0.0);
    const double gain_root = 1.0 / (1.0 + state->Variance(root));
    state->kernels().descend(state->Mean(root), zero_.data(), gain_root, z, MeanOf(root, stride),
                             stride, &ignored, &distance_root_);
    cavity_[root] = 1.0;  // variance from above at the root: its prior
    expected_[root] = 0.0;
    position_[root] = 0.0;
    stack_.clear();
    stack_.push_back({root, distance_root_, within_ < 0});
    while (!stack_.empty()) {
      const Above from = stack_.back();
      stack_.pop_back();
      const SamplerNode& u = state->node(from.node);
      const double log_passed =
          position_[from.node] + state->LogInteger(u.count) - state->LogInteger(u.count + size);
      for (int i = 0; i < 2; ++i) {
        const int x_id = u.child[i];
        const bool allowed = from.allowed || x_id == within_;
        if (!allowed && path_stamp_[x_id] != round_) continue;  // off the way to `within_`
        const SamplerNode& x = state->node(x_id);
        const SamplerNode& y = state->node(u.child[1 - i]);
        const bool x_internal = !state->IsLeaf(x_id);
        const double length = x.time - u.time;
        const double nu = x.variance[x.slot];
        const double side = y.variance[y.slot] + (y.time - u.time);
        const double cavity = cavity_[from.node] * side / (cavity_[from.node] + side);
        const int e = num_edges_++;
        node_[e] = x_id;
        above_[e] = from.node;
        if (x_id == move.s) edge_of_[move.s] = e;
        double dist_edge, dist_bottom;
        const double gain = length / (length + nu);
        state->kernels().descend(state->Mean(x_id), MeanOf(from.node, stride), gain, z,
                                 MeanOf(x_id, stride), stride, &dist_edge, &dist_bottom);
        offset_[e] = cavity - u.time;
        sum_[e] = cavity + length + nu;
        top_[e] = cavity - u.time + variance_v + v.time;
        lower_[e] = u.time;
        upper_[e] = std::min({x.time, v.time, limit});
        bottom_[e] = x.time;
        internal_[e] = x_internal ? 1.0 : 0.0;
        // Leaf variances add expected squares, a quadratic in t as well.
        const double expected_x = x.expected[x.slot], expected_y = y.expected[y.slot];
        const double from_side = 1.0 - side / (cavity_[from.node] + side);
        const double from_up = 1.0 - from_side;
        const double expected_cavity =
            from_up * from_up * expected_[from.node] + from_side * from_side * expected_y;
        const double part_low = cavity / sum_[e], part_high = (cavity + length) / sum_[e];
        dist_lower_[e] = from.distance + expected_v +
                         (1.0 - part_low) * (1.0 - part_low) * expected_cavity +
                         part_low * part_low * expected_x;
        dist_bottom_[e] = dist_bottom + expected_v +
                          (1.0 - part_high) * (1.0 - part_high) * expected_cavity +
                          part_high * part_high * expected_x;
        dist_edge_[e] = gain * gain * dist_edge + (part_high - part_low) * (part_high - part_low) *
                                                      (expected_cavity + expected_x);
        slope_[e] = b - 1.0 - (a + b - 1.0) * (x_internal + v_internal);
        constant_[e] = log_passed - state->LogInteger(x.count + size) -
                       (x_internal ? 0.0 : (a + b - 1.0) * u.log_left);
        if (!allowed) constant_[e] = -INFINITY;
        if (x_internal && x.time < v.time && barrier_stamp_[x_id] != round_) {
          cavity_[x_id] = cavity + length;
          expected_[x_id] = expected_cavity;
          position_[x_id] = log_passed;
          stack_.push_back({x_id, dist_bottom, allowed});
        }
      }
    }
  }

  // log_weight_ for every edge and the table for the choice; false if no edge has a weight.
  bool WeighEdges(const SamplerState& state) {
    const int padded = (num_edges_ + 3) / 4 * 4;
    state.kernels().rough_edges(edges_, terms_, padded);
    double best = -INFINITY;
    for (int e = 0; e < num_edges_; ++e) {
      // Edges too short for float64 are left out, forward and reverse alike.
      if (!Usable(e) || !std::isfinite(log_weight_[e])) log_weight_[e] = -INFINITY;
      best = std::max(best, log_weight_[e]);
    }
    if (!std::isfinite(best)) return false;
    const double threshold = best - kFine;
    for (int e = 0; e < num_edges_; ++e) {
      if (log_weight_[e] >= threshold) log_weight_[e] = Integrate(state, e);
    }
    best = -INFINITY;
    for (int e = 0; e < num_edges_; ++e) best = std::max(best, log_weight_[e]);
    if (!std::isfinite(best)) return false;
    for (int e = num_edges_; e < padded; ++e) log_weight_[e] = -INFINITY;
    state.kernels().exp(log_weight_.data(), best, weight_.data(), padded);
    return true;
  }

  bool Usable(int e) const { return upper_[e] - lower_[e] > 1e-12; }

  int DrawEdge(double uniform) const {
    double total = 0.0;
    for (int e = 0; e < num_edges_; ++e) total += weight_[e];
    double left = uniform * total;
    int last = 0;
    for (int e = 0; e < num_edges_; ++e) {
      if (weight_[e] <= 1e-300) continue;
      last = e;
      left -= weight_[e];
      if (left < 0.0) break;
    }
    return last;
  }

  double VarianceAt(int e, double time) const {
    const double above = time + offset_[e];
    return top_[e] - above * above / sum_[e];
  }

  // Ends of the edge and of the window around the mode, in y = log variance.
  void Window(int e, double* edge_low, double* edge_high, double* low, double* high) const {
    *edge_low = std::log(VarianceAt(e, upper_[e]));
    *edge_high = std::log(VarianceAt(e, lower_[e]));
    const double centre = std::log(centre_[e]);
    *low = std::max(*edge_low, centre - 0.75 * kSpan * deviation_);
    *high = std::min(*edge_high, centre + kSpan * deviation_);
  }

  // Fine rule over the window, as a log integral over t.
  double Integrate(const SamplerState& state, int e) {
    static constexpr double kNode[4] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                                        0.9602898564975363};
    static constexpr double kWeight[4] = {0.3626837833783620, 0.3137066458778873,
                                          0.2223810344533745, 0.1012285362903763};
    double edge_low, edge_high, low, high;
    Window(e, &edge_low, &edge_high, &low, &high);
    const double middle = 0.5 * (low + high), half = 0.5 * (high - low);
    if (!(half > 0.0)) return log_weight_[e];
    double y[kRule], f[kRule];
    for (int i = 0; i < 4; ++i) {
      y[i] = middle - half * kNode[i];
      y[4 + i] = middle + half * kNode[i];
    }
    state.kernels().edge_profile(edges_, terms_, e, y, kRule, f);
    double best = f[0];
    for (int i = 1; i < kRule; ++i) best = std::max(best, f[i]);
    if (!std::isfinite(best)) return log_weight_[e];
    state.kernels().exp(f, best, f, kRule);
    double total = 0.0;
    for (int i = 0; i < 4; ++i) total += kWeight[i] * (f[i] + f[4 + i]);
    return best + std::log(half * total);
  }

  // Piecewise linear density of y on the window: kGrid points, kGrid - 1 cells.
  void SetGrid(const SamplerState& state, int e) {
    Window(e, &edge_low_, &edge_high_, &low_, &high_);
    step_ = (high_ - low_) / (kGrid - 1);
    double y[kGrid];
    // The outer points stand a little inside: a prior with a < 1 is infinite at the ends.
    for (int i = 0; i < kGrid; ++i) y[i] = low_ + step_ * i;
    y[0] += 0.05 * step_;
    y[kGrid - 1] -= 0.05 * step_;
    state.kernels().edge_profile(edges_, terms_, e, y, kGrid, density_);
    double best = density_[0];
    for (int i = 1; i < kGrid; ++i) best = std::max(best, density_[i]);
    state.kernels().exp(density_, best, density_, kGrid);
    double total = 0.0;
    for (int i = 0; i + 1 < kGrid; ++i) total += 0.5 * (density_[i] + density_[i + 1]);
    grid_total_ = total;
  }

  double LogYDensity(double y) const {
    double density = kUniform / (edge_high_ - edge_low_);
    if (y >= low_ && y <= high_ && step_ > 0.0) {
      const double position = (y - low_) / step_;
      const int cell = std::min(static_cast<int>(position), kGrid - 2);
      const double part = position - cell;
      density += (1.0 - kUniform) * ((1.0 - part) * density_[cell] + part * density_[cell + 1]) /
                 (grid_total_ * step_);
    }
    return std::log(density);
  }

  // log density over t of the time proposal on edge e, whose grid is set.
  double LogTimeDensity(int e, double time) const {
    const double variance = VarianceAt(e, time);
    return LogYDensity(std::log(variance)) +
           std::log(2.0 * (time + offset_[e]) / (sum_[e] * variance));
  }

  double DrawTime(int e, double uniform_cell, double uniform_in_cell, double* log_density) const {
    double y;
    if (uniform_cell < kUniform || !(step_ > 0.0)) {
      y = edge_low_ + uniform_in_cell * (edge_high_ - edge_low_);
    } else {
      double left = (uniform_cell - kUniform) / (1.0 - kUniform) * grid_total_;
      int cell = 0;
      for (; cell < kGrid - 2; ++cell) {
        const double mass = 0.5 * (density_[cell] + density_[cell + 1]);
        if (left < mass) break;
        left -= mass;
      }
      // Linear density p + (q - p) s on [0, 1]: the root of the quadratic in its stable form.
      const double p = density_[cell], q = density_[cell + 1];
      const double target = uniform_in_cell * 0.5 * (p + q);
      const double s = 2.0 * target / (p + std::sqrt(p * p + 2.0 * (q - p) * target));
      y = low_ + step_ * (cell + std::min(1.0, s));
    }
    const double above = std::sqrt(std::max(0.0, sum_[e] * (top_[e] - std::exp(y))));
    const double time = above - offset_[e];
    *log_density = LogTimeDensity(e, time);
    return time;
  }

  double* MeanOf(int n, int stride) { return mean_.data() + static_cast<size_t>(n) * stride; }

  struct Above {
    int node;
    double distance;
    bool allowed;  // whether the edges below may carry the subtree
  };
  int num_edges_ = 0, within_ = -1;
  uint64_t round_ = 0;  // of the marks below
  std::vector<uint64_t> path_stamp_, barrier_stamp_;
  std::vector<int> edge_of_, node_, above_, path_;
  std::vector<Above> stack_;
  std::vector<double> cavity_, expected_, position_, zero_;
  Buffer<double> mean_;
  std::vector<double> offset_, sum_, top_, lower_, upper_, bottom_, internal_, dist_lower_,
      dist_bottom_, dist_edge_, slope_, constant_, centre_, log_weight_, weight_;
  kernels::EdgeArrays edges_;
  kernels::TimeTerms terms_;
  double deviation_ = 1.0, distance_root_ = 0.0;
  double edge_low_ = 0.0, edge_high_ = 0.0, low_ = 0.0, high_ = 0.0, step_ = 0.0;
  double grid_total_ = 0.0;
  double density_[kGrid];
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_MOVES_GIBBS_H_
