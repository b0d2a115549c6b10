#include "tensor/tensor_desc.h"

#include <stdexcept>

namespace octavo {

namespace {
struct DTypeInfo {
  DType dtype;
  const char* name;
  size_t size;
};

constexpr DTypeInfo kDTypes[] = {
    {DType::f32, "float32", 4},   {DType::f64, "float64", 8},  {DType::f16, "float16", 2},
    {DType::bf16, "bfloat16", 2}, {DType::u8, "uint8", 1},     {DType::s8, "int8", 1},
    {DType::u16, "uint16", 2},    {DType::s16, "int16", 2},    {DType::s32, "int32", 4},
    {DType::s64, "int64", 8},     {DType::boolean, "bool", 1},
};

const DTypeInfo& info(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }
}  // namespace

DType dtype_from_name(const std::string& name) {
  for (const auto& entry : kDTypes)
    if (name == entry.name) return entry.dtype;
  throw std::invalid_argument("unknown dtype '" + name + "'");
}

const char* dtype_name(DType dtype) { return info(dtype).name; }

size_t dtype_size(DType dtype) { return info(dtype).size; }

int64_t TensorDesc::numel() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

size_t TensorDesc::span_bytes() const {
  if (numel() == 0) return 0;
  int64_t last = 0;
  for (size_t i = 0; i < shape.size(); i++) last += (shape[i] - 1) * strides[i];
  return static_cast<size_t>(last + 1) * dtype_size(dtype);
}

bool TensorDesc::is_contiguous() const {
  // No elements are in any order; their strides have been multiplied with extents of 0, or have not.
  if (numel() == 0) return true;
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

std::string TensorDesc::to_string() const {
  std::string text = std::string(dtype_name(dtype)) + "[";
  for (size_t i = 0; i < shape.size(); i++) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Dims row_major_strides(const Dims& shape) {
  Dims strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * (shape[i] > 0 ? shape[i] : 1);
  return strides;
}

TensorDesc row_major(TensorDesc desc) {
  desc.strides = row_major_strides(desc.shape);
  return desc;
}

TensorDesc channels_last(TensorDesc image) {
  const auto& shape = image.shape;
  image.strides.assign(shape.size(), 1);
  int64_t stride = shape[1];
  for (size_t i = shape.size(); i-- > 2; stride *= shape[i]) image.strides[i] = stride;
  image.strides[0] = stride;
  return image;
}

TensorDesc with_adjacent_channels(const TensorDesc& image) {
  return image.strides[1] == 1 || image.shape[1] == 1 ? image : channels_last(image);
}

}  // namespace octavo
