// The threads of TensorFlow that work on one call of an op (see core/team.h).
#ifndef TFSP_TMC_TEAM_H_
#define TFSP_TMC_TEAM_H_

#include <algorithm>
#include <cstdint>
#include <memory>

#include "custom_ops/tmc/core/team.h"
#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/core/threadpool.h"
#include "tensorflow/core/util/work_sharder.h"

namespace tfsp::tmc {

// The calling thread and its helpers, from the construction to the end of the call.
class Team {
 public:
  // Calls helpers for a call that would take `nanoseconds` on one thread, roughly: none for a short
  // one.
  Team(tensorflow::OpKernelContext* ctx, double nanoseconds) {
    const auto* threads = ctx->device()->tensorflow_cpu_worker_threads();
    if (threads == nullptr || threads->workers == nullptr) return;
    const int most = std::min(threads->num_threads, tensorflow::GetPerThreadMaxParallelism()) - 1;
    num_helpers_ = static_cast<int>(std::min<double>(most, nanoseconds / kWorthAHelper));
    if (num_helpers_ < 1) return;
    pool_ = threads->workers;
    state_ = std::make_shared<TeamState>();
    CallHelpers();
  }
  ~Team() { Dismiss(); }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Runs work(begin, end) on ranges that make up [0, total), each but the last of `chunk` units, or
  // on the whole at once. Returns when all is done; throws what a range has thrown.
  template <typename Work>
  void Run(int64_t total, int64_t chunk, const Work& work) {
    if (total <= 0) return;
    if (state_ == nullptr || total <= chunk) {
      work(int64_t{0}, total);
      return;
    }
    CallHelpers();  // those that gave up in the meantime
    state_->Run(total, chunk, &work, [](const void* w, int64_t begin, int64_t end) {
      (*static_cast<const Work*>(w))(begin, end);
    });
  }

  // Lets the helpers go: nothing more is shared out. `Run` is serial after this.
  void Dismiss() {
    if (state_ != nullptr) state_->Close();
    state_.reset();
  }

 private:
  static constexpr double kWorthAHelper = 50e3;

  void CallHelpers() {
    for (int i = state_->Invite(num_helpers_); i > 0; --i) {
      pool_->Schedule([state = state_] { state->Help(); });
    }
  }

  int num_helpers_ = 0;
  tensorflow::thread::ThreadPool* pool_ = nullptr;
  std::shared_ptr<TeamState> state_;
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_TEAM_H_
