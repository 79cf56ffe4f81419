// The vector loops of the tree sampler, with the instruction set chosen when the program runs.
//
// One source over the vectors of simd.h is compiled for the baseline and, on x86-64, a second time
// for AVX2. Unlike simd.h's own dispatch the second has no fused multiply-adds: both then round
// alike and add in the same order, and a chain is the same to the last bit with either.
//
// Rows are padded with zeros to a multiple of 8 float64 and aligned to 64 bytes.
#ifndef TFSP_TMC_CORE_SAMPLER_KERNELS_H_
#define TFSP_TMC_CORE_SAMPLER_KERNELS_H_

#include <cstddef>

#include "custom_ops/tmc/core/simd.h"

namespace tfsp::tmc {

namespace kernels {

using V4 = Vec<double>;

// Candidate edges for a pruned subtree, in blocks of four: what the density of the attachment time
// needs, one array per quantity. A = A0 + t - t_u is the variance of the location at time t as seen
// from above, C = A + (variance from below) is constant along the edge, and the predictive variance
// of the subtree is K - A^2 / C. z is the subtree's mean, M_u and M_x are posterior means.
struct EdgeArrays {
  double* offset;       // A0 - t_u, so that t = A - offset
  double* sum;          // C
  double* top;          // K
  double* lower;        // t_u
  double* upper;        // latest attachment time
  double* bottom;       // t_x, the time of the node below
  double* internal;     // 1 where x is internal, else 0
  double* dist_lower;   // |z - M_u|^2
  double* dist_bottom;  // |z - M_x|^2
  double* dist_edge;    // |M_u - M_x|^2
  double* slope;        // exponent of (1 - t)
  double* constant;     // log weight that does not depend on t
  double* centre;       // out: predictive variance near the mode
  double* log_weight;   // out: rough log of the integral over t
};

struct TimeTerms {
  double shape;             // a - 1
  double subtree_time;      // t_v
  double subtree_internal;  // 1 where v is internal
  double half_dims;         // d / 2
  double inverse_dims;      // 1 / d
  double width;             // relative width of the integrand in the variance
};

TFSP_INLINE V4 Clamp(V4 x, V4 lo, V4 hi) {
  x = x < lo ? lo : x;
  return x > hi ? hi : x;
}

TFSP_INLINE double Total(V4 x) { return (x[0] + x[1]) + (x[2] + x[3]); }

// out = y + weight * (x - y); returns |x - y|^2.
TFSP_INLINE double CombineBody(const double* x, const double* y, double weight, double* out,
                               int stride) {
  V4 s0 = {}, s1 = {};
  for (int i = 0; i < stride; i += 8) {
    const V4 y0 = Load(y + i), y1 = Load(y + i + 4);
    const V4 d0 = Load(x + i) - y0, d1 = Load(x + i + 4) - y1;
    s0 += d0 * d0;
    s1 += d1 * d1;
    Store(out + i, y0 + weight * d0);
    Store(out + i + 4, y1 + weight * d1);
  }
  return Total(s0 + s1);
}

TFSP_INLINE double SquaredNormBody(const double* x, int stride) {
  V4 s0 = {}, s1 = {};
  for (int i = 0; i < stride; i += 8) {
    const V4 x0 = Load(x + i), x1 = Load(x + i + 4);
    s0 += x0 * x0;
    s1 += x1 * x1;
  }
  return Total(s0 + s1);
}

// Posterior mean of a node from its parent's, out = above + weight * (x - above), with the squared
// distances |x - above|^2 and |z - out|^2.
TFSP_INLINE void DescendBody(const double* x, const double* above, double weight, const double* z,
                             double* out, int stride, double* dist_above, double* dist_z) {
  V4 s = {}, r = {};
  for (int i = 0; i < stride; i += 4) {
    const V4 start = Load(above + i), d = Load(x + i) - start;
    s += d * d;
    const V4 mean = start + weight * d;
    Store(out + i, mean);
    const V4 gap = Load(z + i) - mean;
    r += gap * gap;
  }
  *dist_above = Total(s);
  *dist_z = Total(r);
}

// Four edges, or one edge four times.
struct EdgeBlock {
  V4 offset, sum, top, lower, upper, bottom, internal, dist_lower, dist_bottom, dist_edge, slope,
      constant;
};

template <bool kBroadcast>
TFSP_INLINE V4 Take(const double* p) {
  if constexpr (kBroadcast) {
    return Broadcast<double>(*p);
  } else {
    return Load(p);
  }
}

template <bool kBroadcast>
TFSP_INLINE EdgeBlock TakeBlock(const EdgeArrays& edges, int i) {
  return {Take<kBroadcast>(edges.offset + i),      Take<kBroadcast>(edges.sum + i),
          Take<kBroadcast>(edges.top + i),         Take<kBroadcast>(edges.lower + i),
          Take<kBroadcast>(edges.upper + i),       Take<kBroadcast>(edges.bottom + i),
          Take<kBroadcast>(edges.internal + i),    Take<kBroadcast>(edges.dist_lower + i),
          Take<kBroadcast>(edges.dist_bottom + i), Take<kBroadcast>(edges.dist_edge + i),
          Take<kBroadcast>(edges.slope + i),       Take<kBroadcast>(edges.constant + i)};
}

// Where the predictive variance has a given value: A, the time, the squared distance to the mean.
struct Point {
  V4 above, time, dist;
};

TFSP_INLINE Point PointAt(const EdgeBlock& edge, V4 variance) {
  const V4 zero = {};
  Point point;
  point.above = Sqrt(Max(edge.sum * (edge.top - variance), zero));
  point.time = point.above - edge.offset;
  const V4 x = Clamp((point.time - edge.lower) / (edge.bottom - edge.lower), zero, zero + 1.0);
  const V4 rest = 1.0 - x;
  point.dist = Max(rest * edge.dist_lower + x * edge.dist_bottom - x * rest * edge.dist_edge, zero);
  return point;
}

// log density of the attachment (time prior, location), without the Jacobian of the variance.
TFSP_INLINE V4 LogDensity(const EdgeBlock& edge, const Point& point, V4 variance,
                          const TimeTerms& terms) {
  const V4 zero = {}, tiny = zero + 1e-300;
  V4 result = edge.constant - 0.5 * point.dist / variance;
  if (terms.shape != 0.0) {
    const V4 gap = Max(point.time - edge.lower, tiny);
    const V4 below = (edge.bottom - point.time) / (edge.bottom - edge.lower);
    const V4 subtree = terms.subtree_time - point.time;
    const V4 product = gap * Max(1.0 + edge.internal * (below - 1.0), tiny) *
                       Max(1.0 + terms.subtree_internal * (subtree - 1.0), tiny);
    result += terms.shape * Log(Max(product, tiny));
  }
  const V4 left = Max(1.0 - point.time, zero + 1e-15);
  return result + edge.slope * Log(left) - terms.half_dims * Log(variance);
}

// First pass over all candidate edges: a rough mode of the integrand, by two fixed-point steps of
// variance = distance / d, and a rough integral, density at the mode times width.
TFSP_INLINE void RoughEdgesBody(const EdgeArrays& edges, const TimeTerms& terms, int count) {
  const V4 zero = {};
  for (int i = 0; i < count; i += 4) {
    const EdgeBlock edge = TakeBlock<false>(edges, i);
    const V4 above_lower = edge.lower + edge.offset, above_upper = edge.upper + edge.offset;
    V4 most = edge.top - above_lower * above_lower / edge.sum;
    V4 least = edge.top - above_upper * above_upper / edge.sum;
    // Inside the edge: at its very ends the time prior may vanish or blow up.
    const V4 span = most - least;
    most -= 0.02 * span;
    least += 0.02 * span;
    V4 variance = 0.5 * (most + least);
    for (int step = 0; step < 2; ++step) {
      variance = Clamp(PointAt(edge, variance).dist * terms.inverse_dims, least, most);
    }
    const Point point = PointAt(edge, variance);
    const V4 width = terms.width * variance;
    const V4 measure = (width > span ? span : width) * edge.sum / (2.0 * point.above);
    Store(edges.centre + i, variance);
    Store(edges.log_weight + i,
          LogDensity(edge, point, variance, terms) + Log(Max(measure, zero + 1e-300)));
  }
}

// log density in y = log(variance) at `count` (a multiple of 4) points of one edge.
TFSP_INLINE void EdgeProfileBody(const EdgeArrays& edges, const TimeTerms& terms, int index,
                                 const double* y, int count, double* out) {
  const EdgeBlock edge = TakeBlock<true>(edges, index);
  for (int i = 0; i < count; i += 4) {
    const V4 variance = Exp(Load(y + i));
    const Point point = PointAt(edge, variance);
    Store(out + i, LogDensity(edge, point, variance, terms) +
                       Log(variance * edge.sum / (2.0 * point.above)));
  }
}

TFSP_INLINE void ExpBody(const double* x, double shift, double* out, int count) {
  for (int i = 0; i < count; i += 4) Store(out + i, Exp(Load(x + i) - shift));
}

#define TFSP_TMC_KERNELS(SUFFIX, TARGET)                                                           \
  TARGET inline double Combine##SUFFIX(const double* x, const double* y, double weight,            \
                                       double* out, int stride) {                                  \
    return CombineBody(x, y, weight, out, stride);                                                 \
  }                                                                                                \
  TARGET inline double SquaredNorm##SUFFIX(const double* x, int stride) {                          \
    return SquaredNormBody(x, stride);                                                             \
  }                                                                                                \
  TARGET inline void Descend##SUFFIX(const double* x, const double* above, double weight,          \
                                     const double* z, double* out, int stride, double* dist_above, \
                                     double* dist_z) {                                             \
    DescendBody(x, above, weight, z, out, stride, dist_above, dist_z);                             \
  }                                                                                                \
  TARGET inline void RoughEdges##SUFFIX(const EdgeArrays& edges, const TimeTerms& terms,           \
                                        int count) {                                               \
    RoughEdgesBody(edges, terms, count);                                                           \
  }                                                                                                \
  TARGET inline void EdgeProfile##SUFFIX(const EdgeArrays& edges, const TimeTerms& terms,          \
                                         int edge, const double* y, int count, double* out) {      \
    EdgeProfileBody(edges, terms, edge, y, count, out);                                            \
  }                                                                                                \
  TARGET inline void Exp##SUFFIX(const double* x, double shift, double* out, int count) {          \
    ExpBody(x, shift, out, count);                                                                 \
  }

TFSP_TMC_KERNELS(Portable, )
#if TFSP_HAS_AVX2
TFSP_TMC_KERNELS(Avx2, __attribute__((target("avx2"))))
#endif
#undef TFSP_TMC_KERNELS

}  // namespace kernels

// The loops of one instruction set, as a table of functions.
struct SamplerKernels {
  double (*combine)(const double*, const double*, double, double*, int);
  double (*squared_norm)(const double*, int);
  void (*descend)(const double*, const double*, double, const double*, double*, int, double*,
                  double*);
  void (*rough_edges)(const kernels::EdgeArrays&, const kernels::TimeTerms&, int);
  void (*edge_profile)(const kernels::EdgeArrays&, const kernels::TimeTerms&, int, const double*,
                       int, double*);
  void (*exp)(const double*, double, double*, int);
};

// `portable` asks for the baseline loops even where AVX2 exists (tests compare the two).
inline SamplerKernels ChooseSamplerKernels(bool portable = false) {
#if TFSP_HAS_AVX2
  if (!portable && UseAvx2(Isa::kAuto)) {
    return {kernels::CombineAvx2,    kernels::SquaredNormAvx2, kernels::DescendAvx2,
            kernels::RoughEdgesAvx2, kernels::EdgeProfileAvx2, kernels::ExpAvx2};
  }
#endif
  (void)portable;
  return {kernels::CombinePortable,    kernels::SquaredNormPortable, kernels::DescendPortable,
          kernels::RoughEdgesPortable, kernels::EdgeProfilePortable, kernels::ExpPortable};
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SAMPLER_KERNELS_H_
