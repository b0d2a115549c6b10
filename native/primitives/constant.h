// A weight held natively, and every layout primitives have asked of it: packed once, shared by plans and
// streams.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "tensor/tensor_desc.h"

namespace octavo {

class Constant {
 public:
  // Copies desc.span_bytes() bytes.
  Constant(TensorDesc desc, const void* data);

  const TensorDesc& desc() const { return desc_; }
  const void* data() const { return data_.get(); }

  // The form stored under `key`, made by `make` the first time anyone asks. Safe from several threads.
  std::shared_ptr<void> packed(const std::string& key, const std::function<std::shared_ptr<void>()>& make);

 private:
  TensorDesc desc_;
  std::shared_ptr<void> data_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<void>> packed_;
};

}  // namespace octavo
