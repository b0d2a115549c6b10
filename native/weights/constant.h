// A weight, and every form that primitives have asked of it: packed once, shared by plans and streams.
// The plain elements stay in memory only if there is no file to read them from again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor_desc.h"
#include "weights/packed_form.h"
#include "weights/weight_file.h"

namespace octavo {

// Where in a file a constant's elements are.
struct StoredElements {
  std::shared_ptr<const WeightFile> file;
  size_t position;
  // What the bytes have to be, if that is known.
  std::optional<Checksum> checksum;
  // One list after the other: each of as many equal runs of float32 elements is multiplied by one of its
  // factors when it is read. A batch norm that was folded into a layer is such a list.
  std::vector<std::vector<float>> factors;
};

// Where in a file a packed form is stored. Its packing() equals the one of this process.
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
  // Reads desc.span_bytes() bytes from the file whenever the elements are requested and no step holds them.
  // `stored`: the packed forms that are in the file as well, by their keys.
  Constant(TensorDesc desc, StoredElements elements, std::map<std::string, StoredForm> stored);

  const TensorDesc& desc() const { return desc_; }
  // Null if they are in memory.
  const StoredElements* elements_in_file() const { return elements_ ? &*elements_ : nullptr; }
  // The elements, row-major. They may be read as long as the pointer is held: a step that computes on
  // this form holds it, one that packs the elements releases it. Safe from several threads. Throws
  // std::runtime_error if the file cannot be read.
  std::shared_ptr<const void> data();

  // The form. The first call reads it from the file if it is there with the same size, and otherwise
  // calls `make`. Safe from several threads. Throws as data() does.
  std::shared_ptr<void> packed(const PackedForm& form, const std::function<void(void* into)>& make);
  // All packed forms. Safe from several threads.
  std::vector<Held> forms();

  // Another constant that follows from this one, made by the first call. Safe from several threads.
  std::shared_ptr<Constant> derived(const std::string& key,
                                    const std::function<std::shared_ptr<Constant>()>& make);

 private:
  TensorDesc desc_;
  std::shared_ptr<const void> kept_;
  const std::optional<StoredElements> elements_;
  const std::map<std::string, StoredForm> stored_;
  std::mutex data_mutex_;
  std::weak_ptr<const void> read_;
  std::mutex mutex_;
  std::map<std::string, Held> packed_;
  std::map<std::string, std::shared_ptr<Constant>> derived_;
};

}  // namespace octavo
