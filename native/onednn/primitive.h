// One compiled oneDNN primitive with its memory objects: made once, bound to buffers and executed any number
// of times.
#pragma once

#include <unordered_map>

#include "onednn/api.h"
#include "onednn/implementation.h"
#include "tensor/tensor_desc.h"

namespace octavo::onednn {

// The process's CPU engine. It holds no state of a model.
const dnnl::engine& engine();
// The calling thread's stream.
dnnl::stream& stream();

dnnl::memory::data_type to_onednn(DType dtype);
dnnl::memory::desc to_onednn(const TensorDesc& desc);
// A plain strided description with another element type, or any description with its own.
dnnl::memory::desc with_type(const dnnl::memory::desc& desc, dnnl::memory::data_type type);

class Primitive {
 public:
  // `implementation` names the primitive descriptor, `scratchpad` is its scratchpad_desc() (made with
  // scratchpad_mode::user).
  Primitive(dnnl::primitive primitive, Implementation implementation, const dnnl::memory::desc& scratchpad);

  // Declares an argument whose buffer is set by bind().
  void add(int argument, const dnnl::memory::desc& desc);
  // Declares an argument that is the same for all runs.
  void add(int argument, dnnl::memory memory);

  void bind(int argument, const void* data);
  void execute(void* scratchpad);

  const Implementation& implementation() const { return implementation_; }
  size_t scratchpad_bytes() const { return scratchpad_bytes_; }

 private:
  dnnl::primitive primitive_;
  Implementation implementation_;
  size_t scratchpad_bytes_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

// The attributes of every primitive: the caller provides the scratchpad.
dnnl::primitive_attr base_attributes();

}  // namespace octavo::onednn
