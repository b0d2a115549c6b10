#include "weights/constant.h"

#include <cstring>

#include "weights/aligned_buffer.h"
#include "weights/weight_memory.h"

namespace octavo {

namespace {
void multiply_runs(float* elements, size_t count, const std::vector<float>& factors) {
  const size_t run = count / factors.size();
  for (size_t i = 0; i < factors.size(); i++)
    for (size_t k = 0; k < run; k++) elements[i * run + k] *= factors[i];
}
}  // namespace

Constant::Constant(TensorDesc desc, const void* data) : desc_(std::move(desc)) {
  const auto copy = aligned_buffer(desc_.span_bytes());
  // Of an empty tensor there may be no pointer.
  if (desc_.span_bytes() > 0) std::memcpy(copy.get(), data, desc_.span_bytes());
  kept_ = copy;
}

Constant::Constant(TensorDesc desc, StoredElements elements, std::map<std::string, StoredForm> stored)
    : desc_(std::move(desc)), elements_(std::move(elements)), stored_(std::move(stored)) {}

std::shared_ptr<const void> Constant::data() {
  if (kept_) return kept_;
  const std::lock_guard<std::mutex> lock(data_mutex_);
  if (auto held = read_.lock()) return held;
  const auto buffer = aligned_buffer(desc_.span_bytes());
  const auto& [file, position, checksum, factors] = *elements_;
  file->read(position, buffer.get(), desc_.span_bytes(), checksum ? &*checksum : nullptr);
  for (const auto& list : factors)
    multiply_runs(static_cast<float*>(buffer.get()), desc_.span_bytes() / sizeof(float), list);
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
    elements_->file->read(stored->second.position, data.get(), form.bytes);
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
