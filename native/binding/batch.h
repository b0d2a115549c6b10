// Requests that are computed together, and the plans that compute so many samples of them.
#pragma once

#include <napi.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "binding/request.h"
#include "binding/run_statistics.h"
#include "plan/batch.h"

namespace octavo::binding {

// How so many samples are computed: by a plan, which runs for each of `parts` parts of them.
struct BatchPlan {
  std::shared_ptr<CompiledPlan> plan;
  size_t parts = 1;
};

class PlannedBatch : public Batch {
 public:
  using Batch::Batch;

  bool computes(size_t samples) const override;
  size_t largest() const override;
  void add(size_t samples, BatchPlan plan);
  // Lets the plans go: requests that wait are computed one by one.
  void clear();
  // Computes the requests together, in memory of the stream. Throws if there is no plan for so many samples.
  RunTiming run(const std::vector<const Request*>& requests, size_t samples, Stream& stream,
                const std::atomic<bool>& aborting) const;
  // The threads that `run` computes on.
  size_t threads(size_t samples) const;

 private:
  BatchPlan plan_for(size_t samples) const;

  mutable std::mutex mutex_;
  std::map<size_t, BatchPlan> plans_;  // by samples
};

// batch({ most, enough, delayMicroseconds }): a NativeBatch.
Napi::Value new_batch(const Napi::CallbackInfo& info);
// addBatchPlan(batch, samples, plan, parts)
void add_batch_plan(const Napi::CallbackInfo& info);
// releaseBatch(batch): it has no plans any more.
void release_batch(const Napi::CallbackInfo& info);
// The batch behind a NativeBatch; null for undefined. Throws std::invalid_argument for anything else.
std::shared_ptr<PlannedBatch> unwrap_batch(const Napi::Value& value);

}  // namespace octavo::binding
