#include "plan/stream_plan.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

namespace octavo {

namespace {
// Pointers to part `index` of each tensor.
std::vector<void*> part_of(void* const* buffers, const std::vector<TensorDesc>& descs, size_t index) {
  std::vector<void*> parts;
  parts.reserve(descs.size());
  for (size_t i = 0; i < descs.size(); i++)
    parts.push_back(static_cast<char*>(buffers[i]) + index * descs[i].span_bytes());
  return parts;
}

// The first error, kept until the threads have met again.
class FirstError {
 public:
  void keep(std::exception_ptr error) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::move(error);
    happened_ = true;
  }
  bool happened() const { return happened_; }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::atomic<bool> happened_{false};
};
}  // namespace

StreamPlan::StreamPlan(const std::shared_ptr<const Plan>& plan, const std::atomic<bool>& abort)
    : plan_(plan) {
  while (instances_.size() < plan->lanes) instances_.push_back(std::make_unique<PlanInstance>(plan, abort));
}

template <typename RunPart>
void StreamPlan::for_each_part(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
                               const RunPart& run_part) {
  if (stream.arenas.size() < instances_.size()) stream.arenas.resize(instances_.size());
  FirstError error;
  std::atomic<size_t> next{0};
  stream.lanes.run(std::min(instances_.size(), parts), [&](size_t lane) {
    while (!error.happened()) {
      const size_t part = next++;
      if (part >= parts) return;
      try {
        run_part(part, lane, part_of(inputs, plan_->inputs, part).data(),
                 part_of(outputs, plan_->outputs, part).data());
      } catch (...) {
        error.keep(std::current_exception());
      }
    }
  });
  error.rethrow();
}

void StreamPlan::run(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
                     const std::atomic<bool>& abort) {
  for_each_part(parts, inputs, outputs, stream, [&](size_t, size_t lane, void* const* from, void* const* to) {
    instances_[lane]->run(from, to, stream.arenas[lane], abort);
  });
}

void StreamPlan::profile(size_t parts, void* const* inputs, void* const* outputs, Stream& stream,
                         const std::atomic<bool>& abort, double* times) {
  for_each_part(parts, inputs, outputs, stream,
                [&](size_t part, size_t lane, void* const* from, void* const* to) {
                  double* of_part = times + part * times_per_part(*plan_);
                  of_part[0] = static_cast<double>(lane);
                  instances_[lane]->profile(from, to, stream.arenas[lane], abort, of_part + 1);
                });
}

}  // namespace octavo
