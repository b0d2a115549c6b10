#include "weights/constant.h"

#include <cstring>

#include "weights/aligned_buffer.h"
#include "weights/weight_memory.h"

namespace octavo {

Constant::Constant(TensorDesc desc, const void* data) : desc_(std::move(desc)) {
  const auto copy = aligned_buffer(desc_.span_bytes());
  std::memcpy(copy.get(), data, desc_.span_bytes());
  kept_ = copy;
}

Constant::Constant(TensorDesc desc, std::shared_ptr<const WeightFile> file, size_t position,
                   std::map<std::string, StoredForm> stored)
    : desc_(std::move(desc)), file_(std::move(file)), position_(position), stored_(std::move(stored)) {}

std::shared_ptr<const void> Constant::data() {
  if (kept_) return kept_;
  const std::lock_guard<std::mutex> lock(data_mutex_);
  if (auto held = read_.lock()) return held;
  const auto buffer = aligned_buffer(desc_.span_bytes());
  file_->read(position_, buffer.get(), desc_.span_bytes());
  read_ = buffer;
  return buffer;
}

std::shared_ptr<void> Constant::packed(const PackedForm& form, const std::function<void(void* into)>& make) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const auto held = packed_.find(form.key); held != packed_.end()) return held->second.data;
  auto data = weight_memory(form.bytes);
  const auto stored = stored_.find(form.key);
  const bool is_from_file = form.is_lasting && stored != stored_.end() && stored->second.bytes == form.bytes;
  if (is_from_file)
    file_->read(stored->second.position, data.get(), form.bytes);
  else
    make(data.get());
  packed_.emplace(form.key, Held{form, data, is_from_file});
  return data;
}

std::vector<Constant::Held> Constant::forms() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<Held> all;
  for (const auto& [key, held] : packed_) all.push_back(held);
  return all;
}

std::shared_ptr<Constant> Constant::derived(const std::string& key,
                                            const std::function<std::shared_ptr<Constant>()>& make) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& constant = derived_[key];
  if (!constant) constant = make();
  return constant;
}

}  // namespace octavo
