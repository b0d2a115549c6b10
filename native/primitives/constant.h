// A weight, and every layout primitives have asked of it: packed once, shared by plans and streams. What it
// was made of stays in memory only where there is no file to read it from again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "primitives/weight_file.h"
#include "tensor/tensor_desc.h"

namespace octavo {

class Constant {
 public:
  // Copies desc.span_bytes() bytes, and keeps them.
  Constant(TensorDesc desc, const void* data);
  // Reads as many from the file, at `position`, whenever they are asked for and nobody has them.
  Constant(TensorDesc desc, std::shared_ptr<const WeightFile> file, size_t position);

  const TensorDesc& desc() const { return desc_; }
  // The elements, row-major. They may be read as long as the pointer is held: a step that works on them in
  // this form holds it, one that packs them lets go. Safe from several threads. Throws std::runtime_error
  // where the file cannot be read.
  std::shared_ptr<const void> data();

  // The form stored under `key`, made by `make` the first time anyone asks. Safe from several threads.
  std::shared_ptr<void> packed(const std::string& key, const std::function<std::shared_ptr<void>()>& make);

 private:
  TensorDesc desc_;
  std::shared_ptr<const void> kept_;
  std::shared_ptr<const WeightFile> file_;
  size_t position_ = 0;
  std::mutex data_mutex_;
  std::weak_ptr<const void> read_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<void>> packed_;
};

}  // namespace octavo
