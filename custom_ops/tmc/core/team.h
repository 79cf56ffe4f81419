// Threads that work together on one short call.
//
// A call of the collapsed density takes some 0.2 ms, and waking a sleeping thread takes 0.05 to
// 0.1 ms: a helper that is called when the parallel part begins comes too late to be of much use.
// So helpers are called first of all, while the calling thread still reads and checks its input;
// they take small chunks of work as they come, and wait awake for the next piece of work.
//
// The calling thread never waits for a helper to arrive, only for those that are inside a chunk: no
// deadlock on a pool that is busy, or from a thread of the pool itself. A helper that comes too
// late finds the state closed (it owns a share of it) and touches nothing else.
#ifndef TFSP_TMC_CORE_TEAM_H_
#define TFSP_TMC_CORE_TEAM_H_

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <thread>
#include <utility>

namespace tfsp::tmc {

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// What the threads of a team share.
class TeamState {
 public:
  TeamState() : caller_(std::this_thread::get_id()) { std::fegetenv(&environment_); }

  // Runs call(work, begin, end) on chunks of [0, total), on this thread and the helpers that are
  // there; when it returns nobody holds `work`. For the calling thread. What a chunk throws on any
  // thread is thrown here.
  void Run(int64_t total, int64_t chunk, const void* work,
           void (*call)(const void*, int64_t, int64_t)) {
    total_ = total;
    chunk_ = chunk;
    work_ = work;
    call_ = call;
    taken_.store(0, std::memory_order_relaxed);
    back_.store(0, std::memory_order_relaxed);
    open_.store(++number_, std::memory_order_release);
    TakeChunks(/*helper=*/false);
    // Either a helper that has entered shows in `inside_`, or it sees that the work is over: each
    // side writes its own variable before it reads the other's, all in one order.
    open_.store(0, std::memory_order_seq_cst);
    for (int i = 0; inside_.load(std::memory_order_seq_cst) > 0; ++i) {
      // A helper that lost its core needs one: on a loaded machine perhaps this one.
      i < kSpinsBeforeYield ? Pause() : std::this_thread::yield();
    }
    failed_.store(false, std::memory_order_relaxed);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  void Close() { open_.store(kClosed, std::memory_order_release); }

  // What a helper does. It gives up where work is long in coming, because the calling thread is
  // busy with something else or has no core.
  void Help() {
    // A full pool runs what it is given at once, on the thread that gives it.
    if (std::this_thread::get_id() != caller_) {
      // Denormals and rounding as on the calling thread: a result must not depend on who computes.
      std::fenv_t own;
      std::fegetenv(&own);
      std::fesetenv(&environment_);
      HelpAsTheCaller();
      std::fesetenv(&own);
    }
    invited_.fetch_sub(1, std::memory_order_relaxed);
  }

  // How many more helpers should be called, of `wanted`; counts them.
  int Invite(int wanted) {
    const int missing = wanted - invited_.load(std::memory_order_relaxed);
    if (missing > 0) invited_.fetch_add(missing, std::memory_order_relaxed);
    return std::max(0, missing);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int64_t kClosed = -1;
  static constexpr int kSpinsBeforeYield = 1000;  // some 20 us
  static constexpr std::chrono::microseconds kAwake{50}, kPatience{200};

  void HelpAsTheCaller() {
    int64_t done = 0;
    Clock::time_point idle_since = Clock::now();
    for (int i = 1;; ++i) {
      const int64_t open = open_.load(std::memory_order_acquire);
      if (open == kClosed) return;
      if (open > done) {
        inside_.fetch_add(1, std::memory_order_seq_cst);
        if (open_.load(std::memory_order_seq_cst) == open) TakeChunks(/*helper=*/true);
        inside_.fetch_sub(1, std::memory_order_release);
        done = open;
        idle_since = Clock::now();
      } else if (i % 16 != 0) {
        Pause();
      } else {
        const auto idle = Clock::now() - idle_since;
        if (idle > kPatience) return;
        if (idle > kAwake) std::this_thread::yield();
      }
    }
  }

  // The calling thread takes chunks from the front, helpers take them from the back: from call to
  // call the same memory stays in the same core's cache. Between cores that share none, which may
  // meet in one virtual machine, this gains some 4%.
  void TakeChunks(bool helper) {
    const int64_t chunks = (total_ + chunk_ - 1) / chunk_;
    int64_t front = 0;
    while (taken_.fetch_add(1, std::memory_order_relaxed) < chunks) {
      const int64_t number =
          helper ? chunks - 1 - back_.fetch_add(1, std::memory_order_relaxed) : front++;
      const int64_t begin = number * chunk_;
      try {
        call_(work_, begin, std::min(total_, begin + chunk_));
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
        taken_.store(chunks, std::memory_order_relaxed);
        return;
      }
    }
  }

  const std::thread::id caller_;
  std::fenv_t environment_;
  std::atomic<int> invited_{0};  // helpers called that have not left
  int64_t number_ = 0;           // of the last piece of work; the calling thread's own
  // Number of the piece of work that may be entered, 0 for none.
  alignas(64) std::atomic<int64_t> open_{0};
  // The piece of work. Written while nobody is inside, read inside.
  int64_t total_ = 0, chunk_ = 1;
  const void* work_ = nullptr;
  void (*call_)(const void*, int64_t, int64_t) = nullptr;
  std::exception_ptr error_;  // the first; written by who sets `failed_`
  std::atomic<bool> failed_{false};
  alignas(64) std::atomic<int64_t> taken_{0};  // chunks of it that are taken, or somewhat more
  std::atomic<int64_t> back_{0};               // those taken by helpers
  alignas(64) std::atomic<int> inside_{0};     // helpers that may touch the piece of work
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_TEAM_H_
