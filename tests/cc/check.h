// What the tests of the core need of a test framework: cases that register themselves, checks that
// say where and what, and a `main` (main.cc) that runs all cases, or those named on its command
// line.
#ifndef TFSP_TESTS_CC_CHECK_H_
#define TFSP_TESTS_CC_CHECK_H_

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace check {

struct Case {
  const char* name;
  void (*run)();
};

inline std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

inline int& Failures() {
  static int failures = 0;
  return failures;
}

struct Registered {
  Registered(const char* name, void (*run)()) { Cases().push_back({name, run}); }
};

inline bool Report(bool right, const char* file, int line, const std::string& what) {
  if (!right) {
    ++Failures();
    std::printf("%s:%d: %s\n", file, line, what.c_str());
  }
  return right;
}

// |a - b| <= tolerance * max(1, |b|); no NaN is near anything.
inline bool Near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::fmax(1.0, std::abs(b));
}

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace check

#define CASE(NAME)                                                \
  static void NAME();                                             \
  static const check::Registered registered_##NAME(#NAME, &NAME); \
  static void NAME()

#define CHECK(WHAT) check::Report(static_cast<bool>(WHAT), __FILE__, __LINE__, #WHAT)

#define CHECK_NEAR(A, B, TOLERANCE)                                                        \
  do {                                                                                     \
    const double check_a = (A), check_b = (B);                                             \
    check::Report(                                                                         \
        check::Near(check_a, check_b, TOLERANCE), __FILE__, __LINE__,                      \
        #A " = " + std::to_string(check_a) + ", but " #B " = " + std::to_string(check_b)); \
  } while (false)

// An `Error` whose message holds PART.
#define CHECK_ERROR(ERROR, PART)                                                          \
  do {                                                                                    \
    const tfsp::tmc::Error check_error = (ERROR);                                         \
    check::Report(!check_error.ok() && check::Has(check_error.message(), PART), __FILE__, \
                  __LINE__, #ERROR " says: " + check_error.message());                    \
  } while (false)

#endif  // TFSP_TESTS_CC_CHECK_H_
