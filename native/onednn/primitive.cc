#include "onednn/primitive.h"

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

namespace octavo::onednn {

const dnnl::engine& engine() {
  // Never destroyed: worker threads may still run while the process destroys its statics.
  static const auto* instance = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance(engine());
  return instance;
}

dnnl::memory::data_type to_onednn(DType dtype) {
  using dt = dnnl::memory::data_type;
  switch (dtype) {
    case DType::f32:
      return dt::f32;
    case DType::f16:
      return dt::f16;
    case DType::bf16:
      return dt::bf16;
    case DType::u8:
      return dt::u8;
    case DType::s8:
      return dt::s8;
    case DType::s32:
      return dt::s32;
    default:
      throw std::invalid_argument(std::string("oneDNN does not compute in ") + dtype_name(dtype));
  }
}

dnnl::memory::desc to_onednn(const TensorDesc& desc) {
  // oneDNN has no 0-dimensional tensors: a scalar becomes a vector of one element.
  if (desc.shape.empty()) return {{1}, to_onednn(desc.dtype), dnnl::memory::dims{1}};
  // It takes longer extents, and then divides by what is left of them in 32 bits: by 0, say.
  constexpr int64_t kLongest = std::numeric_limits<int32_t>::max();
  for (const int64_t extent : desc.shape)
    if (extent > kLongest)
      throw std::invalid_argument(desc.to_string() + " has an extent of more than " +
                                  std::to_string(kLongest) + ", and oneDNN counts in 32 bits");
  return {desc.shape, to_onednn(desc.dtype), desc.strides};
}

dnnl::memory::desc with_type(const dnnl::memory::desc& desc, dnnl::memory::data_type type) {
#if OCTAVO_ONEDNN_3
  if (desc.get_data_type() == type) return desc;
  return {desc.get_dims(), type, desc.get_strides()};
#else
  if (desc.data_type() == type) return desc;
  const auto* strides = desc.data.format_desc.blocking.strides;
  return {desc.dims(), type, dnnl::memory::dims(strides, strides + desc.data.ndims)};
#endif
}

Primitive::Primitive(dnnl::primitive primitive, Implementation implementation,
                     const dnnl::memory::desc& scratchpad)
    : primitive_(std::move(primitive)),
      implementation_(std::move(implementation)),
      scratchpad_bytes_(scratchpad.get_size()) {
  if (scratchpad_bytes_ > 0) add(DNNL_ARG_SCRATCHPAD, scratchpad);
}

void Primitive::add(int argument, const dnnl::memory::desc& desc) {
  arguments_.emplace(argument, dnnl::memory(desc, engine(), DNNL_MEMORY_NONE));
}

void Primitive::add(int argument, dnnl::memory memory) { arguments_.emplace(argument, std::move(memory)); }

void Primitive::bind(int argument, const void* data) {
  arguments_.at(argument).set_data_handle(const_cast<void*>(data));
}

void Primitive::execute(void* scratchpad) {
  if (scratchpad_bytes_ > 0) bind(DNNL_ARG_SCRATCHPAD, scratchpad);
  primitive_.execute(stream(), arguments_);
}

dnnl::primitive_attr base_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace octavo::onednn
