#include "binding/batch.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include "binding/convert.h"

namespace octavo::binding {

namespace {
constexpr napi_type_tag kBatchTag = {0x6f6374617662a7c4, 0x8c1be1a94f3d5e27};
using BatchHandle = std::shared_ptr<PlannedBatch>;

size_t bytes_of(const Request& request, const TensorDesc& desc) { return request.parts * desc.span_bytes(); }

const TensorDesc& desc_of(const Plan& plan, size_t index) {
  return index < plan.inputs.size() ? plan.inputs[index] : plan.outputs[index - plan.inputs.size()];
}

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

// The bytes of all requests' tensors number `index`, which must be what the batch's plan takes.
size_t gathered_bytes(const std::vector<const Request*>& requests, const BatchPlan& batch, size_t index) {
  size_t bytes = 0;
  for (const Request* request : requests) bytes += bytes_of(*request, desc_of(*request->plan->plan, index));
  const size_t expected = batch.parts * desc_of(*batch.plan->plan, index).span_bytes();
  if (bytes != expected)
    throw std::logic_error("run: the requests of a batch hold " + std::to_string(bytes) +
                           " bytes, its plan takes " + std::to_string(expected));
  return bytes;
}
}  // namespace

bool PlannedBatch::computes(size_t samples) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return plans_.count(samples) > 0;
}

size_t PlannedBatch::largest() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return plans_.empty() ? 0 : plans_.rbegin()->first;
}

void PlannedBatch::add(size_t samples, BatchPlan plan) {
  const std::lock_guard<std::mutex> lock(mutex_);
  plans_[samples] = std::move(plan);
}

void PlannedBatch::clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  plans_.clear();
}

BatchPlan PlannedBatch::plan_for(size_t samples) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = plans_.find(samples);
  if (found == plans_.end()) throw std::runtime_error("run: the plan of this batch was released");
  return found->second;
}

size_t PlannedBatch::threads(size_t samples) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = plans_.find(samples);
  return found == plans_.end() ? 1 : found->second.plan->plan->threads * found->second.plan->plan->lanes;
}

RunTiming PlannedBatch::run(const std::vector<const Request*>& requests, size_t samples, Stream& stream,
                            const std::atomic<bool>& aborting) const {
  RunTiming timing{Clock::now()};
  const BatchPlan batch = plan_for(samples);
  if (batch.plan->owner != requests.front()->plan->owner)
    throw std::logic_error("run: the plan of this batch was not compiled by this executor");
  const Plan& plan = *batch.plan->plan;
  const size_t inputs = plan.inputs.size(), count = inputs + plan.outputs.size();
  std::vector<size_t> sizes;
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    sizes.push_back(gathered_bytes(requests, batch, i));
    total += aligned(sizes.back());
  }
  auto* at = static_cast<char*>(stream.gathered.reserve(total));
  std::vector<void*> buffers;
  for (const size_t bytes : sizes) {
    buffers.push_back(at);
    at += aligned(bytes);
  }
  const auto for_each_piece = [&](size_t first, size_t last, const auto& copy) {
    for (size_t i = first; i < last; i++) {
      auto* piece = static_cast<char*>(buffers[i]);
      for (const Request* request : requests) {
        const size_t bytes = bytes_of(*request, desc_of(*request->plan->plan, i));
        copy(piece, request->buffers[i], bytes);
        piece += bytes;
      }
    }
  };
  for_each_piece(0, inputs,
                 [](char* piece, const void* from, size_t bytes) { std::memcpy(piece, from, bytes); });
  const auto gathered = Clock::now();
  batch.plan->by_stream[stream.index]->run(batch.parts, buffers.data(), buffers.data() + inputs, stream,
                                           aborting);
  const auto computed = Clock::now();
  for_each_piece(inputs, count,
                 [](const char* piece, void* to, size_t bytes) { std::memcpy(to, piece, bytes); });
  timing.input = gathered - timing.started;
  timing.infer = computed - gathered;
  timing.output = Clock::now() - computed;
  return timing;
}

Napi::Value new_batch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const auto options = info[0].IsObject() ? info[0].As<Napi::Object>() : Napi::Object::New(env);
    const std::chrono::microseconds delay(
        to_size(options.Get("delayMicroseconds"), "batch: delayMicroseconds"));
    auto batch = std::make_shared<PlannedBatch>(to_size(options.Get("most"), "batch: most"),
                                                to_size(options.Get("enough"), "batch: enough"), delay);
    auto object = Napi::Object::New(env);
    object.TypeTag(&kBatchTag);
    object.Set("handle",
               Napi::External<BatchHandle>::New(env, new BatchHandle(std::move(batch)),
                                                [](Napi::Env, BatchHandle* handle) { delete handle; }));
    object.Freeze();
    return object;
  });
}

std::shared_ptr<PlannedBatch> unwrap_batch(const Napi::Value& value) {
  if (value.IsUndefined()) return nullptr;
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&kBatchTag))
    throw std::invalid_argument("expected a batch");
  return *value.As<Napi::Object>().Get("handle").As<Napi::External<BatchHandle>>().Data();
}

void add_batch_plan(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    const auto batch = unwrap_batch(info[0]);
    auto plan = unwrap_plan(info[2]);
    if (!batch || !plan) throw std::invalid_argument("addBatchPlan: expected a batch and a plan");
    batch->add(to_size(info[1], "addBatchPlan: samples"),
               {std::move(plan), to_size(info[3], "addBatchPlan: parts")});
  });
}

void release_batch(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    if (const auto batch = unwrap_batch(info[0])) batch->clear();
  });
}

}  // namespace octavo::binding
