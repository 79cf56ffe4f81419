// Special functions of the time prior, and sums of logarithms as one logarithm of a product.
#ifndef TFSP_TMC_CORE_SPECIAL_H_
#define TFSP_TMC_CORE_SPECIAL_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace tfsp::tmc {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLog2 = 0.69314718055994530942;
constexpr double kLog2Pi = 1.83787706640934548356;

// Sum of log(x_i) over many x_i > 0: the mantissas are multiplied and the exponents added, so that
// one logarithm serves all. The error grows by half a unit in the last place per factor.
class LogProduct {
 public:
  void Multiply(double x) {
    mantissa_ *= x;
    uint64_t bits;
    std::memcpy(&bits, &mantissa_, sizeof(bits));
    exponent_ += static_cast<int64_t>(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
    std::memcpy(&mantissa_, &bits, sizeof(bits));
  }
  double Log() const { return std::log(mantissa_) + static_cast<double>(exponent_) * kLog2; }

 private:
  double mantissa_ = 1.0;  // in [1, 2)
  int64_t exponent_ = 0;
};

// log Gamma(x), x > 0, by Stirling's series above 10. std::lgamma writes a global (signgam).
inline double LogGamma(double x) {
  double below = 1.0;
  while (x < 10.0) {
    below *= x;
    x += 1.0;
  }
  const double r = 1.0 / x, s = r * r;
  const double series =
      r * (1.0 / 12 -
           s * (1.0 / 360 - s * (1.0 / 1260 -
                                 s * (1.0 / 1680 -
                                      s * (1.0 / 1188 - s * (691.0 / 360360 - s * (1.0 / 156)))))));
  return (x - 0.5) * std::log(x) - x + 0.5 * kLog2Pi + series - std::log(below);
}

// d/dx log Gamma(x), x > 0.
inline double Digamma(double x) {
  double below = 0.0;
  while (x < 10.0) {
    below += 1.0 / x;
    x += 1.0;
  }
  const double s = 1.0 / (x * x);
  const double series =
      s *
      (1.0 / 12 -
       s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * (691.0 / 32760))))));
  return std::log(x) - 0.5 / x - series - below;
}

inline double LogBeta(double a, double b) { return LogGamma(a) + LogGamma(b) - LogGamma(a + b); }

// log 2F1(a, a; 2a; x) for a > 0 and 0 <= x < 1, given 1 - x so that nothing is lost near 1.
inline double LogHypergeometric(double a, double x, double one_minus_x) {
  constexpr double kTiny = 1e-17;
  if (one_minus_x < 0.2 && one_minus_x * a * a < 1.0) {
    // Expansion at 1 (c = a + b, the logarithmic case): Abramowitz and Stegun 15.3.10.
    const double log_gap = std::log(one_minus_x);
    double factor = 1.0, sum = 0.0;
    double psi_one = -0.57721566490153286061, psi_a = Digamma(a);
    for (int n = 0; n < 500; ++n) {
      const double term = factor * (2.0 * (psi_one - psi_a) - log_gap);
      sum += term;
      if (std::abs(term) <= kTiny * std::abs(sum) && factor < 1.0) break;
      psi_one += 1.0 / (n + 1.0);
      psi_a += 1.0 / (a + n);
      const double ratio = (a + n) / (n + 1.0);
      factor *= ratio * ratio * one_minus_x;
    }
    return std::log(sum) - LogBeta(a, a);
  }
  // Quadratic transformation, 15.3.16: (1 - x/2)^-a 2F1(a/2, a/2 + 1/2; a + 1/2; y), all terms
  // positive; y < 4/9 in the common case, and the sum is cut by its geometric bound.
  const double half = 0.5 * (1.0 + one_minus_x);  // 1 - x / 2
  const double root = x / (1.0 + one_minus_x), y = root * root;
  double term = 1.0, sum = 1.0, log_scale = 0.0;
  for (int64_t n = 0; n < 2000000; ++n) {
    const double ratio = (0.5 * a + n) * (0.5 * a + 0.5 + n) / ((a + 0.5 + n) * (n + 1.0)) * y;
    term *= ratio;
    sum += term;
    if (sum > 1e200) {
      term *= 1e-200;
      sum *= 1e-200;
      log_scale += 200.0 * 2.30258509299404568402;
    }
    if (ratio < 1.0 && term <= kTiny * sum * (1.0 - std::fmax(ratio, y))) break;
  }
  return -a * std::log(half) + std::log(sum) + log_scale;
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_SPECIAL_H_
