#include "primitives/constant.h"

#include <cstring>

#include "primitives/aligned_buffer.h"

namespace octavo {

Constant::Constant(TensorDesc desc, const void* data) : desc_(std::move(desc)) {
  const auto copy = aligned_buffer(desc_.span_bytes());
  std::memcpy(copy.get(), data, desc_.span_bytes());
  kept_ = copy;
}

Constant::Constant(TensorDesc desc, std::shared_ptr<const WeightFile> file, size_t position)
    : desc_(std::move(desc)), file_(std::move(file)), position_(position) {}

std::shared_ptr<const void> Constant::data() {
  if (kept_) return kept_;
  const std::lock_guard<std::mutex> lock(data_mutex_);
  if (auto held = read_.lock()) return held;
  const auto buffer = aligned_buffer(desc_.span_bytes());
  file_->read(position_, buffer.get(), desc_.span_bytes());
  read_ = buffer;
  return buffer;
}

std::shared_ptr<void> Constant::packed(const std::string& key,
                                       const std::function<std::shared_ptr<void>()>& make) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& form = packed_[key];
  if (!form) form = make();
  return form;
}

}  // namespace octavo
