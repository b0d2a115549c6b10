#include "primitives/constant.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace octavo {

namespace {
constexpr size_t kCacheLine = 64;

std::shared_ptr<void> aligned_buffer(size_t bytes) {
  const size_t rounded = (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  void* pointer = std::aligned_alloc(kCacheLine, rounded ? rounded : kCacheLine);
  if (!pointer) throw std::bad_alloc();
  return std::shared_ptr<void>(pointer, std::free);
}
}  // namespace

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
