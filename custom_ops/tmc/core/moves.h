// The Metropolis-Hastings moves whose proposals are cheap: SPR, local SPR and slide, and the accept
// step that they share with the Gibbs regraft.
//
// SPR moves a subtree to any edge that starts before it, at a uniform time (Neal 2003); its
// Hastings ratio is that of the two lengths of the allowed time. The local move goes to an edge
// next to the present one, with the ratio of the numbers of such edges besides; the slide moves one
// time.
//
// The accept step draws its uniform first. Every quadratic term of the log likelihood is <= 0, and
// the variance parts depend on the times alone: after a pass over scalars the log ratio has an
// upper bound, which only falls as the quadratic terms come in, node by node. A proposal is dropped
// at the first node that proves it lost; the decision is exactly that of the full ratio. What is
// left is held against the constraints on the topology: a tree outside of them has density 0.
#ifndef TFSP_TMC_CORE_MOVES_H_
#define TFSP_TMC_CORE_MOVES_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/sampler_state.h"
#include "custom_ops/tmc/core/triplets.h"

namespace tfsp::tmc {

// Node v, whose parent w hangs below g and has the other child s, moves with w to the edge above x,
// whose parent is u once v and w are pruned, at time t.
struct Regraft {
  int v, w, s, g;
  int x, u;
  double time;
};

inline Regraft StartRegraft(const SamplerState& state, int v) {
  Regraft move;
  move.v = v;
  move.w = state.node(v).parent;
  move.s = state.Sibling(v);
  move.g = state.node(move.w).parent;
  move.x = move.s;
  move.u = move.g;
  move.time = state.node(move.w).time;
  return move;
}

// Latest attachment time on the edge above x. `cap` keeps 1 - t away from 0; a tree that came in
// above the cap keeps its edges until they have moved below.
inline double LatestTime(const SamplerState& state, int x, int v, double cap, double now) {
  const double latest = std::min(state.node(x).time, state.node(v).time);
  return now <= cap ? std::min(latest, cap) : latest;
}

// The tree without v and w: x and s change parents, w keeps its children {v, x}.
class TreeEdit {
 public:
  TreeEdit(SamplerState* state, const Regraft& move) : state_(state), move_(move) {
    SamplerNode& w = state->node(move.w);
    old_time_ = w.time;
    Detach();
    state->ReplaceChild(move.u, move.x, move.w);
    w.parent = move.u;
    state->ReplaceChild(move.w, move.s, move.x);
    state->node(move.x).parent = move.w;
    w.time = move.time;
  }
  void Undo() {
    SamplerNode& w = state_->node(move_.w);
    state_->ReplaceChild(move_.u, move_.w, move_.x);
    state_->node(move_.x).parent = move_.u;
    state_->ReplaceChild(move_.w, move_.x, move_.s);
    state_->node(move_.s).parent = move_.w;
    state_->ReplaceChild(move_.g, move_.s, move_.w);
    w.parent = move_.g;
    w.time = old_time_;
  }

 private:
  void Detach() {
    state_->ReplaceChild(move_.g, move_.w, move_.s);
    state_->node(move_.s).parent = move_.g;
  }
  SamplerState* state_;
  Regraft move_;
  double old_time_;
};

// New messages for the first `count` nodes of affected(), children before parents, the root last,
// against the bound: returns false, with the old slots in force again, as soon as
// `log_ratio` + change of the log likelihood < log_u. On success *change is the change of the log
// likelihood, and the new slots are in force.
inline bool UpdatePath(SamplerState* state, int count, double log_ratio, double log_u,
                       double* change) {
  const std::vector<int32_t>& affected = state->affected();
  std::vector<double>& weight = state->weight();
  LogProduct determinant;
  double old_quad = state->root_quad();
  const double old_root = 1.0 + state->Variance(state->root());
  for (int i = 0; i < count; ++i) {
    const int v = affected[i];
    SamplerNode& node = state->node(v);
    const double old_inverse = node.inverse[node.slot];
    old_quad += node.quad[node.slot];
    weight[i] = state->UpdateVariance(v);
    determinant.Multiply(old_inverse / node.inverse[node.slot]);
  }
  determinant.Multiply((1.0 + state->Variance(state->root())) / old_root);
  double bound = 0.5 * (old_quad - state->dims() * determinant.Log());
  bool alive = log_ratio + bound >= log_u;
  for (int i = 0; alive && i < count; ++i) {
    bound -= 0.5 * state->UpdateMean(affected[i], weight[i]);
    alive = log_ratio + bound >= log_u;
  }
  if (alive) {
    const double quad = state->RootQuad();
    bound -= 0.5 * quad;
    alive = log_ratio + bound >= log_u;
    if (alive) {
      state->set_root_quad(quad);
      *change = bound;
      return true;
    }
  }
  for (int i = 0; i < count; ++i) state->Flip(affected[i]);
  return false;
}

// How proposals are judged, a policy of the moves: by the incremental messages. The tests put
// another in its place (testing/full_recomputation.h); it costs nothing here.
struct Incremental {
  // The log joint before the edit, for judges that need it.
  double Before(const SamplerState&) const { return 0.0; }
  // Whether the edited tree is accepted; if so *change is the change of its log likelihood, and the
  // new messages are in force. `log_ratio` is that of everything but the likelihood, `log_prior`
  // the part of it that belongs to the log joint.
  bool Accepts(SamplerState* state, int count, double log_ratio, double /*log_prior*/, double log_u,
               double /*before*/, double* change) const {
    return UpdatePath(state, count, log_ratio, log_u, change);
  }
  // Whether the edited tree satisfies the constraints; asked only of what is accepted otherwise.
  bool Allows(SamplerState* state, const Regraft& move) const {
    const Triplets* triplets = state->triplets();
    return triplets == nullptr || triplets->Allows(state, move.v, move.x);
  }
};

// Proposes and judges one regraft; `log_hastings` is the log of the reverse proposal density over
// the forward one. Returns whether it was accepted; the state then is the new tree.
template <typename Judge>
bool TryRegraft(SamplerState* state, const Regraft& move, double log_hastings, double log_u,
                Judge* judge) {
  const double a = state->a(), b = state->b();
  const SamplerNode& w = state->node(move.w);
  const SamplerNode& s = state->node(move.s);
  const SamplerNode& g = state->node(move.g);
  const SamplerNode& v = state->node(move.v);
  const SamplerNode& x = state->node(move.x);
  const SamplerNode& u = state->node(move.u);
  const bool s_internal = !state->IsLeaf(move.s), x_internal = !state->IsLeaf(move.x);
  const bool v_internal = !state->IsLeaf(move.v);

  // Times. Factors of the tree without v cancel; so do (1 - t_v), (1 - t_s) and (1 - t_x).
  const double log_left = std::log(1.0 - move.time);
  double times = (b - 1.0) * (log_left - w.log_left) -
                 (a + b - 1.0) * ((x_internal + v_internal) * log_left -
                                  (s_internal + v_internal) * w.log_left);
  if (!x_internal) times -= (a + b - 1.0) * u.log_left;
  if (!s_internal) times += (a + b - 1.0) * g.log_left;
  if (a != 1.0) {
    double after = move.time - u.time, before = w.time - g.time;
    if (x_internal) after *= (x.time - move.time) / (x.time - u.time);
    if (s_internal) before *= (s.time - w.time) / (s.time - g.time);
    if (v_internal) {
      after *= v.time - move.time;
      before *= v.time - w.time;
    }
    times += (a - 1.0) * std::log(after / before);
  }

  // The paths: mark the old one, climb the new one to the first marked node.
  const int size = v.count + 1;  // internal nodes that travel: those of v, and w
  const uint32_t stamp = state->NextStamp();
  for (int n = move.g; n >= 0; n = state->node(n).parent) state->node(n).stamp = stamp;
  std::vector<int32_t>& affected = state->affected();
  int count = 0;
  double topology = 0.0;
  const bool from_below = x.stamp == stamp;  // x lies on the old path: its messages come first
  const int old_count_x = from_below ? x.count - size : x.count;
  topology += state->LogInteger(w.count) - state->LogInteger(old_count_x + size);
  int meeting = move.u;
  if (from_below) {
    for (int n = move.g; n != move.u; n = state->node(n).parent) affected[count++] = n;
    affected[count++] = move.w;
  } else {
    affected[count++] = move.w;
    while (state->node(meeting).stamp != stamp) {
      affected[count++] = meeting;
      meeting = state->node(meeting).parent;
      if (meeting == move.w) meeting = move.g;  // climbed out of s
    }
  }
  const int new_end = count;
  if (!from_below) {
    for (int n = move.g; n != meeting; n = state->node(n).parent) affected[count++] = n;
  }
  // [lost_begin, lost_end) loses the travelling nodes, [gained_begin, gained_end) gains them.
  const int lost_begin = from_below ? 0 : new_end, lost_end = from_below ? new_end - 1 : count;
  const int gained_begin = 1, gained_end = from_below ? 1 : new_end;
  for (int i = lost_begin; i < lost_end; ++i) {
    const int c = state->node(affected[i]).count;
    topology += state->LogInteger(c) - state->LogInteger(c - size);
  }
  for (int i = gained_begin; i < gained_end; ++i) {
    const int c = state->node(affected[i]).count;
    topology += state->LogInteger(c) - state->LogInteger(c + size);
  }
  for (int n = meeting; n >= 0; n = state->node(n).parent) affected[count++] = n;

  const LogJointParts old = state->joint();
  const double before = judge->Before(*state), root_quad = state->root_quad();
  TreeEdit edit(state, move);
  const double log_ratio = topology + times + log_hastings;
  double likelihood = 0.0;
  if (!judge->Accepts(state, count, log_ratio, topology + times, log_u, before, &likelihood)) {
    edit.Undo();
    return false;
  }
  if (!judge->Allows(state, move)) {
    for (int i = 0; i < count; ++i) state->Flip(affected[i]);
    state->set_root_quad(root_quad);
    edit.Undo();
    return false;
  }
  SamplerNode& moved = state->node(move.w);
  moved.log_left = log_left;
  moved.count = old_count_x + size;
  for (int i = lost_begin; i < lost_end; ++i) state->node(affected[i]).count -= size;
  for (int i = gained_begin; i < gained_end; ++i) state->node(affected[i]).count += size;
  state->set_joint({old.likelihood + likelihood, old.topology + topology, old.times + times});
  return true;
}

// Uniform over the nodes that may be pruned: neither the root nor its children. N >= 3.
inline int DrawPrunable(const SamplerState& state, Random* random) {
  for (;;) {
    const int v = static_cast<int>(random->Below(state.num_nodes()));
    const int w = state.node(v).parent;
    if (w >= 0 && w != state.root()) return v;
  }
}

// Draws the time on the edge (u, x) and finishes the proposal. `log_count` is the log of the number
// of edges in the reverse choice over that in the forward one.
template <typename Judge>
bool FinishRegraft(SamplerState* state, Regraft move, double log_count, double cap, Random* random,
                   Judge* judge) {
  const double now = state->node(move.w).time;
  const double old_low = state->node(move.g).time;
  const double old_high = LatestTime(*state, move.s, move.v, cap, now);
  const double low = state->node(move.u).time;
  const double high = std::min({state->node(move.x).time, state->node(move.v).time, cap});
  move.time = low + random->Uniform() * (high - low);
  const double uniform = random->Uniform();
  if (!(move.time > low && move.time < high)) return false;
  // Uniform times: densities 1 / length, so that the new length over the old one is the ratio of
  // the reverse density to the forward one. It is folded into the uniform: one logarithm.
  const double log_u = std::log(uniform * ((old_high - old_low) / (high - low)));
  return TryRegraft(state, move, log_count, log_u, judge);
}

// Subtree prune and regraft: any edge of the pruned tree that starts before v.
template <typename Judge>
bool SprMove(SamplerState* state, double cap, Random* random, Judge* judge) {
  Regraft move = StartRegraft(*state, DrawPrunable(*state, random));
  const double limit = state->node(move.v).time;
  for (;;) {
    const int x = static_cast<int>(random->Below(state->num_nodes()));
    if (x == move.w || x == move.v || x == state->root()) continue;
    const int u = x == move.s ? move.g : state->node(x).parent;
    // A node below v has its parent at or after t_v: the test keeps the subtree out as well.
    if (state->node(u).time >= limit) continue;
    move.x = x;
    move.u = u;
    break;
  }
  return FinishRegraft(state, move, 0.0, cap, random, judge);
}

// The edges next to (u, x) in the pruned tree that start before v: the edge above u, the sibling's,
// and the two below x. Returns their number; `edge` gets the pairs x, u.
inline int AdjacentEdges(const SamplerState& state, const Regraft& move, int x, int u,
                         int (*edge)[2]) {
  int count = 0;
  // Children and parents as they are without v and w.
  const auto below = [&](int n, int i) {
    const int child = state.node(n).child[i];
    return child == move.w ? move.s : child;
  };
  const auto above = [&](int n) {
    const int up = state.node(n).parent;
    return up == move.w ? move.g : up;
  };
  if (u != state.root()) {
    edge[count][0] = u;
    edge[count++][1] = above(u);
  }
  edge[count][0] = below(u, 0) == x ? below(u, 1) : below(u, 0);
  edge[count++][1] = u;
  if (!state.IsLeaf(x) && state.node(x).time < state.node(move.v).time) {
    for (int i = 0; i < 2; ++i) {
      edge[count][0] = below(x, i);
      edge[count++][1] = x;
    }
  }
  return count;
}

// SPR to an edge next to the present one.
template <typename Judge>
bool LocalMove(SamplerState* state, double cap, Random* random, Judge* judge) {
  Regraft move = StartRegraft(*state, DrawPrunable(*state, random));
  int edge[4][2];
  const int forward = AdjacentEdges(*state, move, move.s, move.g, edge);
  const int choice = static_cast<int>(random->Below(forward));
  move.x = edge[choice][0];
  move.u = edge[choice][1];
  const int backward = AdjacentEdges(*state, move, move.x, move.u, edge);
  const double log_count =
      forward == backward ? 0.0 : state->LogInteger(forward) - state->LogInteger(backward);
  return FinishRegraft(state, move, log_count, cap, random, judge);
}

// One internal time, uniform between its parent and its earlier child.
template <typename Judge>
bool SlideMove(SamplerState* state, double cap, Random* random, Judge* judge) {
  int v = state->num_leaves() + static_cast<int>(random->Below(state->num_leaves() - 2));
  if (v >= state->root()) ++v;
  SamplerNode& node = state->node(v);
  const SamplerNode& up = state->node(node.parent);
  const int k = node.child[0], l = node.child[1];
  const double time_k = state->node(k).time, time_l = state->node(l).time;
  const double low = up.time, high = std::min({time_k, time_l, cap});
  const double time = low + random->Uniform() * (high - low);
  const double uniform = random->Uniform();
  if (!(time > low && time < high)) return false;
  const double log_u = std::log(uniform);
  const double a = state->a(), b = state->b();
  const bool k_internal = !state->IsLeaf(k), l_internal = !state->IsLeaf(l);
  const double log_left = std::log(1.0 - time);
  double times = (b - 1.0 - (a + b - 1.0) * (k_internal + l_internal)) * (log_left - node.log_left);
  if (a != 1.0) {
    double after = time - low, before = node.time - low;
    if (k_internal) {
      after *= time_k - time;
      before *= time_k - node.time;
    }
    if (l_internal) {
      after *= time_l - time;
      before *= time_l - node.time;
    }
    times += (a - 1.0) * std::log(after / before);
  }
  int count = 0;
  for (int n = v; n >= 0; n = state->node(n).parent) state->affected()[count++] = n;
  const LogJointParts old = state->joint();
  const double before = judge->Before(*state);
  const double old_time = node.time, old_left = node.log_left;
  node.time = time;
  double likelihood = 0.0;
  if (!judge->Accepts(state, count, times, times, log_u, before, &likelihood)) {
    node.time = old_time;
    node.log_left = old_left;
    return false;
  }
  node.log_left = log_left;
  state->set_joint({old.likelihood + likelihood, old.topology, old.times + times});
  return true;
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_MOVES_H_
