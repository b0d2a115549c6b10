#include "binding/run_statistics.h"

namespace octavo::binding {

void RunStatistics::Durations::add(const RunTiming& timing) {
  count++;
  input += timing.input;
  infer += timing.infer;
  output += timing.output;
}

void RunStatistics::computed(const RunTiming& timing, Clock::duration queued, size_t samples, size_t together,
                             bool leads) {
  samples_ += samples;
  queued_ += queued;
  requests_.add(timing);
  if (!leads) return;
  executions_++;
  if (together <= kLargestTold) batches_[together].add(timing);
}

Napi::Object RunStatistics::to_object(Napi::Env env) const {
  const auto number = [&](auto value) { return Napi::Number::New(env, static_cast<double>(value)); };
  const auto put = [&](Napi::Object& object, const Durations& durations) {
    object.Set("input", nanoseconds(durations.input));
    object.Set("infer", nanoseconds(durations.infer));
    object.Set("output", nanoseconds(durations.output));
  };
  auto batches = Napi::Array::New(env, batches_.size());
  uint32_t next = 0;
  for (const auto& [samples, durations] : batches_) {
    auto batch = Napi::Object::New(env);
    batch.Set("samples", number(samples));
    batch.Set("executions", number(durations.count));
    put(batch, durations);
    batches.Set(next++, batch);
  }
  auto object = Napi::Object::New(env);
  object.Set("samples", number(samples_));
  object.Set("executions", number(executions_));
  object.Set("queue", nanoseconds(queued_));
  put(object, requests_);
  object.Set("batches", batches);
  object.Set("running", number(begun_.load(std::memory_order_relaxed) - settled_));
  return object;
}

}  // namespace octavo::binding
