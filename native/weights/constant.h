// A weight, and every form that primitives have asked of it: packed once, shared by plans and streams. What
// it was made of stays in memory only where there is no file to read it from again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tensor/tensor_desc.h"
#include "weights/packed_form.h"
#include "weights/weight_file.h"

namespace octavo {

// Where in a file a packed form is, made by packing() as it is here.
struct StoredForm {
  size_t position;
  size_t bytes;
};

class Constant {
 public:
  // A form that a primitive has asked for.
  struct Held {
    PackedForm form;
    std::shared_ptr<void> data;
    bool is_from_file;
  };

  // Copies desc.span_bytes() bytes, and keeps them.
  Constant(TensorDesc desc, const void* data);
  // Reads as many from the file, at `position`, whenever they are asked for and nobody has them. `stored`:
  // the packed forms that are in the file, too, by their keys.
  Constant(TensorDesc desc, std::shared_ptr<const WeightFile> file, size_t position,
           std::map<std::string, StoredForm> stored);

  const TensorDesc& desc() const { return desc_; }
  // The elements, row-major. They may be read as long as the pointer is held: a step that works on them in
  // this form holds it, one that packs them lets go. Safe from several threads. Throws std::runtime_error
  // where the file cannot be read.
  std::shared_ptr<const void> data();

  // The form, read from the file where it is there and takes as many bytes, or else made by `make`, the first
  // time anyone asks. Safe from several threads. Throws as data() does.
  std::shared_ptr<void> packed(const PackedForm& form, const std::function<void(void* into)>& make);
  // All of them. Safe from several threads.
  std::vector<Held> forms();

  // Another constant that follows from this one, made the first time anyone asks. Safe from several threads.
  std::shared_ptr<Constant> derived(const std::string& key,
                                    const std::function<std::shared_ptr<Constant>()>& make);

 private:
  TensorDesc desc_;
  std::shared_ptr<const void> kept_;
  std::shared_ptr<const WeightFile> file_;
  size_t position_ = 0;
  const std::map<std::string, StoredForm> stored_;
  std::mutex data_mutex_;
  std::weak_ptr<const void> read_;
  std::mutex mutex_;
  std::map<std::string, Held> packed_;
  std::map<std::string, std::shared_ptr<Constant>> derived_;
};

}  // namespace octavo
