#include "primitives/constant.h"

#include <cstring>

#include "primitives/aligned_buffer.h"

namespace octavo {

Constant::Constant(TensorDesc desc, const void* data)
    : desc_(std::move(desc)), data_(aligned_buffer(desc_.span_bytes())) {
  std::memcpy(data_.get(), data, desc_.span_bytes());
}

std::shared_ptr<void> Constant::packed(const std::string& key,
                                       const std::function<std::shared_ptr<void>()>& make) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& form = packed_[key];
  if (!form) form = make();
  return form;
}

}  // namespace octavo
