// What a check of the core found: nothing, or a message that names the argument and its value.
#ifndef TFSP_TMC_CORE_ERROR_H_
#define TFSP_TMC_CORE_ERROR_H_

#include <string>
#include <utility>

namespace tfsp::tmc {

// Nobody may overlook one: a result that is dropped is a warning of the compiler.
class [[nodiscard]] Error {
 public:
  Error() = default;                                            // nothing wrong
  Error(std::string message) : message_(std::move(message)) {}  // NOLINT: `return "..." + x;`
  Error(const char* message) : message_(message) {}             // NOLINT

  bool ok() const { return message_.empty(); }
  const std::string& message() const { return message_; }

 private:
  std::string message_;  // "" where nothing is wrong
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_ERROR_H_
