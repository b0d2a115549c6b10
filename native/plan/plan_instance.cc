#include "plan/plan_instance.h"

#include <omp.h>

#include <algorithm>
#include <chrono>

#include "contract/failure.h"
#include "plan/step_creation.h"

namespace octavo {

namespace {
constexpr size_t kCacheLine = 64;
size_t round_up(size_t bytes) { return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine; }
}  // namespace

PlanInstance::PlanInstance(std::shared_ptr<const Plan> plan, const std::atomic<bool>& abort)
    : plan_(std::move(plan)) {
  use_threads();
  auto made = create_steps(*plan_, abort);
  bound_.reserve(made.size());
  for (size_t at = 0; at < made.size(); at++) {
    const auto& step = plan_->steps[at];
    bound_.push_back({std::move(made[at]), std::vector<const void*>(step.inputs.size(), nullptr),
                      std::vector<void*>(step.outputs.size(), nullptr)});
    auto& bound = bound_.back();
    scratchpad_bytes_ = std::max(scratchpad_bytes_, bound.step->scratchpad_bytes());
    const auto note = [&](size_t value, void** pointer) {
      const auto& storage = plan_->values[value].storage;
      if (storage.kind == Storage::Kind::input || storage.kind == Storage::Kind::output)
        caller_slots_.push_back({storage, pointer});
    };
    for (size_t i = 0; i < step.inputs.size(); i++)
      note(step.inputs[i], const_cast<void**>(&bound.inputs[i]));
    for (size_t i = 0; i < step.outputs.size(); i++) note(step.outputs[i], &bound.outputs[i]);
  }
  scratchpad_offset_ = round_up(plan_->arena_bytes);
}

void PlanInstance::bind_arena(uint8_t* base) {
  for (size_t i = 0; i < bound_.size(); i++) {
    const auto& step = plan_->steps[i];
    const auto in_arena = [&](size_t value) {
      return plan_->values[value].storage.kind == Storage::Kind::arena;
    };
    for (size_t j = 0; j < step.inputs.size(); j++)
      if (in_arena(step.inputs[j])) bound_[i].inputs[j] = base + plan_->values[step.inputs[j]].storage.offset;
    for (size_t j = 0; j < step.outputs.size(); j++)
      if (in_arena(step.outputs[j]))
        bound_[i].outputs[j] = base + plan_->values[step.outputs[j]].storage.offset;
  }
  scratchpad_ = base + scratchpad_offset_;
  arena_base_ = base;
}

// Sets the count for this thread alone. oneDNN divides the work by it both when it creates a primitive
// and when it runs it.
void PlanInstance::use_threads() const { omp_set_num_threads(static_cast<int>(plan_->threads)); }

void PlanInstance::bind(void* const* inputs, void* const* outputs, Arena& arena) {
  use_threads();
  void* base = arena.reserve(scratchpad_offset_ + scratchpad_bytes_);
  if (base != arena_base_) bind_arena(static_cast<uint8_t*>(base));
  for (const auto& slot : caller_slots_) {
    const auto& storage = slot.storage;
    void* buffer = (storage.kind == Storage::Kind::input ? inputs : outputs)[storage.index];
    *slot.pointer = static_cast<uint8_t*>(buffer) + storage.offset;
  }
}

template <typename Around>
void PlanInstance::execute(const std::atomic<bool>& abort, Around around) {
  size_t at = 0;
  try {
    for (; at < bound_.size(); at++) {
      if (abort.load(std::memory_order_relaxed)) throw Aborted();
      auto& bound = bound_[at];
      around(at, [&] { bound.step->execute({bound.inputs.data(), bound.outputs.data(), scratchpad_}); });
    }
  } catch (const Aborted&) {
    throw;
  } catch (const std::exception& error) {
    throw Failure(cause_in_run(error), describe(plan_->steps[at].spec) + ": " + error_message(error));
  }
}

void PlanInstance::run(void* const* inputs, void* const* outputs, Arena& arena,
                       const std::atomic<bool>& abort) {
  bind(inputs, outputs, arena);
  execute(abort, [](size_t, const auto& step) { step(); });
}

void PlanInstance::profile(void* const* inputs, void* const* outputs, Arena& arena,
                           const std::atomic<bool>& abort, double* times) {
  bind(inputs, outputs, arena);
  execute(abort, [&](size_t index, const auto& step) {
    using Nanoseconds = std::chrono::duration<double, std::nano>;
    const auto start = std::chrono::steady_clock::now();
    step();
    const auto end = std::chrono::steady_clock::now();
    times[2 * index] = Nanoseconds(start.time_since_epoch()).count();
    times[2 * index + 1] = Nanoseconds(end - start).count();
  });
}

}  // namespace octavo
