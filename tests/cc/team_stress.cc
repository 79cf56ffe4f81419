// Teams of threads, thousands of them, with helpers that come early, late and never; the work lives
// on the stack of the call, so that a helper which touches it too late is found out. Meant for
// sanitizers:
//   g++ -std=c++17 -O1 -g -I. -fsanitize=thread tests/cc/team_stress.cc -o team_stress
//       -pthread && ./team_stress 2000
// and the same with -fsanitize=address,undefined.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "custom_ops/tmc/core/random.h"
#include "custom_ops/tmc/core/team.h"

using tfsp::tmc::Random;
using tfsp::tmc::TeamState;

namespace {

void Fail(const char* what) {
  std::printf("%s\n", what);
  std::abort();
}

// A plain thread pool.
class Pool {
 public:
  explicit Pool(int num_threads) {
    for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void Schedule(std::function<void()> task) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }

 private:
  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  bool over_ = false;
};

void Dawdle(int64_t loops) {
  volatile int64_t sum = 0;
  for (int64_t i = 0; i < loops; ++i) sum = sum + i;
}

// One call: a few pieces of work, each of which must do every unit once.
void Call(Pool* pool, Random* random, bool inline_pool) {
  const auto below = [random](int n) { return static_cast<int>(random->Uniform() * n); };
  const int wanted = 1 + below(3);
  auto state = std::make_shared<TeamState>();
  const auto invite = [&] {
    for (int i = state->Invite(wanted); i > 0; --i) {
      if (inline_pool) {
        state->Help();  // a full pool
      } else {
        pool->Schedule([state] { state->Help(); });
      }
    }
  };
  if (below(4) > 0) invite();
  Dawdle(below(8) == 0 ? 1000000 : below(20000));  // sometimes beyond the helpers' patience
  const int pieces = below(5);
  for (int piece = 0; piece < pieces; ++piece) {
    const int total = 1 + below(200), chunk = 1 + below(20);
    const int bad = below(6) == 0 ? below(total) : -1;  // this unit throws
    std::vector<int> done(total, 0);
    const int64_t slow = below(2000);
    const auto work = [&](int64_t begin, int64_t end) {
      if (begin % chunk != 0 || end > total || end <= begin) Fail("a wrong range");
      for (int64_t i = begin; i < end; ++i) {
        if (i == bad) throw std::bad_alloc();
        ++done[i];
      }
      Dawdle(slow);
    };
    invite();
    bool caught = false;
    try {
      state->Run(total, chunk, &work, [](const void* w, int64_t begin, int64_t end) {
        (*static_cast<decltype(work)*>(w))(begin, end);
      });
    } catch (const std::bad_alloc&) {
      caught = true;
    }
    if (caught != (bad >= 0)) Fail("an exception was lost, or came from nowhere");
    for (int i = 0; i < total && !caught; ++i) {
      if (done[i] != 1) Fail("a unit was not done once");
    }
    Dawdle(below(5000));
  }
  state->Close();
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
  Pool pool(3), crowded(1);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      Random random(i, 7);
      for (int round = 0; round < rounds; ++round) {
        Call(i < 2 ? &pool : &crowded, &random, /*inline_pool=*/round % 50 == 0);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  // From inside the pool: every thread is a caller, and none is left to help.
  for (int i = 0; i < 12; ++i) {
    pool.Schedule([&pool, i, rounds] {
      Random random(i, 8);
      for (int round = 0; round < rounds / 10; ++round) Call(&pool, &random, false);
    });
  }
  std::printf("%d calls on each of %zu threads\n", rounds, callers.size());
}
