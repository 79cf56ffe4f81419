#include <cstring>

#include "tests/cc/check.h"

int main(int argc, char** argv) {
  int run = 0;
  for (const check::Case& one : check::Cases()) {
    bool wanted = argc < 2;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], one.name) == 0;
    if (!wanted) continue;
    const int before = check::Failures();
    one.run();
    ++run;
    if (check::Failures() > before) std::printf("FAILED %s\n", one.name);
  }
  std::printf("%d cases, %d failures\n", run, check::Failures());
  return run == 0 || check::Failures() > 0;
}
