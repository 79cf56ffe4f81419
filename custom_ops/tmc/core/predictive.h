// The collapsed predictive density of a new leaf's location, attachment edge and time summed out:
//
//   log p(z) = logsumexp over edges e and nodes q of
//              [ log p(e) + log w_eq + log N(z; m(t_q), var(t_q) I) ].
//
// Rows of z are independent, and a row's result does not depend on the other rows of the call, to
// the last bit: ranges may run on any number of threads on one table.
#ifndef TFSP_TMC_CORE_PREDICTIVE_H_
#define TFSP_TMC_CORE_PREDICTIVE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "custom_ops/tmc/core/buffer.h"
#include "custom_ops/tmc/core/posterior.h"
#include "custom_ops/tmc/core/predictive_table.h"
#include "custom_ops/tmc/core/simd.h"

namespace tfsp::tmc {

// What a range of rows yields besides log p(z); null pointers are left out.
template <typename T>
struct PredictiveOutputs {
  T* log_prob = nullptr;        // [B]
  T* z_gradient = nullptr;      // [B, d] d log p / d z
  T* node_weight = nullptr;     // [B, V] d log p / d |z - M_v|^2, for the gradient to the means
  T* spread_weight = nullptr;   // [B, V] d log p / d |M_u - M_v|^2, at v
  T* edge_log_prob = nullptr;   // [B, V] log q*(e_v | z), -inf at the root
  T* entry_log_prob = nullptr;  // [B, entries] log q*(e, q | z)
};

namespace internal {

// Entries whose edge stays this far below the largest are left out of sums.
template <typename T>
constexpr T kNegligible = sizeof(T) == 4 ? T(30) : T(60);

// A block of as many rows of z as a vector has lanes; lane = row.
template <typename T>
struct PredictiveBody {
  using V = Vec<T>;
  static constexpr int64_t kWidth = kLanes<T>;  // wide: products with numbers of nodes

  TFSP_INLINE static void Run(const PredictiveTable<T>* table, const T* z, int64_t begin,
                              int64_t end, const PredictiveOutputs<T>* out) {
    const int64_t dim = table->dim;
    const int num_nodes = table->num_tree_nodes, num_edges = table->num_edges;
    const bool gradient = out->z_gradient != nullptr || out->node_weight != nullptr;
    Buffer<T> storage((dim + int64_t{3} * num_nodes + num_edges) * kWidth);
    T* const point = storage.data();                  // [d] z of the block, transposed
    T* const distance = point + dim * kWidth;         // [V]
    T* const weight = distance + num_nodes * kWidth;  // [V] d log p / d distance
    T* const spread = weight + num_nodes * kWidth;    // [V] d log p / d D
    T* const edge_top = spread + num_nodes * kWidth;  // [edges] largest entry of each edge
    for (int64_t row = begin; row < end; row += kWidth) {
      const int rows = static_cast<int>(std::min<int64_t>(kWidth, end - row));
      for (int i = 0; i < kWidth; ++i) {  // missing rows repeat the last
        const T* from = z + (row + std::min(i, rows - 1)) * dim;
        for (int64_t k = 0; k < dim; ++k) point[k * kWidth + i] = from[k];
      }
      Distances(table, point, distance);
      V top = EdgeTops(table, distance, edge_top);
      // Rows so far away that all distances overflow have log p = -inf; keep NaN away from them.
      const T lowest = std::numeric_limits<T>::lowest();
      const V anchor = Max(top, Broadcast<T>(lowest));
      V sum;
      if (gradient) {
        std::fill(weight, weight + 2 * kWidth * num_nodes, T(0));
        sum = Sums<true>(table, distance, edge_top, anchor, weight, spread);
        const V inverse = T(1) / Max(sum, Broadcast<T>(std::numeric_limits<T>::min()));
        for (int v = 0; v < 2 * num_nodes; ++v) {
          Store(weight + v * kWidth, Load(weight + v * kWidth) * inverse);
        }
      } else {
        sum = Sums<false>(table, distance, edge_top, anchor, weight, spread);
      }
      V log_prob;
      for (int i = 0; i < kWidth; ++i) log_prob[i] = top[i] + std::log(sum[i]);
      if (out->log_prob != nullptr) {
        for (int i = 0; i < rows; ++i) out->log_prob[row + i] = log_prob[i];
      }
      if (out->z_gradient != nullptr) {
        PointGradient(table, point, weight);
        for (int i = 0; i < rows; ++i) {
          T* to = out->z_gradient + (row + i) * dim;
          for (int64_t k = 0; k < dim; ++k) to[k] = point[k * kWidth + i];
        }
      }
      if (out->node_weight != nullptr) Scatter(weight, num_nodes, rows, out->node_weight, row);
      if (out->spread_weight != nullptr) Scatter(spread, num_nodes, rows, out->spread_weight, row);
      if (out->edge_log_prob != nullptr) {
        EdgeLogProbs(table, distance, edge_top, log_prob, rows,
                     out->edge_log_prob + row * num_nodes);
      }
      if (out->entry_log_prob != nullptr) {
        EntryLogProbs(table, distance, log_prob, rows,
                      out->entry_log_prob + row * table->num_entries);
      }
    }
  }

  // |z - M_v|^2 by direct differences, four nodes at a time to hide the latency of the sums.
  TFSP_INLINE static void Distances(const PredictiveTable<T>* table, const T* point, T* distance) {
    const int64_t dim = table->dim;
    const int num_nodes = table->num_tree_nodes;
    int v = 0;
    for (; v + 4 <= num_nodes; v += 4) {
      const T* mean = table->mean + v * dim;
      const T* low = table->mean_low + v * dim;
      V sum[4] = {};
      for (int64_t k = 0; k < dim; ++k) {
        const V x = Load(point + k * kWidth);
        for (int j = 0; j < 4; ++j) {
          const V difference = (x - mean[j * dim + k]) - low[j * dim + k];
          sum[j] += difference * difference;
        }
      }
      for (int j = 0; j < 4; ++j) Store(distance + (v + j) * kWidth, sum[j]);
    }
    for (; v < num_nodes; ++v) {
      const T* mean = table->mean + v * dim;
      const T* low = table->mean_low + v * dim;
      V sum = {};
      for (int64_t k = 0; k < dim; ++k) {
        const V difference = (Load(point + k * kWidth) - mean[k]) - low[k];
        sum += difference * difference;
      }
      Store(distance + v * kWidth, sum);
    }
  }

  TFSP_INLINE static V EdgeTops(const PredictiveTable<T>* table, const T* distance, T* edge_top) {
    V top = Broadcast<T>(-std::numeric_limits<T>::infinity());
    for (int e = 0; e < table->num_edges; ++e) {
      const V a = Load(distance + table->parent[e] * kWidth);
      const V b = Load(distance + table->child[e] * kWidth);
      V largest = Broadcast<T>(-std::numeric_limits<T>::infinity());
      for (int64_t q = table->begin[e]; q < table->begin[e + 1]; ++q) {
        largest = Max(Entry(table, q, a, b), largest);
      }
      Store(edge_top + e * kWidth, largest);
      top = Max(largest, top);
    }
    return top;
  }

  TFSP_INLINE static V Entry(const PredictiveTable<T>* table, int64_t q, V a, V b) {
    return table->constant[q] + table->slope_parent[q] * a + table->slope_child[q] * b;
  }

  // Sum of exp(entry - anchor), and with kGradient the sums of its derivatives.
  template <bool kGradient>
  TFSP_INLINE static V Sums(const PredictiveTable<T>* table, const T* distance, const T* edge_top,
                            V anchor, T* weight, T* spread) {
    V total = {};
    const V threshold = anchor - kNegligible<T>;
    for (int e = 0; e < table->num_edges; ++e) {
      // Lanes are masked one by one, so that a row's sum does not depend on its neighbours.
      const Mask<T> matters = Load(edge_top + e * kWidth) >= threshold;
      if (!Any(matters)) continue;
      const int u = table->parent[e], v = table->child[e];
      const V a = Load(distance + u * kWidth), b = Load(distance + v * kWidth);
      V sum = {}, by_parent = {}, by_child = {}, by_spread = {};
      for (int64_t q = table->begin[e]; q < table->begin[e + 1]; ++q) {
        const V p = Exp(Entry(table, q, a, b) - anchor);
        sum += p;
        if constexpr (kGradient) {
          by_parent += p * table->slope_parent[q];
          by_child += p * table->slope_child[q];
          by_spread += p * table->slope_spread[q];
        }
      }
      total += Keep(matters, sum);
      if constexpr (kGradient) {
        Store(weight + u * kWidth, Load(weight + u * kWidth) + Keep(matters, by_parent));
        Store(weight + v * kWidth, Load(weight + v * kWidth) + Keep(matters, by_child));
        Store(spread + v * kWidth, Keep(matters, by_spread));
      }
    }
    return total;
  }

  // d log p / d z_k = 2 sum_v weight_v (z_k - M_vk), written over `point`. Eight dimensions at a
  // time stay in registers.
  TFSP_INLINE static void PointGradient(const PredictiveTable<T>* table, T* point,
                                        const T* weight) {
    int64_t k = 0;
    for (; k + 8 <= table->dim; k += 8) PointGradientOf<8>(table, k, point, weight);
    for (; k < table->dim; ++k) PointGradientOf<1>(table, k, point, weight);
  }

  template <int kCount>
  TFSP_INLINE static void PointGradientOf(const PredictiveTable<T>* table, int64_t first, T* point,
                                          const T* weight) {
    const int64_t dim = table->dim;
    V sum[kCount] = {};
    for (int v = 0; v < table->num_tree_nodes; ++v) {
      const V w = Load(weight + v * kWidth);
      if (!Any(w != T(0))) continue;
      const T* mean = table->mean + v * dim + first;
      const T* low = table->mean_low + v * dim + first;
      for (int j = 0; j < kCount; ++j) {
        sum[j] += w * ((Load(point + (first + j) * kWidth) - mean[j]) - low[j]);
      }
    }
    for (int j = 0; j < kCount; ++j) Store(point + (first + j) * kWidth, sum[j] * T(2));
  }

  TFSP_INLINE static void Scatter(const T* block, int num_nodes, int rows, T* out, int64_t row) {
    for (int i = 0; i < rows; ++i) {
      T* to = out + (row + i) * num_nodes;
      for (int v = 0; v < num_nodes; ++v) to[v] = block[v * kWidth + i];
    }
  }

  // log q*(e | z), each edge about its own largest entry: precise for unlikely edges too.
  TFSP_INLINE static void EdgeLogProbs(const PredictiveTable<T>* table, const T* distance,
                                       const T* edge_top, V log_prob, int rows, T* out) {
    const int num_nodes = table->num_tree_nodes;
    std::fill(out, out + static_cast<int64_t>(rows) * num_nodes,
              -std::numeric_limits<T>::infinity());
    for (int e = 0; e < table->num_edges; ++e) {
      const V a = Load(distance + table->parent[e] * kWidth);
      const V b = Load(distance + table->child[e] * kWidth);
      const V top = Load(edge_top + e * kWidth);
      V sum = {};
      for (int64_t q = table->begin[e]; q < table->begin[e + 1]; ++q) {
        sum += Exp(Entry(table, q, a, b) - top);
      }
      for (int i = 0; i < rows; ++i) {
        out[static_cast<int64_t>(i) * num_nodes + table->child[e]] =
            (top[i] - log_prob[i]) + std::log(sum[i]);
      }
    }
  }

  TFSP_INLINE static void EntryLogProbs(const PredictiveTable<T>* table, const T* distance,
                                        V log_prob, int rows, T* out) {
    for (int e = 0; e < table->num_edges; ++e) {
      const V a = Load(distance + table->parent[e] * kWidth);
      const V b = Load(distance + table->child[e] * kWidth);
      for (int64_t q = table->begin[e]; q < table->begin[e + 1]; ++q) {
        const V value = Entry(table, q, a, b) - log_prob;
        for (int i = 0; i < rows; ++i) out[i * table->num_entries + q] = value[i];
      }
    }
  }
};

// Adds the gradient of sum_b upstream_b log p(z_b) by the posterior means of nodes [begin, end).
template <typename T>
struct MeansGradientBody {
  using V = Vec<T>;
  static constexpr int kWidth = kLanes<T>;

  TFSP_INLINE static void Run(const PredictiveTable<T>* table, const T* z, const T* upstream,
                              int64_t num_rows, const T* node_weight, int64_t begin, int64_t end,
                              double* gradient) {
    const int64_t dim = table->dim, num_nodes = table->num_tree_nodes;
    const int64_t vector_end = dim - dim % kWidth;
    Buffer<T> sum(dim);
    for (int64_t v = begin; v < end; ++v) {
      const T* mean = table->mean + v * dim;
      const T* low = table->mean_low + v * dim;
      for (int64_t k = 0; k < dim; ++k) sum[k] = T(0);
      for (int64_t b = 0; b < num_rows; ++b) {
        const T w = T(-2) * node_weight[b * num_nodes + v] * (upstream ? upstream[b] : T(1));
        if (w == T(0)) continue;
        const T* x = z + b * dim;
        int64_t k = 0;
        for (; k < vector_end; k += kWidth) {
          const V difference = (Load(x + k) - Load(mean + k)) - Load(low + k);
          Store(sum.data() + k, Load(sum.data() + k) + w * difference);
        }
        for (; k < dim; ++k) sum[k] += w * ((x[k] - mean[k]) - low[k]);
      }
      for (int64_t k = 0; k < dim; ++k) {
        gradient[v * dim + k] = table->mean_scale * static_cast<double>(sum[k]);
      }
    }
  }
};

}  // namespace internal

// Rows [begin, end) of z [B, d]; the outputs point at row 0. Re-entrant on const tables.
template <typename T>
void PredictiveRows(const PredictiveTable<T>& table, const T* z, int64_t begin, int64_t end,
                    const PredictiveOutputs<T>& outputs, Isa isa = Isa::kAuto) {
  Dispatch<internal::PredictiveBody<T>>(isa, &table, z, begin, end, &outputs);
}

// Gradient of sum_b upstream_b log p(z_b) by the posterior means, rows [begin, end) of
// `mean_gradient` [V, d], without the part through D (see `AddSpreadGradient`). `upstream` may be
// null: ones. `node_weight` [B, V] is an output of PredictiveRows on all rows.
template <typename T>
void MeansGradient(const PredictiveTable<T>& table, const T* z, const T* upstream, int64_t num_rows,
                   const T* node_weight, int64_t begin, int64_t end, double* mean_gradient,
                   Isa isa = Isa::kAuto) {
  Dispatch<internal::MeansGradientBody<T>>(isa, &table, z, upstream, num_rows, node_weight, begin,
                                           end, mean_gradient);
}

// Sums over the rows of upstream_b times `spread_weight` [B, V], for nodes [begin, end) of `total`
// [V].
template <typename T>
void SpreadTotals(int64_t num_nodes, const T* upstream, int64_t num_rows, const T* spread_weight,
                  int64_t begin, int64_t end, double* total) {
  std::fill(total + begin, total + end, 0.0);
  for (int64_t b = 0; b < num_rows; ++b) {
    const double scale = upstream ? upstream[b] : 1.0;
    const T* row = spread_weight + b * num_nodes;
    for (int64_t v = begin; v < end; ++v) total[v] += scale * row[v];
  }
}

// The part through D = |M_u - M_v|^2 given its totals, for all nodes.
template <typename T>
void AddSpreadTotals(const PredictiveTable<T>& table, const double* posterior_mean,
                     const double* total, double* mean_gradient) {
  const int64_t dim = table.dim;
  for (int e = 0; e < table.num_edges; ++e) {
    const int64_t u = table.parent[e], v = table.child[e];
    const double w = 2.0 * total[v];
    if (w == 0.0) continue;
    for (int64_t k = 0; k < dim; ++k) {
      const double pull = w * (posterior_mean[u * dim + k] - posterior_mean[v * dim + k]);
      mean_gradient[u * dim + k] += pull;
      mean_gradient[v * dim + k] -= pull;
    }
  }
}

// Both together. `spread_weight` [B, V].
template <typename T>
void AddSpreadGradient(const PredictiveTable<T>& table, const double* posterior_mean,
                       const T* upstream, int64_t num_rows, const T* spread_weight,
                       double* mean_gradient) {
  std::vector<double> total(table.num_tree_nodes);
  SpreadTotals(table.num_tree_nodes, upstream, num_rows, spread_weight, 0, table.num_tree_nodes,
               total.data());
  AddSpreadTotals(table, posterior_mean, total.data(), mean_gradient);
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_PREDICTIVE_H_
