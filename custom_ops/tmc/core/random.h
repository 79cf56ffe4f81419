// Random numbers of the TMC samplers: xoshiro256++ (Blackman & Vigna 2019), seeded by SplitMix64
// from two 64-bit words, with the draws that trees need.
//
// A generator is a plain value: copy it, keep one per thread, no hidden state.
#ifndef TFSP_TMC_CORE_RANDOM_H_
#define TFSP_TMC_CORE_RANDOM_H_

#include <cmath>
#include <cstdint>

namespace tfsp::tmc {

class Random {
 public:
  Random(uint64_t seed0, uint64_t seed1) {
    // The two words are mixed one after the other, so that (0, 1) and (1, 0) part ways.
    uint64_t z = seed0;
    uint64_t word = SplitMix(&z);
    z = word ^ seed1;
    for (uint64_t& s : state_) s = SplitMix(&z);
  }

  uint64_t Bits() {
    const uint64_t result = Rotate(state_[0] + state_[3], 23) + state_[0];
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // Uniform on the open interval (0, 1): odd multiples of 2^-53.
  double Uniform() {
    return static_cast<double>(static_cast<int64_t>(Bits() >> 12)) * 0x1p-52 + 0x1p-53;
  }

  // Uniform on {0, ..., bound - 1}, bound in [1, 2^32], without bias (Lemire 2019).
  uint32_t Below(uint64_t bound) {
    uint64_t product = (Bits() >> 32) * bound;
    if (static_cast<uint32_t>(product) < bound) {
      const uint32_t threshold = static_cast<uint32_t>((uint64_t{1} << 32) % bound);
      while (static_cast<uint32_t>(product) < threshold) product = (Bits() >> 32) * bound;
    }
    return static_cast<uint32_t>(product >> 32);
  }

  double Exponential() { return -std::log(Uniform()); }

  // Standard normal, Marsaglia's polar method. The second draw is thrown away: a generator
  // without a cache is a function of its four words alone.
  double Normal() {
    for (;;) {
      const double x = 2.0 * Uniform() - 1.0;
      const double y = 2.0 * Uniform() - 1.0;
      const double r = x * x + y * y;
      if (r < 1.0) return x * std::sqrt(-2.0 * std::log(r) / r);
    }
  }

  // log of a Gamma(shape, 1) draw, shape > 0 (Marsaglia & Tsang 2000). In logarithms, because a
  // draw with a small shape underflows.
  double LogGamma(double shape) {
    if (shape < 1.0) {
      const double boost = std::log(Uniform()) / shape;
      return LogGamma(shape + 1.0) + boost;
    }
    const double d = shape - 1.0 / 3.0;
    const double c = 1.0 / std::sqrt(9.0 * d);
    for (;;) {
      const double x = Normal();
      const double cube = 1.0 + c * x;
      if (cube <= 0.0) continue;
      const double v = cube * cube * cube;
      if (std::log(Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
        return std::log(d) + std::log(v);
      }
    }
  }

  // A Beta(a, b) draw and its complement, each with full relative accuracy.
  void Beta(double a, double b, double* x, double* one_minus_x) {
    const double log_odds = LogGamma(a) - LogGamma(b);
    *x = 1.0 / (1.0 + std::exp(-log_odds));
    *one_minus_x = 1.0 / (1.0 + std::exp(log_odds));
  }

 private:
  static uint64_t Rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  static uint64_t SplitMix(uint64_t* z) {
    uint64_t x = (*z += 0x9e3779b97f4a7c15ULL);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  uint64_t state_[4];
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_RANDOM_H_
