// Vectors of 32 bytes in the compiler's own notation, and two compilations of one source.
//
// A kernel is written once as an always-inlined template over these vectors; TFSP_DISPATCH makes a
// plain version (SSE2, NEON, ...) and, on x86-64, one for AVX2 and FMA, and picks at run time.
#ifndef TFSP_TMC_CORE_SIMD_H_
#define TFSP_TMC_CORE_SIMD_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "custom_ops/tmc/core/buffer.h"

#if defined(__GNUC__) && !defined(__clang__)
// Vectors never cross a call: every function that takes one is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#define TFSP_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__GNUC__)
#define TFSP_HAS_AVX2 1
#define TFSP_AVX2 __attribute__((target("avx2,fma"), noinline))
#else
#define TFSP_HAS_AVX2 0
#define TFSP_AVX2 __attribute__((noinline))
#endif
#define TFSP_PORTABLE __attribute__((noinline))

namespace tfsp::tmc {

// Which compilation runs. kAuto asks the processor; kPortable lets tests compare the two.
enum class Isa { kAuto, kPortable };

inline bool UseAvx2(Isa isa) {
#if TFSP_HAS_AVX2
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return isa == Isa::kAuto && has;
#else
  (void)isa;
  return false;
#endif
}

// A function object Body with `template <typename... A> TFSP_INLINE static R Run(A...)`, compiled
// twice.
template <typename Body, typename... Args>
TFSP_AVX2 auto RunAvx2(Args... args) {
  return Body::Run(args...);
}
template <typename Body, typename... Args>
TFSP_PORTABLE auto RunPortable(Args... args) {
  return Body::Run(args...);
}
template <typename Body, typename... Args>
auto Dispatch(Isa isa, Args... args) {
  return UseAvx2(isa) ? RunAvx2<Body>(args...) : RunPortable<Body>(args...);
}

template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef float Type __attribute__((vector_size(32)));
  typedef int32_t Mask __attribute__((vector_size(32)));
};
template <>
struct VectorOf<double> {
  typedef double Type __attribute__((vector_size(32)));
  typedef int64_t Mask __attribute__((vector_size(32)));
};
template <typename T>
using Vec = typename VectorOf<T>::Type;
template <typename T>
using Mask = typename VectorOf<T>::Mask;
template <typename T>
constexpr int kLanes = 32 / sizeof(T);

template <typename T>
TFSP_INLINE Vec<T> Load(const T* p) {
  Vec<T> v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
TFSP_INLINE void Store(T* p, Vec<T> v) {
  __builtin_memcpy(p, &v, sizeof(v));
}
template <typename T>
TFSP_INLINE Vec<T> Broadcast(T x) {
  return x - Vec<T>{};
}
template <typename V>
TFSP_INLINE V Max(V a, V b) {
  return a > b ? a : b;
}
template <typename T>
TFSP_INLINE T Sum(Vec<T> v) {
  T sum = 0;
  for (int i = 0; i < kLanes<T>; ++i) sum += v[i];
  return sum;
}
template <typename M>
TFSP_INLINE bool Any(M mask) {
  typedef int64_t Words __attribute__((vector_size(32)));
  const Words w = reinterpret_cast<Words>(mask);
  return (w[0] | w[1] | w[2] | w[3]) != 0;
}
// x where the mask is set, 0 elsewhere.
template <typename V, typename M>
TFSP_INLINE V Keep(M mask, V x) {
  return reinterpret_cast<V>(reinterpret_cast<M>(x) & mask);
}

// exp(x) for x <= 0, clamped at -80: an exponential that underflows would be of no use to a sum
// and slow. Relative error below 2e-7.
TFSP_INLINE Vec<float> Exp(Vec<float> x) {
  x = Max(x, Broadcast<float>(-80.0f));
  const float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const Vec<float> shifted = x * 1.44269504f + kRound;
  const Vec<float> n = shifted - kRound;
  const Vec<float> f = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec<float> p = f * 1.38888890e-3f + 8.33333377e-3f;
  p = p * f + 4.16666679e-2f;
  p = p * f + 1.66666672e-1f;
  p = p * f + 0.5f;
  p = p * (f * f) + f + 1.0f;
  const Mask<float> bits = reinterpret_cast<Mask<float>>(shifted) << 23;
  return reinterpret_cast<Vec<float>>(reinterpret_cast<Mask<float>>(p) + bits);
}

// exp(x), x clamped to [-700, 700]. Relative error below 1e-15.
TFSP_INLINE Vec<double> Exp(Vec<double> x) {
  x = Max(x, Broadcast<double>(-700.0));
  x = x < 700.0 ? x : Broadcast<double>(700.0);
  const double kRound = 6755399441055744.0;  // 1.5 * 2^52
  const Vec<double> shifted = x * 1.4426950408889634074 + kRound;
  const Vec<double> n = shifted - kRound;
  const Vec<double> f = (x - n * 0.693145751953125) - n * 1.42860682030941723212e-6;
  // (exp(f) - 1 - f) / f^2, in pairs of terms: short chains of dependent operations.
  const Vec<double> f2 = f * f, f4 = f2 * f2, f8 = f4 * f4;
  const Vec<double> low = (0.5 + f * (1.0 / 6)) + f2 * (1.0 / 24 + f * (1.0 / 120));
  const Vec<double> middle =
      (1.0 / 720 + f * (1.0 / 5040)) + f2 * (1.0 / 40320 + f * (1.0 / 362880));
  const Vec<double> high =
      (1.0 / 3628800 + f * (1.0 / 39916800)) + f2 * (1.0 / 479001600 + f * (1.0 / 6227020800.0));
  const Vec<double> p = f2 * (low + f4 * middle + f8 * high) + f + 1.0;
  const Mask<double> bits = reinterpret_cast<Mask<double>>(shifted) << 52;
  return reinterpret_cast<Vec<double>>(reinterpret_cast<Mask<double>>(p) + bits);
}

// log(x) for normal x > 0. Absolute error of the order of one unit in the last place.
TFSP_INLINE Vec<double> Log(Vec<double> x) {
  typedef uint64_t Bits __attribute__((vector_size(32)));
  // The mantissa is taken to [sqrt(1/2), sqrt(2)): subtract the bits of sqrt(1/2), keep the rest.
  const uint64_t kHalfRoot = 0x3fe6a09e667f3bcdULL;
  const Bits offset = reinterpret_cast<Bits>(x) - kHalfRoot + (uint64_t{1024} << 52);
  const Bits biased = offset >> 52;
  const Vec<double> m =
      reinterpret_cast<Vec<double>>(reinterpret_cast<Bits>(x) - ((biased - uint64_t{1024}) << 52));
  // A small integer as double: put it in the low bits of 2^52.
  const Vec<double> e =
      reinterpret_cast<Vec<double>>(biased | uint64_t{0x4330000000000000}) - 4503599627371520.0;
  const Vec<double> s = (m - 1.0) / (m + 1.0), s2 = s * s;
  const Vec<double> s4 = s2 * s2, s8 = s4 * s4;
  const Vec<double> low = (1.0 / 3 + s2 * (1.0 / 5)) + s4 * (1.0 / 7 + s2 * (1.0 / 9));
  const Vec<double> high = (1.0 / 11 + s2 * (1.0 / 13)) + s4 * (1.0 / 15 + s2 * (1.0 / 17));
  const Vec<double> p = low + s8 * (high + s8 * (1.0 / 19 + s2 * (1.0 / 21)));
  return e * 1.42860682030941723212e-6 + 2.0 * (s + s * s2 * p) + e * 0.693145751953125;
}

TFSP_INLINE Vec<double> Sqrt(Vec<double> x) {
#if defined(__x86_64__)
  // Two halves of SSE2, which every x86-64 has: no call for the sake of errno. Shuffles, since a
  // detour through memory would stall.
  const __m128d low = _mm_sqrt_pd(__builtin_shufflevector(x, x, 0, 1));
  const __m128d high = _mm_sqrt_pd(__builtin_shufflevector(x, x, 2, 3));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3);
#else
  Vec<double> r;
  for (int i = 0; i < 4; ++i) r[i] = std::sqrt(x[i]);
  return r;
#endif
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SIMD_H_
